package wire

import "encoding/binary"

// JPEGInfo is what a JPEG says about itself, in the words of the caps of
// GStreamer's jpegparse.
type JPEGInfo struct {
	Width, Height int    // pixels, 1..65535
	SOF           int    // sof-marker: which of the SOFn; 0 baseline, 2 progressive
	Components    int    // 1..4
	Colorspace    string // sYUV, GRAY, sRGB, CMYK or YCCK; "" unknown (two components)
	Sampling      string // YCbCr-4:2:0 and the like, GRAYSCALE, RGB; "" unknown
	Precision     int    // bits per sample; 8 but for extended and lossless JPEGs
}

// Markers of ITU-T T.81, table B.1, without the 0xff in front of each.
const (
	markerTEM  = 0x01
	markerSOF0 = 0xc0
	markerDHT  = 0xc4 // within the range of SOFn, as the next two
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerSOF  = 0xcf // SOF15, the last one
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP0 = 0xe0
	markerAPPE = 0xee // APP14, Adobe's
)

// ParseJPEG reads the markers of a JPEG up to the first scan, and nothing of
// the scan itself. It neither keeps b nor allocates.
//
// Colour space and sampling follow jpegparse: JFIF and then Adobe's APP14
// decide, the component ids when there is neither. APP14's transform is read
// where Adobe puts it, as jpegparse does since 1.26; before, it looked one byte
// too far and took every value for 0.
//
// The error wraps ErrMalformed. A height of 0, to be given by a DNL marker
// behind the scan, is refused with it: no GStreamer decoder takes it.
func ParseJPEG(b []byte) (JPEGInfo, error) {
	const what = "jpeg"
	if len(b) < 2 || b[0] != 0xff || b[1] != markerSOI {
		return JPEGInfo{}, malformed(what, "want ff d8 at its start, got % x", b[:min(len(b), 2)])
	}
	var (
		info  JPEGInfo
		jfif  bool
		adobe = adobeNone
	)
	for pos := 2; ; {
		if pos >= len(b) {
			return JPEGInfo{}, malformed(what, "byte %d: want a marker, got the end", pos)
		}
		if b[pos] != 0xff {
			return JPEGInfo{}, malformed(what, "byte %d: want a marker, got %#02x", pos, b[pos])
		}
		for pos < len(b) && b[pos] == 0xff { // any number of fill bytes
			pos++
		}
		if pos == len(b) {
			return JPEGInfo{}, malformed(what, "byte %d: want a marker, got the end", pos)
		}
		marker := b[pos]
		pos++
		switch {
		case marker == markerTEM, markerRST0 <= marker && marker <= markerRST7:
			continue // no segment behind them
		case marker < markerSOF0, marker == markerSOI, marker == markerEOI, marker == markerJPG:
			return JPEGInfo{}, malformed(what, "byte %d: marker %#02x before the scan", pos-1, marker)
		}
		if len(b)-pos < 2 {
			return JPEGInfo{}, malformed(what, "byte %d: want the length of segment %#02x, got the end", pos, marker)
		}
		length := int(binary.BigEndian.Uint16(b[pos:])) // counts itself
		if length < 2 || length > len(b)-pos {
			return JPEGInfo{}, malformed(what, "byte %d: segment %#02x of %d bytes, want 2 to %d", pos, marker, length, len(b)-pos)
		}
		segment := b[pos+2 : pos+length]
		pos += length

		switch {
		case marker == markerAPP0:
			jfif = jfif || isJFIF(segment)
		case marker == markerAPPE:
			if transform := adobeTransform(segment); transform != adobeNone {
				adobe = transform
			}
		case marker == markerSOS:
			if info.Components == 0 {
				return JPEGInfo{}, malformed(what, "byte %d: want a frame header (SOF) before the scan", pos-length-1)
			}
			return info, nil
		case markerSOF0 <= marker && marker <= markerSOF && marker != markerDHT && marker != markerDAC:
			if info.Components != 0 {
				return JPEGInfo{}, malformed(what, "byte %d: want one frame header (SOF), got two", pos-length-1)
			}
			if err := parseSOF(segment, jfif, adobe, &info); err != nil {
				return JPEGInfo{}, err
			}
			info.SOF = int(marker - markerSOF0)
		}
	}
}

// isJFIF wants 12 bytes of a JFIF segment's 14, as jpegparse does.
func isJFIF(segment []byte) bool {
	return len(segment) >= 12 && string(segment[:5]) == "JFIF\x00"
}

