package gstglue

import (
	"cmp"
	"fmt"

	"github.com/gst-netgear/gst-netgear/netgear"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Describer describes frames. The zero value is ready; it belongs to one goroutine.
type Describer struct {
	// User is the caps that the user set, or empty.
	User string

	userCaps wire.Caps // the part of User that a sender could send
	userRaw  rawCaps   // the same for raw video
	userText string
	text     string // the last text of a sender, and its meaning
	said     wire.Caps
	err      error
}

// Describe describes a frame by its header and its bytes. maxSize is in bytes, for
// what the frame decodes to; 0 means no limit. ignored is not nil when what the
// sender says of the frame makes no sense, and is ignored.
func (d *Describer) Describe(f *netgear.Frame, maxSize uint64) (c OutCaps, ignored, err error) {
	h := &f.Header
	c.User = d.User
	if h.HasExt {
		c.FPSNum, c.FPSDen = h.Ext.FPSNum, h.Ext.FPSDen
		if h.Ext.Caps != d.text {
			d.text = h.Ext.Caps
			d.said, d.err = wire.Caps{}, nil
			if d.text != "" {
				d.said, d.err = wire.ParseCaps(d.text)
			}
		}
		c.Said, ignored = d.said, d.err
	}
	if h.Compressed {
		err = c.jpeg(f.Payload.Bytes, maxSize)
	} else {
		err = d.array(&c, h, len(f.Payload.Bytes), maxSize, ignored)
	}
	if err != nil || c.Media == Encoded {
		return c, nil, err
	}
	if !c.fits() {
		ignored = wire.ErrMalformed
	}
	if ignored != nil {
		c.Said = wire.Caps{}
		ignored = fmt.Errorf("caps %q in key \"gst\" ignored, they are not of this frame: %w", shorten(d.text), wire.ErrMalformed)
	}
	if theirs := c.Said.Get("format"); theirs.Has {
		c.Format, c.SaidFormat = theirs.Text, true
	}
	return c, ignored, nil
}

// jpeg describes a JPEG.
func (c *OutCaps) jpeg(data []byte, maxSize uint64) error {
	info, err := wire.ParseJPEG(data)
	if err != nil {
		return err
	}
	if err := decodable(info); err != nil {
		return err
	}
	if size := info.DecodedSize(); maxSize > 0 && size > maxSize {
		return fmt.Errorf("JPEG of %dx%d, which decodes to %d bytes: want at most max-frame-size=%d: %w", info.Width, info.Height, size, maxSize, wire.ErrMalformed)
	}
	c.Media, c.Width, c.Height, c.SOF = JPEG, info.Width, info.Height, info.SOF
	c.Colorspace, c.Sampling = info.Colorspace, info.Sampling
	return nil
}

// array describes a numpy array: pixels, or an encoded stream.
func (d *Describer) array(c *OutCaps, h *wire.Header, size int, maxSize uint64, bad error) error {
	if as := d.rawCaps(c); !wire.IsPicture(as.format) && as.format != "" {
		if l, ok := h.LayoutAs(as.format, as.width, as.height, size, maxSize); ok {
			c.Media, c.Format, c.SaidFormat, c.Width, c.Height = Raw, l.Format, true, l.Width, l.Height
			return nil
		}
	}
	l, err := h.Layout(size, maxSize)
	if err != nil {
		return err
	}
	if l.Format != "" {
		c.Media, c.Format, c.Width, c.Height = Raw, l.Format, l.Width, l.Height
		return nil
	}
	c.Media, c.FPSNum, c.FPSDen = Encoded, 0, 0
	switch {
	case bad != nil, c.Said.Media != "" && !c.Said.Encoded():
		return fmt.Errorf("array in one dimension with caps %q in key \"gst\": want those of encoded video: %w", shorten(d.text), wire.ErrUnsupported)
	case c.Said.Media == "" && d.fromUser().Encoded():
		c.Said = d.userCaps
	case c.Said.Media == "":
		return fmt.Errorf("array of %d bytes in one dimension: want [h,w] or [h,w,channels], or the caps of encoded video: %w", l.Size, wire.ErrUnsupported)
	}
	return nil
}

// fromUser returns the part of the user's caps that a sender could have sent.
func (d *Describer) fromUser() *wire.Caps {
	d.readUser()
	return &d.userCaps
}

func (d *Describer) readUser() {
	if d.User != d.userText {
		d.userText = d.User
		d.userCaps, _ = wire.ParseCaps(d.User) // what a sender cannot send is completed elsewhere
		d.userRaw = parseRawCaps(d.User)
	}
}

// rawCaps describes raw video, as far as its array cannot.
type rawCaps struct {
	format        string // "": not known
	width, height int    // 0: not known
}

// rawCaps returns what the sender says, or otherwise the user.
func (d *Describer) rawCaps(c *OutCaps) rawCaps {
	if format := c.Said.Get("format"); format.Has {
		if wire.RawMediaOf(format.Text) != c.Said.Media {
			return rawCaps{}
		}
		return rawCaps{format.Text, c.Said.Get("width").Num, c.Said.Get("height").Num}
	}
	if d.User == "" {
		return rawCaps{}
	}
	d.readUser()
	return d.userRaw
}

// fits reports whether what the sender says of a picture applies to this picture.
func (c *OutCaps) fits() bool {
	if c.Said.Media == "" {
		return true
	}
	width, height, format := c.Said.Get("width"), c.Said.Get("height"), c.Said.Get("format")
	_, same := wire.SameBytes(c.Format, format.Text)
	return c.Said.Media == c.MediaType() && (!width.Has || width.Num == c.Width) && (!height.Has || height.Num == c.Height) && (c.Media == JPEG && !format.Has || same)
}

// Header returns what the headers of all frames with some caps have in common. JPEG
// frames need CompleteJPEG as well, and encoded video needs a Shape with the number
// of bytes. Unless any, raw video must be a picture to every peer. Errors wrap
// ErrNegotiation.
func Header(c InCaps, anyRaw bool) (h wire.Header, err error) {
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
	if h.DType, h.Shape, ok = wire.RawShape(c.Format, c.Width, c.Height); !ok || !anyRaw && !wire.IsPicture(c.Format) {
		return h, fmt.Errorf("%w: video format %s %dx%d", ErrNegotiation, c.Format, c.Width, c.Height)
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

// CompleteJPEG puts the options into the header of a JPEG frame. A JPEG of one
// component is announced as GRAY, because it would be decoded to three equal ones.
// An error means that the data are not a complete JPEG, which would end a Python
// receiver for good.
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
