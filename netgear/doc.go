// Package netgear moves video frames and data between machines as VidGear's
// NetGear does: over ZeroMQ, without a broker, and with every real NetGear
// peer at the other end. It knows nothing of GStreamer.
//
// A [Sender] sends and by default connects; NetGear calls it the Server. A
// [Receiver] receives and by default binds; NetGear calls it the Client. Both
// are made from a [Config], whose fields are the rows of [Properties].
package netgear
