package netgear

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	// handshakePatience is for both ways of it, with a machine that is busy.
	handshakePatience = 5 * time.Second
	// maxParts is of one message. NetGear has two, and two more with REQ; a message
	// with somewhat more is dropped, and its connection stays.
	maxParts = 2048
	// A NetGear receiver has one subscription, to everything.
	maxSubscriptions = 8
	maxTopic         = 256 // bytes
	// maxAnswer is in bytes: of a frame that comes back. A raw 8K frame has 96 MB.
	maxAnswer = 128 << 20
	// maxMentions bounds the rejections that are told of in one second: a flood of
	// them would keep the program's handlers busy.
	maxMentions = 20
)

// way is what a socket connects to in the place of one of its endpoints.
type way struct {
	mouth    string                 // an abstract Unix name; empty: not open yet
	endpoint atomic.Pointer[string] // where it leads
}

// openDoor makes what stands between the network and the sockets of this end.
func (c *conn) openDoor() error {
	allow, err := parseAllow(c.cfg.Allow)
	if err != nil {
		return err
	}
	cfg := door.Config{
		Limits: c.limits(), MaxConnections: int(c.cfg.MaxConnections),
		HandshakeTime: handshakePatience,
		One:           c.cfg.Pattern == wire.Pair && c.cfg.Bind && c.keys == nil,
		UserTimeout:   max(c.cfg.RequestTimeout, time.Second),
		Keepalive: net.KeepAliveConfig{
			Enable: true, Idle: keepaliveIdle * time.Second, Interval: keepaliveInterval * time.Second, Count: keepaliveCount,
		},
		Spawn:   func(f func()) { spawn(c.fail, f) },
		Refused: c.turnedAway, Unreached: func(error) { c.announce() },
		Log: c.log,
	}
	if len(allow) > 0 {
		cfg.Allow = allow.accepts
	}
	c.door = door.New(cfg)
	c.peers.links.Store(c.door)
	c.ways = make([]way, len(c.ports))
	return nil
}

// limits returns what a peer of this end may send.
func (c *conn) limits() door.Limits {
	l := door.Limits{
		Curve: c.keys != nil, Connecting: !c.cfg.Bind,
		Handshake: maxHandshake, Parts: maxParts, Subscriptions: maxSubscriptions, Topic: maxTopic,
		Publisher: c.role == SenderRole && c.cfg.Pattern == wire.PubSub,
	}
	switch {
	case c.role == ReceiverRole:
		// Somewhat more than is taken: the next limit drops a frame and says so.
		l.Frame = int64(max(c.cfg.MaxFrameSize, wire.MaxHeaderLen)) + maxMessageSlack //nolint:gosec // Validate has it at 1<<40 at the most
	case c.cfg.answers():
		l.Frame = maxAnswer
	default:
		l.Frame = wire.MaxHeaderLen // of text, or data that nobody asked for
	}
	l.Message = l.Frame + wire.MaxHeaderLen
	return l
}

// trust says that the peer of a PAIR socket makes sense: if its connection ends, its
// place is kept for it for a moment.
func (c *conn) trust() {
	if c.cfg.Pattern == wire.Pair && c.cfg.Bind {
		c.door.Trust()
	}
}

// distrust takes it back: its connection is about to be ended.
func (c *conn) distrust() { c.door.Distrust() }

// listen opens the ports of an end that binds.
func (c *conn) listen() error {
	for i, port := range c.ports {
		network, address, err := c.cfg.listenAddress(port)
		if err != nil {
			return bindError(c.cfg.endpoint(port), err)
		}
		at, err := c.door.Listen(network, address)
		if err != nil {
			return bindError(c.cfg.endpoint(port), err)
		}
		if t, ok := at.(*net.TCPAddr); ok {
			c.ports[i] = uint(t.Port)
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
	i, err := net.InterfaceByName(host)
	if err != nil {
		return "", "", syscall.ENODEV
	}
	addresses, err := i.Addrs()
	if err != nil {
		return "", "", err
	}
	var found netip.Addr
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && (!found.IsValid() || p.Addr().Is4() && !found.Is4()) {
			found = p.Addr()
		}
	}
	if !found.IsValid() {
		return "", "", syscall.ENODEV
	}
	if found.Is6() && found.IsLinkLocalUnicast() {
		found = found.WithZone(host)
	}
	return "tcp", net.JoinHostPort(found.String(), text), nil
}

// checkPath refuses a path that no socket can have.
func checkPath(path string) error {
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) {
		return syscall.ENAMETOOLONG
	}
	return nil
}

