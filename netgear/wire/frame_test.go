package wire_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

func isMalformed(err error) bool {
	return errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrUnsupported)
}

func isUnsupported(err error) bool {
	return errors.Is(err, wire.ErrUnsupported) && !errors.Is(err, wire.ErrMalformed)
}

var (
	noShape = wire.Shape{N: -1}
	jpegBGR = wire.JPEGOptions{FastDCT: true, Colorspace: wire.ColorspaceBGR}
)

func raw(h wire.Header) wire.Header {
	h.HasMessage, h.DType, h.Shape = true, "uint8", wire.MakeShape(4, 6, 3)
	return h
}

// headers serves decoding, encoding and the fuzz seeds.
var headers = []struct {
	name string
	text string
	want wire.Header
	ours bool // what AppendHeader makes of want is text
}{
	{
		"raw", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{}), true,
	},
	{
		"JPEG", `{"terminate_flag": false, "compression": {"dct": true, "ups": false, "colorspace": "BGR"}, "message": null, "pattern": "2", "dtype": "", "shape": ""}`,
		wire.Header{Compressed: true, JPEG: jpegBGR, HasMessage: true, Pattern: wire.PubSub, Shape: noShape},
		true,
	},
	{
		"JPEG for CMYK", `{"terminate_flag": false, "compression": {"dct": false, "ups": true, "colorspace": "CMYK"}, "message": null, "pattern": "1", "dtype": "", "shape": ""}`,
		wire.Header{Compressed: true, JPEG: wire.JPEGOptions{FastUpsample: true, Colorspace: wire.ColorspaceCMYK}, HasMessage: true, Pattern: wire.ReqRep, Shape: noShape},
		true,
	},
	{
		"multi-server", `{"port": "26862", "terminate_flag": false, "compression": false, "message": "hello", "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: "26862", Message: wire.Raw(`"hello"`), Pattern: wire.ReqRep}), true,
	},
	{
		"multi-server, name as port", `{"port": "cam-\u00e9\ud83d\ude00\n\"", "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: "cam-é😀\n\"", Pattern: wire.ReqRep}), true,
	},
	{
		"multi-server, every escape in the port", `{"port": "\b\f\n\r\t\/\\\"\u00E9\ud83d\ud83d\uDE00\ud83dx", "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: "\b\f\n\r\t/\\\"é\ufffd😀\ufffdx", Pattern: wire.ReqRep}), false,
	},
	{
		"multi-server, number as port", `{"port": 26863, "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: "26863", Pattern: wire.ReqRep}), false,
	},
	{
		"multi-server, list as port", `{"port": [1, " \" [2,"], "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: `[1," \" [2,"]`, Pattern: wire.ReqRep}), false,
	},
	{
		"multi-server, null as port", `{"port": null, "terminate_flag": false, "compression": false, "message": null, "pattern": "1", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Port: "null", Pattern: wire.ReqRep}), false,
	},
	{
		"terminate", `{"terminate_flag": true}`,
		wire.Header{Terminate: true, Shape: noShape},
		true,
	},
	{
		"multi-server terminate", `{"terminate_flag": true, "port": "26862"}`,
		wire.Header{Terminate: true, Port: "26862", Shape: noShape},
		true,
	},
	{
		"terminate with everything else wrong", `{"terminate_flag": true, "compression": 5, "dtype": [], "gst": 1, "port": 7}`,
		wire.Header{Terminate: true, Port: "7", Shape: noShape},
		false,
	},
	{
		"scalar", `{"terminate_flag": false, "compression": false, "message": [1, {"a": NaN}], "pattern": "0", "dtype": "float64", "shape": []}`,
		wire.Header{Message: wire.Raw(`[1, {"a": NaN}]`), HasMessage: true, DType: "float64"},
		true,
	},
	{
		"unknown dtype and size", `{"terminate_flag": false, "compression": false, "message": -Infinity, "pattern": "0", "dtype": "datetime64[ns]", "shape": [-1, 2]}`,
		wire.Header{Message: wire.Raw(`-Infinity`), HasMessage: true, DType: "datetime64[ns]", Shape: wire.MakeShape(-1, 2)},
		true,
	},
	{
		"extension", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": {"v": 1, "seq": 0, "pts": 33333333, "dur": 33333334, "fps": "30000/1001", "t": 1700000000000000000, "key": false, "caps": "video/x-raw, colorimetry=(string)bt709"}}`,
		raw(wire.Header{HasExt: true, Ext: wire.Ext{
			HasSeq: true, PTS: 33333333, HasPTS: true, Dur: 33333334, HasDur: true, FPSNum: 30000, FPSDen: 1001,
			T: 1700000000000000000, HasT: true, Delta: true, Caps: "video/x-raw, colorimetry=(string)bt709",
		}}), true,
	},
	{
		"extension of a B-frame stream", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": {"v": 1, "pts": 0, "reorder": 66666666, "key": false}}`,
		raw(wire.Header{HasExt: true, Ext: wire.Ext{HasPTS: true, Reorder: 66666666, Delta: true}}), true,
	},
	{
		"empty extension", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": {"v": 1}}`,
		raw(wire.Header{HasExt: true}), true,
	},
	{
		"extension at its limits", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": {"v": 1, "seq": 18446744073709551615, "pts": 4611686018427387904, "fps": "0/1"}}`,
		raw(wire.Header{HasExt: true, Ext: wire.Ext{Seq: 1<<64 - 1, HasSeq: true, PTS: 1 << 62, HasPTS: true, FPSDen: 1}}), true,
	},
	{
		"extension, key frame and more keys", `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": {"key": true, "new": [1], "v": 1}}`,
		raw(wire.Header{HasExt: true}), false,
	},

	// what else Python's json.loads takes
	{
		"compact, raw UTF-8, blanks around", "\n\t {\"terminate_flag\":false,\"compression\":false,\"message\":\"\u00e9\",\"pattern\":\"0\",\"dtype\":\"uint8\",\"shape\":[4,6,3]}\r\n",
		raw(wire.Header{Message: wire.Raw(`"é"`)}), false,
	},
	{
		"escapes in keys and names", `{"terminate\u005fflag": false, "dt\u0079pe": "u\u0069nt8", "shape": [ 4 , 6 , 3 ], "message": "\ud800"}`,
		raw(wire.Header{Message: wire.Raw(`"\ud800"`)}), false,
	},
	{
		"last of duplicate keys", `{"terminate_flag": 1, "terminate_flag": false, "dtype": 5, "dtype": "uint8", "shape": [4, 6, 3], "message": 1, "message": 2}`,
		raw(wire.Header{Message: wire.Raw(`2`)}), false,
	},
	{
		"more keys", `{"x_pts": 1e-3, "terminate_flag": false, "nested": {"a": [{}, [], null, Infinity]}, "dtype": "uint8", "shape": [4, 6, 3], "message": 0, "": ""}`,
		raw(wire.Header{Message: wire.Raw(`0`)}), false,
	},

	// section "defects": what ends a Python receiver need not end ours
	{
		"no pattern", `{"terminate_flag": false, "compression": false, "message": null, "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{}), false,
	},
	{
		"number as pattern", `{"terminate_flag": false, "compression": false, "message": null, "pattern": 2, "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{Pattern: wire.PubSub}), false,
	},
	{
		"object as pattern", `{"terminate_flag": false, "compression": false, "message": null, "pattern": {}, "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{}), false,
	},
	{
		"no message", `{"terminate_flag": false, "compression": false, "pattern": "0", "dtype": "", "dtype": "uint8", "shape": [4]}`,
		wire.Header{DType: "uint8", Shape: wire.MakeShape(4)},
		false,
	},
	{
		"no compression", `{"terminate_flag": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{}), false,
	},
	{
		"null as compression", `{"terminate_flag": false, "compression": null, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3]}`,
		raw(wire.Header{}), false,
	},
	{
		"JPEG without dtype, shape and options", `{"terminate_flag": false, "compression": {}}`,
		wire.Header{Compressed: true, JPEG: jpegBGR, Shape: noShape},
		false,
	},
	{
		"JPEG with null as dtype and shape", `{"terminate_flag": false, "compression": {"colorspace": "GRAY", "more": 1}, "dtype": null, "shape": null}`,
		wire.Header{Compressed: true, JPEG: wire.JPEGOptions{FastDCT: true, Colorspace: wire.ColorspaceGRAY}, Shape: noShape},
		false,
	},
}

