package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// maxPending is how many signals and messages may wait for a slow handler.
const maxPending = 64

// dispatcher calls a program's handlers from a goroutine of its own, so that a
// slow one never stalls the stream: what does not fit into the queue is
// dropped and counted. Safe for concurrent use.
type dispatcher struct {
	mu      sync.Mutex
	queue   chan func(Element)
	dropped atomic.Uint64
}

// start begins to call handlers; weak outlives the element.
func (d *dispatcher) start(weak *Weak) {
	queue := make(chan func(Element), maxPending)
	d.mu.Lock()
	d.queue = queue
	d.mu.Unlock()
	d.dropped.Store(0)
	spawn(weak, func() {
		for f := range queue {
			weak.With(func(e Element) {
				defer rescue(e.p)
				f(e)
			})
		}
	})
}

// stop ends it after what is in the queue, for which it does not wait.
func (d *dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue != nil {
		close(d.queue)
		d.queue = nil
	}
}

// post has f called soon. It says whether it will be; if not it was counted.
func (d *dispatcher) post(f func(Element)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case d.queue <- f: // a nil channel takes nothing
		return true
	default:
		d.dropped.Add(1)
		return false
	}
}

// emitPeer emits peer-added, peer-removed, or peer-rejected with a reason.
func (c *Core) emitPeer(signal, endpoint, reason string) {
	if !c.HasHandler(signal) {
		return
	}
	c.dispatch.post(func(e Element) {
		s, t := C.CString(signal), C.CString(endpoint)
		defer C.free(unsafe.Pointer(s))
		defer C.free(unsafe.Pointer(t))
		var why *C.char
		if reason != "" {
			why = C.CString(reason)
			defer C.free(unsafe.Pointer(why))
		}
		C.netgear_emit_peer(C.gpointer(e.p), s, t, why)
	})
}

// HasHandler says whether anybody is connected to a signal.
func (c *Core) HasHandler(signal string) (has bool) {
	c.weak.With(func(e Element) {
		s := C.CString(signal)
		defer C.free(unsafe.Pointer(s))
		has = C.netgear_has_handler(C.gpointer(e.p), s) != 0
	})
	return has
}

// Data is what the other end sent beside a frame, or in answer to one.
type Data struct {
	Port, JSON string
	Sample     *Sample // of a returned frame; nil: none
}

// EmitData emits a signal with data, and posts it on the bus under the name of
// message unless that is empty. It takes over the sample.
func (c *Core) EmitData(signal, message string, data Data) {
	emit := c.HasHandler(signal)
	if !emit && message == "" {
		data.Sample.Free()
		return
	}
	posted := c.dispatch.post(func(e Element) {
		p, j := C.CString(data.Port), C.CString(data.JSON)
		defer C.free(unsafe.Pointer(p))
		defer C.free(unsafe.Pointer(j))
		if message != "" {
			m := C.CString(message)
			defer C.free(unsafe.Pointer(m))
			if C.netgear_post_data(C.gpointer(e.p), m, p, j) == 0 {
				c.dispatch.dropped.Add(1)
			}
		}
		if !emit {
			data.Sample.Free()
			return
		}
		s := C.CString(signal)
		defer C.free(unsafe.Pointer(s))
		var sample C.gpointer
		if data.Sample != nil {
			sample = C.gpointer(data.Sample.p)
		}
		C.netgear_emit_data(C.gpointer(e.p), s, p, j, sample)
	})
	if !posted {
		data.Sample.Free()
	}
}

// Sample is a GstSample with one owner.
type Sample struct{ p unsafe.Pointer }

// Free gives it up. A nil Sample is fine.
func (s *Sample) Free() {
	if s != nil && s.p != nil {
		C.gst_sample_unref((*C.GstSample)(s.p))
		s.p = nil
	}
}

// Ref returns the same sample with an owner more.
func (s *Sample) Ref() *Sample {
	C.gst_sample_ref((*C.GstSample)(s.p))
	return &Sample{s.p}
}

// NewSample makes a sample of a frame and takes over its payload. nil means
// that there are no such caps.
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

// NewArraySample makes a sample of an array that is no picture, and takes over
// its payload. Dimensions have 31 bits at the most.
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

// Returner is an Instance that takes frames to send back.
type Returner interface {
	// PushReturn makes a frame the answer to the frames that follow. It takes
	// over in's payload.
	PushReturn(c InCaps, in *Input) error
	// ReturnRefused is called with the reason when a frame cannot go back.
	ReturnRefused(err error)
}

//export netgearPushReturn
func netgearPushReturn(obj, sample unsafe.Pointer) {
	defer rescue(obj)
	in, ok := instanceOf(obj).(Returner)
	if !ok || sample == nil {
		return
	}
	var caps C.NetgearCaps
	var input Input
	err := fmt.Errorf("%w: a sample without a buffer, or with one that does not fit its caps", ErrBuffer)
	switch {
	case C.gst_sample_get_caps((*C.GstSample)(sample)) == nil:
		err = fmt.Errorf("%w: a sample without caps: want caps that say what it is, as image/jpeg", ErrNegotiation)
	case C.netgear_sample_map(C.gpointer(sample), &caps, &input.c) != 0:
		c := inCaps(&caps)
		input.take()
		err = in.PushReturn(c, &input)
	}
	if err != nil {
		in.ReturnRefused(err)
	}
}

//export netgearReturnUncapped
func netgearReturnUncapped(obj unsafe.Pointer) {
	defer rescue(obj)
	Element{obj}.PostError(netgear.ReceiverRole, fmt.Errorf("%w: the buffers at return_sink have no caps: want caps that say what they are, as caps=image/jpeg of appsrc", ErrNegotiation),
		"a parser or decodebin in front knows what they are")
}

// ServerEnded tells downstream that the server of that port has ended.
func (e Element) ServerEnded(port string) {
	c := C.CString(port)
	defer C.free(unsafe.Pointer(c))
	C.netgear_src_server_ended(C.gpointer(e.p), c)
}
