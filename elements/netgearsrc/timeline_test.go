package netgearsrc

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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
		reorder   int64
	}
	for _, c := range []struct {
		name            string
		bySender, alone bool
		restart         int // before the frame of that number
		frames          []frame
	}{
		{"in the order of showing", false, true, 0, []frame{
			{100 * ms, 0, 100 * ms, 100 * ms, 0},
			{130 * ms, 40 * ms, 130 * ms, 130 * ms, 0},
			{190 * ms, 80 * ms, 190 * ms, 190 * ms, 0},
		}},
		{"B-frames are placed before the frame that came first", false, true, 0, []frame{
			{100 * ms, 0, 100 * ms, 100 * ms, 0},
			{140 * ms, 120 * ms, 140 * ms, 140 * ms, 0},
			{180 * ms, 30 * ms, 110 * ms, none, 0}, // no earlier than the first, which nobody could place
			{220 * ms, 60 * ms, 120 * ms, none, 0},
			{260 * ms, 160 * ms, 260 * ms, none, 0},
		}},
		{"by the sender's time too", true, true, 0, []frame{
			{1000 * ms, 0, 1000 * ms, 1000 * ms, 0},
			{1120 * ms, 120 * ms, 1120 * ms, 1120 * ms, 0},
			{1121 * ms, 40 * ms, 1040 * ms, none, 0},
			{1122 * ms, 80 * ms, 1080 * ms, none, 0},
		}},
		{"the sender says when to decode", false, true, 0, []frame{
			{100 * ms, 0, 140 * ms, 100 * ms, 40 * ms},
			{140 * ms, 120 * ms, 260 * ms, 140 * ms, 120 * ms},
			{180 * ms, 40 * ms, 180 * ms, 180 * ms, 0},
			{220 * ms, 80 * ms, 220 * ms, 220 * ms, 0},
			{260 * ms, 240 * ms, 380 * ms, 260 * ms, 120 * ms},
			{310 * ms, 160 * ms, 300 * ms, 300 * ms, 0}, // late
			{340 * ms, 200 * ms, 340 * ms, 340 * ms, 0},
			{380 * ms, 280 * ms, 420 * ms, 380 * ms, 40 * ms},
		}},
		{"by the sender's time, without the jitter of the way", true, true, 0, []frame{
			{1000 * ms, 0, 1040 * ms, 1000 * ms, 40 * ms},
			{1040 * ms, 160 * ms, 1200 * ms, 1040 * ms, 160 * ms},
			{1095 * ms, 80 * ms, 1120 * ms, 1080 * ms, 40 * ms},
			{1120 * ms, 40 * ms, 1080 * ms, 1080 * ms, 0}, // a pyramid
			{1171 * ms, 120 * ms, 1160 * ms, 1160 * ms, 0},
			{1200 * ms, 200 * ms, 1240 * ms, 1200 * ms, 40 * ms},
		}},
		{"a group that begins with frames shown before its first", false, true, 1, []frame{
			{100 * ms, 500 * ms, 220 * ms, 100 * ms, 120 * ms},
			{140 * ms, 840 * ms, 260 * ms, 140 * ms, 120 * ms},
			{180 * ms, 760 * ms, 180 * ms, 180 * ms, 0},
			{220 * ms, 800 * ms, 220 * ms, 220 * ms, 0},
		}},
		{"several senders that say when to decode", false, false, 0, []frame{
			{100 * ms, 500 * ms, 220 * ms, 100 * ms, 120 * ms},
			{140 * ms, 0, 180 * ms, 140 * ms, 40 * ms},
		}},
		{"a clock that is set back, with B-frames", true, true, 0, []frame{
			{1000 * ms, 9000 * ms, 1040 * ms, 1000 * ms, 40 * ms},
			{1040 * ms, 0, 1080 * ms, 1040 * ms, 40 * ms},
			{1080 * ms, 80 * ms, 1160 * ms, 1080 * ms, 80 * ms},
			{1120 * ms, 40 * ms, 1120 * ms, 1120 * ms, 0},
		}},
		{"nonsense", false, true, 0, []frame{
			{5, 1 << 62, 10*1000*ms + 5, 5, 10 * 1000 * ms},
			{6, 0, 10*1000*ms + 6, 6, 10 * 1000 * ms},
		}},
		{"never before the beginning", false, true, 0, []frame{
			{10 * ms, 120 * ms, 10 * ms, 10 * ms, 0},
			{20 * ms, 40 * ms, 0, none, 0},
		}},
		{"another sender", false, true, 1, []frame{
			{100 * ms, 500 * ms, 100 * ms, 100 * ms, 0},
			{140 * ms, 0, 140 * ms, 140 * ms, 0},
		}},
		{"several senders", false, false, 0, []frame{
			{100 * ms, 500 * ms, 100 * ms, 100 * ms, 0},
			{140 * ms, 0, 140 * ms, 140 * ms, 0},
		}},
		{"a clock that is set back", false, true, 0, []frame{
			{100 * ms, 5000 * ms, 100 * ms, 100 * ms, 0},
			{140 * ms, 0, 140 * ms, 140 * ms, 0},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline{bySender: c.bySender}
			for i, f := range c.frames {
				if c.restart > 0 && i == c.restart {
					tl.restart()
				}
				got, dts, _ := tl.stampEncoded(f.now, f.pts, f.reorder, true, c.alone)
				if got != f.want || dts != f.dts {
					t.Errorf("frame %d: %d, decoded at %d; want %d, %d", i, got, dts, f.want, f.dts)
				}
			}
		})
	}
}

