package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// look is what rate.py prints about a sink and its encoder.
type look struct {
	Event, Text, State, Encoder string
	Value                       *float64
	Late, Bitrate, Setting      float64
	Dropped                     int
}

// steered is a pipeline with rate-control, over a slow link.
type steered struct{ script }

// looks returns what rate.py has printed. For Wait, or with the lock held.
func (s steered) looks() (looks []look) {
	for _, line := range s.Lines {
		var l look
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &l) == nil {
			looks = append(looks, l)
		}
	}
	return looks
}

// until waits until ok of the last look.
func (s steered) until(what string, ok func(l look) bool) {
	s.T.Helper()
	s.Await(what, func() bool {
		for _, l := range slices.Backward(s.looks()) {
			if l.Event == "look" || l.Event == "end" {
				return ok(l)
			}
		}
		return false
	})
}

// end stops the pipeline, and returns the final value of the encoder's property.
func (s steered) end() (value float64) {
	s.T.Helper()
	s.Kill(syscall.SIGTERM)
	s.until("to end", func(l look) bool {
		if l.Event == "end" && l.Value != nil {
			value = *l.Value
		}
		return l.Event == "end"
	})
	s.Exits(0)
	return value
}

// steer runs a pipeline of source, encoder and sink, with arguments of rate.py.
func steer(t *testing.T, port int, args []string, property, upstream, settings string) steered {
	t.Helper()
	text := fmt.Sprintf("%s ! netgearsink name=sink address=127.0.0.1 port=%d rate-control=encoder %s", upstream, port, settings)
	argv := append([]string{"testdata/rate.py"}, args...)
	return steered{python(t, "rate", append(argv, property, text)...)}
}

// fakeEncoders compiles the library of encoders for rate.py.
func fakeEncoders(t *testing.T) (library string) {
	t.Helper()
	library = filepath.Join(t.TempDir(), "fakeenc.so")
	if err := kit.Compile(library, "testdata/fakeenc.c", "gstreamer-1.0", "gstreamer-video-1.0"); err != nil {
		t.Fatal(err)
	}
	return library
}

const slowSource = "videotestsrc is-live=true pattern=snow ! video/x-raw,width=320,height=180,framerate=30/1 ! "

// about reports whether a value is near a share of another one.
func about(v *float64, least, most float64) bool { return v != nil && *v >= least && *v <= most }

// The bitrate of an encoder follows the link down and up again, in the unit of its
// property. At the end it has the user's value again.
func TestRateControlFollowsTheLink(t *testing.T) {
	t.Parallel()
	run, wait := together(t)
	for _, c := range []struct {
		encoder, property string
		user, unit        float64 // of the property, in bit/s
		pattern           pattern
	}{
		{"x264enc name=enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=6000", "bitrate", 6000, 1000, pair},
		{"x264enc name=enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=6000", "bitrate", 6000, 1000, pubSub},
		{"queue ! openh264enc name=enc rate-control=bitrate bitrate=6000000 ! tee ! queue max-size-buffers=1 ! h264parse", "bitrate", 6e6, 1, pair},
		{"vp8enc name=enc deadline=1 cpu-used=8 end-usage=cbr target-bitrate=6000000 ! identity", "target-bitrate", 6e6, 1, reqRep},
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(c.encoder, "queue ! "), " ")
		run(name+" "+c.pattern.String(), func(t *testing.T) {
			needs(t, c.encoder)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%s ! fakesink sync=false", c.pattern)
			link := slowLink(t, r.BoundPort(), 4e6, 0)
			s := steer(t, link.Port(), nil, c.property, slowSource+c.encoder, "pattern="+c.pattern.String())
			s.until("to follow 4 Mbit/s", func(l look) bool {
				return l.State == "following" && l.Encoder == name && about(l.Value, 2e6/c.unit, 4.8e6/c.unit)
			})
			link.SetRate(1e6)
			s.until("to follow 1 Mbit/s, young", func(l look) bool { return about(l.Value, 0.2e6/c.unit, 1.3e6/c.unit) && l.Late < 200 })
			link.SetRate(20e6)
			s.until("to have what the user set again", func(l look) bool { return about(l.Value, c.user*0.9, c.user) })
			link.SetRate(1e6)
			s.until("to follow 1 Mbit/s again", func(l look) bool { return about(l.Value, 0.2e6/c.unit, 1.3e6/c.unit) })
			if got := s.end(); got != c.user {
				t.Errorf("after the end %s=%v, want what the user set, %v", c.property, got, c.user)
			}
		})
	}
	wait()
}

