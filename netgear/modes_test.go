package netgear_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// shared are the patterns of the multi modes.
var shared = []wire.Pattern{wire.ReqRep, wire.PubSub}

func portList(ports ...uint) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ports), " ", ","), "[]")
}

// got is one frame as a test sees it.
type got struct {
	port    string
	seq     uint64
	message string
}

// receiveAll takes frames until the stream ends.
func receiveAll(ctx context.Context, t testing.TB, r *netgear.Receiver) (frames []got) {
	for {
		var f netgear.Frame
		err := r.Recv(ctx, &f)
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Error(err)
			return frames
		}
		frames = append(frames, got{f.Header.Port, f.Header.Ext.Seq, string(f.Header.Message)})
		f.Payload.Release()
	}
}

// framesOf returns how many frames have come from the server of that port.
func framesOf(r *netgear.Receiver, port uint) (n uint64) {
	for _, p := range r.Stats().Peers {
		if p.Port == fmt.Sprint(port) {
			n += p.Frames
		}
	}
	return n
}

func TestMultiServer(t *testing.T) {
	const frames = 10
	for _, p := range shared {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			ports := []uint{freePort(t), freePort(t), freePort(t)}
			cfg := config(netgear.ReceiverRole, p)
			cfg.MultiServer, cfg.Ports = true, portList(ports...)
			var left []string
			obs := observer(t, "receiver")
			obs.Goodbye = func(port string) { left = append(left, port) }
			r, err := netgear.NewReceiver(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var servers sync.WaitGroup
			ready := make(chan struct{})
			for i, port := range ports {
				scfg := config(netgear.SenderRole, p)
				scfg.MultiServer, scfg.Message = true, fmt.Sprint("server ", i)
				scfg.RequestTimeout = 5 * time.Second
				s := sender(t, scfg, port)
				servers.Go(func() {
					<-ready
					for i := range frames {
						if err := sendSeen(ctx, s, p, i, func() uint64 { return framesOf(r, port) }); err != nil {
							t.Error(err)
						}
					}
					if err := s.Finish(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			go func() {
				waitFor(ctx, func() bool { return r.Peers() == len(ports) })
				close(ready)
			}()
			all := receiveAll(ctx, t, r)
			servers.Wait()
			for i, port := range ports {
				var of []got
				for _, g := range all {
					if g.port == fmt.Sprint(port) {
						of = append(of, g)
					}
				}
				if len(of) != frames {
					t.Errorf("%d frames of server %d, want %d", len(of), i, frames)
				}
				for n, g := range of {
					if g.seq != of[0].seq+uint64(n) || p != wire.PubSub && g.seq != uint64(n) || g.message != fmt.Sprintf("%q", fmt.Sprint("server ", i)) {
						t.Errorf("server %d: frame %d is %+v", i, n, g)
					}
				}
			}
			want := []string{fmt.Sprint(ports[0]), fmt.Sprint(ports[1]), fmt.Sprint(ports[2])}
			slices.Sort(want)
			slices.Sort(left)
			if !slices.Equal(left, want) {
				t.Errorf("goodbyes of %v, want %v", left, want)
			}
		})
	}
}

// Ports are compared by value, a name that is no port of ours is malformed, and a server
// that says goodbye without a frame wedges nobody and ends nothing.
func TestMultiServerOddServers(t *testing.T) {
	for _, p := range shared {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			ports := []uint{freePort(t), freePort(t)}
			cfg := config(netgear.ReceiverRole, p)
			cfg.MultiServer, cfg.Ports = true, portList(ports...)
			r := receiver(t, cfg)
			end := make(chan []got, 1)
			go func() { end <- receiveAll(ctx, t, r) }()
			typ, _ := socketTypes(p)
			peers := []*fakePeer{}
			for _, port := range ports {
				peers = append(peers, newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", port)))
			}
			waitFor(ctx, func() bool { return r.Peers() == 2 })
			time.Sleep(100 * time.Millisecond) // subscriptions are on their way
			peers[1].say(p, `{"terminate_flag": true, "port": "7"}`)
			peers[1].say(p, fmt.Sprintf(`{"terminate_flag": true, "port": "%d"}`, ports[1]))
			const frame = `{"port": %s, "terminate_flag": false, "compression": false, "message": null, "dtype": "uint8", "shape": [1,1,3]}`
			first, second := fmt.Sprint(ports[0]), fmt.Sprint(ports[1])
			peers[0].say(p, fmt.Sprintf(frame, first), "abc")
			peers[0].say(p, fmt.Sprintf(frame, `"`+first+`"`), "abc")
			peers[1].say(p, fmt.Sprintf(frame, `"cam-front"`), "abc")
			peers[1].say(p, fmt.Sprintf(frame, second), "abc")
			peers[0].say(p, fmt.Sprintf(`{"terminate_flag": true, "port": "%s"}`, first))
			peers[1].say(p, fmt.Sprintf(frame, second), "abc")
			peers[1].say(p, fmt.Sprintf(`{"terminate_flag": true, "port": "%s"}`, second))
			want := []string{first, first, second, second}
			var have []string
			for _, g := range <-end {
				have = append(have, g.port)
			}
			if !slices.Equal(have, want) {
				t.Errorf("frames of %v, want %v", have, want)
			}
		})
	}
}

func TestMultiServerSenderThatSentNothingSaysNothing(t *testing.T) {
	peer := newFakePeer(t, zmq4.REP, "")
	cfg := config(netgear.SenderRole, wire.ReqRep)
	cfg.MultiServer = true
	s := sender(t, cfg, peer.port)
	waitFor(deadline(t), func() bool { return s.Peers() == 1 })
	if err := s.Finish(deadline(t)); err != nil {
		t.Error(err)
	}
	_ = peer.sock.SetRcvtimeo(300 * time.Millisecond)
	if m := peer.recv(); m != nil {
		t.Errorf("said %q", m)
	}
}

func TestMultiClient(t *testing.T) {
	const frames = 12
	for _, p := range shared {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			var ports []uint
			var ends []chan []got
			var receivers []*netgear.Receiver
			for range 3 {
				cfg := config(netgear.ReceiverRole, p)
				cfg.MultiClient, cfg.Port = true, freePort(t)
				cfg.ReturnData = fmt.Sprintf("[%d]", len(ports))
				r := receiver(t, cfg)
				end := make(chan []got, 1)
				go func() { end <- receiveAll(ctx, t, r) }()
				ports, ends, receivers = append(ports, cfg.Port), append(ends, end), append(receivers, r)
			}
			seen := func() uint64 {
				n := receivers[0].Stats().Frames
				for _, r := range receivers {
					n = min(n, r.Stats().Frames)
				}
				return n
			}
			cfg := config(netgear.SenderRole, p)
			cfg.MultiClient = true
			cfg.Ports = portList(append(slices.Clone(ports), freePort(t))...) // the last one is absent
			cfg.RequestTimeout = 5 * time.Second
			var answers []string
			obs := observer(t, "sender")
			obs.Reply = func(r *wire.Reply, _ netgear.Payload) { answers = append(answers, r.Port+" "+string(r.Data)) }
			s, err := netgear.NewSender(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			waitFor(ctx, func() bool { return s.Peers() == 3 })
			for i := range frames {
				if err := sendSeen(ctx, s, p, i, seen); err != nil {
					t.Fatal(err)
				}
			}
			peers := s.Stats().Peers
			if len(peers) != 3 {
				t.Errorf("peers %+v, want three", peers)
			}
			if err := s.Finish(ctx); err != nil {
				t.Fatal(err)
			}
			want := frames
			if p == wire.ReqRep {
				want = frames / 3
			}
			for i, end := range ends {
				// A frame may have gone out again that some of them had seen.
				if n := len(<-end); n < want || p != wire.PubSub && n != want {
					t.Errorf("client %d got %d frames, want %d", i, n, want)
				}
			}
			if p == wire.ReqRep {
				for _, peer := range peers {
					if peer.Frames != frames/3 || !slices.Contains(strings.Split(portList(ports...), ","), peer.Port) {
						t.Errorf("peer %+v, want %d frames and one of the ports", peer, frames/3)
					}
				}
				for i, port := range ports {
					if n := strings.Count(strings.Join(answers, ";"), fmt.Sprintf("%d [%d]", port, i)); n != frames/3 {
						t.Errorf("%d answers of client %d, want %d: %v", n, i, frames/3, answers)
					}
				}
				if st := s.Stats(); st.AckTimeouts != 0 {
					t.Errorf("the absent client cost %d timeouts", st.AckTimeouts)
				}
			}
		})
	}
}

func TestBidirectional(t *testing.T) {
	for _, p := range confirmed {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.Bidirectional = true
			r := receiver(t, cfg)
			type answer struct{ kind, data, array string }
			var last answer
			obs := observer(t, "sender")
			obs.Reply = func(r *wire.Reply, array netgear.Payload) {
				last = answer{strings.Clone(r.ReturnType), string(r.Data), ""}
				if r.Array {
					last.array = fmt.Sprint(r.DType, r.Shape.Dims(), r.Compressed, " ", len(array.Bytes), " ", array.Bytes[0])
					array.Release()
				}
			}
			scfg := config(netgear.SenderRole, p)
			scfg.Bidirectional, scfg.Port, scfg.Message = true, r.CurrentPort(), `{"a": [1, NaN]}`
			s, err := netgear.NewSender(scfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			step := func() answer {
				t.Helper()
				sent := make(chan error, 1)
				go func() { sent <- s.Send(ctx, rawFrame(1, 4, 4)) }()
				var f netgear.Frame
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				if string(f.Header.Message) != `{"a": [1, NaN]}` {
					t.Errorf("message %s", f.Header.Message)
				}
				f.Payload.Release()
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
				return last
			}
			if a := step(); a != (answer{"NoneType", "", ""}) {
				t.Errorf("the first answer is %+v", a)
			}
			for _, c := range []struct{ text, kind, data string }{
				{"5", "int", "5"},
				{"Hi é", "str", `"Hi \u00e9"`},
				{"1.5", "float", "1.5"},
				{"NaN", "float", "NaN"},
				{"true", "bool", "true"},
				{"[1, \"s\", [\"x\"]]", "list", "[1, \"s\", [\"x\"]]"},
				{"{\"1\": null}", "dict", "{\"1\": null}"},
				{"", "NoneType", ""},
			} {
				if err := r.SetReturnData(wire.ValueFromText(c.text)); err != nil {
					t.Fatal(err)
				}
				for range 2 { // it stays
					if a := step(); a != (answer{c.kind, c.data, ""}) {
						t.Errorf("%q came as %+v", c.text, a)
					}
				}
			}
			for _, c := range []struct {
				frame *netgear.Frame
				want  string
			}{
				{rawFrame(9, 3, 2), "uint8[2 3 3] false 18 9"},
				{&netgear.Frame{
					Header:  wire.Header{Compressed: true, JPEG: wire.JPEGOptions{Colorspace: "BGR"}},
					Payload: netgear.Payload{Bytes: bytes.Repeat([]byte{255}, 100)},
				}, "[] true 100 255"},
			} {
				if err := r.SetReturnFrame(c.frame); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if a := step(); a != (answer{"ndarray", "", c.want}) {
						t.Errorf("array came as %+v, want %s", a, c.want)
					}
				}
			}
			if err := r.SetReturnData(wire.ValueFromText("7")); err != nil {
				t.Fatal(err)
			}
			if a := step(); a != (answer{"int", "7", ""}) {
				t.Errorf("after the array: %+v", a)
			}
		})
	}
}

