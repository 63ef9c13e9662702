// Package netgearsrc is the element netgearsrc: it receives video frames from
// NetGear senders, as NetGear's "Client" does.
//
//	gst-launch-1.0 netgearsrc port=5555 ! jpegdec ! autovideosink
//	gst-launch-1.0 netgearsrc pattern=pub-sub ! video/x-raw ! videoconvert ! autovideosink
package netgearsrc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Class is the element for registration.
var Class = gstglue.Class{
	Name:     "netgearsrc",
	TypeName: "GstNetgearSrc",
	LongName: "NetGear source",
	Klass:    "Source/Network",
	About:    "Receive video frames over ZeroMQ from VidGear NetGear, imagezmq, LeRobot and other senders",
	Role:     gstglue.SourceRole,
	Pads: []gstglue.Template{
		{Name: "src", Direction: gstglue.Out, Presence: gstglue.Always, Caps: gstglue.TemplateCaps},
		{Name: "return_sink", Direction: gstglue.In, Presence: gstglue.OnRequest, Caps: gstglue.ReturnCaps},
	},
	New: func() gstglue.Half { return &element{Core: gstglue.NewCore(netgear.ReceiverRole)} },
}

// element is the Go half. Core has what the user set; run has what exists between
// Open and Close.
type element struct {
	gstglue.Core
	run atomic.Pointer[run] // nil: stopped
}

// run belongs to the streaming thread. Any thread may read the receiver's counters.
type run struct {
	receiver *netgear.Receiver
	cfg      netgear.Config
	frame    netgear.Frame
	out      gstglue.Output
	caps     gstglue.OutCaps // the caps that were announced last
	begun    bool            // Create was called

	describer gstglue.Describer
	times     map[string]*timeline // see timesOf
	arrived   time.Time            // when the last frame came, and the running time of that
	at        uint64

	port, message gstglue.CText
	text          []byte // the text that port was made from
	bound         uint
	boundText     string // the number made from it
}

// Open implements gstglue.Instance.
func (e *element) Open() error {
	obs := e.Observer()
	obs.Goodbye = func(port string) { e.Self.ServerEnded(port) } // from Create, in the streaming thread
	r := &run{}
	return e.Start(func(cfg netgear.Config) (gstglue.End, error) {
		rec, err := netgear.NewReceiver(cfg, obs)
		if err != nil {
			return nil, err
		}
		r.describer.User = cfg.Caps
		r.receiver, r.cfg, r.times = rec, cfg, map[string]*timeline{}
		latency := time.Duration(0)
		if cfg.TimestampMode == netgear.CaptureTime {
			latency = time.Duration(cfg.Latency) * time.Millisecond
		}
		e.Self.SetLatency(uint64(latency))
		e.run.Store(r)
		return rec, nil
	}, r.apply)
}

// maxTimelines is how many senders are kept apart: more than there are at once.
const maxTimelines = 1024

// timesOf returns the timeline of a frame. Each sender and each camera that has a name
// has its own.
func (r *run) timesOf(h *wire.Header) *timeline {
	name := ""
	if r.cfg.MultiServer || h.Name != wire.ByPort {
		name = h.Port
	}
	t := r.times[name]
	if t == nil {
		if len(r.times) >= maxTimelines { // a sender may choose its name, and choose many
			clear(r.times)
		}
		t = &timeline{bySender: r.cfg.TimestampMode != netgear.ReceiveTime}
		r.times[strings.Clone(name)] = t
	}
	return t
}

// apply passes on the settings that can change while the element runs.
func (r *run) apply(cfg *netgear.Config, changed *netgear.Property) {
	r.receiver.SetEOSOnTerminate(cfg.EOSOnTerminate)
	r.receiver.SetMaxLag(cfg.MaxLag)
	if changed == nil && cfg.ReturnData != r.cfg.ReturnData || changed != nil && changed.Name == "return-data" {
		_ = r.receiver.SetReturnData(wire.ValueFromText(cfg.ReturnData)) // the property refuses text that is too long
	}
}

// Close implements gstglue.Instance.
func (e *element) Close() {
	r := e.run.Swap(nil)
	e.Stop()
	if r != nil {
		r.port.Free()
		r.message.Free()
	}
}

