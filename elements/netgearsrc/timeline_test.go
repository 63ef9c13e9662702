package netgearsrc

import (
	"testing"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
)

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

func TestTimelineOfEncodedVideo(t *testing.T) {
	const (
		ms   = 1_000_000
		none = gstglue.NoTime
	)
	type frame struct {
		now       uint64
		pts       int64
		want, dts uint64
	}
	for _, c := range []struct {
		name            string
		bySender, alone bool
		restart         int // before the frame of that number
		frames          []frame
	}{
		{"in the order of showing", false, true, 0, []frame{
			{100 * ms, 0, 100 * ms, 100 * ms},
			{130 * ms, 40 * ms, 130 * ms, 130 * ms},
			{190 * ms, 80 * ms, 190 * ms, 190 * ms},
		}},
		{"B-frames are placed before the frame that came first", false, true, 0, []frame{
			{100 * ms, 0, 100 * ms, 100 * ms},
			{140 * ms, 120 * ms, 140 * ms, 140 * ms},
			{180 * ms, 40 * ms, 60 * ms, none},
			{220 * ms, 80 * ms, 100 * ms, none},
			{260 * ms, 160 * ms, 260 * ms, none},
		}},
		{"by the sender's time too", true, true, 0, []frame{
			{1000 * ms, 0, 1000 * ms, 1000 * ms},
			{1120 * ms, 120 * ms, 1120 * ms, 1120 * ms},
			{1121 * ms, 40 * ms, 1040 * ms, none},
			{1122 * ms, 80 * ms, 1080 * ms, none},
		}},
		{"never before the beginning", false, true, 0, []frame{
			{10 * ms, 120 * ms, 10 * ms, 10 * ms},
			{20 * ms, 40 * ms, 0, none},
		}},
		{"another sender", false, true, 1, []frame{
			{100 * ms, 500 * ms, 100 * ms, 100 * ms},
			{140 * ms, 0, 140 * ms, 140 * ms},
		}},
		{"several senders", false, false, 0, []frame{
			{100 * ms, 500 * ms, 100 * ms, 100 * ms},
			{140 * ms, 0, 140 * ms, 140 * ms},
		}},
		{"a clock that is set back", false, true, 0, []frame{
			{100 * ms, 5000 * ms, 100 * ms, 100 * ms},
			{140 * ms, 0, 140 * ms, 140 * ms},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline{bySender: c.bySender}
			for i, f := range c.frames {
				if c.restart > 0 && i == c.restart {
					tl.restart()
				}
				got, dts, _ := tl.stampEncoded(f.now, f.pts, true, c.alone)
				if got != f.want || dts != f.dts {
					t.Errorf("frame %d: %d, decoded at %d; want %d, %d", i, got, dts, f.want, f.dts)
				}
			}
		})
	}
}
