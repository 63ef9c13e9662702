#!/bin/sh
# deb-test.sh DEB: in a Debian that has nothing of this project, as root (make deb-test makes one): installs the package,
# streams from one pipeline to another, hands out a key, and removes the package again.
set -eu
export DEBIAN_FRONTEND=noninteractive GST_DEBUG_NO_COLOR=1
deb=$1 package=gstreamer1.0-netgear
work=$(mktemp -d)
receiver=
trap '[ -z "$receiver" ] || kill "$receiver" 2>/dev/null || :; rm -rf "$work"' EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

echo "==> installing $deb"
apt-get -q update >"$work/log" 2>&1 && apt-get -q install -y "$deb" gstreamer1.0-tools >>"$work/log" 2>&1 ||
	{ cat "$work/log"; fail 'apt-get install'; }
dpkg -s "$package" | grep -E '^(Version|Depends|Status):'
dpkg --verify "$package"

echo '==> the elements'
for element in netgearsink netgearsrc netgeardemux; do
	gst-inspect-1.0 "$element" >"$work/$element" || fail "gst-inspect-1.0 $element"
	grep -E '^ +(Long-name|Filename|Version) ' "$work/$element"
done

# stream WANT SOURCE...: as the README has it; the receiver counts.
stream() {
	want=$1
	shift
	echo "==> $* ! netgearsink"
	GST_DEBUG=netgear:5 gst-launch-1.0 -v netgearsrc port=0 ! identity silent=false ! fakesink >"$work/received" 2>&1 &
	receiver=$!
	port=
	for _ in $(seq 100); do
		port=$(sed -n 's/.*bound endpoint=.*:\([0-9]*\)$/\1/p' "$work/received" | head -n 1)
		[ -z "$port" ] || break
		sleep 0.1
	done
	[ -n "$port" ] || { cat "$work/received"; fail 'the receiver does not listen'; }
	timeout 60 gst-launch-1.0 -e "$@" ! netgearsink port="$port" >"$work/sent" 2>&1 || { cat "$work/sent"; fail 'the sender'; }
	timeout 60 tail --pid="$receiver" -f /dev/null || { cat "$work/received"; fail 'no end at the receiver'; }
	wait "$receiver" || { cat "$work/received"; fail 'the receiver'; }
	receiver=
	got=$(grep -c 'chain.*bytes, dts' "$work/received" || :)
	echo "    $got of $want frames"
	[ "$got" -eq "$want" ] || fail 'frames were lost'
}
stream 50 videotestsrc is-live=true num-buffers=50 ! video/x-raw,format=BGR
stream 50 videotestsrc is-live=true num-buffers=50 ! jpegenc

echo '==> a key'
mkdir "$work/keys" "$work/cam1"
netgear-keys -location "$work/keys" cam1 "$work/cam1"
test -s "$work/cam1/.vidgear/keys/private_keys/client.key_secret" || fail 'no key'

echo '==> removing it'
files=$(dpkg -L "$package")
apt-get -q purge -y "$package" >"$work/log" 2>&1 || { cat "$work/log"; fail 'apt-get purge'; }
for file in $files; do
	[ -d "$file" ] || [ ! -e "$file" ] || fail "$file is still there"
done
apt-get -q autoremove -y --purge >/dev/null 2>&1
echo "$package works on $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release)"
