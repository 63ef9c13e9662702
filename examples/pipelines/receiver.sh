#!/bin/sh
# Receives frames, JPEG or raw, from any NetGear sender: to a window, or to a file.
#
# Usage: receiver.sh [ADDRESS [PORT [OUTPUT]]]      default: '*' 5555, and a window where there is a display
# Example: receiver.sh '*' 5555 received.png
#
# ADDRESS is the receiver's own, * for every interface. OUTPUT=window:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! decodebin ! videoconvert ! autovideosink sync=false
# OUTPUT=received.mkv, the default without a display, keeps every frame as it came:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! matroskamux ! filesink location=received.mkv
# OUTPUT=received.png keeps the last frame:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! decodebin ! videoconvert ! video/x-raw,format=RGB ! pngenc ! multifilesink location=received.png
# It ends when the sender says goodbye, or with Ctrl-C. The other end: camera-jpeg-sender.sh, file-to-network.sh,
# opencv_sender.py, or VidGear's NetGear().

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-*} port=${2:-5555}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
receive "${3:-}" netgearsrc address="$address" port="$port" $limit
