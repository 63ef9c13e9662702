package netgear

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Limits of latest.
const (
	// lateAfter is how much later than usual a frame must come to be held back.
	lateAfter = 40 * time.Millisecond
	// maxWaiting is how many frames of one sender wait at most. Only one waits where
	// they are large: together they have at most maxWaitingBytes, or there is only
	// one.
	maxWaiting      = 4
	maxWaitingBytes = 32 << 20
	// maxWaitingAll is maxWaiting where no frame is skipped for its age.
	maxWaitingAll = 64
	// maxDeltas is how many frames of encoded video that depend on others wait at
	// most, of all senders: four seconds at 30 frames/s. They have at most
	// maxWaitingBytes.
	maxDeltas = 128
	// longestHold is how long a late frame is held back at most, in the hope of a
	// newer one.
	longestHold = 250 * time.Millisecond
	// shortHold is the same while nothing is behind the frame in the kernel's buffers:
	// then it was under way for so long, and there is no newer one.
	shortHold = 20 * time.Millisecond
	// maxStreams is how many connections are remembered at most.
	maxStreams = 1024
	// maxNamed is how many frames wait at most of senders and cameras that have names,
	// of all of them: the cameras of one message come at once. They have at most
	// maxWaitingBytes beyond the limit of other frames.
	maxNamed = 64
	// maxQueue is how many messages wait in all, goodbyes included. No honest peers
	// send so many.
	maxQueue = 256
)

// latest reads ahead for a pub-sub Receiver. So a program that was slow, paused or
// stopped gets the present when it continues, and not the seconds of video that have
// piled up in the kernel's buffers. A goroutine reads whatever comes. It keeps the
// newest frame of each sender, and older ones until they are stale: a program that
// is only uneven misses nothing.
//
//	socket --> goroutine --> queue --> Recv
//	               |           '--> too old: counted as dropped
//	               '--> malformed: counted and warned of
//
// The goroutine never stops reading: the queue is bounded, so there is always room.
//
// Where the sender says when it took a frame, a frame that comes later than usual
// must have waited in such a buffer, because the whole process was stopped, say. It
// is held back for a moment, while the frames behind it are read. A slow link makes
// frames late too, but has nothing behind them.
//
// In encoded video a frame that others depend on is never skipped alone. Everything
// before a newer key frame is skipped, or everything when too much waits for a key
// frame; the Receiver then waits for the next one.
type latest struct {
	end    *end
	conn   *conn
	intake *intake
	stats  *counters
	unread func() bool  // whether there is more in the kernel's buffers
	maxLag atomic.Int64 // ns; see Config.MaxLag
	cancel context.CancelFunc
	done   chan struct{}
	news   chan struct{} // has a token when there is something in the queue, or an error

	mu    sync.Mutex
	queue []*arrival // oldest first
	spare []*arrival
	err   error
	given *arrival // the message that next returned last

	// lost is how many frames of a sender were thrown out without a newer one to
	// count them.
	lost map[source]uint64

	// The goroutine's own: the least delay of each sender, and the frames that are
	// held back until hold.
	usual map[source]time.Duration
	// more holds the parts behind the second of the message that is read, of a wire
	// that has such, and got what was made of it.
	more []zmsg.Message
	got  []*arrival
	late map[source]*arrival
	hold time.Time
}

// source identifies a sender by its connection, so that no sender takes the place of
// another, and by its name.
type source struct {
	connection int
	port       string // in multi-server mode, or the name of a camera
}

// arrival is one message.
type arrival struct {
	head, body, rest zmsg.Message
	header           wire.Header // points into head
	at               time.Time
	from             source
	skipped          uint64 // frames of its sender that were skipped before it
}

func (a *arrival) close() {
	a.head.Close()
	a.body.Close()
	a.skipped = 0
}

// isFrame reports whether a newer frame can take its place. A goodbye stays.
func (a *arrival) isFrame() bool { return !a.header.Terminate }

// isDelta reports whether it is a frame that cannot be decoded without the ones
// before it. JPEG and raw video have none.
func (a *arrival) isDelta() bool { return a.isFrame() && a.header.HasExt && a.header.Ext.Delta }

// isWhole reports whether it is a frame that needs none before it.
func (a *arrival) isWhole() bool { return a.isFrame() && !a.isDelta() }

