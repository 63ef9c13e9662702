package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// confirmed are the patterns in which a frame is answered.
var confirmed = []wire.Pattern{wire.Pair, wire.ReqRep}

// fakePeer is a peer of bare ZeroMQ that does what a test tells it.
type fakePeer struct {
	t    testing.TB
	sock *zmq4.Socket
	port uint
	wg   sync.WaitGroup
}

func newFakePeer(t testing.TB, typ zmq4.Type, endpoint string) *fakePeer {
	t.Helper()
	ctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	sock, err := ctx.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	p := &fakePeer{t: t, sock: sock}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(sock.SetLinger(0))
	check(sock.SetRcvtimeo(10 * time.Second))
	check(sock.SetSndtimeo(10 * time.Second))
	if typ == zmq4.SUB {
		check(sock.SetSubscribe(""))
	}
	if endpoint == "" {
		check(sock.Bind("tcp://127.0.0.1:*"))
		last, err := sock.GetLastEndpoint()
		check(err)
		_, err = fmt.Sscanf(last, "tcp://127.0.0.1:%d", &p.port)
		check(err)
	} else {
		check(sock.Connect(endpoint))
	}
	t.Cleanup(p.close)
	return p
}

// run has f use the peer in a goroutine, and close wait for its end.
func (p *fakePeer) run(f func()) { p.wg.Go(f) }

func (p *fakePeer) close() {
	p.wg.Wait()
	_ = p.sock.Close()
}

// recv returns the parts of the next message, or nil after the time-out.
func (p *fakePeer) recv() [][]byte {
	parts, err := p.sock.RecvMessageBytes(0)
	if err != nil {
		return nil
	}
	return parts
}

func (p *fakePeer) recvFrame() (h wire.Header, ok bool) {
	parts := p.recv()
	if len(parts) != 2 {
		p.t.Errorf("a message of %d parts, want a frame", len(parts))
		return h, false
	}
	if err := wire.ParseHeader(parts[0], &h); err != nil {
		p.t.Errorf("header %s: %v", parts[0], err)
		return h, false
	}
	return h, true
}

func (p *fakePeer) send(parts ...any) {
	p.t.Helper()
	if _, err := p.sock.SendMessage(parts...); err != nil {
		p.t.Error(err)
	}
}

// say sends a message, and takes the answer to it where there is one.
func (p *fakePeer) say(pattern wire.Pattern, parts ...any) {
	p.t.Helper()
	p.send(parts...)
	if pattern == wire.ReqRep && p.recv() == nil {
		p.t.Error("no answer")
	}
	time.Sleep(20 * time.Millisecond) // PUB has a queue of its own
}

func socketTypes(p wire.Pattern) (sender, receiver zmq4.Type) {
	switch p {
	case wire.Pair:
		return zmq4.PAIR, zmq4.PAIR
	case wire.ReqRep:
		return zmq4.REQ, zmq4.REP
	case wire.PubSub:
	}
	return zmq4.PUB, zmq4.SUB
}

func TestSenderAbandonsAfterMaxRetries(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			_, typ := socketTypes(p)
			peer := newFakePeer(t, typ, "")
			cfg := config(netgear.SenderRole, p)
			cfg.RequestTimeout, cfg.MaxRetries, cfg.Port = 100*time.Millisecond, 3, peer.port
			var warnings []error
			s, err := netgear.NewSender(cfg, netgear.Observer{Warning: func(err error) { warnings = append(warnings, err) }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.Send(t.Context(), rawFrame(0, 4, 4))
			if !errors.Is(err, netgear.ErrAbandoned) || !strings.Contains(err.Error(), "max-retries=3") {
				t.Errorf("error %v, want ErrAbandoned with max-retries=3", err)
			}
			noReply := slices.DeleteFunc(slices.Clone(warnings), func(err error) bool { return !errors.Is(err, netgear.ErrNoReply) })
			if len(noReply) != 2 {
				t.Errorf("warned %d times of no reply, want 2: %v", len(noReply), warnings)
			}
			st := s.Stats()
			if st.AckTimeouts != 3 || st.AcksReceived != 0 || st.Frames != 1 || st.FramesDropped != 1 {
				t.Errorf("stats %+v", st)
			}
			if err := s.Send(t.Context(), rawFrame(1, 4, 4)); !errors.Is(err, netgear.ErrAbandoned) {
				t.Errorf("a further frame: error %v, want ErrAbandoned", err)
			}
		})
	}
}