func TestParseHeader(t *testing.T) {
	for _, c := range headers {
		t.Run(c.name, func(t *testing.T) {
			got := wire.Header{Port: "stale", DType: "stale", Message: wire.Raw("1"), HasExt: true, BadExt: wire.ErrMalformed}
			if err := wire.ParseHeader([]byte(c.text), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("ParseHeader:\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestAppendHeader(t *testing.T) {
	for _, c := range headers {
		if !c.ours {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if got := wire.AppendHeader([]byte("x"), &c.want); string(got) != "x"+c.text {
				t.Errorf("AppendHeader:\n got %s\nwant x%s", got, c.text)
			}
		})
	}
}

// TestAppendHeaderDefaults encodes headers as a sender fills them in: zero
// values where a parser would have put a mark.
func TestAppendHeaderDefaults(t *testing.T) {
	got := wire.AppendHeader(nil, &wire.Header{Compressed: true, DType: "uint8", Shape: wire.MakeShape(1)})
	want := `{"terminate_flag": false, "compression": {"dct": false, "ups": false, "colorspace": "BGR"}, "message": null, "pattern": "0", "dtype": "", "shape": ""}`
	if string(got) != want {
		t.Errorf("JPEG:\n got %s\nwant %s", got, want)
	}
	for _, long := range []wire.Ext{{PTS: wire.MaxTime + 1, HasPTS: true}, {Dur: wire.MaxDuration + 1, HasDur: true}, {T: wire.MaxTime + 1, HasT: true}, {FPSNum: 1, FPSDen: 1 << 30}} {
		if got := wire.AppendHeader(nil, &wire.Header{HasExt: true, Ext: long}); !strings.Contains(string(got), `"gst": {"v": 1}`) {
			t.Errorf("%s", got)
		}
	}
	bad := wire.Ext{PTS: -1, HasPTS: true, Dur: -1, HasDur: true, T: -1, HasT: true, FPSNum: 30, Caps: "a\nb"}
	got = wire.AppendHeader(nil, &wire.Header{HasExt: true, Ext: bad, Shape: noShape})
	want = `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "", "shape": "", "gst": {"v": 1}}`
	if string(got) != want {
		t.Errorf("extension out of range:\n got %s\nwant %s", got, want)
	}
}

const rest = `, "terminate_flag": false, "dtype": "uint8", "shape": [4, 6, 3]}`

var badHeaders = []struct{ name, text, want string }{
	{"empty", ``, `byte 0: want an object, got the end`},
	{"blank", ` `, `byte 1: want an object, got the end`},
	{"text", `hello`, `byte 0: want an object, got hello`},
	{"null", `null`, `want an object, got null`},
	{"array", `[]`, `want an object, got []`},
	{"empty object", `{}`, `"terminate_flag": missing, want true or false`},
	{"no terminate_flag", `{"a": 1}`, `"terminate_flag": missing, want true or false`},
	{"terminate_flag is a number", `{"terminate_flag": 1}`, `"terminate_flag": want true or false, got 1`},
	{"terminate_flag is a word", `{"terminate_flag": True}`, `want a value, got True}`},
	{"something behind", `{"terminate_flag": true} x`, `byte 25: want the end, got x`},
	{"two objects", `{"terminate_flag": true}{}`, `want the end`},
	{"no comma", `{"a": 1 "b": 2}`, `byte 8: want "," or "}", got "b": 2}`},
	{"comma at the end", `{"a": 1,}`, `want a key, got }`},
	{"no colon", `{"a" 1}`, `want ":", got 1}`},
	{"number as key", `{1: 1}`, `want a key`},
	{"no value", `{"a": }`, `want a value, got }`},
	{"nested comma", `{"a": [1,]}`, `want a value, got ]}`},
	{"nested no comma", `{"a": [1 2]}`, `want "," or "]", got 2]}`},
	{"nested key", `{"a": {"b": 1, 2}}`, `want a key, got 2}}`},
	{"nested no colon", `{"a": {"b"}}`, `want ":", got }}`},
	{"single quotes", `{'terminate_flag': true}`, `want a key`},
	{"open string", `{"a": "b`, `want a closing ", got the end`},
	{"newline in a string", "{\"a\": \"\n\"}", `want no control character in a string`},
	{"unknown escape", `{"a": "\x41"}`, `want an escape, got \x41"}`},
	{"short escape", `{"a": "\u12"}`, `want an escape, got \u12"}`},
	{"escape at the end", `{"a": "\`, `want an escape`},
	{"leading zero", `{"a": 01}`, `want "," or "}", got 1}`},
	{"plus", `{"a": +1}`, `want a value`},
	{"lone minus", `{"a": -}`, `want a digit, got }`},
	{"lone point", `{"a": 1.}`, `want a digit`},
	{"lone exponent", `{"a": 1e+}`, `want a digit`},
	{"more digits than Python takes", `{"a": -` + strings.Repeat("1", 4301) + `}`, `want at most 4300 digits, got 4301`},
	{"deep", `{"a": ` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + rest, `want at most 64 levels`},
	{"invalid UTF-8", "{\"a\": \"\xff\"}", `want UTF-8`},
	{"surrogate in UTF-8", "{\"a\": \"\xed\xa0\x80\"}", `want UTF-8`},
	{"byte order mark", "\ufeff{\"terminate_flag\": true}", `want an object`},
	{"too long", `{"a": "` + strings.Repeat("a", wire.MaxHeaderLen) + `"` + rest, `want at most 16842752`},

	{"compression is true", `{"compression": true` + rest, `"compression": want false or an object, got true`},
	{"compression is a number", `{"compression": 0` + rest, `"compression": want false or an object, got 0`},
	{"dct is null", `{"compression": {"dct": null}` + rest, `"compression.dct": want true or false, got null`},
	{"ups is text", `{"compression": {"ups": "no"}` + rest, `"compression.ups": want true or false, got "no"`},
	{"unknown colorspace", `{"compression": {"colorspace": "bgr"}` + rest, `"compression.colorspace": want one of NetGear's colour spaces (BGR, GRAY), got "bgr"`},
	{"colorspace is a number", `{"compression": {"colorspace": 1}` + rest, `"compression.colorspace": want`},
	{"no dtype", `{"terminate_flag": false, "compression": false, "shape": [1]}`, `"dtype": missing, want a string`},
	{"empty dtype", `{"terminate_flag": false, "dtype": "", "shape": [1]}`, `"dtype": want the name of a numpy dtype, got ""`},
	{"dtype is a number", `{"terminate_flag": false, "dtype": 5, "shape": [1]}`, `wire: header: "dtype": want a string, got 5: malformed message`},
	{"no shape", `{"terminate_flag": false, "dtype": "uint8"}`, `"shape": missing, want an array of integers`},
	{"empty text as shape", `{"terminate_flag": false, "dtype": "uint8", "shape": ""}`, `"shape": want an array of integers, got ""`},
	{"fraction in shape", `{"terminate_flag": false, "dtype": "uint8", "shape": [1.0]}`, `"shape": want integers from -1 on, got [1.0]`},
	{"null in shape", `{"terminate_flag": false, "dtype": "uint8", "shape": [null]}`, `"shape": want integers`},
	{"-2 in shape", `{"terminate_flag": false, "dtype": "uint8", "shape": [-2]}`, `"shape": want integers`},
	{"huge shape", `{"terminate_flag": false, "dtype": "uint8", "shape": [9223372036854775808]}`, `"shape": want integers`},
	{"nine dimensions", `{"terminate_flag": false, "dtype": "uint8", "shape": [1,1,1,1,1,1,1,1,1]}`, `"shape": want at most 8 dimensions`},
	{"long port", `{"port": "` + strings.Repeat("p", wire.MaxPortLen+1) + `"` + rest, `"port": want at most 1024 bytes, got "ppppppppppppppppppppppppppppppppppppppp…`},
	{"long value in the error", `{"terminate_flag": "` + strings.Repeat("é", 30) + `"}`, `got "ééééééééééééééééééé…: malformed`},
	{"terminal escape in the error", "{\"terminate_flag\": \"\u009b2J\"}", "got \"\ufffd2J\""},
}

func TestParseHeaderRefuses(t *testing.T) {
	for _, c := range badHeaders {
		t.Run(c.name, func(t *testing.T) {
			var h wire.Header
			err := wire.ParseHeader([]byte(c.text), &h)
			if !isMalformed(err) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "wire: header: ") {
				t.Errorf("ParseHeader: %v\nwant ErrMalformed with %s", err, c.want)
			}
		})
	}
}

func TestDeepestHeader(t *testing.T) {
	value := strings.Repeat("[", wire.MaxDepth) + strings.Repeat("]", wire.MaxDepth)
	var h wire.Header
	if err := wire.ParseHeader([]byte(`{"message": `+value+rest), &h); err != nil || string(h.Message) != value {
		t.Errorf("ParseHeader = %v, message %s", err, h.Message)
	}
	if !wire.ValidValue(wire.Raw(value)) || wire.ValidValue(wire.Raw("["+value+"]")) {
		t.Error("ValidValue and ParseHeader do not agree on MaxDepth")
	}
}

// TestBadExt keeps the frame whatever is under the "gst" key.
func TestBadExt(t *testing.T) {
	for _, c := range []struct{ ext, want string }{
		{`null`, `"gst": want an object, got null`},
		{`[]`, `"gst": want an object, got []`},
		{`{}`, `"gst.v": missing, want 1`},
		{`{"v": 2}`, `"gst.v": want 1, got 2`},
		{`{"v": "1"}`, `"gst.v": want 1, got "1"`},
		{`{"v": 1.0}`, `"gst.v"`},
		{`{"v": 1, "seq": -1}`, `"gst.seq"`},
		{`{"v": 1, "seq": 18446744073709551616}`, `"gst.seq"`},
		{`{"v": 1, "seq": 12.0}`, `"gst.seq"`},
		{`{"v": 1, "seq": null}`, `"gst.seq"`},
		{`{"v": 1, "pts": 9223372036854775808}`, `"gst.pts"`},
		{`{"v": 1, "pts": -1}`, `"gst.pts"`},
		{`{"v": 1, "reorder": -1}`, `"gst.reorder"`},
		{`{"v": 1, "reorder": 10000000001}`, `"gst.reorder"`},
		{`{"v": 1, "reorder": "1"}`, `"gst.reorder"`},
		{`{"v": 1, "dur": 1e3}`, `"gst.dur"`},
		{`{"v": 1, "pts": 4611686018427387905}`, `"gst.pts"`},
		{`{"v": 1, "dur": 9223372036854775807}`, `"gst.dur"`},
		{`{"v": 1, "dur": 86400000000001}`, `"gst.dur"`},
		{`{"v": 1, "t": 9223372036854775807}`, `"gst.t"`},
		{`{"v": 1, "fps": "1000001/1"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "1/86401"}`, `"gst.fps"`},
		{`{"v": 1, "t": "now"}`, `"gst.t"`},
		{`{"v": 1, "fps": 30}`, `"gst.fps"`},
		{`{"v": 1, "fps": "30"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "30/0"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "-30/1"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "30/1/1"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "2147483648/1"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "1/2147483648"}`, `"gst.fps"`},
		{`{"v": 1, "fps": "/"}`, `"gst.fps"`},
		{`{"v": 1, "key": 1}`, `"gst.key"`},
		{`{"v": 1, "caps": 1}`, `"gst.caps"`},
		{`{"v": 1, "caps": "a\u0000"}`, `"gst.caps"`},
		{`{"v": 1, "caps": "a\u009b"}`, `"gst.caps"`},
		{`{"v": 1, "caps": "` + strings.Repeat("c", wire.MaxCapsLen+1) + `"}`, `"gst.caps"`},
	} {
		var h wire.Header
		if err := wire.ParseHeader([]byte(`{"gst": `+c.ext+rest), &h); err != nil {
			t.Errorf("%s: %v, want the frame", c.ext, err)
			continue
		}
		if h.HasExt || h.Ext != (wire.Ext{}) || !isMalformed(h.BadExt) || !strings.Contains(h.BadExt.Error(), c.want) {
			t.Errorf("%s: HasExt = %v, BadExt = %v, want %s", c.ext, h.HasExt, h.BadExt, c.want)
		}
		if h.Shape.N != 3 {
			t.Errorf("%s: shape %v, want the frame's", c.ext, h.Shape)
		}
	}
}

func TestMessageCannotGrowIntoHeader(t *testing.T) {
	text := []byte(`{"message": 1` + rest)
	var h wire.Header
	if err := wire.ParseHeader(text, &h); err != nil {
		t.Fatal(err)
	}
	_ = append(h.Message, "2345"...)
	if string(text) != `{"message": 1`+rest {
		t.Errorf("append to Message wrote into the header: %s", text)
	}
}

func TestPatternString(t *testing.T) {
	for p, want := range []string{"pair", "req-rep", "pub-sub", "pattern(3)"} {
		if got := wire.Pattern(p).String(); got != want {
			t.Errorf("Pattern(%d) = %s, want %s", p, got, want)
		}
	}
}

func TestColorspaceValid(t *testing.T) {
	for c := range strings.FieldsSeq("RGB BGR RGBX BGRX XBGR XRGB GRAY RGBA BGRA ABGR ARGB CMYK") {
		if !wire.Colorspace(c).Valid() {
			t.Errorf("%s is not valid", c)
		}
	}
	for _, c := range []wire.Colorspace{"", "bgr", "YUV", "BGRx"} {
		if c.Valid() {
			t.Errorf("%q is valid", c)
		}
	}
}

func TestShape(t *testing.T) {
	if got := wire.MakeShape(4, 6, 3).Dims(); !reflect.DeepEqual(got, []int{4, 6, 3}) {
		t.Errorf("Dims = %v", got)
	}
	if got := (wire.Shape{}).Dims(); got == nil || len(got) != 0 {
		t.Errorf("Dims of a scalar = %#v, want an empty slice", got)
	}
	if got := noShape.Dims(); got != nil {
		t.Errorf("Dims without a shape = %#v, want nil", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("MakeShape took nine dimensions")
		}
	}()
	wire.MakeShape(1, 1, 1, 1, 1, 1, 1, 1, 1)
}
