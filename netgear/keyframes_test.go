package netgear

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func TestKeyFrames(t *testing.T) {
	for _, c := range []struct {
		name      string
		confirmed bool
		// events: K a key frame, d a delta, p a peer comes, s a second passes;
		// digits: the receiver of that name confirms the last frame.
		events string
		// want of each frame: + sent, - dropped, and ? when it was asked for a key frame
		want string
	}{
		{"begins with a key frame", true, "KdKd", "+ + + +"},
		{"nothing before the first key frame", true, "dddKd", "-? - - + +"},
		{"asks again, but not at once", true, "ddsdddsd", "-? - -? - - -?"},
		{"a peer comes", true, "Kpddd", "+ +? + +"},
		{"until a key frame was confirmed", true, "Kpdsd1sdK1sd", "+ +? +? +? + +"},
		{"the peer had a key frame", true, "KpK1dsd", "+ + + +"},
		{"JPEG and raw video ask for nothing", true, "pK1sK1psK1", "+ + +"},
		{"the same receiver over another connection", true, "pK1d1pd1ddK1", "+ + +? + + +"},
		{"another receiver", true, "pK1d1pd2ddKd", "+ + +? - - + +"},
		{"another receiver, which had a key frame", true, "pK1d1pK2d2d", "+ + + + +"},
		{"another name, but the same connection", true, "pK1d2d3d", "+ + + +"},
		{"pub-sub: twice for each that comes", false, "Kpddsdsdpd", "+ +? + +? + +?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k keyFrames
			var got []string
			now := time.Now()
			key := false
			for _, e := range c.events {
				switch {
				case e == 'p':
					k.joined(c.confirmed)
				case e == 's':
					now = now.Add(keyInterval)
				case '0' <= e && e <= '9':
					k.confirmed(key, true, fmt.Appendf(nil, "Data received on device: %c !", e))
				default:
					key = e == 'K'
					ask, ok := k.admit(key, c.confirmed, true, now)
					text := map[bool]string{true: "+", false: "-"}[ok]
					if ask {
						text += "?"
					}
					got = append(got, text)
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("%s: %s, want %s", c.events, got, c.want)
			}
		})
	}
}

// In bidirectional mode answers are not names.
func TestAnswersAreNoNames(t *testing.T) {
	var k keyFrames
	for i := range 4 {
		k.joined(true)
		if _, ok := k.admit(i == 0, true, true, time.Now()); !ok {
			t.Fatalf("frame %d was dropped", i)
		}
		k.confirmed(i == 0, false, fmt.Append(nil, i))
	}
}

// encoded returns the header of frame number seq.
func encoded(seq uint64, delta bool) wire.Header {
	return wire.Header{HasExt: true, Ext: wire.Ext{Seq: seq, HasSeq: true, T: int64(seq), HasT: true, Delta: delta}}
}

// What builds upon a frame that is missing is not handed out.
func TestReceiverWaitsForKeyFrames(t *testing.T) {
	for _, c := range []struct {
		name string
		// frames: a number, and K for a key frame or d for a delta behind it;
		// x: the one before was refused by the program; >n: n were passed over
		frames, want string
	}{
		{"from the start", "0K 1d 2d", "0 1 2"},
		{"comes late", "7d 8d 9K 10d", "9 10"},
		{"a gap", "0K 1d 3d 4d 5K 6d", "0 1 5 6"},
		{"a key frame behind the gap", "0K 1d 3K 4d", "0 1 3 4"},
		{"the sender starts anew", "0K 1d 0d 1d 2K 3d", "0 1 2 3"},
		{"sent twice", "0K 1d 1d 2d", "0 1 2"},
		{"refused", "0K 1d x 2d 3K x 4d", "0 1 3"},
		{"passed over before a key frame", "0K >2 3K 4d", "0 3 4"},
		{"passed over before a delta", "0K >2 3d 4d 5K", "0 5"},
		{"JPEG", "0K 2K 3K 0K", "0 2 3 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Receiver{intake: &intake{cfg: &Config{}, owners: newOwners(time.Second)}, streams: map[string]*stream{}}
			var got []string
			skipped := uint64(0)
			for i, word := range strings.Fields(c.frames) {
				var n uint64
				var kind byte
				switch _, err := fmt.Sscanf(word, "%d%c", &n, &kind); {
				case word == "x":
					r.Reject(0)
					continue
				case word[0] == '>':
					skipped = uint64(word[1] - '0')
					continue
				case err != nil:
					t.Fatal(err)
				}
				h := encoded(n, kind == 'd')
				if h.Ext.T = int64(i); c.name == "sent twice" {
					h.Ext.T = int64(n)
				}
				r.pass(&arrival{header: h, skipped: skipped})
				skipped = 0
				if s := r.follow(&h); s != nil && !s.lacks(&h) {
					r.last = s
					got = append(got, fmt.Sprint(n))
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("%s: handed out %s, want %s", c.frames, got, c.want)
			}
		})
	}
}

