package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/hostile"
)

// bombardment is how many messages a hostile peer sends, and the seed of what
// it sends. HOSTILE=100000 makes it longer, SEED=… repeats one that failed.
func bombardment(t testing.TB, usual int) (messages int, g *hostile.Generator) {
	t.Helper()
	seed := rand.Uint64()
	for name, set := range map[string]func(text string) error{
		"HOSTILE": func(text string) (err error) { messages, err = strconv.Atoi(text); return err },
		"SEED":    func(text string) (err error) { seed, err = strconv.ParseUint(text, 10, 64); return err },
	} {
		if text := os.Getenv(name); text != "" {
			if err := set(text); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if messages == 0 {
		messages, seed = usual, seed%1000 // few seeds are easily told
	}
	f, err := os.Open("../../netgear/wire/testdata/netgear-0.3.5.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if g, err = hostile.New(seed, f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat it: SEED=%d", seed)
		}
	})
	return messages, g
}

// zocket is a ZeroMQ socket of a test's own.
type zocket struct {
	t testing.TB
	*zmq4.Socket
}

func socket(t testing.TB, typ zmq4.Type) zocket {
	t.Helper()
	ctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ctx.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	z := zocket{t, s}
	z.must(s.SetLinger(0))
	z.must(s.SetSndhwm(0)) // nothing is dropped here
	z.must(s.SetRcvtimeo(patience))
	z.must(s.SetSndtimeo(patience))
	t.Cleanup(func() {
		_ = s.Close()
		_ = ctx.Term()
	})
	return z
}

func (z zocket) must(err error) {
	z.t.Helper()
	if err != nil {
		z.t.Fatal(err)
	}
}

// connect connects and waits until the other end has read the handshake.
func (z zocket) connect(from string, port int) {
	z.t.Helper()
	addr := "inproc://handshake"
	z.must(z.Monitor(addr, zmq4.EVENT_HANDSHAKE_SUCCEEDED))
	ctx, err := z.Context()
	z.must(err)
	mon, err := ctx.NewSocket(zmq4.PAIR)
	z.must(err)
	defer mon.Close()
	z.must(mon.Connect(addr))
	z.must(mon.SetRcvtimeo(patience))
	z.must(z.Connect(fmt.Sprintf("tcp://%s127.0.0.1:%d", from, port)))
	_, _, _, err = mon.RecvEvent(0)
	z.must(err)
	z.must(z.Monitor("", 0))
}

// join connects a sender. A publisher waits for the subscription, and for room
// instead of dropping messages.
func (z zocket) join(p pattern, from string, port int) {
	z.t.Helper()
	if p == pubSub {
		z.must(z.SetXpubNodrop(true))
	}
	z.connect(from, port)
	if p == pubSub {
		_, err := z.RecvBytes(0)
		z.must(err)
	}
}

// figures are the last statistics that a watched pipeline has told.
type figures struct {
	RSS       float64 // MB
	FDs       int
	Src, Sink map[string]uint64
}

func (p script) figures() (f figures, ok bool) {
	stats := p.events("stats")
	if len(stats) == 0 {
		return f, false
	}
	e := stats[len(stats)-1]
	return figures{e.RSS, e.FDs, e.Src, e.Sink}, true
}

// until waits for statistics that are as wanted.
func (p script) until(what string, ok func(f figures) bool) figures {
	p.T.Helper()
	var f figures
	var told bool
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		f, told = p.figures()
		if told && ok(f) {
			return f
		}
		if p.Mu.Lock(); p.Ended {
			p.Mu.Unlock()
			p.T.Fatalf("%s has ended, with %+v: want %s", p.Name, f, what)
		}
		p.Mu.Unlock()
		if time.Now().After(end) {
			p.T.Fatalf("%s: %+v: want %s within %v", p.Name, f, what, patience)
		}
	}
}

// accounted is every message that a source has taken in.
func accounted(f figures) uint64 {
	return f.Src["frames-received"] + f.Src["frames-dropped"] + f.Src["frames-malformed"] + f.Src["goodbyes"]
}

const goodHeader = `{"terminate_flag": false, "compression": false, "message": "good", "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "port": "%d"}`

var goodData = strings.Repeat("x", 4*6*3)

