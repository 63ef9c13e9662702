package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetPlain says whether the frames that a sink renders next need nothing of the streaming
// thread but to wait in it for the end of a pause. Only for that thread.
func (e Element) SetPlain(plain bool) { C.netgear_sink_set_plain(C.gpointer(e.p), cbool(plain)) }

// netgearStandIn starts the goroutine that renders for a sink.
//
//export netgearStandIn
func netgearStandIn(obj unsafe.Pointer) C.gboolean {
	defer rescue(obj)
	sink, half := (*C.NetgearSink)(obj), halfOf[Sink](obj)
	asked := os.NewFile(uintptr(sink.ask), "stand-in")
	conn, err := asked.SyscallConn()
	if err != nil {
		return C.FALSE // never: it is open
	}
	spawn(NewWeak(elementOf(obj)), func() { // it lives no longer than the element, which waits for it
		var count [8]byte
		isAsked := func(fd uintptr) bool { return raw(unix.SYS_READ, fd, &count) == 0 }
		// An error would be asked's having been closed, by nobody else.
		for conn.Read(isAsked) == nil && standIn(sink, half) {
			answer(sink)
		}
		asked.Close()
		answer(sink)
	})
	return C.TRUE
}

// standIn does the next job of a sink. It reports false when it is to end.
func standIn(sink *C.NetgearSink, half Sink) (goOn bool) {
	if sink.job == nil {
		return false
	}
	goOn, sink.flow = true, C.GST_FLOW_ERROR // after a panic
	defer rescue(unsafe.Pointer(sink))
	sink.flow = C.int(half.Render(Buffer{unsafe.Pointer(sink), unsafe.Pointer(sink.job), C.NETGEAR_RENDER_AWAY}))
	return true
}

func answer(sink *C.NetgearSink) {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	raw(unix.SYS_WRITE, uintptr(sink.reply), &one) // it never fails
}

// raw makes a call for an eventfd that does not wait, without a word to Go's runtime: that
// would wake up its monitor.
func raw(call, fd uintptr, b *[8]byte) unix.Errno {
	_, _, errno := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(b)), uintptr(len(b)))
	return errno
}
