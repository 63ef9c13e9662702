package e2e

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Each port's frames come out of a pad of their own, with their own events,
// whatever the other ports, what is linked and the application do meanwhile.
func TestDemux(t *testing.T) {
	cmd := exec.Command(compileC(t, "demux"))
	cmd.Env = gstEnv(t, "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7,leaks:7")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, tail(log.String()))
	}
	if n := strings.Count(string(out), "ok "); n != 24 {
		t.Errorf("%d cases, want 24:\n%s", n, out)
	}
	leaks(t, log.String())
}
