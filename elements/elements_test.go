package elements_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"

	"github.com/gst-netgear/gst-netgear/elements"
	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/netgeartest"
)

func TestMain(m *testing.M) {
	// The elements are those linked in, not those of a plugin file.
	if err := os.Unsetenv("GST_PLUGIN_PATH"); err != nil {
		panic(err)
	}
	gst.Init(nil)
	if err := elements.Register(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func element(t *testing.T, name string) *gst.Element {
	t.Helper()
	e, err := gst.NewElement(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var factories = map[string]netgear.Role{"netgearsink": netgear.SenderRole, "netgearsrc": netgear.ReceiverRole}

func TestRegisterTwice(t *testing.T) {
	if err := elements.Register(); err != nil {
		t.Error(err)
	}
}

// The GObject properties are those of the table, with its defaults.
func TestPropertiesAreThoseOfTheTable(t *testing.T) {
	for name, role := range factories {
		e := element(t, name)
		def := netgear.DefaultConfig(role)
		for i := range netgear.Properties {
			p := &netgear.Properties[i]
			var got any
			var err error
			if p.Secret { // newer GLib makes reading it a critical warning
				_, err = e.GetPropertyType(p.Name)
			} else {
				got, err = e.GetProperty(p.Name)
			}
			if p.On&role == 0 {
				if err == nil {
					t.Errorf("%s has %s, which is not its own", name, p.Name)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, p.Name, err)
				continue
			}
			if p.Stored() && !p.Secret {
				want := fmt.Sprint(p.Get(&def))
				if want == "" && p.Kind == netgear.Caps {
					want = "NULL" // as GStreamer writes caps that are not set
				}
				if got := fmt.Sprint(got); got != want {
					t.Errorf("%s: %s is %s, want %s", name, p.Name, got, want)
				}
			}
		}
	}
}

func TestURIAndPropertiesAreOne(t *testing.T) {
	e := element(t, "netgearsink")
	if err := e.SetProperty("uri", "netgear://10.1.2.3:700?pattern=req-rep&max-retries=3"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"address": "10.1.2.3", "port": "700", "pattern": "1", "max-retries": "3"} {
		if got, err := e.GetProperty(name); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s is %v (%v), want %s", name, got, err, want)
		}
	}
	if err := e.SetProperty("port", uint(701)); err != nil {
		t.Fatal(err)
	}
	if got, _ := e.GetProperty("uri"); got != "netgear://10.1.2.3:701?max-retries=3&pattern=req-rep" {
		t.Errorf("uri is %v", got)
	}
}

// run plays both pipelines until the receiving one ends, and returns them.
func run(t *testing.T, send, receive string) (sender, receiver *gst.Pipeline) {
	t.Helper()
	parse := func(s string) *gst.Pipeline {
		p, err := gst.NewPipelineFromString(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.SetState(gst.StateNull) })
		return p
	}
	receiver = parse(receive)
	if err := receiver.SetState(gst.StatePlaying); err != nil {
		t.Fatal(err)
	}
	src, err := receiver.GetElementByName("src")
	if err != nil {
		t.Fatal(err)
	}
	port, err := src.GetProperty("current-port")
	if err != nil {
		t.Fatal(err)
	}
	sender = parse(strings.ReplaceAll(send, "PORT", fmt.Sprint(port)))
	if err := sender.SetState(gst.StatePlaying); err != nil {
		t.Fatal(err)
	}
	m := receiver.GetPipelineBus().TimedPopFiltered(gst.ClockTime(20*time.Second), gst.MessageEOS|gst.MessageError)
	switch {
	case m == nil:
		t.Fatal("no end of stream within 20 s")
	case m.Type() == gst.MessageError:
		t.Fatal(m.ParseError())
	}
	return sender, receiver
}

// A frame's bytes stay where they are from the sender's GstBuffer to libzmq,
// and from libzmq to the receiver's GstBuffer, unless rows must be packed.
func TestFramesAreNotCopied(t *testing.T) {
	const frames = 10
	for _, c := range []struct {
		name, caps string
		packed     uint64
	}{
		{"raw, rows without padding", "video/x-raw,format=BGR,width=640,height=480", 0},
		{"raw, odd width", "video/x-raw,format=BGR,width=321,height=240", frames * 321 * 240 * 3},
		{"JPEG", "video/x-raw,width=320,height=240 ! jpegenc", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			packed, copied := gstglue.BytesPacked(), netgeartest.CopiedBytes()
			run(t, fmt.Sprintf("videotestsrc num-buffers=%d ! %s ! netgearsink sync=false port=PORT", frames, c.caps), "netgearsrc name=src port=0 ! fakesink")
			if n := gstglue.BytesPacked() - packed; n != c.packed {
				t.Errorf("%d bytes packed, want %d", n, c.packed)
			}
			if n := netgeartest.CopiedBytes() - copied; n != 0 {
				t.Errorf("%d bytes copied into the transport, want none", n)
			}
		})
	}
}

func TestStatsAddUp(t *testing.T) {
	const frames = 20
	sender, receiver := run(t, fmt.Sprintf("videotestsrc num-buffers=%d ! jpegenc ! netgearsink name=sink sync=false port=PORT", frames),
		"netgearsrc name=src port=0 ! fakesink")
	for _, c := range []struct {
		pipeline *gst.Pipeline
		name     string
		want     map[string]string
	}{
		{sender, "sink", map[string]string{
			"frames-sent": "20", "acks-received": "20", "frames-dropped": "0", "ack-timeouts": "0", "reconnects": "0", "secure": "false",
			"rendered": "20", // GstBaseSink's own
		}},
		{receiver, "src", map[string]string{"frames-received": "20", "frames-malformed": "0", "frames-dropped": "0"}},
	} {
		e, err := c.pipeline.GetElementByName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.GetProperty("stats")
		if err != nil {
			t.Fatal(err)
		}
		st := v.(*gst.Structure)
		if st.Name() != "application/x-netgear-statistics" {
			t.Errorf("%s: %s", c.name, st.Name())
		}
		for field, want := range c.want {
			if got, err := st.GetValue(field); err != nil || fmt.Sprint(got) != want {
				t.Errorf("%s: %s is %v (%v), want %s", c.name, field, got, err, want)
			}
		}
		if _, err := st.GetValue("peers"); err != nil {
			t.Errorf("%s: no field peers", c.name)
		}
	}
}

// docs/elements.md has a row for each field of stats, with its type and
// the elements that have it, and no other row.
func TestStatsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/elements.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Statistics\n")
	_, table, _ = strings.Cut(table, "\n|---")
	table, _, _ = strings.Cut(table, "\n\n") // the table of a peer's fields follows
	documented := map[string]map[string]string{"sink": {}, "src": {}}
	types := map[string]string{"uint64": "uint64", "double": "float64", "boolean": "bool", "string": "string", "array": "*gst.ValueArrayValue"}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		name, on, typ := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if on != "src" {
			documented["sink"][name] = typ
		}
		if on != "sink" {
			documented["src"][name] = typ
		}
	}
	sender, receiver := run(t, "videotestsrc num-buffers=2 ! jpegenc ! netgearsink name=sink sync=false rate-control=encoder port=PORT", "netgearsrc name=src port=0 ! fakesink")
	ofEverySink := map[string]bool{"rendered": true, "dropped": true, "average-rate": true}
	for name, pipeline := range map[string]*gst.Pipeline{"sink": sender, "src": receiver} {
		e, err := pipeline.GetElementByName(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.GetProperty("stats")
		if err != nil {
			t.Fatal(err)
		}
		fields := v.(*gst.Structure).Values()
		for field, value := range fields {
			typ, ok := documented[name][field]
			switch got := fmt.Sprintf("%T", value); {
			case ofEverySink[field] && name == "sink":
			case !ok:
				t.Errorf("%s: %s has no row", name, field)
			case types[typ] != got:
				t.Errorf("%s: %s is said to be %s, and is %s", name, field, typ, got)
			}
		}
		for field := range documented[name] {
			if _, ok := fields[field]; !ok {
				t.Errorf("%s: %s has a row and is no field", name, field)
			}
		}
	}
}

