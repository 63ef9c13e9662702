package wire

// Media types of raw video in caps.
const (
	RawMedia   = "video/x-raw"
	BayerMedia = "video/x-bayer"
)

// rawArray is how the pixels of a format form an array. W and H are width and
// height, rounded up to even numbers where a sample of colour spans two pixels in
// that direction, as in GStreamer's own packed layouts.
type rawArray uint8

const (
	plain         rawArray = iota + 1 // [h, w]
	threeChannels                     // [h, w, 3]
	fourChannels                      // [h, w, 4]
	halfChroma                        // [H*3/2, W]: luma, and below it a quarter of the colour samples
	pairs                             // [h, W, 2]: two pixels share their colour samples
	planes                            // [3, h, w], in the order of the format's name
	mosaic                            // [h, w], of video/x-bayer
)

// rawFormat is a row of rawFormats.
type rawFormat struct {
	name   string // the key itself, so that caps need no string of their own
	dtype  string // in a header
	sample sample // the samples that an array must have
	array  rawArray
}

// rawFormats holds the formats of raw video that an array may have, by GStreamer's
// names. OpenCV knows each of these layouts (cv::ColorConversionCodes) except Y444 and
// GBR, whose planes follow each other as in PyTorch.
var rawFormats = makeRawFormats()

func makeRawFormats() map[string]rawFormat {
	table := map[string]rawFormat{}
	add := func(dtype string, sample sample, array rawArray, names ...string) {
		for _, name := range names {
			table[name] = rawFormat{name, dtype, sample, array}
		}
	}
	add("uint8", gray8, plain, "GRAY8")
	add("uint16", gray16LE, plain, "GRAY16_LE")
	add(">u2", gray16BE, plain, "GRAY16_BE")
	add("uint8", gray8, threeChannels, "BGR", "RGB")
	add("uint8", gray8, fourChannels, "BGRx", "RGBx", "xBGR", "xRGB", "BGRA", "RGBA", "ABGR", "ARGB")
	add("uint8", gray8, halfChroma, "I420", "YV12", "NV12", "NV21")
	add("uint16", gray16LE, halfChroma, "P010_10LE", "I420_10LE")
	add("uint8", gray8, pairs, "YUY2", "YVYU", "UYVY")
	add("uint8", gray8, planes, "Y444", "GBR")
	add("uint8", gray8, mosaic, "bggr", "gbrg", "grbg", "rggb")
	return table
}

func isRawFormat(name string) bool { _, ok := rawFormats[name]; return ok }

// IsPicture reports whether every peer takes an array of this format for a picture.
// Arrays of other formats look like something else, so the receiver must know what
// they are.
func IsPicture(format string) bool {
	switch rawFormats[format].array {
	case plain, threeChannels, fourChannels:
		return true
	case halfChroma, pairs, planes, mosaic:
	}
	return false
}

// RawMediaOf returns the media type that a format of raw video has in caps.
func RawMediaOf(format string) string {
	if rawFormats[format].array == mosaic {
		return BayerMedia
	}
	return RawMedia
}

// RawShape returns the numpy dtype and shape with which a GStreamer video format
// travels, rows packed tightly: [h, w] for gray, and [h, w, channels] for colour,
// with the channels in the order of the format's name. For the other formats see
// rawArray. ok is false for a format that does not travel raw, and for an empty
// picture.
func RawShape(format string, w, h int) (dtype string, shape Shape, ok bool) {
	if w < 1 || h < 1 {
		return "", noShape, false
	}
	f := rawFormats[format]
	switch f.array {
	case plain, mosaic:
		return f.dtype, MakeShape(h, w), true
	case threeChannels:
		return f.dtype, MakeShape(h, w, 3), true
	case fourChannels:
		return f.dtype, MakeShape(h, w, 4), true
	case halfChroma:
		return f.dtype, MakeShape(even(h)/2*3, even(w)), true
	case pairs:
		return f.dtype, MakeShape(h, even(w), 2), true
	case planes:
		return f.dtype, MakeShape(3, h, w), true
	}
	return "", noShape, false
}

func even(n int) int { return n + n%2 }

// trim removes a superfluous last dimension of 1, which OpenCV's programs add, and
// whatever is behind the last dimension.
func (a rawArray) trim(shape Shape) Shape {
	if shape.N == 3 && shape.Dim[2] == 1 && a != planes {
		shape.N = 2
	}
	return MakeShape(shape.Dim[:shape.N]...)
}

// sizeIn returns the size of the picture in an array of these dimensions, where
// its width and height are even.
func (a rawArray) sizeIn(shape *Shape) (w, h int) {
	d := shape.Dim
	switch a {
	case halfChroma:
		return d[1], d[0] / 3 * 2
	case planes:
		return d[2], d[1]
	case plain, threeChannels, fourChannels, pairs, mosaic:
	}
	return d[1], d[0]
}

// LayoutAs is Layout for an array with a known format of raw video, by GStreamer's
// name, and a known width and height; 0 where those are not known. ok is false for
// an array with another dtype or shape than RawShape returns, or with more than
// maxFrame bytes.
func (h *Header) LayoutAs(format string, width, height, dataLen int, maxFrame uint64) (l Layout, ok bool) {
	f, known := rawFormats[format]
	elem, typed := dtypes[h.DType]
	shape := h.Shape
	switch {
	case !known || h.Compressed || shape.N < 2 || shape.N > 3,
		!typed || elem.sample != f.sample,
		dataLen <= 0 || maxFrame > 0 && uint64(dataLen) > maxFrame,
		!fit(shape.Dim[:shape.N], elem.size, uint64(dataLen)):
		return Layout{}, false
	}
	shape = f.array.trim(shape)
	w, high := f.array.sizeIn(&shape)
	if width == 0 {
		width = w
	}
	if height == 0 {
		height = high
	}
	_, want, ok := RawShape(format, width, height)
	if !ok || width > maxSide || height > maxSide || want != shape {
		return Layout{}, false
	}
	return Layout{Format: f.name, Width: width, Height: height, Size: dataLen}, true
}