// An encoder of JPEG has a quality instead of a bitrate.
func TestRateControlByQuality(t *testing.T) {
	t.Parallel()
	run, wait := together(t)
	const encoder = "videotestsrc is-live=true pattern=zone-plate kx2=2 ky2=2 kt=1 ! video/x-raw,width=640,height=360,framerate=30/1 ! jpegenc name=enc quality=90"
	for _, p := range patterns {
		run(p.String(), func(t *testing.T) {
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%s ! fakesink sync=false", p)
			link := slowLink(t, r.BoundPort(), 3e6, 0)
			s := steer(t, link.Port(), nil, "quality", encoder, "pattern="+p.String())
			s.until("to lower the quality, and be young", func(l look) bool { return about(l.Value, 2, 70) && l.Late < 150 && l.State == "following" })
			link.SetRate(50e6)
			s.until("to have the quality that was set again", func(l look) bool { return about(l.Value, 90, 90) })
			if got := s.end(); got != 90 {
				t.Errorf("quality %v after the end, want 90", got)
			}
		})
	}
	wait()
}

// rate-control-min and rate-control-max bound the bitrate, and rate-control=none
// restores the encoder's setting while the pipeline plays.
func TestRateControlIsBounded(t *testing.T) {
	t.Parallel()
	const encoder = slowSource + "x264enc name=enc tune=zerolatency speed-preset=ultrafast bitrate=1000"
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink sync=false")
	link := slowLink(t, r.BoundPort(), 50e6, 20*time.Millisecond)
	s := steer(t, link.Port(), nil, "bitrate", encoder, "rate-control-min=700000 rate-control-max=3000000")
	s.until("to go to rate-control-max", func(l look) bool { return about(l.Value, 3000, 3000) })
	link.SetRate(0.4e6)
	s.until("to stay at rate-control-min", func(l look) bool { return about(l.Value, 700, 700) })
	s.Kill(syscall.SIGUSR1)
	s.until("to give the encoder back", func(l look) bool { return about(l.Value, 1000, 1000) && l.State == "" })
	s.Kill(syscall.SIGTERM)
	s.until("to end", func(l look) bool { return l.Event == "end" })
}

// The sink finds an encoder that replaces another one.
func TestRateControlFindsTheNextEncoder(t *testing.T) {
	t.Parallel()
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink sync=false")
	link := slowLink(t, r.BoundPort(), 1e6, 0)
	s := steer(t, link.Port(), nil, "bitrate", slowSource+"x264enc name=enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=3000", "")
	lowered := func(l look) bool { return about(l.Value, 100, 1300) }
	s.until("to lower the bitrate", lowered)
	s.Kill(syscall.SIGUSR2)
	s.until("to exchange the encoder", func(l look) bool { return !lowered(l) })
	s.until("to lower the bitrate of the new one", lowered)
	if got := s.end(); got != 2048 {
		t.Errorf("bitrate %v of the new encoder after the end, want its own, 2048", got)
	}
}

// Stand-ins for hardware encoders are set in the unit of each.
func TestRateControlOfHardware(t *testing.T) {
	t.Parallel()
	library := fakeEncoders(t)
	for _, c := range []struct {
		factory, property, kind string
		unit                    float64
	}{
		{"nvv4l2h264enc", "bitrate", "number", 1},
		{"nvv4l2h265enc", "bitrate", "number", 1},
		{"v4l2h264enc", "extra-controls", "structure", 1},
		{"vaapih264enc", "bitrate", "number", 1000},
		{"vah264lpenc", "bitrate", "number", 1000},
		{"qsvh264enc", "bitrate", "number", 1000},
		{"nvh264enc", "bitrate", "number", 1000},
		{"nvjpegdevice1enc", "quality", "number", 50_000}, // bit/s for each step of quality
		{"nvautogpujpegenc", "quality", "number", 50_000},
		{"mpph264enc", "bps", "number", 1},
		{"omxh264enc", "target-bitrate", "number", 1},
		{"vtenc_h264", "bitrate", "number", 1000},
	} {
		t.Run(c.factory, func(t *testing.T) {
			t.Parallel()
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink sync=false")
			link := slowLink(t, r.BoundPort(), 2e6, 0)
			user := 5e6 / c.unit
			property := c.property
			if c.kind == "structure" {
				property += ".video_bitrate"
			}
			s := steer(t, link.Port(), []string{"--fake", library, fmt.Sprintf("%s:%s:%s:%.0f:%.0f", c.factory, c.property, c.kind, c.unit, user)}, property,
				"videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 ! "+c.factory+" name=enc", "")
			least, most, unit := 1.2e6/c.unit, 2.2e6/c.unit, c.unit
			if c.property == "quality" { // the stand-in is no JPEG encoder, so that it is found is all
				least, most, unit = 1, user-1, 1
			}
			s.until("to follow 2 Mbit/s", func(l look) bool {
				return l.State == "following" && l.Encoder == c.factory && about(l.Value, least, most) && math.Abs(l.Setting-*l.Value*unit) < 0.1*l.Setting
			})
			if got := s.end(); got != user && c.kind != "structure" {
				t.Errorf("%s=%v after the end, want %v", c.property, got, user)
			}
		})
	}
}

