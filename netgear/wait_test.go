package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// liveFrame is rawFrame of a live stream; its number is in its message too.
func liveFrame(i int) *netgear.Frame {
	f := rawFrame(i, 4, 4)
	f.Live = true
	f.Header.HasMessage, f.Header.Message = true, wire.Raw(fmt.Sprint(i))
	return f
}

// nobody is a port at which nobody listens.
func nobody(t testing.TB) uint { return freePort(t) }

// quick is how long a Send may last that does not wait for a receiver: far more than
// it takes, far less than a stream waits.
const quick = 300 * time.Millisecond

// A live stream without a receiver goes on, and the first frame of a receiver that
// comes is of now, in every pattern and whoever binds.
func TestLiveStreamGoesOnWithoutReceiver(t *testing.T) {
	for _, p := range patterns {
		for _, bind := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, bind %v", p, bind), func(t *testing.T) {
				t.Parallel()
				ctx := deadline(t)
				cfg, port := config(netgear.SenderRole, p), nobody(t)
				cfg.Bind = bind
				s := sender(t, cfg, port)
				var sent int
				for ; sent < 30; sent++ {
					begin := time.Now()
					if err := s.Send(ctx, liveFrame(sent)); err != nil {
						t.Fatal(err)
					}
					// The first one waits until it is known that nobody is there.
					if took := time.Since(begin); took > quick {
						t.Errorf("frame %d held up its sender for %v", sent, took)
					}
					time.Sleep(2 * time.Millisecond) // the camera's pace
				}
				rc := config(netgear.ReceiverRole, p)
				rc.Bind, rc.Port = !bind, port
				r := receiver(t, rc)
				first := make(chan string, 1)
				go func() {
					var f netgear.Frame
					if err := r.Recv(ctx, &f); err != nil {
						first <- err.Error()
						return
					}
					first <- string(f.Header.Message)
					f.Payload.Release()
				}()
				for ctx.Err() == nil {
					select {
					case got := <-first:
						var n int
						if _, err := fmt.Sscan(got, &n); err != nil || n < 30 {
							t.Errorf("the first frame is %s, want one that was sent after the receiver came: 30 or later", got)
						}
						return
					default:
						if err := s.Send(ctx, liveFrame(sent)); err != nil {
							t.Fatal(err)
						}
						sent++
						time.Sleep(2 * time.Millisecond)
					}
				}
				t.Error("no frame arrived")
			})
		}
	}
}

