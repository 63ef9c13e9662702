package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// latencyRow is one row of the table of latencies, from the pad of the one
// element to the pad of the other.
type latencyRow struct {
	What   string  `json:"what"`
	Median float64 `json:"median_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
	Frames int     `json:"frames"`
}

// latency measures a camera's stream: live, 640x480 JPEG, 30 frames/s.
func (b *bench) latency(ctx context.Context) error {
	var rows []latencyRow
	for _, pattern := range []string{"pair", "req-rep", "pub-sub"} {
		for _, sync := range []bool{false, true} {
			r, err := b.latencyOf(ctx, pattern, sync)
			if err != nil {
				return fmt.Errorf("%s: %w", pattern, err)
			}
			rows = append(rows, r)
		}
	}
	fmt.Println("| live 640x480 JPEG, 30 frames/s | median ms | 99th percentile | worst | frames |")
	fmt.Println("|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %.2f | %.2f | %.2f | %d |\n", r.What, r.Median, r.P99, r.Max, r.Frames)
	}
	return b.saveFigures(ctx, "latency", rows)
}

const latencyFrames = 450

func (b *bench) latencyOf(ctx context.Context, pattern string, sync bool) (r latencyRow, err error) {
	r.What = fmt.Sprintf("%s, sync=%v", pattern, sync)
	fmt.Fprintln(os.Stderr, r.What)
	ctx, cancel := context.WithTimeout(ctx, runPatience)
	defer cancel()
	port, err := kit.FreePort()
	if err != nil {
		return r, err
	}
	in, out := filepath.Join(b.folder, "in.times"), filepath.Join(b.folder, "out.times")
	recv, err := b.start(ctx, b.gst(fmt.Sprintf("netgearsrc name=end address=127.0.0.1 port=%d pattern=%s ! fakesink sync=%v", port, pattern, sync)), "GSTRUN_TIMES="+out)
	if err != nil {
		return r, err
	}
	defer recv.stop()
	if _, err := recv.until("started"); err != nil {
		return r, err
	}
	send, err := b.start(ctx, b.gst(fmt.Sprintf("videotestsrc is-live=true num-buffers=%d ! video/x-raw,width=640,height=480,framerate=30/1 ! jpegenc ! "+
		"netgearsink name=end address=127.0.0.1 port=%d pattern=%s sync=%v", latencyFrames, port, pattern, sync)), "GSTRUN_TIMES="+in)
	if err != nil {
		return r, err
	}
	defer send.stop()
	for _, c := range []*child{send, recv} {
		if _, err := c.until("end"); err != nil {
			return r, err
		}
		if err := c.Wait("to end", runPatience, c.HasEnded); err != nil { // the files are closed then
			return r, err
		}
	}
	entered, err := readTimes(in)
	if err != nil {
		return r, err
	}
	left, err := readTimes(out)
	if err != nil {
		return r, err
	}
	// A subscriber may have missed the first frames, never others here.
	entered = entered[max(0, len(entered)-len(left)):]
	if len(left) != len(entered) || len(left) < latencyFrames/2 {
		return r, fmt.Errorf("%d frames came of %d", len(left), latencyFrames)
	}
	took := make([]float64, len(left))
	for i := range left {
		took[i] = (time.Duration(left[i]) - time.Duration(entered[i])).Seconds() * 1e3
	}
	slices.Sort(took)
	r.Frames, r.Median, r.P99, r.Max = len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	return r, nil
}

func readTimes(path string) (times []int64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		t, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	return times, nil
}
