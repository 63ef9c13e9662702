package netgear

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/pebbe/zmq4"
)

// zapEndpoint is where libzmq asks, within its context, whether to accept a
// connection (RFC 27).
const (
	zapEndpoint = "inproc://zeromq.zap.01"
	zapVersion  = "1.0"
	zapDomain   = "netgear"
)

// Mechanisms by their names on the wire.
const (
	mechanismNull  = "NULL"
	mechanismCurve = "CURVE"
)

// doorkeeper decides by their keys which clients may connect to a binding end. It
// knows no addresses: libzmq's connections come from the door.
type doorkeeper struct {
	keys *keyring
	// refused is called with the reason of each refusal, on the goroutine of
	// serveZAP.
	refused func(reason string)
	// fail is called when nobody can connect any more.
	fail func(error)
	log  *slog.Logger
}

// zapRequest is one question from libzmq.
type zapRequest struct {
	id, domain, mechanism string
	client                curveKey // only with CURVE
}

var errZAP = errors.New("malformed ZAP request")

// parseZAP reads the parts of a request: version, request id, domain, address,
// identity, mechanism, credentials.
func parseZAP(parts [][]byte) (r zapRequest, err error) {
	const fixed = 6
	if len(parts) < fixed {
		return r, fmt.Errorf("%w: %d parts: want %d and the credentials", errZAP, len(parts), fixed)
	}
	r.id = string(parts[1])
	if v := string(parts[0]); v != zapVersion {
		return r, fmt.Errorf("%w: version %.10q: want %s", errZAP, v, zapVersion)
	}
	r.domain, r.mechanism = string(parts[2]), string(parts[5])
	switch credentials := parts[fixed:]; r.mechanism {
	case mechanismNull:
		if len(credentials) != 0 {
			return r, fmt.Errorf("%w: %d credentials for NULL: want none", errZAP, len(credentials))
		}
	case mechanismCurve:
		if len(credentials) != 1 || len(credentials[0]) != len(r.client) {
			return r, fmt.Errorf("%w: CURVE credentials: want one key of %d bytes", errZAP, len(r.client))
		}
		copy(r.client[:], credentials[0])
	default:
		return r, fmt.Errorf("%w: mechanism %.20q: want NULL or CURVE", errZAP, r.mechanism)
	}
	return r, nil
}

// judge returns why a connection is refused, or nil.
func (d *doorkeeper) judge(r *zapRequest) error {
	switch {
	case r.domain != zapDomain:
		return fmt.Errorf("ZAP domain %.20q is not ours", r.domain)
	case r.mechanism != mechanismCurve:
		return fmt.Errorf("mechanism %s: want CURVE", r.mechanism)
	}
	return d.keys.accepts(r.client)
}

// answer returns the reply to a request: version, request id, status code and text,
// user id, metadata. The user id stays empty: libzmq passes a longer one on as a
// message, which occupies a place in the receive queue for ever.
func (d *doorkeeper) answer(parts [][]byte) []string {
	r, err := parseZAP(parts)
	if err == nil {
		err = d.judge(&r)
	}
	if err == nil {
		return []string{zapVersion, r.id, "200", "OK", "", ""}
	}
	d.log.Debug("refused", "reason", err) // the end of the connection shows which one it was
	d.refused(err.Error())
	return []string{zapVersion, r.id, "400", "refused", "", ""}
}

// serveZAP answers libzmq's questions in a goroutine of its own, until the context
// is terminated, which waits for the goroutine's socket. If the goroutine ever ended
// before that, nobody would get in any more (ZAP_ENFORCE_DOMAIN).
func serveZAP(zctx *zmq4.Context, d *doorkeeper) error {
	sock, err := zctx.NewSocket(zmq4.REP)
	if err != nil {
		return fmt.Errorf("netgear: %w: ZAP socket: %w", ErrOpen, err)
	}
	if err := errors.Join(sock.SetLinger(0), sock.Bind(zapEndpoint)); err != nil {
		_ = sock.Close() // the error that counts is err
		return fmt.Errorf("netgear: %w: ZAP socket: %w", ErrOpen, err)
	}
	spawn(d.fail, func() {
		defer func() {
			_ = sock.Close() // nothing is left to be done about it
		}()
		for {
			parts, err := sock.RecvMessageBytes(0)
			if err == nil {
				_, err = sock.SendMessage(d.answer(parts))
			}
			if err != nil {
				if zmq4.AsErrno(err) != zmq4.ETERM {
					d.fail(fmt.Errorf("netgear: %w: nobody can connect any more: ZAP handler: %w", ErrTransport, err))
				}
				return
			}
		}
	})
	return nil
}
