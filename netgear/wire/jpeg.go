package wire

import "encoding/binary"

// JPEGInfo is what a JPEG says about itself, in the words of the caps of
// GStreamer's jpegparse.
type JPEGInfo struct {
	Width, Height int    // pixels, 1..65500
	SOF           int    // sof-marker: which of the SOFn; 0 baseline, 1 extended, 2 progressive, 9 and 10 with arithmetic coding
	Components    int    // 1..4
	Colorspace    string // sYUV, GRAY, sRGB, CMYK or YCCK; "" unknown (two components)
	Sampling      string // YCbCr-4:2:0 and the like, GRAYSCALE, RGB; "" unknown
	Precision     int    // bits per sample: 8
}

// Markers of ITU-T T.81, table B.1, without the 0xff in front of each.
const (
	markerTEM  = 0x01
	markerSOF0 = 0xc0
	markerSOF2 = 0xc2 // progressive
	markerDHT  = 0xc4 // within the range of SOFn, as the next two
	markerJPG  = 0xc8
	markerSOF9 = 0xc9 // arithmetic coding, as SOF10
	markerSOFA = 0xca // progressive too
	markerDAC  = 0xcc
	markerSOF  = 0xcf // SOF15, the last one
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDNL  = 0xdc
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerAPPE = 0xee // APP14, Adobe's
	markerAPPF = 0xef
	markerCOM  = 0xfe
)

// maxJPEGSide is the largest width and height that libjpeg decodes, in pixels
// (JPEG_MAX_DIMENSION).
const maxJPEGSide = 65500

// ParseJPEG reads the markers of a JPEG, from its first byte to its EOI, and looks
// for every defect that shows without decoding: NetGear's receivers decode strictly,
// and an error ends their thread for good. In the entropy-coded data it looks only
// for markers. It neither keeps b nor allocates.
//
// It accepts what a strict decoder accepts: missing Huffman tables where the usual
// ones are meant, as USB cameras send it, and anything behind the EOI. It cannot
// find what only a decoder can see: damaged data between the right markers.
//
// Colour space and sampling follow jpegparse: JFIF decides, then Adobe's APP14, and
// without both the component ids. APP14's transform is read where Adobe puts it, as
// jpegparse does since 1.26; older versions looked one byte too far and took every
// value for 0.
//
// The error wraps ErrMalformed. It also refuses a height of 0, which a DNL marker
// behind the scan would give: no GStreamer decoder accepts it.
func ParseJPEG(b []byte) (JPEGInfo, error) {
	if len(b) < 2 || b[0] != 0xff || b[1] != markerSOI {
		return JPEGInfo{}, badJPEG("want ff d8 at its start, got % x", b[:min(len(b), 2)])
	}
	p := jpegParser{b: b, pos: 2, adobe: adobeNone}
	for {
		marker, err := p.marker()
		if err != nil {
			return JPEGInfo{}, err
		}
		switch {
		case marker == markerTEM, markerRST0 <= marker && marker <= markerRST7:
			continue // no segment behind them
		case marker == markerEOI && p.scans > 0:
			return p.info, nil
		}
		if err := p.segment(marker); err != nil {
			return JPEGInfo{}, err
		}
		if marker == markerSOS {
			if err := p.scan(); err != nil {
				return JPEGInfo{}, err
			}
		}
	}
}

func badJPEG(format string, args ...any) error { return malformed("jpeg", format, args...) }

// jpegParser is the state of ParseJPEG.
type jpegParser struct {
	b   []byte
	pos int

	info  JPEGInfo
	jfif  bool
	adobe int

	components [4]jpegComponent
	quant      [4]bool    // the quantization tables that were defined
	huffman    [2][4]bool // the Huffman tables: DC, AC
	interval   int        // MCUs between restart markers; 0: no such markers
	scans      int
	now        jpegScan
	refined    [4][64]int8 // of a progressive JPEG, by component and coefficient: 1 + the lowest bit that came; 0: nothing came
}

type jpegComponent struct {
	id, h, v byte // h and v are sampling factors
	quant    byte // its table
}

// marker reads the next marker, with any number of fill bytes.
func (p *jpegParser) marker() (byte, error) {
	if p.pos < len(p.b) && p.b[p.pos] != 0xff {
		return 0, badJPEG("byte %d: want a marker, got %#02x", p.pos, p.b[p.pos])
	}
	for p.pos < len(p.b) && p.b[p.pos] == 0xff {
		p.pos++
	}
	if p.pos >= len(p.b) {
		return 0, badJPEG("byte %d: want a marker, got the end", p.pos)
	}
	p.pos++
	return p.b[p.pos-1], nil
}

