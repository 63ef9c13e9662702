package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// What peers may do, whoever they are; see door.Limits.
const (
	// maxHandshake is in bytes; NULL takes some 100 and CURVE some 600.
	maxHandshake = 8 << 10
	// handshakePatience is for both directions of a handshake, on a busy machine.
	handshakePatience = 5 * time.Second
	// maxParts is the limit of one message. NetGear has two parts, and two more
	// with REQ. A message with somewhat more is dropped, and its connection stays.
	maxParts = 2048
	// A NetGear receiver has one subscription, to everything.
	maxSubscriptions = 8
	maxTopic         = 256 // bytes
	// maxAnswer is in bytes, for a frame that comes back. A raw 8K frame has 96 MB.
	maxAnswer = 128 << 20
	// maxMessageSlack is in bytes. A part that exceeds MaxFrameSize by less is read
	// and dropped; with a larger one the door ends the connection.
	maxMessageSlack = 16 << 20
)

// How the kernel finds a peer that vanished without a FIN, in 3+3*1 s, however busy
// the peer's program is and however long a frame takes. ZMTP's own heartbeats stay
// off: with them libzmq 4.3 aborts the process when a peer goes away whose messages
// are not being read (docs/decisions/0004).
const (
	keepaliveIdle     = 3 * time.Second
	keepaliveInterval = time.Second
	keepaliveCount    = 3
)

// entrance is the way between the sockets of an end and the network: the door, the
// ports, and at an end that connects the name or the tunnel to the other end. It
// stands while sockets are renewed.
//
// The goroutine that owns the socket opens it and calls through; any may call the
// other methods.
type entrance struct {
	cfg   *Config
	ports []uint // bound, or connected to
	log   *slog.Logger
	alarm *alarm

	door   *door.Door
	ways   []way      // one for each port of an end that connects
	tunnel *tunnel    // nil: none
	names  *nameWatch // nil: no name to look up
}

// way is what a socket connects to in the place of one of its endpoints.
type way struct {
	mouth    string                 // an abstract Unix name; empty: not open yet
	opened   uint64                 // for which socket, by its number
	endpoint atomic.Pointer[string] // where it leads
}

// doorNews is what the door calls, as door.Config has it.
type doorNews struct {
	refused func(p door.Peer, reason error)
	gaveWay func()
	arrived func(p door.Peer, sent time.Time, bytes int)
}

// newEntrance makes the door. The entrance must be closed.
func newEntrance(cfg *Config, role Role, secure bool, a *alarm, log *slog.Logger, news doorNews) (*entrance, error) {
	ports, err := cfg.ports(role)
	if err != nil {
		return nil, err
	}
	allow, err := parseAllow(cfg.Allow)
	if err != nil {
		return nil, err
	}
	dc := door.Config{
		Limits: limits(cfg, role, secure), MaxConnections: int(cfg.MaxConnections),
		HandshakeTime: handshakePatience,
		OnePart:       cfg.Wire.Foreign() != nil,
		One:           cfg.Pattern == wire.Pair && cfg.Bind && !secure,
		UserTimeout:   max(cfg.RequestTimeout, time.Second),
		Keepalive:     net.KeepAliveConfig{Enable: true, Idle: keepaliveIdle, Interval: keepaliveInterval, Count: keepaliveCount},
		Spawn:         func(f func()) { spawn(a.fail, f) },
		Refused:       news.refused, GaveWay: news.gaveWay, Arrived: news.arrived,
		Unreached: func(error) { a.announce() },
		Log:       log,
	}
	if !secure {
		dc.Pattern = patternRows[cfg.Pattern].part(role)
	}
	if len(allow) > 0 {
		dc.Allow = allow.accepts
	}
	return &entrance{cfg: cfg, ports: ports, log: log, alarm: a, door: door.New(dc), ways: make([]way, len(ports))}, nil
}

// limits returns what a peer may send.
func limits(cfg *Config, role Role, secure bool) door.Limits {
	l := door.Limits{
		Curve: secure, Connecting: !cfg.Bind,
		Handshake: maxHandshake, Parts: maxParts, Subscriptions: maxSubscriptions, Topic: maxTopic,
		Publisher: role == SenderRole && cfg.Pattern == wire.PubSub,
	}
	switch {
	case role == ReceiverRole:
		// Somewhat more than is taken: the next limit drops a frame and reports it.
		l.Frame = int64(max(cfg.MaxFrameSize, wire.MaxHeaderLen)) + maxMessageSlack //nolint:gosec // Validate has it at 1<<40 at the most
	case cfg.answers():
		l.Frame = maxAnswer
	default:
		l.Frame = wire.MaxHeaderLen // a line of text, or data that nobody asked for
	}
	l.Message = l.Frame + wire.MaxHeaderLen
	return l
}

