package window

import (
	"math/rand/v2"
	"testing"
	"time"
)

// link of a test: a frame of some bytes takes the time of its bytes, one after the
// other, and half of rtt; its confirmation comes after the other half and after the
// receiver has looked, which takes one frame at a time too.
type testLink struct {
	rate float64 // bytes/s
	rtt  time.Duration
	pace time.Duration // of the receiver
	loss time.Duration // every so often a packet is lost, and sent again after three round trips; 0: never
}

// result is the use of the link or of the receiver, and how old frames were when they
// arrived, the worst but one in twenty.
type result struct {
	use  float64
	age  time.Duration
	size float64
}

// through sends frames through a window over a link, as fast as the window allows.
// known is what the sender knows of the rate.
func through(l testLink, inFlight uint, sizes func() int, known float64, d time.Duration) result {
	w := New(inFlight)
	type frame struct {
		at, done time.Time
		alone    bool
		bytes    int
	}
	var flying []frame
	begin := time.Unix(1000, 0)
	now, free, ready := begin, begin, begin // ready: the receiver
	var busy time.Duration
	lost := begin.Add(l.loss)
	ages := []time.Duration{}
	for now.Sub(begin) < d {
		held := false
		for {
			for len(flying) > 0 && !flying[0].done.After(now) {
				f := flying[0]
				flying = flying[1:]
				w.Confirmed(f.done, f.at, f.alone, f.bytes, uint64(8*known))
			}
			ok, at := w.HasRoom(len(flying), now)
			if ok {
				break
			}
			held = true
			next := flying[0].done
			if !at.IsZero() && at.Before(next) {
				next = at
			}
			now = later(next, now.Add(time.Nanosecond))
		}
		n := sizes()
		takes := time.Duration(float64(n) / l.rate * float64(time.Second))
		if free = later(free, now).Add(takes); l.loss > 0 && free.After(lost) {
			free, lost = free.Add(3*l.rtt), lost.Add(l.loss)
		}
		arrived := free.Add(l.rtt / 2)
		ready = later(ready, arrived).Add(l.pace)
		if now.Sub(begin) > d/2 {
			busy += max(takes, l.pace)
			ages = append(ages, ready.Sub(now))
		}
		f := frame{now, ready.Add(l.rtt / 2), len(flying) == 0, n}
		w.Done(now.Add(-time.Second), now) // a program that always has one
		if w.Next(now); !held {
			w.limited = false
		}
		w.Sent(now, f.alone, n)
		flying = append(flying, f)
	}
	return result{busy.Seconds() / now.Sub(begin.Add(d/2)).Seconds(), percentile(ages), w.size}
}

func percentile(ages []time.Duration) time.Duration {
	sorted := append([]time.Duration(nil), ages...)
	for i := range sorted {
		for k := i; k > 0 && sorted[k] < sorted[k-1]; k-- {
			sorted[k], sorted[k-1] = sorted[k-1], sorted[k]
		}
	}
	return sorted[len(sorted)*95/100]
}

// The window keeps a long link busy, and on a short one no frame waits for another.
func TestWindowFollowsTheLink(t *testing.T) {
	const kB = 1000
	same := func(n int) func() int { return func() int { return n } }
	varied := func() int { return 20*kB + rand.IntN(20*kB) }
	groups := 0
	pictures := func() int { // as an encoder's
		if groups++; groups%30 == 1 {
			return 120 * kB
		}
		return 15 * kB
	}
	for _, c := range []struct {
		name  string
		link  testLink
		sizes func() int
		use   float64
		known []float64 // what the sender takes for the rate, as a share of it
	}{
		{"10 Mbit/s", testLink{1.25e6, 0, 0, 0}, same(150 * kB), 0.99, []float64{0, 0.8, 1, 1.3}},
		{"10 Mbit/s, 20 ms", testLink{1.25e6, 20 * time.Millisecond, 0, 0}, same(150 * kB), 0.9, []float64{0, 0.8, 1, 1.3}},
		{"10 Mbit/s, 100 ms", testLink{1.25e6, 100 * time.Millisecond, 0, 0}, same(150 * kB), 0.95, []float64{0, 0.8, 1, 1.3}},
		{"50 Mbit/s, 100 ms", testLink{6.25e6, 100 * time.Millisecond, 0, 0}, same(150 * kB), 0.95, []float64{0, 0.8, 1, 1.3}},
		{"1 Mbit/s, 100 ms", testLink{125e3, 100 * time.Millisecond, 0, 0}, same(50 * kB), 0.95, []float64{0, 1}},
		{"100 Mbit/s, 200 ms", testLink{12.5e6, 200 * time.Millisecond, 0, 0}, same(150 * kB), 0.95, []float64{0, 1}},
		{"10 Mbit/s, 100 ms, a loss each 5 s", testLink{1.25e6, 100 * time.Millisecond, 0, 5 * time.Second}, same(150 * kB), 0.85, []float64{0, 0.8, 1, 1.3}},
		{"frames that vary", testLink{1.25e6, 100 * time.Millisecond, 0, 0}, varied, 0.85, []float64{1}},
		{"encoded video", testLink{1.25e6, 50 * time.Millisecond, 0, 0}, pictures, 0.2, []float64{1}},
		{"a slow receiver", testLink{125e6, time.Millisecond, 100 * time.Millisecond, 0}, same(150 * kB), 0.95, []float64{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, share := range c.known {
				got, one := through(c.link, 0, c.sizes, share*c.link.rate, time.Minute), through(c.link, 1, c.sizes, 0, time.Minute)
				t.Logf("known %.1f: use %.3f, age %v, size %.2f; in-flight=1: use %.3f, age %v", share, got.use, got.age, got.size, one.use, one.age)
				if got.use < c.use {
					t.Errorf("%.3f of the link is used, want %.2f", got.use, c.use)
				}
				if most := one.age * 125 / 100; got.age > most && c.name != "frames that vary" && c.name != "encoded video" {
					t.Errorf("frames are %v old, want %v at the most", got.age, most)
				}
			}
		})
	}
}

