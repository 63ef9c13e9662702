package door

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// attack is what one hostile connection does: it returns when it was cut off, or
// has nothing more to say. until is when it must have ended.
type attack struct {
	name string
	// cut says that the door must end it.
	cut bool
	do  func(s *stranger, typ zmq4.Type, until time.Time) error
}

// delimiter is what a message to a REP socket begins with.
func delimiter(typ zmq4.Type) []byte {
	if typ == zmq4.REP {
		return frame(flagMore, nil)
	}
	return nil
}

// small is a message that a socket of that type takes.
func small(typ zmq4.Type) []byte {
	if typ == zmq4.PUB {
		return frame(0, []byte("\x01topic"))
	}
	return join(delimiter(typ), frame(0, []byte("x")))
}

// flood writes the same bytes until it is cut off.
func flood(s *stranger, b []byte, until time.Time) error {
	_ = s.SetDeadline(until)
	for time.Now().Before(until) {
		if err := s.say(b); err != nil {
			return err
		}
	}
	return nil
}

// What the attacks send again and again, made once: their memory is ours too.
var (
	ping       = command("PING", 0, 0)
	megabyte   = make([]byte, 1<<20)
	manyPings  = bytes.Repeat(ping, 1000)
	manyHellos = bytes.Repeat(command("HELLO", make([]byte, 200)...), 1000)
	manyParts  = bytes.Repeat(frame(flagMore, nil), 100_000)
	bigMessage = frame(0, megabyte)
	longTopic  = frame(0, append([]byte{1}, make([]byte, 5<<20)...))
	smallOnes  = map[zmq4.Type][]byte{}
)

func init() {
	for _, typ := range []zmq4.Type{zmq4.PAIR, zmq4.REP, zmq4.REQ, zmq4.SUB, zmq4.PUB} {
		smallOnes[typ] = bytes.Repeat(small(typ), 10_000)
	}
}

