package rate

import (
	"math"
	"time"
)

// Constants of trains.
const (
	// The rate is that of at most maxSamples samples. Those older than oldSample do not
	// count, but the last keptSamples always do. The delay is that of maxRecent.
	maxSamples  = 16
	oldSample   = time.Second
	keptSamples = 3
	maxRecent   = 64
	maxBounds   = 4
	// noise is how long a busy machine may delay a confirmation. A shorter time does not
	// show that a link is slow.
	noise = 5 * time.Millisecond
	// stepDown and stepUp are changes of the rate that chance does not explain. longer
	// is by how much a frame's time must grow to show that the link has become slow.
	stepDown, stepUp = 0.5, 1.5
	longer           = 1.4
	maxFlying        = 64 // the most unconfirmed frames of a sender
	// The delay is found from at least leastForDelay frames, whose sizes must differ by
	// leastSpread of their mean.
	leastForDelay = 8
	leastSpread   = 0.01
	mostDoubt     = 0.2 // of the time of a frame
	delayWeight   = 0.25
	mostDelayed   = 0.9 // of the time that a frame takes
	least         = 100 * time.Microsecond
	// attempt is by how much a link that was not full is assumed to be faster, boldAttempt
	// where it is clearly another link than before. The next frames show whether it is.
	attempt, boldAttempt = 1.25, 1.5
)

// trains finds the rate of a link from frames that are confirmed. The packets of a
// frame follow each other as fast as the link lets them, so the time that a frame
// takes gives the rate, even of a link that is idle between frames:
//
//	time = delay + size / rate
//
// The delay is that of the way there and back, and of the receiver that confirms. Only a
// part of it may be known; frames of different sizes show the rest.
//
// Where several frames are under way, the time from one confirmation to the next is what
// the link takes for a frame, or, on a link that is faster than the frames come, the time
// from one frame to the next.
type trains struct {
	flying  []flying      // oldest first
	sent    time.Duration // of the frame that was confirmed last
	last    time.Duration // when it was confirmed
	best    minimum       // time of a frame
	wait    time.Duration // how long that frame waited behind those before it
	samples []sample      // since the link changed, oldest first
	bounds  []sample      // the last frames in a row, if they show only that the link is faster
	delay   float64       // seconds, beyond what is known of the way
	vague   bool          // sizes hardly differ, and so do not show the delay
}

type flying struct {
	sent  time.Duration
	bytes int
}

// sample is one frame: its bits, and how many seconds they took. alone means that the
// time includes the delay; otherwise it is the time since the confirmation before.
type sample struct {
	at         time.Duration
	bits, took float64
	alone      bool
}

func (t *trains) send(now time.Duration, bytes int) {
	if len(t.flying) == maxFlying { // it was given up
		t.flying = append(t.flying[:0], t.flying[1:]...)
	}
	t.flying = append(t.flying, flying{now, bytes})
}

// confirm notes a confirmation. It reports whether that shows that the rate has fallen.
func (t *trains) confirm(now, sent time.Duration, bytes int, rtt time.Duration) (fell bool) {
	for i, f := range t.flying {
		if f.bytes == bytes && f.sent <= sent {
			t.flying = append(t.flying[:0], t.flying[i+1:]...)
			break
		}
	}
	s, full := t.sampleOf(now, sent, float64(8*bytes), rtt)
	if !full {
		if t.bounds = append(t.bounds, s); len(t.bounds) > maxBounds {
			t.bounds = append(t.bounds[:0], t.bounds[1:]...)
		}
		return false
	}
	t.bounds = t.bounds[:0]
	mean, n := t.mean(), len(t.samples)
	switch r := t.rateOf(s); {
	case n > 0 && t.busy(s) < noise.Seconds() && r < mean:
		return false // it is at least that fast
	case r < stepDown*mean && s.took > longer*t.usual():
		t.samples, fell = t.samples[:0], true
	case n > 0 && r > stepUp*mean && t.rateOf(t.samples[n-1]) > stepUp*mean:
		t.samples = append(t.samples[:0], t.samples[n-1])
	}
	if t.samples = append(t.samples, s); len(t.samples) > maxRecent {
		t.samples = append(t.samples[:0], t.samples[1:]...)
	}
	if t.vague = false; s.alone {
		t.findDelay()
	}
	return fell
}

