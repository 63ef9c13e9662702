package netgear

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// readyFrame is a READY as libzmq writes it.
func readyFrame(socket string) []byte {
	b := append(appendReady(nil, socket), "\x08Identity\x00\x00\x00\x00"...)
	b[1] += 13
	return b
}

func TestParseReady(t *testing.T) {
	long := append([]byte{commandFlag | longFlag, 0, 0, 0, 0, 0, 0, 0}, readyFrame("REP")[1:]...)
	for _, row := range []struct {
		name string
		in   []byte
		want zmtpReady
		err  error
	}{
		{"PAIR", readyFrame("PAIR"), zmtpReady{"READY", "PAIR", ""}, nil},
		{"with more behind it", append(readyFrame("SUB"), 1, 2, 3), zmtpReady{"READY", "SUB", ""}, nil},
		{"a long frame", long, zmtpReady{"READY", "REP", ""}, nil},
		{"another spelling", []byte("\x04\x16\x05READY\x0bsocket-type\x00\x00\x00\x00"), zmtpReady{"READY", "", ""}, nil},
		{"ERROR", []byte("\x04\x0a\x05ERROR\x03400"), zmtpReady{"ERROR", "", "400"}, nil},
		{"ERROR without a reason", []byte("\x04\x06\x05ERROR"), zmtpReady{"ERROR", "", ""}, nil},
		{"nothing", nil, zmtpReady{}, io.ErrUnexpectedEOF},
		{"a flag", []byte{4}, zmtpReady{}, io.ErrUnexpectedEOF},
		{"half a long frame", []byte{6, 0, 0}, zmtpReady{}, io.ErrUnexpectedEOF},
		{"a message", []byte{0, 1, 2}, zmtpReady{}, errReady},
		{"another command", []byte("\x04\x05\x04PING"), zmtpReady{command: "PING"}, errReady},
		{"huge", []byte{6, 255, 255, 255, 255, 255, 255, 255, 255}, zmtpReady{}, errReady},
		{"a name that is too long", []byte("\x04\x02\x05R"), zmtpReady{}, errReady},
		{"a value that is too long", []byte("\x04\x0c\x05READY\x01a\xff\xff\xff\xff"), zmtpReady{command: "READY"}, errReady},
		{"a cut property", []byte("\x04\x08\x05READY\x01a"), zmtpReady{command: "READY"}, errReady},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, err := parseReady(row.in); !errors.Is(err, row.err) || got != row.want {
				t.Errorf("%+v, %v; want %+v, %v", got, err, row.want, row.err)
			}
		})
	}
	for n := range readyFrame("PAIR") {
		if _, err := parseReady(readyFrame("PAIR")[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzReady(f *testing.F) {
	f.Add(readyFrame("PAIR"))
	f.Add([]byte("\x04\x0a\x05ERROR\x03400"))
	f.Add([]byte{6, 0, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReady(b)
		if err == nil && r.command != "READY" && r.command != "ERROR" || len(r.socket)+len(r.reason) > maxReady {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// Which sockets go together.
func TestFit(t *testing.T) {
	for _, row := range []struct {
		pattern wire.Pattern
		role    Role
		causes  map[string]cause
	}{
		{wire.Pair, SenderRole, map[string]cause{"PAIR": causeFits, "REP": causePattern, "SUB": causePattern, "REQ": causeSameRole, "PUB": causeSameRole, "PULL": causeNotPeer, "": causeNotPeer}},
		{wire.Pair, ReceiverRole, map[string]cause{"PAIR": causeFits, "REP": causeSameRole, "SUB": causeSameRole, "REQ": causePattern, "PUB": causePattern}},
		{wire.ReqRep, SenderRole, map[string]cause{"REP": causeFits, "ROUTER": causeFits, "REQ": causeSameRole, "PAIR": causePattern, "SUB": causePattern}},
		{wire.ReqRep, ReceiverRole, map[string]cause{"REQ": causeFits, "DEALER": causeFits, "REP": causeSameRole, "PUB": causePattern}},
		{wire.PubSub, SenderRole, map[string]cause{"SUB": causeFits, "XSUB": causeFits, "PUB": causeSameRole, "REP": causePattern}},
		{wire.PubSub, ReceiverRole, map[string]cause{"PUB": causeFits, "XPUB": causeFits, "SUB": causeSameRole, "REQ": causePattern, "PAIR": causePattern, "PUSH": causeNotPeer}},
	} {
		for socket, want := range row.causes {
			if got := fit(socket, socketKind{row.pattern, row.role}); got != want {
				t.Errorf("%s at %v of role %d: %q, want %q", socket, row.pattern, row.role, got, want)
			}
		}
	}
}

// Every cause has a sentence of two parts: what it is, and what to do.
func TestSentences(t *testing.T) {
	base := viewpoint{role: SenderRole, host: "cam", ports: "5555", endpoints: "tcp://cam:5555", peers: "tcp://10.0.0.7:5555"}
	with := func(change func(v *viewpoint)) viewpoint {
		v := base
		change(&v)
		return v
	}
	receiver := with(func(v *viewpoint) { v.role, v.pattern = ReceiverRole, wire.PubSub })
	binding := with(func(v *viewpoint) { v.role, v.bind, v.host, v.endpoints = ReceiverRole, true, "*", "tcp://*:5555" })
	for _, row := range []struct {
		v    viewpoint
		f    finding
		says []string
	}{
		{base, finding{cause: causeNoName, reason: "no such host"}, []string{`"cam" does not resolve (no such host)`, "spelling", "IP address"}},
		{base, finding{cause: causeLookup, reason: "server misbehaving"}, []string{`"cam" cannot be looked up (server misbehaving)`, "name server", "IP address"}},
		{base, finding{cause: causeNobody, reason: "connection refused"}, []string{"nobody listens at tcp://cam:5555", "start the receiver", "address=cam and port=5555", "bind=true"}},
		{receiver, finding{cause: causeNobody, reason: "connection refused"}, []string{"start the sender"}},
		{with(func(v *viewpoint) { v.ports = "1,2" }), finding{cause: causeNobody}, []string{"address=cam and ports=1,2"}},
		{base, finding{cause: causeNoAnswer}, []string{"no answer from tcp://cam:5555", "off", "firewall", "open that tcp port"}},
		{base, finding{cause: causeUnreachable, reason: "no route to host"}, []string{"cannot be reached (no route to host)", "check address=cam"}},
		{base, finding{cause: causeHTTP}, []string{"HTTP server", "port=5555"}},
		{base, finding{cause: causeStranger, reason: "SSH-2.0"}, []string{`not ZeroMQ (it says "SSH-2.0")`, "port=5555"}},
		{base, finding{cause: causeStranger}, []string{"not ZeroMQ: check"}},
		{base, finding{cause: causeMute}, []string{"says nothing", "port=5555", "restart"}},
		{base, finding{cause: causeHangsUp}, []string{"hangs up", "proxy", "start the receiver"}},
		{base, finding{cause: causeEncryption, mechanism: "CURVE"}, []string{"encrypts (CURVE)", "set secure-mode"}},
		{with(func(v *viewpoint) { v.secure = true }), finding{cause: causeEncryption, mechanism: "NULL"}, []string{"does not encrypt", "set secure-mode", "there"}},
		{base, finding{cause: causePattern, socket: "REP"}, []string{"is req-rep (REP)", "here it is pair", "set pattern=req-rep here, or pattern=pair there"}},
		{receiver, finding{cause: causePattern, socket: "PAIR"}, []string{"is pair (PAIR)", "set pattern=pair here, or pattern=pub-sub there"}},
		{base, finding{cause: causeSameRole, socket: "PUB"}, []string{"both ends send", "sender too (PUB)", "netgearsrc"}},
		{receiver, finding{cause: causeSameRole, socket: "SUB"}, []string{"both ends receive", "receiver too (SUB)", "netgearsink"}},
		{base, finding{cause: causeNotPeer, socket: "PULL"}, []string{`"PULL"`, "no NetGear pattern"}},
		{base, finding{cause: causeDenied, reason: "400"}, []string{"does not let this end in", "allow"}},
		{base, finding{cause: causeFits}, []string{"answers", "max-connections"}},
		{base, finding{cause: causeUnconfirmed}, []string{"connected (tcp://10.0.0.7:5555)", "confirms nothing", "paused", "MTU", "another sender"}},
		{with(func(v *viewpoint) { v.pattern = wire.ReqRep }), finding{cause: causeUnconfirmed}, []string{"confirms nothing"}},
		{receiver, finding{cause: causeNoFrame}, []string{"connected (tcp://10.0.0.7:5555)", "no frame", "MTU"}},
		{binding, finding{cause: causeAlone}, []string{"nobody has connected to tcp://*:5555", "start the sender with address=", "port=5555", "firewall", "bind=false"}},
		{with(func(v *viewpoint) { v.bind, v.host = true, "127.0.0.1" }), finding{cause: causeAlone}, []string{"address=127.0.0.1 port=5555 (from this machine alone", "start the receiver"}},
		{with(func(v *viewpoint) { v.bind, v.host, v.ports = true, "10.0.0.1", "1,2" }), finding{cause: causeAlone}, []string{"address=10.0.0.1 one of ports 1,2"}},
		{with(func(v *viewpoint) { v.bind, v.protocol, v.host = true, IPC, "/tmp/x" }), finding{cause: causeAlone}, []string{"protocol=ipc address=/tmp/x port=5555"}},
		{with(func(v *viewpoint) { v.protocol, v.host = IPC, "/tmp/x" }), finding{cause: causeNobody, reason: "connection refused"}, []string{"left from one that ended", "start the receiver"}},
		{with(func(v *viewpoint) { v.protocol, v.host = IPC, "/tmp/x" }), finding{cause: causeNoSocket}, []string{"no socket", "start the receiver", "address=/tmp/x"}},
		{with(func(v *viewpoint) { v.protocol, v.host = IPC, "/tmp/x" }), finding{cause: causePermission}, []string{"may not use", "mode"}},
	} {
		text := row.v.sentence(row.f)
		for _, s := range row.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s: %q does not say %q", row.f.cause, text, s)
			}
		}
	}
	for c := range sentences {
		for _, v := range []viewpoint{base, receiver, binding} {
			text := v.sentence(finding{cause: c, reason: "reason: cure", mechanism: "CURVE", socket: "PAIR"})
			if cause, cure, ok := strings.Cut(text, ": "); !ok || cause == "" || cure == "" || strings.Contains(text, "%!") {
				t.Errorf("%s: %q is not cause and cure", c, text)
			}
		}
	}
}

func TestStranger(t *testing.T) {
	for said, want := range map[string]finding{
		"HTTP/1.1 400 Bad Request\r\n":        {cause: causeHTTP},
		"<!DOCTYPE HTML>\n<html lang=\"en\">": {cause: causeHTTP},
		"SSH-2.0-OpenSSH_9.2\r\n":             {cause: causeStranger, reason: "SSH-2.0-OpenSSH_9.2"},
		"220 mail\nmore":                      {cause: causeStranger, reason: "220 mail"},
		"\x00\x01\x02":                        {cause: causeStranger},
		"\xff\x00\x00":                        {cause: causeStranger, reason: "an old or broken ZeroMQ"},
		"\x1b[31mred":                         {cause: causeStranger, reason: "[31mred"},
	} {
		if got := stranger([]byte(said)); got != want {
			t.Errorf("%q: %+v, want %+v", said, got, want)
		}
	}
}

// listener is a server at a free port that does the same with every connection.
func listener(t *testing.T, serve func(c net.Conn)) uint {
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
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return uint(l.Addr().(*net.TCPAddr).Port)
}

// bound is a ZeroMQ socket at a free port, with a PAIR's or another's handshake.
func bound(t *testing.T, typ zmq4.Type) uint {
	t.Helper()
	s, err := zmq4.NewSocket(typ)
	if err == nil {
		err = errors.Join(s.SetLinger(0), s.Bind("tcp://127.0.0.1:*"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	last, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	port, err := netip.ParseAddrPort(strings.TrimPrefix(last, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	return uint(port.Port())
}

// looking is a conn that can look and does nothing else.
func looking(t *testing.T, cfg Config, role Role) *conn {
	t.Helper()
	waker, err := zmsg.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{obs: &Observer{}, log: (&Observer{}).logger(), peers: newPeerTable(), alarm: &alarm{waker: waker}}
	c.ctx, c.cancel = context.WithCancel(t.Context())
	if err := c.assemble(&cfg, role, nil, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.cancel()
		c.door.Close(0)
		waker.Close()
	})
	return c
}

// What a look at real servers finds, and within which time.
func TestLook(t *testing.T) {
	httpServer := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.NotFoundHandler()}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = httpServer.Serve(l) }()
	t.Cleanup(func() { httpServer.Close() })
	dir := t.TempDir()
	for _, row := range []struct {
		name    string
		pattern wire.Pattern
		role    Role
		set     func(cfg *Config)
		want    finding
	}{
		{"nobody", wire.Pair, SenderRole, func(cfg *Config) { cfg.Port = listenerGone(t) }, finding{cause: causeNobody, reason: "connection refused"}},
		{"HTTP of Go", wire.PubSub, ReceiverRole, func(cfg *Config) { cfg.Port = uint(l.Addr().(*net.TCPAddr).Port) }, finding{cause: causeHTTP}},
		{"a server for lines", wire.Pair, SenderRole, func(cfg *Config) {
			cfg.Port = listener(t, func(c net.Conn) { // as Python's http.server
				b := make([]byte, 100)
				for {
					n, err := c.Read(b)
					if err != nil || strings.Contains(string(b[:n]), "\n") {
						_, _ = io.WriteString(c, "<!DOCTYPE HTML>\n<html lang=\"en\"><head>")
						return
					}
				}
			})
		}, finding{cause: causeHTTP}},
		{"SSH", wire.Pair, SenderRole, func(cfg *Config) {
			cfg.Port = listener(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n"); _, _ = io.Copy(io.Discard, c) })
		}, finding{cause: causeStranger, reason: "SSH-2.0-x"}},
		{"silence", wire.Pair, SenderRole, func(cfg *Config) { cfg.Port = listener(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) }, finding{cause: causeMute}},
		{"a proxy to nobody", wire.Pair, SenderRole, func(cfg *Config) { cfg.Port = listener(t, func(net.Conn) {}) }, finding{cause: causeHangsUp}},
		{"PAIR to PAIR", wire.Pair, SenderRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.PAIR) }, finding{cause: causeFits, mechanism: "NULL", socket: "PAIR"}},
		{"PAIR to REP", wire.Pair, SenderRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.REP) }, finding{cause: causePattern, mechanism: "NULL", socket: "REP"}},
		{"REQ to PAIR", wire.ReqRep, SenderRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.PAIR) }, finding{cause: causePattern, mechanism: "NULL", socket: "PAIR"}},
		{"REQ to REQ", wire.ReqRep, SenderRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.REQ) }, finding{cause: causeSameRole, mechanism: "NULL", socket: "REQ"}},
		{"SUB to SUB", wire.PubSub, ReceiverRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.SUB) }, finding{cause: causeSameRole, mechanism: "NULL", socket: "SUB"}},
		{"PUB to SUB", wire.PubSub, SenderRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.SUB) }, finding{cause: causeFits, mechanism: "NULL", socket: "SUB"}},
		{"PUSH", wire.PubSub, ReceiverRole, func(cfg *Config) { cfg.Port = bound(t, zmq4.PUSH) }, finding{cause: causeNotPeer, mechanism: "NULL", socket: "PUSH"}},
		{"no file", wire.Pair, SenderRole, func(cfg *Config) { cfg.Protocol, cfg.Address = IPC, filepath.Join(dir, "none") }, finding{cause: causeNoSocket, reason: "no such file or directory"}},
		{"a dead file", wire.Pair, SenderRole, func(cfg *Config) {
			cfg.Protocol, cfg.Address = IPC, filepath.Join(dir, "dead")
			l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: strings.TrimPrefix(cfg.endpoint(cfg.Port), "ipc://")})
			if err != nil {
				t.Fatal(err)
			}
			l.SetUnlinkOnClose(false)
			l.Close()
		}, finding{cause: causeNobody, reason: "connection refused"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig(row.role)
			cfg.Address, cfg.Pattern, cfg.Bind = "127.0.0.1", row.pattern, false
			row.set(&cfg)
			c := looking(t, cfg, row.role)
			begin := time.Now()
			if got := c.refusals.scout.look(cfg.Port); got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
			if took := time.Since(begin); took > lookPatience+time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// listenerGone returns a port at which nobody listens.
func listenerGone(t *testing.T) uint {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint(l.Addr().(*net.TCPAddr).Port)
}

// A look is nobody's peer: it takes no place at a PAIR socket, which has one.
func TestLookIsNoPeer(t *testing.T) {
	s, err := zmq4.NewSocket(zmq4.PAIR)
	if err == nil {
		err = errors.Join(s.SetLinger(0), s.SetRcvtimeo(10*time.Second), s.Bind("tcp://127.0.0.1:*"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	last, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig(SenderRole)
	cfg.Address, cfg.Port = "127.0.0.1", uint(netip.MustParseAddrPort(strings.TrimPrefix(last, "tcp://")).Port())
	c := looking(t, cfg, SenderRole)
	for range 20 {
		if f := c.refusals.scout.look(cfg.Port); f.cause != causeFits || f.socket != "PAIR" {
			t.Fatalf("%+v", f)
		}
	}
	peer, err := zmq4.NewSocket(zmq4.PAIR)
	if err == nil {
		err = errors.Join(peer.SetLinger(0), peer.Connect(last))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Send("hello", 0); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Recv(0); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// A look ends with its conn.
func TestLookEndsAtOnce(t *testing.T) {
	cfg := DefaultConfig(SenderRole)
	cfg.Address, cfg.Port = "127.0.0.1", listener(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	c := looking(t, cfg, SenderRole)
	done := make(chan finding, 1)
	go func() { done <- c.refusals.scout.look(cfg.Port) }()
	time.AfterFunc(50*time.Millisecond, c.cancel)
	begin := time.Now()
	if f := <-done; f.cause != causeUnknown {
		t.Errorf("%+v", f)
	}
	if took := time.Since(begin); took > greetingPatience/2 {
		t.Errorf("took %v", took)
	}
}

// One text for several ports.
func TestConclude(t *testing.T) {
	cfg := DefaultConfig(SenderRole)
	cfg.Address = "cam"
	c := looking(t, cfg, SenderRole)
	nobody, web := finding{cause: causeNobody, reason: "connection refused"}, finding{cause: causeHTTP}
	cause, text := c.refusals.scout.conclude([]uint{1, 2, 3, 4}, []finding{nobody, web, nobody, {}})
	if cause != "HTTP, nobody listens" || !strings.Contains(text, "nobody listens at tcp://cam:1,tcp://cam:3") || !strings.Contains(text, "; an HTTP server listens at tcp://cam:2") {
		t.Errorf("%q: %s", cause, text)
	}
}

// An error of dialling is a cause.
func TestUnreached(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	c := looking(t, DefaultConfig(SenderRole), SenderRole)
	for _, row := range []struct {
		err  error
		want cause
	}{
		{op(os.NewSyscallError("connect", syscall.ECONNREFUSED)), causeNobody},
		{op(os.NewSyscallError("connect", syscall.ENOENT)), causeNoSocket},
		{op(os.NewSyscallError("connect", syscall.EACCES)), causePermission},
		{op(os.NewSyscallError("connect", syscall.ETIMEDOUT)), causeNoAnswer},
		{op(os.ErrDeadlineExceeded), causeNoAnswer},
		{op(context.DeadlineExceeded), causeNoAnswer},
		{op(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), causeUnreachable},
		{op(os.NewSyscallError("connect", syscall.ENETUNREACH)), causeUnreachable},
		{&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}, causeNoName},
		{&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}, causeLookup},
		{&net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true}, causeLookup},
		{errors.New("no such kind of socket"), causeUnreachable},
	} {
		if got := c.refusals.scout.unreached(row.err); got.cause != row.want || got.reason == "" {
			t.Errorf("%v: %+v, want %q", row.err, got, row.want)
		}
	}
}

// Warnings of one kind thin out.
func TestPacer(t *testing.T) {
	var p pacer
	begin := time.Unix(1000, 0)
	for i, s := range []struct {
		at   time.Duration
		kind string
		held int
		ok   bool
	}{
		{0, "a", 0, true},
		{time.Millisecond, "a", 0, false},
		{time.Millisecond, "b", 0, true},
		{time.Second, "a", 1, true},
		{2 * time.Second, "a", 0, false},
		{3 * time.Second, "a", 1, true},
		{6 * time.Second, "a", 0, false},
		{7 * time.Second, "a", 1, true},
		{time.Minute, "a", 0, true},
	} {
		if held, ok := p.allow(s.kind, begin.Add(s.at)); held != s.held || ok != s.ok {
			t.Errorf("step %d: %d, %v; want %d, %v", i, held, ok, s.held, s.ok)
		}
	}
}

// libzmq says nothing of a socket of another type: the connection ends during its
// handshake. One that lasted had a handshake that another one had the credit for.
func TestPeerOfAnotherType(t *testing.T) {
	table := newPeerTable()
	begin := time.Now()
	table.event(1, linkNews{kind: linkAccepted, endpoint: "tcp://bound:1", from: "tcp://10.0.0.7:1", fd: 5})
	if ch := table.event(1, linkNews{kind: linkEnded, fd: 5}); ch.why != failedPattern || ch.rejected != "tcp://10.0.0.7:1" {
		t.Errorf("%+v", ch)
	}
	if turned, ok := table.lastTurnedAway(begin.Add(-time.Second)); !ok || turned.why != failedPattern {
		t.Errorf("%+v, %v", turned, ok)
	}
	table.event(1, linkNews{kind: linkAccepted, endpoint: "tcp://bound:1", from: "tcp://10.0.0.7:1", fd: 6})
	table.sockets[1].pending[0].begun = begin.Add(-time.Minute)
	if ch := table.event(1, linkNews{kind: linkEnded, fd: 6}); ch.rejected != "" {
		t.Errorf("%+v", ch)
	}
}
