package hostile

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Target is an end of a stream that strangers come to.
type Target struct {
	// Pattern is NetGear's number of it: 0 is pair, 1 req-rep, 2 pub-sub.
	Pattern int
	// Sink says that the end sends frames, so that its peers are receivers.
	Sink bool
	// Names says that its senders name themselves: the multi-server mode.
	Names []string
	// Open returns a new connection of that end: dialled, or accepted.
	Open func(ctx context.Context) (net.Conn, error)
	// Pause is between two writes of one stranger, and Rest between two connections. 0
	// means as fast as they go.
	Pause, Rest time.Duration
	// Life bounds a connection of a rival; 0: it stays for as long as it is let.
	Life time.Duration
	// Most bounds how many connections one stranger has at once; 0: as many as it
	// likes.
	Most int
}

// peerType is the type of socket that the end expects.
func (t *Target) peerType() string {
	if t.Sink {
		return [...]string{"PAIR", "REP", "SUB"}[t.Pattern]
	}
	return [...]string{"PAIR", "REQ", "PUB"}[t.Pattern]
}

// Dial returns how to open connections to a listening end, from an address in
// the notation of package net or "".
func Dial(network, address, from string) func(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, address) }
}

// Accept returns how to take connections of an end that connects to l, a listener
// of package net.
func Accept(l net.Listener) func(ctx context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		d, ok := l.(interface{ SetDeadline(t time.Time) error })
		if !ok {
			return nil, fmt.Errorf("hostile: %T has no deadline", l)
		}
		if err := d.SetDeadline(time.Time{}); err != nil { // of an earlier ctx
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = d.SetDeadline(time.Unix(1, 0)) }) // it fails when l is closed
		defer stop()
		return l.Accept()
	}
}

// stage is how far a stranger goes before it shows what it is.
type stage int

const (
	silent  stage = iota // it does not greet
	greeted              // it exchanges greetings
	joined               // it shakes hands
)

// Stranger is one kind of peer that is broken or means harm.
type Stranger struct {
	Name string
	// Rival says that what it sends makes sense: it may be taken for the sender or
	// the receiver that is wanted, if it is there first.
	Rival bool
	// Only reports whether it has a meaning at that end; nil: at every end.
	Only func(t *Target) bool

	many      int    // connections at once; 0 means 1
	after     stage  // of the handshake
	mechanism string // of its greeting; "" is NULL
	ready     func(t *Target, n int) []byte
	first     func(t *Target, n int) []byte // what it writes once; n counts its connections
	again     func(t *Target, n int) []byte // what it writes again and again; n counts its writes
	bytewise  time.Duration                 // first goes out byte by byte, so long after one another
	every     time.Duration                 // at the least between the writes of again
	deaf      bool                          // it reads nothing after the handshake
	leave     time.Duration                 // when it goes, after its last word; 0: when it is thrown out
	reset     bool                          // it goes with a reset
}

// Suits reports whether it has a meaning at that end.
func (s *Stranger) Suits(t *Target) bool { return s.Only == nil || s.Only(t) }

// restBetween is how long a stranger waits at the least before it comes again.
const restBetween = 2 * time.Millisecond

// Run has the stranger at a target, again and again, until ctx ends. It returns how
// many connections it had.
func (s *Stranger) Run(ctx context.Context, t *Target) (connections int) {
	many := max(1, s.many)
	if t.Most > 0 {
		many = min(many, t.Most)
	}
	var mu sync.Mutex
	var visitors sync.WaitGroup
	for i := range many {
		visitors.Go(func() {
			for n := i; ctx.Err() == nil; n += many {
				c, err := t.Open(ctx)
				if err == nil {
					mu.Lock()
					connections++
					mu.Unlock()
					s.visit(ctx, t, c, n)
				}
				sleep(ctx, max(restBetween, t.Rest))
			}
		})
	}
	visitors.Wait()
	return connections
}

// visit is the life of one connection.
func (s *Stranger) visit(ctx context.Context, t *Target, c net.Conn, n int) {
	if s.Rival && t.Life > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.Life)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	if s.shake(t, c, n) != nil {
		return
	}
	gone := make(chan struct{})
	if s.deaf {
		defer close(gone)
	} else {
		go func() {
			defer close(gone)
			_, _ = io.Copy(io.Discard, c) // until it is thrown out
		}()
	}
	if s.speak(ctx, t, c, n) != nil {
		return
	}
	switch {
	case s.leave > 0:
		sleep(ctx, s.leave)
	case s.deaf:
		<-ctx.Done()
	default:
		<-gone
	}
	if tcp, ok := c.(*net.TCPConn); ok && s.reset {
		_ = tcp.SetLinger(0) // has Close send a reset
	}
}

// shake goes as far as the stranger does before it shows what it is.
func (s *Stranger) shake(t *Target, c net.Conn, n int) error {
	if s.after == silent {
		return nil
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	mechanism := s.mechanism
	if mechanism == "" {
		mechanism = "NULL"
	}
	if err := greet(c, mechanism); err != nil {
		return err
	}
	if s.after == joined {
		ready := Ready(t.peerType())
		if s.ready != nil {
			ready = s.ready(t, n)
		}
		if err := join(c, ready); err != nil {
			return err
		}
	}
	return c.SetDeadline(time.Time{})
}

// speak writes what the stranger has to say, and returns when that was all.
func (s *Stranger) speak(ctx context.Context, t *Target, c net.Conn, n int) error {
	if s.first != nil {
		b := s.first(t, n)
		step := len(b)
		if s.bytewise > 0 {
			step = 1
		}
		for ; len(b) > 0; b = b[step:] {
			if _, err := c.Write(b[:step]); err != nil {
				return err
			}
			sleep(ctx, s.bytewise)
		}
	}
	for i := 0; s.again != nil && ctx.Err() == nil; i++ {
		if _, err := c.Write(s.again(t, i)); err != nil {
			return err
		}
		sleep(ctx, max(s.every, t.Pause))
	}
	return ctx.Err()
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Find returns the stranger of that name.
func Find(name string) (*Stranger, error) {
	for i := range Strangers {
		if Strangers[i].Name == name {
			return &Strangers[i], nil
		}
	}
	return nil, fmt.Errorf("hostile: %q: no stranger of that name", name)
}
