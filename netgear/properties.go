package netgear

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/window"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Kind is the type of a setting.
type Kind uint8

// Kinds, each with the Go type that Get returns and Set takes.
const (
	String    Kind = iota // string
	Uint                  // uint64, a guint
	Int                   // int64, a gint
	Uint64                // uint64
	Bool                  // bool
	Seconds               // float64, a gdouble
	Choice                // int64, a GEnum
	Structure             // a GstStructure, read-only
	Caps                  // string, a GstCaps
)

// When is the states in which a setting can change.
type When uint8

// Ready is NULL or READY, Playing is any state, and Never marks a read-only setting.
const (
	Ready When = iota
	Playing
	Never
)

// Enum is a set of named values.
type Enum struct {
	Type   string // the GType
	Values []EnumValue
}

// EnumValue is one value; its number is its index.
type EnumValue struct{ Nick, Name string }

// Property is one setting, and the only place where it exists. The GObject
// properties, the URI keys, the defaults, the checks and docs/properties.md are all
// made from it.
type Property struct {
	Name, Nick string
	Blurb      string // with the unit and what the special values mean
	On         Role
	Kind       Kind
	When       When
	// Default is what a user would write. DefaultReceiver applies to the receiving
	// end where the two differ.
	Default, DefaultReceiver string
	Min, Max                 float64 // of the numeric kinds
	Enum                     *Enum   // of Choice
	// NetGear is NetGear's name for the option, or "" when NetGear does not have it.
	NetGear string
	// NotInURI keeps a setting out of the URI.
	NotInURI bool
	// JSON marks text that is sent as a JSON value, whose length is limited.
	JSON bool
	// Secret settings can be written but not read.
	Secret bool

	// field returns a pointer to the field, or an enumRef. It is nil where the
	// element itself knows the value.
	field func(*Config) any
	// show replaces what Get reads from the field, for a default that depends on
	// other settings. The field then has its zero value.
	show func(*Config) any
}

// Enums of the table.
var (
	protocolEnum = &Enum{"GstNetgearProtocol", []EnumValue{{"tcp", "TCP"}, {"ipc", "Unix domain socket"}}}
	patternEnum  = &Enum{"GstNetgearPattern", []EnumValue{
		{"pair", "ZeroMQ PAIR: one sender, one receiver, each frame confirmed"},
		{"req-rep", "ZeroMQ REQ/REP: each frame confirmed"},
		{"pub-sub", "ZeroMQ PUB/SUB: any number of receivers, nothing confirmed"},
	}}
	timestampModeEnum = &Enum{"GstNetgearTimestampMode", []EnumValue{
		{"receive-time", "Running time at which the frame arrived"},
		{"sender", "Spacing of the sender's timestamps, where the wire has them"},
		{"capture", "Running time at which the picture was taken, where the clocks of the two ends were compared (pair, req-rep)"},
	}}
	rawFormatsEnum = &Enum{"GstNetgearRawFormats", []EnumValue{
		{"picture", "What every Python peer takes for a picture: BGR, RGB, gray and formats of four channels"},
		{"any", "These, and YUV and Bayer as the arrays that OpenCV knows"},
	}}
	rateControlEnum = &Enum{"GstNetgearRateControl", []EnumValue{
		{"none", "The encoder is left alone"},
		{"encoder", "The bitrate or quality of the nearest encoder upstream follows the link"},
	}}
	secureModeEnum = &Enum{"GstNetgearSecureMode", []EnumValue{
		{"grasslands", "No encryption, everybody may connect"},
		{"stonehouse", "Encryption; whoever has the server's public key may connect"},
		{"ironhouse", "Encryption; whoever has the server's public key and one of the known secret keys may connect"},
	}}
	wireEnum = &Enum{"GstNetgearWire", []EnumValue{
		{"auto", "That of the first message of each sender; only for a source"},
		{"netgear", "VidGear's NetGear"},
		{"imagezmq", "imagezmq's ImageSender and ImageHub, each sender with a name"},
		{"jpeg", "A JPEG and nothing else, as Unitree's teleimager sends"},
		{"lerobot", "LeRobot's ZMQCamera"},
		{"array", "send_array of pyzmq's documentation"},
	}}
	waitModeEnum = &Enum{Type: "GstNetgearWaitMode", Values: []EnumValue{
		{"false", "Frames of any stream give way to newer ones"},
		{"true", "Frames wait for ever"},
		{"auto", "A live stream waits for a second after its receiver went away or fell silent, any other for ever"},
	}}
	colorspaceEnum = func() *Enum {
		e := &Enum{Type: "GstNetgearColorspace"}
		for _, c := range colorspaces {
			e.Values = append(e.Values, EnumValue{strings.ToLower(string(c)), string(c)})
		}
		return e
	}()
)

