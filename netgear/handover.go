package netgear

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// handover passes a socket between the calls of an end and a function that looks after
// it between two calls, in a goroutine of its own.
type handover struct {
	mu     sync.Mutex  // held by whoever uses the socket, or the fields beside this
	wanted atomic.Bool // a call waits for the socket: the function must return
	timer  *time.Timer // starts the function
}

// take takes the socket back for a call. The waker ends the function's wait; nil means
// that it does not wait.
func (h *handover) take(waker *zmsg.Waker) {
	h.timer.Stop()
	if h.mu.TryLock() {
		return
	}
	h.wanted.Store(true)
	if waker != nil {
		waker.Wake()
	}
	h.mu.Lock()
	h.wanted.Store(false)
}
