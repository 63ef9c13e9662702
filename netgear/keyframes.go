package netgear

import (
	"bytes"
	"sync/atomic"
	"time"
)

// keyInterval is how long a Sender waits before it asks for a key frame again.
const keyInterval = time.Second

// maxReceiverName is how many bytes of a confirmation identify a receiver; NetGear's
// confirmation has 36.
const maxReceiverName = 64

// keyFrames makes sure that a receiver of encoded video gets a key frame first. A
// delta is a frame that cannot be decoded without the ones before it. JPEG and raw
// video have none; then keyFrames has no effect.
//
//	no key frame sent -> deltas are dropped, and a key frame is asked for
//	a peer came       -> a key frame is asked for, until one has been confirmed
//	another receiver  -> as at the beginning; its confirmations bear its name
type keyFrames struct {
	// wanted is how many more times to ask for a key frame, for a receiver that
	// came.
	wanted atomic.Int32
	// fresh means that a connection was made since the last confirmation.
	fresh atomic.Bool

	// For the goroutine that sends.
	begun bool // the receiver has got a key frame
	delta bool // the stream has had frames that build upon others
	asked time.Time
	name  []byte // the receiver's, from its confirmations
}

// joined notes that a receiver has come. Any goroutine may call it.
func (k *keyFrames) joined(confirmed bool) {
	if k.wanted.Store(1); !confirmed {
		// The subscription arrives after the connection, later on a long way. The
		// first key frame may be sent in between.
		k.wanted.Store(2)
	}
	k.fresh.Store(true)
}

// lost notes that a frame was given up: the frames that depend on it cannot be
// decoded.
func (k *keyFrames) lost() { k.begun = false }

// admit reports whether to send a frame at now, and whether to ask for a key frame.
// It asks for none while there is no peer to get it.
func (k *keyFrames) admit(key, confirmed, peers bool, now time.Time) (ask, ok bool) {
	if key {
		k.begun = true
		return false, true
	}
	k.delta = true
	if peers && (k.wanted.Load() > 0 || !k.begun) && now.Sub(k.asked) >= keyInterval {
		k.asked = now
		if ask = true; !confirmed && k.wanted.Load() > 0 {
			k.wanted.Add(-1)
		}
	}
	return ask, k.begun
}

// confirmed notes the confirmation of a frame. named means that one receiver always
// confirms with the same text.
func (k *keyFrames) confirmed(key, named bool, text []byte) {
	if k.fresh.Load() && k.fresh.Swap(false) && named {
		name := text[:min(len(text), maxReceiverName)]
		if len(k.name) > 0 && !bytes.Equal(name, k.name) {
			k.begun = key
		}
		k.name = append(k.name[:0], name...)
	}
	if key {
		k.wanted.Store(0)
	}
}

// admit reports whether to send a frame.
func (s *Sender) admit(f *Frame, now time.Time) bool {
	ask, ok := s.keys.admit(!f.Header.Ext.Delta, s.row.confirmed, s.peers.count() > 0, now)
	if ask {
		s.conn.log.Debug("a key frame is needed")
		if s.obs.KeyFrame != nil {
			s.obs.KeyFrame()
		}
	}
	return ok
}
