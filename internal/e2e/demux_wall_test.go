package e2e

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whatever one pad of netgeardemux waits for, the others, the end of the stream
// and changes of state do not wait; and cameras of a wall may begin in any order.
func TestDemuxHeldUp(t *testing.T) {
	t.Parallel()
	wantCases(t, 33, leakless(t, compileC(t, "wall")))
}

// example starts one of the example scripts.
func example(t *testing.T, script string, args ...string) *process {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(examplesDir, script))
	if err != nil {
		t.Fatal(err)
	}
	argv := append([]string{path}, args...)
	if strings.HasSuffix(script, ".py") {
		argv = append([]string{interpreter()}, argv...)
	}
	return start(t, script, argv...)
}

// tile is the place of the wall that a camera has, and a spot that is of one
// colour while it is there.
type tile struct {
	name string
	x, y int
	want [3]int // red, green, blue
}

// shows waits until the picture shows these tiles.
func shows(t *testing.T, picture string, p *process, tiles ...tile) {
	t.Helper()
	var last string
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		last = ""
		b, err := os.ReadFile(picture)
		if err == nil {
			last, err = wrong(b, tiles)
		}
		if err == nil && last == "" {
			return
		}
		if p.Ended {
			t.Fatal("the wall has ended")
		}
		if time.Now().After(end) {
			t.Fatalf("the picture is not as it should be: %s %v", last, err)
		}
	}
}

// wrong returns what is wrong with a picture. An error is one of a picture that
// is not written yet.
func wrong(b []byte, tiles []tile) (string, error) {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	for _, w := range tiles {
		r, g, b, _ := img.At(w.x, w.y).RGBA()
		got := [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
		for i := range got {
			const tolerance = 8 // of JPEG
			if d := got[i] - w.want[i]; d < -tolerance || d > tolerance {
				return fmt.Sprintf("%s is %v", w.name, got), nil
			}
		}
	}
	return "", nil
}

// The wall shows a picture as soon as one camera is there, the others come and
// go, with and without a goodbye, and one never comes.
func TestCameraWall(t *testing.T) {
	needsDecodebin3(t)
	t.Parallel()
	picture := filepath.Join(t.TempDir(), "wall.png")
	first, second, third, never := freePortText(t), freePortText(t), freePortText(t), freePortText(t)
	red, black := [3]int{255, 0, 0}, [3]int{}
	bars := tile{"the camera with the bars", 250, 50, red}
	dark := tile{"the place of the camera with the bars", 250, 50, black}
	python := tile{"the camera from Python", 330, 10, red} // above the disc
	white := tile{"the white camera", 10, 250, [3]int{255, 255, 255}}
	gone := tile{"the place of the white camera", 10, 250, black}

	w := example(t, "camera-wall.sh", strings.Join([]string{first, second, third, never}, ","), picture)
	p := example(t, "opencv_server.py", second, "127.0.0.1")
	shows(t, picture, w, dark, python, gone)
	time.Sleep(time.Second) // what one camera shows, while the others are not there, must not pile up anywhere
	c := example(t, "camera-wall-sender.sh", first, "127.0.0.1")
	shows(t, picture, w, bars, python, gone)
	d := example(t, "camera-wall-sender.sh", third, "127.0.0.1", "white")
	shows(t, picture, w, bars, python, white)
	c.Kill(syscall.SIGKILL)
	shows(t, picture, w, dark, python, white)
	c = example(t, "camera-wall-sender.sh", first, "127.0.0.1")
	d.Kill(syscall.SIGINT)
	d.Exits(0)
	shows(t, picture, w, bars, python, gone)
	example(t, "camera-wall-sender.sh", third, "127.0.0.1", "white")
	shows(t, picture, w, bars, python, white)
	p.Kill(syscall.SIGKILL)
	shows(t, picture, w, bars, white)
	c.Kill(syscall.SIGINT)
	c.Exits(0)
	w.Kill(syscall.SIGINT)
	w.Exits(0)
}
