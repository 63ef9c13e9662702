package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// codec is a kind of encoded video. Its encoders make key frames only when they
// are asked for one, and no B-frames.
type codec struct {
	name, media string
	encoder     string
	decoder     string
}

var codecs = []codec{
	{"x264enc", "video/x-h264", "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=100000", "avdec_h264 max-threads=1"},
	{"openh264enc", "video/x-h264", "openh264enc gop-size=100000", "openh264dec"},
	{"x265enc", "video/x-h265", "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=100000 log-level=none ! h265parse config-interval=-1", "avdec_h265 max-threads=1"},
	{"vp8enc", "video/x-vp8", "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=100000", "vp8dec"},
	{"vp9enc", "video/x-vp9", "vp9enc deadline=1 cpu-used=8 lag-in-frames=0 keyframe-max-dist=100000", "vp9dec"},
	{"av1enc", "video/x-av1", "av1enc usage-profile=realtime cpu-used=8 keyframe-max-dist=100000", "av1dec"},

	// JPEG, which travels in another way.
	{"avenc_mjpeg", "image/jpeg", "avenc_mjpeg", "jpegdec"},
	{"multipartdemux", "image/jpeg", "jpegenc ! multipartmux ! multipartdemux", "jpegdec"},
}

const h264, vp8 = 0, 3 // of codecs

// moving is a picture that changes with each frame, so that a picture that was decoded
// from the wrong frames shows.
const moving = "video/x-raw,format=I420,width=64,height=48,framerate=30/1"

// encode is the beginning of a pipeline: encoded frames go on, and their decoded pictures
// go into the files of a folder.
func encode(t *testing.T, c codec, source string) (begin, dir string) {
	t.Helper()
	needs(t, c.encoder)
	needs(t, c.decoder)
	dir = t.TempDir()
	return fmt.Sprintf("%s ! %s ! %s ! tee name=t t. ! queue max-size-time=0 max-size-buffers=0 ! %s ! multifilesink location=%s/%%05d t. ! queue",
		source, moving, c.encoder, c.decoder, dir), dir
}

// live is a source that does not end.
const live = "videotestsrc is-live=true pattern=ball"

// decode is the end of a pipeline that writes decoded pictures into files.
func decode(t *testing.T, c codec) (end, dir string) {
	end, dir = receive(t)
	return c.decoder + " ! " + end, dir
}

// run returns where in want the pictures got stand, one after the other, or -1.
func run(got, want [][]byte) int {
	for i := range want {
		if i+len(got) <= len(want) && slices.EqualFunc(got, want[i:i+len(got)], bytes.Equal) {
			return i
		}
	}
	return -1
}

// pictures counts the pictures that have been written into a folder.
func pictures(t *testing.T, dir string) int {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// has waits for n pictures in a folder.
func has(t *testing.T, dir string, n int) {
	t.Helper()
	within(t, fmt.Sprintf("%d pictures", n), func() bool { return pictures(t, dir) >= n })
}

// Every picture arrives, and decodes to the same picture as at the sender.
func TestEncodedVideo(t *testing.T) {
	for i, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := confirmed[i%2]
			end, dir := decode(t, c)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! %s", p, end)
			begin, wantDir := encode(t, c, "videotestsrc num-buffers=20 pattern=ball")
			inFlight := ""
			if p == pair {
				inFlight = "in-flight=4"
			}
			s := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false %s", begin, r.BoundPort(), p, inFlight)
			s.Exits(0)
			r.Exits(0)
			got, want := frameFiles(t, dir), frameFiles(t, wantDir)
			if len(want) != 20 || len(got) != 20 || run(got, want) != 0 {
				t.Errorf("%d pictures, not the %d that were sent", len(got), len(want))
			}
			caps := r.caps()
			if len(caps) != 1 || !strings.HasPrefix(caps[0], c.media+",") || !strings.Contains(caps[0], "width=(int)64, height=(int)48, framerate=(fraction)") {
				t.Errorf("caps %q, want %s once, with the size", caps, c.media)
			}
			if r.Warnings()+s.Warnings() != 0 {
				t.Errorf("%d and %d warnings, want none", s.Warnings(), r.Warnings())
			}
		})
	}
}

