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
	"sync/atomic"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Settings is what a user has set of an element. There is one live copy of it: a
// *netgear.Config that never changes once it is published, and is replaced by
// another one when a setting changes. Safe for concurrent use.
type Settings struct {
	role netgear.Role
	live atomic.Pointer[netgear.Config]

	mu     sync.Mutex // held by whoever replaces live
	frozen bool       // what is changeable in READY is not
	bad    error      // of the URI that was set last
	apply  Apply      // see Follow; nil: nobody does
}

// NewSettings returns the defaults of a role.
func NewSettings(role netgear.Role) *Settings {
	s := &Settings{role: role}
	cfg := netgear.DefaultConfig(role)
	s.live.Store(&cfg)
	return s
}

// Live returns the settings of the moment, which the caller must not change. It
// takes no lock.
func (s *Settings) Live() *netgear.Config { return s.live.Load() }

// Freeze returns a copy to run with, and refuses changes of what must not
// change then until Thaw. It fails when a URI was refused before.
func (s *Settings) Freeze() (netgear.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad == nil {
		s.frozen = true
	}
	return *s.Live(), s.bad
}

// Apply is called with the live settings after a change, and with the row that was
// set; nil means any. A lock is held: it must not wait, nor come back to Settings.
type Apply func(cfg *netgear.Config, changed *netgear.Property)

// Follow calls apply now, and after each change until Thaw.
func (s *Settings) Follow(apply Apply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply = apply
	apply(s.Live(), nil)
}

// Thaw allows all changes again.
func (s *Settings) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen, s.apply = false, nil
}

// publishLocked replaces the live copy.
func (s *Settings) publishLocked(cfg *netgear.Config, changed *netgear.Property) {
	s.live.Store(cfg)
	if s.apply != nil {
		s.apply(cfg, changed)
	}
}

var errFrozen = errors.New("only in NULL or READY")

func (s *Settings) set(p *netgear.Property, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen && p.When == netgear.Ready {
		return fmt.Errorf("%s cannot be changed now: %w", p.Name, errFrozen)
	}
	cfg := *s.Live()
	if err := p.Set(&cfg, v); err != nil {
		return err
	}
	s.publishLocked(&cfg, p)
	return nil
}

func (s *Settings) setURI(uri string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return fmt.Errorf("uri cannot be changed now: %w", errFrozen)
	}
	cfg := *s.Live()
	s.bad = netgear.ParseURI(&cfg, s.role, uri)
	if s.bad == nil && cfg.Caps != "" && !validCaps(cfg.Caps) {
		s.bad = fmt.Errorf("%w: caps %q: want caps, as video/x-raw,framerate=30/1", netgear.ErrSettings, cfg.Caps)
	}
	if s.bad == nil {
		s.publishLocked(&cfg, nil)
	}
	return s.bad
}

// validCaps reports whether GStreamer takes what a user wrote.
func validCaps(text string) bool {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	return C.netgear_caps_valid(c) != 0
}

func (s *Settings) uri() string { return netgear.URI(s.Live(), s.role) }

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
		// A property cannot be refused; a URI that was is told at the start.
		if p.Name != "uri" && errors.Is(err, netgear.ErrSettings) {
			role := netgear.SenderRole
			if categoryOf(in) == CategorySrc {
				role = netgear.ReceiverRole
			}
			Element{obj}.PostWarning(role, fmt.Errorf("%w; the value before stays", err), "the property was not set")
		}
		Element{obj}.Log(categoryOf(in), LevelWarning, "set_property", err.Error())
	}
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
