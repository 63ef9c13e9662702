package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// farewell is how long a peer may take to hang up after libzmq has closed its side. In
// that time bytes that are on their way to the peer arrive.
const farewell = time.Second

// conn is one connection of a peer, and its counterpart to libzmq.
//
//	waiting -> handshake -> through -> ending -> (both sides closed)
//
// Two goroutines carry its bytes: inward from the peer, outward from libzmq.
type conn struct {
	door   *Door
	id     uint64
	about  Peer
	source netip.Addr // zero for a Unix socket

	ctx    context.Context // ends with the door, or when the connection must make room
	cancel context.CancelFunc

	// peer is nil until it has been reached, local until the peer has sent something.
	// Both are set under the lock of the door.
	peer, local *stream
	since       time.Time // of its latest step: libzmq has it, its handshake is over; under the lock of the door
	in, out     *Reader

	inRun, outRun run // bytes that wait to go on, of inward and of outward

	// With a Pattern, messages go through these. known is closed when post and fd are
	// set; left is closed when libzmq has closed its side.
	inbox     inbox
	outbox    outbox
	post      *Post
	fd        int    // of libzmq's end; the number of the connection
	mouth     string // that libzmq connected to; "": the peer connected
	known     chan struct{}
	left      chan struct{}
	takesPart bool // in the exchange of messages; inward's

	answers atomic.Bool // the peer is one of ours
	flow    *flow       // of the link to the peer

	ready   chan struct{} // closed when libzmq has said READY
	through chan struct{} // closed when the handshake is over

	waited bool           // for its turn; used by inward
	done   sync.WaitGroup // outward
	said   sync.Once      // see Door.saidAll

	mu       sync.Mutex
	isOver   bool  // the handshake
	ending   bool  // libzmq has closed its side
	inwardIn bool  // nothing more comes from the peer
	refused  error // why the door ended it

	// outlet guards writing to the peer: a PONG of ours goes between two frames of
	// libzmq.
	outlet sync.Mutex
	middle bool   // a frame of libzmq is on its way
	pong   []byte // waits for the end of that frame
}

func (d *Door) newConn(about Peer) *conn {
	about.admitted = new(atomic.Bool)
	c := &conn{
		door: d, about: about, ready: make(chan struct{}), through: make(chan struct{}),
		in: NewReader(d.cfg.Limits), out: newFollower(),
		known: make(chan struct{}), left: make(chan struct{}),
	}
	c.inbox.conn, c.inbox.room = c, make(chan struct{}, 1)
	c.outbox.init(c)
	return c
}

// errGone means that libzmq has closed its side.
var errGone = errors.New("closed by libzmq")

// inward carries what the peer sends, until one side ends.
func (c *conn) inward() {
	err := c.carryInward()
	if c.takesPart {
		if !errors.Is(err, errGone) {
			c.outbox.stop()
		}
		c.post.remove(c)
		c.inbox.abandon()
	}
	c.mu.Lock()
	c.inwardIn = true
	c.mu.Unlock()
	switch {
	case errors.Is(err, errGone):
		_, _ = io.Copy(io.Discard, c.peer) // until it hangs up, or the farewell is over
	case isRefusal(err):
		c.refuse(err)
	}
	if c.local != nil {
		c.local.closeWrite() // and no more than that: see the package's comment
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, ErrLimit) || errors.Is(err, ErrNotZMTP) || errors.Is(err, ErrFraming) || errors.Is(err, ErrSlow)
}

// refuse ends the connection for a fault of the peer.
func (c *conn) refuse(err error) {
	c.mu.Lock()
	c.refused = err
	over := c.isOver
	c.mu.Unlock()
	if c.local != nil && !over {
		c.door.remember(c, err)
	}
	c.peer.Close()
}

func (c *conn) carryInward() error {
	var p *pipe
	take := c.take
	for {
		err := c.peer.receive(take)
		if errors.Is(err, os.ErrDeadlineExceeded) && !c.isEnding() {
			return fmt.Errorf("%w: no handshake within %v", ErrSlow, c.door.cfg.HandshakeTime)
		}
		if err != nil {
			return err
		}
		n := c.in.Body()
		switch {
		case c.takesPart && n >= directMin:
			k, err := c.inbox.fill(c.peer)
			if c.in.Skip(int64(k)); err != nil {
				return err
			}
		case !c.takesPart && n >= spliceMin:
			if p == nil {
				p = newPipe(c.local, c.peer)
				defer p.close()
			}
			moved, srcErr, dstErr := p.move(n)
			c.in.Skip(moved)
			if dstErr != nil {
				return errGone
			}
			if srcErr != nil {
				return srcErr
			}
		}
	}
}

// take passes on what has arrived from the peer.
func (c *conn) take(b []byte) error {
	encrypted := c.door.cfg.Limits.Curve
	for len(b) > 0 {
		if encrypted && isClosed(c.through) {
			c.in.SetThrough()
		}
		pass, rest, err := c.in.Feed(b, time.Since(c.door.begun))
		if err != nil {
			return err
		}
		if c.local == nil {
			if err := c.enter(); err != nil {
				return err
			}
		}
		if encrypted && c.in.Ready() {
			c.over() // before libzmq can answer it
		}
		if !encrypted && c.in.Ready() && !c.waited {
			if c.inRun.flush(c.local) != nil {
				return errGone
			}
			if err := c.awaitTurn(); err != nil {
				return err
			}
		}
		if c.in.Ready() {
			c.about.admitted.Store(true)
		}
		if err := c.passOn(b, pass); err != nil {
			return err
		}
		b = rest
		if p := c.in.Pong(); p != nil {
			if err := c.answer(p); err != nil {
				return err
			}
		}
		if a := c.in.Answer(); a != nil {
			c.outbox.answered(a)
		}
		if c.in.Ready() && !isClosed(c.through) {
			if c.inRun.flush(c.local) != nil {
				return errGone
			}
			if err := c.awaitReady(); err != nil {
				return err
			}
			c.over()
			if err := c.takePart(); err != nil {
				return err
			}
		}
	}
	if c.inRun.settle(c.local, c.peer, c.in) != nil {
		return errGone
	}
	return nil
}

