package netgear_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const (
	serverPublic = ".vidgear/keys/public_keys/server.key"
	clientPublic = ".vidgear/keys/public_keys/client.key"
	serverSecret = ".vidgear/keys/private_keys/server.key_secret"
	clientSecret = ".vidgear/keys/private_keys/client.key_secret"
)

// secure returns the defaults of a role with certificates in a folder.
func secure(role netgear.Role, pattern wire.Pattern, mode netgear.SecureMode, folder string) netgear.Config {
	cfg := config(role, pattern)
	cfg.SecureMode, cfg.CertLocation = mode, folder
	return cfg
}

// newKeys returns a folder with new certificates.
func newKeys(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	r, err := netgear.NewReceiver(secure(netgear.ReceiverRole, wire.Pair, netgear.IronHouse, folder), netgear.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return folder
}

// copyKeys returns a folder with some of the files of another.
func copyKeys(t testing.TB, from string, names ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// shortPath returns one that fits into the address of a Unix socket, as those
// of t.TempDir do not.
func shortPath(t testing.TB) string {
	t.Helper()
	path := filepath.Join(os.TempDir(), "netgear-"+rand.Text()[:8])
	t.Cleanup(func() { _ = os.Remove(path) })
	return path
}

// rejections collects what PeerRejected is told.
type rejections struct {
	mu      sync.Mutex
	reasons []string
}

func (r *rejections) observer(t testing.TB) netgear.Observer {
	obs := observer(t, "receiver")
	obs.PeerRejected = func(_, reason string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reasons = append(r.reasons, reason)
	}
	return obs
}

func (r *rejections) has(reason string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.reasons, func(s string) bool { return strings.Contains(s, reason) })
}

// stream sends frames from s to r and checks that they arrive. Where nothing is
// confirmed a frame is sent again until it has: a subscription takes its time.
func stream(ctx context.Context, t *testing.T, s *netgear.Sender, r *netgear.Receiver, p wire.Pattern, frames int) {
	t.Helper()
	sent := make(chan error, 1)
	var arrived atomic.Int64
	go func() {
		waitFor(ctx, func() bool { return s.Peers() > 0 })
		for i := range frames {
			for again := true; again; again = p == wire.PubSub && arrived.Load() <= int64(i) && ctx.Err() == nil {
				if err := s.Send(ctx, rawFrame(i, 64, 48)); err != nil {
					sent <- err
					return
				}
				if p == wire.PubSub {
					time.Sleep(5 * time.Millisecond)
				}
			}
		}
		sent <- nil
	}()
	for i := 0; i < frames; {
		var f netgear.Frame
		if err := r.Recv(ctx, &f); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		switch is := func(i int) bool { return bytes.Equal(f.Payload.Bytes, rawFrame(i, 64, 48).Payload.Bytes) }; {
		case is(i):
			i++
			arrived.Add(1)
		case p != wire.PubSub:
			t.Fatalf("frame %d differs", i)
		}
		f.Payload.Release()
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestSecureModes(t *testing.T) {
	for _, p := range patterns {
		for _, mode := range []netgear.SecureMode{netgear.StoneHouse, netgear.IronHouse} {
			for _, variant := range []string{"tcp", "ipc", "sender binds", "receiver knows no more than it needs", "allow", "bidirectional", "multi-server", "multi-client"} {
				if variant == "bidirectional" && p == wire.PubSub || strings.HasPrefix(variant, "multi") && p == wire.Pair {
					continue // there is no such mode
				}
				t.Run(fmt.Sprintf("%s/%d/%s", p, mode, variant), func(t *testing.T) {
					t.Parallel()
					keys := newKeys(t)
					rc := secure(netgear.ReceiverRole, p, mode, keys)
					sc := secure(netgear.SenderRole, p, mode, keys)
					switch variant {
					case "ipc":
						rc.Protocol, rc.Address, rc.Port = netgear.IPC, shortPath(t), 1
						sc.Protocol, sc.Address, sc.Port = rc.Protocol, rc.Address, rc.Port
					case "sender binds":
						rc.Bind, sc.Bind = false, true
						sc.CertLocation = copyKeys(t, keys, serverSecret, clientPublic)
						rc.CertLocation = copyKeys(t, keys, clientSecret, serverPublic)
						s := sender(t, sc, 0)
						rc.Port = s.CurrentPort()
						stream(deadline(t), t, s, receiver(t, rc), p, 5)
						return
					case "receiver knows no more than it needs":
						rc.CertLocation = copyKeys(t, keys, serverSecret, clientPublic)
						sc.CertLocation = copyKeys(t, keys, clientSecret, serverPublic)
					case "allow":
						rc.Allow = "10.0.0.0/8,127.0.0.1"
					case "bidirectional":
						rc.Bidirectional, sc.Bidirectional = true, true
					case "multi-server":
						first := freePort(t)
						rc.MultiServer, rc.Ports = true, portList(first, freePort(t))
						sc.MultiServer = true
						stream(deadline(t), t, sender(t, sc, first), receiver(t, rc), p, 5)
						return
					case "multi-client":
						rc.MultiClient, rc.Port = true, freePort(t)
						sc.MultiClient, sc.Ports = true, portList(rc.Port)
					}
					r := receiver(t, rc)
					s := sender(t, sc, r.CurrentPort())
					stream(deadline(t), t, s, r, p, 5)
					if !r.Stats().Secure || !s.Stats().Secure {
						t.Error("the stats say that it is not secure")
					}
				})
			}
		}
	}
}

// Whoever has no right to connect is told so at once, and whoever has goes on.
func TestRefusals(t *testing.T) {
	other := newKeys(t)
	for _, p := range patterns {
		for _, c := range []struct {
			name      string
			receiver  func(cfg *netgear.Config)
			sender    func(t *testing.T, cfg *netgear.Config)
			text      string // of the refused end's error
			reason    string // that the other end tells
			different bool   // the good sender needs other settings too
		}{
			{
				name: "unknown client key", sender: func(t *testing.T, cfg *netgear.Config) {
					cfg.CertLocation = copyKeys(t, cfg.CertLocation, serverPublic)
					own := copyKeys(t, other, clientSecret)
					copyInto(t, own, cfg.CertLocation, clientSecret)
				},
				text: "does not let us in", reason: "unknown client key",
			},
			{
				name: "the server's own key", sender: func(t *testing.T, cfg *netgear.Config) {
					from := cfg.CertLocation
					cfg.CertLocation = copyKeys(t, from, serverPublic, serverSecret)
					rename(t, cfg.CertLocation, serverSecret, clientSecret)
				},
				text: "does not let us in", reason: "unknown client key",
			},
			{
				name: "no CURVE", sender: func(_ *testing.T, cfg *netgear.Config) { cfg.SecureMode = netgear.Grasslands },
				text: "wants encryption", reason: "not encrypted",
			},
			{
				name: "wrong server key", sender: func(t *testing.T, cfg *netgear.Config) {
					cfg.CertLocation = copyKeys(t, cfg.CertLocation, clientSecret)
					copyInto(t, other, cfg.CertLocation, serverPublic)
				},
				text: "its key is not the one in", reason: "another server key",
			},
			{
				name: "address", receiver: func(cfg *netgear.Config) { cfg.Allow = "127.0.0.1,::1" },
				sender: func(_ *testing.T, cfg *netgear.Config) {}, // connects from another one, see below
				text:   "does not let us in", reason: "address 127.0.0.2 is not in allow",
			},
		} {
			t.Run(p.String()+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				ctx := deadline(t)
				keys := newKeys(t)
				rc := secure(netgear.ReceiverRole, p, netgear.IronHouse, keys)
				if c.receiver != nil {
					c.receiver(&rc)
				}
				var told rejections
				r, err := netgear.NewReceiver(rc, told.observer(t))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				good := sender(t, secure(netgear.SenderRole, p, netgear.IronHouse, keys), r.CurrentPort())
				stream(ctx, t, good, r, p, 1)
				waitFor(ctx, func() bool { return r.Peers() == 1 })

				sc := secure(netgear.SenderRole, p, netgear.IronHouse, keys)
				sc.RequestTimeout, sc.MaxRetries = 10*time.Second, 0
				c.sender(t, &sc)
				port := r.CurrentPort()
				if c.name == "address" {
					port = relayFrom(t, "127.0.0.2", port)
				}
				bad := sender(t, sc, port)
				begin := time.Now()
				for err = nil; err == nil && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
					err = bad.Send(ctx, rawFrame(99, 64, 48))
				}
				took := time.Since(begin)
				if !errors.Is(err, netgear.ErrUnauthorized) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("error %v, want ErrUnauthorized and %q", err, c.text)
				}
				if took > time.Second {
					t.Errorf("refused after %v, want a second at the most", took)
				}
				if bad.Stats().AuthFailures != 1 {
					t.Errorf("stats of the refused end: %+v", bad.Stats())
				}
				waitFor(ctx, func() bool { return told.has(c.reason) })
				if !told.has(c.reason) {
					t.Errorf("reasons %q, want one with %q", told.reasons, c.reason)
				}
				if r.Stats().AuthFailures == 0 {
					t.Error("no failure counted at the refusing end")
				}
				if again := bad.Send(ctx, rawFrame(99, 64, 48)); !errors.Is(again, netgear.ErrUnauthorized) {
					t.Errorf("a further frame: %v, want ErrUnauthorized", again)
				}
				stream(ctx, t, good, r, p, 3)
				if st := r.Stats(); r.Peers() != 1 || p != wire.PubSub && (st.Frames != 4 || st.FramesMissing != 0) {
					t.Errorf("the good sender was disturbed: peers %d, stats %+v", r.Peers(), r.Stats())
				}
			})
		}
	}
}

