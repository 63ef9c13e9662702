// Package e2e tests whole pipelines: GStreamer processes that speak with each
// other and with Python peers.
package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// The words of these tests for what is in package kit.
type (
	pattern   = kit.Pattern
	event     = kit.Event
	namespace = kit.Namespace
)

const (
	patience = kit.Patience
	pair     = kit.Pair
	reqRep   = kit.ReqRep
	pubSub   = kit.PubSub
)

var (
	patterns  = kit.Patterns
	confirmed = []pattern{pair, reqRep} // in which no frame is lost
)

// childEnv is the environment of all children: a critical warning is fatal.
var childEnv = sync.OnceValues(func() ([]string, error) {
	debug := "netgear:5"
	if os.Getenv("HOSTILE") != "" {
		debug = "netgear:2" // not a line for each of a million messages
	}
	return kit.Env("../../build", "G_DEBUG=fatal-criticals", "GST_DEBUG="+debug)
})

// process is a running child.
type process struct{ *kit.Child }

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
	return &process{kit.Command{Name: name, Args: argv, Env: env, In: n}.Run(t, kit.KnowsErrors)}
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
		if slices.Contains(args, element) {
			name = element
		}
	}
	return pipeline{start(t, name, append([]string{"gst-launch-1.0", "-v"}, args...)...)}
}

// caps returns the caps that netgearsrc has announced, in order.
func (p pipeline) caps() (caps []string) {
	re := regexp.MustCompile(`GstNetgearSrc:\w+\.GstPad:src: caps = (.*)`)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	for _, line := range p.Lines {
		if m := re.FindStringSubmatch(line); m != nil {
			caps = append(caps, m[1])
		}
	}
	return caps
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

func interpreter() string { return kit.Python() }

func (p script) event(name string, n int) event        { p.T.Helper(); return p.Event(name, n) }
func (p script) events(name string) []event            { p.T.Helper(); return p.Events(name) }
func (p script) port() int                             { p.T.Helper(); return p.ReadyPort() }
func within(t testing.TB, what string, ok func() bool) { t.Helper(); kit.Within(t, what, ok) }

func freePort(t testing.TB) int {
	t.Helper()
	port, err := kit.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePortText(t testing.TB) string { t.Helper(); return strconv.Itoa(freePort(t)) }

func containsWord(text, word string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(text)
}
