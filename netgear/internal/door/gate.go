package door

import (
	"encoding/binary"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/window"
)

// Implementation constants of a gate.
const (
	// A link counts as slow when two answers in a row take longer than the least time by
	// more than tolerated, or when one answer is late by more than overdue.
	tolerated = 40 * time.Millisecond
	overdue   = 100 * time.Millisecond
	// wideTime is how long no picture must have waited at the gate before it opens.
	wideTime = 2 * time.Second
	// pingPause is the least time between two pings. A peer takes a hundred commands a
	// second.
	pingPause = 15 * time.Millisecond
	// mostPings is how many answers may be missing. A peer may give none at all.
	mostPings = 256
)

// gate decides when the next picture may go to a peer that confirms nothing. Bytes may
// wait where we cannot see them, in the network or in a machine on the way, until the
// pictures are old. So a ping of ZMTP follows each picture, and its answer shows that the
// picture has arrived. A gate has no clock and no socket.
//
//	wide -> (answers take longer than they need to) -> narrow -> (nothing has waited for a while) -> wide
//
// While the gate is wide every picture may go. While it is narrow only as many pictures
// are on the way as keep the link busy.
type gate struct {
	window window.Window
	flying []flight // oldest first
	last   uint32   // the id of the last ping
	pinged time.Time

	came time.Time // when the last answer came
	late bool      // it came late

	narrow bool
	held   time.Time // when a picture last had to wait
}

// flight is a picture that has not arrived yet.
type flight struct {
	id    uint32
	at    time.Time // when it was sent
	bytes int
	alone bool
}

// wants reports whether a ping may follow a message that is sent now.
func (g *gate) wants(now time.Time) bool {
	return now.Sub(g.pinged) >= pingPause && len(g.flying) < mostPings
}

// sent notes bytes that were begun to be sent at a time, and returns the ping that must
// follow them. waited means that they had to wait at the gate.
func (g *gate) sent(at time.Time, bytes int, waited bool) (ping []byte) {
	if g.last == 0 {
		g.window = window.New(0)
	}
	g.last++
	g.pinged = at
	alone := len(g.flying) == 0
	g.flying = append(g.flying, flight{g.last, at, bytes, alone})
	g.window.Press(waited)
	g.window.Sent(at, alone, bytes)
	const ttl = 2
	ping = []byte{flagCommand, byte(len("\x04PING") + ttl + 4), 4, 'P', 'I', 'N', 'G', 0, 0}
	return binary.BigEndian.AppendUint32(ping, g.last)
}

// answered notes an answer with the context of a ping, and returns what has arrived: no
// bytes for an answer without a ping. busy is how long the link was busy with them, 0
// while the gate is wide. Where they were alone, this includes the way there and back,
// because nothing was on the way before them.
func (g *gate) answered(now time.Time, context []byte) (f flight, busy time.Duration) {
	if len(context) != 4 {
		return f, 0
	}
	id := binary.BigEndian.Uint32(context)
	i := 0
	for i < len(g.flying) && g.flying[i].id != id {
		i++
	}
	if i == len(g.flying) {
		return f, 0
	}
	f = g.flying[i]
	g.flying = append(g.flying[:0], g.flying[i+1:]...)
	took, gap := now.Sub(f.at), now.Sub(g.came)
	g.came = now
	g.window.Confirmed(now, f.at, f.alone, f.bytes, 0)
	before := g.late
	g.late = took-g.window.Least() > tolerated
	if g.late && before && !g.narrow {
		// The time between two answers is what the link needs for a picture.
		g.begin(now, float64(g.window.Least())/float64(max(gap, time.Millisecond)))
	}
	if !g.narrow {
		return f, 0
	}
	return f, min(took, gap)
}

// begin makes the gate narrow: from now on a picture waits while size of them are on the
// way.
func (g *gate) begin(now time.Time, size float64) {
	g.narrow, g.held = true, now
	g.window.Begin(now, size)
}

// hasRoom reports whether a picture may go at now. If not, at is when to look again;
// zero: after an answer.
func (g *gate) hasRoom(now time.Time) (ok bool, at time.Time) {
	if len(g.flying) > 0 && !g.narrow && now.Sub(g.flying[0].at) > g.window.Least()+overdue {
		if g.window.Least() == 0 {
			return false, at // nothing is known of the link before the first answer
		}
		g.begin(now, 1)
	}
	if g.narrow && now.Sub(g.held) > wideTime {
		g.narrow = false
	}
	if !g.narrow {
		return true, at
	}
	if ok, at = g.window.HasRoom(len(g.flying), now); !ok {
		g.held = now
	}
	return ok, at
}
