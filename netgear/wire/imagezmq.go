package wire

// imageZMQ is the wire of imagezmq (jeffbass/imagezmq, imagezmq.py, SerializingSocket):
//
//	{"msg": any, "dtype": str, "shape": [...]}  and an array, or
//	{"msg": any}                                and a JPEG
//
// msg names the sender: many of them send to one port.
type imageZMQ struct{}

func (imageZMQ) Form() Form  { return HeadAndData }
func (imageZMQ) Named() bool { return true }

func (imageZMQ) Carries(h *Header) error { return notEncoded("imagezmq's", h) }

func (imageZMQ) Append(dst []byte, h *Header, _ []byte) []byte {
	dst = append(dst, `{"msg": `...)
	dst = appendRaw(dst, h.Message)
	if !h.Compressed {
		dst = append(dst, `, `...)
		dst = appendArray(dst, h)
	}
	return append(dst, '}')
}

func (imageZMQ) Parse(dst []Picture, parts [][]byte) ([]Picture, error) {
	const what = "imagezmq's header"
	return parseArray(dst, parts, what, true)
}

// parseArray parses a message of imagezmq's or of pyzmq's recipe: named means that it
// has the key msg, and that it is a JPEG where it says nothing of an array.
func parseArray(dst []Picture, parts [][]byte, what string, named bool) ([]Picture, error) {
	if len(parts) != 2 {
		return dst, malformed(what, "%d parts: want a header and a data part", len(parts))
	}
	if len(parts[0]) > MaxHeaderLen {
		return dst, malformed(what, "%d bytes, want at most %d", len(parts[0]), MaxHeaderLen)
	}
	var msg, dtype, shape []byte
	err := members(what, parts[0], func(key, val []byte) {
		switch string(key) {
		case "msg":
			msg = val
		case "dtype":
			dtype = val
		case "shape":
			shape = val
		}
	})
	if err != nil {
		return dst, err
	}
	more, p := next(dst)
	h := &p.Header
	p.Part, p.name = 1, nil
	if named {
		if msg == nil {
			return dst, unwanted(what, "msg", "the name of the sender", nil)
		}
		h.Port, h.Name, h.HasMessage = nameFrom(msg, h.Port), BySender, true
		if !isNull(msg) {
			h.Message = msg
		}
		if dtype == nil && shape == nil {
			h.setJPEG()
			return more, nil
		}
	} else {
		h.Port = ""
	}
	if h.DType, err = parseDType(what, "dtype", dtype, h.DType); err != nil {
		return dst, err
	}
	if err = parseShape(what, "shape", shape, &h.Shape); err != nil {
		return dst, err
	}
	return more, nil
}

// appendArray appends the keys of an array.
func appendArray(dst []byte, h *Header) []byte {
	dst = append(dst, `"dtype": `...)
	dst = appendString(dst, h.DType)
	dst = append(dst, `, "shape": `...)
	return appendShape(dst, false, &h.Shape)
}
