package netgear

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// receiverPatience is how many times longer than a Sender a Receiver waits, as in
// NetGear.
const receiverPatience = 3

// Receiver receives frames and confirms them, as the NetGear Client does; its
// counterpart is a Sender. It confirms a frame as soon as it has read it, before
// anything is done with it. It reads one frame for each Recv, so a slow program
// slows the sender down instead of piling up old frames.
//
// One goroutine at a time may call Recv and Close. Any goroutine may call the other
// methods.
type Receiver struct {
	end
	id     string // names it, and its clock
	answer *answers
	intake *intake

	// The message that is being taken: its first part is head, until the next one
	// comes into spare.
	head, spare *zmsg.Message
	body, rest  zmsg.Message
	header      wire.Header
	arrived     time.Time // when it was read
	// confirmation is scratch space of times.
	confirmation wire.Times
	care         caretaker
	latest       *latest // pub-sub has this in the place of the above

	due       time.Time          // when a valid frame must have come; zero: nobody waits for one
	begun     time.Time          // since when it is due
	nonsense  bool               // only invalid messages have come since then
	dueBefore time.Time          // the value of due before the last frame, for Reject
	streams   map[string]*stream // by the port that the sender names
	talking   bool               // frames have come since the last goodbye or loss
	lost      bool               // a connection ended since tellLoss
	leaving   int                // servers that said goodbye while others go on
	last      *stream            // the stream of the frame that Recv returned last
	lastOwner string             // the name of its sender

	eosOnTerminate atomic.Bool
}

// NewReceiver opens a Receiver. It is bound, or begins to connect, when it returns.
// Errors wrap ErrSettings, ErrInUse, ErrNoAddress or ErrOpen.
func NewReceiver(cfg Config, obs Observer) (*Receiver, error) {
	r := &Receiver{streams: map[string]*stream{}, head: new(zmsg.Message), spare: new(zmsg.Message)}
	if err := r.init(&cfg, ReceiverRole, &obs); err != nil {
		return nil, err
	}
	r.id = deviceID()
	r.answer = newAnswers(&r.cfg, r.id)
	r.eosOnTerminate.Store(cfg.EOSOnTerminate)
	if err := r.open(); err != nil {
		return nil, err
	}
	r.intake = newIntake(&r.end)
	if r.row.confirmed {
		r.care.start(r)
	} else {
		r.latest = newLatest(&r.end, r.intake)
	}
	return r, nil
}

// deviceID returns eight random characters, as NetGear names its receivers.
func deviceID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails: crypto/rand
	for i := range id {
		id[i] = alphabet[int(id[i])%len(alphabet)]
	}
	return string(id)
}

// SetReturnData makes a JSON value the answer to the next frames, in bidirectional
// and multi-client mode. Any goroutine may call it.
//
// The error wraps ErrSettings when data is longer than a peer takes; the answer then
// stays as it was.
func (r *Receiver) SetReturnData(data wire.Raw) error {
	if err := tooLong("return data", data); err != nil {
		return err
	}
	r.answer.setData(data)
	return nil
}

// SetReturnFrame makes a frame the answer to the next frames, in bidirectional and
// multi-client mode. It takes over the payload, and uses the format in the header.
// Any goroutine may call it.
func (r *Receiver) SetReturnFrame(f *Frame) error { return r.answer.setArray(f) }

// SetMaxLag changes Config.MaxLag, from the next frame on. Any goroutine may call
// it.
func (r *Receiver) SetMaxLag(d time.Duration) {
	if r.latest != nil {
		r.latest.maxLag.Store(int64(d))
	}
}

// SetEOSOnTerminate changes what a goodbye does, from the next one on.
func (r *Receiver) SetEOSOnTerminate(on bool) { r.eosOnTerminate.Store(on) }

