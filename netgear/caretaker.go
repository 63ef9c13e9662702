package netgear

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// How long a program may be busy with a frame before somebody looks after its
// socket: after noteAfter it is noted when the next message comes, after careAfter
// the message is read.
const (
	noteAfter = 2 * time.Millisecond
	careAfter = 100 * time.Millisecond
)

// caretaker looks after a Receiver's socket while the program is busy with a
// frame, or paused, where frames are confirmed. It notes when the next message
// came: a frame that waits for a sink to show the one before is not younger for
// it. If the program is busy for long, it reads that message ahead, without
// confirming it, for two reasons: what a sender sends again though it has arrived
// is confirmed at once, and a PAIR socket lets in no new connection before what
// came over the old one has been read. Without it a sender that gave up waiting and
// connected anew would be refused, again and again, though the receiver is alive.
//
// The zero value does nothing; enter and leave then cost next to nothing.
//
//	Recv:       enter ... leave            enter ... leave
//	caretaker:              noteAfter, run ^ ends
type caretaker struct {
	r      *Receiver
	mu     sync.Mutex // held by whoever uses the socket, and what follows
	wanted atomic.Bool
	timer  *time.Timer
	came   time.Time // when a message was seen to wait; zero: none was
	// ahead is the number of parts of the message that was read ahead, into
	// the receiver's spare and body; 0: none.
	ahead int
}

func (c *caretaker) start(r *Receiver) {
	c.r = r
	c.timer = spawnAfter(noteAfter, r.conn.fail, c.run)
}

// enter takes the socket back.
func (c *caretaker) enter() {
	if c.r == nil {
		return
	}
	c.timer.Stop()
	if !c.mu.TryLock() {
		c.wanted.Store(true)
		c.r.conn.waker.Wake()
		c.mu.Lock()
		c.wanted.Store(false)
	}
}

// leave hands the socket over, if nobody comes back for it soon.
func (c *caretaker) leave() {
	if c.r == nil {
		return
	}
	if !c.r.closed {
		c.timer.Reset(noteAfter)
	}
	c.mu.Unlock()
}

func (c *caretaker) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.r
	readAt := time.Now().Add(careAfter - noteAfter)
	for !r.closed && !c.wanted.Load() {
		if r.conn.sock == nil {
			return // the next Recv goes on with the renewal
		}
		want, until := zmsg.In, time.Time{}
		early := time.Now().Before(readAt)
		switch {
		case c.ahead > 0:
			want = 0
		case early && !c.came.IsZero():
			want, until = 0, readAt
		}
		ev, err := r.conn.data.Wait(want, r.conn.waker, until)
		if err != nil {
			return // the next Recv meets it too, and tells
		}
		if ev&zmsg.Woken != 0 {
			r.conn.waker.Clear()
		}
		full := r.conn.isFull()
		if c.ahead > 0 && (full || r.conn.isLost()) {
			c.letIn()
		}
		if full && r.shakeOff(r.conn.ctx) != nil {
			return // the next Recv meets it too, and tells
		}
		r.noteLoss()
		if ev&zmsg.In != 0 && c.came.IsZero() {
			c.came = time.Now()
		}
		if ev&zmsg.In != 0 && c.ahead == 0 && !early {
			c.readAhead()
		}
	}
}

// readAhead confirms what has arrived before and keeps the first message that
// has not.
func (c *caretaker) readAhead() {
	r := c.r
	for r != nil && c.ahead == 0 {
		// Looking first has libzmq take in that peers have read their answers;
		// a few messages in a row without it, and it drops the next answer as
		// it does for a peer that reads none.
		if ev, err := r.conn.data.Wait(zmsg.In, r.conn.waker, time.Unix(0, 0)); err != nil || ev&zmsg.In == 0 {
			return
		}
		parts, err := r.parts()
		if err != nil {
			return
		}
		var h wire.Header
		if wire.ParseHeader(r.spare.Bytes(), &h) == nil && r.known(&h) {
			r.confirm()
			r.stats.count(func(st *Stats) { st.FramesDropped++ })
			continue
		}
		c.ahead = parts
	}
}

// letIn rids the socket of what is left of a connection that ended: it was not
// confirmed, so a sender that numbers its frames sends it again. NetGear does
// not, so its frame is kept. There is no goodbye among it: nobody says one
// before the last confirmation.
func (c *caretaker) letIn() {
	r := c.r
	var h wire.Header
	if wire.ParseHeader(r.spare.Bytes(), &h) != nil || !h.HasExt || !h.Ext.HasSeq {
		return
	}
	gone := uint64(1) // what comes again is counted again
	c.ahead = 0
	r.body.Close()
	if r.cfg.Pattern == wire.ReqRep {
		r.confirm() // goes nowhere, but a REP socket must answer before it reads on
	} else {
		for {
			if _, err := r.parts(); err != nil {
				break
			}
			gone++
		}
		r.body.Close()
	}
	r.stats.count(func(st *Stats) { st.FramesDropped += gone })
}
