#!/usr/bin/python3
"""links: ends of a stream over a slow link, for benchmarks.

    links.py send ours   PATTERN ADDRESS PORT FILE SETTINGS...
    links.py send python PATTERN ADDRESS PORT FILE
    links.py recv ours   PATTERN ADDRESS PORT
    links.py recv python PATTERN ADDRESS PORT

A sender has a JPEG 30 times a second, as a camera has it: one that is not taken waits in a queue (ours), or is skipped (python, as
NetGear's own sources do). Receivers print a line of JSON for each frame: when it came, how old it is (both ends have one clock), its bytes.
"""

import json
import sys
import threading
import time

RATE = 30


def tell(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def frame(taken, size):
    now = time.time_ns()
    tell("frame", at=now / 1e9, age=(now - taken) / 1e6, bytes=size)


def pipeline(text):
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    return Gst, Gst.parse_launch(text)


def send_ours(pattern, address, port, path, settings):
    Gst, p = pipeline(
        "appsrc name=src is-live=true format=time max-bytes=0 caps=image/jpeg,width=640,height=480,framerate=30/1 ! "
        f"netgearsink address={address} port={port} pattern={pattern} {' '.join(settings)}"
    )
    src, data = p.get_by_name("src"), open(path, "rb").read()
    p.set_state(Gst.State.PLAYING)
    p.get_state(5 * Gst.SECOND)
    base, clock = p.get_base_time(), p.get_clock()
    begin = clock.get_time() - base
    tell("started")
    for n in range(10**9):
        at = begin + n * Gst.SECOND // RATE
        time.sleep(max(0, (at - (clock.get_time() - base)) / Gst.SECOND))
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts = at
        src.emit("push-buffer", buffer)


def recv_ours(pattern, address, port):
    Gst, p = pipeline(f"netgearsrc name=src address={address} port={port} pattern={pattern} ! fakesink name=out sync=false signal-handoffs=true")
    meta = Gst.ElementFactory.make("netgearsrc")

    def handoff(sink, buffer, pad):
        known, taken = meta.emit("get-meta", buffer).get_int64("capture-time")
        frame(taken, buffer.get_size())

    p.get_by_name("out").connect("handoff", handoff)
    p.set_state(Gst.State.PLAYING)
    p.get_state(5 * Gst.SECOND)
    tell("started")
    threading.Event().wait()


def sock_of(kinds, pattern):
    import zmq

    sock = zmq.Context().socket(getattr(zmq, kinds[pattern]))
    if pattern == "pub-sub":
        sock.set_hwm(1)  # as NetGear
    return zmq, sock


def send_python(pattern, address, port, path):
    zmq, sock = sock_of({"pair": "PAIR", "req-rep": "REQ", "pub-sub": "PUB"}, pattern)
    sock.connect(f"tcp://{address}:{port}")
    data = open(path, "rb").read()
    tell("started")
    time.sleep(1 if pattern == "pub-sub" else 0)
    begin = time.time()
    while True:
        n = int((time.time() - begin) * RATE) + 1
        time.sleep(max(0, begin + n / RATE - time.time()))
        hints = {"dct": True, "ups": False, "colorspace": "BGR"}
        header = {"terminate_flag": False, "compression": hints, "message": time.time_ns(), "pattern": "0", "dtype": "", "shape": ""}
        sock.send_json(header, zmq.SNDMORE)
        sock.send(data, copy=False)
        if pattern != "pub-sub":
            sock.recv()


def recv_python(pattern, address, port):
    _, sock = sock_of({"pair": "PAIR", "req-rep": "REP", "pub-sub": "SUB"}, pattern)
    if pattern == "pub-sub":
        sock.subscribe(b"")
    sock.bind(f"tcp://{address}:{port}")
    tell("started")
    while True:
        header, data = sock.recv_json(), sock.recv(copy=False)
        if pattern != "pub-sub":
            sock.send_string("Data received on device: ABCDEFGH !")
        frame(header["gst"]["taken"] if "gst" in header else header["message"], len(data.buffer))


def main():
    way, who, pattern, address, port = sys.argv[1:6]
    more = sys.argv[6:]
    if way == "recv":
        (recv_ours if who == "ours" else recv_python)(pattern, address, port)
    elif who == "ours":
        send_ours(pattern, address, port, more[0], more[1:])
    else:
        send_python(pattern, address, port, more[0])


main()
