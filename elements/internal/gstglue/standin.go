package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"encoding/binary"
	"os"
	"syscall"
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
	sink := (*C.NetgearSink)(obj)
	asked := os.NewFile(uintptr(sink.ask), "stand-in")
	conn, err := asked.SyscallConn()
	if err != nil {
		return C.FALSE // never: it is open
	}
	spawn(NewWeak(elementOf(obj)), func() { // it lives no longer than the element, which waits for it
		for standIn(sink, conn) {
			answer(sink)
		}
		asked.Close()
		answer(sink)
	})
	return C.TRUE
}

// standIn does the next job of a sink. It reports false when it is to end.
func standIn(sink *C.NetgearSink, conn syscall.RawConn) bool {
	var count [8]byte
	// An error would be asked's having been closed, by nobody else.
	_ = conn.Read(func(fd uintptr) bool {
		_, err := unix.Read(int(fd), count[:])
		return err == nil
	})
	if sink.job == nil {
		return false
	}
	sink.flow = C.int(netgearSinkRender(unsafe.Pointer(sink), unsafe.Pointer(sink.job), C.NETGEAR_RENDER_AWAY))
	return true
}

func answer(sink *C.NetgearSink) {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(int(sink.reply), one[:]) // it never fails
}
