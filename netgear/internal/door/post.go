package door

import (
	"encoding/binary"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// Pattern is which part of ZeroMQ's patterns a Post plays.
type Pattern uint8

// Values of Pattern. Subscribe also takes what is pushed.
const (
	Carry Pattern = iota // none: the door carries all bytes to libzmq
	Pair
	Request
	Reply
	Publish
	Subscribe
)

// inboxSize is how many messages of one peer wait to be received.
const inboxSize = 2

// Post exchanges whole messages with the peers of connections that are not encrypted.
// libzmq makes their handshakes and keeps their state, but the messages do not go
// through it: a message is written to the network by the goroutine that sends it, and
// read from there into its memory. So it takes fewer threads and copies than with
// libzmq.
//
//	Send --> outbox of each peer --> network --> inbox of each peer --> Recv
//
// A Post belongs to one socket of libzmq, and is used in its place. libzmq keeps what it
// has to tell of connections until Wait takes it in: a program must come to call it. One
// goroutine at a time may call Send, SendData, Recv, Wait and Close, as with that socket.
type Post struct {
	door    *Door
	pattern Pattern
	places  int // how many messages may wait for one peer

	socket zmsg.Socket
	news   *os.File    // readable when libzmq has something to tell the socket
	told   atomic.Bool // it has

	bell  chan struct{} // has a token when there may be something to receive, or room
	timer *time.Timer   // of Wait
	done  chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	conns   []*conn       // in the order of their coming
	changed chan struct{} // closed when nothing more comes from one of them
	turn    int           // where the next look begins
	partner *conn         // Request: whom the last one went to. Reply: whom the next one goes to

	// Of the goroutine that uses it.
	id       uint32  // of the last request
	reading  *letter // nil: none
	part     int     // of reading, that is received next
	envelope []byte  // that the next reply goes back in
	framed   []byte
}

// NewPost returns a Post for a socket of libzmq. places is how many messages may wait
// for one peer. The door must have a Pattern.
func (d *Door) NewPost(socket zmsg.Socket, places int) (*Post, error) {
	news, err := socket.News()
	if err != nil {
		return nil, err
	}
	p := &Post{
		door: d, pattern: d.cfg.Pattern, places: places, socket: socket, news: news,
		bell: make(chan struct{}, 1), changed: make(chan struct{}), done: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	p.timer.Stop()
	p.told.Store(true) // nobody has looked yet
	d.cfg.Spawn(p.listen)
	return p, nil
}

// listen wakes up the owner of the socket when libzmq has something to tell it: a
// connection that has begun or ended. Until the owner looks, libzmq waits with that.
func (p *Post) listen() {
	raw, err := p.news.SyscallConn()
	for err == nil {
		looked := false
		err = raw.Read(func(fd uintptr) bool {
			// What came before this call wakes up nobody. It needs no waking where the
			// owner is about to look.
			ready := looked || !p.told.Load() && isNow(fd, unix.POLLIN)
			looked = true
			return ready
		})
		p.told.Store(true)
		p.ring()
	}
}

// look has the socket take in what libzmq has to tell it.
func (p *Post) look() error {
	if p.told.Swap(false) {
		return p.socket.Look()
	}
	return nil
}

// Close ends the Post. What waits to be received is discarded, and what waits for
// peers too, unless keep is set. It must be called before the socket is closed.
func (p *Post) Close(keep bool) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	conns := p.conns
	p.conns, p.partner = nil, nil
	for _, c := range conns {
		c.inbox.clearLocked()
	}
	if p.reading != nil {
		p.reading.close()
	}
	p.mu.Unlock()
	close(p.done)
	for _, c := range conns {
		if !keep {
			c.outbox.stop()
		}
	}
	p.timer.Stop()
	p.news.Close()
	zmsg.Trim()
}

func (p *Post) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// add lets a connection take part. It reports false where it must wait until another one
// has gone, of which changed tells: a PAIR serves one.
func (p *Post) add(c *conn) (ok bool, changed <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return false, nil, errGone
	case p.pattern == Pair && slices.ContainsFunc(p.conns, func(o *conn) bool { return !o.inbox.over }):
		return false, p.changed, nil
	}
	c.outbox.start(p)
	p.conns = append(p.conns, c)
	p.ring()
	return true, nil, nil
}

// remove notes that nothing more comes from a peer. What it has sent can still be
// received.
func (p *Post) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.inbox.over = true; len(c.inbox.ready) == 0 {
		p.forgetLocked(c)
	}
	close(p.changed)
	p.changed = make(chan struct{})
	p.ring()
}

func (p *Post) forgetLocked(c *conn) {
	p.conns = slices.DeleteFunc(slices.Clone(p.conns), func(o *conn) bool { return o == c }) // see present
}

