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

	tongues  *tongues
	spoken   wire.Wire      // of the message that was judged last
	known    tongue         // what its sender spoke before
	pictures []wire.Picture // of a foreign wire, for reuse
	parts    [][]byte       // likewise
}

func newIntake(e *end) *intake {
	return &intake{cfg: &e.cfg, ports: e.conn.ports, owners: e.conn.owners, from: e.conn.from, stats: &e.stats, obs: &e.obs, tongues: e.conn.tongues}
}

// receiveParts receives one whole message and returns the number of its parts. The
// parts behind the second go into behind, up to its capacity, or nowhere, through rest.
func receiveParts(sock exchange, head, body, rest *zmsg.Message, behind *[]zmsg.Message) (n int, err error) {
	body.Close()
	more, err := sock.Recv(head)
	if err != nil {
		return 0, err
	}
	for n = 1; more; n++ {
		m := rest
		switch {
		case n == 1:
			m = body
		case behind != nil && len(*behind) < cap(*behind):
			*behind = (*behind)[:len(*behind)+1]
			m = &(*behind)[n-2]
		}
		if more, err = sock.Recv(m); err != nil {
			return n, err
		}
	}
	rest.Close()
	return n, nil
}

// judge parses a message that must have one picture at the most. It returns nil for a
// frame or a goodbye, else what is wrong.
func (i *intake) judge(connection int, head, body *zmsg.Message, parts int, h *wire.Header) error {
	i.spoken = i.wireOf(connection, head, body, nil, parts)
	if i.spoken == wire.LeRobot { // several pictures in one message cannot be confirmed one by one
		i.spoken = wire.Auto
	}
	if i.spoken.Foreign() != nil {
		return i.judgeForeign(connection, i.spoken, head, body, parts, h)
	}
	return i.judgeOwn(connection, head, body, parts, h)
}

// judgeOwn is judge for NetGear's wire.
func (i *intake) judgeOwn(connection int, head, body *zmsg.Message, parts int, h *wire.Header) error {
	err := wire.ParseHeader(head.Bytes(), h)
	i.heard(connection, i.spoken, err)
	if err != nil {
		return err
	}
	if err := i.checkName(h); err != nil || h.Terminate {
		return err
	}
	if parts != 2 {
		return fmt.Errorf("%w: %d parts: want a header and a data part", wire.ErrMalformed, parts)
	}
	return i.checkSize(body.Len())
}

// checkSize returns an error for a data part that is too large.
func (i *intake) checkSize(size int) error {
	if uint64(size) > i.cfg.MaxFrameSize { //nolint:gosec // never negative
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
	name := i.ownerOf(h)
	if i.owners.admits(name, connection, now) {
		return true
	}
	i.stats.count(func(st *Stats) { st.FramesDropped++ })
	i.obs.warn(i.strange(name, connection))
	return false
}

// strange returns the warning about a message that is not of its sender.
func (i *intake) strange(name string, connection int) error {
	who, from, how := "the sender that is served", i.from(connection), "each with its own of ports"
	if from == "" {
		from = "another connection"
	}
	named := i.spoken.Named()
	if named {
		how = "wire=" + wireNames[i.spoken] + ", each with its own name"
	}
	switch {
	case name != "" && named:
		who = fmt.Sprintf("the sender that has the name %.64q", name)
	case name != "":
		who = "the sender that uses port " + name
	}
	return fmt.Errorf("netgear: %w: a message from %s, while %s goes on: want one sender for a port (several: multiserver-mode=true, %s)",
		ErrIntruder, from, who, how)
}

// ownerOf returns the name by which a sender is told from others.
func (i *intake) ownerOf(h *wire.Header) string {
	if i.cfg.MultiServer {
		return h.Port
	}
	return ""
}

// nameOf returns the name by which a stream is told from others: that of its sender, or
// of one of the sender's cameras.
func (i *intake) nameOf(h *wire.Header) string {
	if h.Name == wire.ByCamera {
		return h.Port
	}
	return i.ownerOf(h)
}

// checkName returns what is wrong with the name that a sender gives itself, or nil.
func (i *intake) checkName(h *wire.Header) error {
	if !i.cfg.MultiServer || h.Name != wire.ByPort {
		return nil
	}
	n, err := strconv.ParseUint(h.Port, 10, 16)
	if err != nil || !slices.Contains(i.ports, uint(n)) {
		return fmt.Errorf("%w: sender with port %q: want one of ports=%s, and multiserver-mode=true there", wire.ErrMalformed, h.Port, i.cfg.Ports)
	}
	return nil
}