// With NetGear the third of these lost answers would be the end.
func TestSuccessRestoresTheRetries(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			_, typ := socketTypes(p)
			if typ == zmq4.REP {
				typ = zmq4.ROUTER // a REP could not keep silent
			}
			peer := newFakePeer(t, typ, "")
			cfg := config(netgear.SenderRole, p)
			cfg.RequestTimeout, cfg.MaxRetries = 300*time.Millisecond, 2
			s := sender(t, cfg, peer.port)
			const frames = 4
			if err := peer.sock.SetRcvtimeo(50 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			var over atomic.Bool
			defer over.Store(true)
			peer.run(func() {
				attempts := map[string]int{}
				for !over.Load() {
					parts := peer.recv()
					if len(parts) < 2 {
						continue
					}
					frame := string(parts[len(parts)-1])
					if attempts[frame]++; attempts[frame] == 1 {
						continue
					}
					answer := []any{"ok"}
					if typ == zmq4.ROUTER {
						answer = []any{parts[0], parts[1], parts[2], "ok"}
					}
					// On a busy machine it may be for a connection that has gone: then the frame comes again.
					_, _ = peer.sock.SendMessageDontwait(answer...)
				}
			})
			for i := range frames {
				if err := s.Send(deadline(t), rawFrame(i, 4, 4)); err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
			}
			// A pair receiver may refuse the new connection at first.
			if st := s.Stats(); st.AcksReceived != frames || st.AckTimeouts < frames || st.Reconnects < frames {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// A receiver that goes away and comes back costs neither a frame nor a timeout.
func TestReceiverRestarts(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			const frames, each = 60, 10
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			r := receiver(t, cfg)
			cfg.Port = r.CurrentPort()
			scfg := config(netgear.SenderRole, p)
			scfg.RequestTimeout = 5 * time.Second
			s := sender(t, scfg, cfg.Port)
			done := make(chan error, 1)
			go func() {
				for i := range frames {
					if err := s.Send(ctx, rawFrame(i, 16, 16)); err != nil {
						done <- fmt.Errorf("frame %d: %w", i, err)
						return
					}
				}
				done <- s.Finish(ctx)
			}()
			var got []uint64
			for {
				var f netgear.Frame
				err := r.Recv(ctx, &f)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
				got = append(got, f.Header.Ext.Seq)
				if len(got)%each == 0 && len(got) < frames {
					if err := r.Close(); err != nil {
						t.Fatal(err)
					}
					for { // the port is free a moment later
						if r, err = netgear.NewReceiver(cfg, observer(t, "receiver")); err == nil {
							break
						}
						if !errors.Is(err, netgear.ErrInUse) || ctx.Err() != nil {
							t.Fatal(err)
						}
					}
					defer r.Close()
				}
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			// The frame whose answer went down with a receiver comes twice.
			if got = slices.Compact(got); len(got) != frames || got[frames-1] != frames-1 {
				t.Errorf("frames %v, want each of %d in order", got, frames)
			}
			if st := s.Stats(); st.AckTimeouts != 0 || st.AcksReceived != frames {
				t.Errorf("stats %+v, want no timeout", st)
			}
		})
	}
}

// PAIR refuses a second peer: its frames are not delivered, and not said to be.
func TestSecondPairSenderWaitsForTheFirst(t *testing.T) {
	ctx := deadline(t)
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	first := sender(t, config(netgear.SenderRole, wire.Pair), r.CurrentPort())
	go func() { _ = first.Send(ctx, rawFrame(0, 4, 4)) }()
	var f netgear.Frame
	if err := r.Recv(ctx, &f); err != nil {
		t.Fatal(err)
	}
	f.Payload.Release()
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.RequestTimeout = 5 * time.Second
	second := sender(t, cfg, r.CurrentPort())
	sent := make(chan error, 1)
	go func() { sent <- second.Send(ctx, rawFrame(1, 4, 4)) }()
	short, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
	defer cancel()
	if err := r.Recv(short, &f); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a frame of the refused sender: error %v", err)
	}
	if st := second.Stats(); st.AcksReceived != 0 {
		t.Errorf("the refused sender counts %d confirmations", st.AcksReceived)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Recv(ctx, &f); err != nil {
		t.Fatal(err)
	}
	if f.Payload.Bytes[0] != 1 {
		t.Error("not the frame of the second sender")
	}
	f.Payload.Release()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if st := second.Stats(); st.AckTimeouts != 0 {
		t.Errorf("stats %+v, want no timeout", st)
	}
}

// libzmq keeps refused connections that have sent something, though their peers
// be gone. They do not get that far, and cost the sender that is served nothing.
func TestRefusedConnectionsDoNotPileUp(t *testing.T) {
	ctx := deadline(t)
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	s := sender(t, config(netgear.SenderRole, wire.Pair), r.CurrentPort())
	const strangers = 200
	sent, over := make(chan error, 1), make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			err := s.Send(ctx, rawFrame(i, 4, 4))
			select {
			case <-over:
				sent <- errors.Join(err, s.Finish(ctx))
				return
			default:
			}
			if err != nil {
				sent <- err
				return
			}
		}
	}()
	go func() {
		waitFor(ctx, func() bool { return r.Stats().Frames > 0 })
		for range strangers {
			peer := newFakePeer(t, zmq4.PAIR, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
			_ = peer.sock.SetLinger(time.Second)
			peer.send("x")
			peer.close()
			time.Sleep(time.Millisecond) // not all at once, which would have the kernel hold them back
		}
		close(over)
	}()
	defer func() { <-over }()
	for i := uint64(0); ; i++ {
		var f netgear.Frame
		err := r.Recv(ctx, &f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.Ext.Seq != i {
			t.Fatalf("frame %d where %d was due", f.Header.Ext.Seq, i)
		}
		f.Payload.Release()
		if n := r.Peers(); n > 1 {
			t.Fatalf("%d connections", n)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if n := r.Stats().Reconnects; n > 0 {
		t.Errorf("%d reconnects", n)
	}
}

func TestCancelEndsEveryWait(t *testing.T) {
	const limit = 10 * time.Millisecond
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancelled := func(what string, want error, f func() error) {
				t.Helper()
				ctx, cancel = context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- f() }()
				time.Sleep(30 * time.Millisecond) // let it block; if it has not yet, the next line holds all the same
				begin := time.Now()
				cancel()
				err := <-ended
				if took := time.Since(begin); took > limit {
					t.Errorf("%s ended %v after its context, want %v", what, took, limit)
				}
				if !errors.Is(err, want) || (want == nil && err != nil) {
					t.Errorf("%s: error %v, want %v", what, err, want)
				}
			}
			defer cancel()
			r := receiver(t, config(netgear.ReceiverRole, p))
			cancelled("Recv", context.Canceled, func() error { return r.Recv(ctx, &netgear.Frame{}) })
			if p == wire.PubSub {
				return // a publisher waits for nobody
			}
			_, typ := socketTypes(p)
			silent := newFakePeer(t, typ, "")
			s := sender(t, config(netgear.SenderRole, p), silent.port)
			cancelled("Send of a frame that is taken", nil, func() error { return s.Send(ctx, rawFrame(0, 4, 4)) })
			cancelled("Send behind it", context.Canceled, func() error { return s.Send(ctx, rawFrame(1, 4, 4)) })
			cancelled("Finish", context.Canceled, func() error { return s.Finish(ctx) })
			if st := s.Stats(); st.Frames != 1 {
				t.Errorf("%d frames were taken, want 1", st.Frames)
			}
		})
	}
}

