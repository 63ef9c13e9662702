// Package hostile makes messages as a NetGear peer would that is broken or
// means harm, for tests: good ones of real peers with lies in them, and
// connections that do not keep to ZMTP, ZeroMQ's protocol.
package hostile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// Generator makes messages. The same seed makes the same ones. It belongs to
// one goroutine.
type Generator struct {
	rng      *rand.Rand
	messages [][][]byte // of real senders
	answers  [][][]byte // of real receivers
}

// New returns a generator that starts from captured messages: lines of JSON
// with "direction" and "parts".
func New(seed uint64, captured io.Reader) (*Generator, error) {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // to be repeated, not to be secret
	lines := bufio.NewScanner(captured)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v struct {
			Direction string
			Parts     [][]byte
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("hostile: captured messages: %w", err)
		}
		if v.Direction == "receiver to sender" {
			g.answers = append(g.answers, v.Parts)
		} else if len(v.Parts) > 1 { // goodbyes come from Terminate, not one for each stream
			g.messages = append(g.messages, v.Parts)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("hostile: captured messages: %w", err)
	}
	if len(g.messages) == 0 || len(g.answers) == 0 {
		return nil, fmt.Errorf("hostile: %d captured messages and %d answers: want some of each", len(g.messages), len(g.answers))
	}
	return g, nil
}

// Message returns what a sender might write; it has at least one part. One in
// eight is good.
func (g *Generator) Message() [][]byte { return g.mutate(pick(g, g.messages)) }

// Answer returns what a receiver might answer, likewise.
func (g *Generator) Answer() [][]byte { return g.mutate(pick(g, g.answers)) }

// Terminate returns a goodbye, with a port, data or neither.
func (g *Generator) Terminate() [][]byte {
	return pick(g, [][][]byte{
		{[]byte(`{"terminate_flag": true}`)},
		{[]byte(`{"terminate_flag": true, "port": 5566}`)},
		{[]byte(`{"terminate_flag": true, "port": "0"}`), make([]byte, 100)},
		{[]byte(`{"terminate_flag": true, "port": null}`), nil, nil},
	})
}

func pick[T any](g *Generator, of []T) T { return of[g.rng.IntN(len(of))] }

// mutate returns a copy with one to three changes, or none.
func (g *Generator) mutate(parts [][]byte) [][]byte {
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = bytes.Clone(p)
	}
	if g.rng.IntN(8) == 0 {
		return out
	}
	for range 1 + g.rng.IntN(3) {
		switch n := g.rng.IntN(100); {
		case n < 10:
			out = g.recut(out)
		case n < 60:
			out[0] = g.header(out[0])
		case n < 63:
			out = g.Terminate()
		case len(out) > 1 && bytes.HasPrefix(out[1], []byte{0xff, 0xd8}):
			out[1] = g.jpeg(out[1])
		default:
			out[len(out)-1] = g.data(out[len(out)-1])
		}
	}
	return out
}

// recut changes the number of parts.
func (g *Generator) recut(parts [][]byte) [][]byte {
	switch g.rng.IntN(6) {
	case 0:
		return parts[:1]
	case 1:
		return slices.Repeat([][]byte{parts[0]}, 1+g.rng.IntN(20))
	case 2:
		return append(parts, nil)
	case 3:
		return [][]byte{nil}
	case 4:
		return append([][]byte{nil}, parts...)
	}
	slices.Reverse(parts)
	return parts
}

// data changes bytes that are no JPEG.
func (g *Generator) data(b []byte) []byte {
	switch g.rng.IntN(5) {
	case 0:
		return nil
	case 1:
		return b[:g.rng.IntN(len(b)+1)]
	case 2:
		return append(b, make([]byte, g.rng.IntN(1<<16))...)
	case 3:
		return append([]byte{0xff, 0xd8}, b...)
	}
	return g.flip(b)
}

// flip changes a few bits.
func (g *Generator) flip(b []byte) []byte {
	for range 1 + g.rng.IntN(4) {
		if len(b) > 0 {
			b[g.rng.IntN(len(b))] ^= 1 << g.rng.IntN(8)
		}
	}
	return b
}

