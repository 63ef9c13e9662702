package wire

import (
	"bytes"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Raw is one JSON value as text, exactly as on the wire. It may contain Python's
// NaN, Infinity and -Infinity, also inside arrays and objects. Nil means null or
// absent.
type Raw []byte

// ValueFromText returns the JSON value for a user's text. Empty text gives nil
// (null). Text that is one JSON value (NaN, Infinity and -Infinity included) gives
// that text, without blanks around it. Any other text gives a JSON string, escaped
// as Python does; so does text that nests deeper than MaxDepth. Invalid UTF-8
// becomes U+FFFD.
//
// The result is a ValidValue, except for text longer than MaxValueLen.
func ValueFromText(s string) Raw {
	if s == "" {
		return nil
	}
	raw := Raw(s)
	if ValidValue(raw) {
		return bytes.Trim(raw, blanks)
	}
	return appendString(make([]byte, 0, len(s)+2), s)
}

// ValidValue reports whether r may be sent: it is nil, or one JSON value that
// Python's json.loads accepts, in valid UTF-8, within MaxValueLen and MaxDepth.
func ValidValue(r Raw) bool {
	if r == nil {
		return true
	}
	s, err := newScanner("value", r)
	if err != nil || len(r) > MaxValueLen {
		return false
	}
	if _, err = s.value(); err != nil {
		return false
	}
	return s.end() == nil
}

// PythonType returns the name of the type that Python's json.loads makes of r, which
// is the return_type of a reply: NoneType for nil and null, str, int, float (NaN and
// Infinity too), bool, list or dict. It reads no more than it needs and does not
// validate r.
func PythonType(r Raw) string {
	r = bytes.TrimLeft(r, blanks)
	if len(r) == 0 {
		return "NoneType"
	}
	switch r[0] {
	case '"':
		return "str"
	case '[':
		return "list"
	case '{':
		return "dict"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if bytes.ContainsAny(r, ".eEIN") {
		return "float"
	}
	return "int"
}

// unquote decodes a JSON string that a scanner has passed. Without escapes it
// returns a part of raw. A lone surrogate, which Python's str can hold and UTF-8
// cannot, becomes U+FFFD.
func unquote(raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	text := append(make([]byte, 0, len(raw)), raw[:i]...)
	for i < len(raw) {
		c := raw[i]
		i++
		if c != '\\' {
			text = append(text, c)
			continue
		}
		c = raw[i]
		i++
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) && len(raw)-i >= 6 && raw[i] == '\\' && raw[i+1] == 'u' {
				low, _ := hex4(raw[i+2:])
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			text = utf8.AppendRune(text, r)
			continue
		}
		text = append(text, c)
	}
	return text
}

// isString, isNull and isObject report on a value that a scanner has passed. nil is
// an absent key, and none of them.
func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }
func isNull(raw []byte) bool   { return len(raw) > 0 && raw[0] == 'n' }
func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// parseBool and the number parsers below read a value that a scanner has passed.
func parseBool(raw []byte) (v, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// parseUint accepts only digits: no sign, fraction or exponent.
func parseUint(raw []byte) (v uint64, ok bool) {
	for _, c := range raw {
		if !isDigit(c) {
			return 0, false
		}
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, len(raw) > 0
}

// parseUint63 is parseUint for numbers that must fit an int64.
func parseUint63(raw []byte) (int64, bool) {
	v, ok := parseUint(raw)
	if !ok || v > math.MaxInt64 {
		return 0, false
	}
	return int64(v), true
}

// reuse returns b as a string. It returns old when they are equal, so a message that
// repeats earlier text needs no allocation.
func reuse(b []byte, old string) string {
	if string(b) == old {
		return old
	}
	return string(b)
}

// compact returns a value without the blanks between its tokens.
func compact(raw []byte) []byte {
	if !bytes.ContainsAny(raw, blanks) {
		return raw
	}
	text := make([]byte, 0, len(raw))
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			text = append(text, c, raw[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		text = append(text, raw[i])
	}
	return text
}

// appendString appends s as Python's json.dumps writes a str with ensure_ascii,
// its default. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case ' ' <= r && r <= '~':
			dst = append(dst, byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = appendEscape(appendEscape(dst, high), low)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

func appendRaw(dst []byte, r Raw) []byte {
	if len(r) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, r...)
}
