package door

import (
	"cmp"
	"fmt"
)

// place gives a connection one of the places, or returns why it gets none. When all
// are taken, a useless connection makes room: one whose peer has gone, the one that
// has been in its handshake for the longest time, or one of an address with more
// than its share.
func (d *Door) place(c *conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("%w: closed", ErrFull)
	}
	if limit := d.cfg.MaxConnections; limit > 0 && len(d.conns) >= limit {
		v := d.victimLocked(c)
		if v == nil {
			return fmt.Errorf("%w: all %d places for connections are taken", ErrFull, limit)
		}
		d.evictLocked(v)
	}
	d.last++
	c.id = d.last
	d.conns[c.id] = c
	d.carried.Add(1)
	return nil
}

// victimLocked returns the connection that makes room for c, or nil.
func (d *Door) victimLocked(c *conn) (victim *conn) {
	share := map[string]int{}
	for _, o := range d.conns {
		share[o.origin()]++
	}
	mine := share[c.origin()] + 1 // with c
	rank := func(o *conn) (rank, held, age int) {
		rank = o.uselessness()
		held = share[o.origin()]
		if rank == 0 && held > mine {
			rank = greedyRank
		}
		// Among connections that are served the youngest goes, among the others the
		// oldest.
		if age = -int(o.id); rank == greedyRank { //nolint:gosec // a count
			age = -age
		}
		return rank, held, age
	}
	most, mostHeld, mostAge := 0, 0, 0
	for _, o := range d.conns {
		r, held, age := rank(o)
		if r == 0 {
			continue
		}
		if victim == nil || cmp.Or(cmp.Compare(r, most), cmp.Compare(held, mostHeld), cmp.Compare(age, mostAge)) > 0 {
			victim, most, mostHeld, mostAge = o, r, held, age
		}
	}
	return victim
}

// Ranks of uselessness.
const (
	greedyRank    = 1
	handshakeRank = 2
	goneRank      = 3
)

// uselessness returns the rank of a connection that can be ended without a loss, and 0
// for any other.
func (c *conn) uselessness() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inwardIn && !c.door.cfg.Limits.Curve:
		return goneRank
	case c.inwardIn: // it ends only when libzmq closes it
		return 0
	case !c.isOver:
		return handshakeRank
	}
	return 0
}

// evictLocked ends a connection to make room. Its place is free at once. Where the
// peer has gone but libzmq does not close its side, because nobody reads what is
// queued, the door closes that side too: libzmq never saw a PING of the peer.
func (d *Door) evictLocked(c *conn) {
	delete(d.conns, c.id)
	c.mu.Lock()
	gone := c.inwardIn
	c.mu.Unlock()
	c.cancel()
	if c.local != nil && gone && !d.cfg.Limits.Curve {
		c.local.Close()
	}
}

// origin returns what one peer cannot have many of: an IPv4 address, or the half of an
// IPv6 address that names the network. All Unix sockets have the same origin.
func (c *conn) origin() string {
	a := c.source
	if a.Is6() {
		p, err := a.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}
