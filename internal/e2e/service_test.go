package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const serviceDir = "../../examples/service"

func serviceFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(serviceDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The unit is one that systemd takes, and not an open door.
func TestServiceUnitIsValid(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is missing")
	}
	if help, _ := exec.CommandContext(t.Context(), "systemd-analyze", "--help").Output(); !strings.Contains(string(help), "--offline") {
		t.Skip("systemd-analyze looks at no files, only at a running systemd")
	}
	unit := filepath.Join(serviceDir, "netgear-camera.service")
	for _, args := range [][]string{{"verify", unit}, {"security", "--offline=yes", "--threshold=25", unit}} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}

// The unit's command streams, waits for its receiver, and says goodbye when it
// is stopped as the unit says.
func TestServiceUnitStreams(t *testing.T) {
	t.Parallel()
	unit := serviceFile(t, "netgear-camera.service")
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/(.*)$`).FindStringSubmatch(unit)
	if start == nil || !strings.Contains(unit, "\nKillSignal=SIGINT\n") {
		t.Fatal("want ExecStart=/usr/bin/… and KillSignal=SIGINT in the unit")
	}
	port := freePort(t)
	command := strings.NewReplacer("$SOURCE", "videotestsrc is-live=true", "${RECEIVER}", "127.0.0.1", "${PORT}", fmt.Sprint(port), "/usr/bin/", "").Replace(start[1])
	sender := launchArgs(t, strings.Fields(strings.TrimPrefix(command, "gst-launch-1.0"))...)
	receiver := launch(t, "netgearsrc address=127.0.0.1 port=%d ! fakesink name=fakesink0 silent=false", port)
	receiver.Says(chain)
	sender.Kill(syscall.SIGINT)
	sender.Await("to end", func() bool { return sender.Ended })
	receiver.Exits(0) // the goodbye
}

// The image's own command, an ENTRYPOINT and a CMD in JSON, writes pictures; and
// it is built by a Go that go.mod asks for.
func TestServiceImage(t *testing.T) {
	t.Parallel()
	file := serviceFile(t, "Containerfile")
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if want == nil || !strings.Contains(file, fmt.Sprintf("FROM golang:%s-", want[1])) {
		t.Errorf("want FROM golang:%s- as in go.mod", want[1])
	}
	var command []string
	for _, name := range []string{"ENTRYPOINT", "CMD"} {
		var words []string
		m := regexp.MustCompile(`(?m)^` + name + ` (\[.*\])$`).FindStringSubmatch(file)
		if m == nil || json.Unmarshal([]byte(m[1]), &words) != nil {
			t.Fatalf("want %s as a list in JSON", name)
		}
		command = append(command, words...)
	}
	port, dir := freePort(t), t.TempDir()
	if i := slices.Index(command, "netgearsrc"); i >= 0 {
		command = slices.Insert(command, i+1, "address=127.0.0.1", fmt.Sprintf("port=%d", port))
	}
	for i, word := range command {
		command[i] = strings.Replace(word, "location=", "location="+dir+"/", 1)
	}
	p := launchArgs(t, command[1:]...)
	launch(t, "videotestsrc is-live=true num-buffers=15 ! jpegenc ! netgearsink wait-for-connection=true address=127.0.0.1 port=%d", port).Exits(0)
	within(t, "ten pictures, the newest", func() bool {
		_, err := os.Stat(filepath.Join(dir, "frame-14.jpg"))
		return err == nil
	})
	p.Kill(syscall.SIGINT) // STOPSIGNAL; it stays for the next sender until then
	p.Exits(0)
	if found, err := filepath.Glob(filepath.Join(dir, "frame-*.jpg")); err != nil || len(found) != 10 {
		t.Errorf("%d pictures (%v), want 10", len(found), err)
	}
}

// The camera runs while there are viewers, and only then.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	camera := python(t, "on-demand.py", "../../examples/programs/on-demand.py", fmt.Sprint(port))
	camera.Says(`^waiting for viewers`)
	for n := 1; n <= 2; n++ {
		viewer := launch(t, "netgearsrc pattern=pub-sub bind=false address=127.0.0.1 port=%d num-buffers=5 ! fakesink", port)
		viewer.Exits(0)
		camera.Await("to stop the camera again", func() bool { return strings.Count(strings.Join(camera.Lines, "\n"), "camera off") == n })
		if on := camera.Count(`^camera on$`); on != n {
			t.Fatalf("the camera went on %d times, want %d", on, n)
		}
	}
	viewer := launch(t, "netgearsrc pattern=pub-sub bind=false address=127.0.0.1 port=%d ! fakesink name=fakesink0 silent=false", port)
	viewer.Says(chain)
	camera.Kill(syscall.SIGTERM)
	camera.Exits(0)
	viewer.Exits(0) // the goodbye
}

// netgear-top.py hands out the numbers that it shows, over HTTP and in a file,
// and shows those of another one.
func TestTopForPrometheus(t *testing.T) {
	t.Parallel()
	const top, frames = "../../examples/programs/netgear-top.py", 40
	port, file := freePort(t), filepath.Join(t.TempDir(), "netgear.prom")
	receiver := python(t, "netgear-top.py", append([]string{top, "-i", "0.2", "--prometheus", "0"},
		strings.Fields(fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d eos-on-terminate=false ! fakesink", port))...)...)
	url := receiver.Says(`^(http://\S+)`)[0]
	sender := python(t, "netgear-top.py", append([]string{top, "-q", "-i", "0.2", "--prometheus", file},
		strings.Fields(fmt.Sprintf("videotestsrc is-live=true num-buffers=%d ! jpegenc ! netgearsink wait-for-connection=true address=127.0.0.1 port=%d", frames, port))...)...)
	receiver.Says(`^  peer +frames `)
	receiver.Says(`^  tcp://127\.0\.0\.1:\d+ .*\d`)
	sender.Exits(0)
	receiver.Says(fmt.Sprintf(`receives: .*\b%d frames, .* in all`, frames))

	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	served, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile(`^(# TYPE netgear_\w+ (counter|gauge)|netgear_\w+\{element="\w+",end="(sink|source)"[^}]*\} [0-9.e+-]+)$`)
	for text, want := range map[string][]string{
		string(served):  {fmt.Sprintf("netgear_frames_total{element=\"netgearsrc0\",end=\"source\"} %d\n", frames), "netgear_missing_frames_total{"},
		string(written): {fmt.Sprintf("netgear_frames_total{element=\"netgearsink0\",end=\"sink\"} %d\n", frames), "netgear_confirmation_seconds{"},
	} {
		for line := range strings.Lines(text) {
			if !sample.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%q is no line of Prometheus' text format", line)
			}
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
	}
	if strings.Contains(string(served), "confirm") || strings.Contains(string(written), "missing") {
		t.Errorf("a number that means nothing at its end in\n%s\n%s", served, written)
	}
	other := python(t, "netgear-top.py", top, "-i", "0.2", url)
	other.Says(fmt.Sprintf(`^netgearsrc0 receives: %d frames`, frames))
	receiver.Kill(syscall.SIGINT)
	receiver.Exits(0)
	other.Exits(0) // with the one that it looks into
}
