package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Peers differ in what they leave out, add and how they write it.
func TestPeerVariantsToSrc(t *testing.T) {
	raw, colour := formats[0], formats[slices.IndexFunc(formats, func(f format) bool { return f.jpeg })]
	tests := []struct {
		name, options string
		format        format
		patterns      []pattern
	}{
		{"nothing optional", "--omit message,pattern", raw, patterns},
		{"nothing optional, JPEG", "--omit message,pattern,dtype,shape,compression.dct,compression.ups", colour, patterns},
		{"extra keys", "--extra", raw, patterns},
		{"compact JSON in UTF-8", "--compact --extra --message é😀", raw, patterns},
		{"our own key", "--gst auto", raw, patterns},
		{"without correlation", "--no-correlate", raw, []pattern{reqRep}},
		{"without correlation, JPEG", "--no-correlate", colour, []pattern{reqRep}},
	}
	for _, test := range tests {
		for _, p := range test.patterns {
			t.Run(fmt.Sprintf("%v/%s", p, test.name), func(t *testing.T) {
				t.Parallel()
				end, dir := receive(t)
				r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v max-lag=0 ! %s", p, end)
				s := peer(t, "%s --port %d %s", sending(p, test.format), r.BoundPort(), test.options)
				r.Exits(0)
				s.Exits(0)
				checkReceived(t, r, s, test.format, dir)
			})
		}
	}
}

func TestMessageToPeer(t *testing.T) {
	tests := []struct{ property, want string }{
		{"message=hello", `"hello"`},
		{`message="hello world"`, `"hello world"`},
		{"message=null", "null"},
		{"message=true", "true"},
		{"message=-12", "-12"},
		{"message=12345678901234567890123", "12345678901234567890123"},
		{"message=1.5e300", "1.5e+300"},
		{"message=NaN", `"NaN"`}, // see event
		{"message=héllo😀", `"h\u00e9llo\ud83d\ude00"`},
		{`message={"a":[1,null,{"é":-Infinity}],"b":{},"c":false}`, `{"a": [1, null, {"\u00e9": "-Infinity"}], "b": {}, "c": false}`},
	}
	for _, test := range tests {
		t.Run(test.property, func(t *testing.T) {
			t.Parallel()
			r := peer(t, "recv --port 0")
			s := launchArgs(t, append(strings.Fields("videotestsrc num-buffers=2 ! video/x-raw,format=BGR,width=8,height=8 ! netgearsink sync=false"),
				"address=127.0.0.1", fmt.Sprintf("port=%d", r.port()), test.property)...)
			s.Exits(0)
			r.Exits(0)
			frames := r.events("frame")
			if len(frames) != 2 {
				t.Errorf("%d frames, want 2", len(frames))
			}
			for _, e := range frames {
				if got := string(e.Header["message"]); got != test.want {
					t.Errorf("message %s, want %s", got, test.want)
				}
			}
		})
	}
}

// messages are what Python programs pass to send(), as JSON.
var messages = []string{
	"null", "true", "false", "0", "-12", "1.5", "1e+300", "NaN", "-Infinity", `"text"`, `"é😀 \" \\ \n"`, "[]", `[1, [null, {"a": NaN}]]`,
	`{}`, `{"é": {"b": [1, 2.5, "c"]}}`, "12345678901234567890123",
}

func TestMessageToSrc(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	r := watch(t, "netgearsrc address=127.0.0.1 port=%d eos-on-terminate=false max-retries=0 ! appsink name=out", port)
	for i, message := range messages {
		args := strings.Fields(fmt.Sprintf("send --port %d --frames 1 --gst auto --timeout 1.5", port))
		if args = append(args, "--message="+message); i%2 == 1 {
			args = append(args, "--compact")
		}
		s := peerArgs(t, args...)
		s.Exits(0)
		e := r.event("buffer", i+1)
		if !sameJSON(e.Message, message) {
			t.Errorf("NetgearMeta has message %s, want %s", e.Message, message)
		}
		if e.Port != fmt.Sprint(port) || e.Seq == nil || *e.Seq != 0 {
			t.Errorf("NetgearMeta has port %v and number %v, want %d and 0", e.Port, e.Seq, port)
		}
	}
}

// sameJSON compares values; NaN is equal to itself.
func sameJSON(a, b string) bool {
	canonical := func(text string) string {
		text = strings.NewReplacer("-Infinity", `"-Infinity"`, "NaN", `"NaN"`).Replace(text)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return err.Error() + text
		}
		out, err := json.Marshal(v)
		if err != nil {
			return err.Error() + text
		}
		return string(out)
	}
	return canonical(a) == canonical(b)
}

// A relay keeps the message of each frame.
func TestRelay(t *testing.T) {
	t.Parallel()
	far := peer(t, "recv --port 0")
	relay := launch(t, "netgearsrc address=127.0.0.1 port=0 ! netgearsink address=127.0.0.1 port=%d message=own", far.port())
	near := peer(t, "%s --message-index --port %d", sending(pair, formats[0]), relay.BoundPort())
	near.Exits(0)
	relay.Exits(0)
	far.Exits(0)
	frames := far.events("frame")
	if len(frames) != 6 {
		t.Fatalf("%d frames, want 6", len(frames))
	}
	for i, e := range frames {
		if got := string(e.Header["message"]); got != fmt.Sprint(i) {
			t.Errorf("frame %d has message %s", i, got)
		}
		if want := digest(formats[0].frame(i)); e.SHA256 != want {
			t.Errorf("frame %d: digest %s, want %s", i, e.SHA256, want)
		}
	}
}

