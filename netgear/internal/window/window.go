// Package window decides how many frames may be on their way to a receiver that
// confirms them. It has no clock, and no socket.
package window

import (
	"math"
	"time"
)

// Most is the largest size of a window that follows the link.
const Most = 64

// Implementation constants of a window that follows the link.
const (
	// Between these shares of the time that a frame alone takes, more frames on the
	// way may delay each other. It is the least that keeps the link busy for certain.
	leastQueue, goodQueue, mostQueue = 0.04, 0.07, 0.1
	// fastGrowth is how fast the window grows in one round trip until it was too large
	// for the first time, and later as far as nearGood of a size that was good.
	// slowGrowth is how fast it grows otherwise.
	fastGrowth, slowGrowth = 1.25, 1.05
	nearGood               = 0.95
	// calmFrames is how many frames in a row must not have waited before it grows: the
	// first frames of a size that is too large find a queue that is short yet.
	calmFrames = 2
	// mostFall is how much smaller it becomes at once at most. A packet that is lost
	// delays a few frames, and so makes any size look far too large.
	mostFall = 1.25
	// lessGood is what is left of the good size when a smaller one is too large.
	lessGood = 0.75
	// longPause is how long the window does not grow after it was too large where one
	// frame after the other is as good, shortPause where it is not.
	longPause, shortPause = 10 * time.Second, time.Second
	// closeToOne is a size at which one frame after the other is as good.
	closeToOne = 1.05
	// aloneEvery is how often a frame goes alone, to see what the way takes without a
	// queue.
	aloneEvery = 10 * time.Second
	// leastTime is how long the least time of a confirmation counts at least.
	leastTime = 5 * time.Second
)

// Window decides how many frames may be unconfirmed. It is not safe for concurrent use.
//
// With a fixed size that is all. One that follows the link has as many frames on the
// way as keep the link busy, and no more, since a frame that waits for others is old
// when it arrives. That number is no whole one: between two sends is the time that a
// frame takes, divided by size. So with a size of 1.1 a frame leaves just before the
// confirmation of the one before comes.
//
//	frames delay each other -> size becomes what would delay them by goodQueue
//	they do not, and the window held a frame up -> size grows, once in a round trip
//
// A size grows no further before a frame has shown what it is good for. One that goes
// alone does not show it.
//
// Where the encoder follows the link, it sees to it that frames do not delay each
// other. Then each frame of the stream that is on the way has a place, and the next one.
// Frames that wait may then be many and small, as after a fall of the link's rate. They
// have more places: as many as fill the link.
type Window struct {
	fixed int // 0: it follows the link

	size    float64       // at least 1
	calm    int           // how many frames in a row did not wait, since the size changed
	good    float64       // the largest size of late with which no frame waited for another; 0: not known
	single  time.Duration // from sending a frame alone to its confirmation; 0: not known
	bytes   int           // of that frame
	took    time.Duration // from sending a frame to its confirmation, averaged
	at      time.Time     // when the last frame was sent
	alone   time.Time     // when the last one was sent that was alone
	changed time.Time     // when size did; frames from before say nothing of it
	begun   time.Time     // when Begin was called
	full    time.Time     // when size was too large; zero: never
	queue   float64       // what the last frame waited for others, as a share of the time that it takes alone
	free    time.Time     // when the program was free again after the last frame
	held    time.Duration // how long it was held up
	limited bool          // it would have had another frame before that

	interval time.Duration // between frames of an encoder that follows the link; 0: it does not
	places   int           // how many frames may be unconfirmed then
	flying   int           // the bytes on their way
	fills    int           // so many bytes fill the link; 0: not known

	least, before time.Duration // the least times of a confirmation, of the present span and of the last one; 0: none
	since         time.Time     // when the present span began
}

// New returns a window of a fixed size, or with 0 one that follows the link.
func New(inFlight uint) Window {
	return Window{fixed: int(inFlight), size: 1, places: 1}
}

// Sustain notes the time between the frames of an encoder that follows the link; 0
// where it does not.
func (w *Window) Sustain(interval time.Duration) { w.interval = interval }

// Least returns the least time of late from sending a frame to its confirmation, 0
// before the first.
func (w *Window) Least() time.Duration {
	if w.before > 0 && w.before < w.least {
		return w.before
	}
	return w.least
}

// HasPlace reports whether another frame may be unconfirmed beside count.
func (w *Window) HasPlace(count int) bool {
	switch {
	case w.fixed > 0:
		return count < w.fixed
	case w.interval > 0:
		return count < w.places || w.limited && w.flying < w.fills && count < Most
	}
	return count < int(math.Ceil(w.size))
}

// HasRoom reports whether another frame may go at now, with count unconfirmed. If it
// may not, at is when to look again; zero: when something was confirmed.
func (w *Window) HasRoom(count int, now time.Time) (ok bool, at time.Time) {
	if count == 0 {
		w.flying = 0
	}
	switch ok = w.HasPlace(count); {
	case w.fixed > 0 || w.interval > 0 || count == 0:
		return ok, at
	case !ok || now.Sub(w.alone) >= aloneEvery:
		return false, at
	}
	at = w.at.Add(time.Duration(float64(w.took) / w.size))
	return !now.Before(at), at
}