func newLatest(e *end, in *intake) *latest {
	c := e.conn
	ctx, cancel := context.WithCancel(c.ctx)
	l := &latest{
		end: e, conn: c, intake: in, stats: &e.stats, unread: c.door.Unread, cancel: cancel, done: make(chan struct{}), news: make(chan struct{}, 1),
		lost: map[source]uint64{}, usual: map[source]time.Duration{}, late: map[source]*arrival{},
	}
	l.maxLag.Store(int64(e.cfg.MaxLag))
	if e.cfg.Wire == wire.Auto || e.cfg.Wire == wire.LeRobot {
		l.more = make([]zmsg.Message, 0, wire.MaxCameras-1) // messages must not move
	}
	spawn(c.fail, func() {
		defer close(l.done)
		l.stop(l.read(ctx))
	})
	return l
}

// close ends the goroutine and discards what waits.
func (l *latest) close() {
	l.cancel()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.late {
		l.discardLocked(a)
	}
	for _, a := range l.queue {
		l.discardLocked(a)
	}
	if l.given != nil {
		l.given.close()
	}
	l.queue, l.given = nil, nil
}

func (l *latest) stop(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	wake(l.news)
}

// next waits until then for a message, and returns it; the message is valid until
// the next call. nil means that the time is up.
func (l *latest) next(ctx context.Context, until time.Time) (*arrival, error) {
	var timeout <-chan time.Time
	for {
		a, err := l.pop()
		if a != nil || err != nil {
			return a, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !until.IsZero() && timeout == nil {
			timer := time.NewTimer(time.Until(until))
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-l.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout:
			return nil, nil
		}
	}
}

// pop removes the oldest message that is not stale from the queue, and returns it.
func (l *latest) pop() (*arrival, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given != nil {
		l.recycleLocked(l.given)
		l.given = nil
	}
	now, lag := time.Now(), time.Duration(l.maxLag.Load())
	for lag > 0 && len(l.queue) > 0 && l.queue[0].isFrame() && now.Sub(l.queue[0].at) > lag && l.skipLocked(0) {
	}
	if len(l.queue) == 0 {
		return nil, l.err
	}
	l.given = l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	return l.given, nil
}

// newerLocked returns the index of the sender's next frame that needs none before
// it, or -1.
func (l *latest) newerLocked(i int) int {
	for k := i + 1; k < len(l.queue); k++ {
		if b := l.queue[k]; b.isWhole() && b.from == l.queue[i].from {
			return k
		}
	}
	return -1
}

// skipLocked skips a frame, and those that depend on it, where a newer frame does
// not depend on it.
func (l *latest) skipLocked(i int) bool {
	k := l.newerLocked(i)
	if k >= 0 {
		l.passOverLocked(i, k)
	}
	return k >= 0
}

// passOverLocked skips the frames of one sender from i on, for the one at k.
func (l *latest) passOverLocked(i, k int) {
	newer := l.queue[k]
	kept := l.queue[:i]
	for _, a := range l.queue[i:k] {
		if !a.isFrame() || a.from != newer.from {
			kept = append(kept, a)
			continue
		}
		newer.skipped += a.skipped + 1
		l.discardLocked(a)
	}
	l.queue = slices.Delete(l.queue, len(kept), k)
}

// maxSpare is how many arrivals are kept for reuse.
const maxSpare = 2 * maxWaiting

// discardLocked counts a message that nobody gets.
func (l *latest) discardLocked(a *arrival) {
	frame := a.isFrame()
	l.stats.count(func(st *Stats) {
		if frame {
			st.FramesDropped++
		} else {
			st.Goodbyes++
		}
	})
	l.recycleLocked(a)
}

func (l *latest) recycleLocked(a *arrival) {
	a.close()
	if len(l.spare) < maxSpare {
		l.spare = append(l.spare, a)
	}
}

// read is the goroutine of latest.
func (l *latest) read(ctx context.Context) error {
	for {
		ev, err := l.conn.wait(ctx, zmsg.In, l.hold)
		if err != nil {
			return err
		}
		if !l.hold.IsZero() && !time.Now().Before(l.hold) {
			l.release()
		}
		if ev&zmsg.In == 0 {
			if l.conn.givenUp() {
				if err := l.end.renew(ctx); err != nil {
					return err
				}
			}
			continue
		}
		all, err := l.receive()
		if err != nil && !errors.Is(err, zmsg.ErrAgain) {
			return fmt.Errorf("netgear: %w: receive: %w", ErrTransport, err)
		}
		for _, a := range all {
			l.sort(a)
		}
	}
}

// sort holds a message back, or puts it into the queue.
func (l *latest) sort(a *arrival) {
	if before := l.late[a.from]; before != nil {
		l.resolve(before, a)
	}
	if d := l.lateness(a); d > lateAfter && l.maxLag.Load() > 0 && !a.isDelta() && len(l.late) < l.most() {
		if len(l.late) == 0 && l.hold.IsZero() {
			most := longestHold
			if !l.unread() {
				most = shortHold
			}
			l.hold = time.Now().Add(min(d/4, most))
		}
		l.late[a.from] = a
		return
	}
	for _, before := range l.late {
		if a.follows(before) { // over a new connection
			l.resolve(before, a)
		}
	}
	l.push(a)
	if len(l.late) == 0 {
		l.hold = time.Time{}
	}
}

// resolve ends the wait of a frame that was held back, because a has come from the
// same sender. a may be a goodbye, or depend on the frame.
func (l *latest) resolve(before, a *arrival) {
	delete(l.late, before.from)
	if a.isWhole() {
		l.supersede(before, a)
	} else {
		l.push(before)
	}
}

// supersede skips a frame for a.
func (l *latest) supersede(before, a *arrival) {
	a.skipped += before.skipped + 1
	l.mu.Lock()
	defer l.mu.Unlock()
	l.discardLocked(before)
}

// follows reports whether a may be a newer frame of the same sender than one that
// came over another connection.
func (a *arrival) follows(before *arrival) bool {
	x, y := &before.header.Ext, &a.header.Ext
	return a.isFrame() && a.header.HasExt && a.from.port == before.from.port && x.Seq < y.Seq && x.T < y.T
}

// release puts the frames that were held back in vain into the queue. From now on
// such a delay is usual: a clock was set, or the way has become longer.
func (l *latest) release() {
	for from, a := range l.late {
		l.usual[from] = a.delay()
		l.push(a)
	}
	clear(l.late)
	l.hold = time.Time{}
}

// receive returns the next message, which has one arrival unless it has the pictures of
// several cameras. It counts and reports a malformed one: the message could be large,
// and is of no use.
func (l *latest) receive() ([]*arrival, error) {
	a := l.fresh()
	l.more = l.more[:0]
	parts, err := receiveParts(l.conn.data, &a.head, &a.body, &a.rest, &l.more)
	defer l.closeMore()
	if err != nil {
		l.recycle(a)
		return nil, err
	}
	in, from := l.intake, a.head.Connection()
	in.spoken = in.wireOf(from, &a.head, &a.body, l.more, parts)
	if in.spoken.Foreign() != nil {
		return l.unpack(in.spoken, a, from, in.partsOf(&a.head, &a.body, l.more, parts)), nil
	}
	l.stats.take(1)
	l.got = l.got[:0]
	bad := in.judgeOwn(from, &a.head, &a.body, parts, &a.header)
	if bad == nil && !a.header.Terminate { // a useless message must not take the place of a useful one
		bad = a.header.Check(a.body.Bytes(), in.cfg.MaxFrameSize)
	}
	now := time.Now()
	switch {
	case bad != nil:
		in.malformed(bad)
	case in.admits(&a.header, from, now):
		l.accept(a, from, now)
		return l.got, nil
	}
	l.recycle(a)
	return nil, nil
}

// accept adds an arrival that came at now to what receive returns.
func (l *latest) accept(a *arrival, connection int, now time.Time) {
	a.at, a.from = now, source{connection: connection}
	a.from.port = strings.Clone(l.intake.nameOf(&a.header))
	if a.header.Terminate {
		a.head.Close() // nobody needs them
		a.body.Close()
	}
	l.got = append(l.got, a)
}

func (l *latest) fresh() (a *arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.spare)
	if n == 0 {
		return new(arrival)
	}
	a, l.spare = l.spare[n-1], l.spare[:n-1]
	a.header = wire.Header{}
	return a
}

