package netgear

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPirate(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		// events: t timeout, s success; the last t must give up when gives
		events string
		gives  bool
	}{
		{"first of one", 1, "t", true},
		{"second of three", 3, "tt", false},
		{"third of three", 3, "ttt", true},
		{"a success starts anew", 3, "ttsttstt", false},
		{"and the limit holds again", 3, "ttsttt", true},
		{"never", 0, strings.Repeat("t", 1000), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pirate{limit: c.limit}
			for i, e := range c.events {
				if e == 's' {
					p.succeeded()
					continue
				}
				got, want := p.timedOut(), c.gives && i == len(c.events)-1
				if got != want {
					t.Fatalf("event %d: gives up %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestPeerTable(t *testing.T) {
	type step struct {
		ev        linkEvent
		fd        int
		added     []string
		removed   []string
		connected int
		rejected  string
	}
	a, b := []string{"from 5"}, []string{"from 6"}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"comes and goes", []step{
			{linkAccepted, 5, nil, nil, 0, ""}, {linkReady, 0, a, nil, 1, ""}, {linkEnded, 5, nil, a, 0, ""},
		}},
		{"refused", []step{
			{linkAccepted, 5, nil, nil, 0, ""}, {linkRefused, 0, nil, nil, 0, ""}, {linkEnded, 5, nil, nil, 0, "from 5"},
		}},
		{"two at once", []step{
			{linkAccepted, 5, nil, nil, 0, ""},
			{linkAccepted, 6, nil, nil, 0, ""},
			{linkReady, 0, a, nil, 1, ""},
			{linkReady, 0, b, nil, 2, ""},
			{linkEnded, 6, nil, b, 1, ""},
			{linkEnded, 5, nil, a, 0, ""},
		}},
		{"the later one of two is ready first, the other refused", []step{
			{linkAccepted, 5, nil, nil, 0, ""},
			{linkAccepted, 6, nil, nil, 0, ""},
			{linkReady, 0, a, nil, 1, ""},
			{linkRefused, 0, nil, nil, 1, ""},
			{linkEnded, 5, b, a, 1, "from 5"},
			{linkEnded, 6, nil, b, 0, ""},
		}},
		{"ready without a beginning", []step{{linkReady, 0, nil, nil, 0, ""}, {linkEnded, 9, nil, nil, 0, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newPeerTable()
			from := map[int]string{5: "from 5", 6: "from 6"}
			for i, s := range c.steps {
				ch := table.event(1, linkNews{kind: s.ev, endpoint: "bound", from: from[s.fd], fd: s.fd, reason: "for a reason"})
				want := peerChange{added: s.added, removed: s.removed, rejected: s.rejected, connected: s.connected}
				if s.rejected != "" {
					want.reason, want.swapped = "for a reason", len(s.removed) > 0
				}
				if !reflect.DeepEqual(ch, want) {
					t.Fatalf("step %d: %+v, want %+v", i, ch, want)
				}
			}
		})
	}
	t.Run("of several in their handshakes the one that was let in is ready", func(t *testing.T) {
		table := newPeerTable()
		for fd := 5; fd <= 6; fd++ {
			table.event(1, linkNews{kind: linkAccepted, endpoint: "bound", from: fmt.Sprint("from ", fd), fd: fd, admitted: func() bool { return fd == 6 }})
		}
		if ch := table.event(1, linkNews{kind: linkReady, endpoint: "bound"}); !reflect.DeepEqual(ch.added, []string{"from 6"}) {
			t.Errorf("%+v", ch)
		}
		if ch := table.event(1, linkNews{kind: linkEnded, fd: 6}); !reflect.DeepEqual(ch, peerChange{removed: []string{"from 6"}}) {
			t.Errorf("%+v", ch)
		}
	})
	t.Run("of several ports the one that says so is ready", func(t *testing.T) {
		table := newPeerTable()
		table.event(1, linkNews{kind: linkConnected, endpoint: "one", fd: 5})
		table.event(1, linkNews{kind: linkConnected, endpoint: "two", fd: 6})
		if ch := table.event(1, linkNews{kind: linkReady, endpoint: "two"}); !reflect.DeepEqual(ch.added, []string{"two"}) {
			t.Errorf("%+v", ch)
		}
	})
	t.Run("reasons of the ZAP handler go in their order", func(t *testing.T) {
		table := newPeerTable()
		table.event(1, linkNews{kind: linkAccepted, endpoint: "bound", fd: 5})
		table.event(1, linkNews{kind: linkAccepted, endpoint: "bound", fd: 6})
		table.deny("six")
		table.deny("five")
		for _, s := range []struct {
			fd   int
			want string
		}{{6, "six"}, {5, "five"}} {
			table.event(1, linkNews{kind: linkRefused, why: failedDenied, reason: "not authorized"})
			if ch := table.event(1, linkNews{kind: linkEnded, fd: s.fd}); ch.reason != s.want || ch.why != failedDenied {
				t.Errorf("%d: %+v, want the reason %q", s.fd, ch, s.want)
			}
		}
		if len(table.denied) != 0 {
			t.Errorf("left over: %v", table.denied)
		}
	})
	t.Run("a socket goes with its peers", func(t *testing.T) {
		table := newPeerTable()
		table.event(1, linkNews{kind: linkConnected, endpoint: "one", fd: 5})
		table.event(1, linkNews{kind: linkReady})
		table.event(2, linkNews{kind: linkConnected, endpoint: "two", fd: 6})
		table.event(2, linkNews{kind: linkReady})
		if ch := table.stopped(1); !reflect.DeepEqual(ch, peerChange{removed: []string{"one"}, connected: 1}) {
			t.Errorf("%+v", ch)
		}
		if p := table.snapshot(); len(p) != 1 || p[0].Endpoint != "two" {
			t.Errorf("left over: %v", p)
		}
	})
}

func TestProbing(t *testing.T) {
	begin := time.Unix(1000, 0)
	after := func(d time.Duration) time.Time { return begin.Add(d) }
	p := newProbing(begin, 16*time.Second)
	for i, s := range []struct {
		at        time.Duration
		connected bool
		due       bool
	}{
		{500 * time.Millisecond, true, false},
		{time.Second, false, false}, // not connected: its second begins anew
		{1500 * time.Millisecond, true, false},
		{2 * time.Second, true, true},
		{3 * time.Second, true, false},
		{4 * time.Second, true, true},
		{7 * time.Second, true, false},
		{8 * time.Second, true, true},
		{15 * time.Second, true, false}, // the last attempt has the rest
	} {
		if got := p.due(after(s.at), s.connected); got != s.due {
			t.Errorf("step %d: due %v, want %v", i, got, s.due)
		}
	}
	var none probing
	if none.due(begin, true) {
		t.Error("none is due")
	}
}