// Recv waits for the next frame, confirms it and fills f. The caller owns the
// payload; f.Header.Message is valid until the next Recv.
//
// It returns io.EOF after the sender's goodbye or after SubscriberTimeout, the error
// of ctx when ctx ends, and an error that wraps ErrAbandoned after MaxRetries
// timeouts in a row. It counts malformed messages, warns the Observer of them, and
// skips them.
func (r *Receiver) Recv(ctx context.Context, f *Frame) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	r.care.enter()
	defer r.care.leave()
	if r.closed {
		return ErrClosed
	}
	r.conn.attention.begin()
	defer r.conn.attention.end()
	if r.latest != nil {
		return r.recvLatest(ctx, f)
	}
	for {
		if err := r.await(ctx); err != nil {
			return err
		}
		ok, err := r.take(f)
		if ok || err != nil {
			return err
		}
	}
}

// await waits until there is a message to take, where frames are confirmed. It ends
// a connection that sends nothing valid for three times RequestTimeout: malformed
// messages do not extend that time.
func (r *Receiver) await(ctx context.Context) error {
	if r.due.IsZero() {
		r.begun, r.due, r.nonsense = time.Now(), r.deadline(), false
	}
	for r.care.ahead == 0 {
		ev, err := r.conn.wait(ctx, zmsg.In, r.due)
		if err != nil {
			r.due = time.Time{} // a pause is not the sender's silence
			return err
		}
		r.noteLoss()
		if r.conn.isFull() {
			if err := r.shakeOff(ctx); err != nil {
				return err
			}
			continue
		}
		late := !time.Now().Before(r.due)
		if ev&zmsg.In != 0 && (!late || !r.nonsense) {
			return nil
		}
		r.tellLoss()
		if r.conn.givenUp() {
			if err := r.rebuild(ctx); err != nil {
				return err
			}
		}
		if !late {
			continue
		}
		if at := r.cameAt(); at.After(r.begun) { // a sender that has just come has all of the time
			r.begun, r.due = at, at.Add(receiverPatience*r.cfg.RequestTimeout)
			continue
		}
		if err := r.timedOut(ctx); err != nil {
			return err
		}
		r.begun, r.due, r.nonsense = time.Now(), r.deadline(), false
	}
	return nil
}

// recvLatest is Recv where nothing is confirmed.
func (r *Receiver) recvLatest(ctx context.Context, f *Frame) error {
	for {
		a, err := r.latest.next(ctx, r.deadline())
		r.noteLoss()
		r.tellLoss()
		if err != nil {
			return err
		}
		if a == nil {
			return r.timedOut(ctx)
		}
		r.pass(a)
		ok, err := r.accept(f, &a.header, &a.body, a.at, a.from.connection)
		if ok || err != nil {
			return err
		}
	}
}

// pass notes the frames that were skipped for a. They are counted already, so they
// do not count as missing.
func (r *Receiver) pass(a *arrival) {
	if a.skipped == 0 {
		return
	}
	if s := r.streams[r.intake.nameOf(&a.header)]; s != nil {
		s.next += a.skipped
		s.disrupted, s.incomplete = true, true
	}
}

// noteLoss notes that a connection has ended. libzmq makes a new one, and a sender
// sends again what was not confirmed.
func (r *Receiver) noteLoss() {
	if !r.conn.isLost() {
		return
	}
	r.conn.clearLost()
	if r.leaving > 0 {
		r.leaving--
		return
	}
	r.lost = true
	r.disrupt()
}

// tellLoss warns of a sender that has gone without a goodbye, once everything that
// it sent has been read. Where nothing is confirmed, senders come and go as they
// like.
func (r *Receiver) tellLoss() {
	if r.lost && r.talking && r.row.confirmed {
		r.talking = false
		r.obs.warn(fmt.Errorf("netgear: %w: the sender at %s went away without a goodbye: waiting for it", ErrPeerLost, r.conn.endpoints()))
	}
	r.lost = false
}

