package door

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// posts has each type of socket that may be ours, with whom it talks to.
var posts = []struct{ ours, theirs zmq4.Type }{
	{zmq4.PAIR, zmq4.PAIR},
	{zmq4.REQ, zmq4.REP},
	{zmq4.REP, zmq4.REQ},
	{zmq4.PUB, zmq4.SUB},
	{zmq4.SUB, zmq4.PUB},
	{zmq4.PULL, zmq4.PUSH},
}

// together returns a Post and a socket of libzmq that are connected.
func together(t *testing.T, ours, theirs zmq4.Type, network string, binds bool) (post *bound, peer *zmq4.Socket) {
	t.Helper()
	if binds {
		post = bind(t, ours, network, withPost(ours)).posted(t, 3)
		peer = socket(t, theirs)
		if err := peer.Connect(post.endpoint()); err != nil {
			t.Fatal(err)
		}
	} else {
		at := bind(t, theirs, network, nil)
		peer = at.Socket
		post = beforeDialling(t, ours, network, at.addr, withPost(ours)).posted(t, 3)
		if err := post.Connect("ipc://" + post.mouth); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case ours == zmq4.PUB:
		_ = peer.SetRcvtimeo(10 * time.Millisecond)
		subscribed(t, func() { _ = post.put("hello") }, func() ([]string, error) { return peer.RecvMessage(0) })
		_ = peer.SetRcvtimeo(patience)
	case theirs == zmq4.PUB:
		subscribed(t, func() { _, _ = peer.SendMessage("hello") }, func() ([]string, error) { return post.get(10 * time.Millisecond) })
	}
	return post, peer
}

// A Post speaks with libzmq's sockets, both ways where the pattern has two.
func TestPostSpeaksZeroMQ(t *testing.T) {
	t.Parallel()
	for _, network := range networks {
		for _, p := range posts {
			for _, binds := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/binds=%v", network, name(p.ours), binds), func(t *testing.T) {
					t.Parallel()
					post, peer := together(t, p.ours, p.theirs, network, binds)
					out := func(head, body string) {
						post.send(t, head, body)
						got, err := peer.RecvMessage(0)
						if err != nil || len(got) != 2 || got[0] != head || got[1] != body {
							t.Fatalf("the peer got %d parts, %v: want %q and %d bytes", len(got), err, head, len(body))
						}
					}
					in := func(head, body string) {
						if _, err := peer.SendMessage(head, body); err != nil {
							t.Fatal(err)
						}
						if got := post.receive(t); len(got) != 2 || got[0] != head || got[1] != body {
							t.Fatalf("%d parts came: want %q and %d bytes", len(got), head, len(body))
						}
					}
					for n, size := range []int{0, 1, 29, 30, 255, 256, 8 << 10, 64<<10 - 20, 64 << 10, 300_000, 4 << 20, 10} {
						body := strings.Repeat(string(rune('a'+n)), size)
						head := "message " + strconv.Itoa(n)
						switch p.ours {
						case zmq4.REP, zmq4.SUB, zmq4.PULL:
							in(head, body)
						default:
							out(head, body)
						}
						switch p.ours {
						case zmq4.PAIR, zmq4.REQ:
							in("answer", body)
						case zmq4.REP:
							out("answer", body)
						}
					}
				})
			}
		}
	}
}

// Messages in a row come in their order and whole, however much of them the network takes
// at once.
func TestPostKeepsTheOrder(t *testing.T) {
	t.Parallel()
	post, peer := together(t, zmq4.PAIR, zmq4.PAIR, "tcp", true)
	const messages = 300
	size := func(n int) int { return n * n * 37 % 900_000 }
	go func() {
		for n := range messages {
			post.send(t, strconv.Itoa(n), strings.Repeat("x", size(n)))
		}
	}()
	for n := range messages {
		got, err := peer.RecvMessage(0)
		if err != nil || got[0] != strconv.Itoa(n) || len(got[1]) != size(n) {
			t.Fatalf("message %d: %v, %q with %d bytes: want %d", n, err, got[0], len(got[1]), size(n))
		}
	}
}

// What waits for a peer reaches it after Close, or does not, as Close says. In neither
// case does half a message.
func TestPostCloses(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{true, false} {
		t.Run(fmt.Sprintf("keep=%v", keep), func(t *testing.T) {
			t.Parallel()
			const messages, size = 8, 8 << 20
			to := bind(t, zmq4.PAIR, "tcp", func(c *Config) { c.Limits = Limits{Handshake: 4096} })
			post := beforeDialling(t, zmq4.PAIR, "tcp", to.addr, withPost(zmq4.PAIR)).posted(t, messages)
			if err := post.Connect("ipc://" + post.mouth); err != nil {
				t.Fatal(err)
			}
			for n := range messages {
				post.send(t, strconv.Itoa(n), strings.Repeat("x", size))
			}
			post.post.Close(keep)
			post.Close()
			got := 0
			for ; got < messages; got++ {
				m, err := to.get(2 * time.Second)
				if err != nil {
					break
				}
				if len(m) != 2 || m[0] != strconv.Itoa(got) || len(m[1]) != size {
					t.Fatalf("message %d has %d parts: want %d bytes in the second", got, len(m), size)
				}
			}
			if keep != (got == messages) {
				t.Errorf("%d of %d messages arrive", got, messages)
			}
		})
	}
}

