package wire_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// segment builds one marker segment, its length included.
func segment(marker byte, payload ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(payload)+2))
	return append(b, payload...)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var (
	soi  = []byte{0xff, 0xd8}
	eoi  = []byte{0xff, 0xd9}
	jfif = segment(0xe0, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	dqt  = segment(0xdb, make([]byte, 65)...)
	dht  = segment(0xc4, make([]byte, 17)...)
	dri  = segment(0xdd, 0, 4)
	com  = segment(0xfe, []byte("hello")...)
	sos  = segment(0xda, 1, 1, 0, 0, 63, 0)
)

func adobe(transform byte) []byte {
	return segment(0xee, append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), transform)...)
}

// sof builds a frame header of 640x480, 8 bits: id and sampling factors for
// each component.
func sof(marker byte, components ...byte) []byte {
	payload := []byte{8, 480 >> 8, 480 & 0xff, 640 >> 8, 640 & 0xff, byte(len(components) / 2)}
	for i := 0; i+1 < len(components); i += 2 {
		payload = append(payload, components[i], components[i+1], 0)
	}
	return segment(marker, payload...)
}

func info(sof, components int, colorspace, sampling string) wire.JPEGInfo {
	return wire.JPEGInfo{Width: 640, Height: 480, SOF: sof, Components: components, Colorspace: colorspace, Sampling: sampling, Precision: 8}
}

