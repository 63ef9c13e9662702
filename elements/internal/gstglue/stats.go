package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

func statistics(obj unsafe.Pointer, in Instance) unsafe.Pointer {
	s := C.netgear_stats_new(C.gpointer(obj))
	st := in.Statistics()
	end := elementOf(obj).role.end()
	for _, f := range statFields {
		if f.on&end == 0 {
			continue
		}
		name := C.CString(f.name)
		switch v := f.value(&st).(type) {
		case uint64:
			C.netgear_stats_uint64(s, name, C.guint64(v))
		case time.Duration:
			C.netgear_stats_double(s, name, C.double(float64(v)/float64(time.Millisecond)))
		case bool:
			C.netgear_stats_bool(s, name, cbool(v))
		}
		C.free(unsafe.Pointer(name))
	}
	dropped := C.CString("signals-dropped")
	C.netgear_stats_uint64(s, dropped, C.guint64(in.Dropped()))
	C.free(unsafe.Pointer(dropped))
	if r, ok := in.(interface{ ReturnsDropped() uint64 }); ok {
		lost := C.CString("returned-frames-dropped")
		C.netgear_stats_uint64(s, lost, C.guint64(r.ReturnsDropped()))
		C.free(unsafe.Pointer(lost))
	}
	if r, ok := in.(interface{ RateReport() *RateReport }); ok {
		r.RateReport().put(s)
	}
	C.netgear_stats_peer(s, nil)
	for i := range st.Peers {
		p := &st.Peers[i]
		endpoint, port := C.CString(p.Endpoint), C.CString(p.Port)
		C.netgear_stats_peer(s, &C.NetgearPeer{
			endpoint: endpoint, port: port, frames: C.guint64(p.Frames),
			has_link: cbool(p.HasLink), rtt_ms: C.double(float64(p.RTT) / float64(time.Millisecond)), delivery_rate: C.guint64(p.DeliveryRate),
			unsent_bytes: C.guint64(p.Unsent), retransmits: C.guint64(p.Retransmits),
		})
		C.free(unsafe.Pointer(endpoint))
		C.free(unsafe.Pointer(port))
	}
	return unsafe.Pointer(s)
}

// RateReport is what the stats of a sink say of rate-control.
type RateReport struct {
	State   string  // empty: it is off
	Encoder string  // the factory's name; empty: there is none
	Bitrate float64 // what the encoder may make, bit/s; 0: not known yet
	Setting float64 // what its property was set to, in its own unit; 0: nothing yet
}

func (r *RateReport) put(s C.gpointer) {
	if r == nil || r.State == "" {
		return
	}
	text := func(name, v string) {
		n, c := C.CString(name), C.CString(v)
		C.netgear_stats_string(s, n, c)
		C.free(unsafe.Pointer(n))
		C.free(unsafe.Pointer(c))
	}
	text("rate-control-state", r.State)
	text("rate-control-encoder", r.Encoder)
	bitrate, setting := C.CString("rate-control-bitrate"), C.CString("rate-control-setting")
	defer C.free(unsafe.Pointer(bitrate))
	defer C.free(unsafe.Pointer(setting))
	C.netgear_stats_uint64(s, bitrate, C.guint64(r.Bitrate))
	C.netgear_stats_double(s, setting, C.double(r.Setting))
}

// statFields are the fields of the stats structure. Durations are in ms. A nil value
// omits the field.
var statFields = []struct {
	name  string
	on    netgear.Role
	value func(*netgear.Stats) any
}{
	{"frames-sent", netgear.SenderRole, func(s *netgear.Stats) any { return s.Frames }},
	{"frames-received", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Frames }},
	{"bytes-sent", netgear.SenderRole, func(s *netgear.Stats) any { return s.Bytes }},
	{"bytes-received", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Bytes }},
	{"frames-dropped", netgear.BothRoles, func(s *netgear.Stats) any { return s.FramesDropped }},
	{"frames-malformed", netgear.BothRoles, func(s *netgear.Stats) any { return s.FramesMalformed }},
	{"goodbyes", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.Goodbyes }},
	{"frames-missing", netgear.ReceiverRole, func(s *netgear.Stats) any { return s.FramesMissing }},
	{"acks-received", netgear.BothRoles, func(s *netgear.Stats) any { return s.AcksReceived }},
	{"ack-timeouts", netgear.BothRoles, func(s *netgear.Stats) any { return s.AckTimeouts }},
	{"reconnects", netgear.BothRoles, func(s *netgear.Stats) any { return s.Reconnects }},
	{"auth-failures", netgear.BothRoles, func(s *netgear.Stats) any { return s.AuthFailures }},
	{"ack-rtt-ms", netgear.BothRoles, func(s *netgear.Stats) any { return s.AckRTT }},
	{"ack-rtt-avg-ms", netgear.BothRoles, func(s *netgear.Stats) any { return s.AckRTTAvg }},
	{"send-block-ms", netgear.BothRoles, func(s *netgear.Stats) any { return s.SendBlock }},
	{"secure", netgear.BothRoles, func(s *netgear.Stats) any { return s.Secure }},
	{"capture-to-receive-ms", netgear.ReceiverRole, func(s *netgear.Stats) any {
		if !s.HasCaptureToReceive {
			return nil
		}
		return s.CaptureToReceive
	}},
	{"clock-offset-ms", netgear.BothRoles, func(s *netgear.Stats) any {
		if !s.HasClock {
			return nil
		}
		return s.ClockOffset
	}},
	{"clock-error-ms", netgear.BothRoles, func(s *netgear.Stats) any {
		if !s.HasClock {
			return nil
		}
		return s.ClockError
	}},
}
