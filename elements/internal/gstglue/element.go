package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Flow is a GstFlowReturn.
type Flow int

// Flows.
const (
	FlowOK       Flow = C.GST_FLOW_OK
	FlowEOS      Flow = C.GST_FLOW_EOS
	FlowFlushing Flow = C.GST_FLOW_FLUSHING
	FlowRefused  Flow = C.GST_FLOW_NOT_NEGOTIATED
	FlowError    Flow = C.GST_FLOW_ERROR
)

// NoTime is GST_CLOCK_TIME_NONE.
const NoTime = ^uint64(0)

// Element is a GstElement. It holds no reference: it is valid in calls that
// come from the object, and for as long as somebody else holds one.
type Element struct{ p unsafe.Pointer }

// PostError posts err as the table of errors has it. The debug text says more.
func (e Element) PostError(role netgear.Role, err error, debug string) {
	e.post(C.NETGEAR_ERROR, role, err, debug)
}

// PostWarning posts a warning likewise.
func (e Element) PostWarning(role netgear.Role, err error, debug string) {
	e.post(C.NETGEAR_WARNING, role, err, debug)
}

func (e Element) post(typ C.int, role netgear.Role, err error, debug string) {
	row := rowOf(err)
	code := row.sinkCode
	if role == netgear.ReceiverRole {
		code = row.srcCode
	}
	if p, ok := errors.AsType[interface {
		error
		Stack() string
	}](err); ok { // a panic in a goroutine of the library
		debug = p.Stack()
	}
	text, dbg := C.CString(message(err)), C.CString(debug)
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(dbg))
	C.netgear_post(C.gpointer(e.p), typ, row.domain, code, text, dbg)
}

// Notify tells of a change of a property.
func (e Element) Notify(property string) {
	c := C.CString(property)
	defer C.free(unsafe.Pointer(c))
	C.netgear_notify(C.gpointer(e.p), c)
}

// RunningTime returns the running time of now in ns, or NoTime where there is no
// clock.
func (e Element) RunningTime() uint64 { return uint64(C.netgear_running_time(C.gpointer(e.p))) }

// WaitPreroll has a sink wait until it is playing again, or flushed, after
// Unlock has interrupted it.
func (e Element) WaitPreroll() Flow {
	return Flow(C.netgear_sink_wait_preroll(C.gpointer(e.p)))
}

// AskKeyFrame asks what is before a sink for a key frame. count tells one
// request from the next. Only for the streaming thread.
func (e Element) AskKeyFrame(count uint) {
	C.netgear_sink_ask_key_frame(C.gpointer(e.p), C.guint(count))
}

// SetLatency sets what a source answers to the latency query, in ns.
func (e Element) SetLatency(ns uint64) { C.netgear_src_set_latency(C.gpointer(e.p), C.guint64(ns)) }

// Weak is a reference that does not keep its element alive, for goroutines
// that may outlive it.
type Weak struct{ p unsafe.Pointer }

// NewWeak returns a weak reference to e.
func NewWeak(e Element) *Weak {
	w := &Weak{unsafe.Pointer(C.netgear_weak_new(C.gpointer(e.p)))}
	runtime.AddCleanup(w, func(p unsafe.Pointer) { C.netgear_weak_free(C.gpointer(p)) }, w.p)
	return w
}

// With calls f with the element unless it is gone.
func (w *Weak) With(f func(Element)) {
	defer runtime.KeepAlive(w)
	if p := C.netgear_weak_get(C.gpointer(w.p)); p != nil {
		defer C.g_object_unref(p)
		f(Element{unsafe.Pointer(p)})
	}
}

// Category is a debug category.
type Category int

// Categories.
const (
	CategoryTransport Category = C.NETGEAR_LOG_TRANSPORT
	CategorySink      Category = C.NETGEAR_LOG_SINK
	CategorySrc       Category = C.NETGEAR_LOG_SRC
)

// Level is a GstDebugLevel.
type Level int

// Levels.
const (
	LevelError   Level = C.GST_LEVEL_ERROR
	LevelWarning Level = C.GST_LEVEL_WARNING
	LevelInfo    Level = C.GST_LEVEL_INFO
	LevelDebug   Level = C.GST_LEVEL_DEBUG
	LevelTrace   Level = C.GST_LEVEL_TRACE
)

func categoryOf(in Instance) Category {
	if _, ok := in.(Sink); ok {
		return CategorySink
	}
	return CategorySrc
}

// Logs says whether anybody reads the level.
func Logs(c Category, l Level) bool { return C.netgear_log_enabled(C.int(c), C.int(l)) != 0 }

