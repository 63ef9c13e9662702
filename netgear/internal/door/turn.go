package door

import (
	"io"
	"slices"
	"time"
)

// Implementation constants.
const (
	// turnPause is between the end of a connection and the next one's turn: a PAIR
	// socket refuses it until it has let go of the one before.
	turnPause = 10 * time.Millisecond
	// returnGrace is how long a turn is kept for the address whose turn made sense
	// last, if that ended less than remembered ago: a good peer comes back over
	// another connection.
	returnGrace = 500 * time.Millisecond
	remembered  = time.Minute
	// turnLook is between two looks whether who waits has hung up.
	turnLook = 250 * time.Millisecond
)

// turns is whose turn it is at a socket that serves one connection, a PAIR.
// libzmq refuses others without a word and keeps each of them that has sent
// something for ever. So the last word of their handshake waits in the door: they
// see a connection that nobody answers, and are served when the one before has
// gone. Door.mu guards it.
type turns struct {
	owner   *conn
	proven  bool                // the owner makes sense
	queue   []*conn             // that wait, in their order
	last    string              // origin of the last owner that made sense; "": none did
	left    time.Time           // when that went
	freed   time.Time           // when the last owner went
	known   map[string]standing // by origin
	changed chan struct{}       // closed when the owner goes
}

// standing is what the turns of an origin came to.
type standing struct {
	strikes int       // turns that made no sense
	proven  bool      // one did
	served  time.Time // when the last one began
}

// maxKnown bounds the origins that are remembered.
const maxKnown = 1024

// before reports whether s is to be served before o: who wasted nothing, then who
// made sense, then who waits for longer since the last turn.
func (s standing) before(o standing) bool {
	switch {
	case s.strikes != o.strikes:
		return s.strikes < o.strikes
	case s.proven != o.proven:
		return s.proven
	}
	return s.served.Before(o.served)
}

// Trust says that the connection whose turn it is makes sense.
func (d *Door) Trust() {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := &d.turns
	if q.owner == nil || q.proven {
		return
	}
	q.proven = true
	s := q.known[q.owner.origin()]
	s.proven = true
	q.known[q.owner.origin()] = s
}

// Distrust says that the connection whose turn it is makes no sense after all.
func (d *Door) Distrust() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns.proven = false
}

// Waiting reports whether a connection waits for its turn.
func (d *Door) Waiting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.turns.queue) > 0
}

// awaitTurn waits until c may be served. It returns an error when c ends before.
func (c *conn) awaitTurn() error {
	d := c.door
	if c.waited = true; !d.cfg.One {
		return nil
	}
	defer d.leaveQueue(c)
	for {
		mine, wait, changed := d.tryTurn(c)
		if mine {
			return nil
		}
		t := time.NewTimer(wait)
		select {
		case <-c.ctx.Done():
		case <-changed:
		case <-t.C:
		}
		t.Stop()
		switch {
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		case c.isEnding():
			return errGone
		case c.peer.hungUp():
			return io.EOF
		}
	}
}

// tryTurn gives c the turn if it is its own, else it says how long to wait.
func (d *Door) tryTurn(c *conn) (mine bool, wait time.Duration, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := &d.turns
	if !slices.Contains(q.queue, c) {
		q.queue = append(q.queue, c)
	}
	if q.changed == nil {
		q.changed = make(chan struct{})
	}
	since := time.Since(q.freed)
	switch {
	case q.owner != nil:
		return false, turnLook, q.changed
	case since < turnPause:
		return false, turnPause - since, q.changed
	}
	next := q.next()
	if next == nil {
		return false, turnPause, q.changed
	}
	if q.last != "" && since < returnGrace && time.Since(q.left) < remembered && q.known[q.last].before(q.known[next.origin()]) {
		return false, returnGrace - since, q.changed
	}
	if next != c {
		return false, turnPause, q.changed
	}
	q.begin(c)
	return true, 0, nil
}

// next returns who is to be served, or nil.
func (q *turns) next() (next *conn) {
	for _, c := range q.queue {
		if !c.isEnding() && (next == nil || q.known[c.origin()].before(q.known[next.origin()])) {
			next = c
		}
	}
	return next
}

func (q *turns) begin(c *conn) {
	q.owner, q.proven = c, false
	if q.known == nil || len(q.known) > maxKnown {
		q.known = map[string]standing{}
	}
	s := q.known[c.origin()]
	s.served = time.Now()
	q.known[c.origin()] = s
}

func (d *Door) leaveQueue(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns.queue = slices.DeleteFunc(d.turns.queue, func(o *conn) bool { return o == c })
}

// endTurn has the next one served, if it was the turn of c.
func (d *Door) endTurn(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := &d.turns
	if q.owner != c {
		return
	}
	q.owner, q.freed = nil, time.Now()
	if origin := c.origin(); q.proven {
		q.last, q.left = origin, q.freed
	} else {
		s := q.known[origin]
		s.strikes++
		q.known[origin] = s
	}
	if q.changed != nil {
		close(q.changed)
	}
	q.changed = make(chan struct{})
}