func encoded(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

var ycc420 = sof(0xc0, 1, 0x22, 2, 0x11, 3, 0x11)

var jpegs = []struct {
	name string
	b    []byte
	want wire.JPEGInfo
}{
	{"4:2:0", concat(soi, jfif, dqt, ycc420, dht, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"4:2:2", concat(soi, jfif, sof(0xc0, 1, 0x21, 2, 0x11, 3, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:2:2")},
	{"4:4:4", concat(soi, jfif, sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:4:4")},
	{"4:4:0", concat(soi, jfif, sof(0xc0, 1, 0x12, 2, 0x11, 3, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:4:0")},
	{"4:1:1", concat(soi, jfif, sof(0xc0, 1, 0x41, 2, 0x11, 3, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:1:1")},
	{"4:1:0", concat(soi, jfif, sof(0xc0, 1, 0x42, 2, 0x11, 3, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:1:0")},
	{"4:4:4 as 2x2", concat(soi, jfif, sof(0xc0, 1, 0x22, 2, 0x22, 3, 0x22), sos), info(0, 3, "sYUV", "")},
	{"progressive", concat(soi, jfif, sof(0xc2, 1, 0x11, 2, 0x11, 3, 0x11), sos), info(2, 3, "sYUV", "YCbCr-4:4:4")},
	{"arithmetic", concat(soi, sof(0xc9, 1, 0x11), segment(0xcc, 0, 0), sos), info(9, 1, "GRAY", "GRAYSCALE")},
	{"gray", concat(soi, sof(0xc0, 1, 0x22), sos), info(0, 1, "GRAY", "GRAYSCALE")},
	{"two components", concat(soi, sof(0xc0, 1, 0x11, 2, 0x11), sos), info(0, 2, "", "")},
	{"Adobe RGB", concat(soi, adobe(0), sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11), sos), info(0, 3, "sRGB", "RGB")},
	{"Adobe YCbCr", concat(soi, adobe(1), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"Adobe, unknown transform", concat(soi, adobe(9), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"Adobe without transform", concat(soi, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00")...), ycc420, sos), info(0, 3, "sRGB", "RGB")},
	{"Adobe too short", concat(soi, segment(0xee, []byte("Adobe")...), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"APP14 of someone else", concat(soi, segment(0xee, []byte("Qualcomm\x00\x00\x00\x00")...), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"JFIF before Adobe", concat(soi, jfif, adobe(0), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"ids RGB", concat(soi, sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11), sos), info(0, 3, "sRGB", "RGB")},
	{"ids RGB in JFIF", concat(soi, jfif, sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:4:4")},
	{"ids 0 1 2", concat(soi, sof(0xc0, 0, 0x22, 1, 0x11, 2, 0x11), sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"JFIF too short", concat(soi, segment(0xe0, []byte("JFIF\x00")...), sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11), sos), info(0, 3, "sRGB", "RGB")},
	{"AVI1 APP0", concat(soi, segment(0xe0, []byte("AVI1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")...), ycc420, sos), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"four components", concat(soi, sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11), sos), info(0, 4, "CMYK", "")},
	{"Adobe CMYK", concat(soi, adobe(0), sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11), sos), info(0, 4, "CMYK", "")},
	{"Adobe YCCK", concat(soi, adobe(2), sof(0xc0, 1, 0x21, 2, 0x11, 3, 0x11, 4, 0x21), sos), info(0, 4, "YCCK", "")},
	{"fill bytes and all segments", concat(soi, []byte{0xff, 0xff, 0xff}, com, dri, dht, []byte{0xff}, dqt, []byte{0xff, 0x01}, jfif, dqt, []byte{0xff}, ycc420, com, sos, []byte{1, 2, 3}, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"12 bits", concat(soi, segment(0xc1, 12, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 0), sos), wire.JPEGInfo{Width: 640, Height: 480, SOF: 1, Components: 1, Colorspace: "GRAY", Sampling: "GRAYSCALE", Precision: 12}},
	{"bytes behind the components", concat(soi, segment(0xc0, 8, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 0, 9, 9), sos), info(0, 1, "GRAY", "GRAYSCALE")},
}

func TestParseJPEG(t *testing.T) {
	for _, c := range jpegs {
		t.Run(c.name, func(t *testing.T) {
			got, err := wire.ParseJPEG(c.b)
			if err != nil || got != c.want {
				t.Errorf("ParseJPEG = %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestParseEncodedJPEG(t *testing.T) {
	size := image.Rect(0, 0, 17, 9)
	got, err := wire.ParseJPEG(encoded(t, image.NewRGBA(size)))
	if want := (wire.JPEGInfo{Width: 17, Height: 9, Components: 3, Colorspace: "sYUV", Sampling: "YCbCr-4:2:0", Precision: 8}); err != nil || got != want {
		t.Errorf("colour: %+v, %v, want %+v", got, err, want)
	}
	got, err = wire.ParseJPEG(encoded(t, image.NewGray(size)))
	if want := (wire.JPEGInfo{Width: 17, Height: 9, Components: 1, Colorspace: "GRAY", Sampling: "GRAYSCALE", Precision: 8}); err != nil || got != want {
		t.Errorf("gray: %+v, %v, want %+v", got, err, want)
	}
}

var badJPEGs = []struct {
	name string
	b    []byte
	want string
}{
	{"nothing", nil, "want ff d8 at its start, got "},
	{"one byte", []byte{0xff}, "want ff d8 at its start, got ff"},
	{"PNG", []byte("\x89PNG\r\n"), "want ff d8 at its start, got 89 50"},
	{"only SOI", soi, "byte 2: want a marker, got the end"},
	{"only fill bytes", concat(soi, []byte{0xff, 0xff}), "want a marker, got the end"},
	{"no marker", concat(soi, []byte{0x12}), "byte 2: want a marker, got 0x12"},
	{"zero marker", concat(soi, []byte{0xff, 0}), "marker 0x00 before the scan"},
	{"second SOI", concat(soi, soi), "marker 0xd8 before the scan"},
	{"only EOI", concat(soi, eoi), "marker 0xd9 before the scan"},
	{"no length", concat(soi, []byte{0xff, 0xe0, 0}), "want the length of segment 0xe0"},
	{"length 1", concat(soi, []byte{0xff, 0xe0, 0, 1, 0}), "segment 0xe0 of 1 bytes"},
	{"length past the end", concat(soi, []byte{0xff, 0xe0, 0xff, 0xff, 0}), "segment 0xe0 of 65535 bytes, want 2 to 3"},
	{"no SOF", concat(soi, jfif, dqt, dht), "want a marker, got the end"},
	{"no SOS", concat(soi, jfif, ycc420), "want a marker, got the end"},
	{"SOF after SOS", concat(soi, jfif, sos, ycc420), "want a frame header (SOF) before the scan"},
	{"two SOFs", concat(soi, ycc420, ycc420, sos), "want one frame header (SOF), got two"},
	{"reserved JPG marker", concat(soi, sof(0xc8, 1, 0x11), sos), "marker 0xc8 before the scan"},
	{"width 0", concat(soi, segment(0xc0, 8, 1, 0xe0, 0, 0, 1, 1, 0x11, 0), sos), "width 0"},
	{"height 0", concat(soi, segment(0xc0, 8, 0, 0, 2, 0x80, 1, 1, 0x11, 0), sos), "height 0, want at least 1 (DNL is not supported)"},
	{"no component", concat(soi, sof(0xc0), sos), "0 components"},
	{"five components", concat(soi, sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11, 5, 0x11), sos), "5 components"},
	{"short SOF", concat(soi, segment(0xc0, 8, 1, 0xe0), sos), "frame header of 3 bytes"},
	{"fewer components than said", concat(soi, segment(0xc0, 8, 1, 0xe0, 2, 0x80, 3, 1, 0x11, 0), sos), "frame header of 9 bytes, want 15 for 3 components"},
	{"sampling 0", concat(soi, sof(0xc0, 1, 0x10), sos), "sampling 1x0"},
	{"sampling 5", concat(soi, sof(0xc0, 1, 0x51), sos), "sampling 5x1"},
	{"table 4", concat(soi, segment(0xc0, 8, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 4), sos), "quantization table 4"},
}

func TestParseJPEGRefuses(t *testing.T) {
	for _, c := range badJPEGs {
		t.Run(c.name, func(t *testing.T) {
			got, err := wire.ParseJPEG(c.b)
			if !isMalformed(err) || !strings.Contains(err.Error(), c.want) || got != (wire.JPEGInfo{}) {
				t.Errorf("ParseJPEG = %+v, %v\nwant ErrMalformed with %s", got, err, c.want)
			}
		})
	}
}
