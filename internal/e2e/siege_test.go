package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/hostile"
	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// besieged is an end of a stream that strangers come to, in one of its ways.
type besieged struct {
	pattern pattern
	sink    bool // it sends
	binds   bool // else it connects, and a stranger has the port
	ipc     bool
	guarded bool // allow keeps the strangers out
	many    bool // several senders, or several receivers
}

func (b besieged) String() string {
	words := []string{b.pattern.String()}
	add := func(yes bool, word string) {
		if yes {
			words = append(words, word)
		}
	}
	add(b.sink, "sink")
	add(!b.sink, "source")
	add(b.binds, "that binds")
	add(!b.binds, "that connects")
	add(b.many && b.sink, "to two clients")
	add(b.many && !b.sink, "of two servers")
	add(b.ipc, "over ipc")
	add(b.guarded, "with allow")
	return strings.Join(words, " ")
}

// everyBesieged are all ends in all ways that have a meaning.
func everyBesieged() (all []besieged) {
	for _, p := range patterns {
		for _, ipc := range []bool{false, true} {
			for _, sink := range []bool{false, true} {
				all = append(all, besieged{pattern: p, sink: sink, binds: true, ipc: ipc}, besieged{pattern: p, sink: sink, ipc: ipc})
			}
		}
		all = append(all, besieged{pattern: p, binds: true, guarded: true}, besieged{pattern: p, sink: true, binds: true, guarded: true})
		if p != pair {
			all = append(all, besieged{pattern: p, binds: true, many: true}, besieged{pattern: p, sink: true, many: true})
		}
	}
	return all
}

// siege is one process with ends that strangers come to, and a stream of its own
// that must not suffer; the good peers of those ends are in another.
type siege struct {
	t      testing.TB
	ends   []besieged
	target []*hostile.Target
	peer   []int // the number of the pipeline of the good peer in good; -1: none
	host   hostProcess
	good   hostProcess
}

// hostProcess is a running host.py.
type hostProcess struct {
	script
	in     io.Writer
	orders *sync.Mutex // one at a time
}

const (
	besiegedVideo = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=50/1 ! jpegenc ! "
	besiegedRate  = 50 // frames/s, of that video
	lasting       = "request-timeout=1 max-retries=0"
)

// startSiege starts the processes and waits until all streams flow.
func startSiege(t testing.TB, ends ...besieged) *siege {
	s := &siege{t: t, ends: ends}
	var victims, peers []string
	for i, b := range ends {
		victim, peer := s.pipelines(b, i)
		victims = append(victims, victim)
		if s.peer = append(s.peer, -1); peer != "" {
			s.peer[i] = len(peers)
			peers = append(peers, peer)
		}
	}
	own := freePort(t)
	victims = append(victims, fmt.Sprintf("%s netgearsink name=net address=127.0.0.1 port=%d %s", besiegedVideo, own, lasting),
		fmt.Sprintf("netgearsrc name=net address=127.0.0.1 port=%d %s eos-on-terminate=false ! fakesink sync=false", own, lasting))
	s.host = host(t, victims...)
	if len(peers) > 0 {
		s.good = host(t, peers...)
	}
	s.flow("at first")
	s.acquaint()
	return s
}

func host(t testing.TB, pipelines ...string) hostProcess {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	// A line of the log for each message would be most of what a flood costs.
	argv := []string{"env", "GST_DEBUG=" + cmp.Or(os.Getenv("GST_DEBUG"), "netgear:1"), interpreter(), "testdata/host.py"}
	env, err := childEnv()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{kit.Command{Name: "host", Args: append(argv, pipelines...), Env: env, Stdin: r}.Run(t, kit.KnowsErrors)}
	_ = r.Close() // the child has its own
	return hostProcess{script{p}, w, &sync.Mutex{}}
}

