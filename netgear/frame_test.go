package netgear_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A frame of a raw picture says what it is: to every peer by its array, and to ours by
// its caps.
func TestNewRaw(t *testing.T) {
	for _, row := range []struct {
		format     string
		w, h, size int
		want       error
	}{
		{"BGR", 5, 3, 45, nil},
		{"RGB", 5, 3, 45, nil},
		{"BGRA", 5, 3, 60, nil},
		{"GRAY8", 5, 3, 15, nil},
		{"GRAY16_LE", 5, 3, 30, nil},
		{"GRAY16_BE", 5, 3, 30, nil},
		{"NV12", 4, 2, 12, nil},
		{"I420", 5, 3, 36, nil}, // colour samples span two pixels
		{"YUY2", 4, 2, 16, nil},
		{"rggb", 4, 2, 8, nil},
		{"BGR", 5, 3, 44, wire.ErrMalformed},
		{"BGR", 5, 3, 46, wire.ErrMalformed},
		{"BGR", 5, 3, 0, wire.ErrMalformed},
		{"BGR", 0, 3, 0, wire.ErrUnsupported},
		{"BGR", -5, -3, 45, wire.ErrUnsupported},
		{"BGR", 1 << 40, 1 << 40, 45, wire.ErrMalformed},
		{"bgr", 5, 3, 45, wire.ErrUnsupported},
		{"", 5, 3, 45, wire.ErrUnsupported},
	} {
		f, err := netgear.NewRaw(row.format, row.w, row.h, make([]byte, row.size))
		if !errors.Is(err, row.want) || (err == nil) != (f != nil) {
			t.Errorf("%+v: %v", row, err)
			continue
		}
		if f == nil {
			continue
		}
		caps, err := wire.ParseCaps(f.Header.Ext.Caps)
		if err != nil || caps.Get("format").Text != row.format || caps.Get("width").Num != row.w || caps.Get("height").Num != row.h {
			t.Errorf("%+v: caps %q: %v", row, f.Header.Ext.Caps, err)
		}
		if caps.Media != wire.RawMediaOf(row.format) {
			t.Errorf("%+v: media %s", row, caps.Media)
		}
		if err := f.Header.Check(f.Payload.Bytes, 0); err != nil {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

// A JPEG of one component is announced as GRAY, others as the settings say; what is
// torn is refused.
func TestNewJPEG(t *testing.T) {
	encode := func(picture image.Image) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, picture, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gray := image.NewGray(image.Rect(0, 0, 16, 8))
	gray.Set(1, 1, color.White)
	for _, row := range []struct {
		name string
		b    []byte
		want wire.Colorspace
		err  error
	}{
		{"colour", encode(image.NewRGBA(image.Rect(0, 0, 16, 8))), "BGRA", nil},
		{"gray", encode(gray), "GRAY", nil},
		{"torn", encode(gray)[:200], "", wire.ErrMalformed},
		{"empty", nil, "", wire.ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, err := netgear.NewJPEG(row.b)
			if !errors.Is(err, row.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
			cfg := config(netgear.SenderRole, wire.Pair)
			bgra := netgear.Lookup(netgear.SenderRole, "jpeg-colorspace")
			if err := bgra.Parse(&cfg, "bgra"); err != nil {
				t.Fatal(err)
			}
			s := sender(t, cfg, r.CurrentPort())
			ctx := deadline(t)
			go func() { _ = s.Send(ctx, f) }() // Recv has its error
			var got netgear.Frame
			if err := r.Recv(ctx, &got); err != nil {
				t.Fatal(err)
			}
			defer got.Payload.Release()
			if h := got.Header; !h.Compressed || h.JPEG.Colorspace != row.want || !h.JPEG.FastDCT || !bytes.Equal(got.Payload.Bytes, row.b) {
				t.Errorf("%+v", h)
			}
		})
	}
}
