#!/bin/sh
# deb.sh OUT: packs what "make build" has built, and the list of its parts ($SBOM), into a Debian package below OUT, with
# Debian's revision $REVISION, by default 1. ARCH=arm64 packs what cross-arm64.sh has built. The same inputs give the same
# bytes: all times in it are SOURCE_DATE_EPOCH, by default the time of the last commit.
set -eu
umask 022
export LC_ALL=C.UTF-8 TZ=UTC

fail() {
	echo "error: $*" >&2
	exit 1
}
command -v dpkg-shlibdeps >/dev/null 2>&1 || fail 'dpkg-shlibdeps not found: run "make deps-deb"'

out=$1 package=gstreamer1.0-netgear
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$stage/root
doc=$root/usr/share/doc/$package

# ---- the files
arch=${ARCH:-$(dpkg --print-architecture)}
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	make --no-print-directory install DESTDIR="$root" PREFIX=/usr >/dev/null
else # what cross-arm64.sh has built; dpkg's tools go by DEB_HOST_ARCH
	export DEB_HOST_ARCH="$arch"
	triplet=$(dpkg-architecture -a "$arch" -q DEB_HOST_GNU_TYPE)
	strip=$triplet-strip
	PKG_CONFIG_LIBDIR=/usr/lib/$triplet/pkgconfig make --no-print-directory install BUILD="$PWD/build/$arch" DESTDIR="$root" PREFIX=/usr >/dev/null
fi
plugin=$(find "$root" -name libgstnetgear.so)
"${strip:-strip}" --strip-unneeded --remove-section=.comment "$plugin" "$root/usr/bin/netgear-keys"
gzip -9n "$root/usr/share/man/man1/netgear-keys.1"

mkdir -p "$doc"
install -m 0644 README.md packaging/copyright "$SBOM" "$doc"
cp -R docs examples "$doc"
rm "$doc/docs/commands.txt"
find "$doc" -name __pycache__ -prune -exec rm -r {} +
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
maintainer=$(sed -n 's/^Maintainer: //p' packaging/control)
case $maintainer in *'FILL IN'* | *@example.*)
	echo 'warning: the package names no maintainer: fill in packaging/control (docs/releasing.md)' >&2
	;;
esac
gzip -9n >"$doc/changelog.Debian.gz" <<END
gst-netgear ($VERSION-${REVISION:-1}) unstable; urgency=medium

  * gst-netgear $VERSION; changelog.gz tells what is new.

 -- $maintainer  $(date -R -d "@$SOURCE_DATE_EPOCH")
END
mkdir -p "$root/usr/share/lintian/overrides"
install -m 0644 packaging/lintian-overrides "$root/usr/share/lintian/overrides/$package"

# ---- what dpkg wants to know; its tools look for debian/control in the current folder
mkdir -p "$stage/debian" "$root/DEBIAN"
cp packaging/control "$stage/debian/control"
gzip -dc "$doc/changelog.Debian.gz" >"$stage/debian/changelog"
(
	cd "$stage"
	dpkg-shlibdeps -Tsubstvars "$plugin" root/usr/bin/netgear-keys
	dpkg-gencontrol -p"$package" -Tsubstvars -Proot -fdebian/files
)
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

# dpkg-deb takes no time that is later than SOURCE_DATE_EPOCH.
mkdir -p "$out"
dpkg-deb --root-owner-group --uniform-compression -Z"${COMPRESSION:-xz}" --build "$root" "$out"
