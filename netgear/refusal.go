package netgear

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// failure is why a handshake failed, as far as libzmq's monitor reports it.
type failure uint8

const (
	failedUnknown   failure = iota // the connection ended, or what came made no sense
	failedDenied                   // a ZAP handler, ours or theirs, refused
	failedMechanism                // one end has CURVE and the other has not
	failedCrypto                   // what came was encrypted for another key
	failedPattern                  // the types of the sockets do not fit
)

// Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL.
const (
	protocolInvalidMetadata   = 0x10000018
	protocolCryptographic     = 0x11000001
	protocolMechanismMismatch = 0x11000002
	// zapDenied is the value of ZMQ_EVENT_HANDSHAKE_FAILED_AUTH for a refusal. The
	// values 300 and 500 are faults of the other end's handler, and worth another
	// attempt.
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

// reason returns, for the binding end, why it refused. For failedDenied the ZAP
// handler knows more.
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
		return "its pattern is another one, or it is no NetGear end"
	case failedUnknown:
	}
	return "the handshake failed"
}

// cure returns what to do at the binding end about a peer that was refused for that
// reason. The reason may be from deny.
func (f failure) cure(reason string, pattern wire.Pattern, keys *keyring) string {
	switch f {
	case failedDenied:
		switch {
		case strings.HasPrefix(reason, notAllowed):
			return "add it to allow, if it should come in"
		case strings.HasPrefix(reason, unknownKey):
			return "if it should come in, copy its client.key there (netgear-keys makes one for each)"
		}
		return "see secure-mode and allow"
	case failedMechanism:
		if keys != nil {
			return "set secure-mode and its certificates there too"
		}
		return "set secure-mode and its certificates here too, or secure-mode=grasslands there"
	case failedCrypto:
		return "copy " + keys.serverFile() + " of this end to it"
	case failedPattern:
		return fmt.Sprintf("set the same pattern at both ends (here it is %s); one of the two must send, and one receive", pattern)
	case failedUnknown:
	}
	return "look at its side"
}

// worthAWarning reports whether the peer was in earnest. A port scanner is not.
func (f failure) worthAWarning() bool { return f.isRefusal() || f == failedPattern }

// refusals handles failed handshakes: those of its visitors where this end binds,
// its own where it connects. Any goroutine may call its methods.
type refusals struct {
	scout *scout
	alarm *alarm
	peers *peerTable
	obs   *Observer
	keys  *keyring

	suspicions []suspicion // one for each port
	// last is why the other end refused this end, which it had let in before. It is
	// nil after the next success.
	last atomic.Pointer[string]
	pace pacer // of warnings
	// mentions counts the rejections that were reported in the second mentioned.
	mentions, mentioned atomic.Int64
}

// maxMentions bounds the rejections by the door that are reported in one second: a
// flood of them would keep the program's handlers busy.
const maxMentions = 20

// mention reports whether another rejection may be reported in this second.
func (r *refusals) mention() bool {
	if second := time.Now().Unix(); r.mentioned.Swap(second) != second {
		r.mentions.Store(0)
	}
	return r.mentions.Add(1) <= maxMentions
}

// warn warns of a peer that this end, which binds, refused.
func (r *refusals) warn(ch *peerChange) {
	if !ch.why.worthAWarning() {
		return
	}
	text := ch.reason + ": " + ch.why.cure(ch.reason, r.scout.cfg.Pattern, r.keys)
	held, ok := r.pace.allow(fmt.Sprint("rejected ", ch.why), time.Now())
	if !ok {
		return
	}
	if held > 0 {
		text += fmt.Sprintf(" (and %d more)", held)
	}
	r.obs.warn(withCause(fmt.Errorf("netgear: %w: %s is not let in: %s", ErrRefused, shownPeer(ch.rejected), text), cause(fmt.Sprint(causeTurnedAway, ch.why))))
}

// failed handles a failed handshake with number i of the ports that this end
// connects to. silent means that it ended without a word.
func (r *refusals) failed(i int, why failure, silent bool) {
	text := ""
	switch {
	case silent:
		text = r.silent(i)
	default:
		text = r.text(i, why)
		if why == failedMechanism {
			r.scout.theirMechanism(r.scout.ports[i]) // so that the other end learns it too
		}
	}
	if text != "" {
		r.refused(text)
	}
}