// Limits of the table.
const (
	minTimeout = 0.05 // s; less than a round trip over a slow network would only cause reconnects
	maxTimeout = 3600 // s
	maxPort    = math.MaxUint16
	maxLatency = 60_000 // ms; no picture is older
	// maxInFlight is also how many frames back a Receiver recognises a frame that is
	// sent again.
	maxInFlight = window.Most
	maxRate     = 1e12 // bit/s; far more than any encoder makes
)

// Properties is the table of all settings, in the order of docs/properties.md, which has
// the rows for readers.
var Properties = properties

var properties = []Property{
	{
		Name: "uri", Nick: "URI", Kind: String, On: BothRoles, NotInURI: true,
		Blurb: "Address and settings in one: netgear://host:port?key=value&… or netgear+ipc:///path?…",
	},
	{
		Name: "address", Nick: "Address", Kind: String, On: BothRoles, NetGear: "address",
		Default: "localhost", DefaultReceiver: "*",
		Blurb: "Host, IPv4 or IPv6 address to connect to (unset = localhost); own address or interface to bind to (unset or * = all, IPv4 and IPv6; 0.0.0.0 = IPv4 alone; localhost = for this machine alone); with protocol=ipc a path",
		field: func(c *Config) any { return &c.Address },
		show:  func(c *Config) any { return c.host() },
	},
	{
		Name: "port", Nick: "Port", Kind: Uint, On: BothRoles, NetGear: "port",
		Default: "5555", Max: maxPort,
		Blurb: "TCP port, or what follows the path of an ipc endpoint after a colon (0 = any free one, on the end that binds)",
		field: func(c *Config) any { return &c.Port },
	},
	{
		Name: "ports", Nick: "Ports", Kind: String, On: BothRoles, NetGear: "port (list)",
		Blurb: "TCP ports of the multi modes, as 5566,5567: a multi-server source binds them, a multi-client sink connects to them",
		field: func(c *Config) any { return &c.Ports },
	},
	{
		Name: "current-port", Nick: "Current port", Kind: Uint, On: BothRoles, When: Never, Max: maxPort, NotInURI: true,
		Blurb: "Port that is bound, or connected to (0 = not open)",
	},
	{
		Name: "protocol", Nick: "Protocol", Kind: Choice, Enum: protocolEnum, On: BothRoles, NetGear: "protocol",
		Default: "tcp", NotInURI: true,
		Blurb: "What carries the messages",
		field: func(c *Config) any { return enumPtr[Protocol]{&c.Protocol} },
	},
	{
		Name: "pattern", Nick: "Pattern", Kind: Choice, Enum: patternEnum, On: BothRoles, NetGear: "pattern",
		Default: "pair",
		Blurb:   "Messaging pattern, the same at both ends",
		field:   func(c *Config) any { return enumPtr[wire.Pattern]{&c.Pattern} },
	},
	{
		Name: "wire", Nick: "Wire", Kind: Choice, Enum: wireEnum, On: BothRoles,
		Default: "netgear", DefaultReceiver: "auto",
		Blurb: "Whose messages to speak; those that are not NetGear's need pattern=req-rep or pub-sub",
		field: func(c *Config) any { return enumPtr[wire.Wire]{&c.Wire} },
	},
	{
		Name: "bind", Nick: "Bind", Kind: Bool, On: BothRoles,
		Default: "false", DefaultReceiver: "true",
		Blurb: "Bind and let the other end connect (true), or connect (false); NetGear's receivers bind",
		field: func(c *Config) any { return &c.Bind },
	},
	{
		Name: "multiserver-mode", Nick: "Multi-server mode", Kind: Bool, On: BothRoles, NetGear: "multiserver_mode",
		Default: "false",
		Blurb:   "Several senders to one source, which tells them apart by their ports, or by their names at one port where the wire has names (both ends; req-rep and pub-sub)",
		field:   func(c *Config) any { return &c.MultiServer },
	},
	{
		Name: "multiclient-mode", Nick: "Multi-client mode", Kind: Bool, On: BothRoles, NetGear: "multiclient_mode",
		Default: "false",
		Blurb:   "One sink to several receivers: with req-rep each frame to one of them, in turn; with pub-sub each frame to all (both ends)",
		field:   func(c *Config) any { return &c.MultiClient },
	},
	{
		Name: "bidirectional-mode", Nick: "Bidirectional mode", Kind: Bool, On: BothRoles, NetGear: "bidirectional_mode",
		Default: "false",
		Blurb:   "The source answers each frame with data or a frame (both ends; pair and req-rep)",
		field:   func(c *Config) any { return &c.Bidirectional },
	},
	{
		Name: "request-timeout", Nick: "Request timeout", Kind: Seconds, On: BothRoles, NetGear: "request_timeout",
		Default: "4", Min: minTimeout, Max: maxTimeout,
		Blurb: "Seconds to wait for the confirmation of a frame before the connection is rebuilt; a source waits three times as long for a frame (pair and req-rep)",
		field: func(c *Config) any { return &c.RequestTimeout },
	},
	{
		Name: "max-retries", Nick: "Maximum retries", Kind: Int, On: BothRoles, NetGear: "max_retries",
		Default: "0", Max: math.MaxInt32,
		Blurb: "Timeouts in a row, without a success between them, after which the element gives up with an error (0 = never; NetGear has 3; pair and req-rep)",
		field: func(c *Config) any { return &c.MaxRetries },
	},
	{
		Name: "wait-for-connection", Nick: "Wait for connection", Kind: Choice, Enum: waitModeEnum, On: SenderRole, When: Playing,
		Default: "auto",
		Blurb:   "Whether frames wait for a receiver that is not connected, or that is connected and silent; frames that do not wait give way to newer ones",
		field:   func(c *Config) any { return enumPtr[WaitMode]{&c.WaitForConnection} },
	},
	{
		Name: "max-lag", Nick: "Maximum lag", Kind: Seconds, On: ReceiverRole, When: Playing,
		Default: "0.04", Max: maxTimeout,
		Blurb: "Seconds that a frame may wait before a newer one takes its place (0 = any time, until too many frames wait; pub-sub)",
		field: func(c *Config) any { return &c.MaxLag },
	},
	{
		Name: "subscriber-timeout", Nick: "Subscriber timeout", Kind: Seconds, On: ReceiverRole, NetGear: "subscriber_timeout",
		Default: "0", Max: maxTimeout * 24,
		Blurb: "Seconds without a frame after which a pub-sub stream ends (0 = never)",
		field: func(c *Config) any { return &c.SubscriberTimeout },
	},
	{
		Name: "secure-mode", Nick: "Secure mode", Kind: Choice, Enum: secureModeEnum, On: BothRoles, NetGear: "secure_mode",
		Default: "grasslands",
		Blurb:   "Encryption and who may connect (at both ends; stonehouse and ironhouse differ at the end that binds)",
		field:   func(c *Config) any { return enumPtr[SecureMode]{&c.SecureMode} },
	},
	{
		Name: "custom-cert-location", Nick: "Certificate location", Kind: String, On: BothRoles, NetGear: "custom_cert_location",
		Blurb: "Existing folder whose .vidgear/keys has the certificates (empty = home folder); they are generated there if there are none",
		field: func(c *Config) any { return &c.CertLocation },
	},
	{
		Name: "overwrite-cert", Nick: "Overwrite certificates", Kind: Bool, On: SenderRole, NetGear: "overwrite_cert",
		Default: "false",
		Blurb:   "Generate new certificates for both ends each time the element starts, and remove all others",
		field:   func(c *Config) any { return &c.OverwriteCert },
	},
	{
		Name: "allow", Nick: "Allowed addresses", Kind: String, On: BothRoles,
		Blurb: "Addresses and networks that may connect, as 10.0.0.0/8,192.168.1.7 (empty = every address; at the end that binds, tcp)",
		field: func(c *Config) any { return &c.Allow },
	},
	{
		Name: "max-connections", Nick: "Largest number of connections", Kind: Uint, On: BothRoles, Default: "256", Min: 1, Max: 65535,
		Blurb: "Most connections that the end that binds has at once; it turns further ones away",
		field: func(c *Config) any { return &c.MaxConnections },
	},
	{
		Name: "ssh-tunnel-mode", Nick: "SSH tunnel", Kind: String, On: SenderRole, NetGear: "ssh_tunnel_mode",
		Blurb: "SSH server to connect through, as user@host or user@host:port (empty = none); address and port are then as seen from there",
		field: func(c *Config) any { return &c.SSHTunnel },
	},
	{
		Name: "ssh-tunnel-pwd", Nick: "SSH password", Kind: String, On: SenderRole, NetGear: "ssh_tunnel_pwd", NotInURI: true, Secret: true,
		Blurb: "Password for the SSH server, or passphrase of ssh-tunnel-keyfile if that is set (empty = the environment variable " + PasswordVariable + ")",
		field: func(c *Config) any { return &c.SSHPassword },
	},
	{
		Name: "ssh-tunnel-keyfile", Nick: "SSH key file", Kind: String, On: SenderRole, NetGear: "ssh_tunnel_keyfile",
		Blurb: "File with the private key for the SSH server (empty = none with ssh-tunnel-pwd, otherwise the SSH agent and the user's own keys)",
		field: func(c *Config) any { return &c.SSHKeyFile },
	},
	{
		Name: "ssh-known-hosts", Nick: "SSH known hosts", Kind: String, On: SenderRole,
		Blurb: "File with the SSH server's host key (empty = ~/.ssh/known_hosts); an unknown or changed host key is an error",
		field: func(c *Config) any { return &c.SSHKnownHosts },
	},
	{
		Name: "message", Nick: "Message", Kind: String, On: SenderRole, When: Playing, JSON: true, NetGear: "message of send()",
		Blurb: "Data to send with each frame: a JSON value, or any other text as a JSON string (empty = null)",
		field: func(c *Config) any { return &c.Message },
	},
	{
		Name: "return-data", Nick: "Return data", Kind: String, On: ReceiverRole, When: Playing, JSON: true, NetGear: "return_data of recv()",
		Blurb: "Data to answer each frame with, in bidirectional and multi-client mode, until it changes: a JSON value, or any other text as a JSON string (empty = null)",
		field: func(c *Config) any { return &c.ReturnData },
	},
	{
		Name: "jpeg-colorspace", Nick: "JPEG colour space", Kind: Choice, Enum: colorspaceEnum, On: SenderRole, When: Playing, NetGear: "jpeg_compression",
		Default: "bgr",
		Blurb:   "Pixel order that a NetGear receiver decodes JPEG frames to; frames of one component are announced as GRAY",
		field:   func(c *Config) any { return enumPtr[Colorspace]{&c.Colorspace} },
	},
	{
		Name: "jpeg-fastdct", Nick: "JPEG fast DCT", Kind: Bool, On: SenderRole, When: Playing, NetGear: "jpeg_compression_fastdct",
		Default: "true",
		Blurb:   "Hint to a NetGear receiver: decode with the fast, less exact DCT",
		field:   func(c *Config) any { return &c.FastDCT },
	},
	{
		Name: "jpeg-fastupsample", Nick: "JPEG fast upsampling", Kind: Bool, On: SenderRole, When: Playing, NetGear: "jpeg_compression_fastupsample",
		Default: "false",
		Blurb:   "Hint to a NetGear receiver: decode with the fast, less exact upsampling of colour",
		field:   func(c *Config) any { return &c.FastUpsample },
	},
	{
		Name: "in-flight", Nick: "In flight", Kind: Uint, On: SenderRole,
		Default: "1", Max: maxInFlight,
		Blurb: "Frames sent before the oldest must be confirmed, 1 to 64 (1 = NetGear's lockstep, 0 = as many as the link needs; pair)",
		field: func(c *Config) any { return &c.InFlight },
	},
	{
		Name: "rate-control", Nick: "Rate control", Kind: Choice, Enum: rateControlEnum, On: SenderRole, When: Playing,
		Default: "none",
		Blurb:   "Whether to set the bitrate or quality of the nearest encoder upstream, so that frames arrive young over a slow link",
		field:   func(c *Config) any { return enumPtr[RateControl]{&c.RateControl} },
	},
	{
		Name: "rate-control-min", Nick: "Least bitrate of rate-control", Kind: Uint64, On: SenderRole, When: Playing,
		Default: "0", Max: maxRate,
		Blurb: "Bits per second below which rate-control never sets the encoder (0 = a twentieth of what it was set to)",
		field: func(c *Config) any { return &c.RateControlMin },
	},
	{
		Name: "rate-control-max", Nick: "Largest bitrate of rate-control", Kind: Uint64, On: SenderRole, When: Playing,
		Default: "0", Max: maxRate,
		Blurb: "Bits per second above which rate-control never sets the encoder (0 = what it was set to)",
		field: func(c *Config) any { return &c.RateControlMax },
	},
	{
		Name: "extensions", Nick: "Extensions", Kind: Bool, On: SenderRole,
		Default: "true",
		Blurb:   "Add timestamps, frame rate, sequence number and caps under one more key, which NetGear ignores; encoded video needs it",
		field:   func(c *Config) any { return &c.Extensions },
	},
	{
		Name: "raw-formats", Nick: "Raw formats", Kind: Choice, Enum: rawFormatsEnum, On: SenderRole,
		Default: "picture",
		Blurb:   "Which formats of raw video to accept: those that every peer takes for a picture, or also YUV (I420, NV12, YUY2, …) and Bayer, which the receiver must know",
		field:   func(c *Config) any { return enumPtr[RawFormats]{&c.RawFormats} },
	},
	{
		Name: "timestamp-mode", Nick: "Timestamp mode", Kind: Choice, Enum: timestampModeEnum, On: ReceiverRole,
		Default: "receive-time",
		Blurb:   "Where buffers take their timestamps from",
		field:   func(c *Config) any { return enumPtr[TimestampMode]{&c.TimestampMode} },
	},
	{
		Name: "latency", Nick: "Latency", Kind: Uint, On: ReceiverRole, Max: maxLatency,
		Default: "0",
		Blurb:   "Milliseconds from the time of capture until sinks and mixers show a frame, with timestamp-mode=capture; a frame that takes longer is late",
		field:   func(c *Config) any { return &c.Latency },
	},
	{
		Name: "eos-on-terminate", Nick: "EOS on terminate", Kind: Bool, On: ReceiverRole, When: Playing,
		Default: "true",
		Blurb:   "End the stream when the sender says goodbye (true), or wait for the next sender (false)",
		field:   func(c *Config) any { return &c.EOSOnTerminate },
	},
	{
		Name: "caps", Nick: "Caps", Kind: Caps, On: ReceiverRole,
		Blurb: "What the sender does not say of its frames, as video/x-raw,framerate=30/1 for a Python sender or video/x-raw,format=NV12 for its arrays; it must agree with what the sender does say",
		field: func(c *Config) any { return &c.Caps },
	},
	{
		Name: "max-frame-size", Nick: "Maximum frame size", Kind: Uint64, On: ReceiverRole,
		Default: "268435456", Min: 1, Max: 1 << 40,
		Blurb: "Bytes of the largest frame to accept, also of what a JPEG decodes to; a larger one is dropped",
		field: func(c *Config) any { return &c.MaxFrameSize },
	},
	{
		Name: "post-messages", Nick: "Post messages", Kind: Bool, On: BothRoles, When: Playing,
		Default: "false",
		Blurb:   "Post received data on the bus, as element messages netgear-message (source) and netgear-return-data (sink)",
		field:   func(c *Config) any { return &c.PostMessages },
	},
	{
		Name: "num-peers", Nick: "Peers", Kind: Uint, On: BothRoles, When: Never, Max: math.MaxUint32, NotInURI: true,
		Blurb: "Number of connected peers",
	},
	{
		Name: "estimated-bitrate", Nick: "Estimated bitrate", Kind: Uint64, On: SenderRole, When: Never, Max: 1 << 62, NotInURI: true,
		Blurb: "Bits per second that the link to the slowest receiver carries, without receivers that take nothing any more (0 = not known)",
	},
	{
		Name: "stats", Nick: "Statistics", Kind: Structure, On: BothRoles, When: Never, NotInURI: true,
		Blurb: "Counters since the start, times in milliseconds (application/x-netgear-statistics)",
	},
}

