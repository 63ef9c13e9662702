package rate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const frame = time.Second / 30

// link is one that carries rate(now) bit/s behind a buffer that nobody sees, to a
// receiver that confirms each frame, or none.
type link struct {
	rate   func(now time.Duration) float64
	rtt    time.Duration
	jitter time.Duration // of confirmations, at most
	hidden time.Duration // of them, which the system does not know
	buffer float64       // bits
	window int
	quiet  bool          // nothing is confirmed
	says   bool          // but the receiver says what has arrived
	burst  time.Duration // the time whose bits an idle link can make good
}

// encoder makes the bits of a frame when it is told so many a second.
type encoder func(told float64) float64

func exact(told float64) float64 { return told * frame.Seconds() }

// rough misses by up to a fifth, as encoders do.
func rough(random *rand.Rand) encoder {
	return func(told float64) float64 { return told * frame.Seconds() * (0.8 + 0.4*random.Float64()) }
}

// jpegs makes frames of few sizes, and none smaller than the first.
func jpegs(told float64) float64 {
	bits := 280e3
	for bits*1.12 <= told*frame.Seconds() {
		bits *= 1.12
	}
	return bits
}

type simFrame struct {
	captured, sent, arrived time.Duration
	bits, left              float64
}

type outcome struct {
	link   *link
	frames []*simFrame
	lost   int
}

// simulate runs a controller, with an encoder whose frames wait for the sender.
func simulate(t *testing.T, l *link, most float64, encode encoder, length time.Duration) *outcome {
	t.Helper()
	const step = time.Millisecond
	random := rand.New(rand.NewPCG(1, 2))
	c := Controller{Confirmed: !l.quiet, Window: l.window, Interval: frame}
	out := &outcome{link: l}
	var flying, way []*simFrame // before the link, and on their way back
	var next, hidden, unsent, delivered, saved float64
	told := most
	for now := time.Duration(0); now < length; now += step {
		// The link.
		room := l.rate(now)*step.Seconds() + saved
		for room > 0 && len(flying) > 0 {
			f := flying[0]
			n := min(room, f.left)
			f.left -= n
			room -= n
			hidden -= n
			if f.left > 0 {
				break
			}
			f.arrived = now + l.rtt/2
			flying = flying[1:]
			way = append(way, f)
			out.frames = append(out.frames, f)
		}
		saved = min(room, l.rate(now)*l.burst.Seconds())
		n := min(unsent, max(0, l.buffer-hidden))
		hidden, unsent, delivered = hidden+n, unsent-n, delivered+n
		back := l.hidden
		if l.jitter > 0 {
			back += time.Duration(random.Int64N(int64(l.jitter)))
		}
		for !l.quiet && len(way) > 0 && now >= way[0].arrived+l.rtt/2+back {
			c.Confirm(now, way[0].sent, int(way[0].bits/8))
			way = way[1:]
		}
		for l.says && len(way) > 0 && now >= way[0].arrived+l.rtt/2+back {
			c.Arrived(now, way[0].sent, "a", int(way[0].bits/8))
			way = way[1:]
		}
		// The source: it is late when the sender is.
		due := time.Duration(next) * frame
		if unconfirmed := len(flying) + len(way); now >= due && (l.quiet || unconfirmed < l.window) {
			f := &simFrame{captured: due, sent: now, bits: encode(told)}
			f.left = f.bits
			next++
			if l.quiet {
				c.Look(now, []Link{{"a", uint64(delivered / 8), uint64(unsent / 8), l.rtt + time.Millisecond, l.rtt, 0}})
			}
			if l.quiet && unsent > 2*f.bits { // newest wins
				out.lost++
			} else {
				c.Late(now, now-due)
				c.Frame(now, int(f.bits/8))
				flying, unsent = append(flying, f), unsent+f.bits
			}
		}
		if !l.quiet && now%(20*time.Millisecond) == 0 {
			c.Look(now, []Link{{MinRTT: l.rtt}})
		}
		if target, ok := c.Target(now); ok {
			told = min(most, target)
		}
	}
	return out
}

