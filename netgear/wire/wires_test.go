package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// captured are messages of the real programs, by wire.
var captured = map[wire.Wire]string{
	wire.ImageZMQ: "imagezmq-1.2.0.jsonl",
	wire.JPEG:     "teleimager-2.0.6.jsonl", // and jetbot's
	wire.LeRobot:  "lerobot-0.6.1.jsonl",    // ImageServer and the lines of lekiwi_host.py
	wire.Array:    "pyzmq-24.0.1.jsonl",     // send_array of its documentation
}

func capture(tb testing.TB, w wire.Wire) (vectors []vector) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", captured[w]))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var v vector
		if err := json.Unmarshal(line, &v); err != nil {
			tb.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	if len(vectors) == 0 {
		tb.Fatal("no vectors")
	}
	return vectors
}

// dataOf returns the data of a picture.
func dataOf(tb testing.TB, p *wire.Picture, parts [][]byte) []byte {
	tb.Helper()
	if p.Part >= 0 {
		return parts[p.Part]
	}
	data := make([]byte, wire.Base64Len(p.Base64))
	if err := wire.DecodeBase64(data, p.Base64); err != nil {
		tb.Fatal(err)
	}
	return data
}

// TestCapturedMessages decodes what the real programs sent, and sends it again byte
// for byte where a message has one picture.
func TestCapturedMessages(t *testing.T) {
	for w := range captured {
		f := w.Foreign()
		for i, v := range capture(t, w) {
			if v.isReply() {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d/%s", captured[w], i, v.Case), func(t *testing.T) {
				if got := wire.Detect(v.Parts); got != w {
					t.Errorf("Detect: %d, want %d", got, w)
				}
				pictures, err := f.Parse(nil, v.Parts)
				if err != nil {
					t.Fatal(err)
				}
				for i := range pictures {
					p := &pictures[i]
					data := dataOf(t, p, v.Parts)
					if err := p.Header.Check(data, 0); err != nil {
						t.Errorf("%s: %v", p.Header.Port, err)
					}
					if err := f.Carries(&p.Header); err != nil {
						t.Errorf("Carries: %v", err)
					}
				}
				if len(pictures) == 1 && !strings.HasPrefix(v.Case, "topic") {
					sameAgain(t, f, &pictures[0], v.Parts)
				}
			})
		}
	}
}

// sameAgain sends the only picture of a message again.
func sameAgain(t *testing.T, f wire.Foreign, p *wire.Picture, parts [][]byte) {
	t.Helper()
	h := p.Header
	if h.Name == wire.ByCamera {
		h.Message = wire.ValueFromText(h.Port)
	}
	data := dataOf(t, p, parts)
	head := f.Append(nil, &h, data)
	again := [][]byte{head, data}
	switch f.Form() {
	case wire.HeadAlone:
		again = again[:1]
	case wire.DataAlone:
		again = again[1:]
	case wire.HeadAndData:
	}
	if !reflect.DeepEqual(again, parts) {
		t.Errorf("sent again as %.200q, want %.200q", again, parts)
	}
}

