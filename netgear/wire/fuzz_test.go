package wire_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// FuzzHeader: no panic, and what decodes encodes and decodes to the same.
func FuzzHeader(f *testing.F) {
	for _, v := range golden(f) {
		if !v.isReply() {
			f.Add(v.Parts[0], 72)
		}
	}
	for _, c := range headers {
		f.Add([]byte(c.text), 24)
	}
	for _, c := range extTimes {
		f.Add([]byte(extHead+c.text+"}"), 24)
	}
	for _, c := range badExtTimes {
		f.Add([]byte(extHead+c.text+"}"), 24)
	}
	for _, c := range badHeaders {
		if len(c.text) < 8<<10 {
			f.Add([]byte(c.text), 0)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		var h wire.Header
		if err := wire.ParseHeader(b, &h); err != nil {
			if !isMalformed(err) {
				t.Fatalf("%v does not wrap ErrMalformed", err)
			}
			return
		}
		if l, err := h.Layout(size, 0); err == nil && (l.Size != size || l.Format != "" && l.Stride*l.Height != size) {
			t.Fatalf("Layout(%d) = %+v", size, l)
		}
		text := wire.AppendHeader(nil, &h)
		if len(text) > wire.MaxHeaderLen {
			return // escapes make text longer
		}
		var again wire.Header
		if err := wire.ParseHeader(text, &again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		h.BadExt = nil // is not sent on
		h.HasMessage = !h.Terminate
		if !reflect.DeepEqual(h, again) {
			t.Fatalf("decoded   %+v\nencoded   %s\nand again %+v", h, text, again)
		}
	})
}

// FuzzReply: as FuzzHeader.
func FuzzReply(f *testing.F) {
	for _, v := range golden(f) {
		if v.isReply() {
			f.Add(v.Parts[0], 72)
		}
	}
	for _, c := range replies {
		f.Add([]byte(c.text), 24)
		f.Add(wire.AppendTimes([]byte(c.text), &sampleTimes), 24)
	}
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		var r wire.Reply
		if err := wire.ParseReply(b, &r); err != nil {
			if !isMalformed(err) {
				t.Fatalf("%v does not wrap ErrMalformed", err)
			}
			return
		}
		if r.Array {
			_, _ = r.Layout(size, 0)
			_, _ = r.Elements(size)
		}
		text := wire.AppendReply(nil, &r)
		if r.JSON && len(text) > wire.MaxHeaderLen {
			return
		}
		var again wire.Reply
		if err := wire.ParseReply(text, &again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if r.ReturnType == "" {
			r.ReturnType = again.ReturnType // AppendReply filled it in
		}
		if len(r.Text) == 0 && len(again.Text) == 0 {
			r.Text, again.Text = nil, nil
		}
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("decoded   %+v\nencoded   %s\nand again %+v", r, text, again)
		}
	})
}

// FuzzJPEG: no panic, and what is accepted is within the documented ranges.
func FuzzJPEG(f *testing.F) {
	for _, c := range jpegs {
		f.Add(c.b)
	}
	for _, c := range badJPEGs {
		f.Add(c.b)
	}
	for _, v := range golden(f) {
		if len(v.Parts) == 2 {
			f.Add(v.Parts[1])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := wire.ParseJPEG(b)
		if err != nil {
			if !isMalformed(err) || i != (wire.JPEGInfo{}) {
				t.Fatalf("%+v, %v", i, err)
			}
			return
		}
		if i.Width < 1 || i.Width > 65500 || i.Height < 1 || i.Height > 65500 || i.Components < 1 || i.Components > 4 || i.Precision != 8 {
			t.Fatalf("%+v", i)
		}
		// It has an end, and nothing behind that matters.
		if !bytes.Contains(b, []byte{0xff, 0xd9}) {
			t.Fatalf("%x has no end", b)
		}
		if again, err := wire.ParseJPEG(append(slices.Clip(b), 0xff, 0xd8)); err != nil || again != i {
			t.Fatalf("with bytes behind it: %+v, %v; without %+v", again, err, i)
		}
	})
}