func (l *latest) recycle(a *arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recycleLocked(a)
}

func (l *latest) closeMore() {
	for i := range l.more {
		l.more[i].Close()
	}
}

// delay returns the time from the sender's clock to ours.
func (a *arrival) delay() time.Duration { return time.Duration(a.at.UnixNano() - a.header.Ext.T) }

// lateness returns how much longer than at best the frame was on its way; 0 when its
// sender does not say.
func (l *latest) lateness(a *arrival) time.Duration {
	h := &a.header
	if !h.HasExt || !h.Ext.HasT {
		return 0
	}
	delay := a.delay()
	least, ok := l.usual[a.from]
	if !ok || delay < least {
		if len(l.usual) >= maxStreams {
			clear(l.usual)
		}
		least = delay
	} else {
		least += (delay - least) / 1024 // clocks drift, and routes change
	}
	l.usual[a.from] = least
	return delay - least
}

// push puts a message into the queue, and removes older frames of its sender for
// which there is no room.
func (l *latest) push(a *arrival) {
	l.mu.Lock()
	l.queue = append(l.queue, a)
	if a.isFrame() {
		a.skipped += l.lost[a.from]
		delete(l.lost, a.from)
		l.limitLocked(a)
	} else if len(l.queue) > maxQueue {
		l.queue = l.queue[:len(l.queue)-1]
		l.discardLocked(a)
	}
	l.mu.Unlock()
	wake(l.news)
}

