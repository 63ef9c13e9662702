// Package netgearsink is the element netgearsink: it sends video frames to
// NetGear receivers, as NetGear's "Server" does.
//
//	gst-launch-1.0 videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=5555
//	gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=BGR ! netgearsink pattern=pub-sub
//	gst-launch-1.0 videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=60 ! netgearsink
package netgearsink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Class is the element for registration.
var Class = gstglue.Class{
	Name:     "netgearsink",
	TypeName: "GstNetgearSink",
	LongName: "NetGear sink",
	Klass:    "Sink/Network",
	About:    "Send video frames over ZeroMQ to VidGear NetGear, imagezmq, LeRobot and other receivers",
	Role:     gstglue.SinkRole,
	Pads: []gstglue.Template{
		{Name: "sink", Direction: gstglue.In, Presence: gstglue.Always, Caps: gstglue.TemplateCaps},
		{Name: "return_src", Direction: gstglue.Out, Presence: gstglue.OnRequest, Caps: gstglue.ReturnCaps},
	},
	New: func() gstglue.Half { return &element{Core: gstglue.NewCore(netgear.SenderRole)} },
}

// element is the Go half. Core has what the user set; run has what exists between
// Open and Close.
type element struct {
	gstglue.Core
	gstglue.Returns
	steer steerer
	run   atomic.Pointer[run] // nil: stopped
}

// run belongs to the streaming thread. Any thread may read the sender's counters.
type run struct {
	sender *netgear.Sender
	frame  netgear.Frame
	input  gstglue.Input
	caps   gstglue.InCaps
	header wire.Header // what all frames of these caps have in common
	failed bool        // an error was posted; the end of the stream posts no other

	keyFrames uint // asked for

	message     wire.Raw // the value of the property, for messageText
	messageText string
}

// Open implements gstglue.Instance.
func (e *element) Open() error {
	obs := e.Observer()
	obs.Reply = e.returned
	obs.KeyFrame = e.askKeyFrame
	obs.EstimatedBitrate = e.LinkObserver()
	obs.Confirmed = e.steer.confirmed
	obs.Arrived = e.steer.arrived
	r := &run{header: wire.Header{Shape: wire.Shape{N: -1}}}
	return e.Start(func(cfg netgear.Config) (gstglue.End, error) {
		s, err := netgear.NewSender(cfg, obs)
		if err != nil {
			return nil, err
		}
		r.sender = s
		e.run.Store(r)
		return s, nil
	}, func(cfg *netgear.Config, _ *netgear.Property) {
		r.sender.SetWaitForConnection(cfg.WaitForConnection)
		e.steer.configure(e, r.sender, cfg)
	})
}

// Close implements gstglue.Instance.
func (e *element) Close() {
	e.run.Store(nil)
	e.steer.close()
	e.Stop()
}

// SetCaps implements gstglue.Sink.
func (e *element) SetCaps(c gstglue.InCaps) error {
	r := e.run.Load()
	h, err := gstglue.Header(c, e.Settings().Live().RawFormats == netgear.AnyRaw)
	if err != nil {
		return err
	}
	h.Ext.FPSNum, h.Ext.FPSDen = c.FPSNum, c.FPSDen
	if c.FPSNum <= 0 || c.FPSDen <= 0 {
		h.Ext.FPSNum, h.Ext.FPSDen = 0, 0
	}
	if len(c.Extra) <= wire.MaxCapsLen {
		h.Ext.Caps = c.Extra
	}
	if c.Media == gstglue.Encoded {
		cfg := e.Settings().Live()
		switch {
		case h.Ext.Caps == "":
			return fmt.Errorf("%w: caps of %d bytes: want at most %d", gstglue.ErrNegotiation, len(c.Extra), wire.MaxCapsLen)
		case !cfg.Extensions:
			return fmt.Errorf("%w: extensions=false and encoded video (%s): want extensions=true, which tells the receiver what it is", netgear.ErrSettings, c.Extra)
		case cfg.MultiClient && cfg.Pattern == wire.ReqRep:
			return fmt.Errorf("%w: multiclient-mode=true with pattern=req-rep and encoded video: each client gets a part of the frames, which cannot be decoded without the others: want pattern=pub-sub", netgear.ErrSettings)
		}
	}
	if f := e.Settings().Live().Wire.Foreign(); f != nil {
		if err := f.Carries(&h); err != nil {
			return fmt.Errorf("%w: %w", gstglue.ErrNegotiation, err)
		}
	}
	r.caps, r.header = c, h
	// Deltas may need a key frame, which is asked for in the streaming thread.
	e.Self.SetPlain(c.Media != gstglue.Encoded && c.Media != gstglue.None)
	return nil
}

