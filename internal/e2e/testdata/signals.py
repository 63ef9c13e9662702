"""Both elements in one process, in bidirectional mode: signals, bus messages,
the action signal and the meta, as a program in Python uses them.

    signals.py PATTERN

Prints "ok NAME" or "FAILED NAME: why" for each case; exits 1 when one failed.
"""

import json
import socket
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

Gst.init(None)
failed = False


def check(name, ok, why=""):
    global failed
    failed = failed or not ok
    print("ok" if ok else "FAILED", name if ok else f"{name}: {why}", flush=True)


def wait(what, seconds=5):
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() >= end:
            return found
        time.sleep(0.005)


def drain(pipeline, name):
    found, bus = [], pipeline.get_bus()
    while True:
        m = bus.pop_filtered(Gst.MessageType.ELEMENT | Gst.MessageType.ERROR)
        if m is None:
            return found
        if m.type == Gst.MessageType.ERROR:
            check("bus", False, m.parse_error())
        s = m.get_structure()
        if s.get_name() == name:
            found.append((s.get_string("port"), s.get_string("json")))


pattern = sys.argv[1]
receiver = Gst.parse_launch(
    f"netgearsrc name=src port=0 address=127.0.0.1 pattern={pattern} bidirectional-mode=true post-messages=true ! appsink name=out sync=false max-buffers=1 drop=true wait-on-eos=false"
)
src, out = receiver.get_by_name("src"), receiver.get_by_name("out")
messages, peers = [], []
src.connect("message-received", lambda e, port, text: messages.append((port, text)))
src.connect("peer-added", lambda e, endpoint: peers.append(("added", endpoint)))
src.connect("peer-removed", lambda e, endpoint: peers.append(("removed", endpoint)))
receiver.set_state(Gst.State.PLAYING)
port = src.get_property("current-port")

sender = Gst.parse_launch(
    "videotestsrc is-live=true ! video/x-raw,format=BGR,width=33,height=20,framerate=60/1 ! "
    f"netgearsink name=sink address=127.0.0.1 port={port} pattern={pattern} bidirectional-mode=true post-messages=true message=hello"
)
sink = sender.get_by_name("sink")
returned, slow = [], []


def on_return(element, port, text, sample):
    frame = None
    if sample is not None:  # it is valid here only, so take what is wanted
        s, buffer = sample.get_caps().get_structure(0), sample.get_buffer()
        frame = (s.get_int("width")[1], s.get_int("height")[1], buffer.extract_dup(0, buffer.get_size()))
    returned.append((port, text, frame))
    if slow:
        time.sleep(0.2)


sink.connect("return-data", on_return)
sender.set_state(Gst.State.PLAYING)

check("message-received", wait(lambda: messages) and messages[0] == (str(port), '"hello"'), messages[:1])
check("first answer is null", wait(lambda: returned) and returned[0][1] == "null" and returned[0][2] is None, returned[:1])
check("peer-added", wait(lambda: len(peers) == 1) and peers[0][1].startswith("tcp://127.0.0.1:"), peers)
rejected = []
src.connect("peer-rejected", lambda e, endpoint, reason: rejected.append((endpoint, reason)))
with socket.create_connection(("127.0.0.1", port)) as stranger:
    stranger.sendall(b"\xff\0\0\0")  # the beginning of a greeting, and no more
check("peer-rejected", wait(lambda: rejected) and rejected[0][1] == "the handshake failed", rejected)
check("num-peers", src.get_property("num-peers") == 1 and sink.get_property("num-peers") == 1)

src.set_property("return-data", '{"seen": 3}')
check("return-data as JSON", wait(lambda: returned[-1][1] == '{"seen": 3}'), returned[-1])
src.set_property("return-data", "plain text")
check("return-data as text", wait(lambda: returned[-1][1] == '"plain text"'), returned[-1])
sink.set_property("message", '[1, {"a": null}]')
check("message while playing", wait(lambda: messages[-1][1] == '[1, {"a": null}]'), messages[-1])
check("netgear-message on the bus", wait(lambda: (str(port), '[1, {"a": null}]') in drain(receiver, "netgear-message")))
check("netgear-return-data on the bus", wait(lambda: (str(port), '"plain text"') in drain(sender, "netgear-return-data")))

sample = out.emit("pull-sample")
meta = src.emit("get-meta", sample.get_buffer())
custom = Gst.version() < (1, 20, 0, 0) or sample.get_buffer().get_custom_meta("NetgearMeta").get_structure().is_equal(meta)
check("get-meta", custom and json.loads(meta.get_string("message")) == [1, {"a": None}])
check("get-meta of a buffer from elsewhere", src.emit("get-meta", Gst.Buffer()) is None)

for caps, data in (
    ("video/x-raw,format=BGR,width=33,height=7,framerate=0/1", bytes(range(231)) * 3),
    ("video/x-raw,format=GRAY8,width=4,height=5,framerate=0/1", bytes(range(20))),
):
    width, height = (33, 7) if "BGR" in caps else (4, 5)
    data = data[: width * height * (3 if "BGR" in caps else 1)]
    src.emit("push-return-sample", Gst.Sample.new(Gst.Buffer.new_wrapped(data), Gst.Caps.from_string(caps), None, None))
    got = wait(lambda: returned[-1][2] == (width, height, data))
    check(f"returned frame, {caps.split(',')[1]}", got and returned[-1][1] == "null", returned[-1])
src.set_property("return-data", "")
check("and data again", wait(lambda: returned[-1][2] is None), returned[-1])

# Nor may a bus that nobody reads fill memory: what is too much is dropped.
drain(receiver, "")
dropped = src.get_property("stats").get_uint64("signals-dropped")[1]
check("a full bus", wait(lambda: src.get_property("stats").get_uint64("signals-dropped")[1] > dropped, 10) and len(drain(receiver, "netgear-message")) <= 256)

# A slow handler must not slow down the stream.
slow.append(True)
before, begin = src.get_property("stats").get_uint64("frames-received")[1], time.monotonic()
time.sleep(2)
frames = src.get_property("stats").get_uint64("frames-received")[1] - before
rate = frames / (time.monotonic() - begin)
dropped = sink.get_property("stats").get_uint64("signals-dropped")[1]
check("a slow handler", rate > 30 and dropped > 0, f"{rate:.1f} frames/s of 60, {dropped} dropped")
slow.clear()

sender.send_event(Gst.Event.new_eos())
end = receiver.get_bus().timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
check("end", end is not None and end.type == Gst.MessageType.EOS, end)
begin = time.monotonic()
sender.set_state(Gst.State.NULL)
receiver.set_state(Gst.State.NULL)
check("stopping waits for no handler", time.monotonic() - begin < 0.15, f"{time.monotonic() - begin:.3f} s")
check("peer-removed", wait(lambda: len(peers) == 2), peers)
sys.exit(failed)