// pipelines returns the end that strangers come to and its good peer, or "" where
// the stranger is in its place.
func (s *siege) pipelines(b besieged, i int) (victim, peer string) {
	t, port, other := s.t, freePort(s.t), 0
	target := &hostile.Target{Pattern: int(b.pattern), Sink: b.sink}
	s.target = append(s.target, target)
	network, address := "tcp", fmt.Sprintf("127.0.0.1:%d", port)
	where := fmt.Sprintf("address=127.0.0.1 port=%d pattern=%v %s", port, b.pattern, lasting)
	if b.ipc {
		dir, err := os.MkdirTemp("", "s") // short: a path of a socket has 107 bytes
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		network, address = "unix", filepath.Join(dir, strconv.Itoa(i)+":5555")
		where = fmt.Sprintf("protocol=ipc address=%s pattern=%v %s", filepath.Join(dir, strconv.Itoa(i)), b.pattern, lasting)
	}
	if b.binds {
		from := ""
		if !b.ipc {
			from = "127.0.0.3"
		}
		target.Open = hostile.Dial(network, address, from)
	} else {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		target.Open = hostile.Accept(l)
	}
	both := ""
	if b.pattern != pubSub && !b.many {
		both = "bidirectional-mode=true"
	}
	at := where
	if b.guarded {
		at += " allow=127.0.0.1"
	}
	if b.many {
		other = freePort(t)
		at = strings.Replace(at, fmt.Sprintf("port=%d", port), fmt.Sprintf("ports=%d,%d", port, other), 1)
		where = strings.Replace(where, fmt.Sprintf("port=%d", port), fmt.Sprintf("port=%d", other), 1)
		target.Names = []string{strconv.Itoa(other), strconv.Itoa(port)}
	}
	sender := fmt.Sprintf("%s netgearsink name=net %s %%s", besiegedVideo, both)
	// A frame in good form may be as large as the end has it: here less than it may
	// cost.
	receiver := fmt.Sprintf("netgearsrc name=net eos-on-terminate=false max-frame-size=8388608 %s %%s", both)
	switch {
	case b.sink && b.many:
		return fmt.Sprintf(sender, at+" multiclient-mode=true"), fmt.Sprintf(receiver, where+" multiclient-mode=true ! fakesink sync=false")
	case b.many:
		return fmt.Sprintf(receiver, at+" multiserver-mode=true ! fakesink sync=false"), fmt.Sprintf(sender, where+" multiserver-mode=true")
	case b.sink && b.binds:
		return fmt.Sprintf(sender, at+" bind=true"), fmt.Sprintf(receiver, where+" bind=false ! fakesink sync=false")
	case b.sink:
		return fmt.Sprintf(sender, at), ""
	case b.binds:
		return fmt.Sprintf(receiver, at+" ! jpegdec ! fakesink sync=false"), fmt.Sprintf(sender, where)
	}
	return fmt.Sprintf(receiver, at+" bind=false ! fakesink sync=false"), ""
}

// hostStats is what a host tells of itself.
type hostStats struct {
	At     float64 // s
	RSS    float64 // MB
	CPU    float64 // s
	FDs    int
	Frames []float64
	Peers  []int
}

// now returns the newest that a host has told.
func (h hostProcess) now() (f hostStats) {
	h.T.Helper()
	h.event("stats", 1)
	h.Mu.Lock()
	defer h.Mu.Unlock()
	h.lastLocked("stats", &f)
	return f
}

// order gives a host an order and waits until it is done; slowest is in ms.
func (h hostProcess) order(word string, n int) (slowest float64) {
	h.T.Helper()
	h.orders.Lock()
	defer h.orders.Unlock()
	before := len(h.events(word))
	if _, err := fmt.Fprintln(h.in, word, n); err != nil {
		h.T.Fatal(err)
	}
	h.event(word, before+1)
	h.Mu.Lock()
	defer h.Mu.Unlock()
	var e struct{ Slowest float64 }
	h.lastLocked(word, &e)
	return e.Slowest
}

// lastLocked reads the newest event of that name into v.
func (h hostProcess) lastLocked(name string, v any) {
	for _, line := range slices.Backward(h.Lines) {
		if strings.HasPrefix(line, fmt.Sprintf(`{"event": %q`, name)) {
			if err := json.Unmarshal([]byte(line), v); err != nil {
				h.T.Errorf("%v: %s", err, line)
			}
			return
		}
	}
}

