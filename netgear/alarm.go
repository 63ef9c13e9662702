package netgear

import (
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
)

// alarm is how other goroutines reach the one that owns the socket: each call
// leaves a note and ends the owner's wait. Any goroutine may call its methods.
//
// A socket has a number, its generation, so that a note about a socket that is
// gone says nothing of the next one.
type alarm struct {
	waker *zmsg.Waker

	fatal atomic.Pointer[error] // why it is useless to go on
	// news says that a peer came or that an attempt to connect failed. tried says
	// that one has failed at some time.
	news, tried atomic.Bool
	lost        atomic.Uint64             // the generation of a socket that lost a connection
	full        atomic.Uint64             // the generation of a socket that keeps too much: see maxRefused and maxEnded
	pull        atomic.Bool               // the other end pushes, so the next socket must be a PULL
	leaving     atomic.Pointer[time.Time] // when Sender.Leave was called; nil: it was not
}

// fail notes the first error after which it is useless to go on.
func (a *alarm) fail(err error) {
	if a.fatal.CompareAndSwap(nil, &err) {
		a.waker.Wake()
	}
}

// failed returns the first error that fail got, or nil.
func (a *alarm) failed() error {
	if err := a.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// announce has the owner look at who is there: an attempt to connect has ended.
func (a *alarm) announce() {
	a.tried.Store(true)
	a.news.Store(true)
	a.waker.Wake()
}

// note stores a generation in lost or full.
func (a *alarm) note(what *atomic.Uint64, generation uint64) {
	what.Store(generation)
	a.waker.Wake()
}

// leave notes that the stream is about to end.
func (a *alarm) leave() {
	now := time.Now()
	a.leaving.CompareAndSwap(nil, &now)
	a.waker.Wake()
}
