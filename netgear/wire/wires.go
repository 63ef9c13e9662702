package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// Wire says whose messages an end speaks. Every program that sends camera frames over
// ZeroMQ has messages of its own.
type Wire uint8

// The wires that this package speaks.
const (
	Auto     Wire = iota // a receiver goes by the first message of each sender; see Detect
	NetGear              // VidGear's NetGear: ParseHeader, AppendHeader
	ImageZMQ             // imagezmq's ImageSender and ImageHub
	JPEG                 // one JPEG and nothing else, or a topic and a JPEG
	LeRobot              // LeRobot's ZMQCamera and, on receipt, its LeKiwi robot
	Array                // send_array and recv_array, as pyzmq's documentation has them
)

// Foreign is a wire that is not NetGear's. All of them have this in common:
//
//   - the answer in pattern req-rep is one part of any content, and Answer is ours
//   - nothing marks the end of a stream
//   - there is no key "gst", and so no encoded video
//
// NetGear's own wire has no Foreign. It has an end, answers that carry data and
// messages that are decoded without any allocation, and none of that fits here.
type Foreign interface {
	// Parse appends the pictures of a message to dst, which a caller keeps and reuses
	// as a Header is reused. There is at least one part. What it appends points into
	// the parts. The error wraps ErrMalformed. Most messages have one picture; a
	// message without any is no error.
	Parse(dst []Picture, parts [][]byte) ([]Picture, error)
	// Carries returns nil, or why a frame with that header cannot be sent. The error
	// wraps ErrUnsupported.
	Carries(h *Header) error
	// Append appends the part that Form says to dst. Carries must have returned nil,
	// and h.Message must be a ValidValue.
	Append(dst []byte, h *Header, data []byte) []byte
	// Form returns the parts of a frame's message.
	Form() Form
	// Named reports whether a message names its sender. The name is in Header.Port on
	// receipt, and made of Header.Message when sending.
	Named() bool
}

// Form is which parts a frame's message has.
type Form uint8

// Forms.
const (
	HeadAndData Form = iota // what Append makes, and the data
	DataAlone               // the data; Append makes nothing
	HeadAlone               // what Append makes, which has the data inside
)

// Answer is what a receiver answers to a frame of a Foreign wire, in pattern req-rep.
// Senders accept any text; this one is imagezmq's.
const Answer = "OK"

// Limits of the messages that have several pictures.
const (
	MaxCameras = 32
	// maxCamerasLen is the longest message with the pictures inside, in bytes.
	maxCamerasLen = 64 << 20
)

// Naming is what Header.Port names.
type Naming uint8

// Namings.
const (
	ByPort   Naming = iota // NetGear: the port that the sender uses
	BySender               // the sender, by any name
	ByCamera               // one of the cameras of a sender, by any name
)

// Picture is one frame in a message of a Foreign wire.
type Picture struct {
	Header Header
	// Part is the number of the part that is the frame's data. It is negative when
	// Base64 has the data as text, for DecodeBase64.
	Part   int
	Base64 []byte

	name Raw // of the camera in Header.Port; not changed once it is made
}

// foreign is in the order of the constants of Wire.
var foreign = [...]Foreign{
	ImageZMQ: imageZMQ{},
	JPEG:     bareJPEG{},
	LeRobot:  leRobot{},
	Array:    sendArray{},
}

// Foreign returns how to speak w, or nil for Auto and NetGear.
func (w Wire) Foreign() Foreign {
	if int(w) >= len(foreign) {
		return nil
	}
	return foreign[w]
}

// Named reports whether the messages of w name their sender by any text.
func (w Wire) Named() bool {
	f := w.Foreign()
	return f != nil && f.Named()
}

// Detect returns whose message this is, as far as its form says. It returns Auto for
// a message that is nobody's. NetGear's header is told by the keys that no other has;
// whether it makes sense, ParseHeader says.
func Detect(parts [][]byte) Wire {
	if len(parts) == 1 && isJPEG(parts[0]) {
		return JPEG
	}
	has, ok := keysOf(parts[0])
	switch {
	case has&(keyTerminate|keyCompression|keyPattern) != 0:
		return NetGear
	case ok && len(parts) == 2 && has&keyMsg != 0:
		return ImageZMQ
	case ok && len(parts) == 2 && has&(keyDType|keyShape) == keyDType|keyShape:
		return Array
	case ok && len(parts) == 1 && has&keyImages != 0, ok && has&keyCams != 0:
		return LeRobot
	case len(parts) == 2 && isJPEG(parts[1]):
		return JPEG
	}
	return Auto
}

