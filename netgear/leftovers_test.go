package netgear_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// openThings counts descriptors and goroutines.
func openThings(t *testing.T) (files, goroutines int) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all), runtime.NumGoroutine()
}

// Peers that come and go leave nothing behind in an end that stays, whichever of the two
// binds, and however they go.
func TestPeersLeaveNothingBehind(t *testing.T) {
	const rounds = 15
	for _, p := range []wire.Pattern{wire.Pair, wire.ReqRep, wire.PubSub} {
		for _, name := range []string{"senders", "receivers", "receivers that bind"} {
			t.Run(p.String()+"/"+name, func(t *testing.T) {
				ctx := deadline(t)
				rcfg, scfg := config(netgear.ReceiverRole, p), config(netgear.SenderRole, p)
				rcfg.Port = freePort(t)
				scfg.Port = rcfg.Port
				if name == "receivers" {
					rcfg.Bind, scfg.Bind = false, true
				}
				open := func() (s *netgear.Sender, r *netgear.Receiver) {
					t.Helper()
					var err error
					if s, err = netgear.NewSender(scfg, netgear.Observer{}); err != nil {
						t.Fatal(err)
					}
					if r, err = netgear.NewReceiver(rcfg, netgear.Observer{}); err != nil {
						t.Fatal(err)
					}
					return s, r
				}
				s, r := open()
				defer func() { s.Close(); r.Close() }()
				exchange := func() {
					t.Helper()
					got := make(chan error, 1)
					go func() {
						var f netgear.Frame
						err := r.Recv(ctx, &f)
						f.Payload.Release()
						got <- err
					}()
					for {
						if err := s.Send(ctx, rawFrame(0, 300, 300)); err != nil {
							t.Fatal(err)
						}
						select {
						case err := <-got:
							if err != nil {
								t.Fatal(err)
							}
							return
						case <-time.After(2 * time.Millisecond):
						}
					}
				}
				renew := func() {
					t.Helper()
					var err error
					if name == "senders" {
						s.Close()
						s, err = netgear.NewSender(scfg, netgear.Observer{})
					} else {
						r.Close()
						r, err = netgear.NewReceiver(rcfg, netgear.Observer{})
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				for range 3 { // what is made once
					exchange()
					renew()
				}
				exchange()
				time.Sleep(50 * time.Millisecond)
				files, goroutines := openThings(t)
				for range rounds {
					exchange()
					renew()
				}
				exchange()
				left := func() bool {
					f, g := openThings(t)
					return f > files+rounds/3 || g > goroutines+rounds/3
				}
				for end := time.Now().Add(5 * time.Second); left() && time.Now().Before(end); {
					time.Sleep(10 * time.Millisecond)
				}
				if f, g := openThings(t); left() {
					t.Errorf("%d descriptors and %d goroutines at first, %d and %d after %d peers", files, goroutines, f, g, rounds)
				}
			})
		}
	}
}
