package netgear

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Times of a look at the other end. Together they fit into the five seconds within
// which an end explains why nothing comes; see inquiry.
const (
	lookPatience     = 1900 * time.Millisecond // in all
	dialPatience     = 1200 * time.Millisecond // more than the kernel's pause before it tries again
	greetingPatience = time.Second             // for the other end's greeting, and for its READY
	provokeAfter     = greetingPatience / 2    // of silence, for servers that wait for a line
)

// cause is the reason why nothing comes, as far as a look shows it.
type cause string

// Causes. The table sentences explains each of them to people.
const (
	causeUnknown     cause = ""
	causeNoName      cause = "no such name"
	causeLookup      cause = "name not looked up"
	causeNobody      cause = "nobody listens"
	causeNoAnswer    cause = "no answer"
	causeUnreachable cause = "unreachable"
	causeNoSocket    cause = "no socket file"
	causePermission  cause = "no permission"
	causeHTTP        cause = "HTTP"
	causeStranger    cause = "not ZeroMQ"
	causeMute        cause = "silent"
	causeHangsUp     cause = "hangs up"
	causeEncryption  cause = "encryption"
	causePattern     cause = "pattern"
	causeSameRole    cause = "same role"
	causeNotPeer     cause = "no NetGear socket"
	causeDenied      cause = "denied"
	causeRefused     cause = "refused"
	causeFits        cause = "fits"
	causeTunnel      cause = "tunnel"
	causeAlone       cause = "nobody has connected"
	causeTurnedAway  cause = "turned away"
	causeCameAndWent cause = "came and went"
	causeUnconfirmed cause = "nothing confirmed"
	causeNoFrame     cause = "nothing sent"
)

// finding is the result of a look at one port.
type finding struct {
	cause cause
	// reason is the system's error text, or what was said instead of a greeting, or
	// the text of a refusal.
	reason    string
	mechanism string // from the greeting: NULL, CURVE, PLAIN ...
	socket    string // from READY, which only NULL sends unencrypted: PAIR, REQ ...
}

// zmtpReady is the content of a peer's READY.
type zmtpReady struct {
	command string // READY, or ERROR
	socket  string // READY's Socket-Type
	reason  string // ERROR's
}

// A command's flag and lengths (RFC 23). A READY has some 40 bytes; one that is
// longer than the limit is not read.
const (
	commandFlag, longFlag = 0x04, 0x02
	maxReady              = 1024
)

var errReady = errors.New("no READY")

// parseReady reads the first frame of a NULL handshake. io.ErrUnexpectedEOF means
// that it needs more bytes.
func parseReady(b []byte) (r zmtpReady, err error) {
	if len(b) < 2 {
		return r, io.ErrUnexpectedEOF
	}
	head, size := 2, uint64(b[1])
	if b[0]&longFlag != 0 {
		if head = 9; len(b) < head {
			return r, io.ErrUnexpectedEOF
		}
		size = binary.BigEndian.Uint64(b[1:])
	}
	if b[0]&commandFlag == 0 || size > maxReady {
		return r, errReady
	}
	if uint64(len(b)-head) < size { //nolint:gosec // head is within b
		return r, io.ErrUnexpectedEOF
	}
	body := b[head : uint64(head)+size]
	name, body, ok := cutShort(body)
	if r.command = string(name); !ok {
		return r, errReady
	}
	switch r.command {
	case "ERROR":
		reason, _, _ := cutShort(body)
		r.reason = string(reason)
		return r, nil
	case "READY":
		return r, r.properties(body)
	}
	return r, errReady
}

// cutShort splits off a string whose length is in the byte before it.
func cutShort(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	return b[1 : 1+b[0]], b[1+b[0]:], true
}

func (r *zmtpReady) properties(b []byte) error {
	const sizeLen = 4
	for len(b) > 0 {
		name, rest, ok := cutShort(b)
		if !ok || len(rest) < sizeLen {
			return errReady
		}
		size := binary.BigEndian.Uint32(rest)
		if rest = rest[sizeLen:]; uint64(len(rest)) < uint64(size) {
			return errReady
		}
		if strings.EqualFold(string(name), "Socket-Type") {
			r.socket = string(rest[:size])
		}
		b = rest[size:]
	}
	return nil
}

