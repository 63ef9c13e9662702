package door

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/rawio"
	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// Bounds of what waits for the peers of an end that publishes, beside the newest picture
// of each: in bytes for all peers of a door together, and in messages for one peer.
const (
	lateTotal = 32 << 20
	lateMany  = 64
)

const (
	// lateWrite is how long a write waits on a link that is slow.
	lateWrite = flowTime / 4
	// slowTime is how long a link counts as slow after a picture gave way.
	slowTime = time.Second
	// leastWrite is in bytes: large messages go in several writes, so that the rate of a
	// slow link shows. Small writes fit badly into a small window of the peer.
	leastWrite = 256 << 10
)

// outbox holds the messages for one peer that the network has not taken yet.
//
//	idle -> (offer writes what the kernel takes) -> idle
//	          '-> (the rest waits) -> write, a goroutine of its own -> (nothing waits) -> idle
//
// Where messages are published, only the newest picture waits: an older one would stay
// old, and delay all behind it.
type outbox struct {
	conn *conn
	news chan struct{} // has a token after an answer
	run  func()        // write; a field, so that starting it allocates nothing

	mu      sync.Mutex
	idle    sync.Cond // not busy, and nothing waits
	post    *Post
	live    bool // the peer is there
	busy    bool // a message is being written
	waiting []parcel

	topics map[string]struct{} // that the peer has subscribed to

	// Of an end that publishes.
	gate    gate
	opened  bool      // the gate does not matter any more
	gaveWay time.Time // when a picture last did
	began   time.Time // when the first message went that no ping has followed yet
	bytes   int       // of those messages; 0: there are none
}

// parcel is a message that waits, or its rest.
type parcel struct {
	head    []byte // what precedes data: frames of ZMTP
	data    zmsg.Message
	tail    []byte // a ping that follows
	done    int    // how many bytes have gone
	picture bool
}

func (m *parcel) size() int { return len(m.head) + m.data.Len() + len(m.tail) - m.done }

// rest appends what has not gone, up to a number of bytes.
func (m *parcel) rest(to net.Buffers, most int) net.Buffers {
	skip := m.done
	for _, b := range [...][]byte{m.head, m.data.Bytes(), m.tail} {
		n := min(skip, len(b))
		skip -= n
		b = b[n:min(len(b), n+most)]
		if most -= len(b); len(b) > 0 {
			to = append(to, b)
		}
	}
	return to
}

// PreferNewest sets whether pictures that a socket publishes give way to newer ones, for
// each peer by itself. A picture is a message of two parts or, with Config.OnePart, any
// message.
func (d *Door) PreferNewest(on bool) { d.newest.Store(on) }

// Queue sets whether more messages than the places of the Post wait for a slow link even
// if they do not give way to newer ones. That is for encoded video.
func (d *Door) Queue(on bool) { d.queue.Store(on) }

// Ask sets whether peers that are ours are asked which pictures have arrived, for
// Config.Arrived.
func (d *Door) Ask(on bool) { d.asks.Store(on) }

// Shed drops the messages that wait for a slow link, but for those that a peer has got a
// part of.
func (d *Door) Shed() {
	d.mu.Lock()
	conns := slices.Collect(maps.Values(d.conns))
	d.mu.Unlock()
	for _, c := range conns {
		c.outbox.mu.Lock()
		c.outbox.clearLocked(false)
		c.outbox.mu.Unlock()
	}
}

// Gate sets whether pictures to a peer that is one of ours wait until those before them
// have arrived, where the link needs that. It is of use where nothing else bounds what
// is on the way.
func (d *Door) Gate(on bool) { d.gated.Store(on) }

func (o *outbox) init(c *conn) {
	o.conn, o.news, o.run, o.idle.L = c, make(chan struct{}, 1), o.write, &o.mu
}

// start has messages of a Post go to the peer.
func (o *outbox) start(p *Post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.post, o.live = p, true
}