// However frames travel, they are shown in their order, each at a time of its own, and
// none is decoded after it is shown or before the one that comes first.
func TestTimelineKeepsTheOrder(t *testing.T) {
	const period = 40_000_000
	groups := [][]int{{1}, {2, 1}, {3, 1, 2}, {4, 2, 1, 3}, {6, 3, 1, 2, 4, 5}, {8, 4, 2, 1, 3, 6, 5, 7}} // in the order of decoding
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		tl := timeline{bySender: seed%2 == 0}
		const delay = 3 // frames that the encoder holds back
		order := []int{0}
		for last := 0; last < 200; {
			group := groups[r.IntN(len(groups))]
			for _, n := range group {
				order = append(order, last+n)
			}
			last += group[0]
		}
		stamps := make([]uint64, len(order))
		now, decoded := uint64(1e9), uint64(0)
		for i, n := range order {
			due := uint64(1e9 + i*period)
			switch r.IntN(20) {
			case 0:
				due += uint64(r.IntN(40 * period)) // held up, for longer than a jump
			case 1:
				due -= uint64(r.IntN(8 * period)) // in a burst
			default:
				due += uint64(r.IntN(period))
			}
			now = max(now, due)
			dts := int64((i - delay) * period)
			stamp, at, _ := tl.stampEncoded(now, int64(n*period), int64(n*period)-dts, true, true)
			if at < decoded || at > stamp {
				t.Fatalf("seed %d, frame %d of %d: decoded at %d, shown at %d; the one before was decoded at %d", seed, n, i, at, stamp, decoded)
			}
			decoded, stamps[n] = at, stamp
		}
		if !slices.IsSorted(stamps) || len(slices.Compact(slices.Clone(stamps))) != len(stamps) {
			t.Fatalf("seed %d: shown at %v", seed, stamps)
		}
	}
}

