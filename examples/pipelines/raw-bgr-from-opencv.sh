#!/bin/sh
# Receives raw BGR frames from an OpenCV program: to a window, or to a file. Frames of any other kind are an error.
#
# Usage: raw-bgr-from-opencv.sh [ADDRESS [PORT [OUTPUT]]]      default: '*' 5555, and a window where there is a display
# Example: raw-bgr-from-opencv.sh '*' 5555 received.mkv
#
# OUTPUT=window:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! video/x-raw,format=BGR ! decodebin ! videoconvert ! autovideosink sync=false
# OUTPUT=received.mkv, the default without a display, keeps every frame as it came:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! video/x-raw,format=BGR ! matroskamux ! filesink location=received.mkv
# OUTPUT=received.png keeps the last frame. The other end: opencv_sender.py, or VidGear's NetGear(jpeg_compression=False).

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-*} port=${2:-5555}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
receive "${3:-}" netgearsrc address="$address" port="$port" $limit ! video/x-raw,format=BGR
