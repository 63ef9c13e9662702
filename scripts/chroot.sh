#!/bin/sh
# chroot.sh SUITE FOLDER COMMAND...: runs COMMAND as root in a Debian of its own, in /src, a fresh copy of this tree, with
# the host's Go. The Debian is made in FOLDER by debootstrap the first time, and kept with what COMMAND changed there.
# Mounts and processes live in namespaces that end with COMMAND, however it ends: nothing is left to undo.
set -eu

fail() {
	echo "error: $*" >&2
	exit 1
}

suite=$1 root=$2
shift 2
[ "$(id -u)" -eq 0 ] || fail 'a chroot needs root'
for tool in debootstrap unshare; do
	command -v "$tool" >/dev/null 2>&1 || fail "$tool not found: apt-get install debootstrap util-linux"
done
: "${GO:=go}"
goroot=$("$GO" env GOROOT)
modules=$("$GO" env GOMODCACHE)
mkdir -p "$modules"

if [ ! -d "$root" ]; then
	mkdir -p "$(dirname "$root")"
	rm -rf "$root.new"
	echo "==> making a Debian $suite in $root (a minute or so; what debootstrap says goes to $root.log)"
	# A debootstrap that is older than the suite knows how sid is made, which is the same.
	script=
	[ -e "/usr/share/debootstrap/scripts/$suite" ] || script='http://deb.debian.org/debian /usr/share/debootstrap/scripts/sid'
	# shellcheck disable=SC2086 # two words, or none
	debootstrap --variant=minbase --include=make,ca-certificates "$suite" "$root.new" $script >"$root.log" 2>&1 ||
		fail "debootstrap failed: see $root.log"
	# No package starts a service here.
	printf '#!/bin/sh\nexit 101\n' >"$root.new/usr/sbin/policy-rc.d"
	chmod 755 "$root.new/usr/sbin/policy-rc.d"
	mv "$root.new" "$root"
fi

rm -rf "$root/src"
mkdir -p "$root/src" "$root/usr/local/go" "$root/root/go/pkg/mod"
tar -c --exclude=./build --exclude=./.git . | tar -x --no-same-owner -C "$root/src"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
echo "127.0.0.1 localhost" >"$root/etc/hosts"

# shellcheck disable=SC2016 # the inner shell expands it
exec unshare --mount --pid --fork --kill-child sh -euc '
	root=$1 goroot=$2 modules=$3
	shift 3
	mount --bind "$root" "$root" # a root that is a mount point lets the tests make mount namespaces of their own
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount --bind "$goroot" "$root/usr/local/go"
	mount -o remount,bind,ro "$root/usr/local/go"
	mount --bind "$modules" "$root/root/go/pkg/mod"
	exec chroot "$root" env -i -C /src HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' chroot.sh "$root" "$goroot" "$modules" "$@"
