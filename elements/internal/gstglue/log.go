package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unsafe"
)

// Level is a GstDebugLevel.
type Level int

// Levels.
const (
	LevelError   Level = C.GST_LEVEL_ERROR
	LevelWarning Level = C.GST_LEVEL_WARNING
	LevelInfo    Level = C.GST_LEVEL_INFO
	LevelDebug   Level = C.GST_LEVEL_DEBUG
	LevelTrace   Level = C.GST_LEVEL_TRACE
)

// logs reports whether anybody reads the level of a role's category.
func logs(r Role, l Level) bool {
	return int(l) <= int(C._gst_debug_min) && C.netgear_log_enabled(C.int(r), C.int(l)) != 0
}

// Logs reports whether anybody reads the level of the element's category.
func (e Element) Logs(l Level) bool { return logs(e.role, l) }

// Log writes a line to the element's category.
func (e Element) Log(l Level, function, text string) { e.log(e.role, l, function, text) }

// logTransport writes a line to the category of the library below.
func (e Element) logTransport(l Level, function, text string) { e.log(transport, l, function, text) }

func (e Element) log(r Role, l Level, function, text string) {
	if !logs(r, l) {
		return
	}
	f, t := C.CString(function), C.CString(text)
	defer C.free(unsafe.Pointer(f))
	defer C.free(unsafe.Pointer(t))
	C.netgear_log(C.int(r), C.int(l), C.gpointer(e.p), f, t)
}

// NewLogger returns a logger that writes to the category netgear.
func NewLogger(w *Weak) *slog.Logger { return slog.New(&logHandler{weak: w}) }

// logHandler writes slog records to the debug category netgear.
type logHandler struct {
	weak  *Weak
	attrs []slog.Attr
}

func gstLevel(l slog.Level) Level {
	switch {
	case l >= slog.LevelError:
		return LevelError
	case l >= slog.LevelWarn:
		return LevelWarning
	case l >= slog.LevelInfo:
		return LevelInfo
	}
	return LevelDebug
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool {
	return logs(transport, gstLevel(l))
}

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	write := func(a slog.Attr) bool {
		b.WriteString(" " + a.Key + "=" + a.Value.String())
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	r.Attrs(write)
	h.weak.With(func(e Element) { e.logTransport(gstLevel(r.Level), "netgear", b.String()) })
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.weak, append(slices.Clip(h.attrs), attrs...)}
}

func (h *logHandler) WithGroup(string) slog.Handler { return h }