// stop ends the sending. It drops what waits, and gives the rest of the message that is
// being written a moment: without it the peer would get half a message.
func (o *outbox) stop() {
	o.mu.Lock()
	o.live = false
	o.clearLocked(false)
	busy := o.busy
	o.mu.Unlock()
	o.open()
	if busy {
		_ = o.conn.peer.SetWriteDeadline(time.Now().Add(farewell)) // it fails when the peer has gone
	}
}

// clearLocked drops what waits, but for the rest of a message that has begun unless it
// is all.
func (o *outbox) clearLocked(all bool) {
	kept := o.waiting[:0]
	for i := range o.waiting {
		m := &o.waiting[i]
		if m.done > 0 && !all {
			kept = append(kept, *m)
			continue
		}
		o.conn.door.lateBytes.Add(-int64(m.size()))
		m.data.Close()
	}
	o.waiting = kept
}

// flush waits until all has gone that waits, or the peer has.
func (o *outbox) flush() {
	o.open()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.live = false
	for o.busy {
		o.idle.Wait()
	}
}

func (o *outbox) isLive() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live
}

// hasRoom reports whether offer takes a message.
func (o *outbox) hasRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live && len(o.waiting) < o.post.places
}

// unsent returns how many bytes wait.
func (o *outbox) unsent() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.waiting {
		n += o.waiting[i].size()
	}
	return n
}

// subscribed notes what the peer has subscribed to.
func (o *outbox) subscribed(topics map[string]struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.topics = make(map[string]struct{}, len(topics))
	for t := range topics {
		o.topics[t] = struct{}{}
	}
}

// wants reports whether the peer has subscribed to messages that begin like topic.
func (o *outbox) wants(topic []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for t := range o.topics {
		if len(topic) >= len(t) && string(topic[:len(t)]) == t {
			return o.live
		}
	}
	return false
}

// offer sends a message: head, which it copies where it must wait, and data, which may
// be nil and is shared then. It never blocks. It reports false when the message must
// not wait, because too much waits already or the peer has gone.
func (o *outbox) offer(head []byte, data *zmsg.Message, picture bool) bool {
	now := time.Now()
	m := parcel{head: head, picture: picture}
	o.mu.Lock()
	switch {
	case !o.live:
		o.mu.Unlock()
		return false
	case o.busy || o.mustWaitLocked(now):
		taken := o.pushLocked(m, data)
		o.mu.Unlock()
		return taken
	}
	o.busy = true
	var body []byte
	if data != nil {
		body = data.Bytes()
	}
	m.tail = o.pingLocked(now, len(head)+len(body), picture, false)
	o.mu.Unlock()
	ended := o.writeNow(&m, body, now)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy = false; ended {
		o.calmLocked()
		return true
	}
	taken := o.pushLocked(m, data)
	if !taken {
		o.conn.cancel() // the peer has got a part of it
	}
	return taken
}

// calmLocked goes on when a message was written.
func (o *outbox) calmLocked() {
	if len(o.waiting) > 0 {
		o.spawnLocked()
		return
	}
	o.idle.Broadcast()
}

func (o *outbox) spawnLocked() {
	o.busy = true
	o.conn.door.cfg.Spawn(o.run)
}

// writeNow writes what the kernel takes of a message at once. It reports whether that
// ends the message; the connection may have ended it too.
func (o *outbox) writeNow(m *parcel, body []byte, now time.Time) (ended bool) {
	c := o.conn
	if c.peer.raw == nil || !c.outlet.TryLock() {
		return false
	}
	defer c.outlet.Unlock()
	size := len(m.head) + len(body) + len(m.tail)
	c.flow.begin(now, size)
	done, err := c.peer.writeNow(m.head, body, m.tail)
	c.flow.sent(done)
	m.done = done
	c.middle = err == nil && 0 < done && done < size
	return err != nil || done == size // the goroutines of the connection notice the error too
}

