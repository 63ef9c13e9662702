// Program soak runs 16 streams of all modes in one process for as long as it is
// told, with random faults, and samples memory, file descriptors, threads and
// goroutines. It fails when a stream does not come back after a fault, when an
// element posts an error, or when anything grows.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/hostile"
)

func main() {
	if os.Getenv(isStranger) != "" {
		if err := haunt(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "soak: strangers: "+err.Error())
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	minutes := flag.Float64("minutes", 60, "how long to run")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random faults")
	only := flag.String("only", "", "faults whose names contain this")
	haunted := flag.Bool("strangers", false, "have a stranger of each kind beside the streams")
	out := flag.String("out", "build/soak.json", "file for the figures")
	flag.Parse()
	kinds := slices.DeleteFunc(slices.Clone(faultKinds), func(k faultKind) bool { return !strings.Contains(k.name, *only) })
	s := &soak{kinds: kinds, pace: 1, haunted: *haunted, report: report{Seed: *seed}}
	if err := s.run(ctx, time.Duration(*minutes*float64(time.Minute)), *out); err != nil {
		fmt.Fprintln(os.Stderr, "soak: "+err.Error())
		os.Exit(1)
	}
}

// Limits of growth, from the end of the warm-up to the end: for memory a slope,
// for the rest a difference, since Go's runtime and libzmq may want one more
// thread at one time than at another.
const (
	maxMemorySlope  = 1.0 // MB/h
	maxMoreThreads  = 2
	maxMoreFDs      = 2
	maxMoreRoutines = 4
	// stillEnding is how many descriptors, and goroutines, those connections of
	// strangers may have whose end is still to come.
	stillEnding = 30
	// leastForSlope is how long a run must be for its slope to mean anything, and
	// leastForMore how long for a difference.
	leastForSlope = 30 * time.Minute
	leastForMore  = 3 * time.Minute
	// comesBack is when a stream that does not flow again counts as hung.
	comesBack = 30 * time.Second
)

// report is what a run has found.
type report struct {
	Seed    uint64            `json:"seed"`
	Minutes float64           `json:"minutes"`
	Faults  map[string]*fault `json:"faults"`
	Frames  uint64            `json:"frames_received"`
	Streams map[string]uint64 `json:"streams"`
	// Strangers are how many connections each kind of them had.
	Strangers map[string]int `json:"strangers,omitempty"`
	Samples   []sample       `json:"samples"`
	Warm      int            `json:"warm"` // index of the first sample after the warm-up
	// Slopes are per hour, in MB or as they are.
	Slopes        map[string]float64 `json:"slopes"`
	WorstChangeMS float64            `json:"worst_state_change_ms"`
	Failures      []string           `json:"failures"`
}

// fault is how the streams have taken one kind of fault.
type fault struct {
	Count    int     `json:"count"`
	Survived int     `json:"survived"`
	WorstMS  float64 `json:"worst_resume_ms"`
}

// soak is a run.
type soak struct {
	kinds   []faultKind
	pace    float64 // of the faults; 1: seconds between them and in them
	haunted bool    // by strangers
	streams []*stream
	others  *strangers   // nil: none
	calm    sync.RWMutex // held by who injects a fault; sampling waits for the streams to be whole

	mu     sync.Mutex
	report report
}

func (s *soak) run(ctx context.Context, length time.Duration, out string) error {
	folder, err := os.MkdirTemp("", "netgear-soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the folder for such things
	if err := initHost(); err != nil {
		return err
	}
	r := &s.report
	r.Faults, r.Streams, r.Slopes = map[string]*fault{}, map[string]uint64{}, map[string]float64{}
	if s.streams, err = newStreams(folder); err != nil {
		return err
	}
	for _, st := range s.streams {
		for _, p := range st.all() {
			if err := p.start(); err != nil {
				return fmt.Errorf("%s: %w", st.name, err)
			}
		}
	}
	for _, st := range s.streams {
		if _, ok := st.flows(ctx); !ok {
			return fmt.Errorf("%s does not begin to flow", st.name)
		}
	}
	if err := s.invite(); err != nil {
		return err
	}
	begin := time.Now()
	s.tormentAll(ctx, begin, length)
	r.Minutes = time.Since(begin).Minutes()
	if r.Strangers, err = s.others.stop(); err != nil {
		return fmt.Errorf("strangers: %w", err)
	}
	s.stopAll()
	s.judge()
	if err := s.write(out); err != nil {
		return err
	}
	if n := len(r.Failures); n > 0 {
		return fmt.Errorf("%d failures, see %s", n, out)
	}
	return nil
}

// invite has strangers come, when there are to be some.
func (s *soak) invite() (err error) {
	if !s.haunted {
		return nil
	}
	var ends []end
	for _, st := range s.streams {
		ends = append(ends, st.ends...)
	}
	s.others, err = startStrangers(ends)
	return err
}

// tormentAll injects faults for as long as it is told, and returns when the last
// of them is over. Until then it listens, since some faults wait for an end of
// stream.
func (s *soak) tormentAll(ctx context.Context, begin time.Time, length time.Duration) {
	listening, quiet := context.WithCancel(context.WithoutCancel(ctx))
	var listener, workers sync.WaitGroup
	listener.Go(func() { s.listen(listening) })
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	for i, st := range s.streams {
		r := &chance{rand.New(rand.NewPCG(s.report.Seed, uint64(i))), s.pace} //nolint:gosec // not a secret
		workers.Go(func() { s.torment(ctx, st, r) })
	}
	s.sampleAll(ctx, begin, min(time.Minute, length/12))
	workers.Wait()
	quiet()
	listener.Wait()
}

func (s *soak) stopAll() {
	r := &s.report
	for _, st := range s.streams {
		for _, p := range st.all() {
			r.WorstChangeMS = max(r.WorstChangeMS, float64(p.worstStateChange())/1e6)
			if !p.sink {
				r.Streams[st.name] += p.frames()
				r.Frames += p.frames()
			}
			if err := p.stop(); err != nil {
				s.fail("%s: %v", st.name, err)
			}
		}
	}
}

func (s *soak) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Failures = append(s.report.Failures, time.Now().Format(time.TimeOnly)+" "+text)
	fmt.Println("FAILURE: " + text)
}

// torment injects faults into a stream until ctx ends.
func (s *soak) torment(ctx context.Context, st *stream, r *chance) {
	kinds := slices.DeleteFunc(slices.Clone(s.kinds), func(k faultKind) bool { return k.suits != nil && !k.suits(st) })
	if len(kinds) == 0 {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(r.upTo(6500 * time.Millisecond)):
		}
		s.calm.RLock()
		kind := pick(r, kinds)
		err := kind.do(st, r)
		took, ok := st.flows(context.WithoutCancel(ctx))
		s.calm.RUnlock()
		if err != nil {
			s.fail("%s, %s: %v", st.name, kind.name, err)
		}
		if !ok {
			s.fail("%s does not flow %v after: %s (%s)", st.name, comesBack, kind.name, st.describe())
		}
		s.count(kind.name, took, ok && err == nil)
	}
}

