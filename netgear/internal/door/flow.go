package door

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/rawio"
)

// On the way from libzmq to a peer over TCP, as many bytes wait unsent in our kernel as
// the link carries in flowTime. By default a send buffer grows to 4 MB (tcp_wmem), which
// takes three seconds on a link of 10 Mbit/s: every picture would be that old.
const (
	flowTime = 20 * time.Millisecond
	// Bounds, and the value until the rate of the link is known, in bytes. The
	// least is a few packets; with the most a raw frame over the loopback goes as
	// fast as with the buffers of the system.
	leastRoom = 16 << 10
	firstRoom = 32 << 10
	mostRoom  = localBuffer
	// lookPause is the time between two looks at the rate: long enough to cost nothing.
	lookPause = 50 * time.Millisecond
)

// Link is what the kernel knows of the TCP connection to a peer.
type Link struct {
	RTT          time.Duration // smoothed
	DeliveryRate uint64        // bytes per second that were acknowledged lately; 0: not known yet
	Unsent       uint32        // bytes that wait in the kernel and here, and were never sent
	Retransmits  uint32        // packets sent again since the connection was made
	MinRTT       time.Duration // the least of the last minutes
	Acked        uint64        // bytes acknowledged since the connection was made
	Busy         time.Duration // how long there was something to send, or to be acknowledged
}

// flow follows the rate of the link to one peer. One goroutine at a time uses it;
// any may read its meter.
type flow struct {
	meter
	door   *Door
	peer   *stream
	far    string       // names libzmq's end of the connection
	room   int          // bytes that may wait; 0: no bound, as it is not TCP
	bound  atomic.Int64 // room, for other goroutines
	fresh  int          // bytes since the last look
	seen   Traffic      // at the last look
	looked time.Time
}

func newFlow(d *Door, peer *stream, far string) *flow {
	f := &flow{door: d, peer: peer, far: far}
	if peer.link != nil {
		f.resize(firstRoom)
	}
	return f
}

// Write writes to the peer.
func (f *flow) Write(b []byte) (int, error) {
	f.begin(time.Now(), len(b))
	n, err := f.peer.Write(b)
	f.sent(n)
	return n, err
}

// sent notes that the write that began has ended, with n bytes on their way to the peer.
func (f *flow) sent(n int) {
	now := time.Now()
	if f.end(now, n) {
		f.marked(now, f.gone())
	}
	if f.room == 0 {
		return
	}
	f.fresh += n
	if now.Sub(f.looked) < lookPause {
		return
	}
	passed, elapsed := f.fresh, now.Sub(f.looked)
	f.fresh, f.looked = 0, now
	l, ok := f.peer.ask()
	if !ok || l.DeliveryRate == 0 {
		return
	}
	f.setTrip(l.MinRTT)
	rate := min(f.rate(l, passed, elapsed), uint64(mostRoom)*uint64(time.Second/flowTime))
	room := max(leastRoom, int(rate*uint64(flowTime)/uint64(time.Second)))
	if room > f.room {
		// The first bytes go into buffers on the way, faster than the link. So room
		// grows in steps, and only where it is used.
		if room = min(room, 2*f.room); passed < f.room {
			return
		}
	}
	if room < f.room*4/5 || room > f.room*5/4 {
		f.resize(room)
	}
}

// gone returns how many bytes have left our kernel.
func (f *flow) gone() uint64 {
	l, _ := f.peer.ask() // zero where it is not TCP: there only the writes are known
	return f.passed() - uint64(l.Unsent)
}

// rate returns what the link carries, in bytes/s. The kernel's own rate is too high where
// bytes go in bursts into a buffer on the way.
func (f *flow) rate(l Link, passed int, elapsed time.Duration) uint64 {
	t := f.read(f.looked, 0)
	limited, limitedTime := t.Limited-f.seen.Limited, t.LimitedTime-f.seen.LimitedTime
	f.seen = t
	if limitedTime >= lookPause/4 {
		return limited * uint64(time.Second) / uint64(limitedTime)
	}
	return min(l.DeliveryRate, 2*uint64(passed)*uint64(time.Second)/uint64(elapsed)) //nolint:gosec // never negative
}

