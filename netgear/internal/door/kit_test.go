package door

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// patience is a safety net: nothing here should take so long.
const patience = 20 * time.Second

// socket returns a socket of libzmq with the options that ends have.
func socket(t testing.TB, typ zmq4.Type) *zmq4.Socket {
	t.Helper()
	zctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	s := socketIn(t, zctx, typ)
	t.Cleanup(func() {
		_ = s.Close() // a second time for some
		done := make(chan struct{})
		go func() {
			_ = zctx.Term()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("libzmq does not end")
		}
	})
	return s
}

func socketIn(t testing.TB, zctx *zmq4.Context, typ zmq4.Type) *zmq4.Socket {
	t.Helper()
	s, err := zctx.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.SetLinger(0), s.SetRcvhwm(2), s.SetSndhwm(100), s.SetReconnectIvl(20*time.Millisecond),
		s.SetMaxmsgsize(300<<20), s.SetRcvtimeo(patience), s.SetSndtimeo(patience))
	if typ == zmq4.SUB {
		err = errors.Join(err, s.SetSubscribe(""))
	}
	if typ == zmq4.REQ {
		err = errors.Join(err, s.SetReqRelaxed(1), s.SetReqCorrelate(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refusals collects what a door says of connections that it ended.
type refusals struct {
	mu      sync.Mutex
	reasons []string
	count   atomic.Int64
}

func (r *refusals) add(_ Peer, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Add(1)
	if len(r.reasons) < 1000 {
		r.reasons = append(r.reasons, reason.Error())
	}
}

func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within %v", what, patience)
		}
	}
}

// netLimits are as those of an end whose frames have 8 MB at the most.
func netLimits(typ zmq4.Type) Limits {
	l := Limits{Handshake: 4096, Frame: 8 << 20, Message: 9 << 20, Parts: 16, Subscriptions: 4, Topic: 256}
	l.Publisher = typ == zmq4.PUB
	return l
}

// bound is a socket of libzmq behind a door.
type bound struct {
	*zmq4.Socket
	*refusals
	door    *Door
	network string
	addr    string
	mouth   string // of a socket that connects

	post  *Post // nil: messages go through libzmq
	waker *zmsg.Waker
	built int // Posts

	opened int // mouths
}

// bind puts a door in front of a socket that binds, at a free port of TCP or at a
// path.
func bind(t testing.TB, typ zmq4.Type, network string, change func(*Config)) *bound {
	t.Helper()
	b := &bound{refusals: &refusals{}, network: network}
	cfg := Config{Limits: netLimits(typ), MaxConnections: 256, HandshakeTime: 2 * time.Second, Refused: b.add}
	if change != nil {
		change(&cfg)
	}
	b.door = New(cfg)
	t.Cleanup(func() { b.door.Close(0) })
	b.Socket = socket(t, typ)
	name := b.door.Name(1)
	if err := b.Bind("ipc://" + name); err != nil {
		t.Fatal(err)
	}
	at := "127.0.0.1:0"
	if network == "unix" {
		at = t.TempDir() + "/s"
	}
	addr, err := b.door.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	b.addr = addr.String()
	b.door.Lead(name)
	return b
}

// await waits for a reason that Refused or Why gives.
func (b *bound) await(t testing.TB, text string) {
	t.Helper()
	within(t, "refusal with "+text, func() bool {
		b.door.mu.Lock()
		for _, r := range b.door.reasons {
			if strings.Contains(r.reason, text) {
				b.door.mu.Unlock()
				return true
			}
		}
		b.door.mu.Unlock()
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.ContainsFunc(b.reasons, func(s string) bool { return strings.Contains(s, text) })
	})
}

// endpoint is the address as libzmq spells it.
func (b *bound) endpoint() string {
	if b.network == "unix" {
		return "ipc://" + b.addr
	}
	return "tcp://" + b.addr
}

