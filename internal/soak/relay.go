package main

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// relayAddress is the machine that relays are on.
const relayAddress = "127.0.0.2"

// relay passes TCP connections on to a port of this machine, until it is told
// to cut them or to hold what they carry.
type relay struct {
	listener net.Listener
	to       int

	mu    sync.Mutex
	cond  *sync.Cond
	held  bool
	conns map[net.Conn]bool
}

// newRelay listens at an address of its own and the port of the end that binds: the
// servers of the multi-server mode go by their port. The first relay to a port is at
// relayAddress.
func newRelay(to int) (*relay, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", relayAddress, to))
	for i := 3; err != nil && i < 10; i++ {
		l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.%d:%d", i, to))
	}
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, to: to, conns: map[net.Conn]bool{}}
	r.cond = sync.NewCond(&r.mu)
	go r.accept()
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().(*net.TCPAddr).IP.String() }

func (r *relay) accept() {
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

func (r *relay) carry(to, from net.Conn) {
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

// hold keeps what comes, as a cut cable would, and does not tell anybody.
func (r *relay) hold(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = on
	r.cond.Broadcast()
}

// reset ends every connection in the middle of what it carries.
func (r *relay) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // has Close send a reset
		}
		c.Close()
	}
}

// inject sends bytes that are not ours to what is behind the relay.
func (r *relay) inject(b []byte) error {
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
