package e2e

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
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
