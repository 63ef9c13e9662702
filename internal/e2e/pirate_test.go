package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// sequence returns the numbers of the frames that a peer has received. A frame
// that came more than once in a row counts once: what is not confirmed in time
// is sent again.
func sequence(t *testing.T, rs ...script) (seq []int) {
	t.Helper()
	for _, r := range rs {
		seq = append(seq, allFrames(t, r)...)
	}
	return slices.Compact(seq)
}

// allFrames returns those numbers with every repetition.
func allFrames(t *testing.T, r script) (seq []int) {
	t.Helper()
	for _, e := range r.events("frame") {
		var gst struct{ Seq int }
		if err := json.Unmarshal(e.Header["gst"], &gst); err != nil {
			t.Fatal(err)
		}
		seq = append(seq, gst.Seq)
	}
	return seq
}

const testPicture = "video/x-raw,format=BGR,width=16,height=12"

// A frame whose confirmation is lost is sent again.
func TestReplyLost(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		r := peer(t, "recv --pattern %d --port 0 --drop-reply 2", p)
		s := launch(t, "videotestsrc num-buffers=6 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false request-timeout=1",
			testPicture, r.port(), p)
		s.Exits(0)
		r.Exits(0)
		if got, want := sequence(t, r), []int{0, 1, 2, 3, 4, 5}; !slices.Equal(got, want) {
			t.Errorf("frames %v, want %v", got, want)
		}
		if all := allFrames(t, r); len(all) < 7 {
			t.Errorf("frames %v, want number 2 more than once", all)
		}
		if n := s.Warnings(); n != 1 {
			t.Errorf("%d warnings, want one", n)
		}
		s.Says(`^WARNING: .* no confirmation from tcp://127.0.0.1:\d+ within 1s`)
	})
}

// A receiver that is killed and started again gets the stream from the first
// frame on that was not confirmed.
func TestReceiverRestarts(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		first := peer(t, "recv --pattern %d --port 0 --die-after 3", p)
		s := launch(t, "videotestsrc num-buffers=8 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false", testPicture, first.port(), p)
		first.Exits(9)
		second := peer(t, "recv --pattern %d --port %d", p, first.port())
		s.Exits(0)
		second.Exits(0)
		if got, want := sequence(t, first, second), []int{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(got, want) {
			t.Errorf("frames %v, want %v", got, want)
		}
		if n := s.Warnings(); n != 1 {
			t.Errorf("%d warnings, want one", n)
		}
	})
}

// A receiver that binds again keeps its port.
func TestSenderRestarts(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v request-timeout=0.2 max-retries=0 ! %s", p, end)
		first := peer(t, "%s --no-terminate --port %d", sending(p, formats[0]), r.BoundPort())
		first.Exits(0)
		r.Says(`^WARNING: .* no frame at tcp://127.0.0.1:\d+ within 600ms`)
		second := peer(t, "%s --port %d", sending(p, formats[0]), r.BoundPort())
		second.Exits(0)
		r.Exits(0)
		if n := len(frameFiles(t, dir)); n != 12 {
			t.Errorf("%d frames, want 12", n)
		}
	})
}

// After max-retries timeouts in a row an element gives up.
func TestAbandon(t *testing.T) {
	sink := func(t *testing.T, p pattern, bind bool) string {
		t.Helper()
		return fmt.Sprintf("videotestsrc num-buffers=9 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v bind=%v sync=false "+
			"request-timeout=0.3 max-retries=2", testPicture, freePort(t), p, bind)
	}
	source := func(t *testing.T, p pattern, bind bool) string {
		t.Helper()
		return fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d pattern=%v bind=%v request-timeout=0.1 max-retries=2 ! fakesink", freePort(t), p, bind)
	}
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		for _, bind := range []bool{false, true} {
			checkAbandon(t, sink(t, p, bind), "write", "in 2 x 300ms: max-retries=2 is used up")
			checkAbandon(t, source(t, p, bind), "read", "in 2 x 300ms: max-retries=2 is used up")
		}
	})
}

func checkAbandon(t *testing.T, pipeline, code, text string) {
	t.Helper()
	g := launch(t, "%s", pipeline)
	g.Fails()
	g.Says(`^ERROR: .*` + text)
	if n := g.Warnings(); n != 1 {
		t.Errorf("%d warnings, want one before the end", n)
	}
	w := watch(t, "%s", pipeline)
	w.Exits(1)
	checkError(t, w, "resource", code, text)
}

// checkError checks the first error that was posted.
func checkError(t *testing.T, w script, domain, code, text string) {
	t.Helper()
	messages := w.events("message")
	i := slices.IndexFunc(messages, func(e event) bool { return e.Kind == "error" })
	if i < 0 {
		t.Fatalf("no error among %v", messages)
	}
	if e := messages[i]; e.Domain != domain || e.Code != code || !strings.Contains(e.Text, text) {
		t.Errorf("error %s/%s %q, want %s/%s and %q in it", e.Domain, e.Code, e.Text, domain, code, text)
	}
}

// A receiver that takes frames and never answers is one that is not there.
func TestAbandonSilentReceiver(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		r := peer(t, "recv --pattern %d --port 0 --no-reply-after 2", p)
		w := watch(t, "videotestsrc num-buffers=9 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false request-timeout=0.3 max-retries=3",
			testPicture, r.port(), p)
		w.Exits(1)
		checkError(t, w, "resource", "write", "no confirmation")
		if got, want := sequence(t, r), []int{0, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("frames %v, want %v", got, want)
		}
		if all := allFrames(t, r); len(all) < 2+3 {
			t.Errorf("frames %v, want number 2 in each of three attempts", all)
		}
	})
}

// Timeouts count in a row: a confirmation starts the count anew.
func TestRetriesAreConsecutive(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		r := peer(t, "recv --pattern %d --port 0 --drop-reply 1,3,5,7", p)
		s := launch(t, "videotestsrc num-buffers=6 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false request-timeout=0.5 max-retries=2",
			testPicture, r.port(), p)
		s.Exits(0)
		r.Exits(0)
		if got, want := sequence(t, r), []int{0, 1, 2, 3, 4, 5}; !slices.Equal(got, want) {
			t.Errorf("frames %v, want %v", got, want)
		}
	})
}

func TestSubscriberTimeout(t *testing.T) {
	t.Parallel()
	end, dir := receive(t)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=pub-sub max-lag=0 subscriber-timeout=10 ! %s", end) // in which Python starts
	s := peer(t, "%s --no-terminate --port %d", sending(pubSub, formats[0]), r.BoundPort())
	s.Exits(0)
	r.Exits(0)
	r.Says(`^Got EOS`)
	if n := len(frameFiles(t, dir)); n != 6 {
		t.Errorf("%d frames, want 6", n)
	}
}

func TestStayForNextSender(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v max-lag=0 eos-on-terminate=false ! %s", p, end)
		for n := range 2 {
			s := peer(t, "%s --port %d", sending(p, formats[0]), r.BoundPort())
			s.Exits(0)
			within(t, "all frames of a sender", func() bool { return len(frameFiles(t, dir)) == 6*(n+1) })
		}
		r.Kill(syscall.SIGINT)
		r.Exits(0)
		if r.Warnings() != 0 {
			t.Errorf("%d warnings, want none", r.Warnings())
		}
	})
}