// A frame costs next to nothing in Go's memory, from pad to pad.
func TestAllocationsOfAFrame(t *testing.T) {
	const frames = 3000
	src, err := gst.NewPipelineFromString("netgearsrc name=src address=127.0.0.1 port=0 ! fakesink name=end sync=false")
	if err != nil {
		t.Fatal(err)
	}
	if err := src.SetState(gst.StatePlaying); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.SetState(gst.StateNull) }()
	in, err := src.GetElementByName("src")
	if err != nil {
		t.Fatal(err)
	}
	port, err := in.GetProperty("current-port")
	if err != nil {
		t.Fatal(err)
	}
	sink, err := gst.NewPipelineFromString(fmt.Sprintf("videotestsrc pattern=black num-buffers=%d ! video/x-raw,format=GRAY8,width=64,height=48 ! "+
		"netgearsink name=sink address=127.0.0.1 port=%v sync=false", frames, port))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := sink.SetState(gst.StatePlaying); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sink.SetState(gst.StateNull) }()
	message := src.GetPipelineBus().TimedPopFiltered(gst.ClockTime(20*time.Second), gst.MessageEOS|gst.MessageError)
	runtime.ReadMemStats(&after)
	if message == nil || message.Type() != gst.MessageEOS {
		t.Fatalf("message %v, want EOS", message)
	}
	allocs := float64(after.Mallocs-before.Mallocs) / frames
	bytes := float64(after.TotalAlloc-before.TotalAlloc) / frames
	t.Logf("%.2f allocations, %.0f bytes a frame, both ends", allocs, bytes)
	if allocs > 1 || bytes > 150 {
		t.Errorf("%.2f allocations and %.0f bytes a frame, want 1 and 150 at the most", allocs, bytes)
	}
}
