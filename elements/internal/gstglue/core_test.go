package gstglue

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func TestLimiter(t *testing.T) {
	kind := warningKind{errors.New("a"), "cause"}
	other, cause := warningKind{errors.New("b"), "cause"}, warningKind{kind.err, "another"}
	l := limiter{kinds: map[warningKind]*quiet{}}
	begin := time.Unix(1000, 0)
	for i, s := range []struct {
		at   time.Duration
		kind warningKind
		held int
		ok   bool
	}{
		{0, kind, 0, true},
		{100 * time.Millisecond, kind, 0, false},
		{200 * time.Millisecond, other, 0, true}, // kinds do not hold each other back
		{300 * time.Millisecond, cause, 0, true}, // nor do causes
		{900 * time.Millisecond, kind, 0, false},
		{1100 * time.Millisecond, kind, 2, true}, // the gap is two seconds now
		{2500 * time.Millisecond, kind, 0, false},
		{3200 * time.Millisecond, kind, 1, true},
		{4000 * time.Millisecond, kind, 0, false},
		{20 * time.Second, kind, 1, true}, // silence: a first one again
		{21 * time.Second, kind, 0, true},
	} {
		held, ok := l.allow(s.kind, begin.Add(s.at))
		if held != s.held || ok != s.ok {
			t.Errorf("step %d: %d, %v; want %d, %v", i, held, ok, s.held, s.ok)
		}
	}
	// A storm of an hour leaves a handful of posts.
	n := 0
	for at := time.Duration(0); at < time.Hour; at += 10 * time.Millisecond {
		if _, ok := l.allow(kind, begin.Add(time.Hour+at)); ok {
			n++
		}
	}
	if n > 70 {
		t.Errorf("%d posts in an hour", n)
	}
}

func TestCanceller(t *testing.T) {
	var c Canceller
	first := c.Context()
	if c.Context() != first {
		t.Error("the context changed without reason")
	}
	c.Unlock()
	if !errors.Is(first.Err(), context.Canceled) || c.Context().Err() == nil {
		t.Error("Unlock did not end the context, or a call that begins after it")
	}
	c.UnlockStop()
	if c.Context().Err() != nil {
		t.Error("UnlockStop did not make a new context")
	}
	second := c.Context()
	c.UnlockStop()
	if c.Context() != second {
		t.Error("UnlockStop changed a context that was not ended")
	}
	// Unlock before anything has begun.
	var early Canceller
	early.Unlock()
	if early.Context().Err() == nil {
		t.Error("a call that begins after Unlock would block")
	}
}

// Every error of the library that an element can meet has a row of its own.
func TestErrorsHaveRows(t *testing.T) {
	for _, err := range []error{
		netgear.ErrSettings, netgear.ErrInUse, netgear.ErrNoAddress, netgear.ErrOpen, netgear.ErrNoReply, netgear.ErrNoFrame,
		netgear.ErrPeerLost, netgear.ErrAbandoned, netgear.ErrTransport, wire.ErrMalformed, wire.ErrUnsupported,
	} {
		if row := rowOf(fmt.Errorf("netgear: %w: more", err)); !errors.Is(row.err, err) {
			t.Errorf("%v has no row", err)
		}
	}
	if row := rowOf(errors.New("anything else")); row.err != nil {
		t.Errorf("an unknown error has the row of %v", row.err)
	}
	if row := rowOf(fmt.Errorf("%w: %w", netgear.ErrAbandoned, netgear.ErrNoReply)); !errors.Is(row.err, netgear.ErrAbandoned) {
		t.Error("the first row that matches does not count")
	}
}

func TestMessageLeavesOutThePackage(t *testing.T) {
	for text, want := range map[string]string{
		"netgear: bind tcp://*:1: in use":                       "bind tcp://*:1: in use",
		"netgear: message dropped: wire: header: malformed":     "message dropped: header: malformed",
		"frame dropped: wire: JPEG: want ff d8, got \"wire: \"": "frame dropped: JPEG: want ff d8, got \"wire: \"",
	} {
		if got := message(errors.New(text)); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
