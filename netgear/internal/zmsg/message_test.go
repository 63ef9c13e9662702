package zmsg_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// sizes are those at which the bytes of a message change their place.
var sizes = []int{0, 1, 33, 34, 64, 255, 256, 257, 1000, 1 << 20}

func pattern(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + size)
	}
	return b
}

// link is two sockets that are connected.
type link struct {
	a, b  zmsg.Socket
	waker *zmsg.Waker
	until time.Time
}

func newLink(t *testing.T) *link {
	t.Helper()
	waker, err := zmsg.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(waker.Close)
	zctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	open := func(attach func(s *zmq4.Socket) error) zmsg.Socket {
		s, err := zctx.NewSocket(zmq4.PAIR)
		if err == nil {
			err = attach(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		z, err := zmsg.Of(s)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	t.Cleanup(func() { _ = zctx.Term() }) // before the sockets' own, so it comes after them
	var at string
	a := open(func(s *zmq4.Socket) error {
		err := s.Bind("tcp://127.0.0.1:*")
		if err == nil {
			at, err = s.GetLastEndpoint()
		}
		return err
	})
	b := open(func(s *zmq4.Socket) error { return s.Connect(at) })
	return &link{a, b, waker, time.Now().Add(20 * time.Second)}
}

// send tries to send until there is room.
func (l *link) send(f func() error) {
	for f() != nil {
		_, _ = l.a.Wait(zmsg.Out, l.waker, l.until) // it is tried again
	}
}

// recv waits for a part.
func (l *link) recv(t *testing.T, m *zmsg.Message) (more bool) {
	t.Helper()
	if ev, err := l.b.Wait(zmsg.In, l.waker, l.until); err != nil || ev&zmsg.In == 0 {
		t.Fatalf("nothing came: %v", err)
	}
	more, err := l.b.Recv(m)
	if err != nil {
		t.Fatal(err)
	}
	return more
}

// Whatever a message holds its bytes in, libzmq sends them, and they come out as they
// were, once for each time that they were sent.
func TestMessagesOfAllSizes(t *testing.T) {
	l := newLink(t)
	var got zmsg.Message
	defer got.Close()
	for _, size := range sizes {
		want := pattern(size)
		var m zmsg.Message
		if err := m.SetCopy(want); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			l.send(func() error { return l.a.Send(want, &m) })
			if more := l.recv(t, &got); !more || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("head of %d bytes: %d came, more %v", size, got.Len(), more)
			}
			if got.Connection() <= 0 {
				t.Errorf("%d bytes came over connection %d", size, got.Connection())
			}
			var moved zmsg.Message
			moved.Take(&got)
			if more := l.recv(t, &got); more || !bytes.Equal(got.Bytes(), want) || got.Len() != size {
				t.Errorf("data of %d bytes: %d came, more %v", size, got.Len(), more)
			}
			if !bytes.Equal(moved.Bytes(), want) {
				t.Errorf("%d bytes did not survive a move", size)
			}
			moved.Close()
		}
		if err := l.a.SendData(&m); err != nil {
			t.Fatal(err)
		}
		if more := l.recv(t, &got); more || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d bytes alone: %d came, more %v", size, got.Len(), more)
		}
		var taken zmsg.Message
		taken.Take(&got)
		content, loan := taken.Detach()
		if !bytes.Equal(content, want) || taken.Len() != 0 {
			t.Errorf("%d bytes were detached as %d", size, len(content))
		}
		loan.End()
		m.Close()
	}
}

// A loan ends once, when nobody needs the memory any more: with libzmq, with a share, or
// with nobody else.
func TestLoans(t *testing.T) {
	l := newLink(t)
	for name, use := range map[string]func(m *zmsg.Message, content []byte){
		"not used": func(*zmsg.Message, []byte) {},
		"shared": func(m *zmsg.Message, content []byte) {
			var share zmsg.Message
			if err := share.Share(m); err != nil {
				t.Fatal(err)
			}
			defer share.Close()
			if unsafe.SliceData(share.Bytes()) != unsafe.SliceData(content) {
				t.Error("a share is a copy")
			}
		},
		"sent": func(m *zmsg.Message, content []byte) {
			l.send(func() error { return l.a.SendData(m) })
			var got zmsg.Message
			defer got.Close()
			if l.recv(t, &got); !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%d bytes came", got.Len())
			}
		},
		"moved": func(m *zmsg.Message, content []byte) {
			var other zmsg.Message
			other.Take(m)
			if other.Len() != len(content) || m.Len() != 0 {
				t.Errorf("it moved as %d bytes, and %d stayed", other.Len(), m.Len())
			}
			m.Take(&other)
		},
		"detached": func(m *zmsg.Message, content []byte) {
			got, loan := m.Detach()
			if len(got) != len(content) || m.Len() != 0 {
				t.Errorf("%d bytes were detached, and %d stayed", len(got), m.Len())
			}
			m.Lend(got, loan)
		},
	} {
		t.Run(name, func(t *testing.T) {
			// What has gone back tells it.
			zmsg.Trim()
			var memory, m zmsg.Message
			if err := memory.SetCopy(pattern(1 << 20)); err != nil {
				t.Fatal(err)
			}
			content, loan := memory.Detach()
			m.Lend(content, loan)
			use(&m, content)
			if zmsg.Kept() != 0 {
				t.Fatal("the loan has ended too early")
			}
			m.Close()
			for zmsg.Kept() == 0 {
				if time.Now().After(l.until) {
					t.Fatal("the loan does not end")
				}
				time.Sleep(time.Millisecond) // a thread of libzmq ends it
			}
		})
	}
	t.Run("held elsewhere", func(t *testing.T) {
		var holds atomic.Int32
		holds.Store(2)
		// Free is no function: a call would crash.
		var m zmsg.Message
		m.Lend(pattern(1000), zmsg.Loan{Free: unsafe.Pointer(&holds), Holds: &holds})
		m.Close()
		if n := holds.Load(); n != 1 {
			t.Errorf("%d holds are left: want 1", n)
		}
	})
}
