package netgearsrc

import "github.com/gst-netgear/gst-netgear/elements/internal/gstglue"

// timeline stamps frames. It has no clock and belongs to one goroutine.
//
// By receive time a frame's time is when it arrived. By sender time the distances
// between the sender's timestamps are kept. They are placed so that the frame that
// lately travelled fastest has its arrival as its time. So a frame that was delayed
// on its way gets a time before its arrival, never after it. A jump of the sender's
// clock starts the placing anew.
//
// Frames of encoded video come in the order of decoding. A frame that is shown
// before one that has already come (a B-frame) is placed before that one, by the
// sender's timestamps.
type timeline struct {
	bySender bool

	placed bool
	offset int64 // our running time minus the sender's, the smallest value lately
	recent int64 // the smallest value since windowStart
	start  int64 // of the present window
	last   uint64

	// Encoded video: of the frames that came, the one that is shown last.
	hasFront   bool
	frontPTS   int64
	frontStamp uint64
	reordered  bool // there were B-frames
}

const (
	// window is how long the fastest frame counts, in ns. After that time clocks
	// that drift, and a way that has become longer, take effect.
	window = 2e9
	// jump is how far a frame may be off, in ns, before its clock counts as set
	// anew.
	jump = 1e9
)

// stamp returns the time of a frame that arrived at the running time now and has the
// sender's timestamp pts. jumped means that the placing began anew.
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

// stampEncoded is stamp for encoded video. alone means that all frames are from one
// sender. Where nothing is reordered, the decoding times are known: they are those
// of showing.
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

// restart notes that the next frame does not follow the last one.
func (t *timeline) restart() { t.hasFront, t.reordered = false, false }

// rise keeps stamps from going back: decoders and sinks do not accept that.
func (t *timeline) rise(stamp uint64) uint64 {
	t.last = max(t.last, stamp)
	return t.last
}
