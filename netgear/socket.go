package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// patternRow is what differs between the patterns.
type patternRow struct {
	sender, receiver zmq4.Type
	// confirmed says that the receiver answers each frame.
	confirmed bool
	// confirmsTerminate says that it answers the goodbye too.
	confirmsTerminate bool
}

var patternRows = [...]patternRow{
	wire.Pair:   {zmq4.PAIR, zmq4.PAIR, true, false},
	wire.ReqRep: {zmq4.REQ, zmq4.REP, true, true},
	wire.PubSub: {zmq4.PUB, zmq4.SUB, false, false},
}

// Implementation constants.
const (
	// reconnectInterval paces libzmq's attempts to connect and our own
	// rebuilding of connections.
	reconnectInterval = 100 * time.Millisecond
	// closeGrace is how long closing may hold up a state change; together with
	// that of a second element in the same pipeline it stays within the 10 ms
	// that a state change may take.
	closeGrace = 2 * time.Millisecond
	// renewPatience is how long a new socket is tried for at least, where file
	// descriptors are lacking.
	renewPatience = 5 * time.Second
	// receiveQueue is in messages. With a ZAP handler a credential message
	// takes one place for ever, so one would never deliver.
	receiveQueue = 2
	// maxMessageSlack is how much larger in bytes than MaxFrameSize a part may be
	// before the door ends the connection, instead of us dropping the frame
	// politely.
	maxMessageSlack = 16 << 20
	// keepaliveIdle and the two that follow have the kernel find a peer that
	// vanished without a FIN, in 3+3*1 s, however busy the peer's program is
	// and however long a frame takes. ZMTP's own heartbeats must stay off:
	// with them libzmq 4.3 aborts the process when a peer goes away whose
	// messages are not being read (docs/decisions/0004).
	keepaliveIdle     = 3 // s
	keepaliveInterval = 1 // s
	keepaliveCount    = 3
	// maxRefused is how many connections a PAIR socket may have beside the one it
	// serves. libzmq keeps each that has sent something for ever, though its peer
	// be gone; only a new socket is rid of them.
	maxRefused = 64
)

// conn is what exists between open and close: a context, the socket of the
// moment, and the watch over it. It belongs to one goroutine; the watch has
// one of its own and shares only the fields that say so.
type conn struct {
	cfg  *Config
	role Role
	row  patternRow
	obs  *Observer
	log  *slog.Logger

	keys   *keyring // nil: no encryption
	tunnel *tunnel  // nil: none
	// door stands before the sockets. ways has one for each port of an end that
	// connects.
	door *door.Door
	ways []way
	// mentions counts the rejections that were told of in the second mentioned.
	// Shared.
	mentions, mentioned atomic.Int64
	zctx                *zmq4.Context
	sock                *zmq4.Socket
	data                zmsg.Socket
	waker               *zmsg.Waker
	ports               []uint    // what is bound or connected to
	built               time.Time // the socket
	opened              time.Time // the conn

	peers *peerTable
	// lost is set by the watch when a connection ends that had come about, and
	// names the socket it belongs to. Shared.
	lost       atomic.Uint64
	generation atomic.Uint64 // of the socket
	// full is set by the watch when there are more than maxRefused, and names the
	// socket as lost does. Shared.
	full atomic.Uint64
	// fatal is why there is no use in going on: it was refused, or the tunnel
	// was. Shared.
	fatal  atomic.Pointer[error]
	owners *owners // of the streams of a Receiver; shared
	// names is the name to connect to, or nil where there is none to look up.
	names *nameWatch
	// joined has what the socket is connected to, for each port; empty: not yet,
	// for want of an address. moved is set when the name has got another address
	// and only a new socket can follow.
	joined []string
	moved  bool
	// suspicions has one for each port. lastRefusal is why the other end did not
	// let this one in again, until it does. Shared.
	suspicions  []suspicion
	lastRefusal atomic.Pointer[string]
	pace        pacer // of warnings about refusals
	inquiry     *inquiry
	attention   attention
	revival     *revival
	leaving     atomic.Pointer[time.Time] // when Sender.Leave was called; nil: it was not; shared
	// news is set by the watch when a peer came, or an attempt to connect failed.
	// tried says that one did. Shared.
	news, tried atomic.Bool
	// ctx ends with close.
	ctx    context.Context
	cancel context.CancelFunc
}

