package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/go-gst/go-glib/glib"

	"github.com/gst-netgear/gst-netgear/netgear"
)

func installProperties(klass unsafe.Pointer, role netgear.Role) {
	def := netgear.DefaultConfig(role)
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		if p.On&role == 0 {
			continue
		}
		param := C.NetgearParam{
			min: C.double(p.Min), max: C.double(p.Max),
			readable: cbool(!p.Secret), writable: cbool(p.When != netgear.Never), playing: cbool(p.When == netgear.Playing),
		}
		var text *C.char
		switch p.Kind {
		case netgear.String:
			param.kind = C.NETGEAR_STRING
			if p.Stored() {
				text = C.CString(p.DefaultText(role))
				param.def_string = text
			}
		case netgear.Uint:
			param.kind = C.NETGEAR_UINT
			if p.Stored() {
				param.def_uint = C.guint64(p.Get(&def).(uint64))
			}
		case netgear.Int:
			param.kind = C.NETGEAR_INT
			param.def_int = C.gint64(p.Get(&def).(int64))
		case netgear.Uint64:
			param.kind = C.NETGEAR_UINT64
			if p.Stored() {
				param.def_uint = C.guint64(p.Get(&def).(uint64))
			}
		case netgear.Bool:
			param.kind = C.NETGEAR_BOOL
			if p.Get(&def).(bool) {
				param.def_int = 1
			}
		case netgear.Seconds:
			param.kind = C.NETGEAR_DOUBLE
			param.def_double = C.double(p.Get(&def).(float64))
		case netgear.Choice:
			param.kind = C.NETGEAR_ENUM
			param.def_int = C.gint64(p.Get(&def).(int64))
			param._type = registerEnum(p.Enum)
		case netgear.Structure:
			param.kind = C.NETGEAR_STRUCTURE
		case netgear.Caps:
			param.kind = C.NETGEAR_CAPS
		}
		name, nick, blurb := C.CString(p.Name), C.CString(p.Nick), C.CString(p.Blurb)
		C.netgear_install(C.gpointer(klass), C.guint(i+1), name, nick, blurb, &param)
		for _, s := range []*C.char{name, nick, blurb, text} {
			C.free(unsafe.Pointer(s))
		}
	}
}

func registerEnum(e *netgear.Enum) C.GType {
	n := len(e.Values)
	size := C.size_t(n) * C.size_t(unsafe.Sizeof((*C.char)(nil)))
	cNicks, cNames := (**C.char)(C.malloc(size)), (**C.char)(C.malloc(size))
	nicks, names := unsafe.Slice(cNicks, n), unsafe.Slice(cNames, n)
	for i, v := range e.Values {
		nicks[i], names[i] = C.CString(v.Nick), C.CString(v.Name)
	}
	name := C.CString(e.Type)
	typ := C.netgear_register_enum(name, C.int(n), cNicks, cNames)
	C.free(unsafe.Pointer(name))
	for i := range n {
		C.free(unsafe.Pointer(nicks[i]))
		C.free(unsafe.Pointer(names[i]))
	}
	C.free(unsafe.Pointer(cNicks))
	C.free(unsafe.Pointer(cNames))
	return typ
}

