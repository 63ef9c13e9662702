package netgear_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A frame that is of no use takes the place of none that is, however new it is.
func TestUselessFramesDisplaceNone(t *testing.T) {
	raw := string(wire.AppendHeader(nil, &wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 1, 3)}))
	compressed := string(wire.AppendHeader(nil, &wire.Header{Compressed: true, JPEG: wire.JPEGOptions{Colorspace: "BGR"}}))
	for name, useless := range map[string][]any{
		"a wrong size": {raw, "abcd"},
		"no JPEG":      {compressed, "abc"},
		"a torn JPEG":  {compressed, "\xff\xd8\xff\xdb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(netgear.ReceiverRole, wire.PubSub)
			cfg.MaxLag = time.Millisecond
			r := receiver(t, cfg)
			typ, _ := socketTypes(wire.PubSub)
			peer := newFakePeer(t, typ, fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort()))
			subscribed, sent := make(chan struct{}), make(chan struct{})
			peer.run(func() {
				for joined := false; !joined; {
					peer.send(raw, "abc")
					select {
					case <-subscribed:
						joined = true
					case <-time.After(5 * time.Millisecond):
					}
				}
				peer.send(raw, "xyz")
				for range 5 {
					time.Sleep(2 * cfg.MaxLag) // the good one is stale by now
					peer.send(useless...)
				}
				close(sent)
			})
			var f netgear.Frame
			recv := func() string {
				t.Helper()
				if err := r.Recv(deadline(t), &f); err != nil {
					t.Fatal(err)
				}
				defer f.Payload.Release()
				return string(f.Payload.Bytes)
			}
			recv()
			close(subscribed)
			<-sent
			for r.Stats().FramesMalformed == 0 && r.Stats().FramesDropped == 0 {
				time.Sleep(time.Millisecond)
			}
			got := recv()
			for got == "abc" { // of those before
				got = recv()
			}
			if got != "xyz" {
				t.Errorf("got %q, want the good frame", got)
			}
		})
	}
}
