"""Tells what programs can see of the elements, as one JSON object: properties, signals, actions, pads, and, from a stream between the two, the fields of
stats, NetgearMeta and the messages on the bus. Every type is GLib's name of it."""

import json
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GObject, Gst, GstApp  # noqa: E402, F401

Gst.init(None)
seen = {"signals": {}, "actions": {}, "pads": {}, "stats": {}, "messages": {}, "properties": {}}


def fields(structure):
    return {name: structure.get_field_type(name).name for name in (structure.nth_field_name(i) for i in range(structure.n_fields()))}


for name in ("netgearsink", "netgearsrc", "netgeardemux"):
    kind = Gst.ElementFactory.find(name).load().get_element_type()
    Gst.ElementFactory.make(name)  # GLib learns of the signals with the first one
    own = [GObject.signal_query(s, kind) for s in GObject.signal_list_names(kind)]
    for query in own:
        action = bool(query.signal_flags & GObject.SignalFlags.ACTION)
        seen["actions" if action else "signals"].setdefault(query.signal_name, {})[name] = [t.name for t in query.param_types]
    for spec in GObject.list_properties(kind):
        if spec.owner_type == kind:
            enum = "enum " if spec.value_type.is_a(GObject.TYPE_ENUM) else ""
            seen["properties"].setdefault(spec.name, {})[name] = enum + spec.value_type.name
    for template in Gst.ElementFactory.find(name).get_static_pad_templates():
        seen["pads"].setdefault(template.name_template, {})[name] = template.presence.value_nick

receiver = Gst.parse_launch(
    "netgearsrc name=src address=127.0.0.1 port=0 bidirectional-mode=true post-messages=true return-data=1 ! appsink name=out sync=false"
)
receiver.set_state(Gst.State.PLAYING)
src, out = receiver.get_by_name("src"), receiver.get_by_name("out")
sender = Gst.parse_launch(
    "videotestsrc is-live=true ! jpegenc ! netgearsink name=sink bidirectional-mode=true post-messages=true message=1 rate-control=encoder "
    f"address=127.0.0.1 port={src.get_property('current-port')}"
)
sender.set_state(Gst.State.PLAYING)
base = set(fields(Gst.ElementFactory.make("fakesink").get_property("stats")))
seen["meta"] = {}


def look():
    sample = out.emit("try-pull-sample", Gst.SECOND)
    if sample:
        seen["meta"].update(fields(src.emit("get-meta", sample.get_buffer())))
    for pipeline, element in ((sender, "sink"), (receiver, "src")):
        while message := pipeline.get_bus().pop_filtered(Gst.MessageType.ELEMENT):
            structure = message.get_structure()
            seen["messages"].setdefault(structure.get_name(), {})[f"netgear{element}"] = fields(structure)
        stats = pipeline.get_by_name(element).get_property("stats")
        for field, kind in fields(stats).items():
            if field not in base:
                seen["stats"].setdefault(field, {})[f"netgear{element}"] = kind
        found, peers = stats.get_array("peers")
        if found and peers.n_values:
            seen["peers"] = fields(peers.get_nth(0))


# Some are there when there is something to tell.
until = time.monotonic() + 20
while time.monotonic() < until and not (
    "clock-offset" in seen["meta"] and len(seen["stats"].get("clock-offset-ms", ())) == 2 and len(seen["messages"]) == 3 and "peers" in seen
):
    look()
sender.set_state(Gst.State.NULL)
receiver.set_state(Gst.State.NULL)
print(json.dumps(seen, indent=1))
