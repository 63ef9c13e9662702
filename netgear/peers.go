package netgear

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/door"
)

// Peer is one connection at the other end of a socket.
type Peer struct {
	// Endpoint is the peer's address where the peer connected to us, otherwise the
	// endpoint that we connected to.
	Endpoint string
	// Port is our port when the peer connected to us, and the peer's when we
	// connected. It is the name of the two in the multi modes. Empty for ipc.
	Port string
	// Frames counts the frames exchanged with the peer. In the multi modes they are
	// those of its port, otherwise those while it was the only peer.
	Frames uint64

	// HasLink says that the kernel knows the way to the peer, which it does over
	// TCP, and that what follows is of now.
	HasLink      bool
	RTT          time.Duration // smoothed
	MinRTT       time.Duration // the least of late: without a queue
	DeliveryRate uint64        // bit/s that arrived of late; 0: not known yet
	Unsent       uint64        // bytes that wait in our kernel and our process, and were never sent
	Delivered    uint64        // bytes that arrived since the connection was made
	Retransmits  uint64        // packets that were sent again
}

// peerTable keeps the connections of a Sender or Receiver, over all its sockets,
// from what their monitors report. Safe for concurrent use.
//
// A monitor names the descriptor when a connection begins and ends, but not when its
// handshake succeeds. So a successful handshake is credited to the oldest connection
// that waits for one. When a connection fails that was credited, another one gets
// the credit.
//
//	(begin) -> pending -> (handshake) -> up -> (end)
//	              |                       ^
//	              +--- (fails, end) ------+ the wrong one was credited: swap
type peerTable struct {
	mu       sync.Mutex
	sockets  map[uint64]*socketPeers
	somebody bool      // a peer is connected
	since    time.Time // when that last changed
	// rejected counts the failed connections since the last describe, and last is
	// why the latest failed.
	rejected int
	last     string
	turned   turnedAway
	served   map[int]bool // the numbers of the ports that have had a connection
	links    atomic.Pointer[door.Door]
	denied   []string // why the ZAP handler refused, oldest first, until the connection ends

	// authFailures counts refusals: of others at the binding end, of ourselves at
	// the connecting end.
	authFailures atomic.Uint64
}

// turnedAway is the latest failed connection, or the one before it where more is
// known of that one.
type turnedAway struct {
	endpoint, reason string
	why              failure
	at               time.Time
}

type socketPeers struct {
	pending []*link
	up      []*link
	failing *linkNews // of the connection whose end comes next
}

type link struct {
	fd       int
	peer     Peer
	begun    time.Time
	admitted func() bool // see linkNews
}

// succeeded reports whether the handshake of this connection can be the one that
// succeeded at an endpoint. libzmq does not say which of those of a socket that binds.
func (l *link) succeeded(endpoint string) bool {
	if l.admitted != nil {
		return l.admitted()
	}
	return l.peer.Endpoint == endpoint
}

// silentHandshake is the time within which libzmq 4.3.4 ends a connection that it
// gives up without an event, because its socket has another type. A connection that
// lasts longer was good, and another one had the credit for its handshake.
const silentHandshake = 5 * time.Second

// unknownEndpoint stands for a peer that had hung up before we could ask who it is.
const unknownEndpoint = "tcp://unknown"

// shownPeer returns an endpoint for people.
func shownPeer(endpoint string) string {
	if endpoint == unknownEndpoint {
		return "somebody"
	}
	return endpoint
}

// linkEvent is what a monitor reports of a connection.
type linkEvent uint8

const (
	linkAccepted  linkEvent = iota // by the socket that binds
	linkConnected                  // by the socket that connects
	linkReady                      // the handshake succeeded
	linkRefused                    // the handshake failed; linkEnded follows
	linkEnded
)

// linkNews is one event of a monitor, and what the door knows of it.
type linkNews struct {
	kind     linkEvent
	endpoint string
	from     string  // linkAccepted: where the connection comes from; empty: ipc, or no longer known
	fd       int     // linkAccepted, linkConnected and linkEnded: the descriptor
	why      failure // linkRefused: the reason
	reason   string  // the same for people
	// admitted is of linkAccepted. It reports whether its handshake may have succeeded.
	admitted func() bool
}

// peerChange is what an event did to the table.
type peerChange struct {
	added, removed []string
	rejected       string // the endpoint of a connection that failed
	reason         string // why
	why            failure
	swapped        bool // the removed one never was up: the added one was
	connected      int
}

func newPeerTable() *peerTable {
	return &peerTable{sockets: map[uint64]*socketPeers{}}
}

func (t *peerTable) socketLocked(generation uint64) *socketPeers {
	s := t.sockets[generation]
	if s == nil {
		s = &socketPeers{}
		t.sockets[generation] = s
	}
	return s
}

