package netgear

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// failure is why a handshake failed, as far as libzmq's monitor tells.
type failure uint8

const (
	failedUnknown   failure = iota // the connection ended, or no sense was made of what came
	failedDenied                   // a ZAP handler, ours or theirs, said no
	failedMechanism                // one end has CURVE and the other has not
	failedCrypto                   // what came was encrypted for another key
	failedPattern                  // the sockets do not go together
)

// Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL.
const (
	protocolInvalidMetadata   = 0x10000018
	protocolCryptographic     = 0x11000001
	protocolMechanismMismatch = 0x11000002
	// zapDenied is ZMQ_EVENT_HANDSHAKE_FAILED_AUTH's for a refusal; 300 and 500
	// are troubles of the other end's handler, and worth another try.
	zapDenied = 400
)

func failureOfProtocol(value int) failure {
	switch value {
	case protocolCryptographic:
		return failedCrypto
	case protocolMechanismMismatch:
		return failedMechanism
	case protocolInvalidMetadata:
		return failedPattern
	}
	return failedUnknown
}

func failureOfAuth(value int) failure {
	if value == zapDenied {
		return failedDenied
	}
	return failedUnknown
}

// reason says to the end that binds why it let nobody in. For failedDenied the
// ZAP handler knows better.
func (f failure) reason(secure bool) string {
	switch f {
	case failedDenied:
		return "not authorized"
	case failedMechanism:
		if secure {
			return "not encrypted: its secure-mode is grasslands, ours is not"
		}
		return "encrypted: our secure-mode is grasslands, its is not"
	case failedCrypto:
		return "encrypted for another server key than ours"
	case failedPattern:
		return "its pattern is another one"
	case failedUnknown:
	}
	return "the handshake failed"
}

// isRefusal says whether it is a matter of keys and rights.
func (f failure) isRefusal() bool {
	return f == failedDenied || f == failedMechanism || f == failedCrypto
}

// refusal returns the final error of an end that connects and is not let in,
// or does not want to go in, or nil when another attempt may end better.
func (c *conn) refusal(f failure) error {
	var text string
	switch f {
	case failedDenied:
		text = "does not let us in: it has not our address in its list"
		if c.keys != nil {
			text = fmt.Sprintf("does not let us in: it has not our public key %s among those of its clients, or not our address in its list",
				z85Encode(c.keys.own.public))
		}
	case failedMechanism:
		text = "wants encryption: set secure-mode and its certificates here too"
		if c.keys != nil {
			text = "does not encrypt: want secure-mode there too; it gets nothing"
		}
	case failedCrypto:
		text = "has not the key that belongs to " + c.keyFile()
	case failedUnknown, failedPattern:
		return nil
	}
	return fmt.Errorf("netgear: %w: %s %s", ErrUnauthorized, c.endpoints(), text)
}

func (c *conn) keyFile() string {
	if c.keys == nil {
		return serverName + publicSuffix
	}
	return c.keys.public(serverName)
}

// suspicion is what is known of an end at which handshakes end without a word.
// A CURVE server that cannot read what a client says hangs up so, and so does
// a proxy with nobody behind it; and of two ends with different mechanisms the
// slower one hears no more. So the other end is asked what it is.
//
// That it is a CURVE server says little about the handshake before: it may
// have been started in between. Handshakes that fail after it has said so, in
// a row, are its doing. Safe for concurrent use.
type suspicion struct {
	mu    sync.Mutex
	curve bool // it has said so, and nothing has gone well since
	count int  // of handshakes that failed after that
}

// suspicionLimit is how many make it certain.
const suspicionLimit = 2

// answered takes note of what the other end said of itself after a handshake
// failed, and says whether it is certain that it does not know our keys.
func (s *suspicion) answered(curve bool) (certain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.curve && curve {
		s.count++
	} else {
		s.count = 0
	}
	s.curve = curve
	return s.count >= suspicionLimit
}

func (s *suspicion) allay() { s.answered(false) }

// silentFailure takes note of a handshake with number i of our ports that ended
// without a word, and returns the final error when it is known why.
func (c *conn) silentFailure(i int) error {
	theirs := c.greet(c.ports[i])
	if theirs != "" && theirs != c.mechanism() {
		return c.refusal(failedMechanism)
	}
	if c.suspicions[i].answered(theirs == mechanismCurve) {
		return fmt.Errorf("netgear: %w: %s hangs up on us: its key is not the one in %s, or its pattern is not %s",
			ErrUnauthorized, c.cfg.endpoint(c.ports[i]), c.keyFile(), c.cfg.Pattern)
	}
	return nil
}

// portIndex says which of our ports an endpoint is of, which libzmq may spell
// otherwise than we do.
func (c *conn) portIndex(endpoint string) int {
	return max(0, slices.IndexFunc(c.ports, func(p uint) bool { return portOf(endpoint) == strconv.FormatUint(uint64(p), 10) }))
}

func (c *conn) mechanism() string {
	if c.keys != nil {
		return mechanismCurve
	}
	return mechanismNull
}

// greetingPatience is how long the other end may take to greet back.
const greetingPatience = time.Second

// greet greets the other end as ZMTP 3.0 does (RFC 23), outside libzmq, which
// does not tell, and returns the mechanism that it names; "" when there is no
// such end. Where the mechanisms differ it leaves hanging up to the other end,
// so that this one knows why it got no further.
func (c *conn) greet(port uint) (mechanism string) {
	network, address := c.dialable(port)
	ctx, cancel := context.WithTimeout(c.ctx, greetingPatience)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return ""
	}
	defer conn.Close()
	defer spawnAtEnd(ctx, c.fail, func() { conn.Close() })()
	// Signature and version alone at first: an end that has read another
	// mechanism hangs up before it has sent its own.
	ours, theirs := greeting(c.mechanism()), make([]byte, greetingLen)
	if _, err := conn.Write(ours[:greetingVersion]); err != nil {
		return ""
	}
	if _, err := io.ReadFull(conn, theirs); err != nil {
		return ""
	}
	if mechanism = mechanismOf(theirs); mechanism != c.mechanism() {
		_, _ = conn.Write(ours[greetingVersion:]) // it need not take it
		_, _ = io.Copy(io.Discard, conn)          // until it hangs up
	}
	return mechanism
}

// dialable returns the endpoint of that port for package net.
func (c *conn) dialable(port uint) (network, address string) {
	protocol, address, _ := strings.Cut(c.connectEndpoint(port), "://")
	if protocol == IPC.String() {
		return "unix", address
	}
	return "tcp", address
}

// A greeting is so many bytes long, and its version ends there.
const (
	greetingLen     = 64
	greetingVersion = 12
)

// greeting is signature, version 3.0, mechanism, as-server, filler. libzmq
// leaves as-server at 0 on both sides.
func greeting(mechanism string) []byte {
	g := make([]byte, greetingLen)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:32], mechanism)
	return g
}

// mechanismOf returns the mechanism that a greeting names, or "" when it is no
// greeting of ZMTP 3.
func mechanismOf(g []byte) string {
	if len(g) != greetingLen || g[0] != 0xff || g[9]&1 != 1 || g[10] < 3 {
		return ""
	}
	return strings.TrimRight(string(g[12:32]), "\x00")
}
