package gstglue

/*
#include <stdlib.h>
#include "demux.h"
#include "glue.h"
*/
import "C"

import "unsafe"

// Demuxer is the Go half of netgeardemux. Its methods are called with the sink pad's
// stream lock held, and Reset when data no longer flows, so no two of them run at
// the same time. Refused is the exception.
type Demuxer interface {
	Half
	// Route returns the pad for a frame, ready to get it; nil drops the frame. port
	// is borrowed, and empty where the frame does not have one.
	Route(port []byte, caps Caps) (pad Pad, discont bool)
	// Refused is called, on any thread, when an element behind a pad refuses the
	// caps of its frames. pad is the pad's name.
	Refused(port, pad string)
	// StreamStart and Segment are called with new ones on the sink pad.
	StreamStart()
	Segment()
	// Terminate ends one port, EOS all of them.
	Terminate(port []byte, seqnum uint32)
	EOS(seqnum uint32)
	// FlushStop is called when all pads have been flushed.
	FlushStop()
	// Reset is called on the way out of PAUSED.
	Reset()
}

// Pad is a GstPad of a demuxer. It belongs to GStreamer.
type Pad unsafe.Pointer

// Caps are GstCaps, valid during a call.
type Caps unsafe.Pointer

// Demux is the element of a Demuxer.
type Demux struct{ Element }

// NewPad makes an active source pad for a port. AddPad must follow.
func (d Demux) NewPad(name, port string) Pad {
	n, p := C.CString(name), C.CString(port)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(p))
	return Pad(C.netgear_demux_pad_new(C.gpointer(d.p), n, p))
}

// AddPad adds the pad to the element, and emits pad-added. From then on a thread of
// the pad pushes, and putting something into the pad does not block.
func (d Demux) AddPad(p Pad) { C.netgear_demux_pad_add(C.gpointer(d.p), C.gpointer(p)) }

// RemovePad removes a pad when what waits has gone out, or half a second later. It
// emits pad-removed.
func (d Demux) RemovePad(p Pad) { C.netgear_demux_pad_remove(C.gpointer(d.p), C.gpointer(p)) }

// PushStreamStart begins a stream. Its id is upstream's with id behind it.
func (d Demux) PushStreamStart(p Pad, id string) {
	c := C.CString(id)
	defer C.free(unsafe.Pointer(c))
	C.netgear_demux_stream_start(C.gpointer(d.p), C.gpointer(p), c)
}

// HasCaps reports whether these were the last caps that were put into the pad.
func (d Demux) HasCaps(p Pad, c Caps) bool {
	return C.netgear_demux_has_caps(C.gpointer(p), C.gpointer(c)) != 0
}

// PushCaps announces the format of the frames that follow.
func (d Demux) PushCaps(p Pad, c Caps) { C.netgear_demux_caps(C.gpointer(p), C.gpointer(c)) }

// PushSegment repeats the sink pad's segment.
func (d Demux) PushSegment(p Pad) { C.netgear_demux_segment(C.gpointer(d.p), C.gpointer(p)) }

// PushRest repeats the sink pad's other sticky events.
func (d Demux) PushRest(p Pad) { C.netgear_demux_rest(C.gpointer(d.p), C.gpointer(p)) }

// PushEOS ends the stream of a pad.
func (d Demux) PushEOS(p Pad, seqnum uint32) {
	C.netgear_demux_eos(C.gpointer(p), C.guint32(seqnum))
}

// Forgive forgets what a pad returned last.
func (d Demux) Forgive(p Pad) { C.netgear_demux_forgive(C.gpointer(d.p), C.gpointer(p)) }

// ForgiveAll does so for all pads.
func (d Demux) ForgiveAll() { C.netgear_demux_forgive_all(C.gpointer(d.p)) }

// borrowed is a C string that is valid during a call.
func borrowed(s *C.char, n C.gsize) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(s)), int(n)) }

// netgearDemuxRoute returns a pad, or NULL and the flow to return.
//
//export netgearDemuxRoute
func netgearDemuxRoute(obj unsafe.Pointer, port *C.char, n C.gsize, caps unsafe.Pointer, discont *C.gboolean, flow *C.int) (pad *C.GstPad) {
	*flow = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	p, d := halfOf[Demuxer](obj).Route(borrowed(port, n), Caps(caps))
	*discont, *flow = cbool(d), C.GST_FLOW_OK
	return (*C.GstPad)(p)
}

//export netgearDemuxRefused
func netgearDemuxRefused(obj unsafe.Pointer, port *C.char, n C.gsize, pad *C.char, m C.gsize) {
	defer rescue(obj)
	halfOf[Demuxer](obj).Refused(string(borrowed(port, n)), string(borrowed(pad, m)))
}

//export netgearDemuxStreamStart
func netgearDemuxStreamStart(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Demuxer](obj).StreamStart()
}

//export netgearDemuxSegment
func netgearDemuxSegment(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Demuxer](obj).Segment()
}

//export netgearDemuxTerminate
func netgearDemuxTerminate(obj unsafe.Pointer, port *C.char, n C.gsize, seqnum C.guint32) {
	defer rescue(obj)
	halfOf[Demuxer](obj).Terminate(borrowed(port, n), uint32(seqnum))
}

//export netgearDemuxEOS
func netgearDemuxEOS(obj unsafe.Pointer, seqnum C.guint32) {
	defer rescue(obj)
	halfOf[Demuxer](obj).EOS(uint32(seqnum))
}

//export netgearDemuxFlushStop
func netgearDemuxFlushStop(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Demuxer](obj).FlushStop()
}

//export netgearDemuxReset
func netgearDemuxReset(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Demuxer](obj).Reset()
}
