package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import "unsafe"

// Flow is a GstFlowReturn.
type Flow int

// Flows.
const (
	FlowOK       Flow = C.GST_FLOW_OK
	FlowEOS      Flow = C.GST_FLOW_EOS
	FlowFlushing Flow = C.GST_FLOW_FLUSHING
	FlowRefused  Flow = C.GST_FLOW_NOT_NEGOTIATED
	FlowError    Flow = C.GST_FLOW_ERROR
	FlowHere     Flow = C.NETGEAR_FLOW_HERE // see Buffer.Away
)

// Sink is the Go half of netgearsink.
type Sink interface {
	Instance
	// SetCaps is called with the format of the next frames.
	SetCaps(c InCaps) error
	// Render sends one buffer.
	Render(b Buffer) Flow
	// Finish ends the stream.
	Finish() Flow
	// Leave is called, on any thread, when Finish is about to come.
	Leave()
}

// Source is the Go half of netgearsrc.
type Source interface {
	Instance
	// Create waits for one frame and returns it as a GstBuffer.
	Create() (unsafe.Pointer, Flow)
	// NoRate is called in the streaming thread when downstream has refused frames
	// without a frame rate.
	NoRate()
}

// WaitPreroll makes a sink wait, after Unlock has interrupted it, until it plays
// again or is flushed.
func (e Element) WaitPreroll() Flow {
	return Flow(C.netgear_sink_wait_preroll(C.gpointer(e.p)))
}

// AskKeyFrame asks upstream of a sink for a key frame. count distinguishes the
// requests. Only for the streaming thread.
func (e Element) AskKeyFrame(count uint) {
	C.netgear_sink_ask_key_frame(C.gpointer(e.p), C.guint(count))
}

// SetLatency sets a source's answer to the latency query, in ns.
func (e Element) SetLatency(ns uint64) { C.netgear_src_set_latency(C.gpointer(e.p), C.guint64(ns)) }

// ServerEnded notifies downstream that the server with that port has ended.
func (e Element) ServerEnded(port string) {
	c := C.CString(port)
	defer C.free(unsafe.Pointer(c))
	C.netgear_src_server_ended(C.gpointer(e.p), c)
}

//export netgearOpen
func netgearOpen(obj unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	if err := halfOf[Instance](obj).Open(); err != nil {
		elementOf(obj).PostError(err, "could not open")
		return C.FALSE
	}
	return C.TRUE
}

//export netgearClose
func netgearClose(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Instance](obj).Close()
}

//export netgearUnlock
func netgearUnlock(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Instance](obj).Unlock()
}

//export netgearUnlockStop
func netgearUnlockStop(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Instance](obj).UnlockStop()
}

//export netgearSinkSetCaps
func netgearSinkSetCaps(obj, caps unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	var read C.NetgearCaps
	c, ok := readCaps(caps, &read)
	if !ok {
		C.netgear_sink_set_format(C.gpointer(obj), nil)
		return C.FALSE
	}
	C.netgear_sink_set_format(C.gpointer(obj), &read)
	if err := halfOf[Sink](obj).SetCaps(c); err != nil {
		elementOf(obj).PostError(err, "could not take the caps")
		return C.FALSE
	}
	return C.TRUE
}

//export netgearSinkRender
func netgearSinkRender(obj, buffer unsafe.Pointer, where C.int) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	return C.GstFlowReturn(halfOf[Sink](obj).Render(Buffer{sink: obj, p: buffer, where: where}))
}

//export netgearSinkFinish
func netgearSinkFinish(obj unsafe.Pointer) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	return C.GstFlowReturn(halfOf[Sink](obj).Finish())
}

//export netgearSinkLeave
func netgearSinkLeave(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Sink](obj).Leave()
}

//export netgearSrcNoRate
func netgearSrcNoRate(obj unsafe.Pointer) {
	defer rescue(obj)
	halfOf[Source](obj).NoRate()
}

//export netgearSrcCreate
func netgearSrcCreate(obj unsafe.Pointer, out *unsafe.Pointer) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	p, flow := halfOf[Source](obj).Create()
	*out = p
	return C.GstFlowReturn(flow)
}
