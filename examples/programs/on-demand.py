#!/usr/bin/python3
"""Runs a camera only while somebody looks: a sink that is bound, and its property num-peers.

Usage: on-demand.py [PORT [CAMERA...]]      default: 5555, a test picture
Example: GST_PLUGIN_PATH=../../build ./on-demand.py 5555 v4l2src ! image/jpeg,width=1280,height=720

CAMERA is the beginning of a pipeline as gst-launch-1.0 takes it, up to JPEG or raw video that netgearsink takes. It starts when the
first viewer comes and stops two seconds after the last one has gone; the camera's light goes out then. Viewers connect:
netgearsrc pattern=pub-sub bind=false address=THIS-MACHINE. Ctrl-C ends it, with a goodbye to all.
"""

import signal
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401

TEST_PICTURE = "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 ! jpegenc"
PATIENCE = 2  # seconds without a viewer, so that one who reconnects does not stop the camera
port, camera = (sys.argv[1:2] or ["5555"])[0], sys.argv[2:] or TEST_PICTURE.split()

Gst.init(None)
# The network end always runs. do-timestamp: the camera's clock begins anew with each start.
out = Gst.parse_launch(
    "appsrc name=in is-live=true format=time do-timestamp=true ! queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0 ! "
    f"netgearsink name=sink pattern=pub-sub bind=true address=* port={port}"
)
source, sink = out.get_by_name("in"), out.get_by_name("sink")
try:
    camera = Gst.parse_launchv([*camera, "!", "appsink", "name=camera", "emit-signals=true", "sync=false", "max-buffers=1", "drop=true"])
except GLib.Error as error:
    sys.exit(f"error: {error.message}")
loop = GLib.MainLoop()
running, stopping, failed = False, 0, False


def on_sample(appsink):
    """Runs in the camera's streaming thread, with each frame; the sample's caps go along."""
    source.emit("push-sample", appsink.emit("pull-sample"))
    return Gst.FlowReturn.OK


def start():
    global running, stopping
    if stopping:
        GLib.source_remove(stopping)
        stopping = 0
    if not running:
        running = True
        print("camera on", flush=True)
        camera.set_state(Gst.State.PLAYING)


def stop():
    global running, stopping
    running, stopping = False, 0
    camera.set_state(Gst.State.NULL)
    print("camera off", flush=True)
    return False


def count():
    """Runs in the main loop after each change of the number of viewers."""
    global stopping
    peers = sink.get_property("num-peers")
    print(f"{peers} viewers", flush=True)
    if peers:
        start()
    elif running and not stopping:
        stopping = GLib.timeout_add_seconds(PATIENCE, stop)
    return False


def on_bus(bus, message):
    global failed
    if message.type == Gst.MessageType.ERROR:
        print(f"{message.src.get_name()}: {message.parse_error()[0].message}", file=sys.stderr)
        failed = True
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
        loop.quit()


def on_interrupt():
    source.emit("end-of-stream")  # the goodbye goes out after the last frame
    return True


camera.get_by_name("camera").connect("new-sample", on_sample)
# The notification comes in a thread of the element's own; everything else is the main loop's.
sink.connect("notify::num-peers", lambda *args: GLib.idle_add(count))
for pipeline in (out, camera):
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", on_bus)
for number in (signal.SIGINT, signal.SIGTERM):
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, on_interrupt)

out.set_state(Gst.State.PLAYING)
print(f"waiting for viewers on port {sink.get_property('current-port')}", flush=True)
loop.run()
camera.set_state(Gst.State.NULL)
out.set_state(Gst.State.NULL)
sys.exit(failed)
