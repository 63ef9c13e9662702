package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// examplesEnd is one script of a pair. In its arguments PORT, DIR and CLIP stand
// for a free port, a folder of the test's own and a video file.
type examplesEnd struct {
	script string
	args   []string
	frames int // the variable FRAMES; 0 is not set
	// printed is a line that it must print, but for the pipeline.
	printed string
	// output is the file that it writes: count frames, each 640x480, and spots is
	// how the last of them looks.
	output string
	count  examplesRange
	spots  []examplesSpot
	// binds says that the next script is started when this one has bound its port: a
	// live stream does not wait for a receiver before there was one.
	binds bool
}

// examplesSpot is the colour of a place.
type examplesSpot struct {
	at   [2]int // x, y
	want [3]int // blue, green, red
}

// examplesRange is how many frames a file may hold.
type examplesRange struct{ least, most int }

// Spots of 640x480. The sixth of videotestsrc's seven bars is red, its ball moves
// over black; opencv_sender.py and its like draw on red.
var (
	examplesRed    = [3]int{0, 0, 255}
	examplesBar    = []examplesSpot{{[2]int{500, 100}, examplesRed}}
	examplesCorner = []examplesSpot{{[2]int{10, 10}, examplesRed}}
	examplesBlack  = []examplesSpot{{[2]int{2, 2}, [3]int{}}}
)

// examplesSend returns a sender of examplesFrames frames.
func examplesSend(script string, args ...string) examplesEnd {
	return examplesEnd{script: script, args: args, frames: examplesFrames}
}

// examplesReceive returns a receiver that ends when the sender does and writes
// the red bar to output.
func examplesReceive(output string, least, most int, script string, args ...string) examplesEnd {
	return examplesEnd{
		script: script, args: args, output: output, count: examplesRange{least, most}, spots: examplesBar, binds: true,
	}
}

