package door

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// frame returns one frame of ZMTP.
func frame(flags byte, body []byte) []byte {
	if len(body) > 255 {
		return append(binary.BigEndian.AppendUint64([]byte{flags | flagLong}, uint64(len(body))), body...)
	}
	return append([]byte{flags, byte(len(body))}, body...)
}

func greetingOf(mechanism string) []byte {
	g := make([]byte, greetingLen)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[mechanismBegin:], mechanism)
	return g
}

func command(name string, body ...byte) []byte {
	return frame(flagCommand, append(append([]byte{byte(len(name))}, name...), body...))
}

func readyOf(socket string) []byte {
	b := append([]byte{11}, "Socket-Type"...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(socket))), socket...)
	return command("READY", b...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// hello is what every good peer of NULL begins with.
var hello = join(greetingOf(mechanismNull), readyOf("PAIR"))

var testLimits = Limits{Handshake: 4096, Frame: 1000, Message: 1500, Parts: 3, Topic: 100, Subscriptions: 2}

func publisher(l Limits) Limits { l.Publisher = true; return l }
func curve(l Limits) Limits     { l.Curve = true; return l }

// collect feeds all of p in chunks of the given size and returns what is sent
// on. The handshake is through as soon as READY was read, and with CURVE when
// after bytes are in.
func collect(r *Reader, p []byte, chunk, after int) (passed, pongs []byte, err error) {
	fed := 0
	for len(p) > 0 {
		b := p[:min(chunk, len(p))]
		p = p[len(b):]
		for len(b) > 0 {
			before := len(b)
			var pass []byte
			pass, b, err = r.Feed(b, time.Duration(fed)*time.Microsecond)
			if err != nil {
				return passed, pongs, err
			}
			passed = append(passed, pass...)
			pongs = append(pongs, r.Pong()...)
			if fed += before - len(b); after > 0 && fed >= after {
				r.SetThrough()
			}
		}
	}
	return passed, pongs, nil
}

func TestReader(t *testing.T) {
	ping := command("PING", 0, 0, 'h', 'i')
	subscribe := func(topic string) []byte { return frame(0, append([]byte{1}, topic...)) }
	initiate := join(greetingOf(mechanismCurve), command("HELLO", make([]byte, 100)...), command("INITIATE", make([]byte, 200)...))
	big := func(n int) []byte { return frame(0, make([]byte, n)) }
	for _, c := range []struct {
		name   string
		limits Limits
		in     []byte
		want   []byte // sent on; nil: all of in
		pongs  string
		err    error
		text   string
	}{
		{name: "messages", in: join(hello, frame(flagMore, []byte("head")), big(1000), big(0))},
		{name: "a long form of a short frame", in: join(hello, []byte{flagLong, 0, 0, 0, 0, 0, 0, 0, 1, 'x'})},
		{name: "ZMTP 3.1", in: func() []byte { b := bytes.Clone(hello); b[11] = 1; return b }()},
		{name: "any padding", in: func() []byte { b := bytes.Clone(hello); copy(b[1:], "12345678"); return b }()},
		{name: "error in the handshake", in: join(greetingOf(mechanismNull), command("ERROR", 3, '4', '0', '0'))},
		{name: "another mechanism is libzmq's to refuse", in: greetingOf(mechanismCurve)},
		{name: "HTTP", in: []byte("POST / HTTP/1.1\r\n"), err: ErrNotZMTP, text: "HTTP"},
		{name: "ZMTP 1.0", in: []byte{1, 0}, err: ErrNotZMTP, text: "ZMTP 1.0"},
		{name: "ZMTP 1.0 with a long identity", in: make1(), err: ErrNotZMTP, text: "ZMTP 1.0"},
		{name: "ZMTP 2.0", in: func() []byte { b := bytes.Clone(hello); b[10] = 1; return b }(), err: ErrNotZMTP, text: "ZMTP 1.0"},
		{name: "a message in the place of READY", in: join(greetingOf(mechanismNull), big(3)), err: ErrFraming},
		{name: "a command of more parts", in: join(hello, []byte{flagCommand | flagMore, 1, 0}), err: ErrFraming},
		{name: "unknown flags", in: join(hello, []byte{8, 1, 0}), err: ErrFraming},
		{name: "negative length", in: join(hello, []byte{flagLong, 255, 0, 0, 0, 0, 0, 0, 1}), err: ErrFraming},
		{name: "an empty command", in: join(hello, []byte{flagCommand, 0}), err: ErrFraming},
		{name: "a command shorter than its name", in: join(hello, frame(flagCommand, []byte{5, 'P'})), err: ErrFraming},
		{name: "a PING without its TTL", in: join(hello, command("PING", 0)), err: ErrFraming},
		{name: "a PING with too much context", in: join(hello, command("PING", make([]byte, 19)...)), err: ErrFraming},
		{name: "endless handshake", in: join(greetingOf(mechanismNull), []byte{flagCommand | flagLong, 0, 0, 0, 0, 16, 0, 0, 0}), err: ErrLimit},
		{name: "many handshake commands", in: join(greetingOf(mechanismNull), bytes.Repeat(command("X", make([]byte, 100)...), 100)), err: ErrLimit},
		{name: "large part", in: join(hello, big(1001)), err: ErrLimit},
		{name: "large message", in: join(hello, frame(flagMore, make([]byte, 900)), big(900)), err: ErrLimit},
		{name: "many parts", in: join(hello, bytes.Repeat(frame(flagMore, nil), 4)), err: ErrLimit},
		{name: "parts are counted anew", in: join(hello, bytes.Repeat(join(frame(flagMore, make([]byte, 700)), big(700)), 9))},
		{name: "large command", in: join(hello, command("X", make([]byte, 600)...)), err: ErrLimit},
		{name: "PING", in: join(hello, big(3), ping, big(4)), want: join(hello, big(3), big(4)), pongs: "\x04\x07\x04PONGhi"},
		{name: "PING between parts", in: join(hello, frame(flagMore, []byte("a")), ping, big(4)), want: join(hello, frame(flagMore, []byte("a")), big(4)), pongs: "\x04\x07\x04PONGhi"},
		{name: "PONG and what is unknown", in: join(hello, command("PONG", 1, 2), command("WHAT")), want: hello},
		{name: "rain of PINGs", in: join(hello, bytes.Repeat(ping, 1000)), err: ErrLimit},
		{name: "subscription to an end that publishes nothing", in: join(hello, command("SUBSCRIBE", 'a')), want: hello},
		{name: "subscription", limits: publisher(testLimits), in: join(hello, subscribe(""), subscribe("a"))},
		{name: "subscription as command", limits: publisher(testLimits), in: join(hello, command("SUBSCRIBE"), command("SUBSCRIBE", 'a'), command("CANCEL", 'a'))},
		{name: "subscription twice", limits: publisher(testLimits), in: join(hello, subscribe("a"), subscribe("a")), want: join(hello, subscribe("a"))},
		{name: "cancel of what is not", limits: publisher(testLimits), in: join(hello, frame(0, []byte{0, 'a'})), want: hello},
		{name: "cancel makes room", limits: publisher(testLimits), in: join(hello, subscribe("a"), subscribe("b"), frame(0, []byte{0, 'a'}), subscribe("c"))},
		{name: "too many subscriptions", limits: publisher(testLimits), in: join(hello, subscribe("a"), subscribe("b"), subscribe("c")), err: ErrLimit},
		{name: "topic bomb", limits: publisher(testLimits), in: join(hello, []byte{flagLong, 0, 0, 0, 0, 0, 80, 0, 0}), err: ErrLimit},
		{name: "long topic", limits: publisher(testLimits), in: join(hello, subscribe(strings.Repeat("a", 101)), subscribe("a"), subscribe(strings.Repeat("a", 9000)), subscribe("b")), want: join(hello, subscribe("a"), subscribe("b"))},
		{name: "topic bomb as command", limits: publisher(testLimits), in: join(hello, command("SUBSCRIBE", make([]byte, 101)...)), err: ErrLimit},
		{name: "topic of parts", limits: publisher(testLimits), in: join(hello, frame(flagMore, []byte{1, 'a'}), frame(0, []byte{1, 'b'})), want: join(hello, frame(0, []byte{1, 'b'}))},
		{name: "message to a publisher", limits: publisher(testLimits), in: join(hello, big(3), frame(0, []byte("hello"))), want: hello},
		{name: "messages to a publisher without end", limits: publisher(testLimits), in: join(hello, bytes.Repeat(frame(0, []byte("hello")), 1000)), err: ErrLimit},
		{name: "empty message to a publisher", limits: publisher(testLimits), in: join(hello, big(0)), want: hello},
		{name: "CURVE", limits: curve(testLimits), in: join(initiate, big(1000+curveOverhead), command("MESSAGE", make([]byte, 400)...))},
		{name: "CURVE: large part", limits: curve(testLimits), in: join(initiate, big(1001+curveOverhead)), err: ErrLimit},
		{name: "CURVE: a client that says READY", limits: curve(testLimits), in: join(greetingOf(mechanismCurve), command("READY")), err: ErrFraming},
		{name: "CURVE: endless handshake", limits: curve(testLimits), in: join(greetingOf(mechanismCurve), []byte{flagCommand | flagLong, 0, 0, 0, 0, 16, 0, 0, 0}), err: ErrLimit},
		{name: "CURVE: topic bomb", limits: publisher(curve(testLimits)), in: join(initiate, big(600)), err: ErrLimit},
		{name: "CURVE: READY without encryption", limits: curve(testLimits), in: hello, err: ErrFraming},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.limits == (Limits{}) {
				c.limits = testLimits
			}
			after := 0
			if c.limits.Curve {
				after = len(initiate)
			}
			if c.want == nil {
				c.want = c.in
			}
			for _, chunk := range []int{len(c.in), 1, 2, 3, 7, 64, 65} {
				got, pongs, err := collect(NewReader(c.limits), c.in, chunk, after)
				if !errors.Is(err, c.err) || c.err != nil && !strings.Contains(err.Error(), c.text) {
					t.Fatalf("chunks of %d: error %v: want %v with %q", chunk, err, c.err, c.text)
				}
				if c.err == nil && !bytes.Equal(got, c.want) {
					t.Fatalf("chunks of %d: sent on %q: want %q", chunk, got, c.want)
				}
				if c.err == nil && string(pongs) != c.pongs {
					t.Fatalf("chunks of %d: pongs %q: want %q", chunk, pongs, c.pongs)
				}
			}
		})
	}
}