// Lookup returns the row with that name, if the role has it, or nil.
func Lookup(role Role, name string) *Property {
	for i := range Properties {
		if p := &Properties[i]; p.Name == name && p.On&role != 0 {
			return p
		}
	}
	return nil
}

// DefaultText returns the default as a user would write it.
func (p *Property) DefaultText(role Role) string {
	if role == ReceiverRole && p.DefaultReceiver != "" {
		return p.DefaultReceiver
	}
	return p.Default
}

// Stored reports whether Config holds the setting.
func (p *Property) Stored() bool { return p.field != nil }

// isUnset reports whether the setting is zero or at its default.
func (p *Property) isUnset(c *Config) bool {
	return p.Get(c) == p.Get(&Config{}) || p.Format(c) == p.Default
}

type enumRef interface {
	get() int64
	set(int64)
}

type enumPtr[E ~uint8] struct{ p *E }

func (e enumPtr[E]) get() int64  { return int64(*e.p) }
func (e enumPtr[E]) set(n int64) { *e.p = E(n) }

// Get returns the value, in the Go type of its Kind. The row must be Stored.
func (p *Property) Get(c *Config) any {
	if p.show != nil {
		return p.show(c)
	}
	switch f := p.field(c).(type) {
	case *string:
		return *f
	case *Secret:
		return string(*f)
	case *uint:
		return uint64(*f)
	case *int:
		return int64(*f)
	case *uint64:
		return *f
	case *bool:
		return *f
	case *time.Duration:
		return f.Seconds()
	case enumRef:
		return f.get()
	}
	panic("netgear: field of unknown type: " + p.Name)
}

