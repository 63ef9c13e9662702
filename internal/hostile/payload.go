package hostile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

const (
	bye    = `{"terminate_flag": true}`
	thanks = "Data received on device: PEERTEST !"
)

// pixels are those of the frame that header speaks of.
var pixels = make([]byte, 12*16*3)

// envelope is what a message begins with in req-rep.
func (t *Target) envelope() []byte {
	if t.Pattern == 1 {
		return Part(nil, true)
	}
	return nil
}

// message is a whole one, with what its pattern wants in front.
func (t *Target) message(parts ...[]byte) []byte { return append(t.envelope(), Message(parts...)...) }

// header is that of a good raw frame, with more keys.
func (t *Target) header(more string) []byte {
	name := ""
	if len(t.Names) > 0 && !strings.Contains(more, `"port"`) {
		name = fmt.Sprintf(`, "port": %q`, t.Names[len(t.Names)-1])
	}
	return fmt.Appendf(nil, `{"terminate_flag": false, "compression": false, "pattern": "%d", "dtype": "uint8", "shape": [12, 16, 3]%s%s}`, t.Pattern, name, more)
}

func (t *Target) shaped(shape string) []byte {
	return bytes.Replace(t.header(""), []byte("[12, 16, 3]"), []byte(shape), 1)
}

func (t *Target) jpegHeader() []byte {
	return bytes.Replace(t.header(""), []byte(`"compression": false`), []byte(`"compression": {"dct": true, "ups": false, "colorspace": "BGR"}`), 1)
}

// saying is a frame with those caps.
func (t *Target) saying(caps string) []byte {
	return t.message(t.header(fmt.Sprintf(`, "gst": {"v": 1, "seq": 1, "caps": %q}`, caps)), pixels)
}

// plausible is what a good peer of the end might send.
func (t *Target) plausible() []byte {
	switch {
	case !t.Sink:
		return t.message(t.header(""), pixels)
	case t.Pattern == 2:
		return Part([]byte("\x01topic"), false)
	}
	return t.message([]byte(thanks))
}

// goodbyeOf returns the goodbye of one of the senders, or of nobody by name.
func goodbyeOf(t *Target, n int) string {
	if len(t.Names) == 0 || n%3 == 0 {
		return bye
	}
	return fmt.Sprintf(`{"terminate_flag": true, "port": %q}`, t.Names[n%len(t.Names)])
}

// web is what a browser writes for a page that does not ask: a GET, or a POST of
// that body.
func web(n int, body []byte) []byte {
	const more = "Host: 127.0.0.1\r\nConnection: keep-alive\r\nOrigin: http://evil.example\r\nSec-Fetch-Mode: no-cors\r\n"
	if n%4 < 2 && body == nil {
		return []byte("GET / HTTP/1.1\r\n" + more + "\r\n")
	}
	return append(fmt.Appendf(nil, "POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n", more, len(body)), body...)
}

// old is a goodbye and frames as ZMTP 1.0 writes them.
func old(t *Target) (b []byte) {
	part := func(more byte, body []byte) {
		if n := len(body) + 1; n < 255 {
			b = append(b, byte(n))
		} else {
			b = binary.BigEndian.AppendUint64(append(b, 0xff), uint64(n))
		}
		b = append(append(b, more), body...)
	}
	for range 50 {
		part(1, t.header(""))
		part(0, pixels)
	}
	part(0, []byte(bye))
	return b
}

// rain is a batch of subscriptions to random topics.
func rain(length int) (b []byte) {
	for range max(1, batch/(length+3)) {
		b = append(b, Part(append([]byte{1}, random(length)...), false)...)
	}
	return b
}

