package door

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// plain reads messages out of bytes as ZeroMQ's RFCs say it, without limits and memory
// of its own: what an inbox is compared with.
func plain(p Pattern, b []byte) (all [][]string) {
	var parts []string
	for len(b) >= 2 {
		flags, size := b[0], uint64(b[1])
		b = b[2:]
		if flags&flagLong != 0 {
			if len(b) < 7 {
				return all
			}
			size = binary.BigEndian.Uint64(append([]byte{byte(size)}, b[:7]...))
			b = b[7:]
		}
		if size > uint64(len(b)) {
			return all
		}
		body := string(b[:size])
		if b = b[size:]; flags&flagCommand != 0 {
			continue
		}
		if parts = append(parts, body); flags&flagMore != 0 {
			continue
		}
		if m := payload(p, parts); m != nil {
			all = append(all, m)
		}
		parts = nil
	}
	return all
}

// payload returns the parts of a message without its envelope, or nil where it is none.
func payload(p Pattern, parts []string) []string {
	end := slices.Index(parts[:len(parts)-1], "")
	switch {
	case p != Reply && p != Request:
		return parts
	case end < 0:
		return nil
	}
	return parts[end+1:]
}

// An inbox makes the messages that are in the bytes, wherever these are cut, up to the
// first that a peer must not send.
func FuzzInbox(f *testing.F) {
	request := join(frame(flagMore, []byte{1, 0, 0, 0}), frame(flagMore, nil), frame(0, []byte("request")))
	for _, b := range [][]byte{
		request, join(request, command("PING", 0, 0, 'x'), request), frame(flagMore|flagLong, make([]byte, 300)),
		join(frame(0, nil), frame(flagMore, nil), frame(0, nil)), frame(0, make([]byte, 300)),
		{flagLong, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		for _, p := range []Pattern{Pair, Request, Reply, Subscribe} {
			f.Add(byte(p), byte(3), b)
		}
	}
	hello := join(greetingOf(mechanismNull), readyOf("PAIR"))
	f.Fuzz(func(t *testing.T, pattern, cut byte, b []byte) {
		p := []Pattern{Pair, Request, Reply, Subscribe}[pattern%4]
		d := New(Config{Pattern: p, Limits: Limits{Handshake: 4096, Frame: 1 << 12, Message: 1 << 13, Parts: 16}})
		c := d.newConn(Peer{})
		defer d.Close(0)
		c.post = &Post{door: d, pattern: p, conns: []*conn{c}, bell: make(chan struct{}, 1)}
		in := NewReader(d.cfg.Limits)
		for rest := hello; len(rest) > 0; {
			var err error
			if _, rest, err = in.Feed(rest, 0); err != nil {
				t.Fatal(err)
			}
		}
		var got [][]string
		receive := func() {
			for len(c.inbox.ready) > 0 {
				l := c.inbox.takeLocked()
				var parts []string
				for i := range l.parts {
					parts = append(parts, string(l.parts[i].Bytes()))
				}
				got = append(got, parts)
				c.inbox.recycleLocked(l)
			}
		}
		feed := func(b []byte) error {
			for len(b) > 0 {
				pass, rest, err := in.Feed(b, 0)
				if err == nil {
					err = c.inbox.feed(pass)
				}
				if err != nil {
					return err
				}
				b = rest
				receive()
			}
			return nil
		}
		want := plain(p, b)
		var err error
		for size := 1 + int(cut%4); len(b) > 0 && err == nil; { // two messages at the most
			n := min(size, len(b))
			err = feed(b[:n])
			b = b[n:]
		}
		c.inbox.abandon()
		if len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], slices.Equal[[]string]) {
			t.Fatalf("%q: want %q", got, want)
		}
		if err == nil && len(got) != len(want) {
			t.Fatalf("%d messages without an error: want %d", len(got), len(want))
		}
		if err != nil && !isRefusal(err) && !errors.Is(err, zmsg.ErrAgain) {
			t.Fatalf("%v: want a reason to refuse", err)
		}
	})
}
