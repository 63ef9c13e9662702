package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// payload is the bytes of one frame.
type payload struct {
	name          string
	file          string
	caps          string
	width, height int // height 0: a JPEG
	size          int
	rate          float64 // frames/s that ours is expected to reach, for the number of frames
}

var payloads = []payload{
	{"1080p BGR", "1080p.bgr", "video/x-raw,format=BGR,width=1920,height=1080,framerate=30/1", 1920, 1080, 1920 * 1080 * 3, 1200},
	{"2160p BGR", "2160p.bgr", "video/x-raw,format=BGR,width=3840,height=2160,framerate=30/1", 3840, 2160, 3840 * 2160 * 3, 300},
	{"640x160 BGR", "160p.bgr", "video/x-raw,format=BGR,width=640,height=160,framerate=30/1", 640, 160, 640 * 160 * 3, 15000},
	{"30 kB JPEG", "30k.jpg", "image/jpeg,width=640,height=480,framerate=30/1", 640, 0, 30_000, 20000},
	{"300 kB JPEG", "300k.jpg", "image/jpeg,width=640,height=480,framerate=30/1", 640, 0, 300_000, 15000},
}

// benchCase is contenders with the same job; the first one is ours.
type benchCase struct {
	name       string
	payload    payload
	contenders []contender
}

// contender is a way to get frames from one process to another.
type contender struct {
	name string
	// share of our number of frames, for those that are slower by far.
	share float64
	// whole says that the receiver counts frames; otherwise it sees a stream of
	// bytes, which make frames of the payload's size.
	whole      bool
	recv, send func(b *bench, p payload, port, frames int) []string
}

