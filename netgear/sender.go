package netgear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/window"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// tailGrace is the time between the last frame and the goodbye. A Python receiver
// drops what it has queued when the goodbye comes, and its reading thread is a
// moment ahead of its program. Without the pause the last frames are lost.
const tailGrace = 250 * time.Millisecond

// goodbyeGrace is how long a goodbye may take to leave this machine while a peer is
// connected. That is far longer than it takes, even on a busy machine.
const goodbyeGrace = time.Second

// Sender sends frames and waits for their confirmations, as the NetGear Server does;
// its counterpart is a Receiver. When a confirmation is overdue, it rebuilds the
// connection and sends the frame again (Lazy Pirate), until MaxRetries timeouts came
// in a row.
//
// One goroutine at a time may call Send, Shed, Finish and Close. Any goroutine may call
// Stats, Peers, CurrentPort, EstimatedBitrate and Leave.
type Sender struct {
	end
	failed  error        // why nothing can be sent any more
	foreign wire.Foreign // nil: NetGear's own wire

	// The unconfirmed frames, oldest first, in a ring: there are count of them,
	// starting at first. The first sent of them were sent over the present socket.
	ring               []flying
	first, count, sent int

	pursuit   pursuit
	patience  patience
	fresh     freshness
	window    window.Window
	lockstep  lockstep
	steered   atomic.Bool // see SetSteered
	keys      keyFrames
	seq       uint64
	message   wire.Raw // Config.Message
	there     farClock
	asked     time.Time // when a frame last asked for times
	look      lookout
	times     wire.Times // of the last confirmation, so that its text is reused
	lastFrame time.Time
	reply     zmsg.Message // the parts of an answer
	array     zmsg.Message
	extra     zmsg.Message
	lossTold  bool // the present outage was reported
	// surplus counts answers that nobody asked for, since a frame that had none.
	// surplusThen is its value at the last confirmation.
	surplus, surplusThen int
	senseless            int // answers in a row that had no meaning

	current atomic.Pointer[conn] // conn, for Leave
}

// flying is a frame on its way.
type flying struct {
	head []byte
	data zmsg.Message
	at   time.Time // when the socket first got it
	seq  uint64
	key  bool // it needs no frame before it
	late bool // it was sent again: nobody knows what its confirmation confirms
	form wire.Form
	// alone says that none was unconfirmed when it was sent.
	alone bool
}

