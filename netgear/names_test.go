package netgear

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func addrs(texts ...string) (list []netip.Addr) {
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list
}

// Which address is tried, and when another one is.
func TestNameWatch(t *testing.T) {
	begin := time.Unix(1000, 0)
	n := &nameWatch{host: "h", begun: begin}
	for i, s := range []struct {
		at      time.Duration
		gave    []netip.Addr
		err     error
		want    string
		changed bool
	}{
		{0, nil, errors.New("no such host"), "invalid IP", false},
		{time.Second, addrs("::2", "10.0.0.1", "::ffff:10.0.0.1"), nil, "10.0.0.1", true},
		{2 * time.Second, addrs("::2", "10.0.0.1"), nil, "10.0.0.1", false},
		{time.Second + addressTurn, addrs("::2", "10.0.0.1"), nil, "::2", true}, // its turn
		{2*time.Second + addressTurn, nil, errors.New("server misbehaving"), "::2", false},
		{3*time.Second + addressTurn, addrs("10.0.0.9"), nil, "10.0.0.9", true}, // it moved
		{time.Hour, addrs("10.0.0.9"), nil, "10.0.0.9", false},
		{2 * time.Hour, nil, nil, "10.0.0.9", false},
	} {
		if got := n.learn(s.gave, s.err, begin.Add(s.at)); got != s.changed || n.address().String() != s.want || n.take() != s.changed {
			t.Errorf("step %d: changed %v, address %v, want %v and %s", i, got, n.address(), s.changed, s.want)
		}
	}
}

func TestHostsFile(t *testing.T) {
	const text = "# 10.0.0.8 camera\n127.0.0.1\tlocalhost\n10.0.0.7 door Camera.Example camera # camera2\n\nbad camera\n::7 camera\n10.0.0.9\n"
	for host, want := range map[string][]netip.Addr{
		"camera": addrs("10.0.0.7", "::7"), "CAMERA.example.": addrs("10.0.0.7"), "camera2": nil, "10.0.0.9": nil, "": nil, "localhost": addrs("127.0.0.1"),
	} {
		if got := inHosts(text, host); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

// Names that are looked up, and addresses that are not.
func TestNamesToBeLookedUp(t *testing.T) {
	for _, row := range []struct {
		address string
		bind    bool
		watched bool
	}{
		{"", false, false},
		{"localhost", false, false},
		{"LocalHost", false, false},
		{"*", false, false},
		{"10.0.0.1", false, false},
		{"::1", false, false},
		{"[fe80::1%lo]", false, false},
		{"camera", false, true},
		{"camera.local", false, true},
		{"eth0", true, false},
		{"", true, false},
	} {
		cfg := DefaultConfig(SenderRole)
		cfg.Address, cfg.Bind = row.address, row.bind
		if got := newNameWatch(&cfg, nil) != nil; got != row.watched {
			t.Errorf("%q with bind=%v: looked up %v, want %v", row.address, row.bind, got, row.watched)
		}
	}
}

// fakeLookups replaces the resolver of this process for a test, which must not be
// parallel to others.
func fakeLookups(t *testing.T, resolve func(ctx context.Context, host string) ([]netip.Addr, error)) {
	t.Helper()
	before := lookups
	lookups = newLookupTable()
	lookups.resolve = resolve
	t.Cleanup(func() { lookups = before })
}

// A name is looked up once at a time, a bounded number of names at once, and what
// nobody wants any more is not begun.
func TestLookupsAreShared(t *testing.T) {
	var running, most, total atomic.Int32
	release := make(chan struct{})
	table := newLookupTable()
	table.resolve = func(context.Context, string) ([]netip.Addr, error) {
		total.Add(1)
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		running.Add(-1)
		return addrs("10.0.0.1"), nil
	}
	const names = 3 * maxLookups
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 4 { // restarts
		restart, stop := context.WithCancel(ctx)
		for i := range names {
			all.Go(func() { _, _ = table.find(restart, func(error) {}, strconv.Itoa(i)) })
		}
		for deadline := time.Now().Add(10 * time.Second); running.Load() < maxLookups; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the lookups do not begin")
			}
		}
		stop()
		all.Wait()
	}
	if n := total.Load(); n != maxLookups {
		t.Errorf("%d lookups, want %d", n, maxLookups)
	}
	table.mu.Lock()
	left := len(table.running)
	table.mu.Unlock()
	if left > maxLookups {
		t.Errorf("%d lookups wait that nobody wants", left)
	}
	done := make(chan error, 1)
	go func() {
		got, err := table.find(ctx, func(error) {}, "0")
		if err == nil && !slices.Equal(got, addrs("10.0.0.1")) {
			err = errors.New("another address")
		}
		done <- err
	}()
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	cancel()
	if m := most.Load(); m > maxLookups {
		t.Errorf("%d at once, want %d at the most", m, maxLookups)
	}
}

