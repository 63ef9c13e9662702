#!/bin/sh
# deps.sh PACKAGE...: checks that Go is new enough and installs those Debian packages that are missing. It does nothing,
# in a moment, when all is there. SKIP_DEPS=1 leaves the system alone.
set -eu

fail() {
	echo "error: $*" >&2
	exit 1
}

# ---- Go, which Debian 12 has in too old a version, so it is not installed from there
want=$(awk '$1 == "go" { print $2 }' go.mod)
advice="go.mod (the line \"go $want\") asks for Go $want or newer: see https://go.dev/doc/install"
command -v "${GO:=go}" >/dev/null 2>&1 || fail "the go command is not in PATH. $advice"
# Asked inside the module, a newer go command than 1.20 may answer with a toolchain that it fetches by itself.
have=$("$GO" env GOVERSION 2>/dev/null) || fail "$("$GO" version) is too old. $advice"
oldest=$(printf '%s\n' "$want" "${have#go}" | sort -V | head -n 1)
[ "$oldest" = "$want" ] || fail "$GO is version ${have#go}, too old. $advice"

[ -z "${SKIP_DEPS:-}" ] || exit 0

# ---- Debian and its relatives
missing=
if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
	installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | awk '$1 == "installed" { print $2 }') || :
	for p in "$@"; do
		printf '%s\n' "$installed" | grep -qxF "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || exit 0

	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null 2>&1 && sudo=sudo
	fi
	if [ "$(id -u)" -eq 0 ] || [ -n "$sudo" ]; then
		echo "==> installing Debian packages with apt-get${sudo:+, through sudo}:$missing"
		echo "    (a first installation takes a minute or more; SKIP_DEPS=1 does without)"
		apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }
		apt update
		# shellcheck disable=SC2086 # a list of words on purpose
		apt install -y --no-install-recommends $missing
		exit 0
	fi
	echo "These Debian packages are missing, and there is neither root nor sudo to install them:$missing" >&2
fi

# ---- elsewhere: go on when the tools are there
[ -n "$missing" ] || echo "No apt-get here. On Debian these packages would be needed: $*" >&2
for tool in gcc pkg-config gst-launch-1.0; do
	command -v "$tool" >/dev/null 2>&1 || fail "$tool not found: install what your system calls the packages above"
done
for module in gstreamer-1.0 gstreamer-base-1.0 gstreamer-video-1.0 gstreamer-app-1.0 libzmq; do
	pkg-config --exists "$module" || fail "pkg-config does not know $module: install what your system calls the packages above"
done
echo "The compiler and the libraries are there: going on. Tests may still miss some of the rest." >&2