// ring wakes up Wait.
func (p *Post) ring() { signal(p.bell) }

// signal puts a token into a channel that has room for one, unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Wait is that of zmsg.Socket.
func (p *Post) Wait(want zmsg.Events, w *zmsg.Waker, until time.Time) (zmsg.Events, error) {
	if err := p.look(); err != nil {
		return 0, err
	}
	if got := p.ready(want); got != 0 {
		return got, nil
	}
	var timeout <-chan time.Time
	if !until.IsZero() {
		d := time.Until(until)
		if d <= 0 {
			select {
			case <-w.Woken():
				w.PutBack()
				return zmsg.Woken, nil
			default:
				return 0, nil
			}
		}
		p.timer.Reset(d)
		defer p.timer.Stop()
		timeout = p.timer.C
	}
	for {
		select {
		case <-p.bell:
			if err := p.look(); err != nil {
				return 0, err
			}
			if got := p.ready(want); got != 0 {
				return got, nil
			}
		case <-w.Woken():
			w.PutBack()
			return zmsg.Woken | p.ready(want), nil
		case <-timeout:
			return p.ready(want), nil
		}
	}
}

// ready returns which of the events hold.
func (p *Post) ready(want zmsg.Events) (got zmsg.Events) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading != nil {
		got |= zmsg.In
	}
	for _, c := range p.conns {
		if len(c.inbox.ready) > 0 {
			got |= zmsg.In
		}
		if want&zmsg.Out != 0 && (p.pattern != Reply || c == p.partner) && c.outbox.hasRoom() {
			got |= zmsg.Out
		}
	}
	if p.pattern == Publish {
		got |= zmsg.Out
	}
	return got & want
}

// Recv is that of zmsg.Socket.
func (p *Post) Recv(m *zmsg.Message) (more bool, err error) {
	m.Close()
	if p.reading == nil && !p.next() {
		return false, zmsg.ErrAgain
	}
	l := p.reading
	m.Take(&l.parts[p.part])
	m.SetConnection(l.from)
	if p.part++; p.part < len(l.parts) {
		return true, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.inbox.recycleLocked(l)
	p.reading, p.part = nil, 0
	return false, nil
}

// next opens the next message, of each peer in turn. It reports false when there is
// none.
func (p *Post) next() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.conns); n > 0; n-- {
		if p.turn >= len(p.conns) {
			p.turn = 0
		}
		c := p.conns[p.turn]
		p.turn++
		for l := c.inbox.takeLocked(); l != nil; l = c.inbox.takeLocked() {
			if p.pattern == Request && (c != p.partner || l.id != p.id || !l.hasID) {
				c.inbox.recycleLocked(l) // the answer to an earlier request
				continue
			}
			if p.pattern == Request {
				p.partner = nil
			}
			if p.pattern == Reply {
				p.partner, p.envelope = c, append(p.envelope[:0], l.envelope...)
			}
			p.reading, p.part = l, 0
			if c.inbox.over && len(c.inbox.ready) == 0 {
				p.forgetLocked(c)
			}
			return true
		}
		if c.inbox.over {
			p.forgetLocked(c)
		}
	}
	return false
}

// Send is that of zmsg.Socket. Where messages are published, ErrAgain means that some
// peers did not get this one, because too much waits for them already.
func (p *Post) Send(head []byte, data *zmsg.Message) error {
	p.begin()
	more := byte(0)
	if data != nil {
		more = flagMore
	}
	p.framed = append(appendFrame(p.framed, more, len(head)), head...)
	parts := 1
	if data != nil {
		parts = 2
		p.framed = appendFrame(p.framed, 0, data.Len())
	}
	return p.send(data, parts, head)
}

// SendData is that of zmsg.Socket.
func (p *Post) SendData(data *zmsg.Message) error {
	p.begin()
	p.framed = appendFrame(p.framed, 0, data.Len())
	return p.send(data, 1, nil)
}

// begin begins a message with the parts that only the sockets see.
func (p *Post) begin() {
	p.framed = p.framed[:0]
	switch p.pattern {
	case Request:
		p.framed = binary.NativeEndian.AppendUint32(appendFrame(p.framed, flagMore, requestID), p.id+1)
		p.framed = appendFrame(p.framed, flagMore, 0)
	case Reply:
		p.framed = append(p.framed, p.envelope...)
	case Carry, Pair, Publish, Subscribe:
	}
}

// requestID is the size in bytes of the number of a request, as REQ_CORRELATE makes it.
const requestID = 4