// between checks what arrived in a part of the time.
func (o *outcome) between(t *testing.T, from, to time.Duration, used float64, extra time.Duration) {
	t.Helper()
	var ages []time.Duration
	var bits, could float64
	for _, f := range o.frames {
		if f.captured >= from && f.captured < to {
			ages = append(ages, f.arrived-f.captured)
			bits += f.bits
		}
	}
	for at := from; at < to; at += time.Millisecond {
		could += o.link.rate(at) / 1000
	}
	if len(ages) == 0 {
		t.Fatalf("%v to %v: no frames", from, to)
	}
	slices.Sort(ages)
	p95 := ages[len(ages)*95/100]
	limit := (o.link.rtt/2+frame)*3/2 + 50*time.Millisecond + extra
	t.Logf("%v to %v: %d frames, age %v in the middle, %v p95, %v at most; %.2f of the link", from, to, len(ages), ages[len(ages)/2], p95, ages[len(ages)-1], bits/could)
	if p95 > limit {
		t.Errorf("%v to %v: the 95th percentile of the age is %v, want at most %v", from, to, p95, limit)
	}
	if bits/could < used {
		t.Errorf("%v to %v: %.2f of the link were used, want %.2f", from, to, bits/could, used)
	}
}

func constant(bps float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return bps }
}

func steps(now time.Duration) float64 {
	if now >= 10*time.Second && now < 20*time.Second {
		return 2e6
	}
	return 20e6
}

func TestTheTargetFollowsTheLink(t *testing.T) {
	for _, c := range []struct {
		name   string
		link   link
		rough  bool
		spread bool          // the link is judged in the parts of steps
		used   float64       // of the link
		extra  time.Duration // of age, for what nobody sees
	}{
		{name: "steady", link: link{rate: constant(10e6), window: 1}, used: 0.9},
		{name: "a slow link", link: link{rate: constant(1e6), window: 1}, used: 0.9},
		{name: "a rough encoder", link: link{rate: constant(10e6), window: 1}, rough: true, used: 0.88},
		{name: "jitter", link: link{rate: constant(10e6), window: 1, jitter: 6 * time.Millisecond}, rough: true, used: 0.8},
		{name: "bursts", link: link{rate: constant(10e6), window: 1, burst: 10 * time.Millisecond}, rough: true, used: 0.85},
		{name: "a long way", link: link{rate: constant(10e6), window: 8, rtt: 100 * time.Millisecond}, used: 0.88},
		{name: "a tunnel", link: link{rate: constant(10e6), window: 8, hidden: 100 * time.Millisecond}, used: 0.7},
		{name: "a tunnel and a rough encoder", link: link{rate: constant(10e6), window: 8, hidden: 100 * time.Millisecond}, rough: true, used: 0.6},
		{name: "a slow receiver", link: link{rate: constant(10e6), window: 4, hidden: 20 * time.Millisecond, jitter: 20 * time.Millisecond}, rough: true, used: 0.5},
		{name: "steps", link: link{rate: steps, window: 1}, rough: true, spread: true, used: 0.86},
		{name: "steps on a long way", link: link{rate: steps, window: 8, rtt: 60 * time.Millisecond}, rough: true, spread: true, used: 0.86, extra: 60 * time.Millisecond},
		{name: "a tunnel that jitters", link: link{rate: constant(10e6), window: 8, hidden: 100 * time.Millisecond, jitter: 12 * time.Millisecond}, rough: true, used: 0.7},
		{name: "a fast tunnel that jitters", link: link{rate: constant(40e6), window: 8, hidden: 100 * time.Millisecond, jitter: 12 * time.Millisecond}, rough: true, used: 0.7},
		{name: "steps of a tunnel that jitters", link: link{rate: steps, window: 8, hidden: 100 * time.Millisecond, jitter: 12 * time.Millisecond}, rough: true, spread: true, used: 0.7, extra: time.Second},
		{name: "steady, unconfirmed", link: link{rate: constant(10e6), quiet: true, buffer: 64 * 8e3}, used: 0.8, extra: 30 * time.Millisecond},
		{name: "a small buffer, unconfirmed", link: link{rate: constant(10e6), quiet: true, buffer: 8 * 8e3}, rough: true, used: 0.8, extra: 30 * time.Millisecond},
		{name: "a large buffer, unconfirmed", link: link{rate: constant(2e6), quiet: true, buffer: 100 * 8e3}, rough: true, used: 0.7, extra: 400 * time.Millisecond},
		{name: "steps, unconfirmed", link: link{rate: steps, quiet: true, buffer: 32 * 8e3}, rough: true, spread: true, used: 0.75, extra: 150 * time.Millisecond},
		{name: "steady, arrival told", link: link{rate: constant(2e6), quiet: true, says: true, buffer: 16 * 8e3}, rough: true, used: 0.86},
		{name: "a large buffer, arrival told", link: link{rate: constant(2e6), quiet: true, says: true, buffer: 100 * 8e3}, rough: true, used: 0.86},
		{name: "steps, arrival told", link: link{rate: steps, quiet: true, says: true, buffer: 32 * 8e3, rtt: 20 * time.Millisecond}, rough: true, spread: true, used: 0.86},
	} {
		t.Run(c.name, func(t *testing.T) {
			enc := exact
			if c.rough {
				enc = rough(rand.New(rand.NewPCG(3, 4)))
			}
			o := simulate(t, &c.link, 40e6, enc, 30*time.Second)
			if !c.spread {
				o.between(t, 4*time.Second, 28*time.Second, c.used, c.extra)
				return
			}
			for _, from := range []time.Duration{2, 12, 22} {
				o.between(t, from*time.Second, (from+7)*time.Second, c.used, c.extra)
			}
		})
	}
}

