package door

import (
	"testing"
	"time"
)

// write is one write: how long after the last one it begins, how long it takes.
type write struct {
	pause, takes time.Duration
	n            int
}

// The meter tells apart what the way limited and what the program did.
func TestMeter(t *testing.T) {
	const ms = time.Millisecond
	repeat := func(n int, w ...write) (all []write) {
		for range n {
			all = append(all, w...)
		}
		return all
	}
	for _, c := range []struct {
		name   string
		writes []write
		rate   float64 // bytes/s; 0: not known
	}{
		{"nothing", nil, 0},
		{"fast", repeat(100, write{100 * time.Microsecond, 100 * time.Microsecond, 50_000}), 0},
		{"one long write", []write{{0, 50 * ms, 50_000}}, 0},
		{"slow", repeat(100, write{100 * time.Microsecond, 10*ms - 100*time.Microsecond, 10_000}), 1e6},
		{"slow, in pieces", repeat(100, write{0, 0, 4_000}, write{0, 10 * ms, 6_000}), 1e6},
		{"slow frames with pauses", repeat(20, write{50 * ms, 0, 20_000}, write{0, 10 * ms, 10_000}, write{0, 10 * ms, 10_000}), 1e6},
		{"a frame that fits, now and then", repeat(20, write{33 * ms, 2 * ms, 20_000}), 0},
		{"little, and a wait now and then", repeat(5, append(repeat(30, write{4 * ms, 0, 100}), write{0, 2 * ms, 100})...), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m meter
			now, passed := time.Unix(1000, 0), 0
			for _, w := range c.writes {
				now = now.Add(w.pause)
				m.begin(now, w.n)
				now = now.Add(w.takes)
				passed += w.n
				if m.end(now, w.n) {
					m.marked(now, uint64(passed))
				}
			}
			got := m.read(now, 1000)
			rate := 0.0
			if got.LimitedTime > 0 {
				rate = float64(got.Limited) / got.LimitedTime.Seconds()
			}
			if int(got.Passed) != passed || rate < 0.95*c.rate || rate > 1.05*c.rate || got.Waiting != 0 {
				t.Errorf("%+v, rate %.0f: want %d passed at %.0f", got, rate, passed, c.rate)
			}
		})
	}
}

// A write that waits is seen while it does.
func TestMeterWaits(t *testing.T) {
	var m meter
	now := time.Unix(1000, 0)
	m.begin(now, 500)
	if got := m.read(now, 1000); got.Waiting != 0 {
		t.Errorf("%+v at once", got)
	}
	now = now.Add(time.Second)
	if got := m.read(now, 1000); got.Waiting != 1500 || got.WaitTime != time.Second {
		t.Errorf("%+v, want 1500 bytes for a second", got)
	}
	m.end(now, 500)
	if got := m.read(now, 1000); got.Waiting != 0 || got.Passed != 500 {
		t.Errorf("%+v afterwards", got)
	}
}
