package netgear

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Role is one of the two ends. NetGear calls the sending end "Server" and the
// receiving end "Client"; its Server connects and its Client binds.
type Role uint8

// The two roles, and both of them for shared settings.
const (
	SenderRole Role = 1 << iota
	ReceiverRole
	BothRoles = SenderRole | ReceiverRole
)

// Protocol is what carries the messages.
type Protocol uint8

// Protocols.
const (
	TCP Protocol = iota
	IPC
)

// String returns the word that endpoints begin with.
func (p Protocol) String() string {
	if p == IPC {
		return "ipc"
	}
	return "tcp"
}

// TimestampMode selects where netgearsrc takes a buffer's time from.
type TimestampMode uint8

// Timestamp modes.
const (
	// ReceiveTime stamps a frame with the running time of its arrival.
	ReceiveTime TimestampMode = iota
	// SenderTime keeps the distances between the sender's timestamps, where the
	// headers have them.
	SenderTime
	// CaptureTime stamps a frame with the running time at which it was taken, where
	// the clocks of the two ends are known.
	CaptureTime
)

// RawFormats selects the raw video that netgearsink takes.
type RawFormats uint8

// Sets of formats.
const (
	// PictureRaw is the formats that every peer takes for a picture.
	PictureRaw RawFormats = iota
	// AnyRaw is all formats for which package wire has an array.
	AnyRaw
)

// RateControl selects what netgearsink does about a slow link.
type RateControl uint8

// Rate controls.
const (
	// NoRateControl leaves the encoder alone.
	NoRateControl RateControl = iota
	// EncoderRateControl has the nearest encoder upstream follow the link.
	EncoderRateControl
)

