package wire

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// blanks are the bytes that JSON allows between its tokens.
const blanks = " \t\n\r"

// scanner reads JSON text without copying it. Its errors are complete: they name the
// message, the place and what is wanted, and wrap ErrMalformed.
type scanner struct {
	what string // the message, for errors: "header", "reply"
	b    []byte
	pos  int
}

// newScanner checks the text as a whole: its length, and its UTF-8, which Python
// decodes before it looks at the JSON.
func newScanner(what string, b []byte) (scanner, error) {
	s := scanner{what: what, b: b}
	if len(b) > MaxHeaderLen {
		return s, malformed(what, "%d bytes, want at most %d", len(b), MaxHeaderLen)
	}
	if !utf8.Valid(b) {
		return s, malformed(what, "want UTF-8, got %s", shorten(b))
	}
	return s, nil
}

func (s *scanner) blank() {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end. JSON does not use 0.
func (s *scanner) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}

// end checks that nothing but blanks is left.
func (s *scanner) end() error {
	s.blank()
	if s.pos < len(s.b) {
		return s.fail("the end")
	}
	return nil
}

func (s *scanner) fail(want string) error {
	if s.pos >= len(s.b) {
		return malformed(s.what, "byte %d: want %s, got the end", s.pos, want)
	}
	return malformed(s.what, "byte %d: want %s, got %s", s.pos, want, shorten(s.b[s.pos:]))
}

// value returns the next value, without the blanks around it.
func (s *scanner) value() ([]byte, error) {
	s.blank()
	start := s.pos
	if err := s.skip(0); err != nil {
		return nil, err
	}
	return s.b[start:s.pos:s.pos], nil // no room to append into what follows
}

// open reads the beginning of an object.
func (s *scanner) open() error {
	s.blank()
	if s.peek() != '{' {
		return s.fail("an object")
	}
	s.pos++
	return nil
}

// member returns the next key, decoded, and its value, in the object that open
// began. The key is nil after the last one.
func (s *scanner) member(first bool) (key, val []byte, err error) {
	s.blank()
	switch c := s.peek(); {
	case c == '}':
		s.pos++
		return nil, nil, nil
	case first:
	case c == ',':
		s.pos++
		s.blank()
	default:
		return nil, nil, s.fail(`"," or "}"`)
	}
	if s.peek() != '"' {
		return nil, nil, s.fail("a key")
	}
	start := s.pos
	if err := s.skipString(); err != nil {
		return nil, nil, err
	}
	key = unquote(s.b[start:s.pos])
	s.blank()
	if s.peek() != ':' {
		return nil, nil, s.fail(`":"`)
	}
	s.pos++
	val, err = s.value()
	return key, val, err
}

// members reads an object, and calls f with each key, decoded, and its value.
func (s *scanner) members(f func(key, val []byte)) error {
	if err := s.open(); err != nil {
		return err
	}
	for first := true; ; first = false {
		key, val, err := s.member(first)
		if err != nil || val == nil {
			return err
		}
		f(key, val)
	}
}

// wanted is a key to look for in an object, and where to store its value.
type wanted struct {
	key string
	val *[]byte
}

// pick reads an object and stores the values of these keys. It leaves alone the values
// of keys that are missing. Of a key that comes twice, the last value counts.
func (s *scanner) pick(want ...wanted) error {
	if err := s.open(); err != nil {
		return err
	}
	next := 0 // the search starts there, since keys mostly come in this order
	for first := true; ; first = false {
		key, val, err := s.member(first)
		if err != nil || val == nil {
			return err
		}
		for i := range want {
			if i += next; i >= len(want) {
				i -= len(want)
			}
			if string(key) == want[i].key {
				*want[i].val = val
				next = i + 1
				break
			}
		}
	}
}

// element returns the next value of an array. The caller sets first for the first
// one; element then begins the array. The value is nil after the last one.
func (s *scanner) element(first bool) ([]byte, error) {
	s.blank()
	if first {
		if s.peek() != '[' {
			return nil, s.fail("an array")
		}
		s.pos++
		s.blank()
	}
	switch c := s.peek(); {
	case c == ']':
		s.pos++
		return nil, nil
	case first:
	case c == ',':
		s.pos++
	default:
		return nil, s.fail(`"," or "]"`)
	}
	return s.value()
}

// skip moves past the value at pos, which is inside depth arrays and objects.
func (s *scanner) skip(depth int) error {
	switch c := s.peek(); {
	case c == '"':
		return s.skipString()
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return s.fail("at most " + strconv.Itoa(MaxDepth) + " levels")
		}
		return s.skipNested(depth+1, c)
	case isDigit(c):
		return s.skipNumber()
	case c == '-' && s.word("-Infinity"),
		s.word("false"), s.word("true"), s.word("null"), s.word("NaN"), s.word("Infinity"):
		return nil
	case c == '-':
		return s.skipNumber()
	}
	return s.fail("a value")
}

func (s *scanner) skipNested(depth int, opening byte) error {
	closing := opening + 2 // in ASCII ']' is '['+2, and '}' is '{'+2
	s.pos++
	s.blank()
	if s.peek() == closing {
		s.pos++
		return nil
	}
	for {
		if opening == '{' {
			if s.peek() != '"' {
				return s.fail("a key")
			}
			if err := s.skipString(); err != nil {
				return err
			}
			s.blank()
			if s.peek() != ':' {
				return s.fail(`":"`)
			}
			s.pos++
			s.blank()
		}
		if err := s.skip(depth); err != nil {
			return err
		}
		s.blank()
		switch s.peek() {
		case closing:
			s.pos++
			return nil
		case ',':
			s.pos++
			s.blank()
		default:
			return s.fail(`"," or "` + string(rune(closing)) + `"`)
		}
	}
}

// word moves past w if it comes next.
func (s *scanner) word(w string) bool {
	if s.peek() != w[0] || len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *scanner) skipString() error {
	s.pos++
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c < ' ':
			return s.fail("no control character in a string")
		case c == '\\':
			if err := s.skipEscape(); err != nil {
				return err
			}
		default:
			s.pos++
		}
	}
	return s.fail(`a closing "`)
}

func (s *scanner) skipEscape() error {
	rest := s.b[s.pos+1:]
	if len(rest) == 0 {
		return s.fail("an escape")
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
		if _, ok := hex4(rest[1:]); ok {
			s.pos += 6
			return nil
		}
	}
	return s.fail("an escape")
}

func (s *scanner) skipNumber() error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case isDigit(c):
		s.skipDigits()
	default:
		return s.fail("a digit")
	}
	integer := true
	if s.peek() == '.' {
		integer = false
		s.pos++
		if !isDigit(s.peek()) {
			return s.fail("a digit")
		}
		s.skipDigits()
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		integer = false
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !isDigit(s.peek()) {
			return s.fail("a digit")
		}
		s.skipDigits()
	}
	if n := len(bytes.TrimPrefix(s.b[start:s.pos], minus)); integer && n > maxDigits {
		return malformed(s.what, "byte %d: want at most %d digits, got %d", start, maxDigits, n)
	}
	return nil
}

var minus = []byte("-")

func (s *scanner) skipDigits() {
	for isDigit(s.peek()) {
		s.pos++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
