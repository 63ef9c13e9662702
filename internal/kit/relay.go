package kit

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// RelayAddress is the machine that relays are on.
const RelayAddress = "127.0.0.2"

// Relay passes TCP connections on to a port of this machine, until it is told
// to cut them or to hold what they carry.
type Relay struct {
	listener net.Listener
	to       int

	mu    sync.Mutex
	cond  *sync.Cond
	held  bool
	conns map[net.Conn]bool
}

// NewRelay listens at an address of its own and the port of the end that binds: the
// servers of the multi-server mode go by their port. The first relay to a port is at
// RelayAddress.
func NewRelay(to int) (*Relay, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", RelayAddress, to))
	for i := 3; err != nil && i < 10; i++ {
		l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.%d:%d", i, to))
	}
	if err != nil {
		return nil, err
	}
	r := &Relay{listener: l, to: to, conns: map[net.Conn]bool{}}
	r.cond = sync.NewCond(&r.mu)
	go r.accept()
	return r, nil
}

// Address is where to connect to.
func (r *Relay) Address() string { return r.listener.Addr().(*net.TCPAddr).IP.String() }

func (r *Relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.to))
		if err != nil {
			in.Close()
			continue
		}
		r.mu.Lock()
		r.conns[in], r.conns[out] = true, true
		r.mu.Unlock()
		go r.carry(out, in)
		go r.carry(in, out)
	}
}

func (r *Relay) carry(to, from net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		for r.held && r.conns[from] {
			r.cond.Wait()
		}
		r.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	r.mu.Lock()
	delete(r.conns, from)
	r.cond.Broadcast() // the other direction ends too
	r.mu.Unlock()
	to.Close()
	from.Close()
}

// Hold keeps what comes, as a cut cable would, and does not tell anybody.
func (r *Relay) Hold(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = on
	r.cond.Broadcast()
}

// Reset ends every connection in the middle of what it carries.
func (r *Relay) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // has Close send a reset
		}
		c.Close()
	}
}

// Inject sends bytes that are not ours to what is behind the relay.
func (r *Relay) Inject(b []byte) error {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.to))
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, c, 1)
	return err
}
