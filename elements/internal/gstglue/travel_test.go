package gstglue

import (
	"slices"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func text(name, value string) field {
	return field{name, wire.CapsText, wire.CapsValue{Text: value}}
}

func number(name string, n int) field {
	return field{name, wire.CapsInt, wire.CapsValue{Num: n}}
}

func fraction(name string, n, d int) field {
	return field{name, wire.CapsFraction, wire.CapsValue{Num: n, Den: d}}
}

// What the header or the picture says, and what everybody assumes, is not sent again.
func TestFieldsOfPicturesThatTravel(t *testing.T) {
	raw := travel{media: Raw, format: "BGR"}
	for _, c := range []struct {
		travel  travel
		field   field
		travels bool
	}{
		{raw, number("width", 640), false},
		{travel{media: Raw, format: "NV12", padded: true}, number("width", 639), true},
		{travel{media: Raw, format: "NV12", padded: true}, number("height", 639), true},
		{travel{media: JPEG}, number("height", 480), false},
		{raw, fraction("framerate", 30, 1), false},
		{travel{media: JPEG}, field{name: "parsed", kind: wire.CapsBool}, false},
		{travel{media: JPEG}, number("sof-marker", 0), false},
		{travel{media: JPEG}, text("colorspace", "sYUV"), false},
		{travel{media: JPEG}, text("sampling", "YCbCr-4:2:0"), false},
		{raw, field{name: "multiview-flags"}, false},
		{raw, text("multiview-mode", "mono"), false},
		{raw, text("multiview-mode", "left"), true},
		{raw, text("interlace-mode", "progressive"), false},
		{raw, text("interlace-mode", "mixed"), true},
		{raw, fraction("pixel-aspect-ratio", 1, 1), false},
		{raw, fraction("pixel-aspect-ratio", 7, 7), false},
		{raw, fraction("pixel-aspect-ratio", 16, 15), true},
		{raw, field{name: "pixel-aspect-ratio"}, true},
		{raw, text("format", "BGR"), false},
		{travel{media: Raw, format: "GRAY16_BE"}, text("format", "GRAY16_BE"), false},
		{travel{media: Raw, format: "RGB"}, text("format", "RGB"), true},
		{travel{media: Raw, format: "bggr", bayer: true}, text("format", "bggr"), true},
		{travel{media: Raw, format: "BGR", bayer: true}, text("format", "BGR"), true},
		{travel{media: JPEG}, text("format", "BGR"), true},
		{raw, text("colorimetry", "bt2020"), true},
		{travel{media: Raw, format: "BGR", defaultColors: true}, text("colorimetry", "sRGB"), false},
		{travel{media: JPEG}, text("colorimetry", "bt601"), true},
		{raw, text("anything", "else"), true},
	} {
		keep, ok := c.travel.fields([]field{c.field})
		if !ok || (len(keep) == 1) != c.travels {
			t.Errorf("%+v of %+v: %v, %v; want that it travels: %v", c.field, c.travel, keep, ok, c.travels)
		}
	}
	// In the order of the caps.
	if keep, _ := raw.fields([]field{text("b", ""), number("width", 1), text("a", "")}); !slices.Equal(keep, []int{0, 2}) {
		t.Errorf("fields %v, want 0 and 2", keep)
	}
}

// Encoded video says all that a decoder wants, in the order of the table, or is refused.
func TestFieldsOfEncodedVideoThatTravel(t *testing.T) {
	encoded := travel{media: Encoded}
	keep, ok := encoded.fields([]field{
		{name: "codec_data"},
		{name: "streamheader"},
		text("format", "NV12"), text("unknown", "x"),
		fraction("framerate", 0, 1), number("width", 640), text("profile", "main"), text("stream-format", "byte-stream"),
	})
	if !ok || !slices.Equal(keep, []int{7, 6, 5, 4}) {
		t.Errorf("fields %v, %v; want stream-format, profile, width, framerate", keep, ok)
	}
	for _, f := range []field{
		number("profile", 1),
		{name: "profile"},
		number("width", 0), number("height", -1), text("width", "640"),
		fraction("framerate", -1, 1), fraction("framerate", 1, 0), number("bit-depth-luma", 8), number("parsed", 1),
	} {
		if keep, ok := encoded.fields([]field{f}); ok {
			t.Errorf("%+v: %v, want that it is refused", f, keep)
		}
	}
	for _, row := range wire.CapsFields { // each row has a value that goes through
		f := field{row.Name, row.Kind, wire.CapsValue{Text: "x", Num: 1, Den: 1}}
		if keep, ok := encoded.fields([]field{f}); !ok || len(keep) == 0 != (row.Name == "format") {
			t.Errorf("%s: %v, %v", row.Name, keep, ok)
		}
	}
}
