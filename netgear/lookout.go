package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// watchAfter is the time from the end of one Send until the lookout looks for
// confirmations. In a stream of thousands of frames a second it never comes to that.
const watchAfter = 200 * time.Microsecond

// lookout notes when a confirmation comes while no Send waits for one. The clocks are
// measured by that time. Where several frames may be on the way, Send returns before its
// frame is confirmed, and the next Send would see the confirmation too late.
//
// The zero value does nothing; enter and leave then cost next to nothing.
//
//	Send:       enter ... leave            enter ... leave
//	lookout:                watchAfter, run ^ ends
type lookout struct {
	s *Sender
	handover
	came time.Time // when a confirmation was first seen waiting; zero: none was
}

// start prepares the lookout of s, where it is of use.
func (l *lookout) start(s *Sender) {
	if s.cfg.Pattern != wire.Pair || s.cfg.InFlight == 1 || !s.cfg.Extensions || s.foreign != nil {
		return
	}
	l.s = s
	l.timer = spawnAfter(time.Hour, func(err error) { s.current.Load().fail(err) }, l.run)
	l.timer.Stop()
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

// leave hands the socket to the lookout, if there is something to look for.
func (l *lookout) leave() {
	if l.s == nil {
		return
	}
	if l.watches() {
		l.timer.Reset(watchAfter)
	}
	l.mu.Unlock()
}

func (l *lookout) watches() bool {
	s := l.s
	return !s.closed && s.conn != nil && s.conn.sock != nil && s.sent > 0 && l.came.IsZero()
}

func (l *lookout) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.watches() || l.wanted.Load() {
		return
	}
	// The waker is for the next Send, which finds it still woken.
	if ev, err := l.s.conn.data.Wait(zmsg.In, l.s.conn.waker, time.Time{}); err == nil && ev&zmsg.In != 0 {
		l.came = time.Now()
	}
}

// arrived returns when the confirmation came that has just been read.
func (l *lookout) arrived() time.Time {
	at := earliest(time.Now(), l.came)
	l.came = time.Time{}
	return at
}
