package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CapsKind is the type of a field of caps, as GStreamer knows it.
type CapsKind uint8

// Kinds of fields.
const (
	CapsText     CapsKind = iota + 1 // string
	CapsInt                          // int
	CapsUint                         // uint
	CapsFraction                     // fraction
	CapsBool                         // boolean
)

// CapsField is a row of CapsFields: a field that a sender may send, and its type.
type CapsField struct {
	Name string
	Kind CapsKind
	// Picture means that the field applies to raw video and JPEG too, not only to
	// encoded video.
	Picture bool
	min     int
	max     int
	valid   func(text string) bool // of CapsText
}

// maxPAR is the largest number in a pixel aspect ratio. Multiplied by maxSide it is
// less than 2^31: sinks and scalers compute that product.
const maxPAR = 65535

// CapsFields are all fields of caps that are used; others are skipped. GStreamer
// keeps each name that it has seen for ever, and some values of the wrong type make
// it print critical warnings. So it never sees text of a peer.
var CapsFields = [...]CapsField{
	{Name: "format", Kind: CapsText, Picture: true, valid: isRawFormat},
	{Name: "stream-format", Kind: CapsText, valid: oneOf("byte-stream", "obu-stream")},
	{Name: "alignment", Kind: CapsText, valid: oneOf("au", "tu")},
	{Name: "profile", Kind: CapsText, valid: isWord},
	{Name: "tier", Kind: CapsText, valid: oneOf("main", "high")},
	{Name: "level", Kind: CapsText, valid: isWord},
	{Name: "width", Kind: CapsInt, Picture: true, min: 1, max: maxSide},
	{Name: "height", Kind: CapsInt, Picture: true, min: 1, max: maxSide},
	{Name: "framerate", Kind: CapsFraction},
	{Name: "pixel-aspect-ratio", Kind: CapsFraction, Picture: true, min: 1, max: maxPAR},
	{Name: "interlace-mode", Kind: CapsText, Picture: true, valid: oneOf("progressive", "interleaved", "mixed", "fields")},
	{Name: "field-order", Kind: CapsText, Picture: true, valid: oneOf("unknown", "top-field-first", "bottom-field-first")},
	{Name: "colorimetry", Kind: CapsText, Picture: true, valid: isColorimetry},
	{Name: "chroma-site", Kind: CapsText, Picture: true, valid: isChromaSite},
	{Name: "chroma-format", Kind: CapsText, valid: oneOf("4:0:0", "4:2:0", "4:2:2", "4:4:4")},
	{Name: "bit-depth-luma", Kind: CapsUint, min: 1, max: 16},
	{Name: "bit-depth-chroma", Kind: CapsUint, max: 16}, // 0: grey
	{Name: "mastering-display-info", Kind: CapsText, valid: func(s string) bool { return isNumbers(s, 10, 1<<32-1) }},
	{Name: "content-light-level", Kind: CapsText, valid: func(s string) bool { return isNumbers(s, 2, 1<<16-1) }},
	{Name: "multiview-mode", Kind: CapsText, Picture: true, valid: oneOf("mono", "left", "right", "side-by-side", "side-by-side-quincunx",
		"column-interleaved", "row-interleaved", "top-bottom", "checkerboard", "frame-by-frame", "multiview-frame-by-frame", "separated")},
	{Name: "parsed", Kind: CapsBool},
}

// CapsValue is the value of a field.
type CapsValue struct {
	Has      bool
	Text     string // of CapsText
	Num, Den int    // Den of CapsFraction; Num of a true CapsBool is 1
}

// Caps is what a sender says of its frames: a media type, and values in the order of
// CapsFields. Caps can be compared with ==.
type Caps struct {
	Media  string // "": nothing
	Values [len(CapsFields)]CapsValue
}

