// Package zmsg is the data path between Go and libzmq: message bytes cross it
// without a copy, and it is the only place of the transport that holds C.
//
// Sockets, contexts and options stay with github.com/pebbe/zmq4; this package
// borrows its socket pointer for the calls that run once per frame. Nothing
// here is safe for concurrent use on one socket, as with libzmq itself.
package zmsg

/*
#cgo pkg-config: libzmq
#include "zmsg.h"
*/
import "C"

import (
	"context"
	"errors"
	"os"
	"reflect"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// Errors of the data path.
var (
	// ErrAgain means that a non-blocking call had nothing to do.
	ErrAgain = errors.New("zmsg: would block")
	// ErrSocketLayout means that this zmq4 keeps its socket pointer in another
	// place.
	ErrSocketLayout = errors.New("zmsg: zmq4.Socket has no first field soc of type unsafe.Pointer: want github.com/pebbe/zmq4 v1.4.0")
)

// socketLayoutKnown is computed once. zmq4 hides the libzmq socket in the first
// field of its Socket, and the data path needs it.
var socketLayoutKnown = func() bool {
	t := reflect.TypeFor[zmq4.Socket]()
	if t.NumField() == 0 {
		return false
	}
	f := t.Field(0)
	return f.Name == "soc" && f.Offset == 0 && f.Type.Kind() == reflect.UnsafePointer
}()

// Socket is the libzmq socket inside a zmq4.Socket. It is valid until that is
// closed.
type Socket struct {
	p  unsafe.Pointer
	fd C.int // it becomes readable when the socket has news
}

// Of returns the libzmq socket of s, or ErrSocketLayout.
func Of(s *zmq4.Socket) (Socket, error) {
	if !socketLayoutKnown {
		return Socket{}, ErrSocketLayout
	}
	fd, err := s.GetFd()
	if err != nil {
		return Socket{}, err
	}
	return Socket{p: *(*unsafe.Pointer)(unsafe.Pointer(s)), fd: C.int(fd)}, nil
}

// News returns a descriptor, to be closed by the caller, that becomes readable when
// libzmq has something to tell the socket. Look takes it in.
func (s Socket) News() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "libzmq"), nil
}

// Look takes in what libzmq has to tell the socket.
func (s Socket) Look() error { return errno(C.netgear_zmsg_look(s.p)) }

// EnforceZAPDomain makes the socket refuse connections when no handler answers who
// may connect; otherwise it would accept them. zmq4 lacks this option.
func (s Socket) EnforceZAPDomain() error { return errno(C.netgear_zmsg_enforce_zap(s.p)) }

// AcceptOwnProcess makes a socket that binds to a Unix socket accept only
// connections of this process. zmq4 lacks this option.
func (s Socket) AcceptOwnProcess() error { return errno(C.netgear_zmsg_own_process(s.p)) }

// Message is one message part. The zero value is empty and needs no Close. It must
// not be copied once it has content.
type Message struct {
	m    [8]uint64 // a zmq_msg_t: 64 bytes, aligned for the pointers inside
	full bool
	from int // the connection, plus 1; 0: libzmq knows
}

func (m *Message) c() *C.zmq_msg_t { return (*C.zmq_msg_t)(unsafe.Pointer(&m.m)) }

// Copies returns how many bytes this package has copied from payloads into libzmq
// because nobody lent them, over all sockets of the process. Tests watch it.
func Copies() uint64 { return uint64(C.netgear_zmsg_copied()) }

// SetCopy fills the message with a copy of b.
func (m *Message) SetCopy(b []byte) error {
	m.Close()
	if C.netgear_zmsg_copy(m.c(), unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b))) != 0 {
		return syscall.ENOMEM
	}
	m.full = true
	runtime.KeepAlive(b)
	return nil
}

// Make fills the message with size bytes of any content, for the caller to write to.
// The memory of large ones is used again: see Trim.
func (m *Message) Make(size int) error {
	m.Close()
	if C.netgear_zmsg_make(m.c(), C.size_t(size)) != 0 {
		return syscall.ENOMEM
	}
	m.full = true
	return nil
}

