package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The benchmark itself works: every contender carries frames, and the picture
// is drawn. What comes out of so short a run says nothing.
func TestBench(t *testing.T) {
	t.Chdir("../..")
	build, err := filepath.Abs("build")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(filepath.Join(build, "libgstnetgear.so"), filepath.Join(folder, "libgstnetgear.so")); err != nil {
		t.Fatal(err)
	}
	b := bench{build: folder, reps: 1, seconds: 0.1, only: "300 kB JPEG, pair"}
	if err := b.run(t.Context(), "speed"); err != nil {
		t.Fatal(err)
	}
	if len(b.rows) != 7 {
		t.Errorf("%d contenders, want 7", len(b.rows))
	}
	for _, r := range b.rows {
		if r.FPS <= 0 || r.CPU <= 0 || r.PeakSend <= 0 || r.PeakRecv <= 0 || r.Ratio <= 0 {
			t.Errorf("%+v", r)
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "bench-speed.svg")); err != nil || info.Size() < 1000 {
		t.Errorf("no picture: %v", err)
	}
}
