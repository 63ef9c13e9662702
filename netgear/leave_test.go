package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A sender that is about to end does not wait for a receiver that is not there.
func TestLeaveWithoutReceiver(t *testing.T) {
	for _, p := range patterns {
		for _, bind := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, bind %v", p, bind), func(t *testing.T) {
				t.Parallel()
				cfg, port := config(netgear.SenderRole, p), uint(0)
				cfg.Bind, cfg.RequestTimeout, cfg.MaxRetries = bind, time.Hour, 0
				if !bind { // to a port that nobody listens at
					r := receiver(t, config(netgear.ReceiverRole, p))
					port = r.CurrentPort()
					if err := r.Close(); err != nil {
						t.Fatal(err)
					}
				}
				s := sender(t, cfg, port)
				ctx := deadline(t)
				const frames = 3
				ended := make(chan error, 1)
				go func() { ended <- sendAll(ctx, s, frames) }()
				waitFor(ctx, func() bool { return p == wire.PubSub || s.Stats().Frames >= 1 }) // it waits now; in pub-sub before it takes a frame
				s.Leave()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if ctx.Err() != nil {
					t.Error("ended by the deadline of the test")
				}
				if st := s.Stats(); p != wire.PubSub && (st.Frames != frames || st.FramesDropped != frames) {
					t.Errorf("%d frames taken, %d dropped, want %d both", st.Frames, st.FramesDropped, frames)
				}
			})
		}
	}
}

// With a receiver there, Leave changes nothing: all frames arrive, and the
// goodbye after them.
func TestLeaveWithReceiver(t *testing.T) {
	for _, p := range []wire.Pattern{wire.Pair, wire.ReqRep} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			const frames = 5
			r := receiver(t, config(netgear.ReceiverRole, p))
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			ctx := deadline(t)
			ended := make(chan error, 1)
			go func() {
				waitFor(ctx, func() bool { return s.Peers() == 1 })
				s.Leave()
				ended <- sendAll(ctx, s, frames)
			}()
			for i := 0; ; i++ {
				var f netgear.Frame
				err := r.Recv(ctx, &f)
				if errors.Is(err, io.EOF) {
					if i != frames {
						t.Errorf("%d frames, want %d", i, frames)
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
				if i == 0 {
					// Longer than a sender waits that has nobody.
					time.Sleep(600 * time.Millisecond)
				}
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func sendAll(ctx context.Context, s *netgear.Sender, frames int) error {
	for i := range frames {
		if err := s.Send(ctx, rawFrame(i, 8, 8)); err != nil {
			return err
		}
	}
	return s.Finish(ctx)
}
