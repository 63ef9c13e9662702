package netgear

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// This file is what the wires of other programs need beyond NetGear's own: see
// Config.Wire and wire.Foreign.

// wireNames is in the order of the numbers of wire.Wire.
var wireNames = [...]string{
	wire.Auto: "auto", wire.NetGear: "netgear", wire.ImageZMQ: "imagezmq",
	wire.JPEG: "jpeg", wire.LeRobot: "lerobot", wire.Array: "array",
}

// checkWire returns an error for settings that the messages of a wire cannot carry.
func (c *Config) checkWire(role Role) error {
	if c.Wire == wire.Auto && role == SenderRole {
		return fmt.Errorf("netgear: %w: wire=auto at the end that sends, which has nobody to go by: want wire=netgear, imagezmq, jpeg, lerobot or array", ErrSettings)
	}
	f := c.Wire.Foreign()
	if f == nil {
		return nil
	}
	for _, r := range []struct {
		bad  bool
		text string
	}{
		{c.Pattern == wire.Pair, "pattern=pair: want pattern=req-rep or pub-sub"},
		{c.Pattern == wire.ReqRep && c.Wire == wire.LeRobot, "pattern=req-rep: want pattern=pub-sub"},
		{c.Bidirectional, "bidirectional-mode=true, whose answers carry nothing: want wire=netgear"},
		{c.MultiClient, "multiclient-mode=true: want wire=netgear, or pattern=pub-sub with bind=true at the sink, which any number of receivers connect to"},
		{c.MultiServer && !f.Named(), "multiserver-mode=true, whose messages do not name their sender: want one source for each sender"},
		{c.Message != "" && !f.Named(), fmt.Sprintf("message=%.40q, whose messages have no room for it: want wire=netgear or imagezmq", c.Message)},
	} {
		if r.bad {
			return fmt.Errorf("netgear: %w: wire=%s with %s", ErrSettings, wireNames[c.Wire], r.text)
		}
	}
	return nil
}

// namedSenders reports whether one port of a Receiver serves several senders, which
// their messages name.
func (c *Config) namedSenders(role Role) bool {
	return c.MultiServer && role == ReceiverRole && c.Ports == "" && c.Wire.Named()
}

// pushSocket is the type of sockets that LeKiwi's host and some scripts send from. They
// are received as what publishes is: nothing is confirmed.
const pushSocket = "PUSH"

// mayPull reports whether an end connects to senders that either publish or push; it
// looks which. It must be told the wire: NetGear has no socket that pushes.
func (c *Config) mayPull(role Role) bool {
	return role == ReceiverRole && c.Pattern == wire.PubSub && !c.Bind && c.Wire.Foreign() != nil
}

// pull has the owner of the socket make one that fits a sender's socket of that type
// (empty: not known). It reports whether the sender pushes.
func (s *scout) pull(socket string) bool {
	pushes := socket == pushSocket
	if socket != "" && s.alarm.pull.Swap(pushes) != pushes {
		s.log.Debug("the sender's socket needs another one here", "socket", socket)
		s.alarm.announce()
	}
	return pushes
}

// typeDiffers reports whether the socket must be rebuilt as one of another type.
func (s *socket) typeDiffers() bool { return s.watch.alarm.pull.Load() != s.pulls }

// ownName returns the value by which a Sender names itself where Config.Message is
// empty: the name of this machine, as imagezmq's programs do. LeRobot's cameras have a
// name of their own.
func ownName(w wire.Wire) wire.Raw {
	if w != wire.ImageZMQ {
		return nil
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	return wire.ValueFromText(`"` + name + `"`)
}

// tongues remembers whose messages each connection speaks, for a Receiver that goes by
// the first message of each sender. Safe for concurrent use.
//
// A message can be read after its connection has ended, when the number of that
// connection belongs to another sender already. So what is remembered can be wrong, and
// is forgotten after a few messages in a row that do not fit.
type tongues struct {
	mu sync.Mutex
	of map[int]tongue
}

type tongue struct {
	wire   wire.Wire
	misfit int // messages in a row that are not of this wire
}

// Limits of tongues.
const (
	maxMisfits = 3
	maxTongues = 1 << 17 // far more than connections at once
)

// get returns Auto for a connection that has not said anything with a meaning yet.
func (t *tongues) get(connection int) tongue {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of[connection]
}

func (t *tongues) learn(connection int, w wire.Wire) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) >= maxTongues {
		t.of = map[int]tongue{}
	}
	t.of[connection] = tongue{wire: w}
}

// misfit notes a message that is not of the wire that its sender speaks.
func (t *tongues) misfit(connection int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.of[connection]
	if g.misfit++; ok && g.misfit < maxMisfits {
		t.of[connection] = g
	} else {
		delete(t.of, connection)
	}
}

// forget notes that a connection has ended or begun: its number may belong to another
// sender now.
func (t *tongues) forget(connection int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, connection)
}

// partsOf returns the parts of a message. Parts that were not kept are there, and
// empty.
func (i *intake) partsOf(head, body *zmsg.Message, more []zmsg.Message, parts int) [][]byte {
	i.parts = append(i.parts[:0], head.Bytes())
	if parts > 1 {
		i.parts = append(i.parts, body.Bytes())
	}
	for n := range min(parts-2, wire.MaxCameras) {
		var b []byte
		if n < len(more) {
			b = more[n].Bytes()
		}
		i.parts = append(i.parts, b)
	}
	return i.parts
}

