"""Runs a pipeline and tells what happens in it, one JSON object per line:

    {"event": "message", "kind": "error", "domain": "resource", "code": "busy", "text": …, "debug": …, "element": "netgearsrc", "name": …}
    {"event": "buffer", "n": 0, "port": …, "message": …, "seq": …, "caps": …, "bytes": …}    at the appsink called "out"
    {"event": "rejected", "endpoint": …, "reason": …, "failures": 1}    at the element called "src"; its stats' auth-failures

Errors and EOS end it; exit code 0 after EOS. Other ways, by the first argument:

    --each       every further argument is a pipeline; they run one after the other, and the messages have "pipeline": 0 and so on
    --stay       errors do not end it
    --no-memory  GStreamer's allocator has no memory left once the pipeline plays
    --too-soon   the pipeline stays in READY, and the element called "sink" is given caps there
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


def tell(message, number):
    error, debug = message.parse_error() if message.type == Gst.MessageType.ERROR else message.parse_warning()
    domain, codes = DOMAINS[error.domain]
    emit(
        "message",
        kind=message.type.first_value_nick,
        domain=domain,
        code=codes(error.code).value_nick,
        text=error.message,
        debug=debug,
        element=message.src.get_factory().get_name(),
        name=message.src.get_name(),
        pipeline=number,
    )


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


class NoMemory(Gst.Allocator):
    def do_alloc(self, size, params):
        return None


def too_soon(sink):
    pad = sink.get_static_pad("sink")
    pad.set_active(True)
    pad.send_event(Gst.Event.new_stream_start("test"))
    pad.send_event(Gst.Event.new_caps(Gst.Caps.from_string("image/jpeg")))


def main():
    Gst.init(None)
    way = sys.argv.pop(1) if sys.argv[1].startswith("--") else None
    if way == "--each":
        for n, text in enumerate(sys.argv[1:]):
            run(Gst.parse_launch(text), way, n)
        return 0
    return run(Gst.parse_launchv(sys.argv[1:]), way)


def run(pipeline, way=None, number=None):
    sink = pipeline.get_by_name("out")
    if sink:
        sink.set_property("emit-signals", True)
        sink.set_property("sync", False)
        sink.connect("new-sample", new_sample, [0])
    src = pipeline.get_by_name("src")
    if src:
        src.connect("peer-rejected", rejected)
    if way == "--too-soon":
        pipeline.set_state(Gst.State.READY)
        too_soon(pipeline.get_by_name("sink"))
    else:
        pipeline.set_state(Gst.State.PLAYING)
    if way == "--no-memory":
        Gst.Allocator.set_default(NoMemory())
    kinds = Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS
    code = None
    while code is None:
        message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kinds)
        if message.type == Gst.MessageType.EOS:
            code = 0
        else:
            tell(message, number)
            code = 1 if message.type == Gst.MessageType.ERROR and way != "--stay" else None
    pipeline.set_state(Gst.State.NULL)
    return code


sys.exit(main())