// A stream that is not live waits for its receiver, and loses nothing.
func TestFileWaitsForReceiver(t *testing.T) {
	for _, p := range patterns {
		for _, bind := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, bind %v", p, bind), func(t *testing.T) {
				t.Parallel()
				const frames = 10
				ctx := deadline(t)
				cfg, port := config(netgear.SenderRole, p), nobody(t)
				cfg.Bind = bind
				s := sender(t, cfg, port)
				ended := make(chan error, 1)
				go func() {
					for i := range frames {
						f := liveFrame(i)
						f.Live = false
						if err := s.Send(ctx, f); err != nil {
							ended <- err
							return
						}
						if p == wire.PubSub {
							time.Sleep(5 * time.Millisecond) // the file's pace
						}
					}
					ended <- s.Finish(ctx)
				}()
				select {
				case err := <-ended:
					t.Fatalf("it did not wait: %v", err)
				case <-time.After(3 * cfg.RequestTimeout): // longer than anything but for ever
				}
				rc := config(netgear.ReceiverRole, p)
				rc.Bind, rc.Port, rc.MaxLag = !bind, port, 0
				r := receiver(t, rc)
				for i := 0; ; i++ {
					var f netgear.Frame
					err := r.Recv(ctx, &f)
					if errors.Is(err, io.EOF) && i == frames {
						break
					}
					if err != nil {
						t.Fatalf("after %d frames: %v", i, err)
					}
					if got := string(f.Header.Message); got != fmt.Sprint(i) {
						t.Fatalf("frame %s where %d was due", got, i)
					}
					f.Payload.Release()
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A live stream waits for a receiver that is restarted within a second: it gets
// every frame.
func TestLiveStreamWaitsForARestart(t *testing.T) {
	for _, p := range []wire.Pattern{wire.Pair, wire.ReqRep} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			rc := config(netgear.ReceiverRole, p)
			rc.EOSOnTerminate = true
			r := receiver(t, rc)
			port := r.CurrentPort()
			s := sender(t, config(netgear.SenderRole, p), port)
			const frames, before = 20, 5
			ended := make(chan error, 1)
			go func() {
				for i := range frames {
					if err := s.Send(ctx, liveFrame(i)); err != nil {
						ended <- err
						return
					}
				}
				ended <- s.Finish(ctx)
			}()
			last := -1
			next := func(r *netgear.Receiver) error {
				var f netgear.Frame
				err := r.Recv(ctx, &f)
				if err == nil {
					var n int
					_, _ = fmt.Sscan(string(f.Header.Message), &n)
					if n != last && n != last+1 { // the one that was confirmed last may come again
						t.Errorf("frame %d after %d", n, last)
					}
					last = n
					f.Payload.Release()
				}
				return err
			}
			for range before {
				if err := next(r); err != nil {
					t.Fatal(err)
				}
			}
			closed(r)
			rc.Port = port
			again := receiver(t, rc)
			for {
				if err := next(again); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if err := <-ended; err != nil || last != frames-1 {
				t.Errorf("the last frame is %d, want %d; %v", last, frames-1, err)
			}
			if st := s.Stats(); st.FramesDropped != 0 {
				t.Errorf("%d frames dropped", st.FramesDropped)
			}
		})
	}
}

// A receiver that is connected and confirms nothing holds up a live stream for a
// second once, and a stream that never waits hardly at all.
func TestSilentReceiverHoldsUpOnce(t *testing.T) {
	for _, c := range []struct {
		mode   netgear.WaitMode
		live   bool
		atMost time.Duration // for all frames
	}{
		{netgear.WaitAuto, true, 2 * time.Second},
		{netgear.WaitNever, true, time.Second},
		{netgear.WaitNever, false, time.Second},
	} {
		for _, p := range []wire.Pattern{wire.Pair, wire.ReqRep} {
			t.Run(fmt.Sprintf("%v, mode %d, live %v", p, c.mode, c.live), func(t *testing.T) {
				t.Parallel()
				ctx := deadline(t)
				peer := newFakePeer(t, map[wire.Pattern]zmq4.Type{wire.Pair: zmq4.PAIR, wire.ReqRep: zmq4.REP}[p], "")
				cfg := config(netgear.SenderRole, p)
				cfg.WaitForConnection, cfg.RequestTimeout = c.mode, 10*time.Second
				s := sender(t, cfg, peer.port)
				waitFor(ctx, func() bool { return s.Peers() == 1 })
				begin := time.Now()
				const frames = 50
				for i := range frames {
					f := liveFrame(i)
					f.Live = c.live
					if err := s.Send(ctx, f); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begin); took > c.atMost {
					t.Errorf("%d frames took %v, want %v at the most", frames, took, c.atMost)
				}
				if st := s.Stats(); st.Frames != frames || st.FramesDropped < frames-2 {
					t.Errorf("%d frames, %d dropped, want %d and nearly all", st.Frames, st.FramesDropped, frames)
				}
				s.Leave()
				begin = time.Now()
				if err := s.Finish(ctx); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > 8*time.Second {
					t.Errorf("the end took %v", took)
				}
			})
		}
	}
}

// With WaitAlways a live stream waits too.
func TestWaitAlways(t *testing.T) {
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.WaitForConnection = netgear.WaitAlways
	s := sender(t, cfg, nobody(t))
	ctx, cancel := context.WithTimeout(deadline(t), 2500*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, liveFrame(0)); err != nil { // taken, not confirmed
		t.Error(err)
	}
	if ctx.Err() == nil {
		t.Error("it did not wait")
	}
	if st := s.Stats(); st.FramesDropped != 0 {
		t.Errorf("%d frames dropped", st.FramesDropped)
	}
}

// Of encoded video a receiver that comes gets a key frame first, and every frame
// after it: none that builds upon one that was given up.
func TestEncodedVideoGivesWayByGroups(t *testing.T) {
	ctx := deadline(t)
	port := nobody(t)
	s := sender(t, config(netgear.SenderRole, wire.Pair), port)
	send := func(i int) {
		f := liveFrame(i)
		f.Header.Ext.Delta = i%5 != 0
		if err := s.Send(ctx, f); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	i := 0
	for ; i < 23; i++ { // it ends within a group
		send(i)
	}
	rc := config(netgear.ReceiverRole, wire.Pair)
	rc.Port = port
	r := receiver(t, rc)
	got := make(chan int, 100)
	go func() {
		defer close(got)
		for range 12 {
			var f netgear.Frame
			if r.Recv(ctx, &f) != nil {
				return
			}
			var n int
			_, _ = fmt.Sscan(string(f.Header.Message), &n)
			f.Payload.Release()
			got <- n
		}
	}()
	last := -1
	for {
		select {
		case n, ok := <-got:
			switch {
			case !ok:
				if ctx.Err() != nil {
					t.Error("too few frames")
				}
				return
			case last < 0 && n%5 != 0:
				t.Errorf("the first frame is %d, want a key frame", n)
			case last >= 0 && n != last+1:
				t.Errorf("frame %d after %d", n, last)
			}
			last = n
		default:
			send(i)
			i++
		}
	}
}
