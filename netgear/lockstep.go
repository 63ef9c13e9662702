package netgear

import (
	"fmt"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// slowInARow is how many frames in a row must have waited too long before it is told.
const slowInARow = 10

// lockstep finds a live stream whose frames come faster than a round trip lets them go,
// because each one waits for the confirmation of the one before.
type lockstep struct {
	slow int // frames in a row for which that holds
	told bool
}

// note notes how long a frame took from when it was sent to its confirmation. interval is
// the time between frames, 0 while it is not known, and rtt the round trip of packets. It
// reports whether that is news: a slow receiver and a link that carries little are none.
func (l *lockstep) note(took, interval, rtt time.Duration) (news bool) {
	if interval == 0 || took < interval || rtt < interval/2 || rtt < took/2 {
		l.slow = 0
		return false
	}
	l.slow++
	news = l.slow == slowInARow && !l.told
	l.told = l.told || news
	return news
}

// noteRoundTrip warns, once, of a live stream that a long way holds up.
func (s *Sender) noteRoundTrip(took time.Duration) {
	if !s.patience.live || s.inFlight() != 1 {
		return
	}
	interval, rtt := s.fresh.interval, s.stats.roundTrip()
	if !s.lockstep.note(took, interval, rtt) {
		return
	}
	name, cure := "in-flight=1", "in-flight=0"
	if s.cfg.Pattern != wire.Pair {
		name, cure = "pattern="+s.cfg.Pattern.String(), "pattern=pair with in-flight=0, or pattern=pub-sub, at both ends"
	}
	s.obs.warn(fmt.Errorf("netgear: %w: %s over a round trip of %v: each frame waits for the confirmation of the one before, so that at most %.0f of %.0f frames/s go through: want %s",
		ErrSettings, name, rtt.Round(time.Millisecond), 1/took.Seconds(), 1/interval.Seconds(), cure))
}
