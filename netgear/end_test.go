package netgear_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// keptPort fails when somebody else can have the port.
func keptPort(t *testing.T, port uint) {
	t.Helper()
	if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		l.Close()
		t.Error("the port is free during a renewal")
	}
}

// A renewal that a flush interrupts goes on with the next call, at both ends, and
// nobody else gets the port meanwhile.
func TestInterruptedRenewalGoesOn(t *testing.T) {
	t.Run("receiver", func(t *testing.T) {
		ctx := deadline(t)
		cfg := config(netgear.ReceiverRole, wire.Pair)
		cfg.RequestTimeout = 50 * time.Millisecond
		r := receiver(t, cfg)
		port := r.CurrentPort()
		interrupted, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		var f netgear.Frame
		go func() { ended <- r.Recv(interrupted, &f) }()
		waitFor(ctx, func() bool { return r.Stats().Reconnects > 0 })
		keptPort(t, port)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted: %v", err)
		}
		go func() { ended <- r.Recv(ctx, &f) }()
		s := sender(t, config(netgear.SenderRole, wire.Pair), port)
		if err := errors.Join(s.Send(ctx, rawFrame(1, 4, 4)), <-ended); err != nil {
			t.Fatal(err)
		}
		f.Payload.Release()
	})
	t.Run("sender", func(t *testing.T) {
		ctx := deadline(t)
		cfg := config(netgear.SenderRole, wire.Pair)
		cfg.Bind, cfg.RequestTimeout = true, 50*time.Millisecond
		s := sender(t, cfg, 0)
		port := s.CurrentPort()
		interrupted, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- s.Send(interrupted, rawFrame(1, 4, 4)) }()
		waitFor(ctx, func() bool { return s.Stats().Reconnects > 0 })
		keptPort(t, port)
		cancel()
		if err := <-ended; err != nil {
			t.Fatalf("interrupted: %v, want nil, for the frame is taken", err)
		}
		rc := config(netgear.ReceiverRole, wire.Pair)
		rc.Bind, rc.Port = false, port
		r := receiver(t, rc)
		go func() { ended <- s.Finish(ctx) }()
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil || f.Header.Ext.Seq != 0 {
			t.Fatalf("frame %d, %v: want the one that was taken", f.Header.Ext.Seq, err)
		}
		f.Payload.Release()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st.FramesDropped != 0 {
			t.Errorf("%d frames dropped", st.FramesDropped)
		}
	})
}

// An end keeps its own port over renewals that follow each other fast.
func TestOwnPortIsWaitedFor(t *testing.T) {
	cfg := config(netgear.ReceiverRole, wire.Pair)
	cfg.RequestTimeout = 50 * time.Millisecond
	r := receiver(t, cfg)
	ctx, cancel := context.WithCancel(deadline(t))
	ended := make(chan error, 1)
	go func() {
		var f netgear.Frame
		ended <- r.Recv(ctx, &f)
	}()
	waitFor(ctx, func() bool { return r.Stats().Reconnects >= 10 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Reject and Drop before the first frame take nothing back.
func TestRejectBeforeAFrame(t *testing.T) {
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	r.Reject(100)
	r.Drop(100)
	if st := r.Stats(); st.Frames != 0 || st.Bytes != 0 || st.FramesMalformed != 0 || st.FramesDropped != 0 {
		t.Errorf("%+v", st)
	}
}

// A Sender fills in the JPEG options of its Config.
func TestJPEGOptionsOfConfig(t *testing.T) {
	ctx := deadline(t)
	r := receiver(t, config(netgear.ReceiverRole, wire.Pair))
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.FastDCT, cfg.FastUpsample = false, true
	for i, name := range netgear.Lookup(netgear.SenderRole, "jpeg-colorspace").Enum.Values {
		if name.Name == "RGB" {
			cfg.Colorspace = netgear.Colorspace(i)
		}
	}
	s := sender(t, cfg, r.CurrentPort())
	for _, c := range []struct{ set, want wire.JPEGOptions }{
		{wire.JPEGOptions{}, wire.JPEGOptions{FastUpsample: true, Colorspace: "RGB"}},
		{wire.JPEGOptions{FastDCT: true, Colorspace: "GRAY"}, wire.JPEGOptions{FastDCT: true, Colorspace: "GRAY"}},
	} {
		f := &netgear.Frame{Header: wire.Header{Compressed: true, JPEG: c.set}, Payload: netgear.Payload{Bytes: []byte("picture")}}
		sent := make(chan error, 1)
		go func() { sent <- s.Send(ctx, f) }()
		var got netgear.Frame
		if err := errors.Join(r.Recv(ctx, &got), <-sent); err != nil {
			t.Fatal(err)
		}
		if got.Header.JPEG != c.want {
			t.Errorf("%+v arrives as %+v, want %+v", c.set, got.Header.JPEG, c.want)
		}
		got.Payload.Release()
	}
}

// Settings of the other end are refused, not ignored.
func TestSettingsOfTheOtherEnd(t *testing.T) {
	for name, set := range map[string]func(*netgear.Config){
		"ssh-tunnel-mode": func(c *netgear.Config) { c.SSHTunnel = "me@host" },
		"overwrite-cert":  func(c *netgear.Config) { c.OverwriteCert = true },
		"in-flight":       func(c *netgear.Config) { c.InFlight = 9 },
	} {
		cfg := config(netgear.ReceiverRole, wire.Pair)
		set(&cfg)
		if r, err := netgear.NewReceiver(cfg, netgear.Observer{}); !errors.Is(err, netgear.ErrSettings) {
			t.Errorf("%s at a receiver: %v, want ErrSettings", name, err)
			if r != nil {
				closed(r)
			}
		}
	}
	cfg := config(netgear.SenderRole, wire.Pair)
	cfg.SubscriberTimeout, cfg.Port = time.Second, 5555
	if s, err := netgear.NewSender(cfg, netgear.Observer{}); !errors.Is(err, netgear.ErrSettings) {
		t.Errorf("subscriber-timeout at a sender: %v, want ErrSettings", err)
		if s != nil {
			closed(s)
		}
	}
}
