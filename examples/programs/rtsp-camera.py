#!/usr/bin/python3
"""Plays an IP camera, for trying things without one: an RTSP server with a test picture, H.264 or JPEG.

Usage: rtsp-camera.py [h264|jpeg [RTSP-PORT]]      default: h264 8554
Example: rtsp-camera.py jpeg 8554

Prints its URL. FRAMES=n ends each client's stream after n frames; without it Ctrl-C ends the program. It has nothing of netgear in
it. The other end: rtspsrc, as in docs/ip-camera.md.
"""

import os
import signal
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

codec, port = (sys.argv[1:] + ["h264", "8554"][len(sys.argv) - 1 :])[:2]
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 ! rtph264pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
if codec not in ENCODERS:
    sys.exit(__doc__)

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( videotestsrc is-live=true num-buffers={os.environ.get('FRAMES') or -1} ! "
    f"video/x-raw,format=I420,width=640,height=480,framerate=30/1 ! {ENCODERS[codec]} )"
)
server = GstRtspServer.RTSPServer()
server.set_service(port)  # 0: any free port
server.get_mount_points().add_factory("/camera", factory)
if not server.attach(None):
    sys.exit(f"could not listen on port {port}")
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/camera", flush=True)

loop = GLib.MainLoop()
for number in (signal.SIGINT, signal.SIGTERM):
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
loop.run()