func TestTimelineOfCapture(t *testing.T) {
	const (
		ms   = 1_000_000
		none = gstglue.NoTime
	)
	type frame struct {
		captured, pts, reorder int64
		encoded                bool
		stamp, dts             uint64
	}
	for _, c := range []struct {
		name   string
		frames []frame
	}{
		{"raw, whatever the sender's own times are", []frame{
			{captured: 100 * ms, pts: 9, stamp: 100 * ms, dts: 100 * ms},
			{captured: 133 * ms, pts: 8, stamp: 133 * ms, dts: 133 * ms},
		}},
		{"never back, not before the beginning", []frame{
			{captured: -5 * ms, stamp: 0, dts: 0},
			{captured: 40 * ms, stamp: 40 * ms, dts: 40 * ms},
			{captured: 30 * ms, stamp: 40 * ms, dts: 40 * ms},
			{captured: 70 * ms, stamp: 70 * ms, dts: 70 * ms},
		}},
		{"B-frames, with times of decoding", []frame{
			{captured: 100 * ms, pts: 0, reorder: 40 * ms, encoded: true, stamp: 100 * ms, dts: 60 * ms},
			{captured: 180 * ms, pts: 80 * ms, reorder: 80 * ms, encoded: true, stamp: 180 * ms, dts: 100 * ms},
			{captured: 140 * ms, pts: 40 * ms, encoded: true, stamp: 140 * ms, dts: 140 * ms},
		}},
		{"B-frames, decoded before the beginning", []frame{
			{captured: 30 * ms, pts: 0, reorder: 70 * ms, encoded: true, stamp: 30 * ms, dts: 0},
			{captured: 130 * ms, pts: 100 * ms, reorder: 140 * ms, encoded: true, stamp: 130 * ms, dts: 0},
			{captured: 63 * ms, pts: 33 * ms, reorder: 30 * ms, encoded: true, stamp: 63 * ms, dts: 33 * ms},
		}},
		{"B-frames, without", []frame{
			{captured: 100 * ms, pts: 0, encoded: true, stamp: 100 * ms, dts: 100 * ms},
			{captured: 180 * ms, pts: 80 * ms, encoded: true, stamp: 180 * ms, dts: 180 * ms},
			{captured: 140 * ms, pts: 40 * ms, encoded: true, stamp: 140 * ms, dts: none},
			{captured: 220 * ms, pts: 120 * ms, encoded: true, stamp: 220 * ms, dts: none},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline{bySender: true}
			for i, f := range c.frames {
				stamp, dts := tl.stampCaptured(f.captured, f.pts, f.reorder, f.encoded)
				if stamp != f.stamp || dts != f.dts {
					t.Errorf("frame %d: %d, %d; want %d, %d", i, stamp, dts, f.stamp, f.dts)
				}
			}
		})
	}
}

// A frame of which the time of capture is not known goes no further back than those
// of which it is, and the other way round.
func TestTimelineFromOneToTheOther(t *testing.T) {
	tl := timeline{bySender: true}
	last := uint64(0)
	for i := range 1000 {
		now := uint64(i)*33e6 + 1e9
		var stamp uint64
		if rand.IntN(2) == 0 {
			stamp, _ = tl.stampCaptured(int64(now)-rand.Int64N(200e6), 0, 0, false)
		} else {
			stamp, _ = tl.stamp(now-rand.Uint64N(200e6), int64(i)*33e6, true)
		}
		if stamp < last {
			t.Fatalf("frame %d: %d after %d", i, stamp, last)
		}
		last = stamp
	}
}

// A sender that claims nonsense moves no time of its stream into the future.
func TestRunningTime(t *testing.T) {
	at := time.Now()
	for _, c := range []struct {
		t    time.Time
		want int64
	}{
		{at.Add(-time.Second), 4e9},
		{at, 5e9},
		{at.Add(time.Hour), 5e9},
		{at.Add(1<<63 - 1), 5e9},
		{at.Add(-1 << 62), 5e9 - 1<<62},
		{at.Add(-1 << 62).Add(-1 << 62), 5e9 - 1<<62},
	} {
		if got := runningTime(c.t, 5e9, at); got != c.want {
			t.Errorf("runningTime(%v) = %d, want %d", c.t.Sub(at), got, c.want)
		}
	}
}