// resize sets the bound of each place where bytes wait.
func (f *flow) resize(room int) {
	f.room = room
	f.bound.Store(int64(room))
	_ = f.peer.link.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, room) // it fails when the peer has gone
	})
	if f.door.cfg.Pattern == Carry {
		f.door.resize(f.far, room)
	}
}

// ask asks the kernel about the link.
func (s *stream) ask() (l Link, ok bool) {
	if s.link == nil {
		return l, false
	}
	err := s.link.Control(func(fd uintptr) {
		var info unix.TCPInfo
		if rawio.TCPInfo(fd, &info) != nil {
			return
		}
		l = Link{
			RTT:          time.Duration(info.Rtt) * time.Microsecond,
			DeliveryRate: info.Delivery_rate,
			Unsent:       info.Notsent_bytes,
			Retransmits:  info.Total_retrans,
			MinRTT:       time.Duration(info.Min_rtt) * time.Microsecond,
			Acked:        info.Bytes_acked,
			Busy:         time.Duration(info.Busy_time) * time.Microsecond, //nolint:gosec // not for ages
		}
		ok = true
	})
	return l, ok && err == nil
}

// LinkOf returns what is known of the link to the first peer that is meant. It reports
// false when no such peer has a link over TCP.
func (d *Door) LinkOf(meant func(p Peer) bool) (Link, bool) {
	d.mu.Lock()
	var found *conn
	for _, c := range d.conns {
		if c.peer != nil && meant(c.about) {
			found = c
			break
		}
	}
	d.mu.Unlock()
	if found == nil {
		return Link{}, false
	}
	l, ok := found.peer.ask()
	l.Unsent += uint32(min(found.outbox.unsent(), lateTotal)) //nolint:gosec // less than that
	return l, ok
}

// Unread reports whether a peer has sent bytes that wait in the kernel to be read, or
// messages that wait here.
func (d *Door) Unread() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		if c.hasLetters() || c.peer != nil && c.peer.unread() {
			return true
		}
	}
	return false
}

// Way is what went to one peer, by the number of its connection.
type Way struct {
	ID uint64
	Traffic
	Link // zero where the way is not over TCP
}

// Ways appends a Way for each peer whose handshake is over.
func (d *Door) Ways(to []Way) []Way {
	d.mu.Lock()
	conns := make([]*conn, 0, len(d.conns))
	for _, c := range d.conns {
		if isClosed(c.through) {
			conns = append(conns, c)
		}
	}
	d.mu.Unlock()
	now := time.Now()
	for _, c := range conns {
		l, _ := c.peer.ask()
		to = append(to, Way{c.id, c.flow.read(now, int(c.flow.bound.Load())), l})
	}
	return to
}

// farEnd is libzmq's end of a connection.
type farEnd struct{ fd, room int }

// noFD stands in farEnd until the monitor of libzmq has reported the descriptor.
const noFD = -1

// Bound makes the door bound what waits in libzmq's end of a connection, for a socket that
// sends frames. The descriptor comes from the monitor of that socket. Bound leaves a
// descriptor alone that is something else by now.
func (d *Door) Bound(fd int) {
	far, err := peerName(fd)
	if err != nil || !strings.HasPrefix(far, d.name) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.acceptedLocked(far); ok && c == nil {
		return // nobody would remove its entry again
	}
	e := d.farEndLocked(far)
	e.fd = fd
	e.apply(far)
}

func (d *Door) resize(far string, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.farEndLocked(far)
	e.room = room
	e.apply(far)
}

func (d *Door) farEndLocked(far string) *farEnd {
	e := d.far[far]
	if e == nil {
		e = &farEnd{fd: noFD, room: mostRoom}
		d.far[far] = e
	}
	return e
}

func (e *farEnd) apply(far string) {
	if e.fd == noFD {
		return
	}
	if name, err := peerName(e.fd); err != nil || name != far {
		e.fd = noFD
		return
	}
	_ = unix.SetsockoptInt(e.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, e.room) // as much of it as the kernel gives
}

// peerName returns the name of the Unix socket that a descriptor is connected to.
func peerName(fd int) (string, error) {
	sa, err := syscall.Getpeername(fd)
	if err != nil {
		return "", err
	}
	u, ok := sa.(*syscall.SockaddrUnix)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return u.Name, nil
}