// jpeg changes what a JPEG says about itself.
func (g *Generator) jpeg(b []byte) []byte {
	sof := bytes.Index(b, []byte{0xff, 0xc0}) // marker 2, length 2, precision 1, height 2, width 2, components 1, then 3 each
	if sof < 0 || sof+13 > len(b) {
		return g.data(b)
	}
	switch g.rng.IntN(9) {
	case 0:
		binary.BigEndian.PutUint16(b[sof+5:], 0xffff)
		binary.BigEndian.PutUint16(b[sof+7:], 0xffff)
	case 1:
		binary.BigEndian.PutUint16(b[sof+5+2*g.rng.IntN(2):], uint16(g.rng.IntN(3))) //nolint:gosec // at most 2
	case 2:
		b[sof+9] = pick(g, []byte{0, 1, 2, 3, 4, 5, 255})
	case 3:
		b[sof+11] = pick(g, []byte{0, 0x11, 0x21, 0x22, 0x31, 0x41, 0x44, 0x55, 0xff})
	case 4:
		b[sof+1] = byte(0xc0 + g.rng.IntN(16)) //nolint:gosec // progressive, lossless, arithmetic, no SOF at all
	case 5:
		return b[:g.rng.IntN(len(b)+1)]
	case 6:
		return bytes.TrimSuffix(b, []byte{0xff, 0xd9})
	case 7:
		return cutSegments(b, pick(g, []byte{0xdb, 0xc4, 0xda, 0xc0}))
	default:
		return g.flip(b)
	}
	return b
}

// cutSegments takes all segments of one marker out of a JPEG: its tables, say.
func cutSegments(b []byte, marker byte) []byte {
	for {
		i := bytes.Index(b, []byte{0xff, marker})
		if i < 0 || i+4 > len(b) {
			return b
		}
		end := min(i+2+int(binary.BigEndian.Uint16(b[i+2:])), len(b))
		b = append(b[:i:i], b[end:]...)
	}
}

// header changes JSON, with an eye for its keys.
func (g *Generator) header(b []byte) []byte {
	var keys map[string]json.RawMessage
	if json.Unmarshal(b, &keys) != nil || g.rng.IntN(6) == 0 {
		return g.text(b)
	}
	names := make([]string, 0, len(keys)+3)
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names) // the same each time
	value := func(name string) string { return string(keys[name]) }
	var fields []string
	field := func(name, value string) { fields = append(fields, fmt.Sprintf("%q: %s", name, value)) }
	victim := pick(g, append(names, "gst", "gst", "gst", "port", "shape", "dtype"))
	for _, name := range names {
		if name != victim {
			field(name, value(name))
		}
	}
	switch g.rng.IntN(6) {
	case 0: // missing
	case 1: // twice
		field(victim, g.odd(victim))
		if v := value(victim); v != "" {
			field(victim, v)
		}
	default:
		field(victim, g.odd(victim))
	}
	g.rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return []byte("{" + strings.Join(fields, ", ") + "}")
}

