package netgear_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// What a subscriber loses in pub-sub because it does not read is counted, frame by
// frame.
func TestWhatASubscriberLosesIsCounted(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.SenderRole, wire.PubSub)
	cfg.Bind, cfg.Port = true, 0
	s, err := netgear.NewSender(cfg, observer(t, "sender"))
	if err != nil {
		t.Fatal(err)
	}
	defer closed(s)
	p := newFakePeer(t, zmq4.SUB, fmt.Sprintf("tcp://127.0.0.1:%d", s.CurrentPort()))
	send := func() {
		t.Helper()
		f := &netgear.Frame{Header: wire.Header{DType: "uint8", Shape: wire.MakeShape(1 << 20)}, Payload: netgear.Payload{Bytes: make([]byte, 1<<20)}}
		if err := s.Send(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	// A subscription takes its time: what is sent before it is lost to nobody.
	var before uint64
	for h, ok := (wire.Header{}), false; !ok; {
		send()
		if err := p.sock.SetRcvtimeo(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if parts := p.recv(); parts != nil {
			if err := wire.ParseHeader(parts[0], &h); err != nil {
				t.Fatal(err)
			}
			before, ok = h.Ext.Seq+1, true
		}
	}
	for s.Stats().FramesDropped == 0 {
		send()
	}
	for range 20 {
		send()
	}
	got := uint64(0)
	for p.recv() != nil {
		got++
	}
	if st := s.Stats(); before+got+st.FramesDropped != st.Frames {
		t.Errorf("of %d frames %d came before and %d later, and %d are counted as dropped", st.Frames, before, got, st.FramesDropped)
	}
}

// A link that delays frames more than before has no newer ones behind them, so none
// gives way to another.
func TestLateFramesAreNotDroppedWhereNothingIsBehindThem(t *testing.T) {
	ctx := deadline(t)
	r := receiver(t, config(netgear.ReceiverRole, wire.PubSub))
	p := publisher(t, r)
	const rounds = 10
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := range uint64(4 * rounds) {
			t := time.Now()
			if seq%4 >= 2 {
				t = t.Add(-400 * time.Millisecond) // as if it had been under way for so long
			}
			p.send(numbered("", seq, t.UnixNano()), "abc")
			time.Sleep(70 * time.Millisecond) // less than a quarter of that
		}
	}()
	defer func() { <-done }()
	for got := 0; got < 4*rounds-1; {
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatal(err)
		}
		got = int(f.Header.Ext.Seq) + 1
		f.Payload.Release()
	}
	if st := r.Stats(); st.FramesDropped > rounds/2 { // a busy machine is late too
		t.Errorf("%d of %d frames were dropped, want none", st.FramesDropped, 4*rounds)
	}
}
