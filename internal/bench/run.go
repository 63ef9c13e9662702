package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// sample is one run of one contender.
type sample struct {
	fps                float64
	cpu                float64 // s/GB at both ends
	peakSend, peakRecv float64 // MiB
	lost               float64
}

// report is what each end prints.
type report struct {
	Event   string
	Frames  float64
	Least   float64 // of the frames of one of several ends
	Bytes   float64
	Seconds float64
	CPU     float64
	PeakKiB float64 `json:"peak_kib"`
	At      float64 // ns since 1970
}

// runPatience bounds one run; none takes that long unless something hangs.
const runPatience = 60 * time.Second

// once has a contender carry frames from one process to another.
func (b *bench) once(ctx context.Context, c benchCase, who contender) (s sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, runPatience)
	defer cancel()
	frames := max(int(c.payload.rate*b.seconds*who.share), 20)
	port, err := kit.FreePort()
	if err != nil {
		return s, err
	}
	recv, err := b.start(ctx, who.recv(b, c.payload, port, frames))
	if err != nil {
		return s, err
	}
	defer recv.stop()
	if _, err := recv.until("started"); err != nil {
		return s, fmt.Errorf("receiver: %w", err)
	}
	send, err := b.start(ctx, who.send(b, c.payload, port, frames))
	if err != nil {
		return s, err
	}
	defer send.stop()
	out, err := send.until("end")
	if err != nil {
		return s, fmt.Errorf("sender: %w", err)
	}
	in, err := recv.until("end")
	if err != nil {
		return s, fmt.Errorf("receiver: %w", err)
	}
	arrived := in.Frames - 1
	if !who.whole {
		arrived = in.Bytes / float64(c.payload.size)
	}
	s = sample{
		fps: arrived / in.Seconds, cpu: in.CPU/in.Bytes*1e9 + out.CPU/out.Bytes*1e9,
		peakSend: out.PeakKiB / 1024, peakRecv: in.PeakKiB / 1024,
		lost: max(0, 1-(arrived+1)/float64(frames)),
	}
	if s.lost < 1/float64(frames) {
		s.lost = 0
	}
	return s, nil
}

// child is a running process that prints reports.
type child struct{ *kit.Process }

// start starts one, which ends with ctx.
func (b *bench) start(ctx context.Context, argv []string, more ...string) (*child, error) {
	env, err := kit.Env(b.build, more...)
	if err != nil {
		return nil, err
	}
	p, err := kit.Command{Name: strings.Join(argv, " "), Args: argv, Env: env}.Start()
	if err != nil {
		return nil, err
	}
	c := &child{p}
	context.AfterFunc(ctx, c.stop)
	return c, nil
}

func (c *child) until(event string) (r report, err error) {
	err = c.Wait("to say "+event, runPatience, func() bool {
		return slices.ContainsFunc(c.Lines, func(line string) bool { return json.Unmarshal([]byte(line), &r) == nil && r.Event == event })
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, c.Excerpt())
	}
	return r, err
}

func (c *child) stop() { c.Kill(syscall.SIGKILL) }

const (
	native = "internal/bench/native/"
	pypeer = native + "pypeer.py"
)

// prepare compiles the tools and writes the payloads.
func (b *bench) prepare(ctx context.Context) error {
	if _, err := os.Stat(native); err != nil {
		return fmt.Errorf("run from the top of the source tree: %w", err)
	}
	if err := os.MkdirAll(b.folder, 0o755); err != nil {
		return err
	}
	for tool, library := range map[string]string{"gstrun": "gstreamer-base-1.0", "zmqpeer": "libzmq"} {
		if err := kit.Compile(b.tool(tool), native+tool+".c", library); err != nil {
			return err
		}
	}
	for _, p := range payloads {
		data := make([]byte, p.size)
		for i := 0; i+8 <= len(data); i += 8 {
			n := rand.Uint64()
			for k := range 8 {
				data[i+k] = byte(n >> (8 * k))
			}
		}
		if p.height == 0 {
			var err error
			if data, err = jpegOf(p.size); err != nil {
				return err
			}
		}
		if err := os.WriteFile(b.file(p), data, 0o644); err != nil {
			return err
		}
	}
	return b.pictures(ctx)
}

// jpegOf returns a JPEG of exactly that size, with comments in it.
func jpegOf(size int) ([]byte, error) {
	m := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range m.Pix {
		m.Pix[i] = byte(i%640/4 + i/640/4)
	}
	rgb := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
	copy(rgb.Y, m.Pix)
	for i := range rgb.Cb {
		rgb.Cb[i], rgb.Cr[i] = 100, 150
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, rgb, nil); err != nil {
		return nil, err
	}
	data := buf.Bytes()
	out := append([]byte{}, data[:2]...)
	for missing := size - len(data); missing > 0; {
		n := min(missing, 60_000)
		if missing-n > 0 && missing-n < 4 {
			n -= 4
		}
		if n < 4 {
			return nil, fmt.Errorf("cannot make a JPEG of %d bytes", size)
		}
		out = append(out, 0xff, 0xfe, byte((n-2)>>8), byte(n-2))
		out = append(out, make([]byte, n-4)...)
		missing -= n
	}
	return append(out, data[2:]...), nil
}

// pictures writes a picture that is neither flat nor noise, as BGR and I420.
func (b *bench) pictures(ctx context.Context) error {
	const w, h = 1920, 1080
	bgr := make([]byte, 0, w*h*3)
	for y := range h {
		for x := range w {
			c := color.YCbCr{Y: byte(40 + (x*x/4000+y*y/2000)%160 + rand.IntN(16)), Cb: byte(90 + x/32), Cr: byte(90 + y/20)}
			r, g, bl := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			bgr = append(bgr, bl, g, r)
		}
	}
	raw := filepath.Join(b.folder, "picture.bgr")
	if err := os.WriteFile(raw, bgr, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "gst-launch-1.0", "-q", "filesrc", "location="+raw, "blocksize=6220800", "!",
		payloads[0].caps, "!", "videoconvert", "!", "video/x-raw,format=I420", "!", "filesink", "location="+filepath.Join(b.folder, "picture.i420"))
	cmd.Env = append(os.Environ(), "GST_REGISTRY="+filepath.Join(b.build, "registry.bin"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gst-launch-1.0: %w: %s", err, out)
	}
	return nil
}

// saveFigures writes what was found, and draws it.
func (b *bench) saveFigures(ctx context.Context, what string, rows any) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	figures := filepath.Join(b.build, "bench-"+what+".json")
	if err := os.WriteFile(figures, append(text, '\n'), 0o644); err != nil {
		return err
	}
	picture := filepath.Join(b.build, "bench-"+what+".svg")
	cmd := exec.CommandContext(ctx, kit.Python(), native+"plot.py", figures, picture)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("plot.py: %w", err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s and %s\n", figures, picture)
	return nil
}
