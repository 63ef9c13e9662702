package netgear_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// An end of several ports that has a peer at one of them goes on when another one
// refuses it, although nobody was there before.
func TestRefusalAtOneOfSeveralPorts(t *testing.T) {
	for _, p := range []wire.Pattern{wire.ReqRep, wire.PubSub} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			client := config(netgear.ReceiverRole, p)
			client.MultiClient, client.Port = true, freePort(t)
			good := receiver(t, client)
			go func() {
				var f netgear.Frame
				for good.Recv(ctx, &f) == nil {
					f.Payload.Release()
				}
			}()
			other := freePort(t)
			cfg := config(netgear.SenderRole, p)
			cfg.MultiClient, cfg.Ports, cfg.MaxRetries = true, portList(client.Port, other), 0
			obs, refused := observer(t, "sender"), make(chan struct{})
			obs.Warning = func(err error) {
				if errors.Is(err, netgear.ErrRefused) && strings.Contains(err.Error(), fmt.Sprintf(": tcp://127.0.0.1:%d wants encryption", other)) {
					select {
					case <-refused:
					default:
						close(refused)
					}
				}
			}
			s, err := netgear.NewSender(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(s)
			waitFor(ctx, func() bool { return s.Peers() == 1 })
			stranger := secure(netgear.ReceiverRole, p, netgear.StoneHouse, newKeys(t))
			stranger.MultiClient, stranger.Port = true, other
			defer closed(receiver(t, stranger))
			for told, i := false, 0; !told; i++ {
				if ctx.Err() != nil {
					t.Fatal("no warning of the refusal")
				}
				if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
					t.Fatal(err)
				}
				select {
				case <-refused:
					told = true
				default:
				}
			}
			before := good.Stats().Frames
			waitFor(ctx, func() bool {
				if err := s.Send(ctx, rawFrame(0, 4, 4)); err != nil {
					t.Fatal(err)
				}
				return good.Stats().Frames > before
			})
		})
	}
}
