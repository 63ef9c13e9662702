package hostile

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	megabyte = 1 << 20
	// batch is in bytes: about as much is written at once.
	batch = 256 << 10
)

// Strangers are all kinds, those below the messages first.
var Strangers = []Stranger{
	// The connection.
	{Name: "says nothing", many: 40},
	{Name: "opens and resets", many: 4, leave: time.Millisecond, reset: true},
	{Name: "half a greeting", many: 40, first: func(_ *Target, n int) []byte { return Greeting()[:1+n%63] }},
	{Name: "greeting byte by byte", many: 20, first: func(t *Target, _ int) []byte { return append(Greeting(), Ready(t.peerType())...) }, bytewise: 50 * time.Millisecond},
	{Name: "shakes hands and leaves", many: 4, after: joined, leave: time.Millisecond},
	{Name: "shakes hands and resets", many: 4, after: joined, leave: time.Millisecond, reset: true},
	{Name: "shakes hands and stays", many: 40, after: joined},
	// Other protocols.
	{Name: "random bytes", many: 4, first: func(*Target, int) []byte { return random(1000) }},
	{Name: "HTTP", many: 4, first: func(_ *Target, n int) []byte { return web(n, nil) }},
	{Name: "HTTP with ZMTP 1.0 in it", many: 4, first: func(t *Target, n int) []byte { return web(2+n%2, old(t)) }},
	{Name: "TLS", many: 4, first: func(*Target, int) []byte {
		return append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, random(512)...)
	}},
	{Name: "ZMTP 1.0", many: 4, first: func(t *Target, _ int) []byte { return append([]byte{1, 0}, old(t)...) }},
	{Name: "ZMTP 2.0", many: 4, first: func(t *Target, n int) []byte {
		return concat([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, byte(n % 12), 0, 0}, Message([]byte(bye)))
	}},
	// The handshake.
	{Name: "handshake without end", many: 8, after: greeted, first: func(*Target, int) []byte { return long(flagCommand, 250*megabyte, "\x05READY") }, again: zeros},
	{Name: "handshake of CURVE without end", many: 8, after: greeted, mechanism: "CURVE", first: func(*Target, int) []byte {
		return long(flagCommand, 250*megabyte, "\x05HELLO")
	}, again: zeros},
	{Name: "handshake of many commands", many: 4, after: greeted, mechanism: "CURVE", again: same(func(*Target) []byte { return repeat(Command("HELLO", make([]byte, 194))) })},
	{Name: "handshake with garbage", many: 4, after: greeted, first: func(_ *Target, n int) []byte { return oddHandshakes[n%len(oddHandshakes)] }},
	{Name: "another socket", many: 4, after: joined, ready: func(_ *Target, n int) []byte { return Ready(socketTypes[n%len(socketTypes)]) }, leave: 20 * time.Millisecond},
	{Name: "large properties", many: 4, after: joined, ready: func(t *Target, _ int) []byte { return largeReady(t.peerType()) }, leave: 20 * time.Millisecond},
	// Framing.
	{
		Name: "PINGs behind messages, then reset", many: 2, after: joined, Rival: true, deaf: true, reset: true, leave: 20 * time.Millisecond,
		first: func(t *Target, _ int) []byte { return bytes.Repeat(concat(t.plausible(), Ping()), 40) },
	},
	{
		Name: "PINGs behind messages, then leaves", many: 2, after: joined, Rival: true, deaf: true, leave: 20 * time.Millisecond,
		first: func(t *Target, _ int) []byte { return bytes.Repeat(concat(t.plausible(), Ping()), 40) },
	},
	{Name: "PINGs alone", after: joined, again: same(func(*Target) []byte { return repeat(Ping()) })},
	{Name: "odd commands", many: 2, after: joined, first: func(_ *Target, n int) []byte { return oddCommands[n%len(oddCommands)] }, leave: 20 * time.Millisecond},
	{Name: "absurd lengths", many: 4, after: joined, first: func(_ *Target, n int) []byte { return oddFrames[n%len(oddFrames)] }},
	{Name: "parts without end", after: joined, again: same(func(*Target) []byte { return repeat(Part(nil, true)) })},
	{Name: "half a message, and stays", many: 8, after: joined, first: func(t *Target, _ int) []byte {
		return concat(t.envelope(), Part(t.header(""), true), long(0, 8*megabyte, ""), make([]byte, megabyte))
	}},
	{Name: "a message byte by byte", many: 2, after: joined, Rival: true, bytewise: 20 * time.Millisecond, first: func(t *Target, _ int) []byte { return t.plausible() }},
	{
		Name: "one byte now and then", after: joined, Rival: true, first: func(t *Target, _ int) []byte { return Part([]byte("x"), false) },
		again: func(*Target, int) []byte { return Part([]byte("x"), false) }, every: 200 * time.Millisecond,
	},
	// Subscriptions; to the other ends they are messages.
	{Name: "topic bomb", many: 2, after: joined, again: same(func(*Target) []byte { return Part(append([]byte{1}, random(5*megabyte)...), false) })},
	{Name: "topic rain", after: joined, again: func(*Target, int) []byte { return rain(1000) }},
	{Name: "rain of short topics", after: joined, again: func(*Target, int) []byte { return rain(8) }},
	{Name: "SUBSCRIBE and CANCEL", after: joined, again: func(*Target, int) []byte {
		var b []byte
		for range 1000 {
			topic := random(100)
			b = append(append(b, Command("SUBSCRIBE", topic)...), Command("CANCEL", topic)...)
		}
		return b
	}},
	// Messages.
	{Name: "tiny messages", after: joined, again: same(func(t *Target) []byte { return repeat(t.message([]byte("x"))) })},
	{Name: "tiny messages, reading nothing", after: joined, deaf: true, again: same(func(t *Target) []byte { return repeat(t.message([]byte("x"))) })},
	{Name: "messages of three hundred parts", after: joined, again: same(func(t *Target) []byte {
		return repeat(concat(bytes.Repeat(Part(nil, true), 300), Part(nil, false)))
	})},
	{Name: "messages of a megabyte", after: joined, again: same(func(t *Target) []byte { return t.message(make([]byte, megabyte)) })},
	{Name: "messages of 200 MB", many: 2, after: joined, first: func(t *Target, _ int) []byte {
		return concat(t.envelope(), Part(t.header(""), true), long(0, 200*megabyte, ""))
	}, again: zeros},
	{Name: "headers of a megabyte", after: joined, Rival: true, again: same(func(t *Target) []byte { return t.message(t.header(manyKeys()), pixels) })},
	{Name: "deep headers", after: joined, Rival: true, again: same(func(t *Target) []byte {
		return t.message(t.header(`, "d": `+strings.Repeat("[", 60)+strings.Repeat("[1],", 100_000)+"[1]"+strings.Repeat("]", 60)), pixels)
	})},
	{Name: "messages of 900 kB in JSON", after: joined, Rival: true, again: same(func(t *Target) []byte {
		return t.message(t.header(`, "message": "`+strings.Repeat("x", 900_000)+`"`), pixels)
	})},
	// Of a sender.
	{Name: "frames as fast as it goes", after: joined, Rival: true, Only: source, again: same(func(t *Target) []byte { return repeat(t.message(t.header(""), pixels)) })},
	{Name: "one raw frame", many: 2, after: joined, Rival: true, Only: source, first: func(t *Target, _ int) []byte { return t.message(t.header(""), pixels) }, leave: 100 * time.Millisecond},
	{Name: "goodbyes", many: 2, after: joined, Rival: true, Only: source, first: func(t *Target, n int) []byte { return t.message([]byte(goodbyeOf(t, n))) }, leave: 20 * time.Millisecond},
	{Name: "new names in caps", after: joined, Rival: true, Only: source, again: func(t *Target, _ int) []byte { return t.saying(randomCaps()) }},
	{Name: "odd caps", after: joined, Rival: true, Only: source, again: func(t *Target, n int) []byte { return t.saying(oddCaps[n%len(oddCaps)]) }},
	{Name: "odd extensions", after: joined, Rival: true, Only: source, again: func(t *Target, n int) []byte {
		return t.message(t.header(`, "gst": `+oddExtensions[n%len(oddExtensions)]), pixels)
	}},
	{Name: "lying JPEG", after: joined, Rival: true, Only: source, again: func(t *Target, n int) []byte { return t.message(t.jpegHeader(), lyingJPEG(n)) }},
	{Name: "lying shapes", after: joined, Only: source, again: func(t *Target, n int) []byte { return t.message(t.shaped(oddShapes[n%len(oddShapes)]), pixels) }},
	{Name: "flood of names", after: joined, Rival: true, Only: source, again: func(t *Target, n int) []byte {
		return t.message(t.header(fmt.Sprintf(`, "port": "x%d"`, n)), pixels)
	}},
	// Of a receiver.
	{Name: "answers as fast as they go", after: joined, Rival: true, Only: sink, again: same(func(t *Target) []byte { return repeat(t.message([]byte(thanks))) })},
	{Name: "answers of a megabyte in JSON", after: joined, Rival: true, Only: sink, again: same(func(t *Target) []byte {
		return t.message([]byte(`{"port": "1", "return_type": "str", "data": "` + strings.Repeat("x", megabyte) + `"}`))
	})},
	{Name: "answers with arrays that lie", after: joined, Rival: true, Only: sink, again: func(t *Target, n int) []byte { return t.lyingAnswer(n) }},
	{Name: "takes frames and says nothing", many: 2, after: joined, Rival: true, Only: sink},
	{Name: "reads nothing", many: 2, after: joined, Rival: true, Only: sink, deaf: true},
}

func source(t *Target) bool { return !t.Sink }
func sink(t *Target) bool   { return t.Sink }

// same has what is written made once for each pattern and end.
func same(f func(t *Target) []byte) func(t *Target, n int) []byte {
	type key struct {
		pattern int
		sink    bool
	}
	var mu sync.Mutex
	made := map[key][]byte{}
	return func(t *Target, _ int) []byte {
		mu.Lock()
		defer mu.Unlock()
		k := key{t.Pattern, t.Sink}
		if made[k] == nil {
			made[k] = f(t)
		}
		return made[k]
	}
}

var zeros = same(func(*Target) []byte { return make([]byte, megabyte) })

// repeat returns a batch of the same.
func repeat(b []byte) []byte { return bytes.Repeat(b, max(1, batch/len(b))) }

func concat(b ...[]byte) []byte { return bytes.Join(b, nil) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return b
}

// long is the beginning of a frame of n bytes, with the first of them.
func long(flags byte, n uint64, begin string) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{flags | flagLong}, n), begin...)
}
