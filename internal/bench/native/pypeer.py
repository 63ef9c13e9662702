#!/usr/bin/python3
"""pypeer: what NetGear does in Python, without what it does beside it, as a peer of benchmarks.

    pypeer.py recv PATTERN ENDPOINT
    pypeer.py send PATTERN ENDPOINT FILE N WIDTH HEIGHT|0 [jpeg]

The calls are NetGear's own: send_json and send(copy=False), recv_json and recv(copy=False) and a numpy view of the bytes. HEIGHT 0
means that FILE is a JPEG. With "jpeg" each frame is encoded and decoded as NetGear does by default, by the same library
(libjpeg-turbo; quality 90, 4:2:2, fast DCT). Prints one line of JSON as gstrun does.
"""

import ctypes
import json
import resource
import sys
import time

import numpy as np
import zmq

BGR, S422, FAST_DCT = 1, 1, 2048


class Turbo:
    """The two calls of simplejpeg, which Debian does not have."""

    def __init__(self):
        self.lib = lib = ctypes.CDLL("libturbojpeg.so.0")
        void, i, ulong, p = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong, ctypes.POINTER
        lib.tjInitCompress.restype = lib.tjInitDecompress.restype = void
        lib.tjCompress2.argtypes = [void, void, i, i, i, i, p(void), p(ulong), i, i, i]
        lib.tjDecompress2.argtypes = [void, void, ulong, void, i, i, i, i, i]
        self.encoder, self.decoder = lib.tjInitCompress(), lib.tjInitDecompress()
        self.buffer, self.size = void(), ulong()

    def encode(self, frame):
        h, w = frame.shape[:2]
        if self.lib.tjCompress2(self.encoder, frame.ctypes.data, w, w * 3, h, BGR, ctypes.byref(self.buffer), ctypes.byref(self.size), S422, 90, FAST_DCT):
            raise ValueError("tjCompress2")
        return ctypes.string_at(self.buffer, self.size.value)

    def decode(self, data, width, height):
        data = np.frombuffer(data, np.uint8)
        out = np.empty((height, width, 3), np.uint8)
        if self.lib.tjDecompress2(self.decoder, data.ctypes.data, data.size, out.ctypes.data, width, width * 3, height, BGR, FAST_DCT):
            raise ValueError("tjDecompress2")
        return out


def moment():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), u.ru_utime + u.ru_stime


def report(frames, size, begin, end):
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({"event": "end", "frames": frames, "bytes": size, "seconds": end[0] - begin[0], "cpu": end[1] - begin[1], "peak_kib": peak}), flush=True)


def receive(sock, pattern):
    frames, size, begin, last, turbo = 0, 0, None, None, None
    while True:
        header = sock.recv_json()
        if header["terminate_flag"]:
            if pattern == 1:
                sock.send_string("Termination signal successfully received at client!")
            break
        data = sock.recv(copy=False)
        if pattern != 2:
            sock.send_string("Data received on device: ABCDEFGH !")
        if header["compression"]:
            if "of" in header["compression"]:
                turbo = turbo or Turbo()
                turbo.decode(data.buffer, *header["compression"]["of"])
        else:
            np.frombuffer(data.buffer, dtype=header["dtype"]).reshape(header["shape"])
        last = time.monotonic()
        if begin is None:
            begin = moment()
        else:
            size += len(data.buffer)
        frames += 1
    report(frames, size, begin, (last, moment()[1]))


def send(sock, pattern, path, count, width, height, encode):
    with open(path, "rb") as file:
        data = file.read()
    jpeg = height == 0
    frame = np.frombuffer(data, np.uint8) if jpeg else np.frombuffer(data, np.uint8).reshape(height, width, -1)
    hints = {"dct": True, "ups": False, "colorspace": "BGR"}
    if encode:
        turbo = Turbo()
        hints["of"] = (width, height)  # spares the decoder a look
    if pattern == 2:
        time.sleep(1)
    begin = None
    for _ in range(count):
        body = frame
        if encode:
            body = turbo.encode(frame)
        sock.send_json({
            "terminate_flag": False, "compression": hints if jpeg or encode else False, "message": None, "pattern": str(pattern),
            "dtype": "" if jpeg or encode else str(frame.dtype), "shape": "" if jpeg or encode else frame.shape,
        }, zmq.SNDMORE)
        sock.send(body, copy=False)
        if pattern != 2:
            sock.recv()
        if begin is None:
            begin = moment()
    report(count, len(data) * (count - 1), begin, moment())
    if pattern == 2:
        time.sleep(0.25)
    sock.send_json({"terminate_flag": True})
    if pattern == 1:
        sock.recv()


def main():
    args = sys.argv[1:]
    sending, pattern = args[0] == "send", int(args[1])
    sock = zmq.Context().socket(((zmq.PAIR, zmq.REQ, zmq.PUB) if sending else (zmq.PAIR, zmq.REP, zmq.SUB))[pattern])
    if pattern == 2:
        sock.set_hwm(1)  # as NetGear
    if sending:
        sock.connect(args[2])
        send(sock, pattern, args[3], int(args[4]), int(args[5]), int(args[6]), "jpeg" in args)
    else:
        if pattern == 2:
            sock.subscribe(b"")
        sock.bind(args[2])
        print('{"event": "started"}', flush=True)
        receive(sock, pattern)
    sock.close(linger=1000)


main()
