package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Media is the kind of frame.
type Media int

// Media.
const (
	None    Media = C.NETGEAR_MEDIA_NONE // no caps came
	JPEG    Media = C.NETGEAR_MEDIA_JPEG
	Raw     Media = C.NETGEAR_MEDIA_RAW
	Encoded Media = C.NETGEAR_MEDIA_ENCODED // H.264 and the like
)

// InCaps is the content of the caps of a sink's buffers.
type InCaps struct {
	Media         Media
	Format        string // of raw video
	Width, Height int    // 0: not told
	FPSNum        int    // 0: not known
	FPSDen        int
	// Extra holds the caps fields that the header cannot express; often empty. For
	// encoded video the header expresses none.
	Extra string
}

// TemplateCaps are the caps of the pads of both elements, in system memory. Device
// memory is refused, so that converters are linked in. netgearsink accepts those of
// NETGEAR_ANY_RAW_CAPS only with raw-formats=any.
const TemplateCaps = ReturnCaps + "; " + C.NETGEAR_ENCODED_CAPS + "; " + C.NETGEAR_ANY_RAW_CAPS

// ReturnCaps are the caps of the pads for frames that go back. An answer has no key
// to describe encoded video, or an array that is not a picture.
const ReturnCaps = C.NETGEAR_PICTURE_CAPS

// readCaps reads the caps of buffers to send, and leaves in c what the buffers need.
// ok is false when such frames cannot be sent.
func readCaps(caps unsafe.Pointer, c *C.NetgearCaps) (in InCaps, ok bool) {
	if C.netgear_caps_read(C.gpointer(caps), c) == 0 {
		return in, false
	}
	in = InCaps{
		Media: Media(c.media), Format: C.GoString(&c.format[0]), Width: int(c.width), Height: int(c.height),
		FPSNum: int(c.fps_n), FPSDen: int(c.fps_d),
	}
	t := travel{media: in.Media, format: in.Format, bayer: c.bayer != 0, padded: c.padded != 0, defaultColors: c.default_colors != 0}
	keep, ok := t.fields(fieldsOf(caps))
	if ok && (len(keep) > 0 || in.Media == Encoded) {
		in.Extra = capsText(caps, keep)
	}
	return in, ok
}

// fieldsOf returns the fields of caps of one structure.
func fieldsOf(caps unsafe.Pointer) []field {
	found := make([]C.NetgearField, C.netgear_caps_n_fields(C.gpointer(caps)))
	C.netgear_caps_fields(C.gpointer(caps), unsafe.SliceData(found))
	fields := make([]field, len(found))
	for i, f := range found {
		fields[i] = field{C.GoString(f.name), wire.CapsKind(f.kind), wire.CapsValue{Text: C.GoString(f.text), Num: int(f.n), Den: int(f.d)}}
	}
	return fields
}

// capsText writes only the caps fields with those numbers.
func capsText(caps unsafe.Pointer, fields []int) string {
	numbers := make([]C.int, len(fields))
	for i, n := range fields {
		numbers[i] = C.int(n)
	}
	text := C.netgear_caps_text(C.gpointer(caps), unsafe.SliceData(numbers), C.gsize(len(numbers)))
	defer C.g_free(C.gpointer(text))
	return C.GoString(text)
}

// OutCaps describes the frames of a source. It can be compared with ==.
type OutCaps struct {
	Media                Media
	Format               string // of raw video
	SaidFormat           bool   // the sender named it; otherwise it is guessed from the array
	Width, Height        int
	FPSNum, FPSDen       int
	SOF                  int // of JPEG, and the two that follow
	Colorspace, Sampling string
	Said                 wire.Caps // what else the sender says
	User                 string    // caps that the user has set, or empty
}

// CapsResult is the result of SetCaps.
type CapsResult int

