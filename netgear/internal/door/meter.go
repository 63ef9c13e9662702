package door

import (
	"sync"
	"time"
)

// Implementation constants.
const (
	// blockedWrite is the least time of a write that had to wait for the link. While the
	// link is fast enough, a write takes less.
	blockedWrite = time.Millisecond
	// dryPause is a pause between two writes. During a longer one the kernel may have
	// had nothing to send, so that the next write shows nothing about the link.
	dryPause = flowTime / 4
	// fullTime is how soon the next write must begin after one that waited, for the time
	// between them to count. By then half of what may wait unsent has gone.
	fullTime = 2 * flowTime
)

// Traffic is what went to a peer since the connection was made, over TCP or not.
type Traffic struct {
	Passed uint64 // bytes
	// Limited is how many of them went while there was more to send than the link
	// took, and LimitedTime is how long that was. Limited divided by LimitedTime is
	// the rate of the link.
	Limited     uint64
	LimitedTime time.Duration
	// Bursts is how many times a write began after a pause in which all that was
	// sent before may have been acknowledged.
	Bursts uint64
	// Waiting is the size in bytes of the write that waits at the moment, and what
	// waits before it; WaitTime is how long it has waited. Zero: none waits.
	Waiting  uint64
	WaitTime time.Duration
}

// meter measures Traffic. One goroutine at a time writes; any may read.
//
// A write that waited ends when the kernel has sent enough to have room again. So
// between the ends of two such writes that follow each other closely, the link was the
// limit all the time.
type meter struct {
	mu      sync.Mutex
	t       Traffic
	writing bool
	size    int       // of the write that began
	began   time.Time // when
	ended   time.Time // when the last write did
	mark    time.Time // when the last write that waited did; zero: it says nothing any more
	gone    uint64    // bytes that had left the kernel then

	trip time.Duration // the least that an acknowledgement takes; 0: not known
}

// begin notes that a write of n bytes begins, or of an unknown number: 0.
func (m *meter) begin(now time.Time, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writing, m.size, m.began = true, n, now
	pause := now.Sub(m.ended)
	if pause >= m.trip {
		m.t.Bursts++
	}
	if pause > dryPause || now.Sub(m.mark) > fullTime {
		m.mark = time.Time{}
	}
}

// end notes that the write has ended, and has written n bytes. It reports whether
// the write waited; then marked follows.
func (m *meter) end(now time.Time, n int) (waited bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writing, m.ended = false, now
	m.t.Passed += uint64(n) //nolint:gosec // never negative
	return now.Sub(m.began) >= blockedWrite
}

// marked notes how many bytes have left the kernel when a write that waited has
// ended.
func (m *meter) marked(now time.Time, gone uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.mark.IsZero() {
		m.t.Limited += gone - m.gone
		m.t.LimitedTime += now.Sub(m.mark)
	}
	m.mark, m.gone = now, gone
}

// carried notes so many bytes with which the way was busy for a time, the time there
// and back included where they went alone.
func (m *meter) carried(bytes int, busy time.Duration, alone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if alone {
		busy -= m.trip
	}
	if bytes > 0 && busy >= blockedWrite {
		m.t.Limited += uint64(bytes)
		m.t.LimitedTime += busy
	}
}

// waited returns how long the last write took.
func (m *meter) waited() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended.Sub(m.began)
}

// passed returns how many bytes were written.
func (m *meter) passed() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.t.Passed
}

// setTrip notes how long an acknowledgement takes at least.
func (m *meter) setTrip(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trip = d
}

// read returns what there is at now. room is how many bytes may wait unsent.
func (m *meter) read(now time.Time, room int) Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.t
	if wait := now.Sub(m.began); m.writing && wait >= blockedWrite {
		t.Waiting, t.WaitTime = uint64(m.size+room), wait //nolint:gosec // never negative
	}
	return t
}