// The sink warns once of an encoder that cannot follow, and drops frames instead.
func TestRateControlThatCannotFollow(t *testing.T) {
	t.Parallel()
	run, wait := together(t)
	library := fakeEncoders(t)
	for _, c := range []struct {
		row, upstream, property, state string
		fake                           string
		pattern                        pattern
	}{
		{row: "rate-no-encoder", upstream: "videotestsrc is-live=true ! video/x-raw,format=BGR,width=320,height=180,framerate=30/1 ! identity name=enc", property: "datarate", state: "dropping", pattern: pair},
		{row: "rate-deaf", upstream: slowSource + "avenc_mjpeg name=enc bitrate=6000000", property: "bitrate", state: "dropping", pattern: pair},
		{row: "rate-ignored", upstream: slowSource + "x264enc name=enc tune=zerolatency speed-preset=ultrafast pass=quant quantizer=15", property: "bitrate", state: "dropping", pattern: pubSub},
		{
			row: "rate-ignored", upstream: slowSource + "nvv4l2h264enc name=enc", property: "bitrate", state: "dropping", pattern: pair,
			fake: "nvv4l2h264enc:bitrate:number:1:4000000:deaf",
		},
		{row: "rate-lowest", upstream: slowSource + "jpegenc name=enc", property: "quality", state: "dropping", pattern: pair},
	} {
		run(c.row+" "+c.pattern.String(), func(t *testing.T) {
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%s ! fakesink sync=false", c.pattern)
			link := slowLink(t, r.BoundPort(), 1e6, 0)
			var args []string
			if c.fake != "" {
				args = []string{"--fake", library, c.fake}
			}
			s := steer(t, link.Port(), args, c.property, c.upstream, "pattern="+c.pattern.String())
			s.until("to drop frames", func(l look) bool { return l.State == c.state && l.Dropped > 20 })
			s.until("to be young all the same", func(l look) bool { return l.Late < 400 })
			s.end()
			_, row := errdoc.Find(c.row)
			told := 0
			for _, l := range s.looks() {
				if l.Event == "warning" && row.Matches(l.Text) {
					told++
				}
			}
			if told != 1 {
				t.Errorf("the warning %s came %d times, want it once", c.row, told)
			}
		})
	}
	wait()
}

// H.264 in pub-sub goes on when a link has become slow: the sink drops all frames when
// they have waited for too long, and asks for a key frame.
func TestRateControlOfPublishedVideo(t *testing.T) {
	t.Parallel()
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=pub-sub ! identity name=i silent=false ! fakesink sync=false")
	link := slowLink(t, r.BoundPort(), 8e6, 0)
	s := steer(t, link.Port(), nil, "bitrate", slowSource+"x264enc name=enc tune=zerolatency speed-preset=ultrafast key-int-max=6000 bitrate=6000", "pattern=pub-sub")
	arrived := func() int { return r.Count(`last-message = chain`) }
	within(t, "frames", func() bool { return arrived() > 60 })
	link.SetRate(0.6e6)
	s.until("to drop frames, and to follow", func(l look) bool { return l.Dropped > 0 && about(l.Value, 100, 900) })
	before := arrived()
	within(t, "frames over a slow link", func() bool { return arrived() > before+60 })
	s.end()
}
