package wire_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const h264 = "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"

// What a sender may say, and what is made of it.
var capsTexts = []struct{ text, want string }{
	{"video/x-raw", "video/x-raw"},
	{"image/jpeg, colorimetry=(string)bt601, chroma-site=(string)jpeg", "image/jpeg, colorimetry=(string)bt601, chroma-site=(string)jpeg"},
	{"video/x-raw, pixel-aspect-ratio=(fraction)4/3, interlace-mode=interleaved", "video/x-raw, pixel-aspect-ratio=(fraction)4/3, interlace-mode=(string)interleaved"},
	{`video/x-raw,format="RGB",colorimetry=(string)"1:4:0:0"`, "video/x-raw, format=(string)RGB, colorimetry=(string)1:4:0:0"},
	{h264 + ", profile=(string)high-4:2:2, level=(string)5.1, width=64, height=(int)48, framerate=30/1, parsed=true", "" +
		"video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, profile=(string)high-4:2:2, level=(string)5.1, width=(int)64, height=(int)48, framerate=(fraction)30/1, parsed=(boolean)true"},
	{
		"video/x-h265, bit-depth-luma=(uint)10, mastering-display-info=(string)1:2:3:4:5:6:7:8:9:10, content-light-level=(string)1000:400",
		"video/x-h265, bit-depth-luma=(uint)10, mastering-display-info=(string)1:2:3:4:5:6:7:8:9:10, content-light-level=(string)1000:400",
	},
	{ // grey, as h264parse of GStreamer 1.26 says it
		h264 + ", profile=(string)high, chroma-format=(string)4:0:0, bit-depth-luma=(uint)8, bit-depth-chroma=(uint)0, parsed=(boolean)true, lcevc=(boolean)false",
		h264 + ", profile=(string)high, chroma-format=(string)4:0:0, bit-depth-luma=(uint)8, bit-depth-chroma=(uint)0, parsed=(boolean)true",
	},
	{"video/x-vp8, framerate=0/1", "video/x-vp8, framerate=(fraction)0/1"},
	// Others are passed over.
	{"video/x-raw, stranger=(string)welcome, a1b2c3=1, x=(fraction)-2147483648/-1, width=8", "video/x-raw, width=(int)8"},
	{`video/x-raw, x="a,b=c", height=8`, "video/x-raw, height=(int)8"},
	{"image/jpeg, multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:/right-view-first/left-flipped", "image/jpeg"},
}

func TestParseCaps(t *testing.T) {
	for _, c := range capsTexts {
		got, err := wire.ParseCaps(c.text)
		if err != nil || got.String() != c.want {
			t.Errorf("%s: %s, %v\nwant %s", c.text, got.String(), err, c.want)
		}
	}
}

// One bad value costs the whole.
var badCaps = []string{
	"", "x", "ANY", "EMPTY", "video/x-theora", "video/x-raw(memory:NVMM)", "video/x-raw(string)", "video/x-raw(string), width=8", "video/x-raw; video/x-raw", "video/x-raw;",
	"video/x-raw, width", "video/x-raw,", "video/x-raw, width=0", "video/x-raw, width=32768", "video/x-raw, width=-1", "video/x-raw, width=(string)8", "video/x-raw, width=99999999999999999999",
	"video/x-raw, width=8, width=8", "video/x-raw, width=[1,2]", "video/x-raw, width={1,2}", `video/x-raw, format="BGR`, "video/x-raw, format=AYUV", "video/x-raw, format=",
	"video/x-raw, pixel-aspect-ratio=(string)x", "video/x-raw, pixel-aspect-ratio=0/1", "video/x-raw, pixel-aspect-ratio=-1/1", "video/x-raw, pixel-aspect-ratio=1/0", "video/x-raw, pixel-aspect-ratio=1",
	"video/x-raw, pixel-aspect-ratio=65536/1", "video/x-raw, pixel-aspect-ratio=-2147483648/-1", "video/x-raw, colorimetry=(int)5", "video/x-raw, colorimetry=bt999", "video/x-raw, colorimetry=1:2:3",
	"video/x-raw, colorimetry=1:7:0:0", "video/x-raw, colorimetry=3:0:0:0", "video/x-raw, colorimetry=-1:0:0:0", "video/x-raw, chroma-site=nowhere", "video/x-raw, chroma-site=none+none+none+none",
	"video/x-raw, interlace-mode=alternate", "video/x-raw, multiview-mode=7", "video/x-h264, framerate=1000001/1", "video/x-h264, framerate=1/86401", "video/x-h264, framerate=1/0",
	"video/x-h264, bit-depth-luma=17", "video/x-h264, profile=a b", "video/x-h264, profile=" + strings.Repeat("x", 41), "video/x-h264, content-light-level=1", "video/x-h264, parsed=(string)yes", "video/x-h264, parsed=maybe",
	"video/x-h264, level=5.1\\,", "video/x-raw, x=<1>", "image/jpeg, " + strings.Repeat("x", wire.MaxCapsLen),
}

