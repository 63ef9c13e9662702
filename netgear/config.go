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

// Role tells the two ends apart. NetGear calls the sending end "Server" and
// the receiving end "Client"; its Server connects and its Client binds.
type Role uint8

// The two roles, and both of them for settings that they share.
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

// TimestampMode says where netgearsrc takes a buffer's time from.
type TimestampMode uint8

// Timestamp modes.
const (
	// ReceiveTime stamps a frame with the running time at which it arrived.
	ReceiveTime TimestampMode = iota
	// SenderTime keeps the distances between the sender's timestamps, when the
	// wire carries them.
	SenderTime
)

// RawFormats says which raw video netgearsink takes.
type RawFormats uint8

// Sets of formats.
const (
	// PictureRaw are those that every peer takes for a picture.
	PictureRaw RawFormats = iota
	// AnyRaw are all that package wire has an array for.
	AnyRaw
)

// Config is what a user can set of a Sender or a Receiver. Start from
// DefaultConfig; the zero value has no timeouts and is refused by Validate.
// Each field is one row of Properties, which has its unit, range and default.
type Config struct {
	// Address is a host name, an IPv4 or IPv6 address or, to bind, an
	// interface; with IPC a path. Empty means localhost to connect to and
	// every interface, IPv4 and IPv6, to bind to.
	Address string
	// Port is the TCP port, or what follows the path of an IPC endpoint after
	// a colon, as in NetGear. 0 lets the binding end of TCP choose.
	Port     uint
	Protocol Protocol
	Pattern  wire.Pattern
	// Bind has this end bind and the other connect.
	Bind bool

	// Ports are the ports of the multi modes, with commas: those that a
	// multi-server Receiver binds, or that a multi-client Sender connects to.
	Ports string
	// MultiServer has one Receiver take frames from several Senders, which say
	// their Port with each frame; MultiClient has one Sender send to several
	// Receivers, which say their Port with each answer. Both ends must know.
	// Not with the pattern pair.
	MultiServer, MultiClient bool
	// Bidirectional has the Receiver answer each frame with data or a frame of
	// its own. Both ends must know. Not with the pattern pub-sub.
	Bidirectional bool

	// RequestTimeout is how long a Sender waits for a confirmation. A Receiver
	// waits three times as long for a frame, as NetGear does.
	RequestTimeout time.Duration
	// MaxRetries is the number of timeouts in a row at which an end gives up;
	// 0 means never. A success starts the count anew.
	MaxRetries int
	// WaitForConnection says whether frames wait for a receiver that is not there.
	// In WaitAuto, Frame.Live decides.
	WaitForConnection WaitMode
	// MaxLag is how long a frame may wait in a pub-sub Receiver before it is passed
	// over when a newer one is there; 0 passes over none, up to the bound of what
	// may wait.
	MaxLag time.Duration
	// SubscriberTimeout ends a pub-sub Receiver with io.EOF after so long
	// without a frame; 0 means never.
	SubscriberTimeout time.Duration

	// SecureMode encrypts every connection with CURVE; the end that binds is
	// the server of it. CertLocation is an existing folder, below which
	// .vidgear/keys/{public_keys,private_keys} hold the certificates, as
	// NetGear's custom_cert_location; empty means the home folder. Where there
	// is no key at all, pairs for both ends are generated.
	SecureMode   SecureMode
	CertLocation string
	// OverwriteCert has a Sender generate new pairs each time it opens.
	OverwriteCert bool
	// Allow are the source addresses and networks, with commas, that may
	// connect to this end, which must bind with TCP; empty means all.
	Allow string
	// MaxConnections is how many connections an end that binds has at once; further
	// ones are turned away.
	MaxConnections uint

	// SSHTunnel, as user@host or user@host:port, takes a Sender's connection
	// through that SSH server, which looks up Address and connects to it.
	// SSHKeyFile is a private key, SSHPassword its passphrase or, without a key
	// file, the password; empty means that of the environment's PasswordVariable.
	// Without all of them, the agent and the user's usual key files are tried.
	// SSHKnownHosts has the server's key; empty means ~/.ssh/known_hosts. A server
	// that is not in it is refused.
	SSHTunnel     string
	SSHPassword   Secret
	SSHKeyFile    string
	SSHKnownHosts string

	// Message is sent with every frame that brings none of its own: text that
	// is a JSON value as that value, any other text as a JSON string, the
	// empty text as null.
	Message string
	// Colorspace, FastDCT and FastUpsample go into the header of a JPEG frame:
	// what a NetGear receiver decodes to and how.
	Colorspace   Colorspace
	FastDCT      bool
	FastUpsample bool
	// InFlight is the number of frames that a pair Sender has unconfirmed
	// before it waits; 1 is NetGear's lockstep.
	InFlight uint
	// Extensions adds the "gst" key to the headers (see package wire).
	Extensions bool

	// ReturnData answers frames, in the modes in which data go back: text as
	// Message.
	ReturnData string
	// PostMessages, TimestampMode and RawFormats are used by the elements alone.
	PostMessages  bool
	TimestampMode TimestampMode
	RawFormats    RawFormats
	// Caps are those that the element completes a sender's frames by.
	Caps string
	// EOSOnTerminate ends a Receiver when the sender says goodbye; otherwise
	// it waits for the next sender.
	EOSOnTerminate bool
	// MaxFrameSize is the largest data part in bytes that a Receiver takes.
	MaxFrameSize uint64
}

