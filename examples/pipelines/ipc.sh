#!/bin/sh
# Raw frames between two programs of one machine, over a Unix domain socket instead of tcp.
#
# Usage: ipc.sh send|receive [PATH [PORT [OUTPUT]]]      default: /tmp/netgear 5555
# Example: ipc.sh send
#
# The socket is the file PATH:PORT, as in NetGear; both ends must name the same. One end:
#   gst-launch-1.0 -e netgearsrc protocol=ipc address=/tmp/netgear port=5555 ! matroskamux ! filesink location=received.mkv
# The other end:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGR,width=640,height=480 ! netgearsink protocol=ipc address=/tmp/netgear port=5555
# OUTPUT as in receiver.sh. In VidGear: NetGear(protocol="ipc", address="/tmp/netgear", port="5555", ...).

set -eu
. "$(dirname "$0")/common.sh"
path=${2:-/tmp/netgear} port=${3:-5555}

# shellcheck disable=SC2086 # $limit is one word or none
case ${1:-} in
send) launch videotestsrc is-live=true $limit ! video/x-raw,format=BGR,width=640,height=480 ! \
	netgearsink protocol=ipc address="$path" port="$port" ;;
receive) receive "${4:-}" netgearsrc protocol=ipc address="$path" port="$port" $limit ;;
*) usage ;;
esac
