#!/bin/sh
# asan.sh: compiles the plugin with AddressSanitizer and UndefinedBehaviorSanitizer in all of its C, and runs the tests of
# whole pipelines that match $RUN and not $SKIP with it. It fails when a test does, and when a sanitizer reports anything in
# any process, also in one that a test kills.
set -eu
: "${GO:=go}" "${RUN:?}" "${SKIP:=}"

# Not below build/, where GStreamer would find this plugin and load it without its libasan.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# -asan is for C and for what Go reads and writes of C's memory. zmq4 reads numbers of libzmq's events at odd addresses,
# which the processors that we build for can do. libubsan goes into the plugin and keeps its names to itself: as a library
# it and libasan call functions of each other, and lose the path of the reports.
undefined='-fsanitize=undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined'
scripts/tell.sh 'compiling the plugin with the sanitizers (the first time: some minutes)' \
	env CGO_CFLAGS="${CGO_CFLAGS:--O2 -g} -fno-omit-frame-pointer $undefined" \
	CGO_LDFLAGS='-fsanitize=undefined -static-libubsan -Wl,--exclude-libs,libubsan.a' \
	"$GO" build -asan -buildmode=c-shared -o "$dir/libgstnetgear.so" ./plugin

# The hosts (gst-launch-1.0, Python) are not compiled with it, so it is loaded before them, and libstdc++ with it, whose
# exceptions it looks up at the start. What GStreamer and Python keep for ever would be leaks. Freed memory is kept for a
# while, but not so much that the tests see a host grow.
cc=$("$GO" env CC)
preload=$($cc -print-file-name=libasan.so):$($cc -print-file-name=libstdc++.so.6)
export NETGEAR_BUILD="$dir" G_SLICE=always-malloc
export ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=16:log_path=$dir/report"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$dir/report"
echo '==> tests of whole pipelines, with the sanitizers'
status=0
"$GO" test -count=1 -timeout 30m -exec "env LD_PRELOAD=$preload" -run "$RUN" -skip "$SKIP" ./internal/e2e || status=$?

for report in "$dir"/report.*; do
	[ -e "$report" ] || continue
	echo "==> ${report##*/}" >&2
	cat "$report" >&2
	status=1
done
exit "$status"
