package wire_test

import (
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// values serves ValueFromText, ValidValue, PythonType and the fuzz seeds.
var values = []struct {
	text   string
	want   string
	python string // type
}{
	{``, ``, "NoneType"},
	{`null`, `null`, "NoneType"},
	{`hello`, `"hello"`, "str"},
	{`"hello"`, `"hello"`, "str"},
	{`Hi é`, `"Hi \u00e9"`, "str"},
	{`"Hi é"`, `"Hi é"`, "str"},
	{`😀/`, `"\ud83d\ude00/"`, "str"},
	{"\x00\x1f\x7f\b\f\n\r\t\"\\", `"\u0000\u001f\u007f\b\f\n\r\t\"\\"`, "str"},
	{"a\xffb", `"a\ufffdb"`, "str"},
	{"\"\xff\"", `"\"\ufffd\""`, "str"},
	{` `, `" "`, "str"},
	{`5`, `5`, "int"},
	{"\n -5\t", `-5`, "int"},
	{`1.5`, `1.5`, "float"},
	{`1e3`, `1e3`, "float"},
	{`-1E-3`, `-1E-3`, "float"},
	{`NaN`, `NaN`, "float"},
	{`Infinity`, `Infinity`, "float"},
	{`-Infinity`, `-Infinity`, "float"},
	{`nan`, `"nan"`, "str"},
	{`true`, `true`, "bool"},
	{`True`, `"True"`, "str"},
	{`[1, "s", ["x"], NaN]`, `[1, "s", ["x"], NaN]`, "list"},
	{"{\n \"a\": {}\n}\n", "{\n \"a\": {}\n}", "dict"},
	{`{a: 1}`, `"{a: 1}"`, "str"},
	{`1 2`, `"1 2"`, "str"},
	{`01`, `"01"`, "str"},
	{`"\ud800"`, `"\ud800"`, "str"},
	{`"\uD83D\uDE00"`, `"\uD83D\uDE00"`, "str"},
	{strings.Repeat("1", 4300), strings.Repeat("1", 4300), "int"},
	{strings.Repeat("1", 4301), `"` + strings.Repeat("1", 4301) + `"`, "str"},
	{strings.Repeat("[", 65) + strings.Repeat("]", 65), `"` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `"`, "str"},
}

func TestValueFromText(t *testing.T) {
	for _, c := range values {
		got := wire.ValueFromText(c.text)
		if string(got) != c.want || (got == nil) != (c.text == "") {
			t.Errorf("ValueFromText(%.60q) = %.60s, want %.60s", c.text, got, c.want)
		}
		if !wire.ValidValue(got) {
			t.Errorf("ValueFromText(%.60q) = %.60s is not valid", c.text, got)
		}
		if python := wire.PythonType(got); python != c.python {
			t.Errorf("PythonType(%.60s) = %s, want %s", got, python, c.python)
		}
	}
}

func TestValidValueRefuses(t *testing.T) {
	for _, r := range []wire.Raw{
		{},
		wire.Raw(" "), wire.Raw("a"), wire.Raw("1,"), wire.Raw("\"\xff\""), wire.Raw(`"a`), wire.Raw(`{"a":1,}`),
		wire.Raw(`"` + strings.Repeat("a", wire.MaxValueLen) + `"`),
	} {
		if wire.ValidValue(r) {
			t.Errorf("ValidValue(%.60q), want false", r)
		}
	}
}
