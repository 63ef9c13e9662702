package netgear_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// stranger speaks ZMTP 3.0 and is of another kind than ours. leave waits for n
// connections and lets go of the port.
func stranger(t *testing.T, port uint) (leave func(n int)) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	ready := "\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH"
	var wg sync.WaitGroup
	came := make(chan struct{}, 1000)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			came <- struct{}{}
			wg.Go(func() {
				_, _ = c.Write(greeting)
				_, _ = io.WriteString(c, ready)
				_, _ = io.Copy(io.Discard, c)
				c.Close()
			})
		}
	})
	return func(n int) {
		t.Helper()
		ctx := deadline(t)
		for i := range n {
			select {
			case <-came:
			case <-ctx.Done():
				t.Errorf("%d attempts to connect, want %d", i, n)
			}
		}
		l.Close()
		wg.Wait()
	}
}

// drain receives frames for as long as the test lasts.
func drain(t *testing.T, r *netgear.Receiver) {
	t.Helper()
	ctx := t.Context()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			var f netgear.Frame
			if r.Recv(ctx, &f) == nil {
				f.Payload.Release()
			}
		}
	}()
	t.Cleanup(func() { <-ended })
}

// libzmq gives up a connection over which a stranger has spoken. We do not, and
// find the peer that comes in the stranger's place.
func TestStrangerOnThePort(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String()+"/sender", func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			port := freePort(t)
			leave := stranger(t, port)
			cfg := config(netgear.SenderRole, p)
			cfg.RequestTimeout = 15 * time.Second // no help from timeouts
			s := sender(t, cfg, port)
			// It looks after its connection while it sends.
			stop, sent := make(chan struct{}), make(chan error)
			go func() {
				for {
					err := s.Send(ctx, rawFrame(0, 8, 8))
					if err != nil || p != wire.PubSub {
						sent <- err
						return
					}
					select {
					case <-stop:
						sent <- nil
						return
					case <-time.After(5 * time.Millisecond):
					}
				}
			}()
			leave(3)
			close(stop)
			rcfg := config(netgear.ReceiverRole, p)
			rcfg.Port = port
			r := receiver(t, rcfg)
			drain(t, r)
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if err := sendSeen(ctx, s, p, i, func() uint64 { return r.Stats().Frames }); err != nil {
					t.Fatal(err)
				}
			}
			if st := s.Stats(); st.AckTimeouts > 0 || st.Reconnects == 0 {
				t.Errorf("%d timeouts and %d reconnects, want none and some", st.AckTimeouts, st.Reconnects)
			}
		})
		t.Run(p.String()+"/receiver", func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			port := freePort(t)
			leave := stranger(t, port)
			cfg := config(netgear.ReceiverRole, p)
			cfg.RequestTimeout, cfg.Bind, cfg.Port = 15*time.Second, false, port
			r := receiver(t, cfg)
			// It looks after its connection while it waits.
			got := make(chan error)
			var f netgear.Frame
			go func() { got <- r.Recv(ctx, &f) }()
			leave(3)
			scfg := config(netgear.SenderRole, p)
			scfg.Bind = true
			s := sender(t, scfg, port)
			if err := sendSeen(ctx, s, p, 0, func() uint64 { return r.Stats().Frames }); err != nil {
				t.Fatal(err)
			}
			if err := <-got; err != nil {
				t.Fatal(err)
			}
			f.Payload.Release()
			stream(ctx, t, s, r, p, 3)
		})
	}
}

// Among several receivers a stranger disturbs nobody, and the one that comes in
// its place is found.
func TestStrangerAmongClients(t *testing.T) {
	for _, p := range shared {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			taken := freePort(t)
			leave := stranger(t, taken)
			open := func(port uint) *netgear.Receiver {
				cfg := config(netgear.ReceiverRole, p)
				cfg.MultiClient, cfg.Port = true, port
				r := receiver(t, cfg)
				drain(t, r)
				return r
			}
			first := open(freePort(t))
			cfg := config(netgear.SenderRole, p)
			cfg.MultiClient, cfg.Ports, cfg.RequestTimeout = true, portList(first.CurrentPort(), taken), 15*time.Second
			s, err := netgear.NewSender(cfg, observer(t, "sender"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			send := func(r *netgear.Receiver) {
				t.Helper()
				for n := r.Stats().Frames + 3; r.Stats().Frames < n && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
					if err := s.Send(ctx, rawFrame(0, 8, 8)); err != nil {
						t.Fatal(err)
					}
				}
			}
			send(first)
			stop := make(chan struct{})
			var sending sync.WaitGroup
			sending.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(5 * time.Millisecond):
						_ = s.Send(ctx, rawFrame(0, 8, 8))
					}
				}
			})
			leave(3)
			close(stop)
			sending.Wait()
			second := open(taken)
			send(second)
			send(first)
			if st := s.Stats(); ctx.Err() != nil || st.AckTimeouts > 0 || st.Reconnects > 0 {
				t.Errorf("%d timeouts, %d reconnects, %v; want none: the first receiver was there all the time", st.AckTimeouts, st.Reconnects, ctx.Err())
			}
		})
	}
}

// A message that is larger than libzmq takes ends the connection for good, too.
func TestConnectionAfterAHugeMessage(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	peer := newFakePeer(t, zmq4.PUB, "")
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	cfg.Bind, cfg.Port, cfg.MaxFrameSize = false, peer.port, 1000
	r := receiver(t, cfg)
	head := string(wire.AppendHeader(nil, &wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 100, 3)}))
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := 0; ctx.Err() == nil && r.Stats().Frames < 6; i++ {
			if r.Stats().Frames == 3 && i%10 == 0 {
				peer.send(head, bytes.Repeat([]byte{1}, 40<<20))
			}
			peer.send(head, strings.Repeat("a", 300))
			time.Sleep(10 * time.Millisecond)
		}
	})
	for range 6 {
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		f.Payload.Release()
		if r.Stats().Frames == 3 {
			waitFor(ctx, func() bool { return r.Peers() == 0 })
		}
	}
}
