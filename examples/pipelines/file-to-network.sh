#!/bin/sh
# Sends any file that GStreamer can play, at its own speed, as JPEG frames.
#
# Usage: file-to-network.sh FILE [ADDRESS [PORT]]      default: localhost 5555
# Example: file-to-network.sh video.mp4 192.168.1.7
#
# For FILE=video.mp4:
#   gst-launch-1.0 -e filesrc location=video.mp4 ! decodebin ! videoconvert ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink address=localhost port=5555
# Why two videoconvert: video files hold "limited range" (black is 16, white 235), JPEG means full range, and jpegenc writes
# what it gets. Straight to jpegenc, white arrives as 235 and red as 238. videoconvert from YUV to YUV does not mend that in
# GStreamer 1.22, whatever the caps say (tried); through an RGB format it does.
# The other end: receiver.sh, opencv_receiver.py, or VidGear's NetGear(receive_mode=True).

set -eu
. "$(dirname "$0")/common.sh"
[ $# -ge 1 ] || usage
file=$1 address=${2:-localhost} port=${3:-5555}
case $file in -*) usage ;; esac

# shellcheck disable=SC2086 # two words or none
launch filesrc location="$file" ! decodebin ! ${FRAMES:+identity eos-after="$FRAMES" !} videoconvert ! video/x-raw,format=BGRx ! \
	videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink address="$address" port="$port"
