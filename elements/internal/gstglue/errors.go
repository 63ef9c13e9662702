package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// ErrNegotiation means that downstream does not accept the frames that arrive.
var ErrNegotiation = errors.New("not negotiated")

// ErrNoStream means that a demuxer found nothing in its input.
var ErrNoStream = errors.New("no stream")

// ErrBuffer means that a buffer could not be read or made.
var ErrBuffer = errors.New("no usable buffer")

type errorRow struct {
	err               error
	domain            C.int
	sinkCode, srcCode C.int
}

// errorRows maps the library's errors to GStreamer's; the first row that matches
// counts.
var errorRows = []errorRow{
	{netgear.ErrUnauthorized, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_NOT_AUTHORIZED, C.GST_RESOURCE_ERROR_NOT_AUTHORIZED},
	{netgear.ErrSettings, C.NETGEAR_LIBRARY, C.GST_LIBRARY_ERROR_SETTINGS, C.GST_LIBRARY_ERROR_SETTINGS},
	{netgear.ErrInUse, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_BUSY, C.GST_RESOURCE_ERROR_BUSY},
	{netgear.ErrNoAddress, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_NOT_FOUND, C.GST_RESOURCE_ERROR_NOT_FOUND},
	{syscall.ENOSPC, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_NO_SPACE_LEFT, C.GST_RESOURCE_ERROR_NO_SPACE_LEFT},
	{netgear.ErrOpen, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_OPEN_WRITE, C.GST_RESOURCE_ERROR_OPEN_READ},
	{netgear.ErrTunnel, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_OPEN_READ_WRITE, C.GST_RESOURCE_ERROR_OPEN_READ_WRITE},
	{netgear.ErrAbandoned, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_WRITE, C.GST_RESOURCE_ERROR_READ},
	{netgear.ErrNoReply, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_WRITE, C.GST_RESOURCE_ERROR_WRITE},
	{netgear.ErrNoFrame, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_READ, C.GST_RESOURCE_ERROR_READ},
	{netgear.ErrNoPeer, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_WRITE, C.GST_RESOURCE_ERROR_READ},
	{netgear.ErrRefused, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_NOT_AUTHORIZED, C.GST_RESOURCE_ERROR_NOT_AUTHORIZED},
	{netgear.ErrPeerLost, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_WRITE, C.GST_RESOURCE_ERROR_READ},
	{netgear.ErrIntruder, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_BUSY, C.GST_RESOURCE_ERROR_BUSY},
	{netgear.ErrTransport, C.NETGEAR_RESOURCE, C.GST_RESOURCE_ERROR_WRITE, C.GST_RESOURCE_ERROR_READ},
	{wire.ErrMalformed, C.NETGEAR_STREAM, C.GST_STREAM_ERROR_DECODE, C.GST_STREAM_ERROR_DECODE},
	{wire.ErrUnsupported, C.NETGEAR_STREAM, C.GST_STREAM_ERROR_DECODE, C.GST_STREAM_ERROR_DECODE},
	{ErrNegotiation, C.NETGEAR_CORE, C.GST_CORE_ERROR_NEGOTIATION, C.GST_CORE_ERROR_NEGOTIATION},
	{ErrNoStream, C.NETGEAR_STREAM, C.GST_STREAM_ERROR_DEMUX, C.GST_STREAM_ERROR_DEMUX},
	{ErrBuffer, C.NETGEAR_STREAM, C.GST_STREAM_ERROR_FAILED, C.GST_STREAM_ERROR_FAILED},
}

func rowOf(err error) errorRow {
	for _, r := range errorRows {
		if errors.Is(err, r.err) {
			return r
		}
	}
	return errorRow{nil, C.NETGEAR_LIBRARY, C.GST_LIBRARY_ERROR_FAILED, C.GST_LIBRARY_ERROR_FAILED}
}

// message returns the text for a user, without what the user does not need: the
// element's name stands before it anyway, and names of packages mean nothing to
// users.
func message(err error) string {
	return strings.Replace(strings.TrimPrefix(err.Error(), "netgear: "), "wire: ", "", 1)
}

func plural(n int) string {
	if n == 1 {
		return "1 more like it since the last report"
	}
	return strconv.Itoa(n) + " more like it since the last report"
}
