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
