package netgear_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// hostileMessages is how many broken messages each wire gets; the variable HOSTILE is
// that of make hostile.
func hostileMessages(t *testing.T) int {
	text := os.Getenv("HOSTILE")
	if text == "" {
		return 150
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A hostile sender of any wire ends nothing, and no message gets past the statistics,
// which the helper receiver checks at the end. Each request is answered, and a good
// sender is served after it.
func TestFuzzedForeign(t *testing.T) {
	for _, c := range []struct {
		name string
		w    wire.Wire
		p    wire.Pattern
		file string
	}{
		{"imagezmq, req-rep", wire.ImageZMQ, wire.ReqRep, "imagezmq-1.2.0.jsonl"},
		{"imagezmq, pub-sub", wire.ImageZMQ, wire.PubSub, "imagezmq-1.2.0.jsonl"},
		{"jpeg", wire.JPEG, wire.PubSub, "teleimager-2.0.6.jsonl"},
		{"lerobot", wire.LeRobot, wire.PubSub, "lerobot-0.6.1.jsonl"},
		{"array, req-rep", wire.Array, wire.ReqRep, "pyzmq-24.0.1.jsonl"},
		{"array, pub-sub", wire.Array, wire.PubSub, "pyzmq-24.0.1.jsonl"},
	} {
		for _, told := range []bool{true, false} {
			for _, multi := range []bool{false, true} {
				if multi && (!told || !c.w.Named()) {
					continue
				}
				t.Run(fmt.Sprintf("%s/told=%v/multi=%v", c.name, told, multi), func(t *testing.T) {
					t.Parallel()
					cfg := config(netgear.ReceiverRole, c.p)
					cfg.MultiServer, cfg.EOSOnTerminate = multi, false
					if told {
						cfg.Wire = c.w
					}
					bombard(t, cfg, c.file)
				})
			}
		}
	}
}

// captured returns the parts of messages that real senders sent.
func captured(t *testing.T, file string) (messages [][][]byte) {
	text, err := os.ReadFile(filepath.Join("wire/testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var v struct {
			Direction string
			Parts     [][]byte
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Direction == "sender to receiver" {
			messages = append(messages, v.Parts)
		}
	}
	return messages
}

// broken returns a message with one to three faults, or now and then a good one.
func broken(rng *rand.Rand, message [][]byte) (parts []any) {
	var out [][]byte
	for _, p := range message {
		out = append(out, bytes.Clone(p))
	}
	for range rng.IntN(4) {
		i := rng.IntN(len(out))
		switch b := out[i]; rng.IntN(8) {
		case 0:
			out = append(out, b)
		case 1:
			out = out[:i+1]
		case 2:
			out[i] = nil
		case 3:
			out[i] = b[:rng.IntN(len(b)+1)]
		case 4:
			out[i] = bytes.ReplaceAll(b, []byte(`"`), []byte(`"x`))
		case 5:
			out[i] = bytes.ReplaceAll(b, []byte("4"), []byte("-1"))
		case 6:
			out[i] = append(bytes.Repeat([]byte("["), 100), b...)
		default:
			for range min(len(b), 3) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
		}
	}
	for _, p := range out {
		parts = append(parts, p)
	}
	return parts
}

func bombard(t *testing.T, cfg netgear.Config, file string) {
	messages, rng := captured(t, file), rand.New(rand.NewPCG(1, 0))
	r := receiver(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	good := make(chan struct{}, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for {
			var f netgear.Frame
			if r.Recv(ctx, &f) != nil {
				return
			}
			if bytes.Equal(f.Payload.Bytes, jpegOf(4711)) {
				select {
				case good <- struct{}{}:
				default:
				}
			}
			f.Payload.Release()
		}
	}()
	defer func() { cancel(); <-drained }()
	typ, _ := socketTypes(cfg.Pattern)
	endpoint := fmt.Sprintf("tcp://127.0.0.1:%d", r.CurrentPort())
	bad := newFakePeer(t, typ, endpoint)
	waitFor(ctx, func() bool { return r.Peers() == 1 })
	for range hostileMessages(t) {
		bad.say(cfg.Pattern, broken(rng, messages[rng.IntN(len(messages))])...)
	}
	if cfg.Pattern == wire.PubSub {
		waitFor(ctx, func() bool { return r.Stats().FramesMalformed > 0 })
	}
	_ = bad.sock.Close()
	waitFor(ctx, func() bool { return r.Peers() == 0 })
	after := newFakePeer(t, typ, endpoint)
	waitFor(ctx, func() bool { return r.Peers() == 1 })
	for ctx.Err() == nil { // until the subscription is there
		switch cfg.Wire {
		case wire.Array:
			return // has no JPEG; that it answers, say has seen
		case wire.JPEG:
			after.say(cfg.Pattern, jpegOf(4711))
		case wire.LeRobot:
			after.say(cfg.Pattern, `{"_cams": ["good"]}`, jpegOf(4711))
		case wire.Auto, wire.NetGear, wire.ImageZMQ:
			after.say(cfg.Pattern, `{"msg": "good"}`, jpegOf(4711))
		}
		select {
		case <-good:
			return
		default:
		}
	}
}
