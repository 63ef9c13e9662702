// Package e2e tests whole pipelines: GStreamer processes that speak with each
// other and with Python peers.
package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is the safety net of every wait for an event. Nothing takes that
// long unless it is broken.
const patience = 40 * time.Second

// pattern is a messaging pattern by NetGear's number.
type pattern int

const (
	pair pattern = iota
	reqRep
	pubSub
)

var (
	patterns  = []pattern{pair, reqRep, pubSub}
	confirmed = []pattern{pair, reqRep} // in which no frame is lost
)

func (p pattern) String() string { return [...]string{"pair", "req-rep", "pub-sub"}[p] }

// childEnv is the environment of all children: GStreamer finds the plugin that
// was built, leaves the user's registry alone, and a critical warning is fatal.
var childEnv = sync.OnceValues(func() ([]string, error) {
	build, err := filepath.Abs("../../build")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(build, "libgstnetgear.so")); errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("build/libgstnetgear.so is missing: run make build")
	} else if err != nil {
		return nil, err
	}
	debug := "netgear:5"
	if os.Getenv("HOSTILE") != "" {
		debug = "netgear:2" // not a line for each of a million messages
	}
	return append(os.Environ(),
		"GST_PLUGIN_PATH="+build, "GST_REGISTRY="+filepath.Join(build, "registry.bin"), "G_DEBUG=fatal-criticals",
		"GST_DEBUG="+debug, "GST_DEBUG_NO_COLOR=1", "GST_DEBUG_FILE=",
		"LC_ALL=C.UTF-8"), nil
})

// process is a running child. Its output is kept by lines, and printed when
// the test fails; at the end of the test it is killed.
type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd

	mu    sync.Mutex
	lines []string
	times []time.Time   // of the lines
	news  chan struct{} // closed at the next line and at the end
	ended bool
	code  int
}

func start(t testing.TB, name string, argv ...string) *process {
	t.Helper()
	return startIn(t, nil, name, argv...)
}

// startIn starts it in a network namespace.
func startIn(t testing.TB, n *namespace, name string, argv ...string) *process {
	t.Helper()
	env, err := childEnv()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, cmd: exec.Command(argv[0], argv[1:]...), news: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe() // apart, lest one cuts the other's lines
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if n.do(func() { err = p.cmd.Start() }); err != nil {
		t.Fatal(err)
	}
	go p.follow(stdout, stderr)
	t.Cleanup(func() {
		p.kill(syscall.SIGKILL)
		p.await("to end after SIGKILL", func() bool { return p.ended })
		p.knowsErrors()
		if t.Failed() {
			t.Logf("---- %s (%v): %s\n%s", p.name, time.Since(begin).Round(time.Millisecond), strings.Join(argv, " "), p.excerpt())
		}
	})
	return p
}

func (p *process) follow(outputs ...io.Reader) {
	var readers sync.WaitGroup
	for _, output := range outputs {
		readers.Go(func() {
			in := bufio.NewReader(output)
			for {
				line, err := in.ReadString('\n')
				if line = strings.TrimRight(line, "\r\n"); line != "" {
					p.change(func() { p.lines, p.times = append(p.lines, line), append(p.times, time.Now()) })
				}
				if err != nil {
					return
				}
			}
		})
	}
	readers.Wait()
	_ = p.cmd.Wait() // the code says it all
	p.change(func() { p.ended, p.code = true, p.cmd.ProcessState.ExitCode() })
}

func (p *process) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.news)
	p.news = make(chan struct{})
}

// kill sends a signal to the process and its children.
func (p *process) kill(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended by itself
	}
}

// excerpt is the output without the dull part of its middle.
func (p *process) excerpt() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const head, tail, width = 15, 40, 400
	telling := regexp.MustCompile(`WARN|ERROR|warning|error`)
	var b strings.Builder
	left := 0 // lines left out
	for i, line := range p.lines {
		if i >= head && len(p.lines)-i > tail && !telling.MatchString(line) {
			left++
			continue
		}
		if left > 0 {
			fmt.Fprintf(&b, "  … %d lines\n", left)
			left = 0
		}
		if len(line) > width {
			line = line[:width] + "…"
		}
		b.WriteString("  " + line + "\n")
	}
	fmt.Fprintf(&b, "  ended: %v, code %d", p.ended, p.code)
	return b.String()
}

// await waits until ok, which is called with the lock held.
func (p *process) await(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		done, ended, code, news := ok(), p.ended, p.code, p.news
		p.mu.Unlock()
		if done {
			return
		}
		if ended {
			p.t.Fatalf("%s ended with code %d: want it %s", p.name, code, what)
		}
		select {
		case <-news:
		case <-deadline:
			p.t.Fatalf("%s: want it %s within %v", p.name, what, patience)
		}
	}
}

// exits waits for the end and checks the exit code.
func (p *process) exits(code int) {
	p.t.Helper()
	p.await("to end", func() bool { return p.ended })
	if p.code != code {
		p.t.Fatalf("%s: exit code %d, want %d", p.name, p.code, code)
	}
}

// fails waits for the end and checks that the exit code is one of failure, and
// not that of a crash.
func (p *process) fails() {
	p.t.Helper()
	p.await("to end", func() bool { return p.ended })
	if p.code == 0 || p.code == -1 {
		p.t.Fatalf("%s: exit code %d (-1: by a signal), want that of a failure", p.name, p.code)
	}
}

// says waits for a line that matches and returns the groups of the expression.
func (p *process) says(expr string) []string {
	p.t.Helper()
	re := regexp.MustCompile(expr)
	var found []string
	p.await("to say "+expr, func() bool {
		for _, line := range p.lines {
			if found = re.FindStringSubmatch(line); found != nil {
				return true
			}
		}
		return false
	})
	return found[1:]
}

