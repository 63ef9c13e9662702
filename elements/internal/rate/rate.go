// Package rate decides how many bits an encoder may make, so that its frames arrive
// young over a slow link. It has no clock, no socket and no GStreamer: times are
// durations since any moment that stays the same, and rates are in bit/s.
//
// A Controller turns what is seen of the link into a target. A Sizer turns the target
// into the quality of an encoder that has no bitrate. A Watch notices an encoder that
// ignores what it is told; then a Gate lets through what the link carries.
package rate

import "time"

// share is the part of the link that frames may use. The rest lets the queue empty that
// a large frame, or a moment of silence of the link, has left.
const share = 0.95

// Controller finds the target of an encoder. It is not safe for concurrent use.
//
// Where frames are confirmed, each one is a measurement of its bytes and its time. Where
// they are not, the same goes for each receiver that says what has arrived; with others,
// bytes that wait in front of the link show that it is full.
type Controller struct {
	// Confirmed means that the receiver confirms each frame.
	Confirmed bool
	// Window is how many unconfirmed frames the sender allows; 0 means as many as the
	// link needs.
	Window int
	// Interval is the time from one frame to the next; 0 means not known yet.
	Interval time.Duration

	trains  trains
	ways    map[string]*way // to each receiver, where nothing is confirmed
	late    lateness
	grip    grip
	larger  time.Duration // since when frames are larger, see try
	rtt     time.Duration // of packets on the longest way, while there is no queue
	offered average       // bit/s that went out
}

// Link is what the system knows of the way to one receiver. The bytes and the delays
// are those of the transport, without what still waits in the program.
type Link struct {
	ID        string        // the same for the same connection
	Delivered uint64        // bytes that have arrived since the connection was made
	Unsent    uint64        // bytes that wait, and were never sent
	RTT       time.Duration // of packets, smoothed
	MinRTT    time.Duration // the shortest in recent time: without a queue
	Rate      float64       // bit/s, the system's own measurement, which may be too high; 0: not known
}

// way is what is known of the way to one receiver.
type way struct {
	fill
	trains  trains // empty where the receiver does not say what has arrived
	rtt     time.Duration
	waiting float64 // bits that were never sent
}

// staleTrains is how long it counts what a receiver has said.
const staleTrains = 2 * time.Second

// target returns the most bit/s that may go that way; 0 means not known.
func (w *way) target(now time.Duration, c *Controller) float64 {
	r := w.trains.mean()
	if r == 0 || now-w.trains.last > staleTrains {
		return w.fill.target
	}
	if w.isFull && now-w.since > standing { // what is on its way has not said anything yet
		r = min(r, w.carried)
	}
	// Nothing keeps the source back here, so that all that waits counts.
	wait := w.trains.wait + time.Duration(w.waiting/r*float64(time.Second))
	return r * c.try(now, &w.trains) * (share - c.late.penalty(now, wait, 0))
}

// Frame notes a frame that the sender is about to send.
func (c *Controller) Frame(now time.Duration, bytes int) {
	c.offered.add(now, float64(8*bytes))
	if c.Confirmed {
		c.trains.send(now, bytes)
	}
}

// Confirm notes the confirmation of a frame that the transport got at sent.
func (c *Controller) Confirm(now, sent time.Duration, bytes int) {
	if c.trains.confirm(now, sent, bytes, c.rtt) {
		c.grip.fell(now)
	}
}

// Arrived notes that a receiver where nothing is confirmed has got so many bytes, which
// the transport began to send at sent. id is that of its Link.
func (c *Controller) Arrived(now, sent time.Duration, id string, bytes int) {
	if w := c.ways[id]; w != nil {
		w.trains.confirm(now, sent, bytes, w.rtt)
	}
}

// Look notes the state of the links to all present receivers. Call it before each Frame
// where nothing is confirmed, and from time to time elsewhere.
func (c *Controller) Look(now time.Duration, links []Link) {
	if len(links) == 0 {
		c.trains.forget()
	}
	c.rtt = 0
	for _, l := range links {
		c.rtt = max(c.rtt, l.MinRTT)
	}
	if c.Confirmed {
		return
	}
	ways := make(map[string]*way, len(links))
	for _, l := range links {
		w := c.ways[l.ID]
		if w == nil {
			w = &way{}
		}
		w.rtt, w.waiting = l.MinRTT, float64(8*l.Unsent)
		w.look(now, l, c.interval(), c.offered.value(now))
		ways[l.ID] = w
	}
	c.ways = ways // without those of receivers that have gone
}

// Late notes how long after its time a frame of a live stream comes. Call it before
// Frame.
func (c *Controller) Late(now, late time.Duration) {
	c.late.add(now, late)
	if _, waits := c.room(); !waits {
		c.grip.add(now, c.late.excess, c.interval())
	}
}

// stuckAfter is how long frames of encoded video may wait in front of a full link.
const stuckAfter = 500 * time.Millisecond

// Full reports whether frames wait in front of a link where nothing is confirmed, and
// whether they have done so for too long.
func (c *Controller) Full(now time.Duration) (full, stuck bool) {
	for _, w := range c.ways {
		full = full || w.isFull
		stuck = stuck || w.isFull && now-w.since > stuckAfter
	}
	return full, stuck
}

// interval returns the time between frames, or a common one.
func (c *Controller) interval() time.Duration {
	if c.Interval <= 0 {
		return time.Second / 30
	}
	return c.Interval
}

// Target returns the most bits a second that the encoder may make. known is false while
// nothing is known of the link.
func (c *Controller) Target(now time.Duration) (bps float64, known bool) {
	if !c.Confirmed {
		for _, w := range c.ways {
			if t := w.target(now, c); t > 0 && (bps == 0 || t < bps) {
				bps = t
			}
		}
		return bps, bps > 0
	}
	r := c.trains.rate(now, c.rtt)
	if r == 0 {
		return 0, false
	}
	room, waits := c.room()
	if waits { // smaller frames would not come earlier
		return r * room * share, true
	}
	// A frame that is a little larger than the others makes the next one late, but a link
	// that is used to the full makes all of them so.
	return r * c.try(now, &c.trains) * room * c.grip.value() * (share - c.late.penalty(now, c.trains.wait, c.interval()/2)), true
}

// Frames of one size, as pictures that hardly change are, do not show which part of their
// time is a hidden way and which the link. Once in tryPause tryFrames of them may be larger.
const (
	tryPause  = 5 * time.Second
	tryFrames = 3
)

// try returns by how much frames whose times are those of t may be larger now.
func (c *Controller) try(now time.Duration, t *trains) float64 {
	if t.vague && now-c.larger > tryPause {
		c.larger = now
	}
	if c.larger > 0 && now-c.larger < tryFrames*c.interval() {
		return attempt
	}
	return 1
}

// Waits reports whether each frame waits for a round trip that is about as long as the
// time between frames, so that no bitrate makes them come in time.
func (c *Controller) Waits() bool {
	_, waits := c.room()
	return c.Confirmed && waits
}

// leastRoom is the least part of the time between frames that a frame may use.
const leastRoom = 0.2

// room returns the part of the time between frames that a frame may take on the link.
// The next frame waits for a confirmation, which comes a round trip after the frame. On
// a long way the round trip alone is too long, whatever the size: then waits is true.
func (c *Controller) room() (part float64, waits bool) {
	if c.Window == 0 {
		return 1, false
	}
	delay := c.rtt.Seconds() + c.trains.delay
	part = min(1, float64(c.Window)-delay/c.interval().Seconds())
	return max(part, leastRoom), part < leastRoom
}
