package netgear

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// intake decides which messages a Receiver takes, and counts and reports the others.
// It belongs to the goroutine that reads the socket.
type intake struct {
	cfg    *Config
	ports  []uint
	owners *owners
	from   func(connection int) string // the address and port it comes from; empty: not known
	stats  *counters
	obs    *Observer
}

func newIntake(e *end) *intake {
	return &intake{cfg: &e.cfg, ports: e.conn.ports, owners: e.conn.owners, from: e.conn.from, stats: &e.stats, obs: &e.obs}
}

// receiveParts receives one whole message and returns the number of its parts. The
// parts behind the second go nowhere, through rest.
func receiveParts(sock zmsg.Socket, head, body, rest *zmsg.Message) (n int, err error) {
	body.Close()
	more, err := sock.Recv(head)
	if err != nil {
		return 0, err
	}
	for n = 1; more; n++ {
		m := rest
		if n == 1 {
			m = body
		}
		if more, err = sock.Recv(m); err != nil {
			return n, err
		}
	}
	rest.Close()
	return n, nil
}

// judge parses the header of a message. It returns nil for a frame or a goodbye, else
// what is wrong.
func (i *intake) judge(head, body *zmsg.Message, parts int, h *wire.Header) error {
	if err := wire.ParseHeader(head.Bytes(), h); err != nil {
		return err
	}
	if err := i.checkName(h); err != nil || h.Terminate {
		return err
	}
	if parts != 2 {
		return fmt.Errorf("%w: %d parts: want a header and a data part", wire.ErrMalformed, parts)
	}
	if size := body.Len(); uint64(size) > i.cfg.MaxFrameSize { //nolint:gosec // never negative
		return fmt.Errorf("%w: data part of %d bytes: want max-frame-size=%d at the most", wire.ErrMalformed, size, i.cfg.MaxFrameSize)
	}
	return nil
}

// malformed counts a message that judge refused, and warns of it.
func (i *intake) malformed(bad error) {
	i.stats.count(func(st *Stats) { st.FramesMalformed++ })
	i.obs.warn(fmt.Errorf("netgear: message dropped: %w", bad))
}

// admits reports whether a message that came at now is of the sender that it names.
// It counts and warns of one that is not.
func (i *intake) admits(h *wire.Header, connection int, now time.Time) bool {
	name := i.nameOf(h)
	if i.owners.admits(name, connection, now) {
		return true
	}
	i.stats.count(func(st *Stats) { st.FramesDropped++ })
	i.obs.warn(i.strange(name, connection))
	return false
}

// strange returns the warning about a message that is not of its sender.
func (i *intake) strange(name string, connection int) error {
	who, from := "the sender that is served", i.from(connection)
	if from == "" {
		from = "another connection"
	}
	if name != "" {
		who = "the sender that uses port " + name
	}
	return fmt.Errorf("netgear: %w: a message from %s, while %s goes on: want one sender for a port (several: multiserver-mode=true, each with its own of ports)",
		ErrIntruder, from, who)
}

// nameOf returns the name by which a sender is told from others.
func (i *intake) nameOf(h *wire.Header) string {
	if i.cfg.MultiServer {
		return h.Port
	}
	return ""
}

// checkName returns what is wrong with the name that a sender gives itself, or nil.
func (i *intake) checkName(h *wire.Header) error {
	if !i.cfg.MultiServer {
		return nil
	}
	n, err := strconv.ParseUint(h.Port, 10, 16)
	if err != nil || !slices.Contains(i.ports, uint(n)) {
		return fmt.Errorf("%w: sender with port %q: want one of ports=%s, and multiserver-mode=true there", wire.ErrMalformed, h.Port, i.cfg.Ports)
	}
	return nil
}