// Values of the transform byte of Adobe's APP14 (Adobe Technical Note 5116).
const (
	adobeNone = -1 // no APP14
	adobeRGB  = 0  // RGB or CMYK
	adobeYCC  = 1
	adobeYCCK = 2
)

// adobeTransform reads APP14: "Adobe", version 2, flags 2 and 2, transform 1.
// A segment that ends before the transform means 0.
func adobeTransform(segment []byte) int {
	if len(segment) < 10 || string(segment[:5]) != "Adobe" {
		return adobeNone
	}
	if len(segment) < 12 {
		return adobeRGB
	}
	return int(segment[11])
}

// parseSOF reads a frame header (T.81, B.2.2): precision 1, height 2, width 2,
// number of components 1, then 3 bytes for each component: id, sampling
// factors, table.
func parseSOF(segment []byte, jfif bool, adobe int, info *JPEGInfo) error {
	const what, fixed, each = "jpeg", 6, 3
	if len(segment) < fixed {
		return malformed(what, "frame header of %d bytes, want at least %d", len(segment), fixed)
	}
	info.Precision = int(segment[0])
	info.Height = int(binary.BigEndian.Uint16(segment[1:]))
	info.Width = int(binary.BigEndian.Uint16(segment[3:]))
	n := int(segment[5])
	switch {
	case info.Width == 0:
		return malformed(what, "width 0, want at least 1")
	case info.Height == 0:
		return malformed(what, "height 0, want at least 1 (DNL is not supported)")
	case n < 1 || n > 4:
		return malformed(what, "%d components, want 1 to 4", n)
	case len(segment) < fixed+n*each:
		return malformed(what, "frame header of %d bytes, want %d for %d components", len(segment), fixed+n*each, n)
	}
	info.Components = n
	var id [4]byte
	var factors [4]byte // sampling, horizontal in the upper four bits
	for i := range n {
		c := segment[fixed+i*each:]
		id[i], factors[i] = c[0], c[1]
		if h, v := c[1]>>4, c[1]&15; h < 1 || h > 4 || v < 1 || v > 4 {
			return malformed(what, "component %d: sampling %dx%d, want 1x1 to 4x4", i, h, v)
		}
		if c[2] > 3 {
			return malformed(what, "component %d: quantization table %d, want 0 to 3", i, c[2])
		}
	}
	info.Colorspace, info.Sampling = colour(n, [3]byte(id[:]), [3]byte(factors[:]), jfif, adobe)
	return nil
}

// colour follows gst_jpeg_parse_sof of GStreamer's gstjpegparse.c.
func colour(n int, id, factors [3]byte, jfif bool, adobe int) (colorspace, sampling string) {
	switch n {
	case 1:
		return "GRAY", "GRAYSCALE"
	case 3:
		rgb := adobe == adobeRGB || adobe == adobeNone && id == [3]byte{'R', 'G', 'B'}
		if rgb && !jfif {
			return "sRGB", "RGB"
		}
		return "sYUV", samplings[factors]
	case 4:
		if adobe == adobeNone || adobe == adobeRGB {
			return "CMYK", ""
		}
		return "YCCK", ""
	}
	return "", ""
}

// samplings names the factors of Y, Cb and Cr, horizontal in the upper four
// bits and vertical in the lower ones. The set is that of jpegparse.
var samplings = map[[3]byte]string{
	{0x11, 0x11, 0x11}: "YCbCr-4:4:4",
	{0x21, 0x21, 0x21}: "YCbCr-4:4:4",
	{0x31, 0x31, 0x31}: "YCbCr-4:4:4",
	{0x12, 0x12, 0x12}: "YCbCr-4:4:4",
	{0x13, 0x13, 0x13}: "YCbCr-4:4:4",
	{0x12, 0x11, 0x11}: "YCbCr-4:4:0",
	{0x22, 0x21, 0x21}: "YCbCr-4:4:0",
	{0x14, 0x12, 0x12}: "YCbCr-4:4:0",
	{0x21, 0x11, 0x11}: "YCbCr-4:2:2",
	{0x22, 0x12, 0x12}: "YCbCr-4:2:2",
	{0x41, 0x21, 0x21}: "YCbCr-4:2:2",
	{0x22, 0x11, 0x11}: "YCbCr-4:2:0",
	{0x41, 0x11, 0x11}: "YCbCr-4:1:1",
	{0x42, 0x11, 0x11}: "YCbCr-4:1:0",
}