// scout looks at the other end, beside the stream, to find out why nothing comes.
// Any goroutine may call its methods.
type scout struct {
	*entrance
	role       Role
	socketType string // ours, by its name in ZMTP
	keys       *keyring
	peers      *peerTable
	ctx        context.Context // ends with the conn
}

// look greets the other end as ZMTP 3.0 does (RFC 23), and returns what it finds. It
// does so outside libzmq, which reports none of this. It sends no READY to a socket
// that fits ours, so the other end does not take it for a peer. When the conn ends,
// it returns a finding without a cause.
func (s *scout) look(port uint) (f finding) {
	ctx, cancel := context.WithTimeout(s.ctx, lookPatience)
	defer cancel()
	conn, f := s.knock(ctx, port)
	if conn != nil {
		defer conn.Close()
		defer spawnAtEnd(ctx, s.alarm.fail, func() { conn.Close() })()
		if f = greet(conn, s.keys.mechanism(), s.alarm.fail); f.ready() {
			f = judgeReady(conn, f, socketKind{s.cfg.Pattern, s.role}, s.alarm.fail)
			if s.cfg.mayPull(s.role) && s.pull(f.socket) {
				f.cause = causeFits
			}
			if f.cause == causePattern || f.cause == causeSameRole {
				s.tellType(conn)
			}
		}
	}
	if s.ctx.Err() != nil {
		return finding{}
	}
	return f
}

// knock connects to a port of the other end, or returns why it cannot.
func (s *scout) knock(ctx context.Context, port uint) (net.Conn, finding) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	conn, err := s.dial(ctx, port)
	if err != nil {
		return nil, s.unreached(err)
	}
	return conn, finding{}
}

// theirMechanism asks the other end for its mechanism. It returns "" when nothing
// answers as ZeroMQ does.
func (s *scout) theirMechanism(port uint) string {
	ctx, cancel := context.WithTimeout(s.ctx, greetingPatience)
	defer cancel()
	conn, _ := s.knock(ctx, port)
	if conn == nil {
		return ""
	}
	defer conn.Close()
	defer spawnAtEnd(ctx, s.alarm.fail, func() { conn.Close() })()
	return greet(conn, s.keys.mechanism(), s.alarm.fail).mechanism
}

// unreached returns what an error of dial means.
func (s *scout) unreached(err error) finding {
	if s.tunnel != nil {
		return finding{cause: causeTunnel, reason: strings.TrimPrefix(err.Error(), "netgear: ")}
	}
	f := finding{reason: plainReason(err)}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		f.cause = causeNoName
	case errors.As(err, &dns):
		f.cause = causeLookup
	case errors.Is(err, syscall.ECONNREFUSED):
		f.cause = causeNobody
	case errors.Is(err, fs.ErrNotExist):
		f.cause = causeNoSocket
	case errors.Is(err, fs.ErrPermission):
		f.cause = causePermission
	case isTimeout(err):
		f.cause = causeNoAnswer
	default:
		f.cause = causeUnreachable
	}
	return f
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// plainReason returns the innermost error, which is the system's.
func plainReason(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &dns):
		return dns.Err
	}
	return err.Error()
}

// greet exchanges greetings over conn, which it may close.
func greet(conn net.Conn, mechanism string, fail func(error)) (f finding) {
	// Send the signature and version alone at first: an end that has read another
	// mechanism hangs up before it has sent its own.
	ours := door.Greeting(mechanism)
	if _, err := conn.Write(ours[:greetingVersion]); err != nil {
		return finding{cause: causeHangsUp, reason: plainReason(err)}
	}
	theirs, provoked, silent := readGreeting(conn, fail)
	switch {
	case len(theirs) == 0 && silent:
		return finding{cause: causeMute}
	case len(theirs) == 0:
		return finding{cause: causeHangsUp}
	}
	f.mechanism = mechanismOf(theirs)
	switch {
	case f.mechanism == "":
		return stranger(theirs)
	case f.mechanism != mechanism:
		f.cause = causeEncryption
	case mechanism != mechanismNull || provoked:
		f.cause = causeFits // what follows is encrypted, or cannot be understood
	}
	if provoked {
		return f
	}
	_, _ = conn.Write(ours[greetingVersion:]) // an error here does not matter
	if f.mechanism != mechanism {
		// Let the other end hang up: then it knows why this end got no further.
		defer spawnAfter(greetingPatience, fail, func() { conn.Close() }).Stop()
		_, _ = io.Copy(io.Discard, conn)
	}
	return f
}

