package kit

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace with nothing in it but its loopback: another
// machine, as far as the network goes.
type Namespace struct{ calls chan func() }

// NewNamespace skips the test where the kernel or the user may make none.
func NewNamespace(t T) *Namespace {
	t.Helper()
	n, err := MakeNamespace(t)
	if err != nil {
		t.Skip("no network namespaces here (they take root): ", err)
	}
	return n
}

// MakeNamespace is for whoever can do without one. It gives the loopback more addresses too.
func MakeNamespace(t T, addresses ...netip.Addr) (*Namespace, error) {
	n := &Namespace{calls: make(chan func())}
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

// Do calls f in the namespace, and starts the processes there that f starts. A
// nil namespace is that of this process.
func (n *Namespace) Do(f func()) {
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
	defer unix.Close(fd) //nolint:errcheck // nothing is written to it
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

// TUN makes a point where packets enter and leave the namespace.
func (n *Namespace) TUN(t T, addresses ...netip.Addr) (f *os.File) {
	t.Helper()
	var err error
	n.Do(func() { f, err = openTUN(addresses) })
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

// Machines are two namespaces with a link between them.
type Machines struct {
	Link
	Sender, Receiver *Namespace
	Unplug           func() // the cable, for another machine to be plugged in
}

// Addresses of the machines.
var (
	SenderAddress    = netip.MustParseAddr("10.9.0.1")
	ReceiverAddress  = netip.MustParseAddr("10.9.0.2")
	ReceiverAddress2 = netip.MustParseAddr("10.9.0.3")
)

// NewMachines skips the test where there can be none.
func NewMachines(t T) *Machines {
	t.Helper()
	m := &Machines{Sender: NewNamespace(t), Receiver: NewNamespace(t)}
	m.Plug(t)
	return m
}

// Plug connects the machines.
func (m *Machines) Plug(t T) {
	t.Helper()
	m.Unplug = m.Connect(t, m.Sender.TUN(t, SenderAddress), m.Receiver.TUN(t, ReceiverAddress, ReceiverAddress2))
}