func copyInto(t testing.TB, from, to, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, name))
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700), os.WriteFile(filepath.Join(to, name), text, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, folder, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(folder, from), filepath.Join(folder, to)); err != nil {
		t.Fatal(err)
	}
}

// relay passes connections on, and everything that it passes on to spy.
type relay struct {
	port uint
	mu   sync.Mutex
	seen bytes.Buffer
}

func (r *relay) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen.Write(b)
}

func newRelay(t testing.TB, dial func() (net.Conn, error)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{port: uint(l.Addr().(*net.TCPAddr).Port)}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer in.Close()
				out, err := dial()
				if err != nil {
					return
				}
				defer out.Close()
				stop := context.AfterFunc(ctx, func() { in.Close(); out.Close() })
				defer stop()
				wg.Go(func() {
					_, _ = io.Copy(io.MultiWriter(r, in), out)
					in.Close()
				})
				_, _ = io.Copy(io.MultiWriter(r, out), in)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		wg.Wait()
	})
	return r
}

// relayFrom passes connections on to a local port from another address.
func relayFrom(t testing.TB, address string, port uint) uint {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return newRelay(t, func() (net.Conn, error) { return d.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)) }).port
}

// A list of addresses works without encryption too.
func TestAllowWithoutEncryption(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			rc := config(netgear.ReceiverRole, p)
			rc.Allow = "127.0.0.2"
			var told rejections
			r, err := netgear.NewReceiver(rc, told.observer(t))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			bad := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
			for err = nil; err == nil && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				err = bad.Send(ctx, rawFrame(0, 4, 4))
			}
			if !errors.Is(err, netgear.ErrUnauthorized) {
				t.Errorf("error %v, want ErrUnauthorized", err)
			}
			waitFor(ctx, func() bool { return told.has("address 127.0.0.1 is not in allow") })
			if !told.has("address 127.0.0.1 is not in allow") {
				t.Errorf("reasons %q", told.reasons)
			}
			stream(ctx, t, sender(t, config(netgear.SenderRole, p), relayFrom(t, "127.0.0.2", r.CurrentPort())), r, p, 3)
		})
	}
}

