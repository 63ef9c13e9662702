package rate

import (
	"math"
	"time"
)

// Constants of Watch.
const (
	// ignoredAfter is how long an encoder may make too much before it counts as one that
	// ignores what it is told. Encoders average over a second or more. deafAfter is for
	// an encoder that cannot be told at all.
	ignoredAfter = 4 * time.Second
	deafAfter    = 300 * time.Millisecond
	// heldAfter is how long it must make little enough to count as one that follows.
	heldAfter = 2 * time.Second
	tooMuch   = 1.3
	enough    = 1.15
	// madeOver is the time over which Watch.made is averaged.
	madeOver = 500 * time.Millisecond
)

// Watch notices an encoder that ignores what it is told. It is not safe for
// concurrent use.
type Watch struct {
	made    float64       // bit/s; 0: nothing yet
	over    time.Duration // when it began to make too much; 0: it does not
	held    time.Duration // when it began to make little enough; 0: it does not
	ignored bool

	told    float64       // bit/s, for trim
	stable  time.Duration // of frames since it was told that
	even    float64       // made since, without what it made at first; 0: nothing yet
	trimmed time.Duration // when trim last changed
	trim    float64
}

// Frame notes a frame. interval is how long the frame is shown. The rate is its size by
// that time, however fast the link takes it.
func (w *Watch) Frame(interval time.Duration, bytes int) {
	bps := float64(8*bytes) / interval.Seconds()
	w.made = averageOf(w.made, bps, interval)
	if w.stable += interval; w.stable > trimAfter {
		w.even = averageOf(w.even, bps, interval)
	}
}

func averageOf(made, bps float64, interval time.Duration) float64 {
	if made == 0 {
		return bps
	}
	return made + (bps-made)*(1-math.Exp(-float64(interval)/float64(madeOver)))
}

// Made returns how many bits a second the encoder makes.
func (w *Watch) Made() float64 { return w.made }

// Ignored reports whether the encoder has made far more than it was told for a long time.
// deaf means that it cannot be told.
func (w *Watch) Ignored(now time.Duration, told float64, deaf bool) bool {
	now = max(now, 1)
	after := ignoredAfter
	if deaf {
		after = deafAfter
	}
	if w.made > tooMuch*told {
		w.held = 0
		if w.over == 0 {
			w.over = now
		}
		w.ignored = w.ignored || now-w.over > after
		return w.ignored
	}
	w.over = 0
	if w.made > enough*told {
		w.held = 0
	} else if w.held == 0 {
		w.held = now
	}
	if w.held > 0 && now-w.held > heldAfter {
		w.ignored = false
	}
	return w.ignored
}

// Constants of Trim.
const (
	leastTrim, mostTrim = 0.75, 1.1
	trimAfter           = 700 * time.Millisecond // of a steady target the encoder has come to it
	trimPause           = 300 * time.Millisecond // after that without a call the target counts as changed
	steady              = 0.15
	trimTime            = 2 * time.Second // to find it, and to forget it
)

// Trim returns what to tell an encoder so that it makes target bit/s: encoders miss what
// they are told by some percent.
func (w *Watch) Trim(now time.Duration, target float64) float64 {
	if w.trim == 0 {
		w.trim = 1
	}
	pause := now - w.trimmed
	part := min(pause, time.Second).Seconds() / trimTime.Seconds()
	w.trimmed = now
	if math.Abs(target-w.told) > steady*w.told || pause > trimPause {
		w.told, w.stable, w.even = target, 0, 0
	}
	if w.stable > 2*trimAfter {
		if w.even > target {
			part = min(2*part, 1) // down at once, up with care
		}
		w.trim *= math.Pow(target/w.even, part)
		w.trim = min(max(w.trim, leastTrim), mostTrim)
	} else {
		w.trim += (1 - w.trim) * part
	}
	return w.trim * target
}

// Gate lets through as many frames as a link carries, where the encoder ignores its
// target. It is not safe for concurrent use.
type Gate struct {
	owed  float64 // bits that went out ahead of their time
	at    time.Duration
	began bool
	torn  bool // a frame was dropped that later ones depend on
}

// Pass reports whether a frame may go out. delta means that it depends on those before
// it: after one that was dropped, none goes out until the next key frame.
func (g *Gate) Pass(now time.Duration, bps float64, bytes int, delta bool) bool {
	if !g.began {
		g.began, g.at = true, now
	}
	g.owed = max(0, g.owed-bps*(now-g.at).Seconds())
	g.at = now
	if g.torn && delta {
		return false
	}
	if g.owed > 0 {
		g.torn = true
		return false
	}
	g.torn = false
	g.owed += float64(8 * bytes)
	return true
}

// WantsKey reports whether only a key frame would go out now.
func (g *Gate) WantsKey() bool { return g.torn && g.owed == 0 }