func TestNamesAndTimes(t *testing.T) {
	names := func(w wire.Wire, i int) (got []string) {
		v := capture(t, w)[i]
		pictures, err := w.Foreign().Parse(nil, v.Parts)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pictures {
			got = append(got, p.Header.Port)
			if p.Header.Name == wire.ByPort {
				t.Errorf("%s: named by its port", p.Header.Port)
			}
		}
		return got
	}
	for i, want := range map[int]string{0: "rpi1", 3: "depth", 7: "Küche 🎥 \"links\"\ufffd", 8: "7", 9: `{"node":"rpi1","view":["a",1.5,null]}`, 10: ""} {
		if got := names(wire.ImageZMQ, i); got[0] != want {
			t.Errorf("imagezmq: %q, want %q", got, want)
		}
	}
	if got, want := names(wire.LeRobot, 1), []string{"head_camera", "left_wrist", "right_wrist"}; !reflect.DeepEqual(got, want) {
		t.Errorf("LeRobot: %q, want %q", got, want)
	}
	if got, want := names(wire.LeRobot, 3), []string{"front", "wrist"}; !reflect.DeepEqual(got, want) {
		t.Errorf("LeKiwi: %q, want %q", got, want)
	}
	for text, want := range map[string]int64{
		"1795686880.678189": 1795686880678189039, "0.5": 5e8, "7": 7e9, "1e3": 1e12, "0": 0, "-1": 0, "NaN": 0, "Infinity": 0, "1e300": 0, `"1"`: 0, "null": 0, "[]": 0,
	} {
		message := []byte(`{"timestamps": {"a": ` + text + `, "b": 1}, "images": {"a": "/9j/"}}`)
		pictures, err := wire.LeRobot.Foreign().Parse(nil, [][]byte{message})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if h := &pictures[0].Header; h.Ext.HasT != (want > 0) || math.Abs(float64(h.Ext.T-want)) > 1000 {
			t.Errorf("%s: %d, want %d", text, h.Ext.T, want)
		}
	}
}

var anyJPEG = string([]byte{0xff, 0xd8, 0xff, 0xd9})

// foreignCases serves decoding, Detect and the fuzz seeds. want is part of the error,
// or empty for a good message.
var foreignCases = []struct {
	w     wire.Wire
	parts []string
	want  string
}{
	{wire.ImageZMQ, []string{`{"msg": "a"}`, anyJPEG}, ""},
	{wire.ImageZMQ, []string{` {"shape":[2,2],"x":{},"msg":"a","dtype":"|u1"}`, "1234"}, ""},
	{wire.ImageZMQ, []string{`{"msg": "a"}`}, "1 parts"},
	{wire.ImageZMQ, []string{`{"msg": "a"}`, "", ""}, "3 parts"},
	{wire.ImageZMQ, []string{`{"msg": "a", "dtype": "uint8"}`, "1234"}, `"shape": missing`},
	{wire.ImageZMQ, []string{`{"msg": "a", "shape": [4]}`, "1234"}, `"dtype": missing`},
	{wire.ImageZMQ, []string{`{"msg": "a", "dtype": 1, "shape": [4]}`, "1234"}, `"dtype": want a string`},
	{wire.ImageZMQ, []string{`{"msg": "a", "dtype": "uint8", "shape": [-2]}`, "1234"}, `"shape": want integers`},
	{wire.ImageZMQ, []string{`{"dtype": "uint8", "shape": [4]}`, "1234"}, `"msg": missing`},
	{wire.ImageZMQ, []string{`{"msg": "a"`, anyJPEG}, `got the end`},
	{wire.ImageZMQ, []string{`["msg"]`, anyJPEG}, `want an object`},
	{wire.ImageZMQ, []string{"{\"msg\": \"\xff\"}", anyJPEG}, `want UTF-8`},
	{wire.ImageZMQ, []string{"", ""}, `want an object`},
	{wire.Array, []string{`{"dtype": "uint8", "shape": [4]}`, "1234"}, ""},
	{wire.Array, []string{`{"dtype": "uint8"}`, "1234"}, `"shape": missing`},
	{wire.Array, []string{`{"dtype": "uint8", "shape": [4]}`}, "1 parts"},
	{wire.JPEG, []string{anyJPEG}, ""},
	{wire.JPEG, []string{"camera", anyJPEG}, ""},
	{wire.JPEG, []string{`{"t": 1}`, anyJPEG}, ""},
	{wire.JPEG, []string{"", anyJPEG}, ""},
	{wire.JPEG, []string{"camera", "1", anyJPEG}, "3 parts"},
	{wire.JPEG, []string{anyJPEG, "camera"}, "want the beginning"},
	{wire.JPEG, []string{""}, "want the beginning"},
	{wire.LeRobot, []string{`{"timestamps": {"a": 1}, "images": {"a": "/9j/"}}`}, ""},
	{wire.LeRobot, []string{`{"images": {"a": "\/9j\/", "b": ""}}`}, ""},
	{wire.LeRobot, []string{`{"images": {}}`}, ""},
	{wire.LeRobot, []string{`{"images": {"a": "", "a": "/9j/"}}`}, ""},
	{wire.LeRobot, []string{`{"images": {"a": 1}}`}, `"images": want base64`},
	{wire.LeRobot, []string{`{"images": []}`}, `"images": want an object`},
	{wire.LeRobot, []string{`{"timestamps": {}}`}, `"images": missing`},
	{wire.LeRobot, []string{`{"timestamps": 1, "images": {}}`}, `"timestamps": want an object`},
	{wire.LeRobot, []string{`{"images": {` + strings.Repeat(`"a": "", `, 40) + `"b": ""}}`}, ""},
	{wire.LeRobot, []string{`{"_cams": ["a"], "x": 1}`, anyJPEG}, ""},
	{wire.LeRobot, []string{`{"_cams": ["a", "b"]}`, anyJPEG, ""}, ""},
	{wire.LeRobot, []string{`{"_cams": ["a", "b"]}`, anyJPEG}, `"_cams"`},
	{wire.LeRobot, []string{`{"_cams": ["a"]}`, anyJPEG, anyJPEG}, `"_cams"`},
	{wire.LeRobot, []string{`{"_cams": []}`, anyJPEG}, `"_cams"`},
	{wire.LeRobot, []string{`{"_cams": [1]}`, anyJPEG}, `"_cams"`},
	{wire.LeRobot, []string{`{"_cams": {}}`, anyJPEG}, `"_cams"`},
	{wire.LeRobot, []string{`{"a": 1}`, anyJPEG}, `"_cams": missing`},
}

