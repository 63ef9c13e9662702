"""Runs several pipelines in one process, as a media server does, and obeys lines on its standard input.

    host.py PIPELINE...

Each pipeline has one NetGear element, of the name net. Four times a second, and after each order:

    {"event": "stats", "at": 12.5, "rss": 40.1, "cpu": 1.25, "fds": 30, "frames": [120, 118], "peers": [1, 1]}    s, MB, s of CPU so far

Orders, each of which is answered by an event of its name:

    toggle N   pauses pipeline N and has it play on: {"event": "toggle", "slowest": 1.3} in ms
    null N     takes it to NULL
    play N     has it play again

    {"event": "message", "kind": "error", "n": 0, "text": …}    of a bus; nothing ends the program
"""

import json
import os
import resource
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def emit(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")  # as a whole: several threads do
    sys.stdout.flush()


def frames(net):
    stats = net.get_property("stats")
    name = "frames-sent" if net.get_factory().get_name() == "netgearsink" else "frames-received"
    return stats.get_uint64(name)[1]


def tell_stats(nets):
    with open("/proc/self/statm") as memory:
        rss = int(memory.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    used = resource.getrusage(resource.RUSAGE_SELF)
    emit(
        "stats",
        at=time.monotonic(),
        rss=rss,
        cpu=used.ru_utime + used.ru_stime,
        fds=len(os.listdir("/proc/self/fd")),
        frames=[frames(net) for net in nets],
        peers=[net.get_property("num-peers") for net in nets],
    )


def listen(number, pipeline):
    kinds = Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS
    while True:
        message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kinds)
        text = ""
        if message.type == Gst.MessageType.ERROR:
            text = message.parse_error()[0].message
        elif message.type == Gst.MessageType.WARNING:
            text = message.parse_warning()[0].message
        emit("message", kind=message.type.first_value_nick, n=number, text=text)


def set_states(pipeline, *states):
    slowest = 0
    for state in states:
        begin = time.monotonic()
        pipeline.set_state(state)
        slowest = max(slowest, (time.monotonic() - begin) * 1000)
    return slowest


ORDERS = {
    "toggle": (Gst.State.PAUSED, Gst.State.PLAYING),
    "null": (Gst.State.NULL,),
    "play": (Gst.State.PLAYING,),
}


def main():
    Gst.init(None)
    pipelines = [Gst.parse_launch(text) for text in sys.argv[1:]]
    nets = [pipeline.get_by_name("net") for pipeline in pipelines]
    for number, pipeline in enumerate(pipelines):
        threading.Thread(target=listen, args=(number, pipeline), daemon=True).start()
        pipeline.set_state(Gst.State.PLAYING)
    ended = threading.Event()

    def keep_telling():
        while not ended.wait(0.25):
            tell_stats(nets)

    threading.Thread(target=keep_telling, daemon=True).start()
    for line in sys.stdin:
        order, number = line.split()
        slowest = set_states(pipelines[int(number)], *ORDERS[order])
        emit(order, slowest=slowest)
        tell_stats(nets)
    ended.set()
    for pipeline in pipelines:
        pipeline.set_state(Gst.State.NULL)
    os._exit(0)


main()
