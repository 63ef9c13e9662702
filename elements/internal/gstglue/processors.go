package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// processors chooses how many processors Go's runtime has, while elements are open: one
// while the process has little to do, else as many as the runtime would take.
//
// After a call from a thread of GStreamer the runtime keeps a processor for that thread,
// and while another processor is free it looks up to every 70 µs for 10 ms whether the
// thread calls again; each event on the network wakes a second thread, which looks for
// work. With one processor it does neither. Cameras at their usual rates then take half of
// the CPU. A host that is busy needs the others, and does not notice that work.
type processors struct {
	own    bool // the runtime is the plugin's alone, and the user has not chosen
	mu     sync.Mutex
	open   int           // elements
	finish chan struct{} // of the goroutine that looks; nil: none does
	few    bool          // there is one processor
}

// theProcessors are those of this process.
var theProcessors processors

// OwnRuntime says that no other program of Go is in this process. It is for the plugin,
// before an element exists.
func OwnRuntime() { theProcessors.own = os.Getenv("GOMAXPROCS") == "" }

const (
	processorsPause = 250 * time.Millisecond // between two looks
	// The process is busy when it takes more of one processor than busyShare, and no
	// longer when it takes less than calmShare. What it takes grows with the number of
	// processors, so that number does not go to and fro.
	busyShare = 0.3
	calmShare = 0.2
	// calmTime is how long it must take less.
	calmTime = time.Second
)

// enter is called when an element has opened, and leave when it is about to close. weak is
// that element.
func (p *processors) enter(weak *Weak) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
	if p.open == 1 && p.own && runtime.NumCPU() > 1 {
		finish := make(chan struct{})
		p.finish = finish
		spawn(weak, func() { p.follow(finish) })
	}
}

func (p *processors) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	if p.open == 0 && p.finish != nil {
		close(p.finish)
		p.finish = nil
	}
}

// follow looks at what the process takes, until finish is closed.
func (p *processors) follow(finish chan struct{}) {
	tick := time.NewTicker(processorsPause)
	defer tick.Stop()
	use := usage{at: time.Now(), cpu: cpuTime()}
	for {
		select {
		case <-finish:
			return
		case now := <-tick.C:
			p.look(finish, &use, now)
		}
	}
}

func (p *processors) look(finish chan struct{}, use *usage, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	few := use.isFew(p.few, now, cpuTime())
	if few == p.few || p.finish != finish {
		return
	}
	if p.few = few; few {
		runtime.GOMAXPROCS(1)
	} else {
		runtime.SetDefaultGOMAXPROCS()
	}
	C.netgear_stand_in_allow(cbool(few))
	Element{}.logTransport(LevelDebug, "processors", fmt.Sprintf("Go's runtime has processors=%d", runtime.GOMAXPROCS(0)))
}

// usage is how much of the CPU the process takes.
type usage struct {
	at   time.Time // of the last look
	cpu  time.Duration
	calm time.Duration // for how long it has taken little
}

// isFew notes how much the process has taken in all, and reports whether one processor is
// enough for it. few says that it has one now.
func (u *usage) isFew(few bool, now time.Time, cpu time.Duration) bool {
	elapsed, taken := now.Sub(u.at), cpu-u.cpu
	u.at, u.cpu = now, cpu
	if elapsed <= 0 {
		return few
	}
	share := float64(taken) / float64(elapsed)
	if share < calmShare {
		u.calm += elapsed
	} else {
		u.calm = 0
	}
	if few {
		return share <= busyShare
	}
	return u.calm >= calmTime
}

// cpuTime returns what the process has taken of the CPU.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // it never fails with this argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