// Between our own ends every format keeps its name, and every byte.
func TestEveryRawFormatBetweenElements(t *testing.T) {
	for i, name := range strings.Fields("BGR RGB GRAY8 BGRx RGBx xBGR xRGB BGRA RGBA ABGR ARGB GRAY16_LE GRAY16_BE") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := patterns[i%2]
			end, dir := receive(t)
			wantEnd, wantDir := receive(t)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v ! %s", p, end)
			s := launch(t, "videotestsrc num-buffers=3 ! video/x-raw,format=%s,width=37,height=22 ! tee name=t t. ! queue ! %s "+
				"t. ! queue ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false", name, wantEnd, r.BoundPort(), p)
			s.Exits(0)
			r.Exits(0)
			if caps := r.caps(); len(caps) != 1 || !strings.Contains(caps[0], "format=(string)"+name+",") {
				t.Errorf("caps %q, want %s once", caps, name)
			}
			got, want := frameFiles(t, dir), frameFiles(t, wantDir)
			if len(want) != 3 || !slices.EqualFunc(got, want, func(a, b []byte) bool { return visible(a, name) == visible(b, name) }) {
				t.Errorf("%d frames, which differ from the %d that were sent", len(got), len(want))
			}
		})
	}
}

// visible is a frame of 37x22 without the padding, whose content is nobody's.
func visible(frame []byte, name string) string {
	bytes := map[string]int{"BGR": 3, "RGB": 3, "GRAY8": 1, "GRAY16_LE": 2, "GRAY16_BE": 2}[name]
	if bytes == 0 {
		bytes = 4
	}
	packed, ok := unpad(frame, 37*bytes, 22)
	if !ok {
		return fmt.Sprintf("%d bytes: %x", len(frame), frame)
	}
	return string(packed)
}

// What GStreamer has no format for is a warning for that frame, and no more.
func TestUnknownFormats(t *testing.T) {
	for _, name := range []string{"float32", "1d"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end, dir := receive(t)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! %s", end)
			s := peer(t, "send --format %s --port %d", name, r.BoundPort())
			s.Exits(0)
			r.Exits(0)
			if n := len(frameFiles(t, dir)); n != 0 {
				t.Errorf("%d buffers, want none", n)
			}
			if n := r.Warnings(); n != 1 {
				t.Errorf("%d warnings, want one for all of a moment", n)
			}
		})
	}
}

// An array of one channel in three dimensions is gray.
func TestOneChannel(t *testing.T) {
	t.Parallel()
	end, dir := receive(t)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 ! %s", end)
	f := formats[1]
	s := peer(t, "send --format gray1 --width %d --height %d --frames 6 --port %d", width, height, r.BoundPort())
	r.Exits(0)
	s.Exits(0)
	checkReceived(t, r, s, f, dir)
}

// Frames that are too large cost none of the others. The size may change.
func TestMaxFrameSize(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		const row = width * 3
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v max-lag=0 max-frame-size=%d ! %s", p, 10*row, end)
		small, large := t.TempDir()+"/small", t.TempDir()+"/large"
		writeFile(t, small, formats[0].pixels(0, 10))
		writeFile(t, large, formats[0].pixels(0, 11))
		s := peer(t, "%s --port %d --file %s --file %s", sending(p, formats[0]), r.BoundPort(), small, large)
		s.Exits(0)
		r.Exits(0)
		frames := frameFiles(t, dir)
		if len(frames) != 3 {
			t.Errorf("%d frames, want the 3 small ones", len(frames))
		}
		for i, frame := range frames {
			if packed, ok := unpad(frame, row, 10); !ok || !slices.Equal(packed, formats[0].pixels(0, 10)) {
				t.Errorf("frame %d differs", i)
			}
		}
		if n := r.Warnings(); n == 0 || n > 2 {
			t.Errorf("%d warnings, want one for all of a moment", n)
		}
	})
}

func TestMaxFrameSizeOfJPEG(t *testing.T) {
	t.Parallel()
	end, dir := receive(t)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 max-frame-size=500 ! %s", end)
	s := peer(t, "send --format jpeg --port %d", r.BoundPort()) // more than 500 bytes each
	s.Exits(0)
	r.Exits(0)
	if n := len(frameFiles(t, dir)); n != 0 {
		t.Errorf("%d frames, want none", n)
	}
	r.Says(`^WARNING: .*max-frame-size=500`)
}

// A part far beyond max-frame-size ends its connection, but not ours with
// those that behave.
func TestFrameFarTooLarge(t *testing.T) {
	t.Parallel()
	end, dir := receive(t)
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 max-frame-size=10000 ! %s", end)
	huge := t.TempDir() + "/huge"
	if err := os.WriteFile(huge, make([]byte, 3*64*200_000), 0o644); err != nil {
		t.Fatal(err)
	}
	bad := peer(t, "send --frames 1 --timeout 0.5 --retries 1 --file %s --port %d", huge, r.BoundPort())
	bad.Exits(1)
	good := peer(t, "%s --port %d", sending(pair, formats[0]), r.BoundPort())
	good.Exits(0)
	r.Exits(0)
	if n := len(frameFiles(t, dir)); n != 6 {
		t.Errorf("%d frames, want the 6 good ones", n)
	}
}
