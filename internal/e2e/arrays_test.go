package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

// What comes back and is an array but no picture, as detections are, reaches the
// program: every dtype and shape, with the bytes.
func TestReturnedArrays(t *testing.T) {
	for _, c := range [][2]string{{"pair", "bidirectional-mode"}, {"req-rep", "bidirectional-mode"}, {"req-rep", "multiclient-mode"}} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, interpreter(), filepath.Join("testdata", "arrays.py"), c[0], c[1])
			cmd.Env = gstEnv(t)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