// Trim gives the memory back that waits for the next large messages, of all sockets of
// the process. That is 16 MB, or one of up to 32 MB.
func Trim() { C.netgear_zmsg_trim() }

// Kept returns how many bytes wait for that.
func Kept() int { return int(C.netgear_zmsg_kept()) }

// Take moves the content of from into m. A zmq_msg_t may lie anywhere, so the bytes of
// it move.
func (m *Message) Take(from *Message) {
	m.Close()
	m.m, m.full, m.from = from.m, from.full, from.from
	from.full, from.from = false, 0
}

// Share fills the message with the content of from, which both share.
func (m *Message) Share(from *Message) error {
	m.Close()
	if !from.full {
		return nil
	}
	if C.netgear_zmsg_share(m.c(), from.c()) != 0 {
		return syscall.ENOMEM
	}
	m.full = true
	return nil
}

// SetConnection makes Connection return a number that is not negative.
func (m *Message) SetConnection(number int) { m.from = number + 1 }

// SetForeign fills the message with b, which lies outside Go's heap, without a copy.
// When libzmq and every Message are done with it, the C function free, void (*)(void
// *owner), is called with owner, from any thread. After an error it has been called
// already.
func (m *Message) SetForeign(b []byte, free, owner unsafe.Pointer) error {
	m.Close()
	if C.netgear_zmsg_lend(m.c(), unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b)), free, owner) != 0 {
		return syscall.ENOMEM
	}
	m.full = true
	return nil
}

// Len returns the size in bytes.
func (m *Message) Len() int {
	if !m.full {
		return 0
	}
	return int(C.zmq_msg_size(m.c()))
}

// Bytes returns the content. It is valid until the message is closed or
// received into again.
func (m *Message) Bytes() []byte {
	if !m.full {
		return nil
	}
	n := C.zmq_msg_size(m.c())
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(C.zmq_msg_data(m.c())), int(n))
}

// Connection returns a number that is the same for all messages of one connection,
// and that no other connection has at the same time; -1 when it is not known.
func (m *Message) Connection() int {
	if m.from > 0 {
		return m.from - 1
	}
	if !m.full {
		return -1
	}
	return int(C.zmq_msg_get(m.c(), C.ZMQ_SRCFD))
}

// Stands reports whether the other end of a connection, given by its number, has not
// closed it. A number that is not in use does not stand.
func Stands(connection int) bool { return C.netgear_zmsg_stands(C.int(connection)) != 0 }

// Close empties the message and releases its content.
func (m *Message) Close() {
	if m.full {
		C.zmq_msg_close(m.c())
		m.full = false
	}
	m.from = 0
}

// Detach moves the content out of m into C memory. It returns that with the C
// function void (*)(void *owner) that must be called once to free it.
func (m *Message) Detach() (b []byte, free, owner unsafe.Pointer) {
	if !m.full {
		return nil, nil, nil
	}
	p := C.netgear_zmsg_detach(m.c())
	m.full, m.from = false, 0
	n := int(C.zmq_msg_size((*C.zmq_msg_t)(p)))
	if n > 0 {
		b = unsafe.Slice((*byte)(C.zmq_msg_data((*C.zmq_msg_t)(p))), n)
	}
	return b, C.netgear_zmsg_free_func(), p
}

// Free calls free(owner), which came from Detach or from the lender.
func Free(free, owner unsafe.Pointer) {
	if free != nil {
		C.netgear_zmsg_call_free(free, owner)
	}
}

// Send sends head and, when data is not nil, a second part that shares the content
// of data; data stays valid and can be sent again. Send never blocks: ErrAgain means
// that nothing was sent.
func (s Socket) Send(head []byte, data *Message) error {
	var d *C.zmq_msg_t
	if data != nil {
		d = data.c()
	}
	e := C.netgear_zmsg_send(s.p, unsafe.Pointer(unsafe.SliceData(head)), C.size_t(len(head)), d)
	runtime.KeepAlive(head)
	runtime.KeepAlive(data)
	return errno(e)
}

