package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// leRobot is the wire of LeRobot's ZMQCamera (huggingface/lerobot,
// cameras/zmq/image_server.py):
//
//	{"timestamps": {camera: seconds, ...}, "images": {camera: base64 of a JPEG, ...}}
//
// On receipt it is also that of the robot LeKiwi (robots/lekiwi/lekiwi_host.py), whose
// header has the state of the robot beside the order of the cameras:
//
//	{"_cams": [camera, ...], state ...}  and a JPEG for each camera
//
// We send one camera in a message. LeRobot's receiver takes the first picture of a
// message that lacks its camera, so cameras must not take turns at one port.
type leRobot struct{}

// DefaultCamera is the camera that LeRobot's receiver looks for unless it is told
// another name.
const DefaultCamera = "zmq_camera"

func (leRobot) Form() Form  { return HeadAlone }
func (leRobot) Named() bool { return true }

func (leRobot) Carries(h *Header) error { return onlyJPEG("LeRobot's", h) }

func (leRobot) Append(dst []byte, h *Header, data []byte) []byte {
	camera := nameFrom(h.Message, "")
	if camera == "" {
		camera = DefaultCamera
	}
	dst = append(dst, `{"timestamps": {`...)
	dst = appendString(dst, camera)
	dst = append(dst, `: `...)
	dst = appendSeconds(dst, takenAt(&h.Ext))
	dst = append(dst, `}, "images": {`...)
	dst = appendString(dst, camera)
	dst = append(dst, `: "`...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, `"}}`...)
}

// takenAt returns when the picture was taken or, where nobody knows, sent.
func takenAt(x *Ext) int64 {
	if x.HasTaken {
		return x.Taken
	}
	return x.T
}

// appendSeconds appends a time in ns as Python writes a float of seconds.
func appendSeconds(dst []byte, ns int64) []byte {
	text := strconv.FormatFloat(float64(ns)/1e9, 'f', -1, 64)
	dst = append(dst, text...)
	if !strings.Contains(text, ".") {
		dst = append(dst, ".0"...)
	}
	return dst
}

func (leRobot) Parse(dst []Picture, parts [][]byte) ([]Picture, error) {
	if len(parts) == 1 {
		return parseCameras(dst, parts[0])
	}
	return parseLeKiwi(dst, parts)
}

func parseCameras(dst []Picture, b []byte) ([]Picture, error) {
	const what = "LeRobot's message"
	var images, times []byte
	err := members(what, b, func(key, val []byte) {
		switch string(key) {
		case "images":
			images = val
		case "timestamps":
			times = val
		}
	})
	if err != nil {
		return dst, err
	}
	if !isObject(images) {
		return dst, unwanted(what, "images", "an object of pictures", images)
	}
	if times != nil && !isObject(times) {
		return dst, unwanted(what, "timestamps", "an object of seconds", times)
	}
	first := len(dst)
	all := dst
	var bad error
	_ = members(what, images, func(camera, val []byte) { // members has checked it, as a part of the whole
		p := find(all[first:], camera) // of a key that comes twice, Python takes the last one
		switch {
		case bad != nil:
			return
		case !isString(val):
			bad = unwanted(what, "images", "base64 of JPEGs", val)
			return
		case p == nil && len(all)-first == MaxCameras:
			bad = malformed(what, "want at most %d cameras", MaxCameras)
			return
		case p == nil:
			all, p = next(all)
			p.nameCamera(camera)
		}
		p.Part, p.Base64 = -1, unquote(val)
	})
	if bad != nil {
		return dst, bad
	}
	if times != nil {
		_ = members(what, times, func(camera, val []byte) {
			if p := find(all[first:], camera); p != nil {
				p.setTime(val)
			}
		})
	}
	return all, nil
}

// find returns the picture of a camera, or nil.
func find(pictures []Picture, camera []byte) *Picture {
	for i := range pictures {
		if pictures[i].Header.Port == string(camera) {
			return &pictures[i]
		}
	}
	return nil
}

func parseLeKiwi(dst []Picture, parts [][]byte) ([]Picture, error) {
	const what = "LeKiwi's header"
	if len(parts[0]) > MaxHeaderLen {
		return dst, malformed(what, "%d bytes, want at most %d", len(parts[0]), MaxHeaderLen)
	}
	var cams []byte
	err := members(what, parts[0], func(key, val []byte) {
		if string(key) == "_cams" {
			cams = val
		}
	})
	if err != nil {
		return dst, err
	}
	if len(cams) == 0 || cams[0] != '[' {
		return dst, unwanted(what, "_cams", "the names of the cameras", cams)
	}
	all, n := dst, 0
	s := scanner{what: what, b: cams}
	for {
		camera, err := s.element(n == 0)
		if err != nil {
			return dst, err
		}
		if camera == nil {
			break
		}
		if n++; n >= len(parts) || n > MaxCameras || !isString(camera) {
			return dst, malformed(what, "%q: want the names of %d cameras, at most %d, got %s", "_cams", len(parts)-1, MaxCameras, shorten(cams))
		}
		if len(parts[n]) == 0 {
			continue // its camera failed to make a picture
		}
		var p *Picture
		all, p = next(all)
		p.nameCamera(unquote(camera))
		p.Part = n
		p.Header.Message, p.Header.HasMessage = parts[0], true
	}
	if n != len(parts)-1 {
		return dst, malformed(what, "%d pictures: want %d, as %q says", len(parts)-1, n, "_cams")
	}
	return all, nil
}

// nameCamera makes the picture a JPEG of that camera. The name is its message too, so
// that who passes the picture on keeps it.
func (p *Picture) nameCamera(name []byte) {
	h := &p.Header
	h.setJPEG()
	if old := h.Port; p.name == nil || string(name) != old {
		h.Port = nameFrom(appendString(nil, string(name)), old)
		p.name = appendString(nil, h.Port)
	}
	h.Name, h.Message, h.HasMessage = ByCamera, p.name, true
}

// setTime takes over a time in seconds. It ignores what is no possible time, as NaN.
func (p *Picture) setTime(seconds []byte) {
	t, err := strconv.ParseFloat(string(seconds), 64)
	if err != nil || !(t > 0) || t > MaxTime/1e9 {
		return
	}
	whole, part := math.Modf(t)
	x := &p.Header.Ext
	x.T, x.HasT = int64(whole)*1e9+int64(part*1e9), true
	x.Taken, x.HasTaken = x.T, true
	p.Header.HasExt = true
}
