package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The wall shows pictures of one moment side by side, although each frame has another
// delay.
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

// The example programs find the frames of one moment, although each frame has another
// delay.
func TestProgramsInStep(t *testing.T) {
	const folder = "../../examples/programs/"
	for name, build := range map[string]func(program string) []string{
		"Python": nil,
		"C": func(program string) []string {
			flags := strings.Fields(pkgConfig(t, "gstreamer-app-1.0"))
			return append([]string{"gcc", "-Wall", "-Werror", "-o", program, folder + "cameras-in-step.c"}, flags...)
		},
		"Go": func(program string) []string { return []string{"go", "build", "-o", program, folder + "go-in-step"} },
	} {
		t.Run(name, func(t *testing.T) {
			ports := []string{freePortText(t), freePortText(t), freePortText(t)}
			program := []string{interpreter(), folder + "cameras-in-step.py"}
			if build != nil {
				program = []string{filepath.Join(t.TempDir(), "in-step")}
				argv := build(program[0])
				if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			p := start(t, name, append(program, ports...)...)
			python(t, "shades send", "testdata/shades.py", "send", strings.Join(ports, ","), "6", "pattern=pair").Exits(0)
			p.Exits(0)
			said := p.Says(`^(\d+) sets, spread (\d+\.\d) ms (?:on average|in the middle), (\d+\.\d) ms at the most$`)
			sets, err := strconv.Atoi(said[0])
			if err != nil {
				t.Fatal(err)
			}
			spread, err := strconv.ParseFloat(said[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s sets, spread %s ms, at the most %s ms", said[0], said[1], said[2])
			if sets < 60 || spread > 2 {
				t.Errorf("want more than 60 sets of 2 ms")
			}
		})
	}
}

func pkgConfig(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pkg-config", "--cflags", "--libs", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// In every mode the timestamps agree with the time code in the picture, within one frame.
// Where they do not, the probe fails.
func TestStampsAgreeWithThePicture(t *testing.T) {
	const probe = "../../examples/programs/latency-probe.py"
	for _, c := range []struct {
		name string
		args []string
	}{
		{"JPEG by receive time", []string{"--mode", "receive-time"}},
		{"JPEG by sender time, req-rep", []string{"--mode", "sender", "--pattern", "req-rep"}},
		{"JPEG by capture time", []string{"--mode", "capture"}},
		{"raw, pub-sub, by capture time", []string{"--mode", "capture", "--pattern", "pub-sub", "--encode", "identity"}},
		{"H.264 as a sink shows it", []string{
			"--mode", "capture", "--latency", "100", "--encode", "x264enc tune=zerolatency key-int-max=30 ! h264parse", "--decode", "avdec_h264",
		}},
		{"H.264 with B-frames", []string{
			"--mode", "capture", "--encode", "x264enc bframes=2 rc-lookahead=0 sync-lookahead=0 ! h264parse", "--decode", "avdec_h264",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := python(t, c.name, append([]string{probe, "--frames", "60"}, c.args...)...)
			p.Exits(0)
			p.Says(`^glass to glass: \d+\.\d ms in the middle`)
			p.Says(`^the time of capture beside a picture and the code in it: \d+\.\d ms apart at the most, within one frame$`)
		})
	}
}
