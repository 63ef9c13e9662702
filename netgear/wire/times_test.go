package wire_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

const extHead = `{"terminate_flag": false, "compression": false, "message": null, "pattern": "0", "dtype": "uint8", "shape": [4, 6, 3], "gst": `

// extTimes serves decoding, encoding and the fuzz seeds.
var extTimes = []struct {
	text string
	want wire.Ext
}{
	{`{"v": 1, "t": 1700000000000000000, "taken": 1699999999980000000, "age": 20000000}`, wire.Ext{
		T: 1700000000000000000, HasT: true, Taken: 1699999999980000000, HasTaken: true, Age: 20000000, HasAge: true,
	}},
	{`{"v": 1, "taken": 0, "age": 0}`, wire.Ext{HasTaken: true, HasAge: true}},
	{`{"v": 1, "taken": 4611686018427387904, "age": 60000000000}`, wire.Ext{Taken: 1 << 62, HasTaken: true, Age: 60e9, HasAge: true}},
	{`{"v": 1, "ping": true, "peer": {"id": "P99RL4GU", "at": 3600000000000, "err": 125000}}`, wire.Ext{
		Ping: true, Peer: wire.Moment{ID: "P99RL4GU", At: 3600e9, Err: 125000},
	}},
}

func TestExtTimes(t *testing.T) {
	for _, c := range extTimes {
		text := extHead + c.text + "}"
		want := raw(wire.Header{HasExt: true, Ext: c.want})
		var got wire.Header
		if err := wire.ParseHeader([]byte(text), &got); err != nil || got.BadExt != nil {
			t.Errorf("%s: %v, %v", c.text, err, got.BadExt)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("ParseHeader:\n got %+v\nwant %+v", got, want)
		}
		if again := wire.AppendHeader(nil, &want); string(again) != text {
			t.Errorf("AppendHeader:\n got %s\nwant %s", again, text)
		}
	}
}

var badExtTimes = []struct{ text, want string }{
	{`{"v": 1, "taken": -1}`, `"gst.taken": want nanoseconds`},
	{`{"v": 1, "taken": 4611686018427387905}`, `"gst.taken"`},
	{`{"v": 1, "age": 60000000001}`, `"gst.age": want nanoseconds, an integer from 0 to a minute`},
	{`{"v": 1, "age": "1"}`, `"gst.age"`},
	{`{"v": 1, "ping": 1}`, `"gst.ping": want true or false, got 1`},
	{`{"v": 1, "peer": []}`, `"gst.peer": want an object`},
	{`{"v": 1, "peer": {}}`, `"gst.peer.id": missing, want letters and digits`},
	{`{"v": 1, "peer": {"id": "", "at": 1, "err": 1}}`, `"gst.peer.id"`},
	{`{"v": 1, "peer": {"id": "a b", "at": 1, "err": 1}}`, `"gst.peer.id"`},
	{`{"v": 1, "peer": {"id": "` + strings.Repeat("a", wire.MaxIDLen+1) + `", "at": 1, "err": 1}}`, `"gst.peer.id"`},
	{`{"v": 1, "peer": {"id": "a", "err": 1}}`, `"gst.peer.at": missing`},
	{`{"v": 1, "peer": {"id": "a", "at": 1e3, "err": 1}}`, `"gst.peer.at"`},
	{`{"v": 1, "peer": {"id": "a", "at": 1, "err": -1}}`, `"gst.peer.err"`},
}

func TestBadExtTimes(t *testing.T) {
	for _, c := range badExtTimes {
		var h wire.Header
		if err := wire.ParseHeader([]byte(extHead+c.text+"}"), &h); err != nil {
			t.Fatal(err)
		}
		if !isMalformed(h.BadExt) || !strings.Contains(h.BadExt.Error(), c.want) || h.Ext != (wire.Ext{}) {
			t.Errorf("%s: %v, %+v: want %s", c.text, h.BadExt, h.Ext, c.want)
		}
	}
	bad := wire.Ext{
		Taken: -1, HasTaken: true, Age: wire.MaxAge + 1, HasAge: true, Peer: wire.Moment{ID: "a", At: -1},
	}
	if got := string(wire.AppendHeader(nil, &wire.Header{HasExt: true, Ext: bad})); !strings.HasSuffix(got, `"gst": {"v": 1}}`) {
		t.Errorf("out of range: %s", got)
	}
}