// PushReturn implements gstglue.Returner.
func (e *element) PushReturn(c gstglue.InCaps, in *gstglue.Input) error {
	f := netgear.Frame{Payload: in.Payload}
	r := e.run.Load()
	if r == nil {
		f.Payload.Release()
		return netgear.ErrClosed
	}
	var err error
	f.Header, err = gstglue.Header(c, false)
	switch {
	case err != nil:
	case c.Media == gstglue.Encoded:
		err = fmt.Errorf("%w: encoded video (%s) cannot be sent back: want JPEG or raw video", gstglue.ErrNegotiation, c.Extra)
	case f.Header.Compressed:
		err = gstglue.CompleteJPEG(&f.Header, f.Payload.Bytes, wire.JPEGOptions{FastDCT: true, Colorspace: "BGR"})
	}
	if err != nil {
		f.Payload.Release()
		return err
	}
	return r.receiver.SetReturnFrame(&f)
}

// ReturnRefused implements gstglue.Returner.
func (e *element) ReturnRefused(err error) {
	if r := e.run.Load(); r != nil && !errors.Is(err, netgear.ErrClosed) {
		r.receiver.RejectAnswer()
		e.Warn(fmt.Errorf("answer dropped: %w", err))
	}
}

// Create implements gstglue.Source.
func (e *element) Create() (unsafe.Pointer, gstglue.Flow) {
	r := e.run.Load()
	if !r.begun && r.cfg.Caps != "" {
		e.Self.AnnounceCaps(r.cfg.Caps)
	}
	r.begun = true
	for {
		if err := r.receiver.Recv(e.Context(), &r.frame); err != nil {
			switch {
			case errors.Is(err, io.EOF):
				return nil, gstglue.FlowEOS
			case errors.Is(err, context.Canceled):
				return nil, gstglue.FlowFlushing
			}
			return nil, e.Fail(err, "could not receive")
		}
		now, at := e.Self.RunningTimeAt()
		caps, ignored, err := r.describer.Describe(&r.frame, r.cfg.MaxFrameSize)
		if err != nil {
			e.drop(r, err)
			continue
		}
		if ignored != nil {
			e.Warn(ignored)
		}
		flow, err := e.announce(r, caps)
		if err != nil {
			e.drop(r, err)
			continue
		}
		if flow != gstglue.FlowOK {
			r.drop()
			return nil, flow
		}
		e.fill(r, caps.Media == gstglue.Encoded, now, at)
		e.trace(r)
		size := len(r.out.Payload.Bytes)
		buf := e.Self.NewBuffer(&r.out)
		if buf == nil {
			return nil, e.Fail(fmt.Errorf("%w: no memory for a frame of %d bytes", gstglue.ErrBuffer, size), "could not make a buffer")
		}
		return buf, gstglue.FlowOK
	}
}

// arrival returns the running time at which the frame arrived, where now is that of the
// moment at. Frames of one message, of several cameras, arrived at one time.
func (r *run) arrival(now uint64, at time.Time) uint64 {
	if r.at == gstglue.NoTime || !r.frame.Arrived.Equal(r.arrived) {
		r.arrived, r.at = r.frame.Arrived, before(now, at.Sub(r.frame.Arrived))
	}
	return r.at
}

// before returns the running time that was age before now, or NoTime.
func before(now uint64, age time.Duration) uint64 {
	if now == gstglue.NoTime {
		return now
	}
	return now - min(now, uint64(max(age, 0)))
}

// drop skips a frame without a meaning.
func (e *element) drop(r *run, err error) {
	r.receiver.Reject(len(r.frame.Payload.Bytes))
	r.frame.Payload.Release()
	e.Warn(fmt.Errorf("frame dropped: %w", err))
}

// drop frees the frame, which nobody takes.
func (r *run) drop() {
	r.receiver.Drop(len(r.frame.Payload.Bytes))
	r.frame.Payload.Release()
}

