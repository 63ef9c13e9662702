package door

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Implementation constants.
const (
	// acceptPause, doubled each time, is the wait after an error of accept. So a
	// process without descriptors does not spin.
	acceptPause     = 5 * time.Millisecond
	acceptPauseMost = 500 * time.Millisecond
	// acceptBurst connections are accepted at once, and then one each
	// acceptInterval. So connections that come and go as fast as they can cost a
	// twentieth of a core.
	acceptBurst    = 64
	acceptInterval = time.Millisecond
	// leastRTO is the least time beyond a round trip until a packet counts as lost, and
	// mostRTO the most. The system's own are 200 ms and two minutes. An acknowledgement
	// may be delayed by 40 ms, and a second is the least that Linux takes for mostRTO.
	leastRTO, mostRTO = 100 * time.Millisecond, time.Second
)

// Listen opens the door at a TCP address. For network "unix" it opens it at a path
// or an abstract name, where it replaces a socket that nobody listens to. Errors are
// those of package net.
func (d *Door) Listen(network, addr string) (net.Addr, error) {
	lc := net.ListenConfig{
		KeepAliveConfig: d.cfg.Keepalive,
		Control:         d.control,
	}
	l, err := lc.Listen(d.ctx, network, addr)
	if network == "unix" && errors.Is(err, syscall.EADDRINUSE) && isLeftBehind(addr) {
		if err := os.Remove(addr); err != nil {
			return nil, err
		}
		l, err = lc.Listen(d.ctx, network, addr)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.listeners = append(d.listeners, l)
	d.mu.Unlock()
	d.cfg.Spawn(func() { d.accept(l) })
	return l.Addr(), nil
}

// isLeftBehind reports whether a path is a socket that nobody listens to, as a
// killed program leaves it. Anything but a socket is somebody's file.
func isLeftBehind(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout("unix", path, DialTimeout)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// control sets the options of accepted and dialled TCP connections, beside
// keepalive.
func (d *Door) control(network, _ string, raw syscall.RawConn) (err error) {
	if len(network) < 3 || network[:3] != "tcp" {
		return nil
	}
	cerr := raw.Control(func(fd uintptr) {
		// Where few packets are on the way, as at the end of a frame, and one is lost again
		// and again, the pauses before it is sent anew do not double six times.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_THIN_LINEAR_TIMEOUTS, 1)
		// Elsewhere they do double, from leastRTO to mostRTO where the system has that, as
		// Linux 6.18: a link that is back is used within a second.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RTO_MIN_US, int(leastRTO.Microseconds()))
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RTO_MAX_MS, int(mostRTO.Milliseconds()))
		if d.cfg.UserTimeout > 0 {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.cfg.UserTimeout.Milliseconds()))
		}
	})
	return errors.Join(cerr, err)
}

// accept accepts connections until the listener is closed.
func (d *Door) accept(l net.Listener) {
	pause := acceptPause
	credit, at := acceptBurst, time.Now()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			d.cfg.Log.Debug("accepting a connection", "error", err)
			if !d.sleep(pause) {
				return
			}
			pause = min(2*pause, acceptPauseMost)
			continue
		}
		pause = acceptPause
		d.admit(c, l.Addr())
		now := time.Now()
		credit = min(acceptBurst, credit-1+int(now.Sub(at)/acceptInterval))
		at = now
		if credit <= 0 && !d.sleep(acceptInterval) {
			return
		}
	}
}

// sleep waits. It reports false when the door was closed meanwhile.
func (d *Door) sleep(t time.Duration) bool {
	select {
	case <-d.ctx.Done():
		return false
	case <-time.After(t):
		return true
	}
}

// admit gives a connection a place, or closes it.
func (d *Door) admit(peer net.Conn, at net.Addr) {
	var source netip.Addr
	about := Peer{Address: peer.RemoteAddr().String()}
	if t, ok := peer.RemoteAddr().(*net.TCPAddr); ok {
		a := t.AddrPort()
		source = a.Addr().Unmap()
		about.Address = netip.AddrPortFrom(source, a.Port()).String()
	}
	if t, ok := at.(*net.TCPAddr); ok {
		about.Port = uint(t.Port)
	}
	c := d.newConn(about)
	c.source = source
	c.peer = newStream(peer)
	c.ctx, c.cancel = context.WithCancel(d.ctx)
	err := d.judge(c)
	if err == nil {
		err = d.place(c)
	}
	if err != nil {
		c.cancel()
		if errors.Is(err, ErrForeign) {
			d.deny(c.peer)
		} else {
			peer.Close()
		}
		d.refused(about, err)
		return
	}
	d.cfg.Spawn(c.serve)
}

// judge returns why a connection is refused, or nil. It uses what is known before
// the peer has said a word.
func (d *Door) judge(c *conn) (err error) {
	if d.cfg.Allow != nil && c.source.IsValid() {
		if err := d.cfg.Allow(c.source); err != nil {
			return fmt.Errorf("%w: %w", ErrForeign, err)
		}
	}
	if c.peer.raw == nil {
		return nil
	}
	last := lastDescriptor()
	cerr := c.peer.raw.Control(func(fd uintptr) {
		if int(fd) >= last {
			err = fmt.Errorf("%w: too few file descriptors are free", ErrFull)
		}
	})
	return errors.Join(err, cerr)
}

// serve carries the bytes of a connection that was accepted.
func (c *conn) serve() {
	d := c.door
	defer d.ended(c)
	defer d.endTurn(c)
	defer c.cancel()
	stop := d.atEnd(c.ctx, func() { c.peer.Close() })
	defer stop()
	_ = c.peer.SetReadDeadline(time.Now().Add(d.cfg.HandshakeTime)) // it fails when the peer has gone
	c.inward()
	c.done.Wait()
}
