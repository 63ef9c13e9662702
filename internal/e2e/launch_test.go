package e2e

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chain matches what fakesink says of each buffer.
const chain = `fakesink0: last-message = chain`

func Test300Frames(t *testing.T) {
	const (
		sink = "videotestsrc num-buffers=300 ! jpegenc ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false"
		src  = "netgearsrc address=127.0.0.1 port=%d pattern=%v ! jpegdec ! fakesink silent=false"
	)
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		for _, sinkFirst := range []bool{false, true} {
			port := freePort(t)
			var s, r pipeline
			if sinkFirst {
				s = launch(t, sink, port, p)
				s.Says("connecting endpoint=")
				r = launch(t, src, port, p)
			} else {
				r = launch(t, src, port, p)
				r.BoundPort()
				s = launch(t, sink, port, p)
			}
			s.Exits(0)
			r.Exits(0)
			r.Says(`^Got EOS`)
			if n := r.Count(chain); n != 300 {
				t.Errorf("sink first: %v: %d frames, want 300", sinkFirst, n)
			}
			if s.Warnings()+r.Warnings() != 0 {
				t.Errorf("sink first: %v: %d and %d warnings, want none", sinkFirst, s.Warnings(), r.Warnings())
			}
		}
	})
}

// The last frames are not lost when a stream ends at full speed.
func TestTail(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		r := peer(t, "recv --pattern %d --port 0", p)
		s := launch(t, "videotestsrc num-buffers=200 ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false", testPicture, r.port(), p)
		s.Exits(0)
		r.Exits(0)
		if n := len(r.events("frame")); n != 200 {
			t.Errorf("the peer received %d frames, want 200", n)
		}
		back := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! fakesink silent=false", p)
		sender := peer(t, "send --pattern %d --frames 200 --width 16 --height 12 --port %d", p, back.BoundPort())
		sender.Exits(0)
		back.Exits(0)
		if n := back.Count(chain); n != 200 {
			t.Errorf("the source received %d frames, want 200", n)
		}
	})
}

// A source that is paused and resumed all the time, at any moment, goes on each
// time, and no frame is lost to it.
func TestToggledSource(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		port := freePort(t)
		r := watch(t, "--toggle netgearsrc address=127.0.0.1 port=%d pattern=%v ! appsink name=out", port, p)
		s := launch(t, "videotestsrc num-buffers=500 ! %s,framerate=200/1 ! netgearsink address=127.0.0.1 port=%d pattern=%v", testPicture, port, p)
		s.Exits(0)
		r.Exits(0)
		buffers := r.events("buffer")
		for i, b := range buffers {
			if b.Seq == nil || *b.Seq != uint64(i) {
				t.Fatalf("buffer %d is not of frame %d: %+v", i, i, b)
			}
		}
		if len(buffers) != 500 {
			t.Errorf("%d buffers, want 500", len(buffers))
		}
	})
}

// A pipeline may have no clock; then frames have no time.
func TestNoClock(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	r := watch(t, "--no-clock netgearsrc address=127.0.0.1 port=%d ! appsink name=out", port)
	s := launch(t, "videotestsrc num-buffers=5 ! %s ! netgearsink address=127.0.0.1 port=%d", testPicture, port)
	s.Exits(0)
	r.Exits(0)
	buffers := r.events("buffer")
	for i, b := range buffers {
		if b.PTS != nil {
			t.Errorf("buffer %d has the time %d ns, want none", i, *b.PTS)
		}
	}
	if len(buffers) != 5 {
		t.Errorf("%d buffers, want 5", len(buffers))
	}
}

// In PAIR several frames may be on their way; all arrive, in order.
func TestInFlight(t *testing.T) {
	t.Parallel()
	r := peer(t, "recv --port 0")
	s := launch(t, "videotestsrc num-buffers=100 ! %s ! netgearsink address=127.0.0.1 port=%d in-flight=8 sync=false", testPicture, r.port())
	s.Exits(0)
	r.Exits(0)
	for i, n := range sequence(t, r) {
		if i != n {
			t.Fatalf("frame %d has number %d", i, n)
		}
	}
	if n := len(r.events("frame")); n != 100 {
		t.Errorf("%d frames, want 100", n)
	}
}

func TestWithoutExtensions(t *testing.T) {
	t.Parallel()
	r := peer(t, "recv --port 0")
	s := launch(t, "videotestsrc num-buffers=2 ! %s ! netgearsink address=127.0.0.1 port=%d extensions=false sync=false", testPicture, r.port())
	s.Exits(0)
	r.Exits(0)
	for _, e := range r.events("frame") {
		if _, ok := e.Header["gst"]; ok || len(e.Header) != 6 {
			t.Errorf("header %v, want NetGear's six keys", e.Header)
		}
	}
}

