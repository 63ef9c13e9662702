package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Reach makes a connection to the other end. It retries until it has one or ctx
// ends. An error is final for this connection of libzmq, which then retries by
// itself.
type Reach func(ctx context.Context) (net.Conn, error)

// Implementation constants.
const (
	// dialPause is the time between two attempts to connect. namePause is the time
	// after a name did not resolve.
	dialPause = 100 * time.Millisecond
	namePause = time.Second
)

// DialTimeout bounds one attempt to connect. The kernel's own pauses between
// attempts grow to a minute.
const DialTimeout = 2 * time.Second

// mouth is where a socket of libzmq connects to.
type mouth struct {
	*net.UnixListener
	last *conn // nil: none has come
}

// Mouth opens an abstract Unix name that begins with an @ and ends with label, for a
// socket of libzmq to connect to. Each socket needs one of its own: two connections of
// two sockets look the same. Connections go wherever reach leads, one at a time: a new
// one means that libzmq has given up the one before. about describes that place.
func (d *Door) Mouth(label string, about Peer, reach Reach) (name string, err error) {
	name = d.name + "-at-" + label
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return "", err
	}
	m := &mouth{UnixListener: l}
	d.mu.Lock()
	d.mouths[name] = m
	d.mu.Unlock()
	d.cfg.Spawn(func() { d.swallow(m, name, about, reach) })
	return name, nil
}

// LabelOf returns the label of a mouth in an endpoint of libzmq.
func LabelOf(endpoint string) (label string, ok bool) {
	_, label, ok = strings.Cut(endpoint, "-at-")
	return label, ok && strings.Contains(endpoint, namePrefix)
}

// Leave closes a mouth, whose socket is closed. A connection of it that has not reached
// the other end is given up.
func (d *Door) Leave(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.mouths[name]; m != nil {
		m.Close()
		m.giveUpLocked()
	}
	delete(d.mouths, name)
	delete(d.expected, name)
}

// giveUpLocked gives up the connection that came last.
func (m *mouth) giveUpLocked() {
	if m.last != nil {
		m.last.cancel()
	}
}

// swallow accepts the connections of libzmq until the mouth is closed.
func (d *Door) swallow(l *mouth, name string, about Peer, reach Reach) {
	for {
		local, err := l.AcceptUnix()
		if err != nil {
			if d.ctx.Err() != nil || errors.Is(err, net.ErrClosed) || !d.sleep(acceptPauseMost) {
				return
			}
			continue
		}
		if !ownProcess(local) {
			d.cfg.Log.Warn("another process knocked at a socket of this one, and was not let in")
			local.Close()
			continue
		}
		widen(local)
		c := d.newConn(about)
		c.local, c.mouth = newStream(local), name
		c.ctx, c.cancel = context.WithCancel(d.ctx)
		d.mu.Lock()
		l.giveUpLocked()
		l.last = c
		closed := d.closed || d.mouths[name] != l
		if !closed {
			d.last++
			c.id = d.last
			d.conns[c.id] = c
			d.carried.Add(1)
			d.meetLocked(c)
		}
		d.mu.Unlock()
		if closed {
			c.cancel()
			local.Close()
			return
		}
		d.cfg.Spawn(func() { c.serveDialled(reach, name) })
	}
}

// ownProcess reports whether a connection comes from this process.
func ownProcess(c *net.UnixConn) (own bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		own = err == nil && int(cred.Pid) == os.Getpid()
	})
	return own && err == nil
}

// serveDialled reaches the peer, and carries the bytes of the connection. far is the
// name of libzmq's end of it.
func (c *conn) serveDialled(reach Reach, far string) {
	d := c.door
	defer d.ended(c)
	defer c.cancel()
	peer, err := reach(c.ctx)
	if err != nil {
		return
	}
	d.mu.Lock()
	c.peer = newStream(peer)
	closed := d.closed
	d.mu.Unlock()
	if closed && c.ctx.Err() != nil {
		return
	}
	stop := d.atEnd(c.ctx, func() { peer.Close() })
	defer stop()
	_ = peer.SetReadDeadline(time.Now().Add(d.cfg.HandshakeTime)) // it fails when the peer has gone
	c.carryOutward(far)
	c.inward()
	c.done.Wait()
}

// Dialer returns a dialer whose connections have the same options as the door's own.
func (d *Door) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: DialTimeout, KeepAliveConfig: d.cfg.Keepalive, Control: d.control}
}

// Dial returns a Reach for the address, in the words of package net, that where
// returns at each attempt.
func (d *Door) Dial(where func() (network, addr string)) Reach {
	dialer := d.Dialer()
	return func(ctx context.Context) (net.Conn, error) {
		for {
			network, addr := where()
			conn, err := dialer.DialContext(ctx, network, addr)
			if err == nil {
				return conn, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if d.cfg.Unreached != nil {
				d.cfg.Unreached(err)
			}
			d.setTrouble(fmt.Errorf("connecting to %s: %w", addr, err))
			pause := dialPause
			if _, ok := errors.AsType[*net.DNSError](err); ok {
				pause = namePause
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(pause):
			}
		}
	}
}