// Results of SetCaps.
const (
	CapsOK           CapsResult = C.NETGEAR_CAPS_OK
	CapsRefused      CapsResult = C.NETGEAR_CAPS_REFUSED      // by downstream
	CapsNoRate       CapsResult = C.NETGEAR_CAPS_NO_RATE      // by downstream, which wants a frame rate
	CapsContradicted CapsResult = C.NETGEAR_CAPS_CONTRADICTED // by the user's
	CapsNone         CapsResult = C.NETGEAR_CAPS_NONE         // such caps do not exist
	// CapsNotSent: downstream is flushing or stopped, or does not exist. The buffer
	// that follows returns the reason.
	CapsNotSent CapsResult = C.NETGEAR_CAPS_NOT_SENT
)

// MediaType is the type of the caps.
func (c *OutCaps) MediaType() string {
	switch c.Media {
	case Raw:
		return wire.RawMediaOf(c.Format)
	case Encoded:
		return c.Said.Media
	case JPEG, None:
	}
	return "image/jpeg"
}

// SetCaps announces the format of the next buffers. With CapsContradicted, field is
// the name of the field in which the user's caps contradict it.
func (e Element) SetCaps(c OutCaps) (ret CapsResult, field string) {
	c.withC(func(out *C.NetgearOutCaps) {
		var against *C.char
		ret = CapsResult(C.netgear_src_set_caps(C.gpointer(e.p), out, &against))
		field = C.GoString(against)
	})
	return ret, field
}

// AnnounceCaps announces the user's caps before the first frame, where they are
// complete.
func (e Element) AnnounceCaps(user string) {
	text := C.CString(user)
	defer C.free(unsafe.Pointer(text))
	C.netgear_src_announce(C.gpointer(e.p), text)
}

// withC calls f with the caps as C knows them.
func (c *OutCaps) withC(f func(*C.NetgearOutCaps)) {
	var texts []*C.char
	text := func(s string) *C.char {
		if s == "" {
			return nil
		}
		t := C.CString(s)
		texts = append(texts, t)
		return t
	}
	out := C.NetgearOutCaps{
		media: C.int(c.Media), width: C.int(c.Width), height: C.int(c.Height),
		fps_n: C.int(c.FPSNum), fps_d: C.int(max(c.FPSDen, 1)), sof: C.int(c.SOF),
		format: text(c.Format), said_format: cbool(c.SaidFormat), colorspace: text(c.Colorspace), sampling: text(c.Sampling),
		user: text(c.User),
	}
	out._type = text(c.MediaType())
	fields := (*C.NetgearField)(C.calloc(C.size_t(len(c.Said.Values)), C.sizeof_NetgearField))
	for i, v := range c.Said.Values {
		row := &wire.CapsFields[i]
		if !v.Has || c.Media != Encoded && (!row.Picture || inHeader[row.Name]) {
			continue
		}
		unsafe.Slice(fields, len(c.Said.Values))[out.n_fields] = C.NetgearField{
			name: text(row.Name), kind: C.int(row.Kind), text: text(v.Text), n: C.int(v.Num), d: C.int(v.Den),
		}
		out.n_fields++
	}
	out.fields = fields
	f(&out)
	C.free(unsafe.Pointer(fields))
	for _, t := range texts {
		C.free(unsafe.Pointer(t))
	}
}

// inHeader are the fields that the header of a picture, or the picture itself,
// contains.
var inHeader = map[string]bool{"format": true, "width": true, "height": true}

// parseRawCaps returns what caps say of raw video, as far as each field has one
// value.
func parseRawCaps(caps string) (c rawCaps) {
	text := C.CString(caps)
	defer C.free(unsafe.Pointer(text))
	var format [C.NETGEAR_FORMAT_LEN]C.char
	var width, height C.int
	if C.netgear_raw_caps(text, &format[0], &width, &height) == 0 {
		return c
	}
	return rawCaps{C.GoString(&format[0]), int(width), int(height)}
}

// validCaps reports whether GStreamer accepts the user's caps.
func validCaps(text string) bool {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	return C.netgear_caps_valid(c) != 0
}