// deadline returns when a frame must have come; the zero time means never.
func (r *Receiver) deadline() time.Time {
	switch {
	case r.row.confirmed:
		return time.Now().Add(receiverPatience * r.cfg.RequestTimeout)
	case r.cfg.SubscriberTimeout > 0:
		return time.Now().Add(r.cfg.SubscriberTimeout)
	}
	return time.Time{}
}

// cameAt returns when the first sender came that is here. The peers know it a little
// later than the door.
func (r *Receiver) cameAt() time.Time {
	n, since := r.peers.presence()
	if n == 0 {
		return r.conn.door.Came()
	}
	return since
}

func (r *Receiver) timedOut(ctx context.Context) error {
	if !r.row.confirmed {
		return io.EOF // SubscriberTimeout
	}
	r.stats.count(func(st *Stats) { st.AckTimeouts++ })
	decided := time.Now()
	endpoint, patience := r.conn.endpoints(), receiverPatience*r.cfg.RequestTimeout
	cause, text := r.conn.inquiry.because()
	if r.pirate.timedOut() {
		return fmt.Errorf("netgear: %w: %w at %s in %d x %v: max-retries=%d is used up (%s): %s",
			ErrAbandoned, ErrNoFrame, endpoint, r.pirate.missed, patience, r.cfg.MaxRetries, r.peers.describe(), cmp.Or(text, notFound))
	}
	r.obs.warn(withCause(fmt.Errorf("netgear: %w at %s within %v (timeout %d in a row, %s): %s",
		ErrNoFrame, endpoint, patience, r.pirate.missed, r.peers.describe(), cmp.Or(text, "rebuilding the connection")), cause))
	if r.cameAt().After(decided) {
		return nil // a sender came meanwhile, and may not repeat what it has sent
	}
	return r.rebuild(ctx)
}

// shakeOff ends the connections that a PAIR socket does not serve.
func (r *Receiver) shakeOff(ctx context.Context) error {
	r.conn.tellFull()
	return r.rebuild(ctx)
}

func (r *Receiver) rebuild(ctx context.Context) error {
	r.disrupt()
	r.care.came = time.Time{}
	return r.renew(ctx)
}

// take reads one message. ok reports whether f holds a frame.
func (r *Receiver) take(f *Frame) (ok bool, err error) {
	parts, err := r.care.ahead, error(nil)
	if parts == 0 {
		parts, err = r.parts()
	}
	r.care.ahead = 0
	r.head, r.spare = r.spare, r.head
	if errors.Is(err, zmsg.ErrAgain) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("netgear: %w: receive: %w", ErrTransport, err)
	}
	from := r.head.Connection()
	if bad := r.intake.judge(from, r.head, &r.body, parts, &r.header); bad != nil {
		r.confirm(nil)
		r.nonsense = true
		r.intake.malformed(bad)
		return false, nil
	}
	if !r.intake.admits(&r.header, from, r.arrived) {
		r.confirm(nil) // a REP socket must answer
		return false, nil
	}
	r.dueBefore, r.due = r.due, time.Time{}
	return r.accept(f, &r.header, &r.body, r.arrived, from)
}

