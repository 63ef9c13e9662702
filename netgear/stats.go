package netgear

import (
	"sync"
	"time"
)

// Stats is a snapshot of a Sender's or Receiver's counters since it was made.
// It adds up at any time:
//
//	Sender    Frames = AcksReceived + FramesDropped + those in flight, at most InFlight
//	          (in pub-sub nothing is confirmed, and FramesDropped are those that were not sent)
//	Receiver  Frames + FramesDropped + FramesMalformed + Goodbyes = messages taken in
type Stats struct {
	Frames uint64 // sent or received
	Bytes  uint64 // of their data parts
	// FramesDropped are of a Sender those that were given up without a
	// confirmation, that libzmq refused, or that were not sent since no key frame
	// was before them; of a Receiver those that arrived twice, that were passed
	// over for newer ones, that build upon frames that are missing, or that the
	// program could not use (Receiver.Drop).
	FramesDropped uint64
	// FramesMalformed are of a Receiver the messages that are neither a frame nor
	// a goodbye. Of a Sender they are not among Frames: frames that were not sent
	// (Sender.Reject), and answers that make no sense, which confirm their frame.
	FramesMalformed uint64
	Goodbyes        uint64 // of a Receiver
	AcksReceived    uint64
	AckTimeouts     uint64 // of a Receiver: times it waited in vain for a frame
	Reconnects      uint64
	AuthFailures    uint64 // connections refused for their keys or address; of an end that connects, its own
	FramesMissing   uint64 // gaps in the sender's numbering
	// AckRTT is the last, AckRTTAvg the moving average (weight 1/8) of the time
	// from a frame's way out to its confirmation. Zero: none yet.
	AckRTT, AckRTTAvg time.Duration
	// SendBlock is the total time that Send was held up.
	SendBlock time.Duration
	// CaptureToReceive is the last frame's time from the sender's wall clock to
	// ours, as good as the two clocks agree; HasCaptureToReceive says whether
	// the sender told.
	CaptureToReceive    time.Duration
	HasCaptureToReceive bool
	// Secure says that every connection is encrypted.
	Secure bool
	Peers  []Peer
}

// counters is Stats as it is counted, by any goroutine. What belongs together
// changes under one lock, so that every snapshot adds up.
type counters struct {
	mu sync.Mutex
	st Stats
	// taken is how many messages a Receiver has read from its socket, apart from
	// what they turned out to be.
	taken uint64
}

func (c *counters) take() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
}

// count has f change the counters.
func (c *counters) count(f func(st *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.st)
}

// unconfirmed returns how many frames of a Sender are confirmed, and how many are
// on their way.
func (c *counters) unconfirmed() (acks, flying uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st.AcksReceived, c.st.Frames - c.st.AcksReceived - c.st.FramesDropped
}

// hasFrames reports whether a Receiver has had any.
func (c *counters) hasFrames() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st.Frames > 0
}

func (c *counters) ack(rtt time.Duration) {
	c.count(func(st *Stats) {
		st.AcksReceived++
		st.AckRTT = rtt
		if st.AckRTTAvg == 0 {
			st.AckRTTAvg = rtt
		}
		st.AckRTTAvg += (rtt - st.AckRTTAvg) / 8
	})
}

func (c *counters) snapshot(cfg *Config, peers *peerTable) Stats {
	c.mu.Lock()
	st := c.st
	c.mu.Unlock()
	st.AuthFailures, st.Secure = peers.authFailures.Load(), cfg.SecureMode != Grasslands
	st.Peers = peers.snapshot()
	return st
}