// FuzzValue: whatever a user types can be sent, and arrives as it was sent.
func FuzzValue(f *testing.F) {
	for _, c := range values {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > wire.MaxValueLen/8 {
			return
		}
		v := wire.ValueFromText(s)
		if !wire.ValidValue(v) {
			t.Fatalf("ValueFromText(%q) = %s is not valid", s, v)
		}
		if again := wire.ValueFromText(string(v)); string(again) != string(v) {
			t.Fatalf("ValueFromText(%q) = %s, and of that %s", s, v, again)
		}
		var h wire.Header
		text := wire.AppendHeader(nil, &wire.Header{Message: v, DType: "uint8"})
		if err := wire.ParseHeader(text, &h); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if wire.PythonType(v) != "NoneType" && string(h.Message) != string(v) {
			t.Fatalf("sent %s, got %s", v, h.Message)
		}
		if wire.PythonType(h.Message) != wire.PythonType(v) {
			t.Fatalf("sent a %s, got a %s", wire.PythonType(v), wire.PythonType(h.Message))
		}
	})
}

// FuzzForeign: no panic in any wire, and what decodes and can be sent decodes to the
// same.
func FuzzForeign(f *testing.F) {
	add := func(parts [][]byte) {
		p := append(slices.Clone(parts), nil, nil, nil)
		f.Add(min(len(parts), 3), p[0], p[1], p[2])
	}
	for w := range captured {
		for _, v := range capture(f, w) {
			add(v.Parts)
		}
	}
	for _, c := range foreignCases {
		add(bytesOf(c.parts))
	}
	f.Fuzz(func(t *testing.T, n int, a, b, c []byte) {
		parts := [][]byte{a, b, c}[:1+uint(n)%3]
		wire.Detect(parts)
		for w := range captured {
			foreign := w.Foreign()
			pictures, err := foreign.Parse(nil, parts)
			if err != nil {
				if !isMalformed(err) || len(pictures) > 0 {
					t.Fatalf("%v does not wrap ErrMalformed, or %d pictures beside it", err, len(pictures))
				}
				continue
			}
			for i := range pictures {
				again(t, w, &pictures[i], parts)
			}
		}
	})
}

func again(t *testing.T, w wire.Wire, p *wire.Picture, parts [][]byte) {
	if len(p.Header.Port) > wire.MaxPortLen || bytes.ContainsRune([]byte(p.Header.Port), 0) {
		t.Fatalf("name %q", p.Header.Port)
	}
	var data []byte
	if p.Part >= 0 {
		data = parts[p.Part]
	} else if data = make([]byte, wire.Base64Len(p.Base64)); wire.DecodeBase64(data, p.Base64) != nil {
		return
	}
	_ = p.Header.Check(data, 1<<20)
	foreign, h := w.Foreign(), p.Header
	if foreign.Carries(&h) != nil {
		t.Fatalf("%+v came and cannot be sent", h)
	}
	if h.Name == wire.ByCamera {
		h.Message = wire.ValueFromText(h.Port)
	}
	sent := [][]byte{foreign.Append(nil, &h, data), data}
	switch foreign.Form() {
	case wire.HeadAlone:
		sent = sent[:1]
	case wire.DataAlone:
		sent = sent[1:]
	case wire.HeadAndData:
	}
	if len(sent[0]) > wire.MaxHeaderLen {
		return // escapes make text longer
	}
	back, err := foreign.Parse(nil, sent)
	if w == wire.JPEG && err != nil {
		t.Fatal(err)
	}
	if err != nil || len(back) != 1 || back[0].Header.DType != h.DType || back[0].Header.Shape != h.Shape || back[0].Header.Compressed != h.Compressed {
		t.Fatalf("sent %+v as %q, back %+v, %v", h, sent, back, err)
	}
}
