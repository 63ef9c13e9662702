package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
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

// InCaps is what the caps of a sink's buffers say.
type InCaps struct {
	Media         Media
	Format        string // of raw video
	Width, Height int    // 0: not told
	FPSNum        int    // 0: not known
	FPSDen        int
	// Extra are caps with what a header does not tell, or empty. Of encoded
	// video a header tells nothing.
	Extra string
}

func parseCaps(sink, caps unsafe.Pointer) (InCaps, bool) {
	var c C.NetgearCaps
	if C.netgear_sink_caps(C.gpointer(sink), C.gpointer(caps), &c) == 0 {
		return InCaps{}, false
	}
	return inCaps(&c), true
}

// inCaps takes over c.extra.
func inCaps(c *C.NetgearCaps) InCaps {
	in := InCaps{
		Media: Media(c.media), Format: C.GoString(&c.format[0]), Width: int(c.width), Height: int(c.height),
		FPSNum: int(c.fps_n), FPSDen: int(c.fps_d),
	}
	if c.extra != nil {
		in.Extra = C.GoString(c.extra)
		C.g_free(C.gpointer(c.extra))
	}
	return in
}

// Buffer is a GstBuffer that a sink is to render. It belongs to GStreamer.
type Buffer struct{ sink, p unsafe.Pointer }

// Input is what Map found.
type Input struct {
	// Payload holds the buffer's memory, not a copy, unless rows had to be
	// packed. The caller owns it.
	Payload netgear.Payload
	// RunningTime and Duration are in ns, or NoTime.
	RunningTime, Duration uint64
	// Message is the JSON text of the buffer's meta; HasMessage says whether
	// there is one.
	Message    string
	HasMessage bool
	// Delta says that encoded video cannot be decoded without the frames before.
	Delta bool
	// Live says that whoever makes the frames must not be held up for long.
	Live bool

	c C.NetgearInput
}

// Map reads the buffer in the format of the caps that came before it. It
// returns false where the buffer does not fit them.
func (b Buffer) Map(in *Input) bool {
	if C.netgear_sink_map(C.gpointer(b.sink), C.gpointer(b.p), &in.c) == 0 {
		return false
	}
	in.take()
	return true
}

// Size returns how many bytes the buffer has, Wanted how many make a frame of
// raw video when its rows are not padded.
func (b Buffer) Size() uint64 { return uint64(C.gst_buffer_get_size((*C.GstBuffer)(b.p))) }

// Wanted is described with Size.
func (b Buffer) Wanted() uint64 { return uint64(C.netgear_sink_frame_size(C.gpointer(b.sink))) }

// take reads what C found.
func (in *Input) take() {
	c := &in.c
	var data []byte
	if c.size > 0 {
		data = unsafe.Slice((*byte)(c.data), int(c.size))
	}
	in.Payload = netgear.ForeignPayload(data, unsafe.Pointer(C.netgear_loan_func()), unsafe.Pointer(c.owner))
	in.RunningTime, in.Duration = uint64(c.running_time), uint64(c.duration)
	in.Delta, in.Live = c.delta != 0, c.live != 0
	if in.HasMessage = c.message != nil; in.HasMessage {
		in.Message = C.GoString(c.message)
	}
}

// BytesPacked returns how many bytes of raw video had to be copied because
// their rows were padded, since the process began. Tests watch it.
func BytesPacked() uint64 { return uint64(C.netgear_buffers_copied()) }

// OutCaps describes the frames of a source. It can be compared with ==.
type OutCaps struct {
	Media                Media
	Format               string // of raw video
	SaidFormat           bool   // the sender named it; else it is guessed from the array
	Width, Height        int
	FPSNum, FPSDen       int
	SOF                  int // of JPEG, and the two that follow
	Colorspace, Sampling string
	Said                 wire.Caps // what the sender says beyond this
	User                 string    // caps that the user has set, or empty
}

// CapsResult says what became of caps.
type CapsResult int

