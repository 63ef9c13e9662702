package netgear

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a Sender's or Receiver's counters since it was made.
// A Sender's FramesSent are those that were given to the transport: they are
// confirmed (AcksReceived), lost (FramesDropped) or still in flight, but for
// pub-sub, where nothing is confirmed. FramesDropped also counts frames of
// encoded video that were not sent since no key frame was before them. What
// arrives at a Receiver is in FramesReceived, FramesDropped (sent twice, or
// building upon frames that are missing) or FramesMalformed.
type Stats struct {
	Frames          uint64 // sent or received
	Bytes           uint64 // of their data parts
	FramesDropped   uint64
	FramesMalformed uint64
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

// counters is Stats as it is counted. Written by one goroutine, read by any.
type counters struct {
	frames, bytes, dropped, malformed   atomic.Uint64
	acks, ackTimeouts, reconnects       atomic.Uint64
	missing                             atomic.Uint64
	ackRTT, ackRTTAvg, sendBlock, delay atomic.Int64
	hasDelay                            atomic.Bool
}

func (c *counters) ack(rtt time.Duration) {
	c.acks.Add(1)
	c.ackRTT.Store(int64(rtt))
	avg := c.ackRTTAvg.Load()
	if avg == 0 {
		avg = int64(rtt)
	}
	c.ackRTTAvg.Store(avg + (int64(rtt)-avg)/8)
}

func (c *counters) snapshot(cfg *Config, peers *peerTable) Stats {
	return Stats{
		AuthFailures: peers.authFailures.Load(), Secure: cfg.SecureMode != Grasslands,
		Frames: c.frames.Load(), Bytes: c.bytes.Load(),
		FramesDropped: c.dropped.Load(), FramesMalformed: c.malformed.Load(),
		AcksReceived: c.acks.Load(), AckTimeouts: c.ackTimeouts.Load(), Reconnects: c.reconnects.Load(),
		FramesMissing: c.missing.Load(),
		AckRTT:        time.Duration(c.ackRTT.Load()), AckRTTAvg: time.Duration(c.ackRTTAvg.Load()),
		SendBlock:        time.Duration(c.sendBlock.Load()),
		CaptureToReceive: time.Duration(c.delay.Load()), HasCaptureToReceive: c.hasDelay.Load(),
		Peers: peers.snapshot(),
	}
}