// encodedMedia holds the media types of encoded video, with the fields that must
// have a certain value, and those that may be absent but can have no other value.
var encodedMedia = map[string]struct{ must, may map[string]string }{
	"video/x-h264": {must: map[string]string{"stream-format": "byte-stream", "alignment": "au"}},
	"video/x-h265": {must: map[string]string{"stream-format": "byte-stream", "alignment": "au"}},
	"video/x-vp8":  {},
	"video/x-vp9":  {},
	"video/x-av1":  {must: map[string]string{"alignment": "tu"}, may: map[string]string{"stream-format": "obu-stream"}},
}

// Encoded reports whether the caps are those of encoded video, with everything that
// a decoder must know.
func (c *Caps) Encoded() bool {
	m, ok := encodedMedia[c.Media]
	for name, want := range m.must {
		ok = ok && c.Get(name).Text == want
	}
	for name, want := range m.may {
		v := c.Get(name)
		ok = ok && (!v.Has || v.Text == want)
	}
	return ok
}

// Get returns the value of a field of CapsFields.
func (c *Caps) Get(name string) CapsValue {
	for i := range CapsFields {
		if CapsFields[i].Name == name {
			return c.Values[i]
		}
	}
	return CapsValue{}
}

// String writes the caps as GStreamer does.
func (c *Caps) String() string {
	var b strings.Builder
	b.WriteString(c.Media)
	for i, v := range c.Values {
		if !v.Has {
			continue
		}
		b.WriteString(", " + CapsFields[i].Name + "=")
		switch CapsFields[i].Kind {
		case CapsText:
			b.WriteString("(string)" + v.Text)
		case CapsInt:
			b.WriteString("(int)" + strconv.Itoa(v.Num))
		case CapsUint:
			b.WriteString("(uint)" + strconv.Itoa(v.Num))
		case CapsFraction:
			b.WriteString("(fraction)" + strconv.Itoa(v.Num) + "/" + strconv.Itoa(v.Den))
		case CapsBool:
			b.WriteString("(boolean)" + strconv.FormatBool(v.Num == 1))
		}
	}
	return b.String()
}

var errCaps = errors.New("want one media type with plain values")

// ParseCaps reads caps as a sender writes them: one structure of single values, with
// GStreamer's types or without. It skips fields that are not in CapsFields. A field
// that has the wrong type or value is an error, which wraps ErrMalformed.
func ParseCaps(text string) (Caps, error) {
	c, err := parseCaps(text)
	if err != nil {
		return Caps{}, malformed("caps", "%s: %v", shorten([]byte(text)), err)
	}
	return c, nil
}

func parseCaps(text string) (c Caps, err error) {
	if len(text) > MaxCapsLen || strings.ContainsAny(text, "[]{}<>;\\") {
		return c, errCaps
	}
	media, rest, more := strings.Cut(text, ",")
	c.Media = knownMedia(strings.TrimSpace(media))
	if c.Media == "" {
		return c, errCaps
	}
	for more {
		var field string
		if field, rest, more = cutField(rest); !strings.Contains(field, "=") {
			return c, errCaps
		}
		if err := c.set(field); err != nil {
			return c, err
		}
	}
	return c, nil
}

// knownMedia returns the media type from the table, or "" when it is not there.
func knownMedia(name string) string {
	switch name {
	case RawMedia:
		return RawMedia
	case BayerMedia:
		return BayerMedia
	case "image/jpeg":
		return "image/jpeg"
	}
	for media := range encodedMedia {
		if media == name {
			return media
		}
	}
	return ""
}

