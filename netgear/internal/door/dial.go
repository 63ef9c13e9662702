package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
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

// Mouth opens an abstract Unix name, with its @, for a socket of libzmq to connect
// to. Its connections go wherever reach leads, one at a time: a new connection means
// that libzmq has given up the one before. about describes that place.
func (d *Door) Mouth(about Peer, reach Reach) (name string, err error) {
	d.mu.Lock()
	n := len(d.listeners)
	d.mu.Unlock()
	name = d.name + "-at-" + strconv.Itoa(n)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	d.listeners = append(d.listeners, l)
	d.mu.Unlock()
	d.cfg.Spawn(func() { d.swallow(l, name, about, reach) })
	return name, nil
}

// swallow accepts the connections of libzmq until the mouth is closed.
func (d *Door) swallow(l *net.UnixListener, name string, about Peer, reach Reach) {
	before := func() {}
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
		before()
		widen(local)
		c := d.newConn(about)
		c.local = newStream(local)
		c.ctx, c.cancel = context.WithCancel(d.ctx)
		before = c.cancel
		d.mu.Lock()
		closed := d.closed
		if !closed {
			d.last++
			c.id = d.last
			d.conns[c.id] = c
			d.carried.Add(1)
		}
		d.mu.Unlock()
		if closed {
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
