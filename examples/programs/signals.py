#!/usr/bin/python3
"""A receiver that answers: netgearsrc in bidirectional mode, its signals and the meta on its buffers, in Python.

Usage: signals.py [ADDRESS [PORT]]      default: * 5555
Example: GST_PLUGIN_PATH=../../build ./signals.py '*' 5555

Counts the frames and answers each with the count; every tenth goes back as it came. Prints what comes beside the frames. It ends
with the sender, or with Ctrl-C. The other end: signals.c, or VidGear's NetGear(bidirectional_mode=True).
"""

import json
import signal
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401

address, port = (sys.argv[1:] + ["*", "5555"][len(sys.argv) - 1 :])[:2]

Gst.init(None)
pipeline = Gst.parse_launch(
    f"netgearsrc name=source bidirectional-mode=true address={address} port={port} ! "
    "appsink name=out emit-signals=true sync=false max-buffers=1 wait-on-eos=false"
)
source, out = pipeline.get_by_name("source"), pipeline.get_by_name("out")
loop = GLib.MainLoop()
count, told, failed = 0, False, False


def say(text):
    """Prints a line in one piece: several threads print here."""
    print(text + "\n", end="", flush=True)


def on_message_received(element, port, text):
    """Runs in a thread of the element's own, whether or not anybody looks at the frame; a slow handler misses messages."""
    global told
    if not told:
        told = True
        say(f"first message, from port {port}: {text}")


def on_sample(sink):
    """Runs in the streaming thread, with each frame."""
    global count
    sample = sink.emit("pull-sample")
    meta = source.emit("get-meta", sample.get_buffer())
    count += 1
    if count % 10 == 0:
        # What is beside this very frame: port, message (JSON) and, from a netgearsink, its number.
        message = json.loads(meta.get_string("message"))
        say(f"frame {count} from port {meta.get_string('port')} with {message}")
        source.emit("push-return-sample", sample)  # a frame as the answer: image/jpeg or video/x-raw
    else:
        source.set_property("return-data", json.dumps({"seen": count}))  # data as the answer; the newest counts
    return Gst.FlowReturn.OK


def on_bus(bus, message):
    global failed
    if message.type == Gst.MessageType.ERROR:
        print("error:", message.parse_error()[0].message, file=sys.stderr)
        failed = True
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):  # EOS: the sender said goodbye
        loop.quit()
    return True


source.connect("message-received", on_message_received)
source.connect("peer-added", lambda element, endpoint: say(f"peer added: {endpoint}"))
source.connect("peer-removed", lambda element, endpoint: say(f"peer removed: {endpoint}"))
out.connect("new-sample", on_sample)
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", on_bus)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)

pipeline.set_state(Gst.State.PLAYING)
loop.run()
pipeline.set_state(Gst.State.NULL)
say(f"received {count} frames")
sys.exit(failed)