// dialled puts a door in front of a socket that connects.
func dialled(t testing.TB, typ zmq4.Type, network, addr string) *bound {
	t.Helper()
	b := beforeDialling(t, typ, network, addr)
	if err := b.Connect("ipc://" + b.mouth); err != nil {
		t.Fatal(err)
	}
	return b
}

func beforeDialling(t testing.TB, typ zmq4.Type, network, addr string, change ...func(*Config)) *bound {
	t.Helper()
	b := &bound{refusals: &refusals{}, network: network, addr: addr}
	cfg := Config{Limits: netLimits(typ), HandshakeTime: 2 * time.Second, Refused: b.add}
	cfg.Limits.Connecting = true
	for _, f := range change {
		f(&cfg)
	}
	b.door = New(cfg)
	t.Cleanup(func() { b.door.Close(0) })
	b.Socket = socket(t, typ)
	b.open(t)
	return b
}

// open opens a mouth for a new socket.
func (b *bound) open(t testing.TB) {
	t.Helper()
	if b.mouth != "" {
		b.door.Leave(b.mouth)
	}
	b.opened++
	name, err := b.door.Mouth(fmt.Sprint(b.opened), Peer{Address: b.addr}, b.door.Dial(func() (string, string) { return b.network, b.addr }))
	if err != nil {
		t.Fatal(err)
	}
	b.mouth = name
}

// renew replaces a socket that connects, as an end does when it is lost.
func (b *bound) renew(t testing.TB) {
	t.Helper()
	zctx, err := b.Context()
	if err != nil {
		t.Fatal(err)
	}
	typ, err := b.GetType()
	if err != nil {
		t.Fatal(err)
	}
	if b.post != nil {
		b.post.Close(false)
	}
	_ = b.Close() // nothing is left to be done about it
	b.Socket = socketIn(t, zctx, typ)
	t.Cleanup(func() { _ = b.Close() })
	b.open(t)
	if b.post != nil {
		b.posted(t, b.post.places)
	}
	if err := b.Connect("ipc://" + b.mouth); err != nil {
		t.Fatal(err)
	}
}

// patterns has the Pattern of each type of sockets.
var patterns = map[zmq4.Type]Pattern{
	zmq4.PAIR: Pair, zmq4.REQ: Request, zmq4.REP: Reply, zmq4.PUB: Publish, zmq4.SUB: Subscribe, zmq4.PULL: Subscribe,
}

// withPost is for bind and beforeDialling, before posted.
func withPost(typ zmq4.Type) func(*Config) { return func(c *Config) { c.Pattern = patterns[typ] } }

// posted makes the messages of a bound socket go through a Post, before it has
// connections. Its door was made withPost.
func (b *bound) posted(t testing.TB, places int) *bound {
	t.Helper()
	s, err := zmsg.Of(b.Socket)
	if err != nil {
		t.Fatal(err)
	}
	if b.post, err = b.door.NewPost(s, places); err != nil {
		t.Fatal(err)
	}
	if b.waker == nil {
		if b.waker, err = zmsg.NewWaker(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.waker.Close)
	}
	post := b.post
	t.Cleanup(func() { post.Close(false) })
	zctx, err := b.Context()
	if err != nil {
		t.Fatal(err)
	}
	b.built++
	at := fmt.Sprintf("inproc://monitor-%d", b.built)
	mon := socketIn(t, zctx, zmq4.PAIR)
	if err := errors.Join(b.Monitor(at, zmq4.EVENT_ACCEPTED|zmq4.EVENT_CONNECTED|zmq4.EVENT_MONITOR_STOPPED), mon.SetRcvtimeo(-1), mon.Connect(at)); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer mon.Close()
		for {
			ev, _, fd, err := mon.RecvEvent(0)
			if err != nil || ev == zmq4.EVENT_MONITOR_STOPPED {
				return
			}
			b.door.Introduce(fd, post)
		}
	}()
	return b
}

