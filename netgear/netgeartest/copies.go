// Package netgeartest is for tests of programs that use package netgear.
package netgeartest

import "github.com/gst-netgear/gst-netgear/netgear/internal/zmsg"

// CopiedBytes returns how many bytes of payloads were copied into the transport since
// the process began, because they belonged to Go.
func CopiedBytes() uint64 { return zmsg.Copies() }
