package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// sendTo connects to a source and sends frames of 16x12 BGR with these changes of
// their headers, then says goodbye.
func sendTo(t *testing.T, w script, headers ...fields) {
	t.Helper()
	s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
	for _, changes := range headers {
		send(t, s, header(t, changes), pixels)
		recv(t, s)
	}
	send(t, s, `{"terminate_flag": true}`)
}

func saying(caps string) fields { return fields{"gst": fields{"v": 1, "caps": caps}} }

// Wrong caps from strangers are ignored: none of their names stays in memory, and a value
// of a wrong type reaches no element. A critical warning would end the process.
func TestCapsOfStrangers(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string]string{
		"fraction": "video/x-raw, x=(fraction)-2147483648/-1", "par as text": "video/x-raw, pixel-aspect-ratio=(string)x", "colorimetry": "video/x-raw, colorimetry=(int)5",
		"feature": "video/x-raw(string)", "par of 0": "video/x-raw, pixel-aspect-ratio=0/1", "negative par": "video/x-raw, pixel-aspect-ratio=-1/1", "alternate": "video/x-raw, interlace-mode=alternate",
		"huge par": "video/x-raw, pixel-aspect-ratio=2147483647/1", "range": "video/x-raw, width=[16,1]", "caps in caps": "video/x-raw, x=(GstCaps)[video/x-raw]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "netgearsrc address=127.0.0.1 port=0 ! videoconvert ! videoscale ! video/x-raw,width=32 ! appsink name=out")
			sendTo(t, w, saying(caps), fields{}, saying(caps), saying("video/x-raw, pixel-aspect-ratio=(fraction)4/3"))
			w.Exits(0)
			buffers := w.events("buffer")
			if len(buffers) != 4 || strings.Contains(buffers[2].Caps, "4/3") {
				t.Errorf("%d buffers, want 4; %+v", len(buffers), buffers)
			}
		})
	}
	t.Run("names", func(t *testing.T) {
		t.Parallel()
		w := watch(t, "--stats netgearsrc name=src address=127.0.0.1 port=0 ! fakesink")
		var headers []fields
		for i := range 300 {
			var caps strings.Builder
			caps.WriteString("video/x-raw")
			for j := range 270 {
				fmt.Fprintf(&caps, ",n%x=1", i*270+j+1<<24)
			}
			headers = append(headers, saying(caps.String()))
		}
		sendTo(t, w, headers...)
		w.Exits(0)
		stats := w.events("stats")
		first, last := stats[0].RSS, stats[len(stats)-1].RSS
		if last > first+40 {
			t.Errorf("resident memory %.0f MB, then %.0f", first, last)
		}
		if n := stats[len(stats)-1].Src["frames-received"]; n != 300 {
			t.Errorf("%d frames, want 300", n)
		}
	})
}

// The property caps completes what a Python sender does not say.
func TestCapsProperty(t *testing.T) {
	for _, c := range []struct {
		name, settings string
		header         fields
		want           []string // in the caps
	}{
		{"a frame rate", "caps=video/x-raw,framerate=30/1", fields{}, []string{"format=(string)BGR", "framerate=(fraction)30/1", "pixel-aspect-ratio=(fraction)1/1"}},
		{"a shape of pixels", "caps=video/x-raw,pixel-aspect-ratio=4/3,colorimetry=sRGB", fields{}, []string{"framerate=(fraction)0/1", "pixel-aspect-ratio=(fraction)4/3", "colorimetry=(string)sRGB"}},
		{"another order", "caps=video/x-raw,format=RGB", fields{}, []string{"format=(string)RGB"}},
		{"all of it", "caps=video/x-raw,format=BGR,width=16,height=12,framerate=5/1", fields{}, []string{"width=(int)16", "framerate=(fraction)5/1"}},
		{"ranges", "caps=video/x-raw,width=[1,99],framerate=[1/1,30/1]", fields{}, []string{"width=(int)16", "framerate=(fraction)0/1"}},
		{"for several kinds", "caps=image/jpeg;video/x-raw,framerate=7/1", fields{}, []string{"framerate=(fraction)7/1"}},
		{"the sender knows better", "caps=video/x-raw,pixel-aspect-ratio=1/1", fields{"gst": fields{"v": 1, "fps": "9/1"}}, []string{"framerate=(fraction)9/1"}},
		{"encoded video", "caps=video/x-vp8,framerate=30/1", fields{"shape": []int{len(pixels)}}, []string{"video/x-vp8", "framerate=(fraction)30/1"}},
		{"in a URI", "uri=netgear://127.0.0.1:0?caps=video/x-raw,framerate=8/1", fields{}, []string{"framerate=(fraction)8/1"}},
		{"where downstream wants a rate", "caps=video/x-raw,framerate=30/1 ! video/x-raw,framerate=30/1", fields{}, []string{"framerate=(fraction)30/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "netgearsrc address=127.0.0.1 port=0 %s ! appsink name=out", c.settings)
			sendTo(t, w, c.header, c.header)
			w.Exits(0)
			buffers := w.events("buffer")
			if len(buffers) != 2 {
				t.Fatalf("%d buffers, want 2", len(buffers))
			}
			for _, want := range c.want {
				if !strings.Contains(buffers[0].Caps, want) {
					t.Errorf("caps %s, want %s in them", buffers[0].Caps, want)
				}
			}
		})
	}
}

