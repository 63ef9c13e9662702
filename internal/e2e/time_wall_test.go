package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The wall shows pictures of one moment side by side, though each frame is held up for
// another while.
func TestSynchronisedWall(t *testing.T) {
	needsDecodebin3(t)
	file := filepath.Join(t.TempDir(), "wall.mkv")
	list := strings.Join([]string{freePortText(t), freePortText(t), freePortText(t)}, ",")
	wall := example(t, "synchronised-wall.sh", list, file)
	python(t, "shades send", "testdata/shades.py", "send", list, "10").Exits(0)
	wall.Kill(syscall.SIGINT)
	wall.Exits(0)
	s := python(t, "shades compare", "testdata/shades.py", "compare", file)
	s.Exits(0)
	var got struct{ N, Of int }
	if err := json.Unmarshal([]byte(s.Lines[len(s.Lines)-1]), &got); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d pictures of the wall show one moment", got.N, got.Of)
	if got.Of < 60 || got.N < got.Of*9/10 {
		t.Errorf("%d of %d pictures of the wall show one moment", got.N, got.Of)
	}
}