func bytesOf(parts []string) (b [][]byte) {
	for _, p := range parts {
		b = append(b, []byte(p))
	}
	return b
}

func TestForeignMessages(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"c%d": ""`, i)
	}
	cases := append(slices.Clip(foreignCases), struct {
		w     wire.Wire
		parts []string
		want  string
	}{wire.LeRobot, []string{`{"images": {` + strings.Join(many, ", ") + `}}`}, "at most 32 cameras"})
	for _, c := range cases {
		parts := bytesOf(c.parts)
		pictures, err := c.w.Foreign().Parse(nil, parts)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%d %.100q: %v", c.w, c.parts, err)
		case c.want != "" && (!isMalformed(err) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%d %.100q: %v, want %q", c.w, c.parts, err, c.want)
		case c.want != "" && len(pictures) > 0:
			t.Errorf("%d %.100q: pictures beside an error", c.w, c.parts)
		case c.want == "" && wire.Detect(parts) != c.w:
			t.Errorf("%d %.100q: Detect %d", c.w, c.parts, wire.Detect(parts))
		}
	}
}

// Nobody takes NetGear's messages for another wire's, however broken they are.
func TestDetectNetGear(t *testing.T) {
	for _, v := range golden(t) {
		if got := wire.Detect(v.Parts); !v.isReply() && got != wire.NetGear {
			t.Errorf("%q: %d", v.Parts[0], got)
		}
	}
	for _, parts := range [][]string{
		{`{"terminate_flag": false, "msg": 1, "dtype": "uint8", "shape": [4]}`, "1234"},
		{`{"compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4]}`, "1234"},
		{`{"terminate_flag": tru`},
		{`{"pattern": "0", "dtype": "uint8", "shape": [4]}`, "1234"},
	} {
		if got := wire.Detect(bytesOf(parts)); got != wire.NetGear && got != wire.Auto {
			t.Errorf("%q: %d", parts, got)
		}
	}
	for _, parts := range [][]string{{""}, {"hello"}, {`{}`, "1"}, {`{"msg": "a"}`}, {`{"images": {}}`, ""}, {`{"dtype": "uint8"}`, "1"}, {"\xff\xd8"}, {"a", "b", anyJPEG}} {
		if got := wire.Detect(bytesOf(parts)); got != wire.Auto {
			t.Errorf("%q: %d", parts, got)
		}
	}
}

