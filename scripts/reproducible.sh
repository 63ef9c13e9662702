#!/bin/sh
# reproducible.sh FIRST...: builds the files FIRST of dist/ and build/ once more, from a copy of the tree in another-folder,
# with empty caches, as if somebody else did, and compares the bytes. It takes as long as the very first build.
set -eu
: "${GO:=go}"
modules=$("$GO" env GOMODCACHE)
epoch=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$work/home" "$work/another-folder/src"
tar -c --exclude=./build --exclude=./dist --exclude=./.git . | tar -x -C "$work/another-folder/src"

# The modules come out of the host's cache, as archives, into a cache of their own.
(
	cd "$work/another-folder/src"
	umask 027
	env -i PATH="$PATH" HOME="$work/home" TZ=Asia/Kathmandu SKIP_DEPS=1 GO="$GO" SOURCE_DATE_EPOCH="$epoch" \
		GOPROXY="file://$modules/cache/download" GOSUMDB=off GOFLAGS=-modcacherw make deb
)
same=0
for first; do
	if cmp "$first" "$work/another-folder/src/$first"; then
		sha256sum "$first"
	else
		same=1
	fi
done
exit "$same"
