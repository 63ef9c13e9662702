package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Settings is what a user has set of an element, safe for concurrent use. The
// streaming thread works on a copy that it took when it started.
type Settings struct {
	role netgear.Role

	mu     sync.Mutex
	cfg    netgear.Config
	frozen bool  // what is changeable in READY is not
	bad    error // of the URI that was set last
}

// NewSettings returns the defaults of a role.
func NewSettings(role netgear.Role) *Settings {
	return &Settings{role: role, cfg: netgear.DefaultConfig(role)}
}

// Config returns a copy.
func (s *Settings) Config() netgear.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// Freeze returns a copy to run with, and refuses changes of what must not
// change then until Thaw. It fails when a URI was refused before.
func (s *Settings) Freeze() (netgear.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad != nil {
		return s.cfg, s.bad
	}
	s.frozen = true
	return s.cfg, nil
}

// Thaw allows all changes again.
func (s *Settings) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = false
}

var errFrozen = errors.New("only in NULL or READY")

func (s *Settings) set(p *netgear.Property, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen && p.When == netgear.Ready {
		return fmt.Errorf("%s cannot be changed now: %w", p.Name, errFrozen)
	}
	return p.Set(&s.cfg, v)
}

func (s *Settings) get(p *netgear.Property) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.Get(&s.cfg)
}

func (s *Settings) setURI(uri string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return fmt.Errorf("uri cannot be changed now: %w", errFrozen)
	}
	s.bad = netgear.ParseURI(&s.cfg, s.role, uri)
	return s.bad
}

func (s *Settings) uri() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return netgear.URI(&s.cfg, s.role)
}

//export netgearSetProperty
func netgearSetProperty(obj unsafe.Pointer, id C.guint, value *C.GValue) {
	defer rescue(obj)
	in := instanceOf(obj)
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
	}
	if p.Name == "uri" {
		err = in.Settings().setURI(v.(string))
	} else {
		err = in.Settings().set(p, v)
	}
	if err != nil {
		// A property cannot be refused; a URI that was is told at the start.
		if p.Name != "uri" && errors.Is(err, netgear.ErrSettings) {
			role := netgear.SenderRole
			if categoryOf(in) == CategorySrc {
				role = netgear.ReceiverRole
			}
			Element{obj}.PostWarning(role, fmt.Errorf("%w; the value before stays", err), "the property was not set")
		}
		Element{obj}.Log(categoryOf(in), LevelWarning, "set_property", err.Error())
		return
	}
	in.Changed(p)
}

//export netgearGetProperty
func netgearGetProperty(obj unsafe.Pointer, id C.guint, value *C.GValue) {
	defer rescue(obj)
	in := instanceOf(obj)
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
	case "stats":
		C.netgear_stats_take(C.gpointer(statistics(obj, in)), value)
		return
	}
	switch v := in.Settings().get(p).(type) {
	case string:
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

//export netgearGetURI
func netgearGetURI(obj unsafe.Pointer) *C.char {
	defer rescue(obj)
	return C.CString(instanceOf(obj).Settings().uri())
}

// netgearSetURI returns NULL, or why not, to be freed, and the code of it.
//
//export netgearSetURI
func netgearSetURI(obj unsafe.Pointer, uri *C.char, code *C.int) *C.char {
	defer rescue(obj)
	in := instanceOf(obj)
	err := in.Settings().setURI(C.GoString(uri))
	if err != nil {
		Element{obj}.Log(categoryOf(in), LevelWarning, "set_uri", err.Error()) // gst-launch does not show it
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
