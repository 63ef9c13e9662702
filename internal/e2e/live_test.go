package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// liveCodecs are encoders as people use them, with lookahead and B-frames: what
// leaves them first was taken a while ago, and its decoding time may lie before
// the segment.
var liveCodecs = []codec{
	{"x264enc", "video/x-h264", "x264enc", "avdec_h264 max-threads=1"},
	{"x264enc bframes=0", "video/x-h264", "x264enc bframes=0 speed-preset=ultrafast", "avdec_h264 max-threads=1"},
	{"x264enc bframes=1", "video/x-h264", "x264enc bframes=1 b-adapt=false speed-preset=ultrafast", "avdec_h264 max-threads=1"},
	{"x264enc bframes=3", "video/x-h264", "x264enc bframes=3 b-adapt=false key-int-max=10", "avdec_h264 max-threads=1"},
	{"x264enc bframes=16", "video/x-h264", "x264enc bframes=16 b-adapt=false speed-preset=ultrafast", "avdec_h264 max-threads=1"},
	{"x265enc", "video/x-h265", "x265enc log-level=none ! h265parse config-interval=-1", "avdec_h265 max-threads=1"},
	{"vp8enc", "video/x-vp8", "vp8enc deadline=1 cpu-used=8 lag-in-frames=8", "vp8dec"},
	{"vp9enc", "video/x-vp9", "vp9enc deadline=1 cpu-used=8 lag-in-frames=8", "vp9dec"},
	{"openh264enc", "video/x-h264", "openh264enc", "openh264dec"},
	{"av1enc", "video/x-av1", "av1enc usage-profile=realtime cpu-used=8 lag-in-frames=8", "av1dec"},
}

// Whatever the encoder, each frame of a live source arrives, in order.
func TestLiveEncodedVideo(t *testing.T) {
	for _, c := range liveCodecs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			end, dir := decode(t, c)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! %s", end)
			begin, wantDir := encode(t, c, "videotestsrc is-live=true pattern=ball num-buffers=30")
			s := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d", begin, r.BoundPort())
			s.Exits(0)
			r.Exits(0)
			got, want := frameFiles(t, dir), frameFiles(t, wantDir)
			if len(want) != 30 || len(got) != 30 || run(got, want) != 0 {
				t.Errorf("%d pictures, not the %d that were sent", len(got), len(want))
			}
		})
	}
}

// The times on the wire are those of the buffers that come to the sink, wherever
// these and their segments begin.
func TestLiveTimes(t *testing.T) {
	const (
		picture = " ! video/x-raw,format=I420,width=64,height=48,framerate=50/1"
		x264    = " ! x264enc bframes=3 b-adapt=false rc-lookahead=0 sync-lookahead=0 speed-preset=ultrafast"
		live    = "videotestsrc is-live=true num-buffers=20"
	)
	for _, c := range []struct{ name, source, sink string }{
		{"B-frames", live + picture + x264, ""},
		{"B-frames of a file", "videotestsrc num-buffers=20" + picture + x264, ""},
		{"B-frames and no synchronisation", live + picture + x264, "sync=false"},
		{"B-frames and a limit of lateness", live + picture + x264, "max-lateness=1 qos=true"},
		{"raw", live + " ! video/x-raw,format=BGR,width=8,height=8,framerate=50/1", ""},
		{"JPEG", live + picture + " ! jpegenc", ""},
		{"a segment that begins later", live + " timestamp-offset=5000000000" + picture + x264, ""},
		{"one segment", live + picture + " ! identity single-segment=true" + x264, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			far := peer(t, "recv --port 0")
			s := launch(t, "%s ! identity name=probe silent=false ! netgearsink address=127.0.0.1 port=%d %s", c.source, far.port(), c.sink)
			s.Exits(0)
			far.Exits(0)
			want := s.chained("probe")
			var got []time.Duration
			for _, e := range far.events("frame") {
				var gst struct{ PTS time.Duration }
				if err := json.Unmarshal(e.Header["gst"], &gst); err != nil {
					t.Fatal(err)
				}
				got = append(got, gst.PTS)
			}
			if len(want) != 20 || len(got) != 20 {
				t.Fatalf("%d frames arrived of %d, want 20", len(got), len(want))
			}
			if got, want := fromFirst(got), fromFirst(want); !slices.Equal(got, want) {
				t.Errorf("running times %v, want %v", got, want)
			}
		})
	}
}

