package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// publish sends frames of size bytes at an interval until ctx ends.
func publish(ctx context.Context, s *netgear.Sender, size int, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		f := &netgear.Frame{Header: wire.Header{DType: "uint8", Shape: wire.MakeShape(size)}, Payload: netgear.Payload{Bytes: make([]byte, size)}}
		if s.Send(ctx, f) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func age(f *netgear.Frame) time.Duration {
	return time.Duration(time.Now().UnixNano() - f.Header.Ext.T)
}

// A program that is slow, or was away, gets the present.
func TestSlowSubscriberGetsThePresent(t *testing.T) {
	for _, c := range []struct {
		name string
		busy time.Duration // for each frame
		away time.Duration // once
	}{
		{"slow", 100 * time.Millisecond, 0},
		{"away", 0, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(deadline(t))
			r := receiver(t, config(netgear.ReceiverRole, wire.PubSub))
			s := sender(t, config(netgear.SenderRole, wire.PubSub), r.CurrentPort())
			done := make(chan struct{})
			go func() {
				defer close(done)
				publish(ctx, s, 10_000, 10*time.Millisecond)
			}()
			defer func() { cancel(); <-done }()
			frames, last := 20, uint64(0)
			for i := range frames {
				var f netgear.Frame
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				if a := age(&f); a > 150*time.Millisecond {
					t.Errorf("frame %d is %v old, of %v", f.Header.Ext.Seq, a, c)
				}
				if seq := f.Header.Ext.Seq; i > 0 && seq <= last {
					t.Errorf("frame %d after %d", seq, last)
				}
				last = f.Header.Ext.Seq
				f.Payload.Release()
				if time.Sleep(c.busy); i == frames/2 {
					time.Sleep(c.away)
				}
			}
			if st := r.Stats(); st.FramesDropped < 50 || st.FramesMissing > 5 {
				t.Errorf("stats %+v, want frames that were dropped, and none missing but at the start", st)
			}
		})
	}
}

// A process that was stopped finds seconds of video in the kernel's buffers,
// and passes it over.
func TestStoppedSubscriberGetsThePresent(t *testing.T) {
	ctx, cancel := context.WithCancel(deadline(t))
	port := freePort(t)
	other := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHelperSubscriber$")
	other.Env = append(os.Environ(), "NETGEAR_TEST_SUBSCRIBE="+strconv.FormatUint(uint64(port), 10))
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	s := sender(t, config(netgear.SenderRole, wire.PubSub), port)
	done := make(chan struct{})
	go func() {
		defer close(done)
		publish(ctx, s, 10_000, 10*time.Millisecond)
	}()
	defer func() { cancel(); <-done; _ = other.Wait() }()
	read := func() (age time.Duration) {
		var ms int
		if _, err := fmt.Fscanf(out, "age %d\n", &ms); err != nil {
			t.Fatalf("the subscriber: %v", err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	for range 20 {
		read()
	}
	if err := other.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if err := other.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	old, n := 0, 0
	for ; n < 100; n++ {
		if read() > 300*time.Millisecond {
			old++
		}
	}
	// One may have been in the hands of the program, and what it said before in
	// the pipe.
	if old > 2 {
		t.Errorf("%d of %d frames were old, want none to speak of", old, n)
	}
}

// TestHelperSubscriber is the process that is stopped.
func TestHelperSubscriber(t *testing.T) {
	text := os.Getenv("NETGEAR_TEST_SUBSCRIBE")
	if text == "" {
		t.Skip("the other process of another test")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	cfg.Port = uint(port)
	r, err := netgear.NewReceiver(cfg, netgear.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var f netgear.Frame
		if err := r.Recv(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("age %d\n", age(&f).Milliseconds())
		f.Payload.Release()
	}
}

// A program that is only uneven misses nothing.
func TestBurstsArriveWhole(t *testing.T) {
	ctx := deadline(t)
	rc := config(netgear.ReceiverRole, wire.PubSub)
	rc.MaxLag = 0 // on a busy machine any frame may be late
	r := receiver(t, rc)
	cfg := config(netgear.SenderRole, wire.PubSub)
	s := sender(t, cfg, r.CurrentPort())
	var last atomic.Int64 // received
	last.Store(-1)
	go func() {
		waitFor(ctx, func() bool { return s.Peers() == 1 && r.Peers() == 1 })
		for i := range 40 {
			_ = s.Send(ctx, rawFrame(i, 8, 8))
			time.Sleep(5 * time.Millisecond)
			// The sender drops what does not fit into its queue of two, as on a busy machine.
			waitFor(ctx, func() bool { n := last.Load(); return n < 0 || int64(i)-n < 2 })
		}
		_ = s.Finish(ctx)
	}()
	var seqs []uint64
	for {
		var f netgear.Frame
		err := r.Recv(ctx, &f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, f.Header.Ext.Seq)
		last.Store(int64(f.Header.Ext.Seq))
		f.Payload.Release()
		if len(seqs)%10 == 5 {
			time.Sleep(12 * time.Millisecond)
		}
	}
	// The subscription may have come after the first frames.
	if n := len(seqs); n < 20 || seqs[n-1] != 39 || seqs[0] != uint64(40-n) {
		t.Errorf("frames %v: want all from the first one on to 39", seqs)
	}
}
