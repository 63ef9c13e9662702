package gstglue

import (
	"sync"
	"time"
)

// limiter keeps a stream of similar warnings from filling the bus. The first goes
// out, the next ones after pauses of one second, two, four and so on up to a minute.
// After a time of silence the next one is a first one again.
type limiter struct {
	mu    sync.Mutex
	kinds map[warningKind]*quiet
}

// warningKind is what similar warnings have in common. There are few of both, and a
// peer has no influence on either.
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

// allow reports whether a warning of that kind may be posted at now, and how many
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
