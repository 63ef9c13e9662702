package e2e

import (
	"testing"
)

// Each port's frames come out of a pad of their own, with their own events,
// whatever the other ports, what is linked and the application do meanwhile.
func TestDemux(t *testing.T) {
	wantCases(t, 24, leakless(t, compileC(t, "demux")))
}
