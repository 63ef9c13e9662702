// Package wire turns the messages of VidGear's NetGear into bytes and back.
//
// A frame is a ZeroMQ message of two parts: a JSON header ([Header]) and the
// bytes of the picture, which are one JPEG ([ParseJPEG]) or a packed numpy
// array ([Header.Layout]). A terminate message is one part, a header with
// terminate_flag true. In the patterns pair and req-rep every frame is answered
// by a [Reply]. The other end is vidgear/gears/netgear.py of
// https://github.com/abhiTronix/vidgear (the wire is the same from 0.2.5 on).
//
// Python encodes with json.dumps and decodes with json.loads; so does this
// package: it writes what json.dumps writes, byte for byte, and reads what
// json.loads reads, which is a little more than JSON (NaN, Infinity and
// -Infinity, lone surrogates).
//
// The messages of other programs, as imagezmq and LeRobot, are [Foreign] wires;
// [Detect] tells whose a message is.
//
// The package holds no socket, clock, log or goroutine. All its functions may
// be called at the same time on different arguments. Nothing that a peer sends
// sizes an allocation beyond the length of what it sent, and no input panics.
package wire
