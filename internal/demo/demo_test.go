package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

func TestReadLine(t *testing.T) {
	const (
		sink = "0:00:00.085152105  5116 0x563757870000 TRACE            netgearsink netgear:0:render:<netgearsink0> "
		src  = "0:00:02.734239517  4890 0x55ee377b7800 TRACE             netgearsrc netgear:0:create:<s> "
		dbg  = "0:00:00.047206907  4890 0x55ee375e4b30 DEBUG                netgear netgear:0:netgear:<s> "
		warn = "0:00:00.047206907  4890 0x55ee375e4b30 WARN                 netgear netgear:0:netgear:<s> timeout"
	)
	for _, c := range []struct {
		line string
		want entry
	}{
		{sink + "frame seq=2 bytes=9425 ack-us=122\n", entry{kind: frame, seq: 2, bytes: 9425, took: 122 * time.Microsecond}},
		{src + "frame seq=21 bytes=9463 capture-to-receive-us=152\n", entry{kind: frame, seq: 21, bytes: 9463, took: 152 * time.Microsecond}},
		{src + "frame seq=21 bytes=1 capture-to-receive-us=-3", entry{kind: frame, seq: 21, bytes: 1, took: -3 * time.Microsecond}},
		{src + "frame seq=99999999999999999999 bytes=1 capture-to-receive-us=1", entry{}},
		{src + "frame seq=1 bytes=1", entry{}},
		{dbg + "bound endpoint=tcp://127.0.0.1:42565\n", entry{kind: bound, port: "42565"}},
		{dbg + "bound endpoint=tcp://[::1]:42565\n", entry{kind: bound, port: "42565"}},
		{dbg + "connecting endpoint=tcp://127.0.0.1:42565\n", entry{}},
		{warn, entry{kind: problem, text: warn}},
		{"Setting pipeline to PAUSED ...\n", entry{}},
		{"\n", entry{}},
		{"ERROR: from element /GstPipeline:pipeline0: no", entry{kind: problem, text: "ERROR: from element /GstPipeline:pipeline0: no"}},
		{"frame seq=2 bytes=9425 ack-us=122", entry{}},
	} {
		if got := readLine(c.line); got != c.want {
			t.Errorf("%q:\n got %+v\nwant %+v", c.line, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := 100; i >= 1; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	for _, c := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{7}, 50, 7},
		{[]time.Duration{7}, 99, 7},
		{[]time.Duration{3, 1, 2}, 50, 2},
		{[]time.Duration{4, 1, 3, 2}, 50, 2},
		{hundred, 0, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred[:50], 99, 100},
	} {
		before := slices.Clone(c.values)
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("percentile %v of %d values: got %d, want %d", c.p, len(c.values), got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Error("percentile changed the order of its argument")
		}
	}
}

func TestFigures(t *testing.T) {
	f := newFigures()
	begin := time.Unix(1000, 0)
	for seq := range uint64(5) {
		f.send(entry{seq: seq})
	}
	if f.lost() != 5 {
		t.Errorf("lost %d, want 5", f.lost())
	}
	// Frame 0 is lost, frame 3 comes twice.
	for i, seq := range []uint64{1, 2, 3, 3, 4} {
		f.receive(entry{seq: seq, bytes: 1000, took: time.Millisecond}, begin.Add(time.Duration(i)*100*time.Millisecond))
	}
	if f.lost() != 1 || len(f.received) != 4 {
		t.Errorf("lost %d, received %d: want 1, 4", f.lost(), len(f.received))
	}
	if got := rate(f.arrivals); got < 9.99 || got > 10.01 {
		t.Errorf("rate %v, want 10", got)
	}
	if got := len(recent(f.arrivals, begin.Add(400*time.Millisecond), 150*time.Millisecond)); got != 2 {
		t.Errorf("%d recent arrivals, want 2", got)
	}
	if got := rate(f.arrivals[:1]); got != 0 {
		t.Errorf("rate of one arrival: %v, want 0", got)
	}
	for _, want := range []string{"frames lost               1\n", "5000 (5.0 kB)", "1.00 ms", "picture                   here\n"} {
		if !strings.Contains(f.table("here"), want) {
			t.Errorf("no %q in\n%s", want, f.table("here"))
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 8071331: "8.1 MB", 3e12: "3.0 TB", 5e15: "5000.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d): got %s, want %s", n, got, want)
		}
	}
}

