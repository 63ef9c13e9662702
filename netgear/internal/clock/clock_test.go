package clock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// clocks are two simulated clocks and the network between them. All in seconds.
type clocks struct {
	offset, drift float64                 // theirs is ahead of ours by offset + drift*t
	way           func(t float64) float64 // how long a frame takes that leaves at t
	back          func(t float64) float64 // a confirmation
}

func (c *clocks) ahead(t float64) float64 { return c.offset + c.drift*t }

// exchange returns what both ends note of a frame that leaves at t and is held for a
// moment at the other end.
func (c *clocks) exchange(t, hold float64) (x Exchange, end float64) {
	there := t + c.way(t)
	back := there + hold
	end = back + c.back(back)
	ns := func(s float64) int64 { return int64(math.Round(s * 1e9)) }
	return Exchange{T1: ns(t), T2: ns(there + c.ahead(there)), T3: ns(back + c.ahead(back)), T4: ns(end)}, end
}

func fixed(d float64) func(float64) float64 { return func(float64) float64 { return d } }

func jitter(r *rand.Rand, least, most float64) func(float64) float64 {
	return func(float64) float64 { return least + (most-least)*r.Float64() }
}

func TestClockOffset(t *testing.T) {
	const fps, duration = 30, 120
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name    string
		clocks  clocks
		settled float64 // s, from when on within holds
		within  float64 // s, of the truth, 99 % of the time
		jump    float64 // s, the most that the offset changes from frame to frame beside the drift
	}{
		{"LAN", clocks{3 * 3600, 0, jitter(r, 100e-6, 300e-6), jitter(r, 100e-6, 300e-6)}, 0, 1e-3, 1e-3},
		{"LAN, hours and 100 ppm", clocks{-7 * 3600, 100e-6, jitter(r, 100e-6, 2e-3), jitter(r, 100e-6, 2e-3)}, 0, 1e-3, 1e-3},
		{"LAN, 200 ppm back", clocks{5, -200e-6, jitter(r, 50e-6, 200e-6), jitter(r, 50e-6, 200e-6)}, 0, 1e-3, 1e-3},
		{"asymmetric", clocks{1e5, 100e-6, fixed(40e-3), fixed(2e-3)}, 0, 42e-3/2 + 1e-3, 1e-3},
		{"asymmetric the other way", clocks{1e5, -100e-6, fixed(1e-3), fixed(80e-3)}, 0, 81e-3/2 + 1e-3, 1e-3},
		{"jitter of 30 ms", clocks{-1e4, 100e-6, jitter(r, 1e-3, 31e-3), jitter(r, 1e-3, 31e-3)}, 3, 1e-3, 1e-3},
		{"jitter of 40 ms one way", clocks{-1e4, -100e-6, jitter(r, 1e-3, 41e-3), jitter(r, 1e-3, 2e-3)}, 3, 1e-3, 1e-3},
		{"no network", clocks{1e-3, 50e-6, fixed(0), fixed(0)}, 0, 1e-4, 1e-3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o Offset
			bad, frames, last, lastAt := 0, 0, 0.0, 0.0
			for now := 1000.0; now < 1000+duration; {
				x, end := c.clocks.exchange(now, 50e-6*r.Float64())
				if o.Add(x) {
					t.Fatal("took steady clocks for clocks that stepped")
				}
				now = max(end, now+1.0/fps)
				offset, bound, ok := o.At(int64(now * 1e9))
				if !ok {
					t.Fatal("knows nothing after an exchange")
				}
				off := float64(offset)/1e9 - c.clocks.ahead(now)
				if math.Abs(off) > float64(bound)/1e9+1e-6 { // float64 has 60 ns at this hour
					t.Fatalf("%.3f s: off by %.6f s, and the error says %.6f s", now, off, float64(bound)/1e9)
				}
				if change := off - last; last != 0 && now > 1000.6 && math.Abs(change) > c.jump*max(1, (now-lastAt)*fps) {
					t.Errorf("%.3f s: the offset jumped by %.6f s", now, change)
				}
				last, lastAt = off, now
				if now < 1000+c.settled {
					continue
				}
				if frames++; math.Abs(off) > c.within {
					bad++
				}
			}
			if bad*100 > frames {
				t.Errorf("%d of %d offsets are off by more than %v s", bad, frames, c.within)
			}
		})
	}
}