// What the encoder was set to stays the most, and comes back.
func TestTheTargetRecovers(t *testing.T) {
	slow := func(now time.Duration) float64 {
		if now > 5*time.Second && now < 65*time.Second {
			return 0.5e6
		}
		return 50e6
	}
	for _, quiet := range []bool{false, true} {
		o := simulate(t, &link{rate: slow, window: 1, quiet: quiet, buffer: 64 * 8e3}, 4e6, exact, 75*time.Second)
		last := o.frames[len(o.frames)-1]
		if want := exact(4e6); math.Abs(last.bits-want) > 1 {
			t.Errorf("unconfirmed %v: 10 s after a minute of a slow link a frame has %.0f bits, want %.0f", quiet, last.bits, want)
		}
	}
}

// A silence, and a receiver that stops for a while, cost no more than their time.
func TestAPauseIsForgotten(t *testing.T) {
	pause := func(now time.Duration) float64 {
		if now > 5*time.Second && now < 8*time.Second {
			return 0
		}
		return 10e6
	}
	o := simulate(t, &link{rate: pause, window: 1}, 40e6, exact, 20*time.Second)
	o.between(t, 13*time.Second, 20*time.Second, 0.85, 0)
}

// Frames that all have the same size do not show which part of their time is the way of a
// tunnel, and so a link that looks full. The target finds its way back all the same.
func TestSameSizesHideNoLink(t *testing.T) {
	slow := func(now time.Duration) float64 {
		if now > 6*time.Second && now < 12*time.Second {
			return 6e6
		}
		return 20e6
	}
	for _, l := range []link{
		{rate: slow, window: 3, hidden: 20 * time.Millisecond},
		{rate: slow, quiet: true, says: true, buffer: 64 * 8e3, hidden: 20 * time.Millisecond},
	} {
		simulate(t, &l, 40e6, jpegs, 40*time.Second).between(t, 25*time.Second, 39*time.Second, 0.8, 20*time.Millisecond)
	}
}

// Tiny frames say nothing of a fast link.
func TestSmallFramesAreNoSlowLink(t *testing.T) {
	var c Controller
	c.Confirmed, c.Window, c.Interval = true, 1, frame
	now := time.Duration(0)
	send := func(bytes int, took time.Duration) {
		c.Frame(now, bytes)
		c.Confirm(now+took, now, bytes)
		now += frame
	}
	for range 20 {
		send(40000, 10*time.Millisecond) // 32 Mbit/s
	}
	for range 100 {
		send(200, 2*time.Millisecond)
	}
	if got, _ := c.Target(now); got < 25e6 {
		t.Errorf("target %.1f Mbit/s after small frames, want as before", got/1e6)
	}
}