func TestFrameThatIsSentAgainIsHandedOutOnce(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			r := receiver(t, config(netgear.ReceiverRole, p))
			typ, _ := socketTypes(p)
			peer := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
			header := func(seq uint64, at int64) []byte {
				return wire.AppendHeader(nil, &wire.Header{
					DType: "uint8", Shape: wire.MakeShape(1, 1, 3), HasExt: true, Ext: wire.Ext{Seq: seq, HasSeq: true, T: at, HasT: true},
				})
			}
			peer.run(func() {
				for _, h := range [][]byte{header(7, 1), header(7, 1), header(8, 2), header(10, 3), header(0, 4)} {
					peer.send(h, "abc")
					_ = peer.recv()
				}
			})
			var got []string
			for range 4 {
				var f netgear.Frame
				if err := r.Recv(deadline(t), &f); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprint(f.Header.Ext.Seq, f.Discontinuity))
				f.Payload.Release()
			}
			if want := []string{"7 true", "8 false", "10 true", "0 true"}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if st := r.Stats(); st.Frames != 4 || st.FramesDropped != 1 || st.FramesMissing != 1 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestMalformedMessagesAreAnsweredCountedAndPassedOver(t *testing.T) {
	good := string(wire.AppendHeader(nil, &wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 1, 3)}))
	for _, c := range []struct {
		name  string
		parts []any
	}{
		{"not JSON", []any{"x", "abc"}},
		{"null", []any{"null", "abc"}},
		{"no terminate_flag", []any{`{"compression": false}`, "abc"}},
		{"one part", []any{good}},
		{"three parts", []any{good, "abc", "abc"}},
		{"fifty parts", slices.Repeat([]any{good}, 50)},
		{"empty parts", []any{"", ""}},
		{"too large", []any{good, strings.Repeat("a", 2000)}},
	} {
		for _, p := range confirmed {
			t.Run(c.name+"/"+p.String(), func(t *testing.T) {
				cfg := config(netgear.ReceiverRole, p)
				cfg.MaxFrameSize = 1000
				var warned atomic.Int32
				r, err := netgear.NewReceiver(cfg, netgear.Observer{Warning: func(err error) {
					warned.Add(1)
					if !errors.Is(err, wire.ErrMalformed) {
						t.Errorf("warning %v, want ErrMalformed", err)
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				typ, _ := socketTypes(p)
				peer := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
				answered := make(chan bool)
				peer.run(func() {
					peer.send(c.parts...)
					answered <- peer.recv() != nil
					peer.send(good, "abc")
				})
				got := make(chan error, 1)
				var f netgear.Frame
				go func() { got <- r.Recv(deadline(t), &f) }()
				if !<-answered {
					t.Error("no answer, which a sender waits for")
				}
				if err := <-got; err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
				if st := r.Stats(); st.FramesMalformed != 1 || st.Frames != 1 || warned.Load() != 1 {
					t.Errorf("warned %d times, stats %+v", warned.Load(), st)
				}
			})
		}
	}
}

// A sender whose next frame is there before the receiver has looked gets every
// answer, also when that happens with one frame after the other.
func TestAnswersToFramesReadAhead(t *testing.T) {
	const frames = 100
	cfg := config(netgear.ReceiverRole, wire.ReqRep)
	ports := make([]uint, frames)
	for i := range ports {
		for ports[i] == 0 || slices.Contains(ports[:i], ports[i]) {
			ports[i] = freePort(t)
		}
	}
	cfg.MultiServer, cfg.Ports, cfg.RequestTimeout = true, portList(ports...), 20*time.Second
	sent := make(chan int, frames)
	told := 0
	// A new sender each time, so that the receiver reads ahead; the key that
	// is no good makes it call us right before that, when it has answered.
	r, err := netgear.NewReceiver(cfg, netgear.Observer{Warning: func(error) {
		for told++; told < frames; {
			if i, ok := <-sent; !ok || i >= told {
				break
			}
		}
		time.Sleep(100 * time.Microsecond) // for the frame to get from there to here
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	peer := newFakePeer(t, zmq4.REQ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
	ctx, cancel := context.WithCancel(deadline(t))
	peer.run(func() {
		defer close(sent)
		for i := range frames {
			peer.send(fmt.Sprintf(`{"port": "%d", "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [1, 1, 3], "gst": 7}`, ports[i]), "abc")
			sent <- i
			if peer.recv() == nil {
				t.Errorf("no answer to frame %d", i)
				cancel()
				return
			}
		}
	})
	for range frames {
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		f.Payload.Release()
	}
}

func TestGoodbye(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.EOSOnTerminate = false
			r := receiver(t, cfg)
			frames := make(chan bool)
			ended := make(chan error, 1)
			go func() {
				for {
					var f netgear.Frame
					if err := r.Recv(ctx, &f); err != nil {
						ended <- err
						return
					}
					f.Payload.Release()
					frames <- f.Discontinuity
				}
			}()
			for i := range 2 { // one sender after the other
				s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
				waitFor(ctx, func() bool { return s.Peers() == 1 && r.Peers() == 1 })
				if i == 1 {
					r.SetEOSOnTerminate(true)
				}
				if err := sendSeen(ctx, s, p, i, func() uint64 { return r.Stats().Frames }); err != nil {
					t.Fatal(err)
				}
				if !<-frames {
					t.Error("the first frame of a sender is no discontinuity")
				}
				if err := s.Finish(ctx); err != nil {
					t.Fatal(err)
				}
				waitFor(ctx, func() bool { return r.Peers() == 0 })
			}
			if err := <-ended; !errors.Is(err, io.EOF) {
				t.Errorf("after the last goodbye: %v, want EOF", err)
			}
		})
	}
}

func TestGoodbyeWithNobodyThereIsBounded(t *testing.T) {
	for _, p := range patterns {
		cfg := config(netgear.SenderRole, p)
		cfg.RequestTimeout = 500 * time.Millisecond
		s := sender(t, cfg, freePort(t))
		begin := time.Now()
		if err := s.Finish(deadline(t)); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%v: took %v", p, took)
		}
	}
}

func freePort(t testing.TB) uint {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint(l.Addr().(*net.TCPAddr).Port)
}

func TestReceiverAbandonsAndRebindsBefore(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			cfg := config(netgear.ReceiverRole, p)
			cfg.RequestTimeout, cfg.MaxRetries = 60*time.Millisecond, 3
			r := receiver(t, cfg)
			port := r.CurrentPort()
			err := r.Recv(deadline(t), &netgear.Frame{})
			if !errors.Is(err, netgear.ErrAbandoned) || !errors.Is(err, netgear.ErrNoFrame) {
				t.Errorf("error %v, want ErrAbandoned", err)
			}
			if st := r.Stats(); st.AckTimeouts != 3 || st.Reconnects != 2 {
				t.Errorf("stats %+v", st)
			}
			if r.CurrentPort() != port {
				t.Errorf("the port went from %d to %d", port, r.CurrentPort())
			}
		})
	}
}

