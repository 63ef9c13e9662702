package netgear

import (
	"sync/atomic"
	"time"
)

// WaitMode selects whether frames wait for a receiver that is absent: not connected,
// or connected and silent.
type WaitMode uint8

// Wait modes, in the order of srtsink's boolean.
const (
	// WaitNever drops old frames of any stream for newer ones.
	WaitNever WaitMode = iota
	// WaitAlways makes frames wait for ever.
	WaitAlways
	// WaitAuto makes a stream that is not live wait for ever. A live stream waits
	// for restartGrace after its receiver went away or fell silent. Before the first
	// receiver came it does not wait.
	WaitAuto
)

// Implementation constants.
const (
	// restartGrace is how long a live stream waits for a receiver that was there
	// before: so long may a restart last that loses nothing.
	restartGrace = time.Second
	// silentGrace is how long a stream that never waits for an absent receiver waits
	// for the confirmation of a connected one, before that receiver counts as
	// silent.
	silentGrace = 250 * time.Millisecond
	// leaveGrace is how long a Sender that is about to end waits for an absent
	// receiver: several times what a lost connection takes to come back.
	leaveGrace = 5 * reconnectInterval
	// silentLeaveGrace is how long it waits for a receiver that is connected and
	// confirms nothing: NetGear's request timeout.
	silentLeaveGrace = 4 * time.Second
	// subscribeGrace is how long the first frame of a pub-sub stream waits after a
	// receiver has connected. The receiver's subscription follows the connection,
	// and what is published before it is lost.
	subscribeGrace = 100 * time.Millisecond
)

// longAgo is a time in the past: whoever waits until then only looks.
var longAgo = time.Unix(0, 1)

// patience decides how long a Sender waits for an absent receiver. It has no clock.
// All of it but mode belongs to the goroutine that sends.
type patience struct {
	mode atomic.Uint32 // a WaitMode
	live bool          // the frame at hand is of a live stream
	owed time.Time     // since when a confirmation is due; zero: none is due
}

// presence is what patience must know of the other end.
type presence struct {
	peers   int
	since   time.Time // when the number of peers last became zero or stopped being zero; zero: there was no peer yet
	opened  time.Time // when the end was opened
	tried   bool      // an attempt to connect has ended, or this end binds
	leaving time.Time // when Leave was called; zero: it was not
}

// waits reports whether the stream waits for ever.
func (p *patience) waits() bool { return p.waitsIn(p.now()) }

// now returns the present mode, which another goroutine may change.
func (p *patience) now() WaitMode { return WaitMode(p.mode.Load()) } //nolint:gosec // what was stored

func (p *patience) waitsIn(mode WaitMode) bool {
	return mode == WaitAlways || mode == WaitAuto && !p.live
}

// until returns when to stop waiting; the zero time means never.
func (p *patience) until(at presence) time.Time {
	var by time.Time
	if mode := p.now(); !p.waitsIn(mode) {
		by = p.silence(mode, at)
	}
	switch {
	case at.leaving.IsZero():
	case at.peers == 0:
		by = earliest(by, later(at.leaving, at.since).Add(leaveGrace))
	default: // connected and silent
		by = earliest(by, later(at.leaving, p.owed).Add(silentLeaveGrace))
	}
	return by
}

// silence returns when a stream stops waiting that does not wait for ever.
func (p *patience) silence(mode WaitMode, at presence) time.Time {
	switch {
	case at.peers > 0 && mode == WaitNever:
		return p.owed.Add(silentGrace)
	case at.peers > 0:
		return p.owed.Add(restartGrace)
	case at.since.IsZero() && !at.tried:
		return at.opened.Add(restartGrace)
	case at.since.IsZero(), mode == WaitNever:
		return longAgo
	}
	// A receiver that fell silent before it went away has already had its time.
	return earliest(at.since, p.owed).Add(restartGrace)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
