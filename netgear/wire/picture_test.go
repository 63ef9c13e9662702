package wire_test

import (
	"image"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func TestCheck(t *testing.T) {
	picture := encoded(t, image.NewRGBA(image.Rect(0, 0, 20, 10)))
	raw := func(dtype string, dims ...int) wire.Header {
		return wire.Header{DType: dtype, Shape: wire.MakeShape(dims...)}
	}
	for _, c := range []struct {
		name string
		h    wire.Header
		data []byte
		max  uint64
		ok   bool
	}{
		{"pixels", raw("uint8", 4, 5, 3), make([]byte, 60), 60, true},
		{"too few", raw("uint8", 4, 5, 3), make([]byte, 59), 0, false},
		{"too many", raw("uint8", 4, 5, 3), make([]byte, 60), 59, false},
		{"no picture, but an array", raw("float32", 4, 5), make([]byte, 80), 0, true},
		{"bytes", raw("uint8", 7), make([]byte, 7), 0, true},
		{"JPEG", wire.Header{Compressed: true}, picture, 600, true},
		{"JPEG that is too large", wire.Header{Compressed: true}, picture, 599, false},
		{"torn JPEG", wire.Header{Compressed: true}, picture[:len(picture)-1], 0, false},
	} {
		if err := c.h.Check(c.data, c.max); (err == nil) != c.ok || err != nil && !isMalformed(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
