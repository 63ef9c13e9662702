"""Cameras in step, and a receiver with timestamp-mode=capture: capture.py PATTERN PORTS SECONDS [STARTS]

PORTS are the receiver's at 127.0.0.1, with commas, where the cameras find them at 127.0.0.2. Each camera takes a picture at every 30th of a second by this machine's
clock, and begins at some time of the first second. STARTS is how often each is started anew, as a new pipeline. At the end it tells

    {"event": "result", "frames": [[PORT, TICK, PTS, ERROR], …], "latency": …}

PTS by the machine's clock in ns; ERROR is by how much it is off; "latency" is the answer to a LATENCY query."""

import json
import random
import struct
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402

FPS = 30
frames = []


def camera(settings, until, starts):
    time.sleep(random.random())
    for n in range(starts + 1):
        pipeline = Gst.parse_launch(f"appsrc name=in is-live=true format=time caps=video/x-raw,format=GRAY8,width=8,height=1,framerate={FPS}/1 ! netgearsink {settings}")
        source, clock = pipeline.get_by_name("in"), Gst.SystemClock.obtain()
        base = clock.get_time()
        pipeline.use_clock(clock)
        pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
        pipeline.set_base_time(base)
        pipeline.set_state(Gst.State.PLAYING)
        end = time.monotonic() + (until - time.monotonic()) / (starts + 1 - n)
        tick = clock.get_time() * FPS // Gst.SECOND + 1
        while time.monotonic() < end:
            due = tick * Gst.SECOND // FPS
            time.sleep(max(0, due - clock.get_time()) / 1e9)
            buffer = Gst.Buffer.new_wrapped(struct.pack("<q", tick))
            buffer.pts = max(0, due - base)
            source.push_buffer(buffer)
            tick += 1
        pipeline.set_state(Gst.State.NULL)


def received(sink, base, meta):
    sample = sink.pull_sample()
    buffer = sample.get_buffer()
    (tick,) = struct.unpack("<q", buffer.extract_dup(0, 8))
    pts = buffer.pts + base()
    frames.append([meta.emit("get-meta", buffer).get_string("port"), tick, pts, pts - tick * Gst.SECOND // FPS])
    return Gst.FlowReturn.OK


def main():
    Gst.init(None)
    pattern, ports, seconds = sys.argv[1], sys.argv[2].split(","), float(sys.argv[3])
    starts = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    several = len(ports) > 1
    mode = f"multiserver-mode=true ports={','.join(ports)} eos-on-terminate=false" if several else f"port={ports[0]}"
    receiver = Gst.parse_launch(f"netgearsrc address=127.0.0.1 pattern={pattern} {mode} timestamp-mode=capture latency=100 name=src ! appsink name=out emit-signals=true sync=false")
    meta = Gst.ElementFactory.make("netgearsrc")
    receiver.get_by_name("out").connect("new-sample", received, receiver.get_base_time, meta)
    receiver.set_state(Gst.State.PLAYING)
    query = Gst.Query.new_latency()
    assert receiver.get_by_name("src").query(query)
    until = time.monotonic() + seconds
    # In the multi-server mode the port is the camera's name too.
    server = "multiserver-mode=true" if several else ""
    threads = [threading.Thread(target=camera, args=(f"address=127.0.0.2 pattern={pattern} port={port} {server}", until, starts)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    receiver.set_state(Gst.State.NULL)
    print(json.dumps({"event": "result", "frames": frames, "latency": query.parse_latency()[1]}), flush=True)


main()
