package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// stream is one or more senders and one or more receivers, and the relays
// between them.
type stream struct {
	name               string
	senders, receivers []*pipeline
	relays             []*kit.Relay
	ends               []end // that bind
}

// open takes note of an end that binds, with the settings of both ends.
func (s *stream) open(sink bool, network, address, settings string, names ...string) {
	e := end{Network: network, Address: address, Sink: sink, Names: names, OneSort: strings.Contains(s.name, "JPEG")}
	for i, p := range []string{"pair", "req-rep", "pub-sub"} {
		if strings.Contains(settings, "pattern="+p) {
			e.Pattern = i
		}
	}
	s.ends = append(s.ends, e)
}

const (
	raw  = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=GRAY8,width=64,height=48,framerate=15/1"
	jpeg = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,height=120,framerate=15/1 ! jpegenc"
)

// newStreams makes 16 streams of all sorts. The folder is for sockets and
// certificates.
func newStreams(folder string) (streams []*stream, err error) {
	const always = " request-timeout=1 max-retries=0 "
	try := func(e error) {
		if err == nil {
			err = e
		}
	}
	port := func() int {
		n, e := kit.FreePort()
		try(e)
		return n
	}
	local := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	// through makes a relay to a port, and returns what to connect to.
	through := func(s *stream, to int) string {
		r, e := kit.NewRelay(to)
		if try(e); e != nil {
			return ""
		}
		s.relays = append(s.relays, r)
		return fmt.Sprintf("address=%s port=%d", r.Address(), to)
	}
	sender := func(s *stream, source, settings string) {
		s.senders = append(s.senders, newPipeline(true, source+" ! netgearsink name=net address=127.0.0.1"+always+settings))
	}
	receiver := func(s *stream, settings, rest string) {
		s.receivers = append(s.receivers, newPipeline(false, "netgearsrc name=net address=127.0.0.1 eos-on-terminate=false"+always+settings+" ! "+rest))
	}
	const sink = "fakesink sync=false"
	add := func(name string) *stream {
		s := &stream{name: name}
		streams = append(streams, s)
		return s
	}
	// simple is a stream of one sender that connects to one receiver.
	simple := func(name, source, both, onlySink, onlySrc, rest string) {
		s := add(name)
		p := port()
		s.open(false, "tcp", local(p), both)
		sender(s, source, fmt.Sprintf("%s %s %s", through(s, p), both, onlySink))
		receiver(s, fmt.Sprintf("port=%d %s %s", p, both, onlySrc), rest)
	}
	keys := "custom-cert-location=" + folder
	simple("pair", raw, "", "", "", sink)
	simple("pair, JPEG, in-flight=8", jpeg, "", "in-flight=8", "", "jpegdec ! "+sink)
	simple("pair, bidirectional", raw, "bidirectional-mode=true", "message=there", "return-data=back", sink)
	simple("pair, ironhouse", raw, "secure-mode=ironhouse "+keys, "", "", sink)
	simple("req-rep", jpeg, "pattern=req-rep", "", "", sink)
	simple("req-rep, bidirectional", raw, "pattern=req-rep bidirectional-mode=true", "message=there", "return-data=back", sink)
	simple("req-rep, stonehouse", raw, "pattern=req-rep secure-mode=stonehouse "+keys, "", "", sink)
	simple("pub-sub", raw, "pattern=pub-sub", "", "", sink)
	simple("pub-sub, ironhouse", jpeg, "pattern=pub-sub secure-mode=ironhouse "+keys, "", "", sink)

	s := add("pair over ipc")
	path := filepath.Join(folder, "pair.sock")
	ipc := "protocol=ipc address=" + path
	s.open(false, "unix", path+":5555", ipc)
	sender(s, raw, ipc)
	receiver(s, ipc, sink)

	s = add("pair, the sender binds")
	p := port()
	s.open(true, "tcp", local(p), "")
	sender(s, raw, fmt.Sprintf("bind=true port=%d", p))
	receiver(s, "bind=false "+through(s, p), sink)

	s = add("pub-sub, three subscribers")
	p = port()
	s.open(true, "tcp", local(p), "pattern=pub-sub")
	sender(s, jpeg, fmt.Sprintf("pattern=pub-sub bind=true port=%d", p))
	for range 3 {
		receiver(s, "pattern=pub-sub bind=false "+through(s, p), sink)
	}

	for _, pattern := range []string{"req-rep", "pub-sub"} {
		s = add(pattern + ", three servers")
		var ports []string
		for i := range 3 {
			p := port()
			ports = append(ports, strconv.Itoa(p))
			sender(s, raw, fmt.Sprintf("pattern=%s multiserver-mode=true message=%d %s", pattern, i, through(s, p)))
		}
		rest := sink
		if pattern == "pub-sub" { // what is behind the second pad is late, the third gets stuck
			rest = fmt.Sprintf("netgeardemux name=d d.src_%s ! %s d.src_%s ! fakesink sync=true ts-offset=500000000 d.src_%s ! appsink max-buffers=1 sync=false",
				ports[0], sink, ports[1], ports[2])
		}
		settings := fmt.Sprintf("pattern=%s multiserver-mode=true ports=%s", pattern, strings.Join(ports, ","))
		receiver(s, settings, rest)
		for _, p := range ports {
			s.open(false, "tcp", "127.0.0.1:"+p, settings, ports...)
		}
	}
	for _, pattern := range []string{"req-rep", "pub-sub"} {
		s = add(pattern + ", three clients")
		var ports []string
		for i := range 3 {
			p := port()
			ports = append(ports, strconv.Itoa(p))
			through(s, p)
			s.open(false, "tcp", local(p), "pattern="+pattern)
			receiver(s, fmt.Sprintf("pattern=%s multiclient-mode=true return-data=%d port=%d", pattern, i, p), sink)
		}
		sender(s, raw, fmt.Sprintf("pattern=%s multiclient-mode=true address=%s ports=%s", pattern, kit.RelayAddress, strings.Join(ports, ",")))
	}
	return streams, err
}