// make1 is a greeting of ZMTP 1.0 with an identity of more than 254 bytes.
func make1() []byte {
	return []byte{0xff, 0, 0, 0, 0, 0, 0, 1, 1, 0, 'x'}
}

// A heartbeat a second goes on for ever, also from a peer that makes up for a
// pause.
func TestReaderTakesHeartbeats(t *testing.T) {
	r := NewReader(testLimits)
	if _, _, err := collect(r, hello, 1000, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		if _, _, err := r.Feed(command("PING", 0, 0), time.Duration(i)*time.Second); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		if got := r.Pong(); string(got) != "\x04\x05\x04PONG" {
			t.Fatalf("pong %q", got)
		}
	}
}

// What may be skipped is the body of a part, and skipping it changes nothing.
func TestReaderSkips(t *testing.T) {
	body := make([]byte, 900)
	in := join(hello, frame(flagMore, []byte("a")), frame(0, body))
	r := NewReader(testLimits)
	head := in[:len(in)-len(body)+10]
	if got, _, err := collect(r, head, len(head), 0); err != nil || !bytes.Equal(got, head) {
		t.Fatalf("%q, %v", got, err)
	}
	if n := r.Body(); n != 890 {
		t.Fatalf("Body() = %d: want 890", n)
	}
	if r.Between() {
		t.Fatal("between two frames in the middle of one")
	}
	r.Skip(800)
	r.Skip(90)
	if r.Body() != 0 || !r.Between() {
		t.Fatalf("Body() = %d, Between() = %v at the end", r.Body(), r.Between())
	}
	next := frame(0, make([]byte, 1000))
	if got, _, err := collect(r, next, 100, 0); err != nil || !bytes.Equal(got, next) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// Whatever comes, and in whatever pieces: the result is the same, what is sent on
// is never more than what came, and it is well formed and within the limits.
func FuzzReader(f *testing.F) {
	f.Add(join(hello, frame(flagMore, []byte("head")), frame(0, make([]byte, 300))), uint16(7), uint8(0))
	f.Add(join(hello, command("PING", 0, 0, 1), frame(0, []byte("\x01topic"))), uint16(1), uint8(1))
	f.Add(join(greetingOf(mechanismCurve), command("HELLO"), frame(0, []byte("x"))), uint16(3), uint8(2))
	f.Add(join(greetingOf(mechanismCurve), command("READY"), frame(0, []byte("x"))), uint16(9), uint8(6))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"), uint16(9), uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint16, kind uint8) {
		l := testLimits
		l.Publisher, l.Curve, l.Connecting = kind&1 != 0, kind&2 != 0, kind&4 != 0
		after := 0
		if l.Curve && !l.Connecting {
			after = 300
		}
		whole, pongs, err := collect(NewReader(l), in, max(len(in), 1), after)
		pieces, pongs2, err2 := collect(NewReader(l), in, int(chunk%512)+1, after)
		if after == 0 {
			if (err == nil) != (err2 == nil) {
				t.Fatalf("whole: %v, in pieces: %v", err, err2)
			}
			if err == nil && (!bytes.Equal(whole, pieces) || !bytes.Equal(pongs, pongs2)) {
				t.Fatalf("whole: %q, in pieces: %q", whole, pieces)
			}
		}
		for _, got := range [][]byte{whole, pieces} {
			if len(got) > len(in) {
				t.Fatalf("%d bytes came of %d", len(got), len(in))
			}
			if bytes.Contains(got, []byte("\x04PING")) && !l.Curve && !bytes.Contains(in, []byte("\x04PING")) {
				t.Fatal("a PING from nowhere")
			}
		}
		if err == nil && !l.Curve {
			if err := wellFormed(whole, l); err != nil {
				t.Fatalf("%v: %q", err, whole)
			}
		}
	})
}

