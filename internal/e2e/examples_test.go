package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// examplesDir is where the scripts are, relative to this package.
const examplesDir = "../../examples/pipelines"

// examplesFrames is how many frames a sender sends, and examplesDeadline how
// long a pair of scripts may take at the most.
const (
	examplesFrames   = 20
	examplesDeadline = time.Minute
)

// examplesEnd is one script of a pair. In its arguments PORT, DIR and CLIP
// stand for a free port, a folder of the test's own and a video file.
type examplesEnd struct {
	script string
	args   []string
	frames int // the variable FRAMES; 0 is not set
	// printed is a line that it must print, but for the pipeline.
	printed string
	// output is the file that it writes: frames of them, each 640x480 but for
	// the clip's, with the colour want (B, G, R) at the place at.
	output string
	count  examplesRange
	at     [2]int // x, y
	want   [3]int
}

// examplesRange is how many frames a file may hold.
type examplesRange struct{ least, most int }

// Colours of videotestsrc at 640x480: the sixth of seven bars is red. opencv_sender.py
// draws on red.
var (
	examplesRedBar = [2]int{500, 100}
	examplesCorner = [2]int{10, 10}
	examplesRed    = [3]int{0, 0, 255}
)

// examplesSend returns a sender of examplesFrames frames.
func examplesSend(script string, args ...string) examplesEnd {
	return examplesEnd{script: script, args: args, frames: examplesFrames}
}

// examplesReceive returns a receiver that ends when the sender does and writes
// the red bar to output.
func examplesReceive(output string, least, most int, script string, args ...string) examplesEnd {
	return examplesEnd{
		script: script, args: args, output: output, count: examplesRange{least, most},
		at: examplesRedBar, want: examplesRed,
	}
}

var examplesCases = []struct {
	name string
	ends []examplesEnd // in the order in which they are started
}{
	{"camera to a file", []examplesEnd{
		examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "receiver.sh", "127.0.0.1", "PORT", "DIR/out.mkv"),
		examplesSend("camera-jpeg-sender.sh", "127.0.0.1", "PORT"),
	}},
	{"camera to a picture, sender first", []examplesEnd{
		examplesSend("camera-jpeg-sender.sh", "127.0.0.1", "PORT"),
		examplesReceive("DIR/out.png", 1, 1, "receiver.sh", "127.0.0.1", "PORT", "DIR/out.png"),
	}},
	{"raw to OpenCV", []examplesEnd{
		func() examplesEnd {
			e := examplesReceive("DIR/out.png", 1, 1, "opencv_receiver.py", "127.0.0.1", "PORT", "DIR/out.png")
			e.printed = fmt.Sprintf("received %d frames", examplesFrames)
			return e
		}(),
		examplesSend("raw-bgr-to-opencv.sh", "127.0.0.1", "PORT"),
	}},
	{"camera to OpenCV", []examplesEnd{
		func() examplesEnd {
			e := examplesReceive("DIR/out.png", 1, 1, "opencv_receiver.py", "127.0.0.1", "PORT", "DIR/out.png")
			e.printed = fmt.Sprintf("received %d frames", examplesFrames)
			return e
		}(),
		examplesSend("camera-jpeg-sender.sh", "127.0.0.1", "PORT"),
	}},
	{"raw from OpenCV", []examplesEnd{
		func() examplesEnd {
			e := examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "raw-bgr-from-opencv.sh", "127.0.0.1", "PORT", "DIR/out.mkv")
			e.at = examplesCorner
			return e
		}(),
		func() examplesEnd {
			e := examplesSend("opencv_sender.py", "127.0.0.1", "PORT")
			e.printed = fmt.Sprintf("sent %d frames", examplesFrames)
			return e
		}(),
	}},
	{"file to network", []examplesEnd{
		examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "receiver.sh", "127.0.0.1", "PORT", "DIR/out.mkv"),
		{script: "file-to-network.sh", args: []string{"CLIP", "127.0.0.1", "PORT"}},
	}},
	{"part of a file to network", []examplesEnd{
		// identity lets one more or one less through where a queue is before it.
		examplesReceive("DIR/out.mkv", examplesFrames/2-1, examplesFrames/2+1, "receiver.sh", "127.0.0.1", "PORT", "DIR/out.mkv"),
		{script: "file-to-network.sh", args: []string{"CLIP", "127.0.0.1", "PORT"}, frames: examplesFrames / 2},
	}},
	{"ipc", []examplesEnd{
		examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "ipc.sh", "receive", "DIR/socket", "PORT", "DIR/out.mkv"),
		examplesSend("ipc.sh", "send", "DIR/socket", "PORT"),
	}},
	{"publish to two", []examplesEnd{
		// The first frames are gone before the viewers have connected, and one
		// of the two has enough before the end.
		examplesReceive("DIR/a.mkv", examplesFrames, 3*examplesFrames, "pub-sub.sh", "receive", "127.0.0.1", "PORT", "DIR/a.mkv"),
		func() examplesEnd {
			e := examplesReceive("DIR/b.mkv", 10, 10, "pub-sub.sh", "receive", "127.0.0.1", "PORT", "DIR/b.mkv")
			e.frames = 10
			return e
		}(),
		func() examplesEnd {
			e := examplesSend("pub-sub.sh", "send", "127.0.0.1", "PORT")
			e.frames = 3 * examplesFrames
			return e
		}(),
	}},
	{"uri", []examplesEnd{
		examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "uri.sh", "receive", "127.0.0.1", "PORT", "DIR/out.mkv"),
		examplesSend("uri.sh", "send", "127.0.0.1", "PORT"),
	}},
}