// An answer of the wrong kind confirms its frame, and is counted and told.
func TestAnswersThatMakeNoSense(t *testing.T) {
	for _, c := range [][]any{
		{"Data received on device: XXXXXXXX !"},
		{`{"return_type": "ndarray", "data": null}`},
		{`{"return_type": "int", "data": 5}`, "more"},
		{`{"return_type": "int", "data": 5}`, "more", "and more"},
		{`{"return_type": 5`},
		{""},
	} {
		t.Run(fmt.Sprint(c...), func(t *testing.T) {
			peer := newFakePeer(t, zmq4.REP, "")
			cfg := config(netgear.SenderRole, wire.ReqRep)
			cfg.Bidirectional, cfg.Port = true, peer.port
			warned := 0
			s, err := netgear.NewSender(cfg, netgear.Observer{
				Warning: func(err error) {
					if errors.Is(err, wire.ErrMalformed) {
						warned++
					}
				},
				Reply: func(r *wire.Reply, _ netgear.Payload) { t.Errorf("passed on: %+v", r) },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			peer.run(func() {
				_ = peer.recv()
				peer.send(c...)
			})
			if err := s.Send(deadline(t), rawFrame(0, 2, 2)); err != nil {
				t.Error(err)
			}
			if st := s.Stats(); warned != 1 || st.AcksReceived != 1 || st.FramesMalformed != 1 {
				t.Errorf("warned %d times, stats %+v", warned, st)
			}
		})
	}
}