// sampleOf finds out how long a frame kept the link busy. full is false where the link
// was idle for a part of that time.
func (t *trains) sampleOf(now, sent time.Duration, bits float64, rtt time.Duration) (s sample, full bool) {
	whole := max(now-sent-rtt, least)
	t.best.add(now, value{whole, bits}, horizon)
	best := t.best.value()
	queue := whole - best.time
	if mean := t.mean(); mean > 0 && bits > best.bits { // it takes longer in any case
		queue -= time.Duration((bits - best.bits) / mean * float64(time.Second))
	}
	queue = max(queue, 0)
	s, full = sample{now, bits, whole.Seconds(), true}, true
	if t.wait = 0; sent+rtt < t.last {
		gap := max(now-t.last, least)
		s.took, s.alone, t.wait = gap.Seconds(), false, queue
		full = gap > (sent-t.sent)*9/8+noise && queue > noise || queue > 2*noise
	}
	t.sent, t.last = sent, now
	return s, full
}

// rateOf returns the rate that one frame shows.
func (t *trains) rateOf(s sample) float64 { return s.bits / t.busy(s) }

// busy returns how long a frame was on the link, in seconds.
func (t *trains) busy(s sample) float64 {
	if !s.alone {
		return s.took
	}
	return max(s.took-t.delay, (1-mostDelayed)*s.took)
}

// recent returns the samples that count for the rate.
func (t *trains) recent() []sample {
	r := t.samples[max(0, len(t.samples)-maxSamples):]
	for len(r) > keptSamples && r[len(r)-1].at-r[0].at > oldSample {
		r = r[1:]
	}
	return r
}

// mean returns the rate of the link, 0 while it is not known.
func (t *trains) mean() float64 {
	var known float64
	if r := t.recent(); len(r) > 0 {
		known = sum(r, func(s sample) float64 { return s.bits }) / sum(r, t.busy)
	}
	if len(t.bounds) < 2 {
		return known
	}
	bits, took := sum(t.bounds, func(s sample) float64 { return s.bits }), sum(t.bounds, func(s sample) float64 { return s.took })
	bound := bits / took
	if bound > stepUp*known { // the link is not the one that the samples are of
		return boldAttempt * bound
	}
	return max(known, attempt*bound)
}

func sum(samples []sample, of func(sample) float64) (total float64) {
	for _, s := range samples {
		total += of(s)
	}
	return total
}

// usual returns how long a frame takes, in seconds.
func (t *trains) usual() (took float64) {
	r := t.recent()
	if len(t.bounds) > 0 {
		r = t.bounds
	}
	return sum(r, func(s sample) float64 { return s.took }) / float64(max(len(r), 1))
}

// findDelay finds the part of a frame's time that does not depend on its size, by least
// squares. vague is false before.
func (t *trains) findDelay() {
	var n, bits, took float64
	fastest := math.Inf(1)
	for _, s := range t.samples {
		if s.alone {
			n, bits, took, fastest = n+1, bits+s.bits, took+s.took, min(fastest, s.took)
		}
	}
	if n < leastForDelay {
		return
	}
	bits, took = bits/n, took/n
	var bb, bt, tt float64
	for _, s := range t.samples {
		if s.alone {
			b, d := s.bits-bits, s.took-took
			bb, bt, tt = bb+b*b/n, bt+b*d/n, tt+d*d/n
		}
	}
	if t.vague = math.Sqrt(bb) < leastSpread*bits; t.vague {
		return
	}
	slope := max(bt/bb, 0)
	// By chance the delay may look larger than it is: take the smallest likely value.
	doubt := math.Sqrt(max(tt-slope*slope*bb, 0)/(bb*n)) * bits
	t.vague = doubt > mostDoubt*took
	delay := min(took-slope*bits-doubt, mostDelayed*fastest)
	t.delay = max(0, t.delay+delayWeight*(delay-t.delay))
}

// rate returns the rate of the link. A frame whose confirmation is late already lowers
// it, before that comes.
func (t *trains) rate(now, rtt time.Duration) float64 {
	mean := t.mean()
	if len(t.flying) == 0 {
		return mean
	}
	f := t.flying[0]
	elapsed := (now - max(f.sent+rtt, t.last)).Seconds()
	if elapsed < longer*t.usual() {
		return mean
	}
	if f.sent+rtt >= t.last {
		elapsed -= t.delay
	}
	if elapsed < noise.Seconds() {
		return mean
	}
	if bound := float64(8*f.bytes) / elapsed; bound < stepDown*mean {
		return bound
	}
	return mean
}

// forget drops the frames that were on their way to a receiver that has gone.
func (t *trains) forget() { t.flying = t.flying[:0] }