// A peer that sends and is not read is held up, and costs a few messages of memory.
func TestPostHoldsUp(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.PAIR, "tcp", withPost(zmq4.PAIR)).posted(t, 3)
	s := shaken(t, post, "PAIR")
	const most = 64 << 20
	sent := 0
	for _ = s.SetDeadline(time.Now().Add(time.Second)); sent < most; sent += len(bigMessage) {
		if s.say(bigMessage) != nil {
			break
		}
	}
	if sent >= most {
		t.Errorf("the door took %d bytes that nobody reads", sent)
	}
	if got := post.receive(t); len(got) != 1 || len(got[0]) != len(megabyte) {
		t.Errorf("%d parts: want one of %d bytes", len(got), len(megabyte))
	}
}

// Each peer has its turn, however much another one sends.
func TestPostTakesPeersInTurn(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.PULL, "tcp", withPost(zmq4.PULL)).posted(t, 3)
	stop := make(chan struct{})
	defer close(stop)
	for _, who := range []string{"loud", "quiet"} {
		peer := socket(t, zmq4.PUSH)
		if err := errors.Join(peer.SetSndtimeo(20*time.Millisecond), peer.Connect(post.endpoint())); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		t.Cleanup(func() { <-ended })
		go func() {
			defer close(ended)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := peer.SendMessage(who); err == nil && who == "quiet" {
					time.Sleep(10 * time.Millisecond)
				}
			}
		}()
	}
	within(t, "both", func() bool { return post.receive(t)[0] == "loud" })
	for loud, quiet := 0, 0; quiet < 10; {
		if post.receive(t)[0] == "quiet" {
			quiet, loud = quiet+1, 0
		} else if loud++; loud > 200_000 {
			t.Fatal("the quiet one does not get through")
		}
		if quiet == 0 {
			continue
		}
	}
}

// An answer to an earlier request is passed over; what is no answer ends the connection.
func TestAnswers(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.REQ, "tcp", withPost(zmq4.REQ)).posted(t, 3)
	answer := func(id []byte, text string) []byte {
		return join(frame(flagMore, id), frame(flagMore, nil), frame(0, []byte(text)))
	}
	s := shaken(t, post, "REP")
	post.send(t, "request")
	want := join(frame(flagMore, []byte{1, 0, 0, 0}), frame(flagMore, nil), frame(0, []byte("request")))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the request is %q, %v: want %q", got, err, want)
	}
	for _, b := range [][]byte{
		answer([]byte{0, 0, 0, 0}, "earlier"), answer([]byte{9, 0, 0, 0}, "unasked"),
		join(frame(flagMore, nil), frame(0, []byte("without a number"))), answer([]byte{1, 0, 0, 0}, "right"), answer([]byte{1, 0, 0, 0}, "again"),
	} {
		if err := s.say(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := post.receive(t); len(got) != 1 || got[0] != "right" {
		t.Errorf("the answer is %q: want the right one", got)
	}
	if got, err := post.get(20 * time.Millisecond); !errors.Is(err, zmsg.ErrAgain) {
		t.Errorf("then %q comes, %v: want nothing", got, err)
	}
	if err := s.say(frame(0, []byte("no answer"))); err != nil {
		t.Fatal(err)
	}
	if err := s.isCut(); err != nil {
		t.Error(err)
	}
	post.await(t, "broken ZMTP: an answer without")
}

// A request without the part that ends its envelope is dropped, and one with a long
// envelope ends the connection.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.REP, "tcp", withPost(zmq4.REP)).posted(t, 3)
	s := shaken(t, post, "DEALER")
	envelope := join(frame(flagMore, []byte("router")), frame(flagMore, []byte{1, 2, 3, 4}), frame(flagMore, nil))
	for _, b := range [][]byte{frame(0, nil), join(frame(flagMore, []byte("a")), frame(0, []byte("b"))), envelope, frame(0, []byte("request"))} {
		if err := s.say(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := post.receive(t); len(got) != 1 || got[0] != "request" {
		t.Fatalf("%q comes: want the request", got)
	}
	post.send(t, "reply")
	want := join(envelope, frame(0, []byte("reply")))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the reply is %q, %v: want %q", got, err, want)
	}
	if err := s.say(frame(flagMore, make([]byte, maxEnvelope)), frame(flagMore, []byte("x")), frame(flagMore, nil), frame(0, nil)); err != nil {
		t.Fatal(err)
	}
	if err := s.isCut(); err != nil {
		t.Error(err)
	}
	post.await(t, "too much: an envelope")
}

// An answer is received though its sender hung up right behind it.
func TestLastWords(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.REQ, "tcp", withPost(zmq4.REQ)).posted(t, 3)
	s := shaken(t, post, "REP")
	post.send(t, "request")
	if _, err := io.ReadFull(s, make([]byte, 6+2+2+len("request"))); err != nil {
		t.Fatal(err)
	}
	if err := s.say(frame(flagMore, []byte{1, 0, 0, 0}), frame(flagMore, nil), frame(0, []byte("answer"))); err != nil {
		t.Fatal(err)
	}
	s.Close()
	within(t, "end of the connection", func() bool { return post.door.Count() == 0 })
	if got := post.receive(t); len(got) != 1 || got[0] != "answer" {
		t.Errorf("%q comes: want the answer", got)
	}
}

