package wire

import (
	"bytes"
	"strconv"
)

// Times is what a receiver of ours adds to the confirmation of a frame whose header
// asks for it with Ext.Ping: with it the sender measures how far apart the clocks of
// the two ends are. Python senders do not ask, and never see it.
//
// It is a JSON object behind the text of a confirmation, or under the "gst" key of
// a JSON reply.
type Times struct {
	ID   string // "id": whose clock In and Out are of, 1 to MaxIDLen letters and digits. A restart makes a new one
	Seq  uint64 // "seq": the number of the confirmed frame
	In   int64  // "in": when the frame arrived, by a clock that is never set, ns, 0..MaxTime
	Out  int64  // "out": when the confirmation left, by the same clock, ns, In..MaxTime
	Wall int64  // "t": the receiver's wall clock at Out, ns since the Unix epoch, 0..MaxTime
}

// AppendTimes puts t into the reply or the confirmation that dst ends with.
func AppendTimes(dst []byte, t *Times) []byte {
	n := len(dst)
	isJSON := n > 0 && dst[n-1] == '}'
	if isJSON {
		dst = append(dst[:n-1], `, "`+ExtKey+`": `...)
	} else {
		dst = append(dst, ' ')
	}
	dst = append(dst, `{"v": `...)
	dst = strconv.AppendUint(dst, extVersion, 10)
	dst = append(dst, `, "id": `...)
	dst = appendString(dst, t.ID)
	dst = append(dst, `, "seq": `...)
	dst = strconv.AppendUint(dst, t.Seq, 10)
	dst = appendTime(dst, `, "in": `, t.In, true)
	dst = appendTime(dst, `, "out": `, t.Out, true)
	dst = appendTime(dst, `, "t": `, t.Wall, true)
	dst = append(dst, '}')
	if isJSON {
		dst = append(dst, '}')
	}
	return dst
}

// CutTimes returns the text of a plain confirmation without the times behind it, and
// those times. ok reports whether there are any. Text aliases part0.
func CutTimes(part0 []byte, t *Times) (text []byte, ok bool) {
	i := bytes.IndexByte(part0, '{')
	if i < 1 || part0[i-1] != ' ' || len(part0)-i > maxTimesLen || parseTimes(part0[i:], t) != nil {
		*t = Times{}
		return part0, false
	}
	return part0[:i-1], true
}

// maxTimesLen is how many bytes the times behind a confirmation have at most: more
// than any that AppendTimes writes.
const maxTimesLen = 1 << 10

// parseTimes decodes an object that AppendTimes wrote. After an error *t has no
// meaning.
func parseTimes(raw []byte, t *Times) error {
	const what = "reply"
	var version, id, seq, in, out, wall []byte
	s, err := newScanner(what, raw)
	if err != nil {
		return err
	}
	err = s.pick(
		wanted{"v", &version}, wanted{"id", &id}, wanted{"seq", &seq}, wanted{"in", &in},
		wanted{"out", &out}, wanted{"t", &wall},
	)
	if err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	if v, ok := parseUint(version); !ok || v != extVersion {
		return unwanted(what, "gst.v", "1", version)
	}
	var ok bool
	if t.ID, ok = parseID(id, t.ID); !ok {
		return unwanted(what, "gst.id", "letters and digits", id)
	}
	if t.Seq, ok = parseUint(seq); !ok {
		return unwanted(what, "gst.seq", "an integer from 0 to 2^64-1", seq)
	}
	const time = "nanoseconds, an integer from 0 to 2^62"
	if t.In, ok = parseTime(in, MaxTime); !ok {
		return unwanted(what, "gst.in", time, in)
	}
	if t.Out, ok = parseTime(out, MaxTime); !ok || t.Out < t.In {
		return unwanted(what, "gst.out", time+", not before gst.in", out)
	}
	if t.Wall, ok = parseTime(wall, MaxTime); !ok {
		return unwanted(what, "gst.t", time, wall)
	}
	return nil
}

// parseID decodes the name of a clock. It returns old when it is the same.
func parseID(raw []byte, old string) (id string, ok bool) {
	if !isString(raw) {
		return "", false
	}
	text := unquote(raw)
	return reuse(text, old), validID(text)
}

func validID(id []byte) bool {
	for _, c := range id {
		if !isDigit(c) && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(id) > 0 && len(id) <= MaxIDLen
}

// appendMoment appends the "peer" of an extension object, if there is one.
func appendMoment(dst []byte, m *Moment) []byte {
	if !validID([]byte(m.ID)) || m.At < 0 || m.At > MaxTime || m.Err < 0 || m.Err > MaxTime {
		return dst
	}
	dst = append(dst, `, "peer": {"id": `...)
	dst = appendString(dst, m.ID)
	dst = appendTime(dst, `, "at": `, m.At, true)
	dst = appendTime(dst, `, "err": `, m.Err, true)
	return append(dst, '}')
}

// parseMoment decodes the "peer" of an extension object.
func parseMoment(what string, raw []byte, m *Moment, oldID string) error {
	if !isObject(raw) {
		return unwanted(what, "gst.peer", "an object", raw)
	}
	var id, at, bound []byte
	s := scanner{what: what, b: raw}
	if err := s.pick(wanted{"id", &id}, wanted{"at", &at}, wanted{"err", &bound}); err != nil {
		return err
	}
	var ok bool
	if m.ID, ok = parseID(id, oldID); !ok {
		return unwanted(what, "gst.peer.id", "letters and digits", id)
	}
	const time = "nanoseconds, an integer from 0 to 2^62"
	if m.At, ok = parseTime(at, MaxTime); !ok {
		return unwanted(what, "gst.peer.at", time, at)
	}
	if m.Err, ok = parseTime(bound, MaxTime); !ok {
		return unwanted(what, "gst.peer.err", time, bound)
	}
	return nil
}
