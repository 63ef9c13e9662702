package gstglue

/*
#include <stdlib.h>
#include "demux.h"
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

// Role is one of the elements. Each has a debug category.
type Role int

// Roles.
const (
	SinkRole   Role = C.NETGEAR_SINK
	SourceRole Role = C.NETGEAR_SRC
	DemuxRole  Role = C.NETGEAR_DEMUX

	transport Role = C.NETGEAR_TRANSPORT // no element: the category of the library below
)

// end returns the end of a connection that the element is, or is behind.
func (r Role) end() netgear.Role {
	if r == SinkRole {
		return netgear.SenderRole
	}
	return netgear.ReceiverRole
}

// Class describes an element to register.
type Class struct {
	Name     string // of the factory
	TypeName string // of the GType
	LongName string
	Klass    string
	About    string
	Role     Role
	Pads     []Template
	// New makes the Go half of an instance: a Sink, a Source or a Demuxer, according
	// to the role.
	New func() Half
}

// Template describes a pad, or many pads where the name contains %s.
type Template struct {
	Name      string
	Direction gst.PadDirection
	Presence  gst.PadPresence
	Caps      string
}

// Directions and presences of pads.
const (
	In        = gst.PadDirectionSink
	Out       = gst.PadDirectionSource
	Always    = gst.PadPresenceAlways
	Sometimes = gst.PadPresenceSometimes
	OnRequest = gst.PadPresenceRequest
)

// Half is the Go half of an element.
type Half interface {
	// Init is called once, when the object is made.
	Init(self Element)
}

// Register registers the element. plugin is a *GstPlugin, or nil to register without
// a plugin file. GStreamer must be initialised.
func Register(plugin unsafe.Pointer, c *Class) bool {
	C.netgear_init_once()
	var typ glib.Type
	switch b := (bound{class: c}); c.Role {
	case SinkRole:
		typ = glib.RegisterGoType(c.TypeName, &boundSink{b}, &extendable{base.ExtendsBaseSink, C.sizeof_NetgearSink}, &uriHandler{c.Role})
	case SourceRole:
		typ = glib.RegisterGoType(c.TypeName, &boundSource{b}, &extendable{base.ExtendsPushSrc, C.sizeof_NetgearSrc}, &uriHandler{c.Role})
	case DemuxRole:
		typ = glib.RegisterGoType(c.TypeName, &boundDemux{b}, &extendable{gst.ExtendsElement, C.sizeof_NetgearDemux})
	case transport:
		return false
	}
	name := C.CString(c.Name)
	defer C.free(unsafe.Pointer(name))
	return C.netgear_register(C.gpointer(plugin), name, C.GType(typ), C.int(c.Role)) != 0
}

// extendable is a parent class of the binding with a larger instance.
type extendable struct {
	glib.Extendable
	size int64
}

func (e *extendable) InstanceSize() int64 { return e.size }

// bound is what the binding keeps for a class, and for each of its objects. The
// binding distinguishes classes by their Go type, so each class has its own.
type bound struct {
	class *Class
	half  Half
}

type (
	boundSink   struct{ bound }
	boundSource struct{ bound }
	boundDemux  struct{ bound }
)

func (b *boundSink) New() glib.GoObjectSubclass   { return &boundSink{b.fresh()} }
func (b *boundSource) New() glib.GoObjectSubclass { return &boundSource{b.fresh()} }
func (b *boundDemux) New() glib.GoObjectSubclass  { return &boundDemux{b.fresh()} }

func (b *bound) fresh() bound { return bound{b.class, b.class.New()} }

func (b *bound) self() *bound { return b }

// The binding calls InstanceInit when an object is made.
func (b *bound) InstanceInit(obj *glib.Object) {
	defer rescue(obj.Unsafe())
	C.netgear_instance_init(C.gpointer(obj.Unsafe()), C.int(b.class.Role))
	b.half.Init(Element{obj.Unsafe(), b.class.Role})
}

// The binding calls ClassInit once.
func (b *bound) ClassInit(klass *glib.ObjectClass) {
	c := b.class
	C.netgear_class_init(C.gpointer(klass.Unsafe()), C.int(c.Role))
	if c.Role != DemuxRole {
		installProperties(klass.Unsafe(), c.Role.end())
	}
	setMetadata(klass.Unsafe(), c.LongName, c.Klass, c.About)
	for _, p := range c.Pads {
		gst.ToElementClass(klass).AddPadTemplate(gst.NewPadTemplate(p.Name, p.Direction, p.Presence, gst.NewCapsFromString(p.Caps)))
	}
}

func boundTo(obj unsafe.Pointer) *bound {
	return glib.FromObjectUnsafePrivate(obj).(interface{ self() *bound }).self()
}

// halfOf returns the Go half of an object, as the interface that the caller names.
func halfOf[T any](obj unsafe.Pointer) T { return boundTo(obj).half.(T) }

func elementOf(obj unsafe.Pointer) Element { return Element{obj, boundTo(obj).class.Role} }

// Instance is the Half of a sink and of a source.
type Instance interface {
	Half
	// Settings returns what the user set.
	Settings() *Settings
	// CurrentPort, NumPeers, EstimatedBitrate and Statistics return the properties
	// with the same names, on any thread; zero while the element is stopped.
	CurrentPort() uint
	NumPeers() int
	EstimatedBitrate() uint64
	Statistics() netgear.Stats
	// Dropped returns how many signals and messages were dropped because of a slow
	// handler.
	Dropped() uint64
	// Opened reports whether the element is between Open and Close.
	Opened() bool
	// Open is called on the way into PAUSED, Close on the way out of it.
	Open() error
	Close()
	// Unlock ends calls that block, until UnlockStop.
	Unlock()
	UnlockStop()
}

// docURI is where the documentation of the elements is.
const docURI = "https://github.com/gst-netgear/gst-netgear/blob/main/docs/elements.md"

// setMetadata describes the element. The binding's own function never frees the
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

func cbool(b bool) C.gboolean {
	if b {
		return C.TRUE
	}
	return C.FALSE
}