// ready reports whether the other end's READY can be read next.
func (f finding) ready() bool { return f.cause == causeUnknown && f.mechanism == mechanismNull }

// readGreeting reads the other end's greeting, or what it sends instead. After a
// time of silence it sends the end of a line, which a server for lines of text
// answers; provoked reports whether it did. silent reports whether nothing came in
// time, as opposed to an end of the connection. An SSH tunnel has no deadlines, so a
// wait is ended by closing conn.
func readGreeting(conn net.Conn, fail func(error)) (theirs []byte, provoked, silent bool) {
	var line, late atomic.Bool
	provoke := spawnAfter(provokeAfter, fail, func() {
		line.Store(true)
		_, _ = conn.Write([]byte("\r\n\r\n")) // an error here does not matter
	})
	defer provoke.Stop()
	defer spawnAfter(greetingPatience, fail, func() {
		late.Store(true)
		conn.Close()
	}).Stop()
	theirs = make([]byte, greetingLen)
	for n := 0; n < len(theirs); {
		got, err := conn.Read(theirs[n:])
		if n += got; got > 0 {
			provoke.Stop()
		}
		if err != nil {
			return theirs[:n], line.Load(), late.Load()
		}
	}
	return theirs, line.Load(), false
}

// stranger returns what kind of server sends that instead of a greeting.
func stranger(said []byte) finding {
	if said[0] == 0xff { // cut off, or of a version before 3
		return finding{cause: causeStranger, reason: "an old or broken ZeroMQ"}
	}
	lower := bytes.ToLower(said)
	for _, sign := range []string{"http/", "<html", "<!doctype html"} {
		if bytes.Contains(lower, []byte(sign)) {
			return finding{cause: causeHTTP}
		}
	}
	line, _, _ := bytes.Cut(said, []byte("\n"))
	text := strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(line)))
	return finding{cause: causeStranger, reason: text}
}

// judgeReady reads the other end's READY, and finds out whether its socket fits
// ours.
func judgeReady(conn net.Conn, f finding, ours socketKind, fail func(error)) finding {
	f.cause = causeFits // as long as it says nothing else
	defer spawnAfter(greetingPatience, fail, func() { conn.Close() }).Stop()
	for b, n := make([]byte, maxReady), 0; ; {
		r, err := parseReady(b[:n])
		switch {
		case err == nil && r.command == "READY":
			f.socket, f.cause = r.socket, fit(r.socket, ours)
			return f
		case err == nil:
			f.cause, f.reason = causeDenied, r.reason
			return f
		case !errors.Is(err, io.ErrUnexpectedEOF) || n == len(b):
			return f
		}
		got, err := conn.Read(b[n:])
		if n += got; err != nil && got == 0 {
			return f
		}
	}
}

// tellType sends the type of our socket to an other end that it does not fit, and
// lets that end hang up. So the other end knows too.
func (s *scout) tellType(conn net.Conn) {
	if _, err := conn.Write(appendReady(nil, s.socketType)); err != nil {
		return
	}
	defer spawnAfter(greetingPatience, s.alarm.fail, func() { conn.Close() }).Stop()
	_, _ = io.Copy(io.Discard, conn)
}

// appendReady appends a READY that has only a socket type.
func appendReady(b []byte, socket string) []byte {
	const ready, property = "\x05READY", "\x0bSocket-Type"
	b = append(b, commandFlag, byte(len(ready)+len(property)+4+len(socket))) //nolint:gosec // some 30
	b = append(b, ready+property...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(socket))) //nolint:gosec // a few letters
	return append(b, socket...)
}

// socketKind is a socket type of ZeroMQ in NetGear's terms.
type socketKind struct {
	pattern wire.Pattern
	role    Role // 0: both
}

// socketKinds holds the types that a NetGear end may meet.
var socketKinds = map[string]socketKind{
	"PAIR": {wire.Pair, 0},
	"REQ":  {wire.ReqRep, SenderRole}, "DEALER": {wire.ReqRep, SenderRole},
	"REP": {wire.ReqRep, ReceiverRole}, "ROUTER": {wire.ReqRep, ReceiverRole},
	"PUB": {wire.PubSub, SenderRole}, "XPUB": {wire.PubSub, SenderRole},
	"SUB": {wire.PubSub, ReceiverRole}, "XSUB": {wire.PubSub, ReceiverRole},
}

