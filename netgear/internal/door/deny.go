package door

import (
	"time"
)

// maxDenials is how many peers are sent a refusal at the same time. The others are
// hung up on without a word.
const maxDenials = 32

// denied is the ERROR command of a server that refuses a peer.
var denied = []byte("\x04\x0a\x05ERROR\x03400")

// deny tells a peer that it is refused, so that it does not retry: libzmq accepts
// that only from a command of the handshake. The peer is closed.
func (d *Door) deny(peer *stream) {
	select {
	case d.denials <- struct{}{}:
	default:
		peer.Close()
		return
	}
	d.cfg.Spawn(func() {
		defer func() { <-d.denials }()
		defer peer.Close()
		_ = peer.SetDeadline(time.Now().Add(min(farewell, d.cfg.HandshakeTime))) // it fails when the peer has gone
		if _, err := peer.Write(Greeting(d.cfg.Limits.mechanism())); err != nil {
			return
		}
		// The peer accepts a command only after it has sent its own first one.
		r := NewReader(d.cfg.Limits)
		for heard := false; !heard; {
			if err := peer.receive(func(b []byte) error {
				for len(b) > 0 {
					_, rest, err := r.Feed(b, 0)
					if err != nil {
						return err
					}
					b = rest
				}
				heard = r.commands > 0
				return nil
			}); err != nil {
				return
			}
		}
		if _, err := peer.Write(denied); err != nil {
			return
		}
		peer.closeWrite()
		_ = peer.receive(func([]byte) error { return nil }) // until it hangs up
	})
}
