package gstglue

/*
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
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
	if anyRaw != 0 {
		cure = "raw-formats=any, or " + cure
	}
	elementOf(obj).PostError(fmt.Errorf("%w: %s is not taken: want %s before it", ErrNegotiation, shorten(text), cure), "the caps are "+text)
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
