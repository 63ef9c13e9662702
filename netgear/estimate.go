package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

// Implementation constants of an estimator.
const (
	// leastLimited is the time in which a way must have been the limit before its
	// rate is believed, and how many bytes must have gone, or else for how long it was
	// the limit: a receiver's kernel makes room in steps of some 64 kB.
	leastLimited = 60 * time.Millisecond
	leastBytes   = 96 << 10
	longLimited  = 250 * time.Millisecond
	// carriedTime is the time over which what is carried is counted.
	carriedTime = 500 * time.Millisecond
	// calmTime is how long nothing must have waited before the estimate grows beyond
	// what the way was measured to carry.
	calmTime = 500 * time.Millisecond
	// growth is the most by which it grows at once.
	growth = 1.1
	// fallShare is how much less than the average the last measurement must be for
	// the estimate to fall to it.
	fallShare = 0.75
	// leastBusy is how long the bytes of a burst must be on their way for that to say
	// something. The kernel counts it in ticks of some milliseconds.
	leastBusy = 10 * time.Millisecond
	// farStep is such a step, in bytes. In between a way seems to stand still.
	farStep = 64 << 10
	// stalledTime is how long a write must wait before the wait says something.
	stalledTime = 100 * time.Millisecond
)

// estimator estimates what the way to one peer carries, from what the door counts.
// It has no clock and no socket.
//
//	more was sent than the way takes -> the estimate is what it took of late, and falls at once
//	a write waits for long           -> it is not more than that comes to
//	less was sent                    -> that is no news. But it is at least what was carried in fact. It grows in
//	                                    steps to twice that; and it is at most what the bursts of frames say,
//	                                    where it takes time to carry one
type estimator struct {
	rate float64 // bit/s; 0: not known

	at        time.Time   // of the last sample
	movedAt   time.Time   // when bytes last went
	limitedAt time.Time   // when the way last was the limit
	unused    measured    // the way was the limit, but not for long enough yet
	recent    [4]measured // times in which the way was the limit, oldest first; zero: there were not so many
	history   []sample    // of the last carriedTime, oldest first
}

// sample is what the door had counted at a time.
type sample struct {
	at time.Time
	door.Way
}

// measured is so many bytes in so much time.
type measured struct {
	bytes uint64
	time  time.Duration
}

// rate is in bit/s.
func (m measured) rate() float64 { return 8 * float64(m.bytes) / m.time.Seconds() }

func (m *measured) add(o measured) {
	m.bytes += o.bytes
	m.time += o.time
}

// take takes in what the door has counted by now.
func (e *estimator) take(w door.Way, now time.Time) {
	before := w
	if n := len(e.history); n > 0 {
		before = e.history[n-1].Way
	}
	if e.at.IsZero() || w.Passed > before.Passed {
		e.movedAt = now
	}
	e.at = now
	e.history = append(e.history, sample{now, w})
	for len(e.history) > 2 && now.Sub(e.history[1].at) >= carriedTime {
		e.history = append(e.history[:0], e.history[1:]...)
	}
	limited := measured{w.Limited - before.Limited, w.LimitedTime - before.LimitedTime}
	e.unused.add(limited)
	switch {
	case w.WaitTime >= stalledTime && e.bound(w) < e.rate:
		e.rate, e.limitedAt = e.bound(w), now
		e.recent = [4]measured{}
	case e.unused.time >= longLimited || e.unused.time >= leastLimited && e.unused.bytes >= leastBytes:
		e.measure(now)
	case limited.time == 0 && w.WaitTime == 0 && now.Sub(e.limitedAt) >= calmTime:
		e.grow()
	}
}

// measure has the estimate follow a way that is the limit.
func (e *estimator) measure(now time.Time) {
	fresh := e.unused
	copy(e.recent[:], e.recent[1:])
	e.recent[len(e.recent)-1] = fresh
	var all measured
	for _, m := range e.recent {
		all.add(m)
	}
	if e.rate = all.rate(); fresh.rate() < fallShare*e.rate {
		e.rate, e.recent = fresh.rate(), [4]measured{3: fresh}
	}
	e.unused, e.limitedAt = measured{}, now
}

// bound returns what a way carries at most in which a write has waited for so long,
// in bit/s.
func (e *estimator) bound(w door.Way) float64 {
	return measured{w.Waiting + farStep, w.WaitTime}.rate()
}

// grow has the estimate follow what is carried by a way that is not the limit.
func (e *estimator) grow() {
	first, last := e.history[0], e.history[len(e.history)-1]
	d := last.at.Sub(first.at)
	if d < carriedTime/2 {
		return
	}
	carried := measured{last.Passed - first.Passed, d}.rate()
	e.rate = max(e.rate, carried)
	if most := 2 * carried; most > e.rate {
		e.rate = min(most, growth*e.rate)
	}
	// A burst takes the time of its bytes on the way, and that of the last
	// acknowledgement.
	bursts := last.Bursts - first.Bursts
	busy := last.Busy - first.Busy - time.Duration(bursts)*last.MinRTT //nolint:gosec // a few in half a second
	if busy >= time.Duration(max(bursts, 1))*leastBusy {               //nolint:gosec // as above
		e.rate = min(e.rate, measured{last.Acked - first.Acked, busy}.rate())
	}
}