// through returns what the socket connects to for number i of our ports, which
// leads to that endpoint from now on.
func (c *conn) through(i int, endpoint string) (string, error) {
	protocol, address, _ := strings.Cut(endpoint, "://")
	if protocol == IPC.String() {
		if err := checkPath(address); err != nil {
			return "", err
		}
	} else if host, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(host, "!\"$&'()*,;<=>\\^`{|}~ \t") {
		return "", syscall.EINVAL
	}
	w := &c.ways[i]
	w.endpoint.Store(&endpoint)
	if w.mouth == "" {
		name, err := c.door.Mouth(door.Peer{Address: address, Port: c.ports[i], Dialled: true}, c.reach(w))
		if err != nil {
			return "", err
		}
		w.mouth = name
	}
	return IPC.String() + "://" + w.mouth, nil
}

// reach returns how the door gets to where w leads.
func (c *conn) reach(w *way) door.Reach {
	if c.tunnel != nil {
		return c.tunnel.reach
	}
	return c.door.Dial(func() (network, addr string) {
		protocol, addr, _ := strings.Cut(*w.endpoint.Load(), "://")
		if protocol == IPC.String() {
			return "unix", addr
		}
		return "tcp", addr
	})
}

// mouthOf returns what the socket is connected to for number i of our ports.
func (c *conn) mouthOf(i int) string {
	if c.ways[i].mouth == "" {
		return c.joined[i]
	}
	return IPC.String() + "://" + c.ways[i].mouth
}

// shown returns the endpoint of the network in the place of one inside the
// process, as a monitor names it.
func (c *conn) shown(endpoint string) string {
	for i := range c.ways {
		if c.ways[i].mouth != "" && strings.HasSuffix(endpoint, c.ways[i].mouth) {
			return c.cfg.endpoint(c.ports[i])
		}
	}
	return endpoint
}

// introduce adds to the news of a connection whose it is: the door knows.
func (c *conn) introduce(l *linkNews) {
	if l.kind != linkAccepted && l.kind != linkConnected {
		return
	}
	if c.role == SenderRole {
		c.door.Bound(l.fd)
	}
	if l.kind == linkConnected {
		return
	}
	l.endpoint = c.cfg.endpoint(c.ports[0])
	p, ok := c.door.PeerOf(l.fd)
	if ok && c.cfg.Protocol == TCP {
		l.endpoint, l.from = c.cfg.endpoint(p.Port), "tcp://"+p.Address
	}
}

// turnedAway takes in that the door has ended a connection.
func (c *conn) turnedAway(p door.Peer, reason error) {
	why, text := failedUnknown, reason.Error()
	if errors.Is(reason, door.ErrForeign) {
		why, text = failedDenied, strings.TrimPrefix(text, door.ErrForeign.Error()+": ")
	}
	endpoint := "tcp://" + p.Address
	if c.cfg.Protocol == IPC {
		endpoint = c.endpoints()
	}
	c.peers.reject(text)
	if !c.cfg.Bind {
		c.log.Info("the other end was hung up on", "endpoint", endpoint, "reason", text)
		return
	}
	if second := time.Now().Unix(); c.mentioned.Swap(second) != second {
		c.mentions.Store(0)
	}
	if c.mentions.Add(1) > maxMentions {
		return
	}
	c.tell(peerChange{rejected: endpoint, reason: text, why: why})
}

// bindError says why an address cannot be bound to.
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
