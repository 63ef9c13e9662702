package netgear

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// tailGrace is kept between the last frame and the goodbye. A Python receiver
// drops what it has queued when the goodbye comes, and its reading thread is a
// moment ahead of the program; without the pause the last frames are lost.
const tailGrace = 250 * time.Millisecond

// leaveGrace is how long a Sender that is about to end waits for a receiver
// that is not there: several times what a lost connection takes to come back.
const leaveGrace = 5 * reconnectInterval

// Sender sends frames and waits for their confirmations, as the NetGear Server
// does; a Receiver is its counterpart. When a confirmation stays away it
// rebuilds the connection and sends the frame again (Lazy Pirate), until
// MaxRetries timeouts came in a row.
//
// Send, Finish and Close are for one goroutine at a time, Stats, Peers,
// CurrentPort and Leave for any.
type Sender struct {
	cfg    Config
	obs    Observer
	row    patternRow
	busy   atomic.Bool
	closed bool

	conn   *conn
	pirate pirate
	failed error // why nothing can be sent any more

	// The frames that are not confirmed yet, oldest first, in a ring: count of
	// them from first on, of which the first sent are with the present socket.
	ring               []flying
	first, count, sent int

	keys      keyFrames
	seq       uint64
	message   wire.Raw // Config.Message
	lastFrame time.Time
	reply     zmsg.Message // the parts of an answer
	array     zmsg.Message
	extra     zmsg.Message
	lossTold  bool      // the present outage has been reported
	alone     time.Time // since when nobody is there, once the stream is to end

	current atomic.Pointer[conn] // conn, for Leave
	port    atomic.Uint64
	peers   *peerTable
	stats   counters
}

// flying is a frame on its way.
type flying struct {
	head []byte
	data zmsg.Message
	at   time.Time // given to the socket first
	key  bool      // needs no frame before it
}

