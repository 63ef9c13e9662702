package wire

import (
	"fmt"
	"math"
	"math/bits"
)

// maxSide is the largest width and height of a raw frame, in pixels. It is the upper
// end of the size range in the caps of GStreamer's videoconvert and videoscale
// (gstvideoconvertscale.c, GST_VIDEO_SIZE_RANGE): a larger picture would be useless.
// Four channels of that size also just pass the 32-bit check of
// gst_video_info_set_format.
const maxSide = 32767

// Layout describes how the bytes of a raw frame form a picture.
type Layout struct {
	Format        string // GStreamer's name: BGR, BGRA, GRAY8, GRAY16_LE, GRAY16_BE; "" for the bytes of an encoded stream
	Width, Height int    // pixels; 0 when Format is ""
	Channels      int    // 1, 3 or 4; 0 when Format is ""
	BytesPerPixel int    // of all channels; 0 when Format is ""
	Stride        int    // bytes of one row; rows follow each other without padding; 0 when Format is ""
	Size          int    // bytes of the frame
}

// sample is the kind of one element of an array, as far as it matters for video.
type sample uint8

const (
	other sample = iota // has a size, but no video format
	gray8
	gray16LE
	gray16BE
)

// element is the meaning of one spelling of a numpy dtype.
type element struct {
	name   string // the key itself, so that a header needs no string of its own
	size   uint64 // bytes of one element
	sample sample
}

// dtypes holds the spellings of the types that have the same size everywhere.
// Without a byte order numpy means that of its machine, which is little-endian
// wherever NetGear runs.
var dtypes = makeDTypes()

func makeDTypes() map[string]element {
	table := map[string]element{}
	add := func(size uint64, kind sample, names ...string) {
		for _, name := range names {
			table[name] = element{name, size, kind}
		}
	}
	// plain names and codes; with "<", "=" or "|" codes mean the same
	native := func(size uint64, kind sample, codes []string, names ...string) {
		add(size, kind, names...)
		for _, code := range codes {
			add(size, kind, code, "<"+code, "="+code, "|"+code)
		}
	}
	big := func(size uint64, kind sample, codes ...string) {
		for _, code := range codes {
			add(size, kind, ">"+code)
		}
	}
	native(1, gray8, []string{"u1", "B"}, "uint8", "ubyte")
	big(1, gray8, "u1", "B")
	native(2, gray16LE, []string{"u2", "H"}, "uint16", "ushort")
	big(2, gray16BE, "u2", "H")

	for _, t := range []struct {
		size  uint64
		codes []string
		names []string
	}{
		{1, []string{"b1", "?"}, []string{"bool"}},
		{1, []string{"i1", "b"}, []string{"int8", "byte"}},
		{2, []string{"i2", "h"}, []string{"int16", "short"}},
		{4, []string{"i4", "i"}, []string{"int32", "intc"}},
		{4, []string{"u4", "I"}, []string{"uint32", "uintc"}},
		{8, []string{"i8", "q"}, []string{"int64", "longlong"}},
		{8, []string{"u8", "Q"}, []string{"uint64", "ulonglong"}},
		{2, []string{"f2", "e"}, []string{"float16", "half"}},
		{4, []string{"f4", "f"}, []string{"float32", "single"}},
		{8, []string{"f8", "d"}, []string{"float64", "double", "float"}},
		{8, []string{"c8", "F"}, []string{"complex64"}},
		{16, []string{"c16", "D"}, []string{"complex128", "complex"}},
	} {
		native(t.size, other, t.codes, t.names...)
		big(t.size, other, t.codes...)
	}
	return table
}

// Layout returns how a data part of dataLen bytes forms the frame that the header
// announces. maxFrame is the largest frame to accept, in bytes; 0 means no limit.
// Every number of the peer is checked before it is used.
//
// Two dimensions, or three with one channel, are GRAY8 or GRAY16. Three channels are
// BGR and four BGRA, OpenCV's order. One dimension of uint8 is an encoded stream.
// One dimension may be -1, as in numpy's reshape. The error wraps ErrMalformed when
// dtype, shape and dataLen contradict each other or maxFrame. It wraps
// ErrUnsupported when they agree, but GStreamer has no such picture.
func (h *Header) Layout(dataLen int, maxFrame uint64) (Layout, error) {
	return layout("frame", h.Compressed, h.DType, h.Shape, dataLen, maxFrame)
}

// Layout is Header.Layout for the array of a reply.
func (r *Reply) Layout(dataLen int, maxFrame uint64) (Layout, error) {
	return layout("returned frame", r.Compressed, r.DType, r.Shape, dataLen, maxFrame)
}

// maxDTypeLen is the longest name of a dtype that Elements accepts. numpy's own are
// far shorter.
const maxDTypeLen = 64

