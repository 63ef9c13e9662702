package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// watchAfter is how long a program may be busy with its next frame before the lookout
// looks for confirmations. A stream of thousands of frames a second never lets it.
const watchAfter = 200 * time.Microsecond

// lookout notes when a confirmation comes while nobody waits for one: where several
// frames may be on the way, Send returns before the confirmation of its frame is there,
// and the next Send would take its own time for that of the arrival. The clocks are
// measured by it.
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

// start makes the lookout of s work, where it is of use.
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
	// Whoever wakes it means the next Send, which finds the waker still woken.
	if ev, err := l.s.conn.data.Wait(zmsg.In, l.s.conn.waker, time.Time{}); err == nil && ev&zmsg.In != 0 {
		l.came = time.Now()
	}
}

// arrived returns when a confirmation came that has just been read.
func (l *lookout) arrived() time.Time {
	at := earliest(time.Now(), l.came)
	l.came = time.Time{}
	return at
}
