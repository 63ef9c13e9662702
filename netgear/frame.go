package netgear

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Payload is the data part of a message, with whoever frees it. It has one owner,
// who calls Release once or passes it on: to Sender.Send, or with Detach.
type Payload struct {
	// Bytes may lie outside Go's heap; they are valid until Release.
	Bytes []byte

	loan zmsg.Loan
}

// ForeignPayload returns a payload of memory outside Go's heap. When it is no longer
// needed, the C function void (*free)(void *owner) is called once, from any thread.
func ForeignPayload(b []byte, free, owner unsafe.Pointer) Payload {
	return SharedPayload(b, free, owner, nil)
}

// SharedPayload is ForeignPayload for memory that the caller also holds itself. holds
// counts the holds, and free takes one away. Where others are left, holds is lowered
// instead, without a call of C.
func SharedPayload(b []byte, free, owner unsafe.Pointer, holds *atomic.Int32) Payload {
	return Payload{Bytes: b, loan: zmsg.Loan{Free: free, Owner: owner, Holds: holds}}
}

// Release frees the payload. Its Bytes must not be used afterwards.
func (p *Payload) Release() {
	p.loan.End()
	*p = Payload{}
}

// Detach passes the ownership to the caller, who must then call free(owner) once
// from C. free is nil when the bytes belong to Go.
func (p *Payload) Detach() (b []byte, free, owner unsafe.Pointer) {
	b, free, owner = p.Bytes, p.loan.Free, p.loan.Owner
	*p = Payload{}
	return b, free, owner
}

// moveTo passes the payload to a message, which copies what belongs to Go.
func (p *Payload) moveTo(m *zmsg.Message) error {
	b, loan := p.Bytes, p.loan
	*p = Payload{}
	if loan.Free == nil {
		return m.SetCopy(b)
	}
	m.Lend(b, loan)
	return nil
}

// payloadOf moves the content of a message.
func payloadOf(m *zmsg.Message) Payload {
	b, loan := m.Detach()
	return Payload{Bytes: b, loan: loan}
}

// Frame is one frame as it is sent or was received. [NewRaw] and [NewJPEG] make
// frames of pictures. A frame of anything else, such as an array of numbers or encoded
// video, is made of its Header and its Payload.
type Frame struct {
	// Header describes the payload. Send fills in Pattern, and the JPEG options of
	// Config where Header.JPEG names no colour space. With Extensions it also fills in
	// the number and the times in Ext, but for PTS, duration and a given Taken. After
	// Recv, Message aliases memory that is valid until the next Recv.
	Header wire.Header
	// After Recv the holder of the frame owns Payload. Send takes it over, whatever
	// it returns; it copies bytes that belong to Go.
	Payload Payload
	// Live tells Send that the frame is of a live stream: see
	// Config.WaitForConnection.
	Live bool
	// Single tells Send that this frame of a live stream never gives way to a newer one:
	// the program that makes the frames may wait until one has arrived before it makes
	// the next.
	Single bool
	// Behind is how many newer frames of a live stream the caller knows to wait for Send,
	// 0 where it does not know.
	Behind int
	// Captured is when the picture was taken; the zero value means that it is not
	// known. The caller of Send sets it; Header.Ext.Taken then follows from it,
	// unless the caller has set that too, because a camera said the time. After
	// Recv it is that moment on this machine's clock.
	Captured time.Time
	// ClockOffset is how far the sender's wall clock was ahead of ours when a
	// received frame was sent, and ClockError how far that may be off. HasClock means
	// that they are known, which takes confirmations, and this package at both ends.
	ClockOffset, ClockError time.Duration
	HasClock                bool
	// Arrived is when a received frame was first seen. A frame that waited for a
	// busy program has the time at which it began to wait.
	Arrived time.Time
	// Discontinuity marks a received frame that does not follow the last one: frames
	// were lost before it, or it is the first of its sender or of a connection. A
	// frame that depends on others never has it.
	Discontinuity bool
}

// NewRaw makes a frame of a raw picture. format is GStreamer's name for the order of
// the bytes: BGR is OpenCV's, and the one that a Python peer expects. width and height
// are in pixels; the rows in b follow each other without padding, as in a numpy array.
// Formats that are not pictures to every peer (I420, NV12, YUY2, Bayer) travel too,
// and the receiver must know them.
//
// b belongs to the frame until Send has returned. Errors wrap wire.ErrUnsupported for a
// format that does not travel raw, and wire.ErrMalformed where b has another size.
func NewRaw(format string, width, height int, b []byte) (*Frame, error) {
	f := &Frame{Payload: Payload{Bytes: b}}
	h := &f.Header
	var ok bool
	if h.DType, h.Shape, ok = wire.RawShape(format, width, height); !ok {
		return nil, fmt.Errorf("netgear: %w: raw video in format %q of %dx%d pixels: want BGR, GRAY8, RGB, NV12 or the like", wire.ErrUnsupported, format, width, height)
	}
	if _, ok = h.LayoutAs(format, width, height, len(b), 0); !ok {
		return nil, fmt.Errorf("netgear: %w: %d bytes for %dx%d pixels of %s", wire.ErrMalformed, len(b), width, height, format)
	}
	h.Ext.Caps = fmt.Sprintf("%s, format=(string)%s, width=(int)%d, height=(int)%d", wire.RawMediaOf(format), format, width, height)
	return f, nil
}

// NewJPEG makes a frame of a JPEG. It looks for the defects that show without
// decoding: a torn JPEG would end a Python receiver for good. How a receiver decodes it
// is in Config.Colorspace, FastDCT and FastUpsample; a JPEG of one component is
// announced as GRAY.
//
// b belongs to the frame until Send has returned. Errors wrap wire.ErrMalformed.
func NewJPEG(b []byte) (*Frame, error) {
	info, err := wire.ParseJPEG(b)
	if err != nil {
		return nil, fmt.Errorf("netgear: %w", err)
	}
	f := &Frame{Payload: Payload{Bytes: b}}
	f.Header.Compressed, f.Header.Shape = true, wire.Shape{N: -1}
	if info.Components == 1 {
		f.Header.JPEG = wire.JPEGOptions{FastDCT: true, Colorspace: "GRAY"}
	}
	return f, nil
}