var sampleTimes = wire.Times{ID: "P99RL4GU", Seq: 7, In: 3600000000000, Out: 3600000050000, Wall: 1700000000000000000}

const sampleText = `{"v": 1, "id": "P99RL4GU", "seq": 7, "in": 3600000000000, "out": 3600000050000, "t": 1700000000000000000}`

func TestTimes(t *testing.T) {
	plain := wire.AppendConfirmation(nil, "W9TBHLGW")
	with := wire.AppendTimes(slices.Clip(plain), &sampleTimes)
	if want := string(plain) + " " + sampleText; string(with) != want {
		t.Errorf("got %s, want %s", with, want)
	}
	var got wire.Times
	if text, ok := wire.CutTimes(with, &got); !ok || string(text) != string(plain) || got != sampleTimes {
		t.Errorf("CutTimes = %s, %v, %+v", text, ok, got)
	}
	for _, c := range replies {
		if !c.ours || !c.want.JSON {
			continue
		}
		with := wire.AppendTimes([]byte(c.text), &sampleTimes)
		if want := c.text[:len(c.text)-1] + `, "gst": ` + sampleText + "}"; string(with) != want {
			t.Errorf("%s: got %s, want %s", c.name, with, want)
		}
		want := c.want
		want.HasTimes, want.Times = true, sampleTimes
		var r wire.Reply
		if err := wire.ParseReply(with, &r); err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("%s: ParseReply = %+v, %v", c.name, r, err)
		}
		if again := wire.AppendReply(nil, &r); string(again) != string(with) {
			t.Errorf("%s: AppendReply = %s", c.name, again)
		}
	}
}

// badTimes are all taken for text, and cost a JSON reply nothing but its times.
var badTimes = []string{
	``, `{}`, `{"v": 1}`, sampleText + `x`, sampleText[:len(sampleText)-1], strings.Replace(sampleText, `"v": 1`, `"v": 2`, 1),
	strings.Replace(sampleText, "P99RL4GU", "", 1), strings.Replace(sampleText, "P99RL4GU", `\u0000`, 1),
	strings.Replace(sampleText, `"seq": 7`, `"seq": -7`, 1), strings.Replace(sampleText, `"in": 3`, `"in": -3`, 1),
	strings.Replace(sampleText, `"out": 3600000050000`, `"out": 3599999999999`, 1), strings.Replace(sampleText, `"t": 17`, `"t": 1.7`, 1),
	strings.Replace(sampleText, `"v"`, `"`+strings.Repeat("a", 2000)+`": 0, "v"`, 1), "\xff",
}

func TestBadTimes(t *testing.T) {
	for _, bad := range badTimes {
		var got wire.Times
		text := "Data received on device: W9TBHLGW ! " + bad
		if cut, ok := wire.CutTimes([]byte(text), &got); ok || string(cut) != text || got != (wire.Times{}) {
			t.Errorf("CutTimes(%s) = %s, %v, %+v", text, cut, ok, got)
		}
	}
	var r wire.Reply
	if err := wire.ParseReply([]byte(`{"return_type": "int", "data": 1, "gst": {"v": 2}}`), &r); err != nil || r.HasTimes || string(r.Data) != "1" {
		t.Errorf("reply with bad times: %+v, %v", r, err)
	}
}

// FuzzTimes: no panic, and what is cut off can be put back.
func FuzzTimes(f *testing.F) {
	f.Add([]byte("Data received on device: W9TBHLGW ! " + sampleText))
	for _, bad := range badTimes {
		f.Add([]byte("x " + bad))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, again wire.Times
		text, ok := wire.CutTimes(b, &got)
		if !ok {
			return
		}
		if len(text) > 0 && text[len(text)-1] == '}' {
			return // AppendTimes takes it for a JSON reply
		}
		whole := wire.AppendTimes(append([]byte(nil), text...), &got)
		if cut, ok := wire.CutTimes(whole, &again); !ok || string(cut) != string(text) || again != got {
			t.Fatalf("%q: cut %+v, and of %q %+v, %v", b, got, whole, again, ok)
		}
	})
}
