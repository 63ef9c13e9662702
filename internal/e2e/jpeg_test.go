package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// strict is a decoder as NetGear's receivers have it.
type strict struct {
	t        *testing.T
	pictures map[string][]byte
	in       io.Writer
	out      *bufio.Scanner
}

func startStrict(t *testing.T) *strict {
	t.Helper()
	cmd := exec.Command(interpreter(), "testdata/strict.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	s := &strict{t, map[string][]byte{}, in, bufio.NewScanner(out)}
	s.out.Buffer(nil, 1<<20)
	for line := s.line(); line != ""; line = s.line() {
		cut := strings.LastIndexByte(line, ':')
		if s.pictures[line[:cut]], err = base64.StdEncoding.DecodeString(line[cut+1:]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *strict) line() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the decoder ended: %v", s.out.Err())
	}
	return s.out.Text()
}

// judge returns "good", or why the decoder refuses a picture.
func (s *strict) judge(picture []byte) string {
	s.t.Helper()
	if _, err := s.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(picture))), picture...)); err != nil {
		s.t.Fatal(err)
	}
	return s.line()
}

// A picture that ends early never passes, wherever it was cut, with or without
// what begins after it; and what a strict decoder takes always does.
func TestJPEGCutAtEveryByte(t *testing.T) {
	t.Parallel()
	s := startStrict(t)
	next := []byte{0xff, 0xd8, 0xff, 0xdb}
	for name, picture := range s.pictures {
		for n := range len(picture) {
			for _, b := range [][]byte{picture[:n], slices.Concat(picture[:n], next), slices.Concat(picture[:n], picture)} {
				why := s.judge(b)
				_, err := wire.ParseJPEG(b)
				if good := err == nil; good != (why == "good") && (good || len(b) == n) {
					t.Errorf("%s, %d bytes of %d and %d others: %v; the decoder says %s", name, n, len(picture), len(b)-n, err, why)
				}
			}
		}
	}
}

// mutations are pictures that something has happened to.
func mutations(picture []byte, r *rand.Rand) (out [][]byte) {
	put := func(at, drop int, b ...byte) { out = append(out, slices.Concat(picture[:at], b, picture[at+drop:])) }
	markers := []byte{0x01, 0xc0, 0xc2, 0xc4, 0xd0, 0xd1, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xe0, 0xf0, 0xfe, 0xff, 0}
	for at := 0; at < len(picture); at += 3 {
		put(at, 1)                                  // one byte less
		put(at, 0, byte(r.UintN(256)))              // and more
		put(at, 1, picture[at]^byte(1<<r.UintN(8))) // and changed
		put(at, 1, 0)
		put(at, 0, 0xff, markers[r.UintN(uint(len(markers)))])
		put(at, 0, bytes.Repeat([]byte{0xff}, 1+r.IntN(3))...)
		if n := at + r.IntN(len(picture)-at); true {
			put(at, n-at) // a part lost
			out = append(out, slices.Concat(picture[:n], picture[at:]))
		}
	}
	for _, tail := range [][]byte{{0}, make([]byte, 1000), {0xff}, picture, {0xff, 0xd9}, []byte("garbage")} {
		out = append(out, slices.Concat(picture, tail), slices.Concat(picture[:len(picture)-2], tail, picture[len(picture)-2:]))
	}
	return out
}

// Whatever happens to a picture, ParseJPEG refuses none that a strict decoder
// takes, and takes only what the decoder refuses for its data alone.
func TestJPEGAgreesWithStrictDecoder(t *testing.T) {
	t.Parallel()
	s := startStrict(t)
	found, missed := 0, map[string]int{}
	for name, picture := range s.pictures {
		r := rand.New(rand.NewPCG(1, uint64(len(picture))))
		for _, b := range mutations(picture, r) {
			why := s.judge(b)
			_, err := wire.ParseJPEG(b)
			switch {
			case why == "good" && err != nil:
				t.Errorf("%s: the decoder takes it, but: %v\n%x", name, err, b)
			case why != "good" && err == nil:
				missed[why]++
			case err != nil:
				found++
			}
		}
	}
	t.Logf("%d found; missed: %v", found, missed)
	for why := range missed {
		if !strings.HasPrefix(why, "Corrupt JPEG data: ") && !strings.Contains(why, "determine subsampling type") {
			t.Errorf("missed: %s", why)
		}
	}
}

// tornJPEGs are pictures that would end the thread of a NetGear receiver, by what
// has happened to them, and a good one.
func tornJPEGs(t *testing.T) (good []byte, torn [][]byte) {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	good = b.Bytes()
	n := len(good)
	return good, [][]byte{
		good[:n-2],                      // no EOI
		good[:n-1],                      // half of it
		good[:n*2/3],                    // cut off
		slices.Concat(good[:n-9], good), // and the next one begins
		slices.Concat(good[:n-600], []byte{0xff, 0xd0}, good[n-600:]), // a marker in its data
		good[n/2:], // its beginning is missing
		slices.Concat(good[:20], []byte{0}, good[20:]), // a byte between segments
		nil,
	}
}

// What is torn stays where it is: the receiver gets the pictures around it.
func TestTornJPEGStaysInSink(t *testing.T) {
	t.Parallel()
	good, torn := tornJPEGs(t)
	dir := t.TempDir()
	var frames [][]byte
	for _, b := range torn[:len(torn)-1] { // no file is empty
		frames = append(frames, good, b)
	}
	frames = append(frames, slices.Concat(good, make([]byte, 100))) // padding, which is harmless
	for i, b := range frames {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("%03d", i)), b)
	}
	far := peer(t, "recv --port 0")
	s := watch(t, "--stats multifilesrc location=%s/%%03d stop-index=%d caps=image/jpeg,framerate=25/1 ! netgearsink name=sink address=127.0.0.1 port=%d", dir, len(frames)-1, far.port())
	s.posts("sink", posted{"frame-malformed", errdoc.Sink})
	s.Exits(0)
	far.Exits(0)
	if n := len(far.events("frame")); n != len(torn) {
		t.Errorf("%d frames arrived, want %d", n, len(torn))
	}
	stats := s.events("stats")
	if st := stats[len(stats)-1].Sink; st["frames-malformed"] != uint64(len(torn)-1) || st["frames-sent"] != uint64(len(torn)) {
		t.Errorf("stats %v, want %d frames sent and %d malformed", st, len(torn), len(torn)-1)
	}
}

// Nor does it leave the source, as a frame or as what came back.
func TestTornJPEGStaysInSource(t *testing.T) {
	t.Parallel()
	good, torn := tornJPEGs(t)
	w := watch(t, "--stay --stats netgearsrc name=src address=127.0.0.1 port=0 ! appsink name=out")
	s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
	head := header(t, fields{"compression": fields{"dct": true, "ups": false, "colorspace": "BGR"}})
	for _, b := range append(torn, good) {
		send(t, s, head, b)
		recv(t, s)
	}
	send(t, s, `{"terminate_flag": true}`)
	w.Exits(0)
	if n := len(w.events("buffer")); n != 1 {
		t.Errorf("%d buffers, want the good one", n)
	}
	stats := w.events("stats")
	if st := stats[len(stats)-1].Src; st["frames-malformed"] != uint64(len(torn)) {
		t.Errorf("stats %v, want %d frames malformed", st, len(torn))
	}
}