// A hostile sender neither ends a source, nor costs a good sender a frame, nor
// gets a message past the statistics.
func TestFuzzedSource(t *testing.T) {
	for _, c := range []struct {
		name     string
		pattern  pattern
		settings string
	}{
		{"pair", pair, ""},
		{"req-rep", reqRep, ""},
		{"pub-sub", pubSub, ""},
		{"pair, bidirectional", pair, "bidirectional-mode=true"},
		{"req-rep, bidirectional", reqRep, "bidirectional-mode=true"},
		{"req-rep, multi-server", reqRep, "multiserver-mode=true ports=%d,%d"},
		{"pub-sub, multi-server", pubSub, "multiserver-mode=true ports=%d,%d"},
		{"req-rep, multi-client", reqRep, "multiclient-mode=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			usual := 1000
			if c.settings == "" {
				usual = 3000
			}
			messages, g := bombardment(t, usual)
			settings, port, badPort := c.settings, freePort(t), 0
			many := strings.Contains(settings, "%d")
			if many {
				badPort = freePort(t)
				settings = fmt.Sprintf(settings, port, badPort)
			}
			r := watch(t, `--stats --said "good" netgearsrc name=src address=127.0.0.1 port=%d pattern=%v eos-on-terminate=false max-retries=0 %s ! appsink name=out`,
				port, c.pattern, settings)
			r.event("stats", 1)
			sent := uint64(0)
			good := newGoodSender(t, c.pattern, port, "", "")
			good.frames(r, 5)
			if c.pattern == pair {
				good.Close() // there is place for one
			}
			gone := func(f figures) bool { return c.pattern != pair || f.Src["peers"] == 0 }
			before := r.until("the good frames", func(f figures) bool { return accounted(f) >= 5 && gone(f) })

			bad := newBadSender(t, c.pattern, port)
			var wg sync.WaitGroup
			if c.pattern != pair {
				wg.Go(func() { good.frames(r, 20) }) // in the midst of it
			}
			for i := range messages {
				if i == messages/3 && c.pattern != pair && !many {
					wg.Wait()
					good.Close() // one sender at a time: it is the bad one's turn
					r.until("the good one gone", func(f figures) bool { return f.Src["peers"] == 1 })
				}
				m := g.Message()
				if many {
					m[0] = bytes.Replace(m[0], []byte("{"), fmt.Appendf(nil, `{"port": "%d", `, badPort), 1)
				}
				bad.send(m)
				sent++
			}
			wg.Wait()
			if !many {
				r.until("every message accounted for", func(f figures) bool { return accounted(f) == good.sent+sent })
				bad.Close()
				r.until("its place free again", func(f figures) bool { return f.Src["peers"] == 0 })
				sent0 := good.sent
				good = newGoodSender(t, c.pattern, port, "", "")
				good.sent = sent0
			}
			good.frames(r, 5)
			after := r.until("every message accounted for", func(f figures) bool { return accounted(f) == good.sent+sent })
			if after.Src["frames-malformed"] < sent/4 || after.Src["frames-received"] < sent/20 {
				t.Errorf("%d messages gave %v, want a mixture", sent, after.Src)
			}
			t.Logf("%d messages, RSS %.0f MB, then %.0f MB, %v", sent, before.RSS, after.RSS, after.Src)
			// At most one of each kind after 0, 1, 3, 7, 15 … s.
			if n := len(r.events("message")); n == 0 || n > 20 {
				t.Errorf("%d warnings, want some but few", n)
			}
			if grown := after.RSS - before.RSS; grown > 200 {
				t.Errorf("it grew by %.0f MB", grown)
			}
			r.Kill(syscall.SIGKILL)
		})
	}
}

// goodSender is a sender whose frames are good.
type goodSender struct {
	zocket
	pattern pattern
	header  string
	sent    uint64
}

// newGoodSender connects one, from an address in the notation of ZeroMQ or "",
// with the keys of a client in a folder or none, "".
func newGoodSender(t testing.TB, p pattern, port int, from, keys string) *goodSender {
	s := &goodSender{zocket: socket(t, [...]zmq4.Type{zmq4.PAIR, zmq4.REQ, zmq4.XPUB}[p]), pattern: p, header: fmt.Sprintf(goodHeader, port)}
	if s.must(s.SetRcvtimeo(time.Second)); p == reqRep {
		s.must(s.SetReqRelaxed(1))
		s.must(s.SetReqCorrelate(1))
	}
	if keys != "" {
		s.must(encrypt(t, s.Socket, keys))
	}
	s.join(p, from, port)
	return s
}

// encrypt gives a socket the keys of a client.
func encrypt(t testing.TB, s *zmq4.Socket, keys string) error {
	t.Helper()
	return errors.Join(s.SetCurveServerkey(key(t, keys, serverPublic, "public-key")),
		s.SetCurvePublickey(key(t, keys, clientSecret, "public-key")), s.SetCurveSecretkey(key(t, keys, clientSecret, "secret-key")))
}

// key returns one out of a certificate.
func key(t testing.TB, folder, certificate, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, certificate))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(name + ` = "(.*)"`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", name, certificate)
	}
	return string(m[1])
}

// frames sends some frames, each when the one before has come. One that is not
// confirmed is sent again, as NetGear does.
func (s *goodSender) frames(r script, n int) {
	s.t.Helper()
	seen := len(r.events("buffer"))
	for i := range n {
		for try := 0; ; try++ {
			if _, err := s.SendMessage(s.header, goodData); err != nil {
				s.t.Errorf("good frame %d: %v", i, err)
				return
			}
			s.sent++
			if s.pattern == pubSub {
				r.event("buffer", seen+i+1)
				break
			}
			_, err := s.RecvMessageBytes(0)
			if err == nil {
				break
			}
			if try == 10 {
				s.t.Errorf("the confirmation of good frame %d: %v", i, err)
				return
			}
		}
	}
}

// badSender is a sender that keeps to no rule of NetGear.
type badSender struct {
	zocket
	pattern pattern
}