func TestCarries(t *testing.T) {
	jpeg := wire.Header{Compressed: true, Shape: noShape}
	array := wire.Header{DType: "uint8", Shape: wire.MakeShape(4, 6, 3)}
	encoded := wire.Header{DType: "uint8", Shape: wire.MakeShape(9), HasExt: true, Ext: wire.Ext{Caps: "video/x-h264"}}
	delta := encoded
	delta.Ext.Caps, delta.Ext.Delta = "", true
	for w, want := range map[wire.Wire][4]bool{
		wire.ImageZMQ: {true, true, false, false}, wire.JPEG: {true, false, false, false},
		wire.LeRobot: {true, false, false, false}, wire.Array: {false, true, false, false},
	} {
		for i, h := range []wire.Header{jpeg, array, encoded, delta} {
			err := w.Foreign().Carries(&h)
			if (err == nil) != want[i] || err != nil && !errors.Is(err, wire.ErrUnsupported) {
				t.Errorf("wire %d, frame %d: %v", w, i, err)
			}
		}
	}
	for _, w := range []wire.Wire{wire.Auto, wire.NetGear, 99} {
		if w.Foreign() != nil || w.Named() {
			t.Errorf("wire %d is foreign", w)
		}
	}
}

func TestLongNames(t *testing.T) {
	for _, c := range []struct{ msg, want string }{
		{`"` + strings.Repeat("é", 2000) + `"`, strings.Repeat("é", wire.MaxPortLen/2)},
		{`"x` + strings.Repeat("é", 2000) + `"`, "x" + strings.Repeat("é", wire.MaxPortLen/2-1)},
		{`"a\u0000b\u001b"`, "a\ufffdb\ufffd"},
		{`[1, 2]`, "[1,2]"},
	} {
		pictures, err := wire.ImageZMQ.Foreign().Parse(nil, [][]byte{[]byte(`{"msg": ` + c.msg + `}`), []byte(anyJPEG)})
		if err != nil || pictures[0].Header.Port != c.want {
			t.Errorf("%.40s: %.40q, %v", c.msg, pictures[0].Header.Port, err)
		}
	}
}

func TestDecodeBase64(t *testing.T) {
	for n := range 10 {
		want := bytes.Repeat([]byte{0xfb, 0xef, 0xbe}, 4)[:n]
		text := base64.StdEncoding.EncodeToString(want)
		got := make([]byte, wire.Base64Len([]byte(text)))
		if err := wire.DecodeBase64(got, []byte(text)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"a", "ab", "abc", "ab==cd==", "====", "a===", "ab=c", "abcd\n", "ab\ncd\nef\n=", "a-b_", "\xff\xff\xff\xff", "ab c"} {
		got := make([]byte, wire.Base64Len([]byte(text)))
		if err := wire.DecodeBase64(got, []byte(text)); !isMalformed(err) {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
}

// A message that is like the last one costs no allocation.
func TestForeignAllocations(t *testing.T) {
	for w := range captured {
		f := w.Foreign()
		v := capture(t, w)[0]
		pictures, err := f.Parse(nil, v.Parts)
		if err != nil {
			t.Fatal(err)
		}
		var dst []byte
		h := pictures[0].Header
		if n := testing.AllocsPerRun(100, func() {
			if pictures, err = f.Parse(pictures[:0], v.Parts); err != nil {
				t.Fatal(err)
			}
			if w != wire.LeRobot { // whose name is decoded anew
				dst = f.Append(dst[:0], &h, v.Parts[len(v.Parts)-1])
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", captured[w], n)
		}
	}
}
