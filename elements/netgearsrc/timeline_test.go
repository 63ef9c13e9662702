package netgearsrc

import "testing"

func TestTimeline(t *testing.T) {
	const ms = 1_000_000
	type frame struct {
		now    uint64
		pts    int64
		hasPTS bool
		want   uint64
		jumped bool
	}
	for _, c := range []struct {
		name     string
		bySender bool
		frames   []frame
	}{
		{"receive time", false, []frame{
			{100 * ms, 7 * ms, true, 100 * ms, false},
			{140 * ms, 40 * ms, true, 140 * ms, false},
		}},
		{"the sender's spacing, without the jitter of the way", true, []frame{
			{1000 * ms, 0, true, 1000 * ms, false},
			{1050 * ms, 33 * ms, true, 1033 * ms, false},
			{1066 * ms, 66 * ms, true, 1066 * ms, false},
		}},
		{"a faster frame places those after it earlier, and none goes back", true, []frame{
			{1020 * ms, 0, true, 1020 * ms, false},
			{1033 * ms, 33 * ms, true, 1033 * ms, false}, // was held up 20 ms before
			{1090 * ms, 66 * ms, true, 1066 * ms, false},
		}},
		{"a clock that is set back", true, []frame{
			{1000 * ms, 9000 * ms, true, 1000 * ms, false},
			{1033 * ms, 0, true, 1033 * ms, true},
			{1066 * ms, 33 * ms, true, 1066 * ms, false},
		}},
		{"a sender that does not tell", true, []frame{
			{1000 * ms, 0, false, 1000 * ms, false},
			{1033 * ms, 0, false, 1033 * ms, false},
		}},
		{"a way that became longer shows after the window", true, []frame{
			{1000 * ms, 0, true, 1000 * ms, false},
			{2100 * ms, 1000 * ms, true, 2000 * ms, false},
			{3200 * ms, 2100 * ms, true, 3100 * ms, false}, // the window ends
			{5300 * ms, 4200 * ms, true, 5300 * ms, false}, // and the next, in which all were late
			{5400 * ms, 4300 * ms, true, 5400 * ms, false},
		}},
		{"nonsense", true, []frame{
			{5, 1<<63 - 1, true, 5, false},
			{6, 0, true, 6, true},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline{bySender: c.bySender}
			for i, f := range c.frames {
				got, jumped := tl.stamp(f.now, f.pts, f.hasPTS)
				if got != f.want || jumped != f.jumped {
					t.Errorf("frame %d: %d, %v; want %d, %v", i, got, jumped, f.want, f.jumped)
				}
			}
		})
	}
}