func TestSizer(t *testing.T) {
	// JPEGs of different slopes and content.
	for _, slope := range []float64{0.45, 0.7, 0.95} {
		picture := 1e6
		size := func(q int) int { return int(picture / math.Pow(math.Exp(scale(q)), slope)) }
		z := NewSizer(85)
		q := 85
		delayed := []int{85, 85, 85} // frames are on their way from the encoder
		run := func(frames int, want float64, tolerance float64) {
			for i := range frames {
				delayed = append(delayed, q)
				z.Frame(size(delayed[0]))
				delayed = delayed[1:]
				q = z.Choose(want, 1, 85)
				// Steps are large at low qualities.
				if i > frames*2/3 && (q > 1 && float64(size(q)) > want*(1+tolerance) || q < 85 && float64(size(q+1)) < want*(1-tolerance)) {
					t.Errorf("slope %v, frame %d: a frame at quality %d has %d bytes, want about %.0f", slope, i, q, size(q), want)
				}
			}
		}
		run(60, 40000, 0.1)
		run(60, 15000, 0.1)
		picture *= 1.5
		run(60, 30000, 0.1)
		run(120, 60000, 0.1)
		if picture = 1e4; z.Bytes(85) == 0 {
			t.Fatal("no size")
		}
		run(120, 60000, 0.1)
		if q != 85 {
			t.Errorf("quality %d of a simple picture, want the one that was set", q)
		}
	}
}

// The least qualities of libjpeg make frames of about the same size, so a link that carries a
// fifth more is enough for a better one.
func TestSizerAtTheLeast(t *testing.T) {
	sizes := map[int]int{1: 35100, 2: 35140, 3: 38370, 4: 43070, 5: 47230, 8: 56940} // jpegenc, 1280x720
	z := NewSizer(85)
	z.Frame(200000)
	q := z.Choose(20000, 1, 85)
	for range 30 {
		z.Frame(sizes[q])
		q = z.Choose(20000, 1, 85)
	}
	if q != 1 {
		t.Fatalf("quality %d where the least makes too much, want 1", q)
	}
	if q = z.Choose(1.25*35100, 1, 85); q < 3 || sizes[q] == 0 {
		t.Errorf("quality %d for a quarter more than the least makes, want 3 or a little more", q)
	}
}

func TestWatch(t *testing.T) {
	var w Watch
	now := time.Duration(0)
	run := func(d time.Duration, told, made float64) (ignored bool) {
		for end := now + d; now < end; now += frame {
			w.Frame(frame, int(made*frame.Seconds()/8))
			ignored = w.Ignored(now, told, false)
		}
		return ignored
	}
	if run(3*time.Second, 20e6, 20e6) {
		t.Error("an encoder that does what it is told counts as one that ignores it")
	}
	if run(2*time.Second, 2e6, 20e6) {
		t.Error("two seconds are not long enough to be sure")
	}
	if run(3*time.Second, 2e6, 2.1e6) {
		t.Error("it followed late, but it did")
	}
	if !run(8*time.Second, 2e6, 20e6) {
		t.Error("an encoder that ignores its target for 8 s is not noticed")
	}
	if run(5*time.Second, 2e6, 2e6) {
		t.Error("it follows again, and is not noticed")
	}
}

// What an encoder made before its target fell, and while it came down, says nothing of how
// it follows what it is told.
func TestTrimAfterAFall(t *testing.T) {
	var w Watch
	now, made := time.Duration(0), 17e6
	frames := func(n int, asked bool, target float64) (told float64) {
		for range n {
			made += (target - made) * 0.07 // over half a second
			w.Frame(frame, int(made*frame.Seconds()/8))
			if asked {
				told = w.Trim(now, target)
			}
			now += frame
		}
		return told
	}
	frames(60, true, 17e6)
	frames(30, false, 0.9e6) // the least that it can be told
	for _, n := range []int{1, 20, 20, 20, 60} {
		if told := frames(n, true, 1.5e6); math.Abs(told/1.5e6-1) > 0.08 {
			t.Errorf("%v after the fall it is told %.2f Mbit/s, want 1.5", now-3*time.Second, told/1e6)
		}
	}
}

