package netgear

import (
	"testing"
	"time"
)

// A live stream that a round trip holds up is told, once. Slow receivers and slow links
// are not.
func TestLockstep(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name                string
		took, interval, rtt time.Duration
		want                bool
	}{
		{"a long way", 104 * ms, 33 * ms, 100 * ms, true},
		{"a way that leaves no time for frames", 40 * ms, 33 * ms, 21 * ms, true},
		{"a short way", 1 * ms, 33 * ms, 0, false},
		{"a way that leaves time", 30 * ms, 33 * ms, 20 * ms, false},
		{"a slow receiver", 104 * ms, 33 * ms, 1 * ms, false},
		{"a slow link", 134 * ms, 33 * ms, 20 * ms, false},
		{"no known rate of frames", 104 * ms, 0, 100 * ms, false},
	} {
		var l lockstep
		told := 0
		for n := range 100 {
			if n == 5 {
				l.note(0, c.interval, c.rtt) // one frame was fast
			}
			if l.note(c.took, c.interval, c.rtt) {
				told++
			}
		}
		if want := map[bool]int{true: 1}[c.want]; told != want {
			t.Errorf("%s: told %d times, want %d", c.name, told, want)
		}
	}
}
