package door

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// talk sends messages of several sizes from one socket to the other, in the way
// of their pattern, and compares what arrives.
func talk(t *testing.T, from, to *zmq4.Socket, confirmed bool, rounds int) {
	t.Helper()
	for i := range rounds {
		for _, size := range []int{0, 10, 300, 30_000, 100_000, 6_220_800} {
			if i > 0 && size > 1<<20 {
				continue
			}
			body := make([]byte, size)
			_, _ = rand.Read(body)
			head := []byte("head " + strconv.Itoa(size))
			if _, err := from.SendMessage(head, body); err != nil {
				t.Fatalf("%d bytes: send: %v", size, err)
			}
			got, err := to.RecvMessageBytes(0)
			for err == nil && len(got) == 1 { // of settle
				got, err = to.RecvMessageBytes(0)
			}
			if err != nil || len(got) != 2 || !bytes.Equal(got[0], head) || !bytes.Equal(got[1], body) {
				t.Fatalf("%d bytes: another message arrived: %d parts, %v", size, len(got), err)
			}
			if !confirmed {
				continue
			}
			if _, err := to.SendMessage("ok", size); err != nil {
				t.Fatalf("%d bytes: answer: %v", size, err)
			}
			if got, err := from.RecvMessage(0); err != nil || strings.Join(got, " ") != "ok "+strconv.Itoa(size) {
				t.Fatalf("%d bytes: answer %q, %v", size, got, err)
			}
		}
	}
}

var networks = []string{"tcp", "unix"}

// What good peers say arrives as it is, in every pattern, through a door at either
// end or at both.
func TestDoorCarries(t *testing.T) {
	for _, network := range networks {
		for _, sends := range []zmq4.Type{zmq4.PAIR, zmq4.REQ, zmq4.PUB} {
			for _, sender := range []string{"binds", "connects"} {
				t.Run(network+"/"+name(sends)+" "+sender, func(t *testing.T) {
					binds := partner(sends)
					if sender == "binds" {
						binds = sends
					}
					b := bind(t, binds, network, nil)
					c := dialled(t, partner(binds), network, b.addr)
					from, to := c.Socket, b.Socket
					if sender == "binds" {
						from, to = to, from
					}
					if sends == zmq4.PUB {
						settle(t, from, to)
					}
					talk(t, from, to, sends != zmq4.PUB, 20)
				})
			}
		}
	}
}

// settle waits until a subscriber gets what is published.
func settle(t *testing.T, from, to *zmq4.Socket) {
	t.Helper()
	_ = to.SetRcvtimeo(10 * time.Millisecond)
	within(t, "subscription", func() bool {
		_, _ = from.SendMessage("settle")
		_, err := to.RecvMessage(0)
		return err == nil
	})
	for { // what is still on its way
		if _, err := to.RecvMessage(0); err != nil {
			break
		}
	}
	_ = to.SetRcvtimeo(patience)
}

// CURVE goes through as it is.
func TestDoorCarriesCurve(t *testing.T) {
	public, secret, err := zmq4.NewCurveKeypair()
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{Limits: curve(netLimits(zmq4.PAIR)), HandshakeTime: patience})
	t.Cleanup(func() { d.Close(0) })
	s := socket(t, zmq4.PAIR)
	if err := errors.Join(s.SetCurveServer(1), s.SetCurvePublickey(public), s.SetCurveSecretkey(secret), s.Bind("ipc://"+d.Name(1))); err != nil {
		t.Fatal(err)
	}
	addr, err := d.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.Lead(d.Name(1))
	l := curve(netLimits(zmq4.PAIR))
	l.Connecting = true
	e := New(Config{Limits: l, HandshakeTime: patience})
	t.Cleanup(func() { e.Close(0) })
	mouth, err := e.Mouth("1", Peer{}, e.Dial(func() (string, string) { return "tcp", addr.String() }))
	if err != nil {
		t.Fatal(err)
	}
	own, ownSecret, err := zmq4.NewCurveKeypair()
	if err != nil {
		t.Fatal(err)
	}
	c := socket(t, zmq4.PAIR)
	if err := errors.Join(c.SetCurveServerkey(public), c.SetCurvePublickey(own), c.SetCurveSecretkey(ownSecret), c.Connect("ipc://"+mouth)); err != nil {
		t.Fatal(err)
	}
	talk(t, c, s, true, 5)
}