// announce sends caps downstream when they differ from those of the last frame. An
// error means that the frame cannot have caps.
func (e *element) announce(r *run, c gstglue.OutCaps) (gstglue.Flow, error) {
	if c == r.caps {
		return gstglue.FlowOK, nil
	}
	result, field := e.Self.SetCaps(c)
	switch result {
	case gstglue.CapsOK:
	case gstglue.CapsNotSent: // nor is what follows: to be announced again
		return gstglue.FlowOK, nil
	case gstglue.CapsNone:
		return 0, fmt.Errorf("%s: want what GStreamer has caps for: %w", describe(c), wire.ErrUnsupported)
	case gstglue.CapsContradicted, gstglue.CapsNoRate, gstglue.CapsRefused:
		select {
		case <-e.Context().Done():
			return gstglue.FlowFlushing, nil
		default:
		}
		if r.caps != (gstglue.OutCaps{}) {
			// The pipeline has taken frames before. So these come from a stranger that
			// connected while the sender was away, or from a sender with new settings.
			return 0, fmt.Errorf("the sender sends %s, which this pipeline does not take: %w", describe(c), wire.ErrUnsupported)
		}
		e.failCaps(result, c, field)
		return gstglue.FlowRefused, nil
	}
	r.caps = c
	return gstglue.FlowOK, nil
}

// failCaps says why the frames of a sender cannot be taken.
func (e *element) failCaps(result gstglue.CapsResult, c gstglue.OutCaps, field string) {
	if result == gstglue.CapsNoRate {
		e.failRate(c)
		return
	}
	if result == gstglue.CapsContradicted {
		e.Fail(fmt.Errorf("%w: the sender sends %s, and caps=%s contradicts its %s", gstglue.ErrNegotiation, describe(c), c.User, field),
			"the property caps completes what the sender says, and cannot change it")
		return
	}
	e.Fail(fmt.Errorf("%w: the sender sends %s, which downstream does not take", gstglue.ErrNegotiation, describe(c)),
		"put decodebin behind netgearsrc, or jpegdec (JPEG) or videoconvert (raw), or have the sender send another kind")
}

func (e *element) failRate(c gstglue.OutCaps) {
	e.Fail(fmt.Errorf("%w: the sender sends %s and no frame rate, which downstream wants: want caps=%s,framerate=30/1 on netgearsrc, or videorate behind it", gstglue.ErrNegotiation, describe(c), c.MediaType()),
		"a Python sender says no frame rate: it is 0/1 then")
}

// NoRate implements gstglue.Source.
func (e *element) NoRate() {
	if r := e.run.Load(); r != nil {
		e.failRate(r.caps)
	}
}

// describe describes caps to a user.
func describe(c gstglue.OutCaps) string {
	switch c.Media {
	case gstglue.Raw:
		return fmt.Sprintf("raw %s %dx%d", c.Format, c.Width, c.Height)
	case gstglue.Encoded:
		return c.Said.String()
	case gstglue.JPEG, gstglue.None:
	}
	return fmt.Sprintf("JPEG %dx%d", c.Width, c.Height)
}

// fill makes the output of the frame, encoded video or not. now is the running time
// at the moment at, or NoTime.
func (e *element) fill(r *run, encoded bool, now uint64, at time.Time) {
	f, o := &r.frame, &r.out
	h := &f.Header
	x := wire.Ext{}
	if h.HasExt {
		x = h.Ext
	}
	o.Duration = gstglue.NoTime
	switch {
	case x.HasDur && x.Dur > 0:
		o.Duration = uint64(x.Dur)
	case x.FPSNum > 0:
		o.Duration = uint64(x.FPSDen) * uint64(time.Second) / uint64(x.FPSNum)
	}
	jumped := false
	o.PTS, o.DTS = gstglue.NoTime, gstglue.NoTime
	if now != gstglue.NoTime { // a pipeline without a clock has none
		jumped = e.stamp(r, encoded, now, at)
	}
	o.Discont = f.Discontinuity || jumped
	o.Delta = encoded && x.Delta
	if r.cfg.TimestampMode == netgear.SenderTime && o.Duration <= jump {
		// A frame may come that much later than its time. Beyond a jump it gets a
		// new time anyway.
		e.Self.SetLatency(o.Duration)
	}
	o.Seq, o.HasSeq = x.Seq, x.HasSeq
	o.Time, o.HasTime = x.T, x.HasT
	o.Taken, o.HasTaken = x.Taken, x.HasTaken
	o.Local = f.Captured.UnixNano()
	o.ClockOffset, o.ClockError, o.HasClock = int64(f.ClockOffset), int64(f.ClockError), f.HasClock
	port := h.Port
	if port == "" {
		port = r.ownPort()
	}
	r.text = append(r.text[:0], port...)
	r.port.Set(r.text)
	message := []byte(h.Message)
	if message == nil {
		message = null
	}
	r.message.Set(message)
	if h.Message != nil {
		e.tell(port, h.Message)
	}
	o.Port, o.Message = &r.port, &r.message
	o.Payload = f.Payload
}