func speedCases() (cases []benchCase) {
	for _, p := range payloads {
		for n, pattern := range []string{"pair", "req-rep", "pub-sub"} {
			c := benchCase{name: p.name + ", " + pattern, payload: p, contenders: []contender{
				ours(pattern, ""), bare(n), python(n, ""),
			}}
			if n == 0 {
				c.contenders = append(c.contenders, inFlight(8), tcp, gdp)
				if p.height == 0 {
					c.contenders = append(c.contenders, srt)
				}
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// chainCases encode and decode too.
func chainCases() []benchCase {
	raw := payload{"1080p, JPEG on the way", "picture.bgr", payloads[0].caps, 1920, 1080, 1920 * 1080 * 3, 90}
	i420 := raw
	i420.name, i420.file, i420.caps = "1080p I420, JPEG on the way", "picture.i420", "video/x-raw,format=I420,width=1920,height=1080,framerate=30/1"
	encode := "jpegenc ! " // quality 85; NetGear's default is 90
	decoded := ours("pair", encode)
	decoded.recv = func(b *bench, _ payload, port, _ int) []string {
		return b.gst(fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d ! jpegdec ! fakesink name=end sync=false enable-last-sample=false", port))
	}
	converted := decoded
	converted.send = func(b *bench, p payload, port, frames int) []string {
		return ours("pair", "videoconvert ! "+encode).send(b, p, port, frames)
	}
	converted.recv = func(b *bench, _ payload, port, _ int) []string {
		return b.gst(fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d ! jpegdec ! videoconvert ! video/x-raw,format=BGR ! fakesink name=end sync=false enable-last-sample=false", port))
	}
	fromBGR := python(0, "jpeg")
	fromBGR.send = func(b *bench, _ payload, port, frames int) []string {
		return python(0, "jpeg").send(b, raw, port, frames)
	}
	return []benchCase{
		{i420.name, i420, []contender{decoded, fromBGR}},
		{raw.name + ", BGR at both ends", raw, []contender{converted, fromBGR}},
	}
}

// ours is the elements; before stands before the sink.
func ours(pattern, before string) contender {
	return contender{
		name: "netgearsink, netgearsrc", share: 1, whole: true,
		recv: func(b *bench, _ payload, port, _ int) []string {
			return b.gst(fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d pattern=%s ! fakesink name=end sync=false enable-last-sample=false", port, pattern))
		},
		send: func(b *bench, p payload, port, frames int) []string {
			return b.feed(fmt.Sprintf("benchsrc caps=%s wait=%d ! %snetgearsink name=end address=127.0.0.1 port=%d pattern=%s sync=false", p.caps, wait(pattern), before, port, pattern), p, frames)
		},
	}
}

// inFlight is the elements, with more than one frame on the way.
func inFlight(n int) contender {
	c := ours("pair", "")
	c.name = fmt.Sprintf("ours, in-flight=%d", n)
	c.send = func(b *bench, p payload, port, frames int) []string {
		return b.feed(fmt.Sprintf("benchsrc caps=%s ! netgearsink name=end address=127.0.0.1 port=%d in-flight=%d sync=false", p.caps, port, n), p, frames)
	}
	return c
}

// wait gives a subscriber the second to connect that the other peers give it;
// in ms.
func wait(pattern string) int {
	if pattern == "pub-sub" {
		return 1000
	}
	return 0
}

func bare(pattern int) contender {
	return contender{
		name: "libzmq in C", share: 1, whole: true,
		recv: func(b *bench, _ payload, port, _ int) []string {
			return []string{b.tool("zmqpeer"), "recv", strconv.Itoa(pattern), endpoint(port)}
		},
		send: func(b *bench, p payload, port, frames int) []string {
			return []string{b.tool("zmqpeer"), "send", strconv.Itoa(pattern), endpoint(port), b.file(p), strconv.Itoa(frames)}
		},
	}
}

func python(pattern int, jpeg string) contender {
	return contender{
		name: "NetGear's calls in Python", share: 0.5, whole: true,
		recv: func(_ *bench, _ payload, port, _ int) []string {
			return []string{kit.Python(), pypeer, "recv", strconv.Itoa(pattern), endpoint(port)}
		},
		send: func(b *bench, p payload, port, frames int) []string {
			return []string{kit.Python(), pypeer, "send", strconv.Itoa(pattern), endpoint(port), b.file(p), strconv.Itoa(frames), strconv.Itoa(p.width), strconv.Itoa(p.height), jpeg}
		},
	}
}

// The GStreamer elements that a user may know. tcp hands on bytes, which
// somebody must cut into frames; gdp keeps the frames together.
var (
	tcp = gstContender("tcpclientsink, tcpserversrc", 0.15, false,
		"tcpserversrc host=127.0.0.1 port=%d ! fakesink name=end sync=false enable-last-sample=false",
		"tcpclientsink name=end host=127.0.0.1 port=%d sync=false")
	gdp = gstContender("the same with gdppay, gdpdepay", 0.15, true,
		"tcpserversrc host=127.0.0.1 port=%d ! gdpdepay ! fakesink name=end sync=false enable-last-sample=false",
		"gdppay ! tcpclientsink name=end host=127.0.0.1 port=%d sync=false")
	// srt is held at a rate: let go, it loses most of the frames or hangs.
	srt = contender{
		name: "srtsink, srtsrc, held at 90 MB/s", share: 0.2,
		recv: func(b *bench, _ payload, port, _ int) []string {
			return b.gst(fmt.Sprintf("srtsrc uri=srt://127.0.0.1:%d?mode=listener ! fakesink name=end sync=false enable-last-sample=false", port))
		},
		send: func(b *bench, p payload, port, frames int) []string {
			return b.feed(fmt.Sprintf("benchsrc caps=%s rate=%d ! srtsink name=end uri=srt://127.0.0.1:%d?mode=caller sync=true", p.caps, srtRate/p.size, port), p, frames)
		},
	}
)

const srtRate = 90_000_000 // bytes/s

func gstContender(name string, share float64, whole bool, recv, send string) contender {
	return contender{
		name: name, share: share, whole: whole,
		recv: func(b *bench, _ payload, port, _ int) []string { return b.gst(fmt.Sprintf(recv, port)) },
		send: func(b *bench, p payload, port, frames int) []string {
			return b.feed(fmt.Sprintf("benchsrc caps=%s ! %s", p.caps, fmt.Sprintf(send, port)), p, frames)
		},
	}
}

func endpoint(port int) string { return fmt.Sprintf("tcp://127.0.0.1:%d", port) }

func (b *bench) tool(name string) string { return filepath.Join(b.folder, name) }

func (b *bench) file(p payload) string { return filepath.Join(b.folder, p.file) }

func (b *bench) gst(line string) []string { return []string{b.tool("gstrun"), line} }

func (b *bench) feed(line string, p payload, frames int) []string {
	return append(b.gst(line), b.file(p), strconv.Itoa(frames))
}
