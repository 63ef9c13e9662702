package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// The scale of a camera: JPEG frames of 100 kB at 30 frames/s.
const (
	scaleRate    = 30.0 // frames/s
	scaleSeconds = 5.0
)

var scalePayload = payload{"100 kB JPEG", "100k.jpg", "image/jpeg,width=640,height=480,framerate=30/1", 640, 0, 100_000, 0}

// scaleRow is one point of the curves.
type scaleRow struct {
	What     string  `json:"what"`
	Many     int     `json:"many"`
	FPS      float64 `json:"fps"` // of all of them together, at the receiving end
	Least    float64 `json:"least"`
	CPUSend  float64 `json:"cpu_send"` // share of one core
	CPURecv  float64 `json:"cpu_recv"`
	PeakSend float64 `json:"peak_send_mib"`
	PeakRecv float64 `json:"peak_recv_mib"`
}

// scale measures one sink with many subscribers, and one source with many
// servers, all at a camera's rate and as fast as they can.
func (b *bench) scale(ctx context.Context) error {
	data, err := jpegOf(scalePayload.size)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.file(scalePayload), data, 0o644); err != nil {
		return err
	}
	var rows []scaleRow
	for _, sync := range []bool{true, false} {
		for _, n := range []int{1, 4, 16, 50} {
			r, err := b.subscribers(ctx, n, sync)
			if err != nil {
				return fmt.Errorf("%d subscribers: %w", n, err)
			}
			rows = append(rows, r)
		}
		for _, n := range []int{1, 4, 16} {
			r, err := b.servers(ctx, n, sync)
			if err != nil {
				return fmt.Errorf("%d servers: %w", n, err)
			}
			rows = append(rows, r)
		}
	}
	fmt.Println("| what | frames/s in all | slowest got | CPU of the sending end | of the receiving end | peak MiB, send + receive |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %.0f | %.0f %% | %.0f %% | %.0f %% | %.0f + %.0f |\n", r.What, r.FPS, 100*r.Least, 100*r.CPUSend, 100*r.CPURecv, r.PeakSend, r.PeakRecv)
	}
	return b.saveFigures(ctx, "scale", rows)
}

func (b *bench) subscribers(ctx context.Context, n int, sync bool) (scaleRow, error) {
	port, err := kit.FreePort()
	if err != nil {
		return scaleRow{}, err
	}
	frames := int(scaleRate * scaleSeconds)
	if !sync {
		frames *= 40
	}
	send := b.feed(fmt.Sprintf("benchsrc caps=%s wait=2000 ! netgearsink name=end address=127.0.0.1 port=%d pattern=pub-sub bind=true sync=%v", scalePayload.caps, port, sync), scalePayload, frames)
	recv := b.gst(strings.Repeat(fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d pattern=pub-sub bind=false ! fakesink name=endN sync=false ", port), n))
	return b.point(ctx, fmt.Sprintf("1 sink, %d subscribers, %s", n, rateName(sync)), n, numbered(recv), send, float64(frames))
}

func (b *bench) servers(ctx context.Context, n int, sync bool) (scaleRow, error) {
	var ports []string
	var sinks strings.Builder
	for range n {
		port, err := kit.FreePort()
		if err != nil {
			return scaleRow{}, err
		}
		ports = append(ports, fmt.Sprint(port))
		fmt.Fprintf(&sinks, "benchsrc caps=%s ! netgearsink name=endN address=127.0.0.1 port=%d pattern=req-rep multiserver-mode=true sync=%v ", scalePayload.caps, port, sync)
	}
	frames := int(scaleRate * scaleSeconds)
	if !sync {
		frames = frames * 100 / n
	}
	recv := b.gst(fmt.Sprintf("netgearsrc address=127.0.0.1 ports=%s pattern=req-rep multiserver-mode=true eos-on-terminate=true ! fakesink name=end sync=false enable-last-sample=false", strings.Join(ports, ",")))
	return b.point(ctx, fmt.Sprintf("%d servers, 1 source, %s", n, rateName(sync)), n, recv, numbered(b.feed(sinks.String(), scalePayload, frames)), float64(frames*n))
}

func rateName(sync bool) string {
	if sync {
		return "30 frames/s each"
	}
	return "as fast as they can"
}

// numbered gives each element endN of a launch line a name of its own.
func numbered(argv []string) []string {
	parts := strings.Split(argv[1], "name=endN ")
	var line strings.Builder
	for i, p := range parts {
		if i > 0 {
			fmt.Fprintf(&line, "name=end%d ", i)
		}
		line.WriteString(p)
	}
	argv[1] = line.String()
	return argv
}

func (b *bench) point(ctx context.Context, what string, many int, recvArgs, sendArgs []string, each float64) (r scaleRow, err error) {
	fmt.Fprintln(os.Stderr, what)
	ctx, cancel := context.WithTimeout(ctx, runPatience)
	defer cancel()
	binder, other := recvArgs, sendArgs
	binds := strings.Contains(sendArgs[1], "bind=true")
	if binds {
		binder, other = sendArgs, recvArgs
	}
	first, err := b.start(ctx, binder)
	if err != nil {
		return r, err
	}
	defer first.stop()
	if _, err := first.until("started"); err != nil {
		return r, err
	}
	second, err := b.start(ctx, other)
	if err != nil {
		return r, err
	}
	defer second.stop()
	recv, send := first, second
	if binds {
		recv, send = second, first
	}
	out, err := send.until("end")
	if err != nil {
		return r, err
	}
	in, err := recv.until("end")
	if err != nil {
		return r, err
	}
	return scaleRow{
		What: what, Many: many, FPS: (in.Frames - 1) / in.Seconds, Least: in.Least / each,
		CPUSend: out.CPU / out.Seconds, CPURecv: in.CPU / in.Seconds, PeakSend: out.PeakKiB / 1024, PeakRecv: in.PeakKiB / 1024,
	}, nil
}
