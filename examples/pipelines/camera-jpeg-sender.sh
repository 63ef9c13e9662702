#!/bin/sh
# Sends JPEG frames, as a camera makes them, to a receiver that is bound to ADDRESS and PORT.
#
# Usage: camera-jpeg-sender.sh [ADDRESS [PORT [DEVICE]]]      default: localhost 5555
# Example: camera-jpeg-sender.sh 192.168.1.7 5555 /dev/video0
#
# Without a DEVICE a moving test picture stands in for the camera:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink address=localhost port=5555
# With DEVICE=/dev/video0 the camera's own JPEGs are sent as they are, nothing is encoded:
#   gst-launch-1.0 -e v4l2src device=/dev/video0 ! image/jpeg,width=640,height=480 ! netgearsink address=localhost port=5555
# The other end: receiver.sh, opencv_receiver.py, or VidGear's NetGear(receive_mode=True).

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-localhost} port=${2:-5555} device=${3:-}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
if [ -n "$device" ]; then
	launch v4l2src device="$device" $limit ! image/jpeg,width=640,height=480 ! netgearsink address="$address" port="$port"
else
	# JPEG is full range; README.md says why the picture goes through BGRx for that.
	launch videotestsrc is-live=true $limit ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! \
		video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink address="$address" port="$port"
fi