// passOn passes on a piece of fed, which the peer has sent.
func (c *conn) passOn(fed, piece []byte) error {
	if c.takesPart {
		if !c.door.cfg.Limits.Publisher {
			return c.inbox.feed(piece)
		}
		if len(piece) > 0 {
			c.outbox.subscribed(c.in.Topics()) // libzmq may know it too
		}
	}
	if c.inRun.add(c.local, fed, piece) != nil {
		return errGone
	}
	return nil
}

// hasLetters reports whether messages of the peer wait to be received.
func (c *conn) hasLetters() bool {
	if !c.isKnown() {
		return false
	}
	c.post.mu.Lock()
	defer c.post.mu.Unlock()
	return len(c.inbox.ready) > 0
}

// awaitReady waits for the READY of libzmq. Before that the peer may send no more.
func (c *conn) awaitReady() error {
	t := time.NewTimer(c.door.cfg.HandshakeTime)
	defer t.Stop()
	select {
	case <-c.ready:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	case <-t.C:
		return fmt.Errorf("%w: no handshake within %v", ErrSlow, c.door.cfg.HandshakeTime)
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// answer sends a PONG, or leaves it to outward while a frame is on its way.
func (c *conn) answer(pong []byte) error {
	c.outlet.Lock()
	defer c.outlet.Unlock()
	if c.middle {
		c.pong = pong
		return nil
	}
	_, err := c.peer.Write(pong)
	return err
}

// over notes that the handshake is over.
func (c *conn) over() {
	c.mu.Lock()
	if c.isOver || c.ending {
		c.mu.Unlock()
		return
	}
	c.isOver = true
	c.answers.Store(c.in.Marked())
	_ = c.peer.SetReadDeadline(time.Time{}) // it fails when the peer has gone
	c.mu.Unlock()
	close(c.through)
	c.door.entered(c)
}

func (c *conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// carryOutward begins to carry what libzmq sends. far is the name of libzmq's end.
func (c *conn) carryOutward(far string) {
	c.flow = newFlow(c.door, c.peer, far)
	c.done.Add(1)
	c.door.cfg.Spawn(func() {
		defer c.done.Done()
		c.outward()
	})
}

// outward carries what libzmq sends, until libzmq closes its side. When the peer has gone
// it reads on, so that it never holds libzmq up.
func (c *conn) outward() {
	p := newPipe(c.peer, c.local)
	p.flow = c.flow
	defer p.close()
	gone := false
	give := func(b []byte) error {
		if !gone {
			gone = c.give(b) != nil
		}
		return nil
	}
	for {
		err := c.local.receive(give)
		if err != nil {
			break
		}
		if n := c.out.Body(); n >= spliceMin && !gone {
			moved, srcErr, dstErr := p.move(n)
			c.out.Skip(moved)
			gone = dstErr != nil
			if srcErr != nil {
				break
			}
			if !gone && c.out.Between() {
				gone = c.rest() != nil
			}
		}
	}
	close(c.left)
	c.outbox.flush()
	c.mu.Lock()
	c.ending = true
	_ = c.peer.SetReadDeadline(time.Now().Add(farewell)) // it fails when the peer has gone
	c.mu.Unlock()
	c.peer.closeWrite()
	c.door.saidAll(c)
	c.local.Close() // libzmq has closed it first
}

// give passes on what libzmq has sent.
func (c *conn) give(b []byte) error {
	encrypted := c.door.cfg.Limits.Curve
	if encrypted && isClosed(c.through) {
		c.out.SetThrough()
	}
	c.outlet.Lock()
	defer c.outlet.Unlock()
	for len(b) > 0 {
		pass, rest, err := c.out.Feed(b, 0)
		if err != nil {
			return err // never: it is our own libzmq
		}
		if c.out.Ready() && !isClosed(c.ready) {
			close(c.ready)
			if encrypted {
				c.over() // before the peer can answer it
			}
		}
		if err := c.outRun.add(c.flow, b, pass); err != nil {
			return err
		}
		b = rest
	}
	if err := c.outRun.settle(c.flow, c.local, c.out); err != nil {
		return err
	}
	return c.restLocked()
}

// rest sends the PONG that waits for the end of a frame.
func (c *conn) rest() error {
	c.outlet.Lock()
	defer c.outlet.Unlock()
	return c.restLocked()
}

func (c *conn) restLocked() error {
	if c.door.cfg.Pattern != Carry {
		return nil // libzmq sends whole frames, and the outbox sees to the rest
	}
	if c.middle = !c.out.Between(); c.middle {
		return nil
	}
	return c.pongLocked()
}

func (c *conn) pongLocked() error {
	if c.pong == nil {
		return nil
	}
	pong := c.pong
	c.pong = nil
	_, err := c.peer.Write(pong)
	return err
}
