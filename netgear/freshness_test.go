package netgear

import (
	"testing"
	"time"
)

// A Sender of 30 frames a second that takes a time for each sends the newest frames,
// after the first second, and drops none where it keeps up.
func TestNewestWinsAtTheSender(t *testing.T) {
	const interval = time.Second / 30
	for _, c := range []struct {
		name   string
		takes  time.Duration // the link, for a frame
		usual  time.Duration // from when a frame is taken until the Sender could have it
		delta  bool
		most   time.Duration // how old a frame may be when its turn comes, beyond usual
		all    bool          // none is dropped
		hiccup time.Duration // of what stands before the Sender, once a second
		// steered means that the encoder follows the link.
		steered bool
		stall   time.Duration // of the link, once a second
		encodes time.Duration // what stands before the Sender in the same thread, for a frame
	}{
		{"keeps up", 20 * time.Millisecond, 0, false, interval, true, 0, false, 0, 0},
		{"keeps up, behind a slow encoder", 20 * time.Millisecond, 200 * time.Millisecond, false, interval, true, 0, false, 0, 0},
		{"keeps up, and is given some late", 5 * time.Millisecond, 0, false, 150 * time.Millisecond, true, 100 * time.Millisecond, false, 0, 0},
		{"keeps up, and is given some very late", 5 * time.Millisecond, 0, false, 450 * time.Millisecond, true, 400 * time.Millisecond, false, 0, 0},
		{"keeps up but for stalls", 5 * time.Millisecond, 0, false, 300 * time.Millisecond, true, 0, false, 200 * time.Millisecond, 0},
		{"keeps up just so, but for stalls", 25 * time.Millisecond, 0, false, 300 * time.Millisecond, true, 0, false, 150 * time.Millisecond, 0},
		{"slow, with stalls", 120 * time.Millisecond, 0, false, 2*interval + 5*time.Millisecond, false, 0, false, 200 * time.Millisecond, 0},
		{"slow only for its stalls", 31 * time.Millisecond, 0, false, longStall + 200*time.Millisecond + interval, false, 0, false, 200 * time.Millisecond, 0},
		{"slow only for its stalls, behind a slow encoder", 31 * time.Millisecond, 200 * time.Millisecond, false, longStall + 200*time.Millisecond + interval, false, 0, false, 200 * time.Millisecond, 0},
		{"slow", 120 * time.Millisecond, 0, false, 2*interval + 5*time.Millisecond, false, 0, false, 0, 0},
		{"slow, behind a slow encoder", 120 * time.Millisecond, 200 * time.Millisecond, false, 2*interval + 5*time.Millisecond, false, 0, false, 0, 0},
		{"very slow", 1200 * time.Millisecond, 0, false, 2*interval + 5*time.Millisecond, false, 0, false, 0, 0},
		{"a little slow", 40 * time.Millisecond, 0, false, 2*interval + 5*time.Millisecond, false, 0, false, 0, 0},
		{"slow, encoded", 120 * time.Millisecond, 0, true, oldDelta + 300*time.Millisecond, false, 0, false, 0, 0},
		{"slow, steered", 120 * time.Millisecond, 0, true, oldSteered + 300*time.Millisecond, false, 0, true, 0, 0},
		{"keeps up, encodes", 8 * time.Millisecond, 0, false, interval, true, 0, false, 0, 20 * time.Millisecond},
		// Each frame that is dropped takes what it takes to encode, so while one is sent and
		// those behind it are dropped, the stream falls behind by (120 ms + late) 20/33.
		{"slow, encodes", 120 * time.Millisecond, 0, false, 180*time.Millisecond + 2*interval, false, 0, false, 0, 20 * time.Millisecond},
		{"slow, encoded in the same thread", 120 * time.Millisecond, 0, true, oldDelta + 400*time.Millisecond, false, 0, false, 0, 20 * time.Millisecond},
		{"slow, steered in the same thread", 120 * time.Millisecond, 0, true, oldSteered + 400*time.Millisecond, false, 0, true, 0, 20 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f freshness
			begin := time.Unix(1000, 0)
			now, sent, dropped, lost := begin, 0, 0, false
			for n := range 1800 {
				taken := begin.Add(time.Duration(n) * interval)
				now = later(now.Add(c.encodes), taken.Add(c.usual))
				if n%30 == 29 {
					now = now.Add(c.hiccup)
				}
				lost = f.isOld(taken, now, 0, c.delta, c.steered) || lost && c.delta && n%60 > 0 // up to the next key frame
				if lost {
					dropped++
					now = now.Add(time.Millisecond)
					f.dropped(now)
					continue
				}
				if late := now.Sub(taken) - c.usual; late > c.most && now.Sub(begin) > time.Second {
					t.Fatalf("frame %d is %v old when its turn comes, want %v at the most", n, late, c.most)
				}
				sent++
				from := now
				now = now.Add(c.takes)
				if n%30 == 10 {
					now = now.Add(c.stall)
				}
				f.sent(from, now, true)
			}
			if c.all && dropped > 0 {
				t.Errorf("%d frames were dropped, want none", dropped)
			}
			share := 9
			if c.delta {
				share = 6 // the link is idle before a key frame
			}
			if most := 1800 * interval / max(c.takes+c.stall/8, interval); c.encodes == 0 && sent < int(most)*share/10 {
				t.Errorf("%d frames were sent, want about %d", sent, most)
			}
		})
	}
	var f freshness
	f.sent(time.Unix(1000, 0), time.Unix(2000, 0), true)
	if f.isOld(time.Time{}, time.Unix(2000, 0), 9, false, false) {
		t.Error("a frame of no known time is old")
	}
}

// A program that pushes a frame, and waits until it is there before it pushes the next
// one, has no newer frame that could take its place.
func TestNoFrameOfAProgramIsOld(t *testing.T) {
	const takes = 60 * time.Millisecond
	for name, step := range map[string]time.Duration{
		"slower than its times": 40 * time.Millisecond, "all of one time": 0, "times that hardly differ": 100, "faster than its times": time.Second,
		"backwards": -40 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			var f freshness
			begin := time.Unix(1000, 0)
			now := begin
			for n := range 200 {
				if f.isOld(begin.Add(time.Duration(n)*step), now, 0, false, false) {
					t.Fatalf("frame %d is dropped", n)
				}
				f.sent(now, now.Add(takes), true)
				now = now.Add(takes + 100*time.Millisecond) // on its way, and looked at
			}
		})
	}
}
