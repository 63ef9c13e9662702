package wire

import (
	"bytes"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// ExtKey is the one key that we add to NetGear's header. Python peers read only keys
// that they know, so it does not harm them.
const ExtKey = "gst"

// extVersion is the "v" of the extension object. Another one is refused.
const extVersion = 1

// Ext is the object under the "gst" key of a header: what GStreamer knows about a
// frame and NetGear has no key for. Do not trust a peer with any of it: what
// ParseHeader returns is within the ranges given here. AppendHeader omits a field
// that is not.
type Ext struct {
	Seq    uint64 // "seq": number of the frame, from 0 on; a gap means lost frames
	HasSeq bool
	PTS    int64 // "pts": running time, ns, 0..MaxTime
	HasPTS bool
	// Reorder is "reorder": how long the frame is decoded before it is shown, ns,
	// 0..MaxReorder. It is 0, and not written, where both happen at PTS, as without
	// B-frames.
	Reorder int64
	Dur     int64 // "dur": duration, ns, 0..MaxDuration
	HasDur  bool

	FPSNum, FPSDen int // "fps": frames per second, a million to one in a day; 0/1 is a variable rate, 0/0 unknown

	T    int64 // "t": the sender's wall clock when it got the frame, ns since the Unix epoch, 0..MaxTime
	HasT bool
	// Taken is "taken": when the picture was taken, ns since the Unix epoch,
	// 0..MaxTime. It is by the clock of whoever took it, which is the sender's wall
	// clock unless a camera said the time.
	Taken    int64
	HasTaken bool
	// Age is "age": how long before T the sender's pipeline had the picture, ns,
	// 0..MaxAge.
	Age    int64
	HasAge bool
	Ping   bool   // "ping" is true: the sender wants Times with the confirmation
	Peer   Moment // "peer": T by the receiver's clock
	Delta  bool   // "key" is false: the frame cannot be decoded without the ones before it
	Caps   string // "caps": GStreamer caps, at most MaxCapsLen bytes, no control characters; "" absent
}

// Moment is a point in time on the clock of another end.
type Moment struct {
	ID  string // "id": whose clock it is, see Times; "" absent
	At  int64  // "at": ns, 0..MaxTime
	Err int64  // "err": how far At may be off, ns, 0..MaxTime
}

func appendExt(dst []byte, e *Ext) []byte {
	dst = append(dst, `{"v": `...)
	dst = strconv.AppendUint(dst, extVersion, 10)
	if e.HasSeq {
		dst = append(dst, `, "seq": `...)
		dst = strconv.AppendUint(dst, e.Seq, 10)
	}
	dst = appendTime(dst, `, "pts": `, e.PTS, e.HasPTS && e.PTS <= MaxTime)
	dst = appendTime(dst, `, "reorder": `, e.Reorder, e.Reorder > 0 && e.Reorder <= MaxReorder)
	dst = appendTime(dst, `, "dur": `, e.Dur, e.HasDur && e.Dur <= MaxDuration)
	if validFPS(int64(e.FPSNum), int64(e.FPSDen)) {
		dst = append(dst, `, "fps": "`...)
		dst = strconv.AppendInt(dst, int64(e.FPSNum), 10)
		dst = append(dst, '/')
		dst = strconv.AppendInt(dst, int64(e.FPSDen), 10)
		dst = append(dst, '"')
	}
	dst = appendTime(dst, `, "t": `, e.T, e.HasT && e.T <= MaxTime)
	dst = appendTime(dst, `, "taken": `, e.Taken, e.HasTaken && e.Taken <= MaxTime)
	dst = appendTime(dst, `, "age": `, e.Age, e.HasAge && e.Age <= MaxAge)
	if e.Ping {
		dst = append(dst, `, "ping": true`...)
	}
	dst = appendMoment(dst, &e.Peer)
	if e.Delta {
		dst = append(dst, `, "key": false`...)
	}
	if e.Caps != "" && validCaps(e.Caps) {
		dst = append(dst, `, "caps": `...)
		dst = appendString(dst, e.Caps)
	}
	return append(dst, '}')
}

func appendTime(dst []byte, key string, ns int64, has bool) []byte {
	if !has || ns < 0 {
		return dst
	}
	dst = append(dst, key...)
	return strconv.AppendInt(dst, ns, 10)
}

// parseExt decodes the value of the "gst" key into a zero Ext. After an error *e has no
// meaning. Text that is the same in old needs no allocation.
func parseExt(raw []byte, e *Ext, oldCaps, oldPeer string) error {
	const what = "header"
	if !isObject(raw) {
		return unwanted(what, ExtKey, "an object", raw)
	}
	var version, seq, pts, reorder, dur, fps, t, taken, age, ping, peer, key, caps []byte
	s := scanner{what: what, b: raw}
	if err := s.pick(
		wanted{"v", &version}, wanted{"seq", &seq}, wanted{"pts", &pts}, wanted{"reorder", &reorder},
		wanted{"dur", &dur}, wanted{"fps", &fps}, wanted{"t", &t}, wanted{"taken", &taken}, wanted{"age", &age},
		wanted{"ping", &ping}, wanted{"peer", &peer}, wanted{"key", &key}, wanted{"caps", &caps},
	); err != nil {
		return err
	}
	if v, ok := parseUint(version); !ok || v != extVersion {
		return unwanted(what, "gst.v", "1", version)
	}
	e.Seq, e.HasSeq = parseUint(seq)
	e.PTS, e.HasPTS = parseTime(pts, MaxTime)
	var hasReorder, hasPing, hasFPS bool
	e.Reorder, hasReorder = parseTime(reorder, MaxReorder)
	e.Dur, e.HasDur = parseTime(dur, MaxDuration)
	e.T, e.HasT = parseTime(t, MaxTime)
	e.Taken, e.HasTaken = parseTime(taken, MaxTime)
	e.Age, e.HasAge = parseTime(age, MaxAge)
	e.Ping, hasPing = parseBool(ping)
	e.FPSNum, e.FPSDen, hasFPS = parseFPS(fps)
	isKey, hasKey := parseBool(key)
	e.Delta = hasKey && !isKey
	for _, f := range [...]struct {
		has  bool
		raw  []byte
		key  string
		want string
	}{
		{e.HasSeq, seq, "gst.seq", "an integer from 0 to 2^64-1"},
		{e.HasPTS, pts, "gst.pts", "nanoseconds, an integer from 0 to 2^62"},
		{hasReorder, reorder, "gst.reorder", "nanoseconds, an integer from 0 to 10 seconds"},
		{e.HasDur, dur, "gst.dur", "nanoseconds, an integer from 0 to a day"},
		{e.HasT, t, "gst.t", "nanoseconds, an integer from 0 to 2^62"},
		{e.HasTaken, taken, "gst.taken", "nanoseconds, an integer from 0 to 2^62"},
		{e.HasAge, age, "gst.age", "nanoseconds, an integer from 0 to a minute"},
		{hasPing, ping, "gst.ping", "true or false"},
		{hasFPS, fps, "gst.fps", `a fraction such as "30/1"`},
		{hasKey, key, "gst.key", "true or false"},
	} {
		if !f.has && f.raw != nil {
			return unwanted(what, f.key, f.want, f.raw)
		}
	}
	if peer != nil {
		if err := parseMoment(what, peer, &e.Peer, oldPeer); err != nil {
			return err
		}
	}
	var err error
	e.Caps, err = parseCapsText(what, caps, oldCaps)
	return err
}

func parseCapsText(what string, raw []byte, old string) (string, error) {
	if raw == nil {
		return "", nil
	}
	if !isString(raw) {
		return "", unwanted(what, "gst.caps", "a string", raw)
	}
	caps := reuse(unquote(raw), old)
	if !validCaps(caps) {
		return "", unwanted(what, "gst.caps", "at most "+strconv.Itoa(MaxCapsLen)+" bytes, no control characters", raw)
	}
	return caps, nil
}

func parseTime(raw []byte, most int64) (ns int64, ok bool) {
	ns, ok = parseUint63(raw)
	return ns, ok && ns <= most
}

func parseFPS(raw []byte) (num, den int, ok bool) {
	if !isString(raw) {
		return 0, 0, false
	}
	n, d, ok := bytes.Cut(unquote(raw), []byte("/"))
	if !ok {
		return 0, 0, false
	}
	num64, okN := parseUint63(n)
	den64, okD := parseUint63(d)
	if !okN || !okD || !validFPS(num64, den64) {
		return 0, 0, false
	}
	return int(num64), int(den64), true
}

// validFPS checks that both numbers fit a GstFraction, which has two gint, and that
// the rate is within the limits above.
func validFPS(num, den int64) bool {
	if num < 0 || num > math.MaxInt32 || den < 1 || den > math.MaxInt32 {
		return false
	}
	return num == 0 || num <= maxRate*den && den <= minRate*num
}

func validCaps(caps string) bool {
	if len(caps) > MaxCapsLen || !utf8.ValidString(caps) {
		return false
	}
	for _, r := range caps {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