// A sender that comes just when the receiver binds anew keeps its connection: a NetGear
// sender does not repeat what it sent over it.
func TestSenderMayComeLate(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.RequestTimeout, cfg.MaxRetries = 100*time.Millisecond, 0
			obs := observer(t, "receiver")
			var r *netgear.Receiver
			var come sync.Once
			typ, _ := socketTypes(p)
			obs.Warning = func(error) { // the receiver has decided to bind anew
				come.Do(func() {
					late := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
					late.send(plainFrame, "abc")
					waitFor(ctx, func() bool { return r.Peers() == 1 })
					time.Sleep(100 * time.Millisecond) // the frame arrives too
				})
			}
			r, err := netgear.NewReceiver(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(r)
			if err := r.Recv(ctx, &netgear.Frame{}); err != nil {
				t.Errorf("%v: %+v", err, r.Stats())
			}
		})
	}
}

// The same while the handshake of such a sender takes its time.
func TestSenderMayBeSlowToCome(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.Pair)
	cfg.RequestTimeout, cfg.MaxRetries = 300*time.Millisecond, 0
	r := receiver(t, cfg)
	came := make(chan error, 1)
	go func() { came <- r.Recv(ctx, &netgear.Frame{}) }()
	waitFor(ctx, func() bool { return r.Stats().Reconnects > 0 })
	peer, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.CurrentPort()))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	time.Sleep(600 * time.Millisecond)
	if err := greetAsPair(peer, 450*time.Millisecond); err != nil { // the time of the receiver ends after 900 ms
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(peer, "\x01%c%s\x00\x03abc", len(plainFrame), plainFrame); err != nil {
		t.Fatal(err)
	}
	if err := <-came; err != nil {
		t.Errorf("%v: %+v", err, r.Stats())
	}
}