func TestURI(t *testing.T) {
	const source = "videotestsrc num-buffers=5 ! jpegenc !"
	// %d stands for the port, %s for a path.
	tests := []struct{ name, sink, src string }{
		{"host and port", "netgearsink sync=false uri=netgear://127.0.0.1:%d", "netgearsrc uri=netgear://127.0.0.1:%d"},
		{"any address", "netgearsink sync=false uri=netgear://localhost:%d", "netgearsrc uri=netgear://0.0.0.0:%d"},
		{
			"settings", "netgearsink sync=false uri=netgear://127.0.0.1:%d?pattern=req-rep&request-timeout=2.5&message=é%%20x",
			"netgearsrc uri=netgear://127.0.0.1:%d?pattern=1&max-retries=0",
		},
		{"port as a key", "netgearsink sync=false uri=netgear://127.0.0.1?port=%d", "netgearsrc uri=netgear://127.0.0.1?port=%d"},
		{
			"bind swapped", "netgearsink sync=false uri=netgear://127.0.0.1:%d?bind=true",
			"netgearsrc uri=netgear://127.0.0.1:%d?bind=false",
		},
		{"as elements", "netgear://127.0.0.1:%d", "netgear://127.0.0.1:%d"},
		{"ipc", "netgearsink sync=false uri=netgear+ipc://%s?port=7", "netgearsrc uri=netgear+ipc://%s?port=7"},
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		tests = append(tests, struct{ name, sink, src string }{"IPv6", "netgearsink sync=false uri=netgear://[::1]:%d", "netgearsrc uri=netgear://[::1]:%d"})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var at any = freePort(t)
			if strings.Contains(test.sink, "%s") {
				at = t.TempDir() + "/s"
			}
			r := launch(t, test.src+" ! fakesink silent=false", at)
			s := launch(t, source+" "+test.sink, at)
			s.Exits(0)
			r.Exits(0)
			if n := r.Count(chain); n != 5 {
				t.Errorf("%d frames, want 5", n)
			}
		})
	}
}

// What is refused is told with its name, its value and what was wanted.
func TestRefusedSettings(t *testing.T) {
	tests := []struct {
		end  string // of a netgearsink
		want []string
	}{
		{"uri=netgear://h:1?patern=pair", []string{"patern", "pair", "want", "pattern"}},
		{"uri=netgear://h:1?pattern=pubb", []string{"pattern", "pubb", "want", "pair", "req-rep", "pub-sub"}},
		{"uri=netgear://h:1?request-timeout=soon", []string{"request-timeout", "soon", "want", "seconds"}},
		{"uri=netgear://h:1?request-timeout=0.01", []string{"request-timeout", "0.01", "want", "0.05"}},
		{"uri=netgear://h:1?max-retries=-1", []string{"max-retries", "-1", "want", "0"}},
		{"uri=netgear://h:1?in-flight=65", []string{"in-flight", "65", "want", "64"}},
		{"uri=netgear://h:1?bind=maybe", []string{"bind", "maybe", "want", "true or false"}},
		{"uri=netgear://h:1?max-frame-size=9", []string{"max-frame-size", "9", "want"}}, // the source's
		{"uri=netgear://h:1?stats=1", []string{"stats", "1", "want"}},
		{"uri=netgear://h:1?pattern=pair&pattern=pair", []string{"pattern", "want it once"}},
		{"uri=netgear://h:65536", []string{"port", "65536", "want", "65535"}},
		{"uri=netgear://h:1/path", []string{"path", "want netgear://host:port"}},
		{"uri=netgear+ipc://path", []string{"netgear+ipc://path", "want netgear+ipc:///path"}},
		{"uri=http://h:1", []string{"http", "want netgear"}},
		{"bind=false port=0", []string{"port", "0", "bind=false", "want"}},
		{"protocol=ipc", []string{"protocol=ipc", "address", "want"}},
		{"pattern=req-rep in-flight=4", []string{"in-flight=4", "pattern=req-rep", "want"}},
	}
	t.Run("together", func(t *testing.T) { // only so many processes at a time
		for _, test := range tests {
			t.Run(test.end, func(t *testing.T) {
				t.Parallel()
				w := watch(t, "videotestsrc num-buffers=1 ! jpegenc ! netgearsink %s", test.end)
				w.Exits(1)
				checkError(t, w, "library", "settings", "want")
				text := w.events("message")[0].Text
				for _, word := range test.want {
					if !strings.Contains(text, word) {
						t.Errorf("%q: want %q in it", text, word)
					}
				}
			})
		}
	})
	g := launch(t, "videotestsrc num-buffers=1 ! jpegenc ! netgearsink %s", tests[0].end)
	g.Fails()
	g.Says(`^ERROR: from element .*patern.*pair.*want`)
	// GStreamer keeps the reason to itself where a URI stands for an element.
	g = launch(t, "netgear://127.0.0.1:0?patern=pair ! fakesink")
	g.Fails()
	g.Says(`no source element for URI`)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for _, end := range []string{
		"netgearsrc address=127.0.0.1 port=%d ! fakesink",
		"videotestsrc ! jpegenc ! netgearsink bind=true address=127.0.0.1 port=%d",
	} {
		pipeline := fmt.Sprintf(end, port)
		g := launch(t, "%s", pipeline)
		g.Fails()
		g.Says(fmt.Sprintf(`^ERROR: from element .* bind tcp://127.0.0.1:%d: .*in use`, port))
		w := watch(t, "%s", pipeline)
		w.Exits(1)
		checkError(t, w, "resource", "busy", "in use")
	}
}

