// Package elements registers the GStreamer elements of gst-netgear in a Go
// program that links them statically. Such a program must not load the plugin
// file as well: two Go runtimes in one process are not supported.
package elements

import (
	"errors"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/elements/internal/gstglue"
	"github.com/gst-netgear/gst-netgear/elements/netgeardemux"
	"github.com/gst-netgear/gst-netgear/elements/netgearsink"
	"github.com/gst-netgear/gst-netgear/elements/netgearsrc"
)

// Register makes netgearsink, netgearsrc and netgeardemux known to GStreamer, which must be
// initialised. It may be called more than once.
func Register() error { return RegisterIn(nil) }

// RegisterIn is Register for the plugin file: plugin is its *GstPlugin. The Go runtime is
// then the plugin's own, and has one processor while the process has little to do.
func RegisterIn(plugin unsafe.Pointer) error {
	if plugin != nil {
		gstglue.OwnRuntime()
	}
	for _, c := range []*gstglue.Class{&netgearsink.Class, &netgearsrc.Class, &netgeardemux.Class} {
		if !gstglue.Register(plugin, c) {
			return errors.New("elements: GStreamer refused " + c.Name)
		}
	}
	return nil
}