// A receiver that has bound anew since is found again.
func TestReceiverIsFoundAfterItsTimeouts(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.RequestTimeout, cfg.MaxRetries = 50*time.Millisecond, 0
			r := receiver(t, cfg)
			scfg := config(netgear.SenderRole, p)
			s := sender(t, scfg, r.CurrentPort())
			got := make(chan error, 1)
			for i := range 3 {
				go func() {
					var f netgear.Frame
					got <- r.Recv(ctx, &f)
					f.Payload.Release()
				}()
				before := r.Stats().Reconnects
				waitFor(ctx, func() bool { return r.Stats().Reconnects > before })
				if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
					t.Fatal(err)
				}
				if err := <-got; err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestSubscriberTimeout(t *testing.T) {
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	cfg.SubscriberTimeout = 50 * time.Millisecond
	if err := receiver(t, cfg).Recv(deadline(t), &netgear.Frame{}); !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want EOF", err)
	}
}

// The window is filled before the first answer, keeps its order, and a
// connection that ends under it loses nothing.
func TestInFlight(t *testing.T) {
	const window, frames = 8, 40
	ctx := deadline(t)
	peer := newFakePeer(t, zmq4.PAIR, "")
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.InFlight, cfg.RequestTimeout = window, 5*time.Second
	s := sender(t, cfg, peer.port)
	done := make(chan error, 1)
	go func() {
		for i := range frames {
			if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
				done <- err
				return
			}
		}
		done <- s.Finish(ctx)
	}()
	var got []uint64
	take := func() {
		if h, ok := peer.recvFrame(); ok {
			got = append(got, h.Ext.Seq)
		}
	}
	for range window {
		take()
	}
	if n := s.Stats().Frames; n != window {
		t.Errorf("%d frames taken before an answer, want %d", n, window)
	}
	for range 3 {
		peer.send("ok")
	}
	// The connection breaks with five to eight frames unanswered.
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", peer.port)
	waitFor(ctx, func() bool { return s.Stats().AcksReceived == 3 })
	peer.close()
	peer = rebind(ctx, t, endpoint)
	for len(got) == 0 || got[len(got)-1] != frames-1 {
		take()
		peer.send("ok")
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got[window] > window || got[window] < 3 {
		t.Errorf("resumed with frame %d, want one of the unanswered", got[window])
	}
	for i, seq := range got[window:] {
		if seq != got[window]+uint64(i) {
			t.Fatalf("out of order: %v", got)
		}
	}
	if st := s.Stats(); st.AcksReceived != frames || st.FramesDropped != 0 {
		t.Errorf("stats %+v", st)
	}
}

