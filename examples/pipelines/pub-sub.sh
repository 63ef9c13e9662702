#!/bin/sh
# One sender, any number of viewers that come and go: publish and subscribe, with the sender bound and the viewers connecting.
#
# Usage: pub-sub.sh send|receive [ADDRESS [PORT [OUTPUT]]]      default: '*' to send, localhost to receive; 5555
# Example: pub-sub.sh receive 192.168.1.7 5555 received.png
#
# The sender, once; it does not wait for anybody, and nobody confirms:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink pattern=pub-sub bind=true 'address=*' port=5555
# Each viewer, with the sender's address; it ends with the sender, or after ten seconds without a frame:
#   gst-launch-1.0 -e netgearsrc pattern=pub-sub bind=false address=localhost port=5555 subscriber-timeout=10 ! decodebin ! videoconvert ! autovideosink sync=false
# OUTPUT as in receiver.sh. NetGear peers know only the other way round: their receiver binds, their sender connects
# (leave out bind= here, and give both ends the receiver's address).

set -eu
. "$(dirname "$0")/common.sh"
port=${3:-5555}

# shellcheck disable=SC2086 # $limit is one word or none
case ${1:-} in
send) launch videotestsrc is-live=true $limit ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! \
	video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink pattern=pub-sub bind=true address="${2:-*}" port="$port" ;;
receive) receive "${4:-}" netgearsrc pattern=pub-sub bind=false address="${2:-localhost}" port="$port" subscriber-timeout=10 $limit ;;
*) usage ;;
esac
