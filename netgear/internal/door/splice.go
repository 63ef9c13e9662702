package door

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/rawio"
)

// Implementation constants.
const (
	// bufferSize is the size of one read in bytes. A direction of a connection has a
	// buffer only while something is in it.
	bufferSize = 64 << 10
	// spliceMin is in bytes: a body that is shorter is copied.
	spliceMin = 64 << 10
	// pipeSize is asked for, in bytes; the kernel may give less.
	pipeSize = 1 << 20
	// localBuffer is the send buffer towards libzmq in bytes. With the kernel's
	// 200 kB a raw frame takes a third longer.
	localBuffer = 4 << 20
)

// maxSpareBuffers is how many buffers wait for their next use: 2 MB of them.
const maxSpareBuffers = 32

// buffers are those that wait. A sync.Pool would do, but loses some under the race
// detector, and with it the test that a frame allocates nothing.
var buffers bufferList

type bufferList struct {
	mu    sync.Mutex
	spare []*[bufferSize]byte
}

func (l *bufferList) get() *[bufferSize]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.spare)
	if n == 0 {
		return new([bufferSize]byte)
	}
	b := l.spare[n-1]
	l.spare = l.spare[:n-1]
	return b
}

func (l *bufferList) put(b *[bufferSize]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spare) < maxSpareBuffers {
		l.spare = append(l.spare, b)
	}
}

// stream is one side of a connection: net.Conn, and its descriptor where it
// has one. One goroutine reads from it.
type stream struct {
	net.Conn
	raw syscall.RawConn // nil: none, as for a channel of SSH
	// link is the TCP connection that carries it: itself, or that of a tunnel, which
	// others may use too. nil: there is none.
	link syscall.RawConn

	// What tryRead has read. It is a field, as the function in poll is, so that a
	// read allocates nothing.
	buffer *[bufferSize]byte
	begin  int // of what it reads; before that is what is kept
	n      int
	err    error
	poll   func(fd uintptr) bool // tryRead

	// What tryWrite writes, and what it has written.
	out    [][]byte
	outN   int
	outErr error
	push   func(fd uintptr) bool // tryWrite
}

// Tunnelled is a connection that another one carries, beside others.
type Tunnelled interface {
	net.Conn
	// Carrier returns that one.
	Carrier() net.Conn
}

func newStream(c net.Conn) *stream {
	s := &stream{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		s.raw, _ = sc.SyscallConn() // nil if it fails: then bytes are copied
	}
	if t, ok := c.(Tunnelled); ok {
		c = t.Carrier()
	}
	if t, ok := c.(*net.TCPConn); ok {
		s.link, _ = t.SyscallConn() // nil if it fails: then nothing is known of it
	}
	s.poll, s.push = s.tryRead, s.tryWrite
	return s
}

// closeWrite ends one direction: the other side reads EOF.
func (s *stream) closeWrite() {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the other side has gone already
	}
}

// receive waits for bytes and passes them to use. Their buffer is valid until use
// returns, or longer if use calls keep. receive returns io.EOF at the end of the stream,
// or the error of use.
func (s *stream) receive(use func(p []byte) error) error {
	if s.raw == nil {
		s.lend()
		s.n, s.err = s.Read(s.buffer[s.begin:])
	} else if err := s.raw.Read(s.poll); err != nil {
		s.n, s.err = 0, err
	}
	if s.buffer == nil {
		return s.err
	}
	fresh := s.buffer[s.begin : s.begin+max(s.n, 0)]
	s.begin = 0
	defer s.giveBack()
	if len(fresh) > 0 {
		if err := use(fresh); err != nil {
			return err
		}
	}
	return s.err
}

// keep makes the buffer stay until the next receive, with the bytes p of it, which were
// passed to use. It reports whether there is room for so many more bytes; if not, it
// does nothing.
func (s *stream) keep(p []byte, more int64) bool {
	end := bufferSize - cap(p) + len(p)
	if more > int64(bufferSize-end) || end == bufferSize {
		return false
	}
	s.begin = end
	return true
}

func (s *stream) lend() {
	if s.buffer == nil {
		s.buffer = buffers.get()
	}
}

func (s *stream) giveBack() {
	if s.begin == 0 && s.buffer != nil {
		buffers.put(s.buffer)
		s.buffer = nil
	}
}

