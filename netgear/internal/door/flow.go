package door

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What waits unsent in our kernel, on its way from libzmq to a peer over TCP, is
// as much as the link carries in flowTime. Left alone a send buffer grows to 4 MB
// (tcp_wmem), which are three seconds of a link of 10 Mbit/s: every picture would
// be that old.
const (
	flowTime = 20 * time.Millisecond
	// Bounds, and the value until the rate of the link is known, in bytes. The
	// least is a few packets; with the most a raw frame over the loopback goes as
	// fast as with the buffers of the system.
	leastRoom = 16 << 10
	firstRoom = 32 << 10
	mostRoom  = localBuffer
	// lookPause is between two looks at the rate: long enough to cost nothing.
	lookPause = 50 * time.Millisecond
)

// Link is what the kernel knows of the way to a peer over TCP.
type Link struct {
	RTT          time.Duration // smoothed
	DeliveryRate uint64        // bytes per second that were acknowledged of late; 0: not known yet
	Unsent       uint32        // bytes that wait in the kernel and were never sent
	Retransmits  uint32        // packets sent again since the connection was made
}

// flow follows the rate of the link to one peer. One goroutine uses it.
type flow struct {
	door   *Door
	peer   *stream
	far    string // names libzmq's end of the connection
	room   int    // bytes that may wait; 0: no bound, as it is not TCP
	passed int    // bytes since the last look
	looked time.Time
}

func newFlow(d *Door, peer *stream, far string) *flow {
	f := &flow{door: d, peer: peer, far: far}
	if peer.tcp {
		f.resize(firstRoom)
	}
	return f
}

// sent takes note of n bytes on their way to the peer.
func (f *flow) sent(n int) {
	if f.room == 0 {
		return
	}
	f.passed += n
	now := time.Now()
	if now.Sub(f.looked) < lookPause {
		return
	}
	passed := f.passed
	f.passed, f.looked = 0, now
	l, ok := f.peer.link()
	if !ok || l.DeliveryRate == 0 {
		return
	}
	rate := min(l.DeliveryRate, uint64(mostRoom)*uint64(time.Second/flowTime))
	room := max(leastRoom, int(rate*uint64(flowTime)/uint64(time.Second)))
	if room > f.room {
		// The first bytes go into buffers on the way, faster than the link: so it
		// grows in steps, and for whoever has use for it.
		if room = min(room, 2*f.room); passed < f.room {
			return
		}
	}
	if room < f.room*4/5 || room > f.room*5/4 {
		f.resize(room)
	}
}

// resize bounds each place where bytes wait.
func (f *flow) resize(room int) {
	f.room = room
	_ = f.peer.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, room) // it fails when the peer has gone
	})
	f.door.resize(f.far, room)
}

// link asks the kernel.
func (s *stream) link() (l Link, ok bool) {
	if !s.tcp {
		return l, false
	}
	err := s.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		l = Link{
			RTT:          time.Duration(info.Rtt) * time.Microsecond,
			DeliveryRate: info.Delivery_rate,
			Unsent:       info.Notsent_bytes,
			Retransmits:  info.Total_retrans,
		}
		ok = true
	})
	return l, ok && err == nil
}

// LinkOf returns what is known of the link to the first peer that is meant, and
// false when there is none over TCP.
func (d *Door) LinkOf(meant func(p Peer) bool) (Link, bool) {
	d.mu.Lock()
	var peer *stream
	for _, c := range d.conns {
		if c.peer != nil && meant(c.about) {
			peer = c.peer
			break
		}
	}
	d.mu.Unlock()
	if peer == nil {
		return Link{}, false
	}
	return peer.link()
}

// farEnd is libzmq's end of a connection.
type farEnd struct{ fd, room int }

// noFD is in farEnd while libzmq has not told its descriptor.
const noFD = -1

// Bound has the door bound what waits in libzmq's end of a connection of a socket
// that sends frames, by its descriptor, as the monitor of the socket tells it. It
// does nothing to a descriptor that is something else by now.
func (d *Door) Bound(fd int) {
	far, err := peerName(fd)
	if err != nil || !strings.HasPrefix(far, d.name) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.acceptedLocked(far); ok && c == nil {
		return // nobody would take its entry away again
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
