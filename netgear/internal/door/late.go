package door

import (
	"errors"
	"sync"
	"time"
)

// Bounds of what waits for a slow link, in bytes: of one message, and of all peers of a
// door together. Beyond that messages wait in libzmq.
const (
	lateMessage = 2 << 20
	lateTotal   = 32 << 20
	// lateMany is how many messages that do not give way to others wait for one peer.
	lateMany = 64
)

const (
	// lateWrite is how long a write waits on a link that is slow.
	lateWrite = flowTime / 4
	// slowTime is how long a link counts as slow after a picture gave way. A message
	// that went to it directly would hold up libzmq, which would lose the next ones.
	slowTime = time.Second
)

// late holds the messages of one connection that its link cannot take in yet. Only the
// newest picture waits: an older one would stay old, and delay all behind it.
//
//	direct -> (a message begins, and the link is not free) -> late -> (the link has taken in all) -> direct
//
// The goroutine that reads from libzmq calls begin, add, end and wait, with the
// outlet of the connection locked. write has a goroutine of its own while messages wait,
// and only one of the two goroutines writes to the peer.
type late struct {
	conn *conn

	collecting bool   // the message that is being read goes through here
	message    []byte // its bytes so far
	// direct means that messages went directly, without a ping behind them yet: since
	// began, when from bytes had been written.
	direct bool
	began  time.Time
	from   uint64

	news chan struct{} // has a token after an answer

	mu      sync.Mutex
	gate    gate
	opened  bool      // the gate does not matter any more
	gaveWay time.Time // when a picture last did
	waiting []lateOne
	writing chan struct{} // closed when write has returned; nil: it does not run
	err     error         // of write
}

// lateOne is a message that waits.
type lateOne struct {
	bytes   []byte
	picture bool
}

// isPicture reports whether a message of so many parts is a picture: see PreferNewest.
func (l *late) isPicture(parts int) bool { return parts > 1 || l.conn.door.cfg.OnePart }

// PreferNewest sets whether pictures that a socket publishes give way to newer ones, for
// each peer by itself. A picture is a message of two parts or, with Config.OnePart, any
// message.
func (d *Door) PreferNewest(on bool) { d.newest.Store(on) }

// Queue sets whether messages that a socket publishes wait here for a slow link even if
// they do not give way to newer ones. That is for encoded video, of which libzmq would
// lose what does not fit into its own short queue. It costs a copy of each message.
func (d *Door) Queue(on bool) { d.queue.Store(on) }

// Gate sets whether pictures to a peer that is one of ours wait until those before them
// have arrived, where the link needs that. It is of use where nothing else bounds what
// is on the way.
func (d *Door) Gate(on bool) { d.gated.Store(on) }

// begin decides, at the beginning of a message, whether it goes directly or waits.
func (l *late) begin() error {
	c := l.conn
	limits := &c.door.cfg.Limits
	if !limits.Publisher || limits.Curve || c.peer.link == nil {
		return nil // nothing is known of an encrypted message
	}
	if l.busy() {
		if l.collecting = c.door.lateBytes.Load() < lateTotal && l.many() < lateMany; !l.collecting {
			return l.wait()
		}
		return nil
	}
	queue := c.door.queue.Load()
	if !c.door.newest.Load() && !queue {
		return nil
	}
	if err := c.outRun.flush(c.flow); err != nil {
		return err
	}
	if err := l.pingLocked(); err != nil {
		return err
	}
	// A link where a message waited a moment ago is still slow, even if the kernel has
	// just sent all that it had. And while a message is written, libzmq must lose none
	// of those behind it.
	now := time.Now()
	slow := queue || l.isSlow(now) || c.flow.waited() > lateWrite || !c.peer.writable()
	l.collecting = slow && c.door.lateBytes.Load() < lateTotal
	if !l.collecting && !l.direct {
		l.direct, l.began, l.from = true, now, c.flow.passed()
	}
	return l.err
}

// isSlow reports whether a picture gave way lately, or must wait at the gate.
func (l *late) isSlow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ok, _ := l.hasRoomLocked(now)
	return !ok || now.Sub(l.gaveWay) < slowTime
}

// pings reports whether the peer answers pings, and pictures may wait for that.
func (l *late) pings() bool { return l.conn.answers.Load() && l.conn.door.gated.Load() }

// hasRoomLocked asks the gate.
func (l *late) hasRoomLocked(now time.Time) (ok bool, at time.Time) {
	if l.opened || !l.pings() {
		return true, at
	}
	return l.gate.hasRoom(now)
}

// pingLocked sends a ping behind the pictures that went directly. Its caller has the
// lock of the outlet.
func (l *late) pingLocked() error {
	c := l.conn
	if !l.direct || !l.isPicture(c.out.Parts()) || !l.pings() {
		l.direct = false
		return nil
	}
	l.mu.Lock()
	if !l.gate.wants(l.began) {
		l.mu.Unlock()
		return nil
	}
	ping := l.gate.sent(l.began, int(c.flow.passed()-l.from), false) //nolint:gosec // of some messages
	l.mu.Unlock()
	l.direct = false
	_, err := c.flow.Write(ping)
	return err
}