// NewSender opens a Sender. It returns at once, whether or not anybody is
// there. Errors wrap ErrSettings, ErrInUse, ErrNoAddress or ErrOpen.
func NewSender(cfg Config, obs Observer) (*Sender, error) {
	if err := cfg.Validate(SenderRole); err != nil {
		return nil, err
	}
	s := &Sender{
		cfg: cfg, obs: obs, row: patternRows[cfg.Pattern], pirate: pirate{limit: cfg.MaxRetries},
		ring: make([]flying, cfg.InFlight), message: wire.ValueFromText(cfg.Message), peers: newPeerTable(),
	}
	s.obs.PeerAdded = func(endpoint string) {
		s.keys.joined(s.row.confirmed)
		if obs.PeerAdded != nil {
			obs.PeerAdded(endpoint)
		}
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Sender) open() (err error) {
	if s.conn, err = open(&s.cfg, SenderRole, &s.obs, s.peers); err != nil {
		return err
	}
	s.current.Store(s.conn)
	s.port.Store(uint64(s.conn.ports[0]))
	return nil
}

// Leave tells that the stream is about to end, until Finish has ended it: where
// no receiver is connected, nor comes within half a second, Send and Finish do
// not wait for one any longer. Frames are given up then, as FramesDropped has
// it, without an error.
func (s *Sender) Leave() {
	if c := s.current.Load(); c != nil {
		c.leaving.Store(true)
		c.waker.Wake()
	}
}

// leaveBy returns until when to wait for a receiver that is not there; zero: as
// long as it takes.
func (s *Sender) leaveBy() time.Time {
	if !s.conn.leaving.Load() || s.peers.count() > 0 {
		s.alone = time.Time{}
		return time.Time{}
	}
	if s.alone.IsZero() {
		s.alone = time.Now()
	}
	return s.alone.Add(leaveGrace)
}

// gone says whether it is time to end without a receiver.
func (s *Sender) gone() bool {
	by := s.leaveBy()
	return !by.IsZero() && !time.Now().Before(by)
}

// CurrentPort returns the port that is bound or connected to.
func (s *Sender) CurrentPort() uint { return uint(s.port.Load()) }

// Peers returns the number of connected peers.
func (s *Sender) Peers() int { return s.peers.count() }

// Stats returns the counters. It never waits for the stream.
func (s *Sender) Stats() Stats { return s.stats.snapshot(&s.cfg, s.peers) }

// Send sends one frame and waits until fewer than InFlight frames are
// unconfirmed. It takes over the payload, whatever it returns.
//
// When ctx ends before the frame was taken, the error is ctx's; once it was
// taken the result is nil, and a later Send or Finish sees to its
// confirmation. An error that wraps ErrAbandoned is final.
func (s *Sender) Send(ctx context.Context, f *Frame) error {
	if !s.busy.CompareAndSwap(false, true) {
		f.Payload.Release()
		return ErrBusy
	}
	defer s.busy.Store(false)
	begin := time.Now()
	if err := tooLong("message", f.Header.Message); err != nil {
		f.Payload.Release()
		return err
	}
	if err := s.makeRoom(ctx); err != nil {
		f.Payload.Release()
		return err
	}
	size := uint64(len(f.Payload.Bytes))
	if !s.admit(f, begin) {
		f.Payload.Release()
		s.stats.count(func(st *Stats) { st.Frames++; st.Bytes += size; st.FramesDropped++ })
		return nil
	}
	fl := &s.ring[(s.first+s.count)%len(s.ring)]
	if err := s.load(fl, f, begin); err != nil {
		return err
	}
	s.stats.count(func(st *Stats) { st.Frames++; st.Bytes += size })
	s.seq++
	s.count++
	if !s.row.confirmed {
		err := s.publish(fl)
		s.stats.count(func(st *Stats) { st.SendBlock += time.Since(begin) })
		return err
	}
	err := s.deliver(ctx, len(s.ring)-1)
	s.stats.count(func(st *Stats) { st.SendBlock += time.Since(begin) })
	if err != nil && errors.Is(err, ctx.Err()) {
		return nil // the frame is ours, and its confirmation is seen to later
	}
	return err
}

// makeRoom sees that the sender is open and may take a frame.
func (s *Sender) makeRoom(ctx context.Context) error {
	switch {
	case s.closed:
		return ErrClosed
	case s.failed != nil:
		return s.failed
	}
	if s.conn == nil { // after a goodbye
		if err := s.open(); err != nil {
			return err
		}
	}
	return s.deliver(ctx, len(s.ring)-1)
}

// deliver is settle, and takes note of an error that is final.
func (s *Sender) deliver(ctx context.Context, n int) error {
	err := s.conn.failed()
	if err == nil && s.conn.isFull() {
		s.conn.tellFull()
		err = s.rebuild(ctx, time.Now().Add(s.cfg.RequestTimeout))
	}
	if err == nil {
		err = s.settle(ctx, n)
	}
	if s.conn != nil && s.failed == nil {
		if s.failed = s.conn.failed(); s.failed != nil {
			s.discard()
			return s.failed
		}
	}
	return err
}

// load fills fl from f and takes over its payload.
func (s *Sender) load(fl *flying, f *Frame, now time.Time) error {
	h := &f.Header
	h.Pattern = s.cfg.Pattern
	h.Port = s.name()
	if !h.HasMessage {
		h.Message = s.message
	}
	if h.HasExt = s.cfg.Extensions; h.HasExt {
		h.Ext.Seq, h.Ext.HasSeq = s.seq, true
		h.Ext.T, h.Ext.HasT = now.UnixNano(), true
	}
	fl.head = wire.AppendHeader(fl.head[:0], h)
	fl.at, fl.key = time.Time{}, !h.Ext.Delta
	b, free, owner := f.Payload.Detach()
	var err error
	if free == nil {
		err = fl.data.SetCopy(b)
	} else {
		err = fl.data.SetForeign(b, free, owner)
	}
	if err != nil {
		return fmt.Errorf("netgear: %w: frame of %d bytes: %w", ErrTransport, len(b), err)
	}
	return nil
}

// name is how a multi-server receiver tells this sender from others.
func (s *Sender) name() string {
	if s.cfg.MultiServer {
		return strconv.FormatUint(uint64(s.cfg.Port), 10)
	}
	return ""
}

// publish sends a frame that nobody confirms.
func (s *Sender) publish(fl *flying) error {
	if s.conn.givenUp() {
		if err := s.rebuild(s.conn.ctx, time.Now()); err != nil {
			return err
		}
	}
	// Has libzmq take in what subscribers have read; otherwise it does so once
	// in a millisecond or two, and drops what comes in between.
	if _, err := s.conn.data.Wait(zmsg.Out, s.conn.waker, time.Unix(0, 0)); err != nil {
		return fmt.Errorf("netgear: %w: poll: %w", ErrTransport, err)
	}
	err := s.conn.data.Send(fl.head, &fl.data)
	s.lastFrame = time.Now()
	s.sent++
	s.pop()
	if err != nil {
		s.stats.count(func(st *Stats) { st.FramesDropped++ })
		return fmt.Errorf("netgear: %w: send: %w", ErrTransport, err)
	}
	s.peers.frame("")
	return nil
}

// pop forgets the oldest frame that was sent.
func (s *Sender) pop() {
	s.ring[s.first].data.Close()
	s.first = (s.first + 1) % len(s.ring)
	s.count--
	s.sent--
}

// settle sends what is not sent yet and waits until no more than n frames are
// unconfirmed. This is the whole of the Lazy Pirate.
func (s *Sender) settle(ctx context.Context, n int) error {
	if s.count <= n && s.sent == s.count {
		return nil
	}
	if s.sent == 0 && s.conn.isLost() {
		s.conn.clearLost() // nothing was in it
		s.tellLoss()
	}
	deadline := time.Now().Add(s.cfg.RequestTimeout)
	var rebuildAt time.Time // zero: the connection is good as far as we know
	var probe probing
	for {
		want, err := s.transmit()
		if err != nil {
			s.conn.log.Debug("send failed", "error", err)
			rebuildAt = s.conn.built.Add(reconnectInterval)
		}
		if s.count <= n && s.sent == s.count {
			return nil
		}
		if s.gone() {
			s.conn.log.Debug("the stream ends and nobody is there", "frames", s.count)
			s.discard()
			return nil
		}
		if _, err := s.conn.wait(ctx, want, earliest(deadline, rebuildAt, probe.at, s.leaveBy())); err != nil {
			return err
		}
		acked, err := s.collect()
		if err != nil {
			return err
		}
		now := time.Now()
		if acked {
			s.pirate.succeeded()
			s.lossTold = false
			deadline = now.Add(s.cfg.RequestTimeout)
			probe = probing{}
		}
		if s.conn.isLost() {
			s.conn.clearLost()
			if s.sent > 0 {
				s.tellLoss()
				if s.cfg.Bind {
					s.sent = 0 // the pipe went with the peer; the next one gets the frames
				} else if rebuildAt.IsZero() {
					// A socket that reconnects by itself keeps what it has not
					// sent and loses what it has: only a new one is certain.
					rebuildAt = s.conn.built.Add(reconnectInterval)
				}
			}
		}
		if s.conn.isFull() {
			s.conn.tellFull()
			rebuildAt = now
		}
		if s.conn.givenUp() {
			rebuildAt = now
		}
		switch {
		case !now.Before(deadline):
			if err := s.timedOut(); err != nil {
				return err
			}
			deadline = now.Add(s.cfg.RequestTimeout)
			if s.cfg.Pattern == wire.Pair && !s.cfg.Bind {
				probe = newProbing(now, s.cfg.RequestTimeout)
			}
		case !rebuildAt.IsZero() && !now.Before(rebuildAt):
		case probe.due(now, s.peers.count() > 0):
			s.conn.log.Debug("no confirmation over the new connection: trying another")
		default:
			continue
		}
		if err := s.rebuild(ctx, deadline); err != nil {
			return err
		}
		rebuildAt = time.Time{}
	}
}

// probing is what a pair sender does after a timeout. The other end's PAIR
// socket refuses a connection as long as it holds the old one, and does so
// without a word: the new one stands, and what is sent into it is lost. So
// short attempts are made before one that lasts half of the timeout, for a
// frame that takes long on its way. It has no clock and no socket.
type probing struct {
	at    time.Time // of the next attempt; zero: none
	slots []time.Duration
}

func newProbing(now time.Time, timeout time.Duration) probing {
	p := probing{slots: []time.Duration{timeout / 16, timeout / 8, timeout / 4}}
	p.at = now.Add(p.slots[0])
	return p
}

// due says whether to try another connection at now. One that is not even made
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

// earliest returns the first of some times, of which zero ones do not count.
func earliest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// transmit gives the socket what it does not have yet, as far as it takes it,
// and returns what to wait for.
func (s *Sender) transmit() (want zmsg.Events, err error) {
	for s.sent < s.count {
		fl := &s.ring[(s.first+s.sent)%len(s.ring)]
		switch err := s.conn.data.Send(fl.head, &fl.data); {
		case errors.Is(err, zmsg.ErrAgain):
			return zmsg.In | zmsg.Out, nil
		case err != nil:
			return zmsg.In, err
		}
		if fl.at.IsZero() {
			fl.at = time.Now()
		}
		s.sent++
	}
	return zmsg.In, nil
}

// collect takes in the confirmations that are there.
func (s *Sender) collect() (acked bool, err error) {
	// A REQ socket must not be asked for an answer that it does not wait for;
	// a PAIR socket is rid of answers that nobody waits for.
	for s.sent > 0 || s.cfg.Pattern == wire.Pair {
		// An array comes in a second part.
		parts, err := receiveParts(s.conn.data, &s.reply, &s.array, &s.extra)
		if parts == 0 && errors.Is(err, zmsg.ErrAgain) {
			return acked, nil
		}
		if err != nil {
			return acked, fmt.Errorf("netgear: %w: receive: %w", ErrTransport, err)
		}
		port := ""
		if s.cfg.answers() {
			port = s.tellReply(parts)
		} else if parts != 1 {
			s.malformed(fmt.Errorf("confirmation in %d parts: want 1: %w", parts, wire.ErrMalformed))
		}
		if s.sent > 0 {
			s.keys.confirmed(s.ring[s.first].key, !s.cfg.answers(), s.reply.Bytes())
		}
		s.reply.Close()
		s.array.Close()
		if s.sent > 0 {
			s.lastFrame = time.Now()
			s.stats.ack(s.lastFrame.Sub(s.ring[s.first].at))
			s.peers.frame(port)
			s.pop()
			acked = true
		}
	}
	return acked, nil
}

// tellReply passes on what a receiver answered, and returns who it says it is.
// An answer that makes no sense confirms its frame all the same.
func (s *Sender) tellReply(parts int) (port string) {
	var r wire.Reply
	bad := wire.ParseReply(s.reply.Bytes(), &r)
	want := 1
	if r.Array {
		want = 2
	}
	switch {
	case bad == nil && !r.JSON:
		bad = fmt.Errorf("answer of text: want the receiver in bidirectional or multi-client mode too: %w", wire.ErrMalformed)
	case bad == nil && parts != want:
		bad = fmt.Errorf("answer of type %q in %d parts: want %d: %w", r.ReturnType, parts, want, wire.ErrMalformed)
	}
	if bad != nil {
		s.malformed(bad)
		return ""
	}
	port = strings.Clone(r.Port)
	if s.obs.Reply == nil {
		return port
	}
	var array Payload
	if r.Array {
		b, free, owner := s.array.Detach()
		array = ForeignPayload(b, free, owner)
	}
	s.obs.Reply(&r, array)
	return port
}

func (s *Sender) malformed(bad error) {
	s.stats.count(func(st *Stats) { st.FramesMalformed++ })
	s.obs.warn(fmt.Errorf("netgear: answer dropped: %w", bad))
}

func (s *Sender) tellLoss() {
	if !s.lossTold {
		s.lossTold = true
		s.obs.warn(fmt.Errorf("netgear: %w: the receiver at %s went away: reconnecting", ErrPeerLost, s.conn.endpoints()))
	}
}

// timedOut counts a timeout, and returns an error when it was the last one.
func (s *Sender) timedOut() error {
	s.stats.count(func(st *Stats) { st.AckTimeouts++ })
	endpoint := s.conn.endpoints()
	why := ErrNoReply
	if trouble := s.conn.trouble(); trouble != nil {
		why = fmt.Errorf("%w: %w", trouble, why)
	}
	if !s.pirate.timedOut() {
		s.obs.warn(fmt.Errorf("netgear: %w from %s within %v (timeout %d in a row, %s): reconnecting",
			why, endpoint, s.cfg.RequestTimeout, s.pirate.missed, s.peers.presence()))
		return nil
	}
	s.failed = fmt.Errorf("netgear: %w: %w from %s in %d x %v: max-retries=%d is used up (%s)",
		ErrAbandoned, why, endpoint, s.pirate.missed, s.cfg.RequestTimeout, s.cfg.MaxRetries, s.peers.presence())
	s.discard()
	return s.failed
}

// rebuild replaces the connection; all frames in flight are to be sent again.
func (s *Sender) rebuild(ctx context.Context, until time.Time) error {
	s.stats.count(func(st *Stats) { st.Reconnects++ })
	s.sent = 0
	if err := s.conn.rebuild(ctx, until); err != nil {
		if ctx.Err() == nil {
			s.failed = err
		}
		s.discard()
		_ = s.conn.close(0)
		s.conn = nil
		return err
	}
	return nil
}

// discard gives up the frames in flight.
func (s *Sender) discard() {
	s.stats.count(func(st *Stats) { st.FramesDropped += uint64(s.count) }) //nolint:gosec // never negative
	for s.count > 0 {
		s.sent = max(s.sent, 1)
		s.pop()
	}
	s.sent = 0
}

// Finish waits for the last confirmations, says goodbye as NetGear does and
// sees that this is on its way, for a fifth of RequestTimeout at the most
// beyond the confirmations. The connection is closed then; another Send opens
// it again. When ctx ends first, its error is returned and Finish can be
// called again.
func (s *Sender) Finish(ctx context.Context) error {
	if !s.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer s.busy.Store(false)
	if s.closed || s.failed != nil || s.conn == nil {
		return s.failed
	}
	if s.row.confirmed {
		if err := s.deliver(ctx, 0); err != nil {
			return err
		}
	}
	if s.gone() {
		_ = s.conn.close(0)
		s.conn = nil
		return nil
	}
	if !s.lastFrame.IsZero() {
		if err := sleep(ctx, time.Until(s.lastFrame.Add(tailGrace))); err != nil {
			return err
		}
	}
	until := earliest(time.Now().Add(s.cfg.RequestTimeout/5), s.leaveBy()) // NetGear's wait
	if s.cfg.MultiServer && s.row.confirmed && s.Stats().AcksReceived == 0 {
		// NetGear's receiver does not know us yet and would never answer, nor
		// anybody else from then on.
		_ = s.conn.close(0)
		s.conn = nil
		return nil
	}
	if err := s.goodbye(ctx, until); err != nil {
		return err
	}
	done := s.conn.close(max(time.Until(until), reconnectInterval))
	s.conn = nil
	select {
	case <-done: // what was queued has gone to the kernel
	case <-ctx.Done():
	}
	return nil
}

// goodbye sends the terminate message and waits for its answer where there is
// one. That nobody takes it until then is no error.
func (s *Sender) goodbye(ctx context.Context, until time.Time) error {
	if s.cfg.Pattern == wire.PubSub {
		// Have the socket wait for room instead of dropping the goodbye behind
		// the last frame. A PUB socket takes this option of XPUB.
		if err := s.conn.sock.SetXpubNodrop(true); err != nil {
			s.conn.log.Warn("setting XPUB_NODROP", "error", err)
		}
	}
	turns := 1
	if s.cfg.Pattern == wire.ReqRep && s.cfg.MultiClient {
		turns = s.peers.count() // as frames, goodbyes go round
	}
	for range turns {
		if err := s.terminate(ctx, until); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) terminate(ctx context.Context, until time.Time) error {
	terminate := wire.AppendTerminate(nil, s.name())
	for {
		err := s.conn.data.Send(terminate, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, zmsg.ErrAgain) || !time.Now().Before(until) {
			s.conn.log.Debug("nobody took the goodbye", "error", err)
			return nil
		}
		if _, err := s.conn.wait(ctx, zmsg.Out, until); err != nil {
			return err
		}
		s.conn.clearLost()
	}
	if !s.row.confirmsTerminate {
		return nil
	}
	for {
		ev, err := s.conn.wait(ctx, zmsg.In, until)
		if err != nil || ev&zmsg.In == 0 {
			return err
		}
		_, err = s.conn.data.Recv(&s.reply) // which frees a REQ socket for the next one
		s.reply.Close()
		if !errors.Is(err, zmsg.ErrAgain) { // it was the answer to an earlier request
			return err
		}
	}
}

// Reject counts a frame that the caller does not send, or an array that it does
// not take, since it is malformed.
func (s *Sender) Reject() { s.stats.count(func(st *Stats) { st.FramesMalformed++ }) }

// Close ends the sender without a goodbye and without waiting: what is not
// confirmed is given up. After it every call but Stats returns ErrClosed.
func (s *Sender) Close() error {
	if !s.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer s.busy.Store(false)
	if s.closed {
		return nil
	}
	s.closed = true
	s.discard()
	if s.conn != nil {
		_ = s.conn.close(0)
		s.conn = nil
	}
	s.port.Store(0)
	return nil
}
