package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const plainFrame = `{"terminate_flag": false, "compression": false, "message": null, "pattern": "2", "dtype": "uint8", "shape": [1, 1, 3]}`

// While one sender is served, what others send is dropped: their frames, and their
// goodbyes above all. When it has gone, the next one is served.
func TestOneSenderAtATime(t *testing.T) {
	for _, p := range []wire.Pattern{wire.ReqRep, wire.PubSub} {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			warned := make(chan struct{}, 1)
			obs := observer(t, "receiver")
			obs.Warning = func(err error) {
				if errors.Is(err, netgear.ErrIntruder) {
					select {
					case warned <- struct{}{}:
					default:
					}
				}
			}
			cfg := config(netgear.ReceiverRole, p)
			cfg.RequestTimeout, cfg.MaxLag = 20*time.Second, 0
			r, err := netgear.NewReceiver(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(r)
			typ, _ := socketTypes(p)
			endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort())
			good := newFakePeer(t, typ, endpoint)
			stranger := newFakePeer(t, typ, strings.Replace(endpoint, "tcp://", "tcp://127.0.0.2:0;", 1)) // from another host
			waitFor(ctx, func() bool { return r.Peers() == 2 })
			time.Sleep(100 * time.Millisecond) // subscriptions are on their way
			frames := make(chan string, 100)
			go func() {
				defer close(frames)
				for {
					var f netgear.Frame
					if err := r.Recv(ctx, &f); err != nil {
						if !errors.Is(err, io.EOF) {
							frames <- err.Error()
						}
						return
					}
					frames <- string(f.Payload.Bytes)
					f.Payload.Release()
				}
			}()
			expect := func(want string) {
				t.Helper()
				if got := <-frames; got != want {
					t.Fatalf("got %q, want %q: %+v", got, want, r.Stats())
				}
			}
			good.say(p, plainFrame, "one")
			expect("one")
			stranger.say(p, plainFrame, "bad")
			stranger.say(p, `{"terminate_flag": true}`)
			good.say(p, plainFrame, "two")
			expect("two")
			select {
			case <-warned:
			case <-ctx.Done():
				t.Error("no warning")
			}
			if st := r.Stats(); st.Frames != 2 || st.FramesDropped != 2 || st.Goodbyes != 0 {
				t.Errorf("%+v, want 2 frames and 2 dropped", st)
			}
			good.close()
			waitFor(ctx, func() bool { return r.Peers() == 1 })
			stranger.say(p, plainFrame, "own")
			expect("own")
			stranger.say(p, `{"terminate_flag": true}`)
			if got, ok := <-frames; ok {
				t.Errorf("after the goodbye: %q", got)
			}
		})
	}
}

// A name of the multi-server mode belongs to the connection that uses it.
func TestNamesBelongToConnections(t *testing.T) {
	for _, p := range shared {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			ports := []uint{freePort(t), freePort(t)}
			cfg := config(netgear.ReceiverRole, p)
			cfg.MultiServer, cfg.Ports, cfg.RequestTimeout, cfg.MaxLag = true, portList(ports...), 20*time.Second, 0
			r := receiver(t, cfg)
			end := make(chan []got, 1)
			go func() { end <- receiveAll(ctx, t, r) }()
			typ, _ := socketTypes(p)
			mine, other := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", ports[0])), newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.2:0;127.0.0.1:%d", ports[1]))
			waitFor(ctx, func() bool { return r.Peers() == 2 })
			time.Sleep(100 * time.Millisecond) // subscriptions are on their way
			frame := func(port uint) string {
				return fmt.Sprintf(`{"port": "%d", "terminate_flag": false, "compression": false, "message": null, "dtype": "uint8", "shape": [1, 1, 3]}`, port)
			}
			bye := func(port uint) string { return fmt.Sprintf(`{"terminate_flag": true, "port": "%d"}`, port) }
			mine.say(p, frame(ports[0]), "abc")
			other.say(p, frame(ports[1]), "abc")
			other.say(p, bye(ports[0])) // in the name of mine
			other.say(p, frame(ports[0]), "bad")
			mine.say(p, frame(ports[0]), "abc")
			mine.say(p, bye(ports[0]))
			other.say(p, bye(ports[1]))
			if n := len(<-end); n != 3 {
				t.Errorf("%d frames, want 3", n)
			}
			if st := r.Stats(); st.FramesDropped != 2 || st.Goodbyes != 2 {
				t.Errorf("%+v, want 2 dropped, and the goodbyes of the two", st)
			}
		})
	}
}

// A peer that takes the place of a pair receiver and sends nothing that makes sense
// is thrown out when the time for a frame is over.
func TestSquatterIsThrownOut(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.Pair)
	cfg.RequestTimeout = 100 * time.Millisecond
	r := receiver(t, cfg)
	squatter := newFakePeer(t, zmq4.PAIR, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
	squatting, stop := context.WithCancel(ctx)
	defer stop()
	squatter.run(func() {
		_ = squatter.sock.SetSndtimeo(50 * time.Millisecond)
		for squatting.Err() == nil {
			_, _ = squatter.sock.SendBytes([]byte("x"), 0) // nobody may be there
			time.Sleep(20 * time.Millisecond)
		}
	})
	got := make(chan error, 1)
	go func() {
		var f netgear.Frame
		got <- r.Recv(ctx, &f)
	}()
	waitFor(ctx, func() bool { return r.Stats().FramesMalformed > 5 && r.Stats().Reconnects > 0 })
	stop() // it would come back; the next one in is another matter
	s := sender(t, config(netgear.SenderRole, wire.Pair), r.CurrentPort())
	if err := errors.Join(s.Send(ctx, rawFrame(1, 4, 4)), <-got); err != nil {
		t.Error(err)
	}
}

// A receiver that answers more than it is asked does not hold up a stream.
func TestSurplusAnswers(t *testing.T) {
	ctx := deadline(t)
	peer := newFakePeer(t, zmq4.PAIR, "")
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.Bidirectional = true
	s := sender(t, cfg, peer.port)
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	peer.run(func() {
		_ = peer.sock.SetSndtimeo(10 * time.Millisecond)
		answer := []byte(`{"return_type": "str", "return_data": "x"}`)
		for flooding.Err() == nil {
			_, _ = peer.sock.SendBytes(answer, 0)
		}
	})
	const frames = 200
	for i := range frames {
		if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.AcksReceived != frames {
		t.Errorf("%d frames confirmed, want %d", st.AcksReceived, frames)
	}
	stop()
}
