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
	"sync/atomic"
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
//
// What is short, and what is lent, stays with Go until libzmq needs it: a call of C
// costs little, but it wakes up the monitor thread of Go's runtime where that sleeps.
type Message struct {
	content content
	m       [shortMax / 8]uint64 // begins with a zmq_msg_t, aligned for the pointers inside; or the bytes
	data    *byte                // but of short
	size    int
	loan    Loan
	from    int // the connection, plus 1; 0: not known
}

// content is where the bytes of a Message are.
type content uint8

const (
	none  content = iota
	short         // in m
	lent          // at data, by loan
	held          // at data, by the zmq_msg_t in m
)

// shortMax is in bytes. It has room for a zmq_msg_t, of which libzmq itself keeps what is
// shorter inside, and for a confirmation with its times.
const shortMax = 256

// Loan is memory outside Go's heap that somebody lends.
type Loan struct {
	// Free takes a hold of the memory away: void (*)(void *owner). It is called once,
	// from any thread. nil: nothing has to be done.
	Free, Owner unsafe.Pointer
	// Holds counts the holds, where there may be others. Only the last one is then taken
	// away with Free, and the number is lowered instead of a call for another.
	Holds *atomic.Int32
}

// End takes the hold away.
func (l Loan) End() {
	if l.Holds != nil {
		for n := l.Holds.Load(); n > 1; n = l.Holds.Load() {
			if l.Holds.CompareAndSwap(n, n-1) {
				return
			}
		}
	}
	if l.Free != nil {
		C.netgear_zmsg_call_free(l.Free, l.Owner)
	}
}

func (m *Message) c() *C.zmq_msg_t { return (*C.zmq_msg_t)(unsafe.Pointer(&m.m)) }

func (m *Message) short() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&m.m)), shortMax)[:m.size:m.size]
}

// hold notes that m has a zmq_msg_t now, which is not one that keeps its bytes inside.
func (m *Message) hold(data unsafe.Pointer, size int) {
	m.content, m.data, m.size = held, (*byte)(data), size
}

// Copies returns how many bytes this package has copied from payloads into libzmq
// because nobody lent them, over all sockets of the process. Tests watch it.
func Copies() uint64 { return copied.Load() }

var copied atomic.Uint64

// SetCopy fills the message with a copy of b.
func (m *Message) SetCopy(b []byte) error {
	if err := m.Make(len(b)); err != nil {
		return err
	}
	copied.Add(uint64(copy(m.Bytes(), b)))
	return nil
}

// Make fills the message with size bytes of any content, for the caller to write to.
// The memory of large ones is used again: see Trim.
func (m *Message) Make(size int) error {
	m.Close()
	if size <= shortMax {
		m.content, m.size = short, size
		return nil
	}
	data := C.netgear_zmsg_make(m.c(), C.size_t(size))
	if data == nil {
		return syscall.ENOMEM
	}
	m.hold(data, size)
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
	*m = *from
	*from = Message{}
}

// Share fills the message with the content of from, which both share.
func (m *Message) Share(from *Message) error {
	m.Close()
	switch from.content {
	case none:
		return nil
	case short:
		m.content, m.m, m.size = short, from.m, from.size
		return nil
	case lent:
		if err := from.give(); err != nil {
			return err
		}
	case held:
	}
	if C.netgear_zmsg_share(m.c(), from.c()) != 0 {
		return syscall.ENOMEM
	}
	m.hold(unsafe.Pointer(from.data), from.size)
	return nil
}

// give gives libzmq what is lent. After an error m is as before.
func (m *Message) give() error {
	if C.netgear_zmsg_lend(m.c(), unsafe.Pointer(m.data), C.size_t(m.size), m.loan.Free, m.loan.Owner) != 0 {
		return syscall.ENOMEM
	}
	m.content, m.loan = held, Loan{}
	return nil
}

// SetConnection makes Connection return a number that is not negative.
func (m *Message) SetConnection(number int) { m.from = number + 1 }

