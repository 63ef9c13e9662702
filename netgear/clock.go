package netgear

import (
	"math"
	"slices"
	"time"
)

// ownClock reads the clocks of this machine.
type ownClock struct {
	epoch time.Time
	// skew changes what is read, for tests; nil: nothing.
	skew func(mono, wall int64) (int64, int64)
}

// newOwnClock returns a clock that began an hour ago, so that what happened before
// its time is not negative.
func newOwnClock() ownClock { return ownClock{epoch: time.Now().Add(-time.Hour)} }

// read returns a time of this process by two clocks, in ns: by the one that is never
// set, since the epoch, and by the wall clock, since 1970.
func (c *ownClock) read(t time.Time) (mono, wall int64) {
	mono, wall = int64(t.Sub(c.epoch)), t.UnixNano()
	if c.skew != nil {
		return c.skew(mono, wall)
	}
	return mono, wall
}

// exchange is one frame and its confirmation, in ns by clocks that are never set. By our
// clock the frame left at t1 and its confirmation arrived at t4. By theirs the frame
// arrived at t2 and its confirmation left at t3.
type exchange struct{ t1, t2, t3, t4 int64 }

// Implementation constants of clockOffset; times in ns.
const (
	// maxDrift is how fast two clocks may drift apart. Quartzes are within 100 ppm
	// each; NTP may slew a clock by 500 ppm while it corrects it.
	maxDrift = 500e-6
	// clockWindow is how long an exchange counts. The best bounds of each clockBucket
	// are kept.
	clockWindow = 30e9
	clockBucket = 250e6
	// driftLever is how far apart exchanges must be to show a drift. A difference
	// between closer ones is more likely jitter.
	driftLever = 2e9
	// estimateEvery is the time between two estimates after settleTime. Until then
	// each exchange makes a new one.
	estimateEvery = 50e6
	// maxSlew is how fast the offset that is shown follows the estimate: 0.7 ms from
	// one frame to the next at 30 frames/s. It steps where the two are further apart
	// than maxSlewed. It steps too within settleTime of the first exchange, whose
	// estimate may be far off.
	maxSlew    = 0.02
	maxSlewed  = 100e6
	settleTime = 500e6
)

// clockOffset estimates how far the clock of the other end is ahead of ours, from
// exchanges. It has no clock of its own, and belongs to one goroutine. The zero value
// knows nothing.
//
// Nothing arrives before it was sent. So each exchange gives two bounds of the
// offset: it is at most t2-t1, and at least t3-t4. The less time the two messages took,
// the closer to the truth the bounds are. They widen with age by maxDrift. The error that
// is reported is the distance to the bounds, so it needs no assumption about the network.
//
//	t2-t1     x       x           x     x        at most
//	        x     x         x        x
//	      ------------------------------------   estimate: the middle of the widest
//	         o        o        o      o          corridor between the two, as steep as
//	t3-t4       o          o                     the clocks drift
//
// Upper and lower bounds are independent, so one fast frame and one fast confirmation
// are enough. They need not belong together.
type clockOffset struct {
	bounds []clockBounds // one for each bucket of time, oldest first

	target, targetAt float64 // the estimate, and when it held
	drift            float64
	placed           bool // shown has a meaning
	shown, shownAt   float64
	begun            float64 // when the first exchange ended
	zero             int64   // what all offsets are relative to
}

// clockBounds is the lowest upper bound and the highest lower bound of one clockBucket.
type clockBounds struct {
	begin      float64
	up, upAt   float64
	low, lowAt float64
}

// add adds an exchange. stepped means that it contradicts the earlier ones, which are
// then forgotten: one of the clocks has jumped, as when a machine was suspended. An
// exchange that makes no sense is ignored.
func (o *clockOffset) add(x exchange) (stepped bool) {
	ours, theirs := x.t4-x.t1, x.t3-x.t2
	trip := float64(ours - theirs)
	if ours < 0 || theirs < 0 || trip < -maxDrift*float64(ours) {
		return false
	}
	if len(o.bounds) == 0 {
		o.zero, o.begun = x.t2-x.t1, float64(x.t4)
	}
	// Each bound holds at some time of its own trip.
	slack := maxDrift * math.Abs(trip)
	b := clockBounds{
		begin: float64(x.t4),
		up:    float64(x.t2-x.t1-o.zero) + slack, upAt: float64(x.t1),
		low: float64(x.t3-x.t4-o.zero) - slack, lowAt: float64(x.t4),
	}
	low, up := o.limits(b.lowAt)
	if len(o.bounds) > 0 && (b.up+maxDrift*(b.lowAt-b.upAt) < low || b.low > up) {
		*o = clockOffset{}
		o.add(x)
		return true
	}
	o.keep(b)
	if b.lowAt-o.begun < settleTime || b.lowAt-o.targetAt >= estimateEvery {
		o.estimate(b.lowAt)
	}
	return false
}

