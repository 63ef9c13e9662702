package wire

import "bytes"

// A scan begins with a JPEG's SOS. It is the entropy-coded data of some components,
// in MCUs (T.81, A.2). The checks here are those of libjpeg.

// jpegScan is the next scan.
type jpegScan struct {
	mcus     int // minimum coded units
	least    int // the least number of bits that these take
	complete bool
}

// progressive reports whether the coefficients come in several scans.
func (p *jpegParser) progressive() bool {
	return p.info.SOF == markerSOF2-markerSOF0 || p.info.SOF == markerSOFA-markerSOF0
}

// arithmetic reports whether the data are coded without Huffman tables.
func (p *jpegParser) arithmetic() bool { return p.info.SOF >= markerSOF9-markerSOF0 }

// parseDQT reads quantization tables (T.81, B.2.4.1): precision and number 1,
// then 64 values of one or two bytes.
func (p *jpegParser) parseDQT(s []byte) error {
	for len(s) > 0 {
		precision, id := s[0]>>4, s[0]&15
		size := 1 + 64*(1+int(precision))
		if precision > 1 || id > 3 || len(s) < size {
			return badJPEG("byte %d: quantization table %#02x with %d bytes, want 0 to 3 with %d", p.pos-len(s), s[0], len(s), size)
		}
		p.quant[id] = true
		s = s[size:]
	}
	return nil
}

// parseDHT reads Huffman tables (T.81, B.2.4.2): class and number 1, how many
// codes there are of each length 16, the symbols.
func (p *jpegParser) parseDHT(s []byte) error {
	const fixed, most = 17, 256
	for len(s) > 0 {
		if len(s) < fixed {
			return badJPEG("byte %d: Huffman table of %d bytes, want at least %d", p.pos-len(s), len(s), fixed)
		}
		class, id := s[0]>>4, s[0]&15
		if class > 1 || id > 3 {
			return badJPEG("byte %d: Huffman table %#02x, want 00 to 03 or 10 to 13", p.pos-len(s), s[0])
		}
		symbols, code := 0, 0
		for i, n := range s[1:fixed] {
			symbols += int(n)
			code = code<<1 + int(n)
			if code >= 2<<i && n > 0 {
				return badJPEG("byte %d: Huffman table %#02x with too many codes of %d bits", p.pos-len(s), s[0], i+1)
			}
		}
		if symbols > most || symbols > len(s)-fixed {
			return badJPEG("byte %d: Huffman table %#02x of %d codes, want at most %d", p.pos-len(s), s[0], symbols, min(most, len(s)-fixed))
		}
		if class == 0 {
			for _, category := range s[fixed : fixed+symbols] {
				if category > 15 {
					return badJPEG("byte %d: Huffman table %#02x with category %d, want at most 15", p.pos-len(s), s[0], category)
				}
			}
		}
		p.huffman[class][id] = true
		s = s[fixed+symbols:]
	}
	return nil
}

// parseDAC reads conditioning of arithmetic coding (T.81, B.2.4.3): class and
// number 1, value 1.
func (*jpegParser) parseDAC(s []byte) error {
	for i := 0; i+1 < len(s); i += 2 {
		if id, value := s[i], s[i+1]; id > 0x1f || id < 0x10 && value&15 > value>>4 {
			return badJPEG("arithmetic conditioning %#02x of table %#02x", value, id)
		}
	}
	if len(s)%2 != 0 {
		return badJPEG("arithmetic conditioning of %d bytes, want two for each table", len(s))
	}
	return nil
}

// parseSOS reads a scan header (T.81, B.2.3): number of components 1, for each of
// them its id and its Huffman tables, then the first and the last coefficient and
// the bits of it.
func (p *jpegParser) parseSOS(s []byte) error {
	at := p.pos - len(s) - 3
	if p.info.Components == 0 {
		return badJPEG("byte %d: want a frame header (SOF) before the scan", at)
	}
	if p.scans > 0 && p.now.complete && !p.progressive() {
		return badJPEG("byte %d: want the end (EOI) behind the scan, got another scan", at)
	}
	const fixed, each = 4, 2
	if len(s) < fixed || s[0] < 1 || s[0] > 4 || len(s) != fixed+each*int(s[0]) {
		return badJPEG("byte %d: scan header of %d bytes, want %d for each of 1 to 4 components, and %d", at, len(s), each, fixed)
	}
	n := int(s[0])
	coefficients := s[1+each*n:]
	first, last, high, low := int(coefficients[0]), int(coefficients[1]), int(coefficients[2]>>4), int(coefficients[2]&15)
	if !p.progressive() && (first != 0 || last != 63 || high != 0 || low != 0) {
		return badJPEG("byte %d: scan of coefficients %d to %d, bits %d and %d: want 0 to 63, 0 and 0", at, first, last, high, low)
	}
	if p.progressive() && (last > 63 || first > last || first == 0 && last != 0 || first > 0 && n != 1 || high != 0 && low != high-1 || low > 13) {
		return badJPEG("byte %d: progressive scan of %d components, coefficients %d to %d, bits %d and %d", at, n, first, last, high, low)
	}
	var inScan, used [4]int // used: 1 + the place in the scan
	for i := range n {
		id, dc, ac := s[1+each*i], s[2+each*i]>>4, s[2+each*i]&15
		c := p.component(id, &used)
		switch {
		case c < 0:
			return badJPEG("byte %d: component %d in the scan, but not in the frame header, or twice", at, id)
		case !p.quant[p.components[c].quant]:
			return badJPEG("byte %d: component %d without its quantization table %d", at, id, p.components[c].quant)
		case !p.hasHuffman(0, dc, first == 0 && high == 0), !p.hasHuffman(1, ac, last > 0):
			return badJPEG("byte %d: component %d without its Huffman tables %d and %d", at, id, dc, ac)
		case p.progressive() && !p.refine(c, first, last, high, low):
			return badJPEG("byte %d: progressive scan of component %d, coefficients %d to %d, bits %d and %d: not what follows the scans before", at, id, first, last, high, low)
		}
		inScan[i], used[c] = c, i+1
	}
	p.now = jpegScan{complete: n == p.info.Components}
	return p.measure(at, inScan[:n], first == 0 && high == 0)
}