// Lend fills the message with b, which lies outside Go's heap, without a copy. The loan
// ends when libzmq and every Message are done with it.
func (m *Message) Lend(b []byte, loan Loan) {
	m.Close()
	m.content, m.data, m.size, m.loan = lent, unsafe.SliceData(b), len(b), loan
}

// Len returns the size in bytes.
func (m *Message) Len() int { return m.size }

// Bytes returns the content. It is valid until the message is closed, moved or
// received into again.
func (m *Message) Bytes() []byte {
	switch {
	case m.size == 0:
		return nil
	case m.content == short:
		return m.short()
	}
	return unsafe.Slice(m.data, m.size)
}

// Connection returns a number that is the same for all messages of one connection,
// and that no other connection has at the same time; -1 when it is not known.
func (m *Message) Connection() int { return m.from - 1 }

// Stands reports whether the other end of a connection, given by its number, has not
// closed it. A number that is not in use does not stand.
func Stands(connection int) bool { return C.netgear_zmsg_stands(C.int(connection)) != 0 }

// Close empties the message and releases its content.
func (m *Message) Close() {
	switch m.content {
	case held:
		C.zmq_msg_close(m.c())
	case lent:
		m.loan.End()
	case none, short:
	}
	m.content, m.data, m.size, m.loan, m.from = none, nil, 0, Loan{}, 0
}

// Detach moves the content out of m into memory of C, whose loan it returns.
func (m *Message) Detach() (b []byte, loan Loan) {
	switch m.content {
	case none:
		return nil, Loan{}
	case lent:
		b, loan = m.Bytes(), m.loan
		*m = Message{}
		return b, loan
	case short, held:
	}
	var p, data unsafe.Pointer
	if m.content == short {
		p = C.netgear_zmsg_detach_copy(bytesOf(m.short()), C.size_t(m.size))
		data = C.zmq_msg_data((*C.zmq_msg_t)(p))
	} else {
		p, data = C.netgear_zmsg_detach(m.c()), unsafe.Pointer(m.data)
	}
	if m.size > 0 {
		b = unsafe.Slice((*byte)(data), m.size)
	}
	*m = Message{}
	return b, Loan{Free: freeFunc, Owner: p}
}

var freeFunc = C.netgear_zmsg_free_func()

// Send sends head and, when data is not nil, a second part that shares the content
// of data; data stays valid and can be sent again. Send never blocks: ErrAgain means
// that nothing was sent.
func (s Socket) Send(head []byte, data *Message) error { return s.send(head, len(head), data) }

// SendData sends a message of one part, which shares the content of data. It is
// otherwise as Send.
func (s Socket) SendData(data *Message) error { return s.send(nil, -1, data) }

// send is both. A size of -1 means that there is no such part.
func (s Socket) send(head []byte, headSize int, data *Message) error {
	var (
		shared   *C.zmq_msg_t
		copied   []byte
		copySize = -1
	)
	if data != nil {
		if data.content == lent {
			if err := data.give(); err != nil {
				return err
			}
		}
		if data.content == held {
			shared = data.c()
		} else {
			copied, copySize = data.Bytes(), data.size
		}
	}
	e := C.netgear_zmsg_send(s.p, bytesOf(head), C.long(headSize), shared, bytesOf(copied), C.long(copySize))
	runtime.KeepAlive(head)
	runtime.KeepAlive(data)
	return errno(e)
}

// bytesOf has a type that tells cgo that there are no pointers in the bytes, whatever
// they lie in.
func bytesOf(b []byte) *C.uchar { return (*C.uchar)(unsafe.SliceData(b)) }

// Recv receives one part into m without blocking. more means that further parts of
// the same message follow; they have arrived already.
func (s Socket) Recv(m *Message) (more bool, err error) {
	m.Close()
	var got C.struct_received
	if e := C.netgear_zmsg_recv(s.p, m.c(), shortMax, &got); e != 0 {
		return false, errno(e)
	}
	m.size, m.from = int(got.size), int(got.connection)+1
	if m.content = short; got.data != nil {
		m.hold(got.data, m.size)
	}
	return got.more != 0, nil
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
