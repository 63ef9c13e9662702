package wire

import "fmt"

// bareJPEG is a JPEG and nothing else, as Unitree's teleimager and many scripts send
// it. Others, as jetbot, send a topic before it:
//
//	JPEG  or  topic and JPEG
//
// We send one part, because receivers that keep only the newest message (CONFLATE)
// cannot take more.
type bareJPEG struct{}

func (bareJPEG) Form() Form  { return DataAlone }
func (bareJPEG) Named() bool { return false }

func (bareJPEG) Carries(h *Header) error { return onlyJPEG("a bare JPEG's", h) }

func (bareJPEG) Append(dst []byte, _ *Header, _ []byte) []byte { return dst }

func (bareJPEG) Parse(dst []Picture, parts [][]byte) ([]Picture, error) {
	const what = "bare JPEG"
	last := len(parts) - 1
	if last > 1 {
		return dst, malformed(what, "%d parts: want one, or a topic and a JPEG", len(parts))
	}
	if !isJPEG(parts[last]) {
		return dst, malformed(what, "want the beginning of a JPEG, got %s", shorten(parts[last]))
	}
	dst, p := next(dst)
	p.Header.Port, p.name = "", nil
	p.Header.setJPEG()
	p.Part = last
	return dst, nil
}

// onlyJPEG returns an error for a frame that is not a JPEG.
func onlyJPEG(whose string, h *Header) error {
	if !h.Compressed {
		return fmt.Errorf("wire: raw or encoded video: %s message cannot carry it, want JPEG: %w", whose, ErrUnsupported)
	}
	return nil
}
