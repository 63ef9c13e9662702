package door

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Limits bounds what the peer of one connection may send. The zero value of a field
// means no limit.
type Limits struct {
	// Curve means that our end encrypts. Connecting means that it does not bind.
	Curve, Connecting bool
	// Handshake is in bytes: greeting and handshake commands together.
	Handshake int
	// Frame is in bytes: the body of one part of a message.
	Frame int64
	// Message is in bytes: all bodies of one message.
	Message int64
	// Parts is how many a message may have.
	Parts int
	// Publisher means that our end publishes. Its peers may only subscribe:
	// Subscriptions at once, each to a topic of at most Topic bytes.
	Publisher     bool
	Subscriptions int
	Topic         int
}

// Constants of ZMTP 3 (RFC 23, RFC 37).
const (
	greetingLen    = 64
	signatureEnd   = 9  // the index of its last byte
	versionMajor   = 10 // the index of the major version
	mechanismBegin = 12
	mechanismEnd   = 32
	// markAt is in the filler of the greeting, which ZMTP has ignored: there our ends
	// mark theirs, so that they know each other.
	markAt = greetingLen - 1
	mark   = 'N'

	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// Implementation constants.
const (
	// maxCommand is in bytes: the body of a command after the handshake. PING has at
	// most 23, SUBSCRIBE has its topic.
	maxCommand = 512
	// maxDropped is in bytes. A message that is not a subscription, or a
	// subscription that is too long, is dropped up to this size; a larger one ends
	// the connection.
	maxDropped = 4 << 20
	// curveOverhead is in bytes: what CURVE adds to the body of a frame.
	curveOverhead = 64
	// A peer may send commandBurst commands and subscriptions at once, and
	// commandRate more each second. A peer with heartbeats sends one a second.
	commandBurst = 200
	commandRate  = 100
)

// Errors of the Reader.
var (
	// ErrNotZMTP means that the peer does not speak ZMTP 3.
	ErrNotZMTP = errors.New("not ZMTP 3")
	// ErrLimit means that the peer sent more than its Limits allow.
	ErrLimit = errors.New("too much")
	// ErrFraming means that the peer breaks the rules of ZMTP 3.
	ErrFraming = errors.New("broken ZMTP")
)

// Mechanisms by their names on the wire.
const (
	mechanismNull  = "NULL"
	mechanismCurve = "CURVE"
)

// Greeting returns ZMTP's first 64 bytes: signature, version 3.0, mechanism, as-server
// and filler. libzmq leaves as-server at 0 on both sides.
func Greeting(mechanism string) []byte {
	g := make([]byte, greetingLen)
	g[0], g[signatureEnd], g[versionMajor] = 0xff, 0x7f, 3
	copy(g[mechanismBegin:mechanismEnd], mechanism)
	return g
}

// Reader follows one direction of a ZMTP 3 connection. It is pure: it has no
// socket and no clock. It is not safe for concurrent use.
//
//	greeting -> flags -> length -> body -> flags -> …
type Reader struct {
	limits  Limits
	trusted bool // our own libzmq: it is followed, but not limited

	state     readerState
	pos       int // how many bytes of the greeting or of the length have come
	total     int // bytes of the handshake
	mechanism [mechanismEnd - mechanismBegin]byte

	ready    bool   // a READY was read
	socket   string // the type of socket in it; "": it has none
	garbled  bool   // it breaks the rules, so libzmq refuses it
	commands int    // commands of the handshake that were read
	failed   bool   // an ERROR was read in the handshake
	// through means that the handshake is over; only with CURVE.
	through bool

	flags byte
	more  bool   // the frame before it was not the last one of its message
	left  uint64 // bytes of the body that are still to come; while the length is read, its known part
	parts int    // parts of the message that is being read
	size  uint64 // the bytes of that message
	begun int64  // how many bytes of it were read, with flags and lengths

	dropping bool   // this frame is not sent on
	holding  bool   // this frame is held until it is complete
	held     []byte // the frame so far, with flags and length
	body     int    // where the body begins in held

	topics map[string]struct{}
	pong   []byte // the answer to the last PING
	answer []byte // what was in the last PONG
	marked bool   // the peer is one of ours
	budget float64
	refill time.Duration // when budget was last filled up
}

type readerState uint8

const (
	inGreeting readerState = iota
	inFlags
	inLength
	inBody
)

// NewReader returns a Reader for what a peer sends.
func NewReader(limits Limits) *Reader { return &Reader{limits: limits, budget: commandBurst} }

// newFollower returns a Reader for what our own libzmq sends.
func newFollower() *Reader { return &Reader{trusted: true} }

// Feed reads the bytes p that arrived at now, the time since any fixed moment. It
// returns pass, the bytes to send on, which may be a frame that was held until now;
// and rest, the remainder of p, to be fed in turn. pass is valid until the next
// call. After an error the connection must end, and neither pass nor rest has a
// meaning.
//
// Feed stops after each command of the handshake, so that the caller can check Ready
// before the next byte goes on. It stops after each message of our own libzmq too.
func (r *Reader) Feed(p []byte, now time.Duration) (pass, rest []byte, err error) {
	done := 0
	for done < len(p) {
		if r.state == inGreeting {
			n, err := r.greet(p[done:])
			if done += n; err != nil {
				return nil, nil, err
			}
			continue
		}
		if r.state == inFlags && r.holds(p[done]) && done > 0 {
			return p[:done], p[done:], nil // what comes before the held frame goes first
		}
		n, ended, err := r.frame(p[done:], now)
		if err != nil {
			return nil, nil, err
		}
		if done += n; r.holding || r.dropping {
			r.dropping = r.dropping && !ended
			return nil, p[done:], nil
		}
		if !ended {
			continue
		}
		if r.held != nil {
			pass, err = r.release()
			return pass, p[done:], err
		}
		if r.trusted && !r.more {
			return p[:done], p[done:], nil
		}
	}
	return p[:done], nil, nil
}

// Ready reports whether a READY was read.
func (r *Reader) Ready() bool { return r.ready }

// Failed reports whether an ERROR took the place of READY.
func (r *Reader) Failed() bool { return r.failed }

// SetThrough notes that the handshake is over. With CURVE a READY in one of the two
// directions ends it.
func (r *Reader) SetThrough() { r.through = true }

// Between reports whether the last byte was the last one of a frame.
func (r *Reader) Between() bool { return r.state == inFlags }

// Inside reports whether the handshake is over and a message has begun that is not
// complete.
func (r *Reader) Inside() bool {
	return r.quiet() && (r.state != inFlags || r.more)
}

// Begun returns how many bytes of that message were read, and 0 where there is none.
func (r *Reader) Begun() int64 {
	if !r.Inside() {
		return 0
	}
	return r.begun
}

// Mechanism returns the name in the greeting, or "" before the greeting was read.
func (r *Reader) Mechanism() string {
	if r.state == inGreeting {
		return ""
	}
	return string(bytes.TrimRight(r.mechanism[:], "\x00"))
}

// Body returns how many of the next bytes Feed would return unchanged. The caller
// may send them on unread, and count them with Skip.
func (r *Reader) Body() int64 {
	if r.state != inBody || r.holding || r.dropping || !r.quiet() {
		return 0
	}
	return int64(r.left) //nolint:gosec // the length was checked to have 63 bits
}

// Skip notes that n bytes of the body were sent on without Feed.
func (r *Reader) Skip(n int64) {
	r.left -= uint64(n) //nolint:gosec // n is at most Body
	r.begun += n
	if r.left == 0 {
		r.endFrame()
	}
}

// Pong returns, once, the command that answers the last PING, or nil.
func (r *Reader) Pong() []byte {
	p := r.pong
	r.pong = nil
	return p
}

// Marked reports whether the peer is one of ours, which answers each PING when it has
// read what came before it.
func (r *Reader) Marked() bool { return r.marked }

// Topics returns what the peer has subscribed to. It is valid until the next Feed.
func (r *Reader) Topics() map[string]struct{} { return r.topics }

// Answer returns, once, what was in the last PONG, or nil. A publisher's Reader has it.
func (r *Reader) Answer() []byte {
	a := r.answer
	r.answer = nil
	return a
}

// quiet reports whether the handshake is over for this direction.
func (r *Reader) quiet() bool { return r.through || r.ready }

// opaque reports whether the content of the frames is encrypted.
func (r *Reader) opaque() bool { return r.limits.Curve }

// greet reads bytes of the greeting. It refuses the first wrong one.
func (r *Reader) greet(p []byte) (n int, err error) {
	for n < len(p) && r.state == inGreeting {
		b := p[n]
		switch {
		case r.pos == 0 && b != 0xff:
			return n, fmt.Errorf("%w: %s", ErrNotZMTP, firstByte(b))
		case r.pos == signatureEnd && b&1 == 0:
			return n, fmt.Errorf("%w: ZMTP 1.0", ErrNotZMTP)
		case r.pos == versionMajor && b < 3:
			return n, fmt.Errorf("%w: ZMTP %d.0", ErrNotZMTP, max(b, 1))
		case r.pos >= mechanismBegin && r.pos < mechanismEnd:
			r.mechanism[r.pos-mechanismBegin] = b
		case r.pos == markAt && r.trusted:
			p[n] = mark
		case r.pos == markAt:
			r.marked = b == mark
		}
		n++
		if r.pos++; r.pos == greetingLen {
			r.state, r.total = inFlags, greetingLen
		}
	}
	return n, nil
}

// firstByte names the protocol of a connection that begins with b.
func firstByte(b byte) string {
	if b >= 'A' && b <= 'Z' {
		return "text, as of HTTP"
	}
	return "ZMTP 1.0, or another protocol"
}

// holds reports whether a frame with these flags is held until it is complete.
func (r *Reader) holds(flags byte) bool {
	if !r.quiet() {
		return true // a command of the handshake
	}
	return !r.trusted && !r.opaque() && (flags&flagCommand != 0 || r.limits.Publisher)
}

// frame reads bytes of one frame, at most up to its end.
func (r *Reader) frame(p []byte, now time.Duration) (n int, ended bool, err error) {
	if r.state == inFlags {
		r.flags, r.left, r.pos = p[0], 0, 0
		if !r.more {
			r.parts, r.size, r.begun = 0, 0, 0
		}
		r.holding = r.holds(p[0])
		if r.held = r.held[:0]; r.holding && r.held == nil {
			r.held = make([]byte, 0, greetingLen)
		} else if !r.holding {
			r.held = nil
		}
		r.state = inLength
		n = 1
	}
	for ; n < len(p) && r.state == inLength; n++ {
		r.left = r.left<<8 | uint64(p[n])
		if r.pos++; r.pos == r.lengthSize() {
			if err := r.begin(now); err != nil {
				return n, false, err
			}
			r.state = inBody
		}
	}
	if r.state == inBody {
		take := min(r.left, uint64(len(p[n:])))
		n += int(take) //nolint:gosec // at most len(p)
		r.left -= take
	}
	r.begun += int64(n)
	if r.dropping {
		r.held, r.holding = nil, false
	}
	if r.holding {
		r.held = append(r.held, p[:n]...)
	}
	if r.state == inBody && r.left == 0 {
		r.endFrame()
		ended = true
	}
	return n, ended, nil
}

func (r *Reader) lengthSize() int {
	if r.flags&flagLong != 0 {
		return 8
	}
	return 1
}

// begin checks a frame whose flags and length are known.
func (r *Reader) begin(now time.Duration) error {
	r.body = 1 + r.lengthSize()
	switch {
	case r.flags&^(flagMore|flagLong|flagCommand) != 0:
		return fmt.Errorf("%w: flags %#x", ErrFraming, r.flags)
	case r.flags&flagCommand != 0 && r.flags&flagMore != 0:
		return fmt.Errorf("%w: a command of several parts", ErrFraming)
	case r.left > math.MaxInt64:
		return fmt.Errorf("%w: a length of %d bytes", ErrFraming, r.left)
	case !r.quiet():
		return r.beginHandshake()
	case r.trusted:
		r.parts++
		return nil
	case r.opaque():
		return r.beginOpaque(now)
	case r.flags&flagCommand != 0:
		if r.left > maxCommand {
			return fmt.Errorf("%w: a command of %d bytes: want at most %d", ErrLimit, r.left, maxCommand)
		}
		return r.spend(now)
	case r.limits.Publisher:
		if r.left > maxDropped {
			return fmt.Errorf("%w: a subscription of %d bytes: want at most %d", ErrLimit, r.left, r.limits.Topic)
		}
		r.dropping = r.flags&flagMore != 0 || r.left == 0 || r.left > uint64(r.limits.Topic)+1 //nolint:gosec // a limit
		return r.spend(now)
	}
	return r.beginPart(0)
}

// beginHandshake checks a frame of the handshake.
func (r *Reader) beginHandshake() error {
	if r.flags&flagCommand == 0 {
		return fmt.Errorf("%w: a message before the handshake", ErrFraming)
	}
	limit := uint64(r.limits.Handshake) //nolint:gosec // a limit
	if r.trusted || limit == 0 {
		limit = math.MaxInt32
	}
	if uint64(r.total)+uint64(r.body)+r.left > limit { //nolint:gosec // a count
		return fmt.Errorf("%w: a handshake of more than %d bytes", ErrLimit, limit)
	}
	r.total += r.body + int(r.left) //nolint:gosec // at most limit
	return nil
}

// beginOpaque checks a frame that CURVE made of a part, a command or a subscription.
func (r *Reader) beginOpaque(now time.Duration) error {
	if !r.limits.Publisher {
		return r.beginPart(curveOverhead)
	}
	if limit := max(r.limits.Topic, maxCommand) + curveOverhead; r.left > uint64(limit) {
		return fmt.Errorf("%w: a subscription of %d bytes: want at most %d", ErrLimit, r.left, limit)
	}
	return r.spend(now)
}

// beginPart checks a part of a message. overhead is what encryption adds to it, in
// bytes.
func (r *Reader) beginPart(overhead uint64) error {
	l := &r.limits
	if l.Frame > 0 && r.left > uint64(l.Frame)+overhead {
		return fmt.Errorf("%w: a part of %d bytes: want at most %d", ErrLimit, r.left, l.Frame)
	}
	r.parts++
	r.size += r.left
	if l.Parts > 0 && r.parts > l.Parts {
		return fmt.Errorf("%w: a message of more than %d parts", ErrLimit, l.Parts)
	}
	if l.Message > 0 && r.size > uint64(l.Message)+overhead {
		return fmt.Errorf("%w: a message of more than %d bytes", ErrLimit, l.Message)
	}
	return nil
}

// spend subtracts one command from the budget.
func (r *Reader) spend(now time.Duration) error {
	r.budget = min(commandBurst, r.budget+(now-r.refill).Seconds()*commandRate)
	r.refill = now
	if r.budget < 1 {
		return fmt.Errorf("%w: more than %d commands a second", ErrLimit, commandRate)
	}
	r.budget--
	return nil
}

// endFrame notes the end of a frame.
func (r *Reader) endFrame() {
	r.state = inFlags
	r.holding = false
	r.more = r.flags&flagMore != 0
}

// readReady notes a READY. With CURVE only the binding end sends one: a client that
// did would escape the limits of the handshake.
func (r *Reader) readReady() error {
	if !r.trusted {
		if r.limits.Curve && !r.limits.Connecting {
			return fmt.Errorf("%w: READY from a client", ErrFraming)
		}
		if r.Mechanism() != r.limits.mechanism() {
			return nil // libzmq refuses it, and tells both ends
		}
	}
	r.ready = true
	return nil
}

// readProperties reads the properties of a READY, as libzmq does.
func (r *Reader) readProperties(p []byte) {
	if r.limits.Curve {
		return // they are encrypted
	}
	for len(p) > 1 {
		name := int(p[0])
		if p = p[1:]; len(p) < name+4 {
			break
		}
		value := uint64(binary.BigEndian.Uint32(p[name:]))
		if uint64(len(p)-name-4) < value { //nolint:gosec // len(p) is larger
			break
		}
		if string(p[:name]) == "Socket-Type" {
			r.socket = string(p[name+4 : name+4+int(value)]) //nolint:gosec // less than len(p)
		}
		p = p[name+4+int(value):] //nolint:gosec // likewise
	}
	r.garbled = len(p) > 0
}

// partners has the types of sockets that libzmq's sockets talk to.
var partners = map[string][]string{
	"PAIR": {"PAIR"}, "REQ": {"REP", "ROUTER"}, "REP": {"REQ", "DEALER"},
	"PUB": {"SUB", "XSUB"}, "SUB": {"PUB", "XPUB"}, "PULL": {"PUSH"},
}

// Fits reports whether our libzmq, which another Reader follows, accepts the READY that
// this one has read.
func (r *Reader) Fits(ours *Reader) bool {
	return !r.garbled && (r.socket == "" || slices.Contains(partners[ours.socket], r.socket))
}

func (l *Limits) mechanism() string {
	if l.Curve {
		return mechanismCurve
	}
	return mechanismNull
}

// release returns what to send on of the frame that was held.
func (r *Reader) release() (pass []byte, err error) {
	frame, body := r.held, r.held[r.body:]
	if !r.quiet() {
		if len(body) == 0 || int(body[0]) >= len(body) {
			return nil, fmt.Errorf("%w: a command without a name", ErrFraming)
		}
		r.commands++
		switch string(body[1 : 1+body[0]]) {
		case "READY":
			if err := r.readReady(); err != nil {
				return nil, err
			}
			r.readProperties(body[1+body[0]:])
		case "ERROR":
			r.failed = true
		}
		return frame, nil
	}
	if r.flags&flagCommand == 0 {
		switch body[0] {
		case 1:
			return r.subscribe(frame, body[1:])
		case 0:
			return r.cancel(frame, body[1:])
		}
		return nil, nil // a message to an end that publishes
	}
	if len(body) == 0 || int(body[0]) >= len(body) {
		return nil, fmt.Errorf("%w: a command without a name", ErrFraming)
	}
	return r.command(frame, string(body[1:1+body[0]]), body[1+body[0]:])
}

// command returns what to send on of a command after the handshake: only
// subscriptions go on.
func (r *Reader) command(frame []byte, name string, body []byte) (pass []byte, err error) {
	const ttl, mostContext = 2, 16
	switch name {
	case "PING":
		if len(body) < ttl || len(body) > ttl+mostContext {
			return nil, fmt.Errorf("%w: a PING of %d bytes", ErrFraming, len(body))
		}
		context := body[ttl:]
		r.pong = append([]byte{flagCommand, byte(len("\x04PONG") + len(context)), 4, 'P', 'O', 'N', 'G'}, context...) //nolint:gosec // at most 21
	case "PONG":
		if r.limits.Publisher {
			r.answer = body[:min(len(body), mostContext)]
		}
	case "SUBSCRIBE":
		return r.subscribe(frame, body)
	case "CANCEL":
		return r.cancel(frame, body)
	}
	return nil, nil // libzmq ignores all other commands
}

// subscribe returns the frame of a subscription, or nothing where the peer has that
// subscription already.
func (r *Reader) subscribe(frame, topic []byte) (pass []byte, err error) {
	if !r.limits.Publisher {
		return nil, nil // nothing is published here
	}
	if len(topic) > r.limits.Topic {
		return nil, fmt.Errorf("%w: a subscription of %d bytes: want at most %d", ErrLimit, len(topic), r.limits.Topic)
	}
	if _, ok := r.topics[string(topic)]; ok {
		return nil, nil
	}
	if len(r.topics) >= r.limits.Subscriptions {
		return nil, fmt.Errorf("%w: more than %d subscriptions", ErrLimit, r.limits.Subscriptions)
	}
	if r.topics == nil {
		r.topics = map[string]struct{}{}
	}
	r.topics[string(topic)] = struct{}{}
	return frame, nil
}

// cancel returns the frame of a cancellation, or nothing where there is no such
// subscription.
func (r *Reader) cancel(frame, topic []byte) (pass []byte, err error) {
	if _, ok := r.topics[string(topic)]; !ok {
		return nil, nil
	}
	delete(r.topics, string(topic))
	return frame, nil
}
