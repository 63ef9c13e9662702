package netgear

import "time"

// pursuit is what a Sender does about frames whose confirmation is due. It has no
// clock and no socket, and outlives a call of Send: a stream that does not wait
// goes on with it at the next frame.
type pursuit struct {
	deadline  time.Time // when the confirmation counts as missing; zero: none is due
	rebuildAt time.Time // when to make a new connection; zero: the present one is good as far as we know
	probe     probing
	alone     bool // nobody was there for a while
}

// expect says that a confirmation is due within timeout, unless one is already. A
// receiver that has just come has the whole of it.
func (p *pursuit) expect(now time.Time, timeout time.Duration, alone bool) {
	if p.deadline.IsZero() || p.alone && !alone {
		p.deadline, p.probe = now.Add(timeout), probing{}
	}
	p.alone = alone
}

// restart has the next confirmation due as if none was before.
func (p *pursuit) restart() { p.deadline, p.probe = time.Time{}, probing{} }

// probing is what a pair sender does after a timeout. The other end's PAIR
// socket refuses a connection as long as it holds the old one, and does so
// without a word: the new one stands, and what is sent into it is lost. So
// short attempts are made before one that lasts half of the timeout, for a
// frame that takes long on its way.
type probing struct {
	at    time.Time // of the next attempt; zero: none
	slots []time.Duration
}

func newProbing(now time.Time, timeout time.Duration) probing {
	p := probing{slots: []time.Duration{timeout / 16, timeout / 8, timeout / 4}}
	p.at = now.Add(p.slots[0])
	return p
}

// due reports whether to try another connection at now. One that is not even made
// is left alone.
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

// earliest returns the first of some times, of which zero ones do not count; it is
// zero where all are.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
