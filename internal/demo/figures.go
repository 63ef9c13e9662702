package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// figures are what was seen of the stream.
type figures struct {
	sent, received map[uint64]bool // by sequence number
	bytes          int64           // received
	latency        []time.Duration
	arrivals       []time.Time
}

func newFigures() *figures {
	return &figures{sent: map[uint64]bool{}, received: map[uint64]bool{}}
}

func (f *figures) send(e entry) { f.sent[e.seq] = true }

func (f *figures) receive(e entry, now time.Time) {
	f.received[e.seq] = true
	f.bytes += e.bytes
	f.latency = append(f.latency, e.took)
	f.arrivals = append(f.arrivals, now)
}

// lost counts the frames that were sent and never arrived.
func (f *figures) lost() int {
	n := 0
	for seq := range f.sent {
		if !f.received[seq] {
			n++
		}
	}
	return n
}

// rate returns the frames per second of these arrivals, 0 where there are too few.
func rate(arrivals []time.Time) float64 {
	n := len(arrivals)
	if n < 2 || !arrivals[n-1].After(arrivals[0]) {
		return 0
	}
	return float64(n-1) / arrivals[n-1].Sub(arrivals[0]).Seconds()
}

// recent returns the arrivals of the last d before now.
func recent(arrivals []time.Time, now time.Time, d time.Duration) []time.Time {
	i, _ := slices.BinarySearchFunc(arrivals, now.Add(-d), time.Time.Compare)
	return arrivals[i:]
}

// percentile returns the smallest value that p percent of all do not exceed
// (nearest rank), 0 of none.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func (f *figures) progress(now time.Time) string {
	s := fmt.Sprintf("sent %d  received %d", len(f.sent), len(f.received))
	if n := len(f.latency); n > 0 {
		s += fmt.Sprintf("  %.1f frames/s  latency %s", rate(recent(f.arrivals, now, 2*time.Second)), milliseconds(f.latency[n-1]))
	}
	return s
}

func (f *figures) table(picture string) string {
	var b strings.Builder
	for _, r := range [][2]any{
		{"frames sent", len(f.sent)},
		{"frames received", len(f.received)},
		{"frames lost", f.lost()},
		{"frames/s", fmt.Sprintf("%.1f", rate(f.arrivals))},
		{"latency, median", milliseconds(percentile(f.latency, 50))},
		{"latency, 99th percentile", milliseconds(percentile(f.latency, 99))},
		{"bytes received", fmt.Sprintf("%d (%s)", f.bytes, size(f.bytes))},
		{"picture", picture},
	} {
		fmt.Fprintf(&b, "  %-26s%v\n", r[0], r[1])
	}
	return b.String()
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n)/1000, "kMGT"
	for ; v >= 1000 && len(units) > 1; v /= 1000 {
		units = units[1:]
	}
	return fmt.Sprintf("%.1f %cB", v, units[0])
}
