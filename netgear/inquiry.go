package netgear

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Times of an inquiry, counted from the moment at which something is missing.
const (
	// lookAfter is when the inquiry first looks at the other end. It is half a
	// request timeout where that is shorter, so that the warning about a timeout has
	// a cause.
	lookAfter = time.Second
	// speakAfter is when the first warning is due. It uses a look that is at most
	// lookFresh old. With a look that takes all of lookPatience, and with the ticks,
	// the warning still comes within five seconds.
	speakAfter = 3250 * time.Millisecond
	lookFresh  = 1500 * time.Millisecond
	// lookAgain is how often the inquiry looks for another cause.
	// Where that tells which socket is needed here (scout.pull), it looks as often as
	// lookType.
	lookAgain = 10 * time.Second
	lookType  = 500 * time.Millisecond
	// A warning with the same cause comes again after firstRepeat, then after twice
	// the time each, up to lastRepeat. A binding end that waits for a visitor is not
	// a fault: there it comes after firstAlone, then after four times the time each,
	// up to lastAlone.
	firstRepeat, lastRepeat = 10 * time.Second, time.Minute
	firstAlone, lastAlone   = time.Minute, time.Hour
	// inquiryTick is how often an inquiry checks what is missing; half as often
	// while nothing is.
	inquiryTick = 250 * time.Millisecond
	// turnedAwayLately is how long a refused peer explains why no peer is connected.
	turnedAwayLately = time.Minute
)

// causeError is a warning with its cause.
type causeError struct {
	error
	cause cause
}

func (e *causeError) Unwrap() error { return e.error }

// withCause returns err with a cause, which CauseOf returns.
func withCause(err error, c cause) error { return &causeError{err, c} }

// CauseOf returns a short name for why nothing comes, for a warning that an Observer
// got, or "". Two warnings with different causes are different news, even if
// errors.Is cannot tell them apart. There are some twenty names.
func CauseOf(err error) string {
	if c, ok := errors.AsType[*causeError](err); ok {
		return string(c.cause)
	}
	return ""
}

// attention is the time since which a program waits for a frame of a Receiver.
type attention struct {
	since atomic.Int64 // ns since 1970; 0: the program does not wait
	calls atomic.Uint64
}

func (a *attention) begin() {
	a.calls.Add(1)
	a.since.Store(time.Now().UnixNano())
}

func (a *attention) end() { a.since.Store(0) }

// inquiry warns when nothing comes, and explains why, because it has looked. It is
// one goroutine beside the stream; neither waits for the other. It ends with its
// conn.
//
//	well --- something is missing ---> lookAfter: look --> speakAfter: look, warn --+
//	 ^                                                      ^  later, and for another |
//	 +------------- nothing is missing any more ------------+--------- cause ---------+
type inquiry struct {
	*scout
	refusals  *refusals
	row       patternRow
	stats     *counters
	attention *attention
	obs       *Observer

	mu    sync.Mutex
	found verdict   // by the last look at the other end
	told  cause     // the cause of the last warning since something is missing
	again time.Time // when the same warning may come again
	pause time.Duration

	// The goroutine's own.
	first  time.Duration // lookAfter
	since  time.Time     // when something was found missing; zero: nothing is
	looked time.Time     // the last look since then
	silent bool          // the connections are there, but nothing comes over them
	acks   uint64        // a Sender's confirmations at the last tick
	hadAck bool
	calls  uint64 // a Receiver's calls of Recv at the last tick
}

// notFound ends the error of an end that gave up before a cause was found.
const notFound = "check address, port and pattern at both ends, and that the other end runs"

// verdict is why nothing comes, and when that was found.
type verdict struct {
	cause cause
	text  string
	at    time.Time
}

func newInquiry(s *scout, r *refusals, stats *counters, att *attention, obs *Observer) *inquiry {
	q := &inquiry{
		scout: s, refusals: r, row: patternRows[s.cfg.Pattern], stats: stats, attention: att, obs: obs,
		first: min(lookAfter, s.cfg.RequestTimeout/2), since: time.Now(),
	}
	q.acks, _ = stats.unconfirmed()
	return q
}