// SendData sends a message of one part, which shares the content of data. It is
// otherwise as Send.
func (s Socket) SendData(data *Message) error {
	e := C.netgear_zmsg_send_data(s.p, data.c())
	runtime.KeepAlive(data)
	return errno(e)
}

// Recv receives one part into m without blocking. more means that further parts of
// the same message follow; they have arrived already.
func (s Socket) Recv(m *Message) (more bool, err error) {
	m.Close()
	got := C.netgear_zmsg_recv(s.p, m.c())
	if got < 0 {
		return false, errno(-got)
	}
	m.full = true
	return got != 0, nil
}

// Events is the result of Wait; zero means that the time was up.
type Events uint8

// Events of Wait.
const (
	In Events = 1 << iota
	Out
	Woken
)

// Wait blocks until the socket is ready for want, w is woken, or until passes. With
// until in the past it only looks; the zero time means for ever. While the socket is
// ready, Wait does not check whether w was woken.
func (s Socket) Wait(want Events, w *Waker, until time.Time) (Events, error) {
	for {
		got := C.netgear_zmsg_wait(s.p, s.fd, C.int(want), w.fd, milliseconds(until))
		if got == -C.int(syscall.EINTR) {
			continue
		}
		if got < 0 {
			return 0, errno(-got)
		}
		return Events(got), nil
	}
}

// milliseconds returns how long it is until then: rounded up, so that a wait never ends
// early and spins; -1 for ever.
func milliseconds(until time.Time) C.long {
	if until.IsZero() {
		return -1
	}
	return C.long(max(0, (time.Until(until)+time.Millisecond-1)/time.Millisecond))
}

func errno(e C.int) error {
	switch syscall.Errno(e) {
	case 0:
		return nil
	case syscall.EAGAIN:
		return ErrAgain
	}
	return zmq4.Errno(e)
}

// Waker ends a Wait, from any goroutine.
type Waker struct {
	fd  C.int
	all chan struct{} // has a token after Wake, as fd does

	mu     sync.Mutex // guards closed against a late Wake on a reused descriptor
	closed bool

	done <-chan struct{} // of the context that is followed
	stop func() bool
}

// NewWaker returns a Waker, which must be closed.
func NewWaker() (*Waker, error) {
	fd := C.netgear_zmsg_waker_new()
	if fd < 0 {
		return nil, syscall.Errno(-fd)
	}
	return &Waker{fd: fd, all: make(chan struct{}, 1)}, nil
}

// Wake ends the current Wait, or the next one. It may be called from any
// goroutine, also after Close.
func (w *Waker) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		C.netgear_zmsg_waker_set(w.fd)
		w.PutBack()
	}
}

// Woken returns a channel that has a token after Wake, until Clear. Who takes it must
// call PutBack.
func (w *Waker) Woken() <-chan struct{} { return w.all }

// PutBack puts the token of Woken back.
func (w *Waker) PutBack() {
	select {
	case w.all <- struct{}{}:
	default:
	}
}

// Clear discards earlier calls of Wake.
func (w *Waker) Clear() {
	select {
	case <-w.all:
	default:
	}
	C.netgear_zmsg_waker_clear(w.fd)
}

// Follow makes the end of ctx wake w. It costs nothing when w follows ctx already.
func (w *Waker) Follow(ctx context.Context) {
	if done := ctx.Done(); done != w.done {
		if w.stop != nil {
			w.stop()
		}
		w.done = done
		w.stop = context.AfterFunc(ctx, w.Wake)
	}
}

// Close closes the file descriptor.
func (w *Waker) Close() {
	if w.stop != nil {
		w.stop()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		C.netgear_zmsg_waker_close(w.fd)
	}
}