func TestParseCapsRefuses(t *testing.T) {
	for _, text := range badCaps {
		if got, err := wire.ParseCaps(text); !isMalformed(err) || got != (wire.Caps{}) {
			t.Errorf("%.80q: %s, %v", text, got.String(), err)
		}
	}
}

func TestEncodedCaps(t *testing.T) {
	for text, want := range map[string]bool{
		h264: true, "video/x-h264": false, "video/x-h264, stream-format=byte-stream": false, "video/x-h264, stream-format=obu-stream, alignment=au": false,
		"video/x-h265, stream-format=byte-stream, alignment=au": true, "video/x-vp8": true, "video/x-vp9, width=8": true, "video/x-av1": false,
		"video/x-av1, alignment=tu": true, "video/x-av1, alignment=tu, stream-format=obu-stream": true, "video/x-av1, alignment=tu, stream-format=byte-stream": false,
		"video/x-raw": false, "image/jpeg": false,
	} {
		c, err := wire.ParseCaps(text)
		if err != nil || c.Encoded() != want {
			t.Errorf("%s: %v, %v; want %v", text, c.Encoded(), err, want)
		}
	}
}

func TestSameBytes(t *testing.T) {
	for _, c := range []struct {
		format, theirs, want string
	}{
		{"BGR", "", "BGR"},
		{"BGR", "RGB", "RGB"},
		{"BGR", "BGRA", ""},
		{"BGRA", "xRGB", "xRGB"},
		{"BGRA", "RGB", ""},
		{"BGRA", "GRAY8", ""},
		{"BGRA", "NV12", ""},
		{"BGRA", "bggr", ""},
		{"GRAY8", "BGR", ""},
		{"GRAY16_LE", "GRAY16_BE", ""},
		{"GRAY16_BE", "GRAY16_BE", "GRAY16_BE"},
	} {
		if got, ok := wire.SameBytes(c.format, c.theirs); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s called %q: %q, %v; want %q", c.format, c.theirs, got, ok, c.want)
		}
	}
}

// FuzzCaps: what is taken has known names and comes out as it went in.
func FuzzCaps(f *testing.F) {
	for _, c := range capsTexts {
		f.Add(c.text)
	}
	for _, text := range badCaps {
		f.Add(text)
	}
	names := []string{}
	for _, field := range wire.CapsFields {
		names = append(names, field.Name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseCaps(text)
		if err != nil {
			if !isMalformed(err) || c != (wire.Caps{}) {
				t.Fatalf("%s, %v", c.String(), err)
			}
			return
		}
		for i, part := range strings.Split(c.String(), ", ") {
			if name, _, _ := strings.Cut(part, "="); i > 0 && !slices.Contains(names, name) {
				t.Fatalf("%q says %q", text, name)
			}
		}
		if again, err := wire.ParseCaps(c.String()); err != nil || again != c {
			t.Fatalf("%q\nis    %s\nagain %s, %v", text, c.String(), again.String(), err)
		}
	})
}