func newBadSender(t testing.TB, p pattern, port int) *badSender {
	// A DEALER need not wait for answers.
	s := &badSender{zocket: socket(t, [...]zmq4.Type{zmq4.PAIR, zmq4.DEALER, zmq4.XPUB}[p]), pattern: p}
	s.must(s.SetSndhwm(100))
	s.join(p, "127.0.0.2:0;", port) // from another host than the good one
	return s
}

// send sends a message, and takes in answers so that they do not pile up.
func (s *badSender) send(parts [][]byte) {
	s.t.Helper()
	if s.pattern == reqRep {
		parts = append([][]byte{nil}, parts...) // the envelope
	}
	_, err := s.SendMessage(parts)
	s.must(err)
	for err == nil && s.pattern != pubSub {
		_, err = s.RecvMessageBytes(zmq4.DONTWAIT)
	}
}

// A hostile receiver neither ends a sink nor gets a frame past the statistics.
func TestFuzzedSink(t *testing.T) {
	for _, c := range []struct {
		name     string
		pattern  pattern
		settings string
	}{
		{"pair", pair, ""},
		{"req-rep", reqRep, ""},
		{"pair, bidirectional", pair, "bidirectional-mode=true"},
		{"req-rep, bidirectional", reqRep, "bidirectional-mode=true"},
		{"req-rep, multi-client", reqRep, "multiclient-mode=true ports=%d,%d"},
		{"pub-sub, multi-client", pubSub, "multiclient-mode=true ports=%d,%d"},
		{"pub-sub", pubSub, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			messages, g := bombardment(t, 1000)
			bad, badPort := newReceiver(t, c.pattern)
			settings := c.settings
			var good zocket
			if strings.Contains(settings, "%d") {
				var goodPort int
				good, goodPort = newReceiver(t, c.pattern)
				settings = fmt.Sprintf(settings, badPort, goodPort)
			}
			element, pace := "netgearsink name=sink", ""
			if c.settings != "" && c.pattern != pubSub {
				settings += " sink.return_src ! fakesink async=false"
			}
			if c.pattern == pubSub {
				pace = "is-live=true" // nobody holds it up
				messages = min(messages, 1000)
			}
			s := watch(t, `--stats videotestsrc %s num-buffers=%d ! video/x-raw,format=GRAY8,width=8,height=8,framerate=500/1 ! %s address=127.0.0.1 port=%d pattern=%v sync=false %s`,
				pace, messages, element, badPort, c.pattern, settings)
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer stop()
			if good.Socket != nil {
				wg.Go(func() {
					good.serve(ctx, func() []any { return []any{`{"return_type": "NoneType", "data": null, "port": "1"}`} })
				})
			}
			wg.Go(func() {
				bad.serve(ctx, func() (answer []any) {
					for _, part := range g.Answer() {
						answer = append(answer, part)
					}
					return answer
				})
			})
			const stretch = 10_000 // each has the usual time
			for due := uint64(stretch); due < uint64(messages); due += stretch {
				s.until(fmt.Sprint(due, " frames"), func(f figures) bool { return f.Sink["frames-sent"] >= due })
			}
			s.Exits(0)
			stop()
			f, _ := s.figures()
			t.Logf("RSS %.0f MB, %v", f.RSS, f.Sink)
			sent, acked, dropped := f.Sink["frames-sent"], f.Sink["acks-received"], f.Sink["frames-dropped"]
			if sent != uint64(messages) || c.pattern != pubSub && (acked != sent || dropped != 0) {
				t.Errorf("%d frames: %v", messages, f.Sink)
			}
			if c.settings != "" && c.pattern != pubSub && f.Sink["frames-malformed"] < sent/8 {
				t.Errorf("%d malformed answers to %d frames, want many", f.Sink["frames-malformed"], sent)
			}
			if f.RSS > 300 {
				t.Errorf("RSS %.0f MB", f.RSS)
			}
		})
	}
}

func newReceiver(t testing.TB, p pattern) (z zocket, port int) {
	t.Helper()
	z = socket(t, [...]zmq4.Type{zmq4.PAIR, zmq4.REP, zmq4.XSUB}[p])
	z.must(z.Bind("tcp://127.0.0.1:*"))
	last, err := z.GetLastEndpoint()
	z.must(err)
	_, err = fmt.Sscanf(last, "tcp://127.0.0.1:%d", &port)
	z.must(err)
	if p == pubSub {
		_, err := z.SendBytes([]byte{1}, 0) // the subscription
		z.must(err)
	}
	z.must(z.SetRcvtimeo(20 * time.Millisecond))
	z.must(z.SetSndtimeo(20 * time.Millisecond))
	return z, port
}

// serve answers messages until ctx ends. In pub-sub, where there are no answers,
// they are what a subscriber may tell a publisher.
func (z zocket) serve(ctx context.Context, answer func() []any) {
	for ctx.Err() == nil {
		if _, err := z.RecvMessageBytes(0); err != nil {
			continue
		}
		_, _ = z.SendMessage(answer()...) // to a goodbye, when nobody is left; others are missed if they do not come
	}
}
