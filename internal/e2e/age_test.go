package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// film gives a Sender a frame of some bytes 30 times a second, until ctx ends. After a
// pause the Sender gets the frames that it has missed, as from a queue.
func film(ctx context.Context, t *testing.T, s *netgear.Sender, size int) {
	const interval = time.Second / 30
	data := make([]byte, size)
	var f netgear.Frame
	for taken := time.Now(); ; taken = taken.Add(interval) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(taken)):
		}
		f.Header = wire.Header{DType: "uint8", Shape: wire.MakeShape(size)}
		f.Payload, f.Live, f.Captured = netgear.Payload{Bytes: data}, true, taken
		if err := s.Send(ctx, &f); err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
	}
}

// ages returns the ages of the frames that a Receiver gets within a time. It leaves out
// the first ones.
func ages(ctx context.Context, t *testing.T, r *netgear.Receiver, beginning, d time.Duration) (list []time.Duration) {
	t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithDeadline(ctx, begin.Add(d))
	defer cancel()
	var f netgear.Frame
	for {
		if err := r.Recv(ctx, &f); err != nil {
			if ctx.Err() == nil {
				t.Fatal(err)
			}
			return list
		}
		// Both ends have the same clock, so no offset is needed.
		age := time.Since(time.Unix(0, f.Header.Ext.Taken))
		f.Payload.Release()
		if time.Since(begin) > beginning {
			list = append(list, age)
		}
	}
}

// newEnds opens a Receiver, and a Sender that is connected to it over a link.
func newEnds(t *testing.T, pattern wire.Pattern, inFlight uint, rate int64, rtt time.Duration, change ...func(out *netgear.Config, port uint)) (*netgear.Sender, *netgear.Receiver) {
	t.Helper()
	in := netgear.DefaultConfig(netgear.ReceiverRole)
	in.Address, in.Port, in.Pattern = "127.0.0.1", 0, pattern
	r, err := netgear.NewReceiver(in, netgear.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	link := slowLink(t, int(r.CurrentPort()), rate, rtt)
	out := netgear.DefaultConfig(netgear.SenderRole)
	out.Address, out.Port, out.Pattern, out.InFlight = "127.0.0.1", uint(link.Port()), pattern, inFlight
	for _, f := range change {
		f(&out, r.CurrentPort())
	}
	s, err := netgear.NewSender(out, netgear.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = s.Close() })
	return s, r
}

// Frames of a live stream arrive young, although the sender makes four times as much as
// the link carries.
func TestFramesArriveYoung(t *testing.T) {
	t.Parallel()
	const size = 160_000
	run, wait := together(t)
	for _, c := range []struct {
		pattern  wire.Pattern
		inFlight uint
		rtt      time.Duration
	}{
		{wire.Pair, 1, 0},
		{wire.Pair, 0, 0},
		{wire.ReqRep, 1, 0},
		{wire.PubSub, 1, 0},
		{wire.Pair, 1, 100 * time.Millisecond},
		{wire.Pair, 0, 100 * time.Millisecond},
		{wire.PubSub, 1, 100 * time.Millisecond},
	} {
		run(fmt.Sprintf("%s/%d/%v", c.pattern, c.inFlight, c.rtt), func(t *testing.T) {
			const rate = size * 8 * 30 / 4
			s, r := newEnds(t, c.pattern, c.inFlight, rate, c.rtt)
			wantYoung(t, s, r, size, rate, c.rtt)
		})
	}
	wait()
}

// together returns a t.Run whose tests run beside each other until wait has waited for
// all, more of them than t.Parallel lets: they wait most of the time.
func together(t *testing.T) (run func(name string, f func(t *testing.T)), wait func()) {
	t.Helper()
	var all sync.WaitGroup
	return func(name string, f func(t *testing.T)) { all.Go(func() { t.Run(name, f) }) }, all.Wait
}

// wantYoung makes a Sender send more than a link carries, in frames of some bytes, and
// checks how old they are when they arrive.
func wantYoung(t *testing.T, s *netgear.Sender, r *netgear.Receiver, size, rate int, rtt time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); film(ctx, t, s, size) }()
	within(t, "a receiver", func() bool { return s.Peers() > 0 })
	list := ages(ctx, t, r, time.Second, 5*time.Second)
	cancel()
	<-done
	if len(list) == 0 {
		t.Fatal("no frame came")
	}
	slices.Sort(list)
	takes := time.Duration(size*8) * time.Second / time.Duration(rate)
	p95, most := list[len(list)*95/100], (rtt/2+takes)*3/2+50*time.Millisecond
	st := s.Stats()
	t.Logf("%d frames, of which %d given up; %d came after a second: median %v, 95th percentile %v, worst %v, want %v",
		st.Frames, st.FramesDropped, len(list), list[len(list)/2], p95, list[len(list)-1], most)
	// This is the bound of the median; the others get twice as much, since a busy
	// processor delays frames too. Bytes that wait on the way, or in a queue, exceed it.
	if median := list[len(list)/2]; median > most || p95 > 2*most {
		t.Errorf("frames are %v and %v old, want %v and %v at the most", median, p95, most, 2*most)
	}
	if st.FramesDropped == 0 {
		t.Error("no frame was given up")
	}
}

// The same holds through an SSH tunnel, whose link to the server is slow.
func TestFramesArriveYoungThroughATunnel(t *testing.T) {
	t.Parallel()
	const size, rate = 160_000, 9_600_000
	server := newSSHServer(t)
	link := slowLink(t, server.port, rate, 0)
	server.port = link.Port()
	server.know("known_hosts", "host")
	run, wait := together(t)
	for _, pattern := range []wire.Pattern{wire.Pair, wire.ReqRep, wire.PubSub} {
		run(pattern.String(), func(t *testing.T) {
			s, r := newEnds(t, pattern, 1, rate, 0, func(out *netgear.Config, port uint) {
				out.Port, out.SSHTunnel = port, server.login()
				out.SSHKnownHosts, out.SSHKeyFile = server.file("known_hosts"), server.file("user")
			})
			wantYoung(t, s, r, size, rate, 0)
			if p := s.Stats().Peers; len(p) != 1 || !p[0].HasLink || p[0].RTT == 0 {
				t.Errorf("what is known of the peer is %+v, want the link of the tunnel", p)
			}
			if b := s.EstimatedBitrate(); b < rate/2 || b > rate*3/2 {
				t.Errorf("the link is estimated at %d bit/s, want about %d", b, rate)
			}
		})
	}
	wait()
}
