package netgear_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// A receiver of ours says what has arrived of a live stream that nobody confirms, while the
// encoder follows the link, and at no other time. A socket of libzmq says nothing.
func TestArrived(t *testing.T) {
	const frames, size = 30, 1000
	for _, c := range []struct {
		name                   string
		bind, steered, foreign bool
		pictures               bool // each one by itself, as JPEGs are
	}{
		{name: "steered", steered: true},
		{name: "steered, pictures", steered: true, pictures: true},
		{name: "steered, bound", steered: true, bind: true},
		{name: "not steered"},
		{name: "libzmq", steered: true, bind: true, foreign: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := deadline(t)
			var mu sync.Mutex
			told, bytes := map[string]bool{}, 0
			obs := observer(t, "sender")
			obs.Arrived = func(endpoint string, sent time.Time, n int) {
				mu.Lock()
				defer mu.Unlock()
				told[endpoint] = true
				bytes += n
				if since := time.Since(sent); since < 0 || since > time.Minute {
					t.Errorf("begun %v ago", since)
				}
			}
			rcfg, scfg := config(netgear.ReceiverRole, wire.PubSub), config(netgear.SenderRole, wire.PubSub)
			rcfg.MaxLag, rcfg.Bind, scfg.Bind = 0, !c.bind, c.bind
			receive := func() uint {
				r := receiver(t, rcfg)
				go func() {
					for f := (netgear.Frame{}); r.Recv(ctx, &f) == nil; {
						f.Payload.Release()
					}
				}()
				return r.CurrentPort()
			}
			if !c.bind {
				scfg.Port = receive()
			}
			s, err := netgear.NewSender(scfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(s)
			s.SetSteered(c.steered)
			switch rcfg.Port = s.CurrentPort(); {
			case c.foreign:
				newFakePeer(t, zmq4.SUB, fmt.Sprintf("tcp://127.0.0.1:%d", rcfg.Port))
			case c.bind:
				receive()
			}
			waitFor(ctx, func() bool { return s.Peers() == 1 })
			for i := range frames {
				f := liveFrame(i)
				f.Payload.Bytes = make([]byte, size)
				f.Header.Ext.Delta = i > 0 && !c.pictures
				if err := s.Send(ctx, f); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond) // more than between two pings
			}
			mu.Lock()
			defer mu.Unlock()
			if !c.steered || c.foreign {
				if len(told) > 0 {
					t.Errorf("told of %v", told)
				}
				return
			}
			if peers := s.Stats().Peers; len(told) != 1 || len(peers) != 1 || !told[peers[0].Endpoint] || bytes < frames*size/2 {
				t.Errorf("told of %d bytes at %v, want some %d of %+v", bytes, told, frames*size, peers)
			}
		})
	}
}

// With several frames on the way a confirmation is read with the next frame. When it came
// is told all the same, to the observer and in the stats.
func TestConfirmedWhenItCame(t *testing.T) {
	const frames, pause = 8, 300 * time.Millisecond
	for _, inFlight := range []uint{0, 4} {
		t.Run(fmt.Sprint("in-flight=", inFlight), func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
			go func() {
				for f := (netgear.Frame{}); r.Recv(ctx, &f) == nil; {
					f.Payload.Release()
				}
			}()
			cfg := config(netgear.SenderRole, wire.Pair)
			cfg.InFlight, cfg.Port = inFlight, r.CurrentPort()
			obs, took := observer(t, "sender"), []time.Duration{}
			obs.Confirmed = func(sent, came time.Time, _ int) { took = append(took, came.Sub(sent)) }
			s, err := netgear.NewSender(cfg, obs)
			if err != nil {
				t.Fatal(err)
			}
			defer closed(s)
			for i := range frames {
				if err := s.Send(ctx, rawFrame(i, 64, 48)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause)
			}
			if err := s.Finish(ctx); err != nil {
				t.Fatal(err)
			}
			slices.Sort(took)
			if len(took) != frames || took[frames/2] > pause/2 {
				t.Errorf("confirmations took %v, want those of %d frames, most far less than the %v between them", took, frames, pause)
			}
			if rtt := s.Stats().AckRTT; rtt > pause/2 {
				t.Errorf("the stats say %v", rtt)
			}
		})
	}
}