// cutField returns the text before the next comma outside quotes.
func cutField(s string) (field, rest string, more bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// typeNames are GStreamer's names of the kinds.
var typeNames = map[CapsKind]string{CapsText: "(string)", CapsInt: "(int)", CapsUint: "(uint)", CapsFraction: "(fraction)", CapsBool: "(boolean)"}

// set reads "name=(type)value".
func (c *Caps) set(field string) error {
	name, value, _ := strings.Cut(field, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	for i := range CapsFields {
		f := &CapsFields[i]
		if f.Name != name {
			continue
		}
		if strings.HasPrefix(value, "(") {
			plain, ok := strings.CutPrefix(value, typeNames[f.Kind])
			if !ok {
				return fmt.Errorf("%s of another type, want %s", name, typeNames[f.Kind])
			}
			value = strings.TrimSpace(plain)
		} else if _, err := strconv.Atoi(value); err == nil && f.Kind == CapsText {
			return fmt.Errorf("%s is a number, want (string)", name) // to GStreamer, without a type
		}
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		v, ok := f.parse(value)
		if !ok || c.Values[i].Has {
			return fmt.Errorf("%s is not what it should be, or there twice", name)
		}
		c.Values[i] = v
	}
	return nil
}

// parse returns the value of a field. ok reports whether it has the right type and
// is in range.
func (f *CapsField) parse(text string) (v CapsValue, ok bool) {
	v.Has = true
	switch f.Kind {
	case CapsText:
		v.Text = strings.Clone(text)
		return v, f.valid(text)
	case CapsInt, CapsUint:
		n, err := strconv.ParseUint(text, 10, 31)
		v.Num = int(n)
		return v, err == nil && v.Num >= f.min && v.Num <= f.max
	case CapsFraction:
		num, den, _ := strings.Cut(text, "/")
		n, err := strconv.ParseUint(num, 10, 31)
		d, err2 := strconv.ParseUint(den, 10, 31)
		v.Num, v.Den = int(n), int(d)
		if err != nil || err2 != nil {
			return v, false
		}
		if f.max == 0 {
			return v, validFPS(int64(v.Num), int64(v.Den))
		}
		return v, v.Num >= f.min && v.Num <= f.max && v.Den >= f.min && v.Den <= f.max
	case CapsBool:
		if text == "true" {
			v.Num = 1
		}
		return v, text == "true" || text == "false"
	}
	return v, false
}

func oneOf(words ...string) func(string) bool {
	return func(text string) bool { return slices.Contains(words, text) }
}

// isWord accepts names as encoders have them: main-10, high-4:2:2, 5.1.
func isWord(text string) bool {
	const most = 40
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".:-_", r) {
			return false
		}
	}
	return text != "" && len(text) <= most
}

// isNumbers accepts n numbers from 0 to most, with colons between them.
func isNumbers(text string, n int, most uint64) bool {
	parts := strings.Split(text, ":")
	if len(parts) != n {
		return false
	}
	for _, p := range parts {
		if number, err := strconv.ParseUint(p, 10, 64); err != nil || number > most {
			return false
		}
	}
	return true
}

// isColorimetry accepts GStreamer's names. It also accepts range, matrix, transfer
// function and primaries as numbers that GStreamer 1.22 has, because it looks them
// up in tables.
func isColorimetry(text string) bool {
	switch text {
	case "bt601", "bt709", "smpte240m", "sRGB", "bt2020", "bt2020-10", "bt2100-pq", "bt2100-hlg":
		return true
	}
	parts := strings.Split(text, ":")
	most := [...]uint64{2, 6, 16, 12}
	if len(parts) != len(most) {
		return false
	}
	for i, p := range parts {
		if n, err := strconv.ParseUint(p, 10, 8); err != nil || n > most[i] {
			return false
		}
	}
	return true
}

// isChromaSite accepts one of GStreamer's names, or its flags with a plus between
// them.
func isChromaSite(text string) bool {
	switch text {
	case "jpeg", "mpeg2", "dv", "cosited", "unknown":
		return true
	}
	flags := strings.Split(text, "+")
	for _, f := range flags {
		if f != "none" && f != "h-cosited" && f != "v-cosited" && f != "alt-line" {
			return false
		}
	}
	return len(flags) <= 3
}

// SameBytes returns the sender's name for the format of an array, where that format
// has the same bytes as the one that Layout found; otherwise ok is false.
func SameBytes(format, theirs string) (name string, ok bool) {
	switch {
	case theirs == "" || theirs == format:
		return format, true
	case format == "BGR":
		return theirs, theirs == "RGB"
	case format == "BGRA":
		return theirs, rawFormats[theirs].array == fourChannels
	}
	return "", false
}