// waiting returns how many frames of one sender may wait.
func (l *latest) waiting() int {
	if l.maxLag.Load() == 0 {
		return maxWaitingAll
	}
	return maxWaiting
}

// most returns how many frames may wait in all.
func (l *latest) most() int { return max(l.waiting(), 2*len(l.intake.ports)) }

// limitLocked keeps the queue within its limits after a has come.
func (l *latest) limitLocked(a *arrival) {
	for i := l.tooManyLocked(a.from); i >= 0 && l.skipLocked(i); i = l.tooManyLocked(a.from) {
	}
	// A sender chooses its name, and may choose many. That costs it frames of its
	// own.
	for l.evictLocked() {
	}
}

// tooManyLocked returns the oldest frame of a sender whose frames exceed the limit,
// or -1.
func (l *latest) tooManyLocked(from source) (oldest int) {
	count, bytes := 0, 0
	for i, b := range slices.Backward(l.queue) {
		if b.isFrame() && b.from == from {
			oldest, count, bytes = i, count+1, bytes+b.body.Len()
		}
	}
	if count > 1 && (count > l.waiting() || bytes > maxWaitingBytes) {
		return oldest
	}
	return -1
}

// evictLocked throws out the oldest frame of the connection with the most waiting
// frames, if too many wait in all. Frames that depend on others have limits of their
// own: they wait for a key frame that does not come.
func (l *latest) evictLocked() bool {
	whole, named, namedBytes, deltas, bytes := 0, 0, 0, 0, 0
	for _, a := range l.queue {
		switch {
		case a.isWhole() && a.header.Name != wire.ByPort:
			named, namedBytes = named+1, namedBytes+a.body.Len()
		case a.isWhole():
			whole++
		case a.isDelta():
			deltas, bytes = deltas+1, bytes+a.body.Len()
		}
	}
	switch {
	case whole > l.most(), named > maxNamed, named > l.most() && namedBytes > maxWaitingBytes:
		l.throwOutLocked(l.busiestLocked((*arrival).isWhole, func(*arrival) int { return 1 }))
	case deltas > maxDeltas:
		l.throwOutLocked(l.busiestLocked((*arrival).isDelta, func(*arrival) int { return 1 }))
	case deltas > 1 && bytes > maxWaitingBytes:
		l.throwOutLocked(l.busiestLocked((*arrival).isDelta, func(a *arrival) int { return a.body.Len() }))
	default:
		return false
	}
	return true
}

// busiestLocked returns the oldest frame of a kind from the connection with the most
// of that kind, by weight.
func (l *latest) busiestLocked(kind func(a *arrival) bool, weight func(a *arrival) int) (oldest int) {
	waiting := map[int]int{}
	most := 0
	for _, a := range l.queue {
		if c := a.from.connection; kind(a) {
			if waiting[c] += weight(a); waiting[c] > most {
				most = waiting[c]
				oldest = slices.IndexFunc(l.queue, func(b *arrival) bool { return kind(b) && b.from.connection == c })
			}
		}
	}
	return oldest
}

// throwOutLocked gives up a frame and those that depend on it, but not the newest of
// its sender, which counts them.
func (l *latest) throwOutLocked(i int) {
	if l.skipLocked(i) {
		return
	}
	a := l.queue[i]
	for k, b := range slices.Backward(l.queue) {
		if k > i && b.isFrame() && b.from == a.from {
			l.passOverLocked(i, k)
			return
		}
	}
	if len(l.lost) >= maxStreams {
		clear(l.lost)
	}
	l.lost[a.from] += a.skipped + 1
	l.discardLocked(a)
	l.queue = slices.Delete(l.queue, i, i+1)
}
