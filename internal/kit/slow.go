package kit

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// SlowLink passes TCP connections on to a port of this machine as a slow link does:
// what goes there takes its time, and little is held on the way. A TCP connection
// loses nothing, so there is no loss; package kit has Machines for that.
type SlowLink struct {
	listener net.Listener
	to       string
	rate     atomic.Int64 // bit/s; 0: as fast as it can
	delay    time.Duration

	mu    sync.Mutex
	conns []net.Conn
}

// Implementation constants.
const (
	// slowBuffer is what a link holds at each end, in bytes, before the sender must
	// wait. The kernel gives twice as much.
	slowBuffer = 32 << 10
	// slowPiece is how many bytes go over a link at once.
	slowPiece = 4 << 10
	// slowSlack is how much a link that was late makes up for.
	slowSlack = 10 * time.Millisecond
)

// NewSlowLink carries rate bit/s to a port, where what is sent arrives after half of
// rtt; so does what comes back, which has no other limit.
func NewSlowLink(to string, rate int64, rtt time.Duration) (*SlowLink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &SlowLink{listener: l, to: to, delay: rtt / 2}
	s.rate.Store(rate)
	go s.accept()
	return s, nil
}

// Port is where to connect to.
func (s *SlowLink) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// SetRate changes how many bit/s go there.
func (s *SlowLink) SetRate(rate int64) { s.rate.Store(rate) }

// Close ends the link and its connections.
func (s *SlowLink) Close() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *SlowLink) accept() {
	for {
		in, err := s.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", s.to)
		if err != nil {
			in.Close()
			continue
		}
		_ = in.(*net.TCPConn).SetReadBuffer(slowBuffer)   // an optimum, no must
		_ = out.(*net.TCPConn).SetWriteBuffer(slowBuffer) // likewise
		s.mu.Lock()
		s.conns = append(s.conns, in, out)
		s.mu.Unlock()
		go s.carry(out, in, &s.rate)
		go s.carry(in, out, new(atomic.Int64))
	}
}

// slowBytes arrive when they are due.
type slowBytes struct {
	due  time.Time
	data []byte
}

func (s *SlowLink) carry(to, from net.Conn, rate *atomic.Int64) {
	way := make(chan slowBytes, 1<<16) // what is under way: the delay bounds it
	go func() {
		for b := range way {
			time.Sleep(time.Until(b.due))
			if _, err := to.Write(b.data); err != nil {
				from.Close()
			}
		}
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite() // the other side has gone already
		}
	}()
	defer close(way)
	busy := time.Now()
	for {
		data := make([]byte, slowPiece)
		n, err := from.Read(data)
		if r := rate.Load(); r > 0 {
			if least := time.Now().Add(-slowSlack); busy.Before(least) {
				busy = least
			}
			busy = busy.Add(time.Duration(float64(n) * 8 / float64(r) * float64(time.Second)))
			time.Sleep(time.Until(busy))
		}
		if n > 0 {
			way <- slowBytes{time.Now().Add(s.delay), data[:n]}
		}
		if err != nil {
			if err != io.EOF { //nolint:errorlint // as net.Conn returns it
				to.Close()
			}
			return
		}
	}
}
