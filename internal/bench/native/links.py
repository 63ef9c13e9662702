#!/usr/bin/python3
"""links: ends of a stream over a slow link, for benchmarks.

    links.py send ours   PATTERN ADDRESS PORT FILE SETTINGS...
    links.py send jpeg   PATTERN ADDRESS PORT SETTINGS...
    links.py send h264   PATTERN ADDRESS PORT SETTINGS...
    links.py send srt    -       ADDRESS PORT
    links.py send python PATTERN ADDRESS PORT FILE
    links.py recv ours   PATTERN ADDRESS PORT
    links.py recv srt    -       ADDRESS PORT
    links.py recv python PATTERN ADDRESS PORT

jpeg and h264 encode a moving picture in the pipeline, and SETTINGS has rate-control=encoder; srt sends the same H.264 through srtsink.
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


PICTURE = "videotestsrc is-live=true pattern=snow ! video/x-raw,format=GRAY8,width=64,height=36,framerate=30/1 ! videoconvert ! videoscale method=sinc ! "
H264 = "video/x-raw,format=I420,width=640,height=360 ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast key-int-max=300 "


def send_encoded(source, sink):
    Gst, p = pipeline(PICTURE + source + " ! " + sink)
    if p.get_by_name("mux"):
        tell_origin(Gst, p)
    p.set_state(Gst.State.PLAYING)
    p.get_state(5 * Gst.SECOND)
    tell("started")
    threading.Event().wait()


def send_jpeg(pattern, address, port, settings):
    send_encoded(
        "video/x-raw,format=I420,width=1280,height=720 ! jpegenc quality=85",
        f"netgearsink address={address} port={port} pattern={pattern} {' '.join(settings)}",
    )


def send_h264(pattern, address, port, settings):
    send_encoded(f"{H264} bitrate=18000 vbv-buf-capacity=120", f"netgearsink address={address} port={port} pattern={pattern} {' '.join(settings)}")


# SRT has no rate control, and no times in the stream but those of MPEG-TS: its frames are told by them. The receiver
# learns from the sender, through the benchmark, when the time 0 was.


def send_srt(address, port):
    send_encoded(f"{H264} bitrate=18000 vbv-buf-capacity=120 ! h264parse", f"mpegtsmux name=mux alignment=7 ! srtsink uri=srt://{address}:{port} latency=120")


def pes_times(data):
    """yields the presentation time, in 90 kHz, of each frame that begins in these packets of MPEG-TS"""
    for at in range(0, len(data) - 187, 188):
        packet = data[at : at + 188]
        if packet[0] != 0x47 or not packet[1] & 0x40 or not packet[3] & 0x10:
            continue
        body = packet[4 + (1 + packet[4] if packet[3] & 0x20 else 0) :]
        if body[:3] == b"\0\0\1" and 0xE0 <= body[3] <= 0xEF and body[7] & 0x80:
            t = body[9:14]
            yield (t[0] & 0x0E) << 29 | t[1] << 22 | (t[2] & 0xFE) << 14 | t[3] << 7 | t[4] >> 1


def bytes_of(Gst, info):
    buffer = info.get_buffer()
    return [buffer] if buffer else [info.get_buffer_list().get(i) for i in range(info.get_buffer_list().length())]


def tell_origin(Gst, p):
    """tells the wall clock at the stream's time 0, in ns, from the first frame"""
    taken = []

    def frame_in(pad, info):
        now, clock = time.time_ns(), p.get_clock()
        taken.append(now - (clock.get_time() - p.get_base_time() - info.get_buffer().pts))
        return Gst.PadProbeReturn.REMOVE

    def packets_out(pad, info):
        for buffer in bytes_of(Gst, info):
            for pts in pes_times(buffer.extract_dup(0, buffer.get_size())):
                tell("origin", at=taken[0] - pts * 100000 // 9)
                return Gst.PadProbeReturn.REMOVE
        return Gst.PadProbeReturn.OK

    p.get_by_name("encoder").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, frame_in)
    p.get_by_name("mux").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, packets_out)


def recv_srt(address, port):
    Gst, p = pipeline(f"srtsrc uri=srt://{address}:{port}?mode=listener latency=120 ! fakesink name=out sync=false")
    size = 0

    def packets_in(pad, info):
        nonlocal size
        for buffer in bytes_of(Gst, info):
            size += buffer.get_size()
            for pts in pes_times(buffer.extract_dup(0, buffer.get_size())):
                tell("frame", at=time.time(), since=(time.time_ns() - pts * 100000 // 9), bytes=size)
                size = 0
        return Gst.PadProbeReturn.OK

    p.get_by_name("out").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, packets_in)
    p.set_state(Gst.State.PLAYING)
    tell("started")
    threading.Event().wait()


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
        if who == "srt":
            recv_srt(address, port)
        (recv_python if who == "python" else recv_ours)(pattern, address, port)
    elif who in ("jpeg", "h264"):
        (send_jpeg if who == "jpeg" else send_h264)(pattern, address, port, more)
    elif who == "srt":
        send_srt(address, port)
    elif who == "ours":
        send_ours(pattern, address, port, more[0], more[1:])
    else:
        send_python(pattern, address, port, more[0])


main()