// fit compares a socket of that type with ours; causeFits means that the two fit.
func fit(socket string, ours socketKind) cause {
	theirs, known := socketKinds[socket]
	switch {
	case !known:
		return causeNotPeer
	case theirs.role == ours.role:
		return causeSameRole
	case theirs.pattern != ours.pattern:
		return causePattern
	}
	return causeFits
}

// viewpoint is the end that looks, for sentence.
type viewpoint struct {
	role      Role
	bind      bool
	pattern   wire.Pattern
	protocol  Protocol
	secure    bool
	host      string // the setting address
	ports     string // the setting port, or several ports with commas
	endpoints string
	peers     string // the endpoints of connected peers
}

// other returns the name of the other end.
func (v *viewpoint) other() string {
	if v.role == SenderRole {
		return "receiver"
	}
	return "sender"
}

// where returns the settings that determine where the other end is.
func (v *viewpoint) where() string {
	if strings.Contains(v.ports, ",") {
		return "address=" + v.host + " and ports=" + v.ports
	}
	return "address=" + v.host + " and port=" + v.ports
}

// sentence returns one sentence: why nothing comes, and what to do.
func (v *viewpoint) sentence(f finding) string {
	if say := sentences[f.cause]; say != nil {
		return say(v, f)
	}
	return ""
}

// sentences has a row for each cause: what is wrong, a colon, and what to do.
var sentences = map[cause]func(v *viewpoint, f finding) string{
	// Nobody was reached.
	causeNoName: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("the name %q does not resolve (%s): check its spelling, or type the IP address, as in address=192.168.1.7", v.host, f.reason)
	},
	causeLookup: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("the name %q cannot be looked up (%s): check the network and its name server, or type the IP address, as in address=192.168.1.7", v.host, f.reason)
	},
	causeNobody: func(v *viewpoint, f finding) string {
		if v.protocol == IPC {
			return fmt.Sprintf("nobody listens at %s (%s; its file is left from one that ended): start the %s, or check %s", v.endpoints, f.reason, v.other(), v.where())
		}
		return fmt.Sprintf("nobody listens at %s (%s): start the %s there, or check %s; where both ends have bind=false, set bind=true at one", v.endpoints, f.reason, v.other(), v.where())
	},
	causeNoSocket: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("there is no socket %s (%s): start the %s, or check %s; where both ends have bind=false, set bind=true at one", v.endpoints, f.reason, v.other(), v.where())
	},
	causePermission: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("this user may not use %s (%s): run both ends as one user, or change the mode of the socket and of its folder", v.endpoints, f.reason)
	},
	causeNoAnswer: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("no answer from %s: its machine is off, or a firewall drops what goes there: check %s, and open that tcp port there", v.endpoints, v.where())
	},
	causeUnreachable: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("%s cannot be reached (%s): check address=%s, and the network", v.endpoints, f.reason, v.host)
	},

	// Something else listens.
	causeHTTP: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("an HTTP server listens at %s, which is not ZeroMQ: check %s", v.endpoints, v.where())
	},
	causeStranger: func(v *viewpoint, f finding) string {
		said := ""
		if f.reason != "" {
			said = fmt.Sprintf(" (it says %q)", f.reason)
		}
		return fmt.Sprintf("what listens at %s is not ZeroMQ%s: check %s", v.endpoints, said, v.where())
	},
	causeMute: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("what listens at %s says nothing: it is not ZeroMQ, or its program hangs: check %s, or restart it", v.endpoints, v.where())
	},
	causeHangsUp: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("what listens at %s hangs up at once: it is not ZeroMQ, or a proxy with nobody behind it: check %s, and start the %s", v.endpoints, v.where(), v.other())
	},
	causeEncryption: func(v *viewpoint, f finding) string {
		if v.secure {
			return fmt.Sprintf("the %s at %s does not encrypt, and this end does: set secure-mode and its certificates there too, or secure-mode=grasslands here", v.other(), v.endpoints)
		}
		return fmt.Sprintf("the %s at %s encrypts (%s), and this end does not: set secure-mode and its certificates here too", v.other(), v.endpoints, f.mechanism)
	},
	causePattern: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("the pattern at %s is %v (%s), and here it is %v: set pattern=%[2]v here, or pattern=%[4]v there", v.endpoints, socketKinds[f.socket].pattern, f.socket, v.pattern)
	},
	causeSameRole: func(v *viewpoint, f finding) string {
		if v.role == SenderRole {
			return fmt.Sprintf("both ends send: what listens at %s is a sender too (%s): check %s, or put a receiver (netgearsrc) there", v.endpoints, f.socket, v.where())
		}
		return fmt.Sprintf("both ends receive: what listens at %s is a receiver too (%s): check %s, or put a sender (netgearsink) there", v.endpoints, f.socket, v.where())
	},
	causeNotPeer: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("what listens at %s is a socket of type %.20q, which is of no NetGear pattern: check %s", v.endpoints, f.socket, v.where())
	},
	causeDenied: func(v *viewpoint, f finding) string {
		return fmt.Sprintf("the %s at %s does not let this end in (%q): look at its allow, and at its warnings", v.other(), v.endpoints, f.reason)
	},
	causeFits: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("a %s answers at %s, but no connection comes about: it may be starting, or serve as many as it may (max-connections): look at its side", v.other(), v.endpoints)
	},

	// A peer is connected, or this end binds and no peer has come.
	causeUnconfirmed: func(v *viewpoint, _ finding) string { return v.unconfirmed() },
	causeNoFrame: func(v *viewpoint, _ finding) string {
		return fmt.Sprintf("a sender is connected (%s), but no frame comes: it has none to send, or is paused, or large packets get lost on the way (MTU), or it is a receiver too: look at its side, and try a small picture", v.peers)
	},
	causeAlone: func(v *viewpoint, _ finding) string { return v.alone() },

	// The reason is the whole sentence.
	causeTurnedAway:  func(_ *viewpoint, f finding) string { return f.reason },
	causeCameAndWent: func(_ *viewpoint, f finding) string { return f.reason },
	causeRefused:     func(_ *viewpoint, f finding) string { return f.reason },
	causeTunnel:      func(_ *viewpoint, f finding) string { return f.reason },
}

