package netgear

import (
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

// simulated is a way of so many bytes/s, as the door counts what goes over it.
type simulated struct {
	door.Way
	now     time.Time
	e       estimator
	backlog float64 // bytes that wait for the way
}

func newSimulated() *simulated {
	s := &simulated{now: time.Unix(1000, 0)}
	s.e.take(s.Way, s.now)
	return s
}

// run has the program offer so many bit/s, on average in frames of 30 a second, to a
// way that carries so many, for a time.
func (s *simulated) run(d time.Duration, offered func(estimate float64) float64, carries float64) {
	for begin := s.now; s.now.Sub(begin) < d; {
		s.step(offered(s.e.rate), carries)
		s.e.take(s.Way, s.now)
	}
}

// step is a tenth of a second.
func (s *simulated) step(offered, carries float64) {
	const tick = 100 * time.Millisecond
	s.now = s.now.Add(tick)
	s.backlog += offered / 8 * tick.Seconds()
	most := carries / 8 * tick.Seconds()
	n := min(s.backlog, most)
	s.backlog -= n
	s.Passed += uint64(n)
	s.Acked += uint64(n)
	busy, waited := tick, s.WaitTime
	s.WaitTime, s.Waiting = 0, 0
	switch {
	case most == 0:
		s.WaitTime, s.Waiting = waited+tick, 100_000
	case s.backlog > 0:
		s.Limited += uint64(n)
		s.LimitedTime += tick
		s.backlog = min(s.backlog, 100_000) // the program is held up
	default:
		busy = time.Duration(n/most*float64(tick)) + 3*s.MinRTT
		s.Bursts += 3
	}
	s.Busy += busy
}

func steady(offered float64) func(float64) float64 { return func(float64) float64 { return offered } }

func (s *simulated) want(t *testing.T, what string, least, most float64) {
	t.Helper()
	if s.e.rate < least || s.e.rate > most {
		t.Errorf("%s: %.2f Mbit/s, want %.2f to %.2f", what, s.e.rate/1e6, least/1e6, most/1e6)
	}
}

func TestEstimateOfAWayThatIsTheLimit(t *testing.T) {
	for _, carries := range []float64{0.3e6, 1e6, 10e6, 100e6, 1e9} {
		s := newSimulated()
		s.run(500*time.Millisecond, steady(4*carries), carries)
		s.want(t, "half a second", 0.95*carries, 1.05*carries)
		s.run(10*time.Second, steady(4*carries), carries)
		s.want(t, "ten seconds", 0.95*carries, 1.05*carries)
		s.run(10*time.Second, steady(0), carries)
		s.want(t, "a pause", 0.95*carries, 1.05*carries)
	}
}

// A program that sends less than the way carries hears of at least what it sends, and
// of what its frames say of the way.
func TestEstimateOfAWayThatIsNotTheLimit(t *testing.T) {
	s := newSimulated()
	s.run(10*time.Second, steady(4e6), 100e6)
	s.want(t, "a fast way", 4e6, 8.1e6)
	s = newSimulated()
	s.MinRTT = 5 * time.Millisecond
	s.run(10*time.Second, steady(8e6), 10e6)
	s.want(t, "a slow way", 8e6, 10.5e6)
}

// The estimate falls at once, and a program that follows it finds out when the way
// carries more again.
func TestEstimateFollowsSteps(t *testing.T) {
	follow := func(estimate float64) float64 { return min(max(0.9*estimate, 0.5e6), 36e6) }
	for _, rtt := range []time.Duration{0, 3 * time.Millisecond} {
		s := newSimulated()
		s.MinRTT = rtt
		s.run(5*time.Second, follow, 20e6)
		s.want(t, "20 Mbit/s", 17e6, 21e6)
		s.run(300*time.Millisecond, follow, 2e6)
		s.want(t, "2 Mbit/s, after 300 ms", 1.8e6, 2.4e6)
		s.run(5*time.Second, follow, 2e6)
		s.want(t, "2 Mbit/s", 1.6e6, 2.1e6)
		s.run(3*time.Second, follow, 20e6)
		s.want(t, "20 Mbit/s again", 15e6, 21e6)
	}
}

// A way that carries nothing at all is found before anything arrives.
func TestEstimateOfAWayThatStandsStill(t *testing.T) {
	s := newSimulated()
	s.run(2*time.Second, steady(40e6), 20e6)
	s.run(500*time.Millisecond, steady(40e6), 0)
	s.want(t, "half a second", 0, 3e6)
	s.run(5*time.Second, steady(40e6), 0)
	s.want(t, "five seconds", 1, 0.6e6)
	s.run(time.Second, steady(40e6), 20e6)
	s.want(t, "afterwards", 19e6, 21e6)
}

// A receiver that stands still is not waited for where others go on.
func TestEstimateIsOfTheSlowestThatGoesOn(t *testing.T) {
	var told []uint64
	obs := Observer{EstimatedBitrate: func(bits uint64) { told = append(told, bits) }}
	g := newGauge(nil, &counters{}, &obs)
	now := time.Unix(1000, 0)
	limited := func(w *door.Way, carries float64) {
		w.Passed += uint64(carries / 80)
		w.Limited += uint64(carries / 80)
		w.LimitedTime += gaugeTick
	}
	g.ways = []door.Way{{ID: 1}, {ID: 2}, {ID: 3}} // nobody ever asks for anything at 3
	run := func(slower float64) float64 {
		for range 30 {
			now = now.Add(gaugeTick)
			limited(&g.ways[0], 10e6)
			limited(&g.ways[1], slower)
			g.tell(g.slowest(now))
		}
		return g.told
	}
	if got := run(2e6); got < 1.9e6 || got > 2.1e6 {
		t.Errorf("%.0f of two peers, want that of the slower one", got)
	}
	if got := run(0); got < 9e6 || got > 11e6 {
		t.Errorf("%.0f when the slower one stands still, want that of the other", got)
	}
	g.ways = nil
	if g.tell(g.slowest(now.Add(gaugeTick))); g.told != 0 || len(g.peers) != 0 {
		t.Errorf("%.0f without a peer, %d remembered", g.told, len(g.peers))
	}
	if len(told) == 0 || told[len(told)-1] != 0 || g.stats.bitrate() != 0 {
		t.Errorf("the Observer heard of %v", told)
	}
}
