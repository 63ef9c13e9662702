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
// By capture time a frame's time is when it was taken, by our clock. Where that is not
// known, it is placed by sender time, as if the one that travelled fastest had arrived
// when it was taken.
//
// Frames of encoded video come in the order of decoding. Where there are B-frames, the
// sender says how long each frame is decoded before it is shown. The rules above then
// hold for the times of decoding, with one exception. All frames between two that are
// shown one after the other have the same distance to the sender's times, so the order
// of showing and the order of decoding are both kept. If the sender does not say it, a
// B-frame is placed between the frames around it.
type timeline struct {
	bySender bool
	unknown  int // frames by capture time whose time of capture is not known

	placed bool
	offset int64 // our running time minus the sender's, the smallest value lately
	recent int64 // the smallest value since windowStart
	start  int64 // of the present window
	last   uint64

	// Encoded video: the frame that is shown last among those that came, and the one
	// that was the last before it came.
	front, second shown
	reordered     bool // there were B-frames, and the sender does not say when to decode them

	told    bool   // the sender says when to decode its frames
	shift   int64  // what is added to its times: our running time minus the sender's
	dts     int64  // the sender's, of the last frame
	decoded uint64 // the same in our time
}

// shown is when a frame is shown, by the sender's time and by ours.
type shown struct {
	known   bool
	pts     int64
	reorder int64 // how long before it is decoded
	stamp   uint64
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

// stampEncoded is stamp for encoded video that is decoded reorder ns before it is
// shown; 0 where the sender does not say. alone means that all frames are from one
// sender. dts is the time of decoding. It is NoTime where there are B-frames and the
// sender does not say when to decode them.
func (t *timeline) stampEncoded(now uint64, pts, reorder int64, hasPTS, alone bool) (stamp, dts uint64, jumped bool) {
	if !hasPTS || !alone {
		dts, jumped = t.stamp(now, pts-reorder, hasPTS)
		t.restart()
		return dts + uint64(reorder), dts, jumped
	}
	back := t.front.pts - pts
	behind := t.front.known && 0 < back && back < max(jump, t.front.reorder)
	if t.told = t.told || reorder > 0; t.told {
		return t.stampReordered(now, pts, pts-reorder, behind)
	}
	if behind {
		t.reordered = true
		return t.between(pts), gstglue.NoTime, false
	}
	stamp, jumped = t.stamp(now, pts, true)
	t.lead(shown{true, pts, 0, stamp})
	if t.reordered {
		return stamp, gstglue.NoTime, jumped
	}
	return stamp, stamp, jumped
}

// stampReordered is stampEncoded where the sender says when to decode. behind means
// that a frame has already come which is shown after this one. Such a frame keeps its
// place, however late it is.
func (t *timeline) stampReordered(now uint64, pts, dts int64, behind bool) (stamp, decoded uint64, jumped bool) {
	placed, jumped := t.stamp(now, dts, true)
	if jumped = jumped && !behind; !behind {
		shift, step := int64(placed)-dts, dts-t.dts
		if t.front.known && step >= 0 {
			// A frame that comes early, in a burst or after others were delayed, still
			// gets a time of its own. By sender time it nearly keeps its distance.
			most := step / 8 * 7
			if t.bySender {
				most = step / 8
			}
			shift = max(shift, t.shift-most)
		}
		t.shift = shift
	}
	t.dts = dts
	t.decoded = max(t.decoded, uint64(max(0, dts+t.shift)))
	stamp = max(t.decoded, uint64(max(0, pts+t.shift)))
	if !behind {
		t.lead(shown{true, pts, pts - dts, stamp})
	}
	return stamp, t.decoded, jumped
}

// stampCaptured returns the time of a frame that was taken at a running time, and the
// time of decoding, which may be NoTime as in stampEncoded. For a frame that is not
// encoded video the two are the same.
func (t *timeline) stampCaptured(captured, pts, reorder int64, hasPTS bool) (stamp, dts uint64) {
	t.placed = false // the next frame without a known time is placed anew
	if t.told = t.told || reorder > 0; t.told || !hasPTS {
		dts = t.rise(uint64(max(0, captured-reorder)))
		return dts + uint64(max(0, min(reorder, captured))), dts // decoding cannot be before the beginning; showing is where it was
	}
	if back := t.front.pts - pts; t.front.known && 0 < back && back < jump {
		t.reordered = true
		return min(uint64(max(0, captured)), t.front.stamp), gstglue.NoTime
	}
	stamp = t.rise(uint64(max(0, captured)))
	t.lead(shown{true, pts, 0, stamp})
	if t.reordered {
		return stamp, gstglue.NoTime
	}
	return stamp, stamp
}

// lead makes s the frame that is shown last.
func (t *timeline) lead(s shown) { t.second, t.front = t.front, s }

// between returns the time of a frame that is shown before the one in front and after
// the one before that, however long those two were on their way.
func (t *timeline) between(pts int64) uint64 {
	at, next := t.second, t.front
	if at.known && at.pts < pts {
		part := float64(pts-at.pts) / float64(next.pts-at.pts)
		return at.stamp + uint64(part*float64(next.stamp-at.stamp))
	}
	if at.known && at.pts < next.pts {
		next = at
	}
	return next.stamp - min(uint64(next.pts-pts), next.stamp)
}

// restart notes that the next frame does not follow the last one.
func (t *timeline) restart() { t.front, t.second, t.reordered, t.told = shown{}, shown{}, false, false }

// rise keeps stamps from going back: decoders and sinks do not accept that.
func (t *timeline) rise(stamp uint64) uint64 {
	t.last = max(t.last, stamp)
	return t.last
}
