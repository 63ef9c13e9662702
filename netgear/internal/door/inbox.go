package door

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// Implementation constants of an inbox.
const (
	// directMin is in bytes: of that many the rest of a part is read into its memory, and
	// not through a buffer.
	directMin = 8 << 10
	// maxEnvelope bounds what precedes a request, in bytes. REQ sockets send 8, and each
	// broker on the way 7 more.
	maxEnvelope = 1024
	// maxSpareParts is how many parts a letter may have to be used again.
	maxSpareParts = 8
)

// inbox makes messages of what one peer sends. The goroutine inward calls feed and
// fill; methods with Locked in their names need the lock of the Post.
type inbox struct {
	conn *conn

	letter  *letter
	head    [9]byte // flags and length of the frame
	got     int     // bytes of it
	rest    []byte  // of the part, that has not come yet
	expects section

	ready []*letter // oldest first
	spare []*letter
	over  bool          // nothing more comes
	room  chan struct{} // has a token when there may be room for another letter
}

// section is what the next part of a message is.
type section uint8

const (
	inPayload  section = iota
	inEnvelope         // of a request
	atID               // the number of the request that is answered, or atDelimiter
	atDelimiter
)

// letter is one message.
type letter struct {
	inbox    *inbox
	from     int // the number of the connection
	parts    []zmsg.Message
	envelope []byte // of a request, framed, with the empty part that ends it
	id       uint32 // of the request that it answers
	hasID    bool
}

func (l *letter) close() {
	for i := range l.parts {
		l.parts[i].Close()
	}
	l.parts = l.parts[:0]
}

// feed reads the next bytes, which the Reader has checked.
func (b *inbox) feed(p []byte) error {
	for len(p) > 0 {
		if len(b.rest) > 0 {
			n := copy(b.rest, p)
			p = p[n:]
			if err := b.advance(n); err != nil {
				return err
			}
			continue
		}
		b.head[b.got] = p[0]
		b.got++
		p = p[1:]
		if b.got == 2 && b.head[0]&flagLong == 0 || b.got == len(b.head) {
			if err := b.begin(); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin makes room for a part whose length has come.
func (b *inbox) begin() error {
	size := 0
	for _, x := range b.head[1:b.got] {
		size = size<<8 | int(x)
	}
	b.got = 0
	if b.letter == nil {
		b.letter = b.fresh()
		switch b.conn.door.cfg.Pattern {
		case Reply:
			b.expects = inEnvelope
		case Request:
			b.expects = atID
		case Carry, Pair, Publish, Subscribe:
			b.expects = inPayload
		}
	}
	l := b.letter
	l.parts = append(l.parts, zmsg.Message{})
	m := &l.parts[len(l.parts)-1]
	if err := m.Make(size); err != nil {
		return fmt.Errorf("%w: a part of %d bytes: %w", ErrLimit, size, err)
	}
	b.rest = m.Bytes()
	return b.advance(0)
}

// advance notes that n bytes of the part have come.
func (b *inbox) advance(n int) error {
	if b.rest = b.rest[n:]; len(b.rest) > 0 {
		return nil
	}
	b.rest = nil
	more := b.head[0]&flagMore != 0
	if b.expects != inPayload {
		if err := b.sort(more); err != nil {
			return err
		}
	}
	if more {
		return nil
	}
	l := b.letter
	b.letter = nil
	if b.expects == inEnvelope { // without its end it is no request, and is dropped as by libzmq
		b.putBack(l)
		return nil
	}
	return b.deliver(l)
}

// sort removes what is not payload from the letter.
func (b *inbox) sort(more bool) error {
	l := b.letter
	last := &l.parts[len(l.parts)-1]
	switch empty := last.Len() == 0 && more; {
	case b.expects == inEnvelope:
		if !empty {
			return nil
		}
		size := 0
		for i := range l.parts {
			size += l.parts[i].Len()
		}
		if size > maxEnvelope || len(l.parts) > maxEnvelope/8 {
			return fmt.Errorf("%w: an envelope of %d bytes in %d parts", ErrLimit, size, len(l.parts))
		}
		l.envelope = l.envelope[:0]
		for i := range l.parts {
			body := l.parts[i].Bytes()
			l.envelope = append(appendFrame(l.envelope, flagMore, len(body)), body...)
		}
	case b.expects == atID && more && last.Len() == requestID:
		l.id, l.hasID = binary.NativeEndian.Uint32(last.Bytes()), true
		b.expects = atDelimiter
		l.close()
		return nil
	case !empty:
		return fmt.Errorf("%w: an answer without the empty part that precedes it", ErrFraming)
	}
	b.expects = inPayload
	l.close()
	return nil
}

// fill reads the rest of a part into its memory, and returns how much it read.
func (b *inbox) fill(from *stream) (n int, err error) {
	want := len(b.rest)
	wake := 1
	for n < want && err == nil {
		var k int
		if left := want - n; left >= spliceMin || wake > left {
			wake = left // with less there is nothing to do
			from.wakeAt(wake)
		}
		k, err = from.Read(b.rest[n:])
		n += k
	}
	if wake > 1 {
		from.wakeAt(1)
	}
	return n, errors.Join(err, b.advance(n))
}

// wakeAt has the reader of a TCP connection wake up when so many bytes are there, or
// nothing more comes.
func (s *stream) wakeAt(bytes int) {
	if s.raw == nil || s.link == nil {
		return
	}
	_ = s.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes) // it wakes up for each segment then
	})
}

// deliver waits until there is room for the letter. Then the Post has it.
func (b *inbox) deliver(l *letter) error {
	c := b.conn
	p := c.post
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			l.close()
			return errGone
		}
		if len(b.ready) < inboxSize {
			l.from = c.fd
			b.ready = append(b.ready, l)
			p.ring()
			p.mu.Unlock()
			return nil
		}
		p.mu.Unlock()
		select {
		case <-b.room:
		case <-p.done:
		case <-c.left:
			l.close()
			return errGone
		case <-c.ctx.Done():
			l.close()
			return c.ctx.Err()
		}
	}
}

// takeLocked returns the oldest letter, or nil.
func (b *inbox) takeLocked() *letter {
	if len(b.ready) == 0 {
		return nil
	}
	l := b.ready[0]
	b.ready = b.ready[:copy(b.ready, b.ready[1:])]
	signal(b.room)
	return l
}

func (b *inbox) fresh() *letter {
	b.conn.post.mu.Lock()
	defer b.conn.post.mu.Unlock()
	n := len(b.spare)
	if n == 0 {
		return &letter{inbox: b}
	}
	l := b.spare[n-1]
	b.spare = b.spare[:n-1]
	return l
}

func (b *inbox) putBack(l *letter) {
	b.conn.post.mu.Lock()
	defer b.conn.post.mu.Unlock()
	b.recycleLocked(l)
}

func (b *inbox) recycleLocked(l *letter) {
	l.close()
	l.hasID = false
	if len(b.spare) <= inboxSize && cap(l.parts) <= maxSpareParts {
		b.spare = append(b.spare, l)
	}
}

func (b *inbox) clearLocked() {
	for _, l := range b.ready {
		l.close()
	}
	b.ready = nil
}

// abandon discards the message that has not come as a whole.
func (b *inbox) abandon() {
	if b.letter != nil {
		b.letter.close()
		b.letter, b.rest = nil, nil
	}
}
