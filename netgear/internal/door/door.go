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
	// ErrSlow says that a peer did not finish its handshake in time.
	ErrSlow = errors.New("too slow")
	// ErrFull says that there is no place for another connection.
	ErrFull = errors.New("no place")
	// ErrForeign says that the address of a peer is not let in.
	ErrForeign = errors.New("not let in")
)

// Config is what a Door is made of.
type Config struct {
	Limits Limits
	// MaxConnections is how many peers may be there at once; 0 means no limit.
	MaxConnections int
	// HandshakeTime is how long a peer may take from its first word to the end of
	// the handshake.
	HandshakeTime time.Duration
	// One has the connections that come in take turns: for a PAIR socket, which
	// serves one. Without encryption only.
	One bool
	// OnePart has a message of one part count as a picture: see PreferNewest.
	OnePart bool
	// Allow says why an address is not let in, or nil. It may be nil itself.
	Allow func(netip.Addr) error
	// UserTimeout is how long TCP data may be without an acknowledgement of the
	// peer's kernel.
	UserTimeout time.Duration
	// Keepalive finds a peer that vanished.
	Keepalive net.KeepAliveConfig
	// Spawn runs a function in a goroutine; nil means go.
	Spawn func(func())
	// Refused is called with each connection that the door ends for a fault of
	// its peer, and why, but for those that libzmq has seen and whose handshake is
	// not through: it tells of these itself, and Why says the rest. It may be nil.
	Refused func(p Peer, reason error)
	// GaveWay is called with each picture that gave way to a newer one on its way to
	// one peer: see PreferNewest. It may be nil.
	GaveWay func()
	// Unreached is called with each attempt to connect that failed. It may be nil.
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
	// Dialled says that the door reached it, and not the other way round.
	Dialled bool

	admitted *atomic.Bool
}

// Admitted reports whether libzmq has got the last word of the handshake, so that it
// may say that the handshake succeeded. It stays so when the connection has ended.
func (p Peer) Admitted() bool { return p.admitted != nil && p.admitted.Load() }

// Door is what stands in front of the sockets of one end, over all its ports
// and for as long as the end is open. All methods may be called from any
// goroutine.
type Door struct {
	cfg   Config
	begun time.Time
	name  string // of its sockets; random
	ctx   context.Context
	stop  context.CancelFunc

	denials chan struct{} // holds a token for each peer that is told so
	carried sync.WaitGroup

	newest    atomic.Bool  // see PreferNewest
	queue     atomic.Bool  // see Queue
	gated     atomic.Bool  // see Gate
	lateBytes atomic.Int64 // of all connections

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	conns     map[uint64]*conn
	far       map[string]*farEnd // of connections, by their names
	last      uint64             // id
	target    string             // the abstract name that libzmq is bound to; "": none at the moment
	retarget  chan struct{}
	trouble   error
	reasons   []refusal // that Why has not told yet, oldest first
	turns     turns
}

// refusal is why the door ended a connection that libzmq has seen.
type refusal struct{ address, reason string }

// maxReasons bounds those that nobody asks for.
const maxReasons = 256

// New returns a Door without any opening.
func New(cfg Config) *Door {
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails: crypto/rand
	d := &Door{
		cfg: cfg, begun: time.Now(), name: "@netgear-" + hex.EncodeToString(name[:]),
		conns: map[uint64]*conn{}, far: map[string]*farEnd{}, retarget: make(chan struct{}), denials: make(chan struct{}, maxDenials),
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

// Lead has connections go to a socket of libzmq that is bound to an abstract
// Unix name, with its @. The empty name has them wait.
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

// Shut closes all openings, so that their addresses are free. Connections that
// there are go on.
func (d *Door) Shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, l := range d.listeners {
		l.Close()
	}
}

// Close ends the door. What libzmq has left in it goes on its way, for grace at
// the most. The sockets of libzmq must be closed already.
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

// atEnd is context.AfterFunc, contained as Spawn contains.
func (d *Door) atEnd(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, func() { d.cfg.Spawn(f) })
}

// Trouble returns what keeps connections from coming about, or nil.
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

// Count returns how many connections there are, those in their handshake
// included.
func (d *Door) Count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.conns)
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

// entered takes note that the handshake of a connection is over.
func (d *Door) entered(c *conn) {
	d.setTrouble(nil)
	d.cfg.Log.Debug("handshake through", "peer", c.about.Address)
}

// ended takes note of the end of a connection.
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

// closeBoth closes what there is of a connection. Its caller has the lock of the
// door, and knows that libzmq has closed its side or never had one that it could
// be harmed by.
func (c *conn) closeBoth() {
	if c.peer != nil {
		c.peer.Close()
	}
	if c.local != nil {
		c.local.Close()
	}
}

// saidAll takes note, once, that nothing of libzmq is on its way any more.
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

// join begins to carry what libzmq sends, whose end is named far.
func (c *conn) join(local net.Conn, far string) error {
	widen(local)
	c.door.mu.Lock()
	c.local = newStream(local)
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

// spare is how many descriptors the door leaves to the rest of the process, of
// so many that it may have.
func spare(limit uint64) uint64 { return min(max(64, limit/8), limit/2) }

// lastDescriptor returns the number from which on descriptors are too scarce
// for another peer. The kernel hands out the lowest free number, so a high one
// means that those below are taken.
func lastDescriptor() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 30
	}
	return int(min(limit.Cur-spare(limit.Cur), 1<<30))
}
