package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// byebye is a goodbye with a data part. It ends the stream, as in NetGear.
const byebye = "two-part-terminate"

// Nothing that a sender writes ends the stream or the process, or costs one of
// the good frames in between.
func TestHostileSender(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! %s", p, end)
		list := peer(t, "hostile --role send --pattern %d --list", p)
		list.Exits(0)
		var cases []string
		for _, e := range list.events("case") {
			if e.Case != byebye {
				cases = append(cases, e.Case)
			}
		}
		s := peer(t, "hostile --role send --pattern %d --port %d --cases %s", p, r.BoundPort(), strings.Join(cases, ","))
		s.Exits(0)
		r.Exits(0)
		var want, got []string
		for _, e := range s.events("good") {
			want = append(want, e.SHA256)
		}
		if len(want) < 70 {
			t.Fatalf("%d good frames were sent, want more than 70", len(want))
		}
		first := want[0] // the bad ones that may be kept have its picture
		keep, kept := 1, 0
		for _, e := range s.events("bad") {
			if e.Expect == "keep" {
				keep++
			}
		}
		for _, frame := range frameFiles(t, dir) {
			d := digest(frame)
			if d == first {
				kept++
			} else if slices.Contains(want, d) {
				got = append(got, d)
			}
		}
		if !slices.Equal(got, want[1:]) {
			t.Errorf("%d of %d good frames came, want all of them in order", len(got), len(want)-1)
		}
		if kept < keep {
			t.Errorf("%d frames with the first picture came, want at least %d", kept, keep)
		}
		// At most one of each kind after 0, 1, 3, 7 and 15 s.
		if n := r.Warnings(); n == 0 || n > 15 {
			t.Errorf("%d warnings, want some but few", n)
		}
	})
}

// A goodbye with a data part is one, or dropped; what follows is received.
func TestHostileGoodbye(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v eos-on-terminate=false ! %s", p, end)
		s := peer(t, "hostile --role send --pattern %d --port %d --cases %s", p, r.BoundPort(), byebye)
		s.Exits(0)
		within(t, "2 frames", func() bool { return len(frameFiles(t, dir)) == 2 })
		r.Kill(syscall.SIGINT)
		r.Exits(0)
	})
}

// Nothing that a receiver answers ends the stream or the process.
func TestHostileReceiver(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		_, pace := stream(p)
		r := peer(t, "hostile --role recv --pattern %d --port 0", p)
		s := launch(t, "videotestsrc num-buffers=61 ! video/x-raw,format=BGR,width=16,height=12 ! %s "+
			"netgearsink address=127.0.0.1 port=%d pattern=%v sync=false", pace, r.port(), p)
		s.Exits(0)
		r.Exits(0) // every case had its turn
		if frames := len(r.events("frame")); p != pubSub && frames != 61 {
			t.Errorf("%d frames came, want 61", frames)
		}
		if n := s.Warnings(); n > 10 {
			t.Errorf("%d warnings, want few", n)
		}
	})
}