// A receiver that comes late, or again, starts at a key frame that was made for it. Its
// first picture is right.
func TestEncodedVideoForLateReceiver(t *testing.T) {
	for i, c := range codecs {
		if c.media == "image/jpeg" {
			continue
		}
		for _, p := range patterns {
			if i != h264 && p != patterns[(i+1)%3] {
				continue
			}
			if c.name == "av1enc" { // of GStreamer 1.22 cannot be asked
				c.encoder = strings.Replace(c.encoder, "100000", "15", 1)
			}
			t.Run(fmt.Sprintf("%v/%s", p, c.name), func(t *testing.T) {
				t.Parallel()
				port := freePort(t)
				connect := ""
				sinkBind := ""
				if p == pubSub {
					connect, sinkBind = "bind=false", "bind=true"
				}
				listen := func() (pipeline, string) {
					end, dir := decode(t, c)
					return launch(t, "netgearsrc address=127.0.0.1 port=%d pattern=%v %s ! identity silent=false ! %s", port, p, connect, end), dir
				}
				begin, wantDir := encode(t, c, live)
				s := launchArgs(t, append([]string{"-e"}, strings.Fields(fmt.Sprintf(
					"%s ! netgearsink name=sink address=127.0.0.1 port=%d pattern=%v %s", begin, port, p, sinkBind))...)...)
				first, firstDir := listen()
				has(t, firstDir, 8)
				first.Kill(syscall.SIGKILL)
				first.Await("to end", func() bool { return first.Ended })
				second, secondDir := listen()
				has(t, secondDir, 8)
				s.Kill(syscall.SIGINT)
				s.Exits(0)
				second.Exits(0)

				want := frameFiles(t, wantDir)
				a, b := frameFiles(t, firstDir), frameFiles(t, secondDir)
				a = a[:len(a)-1] // which may have been cut off
				i, k := run(a, want), run(b, want)
				if i < 0 || k <= i {
					t.Errorf("%d pictures at %d, then %d at %d, of %d: want each after the other", len(a), i, len(b), k, len(want))
				}
				for _, r := range []pipeline{first, second} {
					flags := r.Says(`last-message = chain .*flags: \S+ (.*?),`)[0]
					if strings.Contains(flags, "delta-unit") || !strings.Contains(flags, "discont") {
						t.Errorf("the first buffer has the flags %q, want a key frame and a discontinuity", flags)
					}
				}
			})
		}
	}
}

// A sender that is killed and restarted begins with a key frame.
func TestEncodedVideoOfRestartedSender(t *testing.T) {
	t.Parallel()
	c := codecs[h264]
	end, dir := decode(t, c)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! %s", end)
	begin, firstDir := encode(t, c, live)
	first := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d", begin, r.BoundPort())
	has(t, dir, 8)
	first.Kill(syscall.SIGKILL)
	first.Await("to end", func() bool { return first.Ended })
	begin, secondDir := encode(t, c, "videotestsrc pattern=snow num-buffers=10")
	second := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d sync=false", begin, r.BoundPort())
	second.Exits(0)
	r.Exits(0)
	got, a, b := frameFiles(t, dir), frameFiles(t, firstDir), frameFiles(t, secondDir)
	n := len(got) - 10
	// The last picture of a process that was killed may be missing.
	if n < 8 || run(got[:min(n, len(a)-1)], a) != 0 || len(b) != 10 || run(got[n:], b) != 0 {
		t.Errorf("%d pictures: want those of the first sender (%d), then those of the second (%d)", len(got), len(a), len(b))
	}
}

// A subscriber that is too slow misses pictures, but decodes no wrong ones.
func TestEncodedVideoForSlowSubscriber(t *testing.T) {
	t.Parallel()
	c := codecs[h264]
	c.encoder = strings.Replace(c.encoder, "100000", "10", 1)
	end, dir := decode(t, c)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=pub-sub ! identity sleep-time=120000 ! %s", end)
	begin, wantDir := encode(t, c, live)
	s := launchArgs(t, append([]string{"-e"}, strings.Fields(fmt.Sprintf("%s ! netgearsink address=127.0.0.1 port=%d pattern=pub-sub", begin, r.BoundPort()))...)...)
	has(t, dir, 20)
	s.Kill(syscall.SIGINT)
	s.Exits(0)
	r.Exits(0)
	want := frameFiles(t, wantDir)
	last, gaps, joined := -1, 0, 0
	for i, picture := range frameFiles(t, dir) {
		at := slices.IndexFunc(want[last+1:], func(w []byte) bool { return bytes.Equal(w, picture) })
		if at < 0 {
			t.Fatalf("picture %d is none of those that were sent after the one before it", i)
		}
		switch {
		case last < 0:
		case at > 0:
			gaps++
		default:
			joined++
		}
		last += at + 1
	}
	// If single frames were skipped, hardly anything but key frames would be left.
	if gaps == 0 || joined < gaps {
		t.Errorf("of %d pictures, %d came after some that were passed over and %d right after the one before: want groups", len(want), gaps, joined)
	}
}

