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
// was read: see netgear_running_time_at.
func (e Element) RunningTimeAt() (running uint64, at time.Time) {
	begin := time.Now()
	c := C.netgear_running_time_at(C.gpointer(e.p))
	if at = MomentOf(int64(c.wall)); at.Before(begin) || at.After(time.Now()) { // somebody has set the clock meanwhile
		at = begin
	}
	return uint64(c.running), at
}

// MomentOf returns when this machine's wall clock showed a time, in ns since 1970. What it
// returns for a time before somebody set the clock is as wrong as the clock was.
func MomentOf(wall int64) time.Time {
	now := time.Now()
	return now.Add(time.Duration(wall - now.UnixNano()))
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
