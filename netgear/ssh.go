package netgear

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Times of the tunnel.
const (
	sshDialTimeout      = 5 * time.Second  // for TCP
	sshHandshakeTimeout = 10 * time.Second // for the rest, with a server that is slow to judge a password
	// Attempts to reach the server, and through it the other end, are so far
	// apart, growing from the first to the second.
	sshFirstPause = 100 * time.Millisecond
	sshLastPause  = time.Second
	// sshFarewell is how long the goodbye may be on its way through the tunnel.
	sshFarewell = time.Second
	// A dead link is found by TCP, as without a tunnel; these find a server
	// that hangs. The answer may be behind much video on a thin line.
	sshKeepalive         = 10 * time.Second
	sshKeepalivePatience = 30 * time.Second
)

// tunnel takes the one connection of a socket through an SSH server. Its mouth
// is an abstract Unix socket that takes connections of this process alone.
//
//	socket --- mouth === SSH server --- address:port
//
// The connection to the server is kept up by one goroutine, for as long as
// the tunnel is open and whatever becomes of the socket.
type tunnel struct {
	server  sshServer
	auth    sshAuth
	target  string        // address:port as seen from the server
	unacked time.Duration // that TCP data may be without an acknowledgement
	log     *slog.Logger
	fail    func(error)

	mouth  *net.UnixListener
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	client  *ssh.Client   // nil: not connected
	changed chan struct{} // closed when client changes
	trouble error         // why there is no way through at the moment
	carried sync.WaitGroup
}

// sshServer is where to log in.
type sshServer struct{ user, address string }

func (s sshServer) String() string { return s.user + "@" + s.address }

const sshPort = "22"

// parseSSHServer reads user@host or user@host:port. Errors wrap ErrSettings,
// and do not show what might be a password.
func parseSSHServer(text string) (s sshServer, err error) {
	const want = "want user@host or user@host:port"
	text = strings.TrimSpace(text)
	i := strings.LastIndexByte(text, '@')
	if i <= 0 {
		return s, fmt.Errorf("netgear: %w: ssh-tunnel-mode without a user name: %s", ErrSettings, want)
	}
	if strings.ContainsAny(text[:i], ": \t") {
		return s, fmt.Errorf("netgear: %w: ssh-tunnel-mode: a colon or a space in the user name: %s, and a password in ssh-tunnel-pwd", ErrSettings, want)
	}
	s.user = text[:i]
	host, port := text[i+1:], sshPort
	bracketed := strings.HasPrefix(host, "[")
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	} else if bracketed || strings.Count(host, ":") > 1 {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]") // an IPv6 address alone
	} else if strings.Contains(host, ":") {
		return s, fmt.Errorf("netgear: %w: ssh-tunnel-mode: host %q: %s", ErrSettings, host, want)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return s, fmt.Errorf("netgear: %w: ssh-tunnel-mode: port %q: want a number from 1 to %d", ErrSettings, port, maxPort)
	}
	if host == "" || strings.ContainsAny(host, " \t/[]") {
		return s, fmt.Errorf("netgear: %w: ssh-tunnel-mode: host %q: %s", ErrSettings, host, want)
	}
	s.address = net.JoinHostPort(host, port)
	return s, nil
}

// openTunnel opens the mouth and begins to connect; it waits for nobody. fail
// is told of an error after which no attempt makes sense.
func openTunnel(cfg *Config, log *slog.Logger, fail func(error)) (*tunnel, error) {
	server, err := parseSSHServer(cfg.SSHTunnel)
	if err != nil {
		return nil, err
	}
	auth, err := newSSHAuth(cfg)
	if err != nil {
		return nil, err
	}
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails: crypto/rand
	mouth, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: "@netgear-ssh-" + hex.EncodeToString(name[:])})
	if err != nil {
		return nil, fmt.Errorf("netgear: %w: %w: %w", ErrOpen, ErrTunnel, err)
	}
	t := &tunnel{
		server: server, auth: auth, log: log, fail: fail, mouth: mouth, changed: make(chan struct{}),
		target:  net.JoinHostPort(strings.Trim(cfg.host(), "[]"), strconv.FormatUint(uint64(cfg.Port), 10)),
		unacked: max(cfg.RequestTimeout, time.Second),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	spawn(t.fail, t.keepUp)
	spawn(t.fail, t.accept)
	return t, nil
}

