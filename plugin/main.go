// Command plugin is the GStreamer plugin: built with -buildmode=c-shared it
// becomes libgstnetgear.so.
package main

/*
#cgo pkg-config: gstreamer-1.0
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/elements"
)

//export netgearPluginInit
func netgearPluginInit(plugin unsafe.Pointer) (ok C.int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintln(os.Stderr, "gst-netgear: internal error:", r)
			ok = 0
		}
	}()
	if err := elements.RegisterIn(plugin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0
	}
	return 1
}

func main() {}