// put sends a message of one part or two without waiting.
func (b *bound) put(parts ...string) error {
	if b.post == nil {
		_, err := b.SendMessageDontwait(parts)
		return err
	}
	if len(parts) == 1 {
		return b.post.Send([]byte(parts[0]), nil)
	}
	var m zmsg.Message
	defer m.Close()
	if err := m.SetCopy([]byte(parts[1])); err != nil {
		return err
	}
	return b.post.Send([]byte(parts[0]), &m)
}

// send waits until put does.
func (b *bound) send(t testing.TB, parts ...string) {
	t.Helper()
	within(t, "room for a message", func() bool { return b.put(parts...) == nil })
}

// get receives a message.
func (b *bound) get(timeout time.Duration) (parts []string, err error) {
	if b.post == nil {
		_ = b.SetRcvtimeo(timeout)
		return b.RecvMessage(0)
	}
	until := time.Now().Add(timeout)
	for more := true; more; {
		var m zmsg.Message
		more, err = b.post.Recv(&m)
		switch {
		case errors.Is(err, zmsg.ErrAgain) && time.Now().Before(until):
			more = true
			if _, err := b.post.Wait(zmsg.In, b.waker, until); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		parts = append(parts, string(m.Bytes()))
		m.Close()
	}
	return parts, nil
}

// subscribed waits until what is published arrives, and until nothing is on its way.
func subscribed(t testing.TB, send func(), receive func() ([]string, error)) {
	t.Helper()
	within(t, "subscription", func() bool {
		send()
		_, err := receive()
		return err == nil
	})
	for err := error(nil); err == nil; {
		_, err = receive()
	}
}

// receive waits for a message.
func (b *bound) receive(t testing.TB) []string {
	t.Helper()
	parts, err := b.get(patience)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// stranger is a connection that speaks ZMTP by hand.
type stranger struct {
	net.Conn
	t testing.TB
}

func call(t testing.TB, network, addr string) (*stranger, error) {
	t.Helper()
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return &stranger{c, t}, nil
}

// shaken is a stranger at b who has made the handshake as a socket of that type.
func shaken(t testing.TB, b *bound, typ string) *stranger {
	t.Helper()
	s, err := call(t, b.network, b.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.shake(typ); err != nil {
		t.Fatal(err)
	}
	return s
}

// say writes; an error means that it was cut off.
func (s *stranger) say(b ...[]byte) error {
	for _, p := range b {
		if _, err := s.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// shake makes the handshake as a socket of that type.
func (s *stranger) shake(typ string) error {
	if err := s.say(greetingOf(mechanismNull), readyOf(typ)); err != nil {
		return err
	}
	head := make([]byte, greetingLen+2)
	if _, err := io.ReadFull(s, head); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, s, int64(head[greetingLen+1]))
	return err
}

// reset ends the connection with an RST, or just closes it.
func (s *stranger) reset() {
	if c, ok := s.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	s.Close()
}

// isCut reports whether the other end hangs up.
func (s *stranger) isCut() error {
	_ = s.SetDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, s); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("not cut off within %v", patience)
	}
	return nil
}

// partner is the socket that goes with another.
func partner(typ zmq4.Type) zmq4.Type {
	switch typ {
	case zmq4.REP:
		return zmq4.REQ
	case zmq4.REQ:
		return zmq4.REP
	case zmq4.SUB:
		return zmq4.PUB
	case zmq4.PUB:
		return zmq4.SUB
	default:
		return zmq4.PAIR
	}
}

func name(typ zmq4.Type) string { return typ.String() }

// residentMB is the memory of the process.
func residentMB(t testing.TB) int {
	t.Helper()
	var pages [2]int
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(b), &pages[0], &pages[1]); err != nil {
		t.Fatal(err)
	}
	return pages[1] * syscall.Getpagesize() >> 20
}

func allowOnly(a string) func(netip.Addr) error {
	return func(got netip.Addr) error {
		if got.String() == a {
			return nil
		}
		return fmt.Errorf("%s is not %s", got, a)
	}
}