// endpoint is the mouth as libzmq spells it.
func (t *tunnel) endpoint() string { return IPC.String() + "://" + t.mouth.Addr().String() }

// close lets what is in the tunnel go on its way, for grace at the most.
func (t *tunnel) close(grace time.Duration) {
	t.mouth.Close()
	if grace > 0 {
		grace = max(grace, sshFarewell)
		gone := make(chan struct{})
		spawn(t.fail, func() {
			t.carried.Wait()
			close(gone)
		})
		select {
		case <-gone:
		case <-time.After(grace):
		}
	}
	t.cancel()
}

// state returns what says why there is no way through, and nil when there is.
func (t *tunnel) state() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

func (t *tunnel) setTrouble(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = err
}

func (t *tunnel) setClient(c *ssh.Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.client = c
	close(t.changed)
	t.changed = make(chan struct{})
}

// keepUp keeps the connection to the server up.
func (t *tunnel) keepUp() {
	for pause := sshFirstPause; ; {
		client, err := t.dial()
		if err != nil {
			if t.ctx.Err() != nil {
				return
			}
			err = t.describe(err)
			t.setTrouble(err)
			if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrSettings) {
				t.fail(err)
				return
			}
			t.log.Info("ssh tunnel: no connection", "server", t.server.String(), "error", err)
		} else {
			t.log.Info("ssh tunnel: connected", "server", t.server.String(), "target", t.target)
			pause = sshFirstPause
			t.setTrouble(nil)
			t.setClient(client)
			up, over := context.WithCancel(t.ctx)
			spawnAtEnd(up, t.fail, func() { client.Close() })
			spawn(t.fail, func() { t.keepAlive(up, client) })
			err := client.Wait()
			over()
			t.setClient(nil)
			if t.ctx.Err() != nil {
				return
			}
			t.setTrouble(fmt.Errorf("%w to %s: the connection ended: %w", ErrTunnel, t.server, err))
			t.log.Info("ssh tunnel: connection lost", "server", t.server.String(), "error", err)
		}
		if sleep(t.ctx, pause) != nil {
			return
		}
		pause = min(2*pause, sshLastPause)
	}
}

// dial logs in.
func (t *tunnel) dial() (*ssh.Client, error) {
	ctx, done := context.WithCancel(t.ctx) // ends a connection to the agent too
	defer done()
	config, err := t.auth.config(ctx, t.fail, t.log, t.server)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{
		Timeout:         sshDialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepaliveIdle * time.Second, Interval: keepaliveInterval * time.Second, Count: keepaliveCount},
		Control: func(_, _ string, raw syscall.RawConn) (err error) {
			const tcpUserTimeout = 18 // of Linux, in ms; package syscall lacks it
			cerr := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(t.unacked.Milliseconds()))
			})
			return errors.Join(cerr, err)
		},
	}
	conn, err := d.DialContext(ctx, "tcp", t.server.address)
	if err != nil {
		return nil, err
	}
	stop := spawnAtEnd(t.ctx, t.fail, func() { conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(sshHandshakeTimeout)); err != nil {
		conn.Close()
		return nil, err
	}
	known := false
	check := config.HostKeyCallback
	config.HostKeyCallback = func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := check(name, remote, key)
		known = err == nil
		return err
	}
	sshConn, channels, requests, err := ssh.NewClientConn(conn, t.server.address, config)
	if err != nil {
		conn.Close()
		if known && isLoginError(err) {
			err = fmt.Errorf("netgear: %w: %w: %s does not let us log in with %s: %w", ErrUnauthorized, ErrTunnel, t.server, t.auth.means(), err)
		}
		return nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		sshConn.Close()
		return nil, err
	}
	if !stop() { // the tunnel was closed just now
		sshConn.Close()
		return nil, t.ctx.Err()
	}
	return ssh.NewClient(sshConn, channels, requests), nil
}

