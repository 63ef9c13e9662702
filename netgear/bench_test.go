package netgear_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// exchange sends n frames of size bytes from one end to the other.
func exchange(ctx context.Context, tb testing.TB, s *netgear.Sender, r *netgear.Receiver, n, size int) {
	tb.Helper()
	got := make(chan error, 1)
	go func() {
		var f netgear.Frame
		for range n {
			if err := r.Recv(ctx, &f); err != nil {
				got <- err
				return
			}
			f.Payload.Release()
		}
		got <- nil
	}()
	data := make([]byte, size)
	var f netgear.Frame
	for range n {
		f.Header = wire.Header{DType: "uint8", Shape: wire.MakeShape(size)}
		f.Payload = netgear.Payload{Bytes: data}
		if err := s.Send(ctx, &f); err != nil {
			tb.Fatal(err)
		}
	}
	if err := <-got; err != nil {
		tb.Fatal(err)
	}
}

// ends returns a sender and a receiver that are connected.
func ends(tb testing.TB, p wire.Pattern, inFlight uint) (*netgear.Sender, *netgear.Receiver) {
	tb.Helper()
	r, err := netgear.NewReceiver(config(netgear.ReceiverRole, p), netgear.Observer{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	cfg := config(netgear.SenderRole, p)
	cfg.Port, cfg.InFlight = r.CurrentPort(), inFlight
	s, err := netgear.NewSender(cfg, netgear.Observer{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s, r
}

// BenchmarkSendRecv is both ends in one process; the payload is copied once,
// since it lies in Go's memory.
func BenchmarkSendRecv(b *testing.B) {
	for _, p := range confirmed {
		for _, size := range []int{1 << 10, 30_000, 1920 * 1080 * 3} {
			b.Run(fmt.Sprintf("%s/%d", p, size), func(b *testing.B) {
				s, r := ends(b, p, 1)
				exchange(b.Context(), b, s, r, 10, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				exchange(b.Context(), b, s, r, b.N, size)
			})
		}
	}
}

// A frame costs next to nothing in Go's memory, so that a stream of days gives
// the garbage collector nothing to do.
func TestAllocationsOfAFrame(t *testing.T) {
	for _, p := range confirmed {
		for _, inFlight := range []uint{1, 8} {
			if inFlight > 1 && p != wire.Pair {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", p, inFlight), func(t *testing.T) {
				s, r := ends(t, p, inFlight)
				ctx := deadline(t)
				exchange(ctx, t, s, r, 100, 1000)
				const frames = 2000
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				exchange(ctx, t, s, r, frames, 1000)
				runtime.ReadMemStats(&after)
				// Both ends together, the goroutine of exchange among them.
				allocs := float64(after.Mallocs-before.Mallocs) / frames
				bytes := float64(after.TotalAlloc-before.TotalAlloc) / frames
				t.Logf("%.2f allocations, %.0f bytes a frame", allocs, bytes)
				if allocs > 1 || bytes > 64 {
					t.Errorf("%.2f allocations and %.0f bytes a frame, want 1 and 64 at the most", allocs, bytes)
				}
			})
		}
	}
}
