#!/bin/sh
# release.sh check | release.sh OUT FILE...: what is published with a version. "check" demands a commit that is one: its version
# has a heading in CHANGELOG.md, and nothing is uncommitted. The other packs the commit's sources into OUT and writes
# OUT/SHA256SUMS of them and of the FILEs there. It warns while packaging/control names no maintainer.
set -eu

fail() {
	echo "error: $*" >&2
	exit 1
}

if [ "$1" = check ]; then
	grep -q "^## \[$VERSION\] - [0-9]" CHANGELOG.md ||
		fail "CHANGELOG.md has no heading \"## [$VERSION] - DATE\": give what is below Unreleased one, or raise the version in plugin/version.h"
	changed=$(git status --porcelain) || fail 'a release is made from a git clone'
	[ -z "$changed" ] || fail "a release is made from a commit; not committed: $changed"
	exit
fi

out=$1
shift
maintainer=$(sed -n 's/^Maintainer: //p' packaging/control 2>/dev/null || :)
sources=gst-netgear-$VERSION.tar.gz
git archive --format=tar.gz --prefix="gst-netgear-$VERSION/" -o "$out/$sources" HEAD
cd "$out"
sha256sum "$sources" "$@" >SHA256SUMS
cat SHA256SUMS
case $maintainer in '' | *'FILL IN'* | *@example.*)
	echo 'warning: do not publish these: packaging/control names no maintainer (docs/releasing.md)' >&2
	;;
esac
echo "to publish them: git tag -a v$VERSION -m 'gst-netgear $VERSION'"