// answered notes the answer to a ping. It is called by inward.
func (l *late) answered(context []byte) {
	l.mu.Lock()
	bytes, busy, alone := l.gate.answered(time.Now(), context)
	l.mu.Unlock()
	l.conn.flow.carried(bytes, busy, alone)
	l.wake()
}

// open ends all waiting for answers, which will not come any more.
func (l *late) open() {
	l.mu.Lock()
	l.opened = true
	l.mu.Unlock()
	l.wake()
}

func (l *late) wake() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// awaitGate waits until another picture may go. It reports whether it had to wait.
func (l *late) awaitGate() (waited bool) {
	for {
		l.mu.Lock()
		ok, at := l.hasRoomLocked(time.Now())
		l.mu.Unlock()
		if ok {
			return waited
		}
		waited = true
		var timeout <-chan time.Time
		if !at.IsZero() {
			timeout = time.After(time.Until(at))
		}
		select {
		case <-l.news:
		case <-timeout:
		case <-l.conn.ctx.Done():
			return waited
		}
	}
}

func (l *late) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writing != nil
}

// many returns how many messages wait.
func (l *late) many() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// bytes returns how many bytes wait. Any goroutine may call it.
func (l *late) bytes() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.waiting {
		n += len(l.waiting[i].bytes)
	}
	return n
}

// add takes in a piece of the message, whose part has more bytes to come. It reports
// false when the piece must go on directly.
func (l *late) add(piece []byte, more int64) (bool, error) {
	if !l.collecting {
		return false, nil
	}
	l.message = append(l.message, piece...)
	if int64(len(l.message))+more <= lateMessage {
		return true, nil
	}
	err := l.wait()
	if err == nil {
		_, err = l.conn.flow.Write(l.message)
	}
	l.message, l.collecting = nil, false
	return true, err
}

// end notes that the message is complete.
func (l *late) end(parts int) {
	if !l.collecting {
		return
	}
	d := l.conn.door
	m := lateOne{l.message, l.isPicture(parts)}
	l.message, l.collecting = nil, false
	l.mu.Lock()
	defer l.mu.Unlock()
	d.lateBytes.Add(int64(len(m.bytes)))
	if n := len(l.waiting); m.picture && n > 0 && l.waiting[n-1].picture && d.newest.Load() {
		d.lateBytes.Add(-int64(len(l.waiting[n-1].bytes)))
		l.waiting[n-1], l.gaveWay = m, time.Now()
		if d.cfg.GaveWay != nil {
			d.cfg.GaveWay()
		}
	} else {
		l.waiting = append(l.waiting, m)
	}
	if l.writing == nil {
		done := make(chan struct{})
		l.writing = done
		d.cfg.Spawn(func() { l.write(done) })
	}
}

// wait waits until write has written all messages.
func (l *late) wait() error {
	l.mu.Lock()
	w := l.writing
	l.mu.Unlock()
	if w != nil {
		l.conn.outlet.Unlock()
		<-w
		l.conn.outlet.Lock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// write writes the messages that wait. It has a goroutine of its own.
func (l *late) write(done chan struct{}) {
	c := l.conn
	for {
		waited := l.awaitGate()
		c.flow.begin(time.Now(), 0)
		err := c.peer.awaitWritable()
		c.flow.sent(0)
		m, ok := l.next(err, done)
		if !ok {
			return
		}
		c.outlet.Lock()
		c.middle = true
		c.outlet.Unlock()
		_, err = c.flow.Write(l.withPing(m, waited))
		c.door.lateBytes.Add(-int64(len(m.bytes)))
		c.outlet.Lock()
		c.middle = false
		err = errors.Join(err, c.pongLocked())
		c.outlet.Unlock()
		if err != nil {
			l.next(err, done)
			return
		}
	}
}

// withPing returns the bytes of a message that is about to be written, with a ping if one
// must follow. waited means that the message had to wait at the gate.
func (l *late) withPing(m lateOne, waited bool) []byte {
	if !m.picture || !l.pings() {
		return m.bytes
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gate.wants(now) {
		return m.bytes
	}
	return append(m.bytes, l.gate.sent(now, len(m.bytes), waited)...)
}

// next returns the next message to write, or ends the writing.
func (l *late) next(err error, done chan struct{}) (m lateOne, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || len(l.waiting) == 0 {
		for _, m := range l.waiting {
			l.conn.door.lateBytes.Add(-int64(len(m.bytes)))
		}
		l.waiting, l.err, l.writing = nil, err, nil
		close(done)
		return m, false
	}
	m = l.waiting[0]
	l.waiting[0] = lateOne{}
	l.waiting = l.waiting[1:]
	return m, true
}