// refused handles a refusal by the other end, or a peer there that must not get
// anything. It is final for an end that never had a peer, at any of its ports. An end
// that had one goes on: receivers are restarted with other settings, and strangers
// take ports.
func (r *refusals) refused(text string) {
	r.peers.authFailures.Add(1)
	if _, since := r.peers.presence(); since.IsZero() {
		r.alarm.fail(fmt.Errorf("netgear: %w: %s", ErrUnauthorized, text))
		return
	}
	r.last.Store(&text)
	if _, ok := r.pace.allow("refused", time.Now()); ok {
		r.obs.warn(withCause(fmt.Errorf("netgear: %w: %s: trying again", ErrRefused, text), causeRefused))
	}
}

// welcomed notes that a handshake with number i of our ports succeeded.
func (r *refusals) welcomed(i int) {
	r.last.Store(nil)
	r.suspicions[i].allay()
}

// isRefusal reports whether it is about keys and rights.
func (f failure) isRefusal() bool {
	return f == failedDenied || f == failedMechanism || f == failedCrypto
}

// text returns why the other end at number i of our ports refuses this end, or why
// this end does not want to connect. It is empty when another attempt may succeed.
func (r *refusals) text(i int, f failure) string {
	text := ""
	switch f {
	case failedDenied:
		text = "does not let us in: it has not our address in its list"
		if r.keys != nil {
			text = fmt.Sprintf("does not let us in: it has not our public key %s among those of its clients, or not our address in its list",
				z85Encode(r.keys.own.public))
		}
	case failedMechanism:
		text = "wants encryption: set secure-mode and its certificates here too"
		if r.keys != nil {
			text = "does not encrypt: want secure-mode there too; it gets nothing"
		}
	case failedCrypto:
		text = "has not the key that belongs to " + r.keys.serverFile()
	case failedUnknown, failedPattern:
		return ""
	}
	return r.scout.cfg.endpoint(r.scout.ports[i]) + " " + text
}

// suspicion is what we know of a port at which handshakes end without a word. A
// CURVE server that cannot decrypt what a client says hangs up like that, and so
// does a proxy with nobody behind it. Where two ends have different mechanisms, the
// slower one hears no reason either. So the other end is asked what it is.
//
// A CURVE server may have been started after the handshake, so its answer says
// little about the handshake before. But when handshakes go on failing after that
// answer, the keys are the reason. Safe for concurrent use.
type suspicion struct {
	mu    sync.Mutex
	curve bool // the other end has said so, and no handshake has succeeded since
	count int  // how many handshakes have failed after that
}

// suspicionLimit is how many of them make it certain.
const suspicionLimit = 2

// answered notes what the other end said of itself after a failed handshake. It
// reports whether it is certain that the other end does not know our keys.
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

// silent handles a handshake with number i of our ports that ended without a word.
// It returns the reason once that is certain.
func (r *refusals) silent(i int) string {
	port := r.scout.ports[i]
	theirs := r.scout.theirMechanism(port)
	if theirs != "" && theirs != r.keys.mechanism() {
		return r.text(i, failedMechanism)
	}
	if r.suspicions[i].answered(theirs == mechanismCurve) {
		cfg := r.scout.cfg
		return fmt.Sprintf("%s hangs up on us: its key is not the one in %s, or its pattern is not %s", cfg.endpoint(port), r.keys.serverFile(), cfg.Pattern)
	}
	return ""
}

// The length of a greeting, and the end of the version in it.
const (
	greetingLen     = 64
	greetingVersion = 12
)

// mechanismOf returns the mechanism in a greeting, or "" when it is not a greeting
// of ZMTP 3.
func mechanismOf(g []byte) string {
	if len(g) != greetingLen || g[0] != 0xff || g[9]&1 != 1 || g[10] < 3 {
		return ""
	}
	return strings.TrimRight(string(g[12:32]), "\x00")
}
