package netgear_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// greetAsPair does the handshake of a PAIR socket without encryption, with a pause in it.
func greetAsPair(c net.Conn, pause time.Duration) error { return greetAs(c, "PAIR", pause) }

// greetAs is greetAsPair for another type of sockets.
func greetAs(c net.Conn, typ string, pause time.Duration) error {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	ready := fmt.Sprintf("\x04%c\x05READY\x0bSocket-Type\x00\x00\x00%c%s", 22+len(typ), len(typ), typ)
	if _, err := c.Write(greeting); err != nil {
		return err
	}
	time.Sleep(pause)
	if _, err := io.WriteString(c, ready); err != nil {
		return err
	}
	theirs := make([]byte, len(greeting)+2)
	if _, err := io.ReadFull(c, theirs); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, c, int64(theirs[len(greeting)+1]))
	return err
}

// The door stands before a socket that goes through a tunnel too: who is at the
// far end cannot have this end take more than an answer has.
func TestTunnelEndsAtTheDoor(t *testing.T) {
	server := newSSHServer(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := server.through(wire.Pair)
	cfg.SSHPassword = sshPassword
	s := sender(t, cfg, uint(l.Addr().(*net.TCPAddr).Port))
	ctx := deadline(t)
	end, _ := ctx.Deadline()
	next := func() net.Conn {
		for {
			peer, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(peer.SetDeadline(end), greetAsPair(peer, 0)); err == nil {
				waitFor(ctx, func() bool { return s.Peers() == 1 })
				return peer
			}
			peer.Close() // a look at this end, which is no peer
		}
	}
	for _, c := range []struct{ name, sent string }{
		{"a long answer", "\x02\x00\x00\x00\x00\x06\x00\x00\x00"}, // 100 MB are to come
		{"a long command", "\x06\x00\x00\x00\x00\x00\x01\x00\x00"},
		{"no ZMTP", "\x40\x01x"},
	} {
		peer := next()
		if _, err := peer.Write([]byte(c.sent)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, peer); err != nil {
			t.Errorf("%s: %d bytes came, error %v, want to be hung up on", c.name, n, err)
		}
		peer.Close()
		waitFor(ctx, func() bool { return s.Peers() == 0 })
	}
	next().Close() // it goes on with one that behaves
}
