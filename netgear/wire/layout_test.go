package wire_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const (
	huge    = math.MaxInt
	quarter = math.MaxInt/2 + 1 // of 2^64: times 4 wraps to 0
)

func TestLayout(t *testing.T) {
	gray8 := wire.Layout{Format: "GRAY8", Width: 6, Height: 4, Channels: 1, BytesPerPixel: 1, Stride: 6, Size: 24}
	gray16 := wire.Layout{Format: "GRAY16_LE", Width: 6, Height: 4, Channels: 1, BytesPerPixel: 2, Stride: 12, Size: 48}
	gray16BE := gray16
	gray16BE.Format = "GRAY16_BE"
	bgr := wire.Layout{Format: "BGR", Width: 6, Height: 4, Channels: 3, BytesPerPixel: 3, Stride: 18, Size: 72}
	bgra := wire.Layout{Format: "BGRA", Width: 6, Height: 4, Channels: 4, BytesPerPixel: 4, Stride: 24, Size: 96}

	for _, c := range []struct {
		dtype string
		dims  []int
		size  int
		want  wire.Layout
	}{
		{"uint8", []int{4, 6}, 24, gray8},
		{"uint8", []int{4, 6, 1}, 24, gray8},
		{"uint8", []int{4, 6, 3}, 72, bgr},
		{"uint8", []int{4, 6, 4}, 96, bgra},
		{"uint8", []int{5}, 5, wire.Layout{Size: 5}},
		{"uint8", []int{100000}, 100000, wire.Layout{Size: 100000}},
		{"uint8", []int{-1}, 5, wire.Layout{Size: 5}},
		{"uint8", []int{-1, 6, 3}, 72, bgr},
		{"uint8", []int{4, -1, 3}, 72, bgr},
		{"uint8", []int{4, 6, -1}, 72, bgr},
		{"uint16", []int{4, -1}, 48, gray16},
		{"uint16", []int{4, 6}, 48, gray16},
		{"uint16", []int{4, 6, 1}, 48, gray16},
		{"<u2", []int{4, 6}, 48, gray16},
		{"=u2", []int{4, 6}, 48, gray16},
		{"u2", []int{4, 6}, 48, gray16},
		{"H", []int{4, 6}, 48, gray16},
		{"<H", []int{4, 6}, 48, gray16},
		{">u2", []int{4, 6}, 48, gray16BE},
		{">H", []int{4, 6}, 48, gray16BE},
		{"|u1", []int{4, 6}, 24, gray8},
		{"u1", []int{4, 6}, 24, gray8},
		{">u1", []int{4, 6}, 24, gray8},
		{"B", []int{4, 6}, 24, gray8},
		{"uint8", []int{1, 32767}, 32767, wire.Layout{Format: "GRAY8", Width: 32767, Height: 1, Channels: 1, BytesPerPixel: 1, Stride: 32767, Size: 32767}},
	} {
		h := wire.Header{DType: c.dtype, Shape: wire.MakeShape(c.dims...)}
		got, err := h.Layout(c.size, uint64(c.size))
		if err != nil || got != c.want {
			t.Errorf("%s %v, %d bytes: %+v, %v, want %+v", c.dtype, c.dims, c.size, got, err, c.want)
		}
		if h.Shape != wire.MakeShape(c.dims...) {
			t.Errorf("%s %v: Layout changed the shape to %v", c.dtype, c.dims, h.Shape)
		}
	}
}

