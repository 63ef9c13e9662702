package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// beside runs f again and again until the test is over.
func beside(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			f(ctx)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
}

// pause waits, and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func endConfig(role netgear.Role, p pattern, port int) netgear.Config {
	cfg := netgear.DefaultConfig(role)
	cfg.Address, cfg.Port, cfg.Pattern, cfg.MaxRetries = "127.0.0.1", uint(port), wire.Pattern(p), 0
	return cfg
}

// receiving receives n frames, and then goes away without a word; 0: for ever.
func receiving(cfg netgear.Config, n int) func(context.Context) {
	return func(ctx context.Context) {
		r, err := netgear.NewReceiver(cfg, netgear.Observer{})
		if err != nil {
			pause(ctx, time.Millisecond) // the port is not free yet
			return
		}
		defer func() { _ = r.Close(); pause(ctx, 10*time.Millisecond) }()
		for i := 0; n == 0 || i < n; i++ {
			var f netgear.Frame
			if r.Recv(ctx, &f) != nil {
				return
			}
			f.Payload.Release()
		}
	}
}

// sendingTo sends n frames, and then goes away without a goodbye; 0: for ever.
func sendingTo(cfg netgear.Config, n int) func(context.Context) {
	return func(ctx context.Context) {
		s, err := netgear.NewSender(cfg, netgear.Observer{})
		if err != nil {
			pause(ctx, time.Millisecond)
			return
		}
		defer func() { _ = s.Close(); pause(ctx, 10*time.Millisecond) }()
		for i := 0; n == 0 || i < n; i++ {
			f := &netgear.Frame{Header: wire.Header{DType: "uint8", Shape: wire.MakeShape(24, 32, 3)}, Payload: netgear.Payload{Bytes: make([]byte, 24*32*3)}}
			if s.Send(ctx, f) != nil || !pause(ctx, 2*time.Millisecond) {
				return
			}
		}
	}
}

// garbling is a socket that sends garbage, as an answer where it must not speak first. If
// it connects, it sends raw bytes now and then.
func garbling(t *testing.T, typ zmq4.Type, bind bool, port int) func(context.Context) {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	return func(ctx context.Context) {
		sock, err := zmq4.NewSocket(typ)
		if err != nil {
			t.Error(err)
			return
		}
		defer sock.Close()
		_ = sock.SetLinger(0)
		_ = sock.SetSndtimeo(20 * time.Millisecond)
		_ = sock.SetRcvtimeo(20 * time.Millisecond)
		if typ == zmq4.SUB {
			_ = sock.SetSubscribe("")
		}
		if bind {
			if sock.Bind("tcp://"+address) != nil {
				pause(ctx, time.Millisecond)
				return
			}
		} else {
			if err := sock.Connect("tcp://" + address); err != nil {
				t.Error(err)
				return
			}
			if c, err := net.Dial("tcp", address); err == nil {
				_, _ = c.Write(bytes.Repeat([]byte{0xff, 0, 0x7f, 3, 0xc3}, 40))
				defer c.Close()
			}
		}
		for i := 0; i < 20 && ctx.Err() == nil; i++ {
			if bind || typ == zmq4.REQ && i > 0 {
				_, _ = sock.RecvMessage(0)
			}
			if typ != zmq4.SUB {
				_, _ = sock.SendMessage([]any{"{\"dtype\":", "\x00\xff", "{}", "[1,2]", `{"data":1e999,"array_dtype":"uint8"}`}[i%5], bytes.Repeat([]byte{byte(i)}, i))
			}
			pause(ctx, time.Millisecond)
		}
	}
}

// rawGarbage answers each connection with bytes that are no ZMTP, and hangs up.
func rawGarbage(t *testing.T) int {
	t.Helper()
	return serve(t, func(c net.Conn) {
		_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
		c.Close()
	})
}

