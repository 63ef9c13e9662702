#!/bin/sh
# cgo-flags.sh: prints what CGO_CFLAGS needs beside its usual flags so that go-gst, which asks for GStreamer 1.22, compiles
# against an older one. It prints nothing from 1.22 on. PKG_CONFIG_LIBDIR and the like choose the GStreamer, as they do for Go.
set -eu
old() { "${PKG_CONFIG:-pkg-config}" --exists "gstreamer-1.0 < $1" 2>/dev/null; }

old 1.22 || exit 0
flags=-Dgst_debug_message_get_id=gst_debug_message_get # of the same type
! old 1.20 || flags="$flags -include $(cd "$(dirname "$0")/.." && pwd)/elements/internal/gstglue/gogst.h"
echo "$flags"
