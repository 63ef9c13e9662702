// Program bench measures the elements side by side with what a user might
// take instead: bare libzmq in C, NetGear's calls in Python, and GStreamer's
// own network elements.
//
// Every figure is taken between the first and the last frame at the receiver;
// repetitions of the contenders alternate, and medians are shown.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var b bench
	flag.StringVar(&b.build, "build", "build", "folder of the plugin, and of what is written")
	flag.IntVar(&b.reps, "reps", 5, "repetitions of each measurement")
	flag.Float64Var(&b.seconds, "seconds", 0, "about how long ours takes in each; 0: a second, and 10 for links")
	flag.StringVar(&b.only, "only", "", "cases whose names contain this")
	flag.StringVar(&b.congestion, "congestion", "", "congestion control of the senders of links, such as cubic or bbr; empty: the system's")
	what := flag.String("what", "speed", "speed, chain, latency, scale or links")
	flag.Parse()
	if b.seconds == 0 {
		b.seconds = 1
		if *what == "links" {
			b.seconds = 10
		}
	}
	if err := b.run(ctx, *what); err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}

// bench is the settings of a run, and what it found.
type bench struct {
	build   string
	reps    int
	seconds float64
	only    string
	folder  string // of payloads and tools
	rows    []row

	congestion string // control of the senders of links; empty: the system's
}

// row is the medians of one contender in one case.
type row struct {
	Case      string  `json:"case"`
	Contender string  `json:"contender"`
	FPS       float64 `json:"fps"`
	CPU       float64 `json:"cpu_per_gb"` // seconds at both ends
	PeakSend  float64 `json:"peak_send_mib"`
	PeakRecv  float64 `json:"peak_recv_mib"`
	Ratio     float64 `json:"ratio"` // of ours to this one
	Lost      float64 `json:"lost"`  // share of the frames that did not arrive
}

func (b *bench) run(ctx context.Context, what string) error {
	var err error
	if b.build, err = filepath.Abs(b.build); err != nil {
		return err
	}
	b.folder = filepath.Join(b.build, "bench")
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var cases []benchCase
	switch what {
	case "speed":
		cases = speedCases()
	case "chain":
		cases = chainCases()
	case "scale":
		return b.scale(ctx)
	case "links":
		return b.links(ctx)
	case "latency":
		return b.latency(ctx)
	default:
		return fmt.Errorf("-what=%s: want speed, chain, latency, scale or links", what)
	}
	for _, c := range cases {
		if !strings.Contains(c.name, b.only) {
			continue
		}
		if err := b.measure(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	b.print(os.Stdout)
	return b.saveFigures(ctx, what, b.rows)
}

// measure runs all contenders of a case in turn, several times over.
func (b *bench) measure(ctx context.Context, c benchCase) error {
	samples := map[string][]sample{}
	for rep := range b.reps {
		fmt.Fprintf(os.Stderr, "%s: %d of %d\n", c.name, rep+1, b.reps)
		for _, who := range c.contenders {
			s, err := b.once(ctx, c, who)
			if err != nil {
				return fmt.Errorf("%s: %w", who.name, err)
			}
			samples[who.name] = append(samples[who.name], s)
		}
	}
	ours := median(samples[c.contenders[0].name], func(s sample) float64 { return s.fps })
	for _, who := range c.contenders {
		of := func(f func(sample) float64) float64 { return median(samples[who.name], f) }
		r := row{
			Case: c.name, Contender: who.name, FPS: of(func(s sample) float64 { return s.fps }),
			CPU:      of(func(s sample) float64 { return s.cpu }),
			PeakSend: of(func(s sample) float64 { return s.peakSend }),
			PeakRecv: of(func(s sample) float64 { return s.peakRecv }),
			Lost:     of(func(s sample) float64 { return s.lost }),
		}
		r.Ratio = ours / r.FPS
		b.rows = append(b.rows, r)
	}
	return nil
}

func median(s []sample, f func(sample) float64) float64 {
	values := make([]float64, len(s))
	for i := range s {
		values[i] = f(s[i])
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// print writes a table in Markdown.
func (b *bench) print(to *os.File) {
	w := tabwriter.NewWriter(to, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "| case\t| with\t| frames/s\t| ours : it\t| CPU s/GB\t| peak MiB, send + receive\t| lost\t|\n")
	fmt.Fprintf(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|\n")
	for _, r := range b.rows {
		lost := "0"
		if r.Lost > 0 {
			lost = fmt.Sprintf("%.0f %%", 100*r.Lost)
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %.0f\t| %.2f\t| %.2f\t| %.0f + %.0f\t| %s\t|\n", r.Case, r.Contender, r.FPS, r.Ratio, r.CPU, r.PeakSend, r.PeakRecv, lost)
	}
	_ = w.Flush() // to the terminal
}
