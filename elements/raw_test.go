package elements_test

import (
	"fmt"
	"testing"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/netgear/netgeartest"
)

// Planes that follow each other without padding stay where they are, too.
func TestPlanesAreNotCopied(t *testing.T) {
	const frames = 5
	for _, c := range []struct {
		format        string
		width, height int
		packed        uint64 // bytes a frame
	}{
		{"video/x-raw,format=I420", 640, 480, 0},
		{"video/x-raw,format=YV12", 64, 48, 0},
		{"video/x-raw,format=NV12", 1920, 1080, 0},
		{"video/x-raw,format=NV21", 20, 6, 0},
		{"video/x-raw,format=P010_10LE", 640, 480, 0},
		{"video/x-raw,format=I420_10LE", 640, 480, 0},
		{"video/x-raw,format=YUY2", 638, 481, 0},
		{"video/x-raw,format=UYVY", 640, 480, 0},
		{"video/x-raw,format=Y444", 640, 480, 0},
		{"video/x-raw,format=GBR", 640, 480, 0},
		{"video/x-bayer,format=grbg", 640, 480, 0},
		{"video/x-raw,format=I420", 636, 480, 636 * 480 * 3 / 2},
		{"video/x-raw,format=NV12", 638, 480, 638 * 480 * 3 / 2},
		{"video/x-raw,format=NV12", 639, 479, 640 * 480 * 3 / 2},
		{"video/x-raw,format=Y444", 637, 480, 637 * 480 * 3},
	} {
		t.Run(fmt.Sprintf("%s %dx%d", c.format, c.width, c.height), func(t *testing.T) {
			packed, copied := gstglue.BytesPacked(), netgeartest.CopiedBytes()
			run(t, fmt.Sprintf("videotestsrc num-buffers=%d ! %s,width=%d,height=%d ! netgearsink raw-formats=any sync=false port=PORT", frames, c.format, c.width, c.height),
				"netgearsrc name=src port=0 ! queue ! fakesink")
			if n := gstglue.BytesPacked() - packed; n != frames*c.packed {
				t.Errorf("%d bytes packed, want %d", n, frames*c.packed)
			}
			if n := netgeartest.CopiedBytes() - copied; n != 0 {
				t.Errorf("%d bytes copied into the transport, want none", n)
			}
		})
	}
}
