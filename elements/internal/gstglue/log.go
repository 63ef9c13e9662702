package gstglue

import (
	"context"
	"log/slog"
	"slices"
	"strings"
)

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
	return Logs(CategoryTransport, gstLevel(l))
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
	h.weak.With(func(e Element) { e.Log(CategoryTransport, gstLevel(r.Level), "netgear", b.String()) })
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.weak, append(slices.Clip(h.attrs), attrs...)}
}

func (h *logHandler) WithGroup(string) slog.Handler { return h }
