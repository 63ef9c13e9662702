package rate

import (
	"math"
	"time"
)

// horizon is how long a minimum counts, since links change.
const horizon = 10 * time.Second

// minimum is the smallest value of the last horizon. It is kept in two halves.
type minimum struct {
	now, before time.Duration // of the present half, and of the one before; 0: none
	began       time.Duration
}

func (m *minimum) add(at, v time.Duration) {
	if at-m.began > horizon/2 {
		m.before, m.now, m.began = m.now, 0, at
	}
	if m.now == 0 || v < m.now {
		m.now = v
	}
}

func (m *minimum) value() time.Duration {
	if m.before > 0 && (m.now == 0 || m.before < m.now) {
		return m.before
	}
	return m.now
}

// lateness is how much later the frames of a live stream come than they did at best.
// They are late when the sender could not take them at once.
type lateness struct {
	best    minimum
	excess  time.Duration
	at      time.Duration
	shifted time.Duration // minimum has no negative values
}

const (
	lateShift = time.Hour
	// caughtUp is the time within which frames shall be in time again.
	caughtUp   = 300 * time.Millisecond
	maxPenalty = 0.8
	lateStale  = time.Second
)

func (l *lateness) add(now, late time.Duration) {
	l.shifted = late + lateShift
	l.best.add(now, l.shifted)
	l.excess, l.at = l.shifted-l.best.value(), now
}

// penalty returns the part of the link that must stay free so that late frames catch up.
// wait is how long they wait behind each other, which comes on top.
func (l *lateness) penalty(now, wait, interval time.Duration) float64 {
	excess := wait
	if now-l.at < lateStale {
		excess += l.excess
	}
	return min(maxPenalty, max(0, float64(excess-interval)/float64(caughtUp)))
}

// average is a rate over about a quarter of a second.
type average struct {
	sum   float64
	at    time.Duration
	began time.Duration
	any   bool
}

const averaged = time.Second / 4

func (a *average) decay(now time.Duration) {
	if dt := now - a.at; dt > 0 {
		a.sum *= math.Exp(-float64(dt) / float64(averaged))
		a.at = now
	}
}

func (a *average) add(now time.Duration, v float64) {
	if !a.any {
		a.any, a.at, a.began = true, now, now
	}
	a.decay(now)
	a.sum += v
}

// value returns the rate per second.
func (a *average) value(now time.Duration) float64 {
	if !a.any {
		return 0
	}
	a.decay(now)
	// In the beginning the sum is that of a shorter time.
	known := 1 - math.Exp(-float64(now-a.began)/float64(averaged))
	return a.sum / averaged.Seconds() / max(known, 0.05)
}

// Constants of grip.
const (
	leastGrip = 0.4
	// A second of frames that come gripLate late, or later, takes away loosen. A second
	// of frames in time brings tighten back.
	loosen, tighten = 0.25, 0.06
	gripLate        = 100 * time.Millisecond
	// gripAfter is how long frames must have come late before it counts: they do so for
	// a while after a fall of the rate.
	gripAfter = 1500 * time.Millisecond
	gripCalm  = 500 * time.Millisecond // without a late frame
)

// grip is what a link carries in the long run, as a part of what it seems to carry. A
// link that lets short bursts through seems faster than it is, and then frames come
// later and later.
type grip struct {
	missing float64 // of 1
	at      time.Duration
	since   time.Duration // when frames began to come late; 0: they are in time
	late    time.Duration // when the last late frame came
}

func (g *grip) add(now, excess, interval time.Duration) {
	dt := min(now-g.at, 100*time.Millisecond).Seconds()
	g.at = now
	if over := excess - interval; over > 0 {
		g.late = now
		if g.since == 0 {
			g.since = max(now, 1)
		}
		if now-g.since < gripAfter {
			return
		}
		g.missing = min(1-leastGrip, g.missing+dt*loosen*min(1, over.Seconds()/gripLate.Seconds()))
		return
	}
	if now-g.late < gripCalm {
		return
	}
	g.since = 0
	g.missing = max(0, g.missing-dt*tighten)
}

func (g *grip) value() float64 { return 1 - g.missing }
