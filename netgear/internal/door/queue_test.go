package door

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// publishing returns a socket that publishes over a slow link to another one, with a
// subscription that has arrived.
func publishing(t *testing.T) (from, to *bound, link *slowLink) {
	t.Helper()
	to = bind(t, zmq4.SUB, "tcp", nil)
	link = newSlowLink(t, to.addr)
	from = beforeDialling(t, zmq4.PUB, "tcp", link.Addr().String(), withPost(zmq4.PUB)).posted(t, 2)
	if err := from.Connect("ipc://" + from.mouth); err != nil {
		t.Fatal(err)
	}
	subscribed(t, func() { _ = from.put(opening) }, func() ([]string, error) { return to.get(10 * time.Millisecond) })
	return from, to, link
}

// opening is what publishing sends until some of it arrives; more may be on its way.
const opening = "hello"

// receiveNext returns the next message that publishing has not sent.
func receiveNext(t *testing.T, b *bound) (m []string) {
	t.Helper()
	for m = b.receive(t); m[0] == opening; m = b.receive(t) {
	}
	return m
}

// While a link stands still, what depends on each other waits in the door, where
// libzmq would lose what is too much for its queue; and the door says how much it is.
func TestQueueLosesNothing(t *testing.T) {
	t.Parallel()
	const frames, size = 40, 50_000
	for _, queue := range []bool{true, false} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			t.Parallel()
			d, to, link := publishing(t)
			d.door.Queue(queue)
			link.gate.Lock()
			for n := range frames {
				if err := d.put("frame "+strconv.Itoa(n), string(make([]byte, size))); err != nil && queue {
					t.Fatal(err)
				}
			}
			l, ok := d.door.LinkOf(func(Peer) bool { return true })
			if queue && (!ok || l.Unsent < frames*size/2) {
				t.Errorf("%d bytes wait, want most of %d", l.Unsent, frames*size)
			}
			if err := d.put("goodbye"); err != nil {
				t.Error(err)
			}
			link.gate.Unlock()
			got := 0
			for receiveNext(t, to)[0] != "goodbye" { // which is not lost
				got++
			}
			if queue != (got == frames) {
				t.Errorf("%d of %d frames arrive", got, frames)
			}
		})
	}
}

// What waits for a slow link can be dropped in favour of what comes next, which arrives,
// and so does the message that the peer has got a part of.
func TestShed(t *testing.T) {
	t.Parallel()
	const frames, size = 40, 50_000
	d, to, link := publishing(t)
	d.door.Queue(true)
	link.gate.Lock()
	for n := range frames {
		if err := d.put("frame "+strconv.Itoa(n), string(make([]byte, size))); err != nil {
			t.Fatal(err)
		}
	}
	d.door.Shed()
	if n := d.door.lateBytes.Load(); n > 2*size {
		t.Errorf("%d bytes wait after Shed, want those of one message at the most", n)
	}
	if err := d.put("goodbye"); err != nil {
		t.Error(err)
	}
	link.gate.Unlock()
	got := 0
	for {
		m := receiveNext(t, to)
		if m[0] == "goodbye" {
			break
		}
		if len(m) != 2 || len(m[1]) != size {
			t.Errorf("message of %d parts", len(m))
		}
		got++
	}
	if got > frames/2 {
		t.Errorf("%d of %d frames arrive after Shed", got, frames)
	}
}