// NewSender opens a Sender. It returns at once, whether or not a peer is there.
// Errors wrap ErrSettings, ErrInUse, ErrNoAddress or ErrOpen.
func NewSender(cfg Config, obs Observer) (*Sender, error) {
	s := &Sender{}
	if err := s.init(&cfg, SenderRole, &obs); err != nil {
		return nil, err
	}
	s.window = window.New(s.inFlight())
	s.ring = make([]flying, cmp.Or(s.inFlight(), maxInFlight))
	s.message, s.foreign = wire.ValueFromText(cfg.Message), cfg.Wire.Foreign()
	if s.foreign != nil && s.message == nil {
		s.message = ownName(cfg.Wire)
	}
	s.SetWaitForConnection(cfg.WaitForConnection)
	s.obs.PeerAdded = func(endpoint string) {
		s.keys.joined(s.row.confirmed)
		if obs.PeerAdded != nil {
			obs.PeerAdded(endpoint)
		}
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.look.start(s)
	return s, nil
}

func (s *Sender) open() error {
	err := s.end.open()
	s.current.Store(s.conn)
	return err
}

// inFlight returns how many frames may be unconfirmed; 0: as many as the link needs.
func (s *Sender) inFlight() uint {
	if s.cfg.Pattern != wire.Pair {
		return 1
	}
	return s.cfg.InFlight
}

// SetWaitForConnection changes Config.WaitForConnection, from the next frame on. Any
// goroutine may call it.
func (s *Sender) SetWaitForConnection(m WaitMode) { s.patience.mode.Store(uint32(m)) }

// SetSteered tells the Sender that the encoder follows the link, as Observer.Confirmed
// and Peer show it. Encoded video of a live stream then waits for a slow link: for four
// seconds in the place of one before it goes on at the next key frame, since the encoder
// makes that good; and in pub-sub without encryption up to some 64 frames wait for a
// subscriber, which are lost otherwise, and Peer.Unsent has what waits. It holds from
// the next frame on. Any goroutine may call it.
func (s *Sender) SetSteered(on bool) { s.steered.Store(on) }

// Shed drops the frames that wait for a slow subscriber, where nothing is confirmed and
// nothing encrypted. The caller goes on with a key frame. Only the goroutine that calls
// Send may call it.
func (s *Sender) Shed() {
	if s.conn != nil {
		s.conn.door.Shed()
	}
}

// Leave announces that the stream is about to end, until Finish has ended it. From
// then on Send and Finish wait at most half a second for a receiver that is not
// connected, and four seconds for one that is connected and confirms nothing. After
// that they give frames up without an error; FramesDropped counts them. Any
// goroutine may call it.
func (s *Sender) Leave() {
	if c := s.current.Load(); c != nil {
		c.leave()
	}
}

// holdUntil returns when a frame must no longer make the caller wait for an absent
// receiver; the zero time means never.
func (s *Sender) holdUntil() time.Time {
	at := presence{opened: s.conn.opened, tried: s.cfg.Bind || s.conn.tried.Load()}
	at.peers, at.since = s.peers.presence()
	if t := s.conn.leaving.Load(); t != nil {
		at.leaving = *t
	}
	return s.patience.until(at)
}

// isAlone reports whether no peer has been there for longer than our own renewal
// takes.
func (s *Sender) isAlone(now time.Time) bool {
	n, since := s.peers.presence()
	return n == 0 && now.Sub(since) > 2*reconnectInterval
}

// isOut reports whether the time to wait for a receiver is over.
func (s *Sender) isOut(now time.Time) bool {
	by := s.holdUntil()
	return !by.IsZero() && !now.Before(by)
}

// EstimatedBitrate returns what Stats has under that name. It costs less than Stats.
// Any goroutine may call it.
func (s *Sender) EstimatedBitrate() uint64 { return s.stats.bitrate() }

// Send sends one frame and waits until fewer than InFlight frames are unconfirmed, or
// where that is 0 until another one would not wait for those before it.
// It takes over the payload, whatever it returns.
//
// Where the stream does not wait for an absent receiver (see
// Config.WaitForConnection), the frame takes the place of one that could not be
// sent, or is dropped itself. FramesDropped counts both, and the result is nil.
//
// A frame of a live stream that waited because Send was held up by the link or the
// receiver for longer than a quarter second, and behind which a newer one waits, is
// dropped in the same way. Encoded video that is a second old goes on at the next key
// frame.
//
// When ctx ends before the frame was taken, Send returns the error of ctx. When it
// ends after that, the result is nil, and a later Send or Finish waits for the
// confirmation. An error that wraps ErrAbandoned is final.
func (s *Sender) Send(ctx context.Context, f *Frame) error {
	if err := s.enter(); err != nil {
		f.Payload.Release()
		return err
	}
	defer s.leave()
	s.look.enter()
	defer s.look.leave()
	begin := time.Now()
	if err := s.carries(&f.Header); err != nil {
		f.Payload.Release()
		return err
	}
	s.patience.live = f.Live
	steered := s.steered.Load()
	if f.Live && !f.Single && s.fresh.isOld(f.Captured, begin, f.Behind, s.keys.delta || f.Header.Ext.Delta, steered) {
		s.keys.lost()
		s.passOver(f)
		return nil
	}
	s.window.Next(begin)
	var sustained time.Duration
	if steered && f.Live {
		sustained = s.fresh.interval
	}
	s.window.Sustain(sustained)
	renewed := s.stats.renewed()
	if err := s.makeRoom(ctx, f); err != nil {
		f.Payload.Release()
		return err
	}
	size := uint64(len(f.Payload.Bytes))
	if !s.admit(f, begin) || !s.window.HasPlace(s.count) && !s.giveWay(f) {
		s.passOver(f)
		return nil
	}
	fl := &s.ring[(s.first+s.count)%len(s.ring)]
	if err := s.load(fl, f, begin); err != nil {
		return err
	}
	s.stats.count(func(st *Stats) { st.Frames++; st.Bytes += size })
	s.seq++
	s.count++
	if s.count == 1 {
		s.patience.owed = time.Now()
	}
	var err error
	if s.row.confirmed {
		err = s.deliver(ctx, forAnother)
	} else {
		err = s.publish(fl)
	}
	now := time.Now()
	s.stats.count(func(st *Stats) { st.SendBlock += now.Sub(begin) })
	s.window.Done(begin, now)
	n, since := s.peers.presence()
	s.fresh.sent(begin, now, n > 0 && since.Before(begin) && renewed == s.stats.renewed()) // a restart loses nothing
	if err != nil && errors.Is(err, ctx.Err()) {
		return nil // the frame was taken; a later call waits for its confirmation
	}
	return err
}

// carries returns nil, or why a frame with that header cannot be sent.
func (s *Sender) carries(h *wire.Header) error {
	if err := tooLong("message", h.Message); err != nil {
		return err
	}
	if s.foreign != nil {
		if err := s.foreign.Carries(h); err != nil {
			return fmt.Errorf("netgear: wire=%s: %w", wireNames[s.cfg.Wire], err)
		}
	}
	return nil
}

// passOver drops a frame that is not sent.
func (s *Sender) passOver(f *Frame) {
	n := len(f.Payload.Bytes)
	f.Payload.Release()
	s.fresh.dropped(time.Now())
	s.Skip(n)
}

// makeRoom checks that the sender is open, and waits until it can take f, for as
// long as the stream waits.
func (s *Sender) makeRoom(ctx context.Context, f *Frame) error {
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
	if !s.row.confirmed {
		return s.awaitSubscriber(ctx)
	}
	if s.sent < s.count && s.isOut(time.Now()) {
		s.giveWay(f) // a receiver that has just come must not get an old frame
	}
	return s.deliver(ctx, forAnother)
}

// giveWay gives up the frames that could not be sent, in favour of f. It reports
// whether f can be sent: it cannot where it depends on them.
func (s *Sender) giveWay(f *Frame) bool {
	lost := s.count - s.sent
	for s.count > s.sent {
		s.count--
		s.ring[(s.first+s.count)%len(s.ring)].data.Close()
	}
	s.stats.count(func(st *Stats) { st.FramesDropped += uint64(lost) }) //nolint:gosec // never negative
	ok := s.window.HasPlace(s.count) && (lost == 0 || !f.Header.Ext.Delta)
	if !ok {
		s.keys.lost()
	}
	return ok
}

// awaitSubscriber waits for a receiver where nothing is confirmed.
func (s *Sender) awaitSubscriber(ctx context.Context) error {
	for {
		if s.conn.givenUp() {
			if err := s.rebuild(ctx); err != nil {
				return err
			}
		}
		if err := s.conn.ensure(ctx); err != nil {
			return err
		}
		now := time.Now()
		by := s.holdUntil()
		if n, since := s.peers.presence(); n > 0 {
			if by = longAgo; s.patience.waits() {
				by = since.Add(subscribeGrace) // a live stream would then come in a burst, and lose more
			}
		}
		if !by.IsZero() && !now.Before(by) {
			return nil
		}
		if _, err := s.conn.wait(ctx, 0, by); err != nil {
			return err
		}
	}
}

// deliver calls settle and remembers a final error.
func (s *Sender) deliver(ctx context.Context, n int) error {
	err := s.conn.failed()
	if err == nil {
		err = s.conn.ensure(ctx)
	}
	if err == nil && s.conn.isFull() {
		s.conn.tellFull()
		err = s.rebuild(ctx)
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

// load fills fl from f, and takes over the payload.
func (s *Sender) load(fl *flying, f *Frame, now time.Time) error {
	if s.foreign != nil {
		return s.loadForeign(fl, f, now)
	}
	h := &f.Header
	h.Pattern = s.cfg.Pattern
	h.Port = s.name()
	if !h.HasMessage {
		h.Message = s.message
	}
	if h.Compressed && h.JPEG.Colorspace == "" {
		h.JPEG = wire.JPEGOptions{FastDCT: s.cfg.FastDCT, FastUpsample: s.cfg.FastUpsample, Colorspace: s.cfg.Colorspace.Wire()}
	}
	taken := h.Ext
	if h.HasExt = s.cfg.Extensions; h.HasExt {
		h.Ext.Seq, h.Ext.HasSeq = s.seq, true
		s.setTimes(&h.Ext, f.Captured, now)
	}
	fl.head = wire.AppendHeader(fl.head[:0], h)
	h.Ext.Taken, h.Ext.HasTaken = taken.Taken, taken.HasTaken // as the caller gave them
	fl.at, fl.seq, fl.key, fl.late = time.Time{}, s.seq, !h.Ext.Delta, false
	return fl.take(&f.Payload)
}

// take takes over the payload.
func (fl *flying) take(p *Payload) error {
	size := len(p.Bytes)
	if err := p.moveTo(&fl.data); err != nil {
		return fmt.Errorf("netgear: %w: frame of %d bytes: %w", ErrTransport, size, err)
	}
	return nil
}

// name returns the name by which a multi-server receiver tells this sender from
// others.
func (s *Sender) name() string {
	if s.cfg.MultiServer {
		return strconv.FormatUint(uint64(s.cfg.Port), 10)
	}
	return ""
}

// publish sends a frame that nobody confirms.
func (s *Sender) publish(fl *flying) error {
	live := !s.patience.waits()
	s.conn.door.PreferNewest(!s.keys.delta && live)
	steered := s.steered.Load()
	s.conn.door.Queue(s.keys.delta && live && steered)
	s.conn.door.Gate(!s.keys.delta && live && !steered)
	s.conn.door.Ask(live && steered)
	// Makes libzmq notice what subscribers have read. Otherwise it notices once in a
	// millisecond or two, and drops what comes in between.
	_, err := s.conn.data.Wait(zmsg.Out, s.conn.waker, longAgo)
	if err != nil {
		err = fmt.Errorf("netgear: %w: poll: %w", ErrTransport, err)
	} else if err = s.sendToAll(fl); err != nil {
		err = fmt.Errorf("netgear: %w: send: %w", ErrTransport, err)
	}
	s.lastFrame = time.Now()
	s.sent++
	s.pop()
	if err != nil {
		s.stats.count(func(st *Stats) { st.FramesDropped++ })
		return err
	}
	s.peers.frame("")
	return nil
}

// sendToAll sends a frame to the subscribers for which libzmq has room. It counts a
// frame that others lose. Several subscribers must not wait for one of them: then
// libzmq gives nothing to that one until it has read something, and does not say so.
func (s *Sender) sendToAll(fl *flying) error {
	err := fl.send(s.conn.data)
	if !errors.Is(err, zmsg.ErrAgain) {
		return err
	}
	s.stats.count(func(st *Stats) { st.FramesDropped++ })
	if s.conn.post != nil || s.peers.count() <= 1 {
		return nil // the others have got it
	}
	if err := s.conn.sock.SetXpubNodrop(false); err != nil {
		return err
	}
	return errors.Join(fl.send(s.conn.data), s.conn.sock.SetXpubNodrop(true))
}

// pop removes the oldest frame that was sent.
func (s *Sender) pop() {
	s.ring[s.first].data.Close()
	s.first = (s.first + 1) % len(s.ring)
	s.count--
	s.sent--
}

// forAnother has settle wait until the window has room for another frame.
const forAnother = -1

// hasRoom reports whether settle has waited for long enough, and when to look again if
// not; zero: when something was confirmed.
func (s *Sender) hasRoom(n int, now time.Time) (ok bool, at time.Time) {
	if n != forAnother {
		return s.count <= n, at
	}
	return s.window.HasRoom(s.count, now)
}

// settle sends what is not sent yet. It waits until at most n frames are unconfirmed,
// or there is room forAnother, or until the stream no longer waits for the receiver.
// This is all of the Lazy Pirate; what one call has begun, the next call continues.
func (s *Sender) settle(ctx context.Context, n int) error {
	if s.sent == 0 && s.count > 0 && s.conn.isLost() {
		s.conn.clearLost() // nothing was in it
		s.tellLoss()
	}
	if !s.look.came.IsZero() {
		if err := s.collect(); err != nil {
			return err
		}
	}
	for looked := false; ; looked = true {
		want, err := s.transmit()
		if err != nil {
			s.conn.log.Debug("send failed", "error", err)
			s.pursuit.rebuildAt = s.conn.built.Add(reconnectInterval)
		}
		now := time.Now()
		ok, at := s.hasRoom(n, now)
		if ok && s.sent == s.count {
			return nil
		}
		s.pursuit.expect(now, s.cfg.RequestTimeout, s.isAlone(now))
		by := s.holdUntil()
		if !by.IsZero() && !now.Before(by) {
			if looked {
				return nil
			}
			by = now // look once, without waiting
		}
		if _, err := s.conn.wait(ctx, want, earliest(s.pursuit.deadline, s.pursuit.rebuildAt, s.pursuit.probe.at, by, at)); err != nil {
			s.pursuit.restart() // a pause is not the receiver's silence
			return err
		}
		if err := s.collect(); err != nil {
			return err
		}
		if err := s.pursue(ctx); err != nil {
			return err
		}
	}
}

// pursue does what is due for unconfirmed frames.
func (s *Sender) pursue(ctx context.Context) error {
	now, p := time.Now(), &s.pursuit
	if s.conn.isLost() {
		s.conn.clearLost()
		s.noteLoss()
	}
	if s.conn.isFull() {
		s.conn.tellFull()
		p.rebuildAt = now
	}
	if s.conn.givenUp() {
		p.rebuildAt = now
	}
	switch {
	case s.count > 0 && !p.deadline.IsZero() && !now.Before(p.deadline):
		if err := s.timedOut(); err != nil {
			return err
		}
		p.deadline = now.Add(s.cfg.RequestTimeout)
		if s.cfg.Pattern == wire.Pair && !s.cfg.Bind {
			p.probe = newProbing(now, s.cfg.RequestTimeout)
		}
	case !p.rebuildAt.IsZero() && !now.Before(p.rebuildAt):
	case p.probe.due(now, s.peers.count() > 0):
		s.conn.log.Debug("no confirmation over the new connection: trying another")
	default:
		return nil
	}
	return s.rebuild(ctx)
}

// noteLoss notes that a connection ended under frames that were sent.
func (s *Sender) noteLoss() {
	if s.sent == 0 {
		return
	}
	s.tellLoss()
	if s.cfg.Bind {
		s.sent = 0 // the queue went with the peer; the next peer gets the frames
	} else if s.pursuit.rebuildAt.IsZero() {
		// A socket that reconnects by itself loses what it holds: only a new socket
		// is certain.
		s.pursuit.rebuildAt = s.conn.built.Add(reconnectInterval)
	}
}

// transmit passes frames that were not sent to the socket, as many as it takes. It
// returns the events to wait for.
func (s *Sender) transmit() (want zmsg.Events, err error) {
	if s.cfg.Pattern == wire.Pair && s.peers.count() == 0 {
		// A socket that connects would queue them for the next peer. One that binds may
		// not have let go of the last peer yet, and they would go with it.
		return zmsg.In, nil
	}
	for s.sent < s.count {
		fl := &s.ring[(s.first+s.sent)%len(s.ring)]
		now := time.Now() // before it leaves
		switch err := fl.send(s.conn.data); {
		case errors.Is(err, zmsg.ErrAgain):
			return zmsg.In | zmsg.Out, nil
		case err != nil:
			return zmsg.In, err
		}
		if fl.late = !fl.at.IsZero(); !fl.late {
			fl.at, fl.alone = now, s.sent == 0
			s.window.Sent(now, fl.alone, fl.data.Len())
		}
		s.sent++
	}
	return zmsg.In, nil
}

// maxSurplus is how many answers beyond the frames in flight are read at once: a
// receiver that answers more often than it was asked costs the stream next to
// nothing.
const maxSurplus = 2

// tooManyAnswers is how many surplus answers a PAIR socket that binds may get at
// frames in a row. More are a flood: until each of them was read, its peer would
// keep the place, even if it were gone.
const tooManyAnswers = 64

// tooSenseless is how many answers in a row may make no sense while another receiver
// waits for the place at a PAIR socket that binds.
const tooSenseless = 3

// collect reads the confirmations that have come, one for each frame in flight. It
// also removes some that nobody waits for from a PAIR socket. A REQ socket must not
// be asked for an answer that it does not expect.
func (s *Sender) collect() error {
	for surplus := 0; s.sent > 0 || s.cfg.Pattern == wire.Pair && surplus < maxSurplus; {
		// An array comes in a second part.
		parts, err := receiveParts(s.conn.data, &s.reply, &s.array, &s.extra, nil)
		if parts == 0 && errors.Is(err, zmsg.ErrAgain) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("netgear: %w: receive: %w", ErrTransport, err)
		}
		at := s.look.arrived()
		if s.sent == 0 {
			surplus++
			s.noteSurplus()
			s.stats.count(func(st *Stats) { st.FramesMalformed++ })
		} else {
			s.answered(parts, at)
		}
		s.reply.Close()
		s.array.Close()
	}
	return nil
}

// noteSurplus counts an answer that nobody asked for. It ends the connection of a
// peer that floods a PAIR socket with them.
func (s *Sender) noteSurplus() {
	if s.surplus++; s.surplus >= tooManyAnswers && s.hasPlaces() {
		s.conn.log.Info("the receiver answers without being asked: making room for another", "answers", s.surplus)
		s.makePlace()
	}
}

// hasPlaces reports whether receivers take turns at our socket: a PAIR that binds.
func (s *Sender) hasPlaces() bool { return s.cfg.Bind && s.cfg.Pattern == wire.Pair }

// makePlace ends the turn of a receiver whose answers are no sensible ones.
func (s *Sender) makePlace() {
	s.surplus, s.senseless, s.pursuit.rebuildAt = 0, 0, time.Now()
	s.conn.distrust()
}

// answered handles the answer to the oldest frame, which came at now.
func (s *Sender) answered(parts int, now time.Time) {
	port, text := "", s.reply.Bytes()
	if s.cfg.answers() {
		port = s.tellReply(parts, now)
	} else {
		var ok bool
		if text, ok = wire.CutTimes(text, &s.times); ok {
			s.learn(&s.times, now)
		}
		if parts != 1 {
			s.malformed(fmt.Errorf("confirmation in %d parts: want 1: %w", parts, wire.ErrMalformed))
		}
	}
	s.keys.confirmed(s.ring[s.first].key, !s.cfg.answers(), text)
	s.confirmed(port, now)
	if s.senseless >= tooSenseless && s.hasPlaces() && s.conn.door.Waiting() {
		s.conn.log.Info("the answers of the receiver make no sense: making room for another", "answers", s.senseless)
		s.makePlace()
	}
}

// confirmed notes the confirmation of the oldest frame, which came at a time.
func (s *Sender) confirmed(port string, came time.Time) {
	s.lastFrame = time.Now()
	fl := &s.ring[s.first]
	s.stats.ack(came.Sub(fl.at))
	if s.obs.Confirmed != nil {
		s.obs.Confirmed(fl.at, came, fl.data.Len())
	}
	switch {
	case fl.late:
	case s.window.Follows():
		s.window.Confirmed(came, fl.at, fl.alone, fl.data.Len(), s.EstimatedBitrate())
	default:
		s.noteRoundTrip(came.Sub(fl.at))
	}
	s.peers.frame(port)
	s.pop()
	s.pirate.succeeded()
	s.conn.trust()
	if s.surplus == s.surplusThen {
		s.surplus = 0
	}
	s.surplusThen = s.surplus
	s.lossTold = false
	s.pursuit.restart()
	s.patience.owed = time.Time{}
	if s.count > 0 {
		s.pursuit.expect(s.lastFrame, s.cfg.RequestTimeout, false)
		s.patience.owed = s.lastFrame
	}
}

// tellReply passes a receiver's answer, which came at now, to the Observer, and
// returns the receiver's port. An answer without meaning still confirms its frame.
func (s *Sender) tellReply(parts int, now time.Time) (port string) {
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
		s.senseless++
		s.malformed(bad)
		return ""
	}
	s.senseless = 0
	if r.HasTimes {
		s.learn(&r.Times, now)
	}
	port = strings.Clone(r.Port)
	if s.obs.Reply == nil {
		return port
	}
	var array Payload
	if r.Array {
		array = payloadOf(&s.array)
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

// timedOut counts a timeout. It returns an error when it was the last one.
func (s *Sender) timedOut() error {
	s.stats.count(func(st *Stats) { st.AckTimeouts++ })
	endpoint := s.conn.endpoints()
	why := ErrNoReply
	if trouble := s.conn.trouble(); trouble != nil {
		why = fmt.Errorf("%w: %w", trouble, why)
	}
	cause, text := s.conn.inquiry.because()
	if !s.pirate.timedOut() {
		s.obs.warn(withCause(fmt.Errorf("netgear: %w from %s within %v (timeout %d in a row, %s): %s",
			why, endpoint, s.cfg.RequestTimeout, s.pirate.missed, s.peers.describe(), cmp.Or(text, "reconnecting")), cause))
		return nil
	}
	s.failed = fmt.Errorf("netgear: %w: %w from %s in %d x %v: max-retries=%d is used up (%s): %s",
		ErrAbandoned, why, endpoint, s.pirate.missed, s.cfg.RequestTimeout, s.cfg.MaxRetries, s.peers.describe(), cmp.Or(text, notFound))
	s.discard()
	return s.failed
}

// rebuild replaces the connection, and marks all frames in flight to be sent again.
// Where it is interrupted it keeps them, and the next wait continues.
func (s *Sender) rebuild(ctx context.Context) error {
	s.sent, s.pursuit.rebuildAt, s.look.came = 0, time.Time{}, time.Time{}
	s.window.Restart()
	err := s.renew(ctx)
	if err != nil && ctx.Err() == nil {
		s.failed = err
		s.discard()
		s.shut()
	}
	return err
}

// shut closes the connection without waiting.
func (s *Sender) shut() {
	if s.conn != nil {
		_ = s.conn.close(0)
		s.conn = nil
	}
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

// Finish waits for the last confirmations, says goodbye as NetGear does, and sees
// the goodbye on its way; other wires have none. Beyond the confirmations that takes at most a second or a
// fifth of RequestTimeout. The connection is then closed; another Send opens it
// again. When ctx ends first, Finish returns its error and can be called again.
func (s *Sender) Finish(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.look.enter()
	defer s.look.leave()
	if s.closed || s.failed != nil || s.conn == nil {
		return s.failed
	}
	if s.row.confirmed {
		if err := s.deliver(ctx, 0); err != nil {
			return err
		}
		s.discard() // the stream no longer waits for their confirmation
	}
	out := s.peers.count() == 0 && s.isOut(time.Now())
	// NetGear's receiver in multi-server mode does not know a server before its
	// first frame. It would never answer this goodbye, nor any other peer from then
	// on.
	unknown := s.cfg.MultiServer && s.row.confirmed && s.Stats().AcksReceived == 0
	if out || unknown {
		s.shut()
		return nil
	}
	if !s.lastFrame.IsZero() && s.foreign == nil {
		if err := sleep(ctx, time.Until(s.lastFrame.Add(tailGrace))); err != nil {
			return err
		}
	}
	until := time.Now().Add(s.cfg.RequestTimeout / 5) // NetGear's wait
	if s.peers.count() == 0 {
		until = earliest(until, s.holdUntil())
	}
	if s.foreign == nil {
		if err := s.goodbye(ctx, until); err != nil {
			return err
		}
	}
	linger := max(time.Until(until), reconnectInterval)
	if s.peers.count() > 0 {
		linger = max(linger, goodbyeGrace) // it ends as soon as the goodbye has gone
	}
	done := s.conn.close(linger)
	s.conn = nil
	select {
	case <-done: // the kernel has what was queued
	case <-ctx.Done():
	}
	return nil
}

// goodbye sends the terminate message, and waits for its answer where there is one.
// It is not an error that no peer takes it in time.
func (s *Sender) goodbye(ctx context.Context, until time.Time) error {
	turns := 1
	if s.cfg.Pattern == wire.ReqRep && s.cfg.MultiClient {
		turns = s.peers.count() // goodbyes go to the peers in turn, as frames do
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
	for time.Now().Before(until) {
		ev, err := s.conn.wait(ctx, zmsg.In, until)
		if err != nil {
			return err
		}
		if ev&zmsg.In == 0 {
			continue
		}
		_, err = s.conn.data.Recv(&s.reply) // this frees a REQ socket for the next one
		s.reply.Close()
		if !errors.Is(err, zmsg.ErrAgain) { // it was the answer to an earlier request
			return err
		}
	}
	return nil
}

// Reject counts a malformed frame that the caller does not send, or a malformed
// array that it does not take.
func (s *Sender) Reject() { s.stats.count(func(st *Stats) { st.FramesMalformed++ }) }

// Skip counts a frame of so many bytes that the caller does not send, as one that was
// dropped.
func (s *Sender) Skip(bytes int) {
	s.stats.count(func(st *Stats) { st.Frames++; st.Bytes += uint64(bytes); st.FramesDropped++ }) //nolint:gosec // never negative
}

// Close ends the sender without a goodbye and without waiting: unconfirmed frames
// are given up. After it every call but Stats returns ErrClosed.
func (s *Sender) Close() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.look.enter()
	defer s.look.leave()
	if s.closed {
		return nil
	}
	s.closed = true
	s.discard()
	s.shut()
	s.port.Store(0)
	return nil
}