// Config holds the settings of a Sender or a Receiver. Start from DefaultConfig: the
// zero value has no timeouts, and Validate refuses it. Each field is one row of
// Properties, which has its unit, range and default.
type Config struct {
	// Address is a host name, an IPv4 or IPv6 address, an interface to bind to, or a
	// path with IPC. Empty means localhost to connect to, and every interface, IPv4
	// and IPv6, to bind to.
	Address string
	// Port is the TCP port. With IPC it follows the path after a colon, as in
	// NetGear. With 0 the binding end of TCP takes any free port.
	Port     uint
	Protocol Protocol
	Pattern  wire.Pattern
	// Wire selects whose messages this end speaks. In wire.Auto, which only a
	// Receiver has, the first message of each sender decides.
	Wire wire.Wire
	// Bind makes this end bind and the other end connect.
	Bind bool

	// Ports is the list of ports in the multi modes, with commas: those that a
	// multi-server Receiver binds, or that a multi-client Sender connects to.
	Ports string
	// With MultiServer one Receiver takes frames from several Senders. They send their
	// Port with each frame, or use one Port and send their names where Wire has names.
	// With MultiClient one Sender sends to several Receivers, which send their Port with
	// each answer. Set it at both ends. Not with the pattern pair.
	MultiServer, MultiClient bool
	// With Bidirectional the Receiver answers each frame with data or a frame. Set
	// it at both ends. Not with the pattern pub-sub.
	Bidirectional bool

	// RequestTimeout is how long a Sender waits for a confirmation. A Receiver
	// waits three times as long for a frame, as NetGear does.
	RequestTimeout time.Duration
	// MaxRetries is the number of timeouts in a row after which an end gives up; 0
	// means never. Every success starts the count anew.
	MaxRetries int
	// WaitForConnection selects whether frames wait for an absent receiver. In
	// WaitAuto, Frame.Live decides.
	WaitForConnection WaitMode
	// MaxLag is how long a frame may wait in a pub-sub Receiver before it is skipped
	// for a newer one. With 0 no frame is skipped for its age; the number of waiting
	// frames stays bounded.
	MaxLag time.Duration
	// SubscriberTimeout is how long a pub-sub Receiver waits for a frame before it
	// ends with io.EOF; 0 means for ever.
	SubscriberTimeout time.Duration

	// SecureMode encrypts every connection with CURVE, whose server is the binding
	// end. CertLocation is an existing folder, like NetGear's custom_cert_location;
	// empty means the home folder. The certificates are below it in
	// .vidgear/keys/{public_keys,private_keys}. Where no key exists at all, pairs
	// for both ends are generated.
	SecureMode   SecureMode
	CertLocation string
	// OverwriteCert makes a Sender generate new pairs each time it opens.
	OverwriteCert bool
	// Allow is the list of source addresses and networks, with commas, that may
	// connect to this end; empty means all. This end must bind, with TCP.
	Allow string
	// MaxConnections is how many connections a binding end has at most; further ones
	// are turned away.
	MaxConnections uint

	// SSHTunnel, as user@host or user@host:port, takes a Sender's connection
	// through that SSH server, which looks up Address and connects to it.
	// SSHKeyFile is a private key, SSHPassword its passphrase or, without a key
	// file, the password; empty means the environment variable PasswordVariable.
	// Without all of them, the agent and the user's usual key files are tried.
	// SSHKnownHosts has the server's key; empty means ~/.ssh/known_hosts. A server
	// that is not in it is refused.
	SSHTunnel     string
	SSHPassword   Secret
	SSHKeyFile    string
	SSHKnownHosts string

	// Message is sent with every frame that has no message of its own. Text that is
	// a JSON value is sent as that value, other text as a JSON string, and empty
	// text as null.
	Message string
	// Colorspace, FastDCT and FastUpsample go into the header of a JPEG frame. They
	// tell a NetGear receiver to which pixels, and how, it decodes the JPEG.
	Colorspace   Colorspace
	FastDCT      bool
	FastUpsample bool
	// InFlight is how many unconfirmed frames a pair Sender has before it waits; 0
	// means as many as keep the link busy, and none that would wait for others; 1
	// is NetGear's lockstep.
	InFlight uint
	// Extensions adds the "gst" key to the headers (see package wire).
	Extensions bool

	// ReturnData is the answer to frames in the modes that return data. Its text is
	// read as that of Message.
	ReturnData string
	// Only the elements use PostMessages, TimestampMode and RawFormats.
	PostMessages  bool
	TimestampMode TimestampMode
	// Latency is how late a frame may come with CaptureTime, in ms. Only the elements
	// use it.
	Latency    uint
	RawFormats RawFormats
	// Only the elements use RateControl and its bounds in bit/s. RateControlMin 0 is
	// a twentieth of what the encoder was set to, RateControlMax 0 what it was set to.
	RateControl                    RateControl
	RateControlMin, RateControlMax uint64
	// Caps completes what a sender says of its frames. Only the elements use it.
	Caps string
	// EOSOnTerminate makes the sender's goodbye end a Receiver. Without it the
	// Receiver waits for the next sender.
	EOSOnTerminate bool
	// MaxFrameSize is the size in bytes of the largest data part that a Receiver
	// takes.
	MaxFrameSize uint64
}

// Secret is text that is not shown when it is printed.
type Secret string

// String returns stars in the place of the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString does the same.
func (s Secret) GoString() string { return s.String() }

// LogValue does the same.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Colorspace is the number of a colour space that NetGear knows.
type Colorspace uint8

// colorspaces is in the order of the numbers of Colorspace.
var colorspaces = [...]wire.Colorspace{
	"BGR", "RGB", "GRAY", "RGBX", "BGRX", "XBGR", "XRGB", "RGBA", "BGRA", "ABGR", "ARGB", "CMYK",
}

// Wire returns NetGear's name for it, which goes into a header.
func (c Colorspace) Wire() wire.Colorspace { return colorspaces[int(c)%len(colorspaces)] }

