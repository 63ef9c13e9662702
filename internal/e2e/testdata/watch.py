"""Runs a pipeline and tells what happens in it, one JSON object per line:

    {"event": "message", "kind": "error", "domain": "resource", "code": "busy", "text": …, "debug": …, "element": "netgearsrc", "name": …}
    {"event": "buffer", "n": 0, "port": …, "message": …, "seq": …, "caps": …, "bytes": …, "pts": …}    at the appsink called "out"
    {"event": "rejected", "endpoint": …, "reason": …, "failures": 1}    at the element called "src"; its stats' auth-failures

Errors and EOS end it; exit code 0 after EOS. Other ways, by the first arguments:

    --each       every further argument is a pipeline; they run one after the other, and the messages have "pipeline": 0 and so on
    --stay       errors do not end it
    --no-memory  GStreamer's allocator has no memory left once the pipeline plays
    --too-soon   the pipeline stays in READY, and the element called "sink" is given caps there
    --no-clock   the pipeline has none
    --toggle     it is paused and resumed all the time
    --said TEXT  only buffers with that JSON as their message are told
    --push SPEC  buffers are pushed into the element called "in", an appsrc, or a netgearsrc as answers, before it plays on to EOS. SPEC is JSON:
                 "file" or "size" (zero bytes) is what, "count" how many (1), "caps" what the sample of an answer says, "times" a list of PTS in ns,
                 "early" how long before these they are decoded, "list" that they come in one buffer list
    --filter CAPS  the capsfilter called "filter" gets these once everything is linked
    --stats      ten times a second and at the end, of the elements called "src" and "sink":

    {"event": "stats", "rss": 40.1, "src": {"frames-received": 1, …}}
"""

import itertools
import json
import os
import sys
import threading

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


def new_sample(sink, count, said):
    sample = sink.pull_sample()
    buffer = sample.get_buffer()
    fields = {"bytes": buffer.get_size(), "caps": sample.get_caps().to_string()}
    fields["pts"] = None if buffer.pts == Gst.CLOCK_TIME_NONE else buffer.pts
    structure = Gst.ElementFactory.make("netgearsrc").emit("get-meta", buffer)
    if structure:
        fields["port"] = structure.get_string("port")
        fields["message"] = structure.get_string("message")
        known, seq = structure.get_uint64("seq")
        fields["seq"] = seq if known else None
    if said and fields.get("message") != said:
        return Gst.FlowReturn.OK
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


def push(element, spec):
    content = open(spec["file"], "rb").read() if "file" in spec else bytes(spec["size"])
    times, together = spec.get("times", []), Gst.BufferList.new()
    for n in range(spec.get("count", max(1, len(times)))):
        buffer = Gst.Buffer.new_wrapped(content)
        if times:
            buffer.pts = times[n]
        if "early" in spec:
            buffer.dts = times[n] - spec["early"]
        if "list" in spec:
            together.insert(-1, buffer)
        elif element.get_factory().get_name() == "appsrc":
            element.emit("push-buffer", buffer)
        else:
            caps = Gst.Caps.from_string(spec["caps"]) if "caps" in spec else None
            element.emit("push-return-sample", Gst.Sample.new(buffer, caps, None, None))
    if "list" in spec:
        element.emit("push-buffer-list", together)
    if element.get_factory().get_name() == "appsrc":
        element.emit("end-of-stream")


def tell_stats(pipeline):
    fields = {}
    for name in "src", "sink":
        element = pipeline.get_by_name(name)
        if element:
            stats = element.get_property("stats")
            names = (stats.nth_field_name(i) for i in range(stats.n_fields()))
            fields[name] = {field: stats.get_value(field) for field in names if stats.get_uint64(field)[0]}
            fields[name]["peers"] = element.get_property("num-peers")
    with open("/proc/self/statm") as memory:
        rss = int(memory.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    emit("stats", rss=rss, fds=len(os.listdir("/proc/self/fd")), **fields)


def main():
    Gst.init(None)
    arguments, ways, said, spec, caps = sys.argv[1:], set(), None, None, None
    while arguments[0].startswith("--"):
        if arguments[0] == "--said":
            said = arguments.pop(1)
        if arguments[0] == "--filter":
            caps = arguments.pop(1)
        if arguments[0] == "--push":
            spec = json.loads(arguments.pop(1))
        ways.add(arguments.pop(0))
    if "--each" in ways:
        for n, text in enumerate(arguments):
            run(Gst.parse_launch(text), ways, n)
        return 0
    return run(Gst.parse_launchv(arguments), ways, said=said, spec=spec, caps=caps)


def run(pipeline, ways, number=None, said=None, spec=None, caps=None):
    sink = pipeline.get_by_name("out")
    if sink:
        sink.set_property("emit-signals", True)
        sink.set_property("sync", False)
        sink.connect("new-sample", new_sample, [0], said)
    if caps:
        pipeline.get_by_name("filter").set_property("caps", Gst.Caps.from_string(caps))
    src = pipeline.get_by_name("src")
    if src:
        src.connect("peer-rejected", rejected)
    if "--no-clock" in ways:
        pipeline.use_clock(None)
    if "--too-soon" in ways:
        pipeline.set_state(Gst.State.READY)
        too_soon(pipeline.get_by_name("sink"))
    else:
        pipeline.set_state(Gst.State.PLAYING)
    if spec:
        push(pipeline.get_by_name("in"), spec)
    if "--no-memory" in ways:
        Gst.Allocator.set_default(NoMemory())
    kinds = Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS
    ended = threading.Event()

    def keep_telling():
        while not ended.wait(0.1):
            tell_stats(pipeline)

    teller = threading.Thread(target=keep_telling, daemon=True)
    if "--stats" in ways:
        teller.start()

    def keep_toggling():
        for n in itertools.count():
            pipeline.set_state(Gst.State.PLAYING if n % 2 else Gst.State.PAUSED)
            if ended.wait(n % 7 / 1000 * (n % 2 * 3 + 1)):  # 0 to 6 ms paused, 0 to 18 ms playing
                pipeline.set_state(Gst.State.PLAYING)
                break

    toggler = threading.Thread(target=keep_toggling, daemon=True)
    if "--toggle" in ways:
        toggler.start()
    code = None
    while code is None:
        message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kinds)
        if message.type == Gst.MessageType.EOS:
            code = 0
        else:
            tell(message, number)
            code = 1 if message.type == Gst.MessageType.ERROR and "--stay" not in ways else None
    ended.set()
    if "--toggle" in ways:
        toggler.join()
    if "--stats" in ways:
        teller.join()
        tell_stats(pipeline)
    pipeline.set_state(Gst.State.NULL)
    return code


sys.exit(main())
