package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

const (
	// reconnectInterval paces libzmq's attempts to connect and our own rebuilding of
	// connections.
	reconnectInterval = 100 * time.Millisecond
	// renewPatience is how long a new socket is tried for at least, where file
	// descriptors are lacking.
	renewPatience = 5 * time.Second
)

// exchange receives and sends messages: zmsg.Socket and door.Post do.
type exchange interface {
	Send(head []byte, data *zmsg.Message) error
	SendData(data *zmsg.Message) error
	Recv(m *zmsg.Message) (more bool, err error)
	Wait(want zmsg.Events, w *zmsg.Waker, until time.Time) (zmsg.Events, error)
}

// socket is libzmq's socket of the moment, and how the next one is made. It belongs
// to one goroutine; generation and isLost are for any.
type socket struct {
	entrance *entrance
	role     Role
	keys     *keyring // nil: no encryption
	watch    *watch
	owners   *owners
	tongues  *tongues
	log      *slog.Logger

	zctx       *zmq4.Context
	sock       *zmq4.Socket // nil: none at the moment
	data       exchange     // of messages, with sock or in its place
	post       *door.Post   // data, where nothing is encrypted; else nil
	built      time.Time
	generation atomic.Uint64 // the number of the socket
	// joined holds what the socket is connected to, for each port; empty: nothing
	// yet, because the name has no address. moved is set when the name has got
	// another address and only a new socket can follow.
	joined []string
	moved  bool
	pulls  bool // it is a PULL in the place of a SUB
	// lingers is set when what is queued in it still goes to the peers after drop.
	lingers bool
}

// prepare makes the context. With keys, its connections are asked for theirs.
func (s *socket) prepare(refused func(reason string), fail func(error)) (err error) {
	s.joined = make([]string, len(s.entrance.ports))
	if s.zctx, err = zmq4.NewContext(); err != nil {
		return fmt.Errorf("netgear: %w: context: %w", ErrOpen, err)
	}
	if s.keys == nil || !s.entrance.cfg.Bind {
		return nil
	}
	return serveZAP(s.zctx, &doorkeeper{keys: s.keys, refused: refused, log: s.log, fail: fail})
}

// build makes the socket with every option, and binds or connects it.
func (s *socket) build() error {
	row := patternRows[s.entrance.cfg.Pattern]
	typ := row.socketType(s.role)
	if s.pulls = s.watch.alarm.pull.Load(); s.pulls {
		typ = zmq4.PULL
	}
	sock, err := s.zctx.NewSocket(typ)
	if err != nil {
		return fmt.Errorf("netgear: %w: socket: %w", ErrOpen, err)
	}
	if err := s.attach(sock); err != nil {
		if s.post != nil {
			s.post.Close(false)
			s.post = nil
		}
		_ = sock.Close() // the error that counts is err
		return err
	}
	s.sock = sock
	s.built = time.Now()
	return nil
}

// attach sets sock up and makes it the socket of the moment.
func (s *socket) attach(sock *zmq4.Socket) error {
	cfg := s.entrance.cfg
	for _, o := range socketOptions(cfg, s.role, s.keys) {
		if s.pulls && o.name == subscribeOption {
			continue
		}
		if err := o.set(sock); err != nil {
			return fmt.Errorf("netgear: %w: socket option %s: %w", ErrOpen, o.name, err)
		}
	}
	raw, err := zmsg.Of(sock)
	if err != nil {
		return fmt.Errorf("netgear: %w: %w", ErrOpen, err)
	}
	if cfg.Bind && s.keys != nil {
		if err := raw.EnforceZAPDomain(); err != nil {
			return fmt.Errorf("netgear: %w: socket option ZAP_ENFORCE_DOMAIN: %w", ErrOpen, err)
		}
	}
	if s.data = raw; s.keys == nil {
		if s.post, err = s.entrance.door.NewPost(raw, sendQueue(cfg, s.role)); err != nil {
			return fmt.Errorf("netgear: %w: event descriptor: %w", ErrOpen, err)
		}
		s.data = s.post
	}
	generation := s.generation.Add(1)
	s.watch.revival.begin(generation)
	if err := s.watch.follow(s.zctx, sock, s.post, generation); err != nil {
		return err
	}
	if s.entrance.names != nil {
		s.entrance.names.take() // join has the newest anyway
	}
	s.moved = false
	if cfg.Bind {
		return s.bind(sock, raw, generation)
	}
	for i := range s.entrance.ports {
		if err := s.join(sock, i); err != nil {
			return err
		}
	}
	s.log.Debug("connecting", "endpoint", s.entrance.endpoints())
	return nil
}