func TestNoSuchAddress(t *testing.T) {
	w := watch(t, "netgearsrc address=192.0.2.1 port=0 ! fakesink") // of RFC 5737, nobody's
	w.Exits(1)
	checkError(t, w, "resource", "not-found", "192.0.2.1")
}

// An element that waits for its peer does not hold up the end.
func TestInterrupt(t *testing.T) {
	const second = time.Second
	for _, p := range patterns {
		for _, test := range []struct{ name, pipeline, begun string }{
			{
				"sink without receiver", "videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=%d pattern=%v",
				"New clock",
			},
			{
				"binding sink without receiver", "videotestsrc is-live=true ! jpegenc ! netgearsink bind=true address=127.0.0.1 port=%d pattern=%v",
				"New clock",
			},
			{"source without sender", "netgearsrc address=127.0.0.1 port=%d pattern=%v ! fakesink", "New clock"},
			{"source without sender, EOS", "-e netgearsrc address=127.0.0.1 port=%d pattern=%v ! fakesink", "New clock"},
		} {
			t.Run(fmt.Sprintf("%v/%s", p, test.name), func(t *testing.T) {
				t.Parallel()
				g := launch(t, test.pipeline, freePort(t), p)
				g.Says(test.begun)
				checkInterrupt(t, g, second)
			})
		}
	}
}

// Nor does a receiver that has gone, though the frame that waits for it is
// before the EOS. (EOS of gst-launch that comes while videotestsrc makes its
// first frame may be stuck there, whatever the sink.)
func TestInterruptWithoutReceiver(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! fakesink silent=false", p)
		s := launch(t, "-e videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=%d pattern=%v max-retries=0", r.BoundPort(), p)
		r.Says(chain)
		r.Kill(syscall.SIGKILL)
		s.Says(`connection event=EVENT_DISCONNECTED`)
		checkInterrupt(t, s, time.Second)
	})
}

func checkInterrupt(t *testing.T, g pipeline, limit time.Duration) {
	t.Helper()
	begin := time.Now()
	g.Kill(syscall.SIGINT)
	g.Exits(0)
	if took := time.Since(begin); took > limit {
		t.Errorf("ended %v after SIGINT, want it within %v", took, limit)
	}
}

// With gst-launch's -e the sender says goodbye, and both ends end well.
func TestInterruptOfRunningStream(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! jpegdec ! fakesink silent=false", p)
		s := launch(t, "-e videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=%d pattern=%v", r.BoundPort(), p)
		r.Says(chain)
		checkInterrupt(t, s, time.Second)
		r.Exits(0)
		r.Says(`^Got EOS`)
	})
}

// What gst-inspect-1.0 tells is what users see first.
func TestInspect(t *testing.T) {
	for _, name := range []string{"netgearsink", "netgearsrc"} {
		g := start(t, "gst-inspect", "gst-inspect-1.0", "--no-colors", name)
		g.Exits(0)
		for _, want := range []string{
			`Doc-uri +https://github.com/gst-netgear/gst-netgear/\S+elements.md`, `Source release date +\d{4}-\d\d-\d\d`, `Rank +primary \(256\)`, `Klass +.*/Network`, `URI handling capabilities`, `netgear\+ipc`,
			`^  request-timeout +: Seconds`, `Enum "GstNetgearPattern" Default: 0, "pair"`, `\(2\): pub-sub`,
		} {
			if !regexp.MustCompile(`(?m)` + want).MatchString(strings.Join(g.Lines, "\n")) {
				t.Errorf("%s: want %s", name, want)
			}
		}
	}
}
