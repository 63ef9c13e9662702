package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// How long a program may be busy with a frame before the caretaker looks after its
// socket. After noteAfter the caretaker notes when the next message comes; after
// careAfter it reads that message.
const (
	noteAfter = 2 * time.Millisecond
	careAfter = 100 * time.Millisecond
)

// caretaker looks after a Receiver's socket while the program is paused or busy with
// a frame, where frames are confirmed. It notes when the next message came: that
// frame grows older while it waits for a sink to show the one before.
//
// If the program is busy for long, the caretaker reads that message ahead, without
// confirming it, for two reasons. A frame that is sent again although it has arrived
// is confirmed at once. And a PAIR socket accepts no new connection before it has
// read what came over the old one: without the caretaker, a sender that gave up
// waiting and connected anew would be refused again and again, though the receiver
// is alive.
//
// The zero value does nothing; enter and leave then cost next to nothing.
//
//	Recv:       enter ... leave            enter ... leave
//	caretaker:              noteAfter, run ^ ends
type caretaker struct {
	r *Receiver
	handover
	came time.Time // when a message was first seen waiting; zero: none was
	// ahead is the number of parts of the message that was read ahead. They are in
	// the receiver's spare and body. 0: none was.
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
	c.take(c.r.conn.waker)
}

// leave hands the socket to the caretaker, unless the program soon comes back for
// it.
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
			return // the next Recv meets it too, and reports it
		}
		if ev&zmsg.Woken != 0 {
			r.conn.waker.Clear()
		}
		full := r.conn.isFull()
		if c.ahead > 0 && (full || r.conn.isLost()) {
			c.letIn()
		}
		if full && r.shakeOff(r.conn.ctx) != nil {
			return // the next Recv meets it too, and reports it
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

// readAhead confirms messages that have arrived before, and keeps the first one that
// has not.
func (c *caretaker) readAhead() {
	r := c.r
	for r != nil && c.ahead == 0 {
		// Looking first makes libzmq notice that peers have read their answers.
		// After a few messages in a row without a look, libzmq drops the next
		// answer, as it does for a peer that reads none.
		if ev, err := r.conn.data.Wait(zmsg.In, r.conn.waker, time.Unix(0, 0)); err != nil || ev&zmsg.In == 0 {
			return
		}
		parts, err := r.parts()
		if err != nil {
			return
		}
		var h wire.Header
		if wire.ParseHeader(r.spare.Bytes(), &h) == nil && r.known(&h) {
			r.confirm(&h)
			r.stats.count(func(st *Stats) { st.FramesDropped++ })
			continue
		}
		c.ahead = parts
	}
}

// letIn discards what is left of a connection that ended, up to a goodbye. It was not
// confirmed, so a sender that numbers its frames sends it again, or has given it up. A
// NetGear sender does neither, so its frame is kept.
func (c *caretaker) letIn() {
	r := c.r
	var h wire.Header
	if wire.ParseHeader(r.spare.Bytes(), &h) != nil || !h.HasExt || !h.Ext.HasSeq {
		return
	}
	gone := uint64(1) // a frame that comes again is counted again
	c.ahead = 0
	r.body.Close()
	if r.cfg.Pattern == wire.ReqRep {
		r.confirm(nil) // it goes nowhere, but a REP socket must answer before it reads on
	} else {
		for {
			parts, err := r.parts()
			if err != nil {
				break
			}
			if wire.ParseHeader(r.spare.Bytes(), &h) == nil && h.Terminate {
				c.ahead = parts
				break
			}
			r.body.Close()
			gone++
		}
	}
	r.stats.count(func(st *Stats) { st.FramesDropped += gone })
}
