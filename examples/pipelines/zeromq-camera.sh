#!/bin/sh
# Cameras of other programs over ZeroMQ: to them and from them, in their own messages.
#
# Usage: zeromq-camera.sh send|receive WIRE [ADDRESS [PORT [OUTPUT]]]      default: localhost 5555
# Example: zeromq-camera.sh receive imagezmq '*' 5555 received.png
#
# WIRE is imagezmq, jpeg (teleimager and many scripts), lerobot (ZMQCamera) or array (pyzmq's send_array). To imagezmq's hub,
# which binds, with its address:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGRx,width=640,height=480,framerate=30/1 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink wire=imagezmq pattern=req-rep address=localhost port=5555 message=camera
# Any number of imagezmq's senders, which connect, each with a name:
#   gst-launch-1.0 -e netgearsrc wire=imagezmq pattern=req-rep multiserver-mode=true 'address=*' port=5555 ! decodebin ! videoconvert ! autovideosink sync=false
# To LeRobot's camera client, which connects; so do those of jpeg and array:
#   gst-launch-1.0 -e videotestsrc is-live=true ! video/x-raw,format=BGRx,width=640,height=480,framerate=30/1 ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! netgearsink wire=lerobot pattern=pub-sub bind=true 'address=*' port=5555 message=camera
# From LeRobot's image server, which binds; ADDRESS is its own. It ends after ten seconds without a frame:
#   gst-launch-1.0 -e netgearsrc wire=lerobot pattern=pub-sub bind=false address=localhost port=5555 subscriber-timeout=10 ! decodebin ! videoconvert ! autovideosink sync=false
# OUTPUT as in receiver.sh. docs/wires.md has both sides of each.

set -eu
. "$(dirname "$0")/common.sh"
direction=${1:-} wire=${2:-} address=${3:-} port=${4:-5555} output=${5:-}
case $wire in
imagezmq) hub=yes name=message=camera ;;
lerobot) hub='' name=message=camera ;;
jpeg | array) hub='' name='' ;;
*) usage ;;
esac

# shellcheck disable=SC2086 # $limit and $name are one word or none
case $direction in
send)
	set -- videotestsrc is-live=true $limit ! video/x-raw,format=BGRx,width=640,height=480,framerate=30/1 ! videoconvert !
	if [ $wire = array ]; then
		set -- "$@" video/x-raw,format=BGR
	else
		set -- "$@" video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc
	fi
	if [ -n "$hub" ]; then
		launch "$@" ! netgearsink wire=$wire pattern=req-rep address="${address:-localhost}" port="$port" $name
	else
		launch "$@" ! netgearsink wire=$wire pattern=pub-sub bind=true address="${address:-*}" port="$port" $name
	fi
	;;
receive)
	if [ -n "$hub" ]; then
		receive "$output" netgearsrc wire=$wire pattern=req-rep multiserver-mode=true address="${address:-*}" port="$port" $limit
	else
		receive "$output" netgearsrc wire=$wire pattern=pub-sub bind=false address="${address:-localhost}" port="$port" subscriber-timeout=10 $limit
	fi
	;;
*) usage ;;
esac
