#!/bin/sh
# Writes what a sender sends as HLS: a playlist and its segments, for any web server to hand out.
#
# Usage: hls.sh [ADDRESS [PORT [FOLDER]]]      default: '*' 5555 .
# Example: hls.sh '*' 5555 /var/www/html
#
# Open FOLDER/stream.m3u8, or put the folder behind a web server:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! decodebin ! videoconvert ! video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=veryfast key-int-max=30 ! h264parse ! hlssink2 target-duration=1 playlist-length=5 max-files=10 playlist-location=./stream.m3u8 'location=./segment%05d.ts'
# A segment can only begin at a key frame: key-int-max is in frames, a second of 30. playlist-length=0 max-files=0 keeps
# everything. When the sender says goodbye, or with Ctrl-C, the playlist is closed. The other end: camera-jpeg-sender.sh, or
# any sender.

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-*} port=${2:-5555} folder=${3:-.}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
launch netgearsrc address="$address" port="$port" $limit ! decodebin ! videoconvert ! video/x-raw,format=I420 ! \
	x264enc tune=zerolatency speed-preset=veryfast key-int-max=30 ! h264parse ! \
	hlssink2 target-duration=1 playlist-length=5 max-files=10 playlist-location="$folder/stream.m3u8" location="$folder/segment%05d.ts"