// appendFrame appends the flags and the length of a frame.
func appendFrame(b []byte, flags byte, size int) []byte {
	if size < 256 {
		return append(b, flags, byte(size)) //nolint:gosec // less than 256
	}
	return binary.BigEndian.AppendUint64(append(b, flags|flagLong), uint64(size))
}

// send passes the message in framed and data on. topic is its beginning; nil: data is.
func (p *Post) send(data *zmsg.Message, parts int, topic []byte) error {
	picture := parts > 1 || p.door.cfg.OnePart
	switch p.pattern {
	case Pair:
		for _, c := range p.present() { // one, and others that have gone
			if c.outbox.offer(p.framed, data, picture) {
				return nil
			}
		}
		return zmsg.ErrAgain
	case Request:
		return p.ask(data, picture)
	case Reply:
		p.mu.Lock()
		c := p.partner
		p.partner = nil
		p.mu.Unlock()
		if c != nil && c.outbox.isLive() && !c.outbox.offer(p.framed, data, picture) {
			return zmsg.ErrAgain
		}
		return nil
	case Publish:
		if topic == nil {
			topic = data.Bytes()
		}
		return p.publish(data, picture, topic)
	case Carry, Subscribe:
	}
	return zmsg.ErrAgain // nothing is sent there
}

// present returns the connections. They may end at any time.
func (p *Post) present() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns // add appends beyond it, and forgetLocked makes another
}

// ask sends a request to the next peer that has room for it.
func (p *Post) ask(data *zmsg.Message, picture bool) error {
	conns := p.present()
	for i := range conns {
		c := conns[(p.turn+i)%len(conns)]
		p.mu.Lock()
		before := p.partner
		p.partner = c // before the answer can come
		p.id++
		p.mu.Unlock()
		if c.outbox.offer(p.framed, data, picture) {
			p.turn = (p.turn + i + 1) % len(conns)
			return nil
		}
		p.mu.Lock()
		p.partner = before
		p.id--
		p.mu.Unlock()
	}
	return zmsg.ErrAgain
}

// publish sends to all peers that have subscribed to what begins like the message.
func (p *Post) publish(data *zmsg.Message, picture bool, topic []byte) (err error) {
	for _, c := range p.present() {
		if c.outbox.wants(topic) && !c.outbox.offer(p.framed, data, picture) && picture {
			err = zmsg.ErrAgain
		}
	}
	return err
}

// introduction is what libzmq's monitor says of a connection before the door knows it.
type introduction struct {
	post *Post
	fd   int
}

// Introduce tells the door of a connection of the socket that p belongs to. The
// descriptor, which names it in messages, comes from the monitor of that socket.
// Introduce does nothing for a descriptor that is something else by now.
func (d *Door) Introduce(fd int, p *Post) {
	far, err := peerName(fd)
	if err != nil || p.isClosed() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.acceptedLocked(far)
	if !ok {
		if c = d.presentLocked(far); c == nil || c.isKnown() {
			// libzmq is faster than the goroutine that accepts its connection. It has one
			// for each mouth, so the next one there is that.
			d.expected[far] = introduction{p, fd}
			return
		}
	}
	if c != nil {
		c.introduce(introduction{p, fd})
	}
}

// presentLocked returns the connection of a mouth that libzmq has not closed, or nil:
// there is one at the most.
func (d *Door) presentLocked(mouth string) *conn {
	for _, c := range d.conns {
		if c.mouth == mouth && !c.local.hungUp() {
			return c
		}
	}
	return nil
}

// meetLocked introduces a new connection of libzmq, if it was expected.
func (d *Door) meetLocked(c *conn) {
	e, ok := d.expected[c.mouth]
	if !ok || c.local.hungUp() {
		return
	}
	delete(d.expected, c.mouth)
	if far, err := peerName(e.fd); err == nil && far == c.mouth && !e.post.isClosed() {
		c.introduce(e)
	}
}

func (c *conn) introduce(e introduction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isClosed(c.known) {
		c.post, c.fd = e.post, e.fd
		close(c.known)
	}
}

func (c *conn) isKnown() bool { return isClosed(c.known) }

// takePart waits until libzmq's monitor has told of the connection, and has it take
// part in the exchange of messages, if libzmq accepts the handshake.
func (c *conn) takePart() error {
	if c.door.cfg.Pattern == Carry || !c.in.Fits(c.out) {
		return nil
	}
	select {
	case <-c.known:
	case <-c.left:
		return errGone
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	for {
		ok, changed, err := c.post.add(c)
		if c.takesPart = ok; ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-c.left:
			return errGone
		case <-c.ctx.Done():
			return c.ctx.Err()
		case <-time.After(turnLook):
			if c.peer.hungUp() {
				return io.EOF
			}
		}
	}
}