func TestLayoutMalformed(t *testing.T) {
	for _, c := range []struct {
		dtype string
		dims  []int
		size  int
	}{
		{"uint8", []int{4, 6, 3}, 71},
		{"uint8", []int{4, 6, 3}, 73},
		{"uint8", []int{4, 6, 3}, 0},
		{"uint16", []int{4, 6}, 24},
		{"float32", []int{4, 6}, 24},
		{"uint8", []int{-1, 6, 3}, 71},
		{"uint8", []int{-1, -1, 3}, 72},
		{"uint8", []int{-1, 0, 3}, 0},
		{"uint8", []int{0, -1, 3}, 0},
		{"uint8", []int{0, 3}, 1},
		{"uint8", []int{-2, 3}, 6},
		{"uint8", []int{huge, huge, huge}, 1},
		{"uint8", []int{quarter, 4}, 0},
		{"uint8", []int{quarter, 4, -1}, 1},
		{"uint8", []int{quarter, quarter, 1}, 0},
		{"float64", []int{quarter, 2}, 0},
		{"uint8", []int{huge, 2, 1, 1}, -2},
		{"uint8", nil, 2},
	} {
		h := wire.Header{DType: c.dtype, Shape: wire.MakeShape(c.dims...)}
		if l, err := h.Layout(c.size, 0); !isMalformed(err) || l != (wire.Layout{}) {
			t.Errorf("%s %v, %d bytes: %+v, %v, want ErrMalformed", c.dtype, c.dims, c.size, l, err)
		}
	}
	h := wire.Header{DType: "uint8", Shape: wire.MakeShape(4, 6)}
	if _, err := h.Layout(24, 23); !isMalformed(err) || !strings.Contains(err.Error(), "want at most 23") {
		t.Errorf("24 bytes of at most 23: %v, want ErrMalformed", err)
	}
	h.Shape = noShape
	if _, err := h.Layout(24, 0); !isMalformed(err) {
		t.Errorf("no shape: %v, want ErrMalformed", err)
	}
	h.Shape = wire.Shape{N: wire.MaxDims + 1}
	if _, err := h.Layout(24, 0); !isMalformed(err) {
		t.Errorf("shape with too large an N: %v, want ErrMalformed", err)
	}
}

func TestLayoutUnsupported(t *testing.T) {
	for _, c := range []struct {
		dtype string
		dims  []int
		size  int
		want  string
	}{
		{"bool", []int{4, 6}, 24, `wire: frame: dtype "bool", shape [4, 6]: want uint8 or uint16, GStreamer has no video of another type: unsupported frame`},
		{"int8", []int{4, 6}, 24, "want uint8 or uint16"},
		{"int8", []int{24}, 24, "want [height, width]"},
		{"float32", []int{4, 6}, 96, "want uint8 or uint16"},
		{">f8", []int{4, 6}, 192, "want uint8 or uint16"},
		{"datetime64[ns]", []int{4, 6}, 24, `dtype "datetime64[ns]"`},
		{"", []int{4, 6}, 24, `dtype ""`},
		{"uint8", []int{4, 6, 2}, 48, "want 1, 3 or 4 channels"},
		{"uint8", []int{4, 6, 5}, 120, "want 1, 3 or 4 channels"},
		{"uint16", []int{4, 6, 3}, 144, "want 1 channel"},
		{"uint16", []int{4}, 8, "want [height, width]"},
		{"uint8", nil, 1, "want [height, width]"},
		{"uint8", []int{1, 4, 6, 3}, 72, "want [height, width]"},
		{"uint8", []int{0, 3}, 0, "want at least one pixel"},
		{"uint8", []int{0}, 0, "want at least one pixel"},
		{"uint8", []int{-1}, 0, "want at least one pixel"},
		{"uint8", []int{1, 32768}, 32768, "want at most 32767"},
		{"uint8", []int{32768, 1}, 32768, "want at most 32767"},
	} {
		h := wire.Header{DType: c.dtype, Shape: wire.MakeShape(c.dims...)}
		if l, err := h.Layout(c.size, 0); !isUnsupported(err) || l != (wire.Layout{}) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v, %d bytes: %+v, %v, want ErrUnsupported with %s", c.dtype, c.dims, c.size, l, err, c.want)
		}
	}
	h := wire.Header{Compressed: true, Shape: noShape}
	if _, err := h.Layout(24, 0); !isUnsupported(err) {
		t.Errorf("JPEG: %v, want ErrUnsupported", err)
	}
}

