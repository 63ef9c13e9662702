package gstglue

/*
#include <stdlib.h>
#include "demux.h"
#include "glue.h"
*/
import "C"

import (
	"unsafe"

	"github.com/go-gst/go-glib/glib"
	"github.com/go-gst/go-gst/gst"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// DemuxClass describes a demuxer to register: a sink pad that is always there,
// and source pads that come and go.
type DemuxClass struct {
	Name     string // of the factory
	TypeName string // of the GType
	LongName string
	Klass    string
	About    string
	PadCaps  string
	// New makes the Go half of an instance.
	New func() Demuxer
}

// Demuxer is the Go half of netgeardemux. Its methods are called with the sink
// pad's stream lock held, and Reset when no data flows any more, so no two of
// them run at the same time. The exception is Refused.
type Demuxer interface {
	// Init is called once, when the object is made.
	Init(self Demux)
	// Route returns the pad of a frame, ready for it; nil drops the frame.
	// port is borrowed, and empty where the frame does not say it.
	Route(port []byte, caps Caps) (pad Pad, discont bool)
	// Refused is called, on any thread, when what is linked to a pad does not
	// take the caps of its frames. pad is its name.
	Refused(port, pad string)
	// StreamStart and Segment are told of a new one on the sink pad.
	StreamStart()
	Segment()
	// Terminate ends one port, EOS all of them.
	Terminate(port []byte, seqnum uint32)
	EOS(seqnum uint32)
	// FlushStop comes when all pads have been flushed.
	FlushStop()
	// Reset leads out of PAUSED.
	Reset()
}

// Pad is a GstPad of a demuxer. It belongs to GStreamer.
type Pad unsafe.Pointer

// Caps are GstCaps, for the time of a call.
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

// AddPad shows the pad to the world. It emits pad-added. From then on a thread
// of the pad pushes, and nothing that is put into it blocks.
func (d Demux) AddPad(p Pad) { C.netgear_demux_pad_add(C.gpointer(d.p), C.gpointer(p)) }

// RemovePad ends a pad, when what waits has gone out or half a second later. It
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

// Forgive forgets what a pad returned last, ForgiveAll what all did.
func (d Demux) Forgive(p Pad) { C.netgear_demux_forgive(C.gpointer(d.p), C.gpointer(p)) }

// ForgiveAll is Forgive for all pads.
func (d Demux) ForgiveAll() { C.netgear_demux_forgive_all(C.gpointer(d.p)) }

// Fail posts an error, Warn a warning.
func (d Demux) Fail(err error, debug string) { d.PostError(netgear.ReceiverRole, err, debug) }

// Warn posts a warning.
func (d Demux) Warn(err error, debug string) { d.PostWarning(netgear.ReceiverRole, err, debug) }

// Log writes a line to the category netgeardemux.
func (d Demux) Log(l Level, function, text string) {
	if C.netgear_demux_logs(C.int(l)) == 0 {
		return
	}
	f, t := C.CString(function), C.CString(text)
	defer C.free(unsafe.Pointer(f))
	defer C.free(unsafe.Pointer(t))
	C.netgear_demux_log(C.int(l), C.gpointer(d.p), f, t)
}

// RegisterDemux is Register for a demuxer.
func RegisterDemux(plugin unsafe.Pointer, c *DemuxClass) bool {
	C.netgear_init_once()
	typ := glib.RegisterGoType(c.TypeName, &demuxHalf{class: c}, &extendable{gst.ExtendsElement, C.sizeof_NetgearDemux})
	name := C.CString(c.Name)
	defer C.free(unsafe.Pointer(name))
	return C.netgear_demux_register(C.gpointer(plugin), name, C.GType(typ)) != 0
}

// demuxHalf is to a demuxer what half is to the other elements.
type demuxHalf struct {
	class    *DemuxClass
	instance Demuxer
}

func (h *demuxHalf) New() glib.GoObjectSubclass { return &demuxHalf{h.class, h.class.New()} }

// InstanceInit is called by the binding when an object is made.
func (h *demuxHalf) InstanceInit(obj *glib.Object) {
	defer rescue(obj.Unsafe())
	C.netgear_demux_init(C.gpointer(obj.Unsafe()))
	h.instance.Init(Demux{Element{p: obj.Unsafe()}})
}

// ClassInit is called by the binding once.
func (h *demuxHalf) ClassInit(klass *glib.ObjectClass) {
	c := h.class
	C.netgear_demux_class_init(C.gpointer(klass.Unsafe()))
	ec := gst.ToElementClass(klass)
	setMetadata(klass.Unsafe(), c.LongName, c.Klass, c.About)
	caps := gst.NewCapsFromString(c.PadCaps)
	ec.AddPadTemplate(gst.NewPadTemplate("sink", gst.PadDirectionSink, gst.PadPresenceAlways, caps))
	ec.AddPadTemplate(gst.NewPadTemplate("src_%s", gst.PadDirectionSource, gst.PadPresenceSometimes, caps))
}

func demuxerOf(obj unsafe.Pointer) Demuxer {
	return glib.FromObjectUnsafePrivate(obj).(*demuxHalf).instance
}

// borrowed is a C string for the time of a call.
func borrowed(s *C.char, n C.gsize) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(s)), int(n)) }

// netgearDemuxRoute returns a pad, or NULL and the flow to return.
//
//export netgearDemuxRoute
func netgearDemuxRoute(obj unsafe.Pointer, port *C.char, n C.gsize, caps unsafe.Pointer, discont *C.gboolean, flow *C.int) (pad *C.GstPad) {
	*flow = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	p, d := demuxerOf(obj).Route(borrowed(port, n), Caps(caps))
	*discont, *flow = cbool(d), C.GST_FLOW_OK
	return (*C.GstPad)(p)
}

//export netgearDemuxRefused
func netgearDemuxRefused(obj unsafe.Pointer, port *C.char, n C.gsize, pad *C.char, m C.gsize) {
	defer rescue(obj)
	demuxerOf(obj).Refused(string(borrowed(port, n)), string(borrowed(pad, m)))
}

//export netgearDemuxStreamStart
func netgearDemuxStreamStart(obj unsafe.Pointer) {
	defer rescue(obj)
	demuxerOf(obj).StreamStart()
}

//export netgearDemuxSegment
func netgearDemuxSegment(obj unsafe.Pointer) {
	defer rescue(obj)
	demuxerOf(obj).Segment()
}

//export netgearDemuxTerminate
func netgearDemuxTerminate(obj unsafe.Pointer, port *C.char, n C.gsize, seqnum C.guint32) {
	defer rescue(obj)
	demuxerOf(obj).Terminate(borrowed(port, n), uint32(seqnum))
}

//export netgearDemuxEOS
func netgearDemuxEOS(obj unsafe.Pointer, seqnum C.guint32) {
	defer rescue(obj)
	demuxerOf(obj).EOS(uint32(seqnum))
}

//export netgearDemuxFlushStop
func netgearDemuxFlushStop(obj unsafe.Pointer) {
	defer rescue(obj)
	demuxerOf(obj).FlushStop()
}

//export netgearDemuxReset
func netgearDemuxReset(obj unsafe.Pointer) {
	defer rescue(obj)
	demuxerOf(obj).Reset()
}
