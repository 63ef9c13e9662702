package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// maxPending is how many signals and messages may wait for a slow handler.
const maxPending = 64

// dispatcher calls a program's handlers on a goroutine of its own, so a slow handler
// never delays the stream. The goroutine lives while something waits. What does not fit
// into the queue is dropped and counted. An end that was closed may still post: that its
// peers are gone shows a moment later. Safe for concurrent use.
type dispatcher struct {
	weak    *Weak // the element
	mu      sync.Mutex
	queue   []func(Element)
	calling bool
	dropped atomic.Uint64
}

// post makes f called soon, unless the element is gone. It reports whether f fitted into
// the queue; if not, it was counted.
func (d *dispatcher) post(f func(Element)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) >= maxPending {
		d.dropped.Add(1)
		return false
	}
	d.queue = append(d.queue, f)
	if !d.calling {
		d.calling = true
		spawn(d.weak, d.call)
	}
	return true
}

// call calls what waits, until nothing does.
func (d *dispatcher) call() {
	for f := d.next(); f != nil; f = d.next() {
		d.weak.With(func(e Element) {
			defer rescue(e.p)
			f(e)
		})
	}
}

// next takes the oldest function from the queue. If there is none, it returns nil, and
// calling has ended.
func (d *dispatcher) next() (f func(Element)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calling = len(d.queue) > 0; d.calling {
		f = d.queue[0]
		d.queue = slices.Delete(d.queue, 0, 1)
	}
	return f
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

// postLink posts what the way to the receivers carries, unless too many messages wait.
func (e Element) postLink(bits uint64) { C.netgear_post_link(C.gpointer(e.p), C.guint64(bits)) }

// HasHandler reports whether a handler is connected to a signal.
func (c *Core) HasHandler(signal string) (has bool) {
	c.weak.With(func(e Element) {
		s := C.CString(signal)
		defer C.free(unsafe.Pointer(s))
		has = C.netgear_has_handler(C.gpointer(e.p), s) != 0
	})
	return has
}

// Data is what the other end sent beside a frame, or as an answer to one.
type Data struct {
	Port, JSON string
	Sample     *Sample // of a returned frame; nil: none
}

// EmitData emits a signal with data. It also posts the data on the bus, with the
// name message, unless that is empty. It takes over the sample.
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
