#!/bin/sh
# Receives, records every frame as it came to Matroska, and passes it on to another receiver, messages included.
#
# Usage: record-and-relay.sh [ADDRESS [PORT [FILE [TO-ADDRESS [TO-PORT]]]]]      default: '*' 5555 recorded.mkv localhost 5556
# Example: record-and-relay.sh '*' 5555 recorded.mkv 192.168.1.7 5556
#
# By default:
#   gst-launch-1.0 -e netgearsrc 'address=*' port=5555 ! tee name=t t. ! queue ! matroskamux ! filesink location=recorded.mkv t. ! queue leaky=downstream max-size-buffers=2 ! netgearsink address=localhost port=5556 sync=false
# The queue before the relay lets frames go when the other receiver is slow or not there, so
# that the recording is whole. It ends when the sender says goodbye, or with Ctrl-C. The ends: camera-jpeg-sender.sh with the first
# port, receiver.sh with the second.

set -eu
. "$(dirname "$0")/common.sh"
address=${1:-*} port=${2:-5555} file=${3:-recorded.mkv} to=${4:-localhost} to_port=${5:-5556}
case $address in -*) usage ;; esac

# shellcheck disable=SC2086 # $limit is one word or none
launch netgearsrc address="$address" port="$port" $limit ! tee name=t \
	t. ! queue ! matroskamux ! filesink location="$file" \
	t. ! queue leaky=downstream max-size-buffers=2 ! netgearsink address="$to" port="$to_port" sync=false