// At the source each frame has its place in the order of showing, and the first is shown
// as long after its decoding as at the sender, although it comes before those that are
// shown earlier are known. How far frames are apart depends on how they travel:
// TestTimelineOfEncodedVideo has that. There is no h265parse behind x265enc, because in GStreamer
// 1.18 it makes decoding times before zero, which are no time there, those of showing too.
func TestLiveTimesAtTheSource(t *testing.T) {
	const (
		frames  = 30
		picture = "videotestsrc is-live=true pattern=ball num-buffers=30 ! video/x-raw,format=I420,width=64,height=48,framerate=10/1"
		x264    = "x264enc rc-lookahead=0 sync-lookahead=0 sliced-threads=true speed-preset=ultrafast "
	)
	for _, encoder := range []string{
		"x264enc", x264 + "bframes=0", x264 + "bframes=1 b-adapt=false", x264 + "bframes=2 b-adapt=false", x264 + "bframes=3 b-adapt=false",
		x264 + "bframes=3 b-adapt=false b-pyramid=true", x264 + "bframes=3 b-adapt=false key-int-max=4", x264 + "bframes=5 b-adapt=false b-pyramid=true",
		x264 + "bframes=3 b-adapt=true", x264 + "bframes=16 b-adapt=false", "x265enc log-level=none",
	} {
		for _, mode := range []string{"receive-time", "sender"} {
			t.Run(encoder+" "+mode, func(t *testing.T) {
				t.Parallel()
				needs(t, encoder)
				r := launch(t, "netgearsrc address=127.0.0.1 port=0 timestamp-mode=%s ! identity name=probe silent=false ! decodebin ! identity name=shown silent=false ! fakesink sync=false", mode)
				s := launch(t, "%s ! %s ! identity name=probe silent=false ! netgearsink wait-for-connection=true address=127.0.0.1 port=%d", picture, encoder, r.BoundPort())
				s.Exits(0)
				r.Exits(0)
				sent, got, shown := s.chained("probe"), r.chained("probe"), r.chained("shown")
				if len(sent) != frames || len(got) != frames || len(shown) != frames {
					t.Fatalf("%d frames sent, %d came and %d were decoded, want %d", len(sent), len(got), len(shown), frames)
				}
				if strings.HasPrefix(encoder, "x264enc") { // that of x265enc in GStreamer 1.18 is no time
					if got, want := got[0]-r.timed("probe", "dts")[0], sent[0]-s.timed("probe", "dts")[0]; got != want {
						t.Errorf("the first frame is shown %v after its decoding, want %v", got, want)
					}
				}
				if !slices.Equal(ranks(got), ranks(sent)) {
					t.Errorf("shown in the order %v, want %v", ranks(got), ranks(sent))
				}
				if want := slices.Sorted(slices.Values(got)); !slices.Equal(shown, want) {
					t.Errorf("decoded to the times\n%v, want\n%v; came\n%v, to be decoded at\n%v", shown, want, got, r.timed("probe", "dts"))
				}
			})
		}
	}
}

// ranks returns how many of the times are earlier, for each.
func ranks(times []time.Duration) (ranks []int) {
	for _, d := range times {
		earlier := 0
		for _, other := range times {
			if other < d {
				earlier++
			}
		}
		ranks = append(ranks, earlier)
	}
	return ranks
}

// Frames may come in a list, which takes another way through the base class.
func TestTimesOfBufferLists(t *testing.T) {
	for _, list := range []string{"", `,"list":true`} {
		far := peer(t, "recv --port 0")
		w := watch(t, `--push {"size":50,"times":[60000000,100000000],"early":20000000%s} appsrc name=in format=time caps=%s ! netgearsink sync=false address=127.0.0.1 port=%d`,
			list, "video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1", far.port())
		w.Exits(0)
		far.Exits(0)
		var got []string
		for _, e := range far.events("frame") {
			got = append(got, regexp.MustCompile(`"pts": \d+, "reorder": \d+`).FindString(string(e.Header["gst"])))
		}
		if want := []string{`"pts": 60000000, "reorder": 20000000`, `"pts": 100000000, "reorder": 20000000`}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", list, got, want)
		}
	}
}

// chained returns the times of the buffers that an identity of that name has
// passed on.
func (p pipeline) chained(name string) (pts []time.Duration) {
	p.T.Helper()
	return p.timed(name, "pts")
}

// timed is chained for one of the two times, pts or dts.
func (p pipeline) timed(name, which string) (times []time.Duration) {
	p.T.Helper()
	re := regexp.MustCompile(name + `: last-message = chain .* ` + which + `: (\d+):(\d+):(\d+)\.(\d+)`)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	for _, line := range p.Lines {
		if m := re.FindStringSubmatch(line); m != nil {
			d, err := time.ParseDuration(fmt.Sprintf("%sh%sm%ss%sns", m[1], m[2], m[3], m[4]))
			if err != nil {
				p.T.Fatal(err)
			}
			times = append(times, d)
		}
	}
	return times
}

// fromFirst returns the times since the earliest of them.
func fromFirst(times []time.Duration) (since []time.Duration) {
	for _, d := range times {
		since = append(since, d-slices.Min(times))
	}
	return since
}

// A live source that holds nothing back, as a program's appsrc, is no reason for
// a warning.
func TestLiveSourceWithoutBuffering(t *testing.T) {
	const frame = "video/x-raw,format=BGR,width=16,height=12,framerate=0/1"
	for _, c := range []struct{ name, before, sink string }{
		{"appsrc", "appsrc name=in is-live=true format=time caps=" + frame, ""},
		{"appsrc that stamps", "appsrc name=in is-live=true format=time do-timestamp=true caps=" + frame, ""},
		{"appsrc with a latency", "appsrc name=in is-live=true format=time min-latency=50000000 caps=" + frame, ""},
		{"appsrc and an encoder", "appsrc name=in is-live=true format=time caps=" + frame + " ! jpegenc", ""},
		{"in pub-sub", "appsrc name=in is-live=true format=time caps=" + frame, "pattern=pub-sub bind=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sink := "port=0 address=127.0.0.1 " + c.sink
			var r pipeline
			if c.sink == "" {
				r = launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink")
				sink = fmt.Sprintf("address=127.0.0.1 port=%d", r.BoundPort())
			}
			s := watch(t, `--push {"size":576,"times":[0,20000000,40000000]} %s ! netgearsink %s`, c.before, sink)
			s.Exits(0)
			for _, e := range s.events("message") {
				t.Errorf("%s of %s: %s", e.Kind, e.Element, e.Text)
			}
		})
	}
}
