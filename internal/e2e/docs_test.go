package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// docsStep is one command of a document, by its order.
type docsStep struct {
	says string // waited for before the next command is started
	// runs says that the command goes on until it gets SIGINT, which is sent
	// when those have ended that end by themselves. The exit code is 0.
	runs bool
	then string // said before its end
	// hungUp is said by a command that may fail after its stream has ended, because the
	// program at the other end hangs up first.
	hungUp string
}

// docsCases are the sections that have commands. The ends of a command that
// receives come before those of the one that sends, as in the document.
var docsCases = []struct {
	doc, section string
	steps        []docsStep
	picture      examplesEnd // output: a file of 640x480 that is there in the end
	files        map[string]string
}{
	{"media-servers.md", "RTSP", []docsStep{{says: `^rtsp://`, runs: true}, {runs: true}, {}}, docsPicture("rtsp.png"), nil},
	{"media-servers.md", "A browser", []docsStep{{says: `^http://`, runs: true}, {runs: true}, {}}, docsPicture("http.png"), nil},
	{"media-servers.md", "MJPEG without a program", []docsStep{{says: `^New clock`, runs: true}, {says: `^New clock`, runs: true}, {}}, docsPicture("tcp.png"), nil},
	{"media-servers.md", "HLS", []docsStep{{}, {}}, docsFile("stream.m3u8", 75), map[string]string{
		"stream.m3u8": `(?s)#EXTINF.*segment00000\.ts.*segment00002\.ts.*#EXT-X-ENDLIST`,
	}},
	{"media-servers.md", "Record and relay", []docsStep{{}, {}, {}}, docsFile("recorded.mkv", 20), map[string]string{"relayed.mkv": `matroska`}},
	{"media-servers.md", "Players", []docsStep{{}, {}}, docsPicture("played.png"), nil},

	{"ip-camera.md", "H.264 as the camera sends it", docsCamera, examplesEnd{}, nil},
	{"ip-camera.md", "JPEG cameras", docsCamera, examplesEnd{}, nil},
	{"ip-camera.md", "Decoded, for every NetGear program", docsCamera, examplesEnd{}, nil},

	{"observability.md", "A live table", []docsStep{
		{then: `^netgearsrc0 receives: .*\b60 frames, .* in all`},
		{then: `^netgearsink0 sends: .*\b60 frames, .* in all`},
	}, examplesEnd{}, nil},
	{"observability.md", "Logs", []docsStep{{}, {}}, examplesEnd{}, map[string]string{
		"netgear.log": `bound endpoint=`, "frames.log": `(?m)TRACE +netgearsink`,
	}},
	{"observability.md", "Latency", []docsStep{{}, {}}, examplesEnd{}, map[string]string{
		"latency.log": `(?s)latency, src-element=\(string\)netgearsrc0.*sink-element=\(string\)fakesink0|element-latency.*jpegdec0`,
	}},
	{"observability.md", "A picture of the pipeline", []docsStep{{}, {}}, examplesEnd{}, map[string]string{
		"*PAUSED_PLAYING.dot": `GstNetgearSrc`,
	}},

	{"programs.md", "Python", []docsStep{{then: `^frame 10: \(240, 320, 3\), mean \[.*\], message \{"frame": 9\}$`}, {then: `^sent 25 frames$`}}, examplesEnd{}, nil},
	{"programs.md", "C", []docsStep{{then: `^frame 20: 320x240, brightness \d+, message \{"frame": 19\}$`}, {then: `^sent 25 frames$`}}, examplesEnd{}, nil},
	{"programs.md", "Data both ways", []docsStep{{then: `^received 25 frames$`}, {then: `^returned a frame: image/jpeg`}}, examplesEnd{}, nil},
	{"programs.md", "Go", []docsStep{
		{then: `^received 25 frames$`},
		{then: `^sent 25 frames$`},
		{then: `^frame 20: JPEG of \d+ bytes, message 25$`},
		{},
	}, examplesEnd{}, nil},
}

// docsCamera is an RTSP camera, a receiver, and what stands between them.
var docsCamera = []docsStep{
	{says: `^rtsp://`, runs: true},
	{then: `^frame 10: \(480, 640, 3\)`},
	{then: `^Got EOS`, hungUp: `^Could not send message. \(Received end-of-file\)`},
}

func docsPicture(name string) examplesEnd { return docsFile(name, 1) }

func docsFile(name string, frames int) examplesEnd {
	return examplesEnd{output: name, count: examplesRange{frames, frames}, spots: examplesBar}
}

// docsCommands returns the commands of each section, those of a block together.
func docsCommands(t *testing.T, doc string) map[string][][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", doc))
	if err != nil {
		t.Fatal(err)
	}
	sections, section := map[string][][]string{}, ""
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case inside && line == "```":
			inside = false
		case inside:
			blocks := sections[section]
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], line)
		case line == "```sh":
			inside = true
			sections[section] = append(sections[section], nil)
		case strings.HasPrefix(line, "## "):
			section = line[3:]
		}
	}
	return sections
}

// latencyTracerHangs says whether the tracer is that of GStreamer 1.26.2, which
// waits for itself with the first buffer of any pipeline.
func latencyTracerHangs(t *testing.T) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "gst-launch-1.0", "fakesrc", "num-buffers=1", "!", "fakesink")
	cmd.Env = gstEnv(t, "GST_TRACERS=latency")
	return cmd.Run() != nil && ctx.Err() != nil
}

