package netgear_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// film sends frames as a camera does, until stop is called, which waits for the end.
func film(ctx context.Context, s *netgear.Sender) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := 0; s.Send(ctx, rawFrame(i, 4, 4)) == nil && ctx.Err() == nil; i++ {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-over }
}

// A peer that floods a binding pair sender with answers, and is gone before they
// are taken in, makes room for the next receiver at once.
func TestFloodOfAnswersMakesRoom(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.Bind = true
	s := sender(t, cfg, 0)
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", s.CurrentPort())
	flood := newFakePeer(t, zmq4.PAIR, endpoint)
	defer film(ctx, s)()
	for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
		_, _ = flood.sock.Send("x", zmq4.DONTWAIT) // as many as go
	}
	flood.close()
	peer := newFakePeer(t, zmq4.PAIR, endpoint)
	for range 5 {
		if got := peer.recv(); len(got) == 0 {
			t.Fatal("nothing comes")
		}
		peer.send("ok")
	}
}

// A stranger whose answers make no sense, but confirm a frame each, keeps the place of a
// binding pair sender no longer when a receiver waits for it.
func TestSenselessAnswersMakeRoom(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.Bind, cfg.Bidirectional = true, true
	s := sender(t, cfg, 0)
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", s.CurrentPort())
	stranger := newFakePeer(t, zmq4.PAIR, strings.Replace(endpoint, "tcp://", "tcp://127.0.0.2:0;", 1)) // from another host
	if err := stranger.sock.SetRcvtimeo(time.Second); err != nil {
		t.Fatal(err)
	}
	waitFor(ctx, func() bool { return s.Peers() == 1 })
	defer film(ctx, s)()
	stranger.run(func() {
		for len(stranger.recv()) > 0 {
			stranger.send("x")
		}
	})
	waitFor(ctx, func() bool { return s.Stats().AcksReceived > 10 }) // alone it may stay
	peer := newFakePeer(t, zmq4.PAIR, endpoint)
	for range 5 {
		if got := peer.recv(); len(got) == 0 {
			t.Fatal("nothing comes")
		}
		peer.send(`{"return_type": "NoneType", "return_data": null}`)
	}
}