// Elements returns the shape of the array of a reply, picture or not, whose data
// part has dataLen bytes. It replaces -1 in the shape.
//
// The error wraps ErrMalformed when dtype, shape and dataLen contradict each other.
// It wraps ErrUnsupported when the dtype is not a name in ASCII, or a dimension does
// not fit into 31 bits. A dtype that this package does not know, such as "<U5", may
// have elements of any size.
func (r *Reply) Elements(dataLen int) (Shape, error) {
	const what = "returned array"
	shape := r.Shape
	if r.Compressed || shape.N < 0 || shape.N > MaxDims || dataLen < 0 {
		return noShape, malformed(what, "dtype %s without a shape", shorten(appendString(nil, r.DType)))
	}
	if !plainDType(r.DType) {
		return noShape, fmt.Errorf("wire: %s: dtype %s: want a name of at most %d characters of ASCII: %w",
			what, shorten(appendString(nil, r.DType)), maxDTypeLen, ErrUnsupported)
	}
	dims := shape.Dim[:shape.N]
	size := uint64(0)
	if elem, ok := dtypes[r.DType]; ok {
		size = elem.size
	} else {
		size = sizeOf(dims, uint64(dataLen))
	}
	if size == 0 || !fit(dims, size, uint64(dataLen)) {
		return noShape, malformed(what, "dtype %q, shape %s do not make %d bytes", r.DType, appendShape(nil, false, &shape), dataLen)
	}
	for _, dim := range dims {
		if dim > math.MaxInt32 {
			return noShape, fmt.Errorf("wire: %s: shape %s: want dimensions of at most 31 bits: %w", what, appendShape(nil, false, &shape), ErrUnsupported)
		}
	}
	return shape, nil
}

func plainDType(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return name != "" && len(name) <= maxDTypeLen
}

// sizeOf returns the size in bytes of one element, where so many elements make total
// bytes. It returns 0 when no size or more than one fits, as for an array without
// elements.
func sizeOf(dims []int, total uint64) uint64 {
	count := uint64(1)
	for _, dim := range dims {
		if dim < 0 {
			return 0
		}
		high, low := bits.Mul64(count, uint64(dim))
		if high != 0 {
			return 0
		}
		count = low
	}
	if count == 0 {
		return 1
	}
	return total / count // fit checks the rest
}

// layout has its own copy of the shape, and replaces -1 in it.
func layout(what string, compressed bool, name string, shape Shape, dataLen int, maxFrame uint64) (Layout, error) {
	unsupported := func(want string) (Layout, error) {
		return Layout{}, fmt.Errorf("wire: %s: dtype %s, shape %s: want %s: %w",
			what, shorten(appendString(nil, name)), appendShape(nil, false, &shape), want, ErrUnsupported)
	}
	if compressed {
		return Layout{}, fmt.Errorf("wire: %s: a JPEG: want raw pixels: %w", what, ErrUnsupported)
	}
	if dataLen < 0 || maxFrame > 0 && uint64(dataLen) > maxFrame {
		return Layout{}, malformed(what, "%d bytes, want at most %d", dataLen, maxFrame)
	}
	if shape.N < 0 || shape.N > MaxDims {
		return Layout{}, malformed(what, "dtype %s without a shape", shorten(appendString(nil, name)))
	}
	elem, ok := dtypes[name]
	if !ok {
		return unsupported("uint8 or uint16")
	}
	dims := shape.Dim[:shape.N]
	if !fit(dims, elem.size, uint64(dataLen)) {
		return Layout{}, malformed(what, "dtype %q, shape %s do not make %d bytes",
			elem.name, appendShape(nil, false, &shape), dataLen)
	}

	if dataLen == 0 {
		return unsupported("at least one pixel")
	}
	if len(dims) == 1 && elem.sample == gray8 {
		return Layout{Size: dataLen}, nil
	}
	channels := 1
	switch len(dims) {
	case 2:
	case 3:
		channels = dims[2]
	default:
		return unsupported("[height, width] or [height, width, channels]; or [bytes] of uint8")
	}
	format, want := elem.sample.picture(channels)
	if want != "" {
		return unsupported(want)
	}
	height, width := dims[0], dims[1]
	if height > maxSide || width > maxSide {
		return unsupported("at most 32767 pixels each way")
	}
	pixel := channels * int(elem.size) //nolint:gosec // the sizes in our table
	return Layout{
		Format:        format,
		Width:         width,
		Height:        height,
		Channels:      channels,
		BytesPerPixel: pixel,
		Stride:        width * pixel,
		Size:          dataLen,
	}, nil
}

// picture returns the format of pixels that have so many samples of this kind, or what
// is wanted instead.
func (s sample) picture(channels int) (format, want string) {
	switch {
	case s == other:
		return "", "uint8 or uint16, GStreamer has no video of another type"
	case s == gray8 && channels == 1:
		return "GRAY8", ""
	case s == gray8 && channels == 3:
		return "BGR", ""
	case s == gray8 && channels == 4:
		return "BGRA", ""
	case s == gray8:
		return "", "1, 3 or 4 channels of uint8"
	case channels != 1:
		return "", "1 channel of uint16"
	case s == gray16BE:
		return "GRAY16_BE", ""
	}
	return "GRAY16_LE", ""
}

// fit reports whether elements of size bytes in these dimensions make exactly total
// bytes. It replaces one -1 by the one number that fits, as numpy's reshape does.
func fit(dims []int, size, total uint64) bool {
	unknown := -1
	for i, dim := range dims {
		switch {
		case dim == 0:
			return total == 0 && unknown < 0 && !hasNegative(dims[i:])
		case dim == -1 && unknown < 0:
			unknown = i
		case dim < 0:
			return false
		default:
			high, low := bits.Mul64(size, uint64(dim))
			if high != 0 {
				return false // and numpy would raise on as much as this
			}
			size = low
		}
	}
	if unknown < 0 {
		return size == total
	}
	if total%size != 0 {
		return false
	}
	dims[unknown] = int(total / size) //nolint:gosec // total is the length of a slice
	return true
}

func hasNegative(dims []int) bool {
	for _, dim := range dims {
		if dim < 0 {
			return true
		}
	}
	return false
}
