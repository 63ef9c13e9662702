package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"unsafe"
)

// rescue turns a panic into an ERROR of the element. It is deferred in every
// function that C calls.
func rescue(obj unsafe.Pointer) {
	if r := recover(); r != nil {
		Element{p: obj}.postPanic(r)
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
