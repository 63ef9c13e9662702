package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// netgearCapsRefused is called with caps that a sink pad does not take, once for
// each try to negotiate. anyRaw: it would take them with raw-formats=any.
//
//export netgearCapsRefused
func netgearCapsRefused(obj unsafe.Pointer, caps *C.char, anyRaw C.gboolean) {
	defer rescue(obj)
	if !halfOf[Instance](obj).Opened() { // a program checks whether pads fit
		return
	}
	text := C.GoString(caps)
	cure := cureOf(text)
	switch of := uncarried(halfOf[Instance](obj), text); {
	case of != "":
		cure = of
	case anyRaw != 0:
		cure = "raw-formats=any, or " + cure
	}
	elementOf(obj).PostError(fmt.Errorf("%w: %s is not taken: want %s before it", ErrNegotiation, shorten(text), cure), "the caps are "+text)
}

// uncarried returns the cure for caps that the messages of a wire do not carry. It is
// empty where they do.
func uncarried(half Instance, caps string) string {
	e, ok := half.(interface{ Settings() *Settings })
	if !ok {
		return ""
	}
	w := e.Settings().Live().Wire
	jpeg, raw := strings.HasPrefix(caps, "image/jpeg"), strings.HasPrefix(caps, "video/x-raw") || strings.HasPrefix(caps, "video/x-bayer")
	switch w {
	case wire.JPEG, wire.LeRobot:
		if !jpeg {
			return "jpegenc (the wire carries JPEG alone)"
		}
	case wire.Array:
		if !raw {
			return "jpegdec or decodebin (the wire carries raw video alone)"
		}
	case wire.ImageZMQ:
		if !jpeg && !raw {
			return "jpegenc behind a decoder (the wire carries JPEG and raw video), or wire=netgear"
		}
	case wire.Auto, wire.NetGear:
	}
	return ""
}

// shorten keeps the most important part of the text of caps.
func shorten(caps string) string {
	const most = 80
	if len(caps) > most {
		return caps[:most] + "…"
	}
	return caps
}

// cures has the elements that make frames which the sinks accept, by the beginning
// of the caps; the first row that matches counts.
var cures = []struct{ caps, cure string }{
	{"video/x-raw(", "what brings it into system memory, as gldownload, vapostproc or nvvidconv"},
	{"video/x-raw", "videoconvert or jpegenc"},
	{"video/x-bayer", "bayer2rgb"},
	{"video/x-h264", "h264parse (byte-stream, alignment=au)"},
	{"video/x-h265", "h265parse (byte-stream, alignment=au)"},
	{"video/x-av1", "av1parse (obu-stream, alignment=tu)"},
	{"", "decodebin ! videoconvert"},
}

func cureOf(caps string) string {
	for _, c := range cures {
		if strings.HasPrefix(caps, c.caps) {
			return c.cure
		}
	}
	return ""
}
