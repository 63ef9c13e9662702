package gstglue

import (
	"cmp"
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
		if err := decodable(info); err != nil {
			return c, err
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
		if c.Extra == "" {
			return c, fmt.Errorf("array of %d bytes in one dimension: want [h,w] or [h,w,channels], or the caps of encoded video: %w", l.Size, wire.ErrUnsupported)
		}
		c.Media, c.FPSNum, c.FPSDen = Encoded, 0, 0
		return c, nil
	}
	c.Media, c.Format, c.Width, c.Height = Raw, l.Format, l.Width, l.Height
	return c, nil
}

// Header returns what the headers of all frames of some caps have in common.
// Those of JPEG want CompleteJPEG besides, those of encoded video a Shape with
// the number of bytes. Errors wrap ErrNegotiation.
func Header(c InCaps) (h wire.Header, err error) {
	switch c.Media {
	case JPEG:
		h.Compressed, h.Shape = true, wire.Shape{N: -1}
		return h, nil
	case Encoded:
		h.DType = "uint8"
		return h, nil
	case Raw, None:
	}
	var ok bool
	if h.DType, h.Shape, ok = wire.RawShape(c.Format, c.Width, c.Height); !ok {
		return h, fmt.Errorf("%w: video format %s", ErrNegotiation, c.Format)
	}
	return h, nil
}

// decodable refuses pictures that no peer of NetGear can turn into BGR.
func decodable(info wire.JPEGInfo) error {
	if info.Components == 1 || info.Components == 3 {
		return nil
	}
	return fmt.Errorf("JPEG in %s: want GRAY, YUV or RGB, which decoders take: %w", cmp.Or(info.Colorspace, "two components"), wire.ErrUnsupported)
}

// CompleteJPEG puts the options into the header of a JPEG frame. One of a
// single component is announced as GRAY: it would come out as three equal ones.
// An error says that the data are no whole JPEG, which would end a Python receiver
// for good.
func CompleteJPEG(h *wire.Header, data []byte, options wire.JPEGOptions) error {
	info, err := wire.ParseJPEG(data)
	if err != nil {
		return err
	}
	if err := decodable(info); err != nil {
		return err
	}
	if h.JPEG = options; info.Components == 1 {
		h.JPEG.Colorspace = "GRAY"
	}
	return nil
}
