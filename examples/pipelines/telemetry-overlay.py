#!/usr/bin/python3
"""Shows the telemetry that comes with each frame on top of that frame: NetgearMeta into a textoverlay.

Usage: telemetry-overlay.py [ADDRESS [PORT [OUTPUT]]]      default: * 5555
Example: telemetry-overlay.py '*' 5555 received.png

OUTPUT=NAME.png keeps the last picture; without OUTPUT there is a window where there is a display, else received.png. FRAMES=n
stops after n frames. The other end: opencv_telemetry.py, or any pipeline, whose property message a program may change at any
time:
    gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! netgearsink bidirectional-mode=true message='{"battery": 98}'
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

address, port, output = (sys.argv[1:] + ["*", "5555", ""][len(sys.argv) - 1 :])[:3]
limit = int(os.environ.get("FRAMES") or -1)
window = not output and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

Gst.init(None)
pipeline = Gst.parse_launch(
    f"netgearsrc name=source bidirectional-mode=true address={address} port={port} num-buffers={limit} ! decodebin ! videoconvert ! "
    "textoverlay name=overlay valignment=top halignment=left shaded-background=true ! videoconvert ! "
    + ("autovideosink sync=false" if window else "video/x-raw,format=RGB ! pngenc ! multifilesink name=file")
)
if not window:
    pipeline.get_by_name("file").set_property("location", output or "received.png")
source, overlay = pipeline.get_by_name("source"), pipeline.get_by_name("overlay")
last = None


def on_frame(pad, info):
    """Runs in the streaming thread just before a frame gets its text."""
    global last
    meta = source.emit("get-meta", info.get_buffer())
    data = json.loads(meta.get_string("message")) if meta else None
    if isinstance(data, dict):
        overlay.set_property("text", "\n".join(f"{key}: {value}" for key, value in data.items()))
        last = data
    return Gst.PadProbeReturn.OK


overlay.get_static_pad("video_sink").add_probe(Gst.PadProbeType.BUFFER, on_frame)

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
print("last telemetry:", json.dumps(last))
sys.exit(failed)
