package gstglue

import (
	"runtime"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	const look = processorsPause
	begin := time.Now()
	type step struct {
		share float64 // of one processor, since the last look
		few   bool    // afterwards
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"a camera", []step{{0.05, false}, {0.05, false}, {0.05, false}, {0.05, true}, {0.05, true}}},
		{"one that starts with much work", []step{{2, false}, {0.05, false}, {0.05, false}, {0.05, false}, {0.05, true}}},
		{"a pause in much work", []step{{0.1, false}, {0.1, false}, {0.1, false}, {0.25, false}, {0.1, false}}},
		{"work that grows", []step{{0, false}, {0, false}, {0, false}, {0, true}, {0.29, true}, {0.31, false}, {0.25, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			use := usage{at: begin, cpu: time.Hour}
			now, cpu, few := begin, time.Hour, false
			for i, s := range c.steps {
				now, cpu = now.Add(look), cpu+time.Duration(s.share*float64(look))
				if few = use.isFew(few, now, cpu); few != s.few {
					t.Fatalf("few = %v after step %d", few, i)
				}
			}
		})
	}
}

// Only the plugin changes the runtime of its process.
func TestProcessorsOfOthers(t *testing.T) {
	var p processors
	p.enter(nil)
	defer p.leave()
	if p.finish != nil {
		t.Error("it looks at a runtime that is not its own")
	}
}

func TestProcessorsLookWhileOpen(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("there is only one")
	}
	p := processors{own: true}
	for range 2 { // it begins again
		p.enter(nil)
		first := p.finish
		p.enter(nil)
		p.leave()
		if p.finish == nil || p.finish != first {
			t.Fatal("it does not look while an element is open")
		}
		p.leave()
		select {
		case <-first:
		default:
			t.Fatal("it looks on with nothing open")
		}
	}
}