// zeromqPublished is a sender that binds, and a receiver that has enough before the
// end.
func zeromqPublished(wire string) []examplesEnd {
	e := examplesReceive("DIR/out.mkv", 10, 10, "zeromq-camera.sh", "receive", wire, "127.0.0.1", "PORT", "DIR/out.mkv")
	e.frames, e.binds = 10, false
	s := examplesSend("zeromq-camera.sh", "send", wire, "127.0.0.1", "PORT")
	s.frames = 3 * examplesFrames
	return []examplesEnd{e, s}
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
			e.spots = examplesCorner
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
		func() examplesEnd {
			e := examplesReceive("DIR/a.mkv", examplesFrames, 3*examplesFrames, "pub-sub.sh", "receive", "127.0.0.1", "PORT", "DIR/a.mkv")
			e.binds = false
			return e
		}(),
		func() examplesEnd {
			e := examplesReceive("DIR/b.mkv", 10, 10, "pub-sub.sh", "receive", "127.0.0.1", "PORT", "DIR/b.mkv")
			e.frames, e.binds = 10, false
			return e
		}(),
		func() examplesEnd {
			e := examplesSend("pub-sub.sh", "send", "127.0.0.1", "PORT")
			e.frames = 3 * examplesFrames
			return e
		}(),
	}},
	{"record and relay", []examplesEnd{
		examplesReceive("DIR/out.mkv", 1, examplesFrames, "receiver.sh", "127.0.0.1", "PORT2", "DIR/out.mkv"),
		examplesReceive("DIR/recorded.mkv", examplesFrames, examplesFrames, "record-and-relay.sh", "127.0.0.1", "PORT", "DIR/recorded.mkv", "127.0.0.1", "PORT2"),
		examplesSend("camera-jpeg-sender.sh", "127.0.0.1", "PORT"),
	}},
	{"HLS", []examplesEnd{
		examplesReceive("DIR/stream.m3u8", examplesFrames, examplesFrames, "hls.sh", "127.0.0.1", "PORT", "DIR"),
		examplesSend("raw-bgr-to-opencv.sh", "127.0.0.1", "PORT"),
	}},
	{"imagezmq", []examplesEnd{
		func() examplesEnd {
			// There is no end on that wire.
			e := examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "zeromq-camera.sh", "receive", "imagezmq", "127.0.0.1", "PORT", "DIR/out.mkv")
			e.frames = examplesFrames
			return e
		}(),
		examplesSend("zeromq-camera.sh", "send", "imagezmq", "127.0.0.1", "PORT"),
	}},
	{"lerobot", zeromqPublished("lerobot")},
	{"jpeg", zeromqPublished("jpeg")},
	{"array", zeromqPublished("array")},
	{"uri", []examplesEnd{
		examplesReceive("DIR/out.mkv", examplesFrames, examplesFrames, "uri.sh", "receive", "127.0.0.1", "PORT", "DIR/out.mkv"),
		examplesSend("uri.sh", "send", "127.0.0.1", "PORT"),
	}},
	{"video call", []examplesEnd{
		examplesReceive("DIR/b.mkv", examplesFrames, examplesFrames, "video-call.sh", "B", "127.0.0.1", "PORT", "DIR/b.mkv"),
		func() examplesEnd {
			// The first answers come before B has a picture.
			e := examplesReceive("DIR/a.mkv", 1, examplesFrames, "video-call.sh", "A", "127.0.0.1", "PORT", "DIR/a.mkv")
			e.spots, e.frames = examplesBlack, examplesFrames
			return e
		}(),
	}},
	{"video call, a file from A", []examplesEnd{
		examplesReceive("DIR/b.png", 1, 1, "video-call.sh", "B", "127.0.0.1", "PORT", "DIR/b.png"),
		func() examplesEnd {
			e := examplesReceive("DIR/a.mkv", 1, examplesFrames, "video-call.sh", "A", "127.0.0.1", "PORT", "DIR/a.mkv", "CLIP")
			e.spots = examplesBlack
			return e
		}(),
	}},
	{"video call, a file from B", []examplesEnd{
		examplesReceive("DIR/b.mkv", 2*examplesFrames, 2*examplesFrames, "video-call.sh", "B", "127.0.0.1", "PORT", "DIR/b.mkv", "CLIP"),
		func() examplesEnd {
			e := examplesReceive("DIR/a.mkv", 1, 2*examplesFrames, "video-call.sh", "A", "127.0.0.1", "PORT", "DIR/a.mkv")
			e.frames = 2 * examplesFrames
			return e
		}(),
	}},
	{"telemetry", []examplesEnd{
		func() examplesEnd {
			e := examplesReceive("DIR/out.png", 1, 1, "telemetry-overlay.py", "127.0.0.1", "PORT", "DIR/out.png")
			e.printed = `last telemetry: {"frame": 20, "altitude": 123.8, "battery": 98}`
			e.spots = []examplesSpot{
				{[2]int{10, 10}, examplesRed},
				{[2]int{22, 22}, [3]int{0, 0, 178}}, // the shade that the text lies on
			}
			return e
		}(),
		examplesSend("opencv_telemetry.py", "127.0.0.1", "PORT"),
	}},
	{"detector", []examplesEnd{
		{script: "opencv_detector.py", args: []string{"127.0.0.1", "PORT"}, printed: fmt.Sprintf("received %[1]d frames, found %[1]d spots", examplesFrames), binds: true},
		func() examplesEnd {
			e := examplesSend("detector-camera.py", "127.0.0.1", "PORT")
			e.printed = "the detector found something"
			return e
		}(),
	}},
}

// TestExamplesRun runs the scripts in pairs, as their users do.
func TestExamplesRun(t *testing.T) {
	clip := examplesClip(t)
	for _, c := range examplesCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fill := strings.NewReplacer("PORT2", freePortText(t), "PORT", freePortText(t), "DIR", dir, "CLIP", clip).Replace
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
				if e.binds && i+1 < len(c.ends) {
					within(t, e.script+" to bind", func() bool { return slices.ContainsFunc(cmd.Args, bound) })
				}
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

// bound reports whether a port of this machine, or a path of ipc, is bound. Other
// words are not. The process may have threads in other network namespaces, its first
// one among them.
func bound(word string) bool {
	if port, err := strconv.ParseUint(word, 10, 16); err == nil {
		for _, name := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
			table, err := os.ReadFile(name)
			if err == nil && regexp.MustCompile(fmt.Sprintf(`(?m)^ *\d+: [0-9A-F]+:%04X [0-9A-F]+:0000 0A `, port)).Match(table) {
				return true
			}
		}
		return false
	}
	if !strings.HasPrefix(word, "/") {
		return false
	}
	sockets, err := filepath.Glob(word + ":*")
	return err == nil && len(sockets) > 0
}