// What goes over the network holds nothing of the frames. Without encryption
// it does, which is why this test would notice.
func TestNothingGoesInClear(t *testing.T) {
	for _, p := range patterns {
		for _, mode := range []netgear.SecureMode{netgear.Grasslands, netgear.IronHouse} {
			t.Run(fmt.Sprintf("%s/%d", p, mode), func(t *testing.T) {
				t.Parallel()
				keys := newKeys(t)
				r := receiver(t, secure(netgear.ReceiverRole, p, mode, keys))
				spy := newRelay(t, func() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.CurrentPort())) })
				s := sender(t, secure(netgear.SenderRole, p, mode, keys), spy.port)
				stream(deadline(t), t, s, r, p, 3)
				spy.mu.Lock()
				defer spy.mu.Unlock()
				pixels := bytes.Contains(spy.seen.Bytes(), rawFrame(2, 64, 48).Payload.Bytes[:300])
				header := bytes.Contains(spy.seen.Bytes(), []byte("terminate_flag"))
				if plain := mode == netgear.Grasslands; pixels != plain || header != plain {
					t.Errorf("pixels seen: %v, header seen: %v, want %v", pixels, header, plain)
				}
			})
		}
	}
}

// NetGear's sockets are plain after the first timeout. Ours are what they were.
func TestNoDowngrade(t *testing.T) {
	for _, p := range confirmed {
		t.Run("sender/"+p.String(), func(t *testing.T) {
			t.Parallel()
			senderStaysEncrypted(t, p)
		})
		t.Run("receiver/"+p.String(), func(t *testing.T) {
			t.Parallel()
			receiverStaysEncrypted(t, p)
		})
	}
}

