package netgear_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// goPeer is a receiver that is no more than a connection. It puts the number of bytes of
// each message into got.
func goPeer(t *testing.T, p wire.Pattern, got chan<- int) (port uint) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		typ := map[wire.Pattern]string{wire.Pair: "PAIR", wire.ReqRep: "REP", wire.PubSub: "SUB"}[p]
		if err := greetAs(c, typ, 0); err != nil {
			t.Error(err)
			return
		}
		if p == wire.PubSub {
			_, _ = c.Write([]byte{0, 1, 1})
		}
		in := bufio.NewReaderSize(c, 1<<17)
		for {
			n, answer, err := readMessage(in)
			if err != nil {
				return
			}
			got <- n
			if p != wire.PubSub {
				_, _ = c.Write(append(answer, "\x00\x02ok"...))
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return uint(l.Addr().(*net.TCPAddr).Port)
}

// readMessage reads a message of ZMTP. answer is what precedes an answer: the parts up to
// an empty one.
func readMessage(in *bufio.Reader) (size int, answer []byte, err error) {
	var parts []byte
	for more := true; more; {
		flags, err := in.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		more = flags&1 != 0
		length := make([]byte, 1)
		if flags&2 != 0 {
			length = make([]byte, 8)
		}
		if _, err := io.ReadFull(in, length); err != nil {
			return 0, nil, err
		}
		n := int(length[0])
		if len(length) == 8 {
			n = int(binary.BigEndian.Uint64(length))
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return 0, nil, err
		}
		if size += n; n < 10 {
			parts = append(append(append(parts, flags), length...), body...)
		}
		if n == 0 {
			answer = parts
		}
	}
	return size, answer, nil
}

// Where the memory of a frame is held elsewhere too, the sender needs no call of C for it:
// each wakes up a thread of Go's runtime in a process with little to do.
func TestFrameNeedsNoCall(t *testing.T) {
	var lender zmsg.Message
	if err := lender.SetCopy(rawFrame(0, 64, 48).Payload.Bytes); err != nil {
		t.Fatal(err)
	}
	memory, loan := lender.Detach()
	defer loan.End()
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			got := make(chan int, 1000)
			s := sender(t, config(netgear.SenderRole, p), goPeer(t, p, got))
			const frames = 200
			await := func() {
				t.Helper()
				select {
				case n := <-got:
					if n < len(memory) {
						t.Fatalf("a message of %d bytes came", n)
					}
				case <-ctx.Done():
					t.Fatal("a frame does not come")
				}
			}
			for len(got) == 0 { // nobody may have subscribed yet
				if err := s.Send(ctx, rawFrame(0, 64, 48)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			for len(got) > 0 {
				await()
			}
			var holds atomic.Int32
			f := rawFrame(0, 64, 48)
			holds.Store(frames + 1)
			before := runtime.NumCgoCall()
			for range frames {
				f.Payload = netgear.SharedPayload(memory, loan.Free, loan.Owner, &holds)
				if err := s.Send(ctx, f); err != nil {
					t.Fatal(err)
				}
				await()
			}
			if calls := runtime.NumCgoCall() - before; calls > frames/10 {
				t.Errorf("%d calls of C for %d frames", calls, frames)
			}
			if err := s.Finish(ctx); err != nil {
				t.Error(err)
			}
			if n := holds.Load(); n != 1 {
				t.Errorf("%d holds are left: want 1", n)
			}
		})
	}
}