// flow waits until every good peer, and the stream inside the host, has had some
// more frames.
func (s *siege) flow(when string) {
	s.t.Helper()
	const more = 5
	var before []float64
	if s.good.process != nil {
		before = s.good.now().Frames
	}
	own := s.own()
	end := time.Now().Add(patience)
	for i, p := range s.peer {
		for p >= 0 && s.good.now().Frames[p] < before[p]+more {
			if time.Now().After(end) {
				s.t.Fatalf("%v: the good peer does not flow %s", s.ends[i], when)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for s.own() < own+more {
		if time.Now().After(end) {
			s.t.Fatalf("the stream beside the besieged does not flow %s", when)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// own returns the frames that the stream inside the host has received.
func (s *siege) own() float64 {
	f := s.host.now().Frames
	return f[len(f)-1]
}

// errors returns what the pipelines of the host have posted as errors.
func (s *siege) errors() (texts []string) {
	for _, e := range s.host.events("message") {
		if e.Kind == "error" || e.Kind == "eos" {
			texts = append(texts, fmt.Sprintf("pipeline %d: %s %s", e.N, e.Kind, e.Text))
		}
	}
	return texts
}

// What each stranger may cost the host, in MB and ms.
const (
	siegeRSS   = 64
	siegeState = 100
	// siegeBlocked is with twelve ends besieged at once, on a machine that is busy.
	siegeBlocked = 5000
)

// Whatever strangers do, in every pattern, at both ends, over tcp and ipc, let in
// or not: the host lives, does not swell, changes its state at once, and the good
// peers and streams beside it go on.
func TestSiege(t *testing.T) {
	if os.Getenv("HOSTILE") != "" {
		t.Skip("TestFuzzedSiege does it one by one")
	}
	var groups [3][]besieged
	for _, b := range everyBesieged() {
		switch {
		case b.ipc:
			groups[1] = append(groups[1], b)
		case b.guarded, b.many:
			groups[2] = append(groups[2], b)
		default:
			groups[0] = append(groups[0], b)
		}
	}
	for i, ends := range groups {
		t.Run([...]string{"tcp", "ipc", "allow and several"}[i], func(t *testing.T) {
			t.Parallel()
			s := startSiege(t, ends...)
			before := s.host.now()
			worst, slowest := s.storm(80 * time.Millisecond)
			s.flow("after the strangers")
			if errs := s.errors(); len(errs) > 0 {
				t.Errorf("errors: %q", errs)
			}
			after := s.host.now()
			t.Logf("RSS %.0f MB, %.0f MB at most, then %.0f MB; %d descriptors, then %d; slowest change of state %.1f ms",
				before.RSS, worst, after.RSS, before.FDs, after.FDs, slowest)
			if grown := worst - before.RSS; grown > siegeRSS*float64(len(ends)) {
				t.Errorf("it grew by %.0f MB", grown)
			}
			if slowest > siegeBlocked {
				t.Errorf("a change of state took %.0f ms", slowest)
			}
		})
	}
}

// acquaint has an end that connects have a peer, for a moment: who refuses an end
// that never had one ends it, as it should.
func (s *siege) acquaint() {
	s.t.Helper()
	friend, err := hostile.Find("shakes hands and stays")
	if err != nil {
		s.t.Fatal(err)
	}
	for i, b := range s.ends {
		if b.binds {
			continue
		}
		ctx, leave := context.WithCancel(s.t.Context())
		var here sync.WaitGroup
		here.Go(func() { friend.Run(ctx, s.target[i]) })
		within(s.t, fmt.Sprintf("a peer of the %v", b), func() bool { return s.host.now().Peers[i] > 0 })
		leave()
		here.Wait()
	}
}

// storm has every stranger at every end for a while, those of one end one after the
// other. It returns what the host held at the most, and what its slowest change of
// state took.
func (s *siege) storm(stay time.Duration) (worst, slowest float64) {
	ctx, stop := context.WithCancel(s.t.Context())
	var strangers, watchers sync.WaitGroup
	for _, target := range s.target {
		strangers.Go(func() {
			for k := range hostile.Strangers {
				if kind := &hostile.Strangers[k]; kind.Suits(target) {
					here, leave := context.WithTimeout(ctx, stay)
					kind.Run(here, target)
					leave()
				}
			}
		})
	}
	watchers.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if took := s.host.order("toggle", i%len(s.ends)); took > slowest {
				slowest = took
				s.t.Logf("%v: a change of state took %.1f ms", s.ends[i%len(s.ends)], took)
			}
			worst = max(worst, s.host.now().RSS)
			time.Sleep(50 * time.Millisecond)
		}
	})
	strangers.Wait()
	stop()
	watchers.Wait()
	return worst, slowest
}

// A good peer that was away gets its place back among strangers who wait for it.
func TestReturnAmongStrangers(t *testing.T) {
	for _, sink := range []bool{false, true} {
		b := besieged{pattern: pair, sink: sink, binds: true}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			s := startSiege(t, b)
			target := *s.target[0]
			target.Pause, target.Rest, target.Most = time.Second, 100*time.Millisecond, 1
			ctx, stop := context.WithCancel(t.Context())
			var strangers sync.WaitGroup
			defer strangers.Wait()
			defer stop()
			for k := range hostile.Strangers {
				if kind := &hostile.Strangers[k]; kind.Suits(&target) && !kind.Rival {
					strangers.Go(func() { kind.Run(ctx, &target) })
				}
			}
			for range 2 {
				s.good.order("null", 0)
				time.Sleep(1500 * time.Millisecond) // a stranger has its place
				s.good.order("play", 0)
				before := time.Now()
				s.flow("when it is back")
				t.Logf("back after %v", time.Since(before).Round(time.Millisecond))
			}
		})
	}
}

// The same one by one, with what each stranger costs: HOSTILE=1, SIEGE=2 for the seconds of
// each, ONLY=HTTP for those whose names contain that, and
// EVERY=1 for ipc and allow too.
func TestFuzzedSiege(t *testing.T) {
	seconds, err := strconv.ParseFloat(cmp.Or(os.Getenv("SIEGE"), "1.5"), 64)
	if err != nil {
		t.Fatal("SIEGE:", err)
	}
	if os.Getenv("HOSTILE") == "" {
		t.Skip("TestSiege is the short form")
	}
	for _, b := range everyBesieged() {
		t.Run(b.String(), func(t *testing.T) {
			if b.ipc || b.guarded {
				if os.Getenv("EVERY") == "" {
					t.Skip("EVERY=1 has these too")
				}
			}
			s := startSiege(t, b)
			for k := range hostile.Strangers {
				if kind := &hostile.Strangers[k]; kind.Suits(s.target[0]) && strings.Contains(kind.Name, os.Getenv("ONLY")) {
					s.measure(kind, time.Duration(seconds*float64(time.Second)))
				}
			}
			s.host.order("null", 0)
		})
	}
}

// measure has one stranger at the one end there is, and tells what it costs.
func (s *siege) measure(kind *hostile.Stranger, stay time.Duration) {
	t := s.t
	quiet := s.rates(stay/2, nil)
	connections, slowest, peak := 0, 0.0, 0.0
	storm := s.rates(stay, func(ctx context.Context) {
		var others sync.WaitGroup
		others.Go(func() { connections = kind.Run(ctx, s.target[0]) })
		for ctx.Err() == nil {
			peak = max(peak, s.host.now().RSS)
			time.Sleep(50 * time.Millisecond)
		}
		others.Wait()
	})
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() { kind.Run(ctx, s.target[0]) })
	for range 3 {
		slowest = max(slowest, s.host.order("toggle", 0))
		peak = max(peak, s.host.now().RSS)
	}
	stop()
	others.Wait()
	good := "-"
	if s.peer[0] >= 0 {
		good = fmt.Sprintf("%.2f", storm.good/besiegedRate)
	}
	after := s.host.now().RSS
	fmt.Printf("| %s | %v | %d | %+.0f | %+.0f | %.2f | %s | %.2f | %.0f |\n",
		kind.Name, s.ends[0], connections, peak-quiet.rss, after-quiet.rss, storm.cpu-quiet.cpu, good, storm.own/besiegedRate, slowest)
	if errs := s.errors(); len(errs) > 0 {
		t.Errorf("%s: errors: %q", kind.Name, errs)
	}
	if peak-quiet.rss > siegeRSS {
		t.Errorf("%s: it grew by %.0f MB", kind.Name, peak-quiet.rss)
	}
	if s.peer[0] >= 0 && storm.good < 0.9*min(quiet.good, besiegedRate) {
		t.Errorf("%s: the good peer had %.1f frames/s, then %.1f", kind.Name, quiet.good, storm.good)
	}
	if storm.own < 0.9*min(quiet.own, besiegedRate) {
		t.Errorf("%s: the stream beside it had %.1f frames/s, then %.1f", kind.Name, quiet.own, storm.own)
	}
	if slowest > siegeState {
		t.Errorf("%s: a change of state took %.0f ms", kind.Name, slowest)
	}
	s.flow("after: " + kind.Name)
}

