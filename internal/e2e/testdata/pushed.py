"""Pushes frames of SIZE bytes into a live appsrc, 30 a second for 4 s as a camera's program does, and prints how many frames wait in it at
the end and how many netgearsink has dropped:

    {"waiting": 1, "dropped": 91}

    pushed.py SIZE SETTINGS
"""

import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
size, settings = int(sys.argv[1]), sys.argv[2]
caps = f"video/x-raw,format=GRAY8,width={size // 100},height=100,framerate=30/1"
pipeline = Gst.parse_launch(f"appsrc name=in is-live=true format=time do-timestamp=true max-bytes=0 caps={caps} ! netgearsink name=sink {settings}")
pipeline.set_state(Gst.State.PLAYING)
source = pipeline.get_by_name("in")
begin = time.monotonic()
for n in range(120):
    time.sleep(max(0, begin + n / 30 - time.monotonic()))
    source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(size)))
waiting = source.get_property("current-level-bytes") // size
dropped = pipeline.get_by_name("sink").get_property("stats").get_value("frames-dropped")
print(json.dumps({"waiting": waiting, "dropped": dropped}), flush=True)
pipeline.set_state(Gst.State.NULL)
