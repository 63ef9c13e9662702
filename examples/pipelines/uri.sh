#!/bin/sh
# Both ends as URIs, with settings as query keys. gst-launch makes the element from the URI: netgearsrc where a pipeline
# begins, netgearsink where it ends.
#
# Usage: uri.sh send|receive [ADDRESS [PORT [OUTPUT]]]      default: localhost to send, '*' to receive; 5555
# Example: uri.sh receive
#
# One end:
#   gst-launch-1.0 -e 'netgear://*:5555?pattern=req-rep&max-retries=0' ! matroskamux ! filesink location=received.mkv
# The other end:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGR,width=640,height=480 ! 'netgear://localhost:5555?pattern=req-rep&request-timeout=2'
# Over a Unix domain socket: 'netgear+ipc:///tmp/netgear?pattern=req-rep'. The property uri takes the same text. An unknown
# key, or a value that does not parse, is an error. OUTPUT as in receiver.sh.

set -eu
. "$(dirname "$0")/common.sh"
port=${3:-5555}

# shellcheck disable=SC2086 # $limit is one word or none
case ${1:-} in
send) launch videotestsrc is-live=true $limit ! video/x-raw,format=BGR,width=640,height=480 ! \
	"netgear://${2:-localhost}:$port?pattern=req-rep&request-timeout=2" ;;
receive) receive "${4:-}" "netgear://${2:-*}:$port?pattern=req-rep&max-retries=0" ;;
*) usage ;;
esac