// TestExamplesRun runs the scripts in pairs, as their users do.
func TestExamplesRun(t *testing.T) {
	clip := examplesClip(t)
	for _, c := range examplesCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fill := strings.NewReplacer("PORT", examplesPort(t), "DIR", dir, "CLIP", clip).Replace
			ctx, cancel := context.WithTimeout(t.Context(), examplesDeadline)
			defer cancel()

			outs, errs := make([]bytes.Buffer, len(c.ends)), make([]error, len(c.ends))
			cmds := make([]*exec.Cmd, len(c.ends))
			for i, e := range c.ends {
				cmd := examplesCommand(ctx, e.script, dir)
				for _, a := range e.args {
					cmd.Args = append(cmd.Args, fill(a))
				}
				if e.frames > 0 {
					cmd.Env = append(cmd.Env, "FRAMES="+strconv.Itoa(e.frames))
				}
				cmd.Stdout, cmd.Stderr = &outs[i], &outs[i]
				if errs[i] = cmd.Start(); errs[i] != nil {
					t.Fatal(errs[i])
				}
				cmds[i] = cmd
			}
			for i, cmd := range cmds {
				errs[i] = cmd.Wait()
			}

			for i, e := range c.ends {
				out := outs[i].String()
				if errs[i] != nil {
					t.Errorf("%s: %v, want exit status 0", e.script, errs[i])
				}
				if strings.HasSuffix(e.script, ".sh") && !strings.HasPrefix(out, "gst-launch-1.0 ") {
					t.Errorf("%s does not print its pipeline first", e.script)
				}
				if e.printed != "" && !slices.Contains(strings.Split(out, "\n"), e.printed) {
					t.Errorf("%s does not print %q", e.script, e.printed)
				}
				if e.output != "" {
					examplesLook(t, fill(e.output), e)
				}
				if t.Failed() {
					t.Logf("output of %s:\n%s", e.script, out)
				}
			}
		})
	}
}

