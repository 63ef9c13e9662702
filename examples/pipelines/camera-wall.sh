#!/bin/sh
# A wall of cameras: several servers to one receiver (NetGear's multi-server mode), each with a tile of its own.
#
# Usage: camera-wall.sh [PORTS [OUTPUT]]      default: 5566,5567,5568, and a window where there is a display
# Example: camera-wall.sh 5566,5567 wall.png
#
# One port for each server, raw or JPEG, of any size and frame rate. PORTS=5566,5567 OUTPUT=window:
#   gst-launch-1.0 -e netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports=5566,5567 ! netgeardemux name=servers servers.src_5566 ! queue ! decodebin ! videoconvert ! wall.sink_0 servers.src_5567 ! queue ! decodebin ! videoconvert ! wall.sink_1 compositor name=wall background=black sink_0::xpos=0 sink_0::ypos=0 sink_0::width=320 sink_0::height=240 sink_1::xpos=320 sink_1::ypos=0 sink_1::width=320 sink_1::height=240 ! video/x-raw,format=I420,colorimetry=1:4:0:0,width=640,height=240,framerate=30/1 ! videoconvert ! autovideosink sync=false
# OUTPUT as in receiver.sh: window, NAME.mkv or NAME.png. The wall begins when every server has sent its first
# frame; a tile goes dark when its server says goodbye, and the wall ends with the last of them.
# The other end: camera-wall-sender.sh and opencv_server.py, one for each port.

set -eu
. "$(dirname "$0")/common.sh"
ports=${1:-5566,5567,5568} output=${2:-}
case $ports in -*) usage ;; esac

# A tile is 320x240, two in a row.
# shellcheck disable=SC2086 # $limit is one word or none
set -- netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports="$ports" $limit ! netgeardemux name=servers
tiles='' n=0
for port in $(echo "$ports" | tr , ' '); do
	set -- "$@" servers.src_"$port" ! queue ! decodebin ! videoconvert ! wall.sink_$n
	tiles="$tiles sink_$n::xpos=$((n % 2 * 320)) sink_$n::ypos=$((n / 2 * 240)) sink_$n::width=320 sink_$n::height=240"
	n=$((n + 1))
done
# shellcheck disable=SC2086 # $tiles is several words
show "$output" "$@" compositor name=wall background=black $tiles ! \
	video/x-raw,format=I420,colorimetry=1:4:0:0,width=640,height=$(((n + 1) / 2 * 240)),framerate=30/1
