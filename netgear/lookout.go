package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// How long after a call ended the lookout looks at the socket. In a stream it hardly
// ever comes to either.
const (
	watchAfter = 200 * time.Microsecond // for confirmations
	idleAfter  = time.Second            // for connections
)

// lookout looks at a Sender's socket while no call does, for two reasons. libzmq keeps
// what it knows of a connection, some 10 kB, until the socket has taken in that it has
// ended: whoever connects again and again to a sender with nothing to send would fill its
// memory. And where several frames may be on the way, Send returns before its frame is
// confirmed: the lookout notes when the confirmation comes, by which the clocks are
// measured, and which the next Send would see too late.
//
// The zero value does nothing; enter and leave then cost next to nothing.
//
//	Send:       enter ... leave            enter ... leave
//	lookout:                   timer, run ^ ends
type lookout struct {
	s *Sender
	handover
	came time.Time // when a confirmation was first seen waiting; zero: none was
}

// start prepares the lookout of s.
func (l *lookout) start(s *Sender) {
	l.s = s
	l.timer = spawnAfter(idleAfter, func(err error) { s.current.Load().fail(err) }, l.run)
}

// enter takes the socket back.
func (l *lookout) enter() {
	if l.s == nil {
		return
	}
	var waker *zmsg.Waker
	if c := l.s.conn; c != nil {
		waker = c.waker
	}
	l.take(waker)
}

// leave hands the socket to the lookout, if there is one.
func (l *lookout) leave() {
	if l.s == nil {
		return
	}
	switch {
	case !l.looks():
	case l.watches():
		l.timer.Reset(watchAfter)
	default:
		l.timer.Reset(idleAfter)
	}
	l.mu.Unlock()
}

// looks reports whether there is a socket to look at.
func (l *lookout) looks() bool {
	s := l.s
	return !s.closed && s.conn != nil && s.conn.sock != nil
}

// watches reports whether a confirmation is to be noted.
func (l *lookout) watches() bool {
	s := l.s
	return s.cfg.Pattern == wire.Pair && s.cfg.InFlight != 1 && s.cfg.Extensions && s.foreign == nil && s.sent > 0 && l.came.IsZero()
}

func (l *lookout) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	woken := false
	for l.looks() && !l.wanted.Load() {
		want := zmsg.Events(0)
		if l.watches() {
			want = zmsg.In
		}
		s, waker := l.s, l.s.conn.waker
		if s.conn.isFull() && s.count == 0 {
			s.conn.tellFull()
			if s.rebuild(s.conn.ctx) != nil {
				break // as below
			}
		}
		ev, err := s.conn.data.Wait(want, waker, time.Time{})
		if err != nil {
			break // the next call meets it too, and reports it
		}
		if ev&zmsg.In != 0 {
			l.came = time.Now()
		}
		if ev&zmsg.Woken != 0 {
			waker.Clear()
			woken = true
		}
	}
	if woken && l.looks() {
		l.s.conn.waker.Wake() // the next call must see what it was woken for
	}
}

// arrived returns when the confirmation came that has just been read.
func (l *lookout) arrived() time.Time {
	at := earliest(time.Now(), l.came)
	l.came = time.Time{}
	return at
}