// What peers say of subscriptions decides what they get.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	post := bind(t, zmq4.PUB, "tcp", withPost(zmq4.PUB)).posted(t, 3)
	peer := socket(t, zmq4.SUB)
	if err := errors.Join(peer.SetUnsubscribe(""), peer.SetSubscribe("a"), peer.SetSubscribe("abc"), peer.Connect(post.endpoint()), peer.SetRcvtimeo(10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	subscribed(t, func() { _ = post.put("ab") }, func() ([]string, error) { return peer.RecvMessage(0) })
	_ = peer.SetRcvtimeo(patience)
	for _, m := range []string{"b", "", "abcd"} {
		post.send(t, m)
	}
	if got, err := peer.RecvMessage(0); err != nil || got[0] != "abcd" {
		t.Errorf("%q comes, %v: want abcd", got, err)
	}
	if err := peer.SetUnsubscribe("a"); err != nil {
		t.Fatal(err)
	}
	within(t, "end of the subscription", func() bool {
		conns := post.post.present()
		return len(conns) == 1 && !conns[0].outbox.wants([]byte("ab")) && conns[0].outbox.wants([]byte("abc"))
	})
}

// A peer takes part only if libzmq accepts its handshake.
func TestFits(t *testing.T) {
	t.Parallel()
	property := func(name, value string) string {
		return string(rune(len(name))) + name + "\x00\x00\x00" + string(rune(len(value))) + value
	}
	for _, c := range []struct {
		ours, theirs string // what is in the READY
		want         bool
	}{
		{property("Socket-Type", "REQ"), property("Socket-Type", "REP"), true},
		{property("Socket-Type", "REQ"), property("Socket-Type", "ROUTER") + property("Identity", ""), true},
		{property("Socket-Type", "REQ") + property("Identity", ""), property("Identity", "me") + property("Socket-Type", "PUSH"), false},
		{property("Socket-Type", "PULL"), property("Socket-Type", "PUSH"), true},
		{property("Socket-Type", "SUB"), property("Socket-Type", "PUSH"), false},
		{property("Socket-Type", "PUB"), property("Socket-Type", "XSUB"), true},
		{property("Socket-Type", "PAIR"), "", true},
		{property("Socket-Type", "PAIR"), property("Socket-Type", "PAIR") + "x", false},
		{property("Socket-Type", "PAIR"), property("Socket-Type", "PAIR") + "\x09x", false},
		{property("Socket-Type", "PAIR"), "\x0bSocket-Type\xff\xff\xff\xffPAIR", false},
	} {
		ours, theirs := newFollower(), NewReader(Limits{Handshake: 4096})
		for r, text := range map[*Reader]string{ours: c.ours, theirs: c.theirs} {
			b := join(greetingOf(mechanismNull), command("READY", []byte(text)...))
			for len(b) > 0 {
				_, rest, err := r.Feed(b, 0)
				if err != nil {
					t.Fatal(err)
				}
				b = rest
			}
		}
		if got := theirs.Fits(ours); got != c.want {
			t.Errorf("%q to %q: %v, want %v", c.theirs, c.ours, got, c.want)
		}
	}
}

// A connection of libzmq that ended before its monitor told of it does not take the place
// of the next one.
func TestIntroductions(t *testing.T) {
	t.Parallel()
	to := bind(t, zmq4.PAIR, "tcp", nil)
	post := beforeDialling(t, zmq4.PAIR, "tcp", to.addr, withPost(zmq4.PAIR)).posted(t, 3)
	for range 5 { // as libzmq does when it gives up
		c, err := net.Dial("unix", post.mouth)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if err := post.Connect("ipc://" + post.mouth); err != nil {
		t.Fatal(err)
	}
	post.send(t, "hello")
	if got := to.receive(t); got[0] != "hello" {
		t.Errorf("%q comes", got)
	}
}
