package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// replies serves decoding, encoding and the fuzz seeds.
var replies = []struct {
	name string
	text string
	want wire.Reply
	ours bool // what AppendReply makes of want is text
}{
	{"confirmation", `Data received on device: W9TBHLGW !`, wire.Reply{Text: []byte(`Data received on device: W9TBHLGW !`), Shape: noShape}, true},
	{"terminate", wire.ConfirmTerminate, wire.Reply{Text: []byte(wire.ConfirmTerminate), Shape: noShape}, true},
	{"empty", ``, wire.Reply{Text: []byte{}, Shape: noShape}, true},
	{"nothing", `{"return_type": "NoneType", "data": null}`, wire.Reply{JSON: true, ReturnType: "NoneType", Shape: noShape}, true},
	{"text", `{"return_type": "str", "data": "Hi \u00e9"}`, wire.Reply{JSON: true, ReturnType: "str", Data: wire.Raw(`"Hi \u00e9"`), Shape: noShape}, true},
	{"tuple", `{"return_type": "tuple", "data": [1, 2]}`, wire.Reply{JSON: true, ReturnType: "tuple", Data: wire.Raw(`[1, 2]`), Shape: noShape}, true},
	{"NaN", `{"return_type": "float", "data": NaN}`, wire.Reply{JSON: true, ReturnType: "float", Data: wire.Raw(`NaN`), Shape: noShape}, true},
	{"another type", `{"return_type": "Caf\u00e9", "data": {}}`, wire.Reply{JSON: true, ReturnType: "Café", Data: wire.Raw(`{}`), Shape: noShape}, true},
	{
		"array", `{"return_type": "ndarray", "compression": false, "array_dtype": "uint8", "array_shape": [4, 6, 3], "data": null}`,
		wire.Reply{JSON: true, ReturnType: "ndarray", Array: true, DType: "uint8", Shape: wire.MakeShape(4, 6, 3)},
		true,
	},
	{
		"JPEG", `{"return_type": "ndarray", "compression": {"dct": true, "ups": false, "colorspace": "BGR"}, "array_dtype": "", "array_shape": "", "data": null}`,
		wire.Reply{JSON: true, ReturnType: "ndarray", Array: true, Compressed: true, JPEG: jpegBGR, Shape: noShape},
		true,
	},
	{
		"multi-client", `{"port": "38132", "return_type": "str", "data": "client says"}`,
		wire.Reply{JSON: true, Port: "38132", ReturnType: "str", Data: wire.Raw(`"client says"`), Shape: noShape},
		true,
	},
	{
		"multi-client, number as port", `{"port": 22567, "return_type": "NoneType", "data": null}`,
		wire.Reply{JSON: true, Port: "22567", ReturnType: "NoneType", Shape: noShape},
		false,
	},
	{"no data", `{"return_type": "NoneType"}`, wire.Reply{JSON: true, ReturnType: "NoneType", Shape: noShape}, false},
	{
		"array with data", `{"data": 5, "return_type": "ndarray", "array_dtype": "uint8", "array_shape": [1], "more": 1}`,
		wire.Reply{JSON: true, ReturnType: "ndarray", Array: true, DType: "uint8", Shape: wire.MakeShape(1)},
		false,
	},
	{"JSON without return_type", `{"data": 5}`, wire.Reply{Text: []byte(`{"data": 5}`), Shape: noShape}, true},
	{"braces without JSON", `{hello}`, wire.Reply{Text: []byte(`{hello}`), Shape: noShape}, true},
	{"bytes", "\xff\x00{", wire.Reply{Text: []byte("\xff\x00{"), Shape: noShape}, true},
}

func TestParseReply(t *testing.T) {
	for _, c := range replies {
		t.Run(c.name, func(t *testing.T) {
			got := wire.Reply{Port: "stale", JSON: true, Array: true, Data: wire.Raw("1")}
			if err := wire.ParseReply([]byte(c.text), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("ParseReply:\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestAppendReply(t *testing.T) {
	for _, c := range replies {
		if !c.ours {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if got := wire.AppendReply([]byte("x"), &c.want); string(got) != "x"+c.text {
				t.Errorf("AppendReply:\n got %s\nwant x%s", got, c.text)
			}
		})
	}
	got := wire.AppendReply(nil, &wire.Reply{JSON: true, Data: wire.Raw("1.5")})
	if want := `{"return_type": "float", "data": 1.5}`; string(got) != want {
		t.Errorf("without ReturnType: got %s, want %s", got, want)
	}
}

func TestAppendConfirmation(t *testing.T) {
	if got := wire.AppendConfirmation(nil, "XXXXXXXX"); string(got) != "Data received on device: XXXXXXXX !" {
		t.Errorf("got %s", got)
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"return_type": 5, "data": null}`, `"return_type": want a string, got 5`},
		{`{"return_type": "str", "data": }`, `want a value`},
		{`{"return_type": "str", "data": null`, `want "," or "}", got the end`},
		{`{"return_type": "str"} x`, `want the end`},
		{` {"return_type"`, `want ":"`},
		{"{\"return_type\": \"\xff\"}", `want UTF-8`},
		{`{"return_type": "str", "data": "` + strings.Repeat("a", wire.MaxHeaderLen) + `"}`, `want at most`},
		{`{"return_type": "str", "port": "` + strings.Repeat("a", wire.MaxPortLen+1) + `"}`, `"port": want at most`},
		{`{"return_type": "ndarray"}`, `"array_dtype": missing, want a string`},
		{`{"return_type": "ndarray", "array_dtype": "uint8"}`, `"array_shape": missing`},
		{`{"return_type": "ndarray", "array_dtype": "uint8", "array_shape": {}}`, `"array_shape": want an array of integers, got {}`},
		{`{"return_type": "ndarray", "compression": true}`, `"compression": want false or an object`},
	} {
		var r wire.Reply
		err := wire.ParseReply([]byte(c.text), &r)
		if !isMalformed(err) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "wire: reply: ") {
			t.Errorf("ParseReply(%.60s): %v\nwant ErrMalformed with %s", c.text, err, c.want)
		}
	}
}
