package netgear_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Whoever connects and leaves again and again costs an end nothing that stays, though
// the program sends nothing and receives nothing for hours.
func TestPassersByOfAnIdleEnd(t *testing.T) {
	const first, passers, mostMB = 500, 2000, 12 // libzmq would keep 21 MB
	for _, p := range patterns {
		for _, role := range []netgear.Role{netgear.SenderRole, netgear.ReceiverRole} {
			t.Run(fmt.Sprintf("%v/%v", p, role), func(t *testing.T) {
				cfg := config(role, p)
				cfg.Bind = true
				sendType, receiveType := socketTypes(p)
				typ := receiveType.String()
				var port uint
				if role == netgear.SenderRole {
					s, err := netgear.NewSender(cfg, netgear.Observer{})
					if err != nil {
						t.Fatal(err)
					}
					defer closed(s)
					port = s.CurrentPort()
				} else {
					typ = sendType.String()
					r, err := netgear.NewReceiver(cfg, netgear.Observer{})
					if err != nil {
						t.Fatal(err)
					}
					defer closed(r)
					port = r.CurrentPort()
				}
				passBy(t, typ, port, first) // they cost something
				before := residentMB(t)
				passBy(t, typ, port, passers)
				if grown := residentMB(t) - before; grown > mostMB {
					t.Errorf("%d connections that ended have left %d MB", passers, grown)
				}
			})
		}
	}
}

// passBy makes n connections, which end after the handshake.
func passBy(t *testing.T, typ string, port uint, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				if err := greetAs(c, typ, 0); err == nil && typ == "SUB" {
					_, _ = io.WriteString(c, "\x00\x01\x01") // to everything
				} else if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
}

// residentMB returns how much memory the process has, in MB.
func residentMB(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var all, resident int
	if _, err := fmt.Sscan(string(b), &all, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize() >> 20
}
