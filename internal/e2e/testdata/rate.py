"""Plays a pipeline whose netgearsink is called "sink" and whose encoder is called "enc", and tells ten times a second what the two are at:

    {"event": "look", "value": 2048, "late": 3.1, "state": "following", "encoder": "x264enc", "bitrate": 2048000, "setting": 2048000.0, "dropped": 0}

value is the encoder's property PROPERTY (NAME.FIELD for a structure), late how late frames come to the sink, in ms, at most. The signal USR1 sets
rate-control=none, USR2 plugs the encoder out and a new one in, TERM ends the pipeline; then the last look says what the encoder has.

    rate.py [--fake LIBRARY SPEC] PROPERTY PIPELINE

LIBRARY is fakeenc.c, where SPEC is explained.
"""

import json
import os
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
args = sys.argv[1:]
if args[0] == "--fake":
    os.environ["FAKE_ENCODER"] = args[2]
    Gst.Registry.get().add_plugin(Gst.Plugin.load_file(args[1]))
    args = args[3:]
prop, _, field = args[0].partition(".")
pipeline = Gst.parse_launch(args[1])
sink = pipeline.get_by_name("sink")
encoder = pipeline.get_by_name("enc")
late, wanted = [0.0], []
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
    signal.signal(number, lambda n, frame: wanted.append(n))


def probe(pad, info):
    clock = sink.get_clock()
    if clock:
        running = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment().to_running_time(Gst.Format.TIME, info.get_buffer().pts)
        late[0] = max(late[0], (clock.get_time() - sink.get_base_time() - running) / 1e6)
    return Gst.PadProbeReturn.OK


def look(event="look"):
    stats = sink.get_property("stats")
    value = encoder.get_property(prop) if encoder else None
    if field:
        value = value.get_value(field) if value and value.has_field(field) else None
    told = {k: stats.get_value("rate-control-" + k) for k in ("state", "encoder", "bitrate", "setting") if stats.has_field("rate-control-" + k)}
    print(json.dumps({"event": event, "value": value, "late": late[0], "dropped": stats.get_value("frames-dropped"), **told}), flush=True)
    late[0] = 0.0


def exchange():
    """Puts a new encoder in the place of the old one, as a program that restarts it."""
    global encoder
    old, before, after = encoder, encoder.get_static_pad("sink").get_peer(), encoder.get_static_pad("src").get_peer()

    def blocked(pad, info):
        global encoder
        new = Gst.ElementFactory.make(old.get_factory().get_name(), "new")
        for name in ("tune", "speed-preset", "key-int-max"):
            if new.find_property(name):
                new.set_property(name, old.get_property(name))
        old.set_state(Gst.State.NULL)
        pipeline.remove(old)
        pipeline.add(new)
        before.link(new.get_static_pad("sink"))
        new.get_static_pad("src").link(after)
        new.sync_state_with_parent()
        encoder = new
        return Gst.PadProbeReturn.REMOVE

    before.add_probe(Gst.PadProbeType.BLOCK_DOWNSTREAM, blocked)


sink.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, probe)
pipeline.set_state(Gst.State.PLAYING)
bus = pipeline.get_bus()
while signal.SIGTERM not in wanted:
    message = bus.timed_pop_filtered(100 * Gst.MSECOND, Gst.MessageType.ERROR | Gst.MessageType.WARNING)
    if message:
        warning = message.type == Gst.MessageType.WARNING
        error, debug = message.parse_warning() if warning else message.parse_error()
        print(json.dumps({"event": "warning" if warning else "error", "text": error.message, "debug": debug}), flush=True)
    while signal.SIGUSR1 in wanted:
        wanted.remove(signal.SIGUSR1)
        sink.set_property("rate-control", "none")
    while signal.SIGUSR2 in wanted:
        wanted.remove(signal.SIGUSR2)
        exchange()
    look()
pipeline.set_state(Gst.State.NULL)
look("end")
