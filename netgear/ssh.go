package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Times of the tunnel.
const (
	sshDialTimeout      = 5 * time.Second  // for TCP
	sshHandshakeTimeout = 10 * time.Second // for the rest, with a server that is slow to check a password
	// The pauses between attempts to reach the server, and through it the other end.
	// They grow from the first to the second.
	sshFirstPause = 100 * time.Millisecond
	sshLastPause  = time.Second
	// sshFarewell is how long the goodbye may take through the tunnel.
	sshFarewell = time.Second
	// TCP finds a dead link, as without a tunnel; these find a server that hangs.
	// The answer may be queued behind much video on a slow link.
	sshKeepalive         = 10 * time.Second
	sshKeepalivePatience = 30 * time.Second
)

// tunnel reaches the other end through an SSH server, for the door.
//
//	socket --- door === SSH server --- address:port
//
// One goroutine keeps the connection to the server up, for as long as the tunnel
// is open and whatever becomes of the socket.
type tunnel struct {
	server sshServer
	auth   sshAuth
	target string      // address:port as seen from the server
	dialer *net.Dialer // to the server
	log    *slog.Logger
	fail   func(error)

	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	client  *ssh.Client    // nil: not connected
	carrier net.Conn       // of client
	changed chan struct{}  // closed when client changes
	trouble error          // why there is no way through at the moment
	under   sync.WaitGroup // calls of reach, and the channels that they made
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

// openTunnel begins to connect to the server through dialer, and does not wait. fail
// is called with an error after which another attempt is useless.
func openTunnel(cfg *Config, dialer *net.Dialer, log *slog.Logger, fail func(error)) (*tunnel, error) {
	server, err := parseSSHServer(cfg.SSHTunnel)
	if err != nil {
		return nil, err
	}
	auth, err := newSSHAuth(cfg)
	if err != nil {
		return nil, err
	}
	dialer.Timeout = sshDialTimeout
	t := &tunnel{
		server: server, auth: auth, dialer: dialer, log: log, fail: fail, changed: make(chan struct{}),
		target: net.JoinHostPort(strings.Trim(cfg.host(), "[]"), strconv.FormatUint(uint64(cfg.Port), 10)),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	spawn(t.fail, t.keepUp)
	return t, nil
}

// close waits until what is in the tunnel has arrived, for grace at most. The other
// end has got everything once it has hung up.
func (t *tunnel) close(grace time.Duration) {
	if grace > 0 {
		grace = max(grace, sshFarewell)
		gone := make(chan struct{})
		spawn(t.fail, func() {
			t.under.Wait()
			close(gone)
		})
		select {
		case <-gone:
		case <-time.After(grace):
		}
	}
	t.cancel()
}

// state returns why there is no way through, or nil.
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

func (t *tunnel) setClient(c *ssh.Client, carrier net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.client, t.carrier = c, carrier
	close(t.changed)
	t.changed = make(chan struct{})
}

// keepUp is the goroutine that keeps the connection to the server up.
func (t *tunnel) keepUp() {
	for pause := sshFirstPause; ; {
		client, carrier, err := t.dial()
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
			t.setClient(client, carrier)
			up, over := context.WithCancel(t.ctx)
			spawnAtEnd(up, t.fail, func() { client.Close() })
			spawn(t.fail, func() { t.keepAlive(up, client) })
			err := client.Wait()
			over()
			t.setClient(nil, nil)
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

// dial logs in, over the TCP connection that it returns too.
func (t *tunnel) dial() (*ssh.Client, net.Conn, error) {
	ctx, done := context.WithCancel(t.ctx) // it also ends a connection to the agent
	defer done()
	config, err := t.auth.config(ctx, t.fail, t.log, t.server)
	if err != nil {
		return nil, nil, err
	}
	conn, err := t.dialer.DialContext(ctx, "tcp", t.server.address)
	if err != nil {
		return nil, nil, err
	}
	stop := spawnAtEnd(t.ctx, t.fail, func() { conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(sshHandshakeTimeout)); err != nil {
		conn.Close()
		return nil, nil, err
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
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		sshConn.Close()
		return nil, nil, err
	}
	if !stop() { // the tunnel was closed just now
		sshConn.Close()
		return nil, nil, t.ctx.Err()
	}
	return ssh.NewClient(sshConn, channels, requests), conn, nil
}

// keepAlive closes a client whose server hangs. It ends with ctx or with the client.
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

// reach opens a way to the target once the server is there: it is a door.Reach. The
// pauses after failures slow libzmq down, which would retry at once.
func (t *tunnel) reach(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer spawnAtEnd(t.ctx, t.fail, cancel)()
	t.under.Add(1)
	remote, carrier, err := t.open(ctx)
	if err != nil {
		t.under.Done()
		return nil, err
	}
	return newChannel(remote, carrier, t.fail, t.under.Done), nil
}

// open retries until there is a way to the target, ctx ends, or the server forbids
// it. It returns what carries it too.
func (t *tunnel) open(ctx context.Context) (remote, carrier net.Conn, err error) {
	for pause := sshFirstPause; ; pause = min(2*pause, sshLastPause) {
		t.mu.Lock()
		client, carrier, changed := t.client, t.carrier, t.changed
		t.mu.Unlock()
		if client == nil {
			select {
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			case <-changed:
				continue
			}
		}
		remote, err := client.DialContext(ctx, "tcp", t.target)
		if err == nil {
			t.setTrouble(nil)
			return remote, carrier, nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			t.setTrouble(fmt.Errorf("%w to %s: nobody takes the connection at %s: %w", ErrTunnel, t.server, t.target, err))
			if refused.Reason == ssh.Prohibited {
				err := fmt.Errorf("netgear: %w: %w: %s does not let us connect to %s: %s", ErrUnauthorized, ErrTunnel, t.server, t.target, refused.Message)
				t.fail(err)
				return nil, nil, err
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
	}
}

// channel is a connection through the tunnel. An SSH channel has no deadlines, so
// this one is closed at its read deadline. That ends the door's connection as well.
type channel struct {
	net.Conn
	carrier net.Conn // the connection to the server
	late    *time.Timer
	over    func() // called once, when nothing more can come
	once    sync.Once
}

func newChannel(c, carrier net.Conn, fail func(error), over func()) *channel {
	ch := &channel{Conn: c, carrier: carrier, over: over}
	ch.late = spawnAfter(time.Hour, fail, func() { _ = ch.Close() }) // nothing is left to be done about it
	ch.late.Stop()
	return ch
}

// Read reads as the channel does.
func (c *channel) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.once.Do(c.over)
	}
	return n, err
}

// Carrier returns the TCP connection to the server.
func (c *channel) Carrier() net.Conn { return c.carrier }

// CloseWrite says that nothing more is sent.
func (c *channel) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetReadDeadline sets when the channel is closed; the zero time means never.
func (c *channel) SetReadDeadline(t time.Time) error {
	if c.late.Stop(); !t.IsZero() {
		c.late.Reset(time.Until(t))
	}
	return nil
}

// Close ends the channel in both directions.
func (c *channel) Close() error {
	c.late.Stop()
	c.once.Do(c.over)
	return c.Conn.Close()
}
