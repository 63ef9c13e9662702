#!/bin/sh
# A wall of cameras, as camera-wall.sh, but the pictures side by side were taken at one moment, whatever the network did to them.
#
# Usage: synchronised-wall.sh [PORTS [OUTPUT [LATENCY]]]      default: 5566,5567,5568, a window where there is a display, and 200
# Example: synchronised-wall.sh 5566,5567 wall.png 100
#
# One port for each server. LATENCY is the time from the taking of a picture to its display, in milliseconds: more than the
# slowest network and camera need. PORTS=5566,5567 OUTPUT=window:
#   gst-launch-1.0 -e netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports=5566,5567 eos-on-terminate=false timestamp-mode=capture latency=200 ! netgeardemux name=servers servers.src_5566 ! decodebin3 ! tile_0. appsrc is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! funnel name=tile_0 ! videoconvert ! wall.sink_0 servers.src_5567 ! decodebin3 ! tile_1. appsrc is-live=true format=time caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! funnel name=tile_1 ! videoconvert ! wall.sink_1 compositor name=wall background=black sink_0::xpos=0 sink_0::ypos=0 sink_0::width=320 sink_0::height=240 sink_0::max-last-buffer-repeat=1000000000 sink_1::xpos=320 sink_1::ypos=0 sink_1::width=320 sink_1::height=240 sink_1::max-last-buffer-repeat=1000000000 ! video/x-raw,format=I420,colorimetry=1:4:0:0,width=640,height=240,framerate=30/1 ! videoconvert ! autovideosink sync=false
# OUTPUT as in receiver.sh: window, NAME.mkv or NAME.png. The wall stays until Ctrl-C.
#
# How it works: with timestamp-mode=capture the time of a buffer is when its picture was taken, on one clock for all cameras.
# The two ends of each connection compare their clocks, so they need no NTP. latency is how long compositor waits for the
# slowest of them. The rest is as in camera-wall.sh.
# The other end: camera-wall-sender.sh, one for each port. A Python program sends no times: its pictures are shown as they arrive.

set -eu
. "$(dirname "$0")/common.sh"
ports=${1:-5566,5567,5568} output=${2:-} latency=${3:-200}
case $ports in -*) usage ;; esac

# A tile is 320x240, two in a row.
# shellcheck disable=SC2086 # $limit is one word or none
set -- netgearsrc multiserver-mode=true pattern=req-rep 'address=*' ports="$ports" eos-on-terminate=false \
	timestamp-mode=capture latency="$latency" $limit ! netgeardemux name=servers
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
