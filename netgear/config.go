package netgear

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
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

// Config is what a user can set of a Sender or a Receiver. Start from
// DefaultConfig; the zero value has no timeouts and is refused by Validate.
// Each field is one row of Properties, which has its unit, range and default.
type Config struct {
	// Address is a host name, an IPv4 or IPv6 address or, to bind, an
	// interface; with IPC a path. Empty means localhost to connect to and
	// every IPv4 interface to bind to.
	Address string
	// Port is the TCP port, or what follows the path of an IPC endpoint after
	// a colon, as in NetGear. 0 lets the binding end of TCP choose.
	Port     uint
	Protocol Protocol
	Pattern  wire.Pattern
	// Bind has this end bind and the other connect.
	Bind bool

	// RequestTimeout is how long a Sender waits for a confirmation. A Receiver
	// waits three times as long for a frame, as NetGear does.
	RequestTimeout time.Duration
	// MaxRetries is the number of timeouts in a row at which an end gives up;
	// 0 means never. A success starts the count anew.
	MaxRetries int
	// SubscriberTimeout ends a pub-sub Receiver with io.EOF after so long
	// without a frame; 0 means never.
	SubscriberTimeout time.Duration

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

	// TimestampMode is used by the element netgearsrc alone.
	TimestampMode TimestampMode
	// EOSOnTerminate ends a Receiver when the sender says goodbye; otherwise
	// it waits for the next sender.
	EOSOnTerminate bool
	// MaxFrameSize is the largest data part in bytes that a Receiver takes.
	MaxFrameSize uint64
}

// Colorspace is a colour space by NetGear's name for it.
type Colorspace uint8

// colorspaces is in the order of the numbers of Colorspace.
var colorspaces = [...]wire.Colorspace{
	"BGR", "RGB", "GRAY", "RGBX", "BGRX", "XBGR", "XRGB", "RGBA", "BGRA", "ABGR", "ARGB", "CMYK",
}

// Wire returns the name that goes into a header.
func (c Colorspace) Wire() wire.Colorspace { return colorspaces[int(c)%len(colorspaces)] }

// Observer is told what happens beside the frames. Every function may be nil.
// They are called with no lock held: Warning from the goroutine that uses the
// Sender or Receiver, the others from a goroutine that watches the sockets.
// The last call can come a moment after Close has returned.
type Observer struct {
	// Warning is told of what went wrong and is being mended.
	Warning func(err error)
	// Peers is told of a change in the number of connected peers.
	Peers func(n int)
	// PeerAdded and PeerRemoved are told of connections and their ends.
	PeerAdded, PeerRemoved func(endpoint string)
	// Log takes what is of use to somebody who looks for a fault.
	Log *slog.Logger
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
	// ErrAbandoned says that MaxRetries timeouts came in a row.
	ErrAbandoned = errors.New("abandoned")
	// ErrClosed is returned by a Sender or Receiver that is not open.
	ErrClosed = errors.New("netgear: not open")
	// ErrBusy is returned to a second goroutine that uses the same Sender or
	// Receiver at the same time.
	ErrBusy = errors.New("netgear: used by two goroutines at once")
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
		if p.field == nil || p.On&role == 0 || p.Kind == String {
			continue
		}
		if err := p.Set(c, p.Get(c)); err != nil {
			return err
		}
	}
	if c.Protocol == TCP && c.Port == 0 && !c.Bind {
		return fmt.Errorf("netgear: %w: port 0 with bind=false: want the port that the other end binds to", ErrSettings)
	}
	if c.Protocol == IPC && c.Address == "" {
		return fmt.Errorf("netgear: %w: protocol=ipc without an address: want the path of the socket, the same at both ends", ErrSettings)
	}
	if c.Protocol == TCP && strings.ContainsAny(c.Address, "/ ?#@") {
		return fmt.Errorf("netgear: %w: address %q with protocol=tcp: want a host, an address or an interface", ErrSettings, c.Address)
	}
	if c.InFlight > 1 && c.Pattern != wire.Pair {
		return fmt.Errorf("netgear: %w: in-flight=%d with pattern=%s: want pattern=pair, or in-flight=1", ErrSettings, c.InFlight, c.Pattern)
	}
	return nil
}

// host is the address that stands in the endpoint.
func (c *Config) host() string {
	switch {
	case c.Address == "" && c.Bind, c.Address == "0.0.0.0" && c.Bind:
		return "*"
	case c.Address == "", c.Address == "*" && !c.Bind, c.Address == "0.0.0.0":
		return "localhost"
	case c.Address == "localhost" && c.Bind && c.Protocol == TCP:
		return "127.0.0.1" // libzmq resolves no names to bind to
	}
	return c.Address
}

// ipv6 says whether the address is an IPv6 one. Names are looked up as IPv4
// alone: libzmq tries one result, and NetGear's receivers bind IPv4.
func (c *Config) ipv6() bool {
	a, err := netip.ParseAddr(strings.Trim(c.Address, "[]"))
	return c.Protocol == TCP && err == nil && a.Is6()
}

// endpoint returns what is bound or connected to, with port in the place of
// Port, as libzmq spells it.
func (c *Config) endpoint(port uint) string {
	host := c.host()
	if c.ipv6() {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	p := strconv.FormatUint(uint64(port), 10)
	if c.Protocol == TCP && port == 0 {
		p = "*"
	}
	return c.Protocol.String() + "://" + host + ":" + p
}