// bind has the door lead to sock.
func (s *socket) bind(sock *zmq4.Socket, raw zmsg.Socket, generation uint64) error {
	name := s.entrance.door.Name(generation)
	if err := errors.Join(raw.AcceptOwnProcess(), sock.Bind(IPC.String()+"://"+name)); err != nil {
		return fmt.Errorf("netgear: %w: bind %s: %w", ErrOpen, name, err)
	}
	s.entrance.door.Lead(name)
	s.log.Debug("bound", "endpoint", s.entrance.endpoints())
	return nil
}

// join connects sock to the port number i. It does nothing while the name to
// connect to has no address; see followName.
func (s *socket) join(sock *zmq4.Socket, i int) error {
	port := s.entrance.ports[i]
	s.joined[i] = s.entrance.destination(port)
	if s.joined[i] == "" {
		return nil
	}
	at, err := s.entrance.through(i, s.generation.Load(), s.joined[i])
	if err == nil {
		err = sock.Connect(at)
	}
	if err != nil && s.entrance.names != nil { // what a name server says is no reason to end
		s.log.Warn("cannot connect", "endpoint", s.joined[i], "error", err)
		s.joined[i], err = "", nil
	}
	if err != nil {
		return fmt.Errorf("netgear: %w: connect %s: %w", ErrOpen, s.entrance.cfg.endpoint(port), err)
	}
	return nil
}

// rejoin connects anew to some ports, by their numbers. A socket takes a dead
// endpoint for one that it has already, until it is told to leave it. It knows it by
// an address in memory that the next connection may get, so all are left before one
// is joined.
func (s *socket) rejoin(ports []int) {
	for _, i := range ports {
		if s.joined[i] == "" {
			continue
		}
		if err := s.sock.Disconnect(s.entrance.mouthOf(i)); err != nil {
			s.log.Debug("leaving a dead endpoint", "error", err)
		}
	}
	for _, i := range ports {
		if err := s.join(s.sock, i); err != nil {
			s.log.Warn("connecting anew", "error", err)
		}
	}
}

// followName connects the socket once the name has an address, and again when the
// name has got another one. It reports whether the socket must be rebuilt for that:
// a PAIR socket takes no second connection before it is rid of the first.
func (s *socket) followName() (rebuild bool) {
	names := s.entrance.names
	if names == nil || s.sock == nil || !names.take() {
		return false
	}
	if s.moved = len(s.joined) == 1 && s.joined[0] != ""; s.moved {
		return true
	}
	s.log.Debug("the name has an address", "name", names.host, "address", names.address())
	all := make([]int, len(s.joined))
	for i := range all {
		all[i] = i
	}
	s.rejoin(all)
	return false
}

// givenUp reports whether libzmq has given up the connection, so that the socket
// must be rebuilt. Where there are several, it makes those anew that were given up,
// and leaves the others alone.
func (s *socket) givenUp() bool {
	if s.followName(); s.moved || s.typeDiffers() {
		s.moved = false
		return true
	}
	if !s.watch.revival.waiting() {
		return false
	}
	due := s.watch.revival.take()
	if len(s.joined) == 1 {
		return true
	}
	s.rejoin(due)
	return false
}

// ensure builds the socket where there is none, after drop. A program that is out of
// file descriptors may have some again later: so it tries for renewPatience, or for
// as long as ctx where nothing makes this end give up. The port is not at stake: the
// door keeps it.
func (s *socket) ensure(ctx context.Context) error {
	cfg := s.entrance.cfg
	until := time.Now().Add(max(cfg.RequestTimeout, renewPatience))
	for pause := time.Millisecond; s.sock == nil; pause = min(2*pause, reconnectInterval) {
		err := s.build()
		if err == nil {
			return nil
		}
		if !isScarcity(err) || cfg.MaxRetries > 0 && !time.Now().Before(until) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

func isScarcity(err error) bool {
	return errors.Is(err, zmq4.Errno(syscall.EMFILE)) || errors.Is(err, zmq4.Errno(syscall.ENFILE))
}

// drop closes the socket and discards what is queued in it, unless it lingers.
func (s *socket) drop() {
	if s.sock == nil {
		return
	}
	s.entrance.door.Lead("")
	if s.post != nil {
		s.post.Close(s.lingers)
		s.post = nil
	}
	if err := s.sock.Close(); err != nil {
		s.log.Warn("closing a socket", "error", err)
	}
	s.sock = nil
	s.owners.clear()
}

// isLost reports whether a connection of the present socket has ended since
// clearLost, or since the socket was built.
func (s *socket) isLost() bool { return s.watch.alarm.lost.Load() == s.generation.Load() }

// clearLost forgets that a connection has ended.
func (s *socket) clearLost() { s.watch.alarm.lost.Store(0) }

// isFull reports whether the present socket keeps too much of connections that it does
// not serve: see maxRefused and maxEnded.
func (s *socket) isFull() bool { return s.watch.alarm.full.Load() == s.generation.Load() }
