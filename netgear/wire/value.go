package wire

import (
	"bytes"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Raw is one JSON value as text, as it stood on the wire. It may hold Python's
// NaN, Infinity and -Infinity, also inside arrays and objects. Nil means null
// or absent.
type Raw []byte

// ValueFromText returns the JSON value that a user's text stands for: nil
// (null) for the empty text; the text itself, without blanks around it, when it
// is one JSON value (NaN, Infinity and -Infinity included); any other text as a
// JSON string, escaped as Python does. Text that nests deeper than MaxDepth is
// taken as a string too, and invalid UTF-8 becomes U+FFFD.
//
// The result is a ValidValue but for text longer than MaxValueLen.
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

// ValidValue reports whether r may be sent: nil, or one JSON value as Python's
// json.loads takes it, valid UTF-8, within MaxValueLen and MaxDepth.
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

// PythonType returns the name of the type that Python's json.loads makes of r,
// the return_type of a reply: NoneType for nil and null, str, int, float (NaN
// and Infinity too), bool, list or dict. It looks at no more than it needs and
// does not validate r.
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

// unquote decodes a JSON string that a scanner has passed. It returns a part of
// raw when nothing is escaped. A lone surrogate, which Python's str can hold
// and UTF-8 cannot, becomes U+FFFD.
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

// isString, isNull and isObject look at a value that a scanner has passed; nil
// is an absent key and none of them.
func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }
func isNull(raw []byte) bool   { return len(raw) > 0 && raw[0] == 'n' }
func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// parseBool and the number parsers below take a value that a scanner has passed.
func parseBool(raw []byte) (v, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// parseUint takes digits only: no sign, fraction or exponent.
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

// parseUint63 is parseUint for what must fit an int64.
func parseUint63(raw []byte) (int64, bool) {
	v, ok := parseUint(raw)
	if !ok || v > math.MaxInt64 {
		return 0, false
	}
	return int64(v), true
}

// reuse returns b as a string: old when they are equal, which spares a message
// that repeats the text of the one before it an allocation.
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