// TestRawShape sends every format that has a raw form and reads it back. What
// comes back names the order of the channels as OpenCV would.
func TestRawShape(t *testing.T) {
	back := map[string]string{"GRAY8": "GRAY8", "GRAY16_LE": "GRAY16_LE", "GRAY16_BE": "GRAY16_BE", "BGR": "BGR", "RGB": "BGR"}
	for f := range strings.FieldsSeq("BGRx RGBx xBGR xRGB BGRA RGBA ABGR ARGB") {
		back[f] = "BGRA"
	}
	for format, want := range back {
		dtype, shape, ok := wire.RawShape(format, 5, 3)
		if !ok {
			t.Errorf("%s: no raw form", format)
			continue
		}
		text := wire.AppendHeader(nil, &wire.Header{DType: dtype, Shape: shape})
		var h wire.Header
		if err := wire.ParseHeader(text, &h); err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		size := 5 * 3
		switch want {
		case "BGR":
			size *= 3
		case "BGRA":
			size *= 4
		case "GRAY16_LE", "GRAY16_BE":
			size *= 2
		}
		l, err := h.Layout(size, 0)
		if err != nil || l.Format != want || l.Width != 5 || l.Height != 3 || l.Stride*l.Height != size {
			t.Errorf("%s: %+v, %v, want %s", format, l, err, want)
		}
	}
	for _, f := range []string{"", "bgr", "AYUV", "v210", "GRAY10_LE32"} {
		if _, shape, ok := wire.RawShape(f, 5, 3); ok || shape.N >= 0 {
			t.Errorf("%q has a raw form", f)
		}
	}
	if _, _, ok := wire.RawShape("BGR", 0, 3); ok {
		t.Error("an empty picture has a raw form")
	}
}

func TestElements(t *testing.T) {
	shape := func(dims ...int) (s wire.Shape) {
		s.N = copy(s.Dim[:], dims)
		return s
	}
	for _, c := range []struct {
		dtype string
		shape wire.Shape
		size  int
		want  string // of the shape, or part of the error
	}{
		{"float32", shape(10, 6), 240, "[10 6]"},
		{"<f4", shape(-1, 6), 240, "[10 6]"},
		{"float64", shape(), 8, "[]"},
		{"int64", shape(0, 6), 0, "[0 6]"},
		{"bool", shape(2, 3, 4, 5), 120, "[2 3 4 5]"},
		{"uint8", shape(7), 7, "[7]"},
		{"complex128", shape(2), 32, "[2]"},
		{"<U5", shape(2), 40, "[2]"},
		{"datetime64[ns]", shape(3), 24, "[3]"},
		{"object", shape(0), 0, "[0]"},
		{"float32", shape(10, 6), 239, "do not make"},
		{"float32", shape(-1, -1), 240, "do not make"},
		{"float32", shape(math.MaxInt, math.MaxInt), 240, "do not make"},
		{"<U5", shape(2), 41, "do not make"},
		{"<U5", shape(2), 0, "do not make"},
		{"<U5", shape(-1), 40, "do not make"},
		{"<U5", shape(math.MaxInt, math.MaxInt), 40, "do not make"},
		{"float32", wire.Shape{N: -1}, 240, "without a shape"},
		{"", shape(2), 8, "want a name"},
		{"no\nname", shape(2), 8, "want a name"},
		{"é", shape(2), 8, "want a name"},
		{strings.Repeat("x", 65), shape(2), 8, "want a name"},
		{"float32", shape(0, 1<<31), 0, "31 bits"},
	} {
		r := wire.Reply{JSON: true, Array: true, DType: c.dtype, Shape: c.shape}
		got, err := r.Elements(c.size)
		text := fmt.Sprint(got.Dim[:max(got.N, 0)])
		if err != nil {
			text = err.Error()
		}
		if err == nil && text != c.want || err != nil && (!strings.Contains(text, c.want) || strings.HasPrefix(c.want, "[")) {
			t.Errorf("%q %v, %d bytes: %s, want %s", c.dtype, c.shape, c.size, text, c.want)
		}
		if wrong := strings.Contains(c.want, "name") || strings.Contains(c.want, "bits"); err != nil && isUnsupported(err) != wrong {
			t.Errorf("%q: %v is of the wrong kind", c.dtype, err)
		}
	}
}
