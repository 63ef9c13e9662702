package netgear_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// jpegOf returns a JPEG that decoders take, with i in a comment.
func jpegOf(i int) []byte {
	b := slices.Clone(smallJPEG)
	comment := fmt.Sprintf("%06d", i)
	return slices.Insert(b, 2, append([]byte{0xff, 0xfe, 0, byte(2 + len(comment))}, comment...)...)
}

// smallJPEG is a gray JPEG of 8x8 pixels.
var smallJPEG = func() []byte {
	b, err := base64.StdEncoding.DecodeString("/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/" +
		"wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2Jyggk" +
		"KFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi" +
		"4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AMyv/9k=")
	if err != nil {
		panic(err)
	}
	return b
}()

func jpegFrame(i int) *netgear.Frame {
	f := &netgear.Frame{Payload: netgear.Payload{Bytes: jpegOf(i)}}
	f.Header.Compressed, f.Header.Shape = true, wire.Shape{N: -1}
	return f
}

// wires are what the tests of the other wires run over.
var wires = []struct {
	name  string
	w     wire.Wire
	p     wire.Pattern
	frame func(i int) *netgear.Frame
}{
	{"imagezmq, JPEG, req-rep", wire.ImageZMQ, wire.ReqRep, jpegFrame},
	{"imagezmq, array, req-rep", wire.ImageZMQ, wire.ReqRep, func(i int) *netgear.Frame { return rawFrame(i, 8, 8) }},
	{"imagezmq, JPEG, pub-sub", wire.ImageZMQ, wire.PubSub, jpegFrame},
	{"imagezmq, array, pub-sub", wire.ImageZMQ, wire.PubSub, func(i int) *netgear.Frame { return rawFrame(i, 8, 8) }},
	{"jpeg, req-rep", wire.JPEG, wire.ReqRep, jpegFrame},
	{"jpeg, pub-sub", wire.JPEG, wire.PubSub, jpegFrame},
	{"lerobot", wire.LeRobot, wire.PubSub, jpegFrame},
	{"array, req-rep", wire.Array, wire.ReqRep, func(i int) *netgear.Frame { return rawFrame(i, 8, 8) }},
	{"array, pub-sub", wire.Array, wire.PubSub, func(i int) *netgear.Frame { return rawFrame(i, 8, 8) }},
}

// Both of our ends, either of them binding, the receiver told or not.
func TestForeignWires(t *testing.T) {
	for _, c := range wires {
		for _, told := range []bool{false, true} {
			for _, turned := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/told=%v/turned=%v", c.name, told, turned), func(t *testing.T) {
					t.Parallel()
					rc, sc := config(netgear.ReceiverRole, c.p), config(netgear.SenderRole, c.p)
					if sc.Wire = c.w; told {
						rc.Wire = c.w
					}
					sc.Message = "cam1"
					if !c.w.Named() {
						sc.Message = ""
					}
					r, s := foreignEnds(t, rc, sc, turned)
					foreignFrames(t, r, s, c.p, c.frame, c.w.Named())
				})
			}
		}
	}
}

// foreignEnds opens a receiver and a sender; turned has the sender bind.
func foreignEnds(t *testing.T, rc, sc netgear.Config, turned bool) (*netgear.Receiver, *netgear.Sender) {
	t.Helper()
	if !turned {
		r := receiver(t, rc)
		return r, sender(t, sc, r.CurrentPort())
	}
	sc.Bind, rc.Bind = true, false
	s := sender(t, sc, 0)
	rc.Port = s.CurrentPort()
	return receiver(t, rc), s
}

