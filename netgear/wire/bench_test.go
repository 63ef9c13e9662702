package wire_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// streaming is what goes over the wire again and again: it must not allocate.
var streaming = []struct {
	name   string
	header wire.Header
}{
	{"raw", wire.Header{DType: "uint8", Shape: wire.MakeShape(1080, 1920, 3)}},
	{"jpeg", wire.Header{Compressed: true, JPEG: jpegBGR}},
	{"ext", wire.Header{Compressed: true, JPEG: jpegBGR, HasExt: true, Ext: wire.Ext{
		Seq: 1234, HasSeq: true, PTS: 41e9, HasPTS: true,
		Dur: 33333333, HasDur: true, FPSNum: 30, FPSDen: 1, T: 1700000000e9, HasT: true, Caps: "image/jpeg, pixel-aspect-ratio=(fraction)4/3",
	}}},
	{"multi-server", wire.Header{Port: "5566", Message: wire.Raw(`{"id": 5}`), DType: ">u2", Shape: wire.MakeShape(480, 640)}},
}

func TestHeaderAllocations(t *testing.T) {
	for _, c := range streaming {
		buf := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(100, func() { buf = wire.AppendHeader(buf[:0], &c.header) }); n != 0 {
			t.Errorf("%s: AppendHeader allocates %v times, want 0", c.name, n)
		}
		var h wire.Header
		if n := testing.AllocsPerRun(100, func() {
			if err := wire.ParseHeader(buf, &h); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: ParseHeader allocates %v times, want 0", c.name, n)
		}
		if h.Compressed {
			continue
		}
		size := 1080 * 1920 * 3
		if h.DType == ">u2" {
			size = 480 * 640 * 2
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := h.Layout(size, 1<<28); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: Layout allocates %v times, want 0", c.name, n)
		}
	}
}

func TestReplyAllocations(t *testing.T) {
	for _, c := range replies {
		var r wire.Reply
		b := []byte(c.text)
		if wire.ParseReply(b, &r) != nil || !c.ours || c.name == "another type" || c.name == "braces without JSON" {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { _ = wire.ParseReply(b, &r) }); n != 0 {
			t.Errorf("%s: ParseReply allocates %v times, want 0", c.name, n)
		}
	}
}

func TestJPEGAllocations(t *testing.T) {
	b := encoded(t, image.NewRGBA(image.Rect(0, 0, 64, 48)))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := wire.ParseJPEG(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ParseJPEG allocates %v times, want 0", n)
	}
}

func BenchmarkHeaderAppend(b *testing.B) {
	for _, c := range streaming {
		b.Run(c.name, func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				buf = wire.AppendHeader(buf[:0], &c.header)
			}
		})
	}
}

func BenchmarkHeaderParse(b *testing.B) {
	for _, c := range streaming {
		b.Run(c.name, func(b *testing.B) {
			text := wire.AppendHeader(nil, &c.header)
			var h wire.Header
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.ParseHeader(text, &h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseJPEG(b *testing.B) {
	// Noise, which makes 2.4 MB of a 4K picture.
	m := image.NewYCbCr(image.Rect(0, 0, 3840, 2160), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Y {
		m.Y[i] = byte(r.UintN(64))
	}
	picture := encoded(b, m)
	b.SetBytes(int64(len(picture)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.ParseJPEG(picture); err != nil {
			b.Fatal(err)
		}
	}
}