// run is the inquiry's goroutine.
func (q *inquiry) run() {
	for tick := min(inquiryTick, q.first); sleep(q.ctx, tick) == nil; {
		tick = q.step(time.Now())
	}
}

// step checks whether something is missing, and returns when to check again.
func (q *inquiry) step(now time.Time) (next time.Duration) {
	missing, silent := q.lack()
	if len(missing) == 0 && !silent {
		q.since = time.Time{}
		q.rest()
		return 2 * inquiryTick
	}
	if q.since.IsZero() || silent != q.silent {
		q.rest()
		q.since, q.silent = now, silent
	}
	quiet, due := now.Sub(q.since), q.speakAfter()
	if quiet < q.first {
		return min(inquiryTick, q.first-quiet)
	}
	again := lookAgain
	if q.cfg.mayPull(q.role) {
		again = lookType
	}
	fresh := !q.looked.IsZero() && now.Sub(q.looked) < again && (quiet < due-lookFresh || !q.looked.Before(q.since.Add(due-lookFresh)))
	if !silent && !q.cfg.Bind && !fresh {
		q.looked = now
		q.lookAt(missing)
	}
	if quiet >= due {
		q.speak(missing)
	}
	return inquiryTick
}

// speakAfter returns how long something must be missing for a warning.
func (q *inquiry) speakAfter() time.Duration {
	if q.silent && q.hadAck { // a receiver may be slow once
		return max(speakAfter, q.cfg.RequestTimeout)
	}
	return speakAfter
}

// rest forgets what was found and said: nothing is missing now, or something else
// is.
func (q *inquiry) rest() {
	q.looked = time.Time{}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.found, q.told, q.again = verdict{}, causeUnknown, time.Time{}
}

// lack returns the ports that should have a connection and have none. silent reports
// that all have one, but nothing comes over them.
func (q *inquiry) lack() (missing []uint, silent bool) {
	missing = q.peers.missing(q.ports)
	if q.role == SenderRole {
		acks, flying := q.stats.unconfirmed()
		moved := acks != q.acks
		q.acks, q.hadAck = acks, q.hadAck || moved
		return missing, len(missing) == 0 && q.row.confirmed && flying > 0 && !moved
	}
	calls, waiting := q.attention.calls.Load(), q.attention.since.Load() != 0
	attended := waiting || calls != q.calls
	q.calls = calls
	switch {
	case !attended:
		return nil, false // its program is paused, or asks for no more frames
	case len(missing) == 0:
		// After its first frame a sender may have nothing to send for as long as it
		// likes.
		return nil, waiting && !q.stats.hasFrames()
	case len(missing) < len(q.ports):
		// The others may go on without a sender that has ended.
		return slices.DeleteFunc(missing, func(p uint) bool { return q.peers.hasServed(slices.Index(q.ports, p)) }), false
	case !waiting:
		return nil, false
	}
	return missing, false
}

// lookAt looks at some ports of the other end, all at once.
func (q *inquiry) lookAt(ports []uint) {
	const most = 16 // some of many ports are enough
	ports = ports[:min(len(ports), most)]
	found := make([]finding, len(ports))
	var all sync.WaitGroup
	for i, p := range ports {
		all.Add(1)
		spawn(q.alarm.fail, func() {
			defer all.Done()
			found[i] = q.look(p)
		})
	}
	all.Wait()
	v := verdict{at: time.Now()}
	v.cause, v.text = q.conclude(ports, found)
	q.log.Debug("looked at the other end", "cause", string(v.cause), "text", v.text)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.found = v
}

// conclude makes one text of the findings at some ports. It names ports with the
// same finding together.
func (s *scout) conclude(ports []uint, found []finding) (all cause, text string) {
	var causes, texts []string
	for i, f := range found {
		if f.cause == causeUnknown || slices.Index(found, f) < i {
			continue
		}
		var same []uint
		for k, g := range found {
			if g == f {
				same = append(same, ports[k])
			}
		}
		causes, texts = append(causes, string(f.cause)), append(texts, s.view(same).sentence(f))
	}
	slices.Sort(causes)
	return cause(strings.Join(slices.Compact(causes), ", ")), strings.Join(texts, "; ")
}

