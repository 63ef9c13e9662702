package netgear_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// patterns are what the tests of both ends run over.
var patterns = []wire.Pattern{wire.Pair, wire.ReqRep, wire.PubSub}

// config returns the defaults of a role for 127.0.0.1.
func config(role netgear.Role, pattern wire.Pattern) netgear.Config {
	cfg := netgear.DefaultConfig(role)
	cfg.Address, cfg.Port, cfg.Pattern = "127.0.0.1", 0, pattern
	cfg.RequestTimeout = 500 * time.Millisecond
	return cfg
}

func receiver(t testing.TB, cfg netgear.Config) *netgear.Receiver {
	t.Helper()
	r, err := netgear.NewReceiver(cfg, observer(t, "receiver"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed(r)
		st := r.Stats()
		if sum := st.Frames + st.FramesDropped + st.FramesMalformed + st.Goodbyes; sum != r.Taken() {
			t.Errorf("the receiver accounts for %d messages of %d: %+v", sum, r.Taken(), st)
		}
	})
	return r
}

func sender(t testing.TB, cfg netgear.Config, port uint) *netgear.Sender {
	t.Helper()
	cfg.Port = port
	s, err := netgear.NewSender(cfg, observer(t, "sender"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil && s.CurrentPort() != 0 {
			checkSum(t, &cfg, s.Counted(), uint64(cfg.InFlight))
			<-tick.C
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		closed(s)
		checkSum(t, &cfg, s.Counted(), 0)
	})
	return s
}

// closed closes one end, which a goroutine may be about to leave.
func closed(end io.Closer) {
	for errors.Is(end.Close(), netgear.ErrBusy) {
		time.Sleep(time.Millisecond)
	}
}

// checkSum checks that every frame of a sender is confirmed, dropped or one of
// a few in flight.
func checkSum(t testing.TB, cfg *netgear.Config, st netgear.Stats, inFlight uint64) {
	if cfg.Pattern == wire.PubSub {
		return // nothing is confirmed
	}
	if done := st.AcksReceived + st.FramesDropped; done > st.Frames || st.Frames-done > inFlight {
		t.Errorf("the sender accounts for %d frames of %d, with %d in flight at the most: %+v", done, st.Frames, inFlight, st)
	}
}

func observer(t testing.TB, who string) netgear.Observer {
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
	return netgear.Observer{Warning: func(err error) { log.Warn(err.Error()) }, Log: log}
}

// rawFrame returns a BGR frame whose bytes depend on i.
func rawFrame(i, w, h int) *netgear.Frame {
	data := bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, w*h)
	return &netgear.Frame{
		Header:  wire.Header{DType: "uint8", Shape: wire.MakeShape(h, w, 3)},
		Payload: netgear.Payload{Bytes: data},
	}
}

// testWriter writes to the test's log, but not after its end.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(string(bytes.TrimSpace(b)))
	}
	return len(b), nil
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestFramesArriveInOrderAndTheGoodbyeAfterThem(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			const frames = 50
			r := receiver(t, config(netgear.ReceiverRole, p))
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			ctx := deadline(t)
			sent := make(chan error, 1)
			first := uint64(0)
			go func() {
				waitFor(ctx, func() bool { return s.Peers() == 1 && r.Peers() == 1 })
				for i := range frames {
					if err := sendSeen(ctx, s, p, i, func() uint64 { return r.Stats().Frames }); err != nil {
						sent <- fmt.Errorf("frame %d: %w", i, err)
						return
					}
				}
				sent <- s.Finish(ctx)
			}()
			for i := 0; ; i++ {
				var f netgear.Frame
				err := r.Recv(ctx, &f)
				if errors.Is(err, io.EOF) {
					if i != frames {
						t.Errorf("%d frames before the goodbye, want %d", i, frames)
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if want := rawFrame(i, 8, 8).Payload.Bytes; !bytes.Equal(f.Payload.Bytes, want) {
					t.Fatalf("frame %d differs", i)
				}
				if i == 0 && p == wire.PubSub {
					first = f.Header.Ext.Seq // what was sent before the subscription is nobody's
				}
				if f.Header.Ext.Seq != first+uint64(i) {
					t.Errorf("frame %d has number %d", i, f.Header.Ext.Seq)
				}
				if f.Discontinuity != (i == 0) {
					t.Errorf("frame %d: discontinuity %v", i, f.Discontinuity)
				}
				f.Payload.Release()
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// sendSeen sends frame i and, where nothing is confirmed, waits until seen has
// grown; it sends the frame again when that takes long, since a subscription
// may be on its way.
func sendSeen(ctx context.Context, s *netgear.Sender, p wire.Pattern, i int, seen func() uint64) error {
	for before := seen(); ; {
		if err := s.Send(ctx, rawFrame(i, 8, 8)); err != nil || p != wire.PubSub {
			return err
		}
		soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		waitFor(soon, func() bool { return seen() > before })
		cancel()
		if seen() > before || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func waitFor(ctx context.Context, ok func() bool) {
	for !ok() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}