// Log writes a line to GStreamer's log.
func (e Element) Log(c Category, l Level, function, text string) {
	if !Logs(c, l) {
		return
	}
	f, t := C.CString(function), C.CString(text)
	defer C.free(unsafe.Pointer(f))
	defer C.free(unsafe.Pointer(t))
	C.netgear_log(C.int(c), C.int(l), C.gpointer(e.p), f, t)
}

// NewLogger returns a logger that writes to the category netgear.
func NewLogger(w *Weak) *slog.Logger { return slog.New(&logHandler{weak: w}) }

// rescue turns a panic into an ERROR of the element. It is deferred in every
// function that C calls.
func rescue(obj unsafe.Pointer) {
	if r := recover(); r != nil {
		Element{obj}.postPanic(r)
	}
}

// spawn runs f in a goroutine. A panic in it becomes an ERROR of the element.
func spawn(weak *Weak, f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				weak.With(func(e Element) { e.postPanic(r) })
			}
		}()
		f()
	}()
}

func (e Element) postPanic(r any) {
	text, dbg := C.CString(fmt.Sprintf("internal error: %v", r)), C.CString(string(debug.Stack()))
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(dbg))
	C.netgear_post(C.gpointer(e.p), C.NETGEAR_ERROR, C.NETGEAR_LIBRARY, C.GST_LIBRARY_ERROR_FAILED, text, dbg)
}

//export netgearSinkOpen
func netgearSinkOpen(obj unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	return openInstance(obj, netgear.SenderRole)
}

//export netgearSrcOpen
func netgearSrcOpen(obj unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	return openInstance(obj, netgear.ReceiverRole)
}

func openInstance(obj unsafe.Pointer, role netgear.Role) C.gboolean {
	in := instanceOf(obj)
	if err := in.Open(); err != nil {
		Element{obj}.PostError(role, err, "could not open")
		return C.FALSE
	}
	return C.TRUE
}

//export netgearSinkClose
func netgearSinkClose(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).Close()
}

//export netgearSrcClose
func netgearSrcClose(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).Close()
}

//export netgearUnlock
func netgearUnlock(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).Unlock()
}

//export netgearUnlockStop
func netgearUnlockStop(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).UnlockStop()
}

//export netgearSinkSetCaps
func netgearSinkSetCaps(obj, caps unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	c, ok := parseCaps(obj, caps)
	if !ok {
		return C.FALSE
	}
	in := instanceOf(obj).(Sink)
	if err := in.SetCaps(c); err != nil {
		Element{obj}.PostError(netgear.SenderRole, err, "could not take the caps")
		return C.FALSE
	}
	return C.TRUE
}

// netgearCapsRefused is called with caps that a sink pad does not take, once for
// each try to negotiate. anyRaw: it would take them with raw-formats=any.
//
//export netgearCapsRefused
func netgearCapsRefused(obj unsafe.Pointer, caps *C.char, anyRaw C.gboolean) {
	defer rescue(obj)
	in := instanceOf(obj)
	if !in.Opened() { // somebody looks whether pads fit
		return
	}
	role := netgear.SenderRole
	if categoryOf(in) == CategorySrc {
		role = netgear.ReceiverRole
	}
	text := C.GoString(caps)
	cure := cureOf(text)
	if anyRaw != 0 {
		cure = "raw-formats=any, or " + cure
	}
	Element{obj}.PostError(role, fmt.Errorf("%w: %s is not taken: want %s before it", ErrNegotiation, shorten(text), cure), "the caps are "+text)
}

// shorten keeps what says most of a text of caps.
func shorten(caps string) string {
	const most = 80
	if len(caps) > most {
		return caps[:most] + "…"
	}
	return caps
}

// cures are what makes frames that the sinks take, by how the caps begin; the
// first that matches counts.
var cures = []struct{ caps, cure string }{
	{"video/x-raw(", "what brings it into system memory, as gldownload, vapostproc or nvvidconv"},
	{"video/x-raw", "videoconvert or jpegenc"},
	{"video/x-bayer", "bayer2rgb"},
	{"video/x-h264", "h264parse (byte-stream, alignment=au)"},
	{"video/x-h265", "h265parse (byte-stream, alignment=au)"},
	{"video/x-av1", "av1parse (obu-stream, alignment=tu)"},
	{"", "decodebin ! videoconvert"},
}

func cureOf(caps string) string {
	for _, c := range cures {
		if strings.HasPrefix(caps, c.caps) {
			return c.cure
		}
	}
	return ""
}