// component returns the index of the component that has that id and is not used yet,
// or -1.
func (p *jpegParser) component(id byte, used *[4]int) int {
	for i := range p.info.Components {
		if p.components[i].id == id && used[i] == 0 {
			return i
		}
	}
	return -1
}

// hasHuffman reports whether a required Huffman table exists. In JPEGs that are not
// progressive, tables 0 and 1 have defaults, those of T.81, annex K.
func (p *jpegParser) hasHuffman(class int, id byte, needed bool) bool {
	if !needed || p.arithmetic() {
		return true
	}
	return id < 2 && !p.progressive() || id < 4 && p.huffman[class][id]
}

// refine notes which bits of which coefficients a progressive scan contains. It
// reports whether they follow those of the earlier scans.
func (p *jpegParser) refine(component, first, last, high, low int) bool {
	seen := &p.refined[component]
	if first > 0 && seen[0] == 0 {
		return false
	}
	for i := first; i <= last; i++ {
		if max(0, int(seen[i])-1) != high {
			return false
		}
		seen[i] = int8(low) + 1 //nolint:gosec // at most 13
	}
	return true
}

// measure returns how many MCUs the scan has, and how many bits they take at least:
// a code of one bit for each block if dc, and another for the block's end where the
// scan is not progressive. That finds a picture of a few bytes that claims to be
// huge.
func (p *jpegParser) measure(at int, inScan []int, dc bool) error {
	var maxH, maxV int
	for _, c := range p.components[:p.info.Components] {
		maxH, maxV = max(maxH, int(c.h)), max(maxV, int(c.v))
	}
	ceil := func(a, b int) int { return (a + b - 1) / b }
	blocks := 1 // in an MCU
	if len(inScan) == 1 {
		c := p.components[inScan[0]]
		p.now.mcus = ceil(ceil(p.info.Width*int(c.h), maxH), 8) * ceil(ceil(p.info.Height*int(c.v), maxV), 8)
	} else {
		blocks = 0
		for _, i := range inScan {
			blocks += int(p.components[i].h) * int(p.components[i].v)
		}
		const most = 10 // T.81, B.2.3
		if blocks > most {
			return badJPEG("byte %d: scan with %d blocks in an MCU, want at most %d", at, blocks, most)
		}
		p.now.mcus = ceil(p.info.Width, 8*maxH) * ceil(p.info.Height, 8*maxV)
	}
	switch {
	case p.arithmetic() || !dc:
		p.now.least = 0
	case p.progressive():
		p.now.least = p.now.mcus * blocks
	default:
		p.now.least = 2 * p.now.mcus * blocks
	}
	return nil
}

// scan moves past the entropy-coded data to the marker behind it. It counts the
// restart markers, which must come in order and as often as the interval says.
func (p *jpegParser) scan() error {
	start, want, restarts := p.pos, 0, 0
	if p.interval > 0 {
		want = (p.now.mcus - 1) / p.interval
	}
	for interval := p.pos; ; interval = p.pos {
		end, marker := p.nextMarker()
		switch {
		case marker == 0:
			return badJPEG("byte %d: the picture ends within its scan: want EOI", len(p.b))
		case end == interval && !p.arithmetic(): // it may omit zeros
			return badJPEG("byte %d: want data of the scan, got marker %#02x", end, marker)
		case marker&^7 == markerRST0 && restarts < want:
			if int(marker&7) != restarts%8 {
				return badJPEG("byte %d: want restart marker %d, got %d", end, restarts%8, marker&7)
			}
			restarts++
		case restarts < want:
			return badJPEG("byte %d: want %d restart markers, got %d", end, want, restarts)
		case 8*(end-start) < p.now.least:
			return badJPEG("byte %d: scan of %d bytes, want at least %d for %dx%d", end, end-start, (p.now.least+7)/8, p.info.Width, p.info.Height)
		default:
			p.pos = end
			p.scans++
			return nil
		}
	}
}

// nextMarker finds the next marker in entropy-coded data, and returns where the data
// ends; p.pos is then behind the marker. The marker is 0 when there is none.
func (p *jpegParser) nextMarker() (end int, marker byte) {
	for {
		i := bytes.IndexByte(p.b[p.pos:], 0xff)
		if i < 0 {
			return len(p.b), 0
		}
		p.pos += i
		end = p.pos
		for p.pos < len(p.b) && p.b[p.pos] == 0xff {
			p.pos++
		}
		if p.pos == len(p.b) {
			return len(p.b), 0
		}
		p.pos++
		if m := p.b[p.pos-1]; m != 0 { // ff 00 is the byte ff
			return end, m
		}
	}
}