// What follows over another connection is no discontinuity for a decoder when
// nothing is missing.
func TestDiscontinuityOfEncodedVideo(t *testing.T) {
	r := &Receiver{end: end{peers: newPeerTable(), conn: &conn{entrance: &entrance{cfg: &Config{}}}}, intake: &intake{cfg: &Config{}, owners: newOwners(time.Second)}, streams: map[string]*stream{}}
	for i, c := range []struct{ delta, lost, want bool }{
		{false, false, true},
		{true, false, false},
		{true, true, false},
		{false, false, false},
		{false, true, true},
	} {
		if c.lost {
			r.disrupt()
		}
		var f Frame
		var body zmsg.Message
		h := encoded(uint64(i), c.delta)
		if ok, err := r.accept(&f, &h, &body, time.Now(), -1); !ok || err != nil {
			t.Fatalf("frame %d: %v, %v", i, ok, err)
		}
		if f.Discontinuity != c.want {
			t.Errorf("frame %d: discontinuity %v, want %v", i, f.Discontinuity, c.want)
		}
		f.Payload.Release()
	}
}

// unread is a latest to push to, without a socket.
func unread(ports int) *latest {
	l := &latest{
		unread: func() bool { return true },
		intake: &intake{ports: make([]uint, ports)}, stats: new(counters), news: make(chan struct{}, 1),
		lost: map[source]uint64{}, usual: map[source]time.Duration{}, late: map[source]*arrival{},
	}
	l.maxLag.Store(int64(lateAfter))
	return l
}

// A subscriber that is slow misses whole groups of pictures, not frames within
// one.
func TestLatestKeepsGroupsOfPictures(t *testing.T) {
	type waits struct {
		from    source
		seq     uint64
		skipped uint64
	}
	gop := func(from string, first, n int) (frames []string) {
		for i := range n {
			kind := "d"
			if i == 0 {
				kind = "K"
			}
			frames = append(frames, fmt.Sprintf("%s%d%s", from, first+i, kind))
		}
		return frames
	}
	a, b := source{connection: 1}, source{connection: 2}
	for _, c := range []struct {
		name   string
		frames []string // sender, number, kind
		stale  bool     // all are, when the program comes
		most   int      // that may wait at the end
		want   waits    // the first one that is handed out
	}{
		{"JPEG", strings.Fields("A0K A1K A2K A3K A4K A5K"), false, 4, waits{a, 2, 2}},
		{"JPEG, stale", strings.Fields("A0K A1K A2K"), true, 3, waits{a, 2, 2}},
		{"one group", gop("A", 0, 100), false, 100, waits{a, 0, 0}},
		{"one group, stale", gop("A", 0, 100), true, 100, waits{a, 0, 0}},
		{"two groups", append(gop("A", 0, 30), gop("A", 30, 3)...), false, 3, waits{a, 30, 30}},
		{"two short groups", strings.Fields("A0K A1d A2K A3d"), false, 4, waits{a, 0, 0}},
		{"two short groups, stale", strings.Fields("A0K A1d A2K A3d"), true, 4, waits{a, 2, 2}},
		{"an endless group", gop("A", 0, 1000), false, maxDeltas + 1, waits{a, 0, 0}},
		{"two senders", append(gop("A", 0, 20), gop("B", 0, 20)...), true, 40, waits{a, 0, 0}},
		{"two senders, in turns", strings.Fields("A0K B0K A1d B1d A2K B2d A3d"), false, 7, waits{a, 0, 0}},
		{"two senders, in turns, stale", strings.Fields("A0K B0K A1d B1d A2K B2d A3d"), true, 7, waits{b, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := unread(2)
			for _, f := range c.frames {
				a := &arrival{from: map[byte]source{'A': a, 'B': b}[f[0]], at: time.Now()}
				if c.stale {
					a.at = a.at.Add(-2 * lateAfter)
				}
				var n uint64
				var kind byte
				if _, err := fmt.Sscanf(f[1:], "%d%c", &n, &kind); err != nil {
					t.Fatal(err)
				}
				a.header = encoded(n, kind == 'd')
				l.push(a)
			}
			if n := len(l.queue); n > c.most {
				t.Errorf("%d frames wait, want at most %d", n, c.most)
			}
			total := uint64(len(l.queue))
			for _, a := range l.queue {
				total += a.skipped
			}
			if n := uint64(len(c.frames)); total != n {
				t.Errorf("%d frames are accounted for, want %d", total, n)
			}
			if n := l.stats.st.FramesDropped + uint64(len(l.queue)); n != uint64(len(c.frames)) {
				t.Errorf("%d frames wait or are counted as dropped, want %d", n, len(c.frames))
			}
			a, err := l.pop()
			if a == nil || err != nil {
				t.Fatal(err)
			}
			if got := (waits{a.from, a.header.Ext.Seq, a.skipped}); got != c.want {
				t.Errorf("handed out %+v, want %+v", got, c.want)
			}
		})
	}
}

