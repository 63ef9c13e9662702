package e2e

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// delayed is a piece of a stream, and when to pass it on.
type delayed struct {
	data []byte
	due  time.Time
}

// longWay passes connections on to a local port, with a delay for each byte. It returns
// its own port.
func longWay(t *testing.T, port int, delay time.Duration) int {
	t.Helper()
	same := func() time.Duration { return delay }
	return unevenWay(t, "127.0.0.1:0", port, same, same)
}

// unevenWay is longWay at an address of its own, with different delays there and back for
// each piece. No piece overtakes another.
func unevenWay(t *testing.T, listen string, port int, there, back func() time.Duration) int {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	carry := func(to, from net.Conn, delay func() time.Duration) {
		line := make(chan delayed, 1<<14)
		wg.Go(func() {
			defer close(line)
			for {
				buf := make([]byte, 64<<10)
				n, err := from.Read(buf)
				if n > 0 {
					line <- delayed{buf[:n], time.Now().Add(delay())}
				}
				if err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			defer to.Close()
			for d := range line {
				time.Sleep(time.Until(d.due))
				if _, err := to.Write(d.data); err != nil {
					from.Close()
				}
			}
		})
	}
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				in.Close()
				continue
			}
			carry(out, in, there)
			carry(in, out, back)
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait() // the processes at both ends are gone, so the connections end
	})
	return l.Addr().(*net.TCPAddr).Port
}

// With 50 ms each way, one frame in flight means 10 frames/s, and eight frames in flight
// mean many more. All arrive in order.
func TestInFlightOverALongWay(t *testing.T) {
	const frames, delay = 25, 50 * time.Millisecond
	for _, receiver := range []string{"netgearsrc", "NetGear"} {
		t.Run(receiver, func(t *testing.T) {
			t.Parallel()
			took := map[int]time.Duration{}
			for _, inFlight := range []int{1, 8} {
				var end *process
				var port, came int
				var r script
				if receiver == "NetGear" {
					r = peer(t, "recv --pattern 0 --port 0")
					end, port = r.process, r.port()
				} else {
					p := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink silent=false")
					end, port = p.process, p.BoundPort()
				}
				s := launch(t, "videotestsrc num-buffers=%d ! video/x-raw,width=1280,height=720 ! jpegenc ! netgearsink address=127.0.0.1 port=%d in-flight=%d sync=false",
					frames, longWay(t, port, delay), inFlight)
				end.Says(`"frame"|chain`)
				begin := time.Now()
				s.Exits(0)
				end.Exits(0)
				took[inFlight] = time.Since(begin)
				if receiver == "NetGear" {
					came = len(sequence(t, r))
				} else {
					came = end.Count(`chain +\*+`)
				}
				if came != frames {
					t.Errorf("in-flight=%d: %d frames came, want %d", inFlight, came, frames)
				}
				if n := s.Warnings(); n != 0 {
					t.Errorf("in-flight=%d: %d warnings, want none", inFlight, n)
				}
			}
			// The frames after the first take a round trip each.
			if least := (frames - 1) * 2 * delay; took[1] < least {
				t.Errorf("in-flight=1 took %v, want %v at least: it did not wait", took[1], least)
			}
			if took[8] > took[1]*2/3 {
				t.Errorf("in-flight=8 took %v, in-flight=1 %v", took[8], took[1])
			}
		})
	}
}
