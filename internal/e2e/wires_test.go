package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// testdata/wires.py says what each case is.
func TestWires(t *testing.T) {
	peers := []string{"imagezmq-jpg-rep", "imagezmq-jpg-sub", "imagezmq-image-rep", "imagezmq-image-sub", "jpeg", "lerobot", "array"}
	cases := [][]string{{"names"}, {"cameras"}, {"lekiwi"}, {"restart"}, {"refused"}, {"source", "jpeg-topic"}}
	for _, p := range peers {
		cases = append(cases, []string{"source", p}, []string{"sink", p})
	}
	for _, c := range cases {
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			t.Parallel()
			speakWire(t, c...)
		})
	}
}

// Programs that set the keys of CURVE on their sockets themselves speak with an end in
// a secure mode; without keys, or with keys and an end without, none does.
func TestWiresEncrypted(t *testing.T) {
	cases := [][]string{{"strangers"}}
	for _, p := range []string{"imagezmq-jpg-rep", "imagezmq-image-sub", "jpeg", "lerobot", "array"} {
		cases = append(cases, []string{"source", p}, []string{"sink", p})
	}
	for _, c := range cases {
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			t.Parallel()
			speakWire(t, append(c, filepath.Join(t.TempDir(), "keys"))...)
		})
	}
}

func speakWire(t *testing.T, args ...string) {
	t.Helper()
	python(t, "wires "+args[0], append([]string{"testdata/wires.py"}, args...)...).Exits(0)
}