// Senders choose their names, and may choose many: what waits stays bounded.
func TestLatestBoundsDeltasOfManyNames(t *testing.T) {
	l := unread(1)
	good := source{connection: 1}
	l.push(&arrival{from: good, at: time.Now(), header: encoded(0, false)})
	l.push(&arrival{from: good, at: time.Now(), header: encoded(1, true)})
	for i := range 1000 {
		l.push(&arrival{from: source{connection: 2, port: fmt.Sprint(i)}, at: time.Now(), header: encoded(0, true)})
	}
	if n := len(l.queue); n != 1+maxDeltas {
		t.Errorf("%d frames wait, want %d", n, 1+maxDeltas)
	}
	if l.queue[0].from != good || l.queue[1].from != good {
		t.Error("another connection has lost its frames for it")
	}
	if n := l.stats.st.FramesDropped; n != 1001-maxDeltas {
		t.Errorf("%d frames are counted as dropped, want %d", n, 1001-maxDeltas)
	}
}

// A frame that was kept back goes before those that build upon it, and is passed
// over for a key frame, over the same connection and over another.
func TestLatestKeepsBackOnlyKeyFrames(t *testing.T) {
	const usual, late = time.Second, time.Minute
	l := unread(1)
	l.usual[source{}] = usual
	delta := &arrival{at: time.Now(), header: encoded(1, true)}
	delta.header.Ext.T = delta.at.Add(-late).UnixNano()
	if l.sort(delta); len(l.queue) != 1 || len(l.late) != 0 {
		t.Error("a delta was kept back")
	}
	for _, c := range []struct {
		name        string
		connection  int // of the second frame
		delta       bool
		wait, drops uint64
	}{
		{"a delta behind it", 1, true, 2, 0},
		{"a delta over another connection", 2, true, 2, 0},
		{"a key frame behind it", 1, false, 1, 1},
		{"a key frame over another connection", 2, false, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := unread(1)
			begin := time.Now()
			for i, connection := range []int{1, c.connection} {
				from := source{connection: connection}
				l.usual[from] = usual
				a := &arrival{from: from, at: begin, header: encoded(uint64(i), i == 1 && c.delta)}
				a.header.Ext.T = begin.Add(-late).UnixNano()
				if i == 1 {
					a.header.Ext.T = begin.Add(-usual).UnixNano()
				}
				l.sort(a)
				if i == 0 && (len(l.queue) != 0 || len(l.late) != 1) {
					t.Fatal("the first frame was not kept back")
				}
			}
			if n := uint64(len(l.queue)); n != c.wait || l.stats.st.FramesDropped != c.drops || len(l.late) != 0 {
				t.Fatalf("%d frames wait, %d were dropped, want %d and %d", n, l.stats.st.FramesDropped, c.wait, c.drops)
			}
			if first := l.queue[0].header.Ext.Seq; first != c.drops {
				t.Errorf("frame %d comes first, want %d", first, c.drops)
			}
		})
	}
}
