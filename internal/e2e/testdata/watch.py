"""Runs a pipeline and tells what happens in it, one JSON object per line:

    {"event": "message", "kind": "error", "domain": "resource", "code": "busy", "text": …, "debug": …}
    {"event": "buffer", "n": 0, "port": …, "message": …, "seq": …, "caps": …, "bytes": …}    at the appsink called "out"
    {"event": "rejected", "endpoint": …, "reason": …, "failures": 1}    at the element called "src"; its stats' auth-failures

Errors and EOS end it; exit code 0 after EOS.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402

DOMAINS = {
    "gst-core-error-quark": ("core", Gst.CoreError),
    "gst-library-error-quark": ("library", Gst.LibraryError),
    "gst-resource-error-quark": ("resource", Gst.ResourceError),
    "gst-stream-error-quark": ("stream", Gst.StreamError),
}


def emit(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")  # as a whole: several threads do
    sys.stdout.flush()


def tell(message):
    error, debug = message.parse_error() if message.type == Gst.MessageType.ERROR else message.parse_warning()
    domain, codes = DOMAINS[error.domain]
    emit("message", kind=message.type.first_value_nick, domain=domain, code=codes(error.code).value_nick, text=error.message, debug=debug)


def new_sample(sink, count):
    sample = sink.pull_sample()
    buffer = sample.get_buffer()
    fields = {"bytes": buffer.get_size(), "caps": sample.get_caps().to_string()}
    meta = buffer.get_custom_meta("NetgearMeta")
    if meta:
        structure = meta.get_structure()
        fields["port"] = structure.get_string("port")
        fields["message"] = structure.get_string("message")
        known, seq = structure.get_uint64("seq")
        fields["seq"] = seq if known else None
    emit("buffer", n=count[0], **fields)
    count[0] += 1
    return Gst.FlowReturn.OK


def rejected(src, endpoint, reason):
    emit("rejected", endpoint=endpoint, reason=reason, failures=src.get_property("stats").get_uint64("auth-failures")[1])


def main():
    Gst.init(None)
    pipeline = Gst.parse_launchv(sys.argv[1:])
    sink = pipeline.get_by_name("out")
    if sink:
        sink.set_property("emit-signals", True)
        sink.set_property("sync", False)
        sink.connect("new-sample", new_sample, [0])
    src = pipeline.get_by_name("src")
    if src:
        src.connect("peer-rejected", rejected)
    pipeline.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS
    code = None
    while code is None:
        message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kinds)
        if message.type == Gst.MessageType.EOS:
            code = 0
        else:
            tell(message)
            code = 1 if message.type == Gst.MessageType.ERROR else None
    pipeline.set_state(Gst.State.NULL)
    return code


sys.exit(main())
