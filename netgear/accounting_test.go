package netgear_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// The helpers sender and receiver check of every test that the statistics add
// up; here are the ways that no other test takes.

func numbered(port string, seq uint64, t int64) []byte {
	return wire.AppendHeader(nil, &wire.Header{
		Port: port, DType: "uint8", Shape: wire.MakeShape(1, 1, 3), HasExt: true, Ext: wire.Ext{Seq: seq, HasSeq: true, T: t, HasT: t != 0},
	})
}

// publisher is a fake one to which r has subscribed.
func publisher(t testing.TB, r *netgear.Receiver) *fakePeer {
	t.Helper()
	p := newFakePeer(t, zmq4.XPUB, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
	if p.recv() == nil {
		t.Fatal("no subscription")
	}
	if err := p.sock.SetXpubNodrop(true); err != nil {
		t.Fatal(err)
	}
	return p
}

// What is thrown out while the program is busy is dropped, and not missing too;
// and it shows in the statistics at once.
func TestWhatIsThrownOutIsNotMissing(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	ports := []uint{freePort(t), freePort(t)}
	cfg.MultiServer, cfg.Ports = true, portList(ports...)
	r := receiver(t, cfg)
	p := publisher(t, r)
	const names, rounds, known = 2, 100, 2
	exchange := func(name int, seq uint64) {
		t.Helper()
		p.send(numbered(fmt.Sprint(ports[name]), seq, 0), "abc")
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		if f.Header.Port != fmt.Sprint(ports[name]) || f.Discontinuity != (seq == 0 || name == 0) { // the first of them says goodbye
			t.Errorf("frame of %s, discontinuity %v; want one of %d", f.Header.Port, f.Discontinuity, ports[name])
		}
		f.Payload.Release()
	}
	for name := range known {
		exchange(name, 0)
	}
	for seq := range rounds {
		for name := range names {
			p.send(numbered(fmt.Sprint(ports[name]), uint64(1+seq), 0), "abc")
		}
	}
	p.send("malformed", "x")
	p.send(fmt.Sprintf(`{"terminate_flag": true, "port": "%d"}`, ports[0]), "with data")
	waitFor(ctx, func() bool { return r.Taken() == known+names*rounds+2 })
	before := r.Stats()
	if before.FramesDropped < names*rounds-8 || before.FramesMalformed != 1 {
		t.Errorf("before anybody asks for a frame: %+v, want most of %d dropped", before, names*rounds)
	}
	for r.Stats().Goodbyes == 0 {
		soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		var f netgear.Frame
		if r.Recv(soon, &f) == nil {
			f.Payload.Release()
		}
		cancel()
	}
	for name := range known {
		exchange(name, 1+rounds)
	}
	if st := r.Stats(); st.FramesMissing != 0 || st.Goodbyes != 1 {
		t.Errorf("stats %+v, want no frame missing and the goodbye", st)
	}
}

// A sender whose clock or numbering is nonsense costs the one beside it nothing.
func TestNonsenseOfOneSenderIsItsOwn(t *testing.T) {
	ctx := deadline(t)
	cfg, ports := config(netgear.ReceiverRole, wire.PubSub), []uint{freePort(t), freePort(t)}
	cfg.MultiServer, cfg.Ports = true, portList(ports...)
	r := receiver(t, cfg)
	bad, good := publisher(t, r), publisher(t, r)
	const frames = 20
	for i := range frames {
		bad.send(numbered(fmt.Sprint(ports[0]), 1<<63+uint64(i)<<40, 1<<62), "bad")
		good.send(numbered(fmt.Sprint(ports[1]), uint64(i), time.Now().UnixNano()), "abc")
		begin, came := time.Now(), false
		for !came {
			var f netgear.Frame
			if err := r.Recv(ctx, &f); err != nil {
				t.Fatalf("good frame %d: %v", i, err)
			}
			came = string(f.Payload.Bytes) == "abc"
			f.Payload.Release()
		}
		if took := time.Since(begin); took > 200*time.Millisecond {
			t.Fatalf("good frame %d was kept back for %v", i, took)
		}
	}
	if st := r.Stats(); st.FramesMissing > frames {
		t.Errorf("%d frames missing, of a numbering that is none", st.FramesMissing)
	}
}

// Frames that the program takes back change their place in the statistics, and
// the next one of the same sender says so.
func TestRejectAndDrop(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.MaxLag = 0 // on a busy machine any frame may be late
			r := receiver(t, cfg)
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			go func() {
				for i := 0; ctx.Err() == nil && r.Stats().Frames < 5; i++ {
					if s.Send(ctx, rawFrame(i, 4, 4)) != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}()
			for i, takeBack := range []func(int){r.Reject, r.Drop, nil, nil, nil, nil, nil} {
				var f netgear.Frame
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				if want := i < 3; f.Discontinuity != want {
					t.Errorf("frame %d: discontinuity %v, want %v", i, f.Discontinuity, want)
				}
				if takeBack != nil {
					takeBack(len(f.Payload.Bytes))
				}
				f.Payload.Release()
			}
			if st := r.Stats(); st.Frames != 5 || st.FramesMalformed != 1 || st.FramesDropped != 1 || st.Bytes != 5*48 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// A confirmation is one part; more of them are no reason to send again, but told.
func TestConfirmationInManyParts(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			_, typ := socketTypes(p)
			peer := newFakePeer(t, typ, "")
			s := sender(t, config(netgear.SenderRole, p), peer.port)
			peer.run(func() {
				for range 2 {
					_ = peer.recv()
					peer.send("ok", "and", "more")
				}
			})
			for i := range 2 {
				if err := s.Send(deadline(t), rawFrame(i, 4, 4)); err != nil {
					t.Fatal(err)
				}
			}
			if st := s.Stats(); st.AcksReceived != 2 || st.FramesMalformed != 2 || st.AckTimeouts != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// Frames of encoded video that are held back, since no key frame was before
// them, were given to the sender too.
func TestFramesBeforeAKeyFrameAddUp(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			r := receiver(t, config(netgear.ReceiverRole, p))
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			received := make(chan error, 1)
			go func() {
				for range 2 {
					var f netgear.Frame
					if err := r.Recv(ctx, &f); err != nil {
						received <- err
						return
					}
					f.Payload.Release()
				}
				received <- nil
			}()
			for i, delta := range []bool{true, true, false, true} {
				f := rawFrame(i, 4, 4)
				f.Header.Ext.Delta = delta
				if err := s.Send(ctx, f); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-received; err != nil {
				t.Fatal(err)
			}
			if st := s.Stats(); st.Frames != 4 || st.Bytes != 4*48 || st.FramesDropped != 2 || st.AcksReceived != 2 {
				t.Errorf("stats %+v, want 4 frames, 2 of them dropped", st)
			}
			if st := r.Stats(); st.Frames != 2 || st.FramesMissing != 0 {
				t.Errorf("stats %+v, want 2 frames and none missing", st)
			}
		})
	}
}