// text changes JSON without an eye for anything.
func (g *Generator) text(b []byte) []byte {
	switch n := g.rng.IntN(200); {
	case n == 0 && g.rng.IntN(10) == 0:
		return []byte(`{"terminate_flag": false, "message": "` + strings.Repeat("x", 10<<20) + `"}`)
	case n < 5:
		return []byte(`{"terminate_flag": false, "message": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}")
	case n < 40:
		return []byte(pick(g, oddTexts))
	case n < 80:
		return b[:g.rng.IntN(len(b)+1)]
	case n < 120:
		return append(b, pick(g, []string{" ", "\x00", "}", "garbage", "\xff"})...)
	}
	return g.flip(b)
}

var oddTexts = []string{
	"", "null", "true", "[]", "{}", "{", `"text"`, "0", "NaN", "-", "\x00", "\xef\xbb\xbf{}", "{'terminate_flag': False}", `{"terminate_flag"}`,
	`{"terminate_flag": "false"}`, `{"terminate_flag": false, }`, `{"a": 1, "a": 2}`, "\xff\xfe", `{"\ud800": 1, "terminate_flag": false}`,
}

// oddValues are values of any key.
var oddValues = []string{
	"null", "true", "false", "0", "-1", "1e999", "-0", "NaN", "Infinity", "-Infinity", `""`, `"\u0000"`, `"\ud800"`, "\"\xff\xfe\"", "[]", "{}",
	"[[[[]]]]", "18446744073709551615", "18446744073709551616", "9223372036854775807", "-9223372036854775808", "4294967296", "0x10", "1.5", "'x'",
	`{"a": {"a": {"a": 1}}}`, `"` + strings.Repeat("x", 5000) + `"`, "1" + strings.Repeat("0", 5000), "",
}

// odd returns a value for the key that is wrong in a way of its own.
func (g *Generator) odd(key string) string {
	if g.rng.IntN(4) == 0 {
		return pick(g, oddValues)
	}
	switch key {
	case "shape", "array_shape":
		return pick(g, []string{
			"[2147483648, 2147483648, 3]", "[4294967296, 4294967296]", "[-1, -1, 3]", "[0, 0, 3]", "[1, -2, 3]", "[4, 6]", "[4, 6, 3]", "[4, 6, 5]", "[72]",
			"[9223372036854775807, 2, 3]", "[1,1,1,1,1,1,1,1,72]", "[4.0, 6.0, 3.0]", `["4", "6", "3"]`, "[null]", "[[4, 6, 3]]", "[3037000500, 3037000500, 2]",
			"[" + strings.Repeat("1, ", 5000) + "1]",
		})
	case "dtype", "array_dtype":
		return pick(g, []string{
			`"uint8"`, `"uint16"`, `">u2"`, `"float64"`, `"complex128"`, `"O"`, `"object"`, `"V16"`, `"U99999999999"`, `"datetime64[ns]"`, `"int8, (2,3)f4"`,
			`"[('a', 'u1')]"`, `"` + strings.Repeat("u", 100_000) + `"`, `"uint8\u0000"`, `"<M8"`, `"|S0"`,
		})
	case "gst":
		return g.ext()
	case "port":
		return pick(g, []string{"5566", `"5566"`, "-1", "65536", "[5566]", `{"a": 1}`, "1e3", `"` + strings.Repeat("p", 2000) + `"`, `"../../x"`, `"%s%n"`, fmt.Sprint(g.rng.IntN(5000))})
	case "compression":
		return pick(g, []string{
			"true", "false", "90", `{"dct": 1, "ups": 2, "colorspace": "BGR"}`, `{"dct": true, "ups": false, "colorspace": "XYZ"}`, `{"colorspace": 7}`, `{}`,
			`{"dct": true, "ups": false, "colorspace": "GRAY"}`, `"BGR"`,
		})
	case "terminate_flag":
		return pick(g, []string{"true", "false", "1", "0", `"true"`, "null"})
	case "return_type":
		return pick(g, []string{`"ndarray"`, `"int"`, `"NoneType"`, `"no type"`, `""`})
	}
	return pick(g, oddValues)
}

// ext returns the extension key with lies in it.
func (g *Generator) ext() string {
	const t = "1795000000000000000"
	field := func(name string, values ...string) string { return fmt.Sprintf("%q: %s", name, pick(g, values)) }
	fields := []string{
		field("v", "1", "2", `"1"`, "null"), // one that is good follows
		field("seq", "0", "1", "5", "18446744073709551615", "18446744073709551614", "-1", "1e3", fmt.Sprint(g.rng.Uint64())),
		field("t", t, "0", "-1", "9223372036854775807", "9223372036854775808", "1.5", fmt.Sprint(g.rng.Int64())),
		field("pts", "0", "9223372036854775807", "-1", "null", fmt.Sprint(g.rng.Int64())),
		field("dur", "0", "9223372036854775807", "33333333", "-5", fmt.Sprint(g.rng.Int64())),
		field("fps", `"30/1"`, `"0/1"`, `"1/0"`, `"2147483647/1"`, `"1/2147483647"`, `"2147483648/1"`, `"-1/1"`, `"a/b"`, "30"),
		field("key", "true", "false", "1"),
		field("caps", `"video/x-raw, format=(string)BGR, width=(int)6, height=(int)4"`, `"image/jpeg, parsed=(boolean)true"`, `"video/x-raw, width=(int)["`,
			`"video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"`, `"ANY"`, `"EMPTY"`, `";"`, `"video/x-raw(memory:DMABuf)"`,
			`"x=(GstCaps)[ x, y=(GstCaps)[ z ] ]"`, `"video/x-raw, colorimetry=(string)bt709, pixel-aspect-ratio=(fraction)1/0"`, `"a/b, x=(buffer)00ff"`,
			`"video/x-raw, a={ 1, 2, (string)x }, b=[ 5, 1 ], c=(structure)[ x ]"`, `"`+strings.Repeat("video/x-raw;", 300)+`"`, `"`+strings.Repeat("c", 100_000)+`"`, "7"),
	}
	g.rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields[:1+g.rng.IntN(len(fields))], ", ") + ", \"v\": 1}"
}
