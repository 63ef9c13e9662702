package netgear

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

// Times of looking up names.
const (
	// lookupTimeout bounds one lookup. In that time a name server that does not
	// answer is asked twice.
	lookupTimeout = 8 * time.Second
	// While there is no connection, these are the pauses between lookups, growing
	// from the first to the second.
	firstLookupPause = 250 * time.Millisecond
	lastLookupPause  = 2 * time.Second
	// addressTurn is how long one address of several is tried before the next one.
	// It is longer than one attempt to connect.
	addressTurn = door.DialTimeout + 500*time.Millisecond
)

// maxLookups bounds the lookups of a process at one time. Each may take a thread and
// two descriptors for as long as a name server does not answer.
const maxLookups = 32

// lookupTable shares lookups between all ends of a process. Each name has one lookup
// at a time, for everybody who wants it, which goes on when they are gone. So a
// program that starts a hundred sinks again and again never has more lookups at
// once. Safe for concurrent use.
type lookupTable struct {
	resolve func(ctx context.Context, host string) ([]netip.Addr, error) // replaced in tests
	slots   chan struct{}

	mu      sync.Mutex
	running map[string]*lookup
}

// lookup is one lookup. Its result holds once done is closed.
type lookup struct {
	done      chan struct{}
	unwanted  chan struct{} // closed when nobody waits for it any more and it has not begun
	addresses []netip.Addr
	err       error

	// Under the table's lock.
	waiting int
	begun   bool
}

func newLookupTable() *lookupTable {
	return &lookupTable{resolve: resolve, slots: make(chan struct{}, maxLookups), running: map[string]*lookup{}}
}

// resolve asks the system. Package net caches the hosts file for five seconds; this
// follows a name that has moved sooner.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	const hostsFile, most = "/etc/hosts", 1 << 20 // bytes
	if file, err := os.Open(hostsFile); err == nil {
		text, err := io.ReadAll(io.LimitReader(file, most))
		file.Close()
		if list := inHosts(string(text), host); err == nil && len(list) > 0 {
			return list, nil
		}
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// inHosts returns the addresses that a hosts file (hosts(5)) gives to a name.
func inHosts(text, host string) (list []netip.Addr) {
	host = strings.TrimSuffix(host, ".")
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 || !slices.ContainsFunc(fields[1:], func(name string) bool { return strings.EqualFold(name, host) }) {
			continue
		}
		if a, err := netip.ParseAddr(fields[0]); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// lookups is the table of this process.
var lookups = newLookupTable()

// find looks a name up, or waits for the lookup that is in progress. fail is
// spawn's.
func (t *lookupTable) find(ctx context.Context, fail func(error), host string) ([]netip.Addr, error) {
	t.mu.Lock()
	l := t.running[host]
	if l == nil {
		l = &lookup{done: make(chan struct{}), unwanted: make(chan struct{}), err: errors.New("the lookup failed")}
		t.running[host] = l
		spawn(fail, func() { t.run(host, l) })
	}
	l.waiting++
	t.mu.Unlock()
	select {
	case <-l.done:
		return l.addresses, l.err
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.waiting--; l.waiting == 0 && !l.begun {
		delete(t.running, host)
		close(l.unwanted)
	}
	return nil, ctx.Err()
}

// run is the goroutine of one lookup.
func (t *lookupTable) run(host string, l *lookup) {
	select {
	case t.slots <- struct{}{}:
	case <-l.unwanted:
		return
	}
	defer func() { <-t.slots }()
	t.mu.Lock()
	wanted := l.waiting > 0
	l.begun = wanted
	t.mu.Unlock()
	if !wanted {
		return // find has removed it
	}
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, host)
		close(l.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	l.addresses, l.err = t.resolve(ctx, host)
}

// nameWatch knows the addresses of the name that an end connects to, and looks it up
// again while there is no connection. libzmq gets addresses alone: it would look
// names up on a thread that all its sockets need, and ending a context would wait
// for that.
//
// The goroutine of follow learns addresses, and the owner of the socket takes them.
// Safe for concurrent use.
type nameWatch struct {
	host  string
	table *lookupTable
	wake  func() // wakes the owner of the socket: there is another address, or an attempt failed
	// nudged has a token when a connection ended.
	nudged chan struct{}
	news   atomic.Bool // current has changed since take

	mu        sync.Mutex
	addresses []netip.Addr // IPv4 first: most receivers bind it
	current   int          // the index of the one that is tried
	since     time.Time    // since when it is tried
	begun     time.Time    // of the first lookup
	err       error        // of the last lookup
	known     bool         // a lookup has ended
}

// newNameWatch returns nil where cfg has no name to look up: localhost and IP
// addresses are known.
func newNameWatch(cfg *Config, wake func()) *nameWatch {
	if cfg.Bind || cfg.Protocol != TCP || cfg.literal().IsValid() || isLocalhost(cfg.host()) {
		return nil
	}
	return &nameWatch{host: cfg.host(), table: lookups, wake: wake, nudged: make(chan struct{}, 1), begun: time.Now()}
}

// follow is the goroutine of nameWatch. connected reports whether there is no need
// for a lookup.
func (n *nameWatch) follow(ctx context.Context, fail func(error), connected func() bool) {
	pause := firstLookupPause
	for {
		if !connected() {
			addresses, err := n.table.find(ctx, fail, n.host)
			if ctx.Err() != nil {
				return
			}
			if !connected() && n.learn(addresses, err, time.Now()) || err != nil {
				n.wake()
			}
		} else {
			pause = firstLookupPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-n.nudged:
			timer.Stop()
			if sleep(ctx, firstLookupPause) != nil { // a moment for a peer that goes away and comes back
				return
			}
		case <-timer.C:
		}
		pause = min(2*pause, lastLookupPause)
	}
}

// nudge notes that a connection has ended.
func (n *nameWatch) nudge() { wake(n.nudged) }

// learn notes the result of a lookup that was made without a connection, at now. It
// reports whether to try another address.
func (n *nameWatch) learn(addresses []netip.Addr, err error, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err, n.known = err, true
	if err != nil || len(addresses) == 0 {
		return false // the earlier addresses may still be good
	}
	before := n.addressLocked()
	n.addresses = ordered(addresses)
	next := slices.Index(n.addresses, before)
	switch {
	case next < 0:
		next = 0
	case now.Sub(n.since) >= addressTurn:
		next = (next + 1) % len(n.addresses)
	}
	n.current = next
	if n.addresses[next] == before {
		return false
	}
	n.since = now
	n.news.Store(true)
	return true
}

// ordered returns the addresses without duplicates: those of IPv4 first, otherwise
// in their order.
func ordered(addresses []netip.Addr) (list []netip.Addr) {
	for _, four := range []bool{true, false} {
		for _, a := range addresses {
			if a = a.Unmap(); a.Is4() == four && !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}

func (n *nameWatch) addressLocked() netip.Addr {
	if len(n.addresses) == 0 {
		return netip.Addr{}
	}
	return n.addresses[n.current]
}

// address returns the address to connect to, or the zero Addr while none is known.
func (n *nameWatch) address() netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addressLocked()
}

// take reports, once, whether the address has changed.
func (n *nameWatch) take() bool { return n.news.Load() && n.news.CompareAndSwap(true, false) }

// trouble returns why no address is known, or nil.
func (n *nameWatch) trouble() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case len(n.addresses) > 0:
		return nil
	case n.known && n.err != nil:
		return n.err
	case n.known:
		return &net.DNSError{Err: "no address", Name: n.host, IsNotFound: true}
	}
	return &net.DNSError{Err: "no answer yet", Name: n.host, IsTimeout: true}
}
