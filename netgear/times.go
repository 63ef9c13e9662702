package netgear

import (
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/clock"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// ownClock reads the clocks of this machine.
type ownClock struct {
	epoch time.Time
	// skew changes what is read, for tests; nil: nothing.
	skew func(mono, wall int64) (int64, int64)
}

// newOwnClock returns a clock that began an hour ago, so that what happened before
// its time is not negative.
func newOwnClock() ownClock { return ownClock{epoch: time.Now().Add(-time.Hour)} }

// read returns a time of this process by two clocks, in ns: by the one that is never
// set, since the epoch, and by the wall clock, since 1970.
func (c *ownClock) read(t time.Time) (mono, wall int64) {
	mono, wall = int64(t.Sub(c.epoch)), t.UnixNano()
	if c.skew != nil {
		return c.skew(mono, wall)
	}
	return mono, wall
}

// farClock is what a Sender knows of the clocks of its receiver. It belongs to the
// goroutine that sends.
type farClock struct {
	id     string // the receiver's
	offset clock.Offset
	// ours and theirs are how far each end's wall clock is ahead of its clock that is
	// never set, ns.
	ours, theirs int64
}

// noticeable is how far a wall clock must jump, in ns, to be worth a line in the log.
const noticeable = int64(10 * time.Millisecond)

// askEvery is the least time between two frames that ask for times. With thousands of
// small frames a second, more questions would show nothing new.
const askEvery = time.Millisecond

// setTimes writes the times of a frame into its header. The picture was taken at
// captured (zero: unknown), and the Sender got the frame now.
func (s *Sender) setTimes(x *wire.Ext, captured, now time.Time) {
	mono, wall := s.clock.read(now)
	x.T, x.HasT = wall, true
	x.Age, x.HasAge = 0, false
	x.Ping, x.Peer = s.row.confirmed && !s.cfg.MultiClient && now.Sub(s.asked) >= askEvery, wire.Moment{}
	if x.Ping {
		s.asked = now
	}
	if offset, bound, ok := s.there.offset.At(mono); ok {
		x.Peer = wire.Moment{ID: s.there.id, At: mono + offset, Err: bound}
	}
	if captured.IsZero() {
		return
	}
	age := max(0, now.Sub(captured))
	if age > wire.MaxAge {
		return
	}
	x.Age, x.HasAge = int64(age), true
	if !x.HasTaken {
		x.Taken, x.HasTaken = x.T-x.Age, true
	}
}

// learn uses the times in the confirmation of the oldest frame, which came at now.
func (s *Sender) learn(t *wire.Times, now time.Time) {
	fl, far := &s.ring[s.first], &s.there
	if t.Seq != fl.seq || fl.late || !s.cfg.Extensions || s.cfg.MultiClient {
		return
	}
	mono, wall := s.clock.read(now)
	sent, _ := s.clock.read(fl.at)
	ours, theirs := wall-mono, t.Wall-t.Out
	if far.id == t.ID {
		s.tellJump("the wall clock of this machine was set", ours-far.ours)
		s.tellJump("the receiver's wall clock was set", theirs-far.theirs)
	} else {
		*far = farClock{id: t.ID} // another receiver, or one that has restarted
	}
	far.ours, far.theirs = ours, theirs
	if far.offset.Add(clock.Exchange{T1: sent, T2: t.In, T3: t.Out, T4: mono}) {
		s.conn.log.Info("the clock of one end has jumped: measuring anew")
	}
	if offset, bound, ok := far.offset.At(mono); ok {
		s.stats.clock(time.Duration(offset+theirs-ours), time.Duration(bound))
	}
}

func (s *Sender) tellJump(what string, ns int64) {
	if ns < -noticeable || ns > noticeable {
		s.conn.log.Info(what, "by", time.Duration(ns))
	}
}

// times returns the times to add to the confirmation of a message that has just been
// read, or nil.
func (r *Receiver) times(h *wire.Header) *wire.Times {
	if h == nil || !h.HasExt || !h.Ext.Ping || !h.Ext.HasSeq {
		return nil
	}
	r.confirmation = wire.Times{ID: r.id, Seq: h.Ext.Seq}
	t := &r.confirmation
	t.In, _ = r.clock.read(r.arrived)
	t.Out, t.Wall = r.clock.read(time.Now())
	return t
}

// readTimes sets in a frame when it was taken, and what its sender knows of the two
// clocks.
func (r *Receiver) readTimes(f *Frame) {
	f.Captured, f.ClockOffset, f.ClockError, f.HasClock = time.Time{}, 0, 0, false
	x := &f.Header.Ext
	if !f.Header.HasExt || !x.HasT {
		return
	}
	mono, wall := r.clock.read(f.Arrived)
	took := time.Duration(wall-x.T) + age(x)
	if f.HasClock = x.Peer.ID == r.id; f.HasClock {
		ours := x.Peer.At + wall - mono // T by our wall clock
		f.ClockOffset, f.ClockError = time.Duration(x.T-ours), time.Duration(x.Peer.Err)
		took = time.Duration(mono-x.Peer.At) + age(x)
		f.Captured = f.Arrived.Add(-took)
	}
	r.stats.count(func(st *Stats) { st.CaptureToReceive, st.HasCaptureToReceive = took, true })
	if f.HasClock {
		r.stats.clock(f.ClockOffset, f.ClockError)
	} else {
		r.stats.count(func(st *Stats) { st.HasClock = false })
	}
}

// age returns the time from the taking of a picture until the Sender had it, 0 where the
// header has none.
func age(x *wire.Ext) time.Duration {
	if !x.HasAge {
		return 0
	}
	return time.Duration(x.Age)
}
