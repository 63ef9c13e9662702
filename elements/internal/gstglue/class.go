package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"unsafe"

	"github.com/go-gst/go-glib/glib"
	"github.com/go-gst/go-gst/gst"
	"github.com/go-gst/go-gst/gst/base"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Class describes an element to register.
type Class struct {
	Name     string // of the factory
	TypeName string // of the GType
	LongName string
	Klass    string
	About    string
	Role     netgear.Role
	PadName  string
	PadCaps  string
	// ReturnPadName is the request pad for frames that go the other way.
	ReturnPadName string
	// New makes the Go half of an instance: a Sink or a Source.
	New func() Instance
}

// Instance is the Go half of an element.
type Instance interface {
	// Init is called once, when the object is made.
	Init(self Element)
	// Settings returns what the user has set.
	Settings() *Settings
	// CurrentPort, NumPeers and Statistics answer the properties of the same
	// names, from any thread; zero while the element is stopped.
	CurrentPort() uint
	NumPeers() int
	Statistics() netgear.Stats
	// Dropped is the number of signals and messages that a slow handler cost.
	Dropped() uint64
	// Opened reports whether it is between Open and Close.
	Opened() bool
	// Open and Close lead into PAUSED and out of it.
	Open() error
	Close()
	// Unlock ends what blocks, until UnlockStop.
	Unlock()
	UnlockStop()
}

// Sink is the Go half of netgearsink.
type Sink interface {
	Instance
	// SetCaps tells of the format of the frames that follow.
	SetCaps(c InCaps) error
	// Render sends one buffer.
	Render(b Buffer) Flow
	// Finish ends the stream.
	Finish() Flow
	// Leave tells that Finish is about to come, from any thread.
	Leave()
}

// Source is the Go half of netgearsrc.
type Source interface {
	Instance
	// Create waits for one frame and returns it as a GstBuffer.
	Create() (unsafe.Pointer, Flow)
	// NoRate is called in the streaming thread when what is behind has refused
	// frames without a frame rate.
	NoRate()
}

// Register makes the element known; plugin is a *GstPlugin, or nil to register
// without a plugin file. GStreamer must be initialised.
func Register(plugin unsafe.Pointer, c *Class) bool {
	C.netgear_init_once()
	role := C.int(C.NETGEAR_SRC)
	var extends glib.Extendable = &extendable{base.ExtendsPushSrc, C.sizeof_NetgearSrc}
	if c.Role == netgear.SenderRole {
		role = C.NETGEAR_SINK
		extends = &extendable{base.ExtendsBaseSink, C.sizeof_NetgearSink}
	}
	var half glib.GoObjectSubclass = &sourceHalf{half{class: c, role: role}}
	if c.Role == netgear.SenderRole {
		half = &sinkHalf{halfOf(c, role)}
	}
	typ := glib.RegisterGoType(c.TypeName, half, extends, &uriHandler{role})
	name := C.CString(c.Name)
	defer C.free(unsafe.Pointer(name))
	return C.netgear_register(C.gpointer(plugin), name, C.GType(typ)) != 0
}

func halfOf(c *Class, role C.int) half { return half{class: c, role: role} }

// extendable is a parent class of the binding with a larger instance.
type extendable struct {
	glib.Extendable
	size int64
}

func (e *extendable) InstanceSize() int64 { return e.size }

// half is what the binding keeps for a class, and for each of its objects. The
// binding tells classes apart by the Go type, so each class has its own.
type half struct {
	class    *Class
	role     C.int
	instance Instance
}

type (
	sinkHalf   struct{ half }
	sourceHalf struct{ half }
)

func (h *sinkHalf) New() glib.GoObjectSubclass {
	return &sinkHalf{half{h.class, h.role, h.class.New()}}
}

func (h *sourceHalf) New() glib.GoObjectSubclass {
	return &sourceHalf{half{h.class, h.role, h.class.New()}}
}

func (h *half) goInstance() Instance { return h.instance }

// InstanceInit is called by the binding when an object is made.
func (h *half) InstanceInit(obj *glib.Object) {
	defer rescue(obj.Unsafe())
	if h.role == C.NETGEAR_SRC {
		C.netgear_src_init(C.gpointer(obj.Unsafe()))
	} else {
		C.netgear_sink_init(C.gpointer(obj.Unsafe()))
	}
	h.instance.Init(Element{p: obj.Unsafe()})
}

// ClassInit is called by the binding once.
func (h *half) ClassInit(klass *glib.ObjectClass) {
	c := h.class
	C.netgear_class_init(C.gpointer(klass.Unsafe()), h.role)
	installProperties(klass.Unsafe(), c.Role)
	ec := gst.ToElementClass(klass)
	setMetadata(klass.Unsafe(), c.LongName, c.Klass, c.About)
	dir := gst.PadDirectionSource
	if c.Role == netgear.SenderRole {
		dir = gst.PadDirectionSink
	}
	ec.AddPadTemplate(gst.NewPadTemplate(c.PadName, dir, gst.PadPresenceAlways, gst.NewCapsFromString(c.PadCaps)))
	back := gst.PadDirectionSink
	if dir == gst.PadDirectionSink {
		back = gst.PadDirectionSource
	}
	ec.AddPadTemplate(gst.NewPadTemplate(c.ReturnPadName, back, gst.PadPresenceRequest, gst.NewCapsFromString(ReturnCaps)))
}

// docURI is where the elements are described.
const docURI = "https://github.com/gst-netgear/gst-netgear/blob/main/docs/elements.md"

// setMetadata says what the element is. The binding's own never frees the
// strings.
func setMetadata(klass unsafe.Pointer, longName, class, about string) {
	text := [...]*C.char{C.CString(longName), C.CString(class), C.CString(about), C.CString("gst-netgear developers")}
	C.gst_element_class_set_metadata((*C.GstElementClass)(klass), text[0], text[1], text[2], text[3])
	key, uri := C.CString("doc-uri"), C.CString(docURI) // GST_ELEMENT_METADATA_DOC_URI
	C.gst_element_class_add_metadata((*C.GstElementClass)(klass), key, uri)
	for _, s := range append(text[:], key, uri) {
		C.free(unsafe.Pointer(s))
	}
}

// uriHandler implements GstURIHandler for a class.
type uriHandler struct{ role C.int }

func (u *uriHandler) Type() glib.Type { return glib.Type(C.gst_uri_handler_get_type()) }

func (u *uriHandler) Init(t *glib.TypeInstance) {
	C.netgear_uri_handler_init(C.gpointer(t.GTypeInstance), u.role)
}

// instanceOf returns the Go half of an object.
func instanceOf(obj unsafe.Pointer) Instance {
	return glib.FromObjectUnsafePrivate(obj).(interface{ goInstance() Instance }).goInstance()
}

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
			param.def_uint = C.guint64(p.Get(&def).(uint64))
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

func cbool(b bool) C.gboolean {
	if b {
		return C.TRUE
	}
	return C.FALSE
}