// foreignFrames sends frames and looks whether they come, in order and byte for byte.
func foreignFrames(t *testing.T, r *netgear.Receiver, s *netgear.Sender, p wire.Pattern, frame func(int) *netgear.Frame, named bool) {
	t.Helper()
	ctx := deadline(t)
	const frames = 20
	sent := make(chan error, 1)
	go func() {
		waitFor(ctx, func() bool { return s.Peers() == 1 && r.Peers() == 1 })
		for i := range frames {
			for before := r.Stats().Frames; ; {
				if err := s.Send(ctx, frame(i)); err != nil || p != wire.PubSub {
					if err != nil {
						sent <- err
						return
					}
					break
				}
				soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
				waitFor(soon, func() bool { return r.Stats().Frames > before })
				cancel()
				if r.Stats().Frames > before || ctx.Err() != nil {
					break
				}
			}
		}
		sent <- s.Finish(ctx)
	}()
	for i := range frames {
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		if want := frame(i).Payload.Bytes; !bytes.Equal(f.Payload.Bytes, want) {
			t.Errorf("frame %d: %d bytes, want %d others", i, len(f.Payload.Bytes), len(want))
		}
		if named != (f.Header.Port == "cam1") {
			t.Errorf("frame %d of %q", i, f.Header.Port)
		}
		f.Payload.Release()
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if st := r.Stats(); st.FramesMalformed > 0 || st.Goodbyes > 0 || st.Peers != nil && st.Peers[0].Frames == 0 {
		t.Errorf("stats %+v", st)
	}
}

// What a sender puts on the wire, to the byte.
func TestForeignBytes(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	raw := string(rawFrame(1, 8, 8).Payload.Bytes)
	jpeg := string(jpegOf(1))
	for _, c := range []struct {
		w       wire.Wire
		message string
		frame   *netgear.Frame
		want    []string
	}{
		{wire.ImageZMQ, "rpi1", jpegFrame(1), []string{`{"msg": "rpi1"}`, jpeg}},
		{wire.ImageZMQ, `{"a": 1}`, rawFrame(1, 8, 8), []string{`{"msg": {"a": 1}, "dtype": "uint8", "shape": [8, 8, 3]}`, raw}},
		{wire.ImageZMQ, "", jpegFrame(1), []string{`{"msg": "` + host + `"}`, jpeg}},
		{wire.JPEG, "", jpegFrame(1), []string{jpeg}},
		{wire.Array, "", rawFrame(1, 8, 8), []string{`{"dtype": "uint8", "shape": [8, 8, 3]}`, raw}},
		{wire.LeRobot, "head", jpegFrame(1), []string{`{"timestamps": {"head": %}, "images": {"head": "` + base64.StdEncoding.EncodeToString(jpegOf(1)) + `"}}`}},
		{wire.LeRobot, "", jpegFrame(1), []string{`{"timestamps": {"zmq_camera": %}, "images": {"zmq_camera": "` + base64.StdEncoding.EncodeToString(jpegOf(1)) + `"}}`}},
	} {
		ctx := deadline(t)
		cfg := config(netgear.SenderRole, wire.PubSub)
		cfg.Wire, cfg.Message, cfg.Bind = c.w, c.message, true
		s := sender(t, cfg, 0)
		p := newFakePeer(t, zmq4.SUB, fmt.Sprintf("tcp://127.0.0.1:%d", s.CurrentPort()))
		if c.w != wire.ImageZMQ && c.w != wire.Array {
			if err := p.sock.SetConflate(true); err != nil { // as LeRobot's and teleimager's receivers have it
				t.Fatal(err)
			}
		}
		waitFor(ctx, func() bool { return s.Peers() == 1 })
		time.Sleep(100 * time.Millisecond) // the subscription is on its way
		if err := s.Send(ctx, c.frame); err != nil {
			t.Fatal(err)
		}
		parts := p.recv()
		if len(parts) != len(c.want) {
			t.Errorf("%d: %d parts %.100q, want %d", c.w, len(parts), parts, len(c.want))
			continue
		}
		for i, want := range c.want {
			before, after, _ := strings.Cut(want, "%")
			if got := string(parts[i]); !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
				t.Errorf("%d: part %d is %.100q, want %.100q", c.w, i, got, want)
			}
		}
	}
}