// No confirmation is lost to a queue, however fast many small frames come.
func TestConfirmationsOfManyFramesInFlight(t *testing.T) {
	const frames = 2000
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.InFlight = 64
	s := sender(t, cfg, r.CurrentPort())
	ctx := deadline(t)
	done := make(chan error, 1)
	go func() {
		for i := range frames {
			if err := s.Send(ctx, rawFrame(i, 1, 1)); err != nil {
				done <- err
				return
			}
		}
		done <- s.Finish(ctx)
	}()
	if got := receiveAll(ctx, t, r); len(got) != frames {
		t.Errorf("%d frames, want %d", len(got), frames)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.AckTimeouts != 0 || st.AcksReceived != frames {
		t.Errorf("stats %+v, want %d confirmations and no timeout", st, frames)
	}
}

func rebind(ctx context.Context, t testing.TB, endpoint string) *fakePeer {
	t.Helper()
	zctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	sock, err := zctx.NewSocket(zmq4.PAIR)
	if err != nil {
		t.Fatal(err)
	}
	_ = sock.SetLinger(0)
	_ = sock.SetRcvtimeo(10 * time.Second)
	for err = sock.Bind(endpoint); err != nil; err = sock.Bind(endpoint) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	p := &fakePeer{t: t, sock: sock}
	t.Cleanup(p.close)
	return p
}

func TestAddressInUse(t *testing.T) {
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	cfg := config(netgear.ReceiverRole, wire.Pair)
	cfg.Port = r.CurrentPort()
	begin := time.Now()
	_, err := netgear.NewReceiver(cfg, netgear.Observer{})
	if !errors.Is(err, netgear.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint(cfg.Port)) {
		t.Errorf("error %v, want ErrInUse and the endpoint", err)
	}
	if took := time.Since(begin); took > 100*time.Millisecond {
		t.Errorf("took %v", took)
	}
	cfg.Address = "192.0.2.1"
	if _, err := netgear.NewReceiver(cfg, netgear.Observer{}); !errors.Is(err, netgear.ErrNoAddress) {
		t.Errorf("error %v, want ErrNoAddress", err)
	}
}

func TestClosed(t *testing.T) {
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	s := sender(t, config(netgear.SenderRole, wire.Pair), r.CurrentPort())
	for range 2 {
		if err := errors.Join(s.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := s.Send(t.Context(), rawFrame(0, 4, 4)); !errors.Is(err, netgear.ErrClosed) {
		t.Errorf("Send: %v, want ErrClosed", err)
	}
	if err := r.Recv(t.Context(), &netgear.Frame{}); !errors.Is(err, netgear.ErrClosed) {
		t.Errorf("Recv: %v, want ErrClosed", err)
	}
	if s.CurrentPort() != 0 || r.CurrentPort() != 0 || s.Peers() != 0 {
		t.Error("a port or a peer is left")
	}
}

func TestTwoGoroutinesAreRefused(t *testing.T) {
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := netgear.ErrBusy
		for errors.Is(err, netgear.ErrBusy) { // the one below may come first
			err = r.Recv(ctx, &netgear.Frame{})
		}
		ended <- err
	}()
	waitFor(deadline(t), func() bool {
		short, done := context.WithTimeout(t.Context(), time.Millisecond)
		defer done()
		return errors.Is(r.Recv(short, &netgear.Frame{}), netgear.ErrBusy)
	})
	if err := r.Close(); !errors.Is(err, netgear.ErrBusy) {
		t.Errorf("Close: %v, want ErrBusy", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Recv: %v, want Canceled", err)
	}
}

// Nothing is left of a sender and a receiver that are closed.
func TestCloseLeavesNothingBehind(t *testing.T) {
	var took []time.Duration
	cycle := func() {
		for _, p := range patterns {
			r := receiver(t, config(netgear.ReceiverRole, p))
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			begin := time.Now()
			if err := errors.Join(s.Close(), r.Close()); err != nil {
				t.Error(err)
			}
			took = append(took, time.Since(begin))
		}
	}
	cycle()
	settled := func() int {
		n := 0
		waitFor(deadline(t), func() bool {
			last := n
			n = runtime.NumGoroutine()
			return last == n
		})
		return n
	}
	before := settled()
	for range 20 {
		cycle()
	}
	ctx := deadline(t)
	waitFor(ctx, func() bool { return runtime.NumGoroutine() <= before })
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, want %d", n, before)
	}
	// Whoever waited for the network would wait for a linger, a second at least. A busy
	// machine takes its time, but not always.
	slices.Sort(took)
	if median, worst := took[len(took)/2], took[len(took)-1]; median > 50*time.Millisecond || worst > time.Second {
		t.Errorf("closing took %v, %v at the worst", median, worst)
	}
}

// What a program lends is not copied, and a frame costs hardly an allocation.
func TestDataPathCopiesNothing(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			r := receiver(t, config(netgear.ReceiverRole, p))
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			relay := make(chan netgear.Payload, 1)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				var f netgear.Frame
				for r.Recv(ctx, &f) == nil {
					relay <- f.Payload // memory of libzmq, which goes round
				}
			}()
			f := rawFrame(0, 240, 180) // the kernel's buffers take it whole; what must wait for them costs some more
			step := func() {
				if err := s.Send(ctx, f); err != nil {
					t.Fatal(err)
				}
				f.Payload = <-relay
			}
			step()
			before := zmsg.Copies()
			allocs := testing.AllocsPerRun(200, step)
			if n := zmsg.Copies() - before; n != 0 {
				t.Errorf("%d bytes were copied, want none", n)
			}
			if allocs > 1 {
				t.Errorf("%.1f allocations a frame, want 1 at the most", allocs)
			}
			f.Payload.Release()
			if err := s.Finish(ctx); err != nil {
				t.Error(err)
			}
			<-ended
		})
	}
}

