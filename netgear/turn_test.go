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

// A peer that floods a binding pair sender with answers, and is gone before they
// are taken in, makes room for the next receiver at once.
func TestFloodOfAnswersMakesRoom(t *testing.T) {
	ctx := deadline(t)
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.Bind = true
	s := sender(t, cfg, 0)
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", s.CurrentPort())
	flood := newFakePeer(t, zmq4.PAIR, endpoint)
	stop, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := 0; s.Send(stop, rawFrame(i, 4, 4)) == nil && stop.Err() == nil; i++ {
			time.Sleep(10 * time.Millisecond) // as a camera does
		}
	}()
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
	cancel()
	<-over
}