// Set stores a value that has the Go type of its Kind. Errors wrap ErrSettings and
// say what is wanted; the Config is then unchanged.
func (p *Property) Set(c *Config, v any) error {
	if !p.takes(v) {
		return p.errorf(fmt.Sprint(v))
	}
	switch f := p.field(c).(type) {
	case *string:
		if p.JSON {
			if err := tooLong(p.Name, wire.ValueFromText(v.(string))); err != nil {
				return err
			}
		}
		*f = v.(string)
	case *Secret:
		*f = Secret(v.(string))
	case *uint:
		*f = uint(v.(uint64))
	case *int:
		*f = int(v.(int64))
	case *uint64:
		*f = v.(uint64)
	case *bool:
		*f = v.(bool)
	case *time.Duration:
		*f = time.Duration(math.Round(v.(float64) * float64(time.Second)))
	case enumRef:
		f.set(v.(int64))
	}
	return nil
}

// takes reports whether v has the Go type of the Kind and is one of its values.
func (p *Property) takes(v any) bool {
	switch v := v.(type) {
	case string:
		return p.Kind == String || p.Kind == Caps
	case bool:
		return p.Kind == Bool
	case uint64:
		return (p.Kind == Uint || p.Kind == Uint64) && p.inRange(float64(v))
	case int64:
		if p.Kind == Choice {
			return v >= 0 && v < int64(len(p.Enum.Values))
		}
		return p.Kind == Int && p.inRange(float64(v))
	case float64:
		return p.Kind == Seconds && p.inRange(v)
	}
	return false
}

