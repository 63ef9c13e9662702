package door

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// While a link stands still, what depends on each other waits in the door, where
// libzmq would lose what is too much for its queue; and the door says how much it is.
func TestQueueLosesNothing(t *testing.T) {
	t.Parallel()
	const frames, size = 40, 50_000
	for _, queue := range []bool{true, false} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			t.Parallel()
			to := bind(t, zmq4.SUB, "tcp", nil)
			link := newSlowLink(t, to.addr)
			d := beforeDialling(t, zmq4.PUB, "tcp", link.Addr().String())
			if err := d.SetSndhwm(2); err != nil {
				t.Fatal(err)
			}
			from := widened(t, d)
			send := func(parts ...any) {
				t.Helper()
				if _, err := from.SendMessage(parts...); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond) // until it is in the door
			}
			within(t, "subscription", func() bool {
				send("hello")
				m, err := to.RecvMessage(zmq4.DONTWAIT)
				return err == nil && m[0] == "hello"
			})
			d.door.Queue(queue)
			link.gate.Lock()
			for n := range frames {
				send("frame "+strconv.Itoa(n), make([]byte, size))
			}
			l, ok := d.door.LinkOf(func(Peer) bool { return true })
			if queue && (!ok || l.Unsent < frames*size/2) {
				t.Errorf("%d bytes wait, want most of %d", l.Unsent, frames*size)
			}
			link.gate.Unlock()
			got := 0
			for last := ""; last != "frame "+strconv.Itoa(frames-1); {
				if err := to.SetRcvtimeo(time.Second); err != nil {
					t.Fatal(err)
				}
				m, err := to.RecvMessage(0)
				if err != nil {
					break // the last one was lost
				}
				if last = m[0]; len(m) == 2 {
					got++
				}
			}
			if queue != (got == frames) {
				t.Errorf("%d of %d frames arrive", got, frames)
			}
		})
	}
}
