#!/bin/sh
# A video call: frames both ways over one connection (NetGear's bidirectional mode). A calls, B waits for the call.
#
# Usage: video-call.sh A|B [ADDRESS [PORT [OUTPUT [FILE]]]]      default: localhost for A, '*' for B; 5555
# Example: video-call.sh A 192.168.1.7
#
# ADDRESS is B's. A sends its picture with netgearsink; what B answers comes out of the pad return_src:
#   gst-launch-1.0 -e videotestsrc is-live=true pattern=smpte ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink name=call bidirectional-mode=true address=localhost port=5555 call.return_src ! queue ! decodebin ! videoconvert ! autovideosink sync=false
# B receives with netgearsrc and answers with what goes into the pad return_sink, the newest frame to each that comes:
#   gst-launch-1.0 -e videotestsrc is-live=true pattern=ball ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! clocksync ! call.return_sink netgearsrc name=call bidirectional-mode=true 'address=*' port=5555 ! queue ! decodebin ! videoconvert ! autovideosink sync=false
# In place of the test picture: v4l2src ! image/jpeg,width=640,height=480, or the video FILE. A file comes faster than it plays,
# and return_sink never holds anything up: hence clocksync. OUTPUT as in receiver.sh, what this side sees.
# The call ends when A does. The other end may be VidGear's NetGear(bidirectional_mode=True), which answers with arrays.

set -eu
. "$(dirname "$0")/common.sh"
side=${1:-} address=${2:-} port=${3:-5555} output=${4:-} file=${5:-}

# What this side shows of itself.
# shellcheck disable=SC2086 # $limit is one word or none
if [ -n "$file" ]; then
	set -- filesrc location="$file" ! decodebin ! videoconvert ! videoscale
elif [ "$side" = A ]; then
	set -- videotestsrc is-live=true pattern=smpte $limit
else
	set -- videotestsrc is-live=true pattern=ball
fi
set -- "$@" ! video/x-raw,format=BGRx,width=640,height=480 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc

# shellcheck disable=SC2086 # $limit is one word or none
case $side in
A) receive "$output" "$@" ! netgearsink name=call bidirectional-mode=true address="${address:-localhost}" port="$port" \
	call.return_src ! queue ;;
B) receive "$output" "$@" ! clocksync ! call.return_sink \
	netgearsrc name=call bidirectional-mode=true address="${address:-*}" port="$port" $limit ! queue ;;
*) usage ;;
esac
