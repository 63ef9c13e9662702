package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Buffer is a GstBuffer for a sink to render. It belongs to GStreamer.
type Buffer struct {
	sink, p unsafe.Pointer
	where   C.int
}

// Away reports whether Render runs in a goroutine while the streaming thread waits for it.
// What takes that thread itself ends it with FlowHere: Render is then called again, in
// that thread, and Again reports true.
func (b Buffer) Away() bool { return b.where == C.NETGEAR_RENDER_AWAY }

// Again is described with Away.
func (b Buffer) Again() bool { return b.where == C.NETGEAR_RENDER_AGAIN }

// Input is the result of Map.
type Input struct {
	// Payload holds the buffer's memory, not a copy, unless rows had to be
	// packed. The caller owns it.
	Payload netgear.Payload
	// RunningTime and Duration are in ns, or NoTime.
	RunningTime, Duration uint64
	// Reorder is how long before RunningTime the frame is decoded, in ns. 0 means at
	// the same time, or unknown.
	Reorder uint64
	// Taken is when the picture was taken, in ns since 1970, as a meta of the buffer
	// says. HasTaken reports whether there is one.
	Taken    int64
	HasTaken bool
	// Captured is when the picture was taken, by the running time, in ns since 1970 of
	// the wall clock of this machine. HasCaptured reports whether there is a clock.
	Captured    int64
	HasCaptured bool
	// Local is when the pipeline before a relay had the picture, by the wall clock of
	// this machine. HasLocal reports whether it is known.
	Local    int64
	HasLocal bool
	// Message is the JSON text in the buffer's meta. HasMessage reports whether
	// there is one.
	Message    string
	HasMessage bool
	// Delta means that encoded video cannot be decoded without the frames before it.
	Delta bool
	// Live means that whoever makes the frames must not have to wait for long.
	Live bool
	// Single means that a program made the frame, and may wait for it to arrive before
	// it makes the next.
	Single bool
	// Behind is how many newer frames wait for certain.
	Behind int

	c C.NetgearInput
}

// Map reads the buffer in the format of the caps that came before it. It
// returns false where the buffer does not fit them.
func (b Buffer) Map(in *Input) bool {
	if b.Away() { // see netgear_stand_in_render
		in.c = *(*C.NetgearSink)(b.sink).input
	} else if C.netgear_sink_map(C.gpointer(b.sink), C.gpointer(b.p), &in.c) == 0 {
		return false
	}
	in.take()
	return true
}

// Size returns how many bytes the buffer has. Wanted returns how many bytes a frame
// of raw video has without padding.
func (b Buffer) Size() uint64 { return uint64(C.gst_buffer_get_size((*C.GstBuffer)(b.p))) }

// Wanted is described with Size.
func (b Buffer) Wanted() uint64 { return uint64(C.netgear_sink_frame_size(C.gpointer(b.sink))) }

// take reads the result of C.
func (in *Input) take() {
	c := &in.c
	var data []byte
	if c.size > 0 {
		data = unsafe.Slice((*byte)(c.data), int(c.size))
	}
	in.Payload = netgear.SharedPayload(data, loanFunc, unsafe.Pointer(c.owner), (*atomic.Int32)(c.owner))
	in.RunningTime, in.Duration, in.Reorder = uint64(c.running_time), uint64(c.duration), uint64(c.reorder)
	in.Taken, in.HasTaken = int64(c.taken), c.has_taken != 0
	in.Captured, in.HasCaptured = int64(c.captured), c.has_captured != 0
	in.Local, in.HasLocal = int64(c.local), c.has_local != 0
	in.Delta, in.Live, in.Single, in.Behind = c.delta != 0, c.live != 0, c.single != 0, int(c.behind)
	if in.HasMessage = c.message != nil; in.HasMessage {
		in.Message = C.GoString(c.message)
	}
}

var loanFunc = unsafe.Pointer(C.netgear_loan_func())

// BytesPacked returns how many bytes of raw video were copied since the process
// began, because their rows were padded. Tests watch it.
func BytesPacked() uint64 { return uint64(C.netgear_buffers_copied()) }

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
	Taken              int64 // when the picture was taken, in ns since 1970, by the clock of whoever took it
	HasTaken           bool
	// Local is when the sender's pipeline had the picture, by our wall clock, in ns
	// since 1970; ClockOffset is the sender's wall clock less ours, in ns.
	Local, ClockOffset, ClockError int64
	HasClock                       bool

	c C.NetgearOutput // for C, here so that a frame allocates nothing
}

// NewBuffer makes a GstBuffer of the frame. It copies only where downstream cannot
// take the rows as they are. The caller owns the buffer; nil means that memory ran
// out.
func (e Element) NewBuffer(o *Output) unsafe.Pointer {
	b, free, owner := o.Payload.Detach()
	o.c = C.NetgearOutput{
		data: (*C.guint8)(unsafe.SliceData(b)), size: C.gsize(len(b)),
		free_func: C.gpointer(free), owner: C.gpointer(owner),
		pts: C.guint64(o.PTS), dts: C.guint64(o.DTS), duration: C.guint64(o.Duration),
		discont: cbool(o.Discont), delta: cbool(o.Delta),
		port: o.Port.c, message: o.Message.c,
		has_seq: cbool(o.HasSeq), seq: C.guint64(o.Seq), has_time: cbool(o.HasTime), time: C.gint64(o.Time),
		has_taken: cbool(o.HasTaken), taken: C.gint64(o.Taken),
		has_clock: cbool(o.HasClock), local: C.gint64(o.Local), clock_offset: C.gint64(o.ClockOffset), clock_error: C.gint64(o.ClockError),
	}
	return unsafe.Pointer(C.netgear_src_buffer(C.gpointer(e.p), &o.c))
}

// CText holds a text as a C string, and makes a new string only when the text
// changes. The zero value is NULL. Free it at the end.
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

// Sample is a GstSample with one owner.
type Sample struct{ p unsafe.Pointer }

// Free releases the sample. A nil Sample is fine.
func (s *Sample) Free() {
	if s != nil && s.p != nil {
		C.gst_sample_unref((*C.GstSample)(s.p))
		s.p = nil
	}
}

// Ref returns the same sample with one more owner.
func (s *Sample) Ref() *Sample {
	C.gst_sample_ref((*C.GstSample)(s.p))
	return &Sample{s.p}
}

// NewSample makes a sample of a frame and takes over its payload. nil means that
// such caps do not exist.
func NewSample(c OutCaps, payload netgear.Payload) *Sample {
	b, free, owner := payload.Detach()
	var p unsafe.Pointer
	c.withC(func(out *C.NetgearOutCaps) {
		p = unsafe.Pointer(C.netgear_sample_new(out, (*C.guint8)(unsafe.SliceData(b)), C.gsize(len(b)), C.gpointer(free), C.gpointer(owner)))
	})
	if p == nil {
		return nil
	}
	return &Sample{p}
}

// NewArraySample makes a sample of an array that is not a picture, and takes over
// its payload. Dimensions have at most 31 bits.
func NewArraySample(dtype string, shape []int, payload netgear.Payload) *Sample {
	b, free, owner := payload.Detach()
	name := C.CString(dtype)
	defer C.free(unsafe.Pointer(name))
	dims := make([]C.gint, len(shape))
	for i, dim := range shape {
		dims[i] = C.gint(dim)
	}
	return &Sample{unsafe.Pointer(C.netgear_array_sample_new(name, unsafe.SliceData(dims), C.gsize(len(dims)),
		(*C.guint8)(unsafe.SliceData(b)), C.gsize(len(b)), C.gpointer(free), C.gpointer(owner)))}
}