// keep adds bounds to their bucket, and drops those that are too old.
func (o *clockOffset) keep(b clockBounds) {
	now := b.lowAt
	if n := len(o.bounds); n > 0 && now-o.bounds[n-1].begin < clockBucket {
		last := &o.bounds[n-1]
		if b.up <= last.up+maxDrift*(b.upAt-last.upAt) {
			last.up, last.upAt = b.up, b.upAt
		}
		if b.low >= last.low-maxDrift*(b.lowAt-last.lowAt) {
			last.low, last.lowAt = b.low, b.lowAt
		}
		return
	}
	old := 0
	for old < len(o.bounds) && now-o.bounds[old].begin > clockWindow {
		old++
	}
	o.bounds = append(slices.Delete(o.bounds, 0, old), b)
}

// limits returns the bounds of the offset at a time.
func (o *clockOffset) limits(at float64) (low, up float64) {
	low, up = math.Inf(-1), math.Inf(1)
	for i := range o.bounds {
		b := &o.bounds[i]
		low = max(low, b.low-maxDrift*math.Abs(at-b.lowAt))
		up = min(up, b.up+maxDrift*math.Abs(at-b.upAt))
	}
	return low, up
}

// corridor returns the bounds of the offset at a time, if the clocks drift apart by
// drift. It uses the buckets from first on.
func (o *clockOffset) corridor(at, drift float64, first int) (low, up float64) {
	low, up = math.Inf(-1), math.Inf(1)
	for i := first; i < len(o.bounds); i++ {
		b := &o.bounds[i]
		low = max(low, b.low+drift*(at-b.lowAt))
		up = min(up, b.up+drift*(at-b.upAt))
	}
	return low, up
}

// estimate makes a new estimate.
func (o *clockOffset) estimate(now float64) {
	first := 0
	for {
		o.drift = o.steepest(now, first)
		low, up := o.corridor(now, o.drift, first)
		if low <= up || first == len(o.bounds)-1 {
			least, most := o.limits(now)
			o.target, o.targetAt = min(max((low+up)/2, least), most), now
			return
		}
		first += (len(o.bounds) - first + 1) / 2 // the drift has changed: look at the newer half
		first = min(first, len(o.bounds)-1)
	}
}

// steepest returns the drift with the widest corridor, less a penalty for the drift
// itself. Both are concave functions of the drift, so the search finds the maximum.
func (o *clockOffset) steepest(now float64, first int) float64 {
	worth := func(drift float64) float64 {
		low, up := o.corridor(now, drift, first)
		return up - low - driftLever*math.Abs(drift)
	}
	a, b := -maxDrift, maxDrift
	for range 30 { // 0.4 % of maxDrift and less are left after 14
		third := (b - a) / 3
		if worth(a+third) < worth(b-third) {
			a += third
		} else {
			b -= third
		}
	}
	return (a + b) / 2
}

// at returns the offset at a time of our clock, and how far it may be off. The offset
// follows a better estimate slowly, so that it is smooth; the error includes what is
// still missing.
func (o *clockOffset) at(now int64) (offset, bound int64, ok bool) {
	if len(o.bounds) == 0 {
		return 0, 0, false
	}
	at := float64(now)
	target := o.target + o.drift*(at-o.targetAt)
	since := max(0, at-o.shownAt)
	shown := o.shown + o.drift*since
	if off := target - shown; !o.placed || math.Abs(off) > maxSlewed || at-o.begun < settleTime {
		shown = target
	} else {
		shown += min(max(off, -maxSlew*since), maxSlew*since)
	}
	o.placed, o.shown, o.shownAt = true, shown, max(o.shownAt, at)
	low, up := o.limits(at)
	return o.zero + int64(shown), int64(math.Ceil(max(up-shown, shown-low))), true
}
