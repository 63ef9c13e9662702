// Package netgeardemux is the element netgeardemux. It separates the frames of many
// senders, which netgearsrc receives in multi-server mode: each sender's port gets a
// pad.
//
//	gst-launch-1.0 netgearsrc multiserver-mode=true pattern=req-rep ports=5566,5567 ! netgeardemux name=d \
//	    compositor name=wall sink_1::xpos=640 ! videoconvert ! autovideosink \
//	    d.src_5566 ! jpegdec ! wall.  d.src_5567 ! jpegdec ! wall.
package netgeardemux

import (
	"errors"
	"fmt"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Class is the element for registration.
var Class = gstglue.Class{
	Name:     "netgeardemux",
	TypeName: "GstNetgearDemux",
	LongName: "NetGear demuxer",
	Klass:    "Demuxer/Network",
	About:    "Split the frames that one netgearsrc receives from several senders, one pad for each",
	Role:     gstglue.DemuxRole,
	Pads: []gstglue.Template{
		{Name: "sink", Direction: gstglue.In, Presence: gstglue.Always, Caps: gstglue.TemplateCaps},
		{Name: "src_%s", Direction: gstglue.Out, Presence: gstglue.Sometimes, Caps: gstglue.TemplateCaps},
	},
	New: func() gstglue.Half { return &element{} },
}

// host is the part of GStreamer that the element uses: a gstglue.Demux.
type host interface {
	NewPad(name, port string) gstglue.Pad
	AddPad(p gstglue.Pad)
	RemovePad(p gstglue.Pad)
	PushStreamStart(p gstglue.Pad, id string)
	HasCaps(p gstglue.Pad, c gstglue.Caps) bool
	PushCaps(p gstglue.Pad, c gstglue.Caps)
	PushSegment(p gstglue.Pad)
	PushRest(p gstglue.Pad)
	PushEOS(p gstglue.Pad, seqnum uint32)
	Forgive(p gstglue.Pad)
	ForgiveAll()
	PostError(err error, debug string)
	PostWarning(err error, debug string)
	Log(l gstglue.Level, function, text string)
}

// element is the Go half. A pad is made with the first frame of a port, and stays
// until the element leaves PAUSED. The element never emits no-more-pads, because a
// server may join at any time; an element that waits for that signal would link too
// early.
type element struct {
	host    host
	streams map[string]*stream // by port
	order   []*stream          // in the order in which they came
	warned  bool               // of too many
}

// stream is one port and its pad.
type stream struct {
	port, name string
	pad        gstglue.Pad
	// What the pad still needs before its next frame.
	needsStart, needsSegment bool
	// The next frame does not follow the one before it.
	discont bool
	// EOS was the last event that went out.
	ended bool
}

// Init implements gstglue.Half.
func (e *element) Init(self gstglue.Element) { e.host = gstglue.Demux{Element: self} }

// noPort is the port of frames without a port.
const noPort = "0"

// maxStreams limits the pads, because a sender may name any port.
const maxStreams = 256

// Route implements gstglue.Demuxer. The pad gets its stream-start, caps and segment
// before it is added: handlers of pad-added expect that.
func (e *element) Route(port []byte, caps gstglue.Caps) (pad gstglue.Pad, discont bool) {
	s := e.find(port)
	if s == nil {
		if len(e.streams) == maxStreams {
			e.refuse(string(port))
			return nil, false
		}
		s = e.add(string(port))
	}
	if s.ended {
		e.replace(s)
	}
	fresh, start := s.pad == nil, s.needsStart
	if fresh {
		s.pad = e.host.NewPad(s.name, s.port)
	}
	if start {
		e.host.PushStreamStart(s.pad, s.port)
	}
	if caps != nil && (start || !e.host.HasCaps(s.pad, caps)) {
		e.host.PushCaps(s.pad, caps)
	}
	if s.needsSegment {
		e.host.PushSegment(s.pad)
	}
	if start {
		e.host.PushRest(s.pad)
	}
	discont = s.discont
	s.needsStart, s.needsSegment, s.discont = false, false, false
	if fresh {
		e.host.Log(gstglue.LevelInfo, "route", "new pad "+s.name+" for port "+s.port)
		e.host.AddPad(s.pad)
	}
	return s.pad, discont
}

func (e *element) find(port []byte) *stream {
	if len(port) == 0 {
		return e.streams[noPort]
	}
	return e.streams[string(port)]
}

func (e *element) add(port string) *stream {
	if port == "" {
		port = noPort
	}
	s := &stream{port: port, name: padName(port, e.taken)}
	s.restart()
	if e.streams == nil {
		e.streams = map[string]*stream{}
	}
	e.streams[port] = s
	e.order = append(e.order, s)
	return s
}

func (e *element) taken(name string) bool {
	for _, s := range e.order {
		if s.name == name {
			return true
		}
	}
	return false
}

func (s *stream) restart() { s.needsStart, s.needsSegment, s.discont = true, true, true }

// replace continues a stream that has ended, on a new pad with the same name. It
// cannot continue on the old pad: a sink accepts nothing after EOS and answers with
// an error, which would stop all other streams too. Programs see pad-removed and
// pad-added, as with any demuxer.
func (e *element) replace(s *stream) {
	e.host.Log(gstglue.LevelInfo, "route", "port "+s.port+" is back")
	e.host.RemovePad(s.pad)
	s.pad, s.ended = nil, false
	s.restart()
}

func (e *element) refuse(port string) {
	if !e.warned {
		e.warned = true
		e.host.PostWarning(fmt.Errorf("frames of port %.64q dropped, there are %d ports already: %w", port, maxStreams, wire.ErrMalformed),
			"not told again")
	}
}

// Refused implements gstglue.Demuxer.
func (e *element) Refused(port, pad string) {
	e.host.PostError(fmt.Errorf("%w: port %s sends what is linked to %s does not take", gstglue.ErrNegotiation, port, pad),
		"put jpegdec (JPEG) or videoconvert (raw) behind the pad, or have the sender send the other kind")
}

// StreamStart implements gstglue.Demuxer.
func (e *element) StreamStart() {
	for _, s := range e.order {
		s.restart()
	}
}

// Segment implements gstglue.Demuxer.
func (e *element) Segment() {
	for _, s := range e.order {
		s.needsSegment = true
	}
}

// Terminate implements gstglue.Demuxer: the server of that port said goodbye.
func (e *element) Terminate(port []byte, seqnum uint32) {
	s := e.find(port)
	if s == nil || s.ended {
		return
	}
	e.host.Log(gstglue.LevelInfo, "terminate", "port "+s.port+" ends")
	e.end(s, seqnum)
	// The server may come back. Its end alone must not stop the source, not even
	// when all other streams have ended or are not linked.
	e.host.Forgive(s.pad)
}

func (e *element) end(s *stream, seqnum uint32) {
	s.ended = true
	e.host.PushEOS(s.pad, seqnum)
}

var errNoFrame = errors.New("the stream ended before the first frame came")

// EOS implements gstglue.Demuxer. Without a pad the end of the stream can go
// nowhere, and sinks that wait for a pad would wait for ever. So it is an error, as
// with other demuxers that find nothing.
func (e *element) EOS(seqnum uint32) {
	if len(e.order) == 0 {
		e.host.PostError(fmt.Errorf("%w: %w", gstglue.ErrNoStream, errNoFrame), "no server sent anything")
		return
	}
	for _, s := range e.order {
		if !s.ended {
			e.end(s, seqnum)
		}
	}
}

// FlushStop implements gstglue.Demuxer. The flush removed segment and EOS from the
// pads.
func (e *element) FlushStop() {
	for _, s := range e.order {
		s.needsSegment, s.discont, s.ended = true, true, false
	}
	e.host.ForgiveAll()
}

// Reset implements gstglue.Demuxer.
func (e *element) Reset() {
	for _, s := range e.order {
		if s.pad != nil {
			e.host.RemovePad(s.pad)
		}
	}
	e.streams, e.order, e.warned = nil, nil, false
}