// open sets up the socket. It does not wait for the network: names are looked
// up by a goroutine of the conn and connections made by libzmq's own thread.
func open(cfg *Config, role Role, obs *Observer, peers *peerTable, stats *counters) (*conn, error) {
	c := &conn{
		cfg: cfg, role: role, row: patternRows[cfg.Pattern], obs: obs, log: obs.logger(),
		peers: peers, owners: newOwners(cfg.RequestTimeout), opened: time.Now(),
	}
	c.owners.host = func(connection int) string { return addressOf(c.from(connection)) }
	err := checkDescriptors()
	if err != nil {
		return nil, err
	}
	// Go's runtime takes its own with the first timer; let it be now.
	spawnAfter(time.Hour, c.fail, func() {}).Stop()
	if c.ports, err = cfg.ports(role); err != nil {
		return nil, err
	}
	c.suspicions, c.joined = make([]suspicion, len(c.ports)), make([]string, len(c.ports))
	c.revival = newRevival(len(c.ports), func() { c.waker.Wake() }, c.fail)
	if cfg.SecureMode != Grasslands {
		if c.keys, err = openKeys(cfg, role, c.log); err != nil {
			return nil, err
		}
	}
	if c.waker, err = zmsg.NewWaker(); err != nil {
		return nil, fmt.Errorf("netgear: %w: event descriptor: %w", ErrOpen, err)
	}
	if c.zctx, err = zmq4.NewContext(); err != nil {
		c.waker.Close()
		return nil, fmt.Errorf("netgear: %w: context: %w", ErrOpen, err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err = c.guard(); err != nil {
		c.close(0)
		return nil, err
	}
	if err = c.openDoor(); err == nil && cfg.SSHTunnel != "" && role == SenderRole {
		c.tunnel, err = openTunnel(cfg, c.door.Dialer(), c.log, c.fail)
	}
	if err != nil {
		c.close(0)
		return nil, err
	}
	if c.tunnel == nil {
		c.names = newNameWatch(cfg, c.announce)
	}
	if c.names != nil {
		spawn(c.fail, func() { c.names.follow(c.ctx, c.fail, c.whole) })
	}
	if cfg.Bind {
		err = c.listen()
	}
	if err == nil {
		err = c.build()
	}
	if err != nil {
		c.close(0)
		return nil, err
	}
	c.inquiry = newInquiry(c, stats)
	spawn(c.fail, c.inquiry.run)
	return c, nil
}

// spareDescriptors must be free for an end to open. It takes some 15 itself, and
// where there are none left libzmq (for its threads), Go's runtime (for its
// timers) and GLib (for a bus) abort the process instead of saying so.
const spareDescriptors = 32

// checkDescriptors says whether so many can be had.
func checkDescriptors() error {
	var pairs [spareDescriptors / 2][2]int
	for i := range pairs {
		err := syscall.Pipe2(pairs[i][:], syscall.O_CLOEXEC)
		if err == nil {
			defer syscall.Close(pairs[i][0]) //nolint:errcheck // nothing was in it
			defer syscall.Close(pairs[i][1]) //nolint:errcheck // nothing was in it
			continue
		}
		return fmt.Errorf("netgear: %w: fewer than %d file descriptors are free (%w): raise the limit (ulimit -n), or look for what does not close its own",
			ErrOpen, spareDescriptors, err)
	}
	return nil
}

// guarded says whether connections to this end are asked for their keys. Their
// addresses are the door's affair.
func (c *conn) guarded() bool { return c.cfg.Bind && c.keys != nil }

// guard has the connections of all sockets to come judged.
func (c *conn) guard() error {
	if !c.guarded() {
		return nil
	}
	return serveZAP(c.zctx, &doorkeeper{keys: c.keys, refused: c.peers.deny, log: c.log, fail: c.fail})
}

func (c *conn) socketType() zmq4.Type {
	if c.role == SenderRole {
		return c.row.sender
	}
	return c.row.receiver
}

// build makes the socket with every option, binds or connects it.
func (c *conn) build() error {
	sock, err := c.zctx.NewSocket(c.socketType())
	if err != nil {
		return fmt.Errorf("netgear: %w: socket: %w", ErrOpen, err)
	}
	if err := c.attach(sock); err != nil {
		_ = sock.Close() // the error that counts is err
		return err
	}
	c.sock = sock
	c.built = time.Now()
	return nil
}

func (c *conn) attach(sock *zmq4.Socket) error {
	for _, o := range c.options() {
		if err := o.set(sock); err != nil {
			return fmt.Errorf("netgear: %w: socket option %s: %w", ErrOpen, o.name, err)
		}
	}
	data, err := zmsg.Of(sock)
	if err != nil {
		return fmt.Errorf("netgear: %w: %w", ErrOpen, err)
	}
	if c.guarded() {
		if err := data.EnforceZAPDomain(); err != nil {
			return fmt.Errorf("netgear: %w: socket option ZAP_ENFORCE_DOMAIN: %w", ErrOpen, err)
		}
	}
	c.data = data
	generation := c.generation.Add(1)
	c.revival.begin(generation)
	if err := c.watch(sock, generation); err != nil {
		return err
	}
	if c.names != nil {
		c.names.take() // join has the newest anyway
	}
	c.moved = false
	if c.cfg.Bind {
		name := c.door.Name(generation)
		if err := errors.Join(data.AcceptOwnProcess(), sock.Bind(IPC.String()+"://"+name)); err != nil {
			return fmt.Errorf("netgear: %w: bind %s: %w", ErrOpen, name, err)
		}
		c.door.Lead(name)
	}
	for i := range c.ports {
		if c.cfg.Bind {
			break
		}
		if err := c.join(sock, i); err != nil {
			return err
		}
	}
	c.log.Debug(map[bool]string{true: "bound", false: "connecting"}[c.cfg.Bind], "endpoint", c.endpoints())
	return nil
}

// join connects sock to the port number i. It does nothing while the name to
// connect to has no address; see followName.
func (c *conn) join(sock *zmq4.Socket, i int) error {
	c.joined[i] = c.connectEndpoint(c.ports[i])
	if c.joined[i] == "" {
		return nil
	}
	at, err := c.through(i, c.joined[i])
	if err == nil {
		err = sock.Connect(at)
	}
	if err != nil && c.names != nil { // what a name server says is no reason to end
		c.log.Warn("cannot connect", "endpoint", c.joined[i], "error", err)
		c.joined[i], err = "", nil
	}
	if err != nil {
		return fmt.Errorf("netgear: %w: connect %s: %w", ErrOpen, c.cfg.endpoint(c.ports[i]), err)
	}
	return nil
}

// connectEndpoint is where the other end is, with an address in the place of a
// name but for the far end of a tunnel. It is empty while the name has no address.
func (c *conn) connectEndpoint(port uint) string {
	switch {
	case c.tunnel != nil:
	case c.names != nil:
		a := c.names.address()
		if !a.IsValid() {
			return ""
		}
		return c.cfg.Protocol.String() + "://" + net.JoinHostPort(a.String(), strconv.FormatUint(uint64(port), 10))
	case c.cfg.Protocol == TCP && isLocalhost(c.cfg.host()):
		return c.cfg.Protocol.String() + "://" + net.JoinHostPort("127.0.0.1", strconv.FormatUint(uint64(port), 10))
	}
	return c.cfg.endpoint(port)
}

// whole reports whether every port has a connection. Any goroutine may call it.
func (c *conn) whole() bool { return len(c.peers.missing(c.ports)) == 0 }

// followName connects the socket once the name has an address, and again when
// that is another one. It reports whether the socket is to be rebuilt for that:
// a PAIR socket takes no second connection before it is rid of the first.
func (c *conn) followName() (rebuild bool) {
	if c.names == nil || c.sock == nil || !c.names.take() {
		return false
	}
	if c.moved = len(c.ports) == 1 && c.joined[0] != ""; c.moved {
		return true
	}
	c.log.Debug("the name has an address", "name", c.names.host, "address", c.names.address())
	// All are left before one is joined; see givenUp.
	for i := range c.ports {
		c.leave(i)
	}
	for i := range c.ports {
		c.joinAnew(i)
	}
	return false
}

// leave has the socket forget the connection of port number i.
func (c *conn) leave(i int) {
	if c.joined[i] == "" {
		return
	}
	if err := c.sock.Disconnect(c.mouthOf(i)); err != nil {
		c.log.Debug("leaving a dead endpoint", "error", err)
	}
	c.joined[i] = ""
}

func (c *conn) joinAnew(i int) {
	if err := c.join(c.sock, i); err != nil {
		c.log.Warn("connecting anew", "error", err)
	}
}

// trouble says why the tunnel leads nowhere at the moment, or nil.
func (c *conn) trouble() error {
	if c.tunnel == nil {
		return nil
	}
	return c.tunnel.state()
}

// endpoints names what is bound or connected to, for people.
func (c *conn) endpoints() string {
	names := make([]string, len(c.ports))
	for i, p := range c.ports {
		names[i] = c.cfg.endpoint(p)
	}
	return strings.Join(names, ",")
}

type option struct {
	name string
	set  func(*zmq4.Socket) error
}

// options is everything that is set on a socket before it is bound or
// connected. Every socket gets all of it, also after any retry. What TCP needs and
// what a peer may send is set at the door.
func (c *conn) options() []option {
	cfg := c.cfg
	opt := func(name string, set func(s *zmq4.Socket) error) option { return option{name, set} }
	sendQueue := int(cfg.InFlight) + 1 // the frames in flight and a goodbye
	if c.role == ReceiverRole {
		sendQueue = receiveQueue + 1 // its answers
		if cfg.Pattern == wire.Pair {
			sendQueue = maxInFlight + 1 // to all frames that a sender may have in flight
		}
	} else if cfg.Pattern == wire.PubSub {
		// NetGear has 1, and loses frames whenever the sending thread of libzmq
		// is scheduled late; the second place is empty on a link that keeps up.
		sendQueue = 2
	}
	opts := []option{
		opt("LINGER", func(s *zmq4.Socket) error { return s.SetLinger(0) }),
		opt("SNDHWM", func(s *zmq4.Socket) error { return s.SetSndhwm(sendQueue) }),
		opt("RCVHWM", func(s *zmq4.Socket) error { return s.SetRcvhwm(receiveQueue) }),
		opt("RECONNECT_IVL", func(s *zmq4.Socket) error { return s.SetReconnectIvl(reconnectInterval) }),
		// The door bounds handshakes, and libzmq's begin before it has reached anybody.
		opt("HANDSHAKE_IVL", func(s *zmq4.Socket) error { return s.SetHandshakeIvl(0) }),
	}
	if c.role == SenderRole && !cfg.Bind && cfg.Pattern != wire.Pair {
		// Nothing is queued for a receiver that is not there: when it comes, it gets
		// frames of now. NetGear's sockets queue. A PAIR socket may refuse its own next
		// connection with this option, so the Sender looks who is there (transmit).
		opts = append(opts, opt("IMMEDIATE", func(s *zmq4.Socket) error { return s.SetImmediate(true) }))
	}
	switch {
	case c.role == SenderRole && cfg.Pattern == wire.ReqRep:
		opts = append(opts,
			opt("REQ_RELAXED", func(s *zmq4.Socket) error { return s.SetReqRelaxed(1) }),
			opt("REQ_CORRELATE", func(s *zmq4.Socket) error { return s.SetReqCorrelate(1) }),
		)
	case c.role == ReceiverRole && cfg.Pattern == wire.PubSub:
		opts = append(opts, opt("SUBSCRIBE", func(s *zmq4.Socket) error { return s.SetSubscribe("") }))
	}
	return append(opts, c.securityOptions()...)
}

// securityOptions is what keeps strangers out. An error of any of them is one
// of the whole socket: there is no way on without.
func (c *conn) securityOptions() (opts []option) {
	opt := func(name string, set func(s *zmq4.Socket) error) { opts = append(opts, option{name, set}) }
	if c.guarded() {
		opt("ZAP_DOMAIN", func(s *zmq4.Socket) error { return s.SetZapDomain(zapDomain) })
	}
	if c.keys == nil {
		return opts
	}
	own := &c.keys.own
	if c.cfg.Bind {
		opt("CURVE_SERVER", func(s *zmq4.Socket) error { return s.SetCurveServer(1) })
	} else {
		opt("CURVE_SERVERKEY", func(s *zmq4.Socket) error { return s.SetCurveServerkey(z85Encode(c.keys.server)) })
	}
	opt("CURVE_PUBLICKEY", func(s *zmq4.Socket) error { return s.SetCurvePublickey(z85Encode(own.public)) })
	opt("CURVE_SECRETKEY", func(s *zmq4.Socket) error { return s.SetCurveSecretkey(z85Encode(own.secret)) })
	return opts
}

// ensure builds the socket where there is none, after drop. A program that is out of
// file descriptors may have some again: so it tries for renewPatience, or for as long
// as ctx where nothing makes this end give up. The port is not at stake: the door
// keeps it.
func (c *conn) ensure(ctx context.Context) error {
	until := time.Now().Add(max(c.cfg.RequestTimeout, renewPatience))
	for pause := time.Millisecond; c.sock == nil; pause = min(2*pause, reconnectInterval) {
		err := c.build()
		if err == nil {
			return nil
		}
		if !isScarcity(err) || c.cfg.MaxRetries > 0 && !time.Now().Before(until) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

func isScarcity(err error) bool {
	return errors.Is(err, zmq4.Errno(syscall.EMFILE)) || errors.Is(err, zmq4.Errno(syscall.ENFILE))
}

// drop closes the socket and what is queued in it.
func (c *conn) drop() {
	if c.sock == nil {
		return
	}
	c.door.Lead("")
	if err := c.sock.Close(); err != nil {
		c.log.Warn("closing a socket", "error", err)
	}
	c.sock = nil
	c.owners.clear()
}

// close lets go of everything. Messages that are still queued have linger to
// leave. It waits for the end no longer than closeGrace; done is closed at it.
func (c *conn) close(linger time.Duration) (done <-chan struct{}) {
	if c.sock != nil && linger > 0 {
		if err := c.sock.SetLinger(linger); err != nil {
			c.log.Warn("setting the linger time", "error", err)
		}
	}
	c.drop()
	c.revival.close()
	c.waker.Close()
	c.cancel()
	if c.door != nil {
		c.door.Shut()
	}
	ended := make(chan struct{})
	zctx := c.zctx
	told := func(err error) { c.log.Error("after the end", "error", err) } // nobody waits for an error any more
	spawn(told, func() {
		defer close(ended)
		// Blocks until the sockets are gone; never on the caller's thread.
		if err := zctx.Term(); err != nil {
			c.log.Warn("ending a context", "error", err)
		}
		if c.tunnel != nil {
			c.tunnel.close(linger) // what the sockets had left is in it
		}
		if c.door != nil {
			c.door.Close(linger) // as well
		}
	})
	select {
	case <-ended:
	case <-time.After(closeGrace):
	}
	return ended
}

// wait blocks until the socket is ready for want, until passes, or something
// happened that its owner must look at: a connection was made or lost, or Leave
// was called. It returns the events that are ready; none is no error. Where a
// renewal was interrupted it goes on with that first.
func (c *conn) wait(ctx context.Context, want zmsg.Events, until time.Time) (zmsg.Events, error) {
	c.waker.Follow(ctx)
	if c.sock == nil {
		if err := c.ensure(ctx); err != nil {
			return 0, err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := c.failed(); err != nil {
			return 0, err
		}
		if c.followName() {
			return 0, nil
		}
		ev, err := c.data.Wait(want, c.waker, until)
		if err != nil {
			return 0, fmt.Errorf("netgear: %w: poll: %w", ErrTransport, err)
		}
		if ev&zmsg.Woken == 0 {
			return ev, nil
		}
		c.waker.Clear()
		if err := errors.Join(ctx.Err(), c.failed()); err != nil {
			continue
		}
		if ev&^zmsg.Woken != 0 || c.isLost() || c.isFull() || c.revival.waiting() || c.leaving.Load() != nil || c.news.Swap(false) {
			return ev, nil
		}
	}
}

// givenUp says whether libzmq has given up the connection, so that the socket
// is to be rebuilt. Of several connections it makes those anew that were, and
// leaves the others alone.
func (c *conn) givenUp() bool {
	if c.followName(); c.moved {
		c.moved = false
		return true
	}
	if !c.revival.waiting() {
		return false
	}
	due := c.revival.take()
	if len(c.ports) == 1 {
		return true
	}
	// A socket takes a dead endpoint for one that it has already, until it is
	// told to leave it; and it knows it by an address in memory that the next
	// connection may get, so all are left before one is made.
	for _, i := range due {
		c.leave(i)
	}
	for _, i := range due {
		c.joinAnew(i)
	}
	return false
}

// isLost says whether a connection of the present socket has ended since
// clearLost or since the socket was built.
func (c *conn) isLost() bool { return c.lost.Load() == c.generation.Load() }

// announce has the owner look at who is there: an attempt to connect has ended.
func (c *conn) announce() {
	c.tried.Store(true)
	c.news.Store(true)
	c.waker.Wake()
}

// isFull says whether the present socket has more connections than it should.
func (c *conn) isFull() bool { return c.full.Load() == c.generation.Load() }

func (c *conn) tellFull() {
	c.obs.warn(fmt.Errorf("netgear: %w: more than %d connections wait behind the one that is served at %s: rebuilding it", ErrPeerLost, maxRefused, c.endpoints()))
}

func (c *conn) clearLost() { c.lost.Store(0) }

// fail says, from any goroutine, that there is no use in going on.
func (c *conn) fail(err error) {
	if c.fatal.CompareAndSwap(nil, &err) {
		c.waker.Wake()
	}
}

// failed returns the first error that was given to fail.
func (c *conn) failed() error {
	if err := c.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// linkEvents are the monitor's events that matter to peers, in our terms.
var linkEvents = map[zmq4.Event]linkEvent{
	zmq4.EVENT_ACCEPTED:                   linkAccepted,
	zmq4.EVENT_CONNECTED:                  linkConnected,
	zmq4.EVENT_HANDSHAKE_SUCCEEDED:        linkReady,
	zmq4.EVENT_HANDSHAKE_FAILED_AUTH:      linkRefused,
	zmq4.EVENT_HANDSHAKE_FAILED_PROTOCOL:  linkRefused,
	zmq4.EVENT_HANDSHAKE_FAILED_NO_DETAIL: linkRefused,
	zmq4.EVENT_DISCONNECTED:               linkEnded,
}

// watch follows what happens to the connections of sock until it is closed.
func (c *conn) watch(sock *zmq4.Socket, generation uint64) error {
	addr := "inproc://netgear-watch-" + strconv.FormatUint(generation, 10)
	events := zmq4.EVENT_MONITOR_STOPPED | zmq4.EVENT_CONNECT_RETRIED
	for ev := range linkEvents {
		events |= ev
	}
	if err := sock.Monitor(addr, events); err != nil {
		return fmt.Errorf("netgear: %w: monitor: %w", ErrOpen, err)
	}
	mon, err := c.zctx.NewSocket(zmq4.PAIR)
	if err != nil {
		return fmt.Errorf("netgear: %w: monitor: %w", ErrOpen, err)
	}
	if err := mon.Connect(addr); err != nil {
		_ = mon.Close() // the error that counts is err
		return fmt.Errorf("netgear: %w: monitor: %w", ErrOpen, err)
	}
	spawn(c.fail, func() {
		defer func() {
			_ = mon.Close() // nothing is left to be done about it
		}()
		for {
			ev, addr, value, err := mon.RecvEvent(0)
			if err != nil || ev == zmq4.EVENT_MONITOR_STOPPED {
				c.tell(c.peers.stopped(generation))
				return
			}
			c.log.Debug("connection", "event", ev.String(), "endpoint", addr, "value", value)
			c.happened(generation, ev, addr, value)
		}
	})
	return nil
}

// happened takes in one event of a monitor, in the goroutine of its watch.
func (c *conn) happened(generation uint64, ev zmq4.Event, addr string, value int) {
	if ev == zmq4.EVENT_CONNECT_RETRIED {
		addr = c.shown(addr)
		c.revival.well(generation, c.portIndex(addr))
		c.announce()
		return
	}
	kind, ok := linkEvents[ev]
	if !ok {
		return
	}
	addr = c.shown(addr)
	l := linkNews{kind: kind, endpoint: addr, fd: value}
	if kind == linkRefused {
		l.fd = 0
		switch ev {
		case zmq4.EVENT_HANDSHAKE_FAILED_AUTH:
			l.why = failureOfAuth(value)
		case zmq4.EVENT_HANDSHAKE_FAILED_PROTOCOL:
			l.why = failureOfProtocol(value)
		default:
		}
		l.reason = l.why.reason(c.keys != nil)
	}
	if kind == linkEnded {
		c.owners.ended(value)
	}
	c.introduce(&l)
	change := c.peers.event(generation, l)
	if change.rejected != "" && change.why == failedUnknown {
		if why := c.door.Why(strings.TrimPrefix(change.rejected, "tcp://")); why != "" {
			change.reason = why
		}
	}
	if c.cfg.Pattern == wire.Pair && c.cfg.Bind && change.connected > 1+maxRefused {
		c.full.Store(generation)
		c.waker.Wake()
	}
	if len(change.removed) > 0 && !change.swapped {
		c.lost.Store(generation)
		c.waker.Wake()
	}
	c.tell(change)
	if c.cfg.Bind {
		return
	}
	refusal := ""
	switch {
	case kind == linkEnded:
		if c.names != nil {
			c.names.nudge()
		}
		c.revival.ended(generation, c.portIndex(addr))
	case kind == linkReady:
		c.peers.serve(c.portIndex(addr))
		c.lastRefusal.Store(nil)
		c.suspicions[c.portIndex(addr)].allay()
		c.revival.well(generation, c.portIndex(addr))
	case kind == linkRefused && ev == zmq4.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		refusal = c.silentFailure(c.portIndex(addr))
	case kind == linkRefused:
		if refusal = c.refusal(l.why); l.why == failedMechanism {
			c.theirMechanism(c.ports[c.portIndex(addr)]) // so that the other end knows too
		}
	}
	if refusal != "" {
		c.refused(c.portIndex(addr), refusal)
	}
}

// tell passes a change on to the observer.
func (c *conn) tell(ch peerChange) {
	for _, e := range ch.added {
		if c.obs.PeerAdded != nil {
			c.obs.PeerAdded(e)
		}
	}
	for _, e := range ch.removed {
		if c.obs.PeerRemoved != nil {
			c.obs.PeerRemoved(e)
		}
	}
	if ch.rejected != "" && c.cfg.Bind {
		c.log.Log(c.ctx, rejectionLevel(ch.why), "peer rejected", "endpoint", ch.rejected, "reason", ch.reason)
		if ch.why.isRefusal() {
			c.peers.authFailures.Add(1)
		}
		c.warnRejected(&ch)
	}
	if ch.rejected != "" && c.cfg.Bind && c.obs.PeerRejected != nil {
		c.obs.PeerRejected(ch.rejected, ch.reason)
	}
	if len(ch.added) > 0 {
		c.announce()
	}
	if (len(ch.added) > 0 || len(ch.removed) > 0) && c.obs.Peers != nil {
		c.obs.Peers(ch.connected)
	}
}

// rejectionLevel is that of the log: a port scanner is no refusal.
func rejectionLevel(why failure) slog.Level {
	if why.isRefusal() {
		return slog.LevelWarn
	}
	return slog.LevelInfo
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

// spawn runs f in a goroutine. Every goroutine of ours comes from here, from
// spawnAtEnd or from spawnAfter: a panic in one of them ends no process, but
// becomes an error.
func spawn(fail func(error), f func()) { go contained(fail, f)() }

// spawnAtEnd is context.AfterFunc, contained.
func spawnAtEnd(ctx context.Context, fail func(error), f func()) (stop func() bool) {
	return context.AfterFunc(ctx, contained(fail, f))
}

// spawnAfter is time.AfterFunc, contained.
func spawnAfter(d time.Duration, fail func(error), f func()) *time.Timer {
	return time.AfterFunc(d, contained(fail, f))
}

// contained is f without its panics.
func contained(fail func(error), f func()) func() {
	return func() {
		defer func() {
			if r := recover(); r != nil {
				fail(&panicError{r, string(debug.Stack())})
			}
		}()
		f()
	}
}

// panicError is a panic in a goroutine. Its stack is for those who look for the
// fault, not for the text of the error.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("netgear: internal error: %v", e.value) }

// Stack returns where it happened.
func (e *panicError) Stack() string { return e.stack }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
