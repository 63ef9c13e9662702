package netgear

import (
	"sync"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// owners ties the name of each sender to the connection that it uses. While that
// connection stands and sends, messages with the same name from other connections
// are not part of the stream: a stranger can neither show a picture in it nor end
// it. Outside the multi-server mode all senders have one name, so one is served at a
// time.
//
// There is one name outside the multi-server mode, and within it there are those among
// the ports, or at most maxNames where senders choose their names. Safe for concurrent
// use.
type owners struct {
	patience time.Duration               // after this time a silent connection loses its name
	stands   func(connection int) bool   // reports whether the other end has not closed it
	host     func(connection int) string // where it comes from; empty: not known

	mu    sync.Mutex
	names map[string]owner
}

// hostSilence is the time without a frame after which another connection of the same
// host may take a name over. A sender of a few frames a second is not silent.
const hostSilence = 200 * time.Millisecond

type owner struct {
	connection int
	last       time.Time // when it sent last
}

func newOwners(patience time.Duration) *owners {
	return &owners{patience: patience, stands: zmsg.Stands, host: func(int) string { return "" }, names: map[string]owner{}}
}

// admits reports whether a message that came at now is from the sender with that
// name.
func (o *owners) admits(name string, connection int, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	own, ok := o.names[name]
	if ok && own.connection != connection && o.holdsLocked(own, connection, now) {
		return false
	}
	if !ok && len(o.names) >= maxNames {
		o.makeRoomLocked()
	}
	o.names[name] = owner{connection, now}
	return true
}

// maxNames is how many senders are served at once.
const maxNames = 256

// makeRoomLocked removes the name that was silent for longest of those of the
// connection with the most names. So a sender that takes many loses its own.
func (o *owners) makeRoomLocked() {
	of := map[int]int{}
	most := 0
	for _, own := range o.names {
		of[own.connection]++
		most = max(most, of[own.connection])
	}
	var oldest string
	var last time.Time
	for name, own := range o.names {
		if of[own.connection] == most && (last.IsZero() || own.last.Before(last)) {
			oldest, last = name, own.last
		}
	}
	delete(o.names, oldest)
}

// holdsLocked reports whether the owner of a name keeps it from another connection.
// A machine that lost its power does not end its connections, and may be back before
// they are found dead. So the same host takes a name over after a short silence.
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

// release frees the name of a sender that has ended, or that sent something without
// meaning.
func (o *owners) release(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.names, name)
}

// ended notes the end of a connection: its number may soon belong to another one.
func (o *owners) ended(connection int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, own := range o.names {
		if own.connection == connection {
			delete(o.names, name)
		}
	}
}

// clear notes that all connections have ended.
func (o *owners) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.names)
}