// reject counts a connection that the door has ended.
func (t *peerTable) reject(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rejected, t.last = t.rejected+1, reason
}

// presence returns how many peers are connected, and when that number last became
// zero or stopped being zero. The zero time means that there was no peer yet.
func (t *peerTable) presence() (n int, since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.connectedLocked(), t.since
}

// noteLocked notes when the first peer comes and when the last one goes.
func (t *peerTable) noteLocked(connected int) {
	if t.somebody != (connected > 0) {
		t.somebody, t.since = connected > 0, time.Now()
	}
}

func (t *peerTable) connectedLocked() (n int) {
	for _, s := range t.sockets {
		n += len(s.up)
	}
	return n
}

// maxDenied bounds the denials whose connections have not ended yet.
const maxDenied = 256

// deny notes why the ZAP handler refuses a connection, whose failure follows. The
// handler does not know which connection it is, so the reasons go to the connections
// that fail, in their order.
func (t *peerTable) deny(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.denied) >= maxDenied {
		t.denied = t.denied[1:]
	}
	t.denied = append(t.denied, reason)
}

// addressOf returns the host of a TCP endpoint.
func addressOf(endpoint string) string {
	host := strings.TrimPrefix(endpoint, "tcp://")
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// event takes in one event of the monitor of socket number generation.
func (t *peerTable) event(generation uint64, l linkNews) (ch peerChange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.socketLocked(generation)
	endpoint, fd := l.endpoint, l.fd
	switch l.kind {
	case linkAccepted, linkConnected:
		port := portOf(endpoint)
		if l.kind == linkAccepted && l.from != "" {
			endpoint = l.from
		} else if l.kind == linkAccepted && port != "" { // it has hung up already
			endpoint = unknownEndpoint
		}
		s.pending = append(s.pending, &link{fd: fd, peer: Peer{Endpoint: endpoint, Port: port}, begun: time.Now(), admitted: l.admitted})
	case linkReady:
		s.ready(endpoint, &ch)
	case linkRefused:
		if s.failing == nil { // the first says most
			s.failing = &l
		}
	case linkEnded:
		ended := s.end(fd, &ch)
		if ended != nil && s.failing != nil && (ch.swapped || len(ch.removed) == 0) {
			t.refuseLocked(ended, s.failing, &ch)
		}
		s.failing = nil
	}
	ch.connected = t.connectedLocked()
	t.noteLocked(ch.connected)
	return ch
}

// ready moves up the connection whose handshake succeeded at an endpoint.
func (s *socketPeers) ready(endpoint string, ch *peerChange) {
	if len(s.pending) == 0 {
		return
	}
	s.raise(max(0, slices.IndexFunc(s.pending, func(p *link) bool { return p.succeeded(endpoint) })), ch)
}

// raise moves up number i of the connections in their handshakes.
func (s *socketPeers) raise(i int, ch *peerChange) {
	l := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	s.up = append(s.up, l)
	ch.added = append(ch.added, l.peer.Endpoint)
}

// end removes the connection with that descriptor, and returns it, or nil if it is not
// known.
func (s *socketPeers) end(fd int, ch *peerChange) (ended *link) {
	byFd := func(l *link) bool { return l.fd == fd }
	if i := slices.IndexFunc(s.up, byFd); i >= 0 {
		ended = s.up[i]
		ch.removed = append(ch.removed, ended.peer.Endpoint)
		s.up = slices.Delete(s.up, i, i+1)
		if s.failing != nil && len(s.pending) > 0 {
			s.raise(0, ch)
			ch.swapped = true
		}
		return ended
	}
	i := slices.IndexFunc(s.pending, byFd)
	if i < 0 {
		return nil
	}
	ended = s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	if s.failing == nil && time.Since(ended.begun) < silentHandshake {
		s.failing = &linkNews{why: failedPattern, reason: failedPattern.reason(false)}
	}
	return ended
}

// refuseLocked notes that a connection ended because its handshake failed.
func (t *peerTable) refuseLocked(ended *link, failing *linkNews, ch *peerChange) {
	ch.rejected, ch.reason, ch.why = ended.peer.Endpoint, failing.reason, failing.why
	if ch.why == failedDenied && len(t.denied) > 0 {
		ch.reason, t.denied = t.denied[0], t.denied[1:]
	}
	t.rejected, t.last = t.rejected+1, ch.reason
	if known := t.turned.why.worthAWarning() && time.Since(t.turned.at) < turnedAwayLately; ch.why.worthAWarning() || !known {
		t.turned = turnedAway{ch.rejected, ch.reason, ch.why, time.Now()}
	}
}

// stopped notes that a socket is gone, and its connections with it.
func (t *peerTable) stopped(generation uint64) (ch peerChange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sockets[generation]; s != nil {
		for _, l := range s.up {
			ch.removed = append(ch.removed, l.peer.Endpoint)
		}
		delete(t.sockets, generation)
	}
	ch.connected = t.connectedLocked()
	t.noteLocked(ch.connected)
	return ch
}

// describe returns, for a warning, how many peers there are, and how many were
// refused since the last call.
func (t *peerTable) describe() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := "peers " + strconv.Itoa(t.connectedLocked())
	if t.rejected > 0 {
		text += fmt.Sprintf(", connections rejected since: %d, the last one: %s", t.rejected, t.last)
	}
	t.rejected, t.last = 0, ""
	return text
}