// Any number of senders at one port, told from each other by their names.
func TestNamedSendersShareAPort(t *testing.T) {
	for _, p := range []wire.Pattern{wire.ReqRep, wire.PubSub} {
		t.Run(p.String(), func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, p)
			cfg.MultiServer, cfg.Wire, cfg.MaxLag = true, wire.ImageZMQ, 0
			cfg.RequestTimeout = 20 * time.Second
			r := receiver(t, cfg)
			const senders, rounds = 5, 10
			typ, _ := socketTypes(p)
			var peers []*fakePeer
			for range senders {
				peers = append(peers, newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort())))
			}
			waitFor(ctx, func() bool { return r.Peers() == senders })
			time.Sleep(100 * time.Millisecond) // subscriptions are on their way
			for n, peer := range peers {
				peer.run(func() {
					for i := range rounds {
						peer.say(p, fmt.Sprintf(`{"msg": "cam%d"}`, n), jpegOf(100*n+i))
					}
				})
			}
			next := map[string]int{}
			for range senders * rounds {
				var f netgear.Frame
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				var n int
				if _, err := fmt.Sscanf(f.Header.Port, "cam%d", &n); err != nil {
					t.Fatal(err)
				}
				if want := jpegOf(100*n + next[f.Header.Port]); !bytes.Equal(f.Payload.Bytes, want) {
					t.Errorf("frame %d of %s is another", next[f.Header.Port], f.Header.Port)
				}
				next[f.Header.Port]++
				f.Payload.Release()
			}
			names := make(chan string)
			on, cancel := context.WithCancel(ctx)
			go func() {
				defer close(names)
				for {
					var f netgear.Frame
					if r.Recv(on, &f) != nil {
						return
					}
					f.Payload.Release()
					names <- f.Header.Port
				}
			}()
			stranger := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
			waitFor(ctx, func() bool { return r.Peers() == senders+1 })
			time.Sleep(100 * time.Millisecond) // its subscription is on its way
			stranger.say(p, `{"msg": "cam0"}`, jpegOf(0))
			waitFor(ctx, func() bool { return r.Stats().FramesDropped > 0 })
			peers[1].wg.Wait()
			peers[1].say(p, `{"msg": "cam1"}`, jpegOf(7))
			if got := <-names; got != "cam1" {
				t.Errorf("a frame of %q, want one of cam1", got)
			}
			served := 0
			for _, peer := range r.Stats().Peers {
				if peer.Frames > 0 {
					served++
				}
			}
			if served != senders {
				t.Errorf("%d peers with frames: %+v", served, r.Stats().Peers)
			}
			cancel()
			for range names {
				t.Error("a frame too many")
			}
		})
	}
}

// A source that is not told goes by the first message of each sender.
func TestTheFirstMessageTellsTheWire(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	cfg.RequestTimeout = 100 * time.Millisecond // so that the next sender takes over
	r := receiver(t, cfg)
	array := []any{`{"dtype": "uint8", "shape": [1, 1, 3]}`, "abc"}
	for _, c := range []struct {
		parts []any
		then  []any // is malformed then
		bytes string
	}{
		{[]any{plainFrame, "one"}, array, "one"},
		{array, []any{`{"terminate_flag": true}`}, "abc"},
		{[]any{jpegOf(1)}, array, string(jpegOf(1))},
		{[]any{"camera", jpegOf(2)}, []any{`{"terminate_flag": true}`}, string(jpegOf(2))},
		{[]any{`{"msg": "a"}`, jpegOf(3)}, []any{plainFrame, "one"}, string(jpegOf(3))},
		{[]any{`{"images": {"a": "` + base64.StdEncoding.EncodeToString(jpegOf(4)) + `"}}`}, []any{jpegOf(1)}, string(jpegOf(4))},
		{[]any{`{"_cams": ["a"], "x": 1}`, jpegOf(5)}, []any{plainFrame, "one"}, string(jpegOf(5))},
	} {
		p := publisher(t, r)
		before := r.Stats().FramesMalformed
		p.send("nonsense") // says nothing of the wire
		waitFor(ctx, func() bool { return r.Stats().FramesMalformed > before })
		p.send(c.parts...)
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil || string(f.Payload.Bytes) != c.bytes {
			t.Fatalf("%.50q: %v, %d bytes", c.parts, err, len(f.Payload.Bytes))
		}
		f.Payload.Release()
		p.send(c.then...)
		waitFor(ctx, func() bool { return r.Stats().FramesMalformed > before+1 })
		p.close()
		waitFor(ctx, func() bool { return r.Peers() == 0 })
	}
	if st := r.Stats(); st.Goodbyes != 0 || st.Frames != 7 {
		t.Errorf("stats %+v", st)
	}
}

