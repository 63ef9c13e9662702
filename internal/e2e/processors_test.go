package e2e

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A plugin with little to do has one processor for Go, and takes the others when work
// comes. A user who has chosen is obeyed.
func TestProcessors(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("there is only one")
	}
	const src = "netgearsrc address=127.0.0.1 port=%d ! fakesink sync=false"
	r := launch(t, src, 0)
	chosen := pipeline{start(t, "gst-launch", append([]string{"env", "GOMAXPROCS=2", "gst-launch-1.0"}, strings.Fields(fmt.Sprintf(src, 0))...)...)}
	port := r.BoundPort()
	chosen.BoundPort()
	r.Says(`processors=1$`)
	launch(t, "videotestsrc pattern=black ! video/x-raw,format=BGR,width=1920,height=1080 ! netgearsink sync=false address=127.0.0.1 port=%d", port)
	r.Says(fmt.Sprintf(`processors=%d$`, runtime.NumCPU()))
	chosen.Mu.Lock()
	defer chosen.Mu.Unlock()
	if i := slices.IndexFunc(chosen.Lines, func(l string) bool { return strings.Contains(l, "processors=") }); i >= 0 {
		t.Errorf("it changes what the user has chosen: %s", chosen.Lines[i])
	}
}

// In a process with little to do another thread renders in the place of the one that
// brings the frames, from one frame to the next.
func TestStandIn(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("there is only one processor")
	}
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! fakesink sync=false")
	s := pipeline{start(t, "gst-launch", append([]string{"env", "GST_DEBUG=netgear:5,netgearsink:7", "gst-launch-1.0", "-e"}, strings.Fields(
		"videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=30/1 ! jpegenc ! netgearsink address=127.0.0.1 port="+fmt.Sprint(r.BoundPort()))...)...)}
	line := regexp.MustCompile(`(0x[0-9a-f]+) TRACE .*:render:.* frame seq=(\d+) `)
	// rendered returns the threads that have rendered, each once, and checks the frames.
	rendered := func() (threads []string) {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		n := 0
		for _, l := range s.Lines {
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			if m[2] != fmt.Sprint(n) {
				t.Fatalf("frame %s, want %d", m[2], n)
			}
			if n++; !slices.Contains(threads, m[1]) {
				threads = append(threads, m[1])
			}
		}
		return threads
	}
	within(t, "another thread that renders", func() bool { return len(rendered()) > 1 })
	s.Kill(syscall.SIGINT)
	s.Exits(0)
	r.Exits(0)
}