// Observer gets notice of what happens beside the frames. Every function may be nil.
// They are called without a lock held and, unless another goroutine is named, from
// any goroutine. The last call can come a moment after Close has returned.
type Observer struct {
	// Warning is called with a fault that is being repaired, or that whoever reads
	// it must repair. CauseOf distinguishes some of the causes.
	Warning func(err error)
	// Peers is called when the number of connected peers changes.
	Peers func(n int)
	// PeerAdded and PeerRemoved are called when a connection is made and when it
	// ends.
	PeerAdded, PeerRemoved func(endpoint string)
	// PeerRejected is called at the binding end when a connection fails, with the
	// reason.
	PeerRejected func(endpoint, reason string)
	// Reply is called with what a Receiver answered, in bidirectional and
	// multi-client mode, on the goroutine that uses the Sender. The fields of r are
	// valid until it returns. It owns the payload, which holds the array when
	// r.Array.
	Reply func(r *wire.Reply, array Payload)
	// Goodbye is called on the goroutine that uses the Receiver when one sender of
	// several ends, after its last frame. It is not called while EOSOnTerminate is
	// off, because that sender may return.
	Goodbye func(port string)
	// Send calls KeyFrame when encoded video needs a key frame: a receiver has come
	// that lacks the frames that the present one depends on. Send calls it at most
	// once a second, until a key frame was sent.
	KeyFrame func()
	// EstimatedBitrate is called, at most ten times a second, when the estimate in
	// Stats has changed by more than a twentieth; bit/s, 0 means not known. It is
	// called on a goroutine of its own, beside the stream.
	EstimatedBitrate func(bits uint64)
	// Confirmed is called when a frame is confirmed, on the goroutine that uses the
	// Sender. sent is when the socket first got the frame, came when the confirmation
	// was first seen, which may be before that goroutine read it, and bytes the size of
	// the frame's data part.
	Confirmed func(sent, came time.Time, bytes int)
	// Arrived is called where nothing is confirmed, while the encoder follows the link
	// (see Sender.SetSteered), when frames of a live stream have arrived at a Receiver of
	// this package. endpoint is that of the Peer, sent is when the first of so many bytes was
	// written. It is called on a goroutine of that connection, which must not wait. It
	// is not called with CURVE.
	Arrived func(endpoint string, sent time.Time, bytes int)
	// Log gets records that help to find a fault; nil means no log.
	Log *slog.Logger
}