func senderStaysEncrypted(t *testing.T, p wire.Pattern) {
	ctx := deadline(t)
	keys := newKeys(t)
	// A receiver with CURVE that never answers, then one without in its place.
	r, err := netgear.NewReceiver(secure(netgear.ReceiverRole, p, netgear.StoneHouse, keys), netgear.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := secure(netgear.SenderRole, p, netgear.StoneHouse, keys)
	cfg.RequestTimeout, cfg.MaxRetries = 300*time.Millisecond, 0
	port := r.CurrentPort()
	cfg.Port = port
	obs, refused := observer(t, "sender"), make(chan error, 1)
	obs.Warning = func(err error) {
		if errors.Is(err, netgear.ErrRefused) {
			select {
			case refused <- err:
			default:
			}
		}
	}
	s, err := netgear.NewSender(cfg, obs)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(s)
	waitFor(ctx, func() bool { return s.Peers() == 1 })
	short, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
	defer cancel()
	if err := s.Send(short, rawFrame(0, 64, 48)); err != nil {
		t.Fatal(err)
	}
	if s.Stats().AckTimeouts == 0 {
		t.Fatal("no time-out: the receiver has answered")
	}
	r.Close()
	_, typ := socketTypes(p)
	plain := rebindTo(ctx, t, typ, port)
	if err := plain.sock.SetRcvtimeo(time.Second); err != nil {
		t.Fatal(err)
	}
	got := make(chan [][]byte, 1)
	plain.run(func() { got <- plain.recv() })
	sending, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Send(sending, rawFrame(1, 64, 48)) }()
	select {
	case err := <-refused:
		if !strings.Contains(err.Error(), "does not encrypt") || !strings.HasSuffix(err.Error(), ": trying again") {
			t.Errorf("warning %v", err)
		}
	case err := <-ended:
		t.Errorf("error %v, want a warning, for it had a receiver", err)
	case <-ctx.Done():
		t.Error("no warning")
	}
	select {
	case parts := <-got:
		if len(parts) > 0 {
			t.Errorf("the plain receiver got %d parts", len(parts))
		}
	case <-time.After(300 * time.Millisecond):
	}
	stop()
	// The true one comes back, and the stream goes on.
	plain.close()
	again := secure(netgear.ReceiverRole, p, netgear.StoneHouse, keys)
	again.Port = port
	waitFor(ctx, func() bool { // libzmq frees the port a moment later
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
		}
		return err == nil
	})
	back := receiver(t, again)
	go func() {
		var f netgear.Frame
		for back.Recv(ctx, &f) == nil {
			f.Payload.Release()
		}
	}()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.Send(ctx, rawFrame(2, 64, 48)); err != nil {
		t.Error(err)
	}
}

