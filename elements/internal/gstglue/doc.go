// Package gstglue is the border between GStreamer and Go: the only package below
// elements/ with cgo, and the only one that imports go-gst.
//
// Each idea has a Go file and a C file of one name; glue.h declares what they share.
// C does what belongs to GStreamer; decisions are made in Go.
//
// The binding registers the types and finds the Go half of an object. Every vfunc,
// property and signal is a C function of this package. Those of the binding leak or
// copy on these paths; see docs/decisions.
package gstglue

/*
#cgo pkg-config: gstreamer-1.0 gstreamer-base-1.0 gstreamer-video-1.0
#cgo CFLAGS: -Wall -Wno-deprecated-declarations
*/
import "C"