// Keys of headers by which Detect knows whose they are.
const (
	keyTerminate = 1 << iota
	keyCompression
	keyPattern
	keyMsg
	keyDType
	keyShape
	keyImages
	keyCams
)

var detectKeys = map[string]int{
	"terminate_flag": keyTerminate, "compression": keyCompression, "pattern": keyPattern,
	"msg": keyMsg, "dtype": keyDType, "shape": keyShape, "images": keyImages, "_cams": keyCams,
}

// keysOf returns which of detectKeys a JSON object has. ok is false when it is no such
// object, or not a whole one.
func keysOf(b []byte) (has int, ok bool) {
	err := members("header", b, func(key, _ []byte) { has |= detectKeys[string(key)] })
	return has, err == nil
}

// members calls f with each key of a JSON object, decoded, and its value. The object
// may have any length, unlike a header of NetGear's.
func members(what string, b []byte, f func(key, val []byte)) error {
	s := scanner{what: what, b: b}
	if len(b) > maxCamerasLen {
		return malformed(what, "%d bytes, want at most %d", len(b), maxCamerasLen)
	}
	if !utf8.Valid(b) {
		return malformed(what, "want UTF-8, got %s", shorten(b))
	}
	if err := s.members(f); err != nil {
		return err
	}
	return s.end()
}

func isJPEG(b []byte) bool { return len(b) > 2 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff }

// next makes room for one more picture behind dst. It keeps the texts of the picture
// that was there, for reuse: name belongs to Header.Port as it is then.
func next(dst []Picture) ([]Picture, *Picture) {
	if len(dst) < cap(dst) {
		dst = dst[:len(dst)+1]
	} else {
		dst = append(dst, Picture{})
	}
	p := &dst[len(dst)-1]
	p.Header = Header{Port: p.Header.Port, DType: p.Header.DType, Shape: noShape}
	p.Part, p.Base64 = 0, nil
	return dst, p
}

// setJPEG makes the header that of a JPEG.
func (h *Header) setJPEG() {
	h.Compressed, h.DType = true, ""
	h.JPEG = JPEGOptions{FastDCT: true, Colorspace: ColorspaceBGR}
}

// notEncoded returns an error for encoded video, which needs the key "gst".
func notEncoded(whose string, h *Header) error {
	if h.Ext.Delta || !h.Compressed && h.Shape.N == 1 && h.Ext.Caps != "" {
		return fmt.Errorf("wire: encoded video: %s messages cannot carry it, want JPEG or raw video: %w", whose, ErrUnsupported)
	}
	return nil
}

// nameFrom returns the name that a value stands for: the text of a JSON string, nothing
// for null, and any other value as its text. It has no control characters, which C would
// end at or a terminal obey, and at most MaxPortLen bytes.
func nameFrom(value []byte, old string) string {
	if value == nil || isNull(value) {
		return ""
	}
	text := value
	if isString(value) {
		text = unquote(value)
	} else if len(value) <= MaxPortLen {
		text = compact(value)
	}
	if string(text) == old {
		return old
	}
	if len(text) > MaxPortLen {
		text = text[:MaxPortLen]
		for !utf8.Valid(text) { // the value is valid as a whole: it is the last rune that was cut
			text = text[:len(text)-1]
		}
	}
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, text))
}

// Base64Len returns how many bytes the text stands for.
func Base64Len(text []byte) int {
	n := len(text)
	for n > 0 && text[n-1] == '=' {
		n--
	}
	return n * 6 / 8
}

// DecodeBase64 decodes text into dst, which has Base64Len bytes. The error wraps
// ErrMalformed.
func DecodeBase64(dst, text []byte) error {
	// Line breaks, which Go's decoder skips, would make Base64Len wrong.
	if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
		return malformed("base64", "byte %d: want no line break", i)
	}
	if len(text)%4 != 0 {
		return malformed("base64", "%d characters: want a multiple of 4", len(text))
	}
	// The last group may be longer in the decoder's eyes than what it stands for.
	whole := max(0, len(text)-4)
	n, err := base64.StdEncoding.Decode(dst[:whole/4*3], text[:whole])
	if err != nil || n != whole/4*3 {
		return malformed("base64", "%v", err)
	}
	var tail [3]byte
	if n, err = base64.StdEncoding.Decode(tail[:], text[whole:]); err != nil {
		return malformed("base64", "%v", err)
	}
	if copy(dst[whole/4*3:], tail[:n]) != n || whole/4*3+n != len(dst) {
		return malformed("base64", "%d bytes: want %d", whole/4*3+n, len(dst))
	}
	return nil
}
