package gstglue

import (
	"fmt"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Describe finds out what a frame is, from its header and its bytes; maxSize
// is in bytes, 0 for no limit.
func Describe(f *netgear.Frame, maxSize uint64) (c OutCaps, err error) {
	h := &f.Header
	if h.HasExt {
		c.FPSNum, c.FPSDen, c.Extra = h.Ext.FPSNum, h.Ext.FPSDen, h.Ext.Caps
	}
	if h.Compressed {
		info, err := wire.ParseJPEG(f.Payload.Bytes)
		if err != nil {
			return c, err
		}
		if info.Components == 4 {
			return c, fmt.Errorf("JPEG in %s: want GRAY, YUV or RGB, which decoders take: %w", info.Colorspace, wire.ErrUnsupported)
		}
		c.Media, c.Width, c.Height, c.SOF = JPEG, info.Width, info.Height, info.SOF
		c.Colorspace, c.Sampling = info.Colorspace, info.Sampling
		return c, nil
	}
	l, err := h.Layout(len(f.Payload.Bytes), maxSize)
	if err != nil {
		return c, err
	}
	if l.Format == "" {
		return c, fmt.Errorf("array of %d bytes in one dimension: want [h,w] or [h,w,channels]: %w", l.Size, wire.ErrUnsupported)
	}
	c.Media, c.Format, c.Width, c.Height = Raw, l.Format, l.Width, l.Height
	return c, nil
}