func (o *Observer) logger() *slog.Logger {
	if o.Log != nil {
		return o.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (o *Observer) warn(err error) {
	if o.Warning != nil {
		o.Warning(err)
	}
}

// Errors to compare with errors.Is. Errors in single messages wrap those of package
// wire.
var (
	// ErrSettings marks settings that contradict each other or cannot work.
	ErrSettings = errors.New("settings")
	// ErrInUse means that another program or end has the address to bind to.
	ErrInUse = errors.New("address in use")
	// ErrNoAddress means that this machine does not have the address to bind to.
	ErrNoAddress = errors.New("no such address on this machine")
	// ErrOpen marks any other failure to set up the sockets.
	ErrOpen = errors.New("cannot open")
	// ErrNoReply is the warning about one timeout of a Sender.
	ErrNoReply = errors.New("no confirmation")
	// ErrNoFrame is the warning about one timeout of a Receiver.
	ErrNoFrame = errors.New("no frame")
	// ErrPeerLost is the warning about a connection that ended with a frame on its
	// way.
	ErrPeerLost = errors.New("connection lost")
	// ErrNoPeer is the warning about a pub-sub Sender without a receiver.
	ErrNoPeer = errors.New("no receiver")
	// ErrRefused is the warning of an end that refused a peer, or that a peer
	// refused after it had let it in before.
	ErrRefused = errors.New("refused")
	// ErrAbandoned means that MaxRetries timeouts came in a row.
	ErrAbandoned = errors.New("abandoned")
	// ErrClosed is returned by a Sender or Receiver that is not open.
	ErrClosed = errors.New("netgear: not open")
	// ErrBusy is returned to a goroutine that uses a Sender or Receiver while
	// another one does.
	ErrBusy = errors.New("netgear: used by two goroutines at once")
	// ErrUnauthorized means that the other end refuses this end, or is not the end
	// that it should be. There is no retry.
	ErrUnauthorized = errors.New("not authorized")
	// ErrTunnel marks a failure of the SSH tunnel.
	ErrTunnel = errors.New("ssh tunnel")
	// ErrIntruder is the warning about a message that came over another connection
	// than its sender's.
	ErrIntruder = errors.New("another sender")
	// ErrTransport marks an error that libzmq should never return.
	ErrTransport = errors.New("transport failed")
)

// DefaultConfig returns the defaults of a role, which Properties has.
func DefaultConfig(role Role) Config {
	var cfg Config
	for i := range Properties {
		p := &Properties[i]
		if p.field == nil || p.On&role == 0 || p.show != nil {
			continue
		}
		if err := p.Parse(&cfg, p.DefaultText(role)); err != nil {
			panic(fmt.Sprintf("netgear: default of %s: %v", p.Name, err)) // a fault of the table, found by any test
		}
	}
	return cfg
}

// Validate checks each setting, and all of them together. Errors wrap ErrSettings.
func (c *Config) Validate(role Role) error {
	if err := c.checkEach(role); err != nil {
		return err
	}
	if c.Protocol == TCP && c.Port == 0 && !c.Bind && !c.manyPorts(role) {
		return fmt.Errorf("netgear: %w: port 0 with bind=false: want the port that the other end binds to", ErrSettings)
	}
	if c.Protocol == IPC && c.Address == "" {
		return fmt.Errorf("netgear: %w: protocol=ipc without an address: want the path of the socket, the same at both ends", ErrSettings)
	}
	if err := c.checkAddress(); err != nil {
		return err
	}
	if err := c.checkWire(role); err != nil {
		return err
	}
	if err := c.checkTogether(role); err != nil {
		return err
	}
	if _, err := c.ports(role); err != nil {
		return err
	}
	if _, err := parseAllow(c.Allow); err != nil {
		return err
	}
	if c.SSHTunnel != "" {
		if _, err := parseSSHServer(c.SSHTunnel); err != nil {
			return err
		}
	}
	if c.InFlight > 1 && c.Pattern != wire.Pair {
		return fmt.Errorf("netgear: %w: in-flight=%d with pattern=%s: want pattern=pair, or in-flight=1", ErrSettings, c.InFlight, c.Pattern)
	}
	return nil
}

// checkEach checks each setting by its own row of Properties.
func (c *Config) checkEach(role Role) error {
	for i := range Properties {
		p := &Properties[i]
		switch {
		case p.field == nil:
			continue
		case p.On&role == 0:
			if !p.isUnset(c) {
				return fmt.Errorf("netgear: %w: %s is set, which only the other end has: want it there", ErrSettings, p.Name)
			}
		case p.Kind != String && p.Kind != Caps || p.JSON:
			if err := p.Set(c, p.Get(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTogether returns an error for settings that contradict each other.
func (c *Config) checkTogether(role Role) error {
	tunnel := c.SSHTunnel != "" // checkEach lets only a Sender have one
	for _, r := range []struct {
		bad  bool
		text string
	}{
		{c.MultiServer && c.MultiClient, "multiserver-mode=true with multiclient-mode=true: want one of them at the most"},
		{c.MultiServer && c.Pattern == wire.Pair, "multiserver-mode=true with pattern=pair: want pattern=req-rep or pub-sub"},
		{c.MultiClient && c.Pattern == wire.Pair, "multiclient-mode=true with pattern=pair: want pattern=req-rep or pub-sub"},
		{c.Bidirectional && c.Pattern == wire.PubSub, "bidirectional-mode=true with pattern=pub-sub: want pattern=pair or req-rep"},
		{c.MultiServer && role == ReceiverRole && c.Ports == "" && !c.namedSenders(role), "multiserver-mode=true without ports: want ports=5566,5567 or the like"},
		{c.MultiClient && role == SenderRole && c.Ports == "", "multiclient-mode=true without ports: want ports=5566,5567 or the like"},
		{c.Ports != "" && !c.manyPorts(role), fmt.Sprintf("ports=%q without multiserver-mode (of a source) or multiclient-mode (of a sink): want port", c.Ports)},
		{(c.MultiServer || c.MultiClient) && c.Port == 0 && !c.manyPorts(role) && !c.Wire.Named(), "port 0 in a mode in which the port is the peer's name: want the port"},
		{c.Allow != "" && !c.Bind, fmt.Sprintf("allow=%q with bind=false: want it at the end that binds", c.Allow)},
		{c.Allow != "" && c.Protocol == IPC, fmt.Sprintf("allow=%q with protocol=ipc, which has no addresses: want the folder's permissions for that", c.Allow)},
		{tunnel && c.MultiServer, "ssh-tunnel-mode with multiserver-mode=true: want one of them at the most"},
		{tunnel && c.MultiClient, "ssh-tunnel-mode with multiclient-mode=true: want one of them at the most"},
		{tunnel && c.Bind, "ssh-tunnel-mode with bind=true: want bind=false, a tunnel is for the end that connects"},
		{tunnel && c.Protocol == IPC, "ssh-tunnel-mode with protocol=ipc: want protocol=tcp"},
	} {
		if r.bad {
			return fmt.Errorf("netgear: %w: %s", ErrSettings, r.text)
		}
	}
	return nil
}

// host returns the address in the endpoint.
func (c *Config) host() string {
	switch {
	case c.Address == "" && c.Bind:
		return anyAddress
	case c.Bind && c.Address == "0.0.0.0":
		return c.Address // IPv4 alone
	case c.Address == "", c.Address == anyAddress && !c.Bind, c.Address == "0.0.0.0":
		return "localhost"
	case isLocalhost(c.Address) && c.Bind && c.Protocol == TCP:
		return "127.0.0.1" // names are not looked up to bind to
	}
	return c.Address
}

// anyAddress binds every interface, for IPv6 and IPv4, or for IPv4 alone where the
// machine has no IPv6.
const anyAddress = "*"

// literal returns Address where it is an IP address, with or without brackets;
// otherwise the zero Addr.
func (c *Config) literal() netip.Addr {
	text := c.Address
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			text = inner
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// manyPorts reports whether this end has several ports.
func (c *Config) manyPorts(role Role) bool {
	return c.MultiServer && role == ReceiverRole && !c.namedSenders(role) || c.MultiClient && role == SenderRole
}

// ports returns the ports to bind or to connect to.
func (c *Config) ports(role Role) ([]uint, error) {
	if !c.manyPorts(role) {
		return []uint{c.Port}, nil
	}
	var ports []uint
	for text := range strings.SplitSeq(c.Ports, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("netgear: %w: ports %q: %q: want numbers from 1 to %d with commas", ErrSettings, c.Ports, text, maxPort)
		}
		if slices.Contains(ports, uint(n)) {
			return nil, fmt.Errorf("netgear: %w: ports %q: %d twice: want each once", ErrSettings, c.Ports, n)
		}
		ports = append(ports, uint(n))
	}
	return ports, nil
}

// answers reports whether replies carry data.
func (c *Config) answers() bool {
	return (c.Bidirectional || c.MultiClient) && patternRows[c.Pattern].confirmed
}

// endpoint returns what is bound or connected to, with port in the place of Port, in
// libzmq's spelling.
func (c *Config) endpoint(port uint) string {
	host := c.host()
	if c.Protocol == TCP && c.literal().Is6() {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	p := strconv.FormatUint(uint64(port), 10)
	if c.Protocol == TCP && port == 0 {
		p = "*"
	}
	return c.Protocol.String() + "://" + host + ":" + p
}
