package netgear

import "time"

// pursuit is what a Sender does about frames whose confirmation is due. It has no
// clock and no socket. It outlives a call of Send: a stream that does not wait
// continues it with the next frame.
type pursuit struct {
	deadline  time.Time // when the confirmation is overdue; zero: none is due
	rebuildAt time.Time // when to make a new connection; zero: the present one seems good
	probe     probing
	alone     bool // no peer was there for a while
}

// expect makes a confirmation due within timeout, unless one is due already. A
// receiver that has just come has all of the time.
func (p *pursuit) expect(now time.Time, timeout time.Duration, alone bool) {
	if p.deadline.IsZero() || p.alone && !alone {
		p.deadline, p.probe = now.Add(timeout), probing{}
	}
	p.alone = alone
}

// restart forgets when the confirmation was due.
func (p *pursuit) restart() { p.deadline, p.probe = time.Time{}, probing{} }

// probing is what a pair sender does after a timeout. The other end's PAIR socket
// refuses a new connection while it holds the old one, but it does so silently: the
// new connection stands, and what is sent into it is lost. So the sender makes short
// attempts before one that lasts half of the timeout, for a frame that takes long on
// its way.
type probing struct {
	at    time.Time // of the next attempt; zero: none
	slots []time.Duration
}

func newProbing(now time.Time, timeout time.Duration) probing {
	p := probing{slots: []time.Duration{timeout / 16, timeout / 8, timeout / 4}}
	p.at = now.Add(p.slots[0])
	return p
}

// due reports whether to try another connection at now. An attempt that is not
// connected yet is left alone.
func (p *probing) due(now time.Time, connected bool) bool {
	if p.at.IsZero() || now.Before(p.at) {
		return false
	}
	if !connected {
		p.at = now.Add(p.slots[0])
		return false
	}
	p.slots = p.slots[1:]
	if p.at = (time.Time{}); len(p.slots) > 0 {
		p.at = now.Add(p.slots[0])
	}
	return true
}

// earliest returns the first of some times, without the zero ones. It is zero where
// all are.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
