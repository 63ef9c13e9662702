package e2e

import (
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// Who can choose chooses BGR: what a Python peer takes three channels for.
func TestRawVideoIsBGR(t *testing.T) {
	sendsCaps(t, "", []choice{
		{"I420 and videoconvert", "videotestsrc num-buffers=2 ! video/x-raw,format=I420 ! videoconvert", "format=(string)BGR,"},
		{"YUY2 and videoconvert", "videotestsrc num-buffers=2 ! video/x-raw,format=YUY2 ! videoconvert", "format=(string)BGR,"},
		{"NV12, scaled", "videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=64 ! videoscale ! videoconvert ! video/x-raw,width=32", "format=(string)BGR,"},
		{"ten bits", "videotestsrc num-buffers=2 ! video/x-raw,format=P010_10LE ! videoconvert", "format=(string)BGR,"},
		{"a source", "videotestsrc num-buffers=2", "format=(string)BGR,"},
		{"a live source", "videotestsrc num-buffers=2 is-live=true ! queue", "format=(string)BGR,"},
		{"a decoder", "videotestsrc num-buffers=2 ! jpegenc ! jpegdec ! videoconvert", "format=(string)BGR,"},
		{"what is asked for", "videotestsrc num-buffers=2 ! video/x-raw,format=RGBA", "format=(string)RGBA,"},
		{"gray stays gray", "videotestsrc num-buffers=2 ! video/x-raw,format=GRAY8 ! videoconvert", "format=(string)GRAY8,"},
	})
}

// choice is a pipeline before a sink, and what the caps that come out of the source
// have in them.
type choice struct{ name, before, want string }

// sendsCaps runs each of them to a sink with those settings.
func sendsCaps(t *testing.T, settings string, choices []choice) {
	t.Helper()
	for _, c := range choices {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink")
			s := launch(t, "%s ! netgearsink %s address=127.0.0.1 port=%d", c.before, settings, r.BoundPort())
			s.Exits(0)
			r.Exits(0)
			if caps := r.caps(); len(caps) != 1 || !strings.Contains(caps[0], c.want) {
				t.Errorf("caps %q, want %s", caps, c.want)
			}
		})
	}
}

// What the sink does not take is an error that names the cure, before the one of
// the element in front that says nothing.
func TestRefusedCapsNameTheCure(t *testing.T) {
	for _, c := range []struct{ name, before, says string }{
		{"a decoder", "videotestsrc num-buffers=1 ! jpegenc ! jpegdec ! netgearsink", "videoconvert"},
		{"a source that can do nothing else", "--filter video/x-raw,format=NV12 videotestsrc num-buffers=1 ! capsfilter name=filter ! netgearsink", "videoconvert"},
		{"appsrc", `--push {"size":4608} appsrc name=in caps=video/x-raw,format=YUY2,width=64,height=36,framerate=25/1 ! netgearsink`, "videoconvert"},
		{"device memory", `--push {"size":4608} appsrc name=in caps=video/x-raw(memory:NVMM),format=BGR,width=64,height=24,framerate=25/1 ! netgearsink`, "nvvidconv"},
		{"H.264 of a file", `--push {"size":9} appsrc name=in caps=video/x-h264,stream-format=avc,alignment=au ! netgearsink`, "h264parse"},
		{"PNG", `--push {"size":9} appsrc name=in caps=image/png ! netgearsink`, "decodebin ! videoconvert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "%s", c.before)
			w.posts("", posted{"caps-refused", errdoc.Sink})
			w.Exits(1)
			for _, e := range w.events("message") {
				if e.Element == errdoc.Sink && !strings.Contains(e.Text, c.says) {
					t.Errorf("%q, want %q in it", e.Text, c.says)
				}
			}
		})
	}
}
