#!/bin/sh
# Sends raw BGR frames, byte for byte what OpenCV works on: no JPEG, no loss, nothing to decode at the other end.
#
# Usage: raw-bgr-to-opencv.sh [ADDRESS [PORT]]      default: localhost 5555
# Example: raw-bgr-to-opencv.sh 192.168.1.7
#
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGR,width=640,height=480 ! netgearsink address=localhost port=5555
# The other end: opencv_receiver.py, or VidGear's NetGear(receive_mode=True).

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-localhost} port=${2:-5555}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
launch videotestsrc is-live=true $limit ! video/x-raw,format=BGR,width=640,height=480 ! \
	netgearsink address="$address" port="$port"
