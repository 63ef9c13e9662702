package door

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// taker is the other end of a connection: it counts writes.
type taker struct {
	net.Conn
	mu     sync.Mutex
	got    []byte
	writes int
}

func (k *taker) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes++
	k.got = append(k.got, p...)
	return len(p), nil
}

// taken returns what was written since the last call, and in how many writes.
func (k *taker) taken() (got []byte, writes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	got, writes = k.got, k.writes
	k.got, k.writes = nil, 0
	return got, writes
}

// unixPair returns both ends of a connection.
func unixPair(t *testing.T) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if here, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// carry has what is written to the connection go through a run into a taker, and
// tells of each read.
func carry(t *testing.T, in *Reader) (from net.Conn, to *taker, read chan int, end chan error) {
	t.Helper()
	here, there := unixPair(t)
	src, dst := newStream(there), &taker{}
	read, end = make(chan int, 1<<16), make(chan error, 1)
	go func() {
		var r run
		d := newStream(dst)
		for {
			err := src.receive(func(b []byte) error {
				n := len(b)
				for len(b) > 0 {
					pass, rest, err := in.Feed(b, 0)
					if err != nil {
						return err
					}
					if err := r.add(d, b, pass); err != nil {
						return err
					}
					b = rest
				}
				err := r.settle(d, src, in)
				read <- n
				return err
			})
			if err != nil {
				end <- err
				return
			}
		}
	}()
	return here, dst, read, end
}

// give writes a piece, and waits until carry has read it.
func give(t *testing.T, from net.Conn, read <-chan int, piece []byte) {
	t.Helper()
	if _, err := from.Write(piece); err != nil {
		t.Fatal(err)
	}
	for arrived := 0; arrived < len(piece); {
		select {
		case n := <-read:
			arrived += n
		case <-time.After(patience):
			t.Fatal("nothing arrives")
		}
	}
}

// follower is past the handshake.
func follower() *Reader {
	r := newFollower()
	if _, _, err := r.Feed(greetingOf(mechanismNull), 0); err != nil {
		panic(err)
	}
	if _, _, err := r.Feed(readyOf("PAIR"), 0); err != nil {
		panic(err)
	}
	return r
}

// A message that comes in pieces goes on in one.
func TestRunGathers(t *testing.T) {
	from, to, read, _ := carry(t, follower())
	message := join(frame(flagMore, []byte("header")), frame(0, make([]byte, 40_000)), frame(0, []byte("next")))
	arrived := 0
	for _, cut := range []int{5, 8192, 40_000, len(message)} {
		give(t, from, read, message[arrived:cut])
		arrived = cut
		want := message
		if cut < len(message) {
			want = nil
		}
		if got, writes := to.taken(); writes > 1 || !bytes.Equal(got, want) {
			t.Errorf("when %d bytes of the message have come, %d went on in %d writes, want %d in one", cut, len(got), writes, len(want))
		}
	}
}

// A whole message goes on at once, although the next one has begun behind it.
func TestRunHoldsNoWholeMessage(t *testing.T) {
	from, to, read, _ := carry(t, follower())
	whole := join(frame(flagMore, []byte("header")), frame(0, make([]byte, 3000)))
	next := join(frame(flagMore, []byte("header")), frame(0, make([]byte, 4000)))
	for _, c := range []struct{ piece, want []byte }{
		{join(whole, next[:1]), whole},
		{next[1:2000], nil},
		{join(next[2000:], whole[:2000]), next},
		{join(whole[2000:], whole, next[:20]), join(whole, whole)},
	} {
		give(t, from, read, c.piece)
		if got, writes := to.taken(); writes > 2 || !bytes.Equal(got, c.want) {
			t.Errorf("%d bytes went on in %d writes, want %d", len(got), writes, len(c.want))
		}
	}
}

// Whatever the sizes of messages and pieces, all bytes go on in their order, and
// whole messages do not wait.
func TestRunKeepsBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	in := follower()
	from, to, read, end := carry(t, in)
	noise := make([]byte, 3*bufferSize)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for range 200 {
		begin := random.IntN(bufferSize)
		message := noise[begin : begin+random.IntN([]int{3, 300, 30_000, 2 * bufferSize}[random.IntN(4)])]
		want := join(frame(flagMore, []byte("header")), frame(0, message))
		for wire := want; len(wire) > 0; {
			n := min(len(wire), 1+random.IntN(1+bufferSize))
			if _, err := from.Write(wire[:n]); err != nil {
				t.Fatal(err)
			}
			wire = wire[n:]
		}
		for arrived := 0; arrived < len(want); {
			select {
			case n := <-read:
				arrived += n
			case err := <-end:
				t.Fatal(err)
			case <-time.After(patience):
				t.Fatal("nothing arrives")
			}
		}
		if got, _ := to.taken(); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes went on, want %d", len(got), len(want))
		}
	}
	from.Close()
	select {
	case err := <-end:
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("no end")
	}
}

// What waits for the rest of a message is given back when the rest does not come.
func TestRunEnds(t *testing.T) {
	here, there := unixPair(t)
	src := newStream(there)
	in := follower()
	var r run
	keep := func(b []byte) error {
		pass, _, err := in.Feed(b, 0)
		if err != nil {
			return err
		}
		return errors.Join(r.add(src, b, pass), r.settle(src, src, in))
	}
	if _, err := here.Write(frame(0, make([]byte, 1000))[:500]); err != nil {
		t.Fatal(err)
	}
	if err := src.receive(keep); err != nil || src.buffer == nil {
		t.Fatalf("%v, and a buffer: %v; want none and one", err, src.buffer != nil)
	}
	if err := there.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := src.receive(keep); !errors.Is(err, os.ErrDeadlineExceeded) || src.buffer != nil {
		t.Errorf("%v, and a buffer: %v; want %v and none", err, src.buffer != nil, os.ErrDeadlineExceeded)
	}
}