// A peer with heartbeats has its PONGs, from the door, in the middle of large
// messages too.
func TestDoorAnswersHeartbeats(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", nil)
	s := socket(t, zmq4.PAIR)
	if err := errors.Join(s.SetHeartbeatIvl(20*time.Millisecond), s.SetHeartbeatTimeout(time.Second), s.Connect(b.endpoint())); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		talk(t, b.Socket, s, true, 1)
		time.Sleep(100 * time.Millisecond) // heartbeats alone
	}
	if n := b.count.Load(); n != 0 {
		t.Fatalf("%d connections were refused: %v", n, b.reasons)
	}
	if n := b.door.Count(); n != 1 {
		t.Fatalf("%d connections: want the first one alone", n)
	}
}

// The last message before libzmq's socket is closed arrives.
func TestDoorLetsTheLastMessageOut(t *testing.T) {
	for range 10 {
		b := bind(t, zmq4.PAIR, "tcp", nil)
		c := dialled(t, zmq4.PAIR, "tcp", b.addr)
		talk(t, c.Socket, b.Socket, true, 1)
		body := bytes.Repeat([]byte("x"), 3<<20)
		if err := c.SetLinger(patience); err != nil {
			t.Fatal(err)
		}
		if _, err := c.SendMessage("last", body); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := b.RecvMessageBytes(0); err != nil || len(got) != 2 || !bytes.Equal(got[1], body) {
			t.Fatalf("the last message: %d parts, %v", len(got), err)
		}
		within(t, "end", func() bool { return c.door.Count() == 0 && b.door.Count() == 0 })
	}
}

// A binding socket is replaced, and who was connected comes back through the same
// port.
func TestDoorOutlivesSockets(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", nil)
	c := dialled(t, zmq4.PAIR, "tcp", b.addr)
	talk(t, c.Socket, b.Socket, true, 1)
	for i := range uint64(5) {
		b.door.Lead("")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		s := socket(t, zmq4.PAIR)
		if err := s.Bind("ipc://" + b.door.Name(2+i)); err != nil {
			t.Fatal(err)
		}
		b.door.Lead(b.door.Name(2 + i))
		b.Socket = s
		_ = s.SetRcvtimeo(20 * time.Millisecond)
		within(t, "message", func() bool { // those under way are lost
			_, _ = c.SendMessageDontwait("again")
			_, err := s.RecvMessage(0)
			return err == nil
		})
		for {
			if _, err := s.RecvMessage(0); err != nil {
				break
			}
		}
		_ = s.SetRcvtimeo(patience)
		talk(t, c.Socket, s, true, 1)
	}
}

// The end that connects may come first, and says meanwhile why nobody is there.
func TestDoorDials(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := dialled(t, zmq4.PAIR, "tcp", addr)
	within(t, "trouble", func() bool { return c.door.Trouble() != nil })
	if text := c.door.Trouble().Error(); !strings.Contains(text, "refused") || !strings.Contains(text, addr) {
		t.Fatalf("trouble %q", text)
	}
	d := New(Config{Limits: netLimits(zmq4.PAIR), HandshakeTime: patience})
	t.Cleanup(func() { d.Close(0) })
	s := socket(t, zmq4.PAIR)
	if err := s.Bind("ipc://" + d.Name(1)); err != nil {
		t.Fatal(err)
	}
	d.Lead(d.Name(1))
	if _, err := d.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	talk(t, c.Socket, s, true, 1)
	if err := c.door.Trouble(); err != nil {
		t.Fatalf("trouble when all is well: %v", err)
	}
	n := dialled(t, zmq4.PAIR, "tcp", "nobody.invalid:5555")
	within(t, "trouble", func() bool { return n.door.Trouble() != nil })
	if _, ok := errors.AsType[*net.DNSError](n.door.Trouble()); !ok {
		t.Fatalf("trouble %v: want that of the name", n.door.Trouble())
	}
}