// accept makes a frame of a message of its sender that arrived at now over the
// connection from. ok reports whether f holds it.
func (r *Receiver) accept(f *Frame, h *wire.Header, body *zmsg.Message, now time.Time, from int) (ok bool, err error) {
	if h.Terminate {
		return false, r.terminated(h.Port)
	}
	r.confirm(h)
	r.pirate.succeeded()
	r.conn.trust()
	if h.BadExt != nil {
		r.obs.warn(fmt.Errorf("netgear: key \"gst\" ignored: %w", h.BadExt))
	}
	stream := r.follow(h)
	if stream == nil {
		r.stats.count(func(st *Stats) { st.FramesDropped++ })
		return false, nil
	}
	if stream.lacks(h) {
		r.stats.count(func(st *Stats) { st.FramesDropped++ })
		return false, nil
	}
	r.stats.count(func(st *Stats) {
		st.Frames++
		st.Bytes += uint64(body.Len()) //nolint:gosec // never negative
	})
	if h.Name == wire.ByPort {
		r.peers.frame(r.intake.nameOf(h))
	} else {
		r.peers.frameFrom(from)
	}
	r.last, r.lastOwner = stream, r.intake.ownerOf(h)
	disrupted := stream.disrupted
	// A frame that depends on others has all of them. It follows over another
	// connection, and a decoder must not take that for a gap.
	f.Header, f.Arrived, f.Discontinuity = *h, now, disrupted && !h.Ext.Delta
	r.readTimes(f)
	stream.disrupted, r.talking = false, true
	f.Payload = payloadOf(body)
	if disrupted && r.row.confirmed {
		r.care.readAhead() // the same frame may have come over a new connection
	}
	return true, nil
}

// parts receives one whole message, its first part into spare and its second
// into body.
func (r *Receiver) parts() (n int, err error) {
	n, err = receiveParts(r.conn.data, r.spare, &r.body, &r.rest, nil)
	if err == nil {
		r.arrived = earliest(time.Now(), r.care.came)
		r.care.came = time.Time{}
		r.stats.take(1)
	}
	return n, err
}

// confirm replies to the message that was read last. h is its header, or nil where
// that has no meaning.
func (r *Receiver) confirm(h *wire.Header) {
	switch {
	case !r.row.confirmed:
	case r.intake.spoken.Foreign() == nil:
		r.replied(r.answer.send(r.conn.data, r.times(h)))
	case r.cfg.Pattern == wire.ReqRep: // nobody else waits for an answer
		r.replied(r.conn.data.Send([]byte(wire.Answer), nil))
	}
}

// replied notes the result of a reply. Replying never waits: a peer that does not
// read its answers gets none.
func (r *Receiver) replied(err error) {
	if err != nil {
		r.conn.log.Debug("a confirmation was not taken", "error", err)
	}
}

// terminated notes the goodbye of a sender. Among several senders, the last goodbye
// ends the stream. The goodbye of a sender that never sent a frame ends nothing.
func (r *Receiver) terminated(port string) error {
	r.stats.count(func(st *Stats) { st.Goodbyes++ })
	r.intake.owners.release(r.intake.ownerOf(&wire.Header{Port: port}))
	if r.row.confirmsTerminate {
		text := wire.ConfirmTerminate
		if r.cfg.MultiServer {
			text = wire.ConfirmTerminateMultiServer
		}
		r.replied(r.conn.data.Send([]byte(text), nil))
	}
	r.pirate.succeeded()
	if r.cfg.MultiServer {
		r.conn.log.Debug("goodbye", "port", port)
		if r.streams[port] == nil {
			r.leaving++
			return nil
		}
		delete(r.streams, port)
		if r.obs.Goodbye != nil && r.eosOnTerminate.Load() {
			r.obs.Goodbye(port)
		}
		if len(r.streams) > 0 {
			r.leaving++
			return nil
		}
	}
	clear(r.streams)
	r.talking, r.lost, r.leaving = false, false, 0
	if r.eosOnTerminate.Load() {
		return io.EOF
	}
	return nil
}

// stream is what the Receiver knows of one sender.
type stream struct {
	next      uint64 // the number of the next frame
	numbered  bool   // next holds
	disrupted bool   // its next frame does not follow the last one
	// incomplete means that frames are missing which the next ones may depend on.
	incomplete bool

	recent    [maxInFlight]stampedSeq // the last frames, to recognise them when they come again
	recentPos int
}

// lacks reports whether the frame is encoded video that depends on missing frames.
// Such a frame is useless, and so are those behind it up to the next key frame: a
// decoder would make a wrong picture of them, and decoders of VP8 and VP9 cannot
// even detect that.
func (s *stream) lacks(h *wire.Header) bool {
	if !h.HasExt || !h.Ext.Delta {
		s.incomplete = false
	}
	return s.incomplete
}