func (s *soak) count(kind string, took time.Duration, survived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.report.Faults[kind]
	if f == nil {
		f = &fault{}
		s.report.Faults[kind] = f
	}
	f.Count++
	if survived {
		f.Survived++
	}
	f.WorstMS = max(f.WorstMS, float64(took)/1e6)
}

// flows waits until every receiver has got two more frames and every sender has
// sent two, and says how long that took.
func (st *stream) flows(ctx context.Context) (took time.Duration, ok bool) {
	begin := time.Now()
	all := st.all()
	due := make([]uint64, len(all))
	for i, p := range all {
		due[i] = p.frames() + 2
	}
	for time.Since(begin) < comesBack && ctx.Err() == nil {
		ok := true
		for i, p := range all {
			ok = ok && p.frames() >= due[i]
		}
		if ok {
			return time.Since(begin), true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin), false
}

// describe says for a report how the ends of a stream are.
func (st *stream) describe() string {
	var ends []string
	for _, p := range st.all() {
		ends = append(ends, fmt.Sprintf("frames %d, dropped %d, malformed %d, timeouts %d, reconnects %d, peers %d",
			p.frames(), p.stat("frames-dropped"), p.stat("frames-malformed"), p.stat("ack-timeouts"), p.stat("reconnects"), p.peers()))
	}
	return strings.Join(ends, "; ")
}

// listen looks for errors on the buses.
func (s *soak) listen(ctx context.Context) {
	for ctx.Err() == nil {
		for _, st := range s.streams {
			for _, p := range st.all() {
				if text := p.news(); text != "" {
					s.fail("%s: %s", st.name, text)
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// sample is how much the process holds while all streams are whole.
type sample struct {
	Seconds  float64 `json:"seconds"`
	RSS      float64 `json:"rss_mb"`
	Malloc   float64 `json:"malloc_mb"` // allocated by C
	Heap     float64 `json:"heap_mb"`   // live objects of Go
	FDs      int     `json:"fds"`
	Threads  int     `json:"threads"`
	Routines int     `json:"goroutines"`
}

func (s *soak) sampleAll(ctx context.Context, begin time.Time, every time.Duration) {
	fmt.Println(" minute   RSS MB  malloc MB  Go heap MB  fds  threads  goroutines  faults")
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		s.calm.Lock()
		gone := s.others.leave()
		time.Sleep(s.settling(every)) // what was let go of ends
		x, err := takeSample(time.Since(begin))
		err = errors.Join(err, gone, s.others.come())
		s.calm.Unlock()
		if err != nil {
			s.fail("%v", err)
			return
		}
		s.mu.Lock()
		s.report.Samples = append(s.report.Samples, x)
		faults := 0
		for _, f := range s.report.Faults {
			faults += f.Count
		}
		s.mu.Unlock()
		fmt.Printf("%7.1f %8.1f %10.2f %11.2f %4d %8d %11d %7d\n", x.Seconds/60, x.RSS, x.Malloc, x.Heap, x.FDs, x.Threads, x.Routines, faults)
	}
}

// settling is how long to wait until all has ended that was let go of.
func (s *soak) settling(every time.Duration) time.Duration {
	if s.haunted {
		return min(every/2, 4*time.Second)
	}
	return min(every/10, 2*time.Second)
}

const mb = 1e6

func takeSample(at time.Duration) (x sample, err error) {
	x.Seconds = at.Seconds()
	fds, err1 := os.ReadDir("/proc/self/fd")
	threads, err2 := os.ReadDir("/proc/self/task")
	statm, err3 := os.ReadFile("/proc/self/statm")
	x.FDs, x.Threads, x.Routines = len(fds), len(threads), runtime.NumGoroutine()
	x.Malloc = float64(mallocBytes()) / mb
	var size, resident int
	_, err4 := fmt.Sscan(string(statm), &size, &resident)
	x.RSS = float64(resident*os.Getpagesize()) / mb
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	x.Heap = float64(m.HeapAlloc) / mb
	return x, errors.Join(err1, err2, err3, err4)
}

// judge compares what was held after the warm-up, a sixth of the time, with
// what is held at the end. Nothing can be said of a run of a few seconds.
func (s *soak) judge() {
	r := &s.report
	if r.Minutes < leastForMore.Minutes() {
		return
	}
	r.Warm = len(r.Samples) / 6
	warm := r.Samples[r.Warm:]
	if len(warm) < 6 {
		s.fail("only %d samples after the warm-up", len(warm))
		return
	}
	ending := 0.0
	if s.haunted {
		ending = stillEnding
	}
	for _, m := range []struct {
		name string
		of   func(sample) float64
		most float64 // per hour; 0: more at the end than at the beginning
		more float64
	}{
		{"rss_mb", func(x sample) float64 { return x.RSS }, maxMemorySlope, 0},
		{"malloc_mb", func(x sample) float64 { return x.Malloc }, maxMemorySlope, 0},
		{"heap_mb", func(x sample) float64 { return x.Heap }, maxMemorySlope, 0},
		{"fds", func(x sample) float64 { return float64(x.FDs) }, 0, maxMoreFDs + ending},
		{"threads", func(x sample) float64 { return float64(x.Threads) }, 0, maxMoreThreads},
		{"goroutines", func(x sample) float64 { return float64(x.Routines) }, 0, maxMoreRoutines + ending},
	} {
		slope := slopePerHour(warm, m.of)
		r.Slopes[m.name] = slope
		if m.most > 0 {
			if r.Minutes >= leastForSlope.Minutes() && slope > m.most {
				s.fail("%s grows by %.2f per hour: want %.2f at the most", m.name, slope, m.most)
			}
			continue
		}
		third := len(warm) / 3
		if more := median(warm[len(warm)-third:], m.of) - median(warm[:third], m.of); more > m.more {
			s.fail("%v more %s at the end than after the warm-up: want %v at the most", more, m.name, m.more)
		}
	}
}

func median(of []sample, f func(sample) float64) float64 {
	var v []float64
	for _, x := range of {
		v = append(v, f(x))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// slopePerHour is the median of the slopes between all pairs of samples
// (Theil and Sen), which single peaks do not move.
func slopePerHour(of []sample, f func(sample) float64) float64 {
	var v []float64
	for i, a := range of {
		for _, b := range of[i+1:] {
			v = append(v, (f(b)-f(a))/(b.Seconds-a.Seconds)*3600)
		}
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func (s *soak) write(out string) error {
	r := &s.report
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nfault\tcount\tsurvived\tworst resume ms\t")
	kinds := make([]string, 0, len(r.Faults))
	for k := range r.Faults {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Compare(r.Faults[b].Count, r.Faults[a].Count) })
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.0f\t\n", k, r.Faults[k].Count, r.Faults[k].Survived, r.Faults[k].WorstMS)
	}
	_ = w.Flush()
	for _, k := range hostile.Strangers {
		if n := r.Strangers[k.Name]; n > 0 {
			fmt.Printf("stranger %q: %d connections\n", k.Name, n)
		}
	}
	fmt.Printf("\n%.1f minutes, %d frames received, worst state change %.1f ms, seed %d\ngrowth per hour:", r.Minutes, r.Frames, r.WorstChangeMS, r.Seed)
	for _, k := range []string{"rss_mb", "malloc_mb", "heap_mb", "fds", "threads", "goroutines"} {
		fmt.Printf("  %s %+.2f", k, r.Slopes[k])
	}
	fmt.Println()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o600)
}
