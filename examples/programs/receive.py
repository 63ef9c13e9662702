#!/usr/bin/python3
"""Receives frames into numpy arrays, for OpenCV or anything else: netgearsrc and an appsink, in Python.

Usage: receive.py [ADDRESS [PORT]]      default: * 5555
Example: GST_PLUGIN_PATH=../../build ./receive.py '*' 5555

Each frame is an array of height x width x 3 (blue, green, red), whatever the sender sends; every tenth is told with its mean colour
and what came beside it. It ends with the sender, or with Ctrl-C. The other end: send.py, send.c, or VidGear's NetGear().
"""

import signal
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401

address, port = (sys.argv[1:] + ["*", "5555"][len(sys.argv) - 1 :])[:2]

Gst.init(None)
# drop=true: an OpenCV that is slow sees the newest frame. Without it the sender is held up instead (pair, req-rep).
pipeline = Gst.parse_launch(
    f"netgearsrc name=source address={address} port={port} ! decodebin ! videoconvert ! video/x-raw,format=BGR ! "
    "appsink name=out emit-signals=true sync=false max-buffers=1 drop=true wait-on-eos=false"
)
source, loop = pipeline.get_by_name("source"), GLib.MainLoop()
count, failed = 0, False


def array_of(sample):
    """Returns the pixels of a sample of BGR, a copy. Rows may be padded, all alike."""
    buffer, caps = sample.get_buffer(), sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)
    return rows[:, : width * 3].reshape(height, width, 3)


def on_sample(sink):
    """Runs in the streaming thread, with each frame."""
    global count
    sample = sink.emit("pull-sample")
    frame = array_of(sample)
    count += 1
    if count % 10 == 0:
        # Decoders and converters keep the meta of the buffer that came from the network.
        meta = source.emit("get-meta", sample.get_buffer())
        message = meta.get_string("message") if meta else None
        print(f"frame {count}: {frame.shape}, mean {frame.mean(axis=(0, 1)).astype(int).tolist()}, message {message}", flush=True)
    return Gst.FlowReturn.OK


def on_bus(bus, message):
    global failed
    if message.type == Gst.MessageType.ERROR:
        print("error:", message.parse_error()[0].message, file=sys.stderr)
        failed = True
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):  # EOS: the sender said goodbye
        loop.quit()


pipeline.get_by_name("out").connect("new-sample", on_sample)
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", on_bus)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)

pipeline.set_state(Gst.State.PLAYING)
loop.run()
pipeline.set_state(Gst.State.NULL)
print(f"received {count} frames")
sys.exit(failed)