// A program that takes longer for a frame than the sender waits for its answer
// gets every frame once all the same: the sender connects anew, and is let in.
func TestSlowProgram(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			const frames = 5
			ctx := deadline(t)
			r := receiver(t, config(netgear.ReceiverRole, p))
			cfg := config(netgear.SenderRole, p)
			cfg.RequestTimeout = 400 * time.Millisecond
			s := sender(t, cfg, r.CurrentPort())
			done := make(chan error, 1)
			go func() {
				for i := range frames {
					if err := s.Send(ctx, rawFrame(i, 16, 16)); err != nil {
						done <- fmt.Errorf("frame %d: %w", i, err)
						return
					}
				}
				done <- s.Finish(ctx)
			}()
			for i := 0; ; i++ {
				var f netgear.Frame
				err := r.Recv(ctx, &f)
				if errors.Is(err, io.EOF) && i == frames {
					break
				}
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if f.Header.Ext.Seq != uint64(i) {
					t.Fatalf("frame %d where %d was due", f.Header.Ext.Seq, i)
				}
				f.Payload.Release()
				if i < frames-1 {
					time.Sleep(cfg.RequestTimeout * 3 / 2) // the program's work
				}
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A sender that floods a receiver whose program is busy, and goes: with ZMTP
// heartbeats libzmq would abort the process a moment later.
func TestFloodedReceiverOutlivesTheSender(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			r := receiver(t, config(netgear.ReceiverRole, p))
			typ, _ := socketTypes(p)
			switch typ {
			case zmq4.REQ:
				typ = zmq4.DEALER // which need not wait for answers
			case zmq4.PUB:
				typ = zmq4.XPUB // which tells of subscriptions
			}
			peer := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
			ctx := deadline(t)
			waitFor(ctx, func() bool { return r.Peers() == 1 })
			// A subscription goes out while the subscriber receives.
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			if err := r.Recv(short, &netgear.Frame{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if typ == zmq4.XPUB && len(peer.recv()) != 1 {
				t.Fatal("no subscription")
			}
			head := string(wire.AppendHeader(nil, &wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 100, 3)}))
			for range 100 {
				if typ == zmq4.DEALER {
					peer.send("", head, strings.Repeat("a", 300))
				} else {
					peer.send(head, strings.Repeat("a", 300))
				}
			}
			var f netgear.Frame
			waiting := 1 // of pub-sub the newest
			if p != wire.PubSub {
				waiting = 2
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
			}
			waitFor(ctx, func() bool { return r.Taken() > 0 })
			peer.close()
			time.Sleep(1200 * time.Millisecond) // longer than a heartbeat would be
			for range waiting {
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
			}
			// And the next sender is served.
			s := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			waitFor(ctx, func() bool { return s.Peers() == 1 })
			go func() {
				for ctx.Err() == nil && s.Send(ctx, rawFrame(1, 20, 20)) == nil {
					time.Sleep(20 * time.Millisecond) // the subscription may be on its way
				}
			}()
			for len(f.Payload.Bytes) != 20*20*3 {
				f.Payload.Release()
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
			}
			f.Payload.Release()
		})
	}
}

// However fast the frames of a sender come that has many in flight, each is
// answered.
func TestEveryFrameOfABurstIsAnswered(t *testing.T) {
	const burst, bursts = 64, 100
	ctx := deadline(t)
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	peer := newFakePeer(t, zmq4.PAIR, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
	go func() {
		for range bursts * burst {
			var f netgear.Frame
			if err := r.Recv(ctx, &f); err != nil {
				t.Error(err)
				return
			}
			f.Payload.Release()
		}
	}()
	head := string(wire.AppendHeader(nil, &wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 1, 3)}))
	for i := range bursts {
		for range burst {
			peer.send(head, "abc")
		}
		for k := range burst {
			if peer.recv() == nil {
				t.Fatalf("burst %d: %d answers, want %d", i, k, burst)
			}
		}
	}
}

// panicking is a log that panics at one message.
type panicking struct{ at string }

func (p panicking) Enabled(context.Context, slog.Level) bool { return true }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p panicking) WithGroup(string) slog.Handler            { return p }
func (p panicking) Handle(_ context.Context, r slog.Record) error {
	if r.Message == p.at {
		panic("boom")
	}
	return nil
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}

