package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// each runs a test for all of these patterns and formats, some at a time.
func each(t *testing.T, ps []pattern, fs []format, test func(t *testing.T, p pattern, f format)) {
	for _, p := range ps {
		for _, f := range fs {
			t.Run(fmt.Sprintf("%v/%s", p, f.name), func(t *testing.T) {
				t.Parallel()
				test(t, p, f)
			})
		}
	}
}

func eachPattern(t *testing.T, ps []pattern, test func(t *testing.T, p pattern)) {
	for _, p := range ps {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// stream says how many frames a sink is to send, and what must stand before it.
// Without confirmations frames may be lost before the receiver has subscribed,
// and those that follow each other at once.
func stream(p pattern) (n int, pace string) {
	if p == pubSub {
		return 20, "identity sleep-time=40000 !" // µs
	}
	return 6, ""
}

func TestSinkToPeer(t *testing.T) {
	each(t, patterns, formats, func(t *testing.T, p pattern, f format) {
		n, pace := stream(p)
		r := peer(t, "recv --pattern %d --port 0", p)
		s := launch(t, "%s ! %s netgearsink address=127.0.0.1 port=%d pattern=%v sync=false", f.source(t, n), pace, r.port(), p)
		s.Exits(0)
		r.Exits(0)
		checkFrames(t, r, p, f, n)
	})
}

func TestSinkToPeerOverIPC(t *testing.T) {
	each(t, patterns, formats[:1], func(t *testing.T, p pattern, f format) {
		n, pace := stream(p)
		path := t.TempDir() + "/s"
		r := peer(t, "recv --pattern %d --protocol ipc --address %s --port 7", p, path)
		r.event("ready", 1)
		s := launch(t, "%s ! %s netgearsink protocol=ipc address=%s port=7 pattern=%v sync=false", f.source(t, n), pace, path, p)
		s.Exits(0)
		r.Exits(0)
		checkFrames(t, r, p, f, n)
	})
}

func TestBindingSinkToPeer(t *testing.T) {
	each(t, patterns, formats[:1], func(t *testing.T, p pattern, f format) {
		n, pace := stream(p)
		const receiver, sender = "recv --pattern %d --connect --port %d", "%s ! %s netgearsink bind=true address=127.0.0.1 port=%d pattern=%v sync=false"
		var r script
		var s pipeline
		if p == pubSub { // the sink would be done before the peer comes
			port := freePort(t)
			r = peer(t, receiver, p, port)
			r.event("ready", 1)
			s = launch(t, sender, f.source(t, n), pace, port, p)
		} else {
			s = launch(t, sender, f.source(t, n), pace, 0, p)
			r = peer(t, receiver, p, s.BoundPort())
		}
		s.Exits(0)
		r.Exits(0)
		checkFrames(t, r, p, f, n)
	})
}

// checkFrames checks what a peer has received: every frame in order, or in
// pub-sub most of them, and the goodbye.
func checkFrames(t *testing.T, r script, p pattern, f format, n int) {
	t.Helper()
	frames := r.events("frame")
	for k, e := range frames {
		i := k
		var gst struct{ Seq int }
		if err := json.Unmarshal(e.Header["gst"], &gst); err != nil {
			t.Errorf("frame %d: key gst: %v", k, err)
		}
		if p == pubSub {
			i = gst.Seq
		} else if gst.Seq != k {
			t.Errorf("frame %d has number %d", k, gst.Seq)
		}
		if got, want := e.SHA256, digest(f.frame(i)); got != want {
			t.Errorf("frame %d: digest of the bytes %s, want %s", i, got, want)
		}
		if want := f.shape(); !slices.Equal(e.Shape, want) || e.DType != f.dtype {
			t.Errorf("frame %d: %s of shape %v, want %s of %v", i, e.DType, e.Shape, f.dtype, want)
		}
		tolerance := 1e-6
		if f.jpeg {
			tolerance = 4
		}
		if want := f.mean(t, i); !closeTo(e.Mean, want, tolerance) {
			t.Errorf("frame %d: means %v, want %v", i, e.Mean, want)
		}
		checkHeader(t, e.Header, p, f)
	}
	switch {
	case p != pubSub && len(frames) != n:
		t.Errorf("%d frames, want %d", len(frames), n)
	case p == pubSub && (len(frames) < n/2 || len(frames) > n):
		t.Errorf("%d frames of %d, want most of them", len(frames), n)
	}
	if bye := r.events("terminate"); len(bye) != 1 || len(bye[0].Header) != 1 {
		t.Errorf("terminate messages: %v, want one with a single key", bye)
	}
}

func checkHeader(t *testing.T, h map[string]json.RawMessage, p pattern, f format) {
	t.Helper()
	want := map[string]string{
		"terminate_flag": "false", "compression": "false", "message": "null", "pattern": fmt.Sprintf(`"%d"`, p),
		"dtype": fmt.Sprintf("%q", f.dtype), "shape": strings.ReplaceAll(fmt.Sprint(f.shape()), " ", ", "),
	}
	if f.jpeg {
		colorspace := "BGR"
		if f.channels == 0 {
			colorspace = "GRAY"
		}
		want["compression"] = fmt.Sprintf(`{"dct": true, "ups": false, "colorspace": %q}`, colorspace)
		want["dtype"], want["shape"] = `""`, `""`
	}
	got := map[string]string{}
	for key, value := range h {
		if key != "gst" {
			got[key] = string(value)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("header %v, want %v", got, want)
	}
}

// receive is the end of a pipeline that writes each buffer to a file.
func receive(t testing.TB) (end, dir string) {
	dir = t.TempDir()
	return fmt.Sprintf("multifilesink location=%s/%%05d", dir), dir
}

// sending are a peer's options for a stream of which nothing is lost, if the source has max-lag=0: else a
// source that the machine holds up skips frames in pub-sub.
func sending(p pattern, f format) string {
	s := fmt.Sprintf("send --pattern %d --format %s --width %d --height %d --frames 6", p, f.peer, width, height)
	if p == pubSub {
		s += " --hwm 100"
	}
	return s
}

func TestPeerToSrc(t *testing.T) {
	each(t, patterns, formats, func(t *testing.T, p pattern, f format) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v max-lag=0 ! %s", p, end)
		s := peer(t, "%s --port %d", sending(p, f), r.BoundPort())
		r.Exits(0)
		s.Exits(0)
		checkReceived(t, r, s, f, dir)
	})
}

func TestPeerToSrcOverIPC(t *testing.T) {
	each(t, patterns, formats[:1], func(t *testing.T, p pattern, f format) {
		end, dir := receive(t)
		path := t.TempDir() + "/s"
		r := launch(t, "netgearsrc protocol=ipc address=%s port=7 pattern=%v max-lag=0 ! %s", path, p, end)
		s := peer(t, "%s --protocol ipc --address %s --port 7", sending(p, f), path)
		r.Exits(0)
		s.Exits(0)
		checkReceived(t, r, s, f, dir)
	})
}

func TestPeerToConnectingSrc(t *testing.T) {
	each(t, patterns, formats[:1], func(t *testing.T, p pattern, f format) {
		end, dir := receive(t)
		s := peer(t, "%s --bind --port 0", sending(p, f))
		r := launch(t, "netgearsrc bind=false address=127.0.0.1 port=%d pattern=%v max-lag=0 ! %s", s.port(), p, end)
		r.Exits(0)
		s.Exits(0)
		checkReceived(t, r, s, f, dir)
	})
}

// Frames reach an element that takes rows of any length without being padded.
func TestPeerToSrcThroughConverter(t *testing.T) {
	t.Parallel()
	end, dir := receive(t)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! videoconvert ! video/x-raw,format=BGRx ! %s", end)
	s := peer(t, "%s --port %d", sending(pair, formats[0]), r.BoundPort())
	r.Exits(0)
	s.Exits(0)
	frames := frameFiles(t, dir)
	if len(frames) != 6 {
		t.Fatalf("%d frames, want 6", len(frames))
	}
	for i, frame := range frames {
		var bgr []byte
		for k := 0; k+3 < len(frame); k += 4 {
			bgr = append(bgr, frame[k:k+3]...)
		}
		if !slices.Equal(bgr, formats[0].frame(i)) {
			t.Errorf("frame %d differs", i)
		}
	}
}

// checkReceived checks the files that r has written against what s has sent.
func checkReceived(t *testing.T, r pipeline, s script, f format, dir string) {
	t.Helper()
	frames, sent := frameFiles(t, dir), s.events("sent")
	if len(frames) != 6 || len(sent) != 6 {
		t.Fatalf("%d frames of %d, want 6", len(frames), len(sent))
	}
	for i, frame := range frames {
		if f.jpeg {
			if digest(frame) != sent[i].SHA256 {
				t.Errorf("frame %d: digest %s, want %s", i, digest(frame), sent[i].SHA256)
			}
			mean := jpegMean(t, frame)
			if red := []float64{0, 0, 255}; f.channels == 3 && !closeTo(mean, red, 4) {
				t.Errorf("frame %d: means %v, want %v", i, mean, red)
			}
			if f.channels == 0 && len(mean) != 1 {
				t.Errorf("frame %d: want one component", i)
			}
			continue
		}
		packed, ok := unpad(frame, f.rowSize(), height)
		if !ok {
			t.Errorf("frame %d: %d bytes, want %d rows of %d, padded to four", i, len(frame), height, f.rowSize())
		} else if want := f.frame(i); !slices.Equal(packed, want) || digest(packed) != sent[i].SHA256 {
			t.Errorf("frame %d: digest %s, want %s, sent %s", i, digest(packed), digest(want), sent[i].SHA256)
		}
	}
	want := []string{fmt.Sprintf("width=(int)%d", width), fmt.Sprintf("height=(int)%d", height)}
	if f.jpeg {
		want = append(want, "image/jpeg", "parsed=(boolean)true", "sof-marker=(int)0", f.caps)
	} else {
		want = append(want, "video/x-raw", "format=(string)"+f.caps)
	}
	caps := r.caps()
	if len(caps) != 1 {
		t.Fatalf("caps %q: want them once", caps)
	}
	for _, w := range want {
		if !slices.Contains(strings.Split(caps[0], ", "), w) {
			t.Errorf("caps %s: want %s in them", caps[0], w)
		}
	}
	if r.Warnings() != 0 {
		t.Errorf("%d warnings, want none", r.Warnings())
	}
}