// Frames that are late because the link has just fallen do not show a link that carries
// less than it seems, though others were a little late before.
func TestGripAfterAFall(t *testing.T) {
	run := func(fell bool) float64 {
		var g grip
		now := time.Second
		for ; now < 4*time.Second; now += frame {
			g.add(now, frame+time.Millisecond, frame)
		}
		if fell {
			g.fell(now)
		}
		for late := 600 * time.Millisecond; late > 0; late -= frame / 2 {
			g.add(now, late, frame)
			now += frame
		}
		return g.value()
	}
	if v := run(true); v < 0.98 {
		t.Errorf("a link that has fallen carries %.2f of what it seems to, want all", v)
	}
	if v := run(false); v > 0.9 {
		t.Errorf("a link that did not fall carries %.2f of what it seems to, want less", v)
	}
}

func TestTrim(t *testing.T) {
	var w Watch
	now := time.Duration(0)
	told := 2e6
	for range 600 {
		w.Frame(frame, int(1.2*told*frame.Seconds()/8)) // always a fifth too much
		told = w.Trim(now, 2e6)
		now += frame
	}
	if made := 1.2 * told; math.Abs(made/2e6-1) > 0.03 {
		t.Errorf("an encoder that makes a fifth too much makes %.2f Mbit/s in the end, want 2", made/1e6)
	}
}

func TestGate(t *testing.T) {
	var g Gate
	passed, asked := 0, 0
	for i := range 300 { // 10 s of a stream with five times what the link carries
		now := time.Duration(i) * frame
		if g.Pass(now, 2e6, int(10e6*frame.Seconds()/8), false) {
			passed++
		}
	}
	if passed < 55 || passed > 62 {
		t.Errorf("%d of 300 frames passed, want a fifth", passed)
	}
	g = Gate{}
	sent, key := -1, false
	for i := range 300 { // the same with frames that depend on those before
		now := time.Duration(i) * frame
		delta := i%300 != 0 && !key
		if pass := g.Pass(now, 2e6, int(10e6*frame.Seconds()/8), delta); pass {
			if delta && sent != i-1 {
				t.Fatalf("frame %d went out without the one that it depends on", i)
			}
			sent = i
		}
		if key = g.WantsKey(); key {
			asked++
		}
	}
	if asked < 20 {
		t.Errorf("%d key frames were asked for in 10 s", asked)
	}
}

// behindAFall simulates a link of 20 Mbit/s behind a tunnel that falls to slow bit/s from
// 8 s on, until a time, and an encoder that makes 1 Mbit/s at least.
func behindAFall(t *testing.T, until time.Duration, slow float64) *outcome {
	t.Helper()
	fall := func(now time.Duration) float64 {
		if now >= 8*time.Second && now < until {
			return slow
		}
		return 20e6
	}
	least := func(told float64) float64 { return exact(max(told, 1e6)) }
	return simulate(t, &link{rate: fall, window: 4, hidden: 60 * time.Millisecond}, 20e6, least, 31*time.Second)
}

// A frame that takes longer because it is larger is no sign of a queue: behind a tunnel
// the target is back at what the link carries two seconds after the link is.
func TestALargerFrameIsNoQueue(t *testing.T) {
	o := behindAFall(t, 14*time.Second, 2e6)
	o.between(t, 14*time.Second, 16*time.Second, 0.5, 0)
	o.between(t, 16*time.Second, 26*time.Second, 0.9, 0)
}

// What waits behind a fall takes a while to go, above all where the encoder makes more
// than it is told. That is no sign of a link that carries less than it seems to.
func TestCatchingUpIsNoWeakLink(t *testing.T) {
	behindAFall(t, 16*time.Second, 1.3e6).between(t, 17*time.Second, 20*time.Second, 0.8, 0)
}

// Frames that are late for long are still late when the link has become fast again.
func TestLateFramesStayLate(t *testing.T) {
	behindAFall(t, 22*time.Second, 1.2e6).between(t, 23*time.Second, 30*time.Second, 0.8, 0)
}

