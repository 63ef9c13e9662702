package door

import (
	"strconv"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// BenchmarkDoor is NetGear's lockstep between two sockets over the loopback: a
// message of two parts, its confirmation, the next one. Compare rows of one run
// alone.
func BenchmarkDoor(b *testing.B) {
	for _, size := range []int{1920 * 1080 * 3, 300_000, 30_000, 100} {
		for _, doors := range []string{"none", "listener", "both"} {
			b.Run(strconv.Itoa(size)+"/"+doors, func(b *testing.B) { lockstep(b, size, doors) })
		}
	}
}

func lockstep(b *testing.B, size int, doors string) {
	var to, from *zmq4.Socket
	var addr string
	if doors == "none" {
		to = socket(b, zmq4.PAIR)
		if err := to.Bind("tcp://127.0.0.1:*"); err != nil {
			b.Fatal(err)
		}
		last, err := to.GetLastEndpoint()
		if err != nil {
			b.Fatal(err)
		}
		addr = last[len("tcp://"):]
	} else {
		l := bind(b, zmq4.PAIR, "tcp", nil)
		to, addr = l.Socket, l.addr
	}
	if doors == "both" {
		d := beforeDialling(b, zmq4.PAIR, "tcp", addr)
		from = widened(b, d)
	} else {
		from = socket(b, zmq4.PAIR)
		if err := from.Connect("tcp://" + addr); err != nil {
			b.Fatal(err)
		}
	}
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	in, out := ofSocket(b, to), ofSocket(b, from)
	end, wake := newWaker(b), newWaker(b)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var m zmsg.Message
		for {
			ev, err := in.Wait(zmsg.In, end, time.Time{})
			if err != nil || ev&zmsg.In == 0 {
				return
			}
			for more := true; more && err == nil; {
				more, err = in.Recv(&m)
			}
			m.Close()
			_ = in.Send([]byte("ok"), nil) // the other end misses it if it fails
		}
	}()
	exchange := func() {
		var m zmsg.Message
		defer m.Close()
		m.Lend(memory, zmsg.Loan{})
		for out.Send([]byte("header"), &m) != nil {
			_, _ = out.Wait(zmsg.Out, wake, time.Now().Add(patience)) // it is tried again
		}
		if ev, err := out.Wait(zmsg.In, wake, time.Now().Add(patience)); err != nil || ev == 0 {
			b.Fatalf("no confirmation: %v, %v", ev, err)
		}
		if _, err := out.Recv(&m); err != nil {
			b.Fatal(err)
		}
	}
	for range 20 {
		exchange()
	}
	b.SetBytes(int64(size))
	before := cpuTime(b)
	b.ResetTimer()
	for range b.N {
		exchange()
	}
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	end.Wake()
	<-done
}

// widened does what an end does when its monitor tells of a connection.
func widened(b testing.TB, d *bound) *zmq4.Socket {
	b.Helper()
	if err := d.Monitor("inproc://bench", zmq4.EVENT_CONNECTED); err != nil {
		b.Fatal(err)
	}
	zctx, err := d.Context()
	if err != nil {
		b.Fatal(err)
	}
	mon := socketIn(b, zctx, zmq4.PAIR)
	defer mon.Close()
	if err := mon.Connect("inproc://bench"); err != nil {
		b.Fatal(err)
	}
	if err := d.Connect("ipc://" + d.mouth); err != nil {
		b.Fatal(err)
	}
	_, _, fd, err := mon.RecvEvent(0)
	if err != nil {
		b.Fatal(err)
	}
	d.door.Bound(fd)
	return d.Socket
}

func ofSocket(b *testing.B, s *zmq4.Socket) zmsg.Socket {
	b.Helper()
	z, err := zmsg.Of(s)
	if err != nil {
		b.Fatal(err)
	}
	return z
}

func newWaker(b *testing.B) *zmsg.Waker {
	b.Helper()
	w, err := zmsg.NewWaker()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.Close)
	return w
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