// Who is not let in is hung up on, and libzmq is told why.
func TestDoorAllow(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", func(c *Config) { c.Allow = allowOnly("127.0.0.2") })
	s, err := call(t, "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.isCut(); err != nil {
		t.Fatal(err)
	}
	b.await(t, "not let in")
	m := socket(t, zmq4.PAIR)
	if err := m.Monitor("inproc://denied", zmq4.EVENT_HANDSHAKE_FAILED_AUTH); err != nil {
		t.Fatal(err)
	}
	zctx, err := m.Context()
	if err != nil {
		t.Fatal(err)
	}
	mon := socketIn(t, zctx, zmq4.PAIR)
	defer func() { _ = mon.Close() }()
	if err := errors.Join(mon.Connect("inproc://denied"), m.Connect(b.endpoint())); err != nil {
		t.Fatal(err)
	}
	if _, _, value, err := mon.RecvEvent(0); err != nil || value != 400 {
		t.Fatalf("a libzmq that is not let in is told %d, %v: want 400", value, err)
	}
	good, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext(t.Context(), "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	g := &stranger{good, t}
	defer g.Close()
	_ = g.SetDeadline(time.Now().Add(patience))
	if err := g.shake("PAIR"); err != nil {
		t.Fatalf("the one that is let in: %v", err)
	}
}

// PeerOf knows whose descriptor libzmq has.
func TestDoorKnowsItsPeers(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", nil)
	if err := b.Monitor("inproc://events", zmq4.EVENT_ACCEPTED); err != nil {
		t.Fatal(err)
	}
	zctx, err := b.Context()
	if err != nil {
		t.Fatal(err)
	}
	mon, err := zctx.NewSocket(zmq4.PAIR)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mon.Close() })
	if err := errors.Join(mon.SetRcvtimeo(patience), mon.Connect("inproc://events")); err != nil {
		t.Fatal(err)
	}
	s, err := call(t, "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.shake("PAIR"); err != nil {
		t.Fatal(err)
	}
	_, _, fd, err := mon.RecvEvent(0)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := b.door.PeerOf(fd)
	if !ok || p.Address != s.LocalAddr().String() || "127.0.0.1:"+strconv.Itoa(int(p.Port)) != b.addr {
		t.Fatalf("PeerOf = %+v, %v: want %s at %s", p, ok, s.LocalAddr(), b.addr)
	}
	if _, ok := b.door.PeerOf(0); ok {
		t.Fatal("a peer behind standard input")
	}
}

// One connection at a time is served by a PAIR socket; the next one has its
// turn at the end of it, and no message of it is lost.
func TestDoorTakesTurns(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", func(c *Config) { c.One = true })
	for i := range 20 {
		s := socket(t, zmq4.PAIR)
		next := socket(t, zmq4.PAIR)
		if err := s.Connect(b.endpoint()); err != nil {
			t.Fatal(err)
		}
		talk(t, s, b.Socket, true, 1)
		if err := next.Connect(b.endpoint()); err != nil {
			t.Fatal(err)
		}
		if _, err := next.SendMessage("next", i); err != nil {
			t.Fatal(err)
		}
		within(t, "second connection", func() bool { return b.door.Count() == 2 })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := b.RecvMessage(0); err != nil || strings.Join(got, " ") != "next "+strconv.Itoa(i) {
			t.Fatalf("%d: got %q, %v", i, got, err)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		within(t, "end of all", func() bool { return b.door.Count() == 0 })
	}
}

// Listening at an address that somebody has fails as the system says it.
func TestDoorListenErrors(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", nil)
	if _, err := New(Config{}).Listen("tcp", b.addr); !isInUse(err) {
		t.Fatalf("error %v: want address in use", err)
	}
	path := filepath.Join(t.TempDir(), "s")
	if _, err := b.door.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{}).Listen("unix", path); !isInUse(err) {
		t.Fatalf("error %v: want address in use", err)
	}
}

// A path whose owner was killed is taken over; a file in the way never is.
func TestDoorPaths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := New(Config{}).Listen("unix", path); err != nil {
		t.Fatalf("nobody is behind it: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{}).Listen("unix", file); !isInUse(err) {
		t.Fatalf("a file in the way: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Fatalf("the file: %q, %v", b, err)
	}
}

func isInUse(err error) bool {
	return err != nil && strings.Contains(err.Error(), "address already in use")
}

// Close ends everything that the door has begun.
func TestDoorCloses(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", nil)
	s, err := call(t, "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.shake("PAIR"); err != nil {
		t.Fatal(err)
	}
	idle, err := call(t, "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := dialled(t, zmq4.PAIR, "tcp", "127.0.0.1:1")
	_ = b.Close()
	_ = c.Close()
	b.door.Close(time.Second)
	c.door.Close(0)
	for _, s := range []*stranger{s, idle} {
		if err := s.isCut(); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "end of all", func() bool { return b.door.Count() == 0 && c.door.Count() == 0 })
	if _, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", b.addr); err == nil {
		t.Fatal("the port is open still")
	}
}
