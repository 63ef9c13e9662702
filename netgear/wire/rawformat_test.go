package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// rawShapes are the arrays of all formats that are no pictures to every peer, by
// dtype, with w and h even and odd.
var rawShapes = []struct {
	formats, dtype string
	bytes          int // of an element
	shape          func(w, h int) []int
}{
	{"I420 YV12 NV12 NV21", "uint8", 1, func(w, h int) []int { return []int{(h + h%2) / 2 * 3, w + w%2} }},
	{"P010_10LE I420_10LE", "uint16", 2, func(w, h int) []int { return []int{(h + h%2) / 2 * 3, w + w%2} }},
	{"YUY2 YVYU UYVY", "uint8", 1, func(w, h int) []int { return []int{h, w + w%2, 2} }},
	{"Y444 GBR", "uint8", 1, func(w, h int) []int { return []int{3, h, w} }},
	{"bggr gbrg grbg rggb", "uint8", 1, func(w, h int) []int { return []int{h, w} }},
}

// What is sent of a format is the documented array, and is read back where both ends
// know the format and, of odd sizes, the size.
func TestRawArrays(t *testing.T) {
	for _, c := range rawShapes {
		for format := range strings.FieldsSeq(c.formats) {
			for _, size := range [][2]int{{640, 480}, {16, 2}, {2, 2}, {1, 1}, {5, 3}, {6, 5}, {7, 8}, {1, 32767}, {32767, 1}, {32766, 2}} {
				w, h := size[0], size[1]
				dtype, shape, ok := wire.RawShape(format, w, h)
				if !ok || dtype != c.dtype || fmt.Sprint(shape.Dims()) != fmt.Sprint(c.shape(w, h)) {
					t.Errorf("%s %dx%d: %s %v, %v; want %s %v", format, w, h, dtype, shape.Dims(), ok, c.dtype, c.shape(w, h))
				}
				n := c.bytes
				for _, d := range shape.Dims() {
					n *= d
				}
				head := wire.Header{DType: dtype, Shape: shape}
				if l, ok := head.LayoutAs(format, w, h, n, 0); !ok || l.Format != format || l.Width != w || l.Height != h || l.Size != n {
					t.Errorf("%s %dx%d: %+v, %v", format, w, h, l, ok)
				}
				l, ok := head.LayoutAs(format, 0, 0, n, 0)
				if even := w%2 == 0 && h%2 == 0; even && (!ok || l.Width != w || l.Height != h) {
					t.Errorf("%s %dx%d, size not told: %+v, %v", format, w, h, l, ok)
				}
				for _, other := range [][2]int{{w + 2, h}, {w, h + 2}, {-w, h}} {
					if l, ok := head.LayoutAs(format, other[0], other[1], n, 0); ok {
						t.Errorf("%s %dx%d as %v: %+v", format, w, h, other, l)
					}
				}
			}
			if wire.IsPicture(format) {
				t.Errorf("%s is a picture to every peer", format)
			}
		}
	}
}

// What is not the array of the format is not taken for it.
func TestLayoutAsRefuses(t *testing.T) {
	head := func(dtype string, dims ...int) wire.Header {
		return wire.Header{DType: dtype, Shape: wire.MakeShape(dims...)}
	}
	for name, c := range map[string]struct {
		head   wire.Header
		format string
		size   int
	}{
		"floats":          {head("float32", 6, 4), "I420", 96},
		"no such format":  {head("uint8", 6, 4), "AYUV", 24},
		"no bytes":        {head("uint8", 0, 4), "I420", 0},
		"too few bytes":   {head("uint8", 6, 4), "I420", 23},
		"rows":            {head("uint8", 7, 4), "I420", 28},
		"an odd row":      {head("uint8", 6, 5), "NV12", 30},
		"dimensions":      {head("uint8", 2, 3, 4), "I420", 24},
		"one dimension":   {head("uint8", 24), "I420", 24},
		"four dimensions": {head("uint8", 1, 6, 4, 1), "I420", 24},
		"big endian":      {head(">u2", 6, 4), "P010_10LE", 48},
		"two of three":    {head("uint8", 2, 4, 4), "Y444", 32},
		"too wide":        {head("uint8", 3, 32768), "I420", 3 * 32768},
		"a JPEG":          {wire.Header{Compressed: true, Shape: noShape}, "I420", 24},
		"huge":            {head("uint8", 1<<62, 1<<62), "I420", 24},
	} {
		if l, ok := c.head.LayoutAs(c.format, 0, 0, c.size, 0); ok {
			t.Errorf("%s: %+v", name, l)
		}
	}
	h := head("uint8", 6, 4)
	if _, ok := h.LayoutAs("I420", 0, 0, 24, 23); ok {
		t.Error("more bytes than the largest frame has")
	}
	for _, good := range []wire.Header{head("uint8", -1, 4), head("uint8", 6, 4, 1), head("B", 6, -1)} {
		if l, ok := good.LayoutAs("I420", 0, 0, 24, 24); !ok || l.Width != 4 || l.Height != 4 {
			t.Errorf("%v: %+v, %v", good.Shape.Dims(), l, ok)
		}
	}
}
