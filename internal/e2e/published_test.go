package e2e

import (
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A link of 1 Mbit/s behind buffers that hold half a second: pictures that are published
// arrive young all the same, the link is used, and each one that is not there at the
// end is counted.
func TestPublishedFramesArriveYoungOverAVerySlowLink(t *testing.T) {
	t.Parallel()
	const rate = 1_000_000
	const size = rate * 4 / 8 / 30
	s, r := newEnds(t, wire.PubSub, 1, rate, 0)
	begin := time.Now()
	wantYoung(t, s, r, size, rate, 0)
	elapsed := time.Since(begin).Seconds()
	in, out := r.Stats(), s.Stats()
	if lost := out.Frames - in.Frames - out.FramesDropped - in.FramesDropped; lost > 8 { // on their way
		t.Errorf("%d of %d frames are nowhere: %d came, %d and %d were dropped", lost, out.Frames, in.Frames, out.FramesDropped, in.FramesDropped)
	}
	// All of it, a moment at the beginning and a busy machine aside.
	if use := float64(8*size*in.Frames) / rate / elapsed; use < 0.7 {
		t.Errorf("the link was used to %.2f, want nearly all of it", use)
	}
	if in.FramesDropped > in.Frames/10 {
		t.Errorf("the receiver dropped %d frames, and took %d", in.FramesDropped, in.Frames)
	}
}
