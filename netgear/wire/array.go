package wire

import (
	"math"
	"strconv"
)

// This file holds what the headers of a frame and of a returned frame have in
// common: how the array in the second part is encoded.

// Colorspace is the order of the channels to which a receiver decodes a JPEG. It
// does not describe the JPEG itself: simplejpeg writes the same bytes for RGB and
// for BGR input. OpenCV expects BGR.
type Colorspace string

// The names that NetGear accepts for jpeg_compression.
const (
	ColorspaceRGB  Colorspace = "RGB"
	ColorspaceBGR  Colorspace = "BGR"
	ColorspaceRGBX Colorspace = "RGBX"
	ColorspaceBGRX Colorspace = "BGRX"
	ColorspaceXBGR Colorspace = "XBGR"
	ColorspaceXRGB Colorspace = "XRGB"
	ColorspaceGRAY Colorspace = "GRAY"
	ColorspaceRGBA Colorspace = "RGBA"
	ColorspaceBGRA Colorspace = "BGRA"
	ColorspaceABGR Colorspace = "ABGR"
	ColorspaceARGB Colorspace = "ARGB"
	ColorspaceCMYK Colorspace = "CMYK"
)

var colorspaces = [...]Colorspace{
	ColorspaceRGB, ColorspaceBGR, ColorspaceRGBX, ColorspaceBGRX, ColorspaceXBGR, ColorspaceXRGB,
	ColorspaceGRAY, ColorspaceRGBA, ColorspaceBGRA, ColorspaceABGR, ColorspaceARGB, ColorspaceCMYK,
}

// Valid reports whether c is one of NetGear's twelve names, in upper case.
func (c Colorspace) Valid() bool {
	for _, name := range colorspaces {
		if c == name {
			return true
		}
	}
	return false
}

// JPEGOptions is the "compression" object of a frame that is a JPEG: to what, and
// how, the receiver decodes it.
type JPEGOptions struct {
	FastDCT      bool       // "dct": decode with the fast, less exact DCT; NetGear's default is true
	FastUpsample bool       // "ups": decode with the fast, less smooth chroma; NetGear's default is false
	Colorspace   Colorspace // "" is sent as BGR
}

// Shape is the shape of a numpy array: rows, columns, channels. The zero value
// is numpy's shape of a scalar, []; a Shape with N < 0 is absent.
type Shape struct {
	N   int          // number of dimensions, at most MaxDims; negative: absent, "" on the wire
	Dim [MaxDims]int // the first N count; one of them may be -1 in what a peer sends, see Header.Layout
}

// noShape stands for the "" that NetGear sends in place of a JPEG's shape.
var noShape = Shape{N: -1}

// MakeShape returns the shape with these dimensions. It panics when there are more
// than MaxDims of them, which is a fault of the caller.
func MakeShape(dims ...int) Shape {
	if len(dims) > MaxDims {
		panic("wire: shape of " + strconv.Itoa(len(dims)) + " dimensions, want at most " + strconv.Itoa(MaxDims))
	}
	s := Shape{N: len(dims)}
	copy(s.Dim[:], dims)
	return s
}

// Dims returns a copy of the dimensions; nil when the shape is absent.
func (s Shape) Dims() []int {
	if s.N < 0 {
		return nil
	}
	return s.Dim[:min(s.N, MaxDims)]
}

// parseCompression distinguishes a JPEG, which has an object, from raw pixels:
// false, null or no key. Python has defaults for the members only where its own
// options make it skip them; ours are those of simplejpeg and NetGear.
func parseCompression(what string, raw []byte, opt *JPEGOptions) (compressed bool, err error) {
	if raw == nil || isNull(raw) || string(raw) == "false" {
		return false, nil
	}
	if !isObject(raw) {
		return false, unwanted(what, "compression", "false or an object", raw)
	}
	var dct, ups, colorspace []byte
	s := scanner{what: what, b: raw}
	if err := s.pick(wanted{"dct", &dct}, wanted{"ups", &ups}, wanted{"colorspace", &colorspace}); err != nil {
		return false, err
	}
	var ok bool
	if opt.FastDCT, ok = parseBool(dct); !ok {
		if dct != nil {
			return false, unwanted(what, "compression.dct", "true or false", dct)
		}
		opt.FastDCT = true
	}
	if opt.FastUpsample, ok = parseBool(ups); !ok && ups != nil {
		return false, unwanted(what, "compression.ups", "true or false", ups)
	}
	if opt.Colorspace, ok = parseColorspace(colorspace); !ok {
		return false, unwanted(what, "compression.colorspace", "one of NetGear's colour spaces (BGR, GRAY)", colorspace)
	}
	return true, nil
}

func parseColorspace(raw []byte) (Colorspace, bool) {
	if raw == nil {
		return ColorspaceBGR, true
	}
	if !isString(raw) {
		return "", false
	}
	text := unquote(raw)
	for _, name := range colorspaces {
		if string(text) == string(name) {
			return name, true
		}
	}
	return "", false
}

func parseDType(what, key string, raw []byte, old string) (string, error) {
	if !isString(raw) {
		return "", unwanted(what, key, "a string", raw)
	}
	text := unquote(raw)
	if len(text) == 0 {
		return "", unwanted(what, key, "the name of a numpy dtype", raw)
	}
	if d, ok := dtypes[string(text)]; ok {
		return d.name, nil
	}
	return reuse(text, old), nil
}

// parseShape accepts integers from -1 on. Layout decides what -1 means.
func parseShape(what, key string, raw []byte, shape *Shape) error {
	if len(raw) == 0 || raw[0] != '[' {
		return unwanted(what, key, "an array of integers", raw)
	}
	s := scanner{what: what, b: raw}
	n := 0
	for {
		val, err := s.element(n == 0)
		if err != nil {
			return err
		}
		if val == nil {
			shape.N = n
			return nil
		}
		if n == MaxDims {
			return unwanted(what, key, "at most "+strconv.Itoa(MaxDims)+" dimensions", raw)
		}
		dim, ok := parseUint63(val)
		if string(val) == "-1" {
			dim, ok = -1, true
		}
		if !ok || dim > math.MaxInt {
			return unwanted(what, key, "integers from -1 on", raw)
		}
		shape.Dim[n] = int(dim)
		n++
	}
}

func appendCompression(dst []byte, compressed bool, opt *JPEGOptions) []byte {
	if !compressed {
		return append(dst, "false"...)
	}
	dst = append(dst, `{"dct": `...)
	dst = strconv.AppendBool(dst, opt.FastDCT)
	dst = append(dst, `, "ups": `...)
	dst = strconv.AppendBool(dst, opt.FastUpsample)
	dst = append(dst, `, "colorspace": `...)
	colorspace := opt.Colorspace
	if colorspace == "" {
		colorspace = ColorspaceBGR
	}
	dst = appendString(dst, string(colorspace))
	return append(dst, '}')
}

func appendDType(dst []byte, compressed bool, dtype string) []byte {
	if compressed {
		return append(dst, `""`...)
	}
	return appendString(dst, dtype)
}

func appendShape(dst []byte, compressed bool, s *Shape) []byte {
	if compressed || s.N < 0 {
		return append(dst, `""`...)
	}
	dst = append(dst, '[')
	for i, dim := range s.Dim[:min(s.N, MaxDims)] {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendInt(dst, int64(dim), 10)
	}
	return append(dst, ']')
}