// A Python peer gets the bytes, which make a file that plays. A relay passes them on.
func TestEncodedVideoToPeer(t *testing.T) {
	t.Parallel()
	c := codecs[h264]
	dir := t.TempDir()
	far := peer(t, "recv --port 0 --save %s", dir)
	relay := launch(t, "netgearsrc address=127.0.0.1 port=0 ! netgearsink address=127.0.0.1 port=%d", far.port())
	begin, wantDir := encode(t, c, "videotestsrc num-buffers=10 pattern=ball")
	s := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d sync=false", begin, relay.BoundPort())
	for _, p := range []*process{s.process, relay.process, far.process} {
		p.Exits(0)
	}
	frames := far.events("frame")
	if len(frames) != 10 {
		t.Fatalf("%d frames, want 10", len(frames))
	}
	var file []byte
	for i, e := range frames {
		name := filepath.Join(dir, fmt.Sprintf("%06d.bin", i))
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, part...)
		if e.DType != "uint8" || !slices.Equal(e.Shape, []int{len(part)}) {
			t.Errorf("frame %d: %s of shape %v, want uint8 of [%d]", i, e.DType, e.Shape, len(part))
		}
		gst := string(e.Header["gst"])
		if got, want := strings.Contains(gst, `"key": false`), i > 0; got != want {
			t.Errorf("frame %d is a delta: %v, want %v (%s)", i, got, want, gst)
		}
		for _, want := range []string{"video/x-h264, ", "stream-format=(string)byte-stream", "alignment=(string)au", "width=(int)64", "framerate=(fraction)30/1"} {
			if !strings.Contains(gst, want) {
				t.Errorf("frame %d: key gst %s, want %s in it", i, gst, want)
			}
		}
	}
	name := filepath.Join(dir, "video.h264")
	writeFile(t, name, file)
	end, playedDir := decode(t, c)
	launch(t, "filesrc location=%s ! h264parse ! %s", name, end).Exits(0)
	if got, want := frameFiles(t, playedDir), frameFiles(t, wantDir); len(got) != 10 || run(got, want) != 0 {
		t.Errorf("the file has %d pictures, not the %d that were sent", len(got), len(want))
	}
}

// The size changes in mid-stream.
func TestEncodedVideoChangesItsSize(t *testing.T) {
	t.Parallel()
	end, dir := decode(t, codecs[h264])
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! %s", end)
	s := launch(t, "concat name=c ! %s ! netgearsink address=127.0.0.1 port=%d sync=false "+
		"videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=64,height=48 ! c. videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=96,height=64 ! c.",
		codecs[h264].encoder, r.BoundPort())
	s.Exits(0)
	r.Exits(0)
	var sizes []int
	for _, f := range frameFiles(t, dir) {
		sizes = append(sizes, len(f))
	}
	const small, large = 64 * 48 * 3 / 2, 96 * 64 * 3 / 2
	if want := slices.Concat(slices.Repeat([]int{small}, 5), slices.Repeat([]int{large}, 5)); !slices.Equal(sizes, want) {
		t.Errorf("pictures of %v bytes, want %v", sizes, want)
	}
	if caps := r.caps(); len(caps) != 2 {
		t.Errorf("caps %q, want them twice", caps)
	}
}

// B-frames come in the order of decoding, with timestamps in the order of display.
func TestEncodedVideoWithBFrames(t *testing.T) {
	t.Parallel()
	c := codecs[h264]
	c.encoder = "x264enc speed-preset=ultrafast bframes=2 b-adapt=false key-int-max=100000"
	end, dir := decode(t, c)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 timestamp-mode=sender ! %s", end)
	begin, wantDir := encode(t, c, "videotestsrc num-buffers=20 pattern=ball")
	s := launch(t, "%s ! netgearsink address=127.0.0.1 port=%d", begin, r.BoundPort())
	s.Exits(0)
	r.Exits(0)
	if got, want := frameFiles(t, dir), frameFiles(t, wantDir); len(got) != 20 || run(got, want) != 0 {
		t.Errorf("%d pictures, not the %d that were sent, in their order", len(got), len(want))
	}
}

// Caps that cannot be sent are an error that says so, before anything is sent.
func TestEncodedVideoRefused(t *testing.T) {
	const source = "videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! x264enc tune=zerolatency ! "
	for _, test := range []struct{ name, rest, domain, code, says string }{
		{"no extensions", "netgearsink extensions=false", "library", "settings", "extensions=true"},
		{"shared out", "netgearsink multiclient-mode=true pattern=req-rep ports=1,2", "library", "settings", "multiclient-mode=true"},
		{"the other stream-format", "video/x-h264,stream-format=avc ! netgearsink", "stream", "failed", "not-negotiated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "%s", source+test.rest)
			w.Fails()
			if test.code == "failed" {
				return // not even linked
			}
			for _, e := range w.events("message") {
				if e.Kind == "error" && e.Domain == test.domain && e.Code == test.code && strings.Contains(e.Text, test.says) {
					return
				}
			}
			t.Errorf("want the error %s/%s with %q", test.domain, test.code, test.says)
		})
	}
}

