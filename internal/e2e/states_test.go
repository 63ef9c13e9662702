package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// maxTransition is what a state change may take, in ms. Nine of ten must keep
// to it, in one of a few runs: a busy machine makes some longer. None may block.
const (
	maxTransition = 10
	blocked       = 500
)

// compileC compiles testdata/name.c against GStreamer and returns the program.
func compileC(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if err := kit.Compile(program, filepath.Join("testdata", name+".c"), "gstreamer-1.0", "gstreamer-app-1.0", "gstreamer-video-1.0"); err != nil {
		t.Fatal(err)
	}
	return program
}

// gstEnv is the environment in which GStreamer finds the plugin just built.
func gstEnv(t *testing.T, more ...string) []string {
	t.Helper()
	env, err := kit.Env("../../build", append([]string{"G_DEBUG=fatal-criticals"}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// silent is a bound socket that never answers.
func silent(t *testing.T, typ zmq4.Type) string {
	t.Helper()
	sock, err := zmq4.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	if err := sock.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	last, err := sock.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	return last[strings.LastIndexByte(last, ':')+1:]
}

// Fifty times from NULL to PLAYING and back, in whatever the stream is at that
// moment: no transition blocks, and nothing is left behind.
func TestStateChanges(t *testing.T) {
	program := compileC(t, "states")
	absent, pair, rep := freePortText(t), silent(t, zmq4.PAIR), silent(t, zmq4.REP)
	both := freePortText(t)
	live := "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=100/1 ! jpegenc ! "
	file := "videotestsrc ! video/x-raw,width=320,height=240 ! jpegenc ! "
	for _, c := range []struct{ name, flags, pipeline string }{
		{"source, nobody there, pair", "p", "netgearsrc port=0 ! fakesink"},
		{"source, nobody there, req-rep", "p", "netgearsrc port=0 pattern=req-rep ! fakesink"},
		{"source, nobody there, pub-sub", "p", "netgearsrc port=0 pattern=pub-sub ! fakesink"},
		{"source that connects", "p", "netgearsrc bind=false pattern=pub-sub port=" + absent + " ! fakesink"},
		{"source, end of stream", "e", "netgearsrc port=0 ! fakesink"},
		{"source, flush", "f", "netgearsrc port=0 ! fakesink"},
		{"sink, nobody there, pair", "p", live + "netgearsink port=" + absent},
		{"sink, nobody there, req-rep", "p", file + "netgearsink pattern=req-rep port=" + absent},
		{"sink, nobody there, pub-sub", "p", live + "netgearsink pattern=pub-sub port=" + absent},
		{"sink that binds", "p", live + "netgearsink bind=true port=0"},
		{"sink, silent peer, pair", "p", live + "netgearsink port=" + pair},
		{"sink, silent peer, req-rep", "p", file + "netgearsink pattern=req-rep sync=false port=" + rep},
		{"sink, silent peer, flush", "f", file + "netgearsink pattern=req-rep sync=false port=" + rep},
		{"both, pair", "p", "netgearsrc port=" + both + " ! jpegdec ! fakesink " + live + "netgearsink port=" + both},
		{"both, req-rep", "p", "netgearsrc pattern=req-rep port=" + both + " ! fakesink " + file + "netgearsink sync=false pattern=req-rep port=" + both},
		{"both, pub-sub", "", "netgearsrc pattern=pub-sub port=" + both + " ! fakesink " + live + "netgearsink pattern=pub-sub port=" + both},
		{"sink, nobody there, toggled", "t", live + "netgearsink port=" + absent},
		{"sink, silent peer, toggled", "t", file + "netgearsink pattern=req-rep sync=false port=" + rep},
		{"sink, silent peer, idle, pair", "cp", live + "netgearsink port=" + pair},
		{"sink, silent peer, idle, req-rep", "cp", file + "netgearsink pattern=req-rep sync=false port=" + rep},
		{"sink, silent peer, idle, toggled", "ct", live + "netgearsink port=" + pair},
		{"both, idle, pair", "cp", "netgearsrc port=" + both + " ! jpegdec ! fakesink " + live + "netgearsink port=" + both},
		{"source, toggled", "t", "netgearsrc port=0 ! fakesink"},
		{"sink with return_src, toggled", "t", file + "netgearsink name=s bidirectional-mode=true port=" + absent + " s.return_src ! fakesink"},
		{"source with return_sink", "p", "netgearsrc name=c bidirectional-mode=true port=0 ! fakesink " + live + "c.return_sink"},
		{"sink with return_src, nobody there", "p", file + "netgearsink name=s bidirectional-mode=true port=" + absent + " s.return_src ! fakesink"},
		{"call", "p", "netgearsrc name=c bidirectional-mode=true port=" + both + " ! fakesink " + live + "c.return_sink " +
			live + "netgearsink name=s bidirectional-mode=true port=" + both + " s.return_src ! jpegdec ! fakesink"},
		{"many servers", "p", "netgearsrc multiserver-mode=true pattern=req-rep ports=" + both + "," + freePortText(t) + " ! netgeardemux ! fakesink"},
		{"many clients", "p", live + "netgearsink multiclient-mode=true pattern=req-rep ports=" + absent + "," + freePortText(t)},
		{"both, ipc", "p", "netgearsrc protocol=ipc address=" + t.TempDir() + "/a ! fakesink"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got struct {
				P90, Worst, EOS float64
				Threads, FDs    int
				ThreadsBefore   int `json:"threads_before"`
				FDsBefore       int `json:"fds_before"`
			}
			for range 3 {
				out := leakless(t, program, "50", c.flags, c.pipeline)
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				t.Logf("%+v", got)
				if got.P90 <= maxTransition || got.Worst > blocked {
					break
				}
			}
			if got.P90 > maxTransition || got.Worst > blocked {
				t.Errorf("state changes took %v ms (nine of ten), %v ms (worst); want %v and none blocked", got.P90, got.Worst, maxTransition)
			}
			if strings.Contains(c.flags, "e") && got.EOS > blocked {
				t.Errorf("the end of the stream took %v ms", got.EOS)
			}
			// The Go runtime may want a thread or two more; a leak would be one
			// or more a cycle.
			if got.Threads > got.ThreadsBefore+4 || got.FDs > got.FDsBefore {
				t.Errorf("threads went from %d to %d, file descriptors from %d to %d", got.ThreadsBefore, got.Threads, got.FDsBefore, got.FDs)
			}
		})
	}
}

// Buffers of every layout come out of the source as they went into the sink,
// under caps that change in mid-stream, with timestamps and without a leak.
func TestBuffers(t *testing.T) {
	program := compileC(t, "buffers")
	for _, pattern := range []string{"pair", "req-rep", "pub-sub"} {
		t.Run(pattern, func(t *testing.T) { wantCases(t, 23, leakless(t, program, pattern)) })
	}
}

// leakless runs a C program and returns what it prints. It fails the test for every
// object of GStreamer that is left at the end.
func leakless(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = gstEnv(t, "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7,leaks:7")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, tail(log.String()))
	}
	leaks(t, log.String())
	return out
}

// wantCases checks how many cases a program has printed as ok.
func wantCases(t *testing.T, want int, out []byte) {
	t.Helper()
	if n := strings.Count(string(out), "ok "); n != want {
		t.Errorf("%d cases, want %d:\n%s", n, want, out)
	}
}

// leaks fails the test for every object that the tracer saw alive at the end.
func leaks(t *testing.T, log string) {
	t.Helper()
	if !strings.Contains(log, "object-alive.class") {
		t.Error("the leaks tracer did not run")
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "object-alive, type-name=(string)") && !strings.Contains(line, "(string)%s") {
			t.Error("left alive:", strings.TrimSpace(line))
		}
	}
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// What a program sees beside the frames: signals, bus messages, returned data
// and frames; and a slow handler that costs signals but no frames.
func TestSignals(t *testing.T) {
	for _, pattern := range []string{"pair", "req-rep"} {
		t.Run(pattern, func(t *testing.T) {
			cmd := exec.Command(interpreter(), filepath.Join("testdata", "signals.py"), pattern)
			cmd.Env = gstEnv(t)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			wantCases(t, 20, out)
		})
	}
}