var attacks = []attack{
	{"PINGs behind messages, then reset", false, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		err := s.say(bytes.Repeat(join(small(typ), ping), 40))
		time.Sleep(20 * time.Millisecond)
		s.reset()
		return err
	}},
	{"PINGs alone", true, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		return flood(s, manyPings, until)
	}},
	{"endless handshake", true, func(s *stranger, _ zmq4.Type, until time.Time) error {
		_ = s.say(greetingOf(mechanismNull), binary.BigEndian.AppendUint64([]byte{flagCommand | flagLong}, 250<<20))
		return flood(s, megabyte, until)
	}},
	{"many commands for a handshake", true, func(s *stranger, _ zmq4.Type, until time.Time) error {
		_ = s.say(greetingOf(mechanismCurve))
		return flood(s, manyHellos, until)
	}},
	{"HTTP", true, func(s *stranger, _ zmq4.Type, until time.Time) error {
		_ = s.say([]byte("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
		return cmp.Or(s.isCut(), net.ErrClosed)
	}},
	{"ZMTP 1.0", true, func(s *stranger, _ zmq4.Type, until time.Time) error {
		_ = s.say([]byte{1, 0, 5, 0, 'b', 'y', 'e', '!'})
		return cmp.Or(s.isCut(), net.ErrClosed)
	}},
	{"ZMTP 2.0", true, func(s *stranger, _ zmq4.Type, until time.Time) error {
		_ = s.say([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 0, 0, 0})
		return cmp.Or(s.isCut(), net.ErrClosed)
	}},
	{"large part", true, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		_ = s.say(binary.BigEndian.AppendUint64([]byte{flagLong}, 200<<20))
		return flood(s, megabyte, until)
	}},
	{"endless parts", true, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		return flood(s, manyParts, until)
	}},
	{"small messages", false, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		_ = flood(s, smallOnes[typ], until)
		return nil
	}},
	{"messages of a megabyte", false, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake(name(partner(typ))); err != nil {
			return err
		}
		_ = s.SetDeadline(until)
		for s.say(delimiter(typ)) == nil && s.say(bigMessage) == nil {
		}
		return nil
	}},
	{"long topic", true, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake("SUB"); err != nil {
			return err
		}
		if typ != zmq4.PUB {
			return errOther
		}
		return flood(s, longTopic, until)
	}},
	{"rain of topics", true, func(s *stranger, typ zmq4.Type, until time.Time) error {
		if err := s.shake("SUB"); err != nil {
			return err
		}
		if typ != zmq4.PUB {
			return errOther
		}
		_ = s.SetDeadline(until)
		for time.Now().Before(until) {
			topic := make([]byte, 200)
			_, _ = rand.Read(topic)
			if err := s.say(frame(0, append([]byte{1}, topic...))); err != nil {
				return err
			}
		}
		return nil
	}},
	{"silence", false, func(s *stranger, _ zmq4.Type, until time.Time) error {
		time.Sleep(time.Until(until))
		return nil
	}},
	{"byte by byte", false, func(s *stranger, typ zmq4.Type, until time.Time) error {
		for _, b := range join(hello, small(typ)) {
			if err := s.say([]byte{b}); err != nil || time.Now().After(until) {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	}},
	{"hello and goodbye", false, func(s *stranger, typ zmq4.Type, until time.Time) error {
		err := s.shake(name(partner(typ)))
		s.reset()
		return err
	}},
}

// errOther says that an attack is for another type of socket.
var errOther = errors.New("for another type")

// run runs one attack over several connections for a while.
func (a *attack) run(typ zmq4.Type, connect func() (*stranger, error), d time.Duration) {
	until := time.Now().Add(d)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for time.Now().Before(until) {
				s, err := connect()
				if err != nil {
					continue
				}
				err = a.do(s, typ, until)
				s.Close()
				if errors.Is(err, errOther) {
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
}

// serve has a socket do what an end does: it reads, answers, and has a slow
// pipeline. It counts messages that begin with good.
func serve(s *bound, typ zmq4.Type, stop <-chan struct{}, good *atomic.Int64) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if typ == zmq4.PUB {
			if s.post != nil {
				_, _ = s.post.Wait(zmsg.Out, s.waker, time.Unix(0, 0)) // libzmq keeps what it has to tell until then
			}
			_ = s.put("good")
			good.Add(1)
			time.Sleep(2 * time.Millisecond)
			continue
		}
		got, err := s.get(20 * time.Millisecond)
		if err != nil {
			continue
		}
		if len(got) > 0 && got[0] == "good" {
			good.Add(1)
		}
		if typ != zmq4.SUB {
			_ = s.put("ok")
		}
		if n%100 == 99 {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// befriend is the good peer: it exchanges messages until stop and says how many.
func befriend(s *zmq4.Socket, typ zmq4.Type, stop <-chan struct{}) (sent int) {
	_ = s.SetRcvtimeo(200 * time.Millisecond)
	for {
		select {
		case <-stop:
			return sent
		default:
		}
		if typ == zmq4.PUB { // it subscribes
			if got, err := s.RecvMessage(0); err == nil && got[0] == "good" {
				sent++
			}
			continue
		}
		if _, err := s.SendMessage("good"); err != nil {
			continue
		}
		sent++
		if typ == zmq4.SUB {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		for range 100 {
			if _, err := s.RecvMessage(0); err == nil {
				break
			}
			select {
			case <-stop:
				return sent - 1
			default:
			}
		}
	}
}

// Whoever breaks the rules is cut off, and the door says why.
func TestCutOff(t *testing.T) {
	for _, typ := range []zmq4.Type{zmq4.REP, zmq4.PUB} {
		b := bind(t, typ, "tcp", nil)
		for _, a := range attacks {
			if !a.cut {
				continue
			}
			s, err := call(t, "tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			switch err := a.do(s, typ, time.Now().Add(patience)); {
			case errors.Is(err, errOther):
			case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
				t.Errorf("%s, %s: %v: want it cut off", name(typ), a.name, err)
			}
		}
		for _, text := range []string{"HTTP", "ZMTP 1.0", "a handshake of more than", "commands a second"} {
			b.await(t, text)
		}
	}
}

// A socket that binds lives through everything, costs no memory, and its good
// peer goes on.
func TestHostilePeersOfAListener(t *testing.T) {
	for _, network := range networks {
		for _, typ := range []zmq4.Type{zmq4.PAIR, zmq4.REP, zmq4.SUB, zmq4.PUB} {
			t.Run(network+"/"+name(typ), func(t *testing.T) {
				var b *bound
				if network == "tcp" || typ == zmq4.REP {
					b = bind(t, typ, network, withPost(typ)).posted(t, 3)
				} else {
					b = bind(t, typ, network, nil)
				}
				friend := socket(t, partner(typ))
				if err := friend.Connect(b.endpoint()); err != nil {
					t.Fatal(err)
				}
				switch typ {
				case zmq4.PUB:
					_ = friend.SetRcvtimeo(10 * time.Millisecond)
					subscribed(t, func() { _ = b.put("hello") }, func() ([]string, error) { return friend.RecvMessage(0) })
				case zmq4.SUB:
					subscribed(t, func() { _, _ = friend.SendMessage("hello") }, func() ([]string, error) { return b.get(10 * time.Millisecond) })
				default:
					if _, err := friend.SendMessage("hello"); err != nil {
						t.Fatal(err)
					}
					b.receive(t)
					b.send(t, "hello")
					if _, err := friend.RecvMessage(0); err != nil {
						t.Fatal(err)
					}
				}
				stop, stopFriend := make(chan struct{}), make(chan struct{})
				var served atomic.Int64
				var ours, theirs int
				var wg, friendly sync.WaitGroup
				wg.Go(func() { serve(b, typ, stop, &served) })
				friendly.Go(func() { theirs = befriend(friend, typ, stopFriend) })
				before := residentMB(t)
				for _, a := range attacks {
					a.run(typ, func() (*stranger, error) { return call(t, network, b.addr) }, 400*time.Millisecond)
					if grown := residentMB(t) - before; grown > mostGrowth {
						t.Errorf("%s: the process has grown by %d MB", a.name, grown)
						break // the sockets are in use
					}
				}
				if typ == zmq4.PUB {
					close(stop)
					wg.Wait()
					time.Sleep(100 * time.Millisecond) // what is on its way
					close(stopFriend)
					friendly.Wait()
					ours, theirs = theirs, int(served.Load())
				} else {
					close(stopFriend)
					friendly.Wait()
					// What is on its way comes behind what strangers have left there, in turn.
					for end := time.Now().Add(5 * time.Second); int(served.Load()) < theirs*9/10 && time.Now().Before(end); {
						time.Sleep(20 * time.Millisecond)
					}
					close(stop)
					wg.Wait()
					ours = int(served.Load())
				}
				t.Logf("%d of %d good messages, %d connections ended by the door", ours, theirs, b.count.Load())
				if ours < theirs*9/10 || theirs < 20 {
					t.Fatalf("%d of %d good messages", ours, theirs)
				}
			})
		}
	}
}

// A socket that connects lives through everything that its peer does, and talks
// to a good one afterwards.
func TestHostilePeersOfADialler(t *testing.T) {
	for _, network := range networks {
		for _, typ := range []zmq4.Type{zmq4.PAIR, zmq4.REQ, zmq4.PUB, zmq4.SUB} {
			t.Run(network+"/"+name(typ), func(t *testing.T) {
				at := "127.0.0.1:0"
				if network == "unix" {
					at = t.TempDir() + "/s"
				}
				l, err := net.Listen(network, at)
				if err != nil {
					t.Fatal(err)
				}
				if u, ok := l.(*net.UnixListener); ok {
					u.SetUnlinkOnClose(true)
				}
				addr := l.Addr().String()
				var c *bound
				if network == "tcp" || typ == zmq4.REQ {
					c = beforeDialling(t, typ, network, addr, withPost(typ)).posted(t, 3)
				} else {
					c = beforeDialling(t, typ, network, addr)
				}
				if err := c.Connect("ipc://" + c.mouth); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						if typ != zmq4.SUB {
							_ = c.put("frame " + strconv.Itoa(n))
						}
						if typ != zmq4.PUB {
							_, _ = c.get(0)
						}
						if c.door.Count() == 0 {
							c.renew(t) // libzmq has given up a peer that makes no sense
						}
						time.Sleep(time.Duration(n%3) * 20 * time.Millisecond)
					}
				})
				before := residentMB(t)
				for _, a := range attacks {
					a.run(typ, func() (*stranger, error) {
						_ = l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(50 * time.Millisecond))
						conn, err := l.Accept()
						if err != nil {
							return nil, fmt.Errorf("nobody comes: %w", err)
						}
						_ = conn.SetDeadline(time.Now().Add(patience))
						return &stranger{conn, t}, nil
					}, 300*time.Millisecond)
					if grown := residentMB(t) - before; grown > mostGrowth {
						t.Errorf("%s: the process has grown by %d MB", a.name, grown)
						break // the sockets are in use
					}
				}
				l.Close()
				close(stop)
				wg.Wait()
				t.Logf("%d connections ended by the door", c.count.Load())
				good := socket(t, partner(typ))
				endpoint := "tcp://" + addr
				if network == "unix" {
					endpoint = "ipc://" + addr
				}
				within(t, "bind", func() bool { return good.Bind(endpoint) == nil })
				_ = good.SetRcvtimeo(20 * time.Millisecond)
				// A PAIR socket may hold on to its last peer: an end makes a new one.
				c.renew(t)
				within(t, "good message", func() bool {
					if typ == zmq4.SUB {
						_, _ = good.SendMessageDontwait("good")
						got, err := c.get(20 * time.Millisecond)
						return err == nil && got[0] == "good"
					}
					_ = c.put("good")
					got, err := good.RecvMessage(0)
					return err == nil && got[0] == "good"
				})
			})
		}
	}
}

// Connections without end do not take all places: who comes later has one, and the
// descriptors of the process are left alone.
func TestManyConnections(t *testing.T) {
	b := bind(t, zmq4.REP, "tcp", func(c *Config) { c.MaxConnections, c.HandshakeTime = 20, patience })
	for range 3 {
		for range 30 {
			s, err := call(t, "tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
		}
		friend := socket(t, zmq4.REQ)
		if err := friend.Connect(b.endpoint()); err != nil {
			t.Fatal(err)
		}
		talk(t, friend, b.Socket, true, 1)
		if n := b.door.Count(); n > 20 {
			t.Fatalf("%d connections: want 20 at the most", n)
		}
		_ = friend.Close()
	}
	// Those that have shaken hands have their places; from another address comes
	// one in all the same.
	for range 40 {
		s, err := call(t, "tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_ = s.shake("REQ")
	}
	b.await(t, "all 20 places")
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}).DialContext(t.Context(), "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	g := &stranger{conn, t}
	defer g.Close()
	_ = g.SetDeadline(time.Now().Add(patience))
	if err := g.shake("REQ"); err != nil {
		t.Fatalf("from another address: %v", err)
	}
}

// A peer that does not finish its handshake is hung up on.
func TestSlowHandshake(t *testing.T) {
	b := bind(t, zmq4.PAIR, "tcp", func(c *Config) { c.HandshakeTime = 50 * time.Millisecond })
	for _, first := range [][]byte{nil, greetingOf(mechanismNull)[:20], greetingOf(mechanismNull)} {
		s, err := call(t, "tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.say(first)
		if err := s.isCut(); err != nil {
			t.Fatalf("after %d bytes: %v", len(first), err)
		}
	}
	b.await(t, "no handshake within")
}