func receiverStaysEncrypted(t *testing.T, p wire.Pattern) {
	ctx := deadline(t)
	keys := newKeys(t)
	cfg := secure(netgear.ReceiverRole, p, netgear.StoneHouse, keys)
	cfg.RequestTimeout, cfg.MaxRetries = 50*time.Millisecond, 0
	r := receiver(t, cfg)
	got := make(chan error, 1)
	go func() {
		var f netgear.Frame
		err := r.Recv(ctx, &f)
		if err == nil && f.Header.Ext.Seq != 0 {
			err = fmt.Errorf("frame number %d", f.Header.Ext.Seq)
		}
		got <- err
	}()
	waitFor(ctx, func() bool { return r.Stats().Reconnects >= 2 })
	plain := sender(t, config(netgear.SenderRole, p), r.CurrentPort())
	if err := plain.Send(ctx, rawFrame(1, 4, 4)); !errors.Is(err, netgear.ErrUnauthorized) {
		t.Errorf("error %v, want ErrUnauthorized", err)
	}
	if r.Stats().Frames != 0 {
		t.Error("a plain frame was taken")
	}
	s := sender(t, secure(netgear.SenderRole, p, netgear.StoneHouse, keys), r.CurrentPort())
	if err := s.Send(ctx, rawFrame(0, 4, 4)); err != nil {
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// rebindTo is a fake peer at a port that was given up a moment ago.
func rebindTo(ctx context.Context, t testing.TB, typ zmq4.Type, port uint) *fakePeer {
	t.Helper()
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", port)
	waitFor(ctx, func() bool {
		l, err := net.Listen("tcp", strings.TrimPrefix(endpoint, "tcp://"))
		if err == nil {
			l.Close()
		}
		return err == nil
	})
	p := newFakePeer(t, typ, "")
	if err := p.sock.Bind(endpoint); err != nil {
		t.Fatal(err)
	}
	return p
}

// A client's right to connect comes and goes with its file.
func TestKeysComeAndGoWithoutARestart(t *testing.T) {
	ctx := deadline(t)
	keys, camera := newKeys(t), t.TempDir()
	r := receiver(t, secure(netgear.ReceiverRole, wire.ReqRep, netgear.IronHouse, keys))
	if err := netgear.IssueClientKey(keys, "cam1", camera); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{serverSecret, ".vidgear/keys/public_keys/cam1.key"} {
		if _, err := os.Stat(filepath.Join(camera, name)); err == nil {
			t.Errorf("the camera has %s", name)
		}
	}
	cfg := secure(netgear.SenderRole, wire.ReqRep, netgear.IronHouse, camera)
	s := sender(t, cfg, r.CurrentPort())
	stream(ctx, t, s, r, wire.ReqRep, 2)
	if err := os.Remove(filepath.Join(keys, ".vidgear/keys/public_keys/cam1.key")); err != nil {
		t.Fatal(err)
	}
	stream(ctx, t, s, r, wire.ReqRep, 2) // a connection that stands is not cut
	revoked := sender(t, cfg, r.CurrentPort())
	if err := revoked.Send(ctx, rawFrame(0, 4, 4)); !errors.Is(err, netgear.ErrUnauthorized) {
		t.Errorf("with a revoked key: %v, want ErrUnauthorized", err)
	}
	if err := netgear.IssueClientKey(keys, "cam1", camera); !errors.Is(err, netgear.ErrSettings) {
		t.Errorf("into a folder that has keys: %v, want ErrSettings", err)
	}
	for _, name := range []string{"", "server", "../x", ".hidden", "client"} {
		if err := netgear.IssueClientKey(keys, name, t.TempDir()); !errors.Is(err, netgear.ErrSettings) {
			t.Errorf("name %q: %v, want ErrSettings", name, err)
		}
	}
}

// A receiver that is not there is one that is waited for, also behind a proxy
// that takes connections for it; wrong keys are another matter.
func TestAbsentIsNotRefused(t *testing.T) {
	keys := newKeys(t)
	ctx := deadline(t)
	port := freePort(t)
	proxy := newRelay(t, func() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)) })
	cfg := secure(netgear.SenderRole, wire.Pair, netgear.IronHouse, keys)
	cfg.MaxRetries = 0
	s := sender(t, cfg, proxy.port)
	sent := make(chan error, 1)
	go func() { sent <- s.Send(ctx, rawFrame(0, 64, 48)) }()
	waitFor(ctx, func() bool { return s.Stats().AckTimeouts >= 3 })
	rc := secure(netgear.ReceiverRole, wire.Pair, netgear.IronHouse, keys)
	rc.Port = port
	var f netgear.Frame
	if err := receiver(t, rc).Recv(ctx, &f); err != nil {
		t.Error(err)
	}
	f.Payload.Release()
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// Many secure ends in one process, with several folders: each lets in its own.
func TestManySecureEndsInOneProcess(t *testing.T) {
	ctx := deadline(t)
	const folders, each = 3, 4
	var keys [folders]string
	for i := range keys {
		keys[i] = newKeys(t)
	}
	var wg sync.WaitGroup
	for i := range folders {
		for range each {
			r := receiver(t, secure(netgear.ReceiverRole, wire.ReqRep, netgear.IronHouse, keys[i]))
			stranger := sender(t, secure(netgear.SenderRole, wire.ReqRep, netgear.IronHouse, keys[(i+1)%folders]), r.CurrentPort())
			wg.Go(func() {
				if err := stranger.Send(ctx, rawFrame(0, 4, 4)); !errors.Is(err, netgear.ErrUnauthorized) {
					t.Errorf("with another folder's keys: %v, want ErrUnauthorized", err)
				}
			})
			s := sender(t, secure(netgear.SenderRole, wire.ReqRep, netgear.IronHouse, keys[i]), r.CurrentPort())
			wg.Go(func() { stream(ctx, t, s, r, wire.ReqRep, 20) })
		}
	}
	wg.Wait()
}