// trust says that the peer of a PAIR socket makes sense: if its connection ends, its
// place is kept for it for a moment.
func (e *entrance) trust() {
	if e.cfg.Pattern == wire.Pair && e.cfg.Bind {
		e.door.Trust()
	}
}

// distrust takes trust back: the connection is about to be ended.
func (e *entrance) distrust() { e.door.Distrust() }

// open opens the ports of an end that binds, or begins to look for the other end.
// It waits for nobody. ctx ends with the entrance.
func (e *entrance) open(ctx context.Context, role Role, connected func() bool) (err error) {
	if e.cfg.Bind {
		return e.listen()
	}
	if e.cfg.SSHTunnel != "" && role == SenderRole {
		e.tunnel, err = openTunnel(e.cfg, e.door.Dialer(), e.log, e.alarm.fail)
		return err
	}
	if e.names = newNameWatch(e.cfg, e.alarm.announce); e.names != nil {
		spawn(e.alarm.fail, func() { e.names.follow(ctx, e.alarm.fail, connected) })
	}
	return nil
}

// close ends what is in the way, after what the sockets had left has gone, or after
// linger. The sockets must be closed.
func (e *entrance) close(linger time.Duration) {
	if e.tunnel != nil {
		e.tunnel.close(linger)
	}
	e.door.Close(linger)
}

// listen opens the ports.
func (e *entrance) listen() error {
	for i, port := range e.ports {
		network, address, err := e.cfg.listenAddress(port)
		if err != nil {
			return bindError(e.cfg.endpoint(port), err)
		}
		at, err := e.door.Listen(network, address)
		if err != nil {
			return bindError(e.cfg.endpoint(port), err)
		}
		if t, ok := at.(*net.TCPAddr); ok {
			e.ports[i] = uint(t.Port)
		}
	}
	return nil
}

// listenAddress returns what package net listens at for an endpoint to bind to.
func (c *Config) listenAddress(port uint) (network, address string, err error) {
	if c.Protocol == IPC {
		path := strings.TrimPrefix(c.endpoint(port), IPC.String()+"://")
		return "unix", path, checkPath(path)
	}
	text := strconv.FormatUint(uint64(port), 10)
	host := strings.Trim(c.host(), "[]")
	switch a, err := netip.ParseAddr(host); {
	case host == anyAddress:
		return "tcp", ":" + text, nil
	case err == nil && a.Is4():
		return "tcp4", net.JoinHostPort(host, text), nil
	case err == nil:
		return "tcp", net.JoinHostPort(host, text), nil
	}
	address, err = interfaceAddress(host)
	return "tcp", net.JoinHostPort(address, text), err
}

// interfaceAddress returns an address of an interface, of IPv4 where it has one.
// The error is ENODEV when it has none, or is no interface.
func interfaceAddress(name string) (string, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return "", syscall.ENODEV
	}
	addresses, err := i.Addrs()
	if err != nil {
		return "", err
	}
	var found netip.Addr
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && (!found.IsValid() || p.Addr().Is4() && !found.Is4()) {
			found = p.Addr()
		}
	}
	if !found.IsValid() {
		return "", syscall.ENODEV
	}
	if found.Is6() && found.IsLinkLocalUnicast() {
		found = found.WithZone(name)
	}
	return found.String(), nil
}

// checkPath refuses a path that no socket can have.
func checkPath(path string) error {
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) {
		return syscall.ENAMETOOLONG
	}
	return nil
}

// destination returns the endpoint of the other end, with an address in the place
// of a name. Behind a tunnel names stay, for the SSH server to look up. It is empty
// while the name has no address.
func (e *entrance) destination(port uint) string {
	text := strconv.FormatUint(uint64(port), 10)
	switch {
	case e.tunnel != nil:
	case e.names != nil:
		a := e.names.address()
		if !a.IsValid() {
			return ""
		}
		return e.cfg.Protocol.String() + "://" + net.JoinHostPort(a.String(), text)
	case e.cfg.Protocol == TCP && isLocalhost(e.cfg.host()):
		return e.cfg.Protocol.String() + "://" + net.JoinHostPort("127.0.0.1", text)
	}
	return e.cfg.endpoint(port)
}

