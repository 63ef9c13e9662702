package netgear

import (
	"sync"
	"time"
)

// Pauses between warnings of one kind.
const (
	firstWarnPause = time.Second
	lastWarnPause  = time.Minute
)

// pacer keeps a stream of like warnings from an Observer: the first goes out, then
// one after a second, two, four and so on up to a minute; after a time of silence
// the next is a first one again. The zero value is ready; safe for concurrent use.
// The kinds are few and the caller's.
type pacer struct {
	mu    sync.Mutex
	kinds map[string]*pace
}

type pace struct {
	last  time.Time // allowed or not
	next  time.Time
	pause time.Duration
	held  int
}

// allow reports whether a warning of that kind may go out at now, and how many did
// not since the last one.
func (p *pacer) allow(kind string, now time.Time) (held int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds == nil {
		p.kinds = map[string]*pace{}
	}
	k := p.kinds[kind]
	if k == nil {
		k = &pace{}
		p.kinds[kind] = k
	}
	quiet := now.Sub(k.last)
	k.last = now
	if now.Before(k.next) {
		k.held++
		return 0, false
	}
	if k.pause = min(2*k.pause, lastWarnPause); k.pause == 0 || quiet > k.pause {
		k.pause = firstWarnPause
	}
	held, k.held, k.next = k.held, 0, now.Add(k.pause)
	return held, true
}
