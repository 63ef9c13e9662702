package main

import (
	"path/filepath"
	"testing"
	"time"
)

// A short form of make soak: every stream comes back after whatever happens to
// it within a few seconds, and the last fault is over when the run ends.
func TestShortSoak(t *testing.T) {
	s := &soak{kinds: faultKinds, pace: 0.3, report: report{Seed: 1}}
	if err := s.run(t.Context(), 8*time.Second, filepath.Join(t.TempDir(), "soak.json")); err != nil {
		t.Error(err)
	}
}
