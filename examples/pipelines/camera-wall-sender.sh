#!/bin/sh
# One camera of the wall that camera-wall.sh shows: a server of NetGear's multi-server mode, told apart by its port.
#
# Usage: camera-wall-sender.sh PORT [ADDRESS [PICTURE]]      default: localhost smpte
# Example: camera-wall-sender.sh 5566 192.168.1.7
#
# ADDRESS is that of the wall, PORT one of its ports. For PORT=5566, with a test picture in place of the camera:
#   gst-launch-1.0 -e videotestsrc is-live=true pattern=smpte ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink multiserver-mode=true pattern=req-rep address=localhost port=5566 message=camera-5566
# With PICTURE=/dev/video0 the camera's own JPEGs are sent as they are:
#   gst-launch-1.0 -e v4l2src device=/dev/video0 ! image/jpeg,width=640,height=480 ! netgearsink multiserver-mode=true pattern=req-rep address=localhost port=5566 message=camera-5566
# The other end: camera-wall.sh, or VidGear's NetGear(receive_mode=True, port=[...], pattern=1, multiserver_mode=True).

set -eu
. "$(dirname "$0")/common.sh"
[ $# -ge 1 ] || usage
port=$1 address=${2:-localhost} picture=${3:-smpte}
case $port in -*) usage ;; esac

server="netgearsink multiserver-mode=true pattern=req-rep address=$address port=$port message=camera-$port"
# shellcheck disable=SC2086 # $limit is one word or none, $server several
case $picture in
/*) launch v4l2src device="$picture" $limit ! image/jpeg,width=640,height=480 ! $server ;;
*) launch videotestsrc is-live=true pattern="$picture" $limit ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! \
	video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! $server ;;
esac