//export netgearSetProperty
func netgearSetProperty(obj unsafe.Pointer, id C.guint, value *C.GValue) {
	defer rescue(obj)
	in := halfOf[Instance](obj)
	p := &netgear.Properties[id-1]
	var err error
	var v any
	switch p.Kind {
	case netgear.String:
		v = ""
		if s := C.g_value_get_string(value); s != nil {
			v = C.GoString(s)
		}
	case netgear.Uint:
		v = uint64(C.g_value_get_uint(value))
	case netgear.Int:
		v = int64(C.g_value_get_int(value))
	case netgear.Uint64:
		v = uint64(C.g_value_get_uint64(value))
	case netgear.Bool:
		v = C.g_value_get_boolean(value) != 0
	case netgear.Seconds:
		v = float64(C.g_value_get_double(value))
	case netgear.Choice:
		v = int64(C.g_value_get_enum(value))
	case netgear.Structure:
		return
	case netgear.Caps:
		text := C.netgear_caps_get_text(value)
		v = ""
		if text != nil {
			v = C.GoString(text)
			C.g_free(C.gpointer(text))
		}
	}
	if p.Name == "uri" {
		err = in.Settings().setURI(v.(string))
	} else {
		err = in.Settings().set(p, v)
	}
	if err != nil {
		// A property cannot be refused. A URI that was refused is reported at the
		// start.
		if p.Name != "uri" && errors.Is(err, netgear.ErrSettings) {
			elementOf(obj).PostWarning(fmt.Errorf("%w; the value before stays", err), "the property was not set")
		}
		elementOf(obj).Log(LevelWarning, "set_property", err.Error())
	}
}

//export netgearGetProperty
func netgearGetProperty(obj unsafe.Pointer, id C.guint, value *C.GValue) {
	defer rescue(obj)
	in := halfOf[Instance](obj)
	p := &netgear.Properties[id-1]
	switch p.Name {
	case "uri":
		setString(value, in.Settings().uri())
		return
	case "current-port":
		C.g_value_set_uint(value, C.guint(in.CurrentPort()))
		return
	case "num-peers":
		C.g_value_set_uint(value, C.guint(in.NumPeers()))
		return
	case "estimated-bitrate":
		C.g_value_set_uint64(value, C.guint64(in.EstimatedBitrate()))
		return
	case "stats":
		C.netgear_stats_take(C.gpointer(statistics(obj, in)), value)
		return
	}
	switch v := p.Get(in.Settings().Live()).(type) {
	case string:
		if p.Kind == netgear.Caps {
			text := C.CString(v)
			C.netgear_caps_set_text(value, text)
			C.free(unsafe.Pointer(text))
			return
		}
		setString(value, v)
	case uint64:
		if p.Kind == netgear.Uint {
			C.g_value_set_uint(value, C.guint(v))
		} else {
			C.g_value_set_uint64(value, C.guint64(v))
		}
	case int64:
		if p.Kind == netgear.Choice {
			C.g_value_set_enum(value, C.gint(v))
		} else {
			C.g_value_set_int(value, C.gint(v))
		}
	case bool:
		C.g_value_set_boolean(value, cbool(v))
	case float64:
		C.g_value_set_double(value, C.gdouble(v))
	}
}

func setString(value *C.GValue, s string) {
	c := C.CString(s)
	defer C.free(unsafe.Pointer(c))
	C.g_value_set_string(value, c)
}

// uriHandler implements GstURIHandler for a class.
type uriHandler struct{ role Role }

func (u *uriHandler) Type() glib.Type { return glib.Type(C.gst_uri_handler_get_type()) }

func (u *uriHandler) Init(t *glib.TypeInstance) {
	C.netgear_uri_handler_init(C.gpointer(t.GTypeInstance), C.int(u.role))
}

//export netgearGetURI
func netgearGetURI(obj unsafe.Pointer) *C.char {
	defer rescue(obj)
	return C.CString(halfOf[Instance](obj).Settings().uri())
}

// netgearSetURI returns NULL, or why not, to be freed, and the code of it.
//
//export netgearSetURI
func netgearSetURI(obj unsafe.Pointer, uri *C.char, code *C.int) *C.char {
	defer rescue(obj)
	err := halfOf[Instance](obj).Settings().setURI(C.GoString(uri))
	if err != nil {
		elementOf(obj).Log(LevelWarning, "set_uri", err.Error()) // gst-launch does not show it
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errFrozen):
		*code = C.GST_URI_ERROR_BAD_STATE
	default:
		*code = C.GST_URI_ERROR_BAD_URI
	}
	return C.CString(err.Error())
}