// keepAlive closes a client whose server hangs. It ends with ctx, or with the
// client.
func (t *tunnel) keepAlive(ctx context.Context, client *ssh.Client) {
	for sleep(ctx, sshKeepalive) == nil {
		answer := make(chan error, 1)
		spawn(t.fail, func() {
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			answer <- err
		})
		select {
		case err := <-answer:
			if err != nil {
				return
			}
		case <-time.After(sshKeepalivePatience):
			client.Close()
			return
		}
	}
}

// accept takes the connections of the socket. There is one at a time: a new
// one means that the socket has given up the one before.
func (t *tunnel) accept() {
	drop := func() {}
	for {
		local, err := t.mouth.AcceptUnix()
		if err != nil {
			return // closed; what is carried goes on until the tunnel's context ends
		}
		if !ownProcess(local) {
			t.log.Warn("ssh tunnel: another process knocked at the mouth of the tunnel, and was not let in")
			local.Close()
			continue
		}
		drop()
		ctx, cancel := context.WithCancel(t.ctx)
		drop = cancel
		t.carried.Add(1)
		spawn(t.fail, func() {
			defer t.carried.Done()
			defer cancel()
			t.carry(ctx, local)
		})
	}
}

// ownProcess says whether a connection comes from this process.
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

// carry connects local with the target, until one of them ends or ctx does.
func (t *tunnel) carry(ctx context.Context, local *net.UnixConn) {
	defer local.Close()
	stop := spawnAtEnd(ctx, t.fail, func() { local.Close() })
	defer stop()
	remote, err := t.reach(ctx)
	if err != nil {
		return
	}
	defer remote.Close()
	defer spawnAtEnd(ctx, t.fail, func() { remote.Close() })()
	back := make(chan struct{})
	spawn(t.fail, func() {
		defer close(back)
		_, _ = io.Copy(local, remote) // the end of either end is the end
		_ = local.CloseWrite()
	})
	_, _ = io.Copy(remote, local)
	if half, ok := remote.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // whatever was sent goes on its way; the other end then closes
	}
	<-back
}

// dialTarget connects to the target once, for a look at it. Errors wrap ErrTunnel.
func (t *tunnel) dialTarget(ctx context.Context) (net.Conn, error) {
	t.mu.Lock()
	client, trouble := t.client, t.trouble
	t.mu.Unlock()
	switch {
	case client == nil && trouble != nil:
		return nil, trouble
	case client == nil:
		return nil, fmt.Errorf("%w to %s: no connection yet", ErrTunnel, t.server)
	}
	conn, err := client.DialContext(ctx, TCP.String(), t.target)
	if err != nil {
		return nil, fmt.Errorf("%w to %s: nobody takes the connection at %s: %w", ErrTunnel, t.server, t.target, err)
	}
	return conn, nil
}

// reach opens a way to the target, once the server is there. The pauses after
// failures hold up libzmq, which would try again at once.
func (t *tunnel) reach(ctx context.Context) (net.Conn, error) {
	for pause := sshFirstPause; ; pause = min(2*pause, sshLastPause) {
		t.mu.Lock()
		client, changed := t.client, t.changed
		t.mu.Unlock()
		if client == nil {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-changed:
				continue
			}
		}
		remote, err := client.DialContext(ctx, "tcp", t.target)
		if err == nil {
			t.setTrouble(nil)
			return remote, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			t.setTrouble(fmt.Errorf("%w to %s: nobody takes the connection at %s: %w", ErrTunnel, t.server, t.target, err))
			if refused.Reason == ssh.Prohibited {
				err := fmt.Errorf("netgear: %w: %w: %s does not let us connect to %s: %s", ErrUnauthorized, ErrTunnel, t.server, t.target, refused.Message)
				t.fail(err)
				return nil, err
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}