// verdict returns why nothing comes, as far as that is known without waiting. Any
// goroutine may call it.
func (q *inquiry) verdict(missing []uint) verdict {
	f := finding{}
	switch refusal := q.refusals.last.Load(); {
	case refusal != nil:
		f = finding{cause: causeRefused, reason: *refusal}
	case len(missing) == 0 && q.role == SenderRole:
		f.cause = causeUnconfirmed
	case len(missing) == 0:
		f.cause = causeNoFrame
	case q.cfg.Bind:
		f = q.whyAlone()
	default:
		q.mu.Lock()
		defer q.mu.Unlock()
		if time.Since(q.found.at) > lookAgain+lookPatience+time.Second {
			return verdict{}
		}
		return q.found
	}
	if len(missing) == 0 {
		missing = q.ports
	}
	return verdict{f.cause, q.view(missing).sentence(f), time.Now()}
}

// whyAlone returns why nobody is connected to a binding end.
func (q *inquiry) whyAlone() finding {
	turned, ok := q.peers.lastTurnedAway(time.Now().Add(-turnedAwayLately))
	if !ok {
		return finding{cause: causeAlone}
	}
	if !turned.why.worthAWarning() {
		// Where two ends do not fit each other, either of them may hang up first.
		return finding{
			cause: causeCameAndWent,
			reason: fmt.Sprintf("%s came and hung up during the handshake, as an end does whose pattern or secure-mode is another one: set the same at both ends (here pattern=%s and secure-mode=%s); one of the two must send, and one receive",
				shownPeer(turned.endpoint), q.cfg.Pattern, secureModeEnum.Values[q.cfg.SecureMode].Nick),
		}
	}
	return finding{
		cause:  causeTurnedAway,
		reason: fmt.Sprintf("%s came and was not let in: %s: %s", shownPeer(turned.endpoint), turned.reason, turned.why.cure(turned.reason, q.cfg.Pattern, q.keys)),
	}
}

// because returns why nothing comes, for the warning about a timeout. The text is
// empty while that is not known.
func (q *inquiry) because() (cause, string) {
	if q.trouble() != nil {
		return causeUnknown, "" // the warning contains it anyway
	}
	v := q.verdict(q.peers.missing(q.ports))
	if v.text != "" {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.tellLocked(v.cause)
	}
	return v.cause, v.text
}

// tellLocked notes that a warning with this cause goes out, and when it may come
// again.
func (q *inquiry) tellLocked(why cause) {
	first, last, factor := firstRepeat, lastRepeat, time.Duration(2)
	if why == causeAlone {
		first, last, factor = firstAlone, lastAlone, 4
	}
	if q.pause = min(factor*q.pause, last); why != q.told {
		q.told, q.pause = why, first
	}
	q.again = time.Now().Add(q.pause)
}

// speak warns of why nothing comes, unless it has just done so.
func (q *inquiry) speak(missing []uint) {
	v := q.verdict(missing)
	q.mu.Lock()
	due := v.text != "" && (v.cause != q.told || !time.Now().Before(q.again))
	if due {
		q.tellLocked(v.cause)
	}
	q.mu.Unlock()
	if due && q.ctx.Err() == nil {
		q.obs.warn(withCause(q.warning(v.text), v.cause))
	}
}

// warning returns the warning with that text.
func (q *inquiry) warning(text string) error {
	endpoint := q.endpoints()
	trouble := q.trouble()
	switch {
	case trouble != nil:
		return fmt.Errorf("netgear: %w: %w at %s", trouble, ErrNoPeer, endpoint)
	case q.role == ReceiverRole:
		return fmt.Errorf("netgear: %w at %s: %s", ErrNoFrame, endpoint, text)
	case q.row.confirmed:
		return fmt.Errorf("netgear: %w from %s: %s", ErrNoReply, endpoint, text)
	}
	return fmt.Errorf("netgear: %w at %s: %s", ErrNoPeer, endpoint, text)
}