// tryRead reads the bytes that are there, and reports false when there are none. It takes
// a buffer only when there are some, so that an idle connection has none.
func (s *stream) tryRead(fd uintptr) bool {
	s.lend()
	for {
		if s.n, s.err = rawio.Read(fd, s.buffer[s.begin:]); !errors.Is(s.err, unix.EINTR) {
			break
		}
	}
	if errors.Is(s.err, unix.EAGAIN) {
		s.giveBack()
		return false
	}
	if s.n <= 0 && s.err == nil {
		s.err = io.EOF
	}
	return true
}

// hungUp reports whether the other side has closed the connection. What it sent
// before may still be unread.
func (s *stream) hungUp() bool { return s.raw != nil && asks(s.raw, unix.POLLRDHUP) }

// unread reports whether bytes wait to be read. It is true where nobody knows.
func (s *stream) unread() bool {
	if s.raw == nil {
		return true
	}
	n := 1
	err := s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }) // 0 if it fails: it has ended
	return err == nil && n > 0
}

// writable reports whether the link takes in more, because little enough waits unsent.
// A link that has ended is writable.
func (s *stream) writable() bool { return asks(s.link, unix.POLLOUT) }

// awaitWritable waits for that.
func (s *stream) awaitWritable() error {
	return s.link.Write(func(fd uintptr) bool { return isNow(fd, unix.POLLOUT) })
}

// asks asks poll(2) for an event. A descriptor that cannot be asked has ended.
func asks(raw syscall.RawConn, event int16) (yes bool) {
	err := raw.Control(func(fd uintptr) { yes = isNow(fd, event) })
	return yes || err != nil
}

// isNow reports whether the event is there, or an error or the end in its place.
func isNow(fd uintptr, event int16) bool {
	for {
		if yes, err := rawio.Ready(fd, event); !errors.Is(err, unix.EINTR) {
			return yes || err != nil
		}
	}
}

// pipe moves bytes from one descriptor to another without copying them into
// the process. One goroutine uses it, and must close it.
type pipe struct {
	r, w   int
	size   int
	closed bool // or there could be none

	// What the steps do, as fields so that nothing is allocated.
	dst, src *stream
	flow     *flow                 // of dst; nil: its link does not matter
	in, out  func(fd uintptr) bool // fill, drain
	want     int                   // bytes to fill it with
	inside   int64                 // bytes in the pipe
	moved    int64                 // by one step
	err      error
}

func newPipe(dst, src *stream) *pipe {
	p := &pipe{dst: dst, src: src}
	p.in, p.out = p.fill, p.drain
	return p
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

func (p *pipe) fill(fd uintptr) bool {
	p.inside, p.err = splice(int(fd), p.w, p.want)
	return !errors.Is(p.err, unix.EAGAIN)
}

func (p *pipe) drain(fd uintptr) bool {
	p.moved, p.err = splice(p.r, int(fd), int(p.inside))
	return !errors.Is(p.err, unix.EAGAIN)
}

// move carries n bytes. It returns how many went, and the error of either side, io.EOF at
// the end of the source. Zero bytes and no error means that splicing is not possible
// here.
func (p *pipe) move(n int64) (moved int64, srcErr, dstErr error) {
	if p.dst.raw == nil || p.src.raw == nil || !p.open() {
		return 0, nil, nil
	}
	for moved < n {
		p.want = int(min(n-moved, int64(p.size)))
		if p.flow != nil && p.flow.room > 0 {
			p.want = min(p.want, p.flow.room)
		}
		if err := p.src.raw.Read(p.in); err != nil {
			return moved, err, nil
		}
		if errors.Is(p.err, unix.EINVAL) && moved == 0 {
			p.close()
			return 0, nil, nil // these two cannot be spliced
		}
		if p.err != nil {
			return moved, p.err, nil
		}
		if p.inside == 0 {
			return moved, io.EOF, nil
		}
		for p.inside > 0 {
			if err := p.give(); err != nil {
				return moved, nil, err
			}
			p.inside -= p.moved
			moved += p.moved
		}
	}
	return moved, nil, nil
}

// give moves some of the bytes in the pipe to the destination.
func (p *pipe) give() error {
	if p.flow != nil {
		p.flow.begin(time.Now(), int(p.inside))
	}
	err := p.dst.raw.Write(p.out)
	if err == nil {
		err = p.err
	}
	if err != nil {
		p.moved = 0
	}
	if p.flow != nil {
		p.flow.sent(int(p.moved))
	}
	return err
}

func splice(from, to, n int) (int64, error) {
	for {
		moved, err := unix.Splice(from, nil, to, nil, n, unix.SPLICE_F_NONBLOCK)
		if !errors.Is(err, unix.EINTR) {
			return moved, err
		}
	}
}