// rates are what the processes do and hold for a while.
type rates struct {
	good, own float64 // frames/s
	cpu       float64 // of the host, in cores
	rss       float64 // MB, at the beginning
}

// rates measures for a while in which something is done.
func (s *siege) rates(stay time.Duration, do func(ctx context.Context)) (r rates) {
	ctx, stop := context.WithTimeout(s.t.Context(), stay)
	defer stop()
	before, goodBefore := s.host.fresh(), hostStats{}
	if s.peer[0] >= 0 {
		goodBefore = s.good.fresh()
	}
	if do != nil {
		do(ctx)
	}
	<-ctx.Done()
	after := s.host.fresh()
	last := len(after.Frames) - 1
	r.own = (after.Frames[last] - before.Frames[last]) / (after.At - before.At)
	r.cpu, r.rss = (after.CPU-before.CPU)/(after.At-before.At), before.RSS
	if s.peer[0] >= 0 {
		good := s.good.fresh()
		r.good = (good.Frames[0] - goodBefore.Frames[0]) / (good.At - goodBefore.At)
	}
	return r
}

// fresh waits for the next that a host tells of itself.
func (h hostProcess) fresh() hostStats {
	h.T.Helper()
	before := h.now().At
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if f := h.now(); f.At > before {
			return f
		}
	}
	h.T.Fatalf("%s tells nothing for %v", h.Name, patience)
	return hostStats{}
}