// segment reads what follows a marker.
func (p *jpegParser) segment(marker byte) error {
	sof := markerSOF0 <= marker && marker <= markerSOF && marker != markerDHT && marker != markerJPG && marker != markerDAC
	app := markerAPP0 <= marker && marker <= markerAPPF || marker == markerCOM || marker == markerDNL
	table := marker == markerDHT || marker == markerDAC || marker == markerDQT || marker == markerDRI
	if !sof && !app && !table && marker != markerSOS {
		return badJPEG("byte %d: marker %#02x where a segment belongs", p.pos-1, marker)
	}
	if len(p.b)-p.pos < 2 {
		return badJPEG("byte %d: want the length of segment %#02x, got the end", p.pos, marker)
	}
	length := int(binary.BigEndian.Uint16(p.b[p.pos:])) // counts itself
	if length < 2 || length > len(p.b)-p.pos {
		return badJPEG("byte %d: segment %#02x of %d bytes, want 2 to %d", p.pos, marker, length, len(p.b)-p.pos)
	}
	segment := p.b[p.pos+2 : p.pos+length]
	p.pos += length
	switch {
	case sof:
		return p.parseSOF(marker, segment)
	case marker == markerSOS:
		return p.parseSOS(segment)
	case marker == markerDQT:
		return p.parseDQT(segment)
	case marker == markerDHT:
		return p.parseDHT(segment)
	case marker == markerDAC:
		return p.parseDAC(segment)
	case marker == markerDRI:
		if len(segment) != 2 {
			return badJPEG("restart interval of %d bytes, want 2", len(segment))
		}
		p.interval = int(binary.BigEndian.Uint16(segment))
	case marker == markerAPP0:
		if version := jfifVersion(segment); version >= 0 && version != 1 {
			return badJPEG("JFIF %d, want JFIF 1", version)
		}
		p.jfif = p.jfif || isJFIF(segment)
	case marker == markerAPPE:
		if transform := adobeTransform(segment); transform != adobeNone {
			p.adobe = transform
		}
	}
	return nil
}

// isJFIF needs 12 bytes of the 14 of a JFIF segment, as jpegparse does.
func isJFIF(segment []byte) bool {
	return len(segment) >= 12 && string(segment[:5]) == "JFIF\x00"
}

// jfifVersion is the first part of a JFIF segment's version; -1: libjpeg takes it
// for none.
func jfifVersion(segment []byte) int {
	if len(segment) < 14 || !isJFIF(segment) {
		return -1
	}
	return int(segment[5])
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
func (p *jpegParser) parseSOF(marker byte, segment []byte) error {
	const fixed, each = 6, 3
	info := &p.info
	switch {
	case info.Components != 0:
		return badJPEG("byte %d: want one frame header (SOF), got two", p.pos-len(segment)-3)
	case marker > markerSOF2 && marker != markerSOF9 && marker != markerSOFA:
		return badJPEG("frame header %#02x: want baseline or progressive, which decoders take", marker)
	case len(segment) < fixed:
		return badJPEG("frame header of %d bytes, want at least %d", len(segment), fixed)
	}
	info.SOF = int(marker - markerSOF0)
	info.Precision = int(segment[0])
	info.Height = int(binary.BigEndian.Uint16(segment[1:]))
	info.Width = int(binary.BigEndian.Uint16(segment[3:]))
	n := int(segment[5])
	switch {
	case info.Precision != 8:
		return badJPEG("%d bits per sample, want 8, which decoders take", info.Precision)
	case info.Width == 0:
		return badJPEG("width 0, want at least 1")
	case info.Height == 0:
		return badJPEG("height 0, want at least 1 (DNL is not supported)")
	case info.Width > maxJPEGSide || info.Height > maxJPEGSide:
		return badJPEG("%dx%d, want at most %d each way", info.Width, info.Height, maxJPEGSide)
	case n < 1 || n > len(p.components):
		return badJPEG("%d components, want 1 to %d", n, len(p.components))
	case len(segment) != fixed+n*each:
		return badJPEG("frame header of %d bytes, want %d for %d components", len(segment), fixed+n*each, n)
	}
	info.Components = n
	var id, factors [4]byte // factors: sampling, horizontal in the upper four bits
	for i := range n {
		c := segment[fixed+i*each:]
		id[i], factors[i] = c[0], c[1]
		h, v := c[1]>>4, c[1]&15
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return badJPEG("component %d: sampling %dx%d, want 1x1 to 4x4", i, h, v)
		}
		if c[2] > 3 {
			return badJPEG("component %d: quantization table %d, want 0 to 3", i, c[2])
		}
		p.components[i] = jpegComponent{c[0], h, v, c[2]}
	}
	if n == 3 && !p.jfif && p.adobe > adobeYCC {
		return badJPEG("transform %d in Adobe's segment, want 0 or 1", p.adobe)
	}
	info.Colorspace, info.Sampling = colour(n, [3]byte(id[:]), [3]byte(factors[:]), p.jfif, p.adobe)
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

// samplings has a name for the factors of Y, Cb and Cr, horizontal in the upper four
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
