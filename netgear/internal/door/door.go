package door

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Errors of the door itself, beside those of the Reader.
var (
	// ErrSlow means that a peer did not finish its handshake in time.
	ErrSlow = errors.New("too slow")
	// ErrFull means that there is no place for another connection.
	ErrFull = errors.New("no place")
	// ErrForeign means that the address of a peer is not let in.
	ErrForeign = errors.New("not let in")
)

// Config holds the settings of a Door.
type Config struct {
	Limits Limits
	// Pattern has the messages of connections go through a Post, and not through libzmq.
	// It is for ends that do not encrypt.
	Pattern Pattern
	// MaxConnections is how many peers may be there at once; 0 means no limit.
	MaxConnections int
	// HandshakeTime is how long a peer may take from its first word to the end of
	// the handshake.
	HandshakeTime time.Duration
	// One makes incoming connections take turns. It is for a PAIR socket, which serves
	// one connection, without encryption.
	One bool
	// OnePart means that a message of one part counts as a picture: see PreferNewest.
	OnePart bool
	// Allow returns why an address is not let in, or nil. Allow may be nil.
	Allow func(netip.Addr) error
	// UserTimeout is how long TCP data may be without an acknowledgement of the
	// peer's kernel.
	UserTimeout time.Duration
	// Keepalive finds a peer that vanished.
	Keepalive net.KeepAliveConfig
	// Spawn runs a function in a goroutine; nil means go.
	Spawn func(func())
	// Refused is called for each connection that the door ends for a fault of its
	// peer, with the reason. It is not called when libzmq has seen the connection and
	// the handshake is not over: libzmq reports that itself, and Why has the reason.
	// Refused may be nil.
	Refused func(p Peer, reason error)
	// GaveWay is called when a picture gives way to a newer one on its way to one peer:
	// see PreferNewest. It may be nil.
	GaveWay func()
	// Arrived is called when a peer that answers pings has got pictures, with when they
	// began to be sent and how many bytes they were: see Ask. It may be nil.
	Arrived func(p Peer, sent time.Time, bytes int)
	// Unreached is called after each failed attempt to connect. It may be nil.
	Unreached func(err error)
	Log       *slog.Logger
}

// Peer is who is at the other end of a connection.
type Peer struct {
	// Address is where the connection comes from or leads to: an IP address with
	// its port, or a path.
	Address string
	// Port is our port that it came in through, or the peer's that it leads to.
	Port uint
	// Dialled means that the door connected to the peer, and not the peer to us.
	Dialled bool

	admitted *atomic.Bool
}

// Admitted reports whether libzmq has got the last word of the handshake, so that it
// may say that the handshake succeeded. It stays so when the connection has ended.
func (p Peer) Admitted() bool { return p.admitted != nil && p.admitted.Load() }

// Door stands in front of the sockets of one end, at all its ports, for as long as the
// end is open. Any goroutine may call its methods.
type Door struct {
	cfg   Config
	begun time.Time
	name  string // of its sockets; random
	ctx   context.Context
	stop  context.CancelFunc

	denials chan struct{} // has a token for each refusal that is being sent
	carried sync.WaitGroup

	newest    atomic.Bool  // see PreferNewest
	queue     atomic.Bool  // see Queue
	gated     atomic.Bool  // see Gate
	asks      atomic.Bool  // see Ask
	lateBytes atomic.Int64 // of all connections

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	mouths    map[string]*mouth // by name
	conns     map[uint64]*conn
	far       map[string]*farEnd      // of connections, by their names
	expected  map[string]introduction // by the mouth
	last      uint64                  // id
	target    string                  // the abstract name that libzmq is bound to; "": none at the moment
	retarget  chan struct{}
	trouble   error
	reasons   []refusal // that Why has not returned yet, oldest first
	turns     turns
}

// refusal is why the door ended a connection that libzmq has seen.
type refusal struct{ address, reason string }

// namePrefix is what the abstract Unix names of doors begin with.
const namePrefix = "@netgear-"

// maxReasons bounds the reasons that nobody asks for.
const maxReasons = 256

// New returns a Door that is closed everywhere: see Listen and Mouth.
func New(cfg Config) *Door {
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails: crypto/rand
	d := &Door{
		cfg: cfg, begun: time.Now(), name: namePrefix + hex.EncodeToString(name[:]),
		conns: map[uint64]*conn{}, far: map[string]*farEnd{}, expected: map[string]introduction{}, mouths: map[string]*mouth{}, retarget: make(chan struct{}), denials: make(chan struct{}, maxDenials),
	}
	if d.cfg.Spawn == nil {
		d.cfg.Spawn = func(f func()) { go f() }
	}
	if d.cfg.Log == nil {
		d.cfg.Log = slog.New(slog.DiscardHandler)
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// Lead makes connections go to the socket of libzmq that is bound to an abstract Unix
// name, with its @. With the empty name they wait.
func (d *Door) Lead(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.target = name
	close(d.retarget)
	d.retarget = make(chan struct{})
}

// Name returns an abstract Unix name that only this Door uses, for the socket of
// libzmq with that number.
func (d *Door) Name(n uint64) string { return d.name + "-to-" + strconv.FormatUint(n, 10) }

// Shut closes all openings, so that their addresses are free. Present connections go
// on.
func (d *Door) Shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, l := range d.listeners {
		l.Close()
	}
	for _, m := range d.mouths {
		m.Close()
	}
}

// Close ends the door. Before that it sends what libzmq has left in it, for grace at the
// most. The sockets of libzmq must be closed already.
func (d *Door) Close(grace time.Duration) {
	d.Shut()
	if grace > 0 {
		gone := make(chan struct{})
		d.cfg.Spawn(func() {
			d.carried.Wait()
			close(gone)
		})
		select {
		case <-gone:
		case <-time.After(grace):
		}
	}
	d.stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.closeBoth()
	}
}