func TestCertificateFolders(t *testing.T) {
	t.Run("modes", foldersHaveModes)
	for _, c := range []struct {
		role    netgear.Role
		missing string
		text    string
	}{
		{netgear.ReceiverRole, serverSecret, "server.key_secret is missing"},
		{netgear.SenderRole, clientSecret, "client.key_secret is missing"},
		{netgear.SenderRole, serverPublic, "server.key is missing"},
	} {
		t.Run("without "+filepath.Base(c.missing), func(t *testing.T) {
			keys := newKeys(t)
			if err := os.Remove(filepath.Join(keys, c.missing)); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and nothing is made in its place
				if err := openEnd(folderConfig(c.role, keys), c.role); !errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("error %v, want ErrSettings and %q", err, c.text)
				}
			}
		})
	}
	t.Run("pairs that do not match", foldersWithOtherPairs)
	t.Run("no certificate", foldersWithoutCertificate)
	t.Run("no such location", foldersThatAreMissing)
	t.Run("location is the folder itself", foldersNamedThemselves)
	t.Run("overwrite", foldersOverwritten)
	t.Run("both ends begin at once", foldersMadeAtOnce)
}

// folderConfig returns the settings of an end whose certificates are in the folder.
func folderConfig(role netgear.Role, folder string) netgear.Config {
	c := secure(role, wire.Pair, netgear.IronHouse, folder)
	c.Port = 5555
	if role == netgear.ReceiverRole {
		c.Port = 0
	}
	return c
}

// openEnd opens an end and closes it again.
func openEnd(c netgear.Config, role netgear.Role) error {
	var end io.Closer
	var err error
	if role == netgear.SenderRole {
		end, err = netgear.NewSender(c, netgear.Observer{})
	} else {
		end, err = netgear.NewReceiver(c, netgear.Observer{})
	}
	if err == nil {
		end.Close()
	}
	return err
}

