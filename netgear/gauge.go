package netgear

import (
	"context"
	"math"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

const (
	// gaugeTick is between two looks at what the door has counted.
	gaugeTick = 100 * time.Millisecond
	// leftBehind is how long a peer takes nothing, while others do, before nobody
	// waits for it any more.
	leftBehind = 2 * time.Second
	// newsShare is by how much an estimate must change for an Observer to hear of it.
	newsShare = 0.05
)

// gauge estimates what the slowest peer takes of those that a Sender waits for. It is
// one goroutine beside the stream, and neither waits for the other.
type gauge struct {
	door  *door.Door
	stats *counters
	obs   *Observer

	ways  []door.Way
	peers map[uint64]*estimator // by the numbers of their connections
	told  float64               // what the Observer heard last
}

func newGauge(d *door.Door, stats *counters, obs *Observer) *gauge {
	return &gauge{door: d, stats: stats, obs: obs, peers: map[uint64]*estimator{}}
}

// run looks until ctx ends.
func (g *gauge) run(ctx context.Context) {
	t := time.NewTicker(gaugeTick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		g.ways = g.door.Ways(g.ways[:0])
		g.stats.setRoundTrip(g.farthest())
		g.tell(g.slowest(time.Now()))
	}
}

// farthest returns the round trip of packets to the farthest peer, 0 where none is known.
func (g *gauge) farthest() (rtt time.Duration) {
	for i := range g.ways {
		rtt = max(rtt, g.ways[i].MinRTT)
	}
	return rtt
}

// slowest takes in what the door has counted, and returns the estimate in bit/s, 0
// where there is none.
func (g *gauge) slowest(now time.Time) float64 {
	var moved time.Time
	for _, w := range g.ways {
		e := g.peers[w.ID]
		if e == nil {
			e = &estimator{}
			g.peers[w.ID] = e
		}
		e.take(w, now)
		moved = later(moved, e.movedAt)
	}
	least := math.Inf(1)
	for id, e := range g.peers {
		switch {
		case !e.at.Equal(now):
			delete(g.peers, id) // its connection has ended
		case e.rate > 0 && moved.Sub(e.movedAt) < leftBehind:
			least = min(least, e.rate)
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return max(least, 1)
}

// tell notes the estimate, and calls the Observer when it is news.
func (g *gauge) tell(rate float64) {
	if rate > 0 && math.Abs(rate-g.told) < newsShare*g.told || rate == g.told {
		return
	}
	g.told = rate
	g.stats.count(func(st *Stats) { st.EstimatedBitrate = uint64(rate) })
	if g.obs.EstimatedBitrate != nil {
		g.obs.EstimatedBitrate(uint64(rate))
	}
}