// TestExamplePrograms runs the two programs against each other, the one in C
// built as its comment says.
func TestExamplePrograms(t *testing.T) {
	const folder, frames = "../../examples/programs", 25
	ctx, cancel := context.WithTimeout(t.Context(), examplesDeadline)
	defer cancel()
	program := filepath.Join(t.TempDir(), "signals")
	build := exec.CommandContext(ctx, "sh", "-c", "gcc -Wall -Werror -o "+program+" signals.c $(pkg-config --cflags --libs gstreamer-1.0)")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	port := freePortText(t)
	receiver := exec.CommandContext(ctx, interpreter(), filepath.Join(folder, "signals.py"), "127.0.0.1", port)
	sender := exec.CommandContext(ctx, program, "127.0.0.1", port)
	var received, sent bytes.Buffer
	receiver.Env, sender.Env = gstEnv(t), gstEnv(t, fmt.Sprint("FRAMES=", frames))
	receiver.Stdout, receiver.Stderr, sender.Stdout, sender.Stderr = &received, &received, &sent, &sent
	for _, c := range []*exec.Cmd{receiver, sender} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		within(t, "the receiver to bind", func() bool { return bound(port) })
	}
	for _, c := range []*exec.Cmd{receiver, sender} {
		if err := c.Wait(); err != nil {
			t.Errorf("%s: %v", c.Args, err)
		}
	}

	for _, c := range []struct {
		what string
		out  *bytes.Buffer
		want []string
	}{
		{"signals.py", &received, []string{
			"peer added: tcp://127.0.0.1:", "first message, from port " + port + `: {"camera": 1}`,
			"frame 20 from port " + port + " with {'camera': 1}", "peer removed: ", fmt.Sprintf("received %d frames\n", frames),
		}},
		{"signals.c", &sent, []string{
			"peer added: tcp://127.0.0.1:" + port, "returned: null\n", `returned: {"seen": `,
			"returned a frame: image/jpeg 640x480\n", fmt.Sprintf("sent %d frames, ", frames), " 0 signals dropped\n",
		}},
	} {
		for _, w := range c.want {
			if !strings.Contains(c.out.String(), w) {
				t.Errorf("%s does not print %q; it prints\n%s", c.what, w, c.out)
			}
		}
	}
}

// TestExamplesHaveRows fails when a script of the folder is not run, not told
// of in its README, or cannot be executed.
// examplesOfWall have tests of their own (TestCameraWall, TestSynchronisedWall).
var examplesOfWall = []string{"camera-wall.sh", "camera-wall-sender.sh", "opencv_server.py", "synchronised-wall.sh"}

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
		runs := slices.Contains(examplesOfWall, name)
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
		"zeromq-camera.sh send imagezmq",
		"zeromq-camera.sh receive imagezmq * 5555 window",
		"zeromq-camera.sh send lerobot",
		"zeromq-camera.sh receive lerobot localhost 5555 window",
		"camera-wall-sender.sh 5566",
		"camera-wall-sender.sh 5566 localhost /dev/video0",
		"camera-wall.sh 5566,5567 window",
		"synchronised-wall.sh 5566,5567 window",
		"video-call.sh A localhost 5555 window",
		"video-call.sh B * 5555 window",
		"hls.sh",
		"record-and-relay.sh",
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
		cmd = exec.CommandContext(ctx, interpreter(), path)
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
capture, frames = cv2.VideoCapture(sys.argv[1]), []
while True:
    ok, frame = capture.read()
    if not ok: break
    frames.append(frame)
print(len(frames), *frames[0].shape[1::-1] if frames else (0, 0))
if frames:
    for x, y in zip(sys.argv[2::2], sys.argv[3::2]): print(*frames[-1][int(y), int(x)])`
	args := []string{"-c", program, path}
	for _, s := range e.spots {
		args = append(args, strconv.Itoa(s.at[0]), strconv.Itoa(s.at[1]))
	}
	out, err := exec.CommandContext(t.Context(), interpreter(), args...).Output()
	var count, w, h int
	in := bytes.NewReader(out)
	if err == nil {
		_, err = fmt.Fscan(in, &count, &w, &h)
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
	for _, s := range e.spots {
		var got [3]int
		if _, err := fmt.Fscan(in, &got[0], &got[1], &got[2]); err != nil {
			t.Errorf("%s has no spot at %v: %v", path, s.at, err)
			return
		}
		for i := range got {
			const tolerance = 8 // of JPEG; limited range taken for full is off by 14 and more
			if d := got[i] - s.want[i]; d < -tolerance || d > tolerance {
				t.Errorf("%s is %v (blue, green, red) at %v, want %v", path, got, s.at, s.want)
				break
			}
		}
	}
}
