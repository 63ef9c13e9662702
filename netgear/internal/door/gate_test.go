package door

import (
	"slices"
	"testing"
	"time"
)

// way of a test carries pictures one after the other, and holds whatever does not fit.
type way struct {
	rate   float64       // bytes/s
	rtt    time.Duration // there and back
	jitter time.Duration // by which every third answer is late
}

// behind sends pictures of so many bytes at an interval through a gate, the newest
// first, and returns how old they were when they arrived, and how many gave way.
func (w way) behind(bytes int, interval, d time.Duration) (ages []time.Duration, gaveWay int) {
	type answer struct {
		at   time.Time
		ping []byte
	}
	var g gate
	var answers []answer
	begin := time.Unix(1000, 0)
	var free, waiting time.Time // waiting: when the picture was taken that does
	next, held := begin, false
	for now := begin; now.Sub(begin) < d; now = now.Add(time.Millisecond) {
		for len(answers) > 0 && !answers[0].at.After(now) {
			g.answered(answers[0].at, answers[0].ping)
			answers = answers[1:]
		}
		if !now.Before(next) {
			if !waiting.IsZero() && now.Sub(begin) > time.Second {
				gaveWay++
			}
			waiting, next = next, next.Add(interval)
		}
		if waiting.IsZero() {
			continue
		}
		if ok, _ := g.hasRoom(now); !ok {
			held = true
			continue
		}
		if free.Before(now) {
			free = now
		}
		free = free.Add(time.Duration(float64(bytes) / w.rate * float64(time.Second)))
		arrives := free.Add(w.rtt / 2)
		if now.Sub(begin) > time.Second {
			ages = append(ages, arrives.Sub(waiting))
		}
		if g.wants(now) {
			ping := g.sent(now, bytes, held)
			late := time.Duration(0)
			if g.last%3 == 0 {
				late = w.jitter
			}
			answers = append(answers, answer{arrives.Add(w.rtt/2 + late), ping[9:]})
		}
		waiting, held = time.Time{}, false
	}
	slices.Sort(ages)
	return ages, gaveWay
}

// Four times as much is offered as a way carries that swallows whatever comes.
func TestPicturesWaitForAnswers(t *testing.T) {
	const interval = time.Second / 30
	for _, c := range []struct {
		rate float64 // bit/s
		rtt  time.Duration
	}{{1e6, 0}, {5e6, 0}, {50e6, 0}, {1e6, 100 * time.Millisecond}, {10e6, 100 * time.Millisecond}, {10e6, 20 * time.Millisecond}} {
		w := way{rate: c.rate / 8, rtt: c.rtt}
		bytes := int(4 * w.rate * interval.Seconds())
		ages, _ := w.behind(bytes, interval, 20*time.Second)
		p95, most := ages[len(ages)*95/100], (c.rtt/2+4*interval)*3/2+50*time.Millisecond
		use := float64(len(ages)*bytes) / w.rate / 19
		t.Logf("%.0f Mbit/s, %v: median %v, 95th percentile %v, at most %v; use %.2f", c.rate/1e6, c.rtt, ages[len(ages)/2], p95, most, use)
		if p95 > most || use < 0.85 {
			t.Errorf("%.0f Mbit/s, %v: pictures are %v old, want at most %v; the use is %.2f, want 0.85", c.rate/1e6, c.rtt, p95, most, use)
		}
	}
}

// On a way that carries everything no picture gives way once that is known, however
// long it is.
func TestNoPictureWaitsOnAWayThatIsFastEnough(t *testing.T) {
	for _, w := range []way{
		{rate: 1e8},
		{rate: 1e8, rtt: 200 * time.Millisecond},
		{rate: 1e7, rtt: 100 * time.Millisecond, jitter: 30 * time.Millisecond},
		{rate: 4e6, jitter: 60 * time.Millisecond},
	} {
		if ages, gaveWay := w.behind(100_000, time.Second/30, 20*time.Second); gaveWay > 0 {
			t.Errorf("%+v: %d pictures of %d gave way, want none", w, gaveWay, len(ages))
		}
	}
}

// What a peer answers without being asked, or does not answer, costs next to nothing.
func TestAnswersThatMakeNoSense(t *testing.T) {
	var g gate
	now := time.Unix(1000, 0)
	g.answered(now, nil)
	g.answered(now, []byte{0, 0, 0, 1})
	for range 10 * mostPings {
		if now = now.Add(pingPause); g.wants(now) {
			g.sent(now, 1, false)
		}
	}
	g.answered(now, []byte("a context that is too long"))
	g.answered(now, []byte{1, 2, 3, 4})
	if len(g.flying) != mostPings {
		t.Errorf("%d answers are awaited, want %d", len(g.flying), mostPings)
	}
}

// Our ends know each other by the greeting, which stays one that others accept. The
// answer to a ping reaches whoever asked, and nobody else.
func TestOurEndsKnowEachOther(t *testing.T) {
	greeting := greetingOf(mechanismNull)
	if _, _, err := newFollower().Feed(greeting, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		greeting []byte
		limits   Limits
		marked   bool
		answer   string
	}{
		{greeting, publisher(testLimits), true, "1234"},
		{greetingOf(mechanismNull), publisher(testLimits), false, "1234"},
		{greeting, testLimits, true, ""},
	} {
		r := NewReader(c.limits)
		rest := join(c.greeting, readyOf("SUB"), command("PONG", []byte("1234")...), command("PONG"))
		var answer []byte
		for len(rest) > 0 && len(answer) == 0 {
			var err error
			if _, rest, err = r.Feed(rest, 0); err != nil {
				t.Fatal(err)
			}
			answer = r.Answer()
		}
		if r.Marked() != c.marked || string(answer) != c.answer {
			t.Errorf("marked %v, answer %q; want %v, %q", r.Marked(), answer, c.marked, c.answer)
		}
	}
}
