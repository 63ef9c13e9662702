package gstglue

import (
	"sync"
	"time"
)

// limiter keeps a stream of like warnings from filling the bus: the first goes
// out, then one after a second, two, four and so on up to a minute; after a
// time of silence the next is a first one again.
type limiter struct {
	mu    sync.Mutex
	kinds map[warningKind]*quiet
}

// warningKind is what makes warnings alike. There are few of both, and what a peer
// sends is in neither.
type warningKind struct {
	err   error
	cause string
}

type quiet struct {
	last time.Time     // posted or held back
	next time.Time     // when one may be posted again
	gap  time.Duration // between the one before and next
	held int           // since then
}

const (
	firstGap   = time.Second
	longestGap = time.Minute
)

// allow says whether a warning of that kind may be posted at now, and how many
// were held back since the last one.
func (l *limiter) allow(kind warningKind, now time.Time) (held int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.kinds[kind]
	if q == nil || now.Sub(q.last) > 2*q.gap {
		l.kinds[kind] = &quiet{last: now, next: now.Add(firstGap), gap: firstGap}
		if q != nil {
			held = q.held
		}
		return held, true
	}
	q.last = now
	if now.Before(q.next) {
		q.held++
		return 0, false
	}
	held = q.held
	q.gap = min(2*q.gap, longestGap)
	q.next = now.Add(q.gap)
	q.held = 0
	return held, true
}
