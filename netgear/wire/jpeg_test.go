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
	soi   = []byte{0xff, 0xd8}
	eoi   = []byte{0xff, 0xd9}
	jfif  = segment(0xe0, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	dqt   = segment(0xdb, make([]byte, 65)...)
	dht   = segment(0xc4, make([]byte, 17)...)
	dhtAC = segment(0xc4, append([]byte{0x10}, make([]byte, 16)...)...)
	dri   = segment(0xdd, 0, 4)
	com   = segment(0xfe, []byte("hello")...)
	sos   = scan(0, 63, 0, 1)
)

// data are entropy-coded, as far as ParseJPEG looks: 640x480 take no less.
var data = bytes.Repeat([]byte{0x55, 0xff, 0}, 2000)

// scan builds a scan header.
func scan(first, last, bits byte, ids ...byte) []byte {
	payload := []byte{byte(len(ids))}
	for _, id := range ids {
		payload = append(payload, id, 0)
	}
	return segment(0xda, append(payload, first, last, bits)...)
}

// whole builds a JPEG of some segments and one scan.
func whole(parts ...[]byte) []byte {
	var ids []byte
	for _, p := range parts {
		if 0xc0 <= p[1] && p[1] <= 0xcf && p[1] != 0xc4 && p[1] != 0xcc {
			for i := 10; i+2 < len(p); i += 3 {
				ids = append(ids, p[i])
			}
		}
	}
	return concat(soi, concat(parts...), dqt, scan(0, 63, 0, ids...), data, eoi)
}

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
	{"4:2:0", whole(jfif, dqt, ycc420, dht), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"4:2:2", whole(jfif, sof(0xc0, 1, 0x21, 2, 0x11, 3, 0x11)), info(0, 3, "sYUV", "YCbCr-4:2:2")},
	{"4:4:4", whole(jfif, sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11)), info(0, 3, "sYUV", "YCbCr-4:4:4")},
	{"4:4:0", whole(jfif, sof(0xc0, 1, 0x12, 2, 0x11, 3, 0x11)), info(0, 3, "sYUV", "YCbCr-4:4:0")},
	{"4:1:1", whole(jfif, sof(0xc0, 1, 0x41, 2, 0x11, 3, 0x11)), info(0, 3, "sYUV", "YCbCr-4:1:1")},
	{"4:1:0", whole(jfif, sof(0xc0, 1, 0x42, 2, 0x11, 3, 0x11)), info(0, 3, "sYUV", "YCbCr-4:1:0")},
	{"progressive", concat(soi, jfif, dqt, sof(0xc2, 1, 0x11, 2, 0x11, 3, 0x11), dht, dhtAC, scan(0, 0, 0x00, 1, 2, 3), data, scan(1, 63, 0x02, 1), data, scan(1, 63, 0x21, 1), data, eoi), info(2, 3, "sYUV", "YCbCr-4:4:4")},
	{"arithmetic", whole(sof(0xc9, 1, 0x11), segment(0xcc, 0, 0x10)), info(9, 1, "GRAY", "GRAYSCALE")},
	{"gray", whole(sof(0xc0, 1, 0x22)), info(0, 1, "GRAY", "GRAYSCALE")},
	{"two components", whole(sof(0xc0, 1, 0x11, 2, 0x11)), info(0, 2, "", "")},
	{"Adobe RGB", whole(adobe(0), sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11)), info(0, 3, "sRGB", "RGB")},
	{"Adobe YCbCr", whole(adobe(1), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"Adobe, unknown transform, and JFIF", whole(jfif, adobe(9), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"Adobe without transform", whole(segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00")...), ycc420), info(0, 3, "sRGB", "RGB")},
	{"Adobe too short", whole(segment(0xee, []byte("Adobe")...), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"APP14 of someone else", whole(segment(0xee, []byte("Qualcomm\x00\x00\x00\x00")...), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"JFIF before Adobe", whole(jfif, adobe(0), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"ids RGB", whole(sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11)), info(0, 3, "sRGB", "RGB")},
	{"ids RGB in JFIF", whole(jfif, sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11)), info(0, 3, "sYUV", "YCbCr-4:4:4")},
	{"ids 0 1 2", whole(sof(0xc0, 0, 0x22, 1, 0x11, 2, 0x11)), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"JFIF too short", whole(segment(0xe0, []byte("JFIF\x00")...), sof(0xc0, 'R', 0x11, 'G', 0x11, 'B', 0x11)), info(0, 3, "sRGB", "RGB")},
	{"AVI1 APP0", whole(segment(0xe0, []byte("AVI1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")...), ycc420), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"four components", whole(sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11)), info(0, 4, "CMYK", "")},
	{"Adobe CMYK", whole(adobe(0), sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11)), info(0, 4, "CMYK", "")},
	{"Adobe YCCK", whole(adobe(2), sof(0xc0, 1, 0x21, 2, 0x11, 3, 0x11, 4, 0x21)), info(0, 4, "YCCK", "")},
	{"fill bytes and all segments", concat(soi, []byte{0xff, 0xff, 0xff}, com, dri, segment(0xdd, 0, 0), dht, []byte{0xff}, dqt, []byte{0xff, 0x01}, jfif, dqt, []byte{0xff}, ycc420, com, scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xff}, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"something behind it", concat(whole(jfif, ycc420), make([]byte, 100), soi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"a scan for each component", concat(soi, dqt, ycc420, scan(0, 63, 0, 1), data, dht, scan(0, 63, 0, 2), data, scan(0, 63, 0, 3), data, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"restart markers", concat(soi, dqt, ycc420, segment(0xdd, 4, 0), scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xd0}, data, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"restart marker at the end", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xd0}, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
	{"DNL and comment behind the scan", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, segment(0xdc, 1, 0xe0), com, eoi), info(0, 3, "sYUV", "YCbCr-4:2:0")},
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
	{"zero marker", concat(soi, []byte{0xff, 0}), "marker 0x00 where a segment belongs"},
	{"second SOI", concat(soi, soi), "marker 0xd8 where a segment belongs"},
	{"only EOI", concat(soi, eoi), "marker 0xd9 where a segment belongs"},
	{"no length", concat(soi, []byte{0xff, 0xe0, 0}), "want the length of segment 0xe0"},
	{"length 1", concat(soi, []byte{0xff, 0xe0, 0, 1, 0}), "segment 0xe0 of 1 bytes"},
	{"length past the end", concat(soi, []byte{0xff, 0xe0, 0xff, 0xff, 0}), "segment 0xe0 of 65535 bytes, want 2 to 3"},
	{"no SOF", concat(soi, jfif, dqt, dht), "want a marker, got the end"},
	{"no SOS", concat(soi, jfif, ycc420), "want a marker, got the end"},
	{"SOF after SOS", concat(soi, jfif, sos, ycc420), "want a frame header (SOF) before the scan"},
	{"two SOFs", concat(soi, ycc420, ycc420, sos), "want one frame header (SOF), got two"},
	{"reserved JPG marker", concat(soi, sof(0xc8, 1, 0x11), sos), "marker 0xc8 where a segment belongs"},
	{"width 0", concat(soi, segment(0xc0, 8, 1, 0xe0, 0, 0, 1, 1, 0x11, 0), sos), "width 0"},
	{"height 0", concat(soi, segment(0xc0, 8, 0, 0, 2, 0x80, 1, 1, 0x11, 0), sos), "height 0, want at least 1 (DNL is not supported)"},
	{"no component", concat(soi, sof(0xc0), sos), "0 components"},
	{"five components", concat(soi, sof(0xc0, 1, 0x11, 2, 0x11, 3, 0x11, 4, 0x11, 5, 0x11), sos), "5 components"},
	{"short SOF", concat(soi, segment(0xc0, 8, 1, 0xe0), sos), "frame header of 3 bytes"},
	{"fewer components than said", concat(soi, segment(0xc0, 8, 1, 0xe0, 2, 0x80, 3, 1, 0x11, 0), sos), "frame header of 9 bytes, want 15 for 3 components"},
	{"sampling 0", concat(soi, sof(0xc0, 1, 0x10), sos), "sampling 1x0"},
	{"sampling 5", concat(soi, sof(0xc0, 1, 0x51), sos), "sampling 5x1"},
	{"12 bits", whole(segment(0xc1, 12, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 0)), "12 bits per sample, want 8"},
	{"lossless", whole(sof(0xc3, 1, 0x11)), "frame header 0xc3: want baseline or progressive"},
	{"65501 wide", whole(segment(0xc0, 8, 0, 1, 0xff, 0xdd, 1, 1, 0x11, 0)), "65501x1, want at most 65500"},
	{"bytes behind the components", whole(segment(0xc0, 8, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 0, 9, 9)), "frame header of 11 bytes, want 9"},
	{"JFIF 2", whole(segment(0xe0, 'J', 'F', 'I', 'F', 0, 2, 1, 0, 0, 1, 0, 1, 0, 0), ycc420), "JFIF 2, want JFIF 1"},
	{"Adobe, unknown transform", whole(adobe(9), ycc420), "transform 9 in Adobe's segment"},
	{"too many blocks", whole(sof(0xc0, 1, 0x22, 2, 0x22, 3, 0x22)), "scan with 12 blocks in an MCU, want at most 10"},
	{"no quantization table", concat(soi, ycc420, scan(0, 63, 0, 1, 2, 3), data, eoi), "component 1 without its quantization table 0"},
	{"quantization table 4", concat(soi, segment(0xdb, append([]byte{4}, make([]byte, 64)...)...)), "quantization table 0x04"},
	{"short quantization table", concat(soi, segment(0xdb, make([]byte, 64)...)), "quantization table 0x00 with 64 bytes, want 0 to 3 with 65"},
	{"short table of 16 bits", concat(soi, segment(0xdb, append([]byte{0x10}, make([]byte, 64)...)...)), "with 65 bytes, want 0 to 3 with 129"},
	{"short Huffman table", concat(soi, segment(0xc4, make([]byte, 16)...)), "Huffman table of 16 bytes"},
	{"Huffman table 4", concat(soi, segment(0xc4, append([]byte{4}, make([]byte, 16)...)...)), "Huffman table 0x04"},
	{"Huffman table without symbols", concat(soi, segment(0xc4, append([]byte{0, 1}, make([]byte, 15)...)...)), "Huffman table 0x00 of 1 codes, want at most 0"},
	{"Huffman table with too many codes", concat(soi, segment(0xc4, append([]byte{0, 2}, make([]byte, 17)...)...)), "too many codes of 1 bits"},
	{"Huffman table with category 16", concat(soi, segment(0xc4, append(append([]byte{0, 1}, make([]byte, 15)...), 16)...)), "category 16, want at most 15"},
	{"no Huffman table 2", concat(soi, dqt, sof(0xc0, 1, 0x11), segment(0xda, 1, 1, 0x20, 0, 63, 0), data, eoi), "without its Huffman tables 2 and 0"},
	{"progressive without Huffman tables", concat(soi, dqt, sof(0xc2, 1, 0x11), scan(0, 0, 0, 1), data, eoi), "without its Huffman tables 0 and 0"},
	{"progressive scan of everything", concat(soi, dqt, dht, sof(0xc2, 1, 0x11), scan(0, 63, 0, 1), data, eoi), "progressive scan of 1 components"},
	{"progressive without DC", concat(soi, dqt, dht, dhtAC, sof(0xc2, 1, 0x11), scan(1, 5, 0, 1), data, eoi), "not what follows the scans before"},
	{"arithmetic conditioning", whole(segment(0xcc, 0, 1), sof(0xc9, 1, 0x11)), "arithmetic conditioning 0x01 of table 0x00"},
	{"restart interval of 1 byte", whole(segment(0xdd, 1), ycc420), "restart interval of 1 bytes"},
	{"scan of another component", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 4), data, eoi), "component 4 in the scan"},
	{"scan of one component twice", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 2), data, eoi), "component 2 in the scan, but not in the frame header, or twice"},
	{"scan of no component", concat(soi, dqt, ycc420, scan(0, 63, 0), data, eoi), "scan header of 4 bytes"},
	{"scan of some coefficients", concat(soi, dqt, ycc420, scan(0, 5, 0, 1, 2, 3), data, eoi), "scan of coefficients 0 to 5"},
	{"scan without data", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), eoi), "want data of the scan, got marker 0xd9"},
	{"scan with hardly any data", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data[:1701], eoi), "scan of 1701 bytes, want at least 1800 for 640x480"},
	{"a second scan of everything", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, scan(0, 63, 0, 1, 2, 3), data, eoi), "want the end (EOI) behind the scan"},
	{"no EOI", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data), "the picture ends within its scan: want EOI"},
	{"half of EOI", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, []byte{0xff}), "the picture ends within its scan: want EOI"},
	{"the next picture in its scan", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, whole(ycc420)), "marker 0xd8 where a segment belongs"},
	{"restart markers without an interval", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xd0}, data, eoi), "want a marker, got 0x55"},
	{"a restart marker missing", concat(soi, dqt, ycc420, segment(0xdd, 2, 0), scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xd0}, data, eoi), "want 2 restart markers, got 1"},
	{"restart markers in another order", concat(soi, dqt, ycc420, segment(0xdd, 2, 0), scan(0, 63, 0, 1, 2, 3), data, []byte{0xff, 0xd1}, data, []byte{0xff, 0xd0}, data, eoi), "want restart marker 0, got 1"},
	{"bytes behind the scan's segment", concat(soi, dqt, ycc420, scan(0, 63, 0, 1, 2, 3), data, com, []byte{0}, eoi), "want a marker, got 0x00"},
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
