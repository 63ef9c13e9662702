package e2e

import (
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// A child of fork has none of Go's threads. An element in it posts an error at once, and
// can go back to NULL.
func TestForkedChild(t *testing.T) {
	for element, pipeline := range map[string]string{
		errdoc.Sink:  "videotestsrc num-buffers=5 ! jpegenc ! netgearsink address=127.0.0.1",
		errdoc.Src:   "netgearsrc address=127.0.0.1 port=0 ! fakesink",
		errdoc.Demux: "fakesrc ! netgeardemux ! fakesink",
	} {
		for _, way := range []string{"idle", "made"} {
			t.Run(element+"/"+way, func(t *testing.T) {
				t.Parallel()
				p := python(t, "fork", append([]string{"testdata/fork.py", way}, strings.Fields(pipeline)...)...)
				p.posts("", posted{"forked", element})
				p.event("null", 1)
				p.Exits(0)
			})
		}
	}
}