// serve does the same with each connection to a port, which it returns.
func serve(t *testing.T, with func(c net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go with(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// mute makes a socket that connects and says nothing.
func mute(t *testing.T, typ zmq4.Type, port int) {
	t.Helper()
	sock, err := zmq4.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	if err := sock.Connect(fmt.Sprintf("tcp://127.0.0.1:%d", port)); err != nil {
		t.Fatal(err)
	}
}

var (
	sendingTypes   = []zmq4.Type{zmq4.PAIR, zmq4.REQ, zmq4.PUB}
	receivingTypes = []zmq4.Type{zmq4.PAIR, zmq4.REP, zmq4.SUB}
)

// Errors as matrix.c writes them.
const (
	notAuthorized = "gst-resource-error-quark/15"
	streamFailed  = "gst-stream-error-quark/1"
)

// situation is an element and what its peer is like.
type situation struct {
	name  string
	sink  bool
	peer  func(t *testing.T, p pattern) (settings string) // of the element
	error string                                          // that there must be; empty: none
}

// situations are all of them. keys and knownHosts are for those with keys and SSH.
func situations(keys, knownHosts string) []situation {
	return []situation{
		{"sink, no peer", true, func(t *testing.T, _ pattern) string { return "port=" + freePortText(t) }, ""},
		{"sink, silent peer", true, func(t *testing.T, p pattern) string { return "port=" + silent(t, receivingTypes[p]) }, ""},
		{"sink, peer", true, func(t *testing.T, p pattern) string {
			port := freePort(t)
			beside(t, receiving(endConfig(netgear.ReceiverRole, p, port), 0))
			return fmt.Sprint("port=", port)
		}, ""},
		{"sink, peer that dies", true, func(t *testing.T, p pattern) string {
			port := freePort(t)
			beside(t, receiving(endConfig(netgear.ReceiverRole, p, port), 3))
			return fmt.Sprint("port=", port)
		}, ""},
		{"sink, malformed answers", true, func(t *testing.T, p pattern) string {
			if p == pubSub {
				return fmt.Sprint("port=", rawGarbage(t))
			}
			port := freePort(t)
			beside(t, garbling(t, receivingTypes[p], true, port))
			return fmt.Sprint("port=", port)
		}, ""},
		{"sink, refused", true, func(t *testing.T, p pattern) string {
			cfg := endConfig(netgear.ReceiverRole, p, freePort(t))
			cfg.SecureMode, cfg.CertLocation = netgear.StoneHouse, keys
			beside(t, receiving(cfg, 0))
			return fmt.Sprint("port=", cfg.Port)
		}, notAuthorized},
		{"sink, ssh down", true, func(t *testing.T, _ pattern) string {
			return fmt.Sprintf("port=5555 ssh-tunnel-mode=user@127.0.0.1:%s ssh-tunnel-pwd=x ssh-known-hosts=%s", freePortText(t), knownHosts)
		}, ""},
		{"source, no peer", false, func(*testing.T, pattern) string { return "port=0" }, ""},
		{"source, silent peer", false, func(t *testing.T, p pattern) string {
			port := freePort(t)
			mute(t, sendingTypes[p], port)
			return fmt.Sprint("port=", port)
		}, ""},
		{"source, peer", false, func(t *testing.T, p pattern) string {
			port := freePort(t)
			beside(t, sendingTo(endConfig(netgear.SenderRole, p, port), 0))
			return fmt.Sprint("port=", port)
		}, ""},
		{"source, peer that dies", false, func(t *testing.T, p pattern) string {
			port := freePort(t)
			beside(t, sendingTo(endConfig(netgear.SenderRole, p, port), 3))
			return fmt.Sprint("port=", port)
		}, ""},
		{"source, malformed frames", false, func(t *testing.T, p pattern) string {
			port := freePort(t)
			beside(t, garbling(t, sendingTypes[p], false, port))
			return fmt.Sprint("port=", port)
		}, ""},
		{"source, refused", false, func(t *testing.T, p pattern) string {
			cfg := endConfig(netgear.SenderRole, p, freePort(t))
			cfg.Bind, cfg.Allow = true, "10.0.0.0/8"
			beside(t, sendingTo(cfg, 0))
			return fmt.Sprint("bind=false port=", cfg.Port)
		}, notAuthorized},
	}
}

// Whatever an application does to a running element, and whatever its peer is
// like: nothing blocks, nothing is left behind, and there is an error only where
// there must be one.
func TestStateMatrix(t *testing.T) {
	program := compileC(t, "matrix")
	knownHosts := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(knownHosts, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range situations(t.TempDir(), knownHosts) {
		for _, p := range patterns {
			t.Run(s.name+"/"+p.String(), func(t *testing.T) {
				t.Parallel()
				s.run(t, program, p)
			})
		}
	}
}

// operated is what matrix.c prints: of the N calls that it timed, how long they took in
// ms, and what there was before and after.
type operated struct {
	N             int
	P90, Worst    float64
	Of            string // the worst one
	Errors        []string
	Threads, FDs  int
	ThreadsBefore int `json:"threads_before"`
	FDsBefore     int `json:"fds_before"`
}

func (s *situation) run(t *testing.T, program string, p pattern) {
	settings := s.peer(t, p)
	element := fmt.Sprintf("netgearsrc name=x address=127.0.0.1 pattern=%v %s ! fakesink async=false", p, settings)
	if s.sink {
		element = fmt.Sprintf("videotestsrc is-live=true ! capsfilter name=caps caps=video/x-raw,format=BGR,width=32,height=24,framerate=100/1 ! "+
			// A source whose frame is on its way holds up events and changes of state.
			"queue ! netgearsink name=x address=127.0.0.1 pattern=%v %s", p, settings)
	}
	out := leakless(t, program, element)
	var got operated
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%+v", got)
	s.check(t, &got)
}

func (s *situation) check(t *testing.T, got *operated) {
	if got.N < 300 {
		t.Errorf("%d calls were timed, want more", got.N)
	}
	if got.P90 > maxTransition || got.Worst > blocked {
		t.Errorf("calls took %v ms (nine of ten), %v ms (worst, %s); want %v and none blocked", got.P90, got.Worst, got.Of, maxTransition)
	}
	wanted := 0
	for _, e := range got.Errors {
		switch {
		case s.error != "" && strings.HasPrefix(e, s.error+" "):
			wanted++
		case s.error != "" && !s.sink && strings.HasPrefix(e, streamFailed+" "): // GstBaseSrc adds it to ours
		default:
			t.Errorf("unexpected error %s", e)
		}
	}
	if s.error != "" && wanted == 0 {
		t.Errorf("no error, want %s", s.error)
	}
	if got.Threads > got.ThreadsBefore+4 || got.FDs > got.FDsBefore {
		t.Errorf("threads went from %d to %d, file descriptors from %d to %d", got.ThreadsBefore, got.Threads, got.FDsBefore, got.FDs)
	}
}
