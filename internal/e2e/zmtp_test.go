package e2e

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/hostile"
)

// attack is what a stranger does to a port, below the messages. It may leave
// connections open, which are closed when the test has seen what comes of it.
type attack struct {
	name string
	do   func(t testing.TB, address, socketType string) (open []net.Conn)
}

// times makes the same connection n times.
func times(n int, connect func(t testing.TB, address, socketType string, i int) net.Conn) func(testing.TB, string, string) []net.Conn {
	return func(t testing.TB, address, socketType string) (open []net.Conn) {
		for i := range n {
			if c := connect(t, address, socketType, i); c != nil {
				open = append(open, c)
			}
		}
		return open
	}
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c
		}
		if time.Now().After(end) { // a source that sheds connections is away for a moment
			t.Fatal(err)
		}
	}
}

// raw connects and writes what is no handshake.
func raw(b func(i int) []byte) func(testing.TB, string, string, int) net.Conn {
	return func(t testing.TB, address, _ string, i int) net.Conn {
		t.Helper()
		c := dial(t, address)
		_, _ = c.Write(b(i)) // it may have been cut off already
		return c
	}
}

// shaken connects, shakes hands and writes what is no message.
func shaken(b func(i int) []byte) func(testing.TB, string, string, int) net.Conn {
	return func(t testing.TB, address, socketType string, i int) net.Conn {
		t.Helper()
		if socketType == "PAIR" && i >= 10 {
			return nil // it would shed them all, and serve the first that comes back
		}
		c, err := hostile.Connect(address, socketType)
		if err != nil {
			return nil // cut off, with others like it
		}
		_, _ = c.Write(b(i)) // it may have been cut off already
		return c
	}
}

var attacks = []attack{
	{"greetings that stop in the middle", times(200, raw(func(i int) []byte { return hostile.Greeting()[:i%64] }))},
	{"greetings byte by byte", func(t testing.TB, address, _ string) (open []net.Conn) {
		for range 100 {
			open = append(open, dial(t, address))
		}
		for i := range hostile.Greeting() {
			for _, c := range open {
				_, _ = c.Write(hostile.Greeting()[i : i+1])
			}
			time.Sleep(time.Millisecond)
		}
		return open
	}},
	{"garbage for greetings", times(200, raw(func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 100) }))},
	{"handshakes with garbage", times(100, raw(func(i int) []byte {
		return append(hostile.Greeting(), [][]byte{
			hostile.Ready("NONSENSE"), hostile.Ready(string(make([]byte, 200))), hostile.Ping(), hostile.Message([]byte("x")), hostile.Command("ERROR", []byte{255}),
			hostile.Command("READY", []byte{11, 'S', 255, 255, 255, 255}),
			{4, 0},
			{4, 1, 255},
			{6, 255, 255, 255, 255, 255, 255, 255, 255},
			hostile.Command("UNKNOWN", nil),
		}[i%10]...)
	}))},
	{"frames of absurd length", times(100, shaken(func(i int) []byte {
		return [][]byte{
			{2, 0x80, 0, 0, 0, 0, 0, 0, 0}, {2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {2, 0, 0, 0, 0x80, 0, 0, 0, 0}, {3, 0, 0, 0, 1, 0, 0, 0, 0}, {0xff, 0xff},
		}[i%5]
	}))},
	{"commands at bad moments", times(100, shaken(func(i int) []byte {
		part := hostile.Part([]byte("x"), true)
		return bytes.Join([][]byte{part, [][]byte{
			hostile.Ping(), hostile.Command("PONG", nil), hostile.Command("SUBSCRIBE", []byte("x")), hostile.Command("CANCEL", nil), hostile.Ready("PAIR"),
			hostile.Command("UNKNOWN", make([]byte, 1000)),
			{4, 0},
			{4, 5, 4, 'P', 'I', 'N', 'G'},
			hostile.Command("PING", make([]byte, 5000)),
			{4, 3, 9, 'P', 'I'},
		}[i%10], part}, nil)
	}))},
	{"messages without an end", times(10, shaken(func(int) []byte { return bytes.Repeat(hostile.Part(make([]byte, 10), true), 10_000) }))},
	{"messages that nobody takes", times(200, func(t testing.TB, address, socketType string, i int) net.Conn {
		t.Helper()
		if c := shaken(func(int) []byte { return bytes.Repeat(hostile.Message([]byte("x")), 20) })(t, address, socketType, i); c != nil {
			_ = c.Close()
		}
		return nil
	})},
	{"connections that come and go", times(400, func(t testing.TB, address, _ string, i int) net.Conn {
		t.Helper()
		_ = raw(func(int) []byte { return hostile.Greeting()[:i%65] })(t, address, "", i).Close()
		return nil
	})},
}