// Results of SetCaps.
const (
	CapsOK           CapsResult = C.NETGEAR_CAPS_OK
	CapsRefused      CapsResult = C.NETGEAR_CAPS_REFUSED      // by downstream
	CapsNoRate       CapsResult = C.NETGEAR_CAPS_NO_RATE      // by downstream, which wants a frame rate
	CapsContradicted CapsResult = C.NETGEAR_CAPS_CONTRADICTED // by the user's
	CapsNone         CapsResult = C.NETGEAR_CAPS_NONE         // there are no such caps
	// CapsNotSent: downstream is being flushed or stopped, or is not there; the
	// buffer that follows comes back with the reason.
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

// SetCaps announces the format of the buffers that follow. field is the name of
// the one in which the user's caps contradict it, with CapsContradicted.
func (e Element) SetCaps(c OutCaps) (ret CapsResult, field string) {
	c.withC(func(out *C.NetgearOutCaps) {
		var against *C.char
		ret = CapsResult(C.netgear_src_set_caps(C.gpointer(e.p), out, &against))
		field = C.GoString(against)
	})
	return ret, field
}

// AnnounceCaps announces the user's caps before there is a frame, where they say
// everything.
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

// inHeader are the fields that the header of a picture tells, or the picture.
var inHeader = map[string]bool{"format": true, "width": true, "height": true}

// Output is a frame on its way downstream.
type Output struct {
	Payload netgear.Payload // taken over
	// PTS, DTS and Duration are in ns, or NoTime.
	PTS, DTS, Duration uint64
	Discont            bool
	Delta              bool // see Input
	Port               *CText
	Message            *CText
	Seq                uint64
	HasSeq             bool
	Time               int64 // the sender's wall clock in ns
	HasTime            bool
}

// NewBuffer makes a GstBuffer of the frame, without a copy unless downstream
// cannot take its rows as they are. The caller owns the buffer; nil means
// that memory ran out.
func (e Element) NewBuffer(o *Output) unsafe.Pointer {
	b, free, owner := o.Payload.Detach()
	c := C.NetgearOutput{
		data: (*C.guint8)(unsafe.SliceData(b)), size: C.gsize(len(b)),
		free_func: C.gpointer(free), owner: C.gpointer(owner),
		pts: C.guint64(o.PTS), dts: C.guint64(o.DTS), duration: C.guint64(o.Duration),
		discont: cbool(o.Discont), delta: cbool(o.Delta),
		port: o.Port.c, message: o.Message.c,
		has_seq: cbool(o.HasSeq), seq: C.guint64(o.Seq), has_time: cbool(o.HasTime), time: C.gint64(o.Time),
	}
	return unsafe.Pointer(C.netgear_src_buffer(C.gpointer(e.p), &c))
}

// CText keeps a text as a C string, and makes a new one only when it changes.
// The zero value is NULL. Free it at the end.
type CText struct {
	c    *C.char
	text string
}

// Set makes t hold s.
func (t *CText) Set(s []byte) {
	if t.c == nil || t.text != string(s) {
		t.Free()
		t.text = string(s)
		t.c = C.CString(t.text)
	}
}

// Free makes t NULL again.
func (t *CText) Free() {
	C.free(unsafe.Pointer(t.c))
	*t = CText{}
}

// parseRawCaps returns what caps say of raw video, as far as they say one value.
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

// TemplateCaps are the caps of the pads of both elements, in system memory:
// device memory is refused, so that converters are plugged. netgearsink takes
// those of NETGEAR_ANY_RAW_CAPS only with raw-formats=any.
const TemplateCaps = ReturnCaps + "; " + C.NETGEAR_ENCODED_CAPS + "; " + C.NETGEAR_ANY_RAW_CAPS

// ReturnCaps are those of the pads for frames that go back: an answer has no
// key that could say what encoded video is, or an array that is no picture.
const ReturnCaps = C.NETGEAR_PICTURE_CAPS
