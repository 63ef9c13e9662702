"""Data both ways between netgearsink and netgearsrc in this process: values.py MESSAGE ANSWER META, the lengths of the sink's message, of the source's
return-data and of the message in the NetgearMeta of every second buffer (0: none).

It tells warnings as watch.py does, and {"event": "got", "messages": […], "answers": […]}, the lengths of the JSON that came, each once, when there were
20 frames."""

import ctypes
import json
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


def attach(buffer, message):
    """Python's own calls would change a copy of the meta's structure."""
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
    if Gst.version() < (1, 20, 0, 0):
        gst.gst_meta_get_info.restype = ctypes.c_void_p
        info = gst.gst_meta_get_info(b"NetgearMeta")
        structure = Gst.Structure.from_string(f"NetgearMeta,message=(string){json.dumps(message)}")[0]
        gst.gst_buffer_add_meta(ctypes.c_void_p(hash(buffer)), ctypes.c_void_p(info), ctypes.c_void_p(hash(structure)))
        return
    gst.gst_buffer_add_custom_meta.restype = gst.gst_custom_meta_get_structure.restype = ctypes.c_void_p
    meta = gst.gst_buffer_add_custom_meta(ctypes.c_void_p(hash(buffer)), b"NetgearMeta")
    structure = gst.gst_custom_meta_get_structure(ctypes.c_void_p(meta))
    string = ctypes.c_size_t(16 << 2)  # G_TYPE_STRING
    gst.gst_structure_set(ctypes.c_void_p(structure), b"message", string, message.encode(), None)


def told(bus, message):
    error, _ = message.parse_warning()
    domain = {Gst.LibraryError.quark(): ("library", Gst.LibraryError)}.get(GLib.quark_from_string(error.domain))
    name = message.src.get_factory().get_name()
    if domain:
        print(json.dumps({"event": "message", "kind": "warning", "domain": domain[0], "code": domain[1](error.code).value_nick, "text": error.message, "element": name}), flush=True)
    else:
        print(error.message, flush=True)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    message, answer, meta = map(int, sys.argv[1:4])
    settings = "bidirectional-mode=true port=%d address=127.0.0.1 name=e"
    rx = Gst.parse_launch("netgearsrc " + settings % 0 + " ! fakesink")
    source = rx.get_by_name("e")
    messages, answers, frames = set(), set(), [0]
    source.connect("message-received", lambda e, port, text: messages.add(len(text)))
    source.set_property("return-data", "y" * answer)
    rx.set_state(Gst.State.PLAYING)
    tx = Gst.parse_launch("appsrc name=in is-live=true format=time do-timestamp=true caps=video/x-raw,format=BGR,width=16,height=12,framerate=50/1 ! netgearsink " + settings % source.get_property("current-port"))
    sink = tx.get_by_name("e")

    def push():
        buffer = Gst.Buffer.new_allocate(None, 576, None)
        if meta and frames[0] % 2:
            attach(buffer, "z" * meta)
        frames[0] += 1
        tx.get_by_name("in").emit("push-buffer", buffer)
        return True

    def returned(e, port, text, sample):
        answers.add(len(text))
        if frames[0] > 20:
            GLib.idle_add(loop.quit)

    sink.connect("return-data", returned)
    GLib.timeout_add(20, push)
    sink.set_property("message", "x" * message)
    for pipeline in rx, tx:
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::warning", told)
    tx.set_state(Gst.State.PLAYING)
    loop.run()
    for pipeline in tx, rx:
        pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"event": "got", "messages": sorted(messages), "answers": sorted(answers)}), flush=True)


main()
