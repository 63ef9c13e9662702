package netgear

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// closeGrace is how long closing may hold up a state change. Together with that of
// a second element in the same pipeline it stays within the 10 ms that a state change
// may take.
const closeGrace = 2 * time.Millisecond

// conn is what exists between open and close. Its parts have their own states and
// know only what they are given, from top to bottom:
//
//	conn ----- inquiry     why nothing comes: a goroutine beside the stream
//	  |        gauge       what the way to a receiver carries: another one
//	  |          |
//	socket ---- watch      the socket of the moment; what happens to connections
//	  |          |
//	  |       refusals     handshakes that fail
//	  |          |
//	  |        scout       looks at the other end
//	  |          |
//	entrance ----+         door, ports, name, tunnel: stands while sockets change
//	  |
//	alarm                  how other goroutines reach the owner of the socket
//
// It belongs to one goroutine, the owner of the socket.
type conn struct {
	*entrance
	*alarm
	*socket
	obs       *Observer
	log       *slog.Logger
	peers     *peerTable
	refusals  *refusals
	revival   *revival
	inquiry   *inquiry
	attention attention
	opened    time.Time

	ctx    context.Context // ends with close
	cancel context.CancelFunc
}

// open makes everything, the socket included. It does not wait for the network:
// goroutines of the conn look names up and connect.
func open(cfg *Config, role Role, obs *Observer, peers *peerTable, stats *counters) (c *conn, err error) {
	if err := checkDescriptors(); err != nil {
		return nil, err
	}
	c = &conn{obs: obs, log: obs.logger(), peers: peers, alarm: &alarm{}, opened: time.Now()}
	// Go's runtime takes its own descriptors with the first timer: let it be now.
	spawnAfter(time.Hour, c.fail, func() {}).Stop()
	var keys *keyring
	if cfg.SecureMode != Grasslands {
		if keys, err = openKeys(cfg, role, c.log); err != nil {
			return nil, err
		}
	}
	if c.waker, err = zmsg.NewWaker(); err != nil {
		return nil, fmt.Errorf("netgear: %w: event descriptor: %w", ErrOpen, err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.assemble(cfg, role, keys, stats); err != nil {
		c.cancel()
		c.waker.Close()
		return nil, err
	}
	err = c.prepare(peers.deny, c.fail)
	if err == nil {
		err = c.open(c.ctx, role, c.whole)
	}
	if err == nil {
		err = c.build()
	}
	if err != nil {
		_ = c.close(0)
		return nil, err
	}
	c.inquiry = newInquiry(c.refusals.scout, c.refusals, stats, &c.attention, obs)
	spawn(c.fail, c.inquiry.run)
	if role == SenderRole {
		spawn(c.fail, func() { newGauge(c.door, stats, obs).run(c.ctx) })
	}
	return c, nil
}

// assemble makes the parts, without a socket and with closed ports.
func (c *conn) assemble(cfg *Config, role Role, keys *keyring, stats *counters) (err error) {
	w := &watch{role: role, alarm: c.alarm, peers: c.peers, owners: newOwners(cfg.RequestTimeout), tongues: &tongues{}, obs: c.obs, log: c.log, ctx: c.ctx}
	news := doorNews{refused: w.turnedAway, gaveWay: func() { stats.count(func(st *Stats) { st.FramesDropped++ }) }}
	if c.obs.Arrived != nil {
		news.arrived = func(p door.Peer, sent time.Time, bytes int) {
			if endpoint := c.peers.endpointOf(p); endpoint != "" {
				c.obs.Arrived(endpoint, sent, bytes)
			}
		}
	}
	if c.entrance, err = newEntrance(cfg, role, keys != nil, c.alarm, c.log, news); err != nil {
		return err
	}
	c.peers.links.Store(c.door)
	row := patternRows[cfg.Pattern]
	look := &scout{entrance: c.entrance, role: role, socketType: row.socketType(role).String(), keys: keys, peers: c.peers, ctx: c.ctx}
	c.refusals = &refusals{
		scout: look, alarm: c.alarm, peers: c.peers, obs: c.obs, keys: keys, suspicions: make([]suspicion, len(c.ports)),
	}
	c.revival = newRevival(len(c.ports), c.waker.Wake, c.fail)
	w.entrance, w.refusals, w.revival = c.entrance, c.refusals, c.revival
	w.owners.host = func(connection int) string { return addressOf(c.from(connection)) }
	c.socket = &socket{entrance: c.entrance, role: role, keys: keys, watch: w, owners: w.owners, tongues: w.tongues, log: c.log}
	return nil
}

// spareDescriptors must be free for an end to open. It takes some 15 itself. Where
// none are left, libzmq (for its threads), Go's runtime (for its timers) and GLib (for
// a bus) abort the process without an error.
const spareDescriptors = 32

// checkDescriptors returns an error where fewer than spareDescriptors are free.
func checkDescriptors() error {
	var pairs [spareDescriptors / 2][2]int
	for i := range pairs {
		err := syscall.Pipe2(pairs[i][:], syscall.O_CLOEXEC)
		if err == nil {
			defer syscall.Close(pairs[i][0]) //nolint:errcheck // nothing was in it
			defer syscall.Close(pairs[i][1]) //nolint:errcheck // nothing was in it
			continue
		}
		return fmt.Errorf("netgear: %w: fewer than %d file descriptors are free (%w): raise the limit (ulimit -n), or look for what does not close its own",
			ErrOpen, spareDescriptors, err)
	}
	return nil
}

// whole reports whether every port has a connection. Any goroutine may call it.
func (c *conn) whole() bool { return len(c.peers.missing(c.ports)) == 0 }

// tellFull tells that the socket is about to be rebuilt, because it keeps too much of
// connections that it does not serve.
func (c *conn) tellFull() {
	if c.cfg.Pattern == wire.ReqRep {
		c.log.Debug("rebuilding the socket", "connections that have ended", maxEnded)
		return
	}
	c.obs.warn(fmt.Errorf("netgear: %w: more than %d connections wait behind the one that is served at %s: rebuilding it", ErrPeerLost, maxRefused, c.endpoints()))
}

// wait blocks until the socket is ready for want, until passes, or something
// happened that the owner must look at: a connection was made or lost, or Leave was
// called. It returns the events that are ready; none is no error. Where a renewal
// was interrupted, it completes that first.
func (c *conn) wait(ctx context.Context, want zmsg.Events, until time.Time) (zmsg.Events, error) {
	c.waker.Follow(ctx)
	if c.sock == nil {
		if err := c.ensure(ctx); err != nil {
			return 0, err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := c.failed(); err != nil {
			return 0, err
		}
		if c.followName() {
			return 0, nil
		}
		ev, err := c.data.Wait(want, c.waker, until)
		if err != nil {
			return 0, fmt.Errorf("netgear: %w: poll: %w", ErrTransport, err)
		}
		if ev&zmsg.Woken == 0 {
			return ev, nil
		}
		c.waker.Clear()
		if err := errors.Join(ctx.Err(), c.failed()); err != nil {
			continue
		}
		if ev&^zmsg.Woken != 0 || c.isLost() || c.isFull() || c.revival.waiting() || c.leaving.Load() != nil || c.news.Swap(false) {
			return ev, nil
		}
	}
}

// close ends everything. Messages that are still queued have linger to leave. It
// waits for that no longer than closeGrace; done is closed when it has happened.
func (c *conn) close(linger time.Duration) (done <-chan struct{}) {
	if c.sock != nil && linger > 0 {
		if err := c.sock.SetLinger(linger); err != nil {
			c.log.Warn("setting the linger time", "error", err)
		}
		c.lingers = true
	}
	c.drop()
	c.revival.close()
	c.waker.Close()
	c.cancel()
	c.door.Shut()
	ended := make(chan struct{})
	entrance, zctx := c.entrance, c.zctx
	told := func(err error) { c.log.Error("after the end", "error", err) } // nobody waits for an error any more
	spawn(told, func() {
		defer close(ended)
		// Blocks until the sockets are gone; never on the caller's thread.
		if zctx != nil {
			if err := zctx.Term(); err != nil {
				c.log.Warn("ending a context", "error", err)
			}
		}
		entrance.close(linger) // what the sockets had left is in it
	})
	select {
	case <-ended:
	case <-time.After(closeGrace):
	}
	return ended
}
