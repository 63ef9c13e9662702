package wire

import "errors"

// DecodedSize returns how many bytes the pixels of the picture take, with one byte
// for each component.
func (i *JPEGInfo) DecodedSize() uint64 {
	return uint64(i.Width) * uint64(i.Height) * uint64(i.Components) //nolint:gosec // ParseJPEG has bounds for each
}

// Check returns why the data part of a frame is neither a picture nor an array: a
// defect of a JPEG, a shape that does not fit the bytes, or more than maxFrame bytes
// of pixels (0: no limit). The error wraps ErrMalformed. An array without a
// GStreamer format is good.
func (h *Header) Check(data []byte, maxFrame uint64) error {
	if !h.Compressed {
		if _, err := h.Layout(len(data), maxFrame); !errors.Is(err, ErrUnsupported) {
			return err
		}
		return nil
	}
	info, err := ParseJPEG(data)
	if err == nil && maxFrame > 0 && info.DecodedSize() > maxFrame {
		err = badJPEG("%dx%d, which decodes to %d bytes: want at most max-frame-size=%d", info.Width, info.Height, info.DecodedSize(), maxFrame)
	}
	return err
}
