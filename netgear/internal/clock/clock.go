// Package clock estimates how far apart the clocks of two machines are. It is pure: it
// has no clock of its own, and no socket.
package clock

import (
	"math"
	"slices"
)

// Exchange is one frame and its confirmation, in ns by clocks that are never set. By our
// clock the frame left at T1 and its confirmation arrived at T4. By theirs the frame
// arrived at T2 and its confirmation left at T3.
type Exchange struct{ T1, T2, T3, T4 int64 }

// MaxDrift is how fast two clocks may drift apart. Quartzes are within 100 ppm each;
// NTP may slew a clock by 500 ppm while it corrects it.
const MaxDrift = 500e-6

// Implementation constants; times in ns.
const (
	// span is how long an exchange counts. The best bounds of each bucket are kept.
	span   = 30e9
	bucket = 250e6
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

// Offset estimates how far the clock of the other end is ahead of ours, from
// exchanges. It has no clock of its own, and belongs to one goroutine. The zero value
// knows nothing.
//
// Nothing arrives before it was sent. So each exchange gives two bounds of the
// offset: it is at most T2-T1, and at least T3-T4. The less time the two messages took,
// the closer to the truth the bounds are. They widen with age by MaxDrift. The error that
// is reported is the distance to the bounds, so it needs no assumption about the network.
//
//	T2-T1     x       x           x     x        at most
//	        x     x         x        x
//	      ------------------------------------   estimate: the middle of the widest
//	         o        o        o      o          corridor between the two, as steep as
//	T3-T4       o          o                     the clocks drift
//
// Upper and lower bounds are independent, so one fast frame and one fast confirmation
// are enough. They need not belong together.
type Offset struct {
	kept []bounds // one for each bucket of time, oldest first

	target, targetAt float64 // the estimate, and when it held
	drift            float64
	placed           bool // shown has a meaning
	shown, shownAt   float64
	begun            float64 // when the first exchange ended
	zero             int64   // what all offsets are relative to
}

// bounds is the lowest upper bound and the highest lower bound of one bucket.
type bounds struct {
	begin      float64
	up, upAt   float64
	low, lowAt float64
}

// Add adds an exchange. stepped means that it contradicts the earlier ones, which are
// then forgotten: one of the clocks has jumped, as when a machine was suspended. An
// exchange that makes no sense is ignored.
func (o *Offset) Add(x Exchange) (stepped bool) {
	ours, theirs := x.T4-x.T1, x.T3-x.T2
	trip := float64(ours - theirs)
	if ours < 0 || theirs < 0 || trip < -MaxDrift*float64(ours) {
		return false
	}
	if len(o.kept) == 0 {
		o.zero, o.begun = x.T2-x.T1, float64(x.T4)
	}
	// Each bound holds at some time of its own trip.
	slack := MaxDrift * math.Abs(trip)
	b := bounds{
		begin: float64(x.T4),
		up:    float64(x.T2-x.T1-o.zero) + slack, upAt: float64(x.T1),
		low: float64(x.T3-x.T4-o.zero) - slack, lowAt: float64(x.T4),
	}
	low, up := o.limits(b.lowAt)
	if len(o.kept) > 0 && (b.up+MaxDrift*(b.lowAt-b.upAt) < low || b.low > up) {
		*o = Offset{}
		o.Add(x)
		return true
	}
	o.keep(b)
	if b.lowAt-o.begun < settleTime || b.lowAt-o.targetAt >= estimateEvery {
		o.estimate(b.lowAt)
	}
	return false
}

// keep adds bounds to their bucket, and drops those that are too old.
func (o *Offset) keep(b bounds) {
	now := b.lowAt
	if n := len(o.kept); n > 0 && now-o.kept[n-1].begin < bucket {
		last := &o.kept[n-1]
		if b.up <= last.up+MaxDrift*(b.upAt-last.upAt) {
			last.up, last.upAt = b.up, b.upAt
		}
		if b.low >= last.low-MaxDrift*(b.lowAt-last.lowAt) {
			last.low, last.lowAt = b.low, b.lowAt
		}
		return
	}
	old := 0
	for old < len(o.kept) && now-o.kept[old].begin > span {
		old++
	}
	o.kept = append(slices.Delete(o.kept, 0, old), b)
}

// limits returns the bounds of the offset at a time.
func (o *Offset) limits(at float64) (low, up float64) {
	low, up = math.Inf(-1), math.Inf(1)
	for i := range o.kept {
		b := &o.kept[i]
		low = max(low, b.low-MaxDrift*math.Abs(at-b.lowAt))
		up = min(up, b.up+MaxDrift*math.Abs(at-b.upAt))
	}
	return low, up
}

// corridor returns the bounds of the offset at a time, if the clocks drift apart by
// drift. It uses the buckets from first on.
func (o *Offset) corridor(at, drift float64, first int) (low, up float64) {
	low, up = math.Inf(-1), math.Inf(1)
	for i := first; i < len(o.kept); i++ {
		b := &o.kept[i]
		low = max(low, b.low+drift*(at-b.lowAt))
		up = min(up, b.up+drift*(at-b.upAt))
	}
	return low, up
}

// estimate makes a new estimate.
func (o *Offset) estimate(now float64) {
	first := 0
	for {
		o.drift = o.steepest(now, first)
		low, up := o.corridor(now, o.drift, first)
		if low <= up || first == len(o.kept)-1 {
			least, most := o.limits(now)
			o.target, o.targetAt = min(max((low+up)/2, least), most), now
			return
		}
		first += (len(o.kept) - first + 1) / 2 // the drift has changed: look at the newer half
		first = min(first, len(o.kept)-1)
	}
}

// steepest returns the drift with the widest corridor, less a penalty for the drift
// itself. Both are concave functions of the drift, so the search finds the maximum.
func (o *Offset) steepest(now float64, first int) float64 {
	worth := func(drift float64) float64 {
		low, up := o.corridor(now, drift, first)
		return up - low - driftLever*math.Abs(drift)
	}
	a, b := -MaxDrift, MaxDrift
	for range 30 { // 0.4 % of MaxDrift and less are left after 14
		third := (b - a) / 3
		if worth(a+third) < worth(b-third) {
			a += third
		} else {
			b -= third
		}
	}
	return (a + b) / 2
}

// Known reports whether there is an estimate.
func (o *Offset) Known() bool { return len(o.kept) > 0 }

// At returns the offset at a time of our clock, and how far it may be off. The offset
// follows a better estimate slowly, so that it is smooth; the error includes what is
// still missing.
func (o *Offset) At(now int64) (offset, bound int64, ok bool) {
	if !o.Known() {
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