// Next notes that there is another frame to send. A program that comes with it at once
// could send more.
func (w *Window) Next(now time.Time) { w.limited = now.Sub(w.free) < max(w.held, w.interval)/4 }

// Done notes how long the program was held up after Next.
func (w *Window) Done(from, to time.Time) { w.free, w.held = to, to.Sub(from) }

// Sent notes that a frame of some bytes was sent, with none or some unconfirmed before
// it.
func (w *Window) Sent(now time.Time, alone bool, bytes int) {
	if w.fixed > 0 {
		return
	}
	w.flying += bytes
	if w.at = now; alone {
		w.alone = now
	}
}

// usual returns how long a frame of some bytes takes alone, on a link of so many
// bit/s; 0: that is not known.
func (w *Window) usual(bytes int, rate uint64) time.Duration {
	if rate == 0 {
		return w.single
	}
	return w.single + time.Duration(8*float64(bytes-w.bytes)/float64(rate)*float64(time.Second))
}

// Confirmed notes the confirmation of a frame of some bytes that was sent at a time,
// alone or not, over a link of so many bit/s; 0: that is not known.
func (w *Window) Confirmed(now, sent time.Time, alone bool, bytes int, rate uint64) {
	took := now.Sub(sent)
	if w.took == 0 {
		w.took = took
	}
	if !sent.Before(w.begun) {
		w.took += (took - w.took) / 2
	}
	if now.Sub(w.since) > leastTime {
		w.before, w.least, w.since = w.least, 0, now
	}
	if w.least == 0 || took < w.least {
		w.least = took
	}
	if w.fixed > 0 {
		return
	}
	w.flying = max(0, w.flying-bytes)
	if w.interval > 0 {
		w.sustain(took)
		w.fills = int(w.Least().Seconds() * float64(rate) / 8)
	}
	queue := 0.0
	if usual := w.usual(bytes, rate); alone {
		if w.single == 0 {
			usual = took
		}
		w.single, w.bytes = min(took, usual+(took-usual)/8), bytes // a receiver may be late now and then
	} else if usual > 0 {
		queue = float64(took-usual) / float64(usual)
	}
	least := min(queue, w.queue) // a receiver may be late once
	switch w.queue = queue; {
	case sent.Before(w.changed):
	case least > mostQueue:
		if w.full = now; w.size <= w.good {
			w.good *= lessGood
		}
		size := w.size / min(1+least, mostFall) * (1 + goodQueue)
		if size < closeToOne*(1+goodQueue) {
			size = 1
		}
		w.resize(now, size)
	case queue >= leastQueue || !w.limited:
		w.calm = 0
	case !alone || w.size == 1:
		if w.calm++; w.calm < calmFrames {
			return
		}
		if !alone {
			w.good = max(w.good, w.size)
		}
		if now.Sub(w.full) >= w.pause() {
			w.resize(now, w.larger())
		}
	}
}

func (w *Window) resize(now time.Time, size float64) { w.size, w.changed, w.calm = size, now, 0 }

// larger returns the size that the window grows to.
func (w *Window) larger() float64 {
	size := w.size * slowGrowth
	if w.full.IsZero() {
		size = w.size * fastGrowth
	} else if near := nearGood * w.good; size < near {
		size = min(near, w.size*fastGrowth)
	}
	return min(size, Most)
}

// sustain finds how many places an encoder needs that follows the link. A frame that
// took long waited for others, or is a large one: then there are no more than before.
func (w *Window) sustain(took time.Duration) {
	least := w.Least()
	want := min(int((least+w.interval/2)/w.interval)+1, Most)
	if w.places > want || w.places < want && took <= least*5/4 {
		w.places += min(1, want-w.places) // at once down, and up one after the other
	}
}

// Follows reports whether the window follows the link.
func (w *Window) Follows() bool { return w.fixed == 0 }

// Press notes whether the next frame waited for room. It takes the place of Next and
// Done.
func (w *Window) Press(on bool) { w.limited = on }

// Begin gives a window that follows the link a size to begin with at now. What was
// sent before says nothing of it.
func (w *Window) Begin(now time.Time, size float64) {
	w.resize(now, min(max(size, 1), Most))
	w.begun, w.full, w.queue, w.good = now, time.Time{}, 0, 0
	if w.size > closeToOne {
		w.full, w.good = now, w.size
	}
	if w.single > 0 {
		w.took = w.single
	}
}

func (w *Window) pause() time.Duration {
	if max(w.size, w.good) > closeToOne {
		return shortPause
	}
	return longPause
}

// Restart forgets what is known of the link, for a new connection.
func (w *Window) Restart() {
	*w = Window{fixed: w.fixed, size: 1, places: 1, interval: w.interval}
}