// wireOf returns whose message this is: Auto where the sender has not said, and this
// message does not say either.
func (i *intake) wireOf(connection int, head, body *zmsg.Message, more []zmsg.Message, parts int) wire.Wire {
	if i.cfg.Wire != wire.Auto {
		return i.cfg.Wire
	}
	i.known = i.tongues.get(connection)
	if i.known.wire != wire.Auto {
		return i.known.wire
	}
	w := wire.Detect(i.partsOf(head, body, more, parts))
	if w == wire.NetGear {
		w = wire.Auto // unless it makes sense: see heard
	}
	return w
}

// heard takes note of what judging a message of wire w came to.
func (i *intake) heard(connection int, w wire.Wire, bad error) {
	if i.cfg.Wire != wire.Auto {
		return
	}
	switch known := i.known.wire != wire.Auto; {
	case bad == nil && (!known || i.known.misfit > 0):
		if w == wire.Auto {
			w = wire.NetGear
		}
		i.tongues.learn(connection, w)
	case bad != nil && known:
		i.tongues.misfit(connection)
	}
}

// parse returns the pictures of a message of a foreign wire. They are valid until the
// next call.
func (i *intake) parse(w wire.Wire, parts [][]byte) ([]wire.Picture, error) {
	all, err := w.Foreign().Parse(i.pictures[:0], parts)
	if cap(all) >= cap(i.pictures) {
		i.pictures = all[:0]
	}
	return all, err
}

// judgeForeign parses a message of a foreign wire that always has one picture. It
// leaves the data in body.
func (i *intake) judgeForeign(connection int, w wire.Wire, head, body *zmsg.Message, parts int, h *wire.Header) error {
	all, err := i.parse(w, i.partsOf(head, body, nil, parts))
	i.heard(connection, w, err)
	if err != nil {
		return err
	}
	*h = all[0].Header
	if all[0].Part == 0 {
		body.Take(head)
	}
	return i.checkForeign(h, body.Len())
}

// checkForeign returns what is wrong with a picture of size bytes, or nil.
func (i *intake) checkForeign(h *wire.Header, size int) error {
	if err := i.checkName(h); err != nil {
		return err
	}
	return i.checkSize(size)
}

// unpack makes an arrival of each picture of the message in a, which it takes over.
// l.more has the parts behind the second.
func (l *latest) unpack(w wire.Wire, a *arrival, connection int, parts [][]byte) []*arrival {
	all, err := l.intake.parse(w, parts)
	l.intake.heard(connection, w, err)
	if err != nil {
		l.stats.take(1)
		l.intake.malformed(err)
		l.recycle(a)
		return nil
	}
	l.stats.take(len(all))
	now := time.Now()
	l.got = l.got[:0]
	for i := range all {
		b := a
		if len(all) > 1 {
			b = l.fresh()
		}
		if err := l.fill(b, a, &all[i]); err != nil {
			l.intake.malformed(err)
		} else if l.intake.admits(&b.header, connection, now) {
			l.accept(b, connection, now)
			continue
		}
		l.recycle(b)
	}
	if len(all) != 1 {
		l.recycle(a)
	}
	return l.got
}

// fill makes b the arrival of a picture of the message in a, which may be b itself.
func (l *latest) fill(b, a *arrival, p *wire.Picture) error {
	in := l.intake
	b.header = p.Header
	if p.Part < 0 {
		size := wire.Base64Len(p.Base64)
		if err := in.checkForeign(&b.header, size); err != nil {
			return err
		}
		if err := b.body.Make(size); err != nil {
			return fmt.Errorf("%w: %d bytes: %w", wire.ErrMalformed, size, err)
		}
		if err := wire.DecodeBase64(b.body.Bytes(), p.Base64); err != nil {
			return err
		}
	} else {
		from := &a.head
		switch {
		case p.Part == 1:
			from = &a.body
		case p.Part > 1:
			from = &l.more[p.Part-2]
		}
		if from != &b.body {
			b.body.Take(from)
		}
	}
	if a != b && b.header.Message != nil {
		if err := b.head.SetCopy(b.header.Message); err != nil {
			return fmt.Errorf("%w: %w", wire.ErrMalformed, err)
		}
		b.header.Message = b.head.Bytes()
	}
	if err := in.checkForeign(&b.header, b.body.Len()); err != nil {
		return err
	}
	return b.header.Check(b.body.Bytes(), in.cfg.MaxFrameSize)
}

// send passes the frame to the socket.
func (fl *flying) send(sock exchange) error {
	switch fl.form {
	case wire.DataAlone:
		return sock.SendData(&fl.data)
	case wire.HeadAlone:
		return sock.Send(fl.head, nil)
	case wire.HeadAndData:
	}
	return sock.Send(fl.head, &fl.data)
}

// loadForeign is load for a foreign wire.
func (s *Sender) loadForeign(fl *flying, f *Frame, now time.Time) error {
	h := &f.Header
	if len(h.Message) == 0 || string(h.Message) == "null" {
		h.Message = s.message
	}
	taken := h.Ext
	s.setTimes(&h.Ext, f.Captured, now)
	fl.head = s.foreign.Append(fl.head[:0], h, f.Payload.Bytes)
	h.Ext.Taken, h.Ext.HasTaken = taken.Taken, taken.HasTaken // as the caller gave them
	fl.at, fl.seq, fl.key, fl.late, fl.form = time.Time{}, s.seq, true, false, s.foreign.Form()
	if fl.form == wire.HeadAlone {
		f.Payload.Release()
		return nil
	}
	return fl.take(&f.Payload)
}
