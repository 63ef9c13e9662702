package netgear

import (
	"sync"
	"time"
)

// Pauses of revival, from the end of a connection.
const (
	leastPause = reconnectInterval
	mostPause  = 3200 * time.Millisecond
)

// revival finds the connections that libzmq has given up, at an end that connects.
// libzmq retries a connection that ended, and its monitor reports that. But after a
// handshake that made no sense to it (another pattern or mechanism, another key, a
// ZAP handler with troubles of its own) it never retries. So a disconnect that no
// retry follows within a short time is ours to repair. Safe for concurrent use.
type revival struct {
	wake func()
	fail func(error)

	mu     sync.Mutex
	ports  []reviving
	due    bool   // the time of a port has come
	socket uint64 // the generation of the present socket
}

// reviving is the state of one port.
type reviving struct {
	timer *time.Timer // runs from the end of a connection until the port is well; else nil
	pause time.Duration
}

func newRevival(ports int, wake func(), fail func(error)) *revival {
	return &revival{wake: wake, fail: fail, ports: make([]reviving, ports)}
}

// begin notes that there is a new socket.
func (r *revival) begin(generation uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket, r.due = generation, false
	for i := range r.ports {
		r.stopLocked(i)
	}
}

// ended notes that the connection of port number i has ended.
func (r *revival) ended(generation uint64, i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.socket != generation {
		return
	}
	r.stopLocked(i)
	p := &r.ports[i]
	p.pause = min(max(2*p.pause, leastPause), mostPause)
	p.timer = spawnAfter(p.pause, r.fail, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.socket == generation {
			r.due = true
			r.wake()
		}
	})
}

// well notes that libzmq retries by itself, or that a connection stands.
func (r *revival) well(generation uint64, i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.socket == generation {
		r.stopLocked(i)
		r.ports[i].pause = 0
	}
}

func (r *revival) stopLocked(i int) {
	if t := r.ports[i].timer; t != nil {
		t.Stop()
		r.ports[i].timer = nil
	}
}

// waiting reports whether the time of a port has come.
func (r *revival) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.due
}

// take returns, once, the numbers of all ports that have no connection and get none
// from libzmq.
func (r *revival) take() (dead []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = false
	for i := range r.ports {
		if r.ports[i].timer != nil {
			dead = append(dead, i)
			r.stopLocked(i)
		}
	}
	return dead
}

// close ends it.
func (r *revival) close() { r.begin(0) }
