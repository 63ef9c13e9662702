package door

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// Who made sense has its place back before strangers who waited for it, and who
// hangs up waits no longer.
func TestTurnGoesToTheProven(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", func(c *Config) { c.One = true })
	good := socket(t, zmq4.PAIR)
	if err := good.Connect(b.endpoint()); err != nil {
		t.Fatal(err)
	}
	talk(t, good, b.Socket, true, 1)
	b.door.Trust()
	stranger := socket(t, zmq4.PAIR)
	if err := stranger.Connect("tcp://127.0.0.2:0;" + b.addr); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.SendMessage("stranger"); err != nil {
		t.Fatal(err)
	}
	queued := func() int {
		b.door.mu.Lock()
		defer b.door.mu.Unlock()
		return len(b.door.turns.queue)
	}
	within(t, "stranger that waits", func() bool { return queued() == 1 })
	if err := good.Close(); err != nil {
		t.Fatal(err)
	}
	back := socket(t, zmq4.PAIR)
	if err := back.Connect(b.endpoint()); err != nil {
		t.Fatal(err)
	}
	talk(t, back, b.Socket, true, 1)
	if queued() != 1 {
		t.Error("the stranger no longer waits")
	}
	if err := stranger.Close(); err != nil {
		t.Fatal(err)
	}
	within(t, "end of its wait", func() bool { return queued() == 0 })
}

// Whoever wasted its turns comes last, and among equals who waits for the longest
// time comes first.
func TestStandings(t *testing.T) {
	now := time.Now()
	later := now.Add(time.Second)
	sorted := []standing{
		{proven: true, served: now},
		{proven: true, served: later},
		{},
		{served: later},
		{strikes: 1, proven: true, served: now},
		{strikes: 1},
		{strikes: 2},
	}
	for i, s := range sorted {
		for j, o := range sorted {
			if s.before(o) != (i < j) {
				t.Errorf("%+v before %+v: want %v", s, o, i < j)
			}
		}
	}
	var q turns
	at := func(address string) *conn { return &conn{source: netip.MustParseAddr(address)} }
	first, second := at("10.0.0.1"), at("10.0.0.2")
	q.queue = []*conn{first, second}
	for _, want := range []*conn{first, second, first} {
		next := q.next()
		if next != want {
			t.Fatalf("%v is next, want %v", next.source, want.source)
		}
		q.begin(next)
	}
}