// through returns what a socket, given by its number, connects to for number i of our
// ports. From now on that leads to endpoint.
func (e *entrance) through(i int, socket uint64, endpoint string) (string, error) {
	protocol, address, _ := strings.Cut(endpoint, "://")
	if protocol == IPC.String() {
		if err := checkPath(address); err != nil {
			return "", err
		}
	} else if host, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(host, "!\"$&'()*,;<=>\\^`{|}~ \t") {
		return "", syscall.EINVAL
	}
	w := &e.ways[i]
	w.endpoint.Store(&endpoint)
	if w.mouth != "" && w.opened != socket {
		e.door.Leave(w.mouth)
		w.mouth = ""
	}
	if w.mouth == "" {
		name, err := e.door.Mouth(fmt.Sprintf("%d-%d", i, socket), door.Peer{Address: address, Port: e.ports[i], Dialled: true}, e.reach(w))
		if err != nil {
			return "", err
		}
		w.mouth, w.opened = name, socket
	}
	return e.mouthOf(i), nil
}

// reach returns how the door gets to where w leads.
func (e *entrance) reach(w *way) door.Reach {
	if e.tunnel != nil {
		return e.tunnel.reach
	}
	return e.door.Dial(func() (network, addr string) {
		protocol, addr, _ := strings.Cut(*w.endpoint.Load(), "://")
		if protocol == IPC.String() {
			return "unix", addr
		}
		return "tcp", addr
	})
}

// mouthOf returns what the socket is connected to for number i of our ports.
func (e *entrance) mouthOf(i int) string { return IPC.String() + "://" + e.ways[i].mouth }

// dial connects to a port of the other end, as the door does.
func (e *entrance) dial(ctx context.Context, port uint) (net.Conn, error) {
	if e.tunnel != nil {
		return e.tunnel.dialTarget(ctx)
	}
	protocol, address, _ := strings.Cut(e.destination(port), "://")
	if address == "" {
		return nil, e.names.trouble()
	}
	network := TCP.String()
	if protocol == IPC.String() {
		network = "unix"
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// trouble returns why the tunnel leads nowhere at the moment, or nil.
func (e *entrance) trouble() error {
	if e.tunnel == nil {
		return nil
	}
	return e.tunnel.state()
}

// endpoints names what is bound or connected to, for people.
func (e *entrance) endpoints() string { return endpointsOf(e.cfg, e.ports) }

func endpointsOf(cfg *Config, ports []uint) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = cfg.endpoint(p)
	}
	return strings.Join(names, ",")
}

// shown returns the endpoint of the network in the place of one inside the
// process, as a monitor names it.
func (e *entrance) shown(endpoint string) string {
	if label, ok := door.LabelOf(endpoint); ok {
		port, _, _ := strings.Cut(label, "-")
		if i, err := strconv.Atoi(port); err == nil && i < len(e.ports) {
			return e.cfg.endpoint(e.ports[i])
		}
	}
	return endpoint
}

// portIndex returns the number of the port of an endpoint among ours; 0 where it has
// none. Libzmq may spell an endpoint in another way than we do.
func (e *entrance) portIndex(endpoint string) int {
	return max(0, slices.IndexFunc(e.ports, func(p uint) bool { return portOf(endpoint) == strconv.FormatUint(uint64(p), 10) }))
}

// from returns the address and port that a connection comes from. It is empty over
// ipc, and when it is not known.
func (e *entrance) from(connection int) string {
	if e.cfg.Protocol != TCP {
		return ""
	}
	p, _ := e.door.PeerOf(connection)
	return p.Address
}

// introduce adds to the news of an accepted connection whose it is: the door knows.
func (e *entrance) introduce(l *linkNews) {
	l.endpoint = e.cfg.endpoint(e.ports[0])
	p, ok := e.door.PeerOf(l.fd)
	l.admitted = p.Admitted
	if ok && e.cfg.Protocol == TCP {
		l.endpoint, l.from = e.cfg.endpoint(p.Port), "tcp://"+p.Address
	}
}

// bindError returns why an address cannot be bound to.
func bindError(endpoint string, err error) error {
	reason := err
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		reason = errno
	}
	kind := ErrOpen
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		kind = ErrInUse
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("netgear: bind %s: %w (%w): want bind=false to connect to it, or address=* or one of this machine (%s) to bind",
			endpoint, ErrNoAddress, reason, ownAddress())
	}
	return fmt.Errorf("netgear: bind %s: %w (%w)", endpoint, kind, reason)
}
