package netgear

import (
	"testing"
	"time"
)

// A stream that was late from its beginning, because the receiver came late, say, looks
// like one that always is. Frames that wait behind show the difference.
func TestFramesThatWaitBehindShowWhatIsOld(t *testing.T) {
	const interval, takes, beginning = time.Second / 30, 120 * time.Millisecond, time.Second
	begin := time.Unix(1000, 0)
	var f freshness
	now := begin.Add(beginning)
	var late time.Duration
	for n := range 300 {
		taken := begin.Add(time.Duration(n) * interval)
		now = later(now, taken)
		behind := int(now.Sub(taken) / interval)
		if f.isOld(taken, now, behind, false, false) {
			f.dropped(now)
			continue
		}
		late = now.Sub(taken)
		f.sent(now, now.Add(takes), true)
		now = now.Add(takes)
	}
	if late > 4*interval {
		t.Errorf("after a while a frame is %v old when its turn comes, want about %v", late, 2*interval)
	}
	f = freshness{}
	for n := range 100 { // on a link that is fast enough a burst stays whole
		taken := begin.Add(time.Duration(n) * interval)
		if f.isOld(taken, taken, 5, false, false) {
			t.Fatalf("frame %d is dropped, though nothing held up the sender", n)
		}
		f.sent(taken, taken.Add(time.Millisecond), true)
	}
}
