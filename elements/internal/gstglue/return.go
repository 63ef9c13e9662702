package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Returns holds the frame that goes out of return_src next: one, the newest. Safe
// for concurrent use. The zero value takes no frames.
type Returns struct {
	mu      sync.Mutex
	wake    chan struct{} // of the pad's task; nil: there is none
	sample  *Sample
	ended   bool
	dropped atomic.Uint64
}

func (r *Returns) returns() *Returns { return r }

// ReturnsActive reports whether frames can go out.
func (r *Returns) ReturnsActive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wake != nil
}

// ReturnsDropped returns how many frames were replaced by a newer one, or taken by
// nobody.
func (r *Returns) ReturnsDropped() uint64 { return r.dropped.Load() }

// PutReturn sends a frame out soon, and takes over the sample.
func (r *Returns) PutReturn(s *Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake == nil {
		r.drop(s)
		return
	}
	r.drop(r.sample)
	r.sample = s
	r.wakeLocked()
}

func (r *Returns) drop(s *Sample) {
	if s != nil {
		s.Free()
		r.dropped.Add(1)
	}
}

// EndReturn ends the stream after the frame that waits.
func (r *Returns) EndReturn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.wakeLocked()
}

func (r *Returns) wakeLocked() {
	select {
	case r.wake <- struct{}{}: // a nil channel takes nothing
	default:
	}
}

func (r *Returns) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake, r.ended = make(chan struct{}, 1), false
	r.dropped.Store(0)
}

func (r *Returns) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
	r.drop(r.sample)
	r.sample = nil
}

// next waits for a frame, the end of the stream or stop.
func (r *Returns) next() (s *Sample, what C.int) {
	for {
		r.mu.Lock()
		wake := r.wake
		s, r.sample = r.sample, nil
		ended := r.ended
		r.mu.Unlock()
		switch {
		case wake == nil:
			r.drop(s)
			return nil, C.NETGEAR_RETURN_STOP
		case s != nil:
			return s, C.NETGEAR_RETURN_FRAME
		case ended:
			return nil, C.NETGEAR_RETURN_EOS
		}
		<-wake
	}
}

func returnsOf(obj unsafe.Pointer) *Returns {
	return halfOf[interface{ returns() *Returns }](obj).returns()
}

//export netgearReturnNext
func netgearReturnNext(obj unsafe.Pointer, sample *unsafe.Pointer) (what C.int) {
	what = C.NETGEAR_RETURN_STOP // after a panic
	defer rescue(obj)
	s, what := returnsOf(obj).next()
	if s != nil {
		*sample = s.p
	}
	return what
}

//export netgearReturnStart
func netgearReturnStart(obj unsafe.Pointer) {
	defer rescue(obj)
	returnsOf(obj).start()
}

//export netgearReturnStop
func netgearReturnStop(obj unsafe.Pointer) {
	defer rescue(obj)
	returnsOf(obj).stop()
}

//export netgearReturnDropped
func netgearReturnDropped(obj unsafe.Pointer) {
	defer rescue(obj)
	returnsOf(obj).dropped.Add(1)
}

//export netgearReturnFailed
func netgearReturnFailed(obj unsafe.Pointer, flow C.int) {
	defer rescue(obj)
	C.netgear_flow_error(C.gpointer(obj), flow)
}

// Returner is an Instance that takes frames to send back.
type Returner interface {
	// PushReturn makes a frame the answer to the next frames. It takes over in's
	// payload.
	PushReturn(c InCaps, in *Input) error
	// ReturnRefused is called with the reason when a frame cannot go back.
	ReturnRefused(err error)
}

//export netgearPushReturn
func netgearPushReturn(obj, sample unsafe.Pointer) {
	defer rescue(obj)
	if sample == nil {
		return
	}
	in := halfOf[Returner](obj)
	caps := unsafe.Pointer(C.gst_sample_get_caps((*C.GstSample)(sample)))
	var err error
	if caps == nil {
		err = fmt.Errorf("%w: a sample without caps: want caps that say what it is, as image/jpeg", ErrNegotiation)
	} else {
		err = pushReturn(in, sample, caps)
	}
	if err != nil {
		in.ReturnRefused(err)
	}
}

func pushReturn(in Returner, sample, caps unsafe.Pointer) error {
	var read C.NetgearCaps
	var input Input
	c, ok := readCaps(caps, &read)
	if !ok || C.netgear_sample_map(C.gpointer(sample), &read, &input.c) == 0 {
		return fmt.Errorf("%w: a sample without a buffer, or with one that does not fit its caps", ErrBuffer)
	}
	input.take()
	return in.PushReturn(c, &input)
}

//export netgearReturnUncapped
func netgearReturnUncapped(obj unsafe.Pointer) {
	defer rescue(obj)
	elementOf(obj).PostError(fmt.Errorf("%w: the buffers at return_sink have no caps: want caps that say what they are, as caps=image/jpeg of appsrc", ErrNegotiation),
		"a parser or decodebin in front knows what they are")
}