// longestGap is how many frames can be missing at once: days of them. A number
// beyond it does not belong to this stream.
const longestGap = 1 << 24

func (r *Receiver) disrupt() {
	for _, s := range r.streams {
		s.disrupted = true
	}
}

// stampedSeq identifies a frame by its number and the wall clock at which its sender
// took it.
type stampedSeq struct {
	seq  uint64
	t    int64
	used bool
}

// known reports whether the frame has arrived before.
func (r *Receiver) known(h *wire.Header) bool {
	s := r.streams[r.intake.nameOf(h)]
	return s != nil && h.HasExt && h.Ext.HasSeq && h.Ext.HasT && slices.Contains(s.recent[:], stampedSeq{h.Ext.Seq, h.Ext.T, true})
}

// follow compares the frame's number with the one that its stream expects. It
// returns nil for a frame that has arrived before: a sender sends again what was in
// flight when a connection ended.
func (r *Receiver) follow(h *wire.Header) *stream {
	e := &h.Ext
	numbered := h.HasExt && e.HasSeq
	if numbered && r.known(h) {
		return nil
	}
	name := r.intake.nameOf(h)
	s := r.streams[name]
	if s == nil {
		if len(r.streams) >= maxStreams { // a sender chooses its name, and may choose many
			clear(r.streams)
		}
		s = &stream{disrupted: true, incomplete: true}
		r.streams[strings.Clone(name)] = s
	}
	if !numbered {
		return s
	}
	s.recent[s.recentPos] = stampedSeq{e.Seq, e.T, e.HasT}
	s.recentPos = (s.recentPos + 1) % len(s.recent)
	switch {
	case !s.numbered, e.Seq == s.next:
	case e.Seq > s.next:
		if gap := e.Seq - s.next; gap <= longestGap {
			r.stats.count(func(st *Stats) { st.FramesMissing += gap })
		}
		s.disrupted, s.incomplete = true, true
	default: // another sender, or one that has restarted
		s.disrupted, s.incomplete = true, true
	}
	s.numbered, s.next = true, e.Seq+1
	return s
}

// Reject removes the last frame, which had that size, from the count of received
// frames: it was well formed, but has no meaning for the caller. The next frame of
// its sender is then a Discontinuity.
func (r *Receiver) Reject(size int) {
	if r.takeBack(size, func(st *Stats) { st.FramesMalformed++ }) {
		r.intake.owners.release(r.lastOwner)
		r.due, r.nonsense = r.dueBefore, true // a frame without meaning is not a success
	}
}

// Drop is Reject for a frame that the caller cannot use at the moment.
func (r *Receiver) Drop(size int) {
	r.takeBack(size, func(st *Stats) { st.FramesDropped++ })
}

// takeBack removes the last frame from the count. It reports whether there was one.
func (r *Receiver) takeBack(size int, instead func(st *Stats)) bool {
	r.care.enter()
	defer r.care.leave()
	if r.last == nil {
		return false
	}
	r.stats.count(func(st *Stats) {
		st.Frames--
		st.Bytes -= uint64(size) //nolint:gosec // never negative
		instead(st)
	})
	r.last.disrupted, r.last.incomplete = true, true
	r.last = nil
	return true
}

// Close ends the receiver without waiting. After it Recv returns ErrClosed.
func (r *Receiver) Close() error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if r.closed {
		return nil
	}
	r.care.enter()
	defer r.care.leave()
	r.closed = true
	if r.latest != nil {
		r.latest.close()
	} else if r.care.ahead > 0 {
		r.stats.count(func(st *Stats) { st.FramesDropped++ }) // read, but not confirmed
	}
	_ = r.conn.close(0)
	r.answer.close()
	r.head.Close()
	r.spare.Close()
	r.body.Close()
	r.port.Store(0)
	return nil
}
