"""Loads the plugin, and forks, as Python's multiprocessing does by default. The child starts a pipeline and tells errors as watch.py does, then that it
has ended: {"event": "null"}.

    fork.py idle PIPELINE     the parent has only made an element
    fork.py made PIPELINE     the pipeline is the parent's
"""

import json
import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def child(pipeline):
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.ERROR)
    name = message.src.get_factory().get_name()
    print(json.dumps({"event": "message", "kind": "error", "domain": "library", "code": "init", "text": message.parse_error()[0].message, "element": name}), flush=True)
    assert message.parse_error()[0].matches(Gst.LibraryError.quark(), Gst.LibraryError.INIT)
    pipeline.set_state(Gst.State.NULL)
    print('{"event": "null"}', flush=True)
    os._exit(0)


def main():
    Gst.init(None)
    way, text = sys.argv[1], " ".join(sys.argv[2:])
    Gst.ElementFactory.make("netgearsink")
    pipeline = Gst.parse_launch(text) if way == "made" else None
    pid = os.fork()
    if pid == 0:
        child(pipeline or Gst.parse_launch(text))
    sys.exit(os.waitpid(pid, 0)[1])


main()
