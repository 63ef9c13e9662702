#!/usr/bin/python3
"""A camera whose frames somebody else looks at: sends JPEG and prints what the receiver says it has found in them.

Usage: detector-camera.py [ADDRESS [PORT [DEVICE]]]      default: localhost 5555
Example: detector-camera.py 192.168.1.7 5555 /dev/video0

Without a DEVICE as /dev/video0 a white ball stands in for the world. FRAMES=n stops after n frames. The other end:
opencv_detector.py.
"""

import json
import os
import pathlib
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

build = pathlib.Path(__file__).resolve().parents[2] / "build"
if (build / "libgstnetgear.so").exists():  # else GStreamer looks where plugins are installed
    os.environ["GST_PLUGIN_PATH"] = f"{build}:{os.environ.get('GST_PLUGIN_PATH', '')}"

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

address, port, device = (sys.argv[1:] + ["localhost", "5555", ""][len(sys.argv) - 1 :])[:3]
limit = int(os.environ.get("FRAMES") or -1)

Gst.init(None)
camera = (
    f"v4l2src device={device} num-buffers={limit} ! image/jpeg,width=640,height=480"
    if device
    else f"videotestsrc is-live=true pattern=ball num-buffers={limit} ! video/x-raw,format=I420,width=640,height=480 ! jpegenc"
)
pipeline = Gst.parse_launch(f"{camera} ! netgearsink name=sink bidirectional-mode=true address={address} port={port}")
answers = 0


def on_return_data(element, port, text, sample):
    """Runs in a thread of its own: a slow one never stalls the stream, it misses answers. sample is a returned frame or None."""
    global answers
    for found in json.loads(text) or []:  # the first answer is null: nothing was looked at yet
        answers += 1
        print(found["label"], "at", found["box"], flush=True)


pipeline.get_by_name("sink").connect("return-data", on_return_data)

pipeline.set_state(Gst.State.PLAYING)
failed = False
try:
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message.type == Gst.MessageType.ERROR:
        print(f"{message.src.get_name()}: {message.parse_error()[0].message}", file=sys.stderr)
        failed = True
except KeyboardInterrupt:
    pass
pipeline.set_state(Gst.State.NULL)
print("the detector found something" if answers else "the detector found nothing")
sys.exit(failed)
