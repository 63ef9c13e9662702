package wire

import "strconv"

// Pattern is NetGear's messaging pattern, under NetGear's own number. The zero
// value is Pair, NetGear's default.
type Pattern uint8

// The patterns that NetGear knows, with the sockets of sender and receiver.
const (
	Pair   Pattern = 0 // PAIR and PAIR
	ReqRep Pattern = 1 // REQ and REP
	PubSub Pattern = 2 // PUB and SUB
)

// String returns the name in settings: pair, req-rep, pub-sub.
func (p Pattern) String() string {
	switch p {
	case Pair:
		return "pair"
	case ReqRep:
		return "req-rep"
	case PubSub:
		return "pub-sub"
	}
	return "pattern(" + strconv.Itoa(int(p)) + ")"
}

// Header is part 0 of a frame, or the only part of a terminate message. In VidGear
// it is the msg_dict of NetGear.send.
//
// To decode, keep one Header per receiver and pass it to ParseHeader each time: text
// that repeats is then not allocated again.
type Header struct {
	Port       string      // who sends, in multi-server mode; "" absent. The number 7 and the text "7" are the same port
	Name       Naming      // what Port names; ByPort in every header of NetGear's
	Terminate  bool        // the sender ends; of the other fields only Port has a meaning
	Compressed bool        // part 1 is a JPEG, DType and Shape mean nothing
	JPEG       JPEGOptions // when Compressed
	Message    Raw         // nil: null or absent; aliases the input of ParseHeader
	HasMessage bool        // the key was there, null included; AppendHeader always writes it, as NetGear does
	Pattern    Pattern     // as the sender sends it; no receiver reads it, so any value is accepted
	DType      string      // "uint8", ">u2": a numpy dtype as the sender spells it; "" with JPEG
	Shape      Shape       // absent with JPEG
	HasExt     bool        // the "gst" key was there and good
	Ext        Ext         // when HasExt
	BadExt     error       // the "gst" key was there and was refused; it wraps ErrMalformed, the frame is good
}

// AppendHeader appends the header as Python's json.dumps writes it, keys in
// NetGear's order, and the "gst" key last when h.HasExt. With h.Terminate it is
// AppendTerminate. It allocates nothing when dst is large enough.
//
// h.Message is copied as it is and must be a ValidValue. ParseHeader takes the
// result then.
func AppendHeader(dst []byte, h *Header) []byte {
	if h.Terminate {
		return AppendTerminate(dst, h.Port)
	}
	dst = append(dst, '{')
	if h.Port != "" {
		dst = append(dst, `"port": `...)
		dst = appendString(dst, h.Port)
		dst = append(dst, `, `...)
	}
	dst = append(dst, `"terminate_flag": false, "compression": `...)
	dst = appendCompression(dst, h.Compressed, &h.JPEG)
	dst = append(dst, `, "message": `...)
	dst = appendRaw(dst, h.Message)
	dst = append(dst, `, "pattern": "`...)
	dst = strconv.AppendUint(dst, uint64(h.Pattern), 10)
	dst = append(dst, `", "dtype": `...)
	dst = appendDType(dst, h.Compressed, h.DType)
	dst = append(dst, `, "shape": `...)
	dst = appendShape(dst, h.Compressed, &h.Shape)
	if h.HasExt {
		dst = append(dst, `, "gst": `...)
		dst = appendExt(dst, &h.Ext)
	}
	return append(dst, '}')
}

// AppendTerminate appends the only part of a terminate message. port is "" outside
// multi-server mode.
func AppendTerminate(dst []byte, port string) []byte {
	dst = append(dst, `{"terminate_flag": true`...)
	if port != "" {
		dst = append(dst, `, "port": `...)
		dst = appendString(dst, port)
	}
	return append(dst, '}')
}

// ParseHeader decodes part 0 of a message into *h, whatever *h held before. Message
// aliases b, nothing else does. Keys may come in any order and more than once (the
// last one counts), with unknown keys between them.
//
// The error wraps ErrMalformed; *h then has no meaning. A refused "gst" key is not
// an error, see Header.BadExt. Ordinary headers need no allocation.
func ParseHeader(b []byte, h *Header) error {
	const what = "header"
	oldPort, oldDType, oldCaps, oldPeer := h.Port, h.DType, h.Ext.Caps, h.Ext.Peer.ID
	*h = Header{}
	h.Shape = noShape

	s, err := newScanner(what, b)
	if err != nil {
		return err
	}
	var port, terminate, compression, message, pattern, dtype, shape, gst []byte
	err = s.pick(
		wanted{"terminate_flag", &terminate}, wanted{"compression", &compression}, wanted{"message", &message},
		wanted{"pattern", &pattern}, wanted{"dtype", &dtype}, wanted{"shape", &shape}, wanted{ExtKey, &gst}, wanted{"port", &port},
	)
	if err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}

	var ok bool
	if h.Terminate, ok = parseBool(terminate); !ok {
		return unwanted(what, "terminate_flag", "true or false", terminate)
	}
	if h.Port, err = parsePort(what, port, oldPort); err != nil {
		return err
	}
	if h.Terminate {
		return nil
	}
	if h.Compressed, err = parseCompression(what, compression, &h.JPEG); err != nil {
		return err
	}
	if !h.Compressed {
		if h.DType, err = parseDType(what, "dtype", dtype, oldDType); err != nil {
			return err
		}
		if err = parseShape(what, "shape", shape, &h.Shape); err != nil {
			return err
		}
	}
	h.HasMessage = message != nil
	if !isNull(message) {
		h.Message = message
	}
	h.Pattern = parsePattern(pattern)
	if gst != nil {
		h.BadExt = parseExt(gst, &h.Ext, oldCaps, oldPeer)
		if h.HasExt = h.BadExt == nil; !h.HasExt {
			h.Ext = Ext{}
		}
	}
	return nil
}

// parsePort converts any value to text, because NetGear's users may pass any.
func parsePort(what string, raw []byte, old string) (string, error) {
	if raw == nil {
		return "", nil
	}
	text := compact(raw)
	if isString(raw) {
		text = unquote(raw)
	}
	if len(text) > MaxPortLen {
		return "", unwanted(what, "port", "at most "+strconv.Itoa(MaxPortLen)+" bytes", raw)
	}
	return reuse(text, old), nil
}

func parsePattern(raw []byte) Pattern {
	switch string(raw) {
	case `"1"`, `1`:
		return ReqRep
	case `"2"`, `2`:
		return PubSub
	}
	return Pair
}
