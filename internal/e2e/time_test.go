package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// testdata/taken.py says what each case is.
func TestCaptureTime(t *testing.T) {
	for _, c := range []string{"unix", "ntp", "relay", "clock"} {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			python(t, "taken "+c, "testdata/taken.py", c).Exits(0)
		})
	}
}

// A Python peer finds the time of capture in the header.
func TestCaptureTimeInTheHeader(t *testing.T) {
	p := peer(t, "recv --port 0 --frames 3")
	launch(t, "-e videotestsrc is-live=true num-buffers=3 ! video/x-raw,format=BGR,width=64,height=48 ! netgearsink address=127.0.0.1 port=%d", p.port())
	for i := range 3 {
		var gst struct{ T, Taken, Age *int64 }
		if err := json.Unmarshal(p.event("frame", i+1).Header["gst"], &gst); err != nil || gst.T == nil || gst.Taken == nil || gst.Age == nil {
			t.Fatalf("frame %d: %+v, %v: want t, taken and age", i, gst, err)
		}
		if *gst.Taken != *gst.T-*gst.Age || *gst.Age < 0 || time.Since(time.Unix(0, *gst.Taken)).Abs() > time.Minute {
			t.Errorf("frame %d: t %d, taken %d, age %d ns", i, *gst.T, *gst.Taken, *gst.Age)
		}
	}
}

// captured is what testdata/capture.py prints.
type captured struct {
	frames  []capturedFrame
	latency time.Duration
}

type capturedFrame struct {
	port string
	tick int64         // its number, the same for all cameras
	pts  time.Duration // by the machine's clock
	off  time.Duration // from the truth
}

// takePictures runs capture.py with a network between cameras and receiver.
func takePictures(t *testing.T, p pattern, cameras int, there, back func() time.Duration, args ...string) (c captured) {
	t.Helper()
	var ports []string
	for range cameras {
		port := freePort(t)
		ports = append(ports, fmt.Sprint(port))
		unevenWay(t, fmt.Sprintf("127.0.0.2:%d", port), port, there, back) // the port is the camera's name too
	}
	s := python(t, "capture", append([]string{"testdata/capture.py", p.String(), strings.Join(ports, ",")}, args...)...)
	s.Exits(0)
	for _, line := range s.Lines {
		var e struct {
			Event   string
			Frames  [][4]json.RawMessage
			Latency time.Duration
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Event != "result" {
			continue
		}
		c.latency = e.Latency
		for _, raw := range e.Frames {
			var f capturedFrame
			for i, field := range []any{&f.port, &f.tick, &f.pts, &f.off} {
				if err := json.Unmarshal(raw[i], field); err != nil {
					t.Fatal(err)
				}
			}
			c.frames = append(c.frames, f)
		}
	}
	if c.latency != 100*time.Millisecond {
		t.Errorf("latency %v: want that of the property", c.latency)
	}
	return c
}

func upTo(most time.Duration) func() time.Duration {
	return func() time.Duration { return rand.N(most) }
}

// settled is how long after its first frame the times of a camera are not checked yet:
// the first frames measure the clocks.
const settled = 3 * time.Second

// neverBack checks that the times of no camera go back.
func (c *captured) neverBack(t *testing.T) {
	t.Helper()
	last := map[string]capturedFrame{}
	for _, f := range c.frames {
		if before, ok := last[f.port]; ok && f.pts < before.pts {
			t.Errorf("camera %s: %v comes after %v", f.port, f.pts, before.pts)
		}
		last[f.port] = f
	}
}

// Over a network that delays frames by up to 30 ms the times are those of capture, and
// smooth.
func TestCaptureModeIsSmooth(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			c := takePictures(t, p, 1, upTo(30*time.Millisecond), upTo(time.Millisecond), "8")
			c.neverBack(t)
			bad, frames := 0, 0
			for i, f := range c.frames[1:] {
				before := c.frames[i]
				if f.pts-c.frames[0].pts < settled {
					continue
				}
				frames++
				spacing := f.pts - before.pts - time.Duration(f.tick-before.tick)*time.Second/30
				if f.off.Abs() > 2*time.Millisecond || spacing.Abs() > time.Millisecond {
					bad++
					t.Logf("frame %d: off by %v, its distance from the one before by %v", f.tick, f.off, spacing)
				}
			}
			if frames < 90 || bad > 1 {
				t.Errorf("%d of %d frames are not where they belong", bad, frames)
			}
		})
	}
}

