package netgeardemux

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
)

func TestPadName(t *testing.T) {
	taken := map[string]bool{}
	for _, c := range []struct{ port, want string }{
		{"5566", "src_5566"},
		{"cam-1.left_A", "src_cam-1.left_A"},
		{"a/b", "src_a_b"},
		{"a:b", "src_a_b_2"},
		{"a_b", "src_a_b_3"},
		{"a_b_2", "src_a_b_2_2"},
		{"é", "src__"},
		{"\xff%s", "src___s"},
		{strings.Repeat("x", 100), "src_" + strings.Repeat("x", maxName)},
		{strings.Repeat("x", 101), "src_" + strings.Repeat("x", maxName) + "_2"},
	} {
		got := padName(c.port, func(s string) bool { return taken[s] })
		if got != c.want {
			t.Errorf("port %q: %s, want %s", c.port, got, c.want)
		}
		taken[got] = true
	}
}

// recorder is a host that writes down what it is asked for.
type recorder struct {
	log   strings.Builder
	names map[gstglue.Pad]string
	caps  map[gstglue.Pad]gstglue.Caps
}

func (r *recorder) note(p gstglue.Pad, what string) {
	fmt.Fprintf(&r.log, " %s:%s", strings.TrimPrefix(r.names[p], "src_"), what)
}

func (r *recorder) NewPad(name, _ string) gstglue.Pad {
	p := gstglue.Pad(unsafe.Pointer(new(int64)))
	r.names[p] = name
	return p
}

func (r *recorder) AddPad(p gstglue.Pad)    { r.note(p, "add") }
func (r *recorder) RemovePad(p gstglue.Pad) { r.note(p, "remove") }

func (r *recorder) PushStreamStart(p gstglue.Pad, id string) { r.note(p, "start="+id) }

func (r *recorder) HasCaps(p gstglue.Pad, c gstglue.Caps) bool { return r.caps[p] == c }

func (r *recorder) PushCaps(p gstglue.Pad, c gstglue.Caps) {
	r.note(p, "caps")
	r.caps[p] = c
}

func (r *recorder) PushSegment(p gstglue.Pad)            { r.note(p, "segment") }
func (r *recorder) PushRest(gstglue.Pad)                 {}
func (r *recorder) PushEOS(p gstglue.Pad, seqnum uint32) { r.note(p, fmt.Sprint("eos=", seqnum)) }
func (r *recorder) Forgive(p gstglue.Pad)                { r.note(p, "forgive") }
func (r *recorder) ForgiveAll()                          { r.log.WriteString(" forgive") }
func (r *recorder) PostError(err error, _ string)        { r.log.WriteString(" fail(" + err.Error() + ")") }
func (r *recorder) PostWarning(error, string)            { r.log.WriteString(" warn") }
func (r *recorder) Log(gstglue.Level, string, string)    {}
func (r *recorder) saw(t *testing.T, step, want string) {
	t.Helper()
	if got := strings.TrimSpace(r.log.String()); got != want {
		t.Errorf("%s:\n got  %s\n want %s", step, got, want)
	}
	r.log.Reset()
}

func TestWhatEachPadGets(t *testing.T) {
	r := &recorder{names: map[gstglue.Pad]string{}, caps: map[gstglue.Pad]gstglue.Caps{}}
	e := &element{host: r}
	small, large := gstglue.Caps(unsafe.Pointer(new(int64))), gstglue.Caps(unsafe.Pointer(new(int64)))
	frame := func(port string, caps gstglue.Caps, wantDiscont bool) {
		t.Helper()
		pad, discont := e.Route([]byte(port), caps)
		if pad == nil || discont != wantDiscont {
			t.Errorf("port %s: pad %v, discont %v", port, pad, discont)
		}
	}

	frame("1", small, true)
	r.saw(t, "first frame", "1:start=1 1:caps 1:segment 1:add")
	frame("2", large, true)
	r.saw(t, "first frame of the other", "2:start=2 2:caps 2:segment 2:add")
	frame("1", small, false)
	frame("2", large, false)
	r.saw(t, "frames with the caps that each had", "")
	frame("1", large, false)
	frame("2", large, false)
	r.saw(t, "new caps of one", "1:caps")
	e.Segment()
	frame("1", large, false)
	frame("2", large, false)
	r.saw(t, "new segment", "1:segment 2:segment")
	e.StreamStart()
	frame("1", large, true)
	r.saw(t, "new stream", "1:start=1 1:caps 1:segment")
	e.Terminate([]byte("1"), 7)
	e.Terminate([]byte("1"), 8)
	e.Terminate([]byte("9"), 9)
	r.saw(t, "goodbye", "1:eos=7 1:forgive")
	frame("1", small, true)
	r.saw(t, "back again", "1:remove 1:start=1 1:caps 1:segment 1:add")
	e.Terminate([]byte("1"), 10)
	e.FlushStop()
	frame("1", small, true)
	r.saw(t, "flush after a goodbye", "1:eos=10 1:forgive forgive 1:segment")
	e.Terminate([]byte("2"), 11)
	e.EOS(12)
	e.EOS(13)
	r.saw(t, "end", "2:eos=11 2:forgive 1:eos=12")
	e.Reset()
	r.saw(t, "READY", "1:remove 2:remove")
	e.EOS(14)
	r.saw(t, "end without a frame", "fail(no stream: the stream ended before the first frame came)")
}

func TestFramesWithoutPort(t *testing.T) {
	r := &recorder{names: map[gstglue.Pad]string{}, caps: map[gstglue.Pad]gstglue.Caps{}}
	e := &element{host: r}
	a, _ := e.Route(nil, nil)
	b, _ := e.Route([]byte("0"), nil)
	c, _ := e.Route([]byte{}, nil)
	if a == nil || a != b || a != c || r.names[a] != "src_0" {
		t.Errorf("pads %v, %v, %v, names %v", a, b, c, r.names)
	}
}

func TestPortsAreLimited(t *testing.T) {
	r := &recorder{names: map[gstglue.Pad]string{}, caps: map[gstglue.Pad]gstglue.Caps{}}
	e := &element{host: r}
	for i := range maxStreams {
		if pad, _ := e.Route(fmt.Append(nil, i+1), nil); pad == nil {
			t.Fatal("no pad for port", i+1)
		}
	}
	r.log.Reset()
	for range 3 {
		if pad, _ := e.Route([]byte("more"), nil); pad != nil {
			t.Error("a pad too many")
		}
	}
	r.saw(t, "too many", "warn")
	if pad, _ := e.Route([]byte("7"), nil); pad == nil {
		t.Error("a known port is refused")
	}
}
