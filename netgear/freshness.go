package netgear

import "time"

const (
	// usualTime is how long the least delay of the frames that a Sender was given
	// counts.
	usualTime = 2 * time.Second
	// oldDelta is how old encoded video must be before it goes on at the next key
	// frame: everything up to that is lost.
	// Where the encoder follows the link, it makes good what waits.
	oldDelta, oldSteered = time.Second, 4 * time.Second
	// leastInterval is between the frames of the fastest cameras. Of frames that are
	// closer together the times say nothing: a program gave all the same one, say.
	leastInterval = time.Millisecond
	// manyBehind is how many newer frames must wait for certain. One may do so because
	// frames come unevenly.
	manyBehind = 2
	// A stall that is shorter than longStall costs no frame: what waited is caught up
	// with. Where the Sender was late for longer, old frames are dropped at once until
	// none was old for slowTime.
	longStall, slowTime = 250 * time.Millisecond, 2 * time.Second
)

// freshness finds the frames of a live stream that are old when their turn comes,
// because the Sender was held up by its link or its receiver, and that have newer
// ones behind them. It has no clock.
//
// A frame comes to the Sender some time after it was taken, the same time for each
// frame: the least of late, as long as the Sender waits for frames and not the other
// way round. So it is known which frames were there when the Sender was free again,
// although it is given one at a time. What stands before the Sender in the same thread,
// an encoder say, takes its time too: so where the Sender is held up, a wait shows
// something only if it is as long as the time between frames, and the frame is no later
// than the one before.
type freshness struct {
	interval time.Duration // between frames; 0: not known
	last     time.Time     // when the last frame was taken
	late     time.Duration // how late it came
	usual    time.Duration // the least time of late from when a frame was taken
	before   time.Duration // likewise in the time before
	since    time.Time     // when usual began to count; zero: it did not
	left     time.Time     // when the Sender was done with the last frame, whether it was sent or dropped
	free     time.Time     // when the Sender was free again after it was held up last
	held     time.Time     // since when it is held up by one frame after the other; zero: it is not
	slow     time.Time     // until when old frames are dropped at once
}

// sent notes how long a frame took. held says that it was up to a link or a receiver
// that is there.
func (f *freshness) sent(from, to time.Time, held bool) {
	f.left = to
	// After a stall, a link that carries no more than the frames that come leaves each of
	// them late, though none takes long.
	behind := !f.held.IsZero() && f.late-min(f.usual, f.before) >= longStall
	if !held || to.Sub(from) < f.interval && !behind {
		f.held = time.Time{} // it keeps up
		return
	}
	if f.free = to; f.held.IsZero() {
		f.held = from
	}
}

// dropped notes that a frame was dropped at now, because it was old or for another
// reason.
func (f *freshness) dropped(now time.Time) { f.left = now }

// isOld reports whether to drop a frame that was taken at a time and is given to the
// Sender at now. behind is how many newer ones wait for certain. delta says that the
// stream has frames that build upon others, steered that their encoder follows the link.
func (f *freshness) isOld(taken, now time.Time, behind int, delta, steered bool) (old bool) {
	if taken.IsZero() {
		return false
	}
	waited := now.Sub(f.left)
	defer func() {
		if old {
			f.slow = now.Add(slowTime)
		}
	}()
	d := taken.Sub(f.last)
	if !f.last.IsZero() && d.Abs() < leastInterval {
		f.last = taken
		return false
	}
	if !f.last.IsZero() && d > 0 { // B-frames go back
		if f.interval == 0 || d < f.interval {
			f.interval = d
		}
		f.interval += min(d-f.interval, f.interval) / 8 // a frame that is missing does not count for much
	}
	f.last = taken
	late := now.Sub(taken)
	waits := waited >= f.interval && late <= f.late || waited >= f.interval/4 && now.Sub(f.free) >= usualTime
	f.late = late
	if waits && now.Sub(f.since) >= usualTime {
		if f.before = f.usual; f.since.IsZero() {
			f.before = late
		}
		f.usual, f.since = late, now
	}
	f.usual = min(f.usual, late)
	if f.held.IsZero() || f.interval == 0 || waited >= f.interval {
		return false // or nothing waited for the Sender: it waited for this frame
	}
	if now.Sub(f.held) < longStall && now.After(f.slow) {
		return false
	}
	if behind >= manyBehind && !delta {
		return true // however late the stream was in the beginning
	}
	after := f.interval
	switch {
	case delta && steered:
		after = max(after, oldSteered)
	case delta:
		after = max(after, oldDelta)
	}
	return !taken.Add(min(f.usual, f.before) + after).After(f.free)
}
