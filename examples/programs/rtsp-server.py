#!/usr/bin/python3
"""Serves what a NetGear sender sends to RTSP clients, as JPEG or as H.264: gst-rtsp-server with netgearsrc, in Python.

Usage: rtsp-server.py jpeg|h264 [ADDRESS [PORT [RTSP-PORT]]]      default: * 5555 8554
Example: GST_PLUGIN_PATH=../../build ./rtsp-server.py h264 '*' 5555 8554

Prints the URL, which any player takes (ffplay, vlc, gst-play-1.0). All clients share one netgearsrc, which listens from the first
client's coming until the last one has gone; the sender waits while nobody watches. Ctrl-C ends it. The other end: netgearsink, or
VidGear's NetGear(max_retries=0).
"""

import signal
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

codec, address, port, rtsp_port = (sys.argv[1:] + ["jpeg", "*", "5555", "8554"][len(sys.argv) - 1 :])[:4]

PAYLOADERS = {
    # JPEG as it came. RFC 2435 carries baseline JPEG of 4:2:0 or 4:2:2, which is what NetGear and jpegenc send.
    "jpeg": "rtpjpegpay name=pay0 pt=26",
    # From JPEG or raw. A key frame each second, so that who comes later sees something soon.
    "h264": "decodebin ! videoconvert ! video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 ! "
    "rtph264pay name=pay0 pt=96 config-interval=1",
}
if codec not in PAYLOADERS:
    sys.exit(__doc__)

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( netgearsrc address={address} port={port} ! {PAYLOADERS[codec]} )")
factory.set_shared(True)  # one port, one receiver

server = GstRtspServer.RTSPServer()
server.set_service(rtsp_port)  # 0: any free port
server.get_mount_points().add_factory("/netgear", factory)
if not server.attach(None):
    sys.exit(f"could not listen on port {rtsp_port}")
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/netgear", flush=True)

loop = GLib.MainLoop()
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
server.connect("client-connected", lambda server, client: print("client", client.get_connection().get_ip(), flush=True))
loop.run()
# Clients hear of the end, and the last of them takes the pipeline down.
server.client_filter(lambda server, client: GstRtspServer.RTSPFilterResult.REMOVE)