// Whatever a stranger does below the messages, the source goes on, a good sender
// beside it loses nothing, and nothing is left of it.
func TestHostileConnections(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		port := freePort(t)
		r := watch(t, `--stats --said "good" netgearsrc name=src address=127.0.0.1 port=%d pattern=%v eos-on-terminate=false max-retries=0 ! appsink name=out`, port, p)
		r.event("stats", 1)
		good := newGoodSender(t, p, port, "", "")
		good.frames(r, 5)
		before := r.until("the good frames", func(f figures) bool { return f.Src["frames-received"] == good.sent })
		worst := figures{}
		for _, a := range attacks {
			begin := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { good.frames(r, 20) })
			open := a.do(t, fmt.Sprintf("127.0.0.1:%d", port), [...]string{"PAIR", "DEALER", "PUB"}[p])
			wg.Wait()
			f, _ := r.figures()
			worst.RSS, worst.FDs = max(worst.RSS, f.RSS), max(worst.FDs, f.FDs)
			for _, c := range open {
				_ = c.Close() // its end is what matters
			}
			t.Logf("%s: %v, RSS %.0f MB, %d descriptors", a.name, time.Since(begin).Round(time.Millisecond), f.RSS, f.FDs)
		}
		good.frames(r, 5)
		after := r.until("next to nothing left of it", func(f figures) bool {
			return f.FDs <= before.FDs+60 && f.Src["frames-received"] == good.sent // a pair source keeps what it refused for a while
		})
		t.Logf("RSS %.0f MB, %.0f MB at most, then %.0f MB; descriptors %d, %d, %d", before.RSS, worst.RSS, after.RSS, before.FDs, worst.FDs, after.FDs)
		if after.RSS > before.RSS+100 {
			t.Errorf("it grew by %.0f MB", after.RSS-before.RSS)
		}
		r.Kill(syscall.SIGKILL)
	})
}

// The same for a sink that binds, and its good receiver.
func TestHostileConnectionsToSink(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		port := freePort(t)
		s := watch(t, `--stats --stay videotestsrc is-live=true ! %s,framerate=100/1 ! netgearsink name=sink bind=true address=127.0.0.1 port=%d pattern=%v request-timeout=1 max-retries=0`,
			testPicture, port, p)
		r := watch(t, `--stats --stay netgearsrc name=src bind=false address=127.0.0.1 port=%d pattern=%v request-timeout=1 max-retries=0 ! fakesink`, port, p)
		more := func(what string) {
			t.Helper()
			f, _ := r.figures()
			due := f.Src["frames-received"] + 20
			r.until("20 frames "+what, func(f figures) bool { return f.Src["frames-received"] >= due })
		}
		more("at first")
		before, _ := s.figures()
		worst := figures{}
		for _, a := range attacks {
			begin := time.Now()
			open := a.do(t, fmt.Sprintf("127.0.0.1:%d", port), [...]string{"PAIR", "REP", "SUB"}[p])
			if p != reqRep { // there each of them gets a frame in its turn, and keeps it until the request times out
				more("beside " + a.name)
			}
			f, _ := s.figures()
			worst.RSS, worst.FDs = max(worst.RSS, f.RSS), max(worst.FDs, f.FDs)
			for _, c := range open {
				_ = c.Close() // its end is what matters
			}
			more("after " + a.name)
			t.Logf("%s: %v, RSS %.0f MB, %d descriptors", a.name, time.Since(begin).Round(time.Millisecond), f.RSS, f.FDs)
		}
		after := s.until("next to nothing left of it", func(f figures) bool { return f.FDs <= before.FDs+60 })
		t.Logf("RSS %.0f MB, %.0f MB at most, then %.0f MB; descriptors %d, %d, %d", before.RSS, worst.RSS, after.RSS, before.FDs, worst.FDs, after.FDs)
		if after.RSS > before.RSS+100 {
			t.Errorf("it grew by %.0f MB", after.RSS-before.RSS)
		}
		s.Kill(syscall.SIGKILL)
		r.Kill(syscall.SIGKILL)
	})
}

// A PING behind messages that nobody has taken yet, from a peer that is gone,
// aborts libzmq 4.3 (docs/decisions/0004). Who is not let in does not get that far.
func TestStrangersCannotAbort(t *testing.T) {
	keys := ourKeys(t)
	for _, guard := range []struct {
		name, settings string
		from           string // where the good sender connects from, in the notation of ZeroMQ
		keys           string // the folder of its keys
		mechanism      string // that the strangers name; one of another they do not get past
	}{
		{"allow", "allow=127.0.0.2", "127.0.0.2:0;", "", "NULL"},
		{"stonehouse", secured(1, keys), "", keys, "CURVE"},
		{"ironhouse", secured(2, keys), "", keys, "CURVE"},
	} {
		t.Run(guard.name, func(t *testing.T) {
			eachPattern(t, patterns, func(t *testing.T, p pattern) {
				port := freePort(t)
				r := watch(t, `--stats --said "good" netgearsrc name=src address=127.0.0.1 port=%d pattern=%v max-retries=0 %s ! identity sleep-time=20000 ! appsink name=out`,
					port, p, guard.settings)
				r.event("stats", 1)
				message := [][]byte{[]byte(goodHeader), []byte(goodData)}
				if p == reqRep {
					message = append([][]byte{nil}, message...)
				}
				b := hostile.Ready([...]string{"PAIR", "DEALER", "PUB"}[p])
				b = append(b, bytes.Repeat(hostile.Message(message...), 20)...)
				b = append(b, hostile.Ping()...)
				good := newGoodSender(t, p, port, guard.from, guard.keys)
				for i := range 60 {
					c, err := hostile.Greet(fmt.Sprintf("127.0.0.1:%d", port), guard.mechanism)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := c.Write(b); err != nil {
						t.Fatal(err)
					}
					if i%2 == 0 {
						time.Sleep(2 * time.Millisecond) // after the handshake, or in the midst of it
					}
					_ = c.SetLinger(0) // gone, and not by the book
					_ = c.Close()
				}
				good.frames(r, 5)
				r.until("the good frames alone", func(f figures) bool {
					// One that talks garbage is no failed authentication, like any port scanner.
					return f.Src["frames-received"] == good.sent && (f.Src["auth-failures"] > 0) == (guard.keys == "")
				})
				r.Kill(syscall.SIGKILL)
			})
		})
	}
}
