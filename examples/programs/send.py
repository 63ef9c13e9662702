#!/usr/bin/python3
"""Sends numpy arrays, as OpenCV makes them: an appsrc and netgearsink, in Python.

Usage: send.py [ADDRESS [PORT [CAMERA]]]      default: localhost 5555, a drawing
Example: GST_PLUGIN_PATH=../../build ./send.py 192.168.1.7 5555 0

CAMERA is what cv2.VideoCapture opens: a number, a file, a URL. The arrays travel as they are; put "videoconvert ! jpegenc" before
netgearsink for a slower network. Ctrl-C ends it with a goodbye; FRAMES=n stops after n frames. The other end: receive.py, receive.c,
or VidGear's NetGear(receive_mode=True).
"""

import os
import signal
import sys
import time

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import cv2
import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

address, port, camera = (sys.argv[1:] + ["localhost", "5555", ""][len(sys.argv) - 1 :])[:3]
frames, rate = int(os.environ.get("FRAMES", 0)), 25
interrupted = []
signal.signal(signal.SIGINT, lambda *args: interrupted.append(True))


def pictures():
    """Yields arrays of height x width x 3, blue, green, red."""
    if camera:
        capture = cv2.VideoCapture(int(camera) if camera.isdigit() else camera)
        while (read := capture.read())[0]:
            yield read[1]
        return
    n = 0
    while True:
        picture = np.full((240, 320, 3), (0, 0, 255), np.uint8)  # red
        cv2.circle(picture, (40 + 5 * n % 240, 120), 30, (255, 255, 255), -1)
        yield picture
        n += 1
        time.sleep(1 / rate)


Gst.init(None)
# format=time and do-timestamp: a frame's time is when it is pushed. max-bytes and block: no more than one frame waits in the appsrc.
pipeline = Gst.parse_launch(
    f"appsrc name=in is-live=true format=time do-timestamp=true block=true max-bytes=1 ! "
    f"netgearsink name=sink address={address} port={port}"
)
source, sink, bus = pipeline.get_by_name("in"), pipeline.get_by_name("sink"), pipeline.get_bus()
pipeline.set_state(Gst.State.PLAYING)

count = 0
for picture in pictures():
    if count == 0:
        height, width = picture.shape[:2]
        source.set_property("caps", Gst.Caps.from_string(f"video/x-raw,format=BGR,width={width},height={height},framerate={rate}/1"))
    # GStreamer pads rows to a multiple of four bytes; a width that is a multiple of four needs none.
    padded = np.pad(picture.reshape(height, -1), ((0, 0), (0, -width * 3 % 4)))
    sink.set_property("message", f'{{"frame": {count}}}')  # beside the frames from now on; on the frame itself: NetgearMeta
    if source.emit("push-buffer", Gst.Buffer.new_wrapped(padded.tobytes())) != Gst.FlowReturn.OK:
        break  # what is wrong is on the bus
    count += 1
    if count == frames or interrupted or bus.peek():
        message = bus.pop_filtered(Gst.MessageType.ERROR)
        if message:
            sys.exit("error: " + message.parse_error()[0].message)
        if count == frames or interrupted:
            break

source.emit("end-of-stream")  # the goodbye goes out after the last frame
message = bus.timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if not message or message.type == Gst.MessageType.ERROR:
    sys.exit("error: " + (message.parse_error()[0].message if message else "nobody took the last frames"))
print(f"sent {count} frames")
