package wire

import "fmt"

// sendArray is what pyzmq's documentation recommends for numpy arrays ("Serializing
// messages with PyZMQ", send_array):
//
//	{"dtype": str, "shape": [...]}  and an array
type sendArray struct{}

func (sendArray) Form() Form  { return HeadAndData }
func (sendArray) Named() bool { return false }

func (sendArray) Carries(h *Header) error {
	if h.Compressed {
		return fmt.Errorf("wire: a JPEG: an array's message cannot carry it, want raw video: %w", ErrUnsupported)
	}
	return notEncoded("an array's", h)
}

func (sendArray) Append(dst []byte, h *Header, _ []byte) []byte {
	return append(appendArray(append(dst, '{'), h), '}')
}

func (sendArray) Parse(dst []Picture, parts [][]byte) ([]Picture, error) {
	return parseArray(dst, parts, "array's header", false)
}
