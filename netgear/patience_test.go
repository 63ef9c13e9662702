package netgear

import (
	"testing"
	"time"
)

// When a stream stops waiting for its receiver, with every mode and whoever is
// there.
func TestPatience(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	const never = -1 // the zero time
	for _, c := range []struct {
		name    string
		mode    WaitMode
		live    bool
		owed    float64 // when the confirmation at hand became due
		peers   int
		since   float64 // when the first peer came or the last one went; never: there was none
		tried   bool
		leaving float64
		want    float64 // never: it waits for ever; 0 and before: it does not
	}{
		{name: "a file", mode: WaitAuto, owed: 10, since: never, tried: true, leaving: never, want: never},
		{name: "a file whose receiver went", mode: WaitAuto, owed: 10, since: 10, tried: true, leaving: never, want: never},
		{name: "always", mode: WaitAlways, live: true, owed: 10, since: never, tried: true, leaving: never, want: never},
		{name: "live, before anybody came", mode: WaitAuto, live: true, owed: 10, since: never, tried: true, leaving: never, want: 0},
		{name: "live, the first attempt is under way", mode: WaitAuto, live: true, owed: 10, since: never, leaving: never, want: 6},
		{name: "live, the receiver went", mode: WaitAuto, live: true, owed: 10, since: 10.5, tried: true, leaving: never, want: 11},
		{name: "live, it went with nothing in flight", mode: WaitAuto, live: true, owed: 20, since: 10, tried: true, leaving: never, want: 11},
		{name: "live, it is silent", mode: WaitAuto, live: true, owed: 10, peers: 1, since: 7, tried: true, leaving: never, want: 11},
		{name: "live, it was silent and went", mode: WaitAuto, live: true, owed: 10, since: 30, tried: true, leaving: never, want: 11},
		{name: "never, nobody", mode: WaitNever, owed: 10, since: 10, tried: true, leaving: never, want: 0},
		{name: "never, silent", mode: WaitNever, owed: 10, peers: 1, since: 7, tried: true, leaving: never, want: 10.25},
		{name: "a file that ends, nobody", mode: WaitAuto, owed: 10, since: never, tried: true, leaving: 20, want: 20.5},
		{name: "a file that ends, and its receiver goes then", mode: WaitAuto, owed: 10, since: 22, tried: true, leaving: 20, want: 22.5},
		{name: "a file that ends, silent", mode: WaitAuto, owed: 10, peers: 1, since: 7, tried: true, leaving: 20, want: 24},
		{name: "live, it ends, silent for long", mode: WaitAuto, live: true, owed: 10, peers: 1, since: 7, tried: true, leaving: 20, want: 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := patience{live: c.live, owed: at(c.owed)}
			p.mode.Store(uint32(c.mode))
			who := presence{peers: c.peers, opened: at(5), tried: c.tried}
			if c.since != never {
				who.since = at(c.since)
			}
			if c.leaving != never {
				who.leaving = at(c.leaving)
			}
			got := p.until(who)
			switch {
			case c.want == never && !got.IsZero():
				t.Errorf("until %v, want for ever", got)
			case c.want == 0 && (got.IsZero() || got.After(at(0))):
				t.Errorf("until %v, want no wait", got)
			case c.want > 0 && !got.Equal(at(c.want)):
				t.Errorf("until %v, want %v", got, at(c.want))
			}
		})
	}
}