// The cameras of one message come apart, at one time. A bad picture costs only itself.
func TestCamerasOfOneMessage(t *testing.T) {
	b64 := func(i int) string { return base64.StdEncoding.EncodeToString(jpegOf(i)) }
	for _, c := range []struct {
		name  string
		parts []any
	}{
		{"ZMQCamera", []any{`{"timestamps": {"a": 1.5, "c": 2.5}, "images": {"a": "` + b64(1) + `", "bad": "////", "b": "` + b64(2) + `", "c": "` + b64(3) + `"}}`}},
		{"LeKiwi", []any{`{"_cams": ["a", "bad", "b", "c"], "x.vel": 0.5}`, jpegOf(1), "1", jpegOf(2), jpegOf(3)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := deadline(t)
			cfg := config(netgear.ReceiverRole, wire.PubSub)
			cfg.MaxLag = 0
			r := receiver(t, cfg)
			p := publisher(t, r)
			p.send(`{"timestamps": {}, "images": {}}`)
			const rounds = 10
			for range rounds {
				p.send(c.parts...)
			}
			for range rounds {
				var at time.Time
				for i, name := range []string{"a", "b", "c"} {
					var f netgear.Frame
					if err := r.Recv(ctx, &f); err != nil {
						t.Fatal(err)
					}
					if f.Header.Port != name || !bytes.Equal(f.Payload.Bytes, jpegOf(i+1)) {
						t.Fatalf("a frame of %s, want %s", f.Header.Port, name)
					}
					if i > 0 && !f.Arrived.Equal(at) {
						t.Errorf("%s arrived %v after the first", name, f.Arrived.Sub(at))
					}
					if c.name == "LeKiwi" && string(f.Header.Message) != c.parts[0] {
						t.Errorf("message %s", f.Header.Message)
					}
					if c.name != "LeKiwi" && f.Header.Ext.HasT != (name != "b") {
						t.Errorf("time of %s: %d", name, f.Header.Ext.T)
					}
					at = f.Arrived
					f.Payload.Release()
				}
			}
			if st := r.Stats(); st.FramesMalformed != rounds || st.FramesDropped != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// A sender of many names keeps nobody else from his own, and costs no memory.
func TestManyNames(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.ReqRep)
	cfg.MultiServer, cfg.Wire, cfg.RequestTimeout = true, wire.ImageZMQ, 20*time.Second
	r := receiver(t, cfg)
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort())
	good := newFakePeer(t, zmq4.REQ, endpoint)
	flood := newFakePeer(t, zmq4.REQ, strings.Replace(endpoint, "tcp://", "tcp://127.0.0.2:0;", 1))
	recv := func(want string) {
		t.Helper()
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil || f.Header.Port != want {
			t.Fatalf("%v, a frame of %q, want %q", err, f.Header.Port, want)
		}
		f.Payload.Release()
	}
	say := func(p *fakePeer, name string) {
		p.run(func() { p.say(wire.ReqRep, `{"msg": "`+name+`"}`, smallJPEG) })
	}
	say(good, "good")
	recv("good")
	for i := range 280 {
		name := fmt.Sprint("name", i)
		say(flood, name)
		recv(name)
		flood.wg.Wait()
	}
	say(flood, "good")
	say(good, "good")
	recv("good")
	good.wg.Wait()
	say(good, "good")
	recv("good")
	if st := r.Stats(); st.FramesDropped > 1 || st.Frames != 283 {
		t.Errorf("stats %+v", st)
	}
}

// What a wire cannot carry is refused, before anything is opened or sent.
func TestForeignRefusals(t *testing.T) {
	for _, c := range []struct {
		role netgear.Role
		set  string
		want string // empty: good
	}{
		{netgear.SenderRole, "wire=auto", "wire=auto"},
		{netgear.SenderRole, "wire=imagezmq", "pattern=pair"},
		{netgear.ReceiverRole, "wire=imagezmq", "pattern=pair"},
		{netgear.SenderRole, "wire=lerobot pattern=req-rep", "pattern=req-rep"},
		{netgear.SenderRole, "wire=jpeg pattern=req-rep bidirectional-mode=true", "bidirectional-mode"},
		{netgear.SenderRole, "wire=jpeg pattern=pub-sub multiclient-mode=true ports=5566", "multiclient-mode"},
		{netgear.ReceiverRole, "wire=jpeg pattern=pub-sub multiserver-mode=true ports=5566", "multiserver-mode"},
		{netgear.ReceiverRole, "wire=array pattern=pub-sub multiserver-mode=true", "multiserver-mode"},
		{netgear.ReceiverRole, "pattern=pub-sub multiserver-mode=true", "multiserver-mode=true without ports"},
		{netgear.SenderRole, "wire=jpeg pattern=pub-sub message=hello", "message"},
		{netgear.SenderRole, "wire=imagezmq pattern=pub-sub message=hello bind=true", ""},
		{netgear.SenderRole, "wire=imagezmq pattern=req-rep multiserver-mode=true", ""},
		{netgear.ReceiverRole, "wire=imagezmq pattern=req-rep multiserver-mode=true port=0", ""},
		{netgear.ReceiverRole, "wire=imagezmq pattern=req-rep multiserver-mode=true ports=5566,5567", ""},
		{netgear.ReceiverRole, "wire=lerobot pattern=pub-sub multiserver-mode=true", ""},
	} {
		cfg := netgear.DefaultConfig(c.role)
		for kv := range strings.FieldsSeq(c.set) {
			name, value, _ := strings.Cut(kv, "=")
			if err := netgear.Lookup(c.role, name).Parse(&cfg, value); err != nil {
				t.Fatal(err)
			}
		}
		err := cfg.Validate(c.role)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.set, err, c.want)
		}
	}
	cfg := config(netgear.SenderRole, wire.PubSub)
	cfg.Wire, cfg.Bind = wire.JPEG, true
	s := sender(t, cfg, 0)
	if err := s.Send(deadline(t), rawFrame(1, 8, 8)); !errors.Is(err, wire.ErrUnsupported) {
		t.Errorf("a raw frame as a JPEG: %v", err)
	}
}