// largeReady is a READY with as many properties as a handshake may have.
func largeReady(socketType string) []byte {
	b := Ready(socketType)[2+len("\x05READY"):] // its one property
	for i := range 20 {
		name := fmt.Sprintf("X-Property-%d", i)
		b = append(append(b, byte(len(name))), name...) //nolint:gosec // a short name
		b = append(binary.BigEndian.AppendUint32(b, 255), make([]byte, 255)...)
	}
	b = append(append(b, 8), "Identity"...)
	b = append(binary.BigEndian.AppendUint32(b, 255), bytes.Repeat([]byte("i"), 255)...)
	return Command("READY", b)
}

// manyKeys are about a megabyte of keys that nobody knows.
func manyKeys() string {
	var b strings.Builder
	for i := 0; b.Len() < 1_000_000; i++ {
		fmt.Fprintf(&b, `, "\u0061%x": [%d]`, i, i)
	}
	return b.String()
}

// randomCaps have field names that nobody has had before.
func randomCaps() string {
	var b strings.Builder
	b.WriteString("video/x-raw")
	for range 200 {
		fmt.Fprintf(&b, ",%s=1", "f"+hex.EncodeToString(random(6)))
	}
	return b.String()
}

// lyingJPEG is one of a few hundred bytes that says it is large.
func lyingJPEG(n int) []byte {
	b := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		b = append(binary.BigEndian.AppendUint16(append(b, 0xff, marker), uint16(len(body)+2)), body...) //nolint:gosec // small
	}
	tables := make([]byte, 65)
	for i := 1; i < len(tables); i++ {
		tables[i] = 1
	}
	segment(0xdb, tables...)
	sof, size := []byte{0xc0, 0xc1, 0xc2}[n%3], [][4]byte{{0x7f, 0xff, 0x7f, 0xff}, {0xff, 0xff, 0xff, 0xff}, {0, 1, 0xff, 0xff}, {0x40, 0, 0x40, 0}}[n%4]
	segment(sof, 8, size[0], size[1], size[2], size[3], 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
	huffman := append([]byte{0, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	segment(0xc4, huffman...)
	huffman[0] = 0x10
	segment(0xc4, huffman...)
	segment(0xda, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)
	return append(append(b, make([]byte, 300)...), 0xff, 0xd9)
}

// lyingAnswer is a returned frame, or the like, that is not what it says.
func (t *Target) lyingAnswer(n int) []byte {
	const array = `{"port": "1", "return_type": "ndarray", "compression": %s, "array_dtype": %s, "array_shape": %s, "data": null}`
	answer := func(compression, dtype, shape string, data []byte) []byte {
		return t.message(fmt.Appendf(nil, array, compression, dtype, shape), data)
	}
	switch n % 5 {
	case 0:
		return answer("false", `"uint8"`, oddShapes[n/5%len(oddShapes)], pixels)
	case 1:
		return answer(`{"dct": true, "ups": false, "colorspace": "BGR"}`, `""`, `""`, lyingJPEG(n))
	case 2:
		return answer("false", `"uint8"`, "[12, 16, 3]", pixels)
	case 3:
		return answer("false", `"O"`, "[12, 16, 3]", pixels)
	}
	return t.message([]byte(`{"return_type": "dict", "data": ` + strings.Repeat(`{"a": `, 5000) + "1" + strings.Repeat("}", 5000) + "}"))
}

var socketTypes = []string{"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM", "SERVER", "RADIO", "NONSENSE", ""}

var oddHandshakes = [][]byte{
	Ready("NONSENSE"), Ready(string(make([]byte, 200))), Ping(), Message([]byte("x")), Command("ERROR", []byte{255}), Command("ERROR", []byte("\x03400")),
	Command("READY", []byte{11, 'S', 255, 255, 255, 255}),
	{4, 0},
	{4, 1, 255},
	{6, 255, 255, 255, 255, 255, 255, 255, 255},
	Command("UNKNOWN", nil),
	Command("INITIATE", make([]byte, 400)), Command("WELCOME", make([]byte, 160)), append(Ready("PAIR"), Ready("PAIR")...), Command("READY", nil),
}

var oddCommands = [][]byte{
	Command("PONG", nil), Command("SUBSCRIBE", []byte("x")), Command("CANCEL", nil), Ready("PAIR"), Command("UNKNOWN", make([]byte, 400)),
	{4, 0},
	{4, 5, 4, 'P', 'I', 'N', 'G'},
	Command("PING", make([]byte, 5000)),
	{4, 3, 9, 'P', 'I'},
	append(Part([]byte("x"), true), Ping()...),
	{5, 1, 0},
	Command("ERROR", []byte("\x03400")), Command("PING", make([]byte, 18)),
	Command("JOIN", []byte("group")), Command("LEAVE", []byte("group")),
}

var oddFrames = [][]byte{
	{2, 0x80, 0, 0, 0, 0, 0, 0, 0},
	{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{2, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{3, 0, 0, 0, 1, 0, 0, 0, 0},
	{2, 0, 0, 0, 0x80, 0, 0, 0, 0},
	{0xff, 0xff},
	{8, 1, 0},
	{0x80, 0},
}

var oddShapes = []string{
	"[2147483648, 2147483648, 3]", "[4294967296, 4294967296]", "[-1, -1, 3]", "[0, 0, 3]", "[1, -2, 3]", "[4, 6]", "[4, 6, 5]", "[72]", "[9223372036854775807, 2, 3]",
	"[1,1,1,1,1,1,1,1,576]", "[12.0, 16.0, 3.0]", `["12", "16", "3"]`, "[null]", "[[12, 16, 3]]", "[3037000500, 3037000500, 2]", "[32768, 32768, 3]", "null",
}

var oddCaps = []string{
	"video/x-raw, x=(fraction)-2147483648/-1", "video/x-raw, pixel-aspect-ratio=(string)x", "video/x-raw, colorimetry=(int)5", "video/x-raw(string)",
	"video/x-raw, pixel-aspect-ratio=0/1", "video/x-raw, pixel-aspect-ratio=-1/1", "video/x-raw, pixel-aspect-ratio=2147483647/1", "video/x-raw, interlace-mode=alternate",
	"video/x-raw, width=[16,1]", "video/x-raw, x=(GstCaps)[video/x-raw]", "ANY", "EMPTY", ";", "video/x-raw(memory:DMABuf)", "a/b, x=(buffer)00ff",
	"video/x-raw, a={ 1, 2, (string)x }, b=[ 5, 1 ], c=(structure)[ x ]", "video/x-h264, codec_data=(buffer)" + strings.Repeat("ff", 1500), strings.Repeat("video/x-raw;", 300),
	"video/x-raw, format=(string)BGR, width=(int)2147483647, height=(int)2147483647", "image/jpeg, framerate=(fraction)1/0", "application/x-rtp", "video/x-raw, multiview-mode=(string)x",
	"video/x-raw, chroma-site=(string)\xff", "x=(GstDateTime)now", "video/x-raw, x=(taglist)taglist", "video/x-raw, mastering-display-info=(string)1:2", "video/x-raw, views=(int)-1",
}

var oddExtensions = []string{
	`{"v": 1, "seq": 0, "pts": 0, "dur": 9223372036854775807, "fps": "50/1"}`, `{"v": 1, "pts": 9223372036854775807}`, `{"v": 1, "t": 9223372036854775807}`, `{"v": 1, "fps": "1/2147483647"}`,
	`{"v": 1, "fps": "2147483647/1"}`, `{"v": 1, "seq": 18446744073709551615}`, `{"v": 1, "pts": -9223372036854775808, "dur": -1, "t": -1}`, `{"v": 2}`, `[]`, `{"v": 1, "key": false}`,
	`{"v": 1, "fps": "0/1"}`, `{"v": 1, "fps": "1/0"}`, `{"v": 1, "seq": 5, "t": 1, "pts": 1, "dur": 1}`, `{"v": 1, "caps": 7}`, `{"v": 1e99}`,
}