// Over a network with a longer delay in one direction, which no end can know, the times
// are wrong by half of the difference and no more.
func TestCaptureModeOverAnUnevenWay(t *testing.T) {
	const there, back = 25 * time.Millisecond, 2 * time.Millisecond
	c := takePictures(t, pair, 1, func() time.Duration { return there }, func() time.Duration { return back }, "5")
	c.neverBack(t)
	bad := 0
	for _, f := range c.frames[1:] {
		if f.off.Abs() > (there+back)/2+2*time.Millisecond { // the relay takes its time too, on a busy machine
			bad++
			t.Logf("frame %d: off by %v", f.tick, f.off)
		}
	}
	if len(c.frames) < 60 || bad > len(c.frames)/50 {
		t.Errorf("%d of %d frames are off by more than half of the way", bad, len(c.frames))
	}
}

// Cameras that restart have the right times again.
func TestCaptureModeAfterReconnects(t *testing.T) {
	c := takePictures(t, pair, 1, upTo(10*time.Millisecond), upTo(10*time.Millisecond), "9", "2")
	c.neverBack(t)
	last := c.frames[max(0, len(c.frames)-20):]
	for _, f := range last {
		if f.off.Abs() > 5*time.Millisecond {
			t.Errorf("frame %d: off by %v", f.tick, f.off)
		}
	}
	if len(c.frames) < 100 {
		t.Errorf("%d frames", len(c.frames))
	}
}

// Pictures that eight cameras took at the same moment have the same time.
func TestCamerasInStep(t *testing.T) {
	c := takePictures(t, reqRep, 8, upTo(40*time.Millisecond), upTo(time.Millisecond), "10")
	c.neverBack(t)
	first, sets := map[string]time.Duration{}, map[int64][]capturedFrame{}
	for _, f := range c.frames {
		if _, ok := first[f.port]; !ok {
			first[f.port] = f.pts
		}
		if f.pts-first[f.port] > settled {
			sets[f.tick] = append(sets[f.tick], f)
		}
	}
	bad, whole := 0, 0
	var worst time.Duration
	for _, set := range sets {
		if len(set) < 8 {
			continue
		}
		whole++
		off := slices.MaxFunc(set, func(a, b capturedFrame) int { return cmp.Compare(a.off.Abs(), b.off.Abs()) }).off.Abs()
		if worst = max(worst, off); off > 2*time.Millisecond {
			bad++
		}
	}
	t.Logf("%d sets, the worst %v from capture, %d more than 2 ms", whole, worst, bad)
	if whole < 50 || bad*1000 > whole {
		t.Errorf("%d of %d sets are more than 2 ms from capture", bad, whole)
	}
}

// Where nobody knows the clocks, frames keep the sender's distances in time, and the log
// says once why.
func TestCaptureModeWithoutClocks(t *testing.T) {
	c := takePictures(t, pubSub, 1, upTo(5*time.Millisecond), upTo(time.Millisecond), "4")
	c.neverBack(t)
	for _, f := range c.frames[len(c.frames)/2:] {
		if f.off.Abs() > 100*time.Millisecond {
			t.Errorf("frame %d: off by %v", f.tick, f.off)
		}
	}
	const why = "nobody knows how far the sender's clock is"
	p := peer(t, "send --port %d --frames 5", launchCapture(t, why))
	p.Exits(0)
}

// launchCapture starts a receiver whose log must say a text once before its end.
func launchCapture(t *testing.T, text string) int {
	t.Helper()
	r := launch(t, "--gst-debug=netgear*:5 netgearsrc address=127.0.0.1 port=0 timestamp-mode=capture latency=50 ! fakesink")
	t.Cleanup(func() {
		r.Exits(0)
		if n := r.Count(text); n != 1 {
			t.Errorf("the log says %d times %q", n, text)
		}
	})
	return r.BoundPort()
}
