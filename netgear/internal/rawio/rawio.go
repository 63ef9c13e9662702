// Package rawio reads and writes descriptors that never wait, behind the back of Go's
// runtime.
//
// The runtime is told of the calls of package unix, in case that they take long: that
// wakes its monitor thread, and lets another thread of it take the processor meanwhile.
// For a call of some µs this is most of the work. Nothing else of Go can run on the
// processor during a call of this package, so it copies at most Most bytes.
package rawio

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Most is how many bytes a call of this package copies at the most: they take some 20 µs.
const Most = 1 << 17

// maxParts is how many parts Send takes.
const maxParts = 4

// Read is read(2) of a descriptor with O_NONBLOCK into at most Most bytes of b. The error
// is nil or a unix.Errno.
func Read(fd uintptr, b []byte) (n int, err error) {
	b = b[:min(len(b), Most)]
	return result(unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))))
}

// Fits reports whether Send takes these parts.
func Fits(parts [][]byte) bool {
	size := 0
	for _, b := range parts {
		size += len(b)
	}
	return size <= Most && len(parts) <= maxParts
}

// Send is sendmsg(2) without waiting and without SIGPIPE, of parts that fit. The error is
// nil or a unix.Errno.
func Send(fd uintptr, parts [][]byte) (n int, err error) {
	var vectors [maxParts]unix.Iovec
	for i, b := range parts {
		vectors[i].Base = unsafe.SliceData(b)
		vectors[i].SetLen(len(b))
	}
	m := unix.Msghdr{Iov: &vectors[0]}
	m.SetIovlen(len(parts))
	n, err = result(unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&m)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL))
	runtime.KeepAlive(parts)
	return n, err
}

// TCPInfo fills in what the kernel knows of a TCP connection.
func TCPInfo(fd uintptr, info *unix.TCPInfo) error {
	size := uint32(unix.SizeofTCPInfo)
	_, err := result(unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO, uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0))
	return err
}

// Ready asks poll(2) whether an event is there now, or an error or the end in its place.
func Ready(fd uintptr, event int16) (yes bool, err error) {
	p := unix.PollFd{Fd: int32(fd), Events: event} //nolint:gosec // a descriptor
	var now unix.Timespec
	n, err := result(unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0))
	return n > 0, err
}

func result(n, _ uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