//export netgearSinkRender
func netgearSinkRender(obj, buffer unsafe.Pointer) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	return C.GstFlowReturn(instanceOf(obj).(Sink).Render(Buffer{obj, buffer}))
}

//export netgearSinkFinish
func netgearSinkFinish(obj unsafe.Pointer) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	return C.GstFlowReturn(instanceOf(obj).(Sink).Finish())
}

//export netgearSinkLeave
func netgearSinkLeave(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).(Sink).Leave()
}

//export netgearSrcNoRate
func netgearSrcNoRate(obj unsafe.Pointer) {
	defer rescue(obj)
	instanceOf(obj).(Source).NoRate()
}

//export netgearSrcCreate
func netgearSrcCreate(obj unsafe.Pointer, out *unsafe.Pointer) (ret C.GstFlowReturn) {
	ret = C.GST_FLOW_ERROR // after a panic
	defer rescue(obj)
	p, flow := instanceOf(obj).(Source).Create()
	*out = p
	return C.GstFlowReturn(flow)
}

func statistics(obj unsafe.Pointer, in Instance) unsafe.Pointer {
	s := C.netgear_stats_new(C.gpointer(obj))
	st := in.Statistics()
	sink := categoryOf(in) == CategorySink
	for _, f := range statFields {
		if f.on != 0 && (f.on == netgear.SenderRole) != sink {
			continue
		}
		name := C.CString(f.name)
		switch v := f.value(&st).(type) {
		case uint64:
			C.netgear_stats_uint64(s, name, C.guint64(v))
		case time.Duration:
			C.netgear_stats_double(s, name, C.double(float64(v)/float64(time.Millisecond)))
		case bool:
			C.netgear_stats_bool(s, name, cbool(v))
		}
		C.free(unsafe.Pointer(name))
	}
	dropped := C.CString("signals-dropped")
	C.netgear_stats_uint64(s, dropped, C.guint64(in.Dropped()))
	C.free(unsafe.Pointer(dropped))
	if r, ok := in.(interface{ ReturnsDropped() uint64 }); ok {
		lost := C.CString("returned-frames-dropped")
		C.netgear_stats_uint64(s, lost, C.guint64(r.ReturnsDropped()))
		C.free(unsafe.Pointer(lost))
	}
	C.netgear_stats_peer(s, nil, nil, 0)
	for _, p := range st.Peers {
		endpoint, port := C.CString(p.Endpoint), C.CString(p.Port)
		C.netgear_stats_peer(s, endpoint, port, C.guint64(p.Frames))
		C.free(unsafe.Pointer(endpoint))
		C.free(unsafe.Pointer(port))
	}
	return unsafe.Pointer(s)
}

// statFields are the fields of the stats structure. Durations are in ms; a
// nil value leaves the field out.
var statFields = []struct {
	name  string
	on    netgear.Role // 0: both
	value func(*netgear.Stats) any
}{
	{"frames-sent", netgear.SenderRole, func(s *netgear.Stats) any { return s.Frames }},
	{"frames-received", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Frames }},
	{"bytes-sent", netgear.SenderRole, func(s *netgear.Stats) any { return s.Bytes }},
	{"bytes-received", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Bytes }},
	{"frames-dropped", 0, func(s *netgear.Stats) any { return s.FramesDropped }},
	{"frames-malformed", 0, func(s *netgear.Stats) any { return s.FramesMalformed }},
	{"goodbyes", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Goodbyes }},
	{"frames-missing", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.FramesMissing }},
	{"acks-received", 0, func(s *netgear.Stats) any { return s.AcksReceived }},
	{"ack-timeouts", 0, func(s *netgear.Stats) any { return s.AckTimeouts }},
	{"reconnects", 0, func(s *netgear.Stats) any { return s.Reconnects }},
	{"auth-failures", 0, func(s *netgear.Stats) any { return s.AuthFailures }},
	{"ack-rtt-ms", 0, func(s *netgear.Stats) any { return s.AckRTT }},
	{"ack-rtt-avg-ms", 0, func(s *netgear.Stats) any { return s.AckRTTAvg }},
	{"send-block-ms", 0, func(s *netgear.Stats) any { return s.SendBlock }},
	{"secure", 0, func(s *netgear.Stats) any { return s.Secure }},
	{"capture-to-receive-ms", netgear.ReceiverRole, func(s *netgear.Stats) any {
		if !s.HasCaptureToReceive {
			return nil
		}
		return s.CaptureToReceive
	}},
}
