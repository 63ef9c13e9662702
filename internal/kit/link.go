package kit

import (
	"container/heap"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Conditions are those of a link, the same in both directions.
type Conditions struct {
	Cut     bool
	Delay   time.Duration
	Jitter  time.Duration // up to this much more, so that packets pass each other
	Loss    float64       // share of the packets
	Reorder float64       // share of the packets that do not wait for the delay
	Rate    float64       // bit/s; 0: as fast as it can
}

// longestQueue is how much a link of limited rate keeps waiting before it drops
// packets.
const longestQueue = 200 * time.Millisecond

// Link is a cable between two namespaces that carries every packet through this
// process, which may treat it badly. There is no need of the kernel's netem.
type Link struct {
	mu         sync.Mutex
	conditions Conditions
}

// Set changes the conditions.
func (l *Link) Set(c Conditions) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conditions = c
}

func (l *Link) get() Conditions {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conditions
}

// Connect carries packets between two points until the test's end, or until the
// function that it returns is called.
func (l *Link) Connect(t T, a, b *os.File) (disconnect func()) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() { l.carry(a, b) })
	wg.Go(func() { l.carry(b, a) })
	disconnect = sync.OnceFunc(func() {
		a.Close()
		b.Close()
		wg.Wait()
	})
	t.Cleanup(disconnect)
	return disconnect
}

// packet is on its way until due.
type packet struct {
	due  time.Time
	data []byte
}

type packets []packet

func (p packets) Len() int           { return len(p) }
func (p packets) Less(i, j int) bool { return p[i].due.Before(p[j].due) }
func (p packets) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)        { *p = append(*p, x.(packet)) }
func (p *packets) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

func (l *Link) carry(from, to *os.File) {
	arrived := make(chan []byte, 64)
	go func() {
		defer close(arrived)
		for {
			buf := make([]byte, 2048)
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			arrived <- buf[:n]
		}
	}()
	var waiting packets
	var busy time.Time // until when the sender of a slow link is
	timer := time.NewTimer(0)
	for {
		if len(waiting) > 0 {
			timer.Reset(time.Until(waiting[0].due))
		}
		select {
		case data, ok := <-arrived:
			if !ok {
				return
			}
			c, now := l.get(), time.Now()
			if c.Cut || rand.Float64() < c.Loss {
				continue
			}
			due := now
			if c.Rate > 0 {
				if busy.Before(now) {
					busy = now
				}
				if busy.Sub(now) > longestQueue {
					continue
				}
				busy = busy.Add(time.Duration(float64(len(data)) * 8 / c.Rate * float64(time.Second)))
				due = busy
			}
			if rand.Float64() >= c.Reorder {
				due = due.Add(c.Delay)
				if c.Jitter > 0 {
					due = due.Add(rand.N(c.Jitter))
				}
			}
			heap.Push(&waiting, packet{due, data})
		case <-timer.C:
		}
		for len(waiting) > 0 && !time.Now().Before(waiting[0].due) {
			p := heap.Pop(&waiting).(packet)
			if !l.get().Cut {
				_, _ = to.Write(p.data) // a full queue loses packets, as they do
			}
		}
	}
}
