package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// linkCase is a link between two machines, and how much is offered to it.
type linkCase struct {
	name    string
	mbit    float64
	rtt     time.Duration
	loss    float64
	slow    float64 // Mbit/s in the middle third; 0: no step
	offered float64 // Mbit/s
}

func linkCases() (all []linkCase) {
	const ms = time.Millisecond
	for _, mbit := range []float64{1, 5, 10, 50, 100} {
		all = append(all, linkCase{fmt.Sprintf("%.0f Mbit/s", mbit), mbit, 20 * ms, 0, 0, 4 * mbit})
	}
	return append(
		all,
		linkCase{"10 Mbit/s, no delay", 10, 0, 0, 0, 40},
		linkCase{"10 Mbit/s, 100 ms", 10, 100 * ms, 0, 0, 40},
		linkCase{"10 Mbit/s, 50 ms, 0.5 % lost", 10, 50 * ms, 0.005, 0, 40},
		linkCase{"10 Mbit/s, 50 ms, 2 % lost", 10, 50 * ms, 0.02, 0, 40},
		linkCase{"20, 2, 20 Mbit/s", 20, 20 * ms, 0, 2, 20},
	)
}

// linkContender is who sends what over a link.
type linkContender struct {
	name, pattern  string
	sender, reader string // ours or python
	settings       string
}

func linkContenders() []linkContender {
	return []linkContender{
		{"pair", "pair", "ours", "ours", ""},
		{"pair, in-flight=0", "pair", "ours", "ours", "in-flight=0"},
		{"req-rep", "req-rep", "ours", "ours", ""},
		{"pub-sub", "pub-sub", "ours", "ours", ""},
		{"pair, to Python", "pair", "ours", "python", ""},
		{"Python, pair", "pair", "python", "python", ""},
		{"Python, pub-sub", "pub-sub", "python", "python", ""},
	}
}

// linkRow is what came over a link.
type linkRow struct {
	Link   string       `json:"link"`
	With   string       `json:"with"`
	Median float64      `json:"age_median_ms"`
	P95    float64      `json:"age_p95_ms"`
	Worst  float64      `json:"age_worst_ms"`
	Bound  float64      `json:"bound_ms"` // 1.5 x (half a round trip, and a frame's time on the link) + 50
	FPS    float64      `json:"fps"`
	Use    float64      `json:"use"` // share of the link
	Points [][2]float64 `json:"points,omitempty"`
}

// links measures how old pictures are that come over slow, long and lossy links. It
// makes machines of its own, which takes root.
func (b *bench) links(ctx context.Context) error {
	var rows []linkRow
	fmt.Println("| link | with | age, median ms | 95th percentile | worst | frames/s | use of the link |\n|---|---|---|---|---|---|---|")
	for _, c := range linkCases() {
		if !strings.Contains(c.name, b.only) {
			continue
		}
		for _, who := range linkContenders() {
			r, err := b.linkOf(ctx, c, who)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", c.name, who.name, err)
			}
			fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.1f | %.2f |\n", r.Link, r.With, r.Median, r.P95, r.Worst, r.FPS, r.Use)
			rows = append(rows, r)
		}
	}
	return b.saveFigures(ctx, "links", rows)
}

const linkPort = "5555"

// linkOf has a contender send over a link for a time.
func (b *bench) linkOf(ctx context.Context, c linkCase, who linkContender) (r linkRow, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &stage{}
	defer t.end(&err)
	m := kit.NewMachines(t)
	conditions := kit.Conditions{Rate: c.mbit * 1e6, Delay: c.rtt / 2, Loss: c.loss}
	m.Set(conditions)
	size := int(c.offered * 1e6 / 8 / 30)
	data, err := jpegOf(size)
	if err != nil {
		return r, err
	}
	file := filepath.Join(b.folder, "links.jpg")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return r, err
	}
	run := func(n *kit.Namespace, args ...string) (p *child, err error) {
		n.Do(func() { p, err = b.start(ctx, append([]string{kit.Python(), native + "links.py"}, args...)) })
		if err == nil {
			_, err = p.until("started")
		}
		return p, err
	}
	address := kit.ReceiverAddress.String()
	recv, err := run(m.Receiver, "recv", who.reader, who.pattern, address, linkPort)
	if err != nil {
		return r, err
	}
	defer recv.stop()
	send, err := run(m.Sender, append([]string{"send", who.sender, who.pattern, address, linkPort, file}, strings.Fields(who.settings)...)...)
	if err != nil {
		return r, err
	}
	defer send.stop()
	begin := time.Now()
	third := time.Duration(b.seconds / 3 * float64(time.Second))
	for i := range 3 {
		if c.slow > 0 {
			conditions.Rate = []float64{c.mbit, c.slow, c.mbit}[i] * 1e6
			m.Set(conditions)
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(third):
		}
	}
	r.summarise(c, who, recv, begin, third)
	return r, nil
}

// summarise takes what a receiver has printed, but for the first second.
func (r *linkRow) summarise(c linkCase, who linkContender, recv *child, begin time.Time, third time.Duration) {
	r.Link, r.With = c.name, who.name
	var ages []float64
	var bytes float64
	recv.Mu.Lock()
	defer recv.Mu.Unlock()
	for _, line := range recv.Lines {
		var f struct {
			Event          string
			At, Age, Bytes float64
		}
		if json.Unmarshal([]byte(line), &f) != nil || f.Event != "frame" {
			continue
		}
		at := f.At - float64(begin.UnixNano())/1e9
		if c.slow > 0 {
			r.Points = append(r.Points, [2]float64{at, f.Age})
		}
		if at > 1 {
			ages, bytes = append(ages, f.Age), bytes+f.Bytes
		}
	}
	if len(ages) == 0 {
		return
	}
	slices.Sort(ages)
	seconds := 3*third.Seconds() - 1
	mean := c.mbit
	if c.slow > 0 {
		mean = (2*c.mbit + c.slow) / 3
	}
	r.Median, r.P95, r.Worst = ages[len(ages)/2], ages[len(ages)*95/100], ages[len(ages)-1]
	r.FPS, r.Use = float64(len(ages))/seconds, bytes*8/1e6/mean/seconds
	r.Bound = 1.5*(float64(c.rtt.Milliseconds())/2+c.offered/30/c.mbit*1e3) + 50
}

// stage is what package kit wants of a test.
type stage struct {
	cleanups []func()
	failed   bool
}

// stageError ends a stage.
type stageError struct{ error }

func (s *stage) Cleanup(f func())             { s.cleanups = append(s.cleanups, f) }
func (s *stage) Errorf(f string, args ...any) { s.Fatalf(f, args...) }
func (s *stage) Failed() bool                 { return s.failed }
func (s *stage) Fatal(args ...any)            { panic(stageError{errors.New(fmt.Sprint(args...))}) }
func (s *stage) Fatalf(f string, args ...any) { panic(stageError{fmt.Errorf(f, args...)}) }
func (s *stage) Helper()                      {}
func (s *stage) Logf(string, ...any)          {}
func (s *stage) Skip(args ...any)             { s.Fatal(args...) }
func (s *stage) TempDir() string              { return os.TempDir() }

// end cleans up, and makes an error of what ended the stage.
func (s *stage) end(err *error) {
	switch p := recover().(type) {
	case nil:
	case stageError:
		s.failed, *err = true, p.error
	default:
		panic(p)
	}
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}
