package main

import (
	"bytes"
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
	offered float64 // Mbit/s; 0: what an encoder makes
	encoder string  // jpeg or h264, which follows the link
}

func linkCases() (all []linkCase) {
	const ms = time.Millisecond
	for _, mbit := range []float64{1, 5, 10, 50, 100} {
		all = append(all, linkCase{fmt.Sprintf("%.0f Mbit/s", mbit), mbit, 20 * ms, 0, 0, 4 * mbit, ""})
	}
	return append(
		all,
		linkCase{"10 Mbit/s, no delay", 10, 0, 0, 0, 40, ""},
		linkCase{"10 Mbit/s, 100 ms", 10, 100 * ms, 0, 0, 40, ""},
		linkCase{"10 Mbit/s, 50 ms, 0.5 % lost", 10, 50 * ms, 0.005, 0, 40, ""},
		linkCase{"10 Mbit/s, 50 ms, 2 % lost", 10, 50 * ms, 0.02, 0, 40, ""},
		linkCase{"20, 2, 20 Mbit/s", 20, 20 * ms, 0, 2, 20, ""},
		linkCase{"10 Mbit/s, no delay, jpegenc", 10, 0, 0, 0, 0, "jpeg"},
		linkCase{"10 Mbit/s, 20 ms, jpegenc", 10, 20 * ms, 0, 0, 0, "jpeg"},
		linkCase{"10 Mbit/s, 50 ms, 2 % lost, jpegenc", 10, 50 * ms, 0.02, 0, 0, "jpeg"},
		linkCase{"20, 2, 20 Mbit/s, no delay, x264enc", 20, 0, 0, 2, 0, "h264"},
		linkCase{"20, 2, 20 Mbit/s, x264enc", 20, 20 * ms, 0, 2, 0, "h264"},
	)
}

// linkContender is who sends what over a link.
type linkContender struct {
	name, pattern  string
	sender, reader string // ours, python, an encoder or srt
	settings       string
}

func (c *linkCase) contenders() []linkContender {
	if c.encoder != "" {
		const follow = "rate-control=encoder "
		all := []linkContender{
			{"pair", "pair", c.encoder, "ours", follow},
			{"pair, in-flight=0", "pair", c.encoder, "ours", follow + "in-flight=0"},
			{"req-rep", "req-rep", c.encoder, "ours", follow},
			{"pub-sub", "pub-sub", c.encoder, "ours", follow},
		}
		if c.encoder == "h264" {
			all = append(all, linkContender{"SRT, 120 ms", "-", "srt", "srt", ""})
		}
		return all
	}
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
	Gap    float64      `json:"gap_ms"`   // the longest time without a frame
	Bound  float64      `json:"bound_ms"` // 1.5 x (half a round trip, and a frame's time on the link) + 50
	FPS    float64      `json:"fps"`
	Use    float64      `json:"use"` // share of the link
	Points [][2]float64 `json:"points,omitempty"`
}

// links measures how old pictures are that come over slow, long and lossy links. It
// makes machines of its own, which takes root.
func (b *bench) links(ctx context.Context) error {
	var rows []linkRow
	fmt.Println("| link | with | age, median ms | 95th percentile | worst | bound | longest gap, ms | frames/s | use of the link |\n|---|---|---|---|---|---|---|---|---|")
	for _, c := range linkCases() {
		for _, who := range c.contenders() {
			if !strings.Contains(c.name+": "+who.name, b.only) {
				continue
			}
			of, err := b.linkOf(ctx, c, who)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", c.name, who.name, err)
			}
			for _, r := range of {
				fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f | %.2f |\n", r.Link, r.With, r.Median, r.P95, r.Worst, r.Bound, r.Gap, r.FPS, r.Use)
			}
			rows = append(rows, of...)
		}
	}
	return b.saveFigures(ctx, "links", rows)
}

const linkPort = "5555"

// setCongestion sets the congestion control of a namespace.
func (b *bench) setCongestion(n *kit.Namespace) (err error) {
	if b.congestion == "" {
		return nil
	}
	const folder = "/proc/sys/net/ipv4/"
	n.Do(func() { err = os.WriteFile(folder+"tcp_congestion_control", []byte(b.congestion), 0) })
	if err != nil {
		allowed, _ := os.ReadFile(folder + "tcp_allowed_congestion_control")
		err = fmt.Errorf("congestion control %s: %w: want one of net.ipv4.tcp_allowed_congestion_control, which is %s", b.congestion, err, bytes.TrimSpace(allowed))
	}
	return err
}