// A clock that jumps is noticed with the next exchange, in either direction.
func TestClockOffsetStep(t *testing.T) {
	for _, step := range []float64{1, -1, 3600, -0.05, 0.05} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			c := clocks{offset: 10, drift: 50e-6, way: fixed(1e-3), back: fixed(1e-3)}
			var o Offset
			for i := range 300 {
				now := float64(i) / 30
				if i == 200 {
					c.offset += step
				}
				x, end := c.exchange(now, 0)
				if stepped := o.Add(x); stepped != (i == 200) {
					t.Fatalf("frame %d: stepped is %v", i, stepped)
				}
				offset, bound, _ := o.At(int64(end * 1e9))
				if off := math.Abs(float64(offset)/1e9 - c.ahead(end)); off > float64(bound)/1e9+1e-6 || off > 2e-3 {
					t.Fatalf("frame %d: off by %v s, and the error says %v", i, off, bound)
				}
			}
		})
	}
}

// While nothing comes the error grows, and what comes then is believed.
func TestClockOffsetPause(t *testing.T) {
	c := clocks{offset: 10, drift: 300e-6, way: fixed(1e-3), back: fixed(1e-3)}
	var o Offset
	last := int64(0)
	for _, now := range []float64{0, 0.1, 0.2, 10, 100, 1000, 5000, 5000.1} {
		x, end := c.exchange(now, 0)
		if now > 0 {
			offset, bound, _ := o.At(int64(now * 1e9))
			if off := math.Abs(float64(offset)/1e9 - c.ahead(now)); off > float64(bound)/1e9+1e-6 {
				t.Errorf("at %v s: off by %v s, and the error says %v ns", now, off, bound)
			}
			if now > 1 && now < 5000.1 && bound < last {
				t.Errorf("at %v s the error shrank from %v to %v ns without an exchange", now, last, bound)
			}
		}
		if o.Add(x) {
			t.Errorf("at %v s: took drift for a step", now)
		}
		_, last, _ = o.At(int64(end * 1e9))
	}
}

// What a peer claims does not matter to anything but the offset.
func TestClockOffsetNonsense(t *testing.T) {
	var o Offset
	for _, x := range []Exchange{
		{10, 5, 5, 9},    // the confirmation was there before the frame left
		{10, 50, 49, 20}, // confirmed before it was there
		{10, 50, 90, 20}, // held longer than it was away
	} {
		if o.Add(x) {
			t.Errorf("%+v is a step", x)
		}
		if _, _, ok := o.At(100); ok {
			t.Errorf("%+v is taken", x)
		}
	}
	o.Add(Exchange{1, 1 << 62, 1 << 62, 2})
	o.Add(Exchange{3, 0, 0, 4})
	o.Add(Exchange{1e18, 5, 1 << 62, 1e18 + 1<<61})
	if _, bound, _ := o.At(1e18 + 1<<62); bound < 0 {
		t.Errorf("error of %d ns", bound)
	}
}

func FuzzClockOffset(f *testing.F) {
	f.Add(int64(0), int64(1e9), int64(1e9), int64(1e6), int64(2e9))
	f.Fuzz(func(t *testing.T, t1, t2, t3, t4, at int64) {
		const limit = 1 << 62
		for _, v := range []int64{t1, t2, t3, t4, at} {
			if v < 0 || v > limit {
				return
			}
		}
		var o Offset
		o.Add(Exchange{t1 % 1e18, t2, t3, t4 % 1e18})
		o.Add(Exchange{1e18, 2e18, 2e18, 1e18 + 1e6})
		_, bound, ok := o.At(1e18 + at%1e18)
		if !ok || bound < 0 {
			t.Fatalf("error of %d ns, %v", bound, ok)
		}
	})
}
