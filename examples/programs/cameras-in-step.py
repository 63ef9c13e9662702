#!/usr/bin/python3
"""Hands out what several cameras saw at one moment, as sets of numpy arrays: a netgearsrc and an appsink for each, in Python.

Usage: cameras-in-step.py [PORT...]      default: 5566 5567 5568
Example: GST_PLUGIN_PATH=../../build ./cameras-in-step.py 5566 5567 5568

With timestamp-mode=capture the time of a buffer is when its picture was taken, on one clock for all cameras, without NTP and whatever
the network did to it. Every tenth set is printed with its spread, the time between its first and its last picture. The program ends
with the cameras, or with Ctrl-C. The other end: netgearsink in pattern=pair, one for each port.
"""

import collections
import signal
import statistics
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

ports = sys.argv[1:] or ["5566", "5567", "5568"]
TOLERANCE = 25_000_000  # ns; pictures that are further apart make no set: a camera of 30 frames/s has one every 33 ms
LIMIT = 100  # frames that wait for those of a camera that is slow or gone


class Step:
    """Puts frames together that were taken at one moment. Frames are pairs of a time in ns and anything."""

    def __init__(self, cameras):
        self.waiting = [collections.deque(maxlen=LIMIT) for _ in range(cameras)]

    def put(self, camera, time, frame):
        self.waiting[camera].append((time, frame))

    def sets(self):
        """Yields a set for each frame of the first camera for which the others have one near in time, as soon as they have a later one."""
        first, *others = self.waiting
        while first and all(queue and queue[-1][0] >= first[0][0] for queue in others):
            time = first[0][0]
            chosen = [first.popleft()]
            for queue in others:
                while len(queue) > 1 and abs(queue[1][0] - time) <= abs(queue[0][0] - time):
                    queue.popleft()
                chosen.append(queue[0])
            if all(abs(other - time) <= TOLERANCE for other, _ in chosen):
                yield chosen


def array_of(sample):
    """Returns the pixels of a sample of BGR, a copy. Rows may be padded, all alike."""
    buffer, caps = sample.get_buffer(), sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)
    return rows[:, : width * 3].reshape(height, width, 3)


Gst.init(None)
pipeline = Gst.parse_launch(
    " ".join(
        f"netgearsrc port={port} timestamp-mode=capture latency=200 ! decodebin ! videoconvert ! video/x-raw,format=BGR ! "
        f"appsink name=camera{n} sync=false max-buffers=8"
        for n, port in enumerate(ports)
    )
)
cameras = [pipeline.get_by_name(f"camera{n}") for n in range(len(ports))]
step, spreads, ended = Step(len(cameras)), [], set()
pipeline.set_state(Gst.State.PLAYING)
signal.signal(signal.SIGINT, lambda number, frame: ended.update(cameras))
bus = pipeline.get_bus()

while len(ended) < len(cameras):
    for n, camera in enumerate(cameras):
        sample = camera.try_pull_sample(2 * Gst.MSECOND)
        if sample:
            step.put(n, sample.get_buffer().pts, sample)
        elif camera.get_property("eos"):
            ended.add(camera)
    for chosen in step.sets():
        times = [time for time, _ in chosen]
        spreads.append((max(times) - min(times)) / Gst.MSECOND)
        if len(spreads) % 10 == 0:
            pictures = [array_of(sample) for _, sample in chosen]
            print(f"set {len(spreads)}: {[p.shape for p in pictures]}, spread {spreads[-1]:.1f} ms", flush=True)
    error = bus.pop_filtered(Gst.MessageType.ERROR)
    if error:
        sys.exit(error.parse_error()[0].message)
pipeline.set_state(Gst.State.NULL)
if spreads:
    print(f"{len(spreads)} sets, spread {statistics.median(spreads):.1f} ms in the middle, {max(spreads):.1f} ms at the most", flush=True)