// TestExamplesHaveRows fails when a script of the folder is not run, not told
// of in its README, or cannot be executed.
func TestExamplesHaveRows(t *testing.T) {
	const library = "common.sh" // sourced by the others
	files, err := filepath.Glob(filepath.Join(examplesDir, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no examples found", err)
	}
	readme, err := os.ReadFile(filepath.Join(examplesDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		if ext := filepath.Ext(name); name == library || ext != ".sh" && ext != ".py" {
			continue
		}
		runs := false
		for _, c := range examplesCases {
			for _, e := range c.ends {
				runs = runs || e.script == name
			}
		}
		if !runs {
			t.Errorf("%s is in no row of examplesCases", name)
		}
		if !bytes.Contains(readme, []byte("`"+name)) {
			t.Errorf("%s is not in the table of README.md", name)
		}
		if info, err := os.Stat(f); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed", name)
		}
	}
}

// TestExamplesPrintWhatTheyRun compares the pipelines in the comments of the
// scripts with those that the scripts run.
func TestExamplesPrintWhatTheyRun(t *testing.T) {
	for _, c := range []string{
		"camera-jpeg-sender.sh",
		"camera-jpeg-sender.sh localhost 5555 /dev/video0",
		"receiver.sh * 5555 window",
		"receiver.sh",
		"receiver.sh * 5555 received.png",
		"raw-bgr-to-opencv.sh",
		"raw-bgr-from-opencv.sh * 5555 window",
		"raw-bgr-from-opencv.sh",
		"file-to-network.sh video.mp4",
		"ipc.sh send",
		"ipc.sh receive",
		"pub-sub.sh send",
		"pub-sub.sh receive localhost 5555 window",
		"uri.sh send",
		"uri.sh receive",
	} {
		t.Run(c, func(t *testing.T) {
			words := strings.Fields(c)
			cmd := examplesCommand(t.Context(), words[0], t.TempDir())
			cmd.Args = append(cmd.Args, words[1:]...)
			cmd.Env = append(cmd.Env, "DRY_RUN=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			script, err := os.ReadFile(filepath.Join(examplesDir, words[0]))
			if err != nil {
				t.Fatal(err)
			}
			if want := "#   " + string(out); !bytes.Contains(script, []byte(want)) {
				t.Errorf("the comment at the top has no line %s", want)
			}
		})
	}
}

// examplesCommand returns a command that runs a script in dir, without a
// display.
func examplesCommand(ctx context.Context, script, dir string) *exec.Cmd {
	path, err := filepath.Abs(filepath.Join(examplesDir, script))
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, path)
	if strings.HasSuffix(script, ".py") {
		cmd = exec.CommandContext(ctx, examplesPython(), path)
	}
	cmd.Dir = dir
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "DISPLAY", "WAYLAND_DISPLAY", "FRAMES", "DRY_RUN":
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

func examplesPython() string {
	if p := os.Getenv("PYTHON"); p != "" {
		return p
	}
	return "/usr/bin/python3"
}

// examplesPort returns a port that is free at this moment: the two ends must
// know it before either has begun.
func examplesPort(t *testing.T) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// examplesClip makes a video file of examplesFrames frames, as most files are:
// YUV of limited range.
func examplesClip(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "a clip.avi")
	cmd := exec.CommandContext(t.Context(), "gst-launch-1.0", "-q", "videotestsrc", "num-buffers="+strconv.Itoa(examplesFrames), "!",
		"video/x-raw,format=I420,width=640,height=480", "!", "avimux", "!", "filesink", "location="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making a clip: %v\n%s", err, out)
	}
	return path
}

// examplesLook checks a file that a script wrote. OpenCV decodes it.
func examplesLook(t *testing.T, path string, e examplesEnd) {
	t.Helper()
	const program = `
import sys, cv2
capture, count, last = cv2.VideoCapture(sys.argv[1]), 0, None
while True:
    ok, frame = capture.read()
    if not ok: break
    count, last = count + 1, frame
print(count, *((last.shape[1], last.shape[0], *last[int(sys.argv[3]), int(sys.argv[2])]) if count else [0] * 5))`
	cmd := exec.CommandContext(t.Context(), examplesPython(), "-c", program, path, strconv.Itoa(e.at[0]), strconv.Itoa(e.at[1]))
	out, err := cmd.Output()
	var count, w, h int
	var got [3]int
	if err == nil {
		_, err = fmt.Sscan(string(out), &count, &w, &h, &got[0], &got[1], &got[2])
	}
	if err != nil {
		t.Errorf("%s: %v: %s", path, err, out)
		return
	}
	if count < e.count.least || count > e.count.most {
		t.Errorf("%s holds %d frames, want %d to %d", path, count, e.count.least, e.count.most)
	}
	if w != 640 || h != 480 {
		t.Errorf("%s is %dx%d, want 640x480", path, w, h)
	}
	for i := range got {
		const tolerance = 8 // of JPEG; limited range taken for full is off by 14 and more
		if d := got[i] - e.want[i]; d < -tolerance || d > tolerance {
			t.Errorf("%s is %v (blue, green, red) at %v, want %v", path, got, e.at, e.want)
			break
		}
	}
}