// frame counts a frame for the peer with that port. Without a port it counts for the
// only peer, if there is just one.
func (t *peerTable) frame(port string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var only *link
	for _, s := range t.sockets {
		for _, l := range s.up {
			switch {
			case port != "" && l.peer.Port != port:
				continue
			case only != nil:
				return
			}
			only = l
		}
	}
	if only != nil {
		only.peer.Frames++
	}
}

// frameFrom counts a frame of a connection.
func (t *peerTable) frameFrom(connection int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sockets {
		for _, l := range s.up {
			if l.fd == connection {
				l.peer.Frames++
				return
			}
		}
	}
}

// portOf returns the port of a TCP endpoint.
func portOf(endpoint string) string {
	if !strings.HasPrefix(endpoint, "tcp://") {
		return ""
	}
	return endpoint[strings.LastIndexByte(endpoint, ':')+1:]
}

// snapshot returns the connected peers.
func (t *peerTable) snapshot() (peers []Peer) {
	t.mu.Lock()
	for _, s := range t.sockets {
		for _, l := range s.up {
			peers = append(peers, l.peer)
		}
	}
	t.mu.Unlock()
	slices.SortFunc(peers, func(a, b Peer) int {
		switch {
		case a.Endpoint < b.Endpoint:
			return -1
		case a.Endpoint > b.Endpoint:
			return 1
		}
		return 0
	})
	return peers
}

// withLinks returns the connected peers, with what the kernel knows of the way to
// each.
func (t *peerTable) withLinks() []Peer {
	peers := t.snapshot()
	d := t.links.Load()
	for i := range peers {
		if strings.HasPrefix(peers[i].Endpoint, "tcp://") && d != nil {
			peers[i].ask(d)
		}
	}
	return peers
}

// endpointOf returns the Endpoint of who is at the other end of a connection of the
// door, "" where that is not known yet, or not over TCP.
func (t *peerTable) endpointOf(q door.Peer) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sockets {
		for _, l := range s.up {
			if l.peer.isAt(q) {
				return l.peer.Endpoint
			}
		}
	}
	return ""
}

// isAt reports whether q is the connection of p. Whom this end connected to is known by
// the port: a name has several addresses.
func (p *Peer) isAt(q door.Peer) bool {
	address, ok := strings.CutPrefix(p.Endpoint, "tcp://")
	port, _ := strconv.ParseUint(p.Port, 10, 16) // 0, which none is, if it is no number
	return ok && (q.Address == address || q.Dialled && q.Port == uint(port))
}

// ask fills in what the kernel knows of the way to p.
func (p *Peer) ask(d *door.Door) {
	if l, ok := d.LinkOf(p.isAt); ok {
		p.HasLink, p.RTT, p.MinRTT, p.DeliveryRate = true, l.RTT, l.MinRTT, 8*l.DeliveryRate
		p.Unsent, p.Delivered, p.Retransmits = uint64(l.Unsent), l.Acked, uint64(l.Retransmits)
	}
}

// serve notes that port number i has had a connection; hasServed reports whether it
// has.
func (t *peerTable) serve(i int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.served == nil {
		t.served = map[int]bool{}
	}
	t.served[i] = true
}

func (t *peerTable) hasServed(i int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.served[i]
}

// lastTurnedAway returns the peer that was refused last, if that was after since.
func (t *peerTable) lastTurnedAway(since time.Time) (turnedAway, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turned, t.turned.at.After(since)
}

// missing returns those of the ports that have no connection, in their order. Over
// ipc connections have no port, and only their number counts.
func (t *peerTable) missing(ports []uint) (list []uint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := map[string]bool{}
	others := 0
	for _, s := range t.sockets {
		for _, l := range s.up {
			if known[l.peer.Port] = true; l.peer.Port == "" {
				others++
			}
		}
	}
	if others >= len(ports) {
		return nil
	}
	for _, p := range ports {
		if !known[strconv.FormatUint(uint64(p), 10)] {
			list = append(list, p)
		}
	}
	return list
}

func (t *peerTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.connectedLocked()
}
