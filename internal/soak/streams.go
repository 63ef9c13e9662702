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

const (
	keeps = " address=127.0.0.1 request-timeout=1 max-retries=0 " // settings of every end: it never gives up
	sink  = "fakesink sync=false"
)

// builder makes streams. err is the first thing that went wrong.
type builder struct {
	streams []*stream
	err     error
}

// newStreams makes 16 streams of all sorts. The folder is for sockets and
// certificates.
func newStreams(folder string) ([]*stream, error) {
	var b builder
	keys := "custom-cert-location=" + folder
	b.simple("pair", raw, "", "", "", sink)
	b.simple("pair, JPEG, in-flight=8", jpeg, "", "in-flight=8", "", "jpegdec ! "+sink)
	b.simple("pair, bidirectional", raw, "bidirectional-mode=true", "message=there", "return-data=back", sink)
	b.simple("pair, ironhouse", raw, "secure-mode=ironhouse "+keys, "", "", sink)
	b.simple("req-rep", jpeg, "pattern=req-rep", "", "", sink)
	b.simple("req-rep, bidirectional", raw, "pattern=req-rep bidirectional-mode=true", "message=there", "return-data=back", sink)
	b.simple("req-rep, stonehouse", raw, "pattern=req-rep secure-mode=stonehouse "+keys, "", "", sink)
	b.simple("pub-sub", raw, "pattern=pub-sub", "", "", sink)
	b.simple("pub-sub, ironhouse", jpeg, "pattern=pub-sub secure-mode=ironhouse "+keys, "", "", sink)
	b.overIPC(filepath.Join(folder, "pair.sock"))
	b.senderBinds("pair, the sender binds", raw, "", 1)
	b.senderBinds("pub-sub, three subscribers", jpeg, "pattern=pub-sub", 3)
	b.servers("req-rep")
	b.servers("pub-sub")
	b.clients("req-rep")
	b.clients("pub-sub")
	return b.streams, b.err
}

func (b *builder) add(name string) *stream {
	s := &stream{name: name}
	b.streams = append(b.streams, s)
	return s
}

func (b *builder) try(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) port() int {
	n, err := kit.FreePort()
	b.try(err)
	return n
}

// through makes a relay to a port, and returns what to connect to.
func (b *builder) through(s *stream, port int) string {
	r, err := kit.NewRelay(port)
	if b.try(err); err != nil {
		return ""
	}
	s.relays = append(s.relays, r)
	return fmt.Sprintf("address=%s port=%d", r.Address(), port)
}

func (s *stream) sender(source, settings string) {
	s.senders = append(s.senders, newPipeline(true, source+" ! netgearsink name=net"+keeps+settings))
}

func (s *stream) receiver(settings, rest string) {
	s.receivers = append(s.receivers, newPipeline(false, "netgearsrc name=net eos-on-terminate=false"+keeps+settings+" ! "+rest))
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// simple is a stream of one sender that connects to one receiver.
func (b *builder) simple(name, source, both, onlySink, onlySrc, rest string) {
	s, port := b.add(name), b.port()
	s.open(false, "tcp", local(port), both)
	s.sender(source, fmt.Sprintf("%s %s %s", b.through(s, port), both, onlySink))
	s.receiver(fmt.Sprintf("port=%d %s %s", port, both, onlySrc), rest)
}

func (b *builder) overIPC(path string) {
	s, settings := b.add("pair over ipc"), "protocol=ipc address="+path
	s.open(false, "unix", path+":5555", settings)
	s.sender(raw, settings)
	s.receiver(settings, sink)
}

// senderBinds is a stream of one sender that some receivers connect to.
func (b *builder) senderBinds(name, source, both string, receivers int) {
	s, port := b.add(name), b.port()
	s.open(true, "tcp", local(port), both)
	s.sender(source, fmt.Sprintf("%s bind=true port=%d", both, port))
	for range receivers {
		s.receiver(fmt.Sprintf("%s bind=false %s", both, b.through(s, port)), sink)
	}
}

// servers is a stream of three senders to one receiver.
func (b *builder) servers(pattern string) {
	s := b.add(pattern + ", three servers")
	var ports []string
	for i := range 3 {
		port := b.port()
		ports = append(ports, strconv.Itoa(port))
		s.sender(raw, fmt.Sprintf("pattern=%s multiserver-mode=true message=%d %s", pattern, i, b.through(s, port)))
	}
	rest := sink
	if pattern == "pub-sub" { // what is behind the second pad is late, the third gets stuck
		rest = fmt.Sprintf("netgeardemux name=d d.src_%s ! %s d.src_%s ! fakesink sync=true ts-offset=500000000 d.src_%s ! appsink max-buffers=1 sync=false",
			ports[0], sink, ports[1], ports[2])
	}
	settings := fmt.Sprintf("pattern=%s multiserver-mode=true ports=%s", pattern, strings.Join(ports, ","))
	s.receiver(settings, rest)
	for _, port := range ports {
		s.open(false, "tcp", "127.0.0.1:"+port, settings, ports...)
	}
}

// clients is a stream of one sender to three receivers.
func (b *builder) clients(pattern string) {
	s := b.add(pattern + ", three clients")
	var ports []string
	for i := range 3 {
		port := b.port()
		ports = append(ports, strconv.Itoa(port))
		b.through(s, port)
		s.open(false, "tcp", local(port), "pattern="+pattern)
		s.receiver(fmt.Sprintf("pattern=%s multiclient-mode=true return-data=%d port=%d", pattern, i, port), sink)
	}
	s.sender(raw, fmt.Sprintf("pattern=%s multiclient-mode=true address=%s ports=%s", pattern, kit.RelayAddress, strings.Join(ports, ",")))
}
