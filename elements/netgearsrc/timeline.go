package netgearsrc

import "github.com/gst-netgear/gst-netgear/elements/internal/gstglue"

// timeline stamps frames. It has no clock and belongs to one goroutine.
//
// By receive time a frame's time is when it arrived. By sender time the
// distances between the sender's timestamps are kept, and placed so that the
// frame that travelled fastest of late has its arrival as its time: a frame
// that was held up on its way is then stamped earlier than it came, never
// later. A jump of the sender's clock starts the placing anew.
//
// Frames of encoded video come in the order in which they are decoded. One that
// is shown before another which has come already (a B-frame) is placed before
// that one, as far as the sender's timestamps say.
type timeline struct {
	bySender bool

	placed bool
	offset int64 // running time of ours minus the sender's, the smallest lately
	recent int64 // the smallest since windowStart
	start  int64 // of the present window
	last   uint64

	// Of encoded video: the frame that is shown last of those that came.
	hasFront   bool
	frontPTS   int64
	frontStamp uint64
	reordered  bool // there were B-frames
}

const (
	// window is how long the fastest frame counts, in ns: after it, drifting
	// clocks and a path that became longer show.
	window = 2e9
	// jump is how far a frame may be off before its clock is taken to have been
	// set anew, in ns.
	jump = 1e9
)

// stamp returns the time of a frame that arrived at the running time now and
// that its sender stamped with pts. jumped says that the placing began anew.
func (t *timeline) stamp(now uint64, pts int64, hasPTS bool) (stamp uint64, jumped bool) {
	if !t.bySender || !hasPTS {
		t.placed = false
		return t.rise(now), false
	}
	delta := int64(now) - pts
	late := delta - t.offset
	if !t.placed || late > jump || late < -jump {
		jumped = t.placed
		t.placed, t.offset, t.recent, t.start = true, delta, delta, int64(now)
		return t.rise(now), jumped
	}
	t.recent = min(t.recent, delta)
	t.offset = min(t.offset, delta)
	if int64(now)-t.start > window {
		t.offset, t.recent, t.start = t.recent, delta, int64(now)
	}
	return t.rise(uint64(max(0, pts+t.offset))), false
}

// stampEncoded is stamp for encoded video. alone says that all frames are of one
// sender. Decoding times are known where nothing is reordered: those of showing.
func (t *timeline) stampEncoded(now uint64, pts int64, hasPTS, alone bool) (stamp, dts uint64, jumped bool) {
	dts = gstglue.NoTime
	if back := t.frontPTS - pts; hasPTS && alone && t.hasFront && 0 < back && back < jump {
		t.reordered = true
		return t.frontStamp - min(uint64(back), t.frontStamp), dts, false
	}
	stamp, jumped = t.stamp(now, pts, hasPTS)
	t.hasFront, t.frontPTS, t.frontStamp = hasPTS, pts, stamp
	if !t.reordered {
		dts = stamp
	}
	return stamp, dts, jumped
}

// restart says that the next frame does not follow the last one.
func (t *timeline) restart() { t.hasFront, t.reordered = false, false }

// rise keeps stamps from going back, which decoders and sinks do not take.
func (t *timeline) rise(stamp uint64) uint64 {
	t.last = max(t.last, stamp)
	return t.last
}