// Caps come from outside. A frame whose caps are not those of encoded video, in whatever
// field, is dropped, and a good frame after it comes through.
func TestEncodedVideoWithHostileCaps(t *testing.T) {
	t.Parallel()
	const good = "video/x-h264, stream-format=byte-stream, alignment=au, width=64, height=48"
	caps := []string{
		"", "x", "ANY", "EMPTY", "video/x-raw, format=GRAY8, width=8, height=8", "video/x-theora", "video/x-h264", "image/jpeg",
		"video/x-h264, stream-format=avc, alignment=au", "video/x-h264, stream-format=byte-stream, alignment=nal",
		"video/x-h264(memory:NVMM), stream-format=byte-stream, alignment=au", "video/x-h264(ANY), stream-format=byte-stream, alignment=au",
		good + "; " + good, good + ", profile={high, main}", good + ", level=5", good + ", framerate=-1/1", good + ", framerate=30",
		good + ", pixel-aspect-ratio=1", good + ", parsed=(string)yes", good + ", colorimetry=" + strings.Repeat("[", 3000),
		"video/x-h264, stream-format=byte-stream, alignment=au, width=0", "video/x-h264, stream-format=byte-stream, alignment=au, width=[1,2]",
		"video/x-vp8, width=(string)wide", "video/x-av1", good + ", profile=" + strings.Repeat("x", 5000),
		good + ", streamheader=(buffer)<00>", good + ", codec_data=(GstCaps)[" + good + "]",
	}
	var gst []string
	for i, text := range append(caps, good, good+", stranger=(string)welcome", "video/x-vp8", good) {
		gst = append(gst, fmt.Sprintf(`{"v": 1, "seq": %d, "t": %d, "caps": %q}`, i, i, text))
	}
	w := watch(t, "netgearsrc address=127.0.0.1 port=0 ! appsink name=out")
	port := w.Says(`bound endpoint=\S+:(\d+)$`)[0]
	s := peerArgs(t, append(strings.Fields(fmt.Sprintf("send --format 1d --frames %d --port %s --gst", len(gst), port)), "["+strings.Join(gst, ", ")+"]")...)
	s.Exits(0)
	w.Exits(0)
	plain := "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, width=(int)64, height=(int)48"
	want := []string{plain, plain, "video/x-vp8", plain}
	var got []string
	for _, e := range w.events("buffer") {
		got = append(got, e.Caps)
	}
	if !slices.Equal(got, want) {
		t.Errorf("buffers with caps %q, want %q", got, want)
	}
	if n := len(w.events("message")); n == 0 {
		t.Error("no warning")
	}
}

// Each of several servers starts at its own key frame, whatever the others send.
func TestEncodedVideoOfSeveralServers(t *testing.T) {
	t.Parallel()
	ports := []int{freePort(t), freePort(t)}
	pair := []codec{codecs[h264], codecs[vp8]}
	var dirs [2]string
	receiver := fmt.Sprintf("netgearsrc multiserver-mode=true pattern=req-rep address=127.0.0.1 ports=%d,%d ! netgeardemux name=d", ports[0], ports[1])
	for i, c := range pair {
		var end string
		end, dirs[i] = decode(t, c)
		receiver += fmt.Sprintf(" d.src_%d ! queue ! %s async=false", ports[i], end)
	}
	r := launch(t, "%s", receiver)
	r.Says(`bound endpoint=`)
	var want [2]string
	var senders [2]pipeline
	for i, c := range pair {
		var begin string
		begin, want[i] = encode(t, c, live)
		senders[i] = launchArgs(t, append([]string{"-e"}, strings.Fields(fmt.Sprintf(
			"%s ! netgearsink multiserver-mode=true pattern=req-rep address=127.0.0.1 port=%d", begin, ports[i]))...)...)
	}
	for i := range pair {
		has(t, dirs[i], 10)
	}
	for _, s := range senders {
		s.Kill(syscall.SIGINT)
		s.Exits(0)
	}
	r.Exits(0)
	for i, c := range pair {
		if got, all := frameFiles(t, dirs[i]), frameFiles(t, want[i]); len(got) < 10 || run(got, all) != 0 {
			t.Errorf("%s: %d pictures, not the first of the %d that were sent", c.name, len(got), len(all))
		}
	}
}
