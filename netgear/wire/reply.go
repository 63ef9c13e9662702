package wire

import (
	"bytes"
)

// The answers of a receiver to a terminate message, in the pattern req-rep only.
const (
	ConfirmTerminate            = "Termination signal successfully received at Client's end!"
	ConfirmTerminateMultiServer = "Termination signal successfully received at client!" // to one of its servers
)

// typeArray is the only return_type that a Python sender compares with: any other
// one means that the value is in data.
const typeArray = "ndarray"

// Reply is a receiver's answer to a frame, in the patterns pair and req-rep. It is a
// line of plain text or, in bidirectional or multi-client mode, a JSON object that
// may carry data. In VidGear it is the return_dict of NetGear's receive thread.
type Reply struct {
	Text []byte // the plain text, when !JSON; aliases the input of ParseReply
	JSON bool   // the fields below have a meaning

	Port       string // who answers, in multi-client mode; "" absent. As Header.Port
	ReturnType string // name of a Python type; AppendReply fills in an empty one
	Data       Raw    // nil: null or absent; aliases the input of ParseReply

	Array      bool        // ReturnType is ndarray: a second part holds the array, and Data has no meaning
	Compressed bool        // when Array: the second part is a JPEG, DType and Shape mean nothing
	JPEG       JPEGOptions // when Compressed
	DType      string      // when Array: as Header.DType
	Shape      Shape       // when Array: as Header.Shape

	HasTimes bool  // the "gst" key was there and good
	Times    Times // when HasTimes
}

// AppendConfirmation appends the plain reply to a frame. NetGear's id is eight
// random characters of A-Z and 0-9, one id per receiver; senders only log it.
func AppendConfirmation(dst []byte, id string) []byte {
	dst = append(dst, "Data received on device: "...)
	dst = append(dst, id...)
	return append(dst, " !"...)
}

// AppendReply appends part 0 of the reply: r.Text as it is, or the JSON object
// as Python's json.dumps writes it, keys in NetGear's order. r.Data is copied
// as it is and must be a ValidValue.
func AppendReply(dst []byte, r *Reply) []byte {
	if !r.JSON {
		return append(dst, r.Text...)
	}
	dst = append(dst, '{')
	if r.Port != "" {
		dst = append(dst, `"port": `...)
		dst = appendString(dst, r.Port)
		dst = append(dst, `, `...)
	}
	dst = append(dst, `"return_type": `...)
	if r.Array {
		dst = append(dst, `"`+typeArray+`", "compression": `...)
		dst = appendCompression(dst, r.Compressed, &r.JPEG)
		dst = append(dst, `, "array_dtype": `...)
		dst = appendDType(dst, r.Compressed, r.DType)
		dst = append(dst, `, "array_shape": `...)
		dst = appendShape(dst, r.Compressed, &r.Shape)
		dst = append(dst, `, "data": null`...)
		return appendReplyEnd(dst, r)
	}
	returnType := r.ReturnType
	if returnType == "" {
		returnType = PythonType(r.Data)
	}
	dst = appendString(dst, returnType)
	dst = append(dst, `, "data": `...)
	dst = appendRaw(dst, r.Data)
	return appendReplyEnd(dst, r)
}

func appendReplyEnd(dst []byte, r *Reply) []byte {
	dst = append(dst, '}')
	if r.HasTimes {
		return AppendTimes(dst, &r.Times)
	}
	return dst
}

// ParseReply decodes part 0 of a reply into *r, whatever *r held before. Text and
// Data alias part0.
//
// Any bytes are a reply: what is not a JSON object with a return_type is Text. Only
// a part that begins as such an object and is broken gives an error, which wraps
// ErrMalformed; *r then has no meaning.
func ParseReply(part0 []byte, r *Reply) error {
	const what = "reply"
	oldPort, oldType, oldDType := r.Port, r.ReturnType, r.DType
	*r = Reply{Text: part0, Shape: noShape}

	// NetGear's text does not start with a brace, so most replies end here.
	if text := bytes.TrimLeft(part0, blanks); len(text) == 0 || text[0] != '{' {
		return nil
	}
	var port, returnType, data, compression, dtype, shape, times []byte
	s, err := newScanner(what, part0)
	if err == nil {
		err = s.pick(
			wanted{"port", &port}, wanted{"return_type", &returnType}, wanted{"data", &data},
			wanted{"compression", &compression}, wanted{"array_dtype", &dtype},
			wanted{"array_shape", &shape}, wanted{ExtKey, &times},
		)
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		if bytes.Contains(part0, []byte(`"return_type"`)) {
			return err
		}
		return nil
	}
	if returnType == nil {
		return nil
	}

	r.Text, r.JSON = nil, true
	if times != nil { // a bad one costs the times, not the reply
		if r.HasTimes = parseTimes(times, &r.Times) == nil; !r.HasTimes {
			r.Times = Times{}
		}
	}
	if !isString(returnType) {
		return unwanted(what, "return_type", "a string", returnType)
	}
	r.ReturnType = internType(unquote(returnType), oldType)
	if r.Port, err = parsePort(what, port, oldPort); err != nil {
		return err
	}
	if r.Array = r.ReturnType == typeArray; !r.Array {
		if !isNull(data) {
			r.Data = data
		}
		return nil
	}
	if r.Compressed, err = parseCompression(what, compression, &r.JPEG); err != nil {
		return err
	}
	if r.Compressed {
		return nil
	}
	if r.DType, err = parseDType(what, "array_dtype", dtype, oldDType); err != nil {
		return err
	}
	return parseShape(what, "array_shape", shape, &r.Shape)
}

// internType avoids an allocation for the usual type names.
func internType(name []byte, old string) string {
	switch string(name) {
	case "NoneType":
		return "NoneType"
	case "str":
		return "str"
	case "int":
		return "int"
	case "float":
		return "float"
	case "bool":
		return "bool"
	case "list":
		return "list"
	case "tuple":
		return "tuple"
	case "dict":
		return "dict"
	case typeArray:
		return typeArray
	}
	return reuse(name, old)
}