// wellFormed reads frames in the plain way and finds what libzmq must not see.
func wellFormed(b []byte, l Limits) error {
	if len(b) < greetingLen || !bytes.Equal(b[mechanismBegin:mechanismEnd], hello[mechanismBegin:mechanismEnd]) {
		return nil // libzmq refuses another mechanism
	}
	ready := false
	for b = b[greetingLen:]; len(b) > 1; {
		flags, n, head := b[0], uint64(b[1]), 2
		if flags&flagLong != 0 {
			if len(b) < 9 {
				return nil
			}
			n, head = binary.BigEndian.Uint64(b[1:]), 9
		}
		whole := uint64(len(b)-head) >= n
		body := b[head:]
		if whole {
			body = body[:n]
		}
		switch {
		case n > uint64(l.Handshake):
			return fmt.Errorf("a frame of %d bytes", n)
		case ready && flags&flagCommand != 0 && !l.Publisher:
			return fmt.Errorf("command %q", body)
		case ready && flags&flagCommand != 0 && bytes.HasPrefix(body, []byte("\x04PING")):
			return errors.New("a PING")
		case flags&flagCommand != 0 && bytes.HasPrefix(body, []byte("\x05READY")):
			ready = true
		}
		if !whole {
			return nil
		}
		b = b[uint64(head)+n:]
	}
	return nil
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{10, 1000, 30_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := testLimits
			l.Frame, l.Message = 1<<30, 1<<30
			r := NewReader(l)
			if _, _, err := collect(r, hello, 1000, 0); err != nil {
				b.Fatal(err)
			}
			in := bytes.Repeat(frame(0, make([]byte, size)), max(1, 30_000/size))
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for range b.N {
				for p := in; len(p) > 0; {
					if _, p, _ = r.Feed(p, 0); false {
						return
					}
				}
			}
		})
	}
}
