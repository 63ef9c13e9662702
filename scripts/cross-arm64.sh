#!/bin/sh
# cross-arm64.sh CFLAGS LDFLAGS: builds the plugin and netgear-keys for arm64 into build/arm64, with these flags of the
# Makefile beside its own; with TESTS= it runs the tests of these packages in an emulator of the processor. For make
# cross-arm64 and test-arm64, which run it as root in a Debian that it may change: the libraries of arm64 come in beside
# those of amd64.
set -eu
export DEBIAN_FRONTEND=noninteractive
triplet=aarch64-linux-gnu out=build/arm64

echo '==> compiler and libraries of arm64'
dpkg --add-architecture arm64
log=$(mktemp)
apt-get -q update >"$log" 2>&1 && apt-get -q install -y --no-install-recommends gcc-$triplet libc6-dev-arm64-cross pkgconf file \
	libgstreamer1.0-dev:arm64 libgstreamer-plugins-base1.0-dev:arm64 libzmq3-dev:arm64 >>"$log" 2>&1 || { cat "$log"; exit 1; }

export GOOS=linux GOARCH=arm64 CGO_ENABLED=1 CC=$triplet-gcc GOFLAGS=-buildvcs=false
export PKG_CONFIG_LIBDIR=/usr/lib/$triplet/pkgconfig:/usr/share/pkgconfig
CGO_CFLAGS="-O2 -g $(scripts/cgo-flags.sh) $1"
export CGO_CFLAGS
ldflags="-extldflags \"$2\""
mkdir -p $out
scripts/tell.sh 'compiling the plugin for arm64' go build -buildmode=c-shared -trimpath -ldflags="$ldflags" -o $out/libgstnetgear.so ./plugin
rm -f $out/libgstnetgear.h
go build -buildmode=pie -trimpath -ldflags="$ldflags" -o $out/netgear-keys ./cmd/netgear-keys

echo '==> what was built'
for binary in $out/libgstnetgear.so $out/netgear-keys; do
	file -b "$binary"
	$triplet-readelf -h "$binary" | grep -q 'Machine: *AArch64' || { echo "$binary is not for arm64" >&2; exit 1; }
	$triplet-readelf -W -d "$binary" | grep -q 'BIND_NOW\|FLAGS.* NOW' || { echo "$binary resolves addresses late" >&2; exit 1; }
	$triplet-readelf -d "$binary" | sed -n 's/.*(NEEDED)[^[]*\[\(.*\)\]/    needs \1/p'
done
$triplet-readelf -W --dyn-syms $out/libgstnetgear.so | grep -q ' gst_plugin_netgear_get_desc$' ||
	{ echo 'the plugin lacks its entry point' >&2; exit 1; }

# An emulator of the processor, where there is one, shows that it loads and runs: the tools are those of arm64.
echo '==> in the emulator'
apt-get -q install -y --no-install-recommends qemu-user-static gstreamer1.0-tools:arm64 gstreamer1.0-plugins-base:arm64 >"$log" 2>&1 ||
	{ echo 'no emulator to be had: not run'; exit 0; }
emulate() { GST_REGISTRY_FORK=no GST_REGISTRY=$out/registry.bin GST_PLUGIN_PATH=$PWD/$out timeout 300 qemu-aarch64-static "$@"; }
emulate "$(command -v gst-inspect-1.0)" --no-colors netgear
emulate "$(command -v gst-launch-1.0)" -e netgearsrc port=5599 ! fakesink >"$log" 2>&1 &
receiver=$!
emulate "$(command -v gst-launch-1.0)" -e videotestsrc num-buffers=20 ! video/x-raw,format=BGR ! netgearsink port=5599 || { cat "$log"; exit 1; }
wait "$receiver" || { cat "$log"; exit 1; }
echo '20 frames went from one emulated pipeline to another'

[ -n "${TESTS:-}" ] || exit 0
echo "==> tests in the emulator: $TESTS"
apt-get -q install -y --no-install-recommends gstreamer1.0-plugins-good:arm64 >"$log" 2>&1 || { cat "$log"; exit 1; }
export GST_REGISTRY_FORK=no GST_REGISTRY=$PWD/$out/registry.bin GST_PLUGIN_PATH=$PWD/$out
# The emulator knows no TCP_INFO, starts no emulated program from an emulated one, and is too slow for milliseconds.
skip='^(TestLittleWaits|TestStoppedSubscriberGetsThePresent|TestMouthOfTheTunnelIsPrivate|TestClocksOfBothEnds)$'
# shellcheck disable=SC2086 # several packages
go test -exec qemu-aarch64-static -ldflags="$ldflags" -timeout 40m -skip "$skip" $TESTS