// A stream that waits for a full link sends nothing, and so the system's round trip stays
// what it was. It must not wait for that to change.
func TestAnOldRoundTripIsNoQueue(t *testing.T) {
	c := Controller{Interval: frame}
	const rtt = 20 * time.Millisecond
	now, delivered := time.Duration(0), uint64(0)
	look := func(n int, unsent uint64, smoothed time.Duration, arrives uint64) {
		for range n {
			now, delivered = now+frame, delivered+arrives
			c.Look(now, []Link{{"a", delivered, unsent, smoothed, rtt, 0}})
		}
	}
	look(30, 0, rtt, 10_000)
	look(30, 50_000, 210*time.Millisecond, 5_000)
	if full, stuck := c.Full(now); !full || !stuck {
		t.Fatalf("full, stuck = %v, %v behind 50 kB", full, stuck)
	}
	look(3, 0, 210*time.Millisecond, 5_000)
	if full, _ := c.Full(now); !full {
		t.Error("a long round trip while bytes arrive is no queue")
	}
	look(9, 0, 210*time.Millisecond, 0)
	if full, _ := c.Full(now); full {
		t.Error("it waits for ever: nothing is on the way")
	}
}

// While the queue that a round trip shows becomes empty, what arrives is what is sent,
// and no measure of the link.
func TestAnEmptyingQueueIsNoSlowLink(t *testing.T) {
	c := Controller{Interval: frame}
	const rtt = 20 * time.Millisecond
	now, delivered := time.Duration(0), uint64(0)
	look := func(smoothed time.Duration, bps float64) {
		now += frame
		delivered += uint64(bps * frame.Seconds() / 8)
		c.Look(now, []Link{{"a", delivered, 0, smoothed, rtt, 0}})
	}
	for range 10 {
		look(rtt, 2e6)
	}
	for i := range 6 {
		look(rtt+100*time.Millisecond+time.Duration(i)*time.Millisecond, 2e6)
	}
	for i := range 12 {
		look(rtt+100*time.Millisecond-time.Duration(i)*time.Millisecond, 1.2e6)
	}
	if bps, _ := c.Target(now); bps < drain*1.9e6 {
		t.Errorf("target %.0f of a link that carries 2 Mbit/s", bps)
	}
}

// A round trip as long as the time between frames leaves nothing for lockstep.
func TestWaits(t *testing.T) {
	for _, w := range []struct {
		rtt       time.Duration
		window    int
		confirmed bool
		want      bool
	}{
		{20 * time.Millisecond, 1, true, false},
		{30 * time.Millisecond, 1, true, true},
		{30 * time.Millisecond, 2, true, false},
		{100 * time.Millisecond, 0, true, false},
		{100 * time.Millisecond, 1, false, false},
	} {
		c := Controller{Confirmed: w.confirmed, Window: w.window, Interval: frame}
		c.Look(0, []Link{{RTT: w.rtt, MinRTT: w.rtt}})
		if got := c.Waits(); got != w.want {
			t.Errorf("%+v: Waits = %v", w, got)
		}
	}
}

// Frames that all come late by most of the time between them show a link that is used to
// the full: it must get some air. A little late is what frames of different sizes are.
func TestFramesThatAllAreLateNeedAir(t *testing.T) {
	for _, w := range []struct {
		late time.Duration
		full bool // all that frames may use of the link
	}{{0, true}, {frame / 3, true}, {frame * 4 / 5, false}} {
		c := Controller{Confirmed: true, Window: 1, Interval: frame}
		const bps, bytes = 10e6, 30000
		now, best := time.Second, 0.0
		for i := range 60 {
			late := w.late
			if i == 0 {
				late = 0 // at best
			}
			c.Late(now, late)
			c.Frame(now, bytes)
			c.Confirm(now+time.Duration(8*bytes/bps*float64(time.Second)), now, bytes)
			now += frame
			best, _ = c.Target(now)
		}
		if got := best > 0.94*bps; got != w.full {
			t.Errorf("frames %v late: target %.1f Mbit/s of 10, want all that frames may use = %v", w.late, best/1e6, w.full)
		}
	}
}