// TestDocsCommands runs the commands of the documents as they stand there, but
// for the ports.
func TestDocsCommands(t *testing.T) {
	documents := map[string]map[string][][]string{}
	for _, c := range docsCases {
		if documents[c.doc] == nil {
			documents[c.doc] = docsCommands(t, c.doc)
		}
	}
	tested := map[string]bool{}
	for _, c := range docsCases {
		tested[c.doc+c.section] = true
	}
	for doc, sections := range documents {
		for section := range sections {
			if !tested[doc+section] {
				t.Errorf("%s: the commands of %q are not tested", doc, section)
			}
		}
	}
	// What "go run" compiles would count as the time that a command takes.
	if out, err := exec.CommandContext(t.Context(), "go", "build", "../../examples/programs/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("together", func(t *testing.T) { // only so many processes at a time
		for _, c := range docsCases {
			t.Run(c.doc+"/"+c.section, func(t *testing.T) {
				t.Parallel()
				if c.section == "Latency" && latencyTracerHangs(t) {
					t.Skip("GStreamer's latency tracer hangs a pipeline of its own elements")
				}
				dir := t.TempDir()
				examples, err := filepath.Abs("../../examples")
				if err == nil {
					err = os.Symlink(examples, filepath.Join(dir, "examples"))
				}
				if err != nil {
					t.Fatal(err)
				}
				steps := c.steps
				for _, block := range documents[c.doc][c.section] {
					if len(block) > len(steps) {
						t.Fatalf("%d commands more than steps", len(block)-len(steps))
					}
					docsRun(t, dir, block, steps[:len(block)])
					steps = steps[len(block):]
				}
				if len(steps) > 0 {
					t.Fatalf("%d steps more than commands", len(steps))
				}
				if c.picture.output != "" {
					examplesLook(t, filepath.Join(dir, c.picture.output), c.picture)
				}
				for name, want := range c.files {
					found, err := filepath.Glob(filepath.Join(dir, name))
					if err != nil || len(found) != 1 {
						t.Errorf("%d files %s (%v), want one", len(found), name, err)
						continue
					}
					if text, err := os.ReadFile(found[0]); err != nil || !regexp.MustCompile(want).Match(text) {
						t.Errorf("%s (%v): want %s in it", name, err, want)
					}
				}
			})
		}
	})
}

// docsReceiver is a command that binds a port before the next one is of use.
var docsReceiver = regexp.MustCompile(`netgearsrc|receiver|receive |receive\.py|signals\.py|record-and-relay|hls\.sh`)

// countBound returns how many of some ports are bound.
func countBound(ports map[string]string) (n int) {
	for _, port := range ports {
		if bound(port) {
			n++
		}
	}
	return n
}

// docsRun starts the commands of one block in order and waits for their ends.
func docsRun(t *testing.T, dir string, commands []string, steps []docsStep) {
	t.Helper()
	ports := map[string]string{}
	port := regexp.MustCompile(`\b(5555|5556|8554|8080|8081)\b`)
	processes := make([]*process, len(commands))
	for i, command := range commands {
		command = port.ReplaceAllStringFunc(command, func(p string) string {
			if ports[p] == "" {
				ports[p] = freePortText(t)
			}
			return ports[p]
		})
		folder := dir
		taken := countBound(ports)
		if strings.Contains(command, "go run ") {
			folder = "../.." // another one would have Go compile everything anew
		}
		if !strings.Contains(command, "exec ") {
			command = "exec env " + command // in the place of the shell, as signals go to it
		}
		processes[i] = start(t, strings.Fields(commands[i])[0], "sh", "-c", "cd '"+folder+"' && "+command)
		if steps[i].says != "" {
			processes[i].Says(steps[i].says)
		}
		if i+1 < len(commands) && docsReceiver.MatchString(command) && !strings.Contains(command, "bind=false") {
			within(t, "a port to be bound", func() bool { return countBound(ports) > taken })
		}
	}
	for i, p := range processes {
		if !steps[i].runs {
			p.Await("to end", p.HasEnded)
			if hungUp := steps[i].hungUp; hungUp == "" || p.Count(hungUp) == 0 {
				p.Exits(0)
			}
			if then := steps[i].then; then != "" && p.Count(then) == 0 {
				t.Errorf("%s ended without saying %s", p.Name, then)
			}
		}
	}
	for i, p := range processes {
		if steps[i].runs {
			p.Kill(syscall.SIGINT)
			p.Exits(0)
		}
	}
}

// The programs have a place in the table of their README, and are run.
func TestProgramsHaveRows(t *testing.T) {
	const folder = "../../examples/programs"
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var docs []byte
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, text...)
	}
	for _, e := range entries {
		if name := e.Name(); name != "README.md" {
			if !strings.Contains(string(readme), "`"+name+"`") {
				t.Errorf("%s is not in the table of README.md", name)
			}
			if !strings.Contains(string(docs), "examples/programs/"+name) {
				t.Errorf("%s is in no command of the documents", name)
			}
		}
	}
}

// A Go program that links the elements in leaves the plugin file alone, even
// where GStreamer would find it.
func TestLinkedElementsComeFirst(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "go-elements")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/programs/go-elements").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := start(t, "go-elements", program, "127.0.0.1", "0")
	p.Says(`bound endpoint=`)
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), "libgstnetgear") {
		t.Error("the plugin file is loaded as well")
	}
	p.Kill(syscall.SIGINT)
	p.Exits(0)
}