// stamp sets the times of the frame. jumped means that they do not follow those
// before.
func (e *element) stamp(r *run, encoded bool, now uint64, at time.Time) (jumped bool) {
	f, o, t := &r.frame, &r.out, r.timesOf(&r.frame.Header)
	x := wire.Ext{}
	if f.Header.HasExt {
		x = f.Header.Ext
	}
	if encoded && f.Discontinuity {
		t.restart()
	}
	arrived := r.arrival(now, at)
	if r.cfg.TimestampMode == netgear.CaptureTime {
		if !f.Captured.IsZero() {
			o.PTS, o.DTS = t.stampCaptured(runningTime(f.Captured, now, at), x.PTS, x.Reorder, encoded && x.HasPTS)
			if !encoded {
				o.DTS = gstglue.NoTime
			}
			return false
		}
		if arrived = before(arrived, time.Duration(x.Age)); encoded && x.HasAge {
			arrived = before(arrived, time.Duration(x.Reorder)) // when it is decoded; it was taken when it is shown
		}
		if t.unknown++; t.unknown == unknownFrames {
			e.Self.Log(gstglue.LevelInfo, "create", "timestamp-mode=capture: nobody knows how far the sender's clock is from ours (pub-sub, a Python program, an earlier version, or extensions=false): frames are placed by their arrival")
		}
	}
	if encoded {
		o.PTS, o.DTS, jumped = t.stampEncoded(arrived, x.PTS, x.Reorder, x.HasPTS, r.cfg.MultiServer || f.Header.Name != wire.ByPort || f.Header.Port == "")
	} else {
		o.PTS, jumped = t.stamp(arrived, x.PTS, x.HasPTS)
	}
	return jumped
}

// runningTime returns the running time of a moment in the past, where now is that of
// the moment at. No sender is believed that a picture was taken in the future: the times
// of its stream would have to stay there.
func runningTime(t time.Time, now uint64, at time.Time) int64 {
	return int64(now) - int64(max(0, min(at.Sub(t), farPast)))
}

// farPast is before the beginning of any pipeline.
const farPast = 1 << 62

// unknownFrames is how many frames without a time of capture show that there will be
// none. The first frame of a sender never has one.
const unknownFrames = 2

// ownPort is the name of a sender that sends no name.
func (r *run) ownPort() string {
	if n := r.receiver.CurrentPort(); n != r.bound || r.boundText == "" {
		r.bound, r.boundText = n, strconv.FormatUint(uint64(n), 10)
	}
	return r.boundText
}

var null = []byte("null")

// tell passes on the data beside a frame.
func (e *element) tell(port string, data wire.Raw) {
	name := ""
	if e.Settings().Live().PostMessages {
		name = "netgear-message"
	}
	if name != "" || e.HasHandler("message-received") {
		e.EmitData("message-received", name, gstglue.Data{Port: port, JSON: string(data)})
	}
}

func (e *element) trace(r *run) {
	if e.Self.Logs(gstglue.LevelTrace) {
		st := r.receiver.Stats()
		e.Self.Log(gstglue.LevelTrace, "create",
			fmt.Sprintf("frame seq=%d bytes=%d capture-to-receive-us=%d", r.out.Seq, len(r.out.Payload.Bytes), st.CaptureToReceive.Microseconds()))
	}
}
