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

// pacer keeps a stream of similar warnings from an Observer. The first goes out, the
// next ones after pauses of one second, two, four and so on up to a minute. After a
// time of silence the next one is a first one again. The zero value is ready; safe
// for concurrent use. The caller chooses the kinds, which must be few.
type pacer struct {
	mu    sync.Mutex
	kinds map[string]*pace
}

type pace struct {
	last  time.Time // whether it was allowed or not
	next  time.Time
	pause time.Duration
	held  int
}

// allow reports whether a warning of that kind may go out at now, and how many were
// held back since the last one.
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