// linkOf has a contender send over a link for a time.
func (b *bench) linkOf(ctx context.Context, c linkCase, who linkContender) (rows []linkRow, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &stage{}
	defer t.end(&err)
	m := kit.NewMachines(t)
	if err := b.setCongestion(m.Sender); err != nil {
		return nil, err
	}
	conditions := kit.Conditions{Rate: c.mbit * 1e6, Delay: c.rtt / 2, Loss: c.loss}
	m.Set(conditions)
	what := strings.Fields(who.settings)
	if c.offered > 0 {
		data, err := jpegOf(int(c.offered * 1e6 / 8 / 30))
		if err != nil {
			return nil, err
		}
		file := filepath.Join(b.folder, "links.jpg")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
		what = append([]string{file}, what...)
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
		return nil, err
	}
	defer recv.stop()
	send, err := run(m.Sender, append([]string{"send", who.sender, who.pattern, address, linkPort}, what...)...)
	if err != nil {
		return nil, err
	}
	defer send.stop()
	begin := time.Now()
	third := time.Duration(b.seconds / 3 * float64(time.Second))
	if c.slow > 0 {
		third = max(third, leastThird)
	}
	for i := range 3 {
		if c.slow > 0 {
			conditions.Rate = []float64{c.mbit, c.slow, c.mbit}[i] * 1e6
			m.Set(conditions)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(third):
		}
	}
	origin := 0.0
	if who.sender == "srt" {
		e, err := send.until("origin")
		if err != nil {
			return nil, err
		}
		origin = e.At
	}
	return summarise(c, who, recv, begin, third, origin), nil
}

// leastThird is how long each rate of a link that changes holds at least; settleTime is
// how long a stream has to come to terms with it.
const (
	leastThird = 8 * time.Second
	settleTime = 2 * time.Second
)

// summarise makes the rows of what a receiver has printed: one, without the first second,
// or one for each rate of a link that changes, without the first two. origin is when the
// times of SRT begin, in ns since 1970.
func summarise(c linkCase, who linkContender, recv *child, begin time.Time, third time.Duration, origin float64) (rows []linkRow) {
	points := arrivals(recv, begin, origin)
	if c.slow == 0 {
		return []linkRow{rowOf(c, who, points, c.mbit, time.Second, 3*third)}
	}
	for i, mbit := range []float64{c.mbit, c.slow, c.mbit} {
		from := time.Duration(i) * third
		r := rowOf(c, who, points, mbit, from+settleTime, from+third)
		r.Link += fmt.Sprintf(", the %s %.0f", []string{"first", "only", "second"}[i], mbit)
		if i == 0 {
			for _, p := range points {
				r.Points = append(r.Points, [2]float64{p.at, p.age})
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// arrival is a frame: when it came in s, its age in ms.
type arrival struct{ at, age, bytes float64 }

func arrivals(recv *child, begin time.Time, origin float64) (all []arrival) {
	recv.Mu.Lock()
	defer recv.Mu.Unlock()
	for _, line := range recv.Lines {
		var f struct {
			Event                 string
			At, Age, Since, Bytes float64
		}
		if json.Unmarshal([]byte(line), &f) != nil || f.Event != "frame" {
			continue
		}
		if f.Since > 0 {
			f.Age = (f.Since - origin) / 1e6
		}
		all = append(all, arrival{f.At - float64(begin.UnixNano())/1e9, f.Age, f.Bytes})
	}
	return all
}

func rowOf(c linkCase, who linkContender, points []arrival, mbit float64, from, to time.Duration) linkRow {
	r := linkRow{Link: c.name, With: who.name}
	var ages []float64
	var bytes float64
	last := from.Seconds()
	for _, p := range points {
		if p.at > from.Seconds() && p.at < to.Seconds() {
			ages, bytes = append(ages, p.age), bytes+p.bytes
			r.Gap, last = max(r.Gap, (p.at-last)*1e3), p.at
		}
	}
	r.Gap = max(r.Gap, (to.Seconds()-last)*1e3)
	if len(ages) == 0 {
		return r
	}
	slices.Sort(ages)
	seconds := (to - from).Seconds()
	r.Median, r.P95, r.Worst = ages[len(ages)/2], ages[len(ages)*95/100], ages[len(ages)-1]
	r.FPS, r.Use = float64(len(ages))/seconds, bytes*8/1e6/mbit/seconds
	offered := c.offered
	if offered == 0 {
		offered = mbit
	}
	r.Bound = 1.5*(float64(c.rtt.Milliseconds())/2+offered/30/mbit*1e3) + 50
	return r
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
