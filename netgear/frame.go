package netgear

import (
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Payload is the data part of a message and who frees it. It has one owner,
// who calls Release once, or hands it on: to Sender.Send, or with Detach.
type Payload struct {
	// Bytes may lie outside Go's heap; they are valid until Release.
	Bytes []byte

	free, owner unsafe.Pointer
}

// ForeignPayload returns a payload of memory that is not Go's, with the C
// function void (*free)(void *owner) to be called once when it is no longer
// needed, from any thread.
func ForeignPayload(b []byte, free, owner unsafe.Pointer) Payload {
	return Payload{Bytes: b, free: free, owner: owner}
}

// Release frees the payload. Its Bytes must not be used afterwards.
func (p *Payload) Release() {
	zmsg.Free(p.free, p.owner)
	*p = Payload{}
}

// Detach gives the ownership to the caller: free(owner) is then to be called
// once from C. free is nil when the bytes belong to Go.
func (p *Payload) Detach() (b []byte, free, owner unsafe.Pointer) {
	b, free, owner = p.Bytes, p.free, p.owner
	*p = Payload{}
	return b, free, owner
}

// Frame is one frame as it is sent or was received.
type Frame struct {
	// Header says what the payload is. Send fills in Pattern, the JPEG options of
	// Config where Header.JPEG names no colour space and, with Extensions, Ext.Seq
	// and Ext.T. After Recv, Message aliases memory that is
	// valid until the next Recv.
	Header wire.Header
	// Payload is owned by the frame's holder after Recv. Send takes it over,
	// whatever it returns; bytes that belong to Go are copied.
	Payload Payload
	// Live says, for Send, that the frame is of a live stream: see
	// Config.WaitForConnection.
	Live bool
	// Arrived is when a received frame came, as far as anybody looked: a program
	// that is busy has frames wait, and they are not younger for it.
	Arrived time.Time
	// Discontinuity says that frames were lost before this one, or that it is
	// the first of its sender or of a connection. Of received frames; never of
	// one that builds upon others.
	Discontinuity bool
}

// CopiedBytes returns how many bytes of payloads had to be copied into the
// transport because they belonged to Go, since the process began.
func CopiedBytes() uint64 { return zmsg.Copies() }
