package door

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// slowLink stands between a door and its peer. It carries some 1 MB/s at the most
// to the peer, holds little, and counts what it has taken in.
type slowLink struct {
	net.Listener
	taken atomic.Int64
	gate  sync.Mutex // locked: it stands still
}

func newSlowLink(t *testing.T, to string) *slowLink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &slowLink{Listener: l}
	t.Cleanup(func() { s.Close() })
	go func() {
		from, err := s.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		_ = from.(*net.TCPConn).SetReadBuffer(16 << 10)
		peer, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer peer.Close()
		go func() { _, _ = io.Copy(from, peer) }()
		b := make([]byte, 8<<10)
		for {
			s.gate.Lock()
			s.gate.Unlock() //nolint:staticcheck // it waits
			n, err := from.Read(b)
			if err != nil {
				return
			}
			s.taken.Add(int64(n))
			if _, err := peer.Write(b[:n]); err != nil {
				return
			}
			time.Sleep(8 * time.Millisecond)
		}
	}()
	return s
}

// On a slow link little waits between libzmq and the peer, and the kernel tells of
// the link.
func TestLittleWaits(t *testing.T) {
	t.Parallel()
	const part, enough = 50_000, 2 << 20
	to := bind(t, zmq4.PAIR, "tcp", nil)
	link := newSlowLink(t, to.addr)
	d := beforeDialling(t, zmq4.PAIR, "tcp", link.Addr().String())
	from := widened(t, d)
	if err := from.SetSndhwm(2); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for !isClosed(stop) {
			if _, err := to.RecvBytes(zmq4.DONTWAIT); err != nil {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	sent := 0
	for deadline := time.Now().Add(patience); link.taken.Load() < enough; {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes arrive within %v", link.taken.Load(), patience)
		}
		if _, err := from.SendBytes(make([]byte, part), zmq4.DONTWAIT); err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		sent += part
	}
	// libzmq has a queue of its own.
	if waits := sent - int(link.taken.Load()); waits > 600_000 {
		t.Errorf("%d bytes are on their way, want few", waits)
	}
	l, ok := d.door.LinkOf(func(Peer) bool { return true })
	if !ok || l.RTT <= 0 || l.DeliveryRate == 0 {
		t.Errorf("the link is %+v, %v", l, ok)
	}
}

// While a link stands still, pictures give way to newer ones; what is none does
// not.
func TestNewestPictureWins(t *testing.T) {
	t.Parallel()
	const pictures, size = 100, 50_000
	for _, newest := range []bool{true, false} {
		t.Run(fmt.Sprint(newest), func(t *testing.T) {
			t.Parallel()
			to := bind(t, zmq4.SUB, "tcp", nil)
			link := newSlowLink(t, to.addr)
			d := beforeDialling(t, zmq4.PUB, "tcp", link.Addr().String(), withPost(zmq4.PUB)).posted(t, 2*pictures)
			if err := d.Connect("ipc://" + d.mouth); err != nil {
				t.Fatal(err)
			}
			receive := func() (first string, parts int) {
				m, err := to.RecvMessage(0)
				if err != nil {
					t.Fatal(err)
				}
				return m[0], len(m)
			}
			subscribed(t, func() { _ = d.put("hello") }, func() ([]string, error) { return to.get(10 * time.Millisecond) })
			_ = to.SetRcvtimeo(patience)
			d.door.PreferNewest(newest)
			link.gate.Lock()
			for n := range pictures {
				d.send(t, "picture "+strconv.Itoa(n), string(make([]byte, size)))
				if n == pictures/2 {
					d.send(t, "word")
				}
			}
			d.send(t, "goodbye")
			link.gate.Unlock()
			got, word, last := 0, false, -1
			for {
				first, parts := receive()
				if first == "goodbye" {
					break
				}
				if word = word || first == "word"; parts < 2 {
					continue
				}
				n, err := strconv.Atoi(strings.TrimPrefix(first, "picture "))
				if err != nil || n <= last {
					t.Errorf("%q after picture %d", first, last)
				}
				got, last = got+1, n
			}
			if !word || last != pictures-1 {
				t.Errorf("the word between them arrived: %v, and the last picture is %d", word, last)
			}
			if newest && got > pictures/4 || !newest && got != pictures {
				t.Errorf("%d of %d pictures arrive", got, pictures)
			}
		})
	}
}

// A connection that has ended leaves nothing behind, however late its descriptor is
// told.
func TestEndedConnectionIsNotBound(t *testing.T) {
	d := New(Config{})
	t.Cleanup(func() { d.Close(0) })
	l, err := net.Listen("unix", d.name+"-to-1")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := conn{door: d, id: 7}
	dialer := net.Dialer{LocalAddr: &net.UnixAddr{Net: "unix", Name: ended.own()}}
	here, err := dialer.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	raw, err := far.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { d.Bound(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	if n := len(d.far); n != 0 {
		t.Errorf("%d entries, want none", n)
	}
}
