package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Element is a GstElement. It holds no reference: it is valid in calls that come
// from the object, and while somebody else holds a reference.
type Element struct {
	p    unsafe.Pointer
	role Role
}

// PostError posts err by the table of errors. The debug text has more detail.
func (e Element) PostError(err error, debug string) { e.post(C.NETGEAR_ERROR, err, debug) }

// PostWarning posts a warning in the same way.
func (e Element) PostWarning(err error, debug string) { e.post(C.NETGEAR_WARNING, err, debug) }

func (e Element) post(typ C.int, err error, debug string) {
	row := rowOf(err)
	code := row.sinkCode
	if e.role.end() == netgear.ReceiverRole {
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

// Notify notifies of a change of a property.
func (e Element) Notify(property string) {
	c := C.CString(property)
	defer C.free(unsafe.Pointer(c))
	C.netgear_notify(C.gpointer(e.p), c)
}

// NoTime is GST_CLOCK_TIME_NONE.
const NoTime = ^uint64(0)

// RunningTime returns the running time of now in ns, or NoTime where there is no
// clock.
func (e Element) RunningTime() uint64 { return uint64(C.netgear_running_time(C.gpointer(e.p))) }

// RunningTimeAt returns a running time, as RunningTime, and the moment at which it
// was read. The two belong together to within some microseconds, unless the machine
// is so busy that all of a few attempts are interrupted.
func (e Element) RunningTimeAt() (running uint64, at time.Time) {
	const attempts, good = 5, 20 * time.Microsecond
	least := time.Hour
	for range attempts {
		begin := time.Now()
		now := e.RunningTime()
		took := time.Since(begin)
		if now == NoTime {
			return NoTime, begin
		}
		if took < least {
			least, running, at = took, now, begin.Add(took/2)
		}
		if took < good {
			break
		}
	}
	return running, at
}

// Weak is a reference that does not keep its element alive. It is for goroutines
// that may outlive the element.
type Weak struct {
	p    unsafe.Pointer
	role Role
}

// NewWeak returns a weak reference to e.
func NewWeak(e Element) *Weak {
	w := &Weak{unsafe.Pointer(C.netgear_weak_new(C.gpointer(e.p))), e.role}
	runtime.AddCleanup(w, func(p unsafe.Pointer) { C.netgear_weak_free(C.gpointer(p)) }, w.p)
	return w
}

// With calls f with the element unless it is gone.
func (w *Weak) With(f func(Element)) {
	defer runtime.KeepAlive(w)
	if p := C.netgear_weak_get(C.gpointer(w.p)); p != nil {
		defer C.g_object_unref(p)
		f(Element{unsafe.Pointer(p), w.role})
	}
}
