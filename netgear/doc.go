// Package netgear sends and receives video frames as VidGear's NetGear does: over
// ZeroMQ, without a broker, with every real NetGear peer at the other end. It imports
// no GStreamer.
//
// A [Sender] sends, and connects unless [Config].Bind says otherwise; NetGear calls it
// the Server. A [Receiver] receives, and binds unless told otherwise; NetGear calls it
// the Client. To use them:
//
//   - take [DefaultConfig], and set the fields of [Config] that differ;
//   - open the end with [NewSender] or [NewReceiver], which wait for nobody;
//   - make frames with [NewRaw] or [NewJPEG], and Send them; or Recv them, and
//     Release their payloads;
//   - Finish a Sender, so that the other end gets io.EOF, and Close both.
//
// An [Observer] hears of peers, warnings and answers. The errors of this package are
// told apart with errors.Is.
//
// Config.Wire has both ends speak the messages of other programs: imagezmq, LeRobot, and
// those that send bare JPEG or arrays.
//
// [Properties] is the table behind Config, for programs that offer all settings to
// their users: the GStreamer elements, and [ParseURI].
package netgear