// writeNow writes to a connection with a descriptor without waiting.
func (s *stream) writeNow(head, body, tail []byte) (n int, err error) {
	s.out = append(s.out[:0], head)
	for _, b := range [...][]byte{body, tail} {
		if len(b) > 0 {
			s.out = append(s.out, b)
		}
	}
	err = s.raw.Write(s.push)
	clear(s.out)
	if err == nil && !errors.Is(s.outErr, unix.EAGAIN) {
		err = s.outErr
	}
	return max(s.outN, 0), err
}

// tryWrite writes what the kernel takes.
func (s *stream) tryWrite(fd uintptr) bool {
	for {
		s.outN, s.outErr = s.send(fd)
		if !errors.Is(s.outErr, unix.EINTR) {
			return true
		}
	}
}

func (s *stream) send(fd uintptr) (int, error) {
	if rawio.Fits(s.out) {
		return rawio.Send(fd, s.out)
	}
	return unix.SendmsgBuffers(int(fd), s.out, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// mustWaitLocked decides, where messages are published, whether one waits for the link,
// though nothing is being written. On a link where a message waited a moment ago it
// does, even if the kernel has just sent all that it had.
func (o *outbox) mustWaitLocked(now time.Time) bool {
	c := o.conn
	d := c.door
	queue := d.queue.Load()
	if d.cfg.Pattern != Publish || c.peer.link == nil || !queue && !d.newest.Load() {
		return false
	}
	ok, _ := o.hasWayLocked(now)
	return queue || !ok || now.Sub(o.gaveWay) < slowTime || c.flow.waited() > lateWrite || !c.peer.writable()
}

// pushLocked has a message wait, with a copy of its head and a share of its data. It
// reports false when there is no room.
func (o *outbox) pushLocked(m parcel, data *zmsg.Message) bool {
	if !o.hasPlaceLocked(&m) {
		return false
	}
	if m.head = slices.Clone(m.head); data != nil && m.data.Share(data) != nil {
		return false // there is no memory
	}
	d := o.conn.door
	d.lateBytes.Add(int64(m.size()))
	if o.isReplacedLocked(&m) {
		last := &o.waiting[len(o.waiting)-1]
		d.lateBytes.Add(-int64(last.size()))
		last.data.Close()
		*last, o.gaveWay = m, time.Now()
		if d.cfg.GaveWay != nil {
			d.cfg.GaveWay()
		}
	} else {
		o.waiting = append(o.waiting, m)
	}
	if !o.busy {
		o.spawnLocked()
	}
	return true
}

// isReplacedLocked reports whether the last message that waits gives way to m.
func (o *outbox) isReplacedLocked(m *parcel) bool {
	n := len(o.waiting)
	d := o.conn.door
	return d.cfg.Pattern == Publish && d.newest.Load() && m.picture && n > 0 && o.waiting[n-1].picture && o.waiting[n-1].done == 0
}

// hasPlaceLocked reports whether m may wait.
func (o *outbox) hasPlaceLocked(m *parcel) bool {
	n := len(o.waiting)
	d := o.conn.door
	switch {
	case m.done > 0 || o.isReplacedLocked(m):
		return true
	case d.cfg.Pattern == Publish && !m.picture: // a goodbye
		return n < 2*lateMany
	case d.cfg.Pattern == Publish && (d.newest.Load() || d.queue.Load()):
		return n == 0 || n < lateMany && d.lateBytes.Load() < lateTotal
	}
	return n < o.post.places
}

// pings reports whether pings follow pictures: the peer answers them, and somebody wants
// to know.
func (o *outbox) pings() bool {
	d := o.conn.door
	return o.conn.answers.Load() && (d.gated.Load() || d.asks.Load())
}

// hasWayLocked asks the gate.
func (o *outbox) hasWayLocked(now time.Time) (ok bool, at time.Time) {
	if o.opened || !o.conn.answers.Load() || !o.conn.door.gated.Load() {
		return true, at
	}
	return o.gate.hasRoom(now)
}

// pingLocked returns the ping that follows a message of size bytes which is begun at
// now, or nil. waited means that the message had to wait at the gate.
func (o *outbox) pingLocked(now time.Time, size int, picture, waited bool) []byte {
	if !picture || !o.pings() {
		o.bytes = 0
		return nil
	}
	if o.bytes == 0 {
		o.began = now
	}
	o.bytes += size
	if !o.gate.wants(now) {
		return nil
	}
	ping := o.gate.sent(o.began, o.bytes, waited)
	o.bytes = 0
	return ping
}

// answered notes the answer to a ping. It is called by inward.
func (o *outbox) answered(context []byte) {
	c := o.conn
	o.mu.Lock()
	f, busy := o.gate.answered(time.Now(), context)
	o.mu.Unlock()
	c.flow.carried(f.bytes, busy, f.alone)
	if d := c.door; f.bytes > 0 && d.asks.Load() && d.cfg.Arrived != nil {
		d.cfg.Arrived(c.about, f.at, f.bytes)
	}
	signal(o.news)
}

// open ends all waiting for answers, which will not come any more.
func (o *outbox) open() {
	o.mu.Lock()
	o.opened = true
	o.mu.Unlock()
	signal(o.news)
}

// awaitWay waits until another picture may go. It reports whether it had to wait for
// the gate.
func (o *outbox) awaitWay() (waited bool, err error) {
	c := o.conn
	for {
		o.mu.Lock()
		ok, at := o.hasWayLocked(time.Now())
		o.mu.Unlock()
		if ok {
			break
		}
		waited = true
		var timeout <-chan time.Time
		if !at.IsZero() {
			timeout = time.After(time.Until(at))
		}
		select {
		case <-o.news:
		case <-timeout:
		case <-c.ctx.Done():
			return waited, c.ctx.Err()
		}
	}
	c.flow.begin(time.Now(), 0)
	err = c.peer.awaitWritable()
	c.flow.sent(0)
	return waited, err
}

// write writes what waits. It has a goroutine of its own while something does.
func (o *outbox) write() {
	c := o.conn
	var buffers net.Buffers
	var err error
	for {
		waited := false
		if c.door.cfg.Pattern == Publish && c.peer.link != nil && err == nil && !o.hasBegun() {
			waited, err = o.awaitWay()
		}
		m, ok := o.next(err, waited)
		if !ok {
			return
		}
		c.outlet.Lock()
		c.middle = true
		c.outlet.Unlock()
		for m.size() > 0 && err == nil {
			most := min(m.size(), max(c.flow.room, leastWrite))
			buffers = m.rest(buffers[:0], most)
			err = o.writeAll(buffers, most)
			m.done += most
		}
		m.data.Close()
		c.outlet.Lock()
		c.middle = false
		err = errors.Join(err, c.pongLocked())
		c.outlet.Unlock()
	}
}

// writeAll writes buffers of size bytes, and waits for the link.
func (o *outbox) writeAll(buffers net.Buffers, size int) error {
	c := o.conn
	c.flow.begin(time.Now(), size)
	n, err := buffers.WriteTo(c.peer.Conn)
	c.flow.sent(int(n))
	return err
}

// hasBegun reports whether the next message has begun to be written.
func (o *outbox) hasBegun() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting) > 0 && o.waiting[0].done > 0
}

// next returns the next message to write, which had to wait at the gate or not. Without
// one, or after an error, it ends the writing.
func (o *outbox) next(err error, waited bool) (m parcel, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.live = false
		o.clearLocked(true)
	}
	if len(o.waiting) == 0 {
		o.busy = false
		o.idle.Broadcast()
		return m, false
	}
	m = o.waiting[0]
	o.waiting = o.waiting[:copy(o.waiting, o.waiting[1:])]
	o.conn.door.lateBytes.Add(-int64(m.size()))
	if m.done == 0 && m.tail == nil {
		m.tail = o.pingLocked(time.Now(), m.size(), m.picture, waited)
	}
	o.post.ring() // there is room
	return m, true
}