// A panic in a goroutine of ours, here out of a program's callback, ends no
// process: whoever uses the end gets it as an error.
func TestPanicsInGoroutinesBecomeErrors(t *testing.T) {
	log := func(at string) netgear.Observer { return netgear.Observer{Log: slog.New(panicking{at})} }
	knownHosts := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(knownHosts, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		role netgear.Role // of the end that panics
		obs  netgear.Observer
		set  func(*netgear.Config)
	}{
		{"watch of a receiver, number of peers", netgear.ReceiverRole, netgear.Observer{Peers: func(int) { panic("boom") }}, nil},
		{"watch of a sender, number of peers", netgear.SenderRole, netgear.Observer{Peers: func(int) { panic("boom") }}, nil},
		{"watch of a receiver, peer added", netgear.ReceiverRole, netgear.Observer{PeerAdded: func(string) { panic("boom") }}, nil},
		{"watch of a sender, log", netgear.SenderRole, log("connection"), nil},
		{"door, log", netgear.ReceiverRole, log("peer rejected"), func(c *netgear.Config) { c.Allow = "10.0.0.0/8" }},
		{"tunnel, log", netgear.SenderRole, log("ssh tunnel: no connection"), func(c *netgear.Config) {
			c.SSHTunnel, c.SSHPassword, c.SSHKnownHosts = fmt.Sprintf("user@127.0.0.1:%d", freePort(t)), "secret", knownHosts
		}},
	} {
		for _, p := range patterns {
			t.Run(c.name+"/"+p.String(), func(t *testing.T) {
				receiving, sending := config(netgear.ReceiverRole, p), config(netgear.SenderRole, p)
				receivers, senders := observer(t, "receiver"), observer(t, "sender")
				own, obs := &receiving, &receivers
				if c.role == netgear.SenderRole {
					own, obs = &sending, &senders
				}
				*obs = c.obs
				if c.set != nil {
					c.set(own)
				}
				r, err := netgear.NewReceiver(receiving, receivers)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				sending.Port = r.CurrentPort()
				s, err := netgear.NewSender(sending, senders)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				ctx, done := context.WithCancel(deadline(t))
				var other sync.WaitGroup
				send := func() error {
					for i := 0; ; i++ {
						if err := errors.Join(s.Send(ctx, rawFrame(i, 4, 4)), sleepFor(ctx, time.Millisecond)); err != nil {
							return err
						}
					}
				}
				recv := func() error {
					for {
						var f netgear.Frame
						if err := r.Recv(ctx, &f); err != nil {
							return err
						}
						f.Payload.Release()
					}
				}
				mine, theirs := recv, send
				if c.role == netgear.SenderRole {
					mine, theirs = send, recv
				}
				other.Go(func() { _ = theirs() }) // it ends with the context
				if err := mine(); !strings.Contains(err.Error(), "internal error: boom") {
					t.Errorf("error %v, want that of the panic", err)
				}
				done()
				other.Wait()
			})
		}
	}
}

// An answer that comes late, to a frame that was sent again, is not taken for
// that to the goodbye, which stays away here, nor for an error.
func TestLateAnswerBeforeThatToTheGoodbye(t *testing.T) {
	peer := newFakePeer(t, zmq4.ROUTER, "")
	s := sender(t, config(netgear.SenderRole, wire.ReqRep), peer.port)
	done := make(chan struct{})
	peer.run(func() {
		defer close(done)
		frame := peer.recv() // who, number of the request, nothing, header, data
		if len(frame) != 5 {
			return
		}
		peer.send(frame[0], frame[1], "", "seen")
		goodbye := peer.recv()
		if len(goodbye) != 4 {
			return
		}
		peer.send(goodbye[0], frame[1], "", "seen, again")
	})
	ctx := deadline(t)
	if err := s.Send(ctx, rawFrame(0, 4, 4)); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(ctx); err != nil {
		t.Errorf("the end of the stream: %v", err)
	}
	<-done
}

// A sender that leaves while the receiver's program is busy with a frame gives up what is
// not confirmed, and says goodbye all the same.
func TestGoodbyeBehindWhatWasGivenUp(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.Pair)
	cfg.RequestTimeout = 20 * time.Second
	r := receiver(t, cfg)
	peer := newFakePeer(t, zmq4.PAIR, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
	frame := func(seq int) {
		peer.send(fmt.Sprintf(`{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", `+
			`"dtype": "uint8", "shape": [1, 1, 3], "gst": {"v": 1, "seq": %d, "t": %d}}`, seq, time.Now().UnixNano()), "abc")
	}
	frame(0)
	var f netgear.Frame
	if err := r.Recv(ctx, &f); err != nil {
		t.Fatal(err)
	}
	frame(1)
	time.Sleep(300 * time.Millisecond) // the program is busy, and the message is read ahead
	peer.send(`{"terminate_flag": true}`)
	time.Sleep(100 * time.Millisecond)
	peer.close()
	waitFor(ctx, func() bool { return r.Peers() == 0 })
	time.Sleep(300 * time.Millisecond)
	var err error
	for err == nil {
		err = r.Recv(ctx, &f)
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v, want EOF: %+v", err, r.Stats())
	}
}