func TestPipelines(t *testing.T) {
	o := &options{pattern: "req-rep", video: `/a b/it's "50%" ü!.avi`, build: "my build"}
	if got, want := uri(o.video), "file:///a%20b/it%27s%20%2250%25%22%20%C3%BC%21.avi"; got != want {
		t.Errorf("uri: got %s, want %s", got, want)
	}
	if got, want := uri("rtsp://host/x"), "rtsp://host/x"; got != want {
		t.Errorf("uri: got %s, want %s", got, want)
	}
	got := shell(receiverArgs(o, "5555"))
	want := "netgearsrc address=127.0.0.1 port=5555 pattern=req-rep ! queue leaky=downstream max-size-buffers=2 ! multifilesink 'location=my build/demo.jpg'"
	if got != want {
		t.Errorf("receiver:\n got %s\nwant %s", got, want)
	}
	if got := shell([]string{"!", "it's", "t."}); got != `! 'it'\''s' t.` {
		t.Errorf("shell: got %s", got)
	}
	o.window = true
	if got := strings.Join(receiverArgs(o, "1"), " "); !strings.Contains(got, "autovideosink sync=false t. ! queue leaky=downstream") {
		t.Errorf("no window in %s", got)
	}
}

func TestParse(t *testing.T) {
	wd := t.TempDir()
	t.Chdir(wd)
	if err := os.WriteFile("film.avi", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]options{
		"":                                  {pattern: "pair", seconds: clipSeconds, build: "build"},
		"-video= -pattern= -seconds=":       {pattern: "pair", seconds: clipSeconds, build: "build"},
		"-build=" + wd + "/b -pattern=pair": {pattern: "pair", seconds: clipSeconds, build: "b"},
		"-build=/elsewhere":                 {pattern: "pair", seconds: clipSeconds, build: "/elsewhere"},
		"-seconds=0":                        {pattern: "pair", seconds: clipSeconds, build: "build"},
		"-pattern=pub-sub -seconds=3":       {pattern: "pub-sub", seconds: 3, build: "build"},
		"-video=film.avi -build=x":          {pattern: "pair", seconds: fileSeconds, build: "x", video: "film.avi"},
		"-video=http://h/x.mp4 -seconds=0":  {pattern: "pair", build: "build", video: "http://h/x.mp4"},
	} {
		got, err := parse(strings.Fields(args))
		got.window = false
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", args, got, err, want)
		}
	}
	for _, args := range []string{"-pattern=push", "-seconds=-1", "-seconds=x", "-seconds=3x", "-video=/no/such/file", "file.avi"} {
		if got, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q: got %+v, want an error", args, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	ended := func(name string, code int) *end {
		return &end{Process: &kit.Process{Name: name, Code: code}, gone: true}
	}
	for name, c := range map[string]struct {
		pattern        string
		sent, received []uint64
		code           int // of the sender
		stopped        bool
		want           string
	}{
		"good":            {pattern: "pair", sent: []uint64{0, 1}, received: []uint64{0, 1}},
		"lost":            {pattern: "req-rep", sent: []uint64{0, 1}, received: []uint64{1}, want: "1 frames were lost"},
		"pub-sub loses":   {pattern: "pub-sub", sent: []uint64{0, 1}, received: []uint64{1}},
		"nothing":         {pattern: "pub-sub", sent: []uint64{0, 1}, want: "no frame was received"},
		"sender failed":   {pattern: "pair", sent: []uint64{0}, received: []uint64{0}, code: 1, want: "the sender ended with"},
		"ended by Ctrl-C": {pattern: "pair", sent: []uint64{0, 1}, received: []uint64{0}, stopped: true},
	} {
		s := &session{
			opt: &options{pattern: c.pattern}, fig: newFigures(), stopped: c.stopped,
			receiver: ended("receiver", 0), sender: ended("sender", c.code),
		}
		for _, seq := range c.sent {
			s.fig.send(entry{seq: seq})
		}
		for _, seq := range c.received {
			s.fig.receive(entry{seq: seq}, time.Now())
		}
		err := s.verdict()
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