// Render implements gstglue.Sink.
func (e *element) Render(b gstglue.Buffer) gstglue.Flow {
	r := e.run.Load()
	cfg := e.Settings().Live()
	if r.caps.Media == gstglue.None {
		r.failed = true
		e.Fail(fmt.Errorf("%w: the buffers have no caps: want caps that say what they are, as caps=image/jpeg of appsrc or multifilesrc", gstglue.ErrNegotiation),
			"a parser (jpegparse, h264parse) or decodebin ! videoconvert behind filesrc knows what they are")
		return gstglue.FlowRefused
	}
	for first := !b.Again(); ; first = false {
		if !b.Map(&r.input) {
			what := "JPEG"
			if r.caps.Media == gstglue.Raw {
				what = fmt.Sprintf("%s %dx%d, which has %d", r.caps.Format, r.caps.Width, r.caps.Height, b.Wanted())
			}
			return e.Fail(fmt.Errorf("%w: %d bytes cannot be read as %s", gstglue.ErrBuffer, b.Size(), what), "could not map the buffer")
		}
		f := &r.frame
		f.Header, f.Live, f.Single, f.Behind = r.header, r.input.Live, r.input.Single, r.input.Behind
		f.Payload = r.input.Payload
		if f.Header.Compressed {
			options := wire.JPEGOptions{FastDCT: cfg.FastDCT, FastUpsample: cfg.FastUpsample, Colorspace: cfg.Colorspace.Wire()}
			if err := gstglue.CompleteJPEG(&f.Header, f.Payload.Bytes, options); err != nil {
				f.Payload.Release()
				r.sender.Reject()
				e.Warn(fmt.Errorf("frame dropped: %w", err))
				return gstglue.FlowOK
			}
		}
		if r.caps.Media == gstglue.Encoded {
			if len(f.Payload.Bytes) == 0 { // they can make a numpy array, but no picture
				f.Payload.Release()
				return gstglue.FlowOK
			}
			f.Header.Shape, f.Header.Ext.Delta = wire.MakeShape(len(f.Payload.Bytes)), r.input.Delta
			f.Header.Ext.Reorder = int64(min(r.input.Reorder, wire.MaxReorder+1)) // which is not written
		}
		if first && e.steer.frame(e, r, len(f.Payload.Bytes)) {
			r.sender.Skip(len(f.Payload.Bytes))
			f.Payload.Release()
			return gstglue.FlowOK
		}
		f.Header.HasMessage = true
		f.Header.Message = e.messageOf(r, cfg.Message)
		e.setTimes(f, &r.input)
		size := len(f.Payload.Bytes)
		err := r.sender.Send(e.Context(), f)
		if err == nil {
			e.trace(r, size)
			return gstglue.FlowOK
		}
		if b.Away() && errors.Is(err, context.Canceled) {
			return gstglue.FlowHere // to wait for the end of a pause
		}
		if flow, again := e.interrupted(err); !again {
			return flow
		}
	}
}

// Send calls askKeyFrame, in the streaming thread.
func (e *element) askKeyFrame() {
	r := e.run.Load()
	r.keyFrames++
	e.Self.AskKeyFrame(r.keyFrames)
}

// messageOf returns the JSON value to send: the buffer's, or the property's.
func (e *element) messageOf(r *run, property string) wire.Raw {
	if in := &r.input; in.HasMessage {
		message := wire.ValueFromText(in.Message)
		if len(message) > wire.MaxValueLen {
			e.Warn(fmt.Errorf("%w: message of %d bytes of JSON on a buffer: want at most %d; the frame goes without", netgear.ErrSettings, len(message), wire.MaxValueLen))
			return nil
		}
		return message
	}
	if r.messageText != property {
		r.messageText, r.message = property, wire.ValueFromText(property)
	}
	return r.message
}

