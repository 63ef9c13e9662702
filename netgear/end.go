package netgear

import (
	"context"
	"sync/atomic"
)

// end is what a Sender and a Receiver share: the settings, the connection and its
// renewal, the peers, the counters.
//
// One goroutine at a time uses it, between enter and leave. Any goroutine may call
// CurrentPort, Peers and Stats.
type end struct {
	cfg    Config
	obs    Observer
	role   Role
	row    patternRow
	busy   atomic.Bool
	closed bool

	conn   *conn // nil: not open, or ended by a goodbye
	pirate pirate

	port  atomic.Uint64
	peers *peerTable
	stats counters
	clock ownClock
}

// init checks the settings and makes an end that is not open yet.
func (e *end) init(cfg *Config, role Role, obs *Observer) error {
	if err := cfg.Validate(role); err != nil {
		return err
	}
	e.cfg, e.obs, e.role, e.row = *cfg, *obs, role, patternRows[cfg.Pattern]
	e.clock = newOwnClock()
	e.pirate, e.peers = pirate{limit: cfg.MaxRetries}, newPeerTable()
	return nil
}

// open makes the connection, without waiting for anybody.
func (e *end) open() (err error) {
	if e.conn, err = open(&e.cfg, e.role, &e.obs, e.peers, &e.stats); err == nil {
		e.port.Store(uint64(e.conn.ports[0]))
	}
	return err
}

// enter reserves the end for the calling goroutine, or returns ErrBusy. leave
// releases it.
func (e *end) enter() error {
	if !e.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	return nil
}

func (e *end) leave() { e.busy.Store(false) }

// CurrentPort returns the port that is bound or connected to.
func (e *end) CurrentPort() uint { return uint(e.port.Load()) }

// Peers returns the number of connected peers.
func (e *end) Peers() int { return e.peers.count() }

// Stats returns the counters. It never waits for the stream.
func (e *end) Stats() Stats { return e.stats.snapshot(&e.cfg, e.peers) }

// renew replaces the socket by a new one with every option. When ctx ends first, the
// next wait on the connection completes the renewal.
func (e *end) renew(ctx context.Context) error {
	e.stats.count(func(st *Stats) { st.Reconnects++ })
	e.conn.drop()
	return e.conn.ensure(ctx)
}
