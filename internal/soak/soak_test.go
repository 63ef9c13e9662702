package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The test is the process that strangers come from, too.
func TestMain(m *testing.M) {
	if os.Getenv(isStranger) == "" {
		os.Exit(m.Run())
	}
	if err := haunt(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A short form of make soak: every stream comes back after whatever happens to
// it within a few seconds, strangers
// beside it or not, and the last fault is over when the run ends.
func TestShortSoak(t *testing.T) {
	s := &soak{kinds: faultKinds, pace: 0.3, haunted: true, report: report{Seed: 1}}
	if err := s.run(t.Context(), 8*time.Second, filepath.Join(t.TempDir(), "soak.json")); err != nil {
		t.Error(err)
	}
}