// LeKiwi's host pushes: a source that connects to it looks, and pulls.
func TestSourcePullsFromWhatPushes(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.ReceiverRole, wire.PubSub)
	cfg.Port, cfg.Bind, cfg.Wire, cfg.MaxLag = freePort(t), false, wire.LeRobot, 0
	refused := make(chan struct{}, 100)
	obs := observer(t, "receiver")
	obs.Warning = func(error) { refused <- struct{}{} }
	r, err := netgear.NewReceiver(cfg, obs)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(r)
	early, cancel := context.WithCancel(ctx)
	go func() {
		<-refused // it has looked, and found nobody
		cancel()
	}()
	_ = r.Recv(early, new(netgear.Frame))
	p := newFakePeer(t, zmq4.PUSH, "")
	bind := func(p *fakePeer) {
		_ = p.sock.Unbind(fmt.Sprintf("tcp://127.0.0.1:%d", p.port))
		waitFor(ctx, func() bool { return p.sock.Bind(fmt.Sprintf("tcp://127.0.0.1:%d", cfg.Port)) == nil })
	}
	bind(p)
	begun := time.Now()
	const rounds = 20
	message := `{"_cams": ["front", "wrist"], "x.vel": 0.5}`
	p.run(func() {
		for i := range rounds {
			p.send(message, jpegOf(2*i), jpegOf(2*i+1))
		}
	})
	recv := func(name string, i int) {
		t.Helper()
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		if f.Header.Port != name || !bytes.Equal(f.Payload.Bytes, jpegOf(i)) || string(f.Header.Message) != message {
			t.Errorf("a frame of %s, want number %d of %s", f.Header.Port, i, name)
		}
		f.Payload.Release()
	}
	for i := range rounds {
		recv("front", 2*i)
		recv("wrist", 2*i+1)
	}
	if took := time.Since(begun); took > 8*time.Second { // the next look for a warning would be in ten
		t.Errorf("it took %v", took)
	}
	p.wg.Wait()
	_ = p.sock.Close()
	waitFor(ctx, func() bool { return r.Peers() == 0 })
	pub := newFakePeer(t, zmq4.XPUB, "")
	bind(pub)
	pub.run(func() { // another program in its place, which publishes
		if pub.recv() != nil {
			pub.send(message, jpegOf(7), jpegOf(8))
		}
	})
	recv("front", 7)
	recv("wrist", 8)
}