// setTimes sets the frame's times: those of the buffer, and when the picture was
// taken, which is at the buffer's running time.
func (e *element) setTimes(f *netgear.Frame, in *gstglue.Input) {
	const limit = 1 << 62 // ns: 146 years; a larger number is not a time
	x := &f.Header.Ext
	f.Captured = time.Time{}
	if in.HasCaptured {
		f.Captured = gstglue.MomentOf(in.Captured)
	}
	x.Taken, x.HasTaken = in.Taken, in.HasTaken
	if in.HasLocal { // of a relay, whose own times begin at the arrival
		if at := gstglue.MomentOf(in.Local); time.Since(at) >= 0 && time.Since(at) <= wire.MaxAge {
			f.Captured = at
		}
	}
	if x.HasPTS = in.RunningTime < limit; x.HasPTS {
		x.PTS = int64(in.RunningTime)
	}
	if x.HasDur = in.Duration < limit; x.HasDur {
		x.Dur = int64(in.Duration)
	}
}

// interrupted returns the flow for an error of the sender. again means that the call
// must be repeated, because a pause is over.
func (e *element) interrupted(err error) (flow gstglue.Flow, again bool) {
	if errors.Is(err, context.Canceled) {
		flow = e.Self.WaitPreroll()
		return flow, flow == gstglue.FlowOK
	}
	r := e.run.Load()
	if r.failed {
		return gstglue.FlowError, false
	}
	r.failed = true
	return e.Fail(err, "could not send"), false
}

func (e *element) trace(r *run, size int) {
	if e.Self.Logs(gstglue.LevelTrace) {
		st := r.sender.Stats()
		e.Self.Log(gstglue.LevelTrace, "render",
			fmt.Sprintf("frame seq=%d bytes=%d ack-us=%d", st.Frames-1, size, st.AckRTT.Microseconds()))
	}
}

// returned passes on a receiver's answer. It runs in the streaming thread and does
// not wait.
func (e *element) returned(r *wire.Reply, array netgear.Payload) {
	data := gstglue.Data{Port: r.Port, JSON: "null"}
	if data.Port == "" {
		data.Port = strconv.FormatUint(uint64(e.CurrentPort()), 10)
	}
	switch {
	case r.Array:
		if err := e.unpack(r, array, &data); err != nil {
			array.Release()
			e.run.Load().sender.Reject()
			e.Warn(fmt.Errorf("returned frame dropped: %w", err))
			return
		}
		if data.Sample == nil { // no such caps
			return
		}
	case r.Data != nil:
		data.JSON = string(r.Data)
	}
	message := ""
	if e.Settings().Live().PostMessages {
		message = "netgear-return-data"
	}
	e.EmitData("return-data", message, data)
}

// maxReturned is how many bytes a returned frame may decode to: the default of a
// source.
var maxReturned = netgear.DefaultConfig(netgear.ReceiverRole).MaxFrameSize

// unpack puts a returned array into data. A frame goes out of return_src too; for
// any other array JSON holds dtype and shape. unpack takes over the array, unless it
// returns an error.
func (e *element) unpack(r *wire.Reply, array netgear.Payload, data *gstglue.Data) error {
	// The frame's format is in the header of a frame under other names.
	f := netgear.Frame{Payload: array}
	f.Header.Compressed, f.Header.JPEG, f.Header.DType, f.Header.Shape = r.Compressed, r.JPEG, r.DType, r.Shape
	caps, _, err := new(gstglue.Describer).Describe(&f, maxReturned)
	if err == nil {
		if data.Sample = gstglue.NewSample(caps, array); data.Sample != nil && e.ReturnsActive() {
			e.PutReturn(data.Sample.Ref())
		}
		return nil
	}
	if r.Compressed || !errors.Is(err, wire.ErrUnsupported) {
		return err
	}
	shape, err := r.Elements(len(array.Bytes))
	if err != nil {
		return err
	}
	dims := shape.Dim[:shape.N]
	data.JSON = fmt.Sprintf(`{"dtype": %q, "shape": %s}`, r.DType, strings.ReplaceAll(fmt.Sprint(dims), " ", ", "))
	data.Sample = gstglue.NewArraySample(r.DType, dims, array)
	return nil
}

// Finish implements gstglue.Sink.
func (e *element) Finish() gstglue.Flow {
	r := e.run.Load()
	if r.failed && r.caps.Media == gstglue.None { // nothing was sent, so no goodbye is sent either
		e.EndReturn()
		return gstglue.FlowOK
	}
	for {
		err := r.sender.Finish(e.Context())
		if err == nil {
			e.EndReturn()
			return gstglue.FlowOK
		}
		if flow, again := e.interrupted(err); !again {
			return flow
		}
	}
}

// Leave implements gstglue.Sink.
func (e *element) Leave() {
	if r := e.run.Load(); r != nil {
		r.sender.Leave()
	}
}
