package rate

import "time"

// Constants of fill.
const (
	// packet is less than a packet has. So little waits for no reason.
	packet = 1000
	// longQueue is how much longer than usual a packet is under way when there is a
	// queue before the link, beyond the time of a frame.
	longQueue = 40 * time.Millisecond
	// frames is how many in a row must find the one before still waiting. One or two
	// do when the encoder has made a large one.
	frames = 3
	// measured is how long the link must be full before its rate is known.
	measured = 60 * time.Millisecond
	// standing is how long the link must be full to have a queue that nobody sees.
	standing = 150 * time.Millisecond
	// remeasured is after how long a new measurement begins.
	remeasured = 300 * time.Millisecond
	// drain and hold are the parts of the link's rate that are used while there is a
	// queue, and shortly after, and then.
	drain, hold = 0.7, 0.92
	drainTime   = 300 * time.Millisecond
	// shortHold and longHold are how long nothing is tried out. Each attempt that
	// finds the same rate again doubles it.
	shortHold, longHold = 500 * time.Millisecond, 4 * time.Second
	sameRate            = 0.25
	// A step up comes at each growPause, each larger than the last.
	growPause            = 100 * time.Millisecond
	smallStep, largeStep = 1.04, 1.15
	// used is the part of its target that an encoder makes which has use for more.
	used = 0.6
)

// fill finds a target where nothing is confirmed. While bytes wait, the link is full,
// and what arrives meanwhile is what it carries. While none wait, it may carry more,
// which only an attempt shows.
//
//	free -> (bytes wait for longer than a frame) -> full: the target falls below what arrives
//	full -> (none wait) -> free: the target is what the link carried; after a while it grows
type fill struct {
	target  float64 // bit/s; 0: none
	carried float64 // bit/s when the link was full; 0: not known

	waiting   bool
	told      bool          // of this wait, by full
	since     time.Duration // of waiting
	from      time.Duration // of the measurement
	delivered uint64        // at from

	freed  time.Duration // when it was full last
	pause  time.Duration // from then to the next attempt
	before float64       // carried the time before
	grown  time.Duration // when the target grew last
	step   float64
}

// look takes note of the link as it is before a frame is sent. offered is what the
// encoder makes.
func (f *fill) look(now time.Duration, l Link, interval time.Duration, offered float64) {
	full := l.Unsent > packet || l.RTT-l.MinRTT > interval+longQueue
	switch {
	case full && !f.waiting:
		f.waiting, f.told, f.since, f.from, f.delivered = true, false, now, now, l.Delivered
	case full && now-f.from >= measured && now-f.since >= (frames-1)*interval*9/10:
		f.full(now, l)
	case !full:
		f.waiting = false
		f.free(now, offered)
	}
}

func (f *fill) full(now time.Duration, l Link) {
	if l.Delivered > f.delivered {
		f.carried = float64(8*(l.Delivered-f.delivered)) / (now - f.from).Seconds()
	} else {
		f.carried = min(f.carried, float64(8*packet)/(now-f.from).Seconds())
	}
	if !f.told { // an attempt has ended
		f.told = true
		if same := f.carried/f.before - 1; -sameRate < same && same < sameRate {
			f.pause = min(2*f.pause, longHold)
		} else {
			f.pause = shortHold
		}
		f.before = f.carried
	}
	part := hold
	if now-f.since > standing {
		part = drain
	}
	f.target, f.freed, f.step = part*f.carried, now, smallStep
	if now-f.from > remeasured {
		f.from, f.delivered = now, l.Delivered
	}
}

func (f *fill) free(now time.Duration, offered float64) {
	if f.target == 0 || now-f.freed < drainTime || now-f.grown < growPause {
		return
	}
	f.grown = now
	f.target = max(f.target, hold*f.carried)
	if now-f.freed < f.pause || offered < used*f.target {
		return
	}
	f.target *= f.step
	f.step = min(largeStep, 1+(f.step-1)*1.3)
}