// count returns how many lines match so far.
func (p *process) count(expr string) (n int) {
	re := regexp.MustCompile(expr)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}

// pipeline is a running gst-launch-1.0.
type pipeline struct{ *process }

// launch starts a pipeline. The text is formatted and cut at spaces; a single
// argument with spaces takes launchArgs.
func launch(t testing.TB, format string, args ...any) pipeline {
	t.Helper()
	return launchArgs(t, strings.Fields(fmt.Sprintf(format, args...))...)
}

func launchArgs(t testing.TB, args ...string) pipeline {
	t.Helper()
	name := "gst-launch"
	for _, element := range []string{"netgearsink", "netgearsrc"} {
		for _, arg := range args {
			if arg == element {
				name = element
			}
		}
	}
	return pipeline{start(t, name, append([]string{"gst-launch-1.0", "-v"}, args...)...)}
}

// port waits until the element is bound and returns the port.
func (p pipeline) port() int {
	p.t.Helper()
	n, err := strconv.Atoi(p.says(`bound endpoint=\S+:(\d+)$`)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// caps returns the caps that netgearsrc has announced, in order.
func (p pipeline) caps() (caps []string) {
	re := regexp.MustCompile(`GstNetgearSrc:\w+\.GstPad:src: caps = (.*)`)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if m := re.FindStringSubmatch(line); m != nil {
			caps = append(caps, m[1])
		}
	}
	return caps
}

// warnings returns how many warnings were posted, but for those that the other end
// is not there: it may take its time to start.
func (p pipeline) warnings() int {
	return p.count(`^WARNING: from element`) - p.count(`^WARNING: from element .*: no \w+ (at|from) \S+: (nobody has connected to|nobody listens at|there is no socket) `)
}

// script is a running Python script, which prints events as lines of JSON.
type script struct{ *process }

// peer starts a NetGear peer. The text is formatted and cut at spaces.
func peer(t testing.TB, format string, args ...any) script {
	t.Helper()
	return peerArgs(t, strings.Fields(fmt.Sprintf(format, args...))...)
}

func peerArgs(t testing.TB, args ...string) script {
	t.Helper()
	return python(t, "peer "+args[0], append([]string{"peers/peer.py"}, args...)...)
}

// watch starts a pipeline whose messages and buffers are told as events.
func watch(t testing.TB, format string, args ...any) script {
	t.Helper()
	return watchArgs(t, strings.Fields(fmt.Sprintf(format, args...))...)
}

func watchArgs(t testing.TB, args ...string) script {
	t.Helper()
	return python(t, "watch", append([]string{"testdata/watch.py"}, args...)...)
}

func python(t testing.TB, name string, args ...string) script {
	t.Helper()
	return script{start(t, name, append([]string{interpreter()}, args...)...)}
}

func interpreter() string {
	if path := os.Getenv("PYTHON"); path != "" {
		return path
	}
	return "/usr/bin/python3"
}

// event is what the tests read of the events of peer.py and watch.py.
type event struct {
	Event  string
	N      int
	Header map[string]json.RawMessage
	SHA256 string
	Shape  []int
	DType  string
	Mean   []float64
	Reply  json.RawMessage
	Array  *struct{ Shape []int } // of "sent": what came back

	Port any // of "ready" a number, of "buffer" a string

	// hostile
	Case, Expect string
	Left         []string

	// watch.py
	Kind, Domain, Code, Text string // of "message", and the next two
	Element, Name            string // who posted it
	Pipeline                 *int
	Message                  string // of "buffer", and the next three
	Seq, PTS                 *uint64
	Caps                     string
	RSS                      float64           // of "stats", in MB
	FDs                      int               // of "stats"
	Src, Sink                map[string]uint64 // of "stats"
}

// Python writes NaN and the infinities into its JSON.
var notFinite = regexp.MustCompile(`([ \[])(NaN|-?Infinity)([,\]}])`)

// events returns those of that name so far.
func (p script) events(name string) []event {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	events, err := parseEvents(p.lines, name)
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return events
}

func parseEvents(lines []string, name string) (events []event, err error) {
	prefix := fmt.Sprintf(`{"event": %q`, name)
	for _, line := range lines {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		var e event
		if json.Unmarshal([]byte(line), &e) != nil {
			e = event{}
			if err := json.Unmarshal([]byte(notFinite.ReplaceAllString(line, `$1"$2"$3`)), &e); err != nil {
				return nil, fmt.Errorf("%w in %.300s", err, line)
			}
		}
		events = append(events, e)
	}
	return events, nil
}

// event waits for the n-th event of that name, counted from 1.
func (p script) event(name string, n int) event {
	p.t.Helper()
	prefix := fmt.Sprintf(`{"event": %q`, name)
	p.await(fmt.Sprintf("to tell event %q no. %d", name, n), func() bool {
		count := 0
		for _, line := range p.lines {
			if strings.HasPrefix(line, prefix) {
				count++
			}
		}
		return count >= n
	})
	events := p.events(name)
	return events[n-1]
}

// port waits until the peer is bound and returns the port.
func (p script) port() int {
	p.t.Helper()
	n, ok := p.event("ready", 1).Port.(float64)
	if !ok {
		p.t.Fatalf("%s has no port", p.name)
	}
	return int(n)
}

// freePort returns a TCP port that nobody is bound to, from below those that
// the kernel gives out by itself.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// within waits until ok, for what no process tells.
func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("want %s within %v", what, patience)
		}
	}
}

func containsWord(text, word string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(text)
}
