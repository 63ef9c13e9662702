package netgear

import (
	"sync"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// owners ties the name of each sender to the connection that it uses. While that
// connection stands and is in use, what comes over others under the same name is
// none of this stream: a stranger neither shows a picture in it nor ends it. Outside
// the multi-server mode all senders have one name, so one is served at a time.
//
// Names are bounded by whoever calls: outside the multi-server mode there is one, in
// it those among the ports. Safe for concurrent use.
type owners struct {
	patience time.Duration               // after which a connection that sends nothing gives way
	stands   func(connection int) bool   // whether the other end has not closed it
	host     func(connection int) string // where it comes from; empty: not known

	mu    sync.Mutex
	names map[string]owner
}

// hostSilence is after how long without a frame another connection of the same host
// may take a name over: a sender of a few frames a second is not silent.
const hostSilence = 200 * time.Millisecond

type owner struct {
	connection int
	last       time.Time // when it sent
}

func newOwners(patience time.Duration) *owners {
	return &owners{patience: patience, stands: zmsg.Stands, host: func(int) string { return "" }, names: map[string]owner{}}
}

// admits reports whether a message that came at now is of the sender of that name.
func (o *owners) admits(name string, connection int, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	own, ok := o.names[name]
	if ok && own.connection != connection && o.holdsLocked(own, connection, now) {
		return false
	}
	o.names[name] = owner{connection, now}
	return true
}

// holdsLocked reports whether the owner of a name keeps it from another connection. A
// machine that lost its power says nothing of the end of its connections, and is back
// before they are found dead: the same host takes a name over after a short silence.
func (o *owners) holdsLocked(own owner, connection int, now time.Time) bool {
	silence := now.Sub(own.last)
	if silence >= o.patience || !o.stands(own.connection) {
		return false
	}
	if silence < hostSilence {
		return true
	}
	host := o.host(connection)
	return host == "" || host != o.host(own.connection)
}

// release says that the sender of that name has ended, or sent what means nothing.
func (o *owners) release(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.names, name)
}

// ended says that a connection has: its number may be that of another one soon.
func (o *owners) ended(connection int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, own := range o.names {
		if own.connection == connection {
			delete(o.names, name)
		}
	}
}

// clear says that all connections have ended.
func (o *owners) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.names)
}
