package rate

import (
	"math"
	"time"
)

// horizon is how long a minimum counts, since links change. How late frames come at best
// changes with the pipeline alone, so that counts for longer: frames that all are late
// for long must not look punctual.
const horizon, longHorizon = 10 * time.Second, 60 * time.Second

// minimum is the smallest value of the last span. It is kept in two halves.
type minimum struct {
	now, before value // of the present half, and of the one before
	began       time.Duration
}

// value is a time, and of how many bits it was, for whom that matters.
type value struct {
	time time.Duration // 0: none
	bits float64
}

func (m *minimum) add(at time.Duration, v value, span time.Duration) {
	if at-m.began > span/2 {
		m.before, m.now, m.began = m.now, value{}, at
	}
	if m.now.time == 0 || v.time < m.now.time {
		m.now = v
	}
}

func (m *minimum) value() value {
	if m.before.time > 0 && (m.now.time == 0 || m.before.time < m.now.time) {
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
	l.best.add(now, value{time: l.shifted}, longHorizon)
	l.excess, l.at = l.shifted-l.best.value().time, now
}

// penalty returns the part of the link that must stay free so that late frames catch up.
// wait is how long they wait behind each other, which comes on top. So much as free costs
// nothing.
func (l *lateness) penalty(now, wait, free time.Duration) float64 {
	excess := wait
	if now-l.at < lateStale {
		excess += l.excess
	}
	return min(maxPenalty, max(0, float64(excess-free)/float64(caughtUp)))
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
	// of frames in time brings tighten back, or tightenShare of what is missing.
	loosen, tighten, tightenShare = 0.25, 0.06, 0.5
	gripLate                      = 100 * time.Millisecond
	// gripAfter is how long frames must have come late before it counts: they do so for
	// a while after a fall of the rate.
	gripAfter = 1500 * time.Millisecond
	gripCalm  = 500 * time.Millisecond // without a late frame
	// Frames that are late but come by this share of the time less late are no sign: the
	// link catches up.
	gripRelief = 0.05
)

// grip is what a link carries in the long run, as a part of what it seems to carry. A
// link that lets short bursts through seems faster than it is, and then frames come
// later and later.
type grip struct {
	missing float64 // of 1
	at      time.Duration
	since   time.Duration // when frames began to come late; 0: they are in time
	late    time.Duration // when the last late frame came
	allowed time.Duration // how late they may be while the link catches up
}

func (g *grip) add(now, excess, interval time.Duration) {
	passed := min(now-g.at, 100*time.Millisecond)
	dt := passed.Seconds()
	g.at = now
	if over := excess - interval; over > 0 {
		g.late = now
		if g.since == 0 {
			g.since = max(now, 1)
		}
		if now-g.since < gripAfter {
			g.allowed = max(g.allowed, over)
			return
		}
		g.allowed = min(g.allowed-time.Duration(gripRelief*float64(passed)), over+interval)
		if over <= g.allowed {
			return
		}
		g.missing = min(1-leastGrip, g.missing+dt*loosen*min(1, over.Seconds()/gripLate.Seconds()))
		return
	}
	if now-g.late < gripCalm {
		return
	}
	g.since, g.allowed = 0, 0
	g.missing = max(0, g.missing-dt*max(tighten, tightenShare*g.missing))
}

// fell notes that the rate of the link has fallen: it is not that which frames have come
// late for so far.
func (g *grip) fell(now time.Duration) { g.since, g.allowed = max(now, 1), 0 }

func (g *grip) value() float64 { return 1 - g.missing }
