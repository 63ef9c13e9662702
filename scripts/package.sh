#!/bin/sh
# package.sh ARCH REVISION CFLAGS LDFLAGS: makes the package of $VERSION for the Debian that it runs in and for that
# architecture, and the list of its parts, in dist/. The revision gets the number of the Debian, so that a later one has the
# newer package. "make packages" runs it as root in a Debian that it may change.
set -eu
export DEBIAN_FRONTEND=noninteractive
arch=$1
revision=$2~deb$(sed -n 's/^VERSION_ID="\(.*\)"/\1/p' /etc/os-release) # nothing in a testing
rm -rf dist
sbom=dist/gst-netgear_$VERSION-${revision}_$arch.cdx.json

if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	exec make --no-print-directory deb REVISION="$revision" SBOM="$PWD/$sbom"
fi
[ "$arch" = arm64 ] || { echo "error: no packages for $arch" >&2; exit 1; }
scripts/cross-arm64.sh "$3" "$4"
apt-get -q install -y --no-install-recommends dpkg-dev >/dev/null
mkdir -p dist
go run ./internal/sbom -version="$VERSION" build/arm64/libgstnetgear.so build/arm64/netgear-keys >"$sbom"
REVISION=$revision SBOM=$sbom ARCH=arm64 scripts/deb.sh dist