// tooLong returns an error for a value that is longer than a peer takes.
func tooLong(name string, value wire.Raw) error {
	if len(value) > wire.MaxValueLen {
		return fmt.Errorf("netgear: %w: %s of %d bytes of JSON: want at most %d", ErrSettings, name, len(value), wire.MaxValueLen)
	}
	return nil
}

func (p *Property) inRange(v float64) bool { return v >= p.Min && v <= p.Max }

// Parse sets the value from text, as in a URI. Its errors are those of Set.
func (p *Property) Parse(c *Config, text string) error {
	var v any
	var err error
	switch p.Kind {
	case String, Caps:
		v = text
	case Uint, Uint64:
		v, err = strconv.ParseUint(text, 10, 64)
	case Int:
		v, err = strconv.ParseInt(text, 10, 64)
	case Seconds:
		v, err = strconv.ParseFloat(text, 64)
	case Bool:
		// GStreamer's words for it.
		switch strings.ToLower(text) {
		case "true", "yes", "on", "t", "1":
			v = true
		case "false", "no", "off", "f", "0":
			v = false
		default:
			err = strconv.ErrSyntax
		}
	case Choice:
		err = strconv.ErrSyntax
		for i, e := range p.Enum.Values {
			if text == e.Nick || text == e.Name || text == strconv.Itoa(i) {
				v, err = int64(i), nil
			}
		}
	case Structure:
		err = strconv.ErrSyntax
	}
	if err != nil {
		return p.errorf(text)
	}
	return p.Set(c, v)
}

// Format returns the value as text for Parse.
func (p *Property) Format(c *Config) string {
	switch v := p.Get(c).(type) {
	case int64:
		if p.Kind == Choice {
			return p.Enum.Values[v].Nick
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// Want returns in words which values the setting takes.
func (p *Property) Want() string {
	switch p.Kind {
	case Bool:
		return "true or false"
	case Choice:
		nicks := make([]string, len(p.Enum.Values))
		for i, e := range p.Enum.Values {
			nicks[i] = e.Nick
		}
		last := len(nicks) - 1
		return strings.Join(nicks[:last], ", ") + " or " + nicks[last]
	case Seconds:
		return fmt.Sprintf("seconds from %v to %v", p.Min, p.Max)
	case Uint, Int, Uint64:
		return fmt.Sprintf("a whole number from %.0f to %.0f", p.Min, p.Max)
	case Caps:
		return "caps, as video/x-raw,framerate=30/1"
	case String, Structure:
	}
	return "text"
}

func (p *Property) errorf(got string) error {
	return fmt.Errorf("netgear: %w: %s %q: want %s", ErrSettings, p.Name, got, p.Want())
}
