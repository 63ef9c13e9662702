package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

var (
	// ErrMalformed is wrapped by every error that a message of the peer causes.
	ErrMalformed = errors.New("malformed message")

	// ErrUnsupported is wrapped by the errors of Layout when a frame is well
	// formed, but no GStreamer video format exists for its dtype and shape.
	ErrUnsupported = errors.New("unsupported frame")
)

// malformed makes an error of a message: "wire: header: …: malformed message".
func malformed(what, format string, args ...any) error {
	return fmt.Errorf("wire: %s: %s: %w", what, fmt.Sprintf(format, args...), ErrMalformed)
}

// unwanted returns the error of a key with a wrong value.
func unwanted(what, key, want string, got []byte) error {
	if got == nil {
		return malformed(what, "%q: missing, want %s", key, want)
	}
	return malformed(what, "%q: want %s, got %s", key, want, shorten(got))
}

// shorten makes bytes of a peer safe for the text of an error: it keeps a few of
// them, and none that could control a terminal.
func shorten(b []byte) string {
	const most = 40 // bytes; enough to recognise a value
	cut := len(b) > most
	if cut {
		b = b[:most]
		for i := 0; i < utf8.UTFMax-1 && !utf8.Valid(b); i++ {
			b = b[:len(b)-1]
		}
	}
	clean := bytes.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, b)
	if cut {
		return string(clean) + "…"
	}
	return string(clean)
}
