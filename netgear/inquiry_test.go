package netgear

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// inquiring is an inquiry whose clock is the test's, and the warnings it gives.
func inquiring(t *testing.T, role Role, set func(cfg *Config)) (q *inquiry, warnings *[]error) {
	t.Helper()
	cfg := DefaultConfig(role)
	cfg.Address, cfg.Port = "127.0.0.1", listenerGone(t)
	set(&cfg)
	c := looking(t, cfg, role)
	warnings = new([]error)
	obs := &Observer{Warning: func(err error) { *warnings = append(*warnings, err) }}
	q = newInquiry(c.refusals.scout, c.refusals, &counters{}, &c.attention, obs)
	return q, warnings
}

// connect has a peer come to the port of an end, with a handshake.
func connect(q *inquiry, fd int) {
	q.peers.event(1, linkNews{kind: linkConnected, endpoint: q.cfg.endpoint(q.ports[0]), fd: fd})
	q.peers.event(1, linkNews{kind: linkReady})
	q.peers.serve(0)
}

// It warns once of what is missing, again when the cause changes, and not at all
// of what is well.
func TestInquiryOfASender(t *testing.T) {
	q, warnings := inquiring(t, SenderRole, func(*Config) {})
	at := func(d time.Duration) []error {
		*warnings = nil
		q.step(q.since.Add(d))
		return *warnings
	}
	if w := at(speakAfter - time.Millisecond); len(w) > 0 {
		t.Errorf("too soon: %v", w)
	}
	w := at(speakAfter)
	if len(w) != 1 || !errors.Is(w[0], ErrNoReply) || !strings.Contains(w[0].Error(), "nobody listens") || CauseOf(w[0]) != string(causeNobody) {
		t.Fatalf("%v, want that nobody listens", w)
	}
	if w := at(speakAfter + time.Second); len(w) > 0 {
		t.Errorf("again: %v", w)
	}
	connect(q, 5)
	q.step(time.Now())
	if !q.since.IsZero() {
		t.Error("something is missing, though nothing is on its way")
	}
	// A frame that is not confirmed.
	q.stats.count(func(st *Stats) { st.Frames++ })
	q.step(time.Now())
	w = at(speakAfter)
	if len(w) != 1 || CauseOf(w[0]) != string(causeUnconfirmed) {
		t.Fatalf("%v, want that nothing is confirmed", w)
	}
	q.stats.ack(time.Millisecond)
	q.step(time.Now())
	if !q.since.IsZero() || q.told != causeUnknown {
		t.Error("a confirmation did not end it")
	}
	// A receiver that is slow for once has the request timeout.
	q.stats.count(func(st *Stats) { st.Frames++ })
	q.step(time.Now())
	if w := at(q.cfg.RequestTimeout - time.Millisecond); len(w) > 0 {
		t.Errorf("a slow receiver: %v", w)
	}
	if w := at(q.cfg.RequestTimeout); len(w) != 1 {
		t.Errorf("a silent receiver: %v", w)
	}
}

// A source whose program does not ask for frames has nothing to complain of, nor
// one whose sender pauses.
func TestInquiryOfAReceiver(t *testing.T) {
	for _, pattern := range []wire.Pattern{wire.Pair, wire.PubSub} {
		q, warnings := inquiring(t, ReceiverRole, func(cfg *Config) { cfg.Pattern = pattern })
		after := func() []error {
			*warnings = nil
			q.step(time.Now())
			if !q.since.IsZero() {
				q.step(q.since.Add(speakAfter))
			}
			return *warnings
		}
		if w := after(); len(w) > 0 {
			t.Errorf("nobody waits: %v", w)
		}
		q.attention.begin()
		w := after()
		if len(w) != 1 || !errors.Is(w[0], ErrNoFrame) || CauseOf(w[0]) != string(causeAlone) {
			t.Fatalf("%v, want that nobody has connected", w)
		}
		connect(q, 5)
		if w := after(); len(w) != 1 || CauseOf(w[0]) != string(causeNoFrame) {
			t.Errorf("%v, want that a sender sends nothing", w)
		}
		q.stats.count(func(st *Stats) { st.Frames++ })
		if w := after(); len(w) > 0 {
			t.Errorf("a sender pauses: %v", w)
		}
		q.peers.event(1, linkNews{kind: linkEnded, fd: 5})
		if w := after(); len(w) != 1 || CauseOf(w[0]) != string(causeAlone) {
			t.Errorf("%v, want that nobody is connected any more", w)
		}
		q.attention.end()
	}
}

// A cause is told again after pauses that grow, and those of a wait for a visitor
// grow more.
func TestInquiryRepeats(t *testing.T) {
	for why, want := range map[cause][]time.Duration{
		causeNobody: {firstRepeat, 2 * firstRepeat, 4 * firstRepeat, lastRepeat, lastRepeat},
		causeAlone:  {firstAlone, 4 * firstAlone, 16 * firstAlone, lastAlone, lastAlone},
	} {
		q, _ := inquiring(t, SenderRole, func(*Config) {})
		for i, pause := range want {
			if q.tellLocked(why); q.pause != pause {
				t.Errorf("%s: pause %d is %v, want %v", why, i, q.pause, pause)
			}
		}
	}
}

// The warning of a timeout says the same and waits for nothing.
func TestBecause(t *testing.T) {
	q, _ := inquiring(t, SenderRole, func(*Config) {})
	begin := time.Now()
	if why, text := q.because(); why != causeUnknown || text != "" {
		t.Errorf("%q, %q before a look", why, text)
	}
	if took := time.Since(begin); took > 50*time.Millisecond {
		t.Errorf("took %v", took)
	}
	q.step(q.since.Add(q.first))
	if why, text := q.because(); why != causeNobody || !strings.Contains(text, "nobody listens") {
		t.Errorf("%q, %q after a look", why, text)
	}
	refusal := "tcp://x wants encryption: set secure-mode and its certificates here too"
	q.refusals.last.Store(&refusal)
	if why, text := q.because(); why != causeRefused || text != refusal {
		t.Errorf("%q, %q after a refusal", why, text)
	}
}