// atEnd is context.AfterFunc with Config.Spawn.
func (d *Door) atEnd(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, func() { d.cfg.Spawn(f) })
}

// Trouble returns why connections cannot be made at the moment, or nil.
func (d *Door) Trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trouble
}

func (d *Door) setTrouble(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = err
}

// Count returns how many connections there are. Those in their handshake count too.
func (d *Door) Count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
}

// Came returns when the newest of the connections that libzmq has got through its
// handshake. One that is in its handshake counts from when libzmq got it. The zero time
// means that libzmq has none.
func (d *Door) Came() (at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		if c.since.After(at) {
			at = c.since
		}
	}
	return at
}

// PeerOf returns who is at the other end of a descriptor of libzmq.
func (d *Door) PeerOf(fd int) (p Peer, ok bool) {
	name, err := peerName(fd)
	if err != nil {
		return p, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, _ := d.acceptedLocked(name)
	if c == nil {
		return p, false
	}
	return c.about, true
}

// acceptedLocked returns the connection that own gave that name, or nil when it has
// ended. It reports false for another name.
func (d *Door) acceptedLocked(name string) (c *conn, ok bool) {
	text, ok := strings.CutPrefix(name, d.name+"-of-")
	if !ok {
		return nil, false
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, false
	}
	return d.conns[id], true
}

// entered notes that the handshake of a connection is over.
func (d *Door) entered(c *conn) {
	d.mu.Lock()
	d.trouble, c.since = nil, time.Now()
	d.mu.Unlock()
	d.cfg.Log.Debug("handshake through", "peer", c.about.Address)
}

// ended notes the end of a connection.
func (d *Door) ended(c *conn) {
	d.mu.Lock()
	c.closeBoth()
	delete(d.conns, c.id)
	delete(d.far, c.own())
	d.mu.Unlock()
	d.saidAll(c)
	c.mu.Lock()
	reason, over := c.refused, c.isOver
	c.mu.Unlock()
	if reason != nil && (c.local == nil || over) {
		d.refused(c.about, reason)
	}
}

// remember keeps the reason for Why.
func (d *Door) remember(c *conn, reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.reasons) >= maxReasons {
		d.reasons = d.reasons[1:]
	}
	d.reasons = append(d.reasons, refusal{c.about.Address, reason.Error()})
}

// Why returns, once, why the door ended a connection from that address in its
// handshake, or "" when it did not.
func (d *Door) Why(address string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.reasons, func(r refusal) bool { return r.address == address })
	if i < 0 {
		return ""
	}
	reason := d.reasons[i].reason
	d.reasons = slices.Delete(d.reasons, i, i+1)
	return reason
}

// closeBoth closes the open sides of a connection. Its caller has the lock of the door.
// It must know that libzmq has closed its side or never had one, since otherwise a full
// close could harm libzmq.
func (c *conn) closeBoth() {
	if c.peer != nil {
		c.peer.Close()
	}
	if c.local != nil {
		c.local.Close()
	}
}

// saidAll notes, once, that all that libzmq has sent has left the door.
func (d *Door) saidAll(c *conn) { c.said.Do(d.carried.Done) }

func (d *Door) refused(p Peer, reason error) {
	d.cfg.Log.Debug("connection ended by the door", "peer", p.Address, "reason", reason)
	if d.cfg.Refused != nil {
		d.cfg.Refused(p, reason)
	}
}

// enter connects a peer with libzmq.
func (c *conn) enter() error {
	d := c.door
	_ = c.peer.SetReadDeadline(time.Now().Add(d.cfg.HandshakeTime)) // it fails when the peer has gone
	t := time.NewTimer(d.cfg.HandshakeTime)
	defer t.Stop()
	for {
		d.mu.Lock()
		target, changed := d.target, d.retarget
		d.mu.Unlock()
		if target != "" {
			dialer := net.Dialer{LocalAddr: &net.UnixAddr{Net: "unix", Name: c.own()}}
			local, err := dialer.DialContext(c.ctx, "unix", target)
			if err == nil {
				return c.join(local, c.own())
			}
			if !errors.Is(err, syscall.ECONNREFUSED) {
				return fmt.Errorf("door: to libzmq: %w", err)
			}
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
			return c.ctx.Err()
		case <-t.C:
			return fmt.Errorf("%w: nobody takes connections at the moment", ErrSlow)
		}
	}
}

// own names the connection of a peer that was accepted, for libzmq.
func (c *conn) own() string { return c.door.name + "-of-" + strconv.FormatUint(c.id, 10) }

// join begins to carry what libzmq sends. far is the name of libzmq's end.
func (c *conn) join(local net.Conn, far string) error {
	widen(local)
	c.door.mu.Lock()
	c.local, c.since = newStream(local), time.Now()
	closed := c.door.closed
	c.door.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	c.carryOutward(far)
	return nil
}

// widen gives a socket towards libzmq a larger send buffer.
func widen(c net.Conn) {
	if u, ok := c.(*net.UnixConn); ok {
		_ = u.SetWriteBuffer(localBuffer) // as much of it as the kernel gives
	}
}

// spare returns how many descriptors the door leaves to the rest of the process. limit
// is how many the process may have.
func spare(limit uint64) uint64 { return min(max(64, limit/8), limit/2) }

// lastDescriptor returns the lowest number of a descriptor that shows that too few are
// left for another peer. The kernel hands out the lowest free number, so a high one
// means that those below are taken.
func lastDescriptor() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 30
	}
	return int(min(limit.Cur-spare(limit.Cur), 1<<30))
}