func foldersHaveModes(t *testing.T) {
	keys := newKeys(t)
	for name, want := range map[string]os.FileMode{
		serverSecret: 0o600, clientSecret: 0o600, serverPublic: 0o644, clientPublic: 0o644, filepath.Dir(serverSecret): 0o700 | os.ModeDir,
	} {
		info, err := os.Stat(filepath.Join(keys, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
	left, err := filepath.Glob(filepath.Join(keys, ".vidgear/keys/*/.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func foldersWithOtherPairs(t *testing.T) {
	keys := newKeys(t)
	copyInto(t, newKeys(t), keys, serverPublic)
	if err := openEnd(folderConfig(netgear.ReceiverRole, keys), netgear.ReceiverRole); !errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), "does not belong to") {
		t.Errorf("error %v, want ErrSettings", err)
	}
}

func foldersWithoutCertificate(t *testing.T) {
	keys := newKeys(t)
	if err := os.WriteFile(filepath.Join(keys, serverSecret), []byte("public-key = mumble\nsecret-key = \"secret\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := openEnd(folderConfig(netgear.ReceiverRole, keys), netgear.ReceiverRole)
	if !errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), "server.key_secret") || strings.Contains(err.Error(), "mumble") {
		t.Errorf("error %v, want ErrSettings that names the file and no key", err)
	}
}

func foldersThatAreMissing(t *testing.T) {
	err := openEnd(folderConfig(netgear.SenderRole, filepath.Join(t.TempDir(), "none")), netgear.SenderRole)
	if !errors.Is(err, netgear.ErrSettings) || !strings.Contains(err.Error(), "custom-cert-location") {
		t.Errorf("error %v, want ErrSettings", err)
	}
}

func foldersNamedThemselves(t *testing.T) {
	keys := newKeys(t)
	if err := openEnd(folderConfig(netgear.SenderRole, filepath.Join(keys, ".vidgear")), netgear.SenderRole); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(keys, ".vidgear/.vidgear")); err == nil {
		t.Error("a folder was made inside it")
	}
}

func foldersOverwritten(t *testing.T) {
	keys := newKeys(t)
	extra := filepath.Join(keys, ".vidgear/keys/public_keys/cam1.key")
	copyInto(t, keys, keys, clientPublic)
	if err := os.Rename(filepath.Join(keys, clientPublic), extra); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(keys, serverSecret))
	if err != nil {
		t.Fatal(err)
	}
	c := folderConfig(netgear.SenderRole, keys)
	c.OverwriteCert = true
	if err := openEnd(c, netgear.SenderRole); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(keys, serverSecret))
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the key was not replaced: %v", err)
	}
	if _, err := os.Stat(extra); err == nil {
		t.Error("an older client key is still there")
	}
}

func foldersMadeAtOnce(t *testing.T) {
	for range 20 {
		keys := t.TempDir()
		var wg sync.WaitGroup
		ctx := deadline(t)
		r := make(chan *netgear.Receiver, 1)
		port := freePort(t)
		wg.Go(func() {
			c := folderConfig(netgear.ReceiverRole, keys)
			c.Port = port
			r <- receiver(t, c)
		})
		s := sender(t, folderConfig(netgear.SenderRole, keys), port)
		wg.Wait()
		stream(ctx, t, s, <-r, wire.Pair, 1)
		s.Close()
	}
}

// Of several receivers one that is not there yet is no reason to suspect the
// one that is.
func TestAbsentAmongSeveralIsNotRefused(t *testing.T) {
	keys := newKeys(t)
	ctx := deadline(t)
	late := freePort(t)
	proxy := newRelay(t, func() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", late)) })
	client := func(port uint) *netgear.Receiver {
		cfg := secure(netgear.ReceiverRole, wire.ReqRep, netgear.IronHouse, keys)
		cfg.MultiClient, cfg.Port, cfg.RequestTimeout = true, port, 5*time.Second
		return receiver(t, cfg)
	}
	first := client(freePort(t))
	cfg := secure(netgear.SenderRole, wire.ReqRep, netgear.IronHouse, keys)
	cfg.MultiClient, cfg.Ports, cfg.MaxRetries = true, portList(first.CurrentPort(), proxy.port), 0
	s, err := netgear.NewSender(cfg, observer(t, "sender"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(chan error, 2)
	receive := func(r *netgear.Receiver, n int) {
		for range n {
			var f netgear.Frame
			if err := r.Recv(ctx, &f); err != nil {
				got <- err
				return
			}
			f.Payload.Release()
		}
		got <- nil
	}
	go receive(first, 20)
	for i := range 20 {
		if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // handshakes with the other one fail meanwhile
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	second := client(late)
	waitFor(ctx, func() bool { return s.Peers() == 2 })
	go receive(first, 1)
	go receive(second, 1)
	for i := range 2 {
		if err := s.Send(ctx, rawFrame(i, 4, 4)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}