// Where downstream wants a frame rate and the sender has none, the error names the cure.
func TestNoFrameRate(t *testing.T) {
	for _, behind := range []string{"video/x-raw,framerate=30/1 ! fakesink", "videoconvert ! theoraenc ! fakesink", "videoscale ! video/x-raw,width=32,height=24 ! avimux ! fakesink"} {
		t.Run(behind, func(t *testing.T) {
			t.Parallel()
			w := stay(t, "netgearsrc address=127.0.0.1 port=0 ! %s", behind)
			sendTo(t, w, fields{})
			w.posts("", posted{"no-rate", errdoc.Src})
		})
	}
}

// lying is a JPEG of a few bytes that claims 32767x32767 pixels. With arithmetic coding,
// which needs hardly any bits, its markers are valid.
func lying(t *testing.T, arithmetic bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 12)), nil); err != nil {
		t.Fatal(err)
	}
	picture := b.Bytes()
	at := bytes.Index(picture, []byte{0xff, 0xc0})
	picture = slices.Concat(picture[:at+5], []byte{0x7f, 0xff, 0x7f, 0xff}, picture[at+9:])
	if arithmetic {
		picture[at+1] = 0xc9
	}
	return string(picture)
}

// The size of a decoded picture has the same bound as a raw frame.
func TestLyingJPEG(t *testing.T) {
	for _, c := range []struct {
		name       string
		arithmetic bool
		settings   string
		frames     int
	}{
		{"too few bytes", false, "max-frame-size=2000000000", 0},
		{"the default", true, "", 0},
		{"just too large", true, "max-frame-size=1073676288", 0},
		{"told otherwise", true, "max-frame-size=1073676289", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "netgearsrc address=127.0.0.1 port=0 %s ! appsink name=out", c.settings)
			s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
			send(t, s, header(t, fields{"compression": fields{"dct": true, "ups": false, "colorspace": "BGR"}}), lying(t, c.arithmetic))
			recv(t, s)
			send(t, s, `{"terminate_flag": true}`)
			w.Exits(0)
			if n := len(w.events("buffer")); n != c.frames {
				t.Errorf("%d buffers, want %d", n, c.frames)
			}
			if c.frames == 0 {
				w.posted("frame-malformed", errdoc.Src)
			}
		})
	}
}

// A frame with an absurd duration changes nothing for the frames after it.
func TestLatencyBomb(t *testing.T) {
	for _, dur := range []int{1<<63 - 1, 1 << 62, 24 * 3600 * 1e9, 3600 * 1e9} {
		t.Run(fmt.Sprint(dur), func(t *testing.T) {
			t.Parallel()
			w := watch(t, "--stats netgearsrc name=src address=127.0.0.1 port=0 timestamp-mode=sender ! fakesink sync=true")
			var headers []fields
			for i := range 10 {
				gst := fields{"v": 1, "seq": i, "pts": i * 20e6, "dur": 20e6, "fps": "50/1"}
				if i == 0 {
					gst["dur"] = dur
				}
				headers = append(headers, fields{"gst": gst})
			}
			sendTo(t, w, headers...)
			w.Exits(0)
			stats := w.events("stats")
			if n := stats[len(stats)-1].Src["frames-received"]; n != 10 {
				t.Errorf("%d frames, want 10", n)
			}
		})
	}
}

// posted checks that an element has posted the row, when its process has ended.
func (p script) posted(id, element string) {
	p.T.Helper()
	if !slices.ContainsFunc(p.events("message"), posted{id, element}.is) {
		p.T.Errorf("no %s of %s", id, element)
	}
}