// Secret is text that does not show when it is printed.
type Secret string

// String returns no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString returns none either.
func (s Secret) GoString() string { return s.String() }

// LogValue returns none either.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Colorspace is a colour space by NetGear's name for it.
type Colorspace uint8

// colorspaces is in the order of the numbers of Colorspace.
var colorspaces = [...]wire.Colorspace{
	"BGR", "RGB", "GRAY", "RGBX", "BGRX", "XBGR", "XRGB", "RGBA", "BGRA", "ABGR", "ARGB", "CMYK",
}

// Wire returns the name that goes into a header.
func (c Colorspace) Wire() wire.Colorspace { return colorspaces[int(c)%len(colorspaces)] }

// Observer hears what happens beside the frames. Every function may be nil. They
// are called with no lock held, and where nothing else is said from any
// goroutine. The last call can come a moment after Close has returned.
type Observer struct {
	// Warning is called with what went wrong and is being mended, or is to be
	// mended by whoever reads it. CauseOf tells some of the causes apart.
	Warning func(err error)
	// Peers is told of a change in the number of connected peers.
	Peers func(n int)
	// PeerAdded and PeerRemoved are told of connections and their ends.
	PeerAdded, PeerRemoved func(endpoint string)
	// PeerRejected is told of connections to the end that binds which came to
	// nothing, and why.
	PeerRejected func(endpoint, reason string)
	// Reply is told of what a Receiver answered, in bidirectional and
	// multi-client mode, from the goroutine that uses the Sender. The fields of
	// r are valid until it returns; it owns the payload, which holds the array
	// when r.Array.
	Reply func(r *wire.Reply, array Payload)
	// Goodbye is told that one of the senders of a multi-server Receiver has
	// ended, after its last frame and from the goroutine that uses the Receiver;
	// not without EOSOnTerminate, when it may come back.
	Goodbye func(port string)
	// KeyFrame is told, by Send, that a key frame is needed of encoded video: a
	// receiver has come that lacks what the frame at hand builds upon. It is told
	// once a second at the most, and again until one was sent.
	KeyFrame func()
	// Log takes what is of use to somebody who looks for a fault.
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

// Errors that callers tell apart with errors.Is. Errors of single messages
// wrap those of package wire.
var (
	// ErrSettings marks settings that contradict each other or cannot work.
	ErrSettings = errors.New("settings")
	// ErrInUse says that somebody else has the address to bind to.
	ErrInUse = errors.New("address in use")
	// ErrNoAddress says that the address to bind to is not one of this machine.
	ErrNoAddress = errors.New("no such address on this machine")
	// ErrOpen marks any other failure to set up the sockets.
	ErrOpen = errors.New("cannot open")
	// ErrNoReply is the warning of one timeout of a Sender.
	ErrNoReply = errors.New("no confirmation")
	// ErrNoFrame is the warning of one timeout of a Receiver.
	ErrNoFrame = errors.New("no frame")
	// ErrPeerLost is the warning of a connection that ended under a frame.
	ErrPeerLost = errors.New("connection lost")
	// ErrNoPeer is the warning of a pub-sub Sender that has no receiver.
	ErrNoPeer = errors.New("no receiver")
	// ErrRefused is the warning of an end that let somebody not in, or was not let
	// in again where it had been before.
	ErrRefused = errors.New("refused")
	// ErrAbandoned says that MaxRetries timeouts came in a row.
	ErrAbandoned = errors.New("abandoned")
	// ErrClosed is returned by a Sender or Receiver that is not open.
	ErrClosed = errors.New("netgear: not open")
	// ErrBusy is returned to a second goroutine that uses the same Sender or
	// Receiver at the same time.
	ErrBusy = errors.New("netgear: used by two goroutines at once")
	// ErrUnauthorized says that the other end does not let this end in, or
	// that it is not the one it should be; there is no retry.
	ErrUnauthorized = errors.New("not authorized")
	// ErrTunnel marks a failure of the SSH tunnel.
	ErrTunnel = errors.New("ssh tunnel")
	// ErrIntruder is the warning about a message that came over another connection
	// than the one that its sender uses.
	ErrIntruder = errors.New("another sender")
	// ErrTransport marks what libzmq should never answer.
	ErrTransport = errors.New("transport failed")
)

// DefaultConfig returns the defaults of a role, as Properties has them.
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

// Validate checks what no single setting can know. Errors wrap ErrSettings.
func (c *Config) Validate(role Role) error {
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
	if c.Protocol == TCP && c.Port == 0 && !c.Bind && !c.manyPorts(role) {
		return fmt.Errorf("netgear: %w: port 0 with bind=false: want the port that the other end binds to", ErrSettings)
	}
	if c.Protocol == IPC && c.Address == "" {
		return fmt.Errorf("netgear: %w: protocol=ipc without an address: want the path of the socket, the same at both ends", ErrSettings)
	}
	if err := c.checkAddress(); err != nil {
		return err
	}
	tunnel := c.SSHTunnel != "" && role == SenderRole
	for _, r := range []struct {
		bad  bool
		text string
	}{
		{c.MultiServer && c.MultiClient, "multiserver-mode=true with multiclient-mode=true: want one of them at the most"},
		{c.MultiServer && c.Pattern == wire.Pair, "multiserver-mode=true with pattern=pair: want pattern=req-rep or pub-sub"},
		{c.MultiClient && c.Pattern == wire.Pair, "multiclient-mode=true with pattern=pair: want pattern=req-rep or pub-sub"},
		{c.Bidirectional && c.Pattern == wire.PubSub, "bidirectional-mode=true with pattern=pub-sub: want pattern=pair or req-rep"},
		{c.MultiServer && role == ReceiverRole && c.Ports == "", "multiserver-mode=true without ports: want ports=5566,5567 or the like"},
		{c.MultiClient && role == SenderRole && c.Ports == "", "multiclient-mode=true without ports: want ports=5566,5567 or the like"},
		{c.Ports != "" && !c.manyPorts(role), fmt.Sprintf("ports=%q without multiserver-mode (of a source) or multiclient-mode (of a sink): want port", c.Ports)},
		{(c.MultiServer || c.MultiClient) && c.Port == 0 && !c.manyPorts(role), "port 0 in a mode in which the port is the peer's name: want the port"},
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
	if _, err := c.ports(role); err != nil {
		return err
	}
	if _, err := parseAllow(c.Allow); err != nil {
		return err
	}
	if tunnel {
		if _, err := parseSSHServer(c.SSHTunnel); err != nil {
			return err
		}
	}
	if c.InFlight > 1 && c.Pattern != wire.Pair {
		return fmt.Errorf("netgear: %w: in-flight=%d with pattern=%s: want pattern=pair, or in-flight=1", ErrSettings, c.InFlight, c.Pattern)
	}
	return nil
}

// host is the address that stands in the endpoint.
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

// anyAddress is every interface to bind to, those of IPv6 and of IPv4; those of
// IPv4 alone where the machine has no IPv6.
const anyAddress = "*"

// literal returns Address where it is an IP address, with or without brackets,
// else the zero Addr.
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

// manyPorts says whether this end has several ports.
func (c *Config) manyPorts(role Role) bool {
	return c.MultiServer && role == ReceiverRole || c.MultiClient && role == SenderRole
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

// answers says whether replies carry data.
func (c *Config) answers() bool {
	return (c.Bidirectional || c.MultiClient) && patternRows[c.Pattern].confirmed
}

// endpoint returns what is bound or connected to, with port in the place of
// Port, as libzmq spells it.
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