// A fixed window is a number, and the largest one has an end.
func TestWindowHasALimit(t *testing.T) {
	w := New(8)
	if ok, at := w.HasRoom(7, time.Now()); !ok || !at.IsZero() {
		t.Error("8 frames do not fit into 8")
	}
	if ok, _ := w.HasRoom(8, time.Now()); ok || w.HasPlace(8) {
		t.Error("9 frames fit into 8")
	}
	got := through(testLink{125e6, time.Second, 0, 0}, 0, func() int { return 1000 }, 0, 5*time.Minute)
	if got.size != Most {
		t.Errorf("%.1f frames, want %d", got.size, Most)
	}
}

// later returns the later one of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// An encoder that follows the link has a place for each of its frames that is on the way,
// and the next one, whatever their sizes are; but none more while a frame takes longer
// than it needs to.
func TestAWindowSustainsAnEncoder(t *testing.T) {
	const interval = time.Second / 30
	for _, c := range []struct {
		takes time.Duration // of a frame that waits for nothing
		extra time.Duration // of each one, behind those before it
		want  int
	}{{2 * time.Millisecond, 0, 1}, {60 * time.Millisecond, 0, 3}, {500 * time.Millisecond, 0, 16}, {500 * time.Millisecond, 400 * time.Millisecond, 2}} {
		w := New(0)
		w.Sustain(interval)
		now := time.Unix(1000, 0)
		for n := range 100 {
			took := c.takes
			if n > 0 {
				took += c.extra
			}
			now = now.Add(interval)
			w.Confirmed(now, now.Add(-took), false, 1000*(1+n%7), 1e6)
		}
		if got := placesOf(&w); got != c.want {
			t.Errorf("frames that take %v and %v: %d places, want %d", c.takes, c.extra, got, c.want)
		}
		if ok, at := w.HasRoom(c.want-1, now); !ok || !at.IsZero() {
			t.Errorf("frames that take %v: no room beside %d", c.takes, c.want-1)
		}
	}
}

func placesOf(w *Window) (n int) {
	for w.HasPlace(n) {
		n++
	}
	return n
}

// Frames that wait behind a fall of the rate are as many as fill the link, although they
// are small; then each frame has its place again.
func TestAWindowCatchesUp(t *testing.T) {
	const interval, takes, bytes, rate = time.Second / 30, 60 * time.Millisecond, 1000, 2e6
	w := New(0)
	w.Sustain(interval)
	now := time.Unix(1000, 0)
	send := func(waited bool) {
		if now = now.Add(interval); waited {
			now = now.Add(-interval + time.Millisecond)
		}
		w.Next(now)
		w.Sent(now, false, bytes)
		w.Done(now, now)
	}
	for range 20 {
		send(false)
		w.Confirmed(now.Add(takes), now, false, bytes, rate)
	}
	if got := placesOf(&w); got != 3 {
		t.Errorf("%d places, want 3", got)
	}
	const full = int(rate / 8 * int64(takes) / int64(time.Second) / bytes)
	for n := range full {
		if !w.HasPlace(n) {
			t.Fatalf("no place beside %d small frames, which do not fill the link", n)
		}
		send(true)
	}
	if w.HasPlace(full) {
		t.Error("there is a place although the link is full")
	}
	for range full {
		w.Confirmed(now.Add(takes), now, false, bytes, rate)
	}
	if send(false); w.HasPlace(3) {
		t.Error("there is a fourth place although nothing waits")
	}
}
