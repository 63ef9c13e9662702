package rate

import "time"

// Constants of fill.
const (
	// packet is a little less than a packet, in bytes. So few may wait while the link is
	// free.
	packet = 1000
	// A packet that is later than usual by the time between frames and longQueue shows a
	// queue before the link.
	longQueue = 40 * time.Millisecond
	// frames is how many frames in a row must find the frame before still waiting. One
	// or two do so after a large frame.
	frames = 3
	// measured is how long the link must be full before its rate is known.
	measured = 60 * time.Millisecond
	// standing is how long the link must be full before a queue outside this machine is
	// assumed.
	standing = 150 * time.Millisecond
	// remeasured is after how long the older half of a measurement is forgotten. What
	// arrives in a shorter time may be nothing, or what a lost packet had held up.
	remeasured = 300 * time.Millisecond
	// mostOver is how much more than the system's own measurement a link may carry.
	mostOver = 1.1
	// drain is the part of the link's rate that is used while there is a queue and for
	// drainTime after it; hold is the part that is used then.
	drain, hold = 0.7, 0.92
	drainTime   = 300 * time.Millisecond
	// shortHold is how long no higher rate is tried at first. Each attempt that finds
	// the same rate again doubles that time, up to longHold.
	shortHold, longHold = 500 * time.Millisecond, 4 * time.Second
	sameRate            = 0.25
	// growPause is the time between two steps up. Each step is larger than the last.
	growPause            = 100 * time.Millisecond
	smallStep, largeStep = 1.04, 1.25
	// used is the part of its target that an encoder must make to be offered more.
	used = 0.6
)

// fill finds a target where nothing is confirmed. While bytes wait, the link is full, and
// it carries what arrives meanwhile. While none wait, it may carry more, which only an
// attempt shows.
//
//	free -> (bytes wait for longer than a frame) -> full: the target falls below what arrives
//	full -> (none wait) -> free: the target is what the link carried; after a while it grows
type fill struct {
	target  float64 // bit/s; 0: none
	carried float64 // bit/s when the link was full; 0: not known

	arrived uint64        // Delivered
	moved   time.Duration // when that last changed

	isFull    bool
	told      bool          // full has seen this wait
	since     time.Duration // of isFull
	from      time.Duration // of the measurement
	delivered uint64        // at from
	half      time.Duration // where its newer half begins
	halfway   uint64        // delivered at half
	rtt       time.Duration // at the last look while the link was full

	freed  time.Duration // when it was last full
	pause  time.Duration // from then to the next attempt
	before float64       // carried, one attempt earlier
	grown  time.Duration // when the target last grew
	step   float64
}

// look notes the state of the link before a frame is sent. offered is what the encoder
// makes, in bit/s.
func (f *fill) look(now time.Duration, l Link, interval time.Duration, offered float64) {
	if l.Delivered != f.arrived {
		f.arrived, f.moved = l.Delivered, now
	}
	// The system's round trip is that of the last packets that arrived. It says nothing of
	// the present once none is on the way, however long they took.
	queued := l.RTT-l.MinRTT > interval+longQueue && now-f.moved <= l.RTT+interval
	full := l.Unsent > packet || queued
	switch {
	case full && !f.isFull:
		f.isFull, f.told, f.since = true, false, now
		f.from, f.delivered, f.half, f.halfway = now, l.Delivered, now, l.Delivered
	case full && now-f.from >= measured && now-f.since >= (frames-1)*interval*9/10:
		f.full(now, l)
	case !full:
		f.isFull = false
		f.free(now, offered)
	}
}

func (f *fill) full(now time.Duration, l Link) {
	falls := l.RTT < f.rtt && l.Unsent <= packet
	f.rtt = l.RTT
	switch got := float64(8*(l.Delivered-f.delivered)) / (now - f.from).Seconds(); {
	case f.told && falls && got < f.carried:
		// The queue is as good as empty: what arrives is what was sent.
	case got > 0 && l.Rate > 0: // an acknowledgement of what a lost packet had held up is no fast link
		f.carried = min(got, mostOver*l.Rate)
	case got > 0:
		f.carried = got
	default:
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
	if f.half == f.from && now-f.from >= remeasured/2 {
		f.half, f.halfway = now, l.Delivered
	}
	if now-f.from > remeasured {
		f.from, f.delivered, f.half, f.halfway = f.half, f.halfway, now, l.Delivered
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