// alone returns the sentence for a binding end without a visitor.
func (v *viewpoint) alone() string {
	if v.protocol == IPC {
		return fmt.Sprintf("nobody has connected to %s: start the %s with protocol=ipc address=%s port=%s; where both ends have bind=true, set bind=false at one", v.endpoints, v.other(), v.host, v.ports)
	}
	host, elsewhere := v.host, ""
	switch {
	case host == anyAddress || host == "0.0.0.0" || host == "::" || host == "[::]":
		host = ownAddress()
	case strings.HasPrefix(host, "127.") || host == "::1":
		elsewhere = " (from this machine alone: address=* here lets others in)"
	}
	ports := "port=" + v.ports
	if strings.Contains(v.ports, ",") {
		ports = "one of ports " + v.ports
	}
	return fmt.Sprintf("nobody has connected to %s: start the %s with address=%s %s%s, and open that tcp port in a firewall here; where both ends have bind=true, set bind=false at one",
		v.endpoints, v.other(), host, ports, elsewhere)
}

// unconfirmed returns the sentence for a sender that is connected.
func (v *viewpoint) unconfirmed() string {
	others := ""
	if v.pattern == wire.Pair {
		others = " or serves another sender (pair has one),"
	}
	return fmt.Sprintf("a receiver is connected (%s), but confirms nothing: it is paused or slow,%s or large packets get lost on the way (MTU), or it is a sender too: look at its side, and try a small picture", v.peers, others)
}

// view returns the viewpoint of this end for some of its ports.
func (s *scout) view(ports []uint) *viewpoint {
	v := &viewpoint{
		role: s.role, bind: s.cfg.Bind, pattern: s.cfg.Pattern, protocol: s.cfg.Protocol, secure: s.keys != nil,
		host: strings.Trim(s.cfg.host(), "[]"), endpoints: endpointsOf(s.cfg, ports),
	}
	var numbers, peers []string
	for _, p := range ports {
		numbers = append(numbers, strconv.FormatUint(uint64(p), 10))
	}
	for _, p := range s.peers.snapshot() {
		peers = append(peers, p.Endpoint)
	}
	const shown = 3
	if len(peers) > shown {
		peers = append(peers[:shown:shown], "…")
	}
	v.ports, v.peers = strings.Join(numbers, ","), strings.Join(slices.Compact(peers), ", ")
	return v
}
