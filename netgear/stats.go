package netgear

import (
	"sync"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/clock"
)

// Stats is a snapshot of a Sender's or Receiver's counters since it was made.
// It adds up at any time:
//
//	Sender    Frames = AcksReceived + FramesDropped + those in flight, at most InFlight
//	          (in pub-sub nothing is confirmed, and FramesDropped are those that were not sent, or that gave way
//	          to a newer one on their way to a receiver, counted for each receiver)
//	Receiver  Frames + FramesDropped + FramesMalformed + Goodbyes = messages taken in
//	          (of a message with the pictures of several cameras, each picture counts)
type Stats struct {
	Frames uint64 // sent or received
	Bytes  uint64 // of their data parts
	// FramesDropped: at a Sender, frames given up unconfirmed, refused by libzmq, not
	// sent for want of a key frame, or given up for newer ones because the link or the
	// receiver is slow. At a Receiver, duplicates, frames skipped for newer ones, frames
	// that depend on missing ones, and frames that the program could not use
	// (Receiver.Drop).
	FramesDropped uint64
	// FramesMalformed: at a Receiver, messages that are neither a frame nor a
	// goodbye. At a Sender, frames that were not sent (Sender.Reject), which are not
	// among Frames, and answers without meaning, which confirm their frame.
	FramesMalformed uint64
	Goodbyes        uint64 // at a Receiver
	AcksReceived    uint64
	AckTimeouts     uint64 // at a Receiver: how often it waited in vain for a frame
	Reconnects      uint64
	AuthFailures    uint64 // connections refused for their keys or address; at a connecting end, its own
	FramesMissing   uint64 // gaps in the sender's numbering
	// AckRTT is the last, and AckRTTAvg the moving average (weight 1/8), of the time
	// from sending a frame to its confirmation. Zero: none yet.
	AckRTT, AckRTTAvg time.Duration
	// SendBlock is the total time that Send has waited.
	SendBlock time.Duration
	// EstimatedBitrate is, at a Sender, what the link to the slowest peer carries, in
	// bit/s; 0: not known. A peer that takes nothing any more does not count.
	EstimatedBitrate uint64
	// CaptureToReceive is the time from when the last frame was taken, or when its
	// Sender got it if that is not known, to its arrival. Unless HasClock, its error
	// is the difference of the two wall clocks. HasCaptureToReceive means that the
	// sender sent its time.
	CaptureToReceive    time.Duration
	HasCaptureToReceive bool
	// ClockOffset is how far the other end's wall clock is ahead of ours, and
	// ClockError how far that may be off. HasClock means that they are known, which
	// takes confirmations, and this package at both ends.
	ClockOffset, ClockError time.Duration
	HasClock                bool
	// Secure means that every connection is encrypted.
	Secure bool
	Peers  []Peer
}

// counters counts Stats, from any goroutine. Values that belong together change
// under one lock, so that every snapshot adds up.
type counters struct {
	mu sync.Mutex
	st Stats
	// taken is how many messages a Receiver has read from its socket, whatever they
	// turned out to be. One with several pictures counts as so many.
	taken uint64
	// measured is when the clocks were compared last.
	measured time.Time
	// rtt is the round trip of packets to the farthest peer of a Sender over tcp, without
	// a queue; 0: not known.
	rtt time.Duration
}

// clock notes how the clocks of the two ends differ.
func (c *counters) clock(offset, bound time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.st.ClockOffset, c.st.ClockError, c.st.HasClock, c.measured = offset, bound, true, time.Now()
}

func (c *counters) take(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken += uint64(n) //nolint:gosec // never negative
}

// renewed returns Reconnects.
func (c *counters) renewed() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st.Reconnects
}

// bitrate returns EstimatedBitrate.
func (c *counters) bitrate() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st.EstimatedBitrate
}

// setRoundTrip sets rtt.
func (c *counters) setRoundTrip(rtt time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rtt = rtt
}

// roundTrip returns rtt.
func (c *counters) roundTrip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rtt
}

// count lets f change the counters.
func (c *counters) count(f func(st *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.st)
}

// unconfirmed returns how many frames of a Sender are confirmed, and how many are in
// flight.
func (c *counters) unconfirmed() (acks, flying uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st.AcksReceived, c.st.Frames - c.st.AcksReceived - c.st.FramesDropped
}

// hasFrames reports whether a Receiver has got any frame.
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
	if st.HasClock { // they have drifted since
		st.ClockError += time.Duration(clock.MaxDrift * float64(time.Since(c.measured)))
	}
	c.mu.Unlock()
	st.AuthFailures, st.Secure = peers.authFailures.Load(), cfg.SecureMode != Grasslands
	st.Peers = peers.withLinks()
	return st
}
