package e2e

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace with nothing in it but its loopback: another
// machine, as far as the network goes.
type namespace struct{ calls chan func() }

// newNamespace skips the test where the kernel or the user may make none.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n, err := makeNamespace(t)
	if err != nil {
		t.Skip("no network namespaces here (they take root): ", err)
	}
	return n
}

// makeNamespace gives the loopback more addresses too.
func makeNamespace(t *testing.T, addresses ...netip.Addr) (*namespace, error) {
	n := &namespace{calls: make(chan func())}
	made := make(chan error)
	go func() {
		// The thread is in the namespace and never leaves it: it ends with the
		// goroutine.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = setUp("lo", append([]netip.Addr{netip.MustParseAddr("127.0.0.1")}, addresses...)...)
		}
		made <- err
		if err == nil {
			for f := range n.calls {
				f()
			}
		}
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	t.Cleanup(func() { close(n.calls) })
	return n, nil
}

// do calls f in the namespace, and starts the processes there that f starts. A
// nil namespace is the test's own.
func (n *namespace) do(f func()) {
	if n == nil {
		f()
		return
	}
	done := make(chan struct{})
	n.calls <- func() { f(); close(done) }
	<-done
}

// setUp gives an interface of the caller's namespace addresses of a /24.
func setUp(name string, addresses ...netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for i, a := range addresses {
		alias := name
		if i > 0 {
			alias = fmt.Sprintf("%s:%d", name, i)
		}
		r, err := unix.NewIfreq(alias)
		if err != nil {
			return err
		}
		for _, set := range []struct {
			request uint
			value   []byte
		}{{unix.SIOCSIFADDR, a.AsSlice()}, {unix.SIOCSIFNETMASK, []byte{255, 255, 255, 0}}} {
			if err := r.SetInet4Addr(set.value); err != nil {
				return err
			}
			if err := unix.IoctlIfreq(fd, set.request, r); err != nil {
				return fmt.Errorf("%s %v: %w", alias, a, err)
			}
		}
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// tun makes a point where packets enter and leave the namespace.
func (n *namespace) tun(t *testing.T, addresses ...netip.Addr) (f *os.File) {
	t.Helper()
	var err error
	n.do(func() { f, err = openTUN(addresses) })
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skip("no TUN devices here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openTUN(addresses []netip.Addr) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	r, err := unix.NewIfreq("cable")
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err == nil {
		err = setUp("cable", addresses...)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

// conditions are those of a link, the same in both directions.
type conditions struct {
	cut     bool
	delay   time.Duration
	jitter  time.Duration // up to this much more, so that packets pass each other
	loss    float64       // share of the packets
	reorder float64       // share of the packets that do not wait for the delay
	rate    float64       // bit/s; 0: as fast as it can
}

// longestQueue is how much a link of limited rate keeps waiting before it drops
// packets.
const longestQueue = 200 * time.Millisecond

// link is a cable between two namespaces that carries every packet through this
// process, which may treat it badly. There is no need of the kernel's netem.
type link struct {
	mu         sync.Mutex
	conditions conditions
}

func (l *link) set(c conditions) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conditions = c
}

func (l *link) get() conditions {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conditions
}

// connect carries packets between two points until the test's end, or until the
// function that it returns is called.
func (l *link) connect(t *testing.T, a, b *os.File) (disconnect func()) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() { l.carry(a, b) })
	wg.Go(func() { l.carry(b, a) })
	disconnect = sync.OnceFunc(func() {
		a.Close()
		b.Close()
		wg.Wait()
	})
	t.Cleanup(disconnect)
	return disconnect
}

// packet is on its way until due.
type packet struct {
	due  time.Time
	data []byte
}

type packets []packet

func (p packets) Len() int           { return len(p) }
func (p packets) Less(i, j int) bool { return p[i].due.Before(p[j].due) }
func (p packets) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)        { *p = append(*p, x.(packet)) }
func (p *packets) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

func (l *link) carry(from, to *os.File) {
	arrived := make(chan []byte, 64)
	go func() {
		defer close(arrived)
		for {
			buf := make([]byte, 2048)
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			arrived <- buf[:n]
		}
	}()
	var waiting packets
	var busy time.Time // until when the sender of a slow link is
	timer := time.NewTimer(0)
	for {
		if len(waiting) > 0 {
			timer.Reset(time.Until(waiting[0].due))
		}
		select {
		case data, ok := <-arrived:
			if !ok {
				return
			}
			c, now := l.get(), time.Now()
			if c.cut || rand.Float64() < c.loss {
				continue
			}
			due := now
			if c.rate > 0 {
				if busy.Before(now) {
					busy = now
				}
				if busy.Sub(now) > longestQueue {
					continue
				}
				busy = busy.Add(time.Duration(float64(len(data)) * 8 / c.rate * float64(time.Second)))
				due = busy
			}
			if rand.Float64() >= c.reorder {
				due = due.Add(c.delay)
				if c.jitter > 0 {
					due = due.Add(rand.N(c.jitter))
				}
			}
			heap.Push(&waiting, packet{due, data})
		case <-timer.C:
		}
		for len(waiting) > 0 && !time.Now().Before(waiting[0].due) {
			p := heap.Pop(&waiting).(packet)
			if !l.get().cut {
				_, _ = to.Write(p.data) // a full queue loses packets, as they do
			}
		}
	}
}
