package door

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Implementation constants.
const (
	// bufferSize is what one read takes in, in bytes. A connection holds a buffer
	// only while there is something in it.
	bufferSize = 32 << 10
	// spliceMin is in bytes: a body that is shorter is copied.
	spliceMin = 64 << 10
	// pipeSize is asked for, in bytes; the kernel may give less.
	pipeSize = 1 << 20
	// localBuffer is the send buffer towards libzmq in bytes. With the kernel's
	// 200 kB a raw frame takes a third longer.
	localBuffer = 4 << 20
)

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// stream is one side of a connection: net.Conn, and its descriptor where it
// has one.
type stream struct {
	net.Conn
	raw syscall.RawConn // nil: none, as for a channel of SSH
}

func newStream(c net.Conn) *stream {
	s := &stream{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		s.raw, _ = sc.SyscallConn() // nil if it fails: then bytes are copied
	}
	return s
}

// closeWrite ends one direction: the other side reads EOF.
func (s *stream) closeWrite() {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the other side has gone already
	}
}

// receive waits for bytes and passes them to use, in a buffer that is lent for
// that time. It returns io.EOF at the end of the stream, or the error of use.
func (s *stream) receive(use func(p []byte) error) error {
	var b *[bufferSize]byte
	var n int
	var err error
	if s.raw == nil {
		b = buffers.Get().(*[bufferSize]byte)
		n, err = s.Read(b[:])
	} else if rerr := s.raw.Read(func(fd uintptr) bool {
		// The buffer is taken when there is something to read, so that an idle
		// connection has none.
		b = buffers.Get().(*[bufferSize]byte)
		for {
			if n, err = unix.Read(int(fd), b[:]); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if errors.Is(err, unix.EAGAIN) {
			buffers.Put(b)
			b = nil
			return false
		}
		if n <= 0 && err == nil {
			err = io.EOF
		}
		return true
	}); rerr != nil {
		err, n = rerr, 0
	}
	if b != nil {
		defer buffers.Put(b)
	}
	if n > 0 {
		if uerr := use(b[:n]); uerr != nil {
			return uerr
		}
	}
	return err
}

// pipe moves bytes from one descriptor to another without copying them into
// the process. The zero value is ready; it must be closed.
type pipe struct {
	r, w   int
	size   int
	closed bool // or never to be had
}

// open makes the pipe at its first use, and reports whether there is one.
func (p *pipe) open() bool {
	if p.size > 0 || p.closed {
		return !p.closed
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		p.closed = true
		return false
	}
	p.r, p.w = fds[0], fds[1]
	p.size = 64 << 10 // of every pipe
	if n, err := unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, pipeSize); err == nil && n > 0 {
		p.size = n
	}
	return true
}

func (p *pipe) close() {
	if p.size > 0 && !p.closed {
		_ = unix.Close(p.r) // nothing is in it that anybody waits for
		_ = unix.Close(p.w)
	}
	p.closed = true
}

// move carries n bytes from src to dst. It returns how many went, and the
// error of either side: io.EOF of src at its end. Nothing and no error means
// that it cannot be done here.
func (p *pipe) move(dst, src *stream, n int64) (moved int64, srcErr, dstErr error) {
	if dst.raw == nil || src.raw == nil || !p.open() {
		return 0, nil, nil
	}
	for moved < n {
		var in int64
		var err error
		if rerr := src.raw.Read(func(fd uintptr) bool {
			in, err = splice(int(fd), p.w, int(min(n-moved, int64(p.size))))
			return !errors.Is(err, unix.EAGAIN)
		}); rerr != nil {
			return moved, rerr, nil
		}
		if errors.Is(err, unix.EINVAL) && moved == 0 {
			p.close()
			return 0, nil, nil // these two cannot be spliced
		}
		if err != nil {
			return moved, err, nil
		}
		if in == 0 {
			return moved, io.EOF, nil
		}
		for in > 0 {
			var out int64
			if werr := dst.raw.Write(func(fd uintptr) bool {
				out, err = splice(p.r, int(fd), int(in))
				return !errors.Is(err, unix.EAGAIN)
			}); werr != nil {
				return moved, nil, werr
			}
			if err != nil {
				return moved, nil, err
			}
			in -= out
			moved += out
		}
	}
	return moved, nil, nil
}

func splice(from, to, n int) (int64, error) {
	for {
		moved, err := unix.Splice(from, nil, to, nil, n, unix.SPLICE_F_NONBLOCK)
		if !errors.Is(err, unix.EINTR) {
			return moved, err
		}
	}
}