// A lookup that panics is an error, and no wait for ever.
func TestLookupThatPanics(t *testing.T) {
	table := newLookupTable()
	table.resolve = func(context.Context, string) ([]netip.Addr, error) { panic("x") }
	failed := make(chan error, 1)
	if _, err := table.find(t.Context(), func(err error) { failed <- err }, "h"); err == nil {
		t.Error("no error")
	}
	if err := <-failed; err == nil {
		t.Error("the panic went nowhere")
	}
}

// An end connects to what a name means, IPv6 too, and follows it to another
// address while nobody is there.
func TestNameIsFollowed(t *testing.T) {
	for _, pattern := range []wire.Pattern{wire.Pair, wire.ReqRep, wire.PubSub} {
		t.Run(pattern.String(), func(t *testing.T) {
			var address atomic.Pointer[[]netip.Addr]
			fakeLookups(t, func(context.Context, string) ([]netip.Addr, error) {
				if a := address.Load(); a != nil {
					return *a, nil
				}
				return nil, errors.New("no such host")
			})
			port := uint(0)
			at := func(host string) *Receiver {
				cfg := DefaultConfig(ReceiverRole)
				cfg.Address, cfg.Port, cfg.Pattern = host, port, pattern
				r, err := NewReceiver(cfg, Observer{})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			r := at("127.0.0.2")
			port = r.CurrentPort()
			cfg := DefaultConfig(SenderRole)
			cfg.Address, cfg.Port, cfg.Pattern, cfg.RequestTimeout, cfg.MaxRetries = "camera.example", port, pattern, 500*time.Millisecond, 0
			s, err := NewSender(cfg, Observer{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var sending sync.WaitGroup
			defer sending.Wait()
			defer cancel()
			sending.Go(func() {
				for ctx.Err() == nil {
					f := &Frame{Header: wire.Header{DType: "uint8", Shape: wire.MakeShape(1, 1)}, Payload: Payload{Bytes: []byte{1}}}
					if err := s.Send(ctx, f); err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
					_ = sleep(ctx, 5*time.Millisecond)
				}
			})
			gets := func(r *Receiver) {
				t.Helper()
				var f Frame
				if err := r.Recv(ctx, &f); err != nil {
					t.Fatal(err)
				}
				f.Payload.Release()
			}
			first := addrs("127.0.0.2")
			address.Store(&first)
			gets(r)
			r.Close()
			next := addrs("127.0.0.3")
			address.Store(&next)
			r = at("127.0.0.3")
			gets(r)
			r.Close()
			if hasLoopback6() {
				last := addrs("::1")
				address.Store(&last)
				r = at("::1")
				gets(r)
				r.Close()
			}
		})
	}
}

func hasLoopback6() bool {
	cfg := DefaultConfig(ReceiverRole)
	cfg.Address, cfg.Port = "::1", 0
	r, err := NewReceiver(cfg, Observer{})
	if err != nil {
		return false
	}
	r.Close()
	return true
}

// A program that starts the same ends again and again, with a name that nobody
// answers for, has no more descriptors and threads than at first.
func TestRestartsWithADeadName(t *testing.T) {
	fakeLookups(t, func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	count := func(folder string) int {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	const ends, restarts, slack = 30, 4, 15
	descriptors, threads := count("/proc/self/fd"), 0
	for round := range restarts {
		var senders []*Sender
		for i := range ends {
			cfg := DefaultConfig(SenderRole)
			cfg.Address = "camera" + strconv.Itoa(i%3) + ".example"
			s, err := NewSender(cfg, Observer{})
			if err != nil {
				t.Fatal(err)
			}
			senders = append(senders, s)
		}
		for _, s := range senders {
			begin := time.Now()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("closing took %v", took)
			}
		}
		ok := func() bool {
			return count("/proc/self/fd") <= descriptors+slack && (round == 0 || count("/proc/self/task") <= threads+slack)
		}
		for deadline := time.Now().Add(lookupTimeout); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d descriptors and %d threads, after %d descriptors at first and %d threads then", round, count("/proc/self/fd"), count("/proc/self/task"), descriptors, threads)
			}
		}
		if round == 0 {
			threads = count("/proc/self/task")
		}
	}
}
