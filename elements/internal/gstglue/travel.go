package gstglue

import "github.com/gst-netgear/gst-netgear/netgear/wire"

// field is a field of caps.
type field struct {
	name string
	kind wire.CapsKind // 0: the value is not a single one
	wire.CapsValue
}

// travel decides which fields of caps go to the receiver.
type travel struct {
	media         Media
	format        string // of raw video, and so are these:
	bayer         bool
	padded        bool // an array of it is larger than the picture
	defaultColors bool // GStreamer fills in this colorimetry anyway
}

// fields returns the numbers of the fields to send, in the order of writing. ok is
// false when a field of encoded video makes no sense.
func (t *travel) fields(all []field) (keep []int, ok bool) {
	if t.media == Encoded {
		return encodedFields(all)
	}
	for i, f := range all {
		if !t.assumed(f) {
			keep = append(keep, i)
		}
	}
	return keep, true
}

// encodedFields are those of wire.CapsFields: the header says nothing of encoded
// video. streamheader and codec_data are not among them, because they repeat what is
// in the stream.
func encodedFields(all []field) (keep []int, ok bool) {
	for _, row := range wire.CapsFields {
		if row.Name == "format" { // of raw video
			continue
		}
		for i, f := range all {
			if f.name != row.Name {
				continue
			}
			if !f.sensible(row.Kind) {
				return nil, false
			}
			keep = append(keep, i)
		}
	}
	return keep, true
}

// sensible reports whether a field of encoded video has a possible value.
func (f *field) sensible(want wire.CapsKind) bool {
	switch {
	case f.kind != want:
		return false
	case f.kind == wire.CapsInt: // a size
		return f.Num > 0
	case f.kind == wire.CapsFraction:
		return f.Num >= 0 && f.Den > 0
	}
	return true
}

// guessed are the formats that a receiver assumes for an array.
var guessed = map[string]bool{"BGR": true, "BGRA": true, "GRAY8": true, "GRAY16_LE": true, "GRAY16_BE": true}

// assumed reports whether a receiver knows the field of a picture without being
// told: from the header or the picture, or because everybody assumes it.
func (t *travel) assumed(f field) bool {
	switch f.name {
	case "framerate", "parsed", "sof-marker", "colorspace", "sampling", "multiview-flags":
		return true
	case "width", "height":
		return !t.padded
	case "interlace-mode":
		return f.Text == "progressive"
	case "multiview-mode":
		return f.Text == "mono"
	case "pixel-aspect-ratio":
		return f.kind == wire.CapsFraction && f.Num == f.Den
	case "format":
		return t.media == Raw && !t.bayer && guessed[t.format]
	case "colorimetry":
		return t.defaultColors
	}
	return false
}
