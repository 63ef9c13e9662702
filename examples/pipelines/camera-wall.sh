#!/bin/sh
# A wall of cameras: several servers to one receiver (NetGear's multi-server mode), each with a tile of its own.
#
# Usage: camera-wall.sh [PORTS [OUTPUT]]      default: 5566,5567,5568, and a window where there is a display
# Example: camera-wall.sh 5566,5567 wall.png
#
# One port for each server, raw or JPEG, of any size and frame rate. PORTS=5566,5567 OUTPUT=window:
#   gst-launch-1.0 -e netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports=5566,5567 eos-on-terminate=false ! netgeardemux name=servers servers.src_5566 ! decodebin3 ! tile_0. appsrc is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! funnel name=tile_0 ! videoconvert ! wall.sink_0 servers.src_5567 ! decodebin3 ! tile_1. appsrc is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! funnel name=tile_1 ! videoconvert ! wall.sink_1 compositor name=wall background=black sink_0::xpos=0 sink_0::ypos=0 sink_0::width=320 sink_0::height=240 sink_0::max-last-buffer-repeat=1000000000 sink_1::xpos=320 sink_1::ypos=0 sink_1::width=320 sink_1::height=240 sink_1::max-last-buffer-repeat=1000000000 ! video/x-raw,format=I420,colorimetry=1:4:0:0,width=640,height=240,framerate=30/1 ! videoconvert ! autovideosink sync=false
# OUTPUT as in receiver.sh: window, NAME.mkv or NAME.png. Cameras come and go as they like: a tile shows its camera from the
# first frame on, and goes dark a second after the last one. The wall stays until Ctrl-C.
#
# How it works: eos-on-terminate=false keeps the stream of a camera open when it says goodbye, so that it can come back.
# compositor waits for no camera. The appsrc tells it all that it needs to know of a camera that has not come yet: that the
# stream is live, and when it ends. The appsrc gives no frame; the funnel passes those of the camera on. The caps say nothing
# of the cameras: without caps an appsrc of GStreamer 1.24 to 1.28.4 keeps the end to itself, and Ctrl-C does not end the wall.
# The other end: camera-wall-sender.sh and opencv_server.py, one for each port.

set -eu
. "$(dirname "$0")/common.sh"
ports=${1:-5566,5567,5568} output=${2:-}
case $ports in -*) usage ;; esac

# A tile is 320x240, two in a row.
# shellcheck disable=SC2086 # $limit is one word or none
set -- netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports="$ports" eos-on-terminate=false $limit ! netgeardemux name=servers
tiles='' n=0
for port in $(echo "$ports" | tr , ' '); do
	set -- "$@" servers.src_"$port" ! decodebin3 ! tile_$n. \
		appsrc is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! \
		funnel name=tile_$n ! videoconvert ! wall.sink_$n
	tiles="$tiles sink_$n::xpos=$((n % 2 * 320)) sink_$n::ypos=$((n / 2 * 240)) sink_$n::width=320 sink_$n::height=240"
	tiles="$tiles sink_$n::max-last-buffer-repeat=1000000000"
	n=$((n + 1))
done
# shellcheck disable=SC2086 # $tiles is several words
show "$output" "$@" compositor name=wall background=black $tiles ! \
	video/x-raw,format=I420,colorimetry=1:4:0:0,width=640,height=$(((n + 1) / 2 * 240)),framerate=30/1
