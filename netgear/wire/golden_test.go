package wire_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// vector is one message that VidGear 0.3.5 put on the wire with pyzmq 24.0.1.
type vector struct {
	Case      string
	Direction string
	Pattern   int
	Parts     [][]byte // JSON's base64
}

func (v vector) isReply() bool { return v.Direction == "receiver to sender" }

func golden(tb testing.TB) []vector {
	tb.Helper()
	f, err := os.Open("testdata/netgear-0.3.5.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var vectors []vector
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			tb.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	if len(vectors) < 50 {
		tb.Fatalf("%d golden vectors, want them all", len(vectors))
	}
	return vectors
}

// TestGoldenHeaders decodes what a real sender sent and sends it again, byte
// for byte. A port that was a number would come back as text: none is in here.
func TestGoldenHeaders(t *testing.T) {
	frames := 0
	for i, v := range golden(t) {
		if v.isReply() {
			continue
		}
		t.Run(fmt.Sprintf("%d/%s", i, v.Case), func(t *testing.T) {
			var h wire.Header
			if err := wire.ParseHeader(v.Parts[0], &h); err != nil {
				t.Fatal(err)
			}
			if h.Terminate != (len(v.Parts) == 1) {
				t.Fatalf("Terminate = %v with %d parts", h.Terminate, len(v.Parts))
			}
			if got := wire.AppendHeader(nil, &h); string(got) != string(v.Parts[0]) {
				t.Errorf("encoded again:\n got %s\nwant %s", got, v.Parts[0])
			}
			if h.Terminate {
				return
			}
			frames++
			if int(h.Pattern) != v.Pattern || !h.HasMessage {
				t.Errorf("Pattern = %v, HasMessage = %v, want %d, true", h.Pattern, h.HasMessage, v.Pattern)
			}
			checkGoldenPart(t, v.Case, h.Compressed, v.Parts[1], h.Layout)
		})
	}
	if frames == 0 {
		t.Error("no frame among the golden vectors")
	}
}

func TestGoldenReplies(t *testing.T) {
	for i, v := range golden(t) {
		if !v.isReply() {
			continue
		}
		t.Run(fmt.Sprintf("%d/%s", i, v.Case), func(t *testing.T) {
			var r wire.Reply
			if err := wire.ParseReply(v.Parts[0], &r); err != nil {
				t.Fatal(err)
			}
			if want := v.Parts[0][0] == '{'; r.JSON != want {
				t.Fatalf("JSON = %v, want %v", r.JSON, want)
			}
			if r.Array != (len(v.Parts) == 2) {
				t.Fatalf("Array = %v with %d parts", r.Array, len(v.Parts))
			}
			if got := wire.AppendReply(nil, &r); string(got) != string(v.Parts[0]) {
				t.Errorf("encoded again:\n got %s\nwant %s", got, v.Parts[0])
			}
			if r.JSON && !r.Array && r.ReturnType != "tuple" {
				if got := wire.PythonType(r.Data); got != r.ReturnType {
					t.Errorf("PythonType(%s) = %s, want %s", r.Data, got, r.ReturnType)
				}
			}
			if r.Array {
				checkGoldenPart(t, v.Case, r.Compressed, v.Parts[1], r.Layout)
			}
		})
	}
}

func checkGoldenPart(t *testing.T, name string, compressed bool, part []byte, layout func(int, uint64) (wire.Layout, error)) {
	t.Helper()
	if compressed {
		info, err := wire.ParseJPEG(part)
		if err != nil {
			t.Fatal(err)
		}
		want := wire.JPEGInfo{Width: info.Width, Height: info.Height, Components: 3, Colorspace: "sYUV", Sampling: "YCbCr-4:2:2", Precision: 8}
		if strings.Contains(name, "GRAY") {
			want.Components, want.Colorspace, want.Sampling = 1, "GRAY", "GRAYSCALE"
		}
		if info != want {
			t.Errorf("ParseJPEG = %+v, want %+v", info, want)
		}
		return
	}
	l, err := layout(len(part), 0)
	if name == "raw float32" || name == "raw bool" {
		if !isUnsupported(err) {
			t.Errorf("Layout of %s: %v, want ErrUnsupported", name, err)
		}
		return
	}
	if err != nil || l.Size != len(part) {
		t.Errorf("Layout = %+v, %v, want %d bytes", l, err, len(part))
	}
}

// TestTruncatedHeaders cuts every golden first part after every byte.
func TestTruncatedHeaders(t *testing.T) {
	for _, v := range golden(t) {
		part := v.Parts[0]
		for n := range part {
			if v.isReply() {
				var r wire.Reply
				if err := wire.ParseReply(part[:n], &r); err == nil && r.JSON {
					t.Errorf("%s: %q is a JSON reply", v.Case, part[:n])
				}
				continue
			}
			var h wire.Header
			if err := wire.ParseHeader(part[:n], &h); !isMalformed(err) {
				t.Errorf("%s: %q: %v, want ErrMalformed", v.Case, part[:n], err)
			}
		}
	}
}

func TestTruncatedJPEGs(t *testing.T) {
	for _, v := range golden(t) {
		if len(v.Parts) < 2 || v.Parts[1][0] != 0xff || v.Parts[1][1] != 0xd8 {
			continue
		}
		for n := range v.Parts[1] {
			if _, err := wire.ParseJPEG(v.Parts[1][:n]); err != nil && !isMalformed(err) {
				t.Errorf("%s: %d bytes: %v, want ErrMalformed", v.Case, n, err)
			}
		}
	}
}
