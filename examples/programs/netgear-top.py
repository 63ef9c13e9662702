#!/usr/bin/python3
"""Runs a pipeline and shows what its NetGear elements count, as a live table.

    GST_PLUGIN_PATH=../../build ./netgear-top.py [-i SECONDS] PIPELINE...

PIPELINE is what gst-launch-1.0 takes. On a terminal the table is drawn anew each second; elsewhere it is printed once per second, for a
log. Above it stands what else happens: who comes, goes or is refused, warnings, and the data beside the frames of elements with
post-messages=true. Ctrl-C sends EOS, as gst-launch-1.0 -e does; a second one stops at once. Statistics live in the process of the
pipeline, so this runs the pipeline rather than looking into another program; docs/observability.md says what the fields mean.
"""

import signal
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

ELEMENTS = ("netgearsink", "netgearsrc")
args, interval = sys.argv[1:], 1.0
if args[:1] == ["-i"]:
    interval, args = float(args[1]), args[2:]
if not args:
    sys.exit(__doc__)

Gst.init(None)
try:
    pipeline = Gst.parse_launchv(args)
except GLib.Error as error:
    sys.exit(f"error: {error.message}")
if not isinstance(pipeline, Gst.Pipeline):  # of a single element, which has no bus of its own
    alone, pipeline = pipeline, Gst.Pipeline()
    pipeline.add(alone)
loop = GLib.MainLoop()
failed, stopping, before, height = False, False, {}, 0
told = time.monotonic()  # when the last table was made


def elements():
    """Returns the NetGear elements of the pipeline by name, those inside of bins too."""
    found, all_of_them = {}, pipeline.iterate_recurse()
    while True:
        result, element = all_of_them.next()
        if result == Gst.IteratorResult.RESYNC:
            found = {}
            all_of_them.resync()
        elif result != Gst.IteratorResult.OK:
            return found
        elif element.get_factory() and element.get_factory().get_name() in ELEMENTS:
            found[element.get_name()] = element


def fields(stats):
    """Returns the fields of a GstStructure; peers, an array of structures, as how many there are."""
    out = {}
    for i in range(stats.n_fields()):
        name = stats.nth_field_name(i)
        if name == "peers":
            ok, peers = stats.get_array(name)
            out[name] = peers.n_values if ok else 0
        else:
            out[name] = stats.get_value(name)
    return out


def rate(name, values, field, seconds):
    """Returns the change of a counter per second since the last table."""
    change = values[field] - before.get((name, field), 0)
    before[name, field] = values[field]
    return change / seconds


def text(value):
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def table():
    """Returns the lines of the table: a field in each, an element in each column."""
    global told
    now = time.monotonic()
    seconds, told, columns = now - told, now, {}
    for name, element in elements().items():
        values = fields(element.get_property("stats"))
        way = "sent" if "frames-sent" in values else "received"
        columns[name] = {
            "frames/s": rate(name, values, f"frames-{way}", seconds),
            "Mbit/s": rate(name, values, f"bytes-{way}", seconds) * 8 / 1e6,
            **values,
        }
    rows = [["", *columns]]
    for field in dict.fromkeys(f for values in columns.values() for f in values):
        rows.append([field, *(text(values[field]) if field in values else "" for values in columns.values())])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]) for row in rows]


def show():
    global height
    lines = table()
    if sys.stdout.isatty() and height:
        sys.stdout.write(f"\x1b[{height}A\x1b[J")  # back to where the table began
    height = len(lines)
    print("\n".join(lines), flush=True)
    return True


def tell(line):
    """Prints a line above the table."""
    global height
    if sys.stdout.isatty() and height:
        sys.stdout.write(f"\x1b[{height}A\x1b[J")
        height = 0
    print(line, flush=True)


def on_peer(element, endpoint, *rest):
    what, reason = rest[-1], rest[0] if len(rest) > 1 else ""
    # The signals come in a thread of the element's own; all printing is the main loop's.
    GLib.idle_add(lambda: tell(f"{element.get_name()}: {what} {endpoint} {reason}".rstrip()))


def on_bus(bus, message):
    global failed
    who = message.src.get_name()
    if message.type == Gst.MessageType.ERROR:
        tell(f"{who}: error: {message.parse_error()[0].message}")
        failed = True
    elif message.type == Gst.MessageType.WARNING:
        tell(f"{who}: warning: {message.parse_warning()[0].message}")
    elif message.type == Gst.MessageType.ELEMENT and message.get_structure().get_name().startswith("netgear-"):
        data = message.get_structure()
        tell(f"{who}: {data.get_name()} from {data.get_string('port')}: {data.get_string('json')}")
    elif message.type == Gst.MessageType.LATENCY:
        pipeline.recalculate_latency()
    if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
        loop.quit()


def on_interrupt():
    global stopping
    if stopping:
        loop.quit()
    stopping = True
    pipeline.send_event(Gst.Event.new_eos())
    return True


for element in elements().values():
    for name in ("peer-added", "peer-removed", "peer-rejected"):
        element.connect(name, on_peer, name.replace("-", " "))
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", on_bus)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, on_interrupt)
GLib.timeout_add(int(interval * 1000), show)

pipeline.set_state(Gst.State.PLAYING)
loop.run()
show()  # before NULL, which begins all anew
pipeline.set_state(Gst.State.NULL)
sys.exit(failed)
