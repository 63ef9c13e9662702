"""What NetGear's receivers make of a JPEG: they decode with simplejpeg, which is libjpeg-turbo where each warning is an error.

It prints pictures of several kinds, a name and base64 a line, then an empty line. Then it reads pictures, each behind its length in four bytes, and
answers each with a line: "good", or why not."""

import base64
import ctypes
import struct
import sys

import cv2
import numpy as np

STOP_ON_WARNING = 8192
FAST_DCT = 2048
BGR, GRAY = 1, 6


def pictures():
    y, x, c = np.ogrid[:24, :40, :3]
    picture = ((x * 7 + y * 5 * (c + 1) + (x * y) % 13 * 9) & 255).astype(np.uint8)
    options = {
        "plain": [],
        "optimized": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
        "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 1],
        "progressive restarts": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    }
    for name, option in options.items():
        yield name, cv2.imencode(".jpg", picture, option)[1].tobytes()
    for sampling, name in enumerate(("4:4:4", "4:2:2", "4:2:0", "4:0:0", "4:4:0", "4:1:1")):
        yield name, compress(picture, sampling)
    yield "gray", cv2.imencode(".jpg", picture[..., 0])[1].tobytes()
    yield "flat", cv2.imencode(".jpg", picture * 0)[1].tobytes()


def compress(picture, sampling):
    lib = ctypes.CDLL("libturbojpeg.so.0")
    lib.tjInitCompress.restype = ctypes.c_void_p
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    height, width = picture.shape[:2]
    handle = ctypes.c_void_p(lib.tjInitCompress())
    code = lib.tjCompress2(handle, picture.ctypes.data_as(ctypes.c_void_p), width, 0, height, BGR, ctypes.byref(out), ctypes.byref(size), sampling, 80, 0)
    assert code == 0
    return ctypes.string_at(out, size.value)


class Decoder:
    def __init__(self):
        self.lib = ctypes.CDLL("libturbojpeg.so.0")
        self.lib.tjInitDecompress.restype = ctypes.c_void_p
        self.lib.tjGetErrorStr2.restype = ctypes.c_char_p
        self.handle = None

    def judge(self, data):
        self.handle = ctypes.c_void_p(self.lib.tjInitDecompress())  # anew: one that has failed keeps what it read
        try:
            return self.decode(data)
        finally:
            self.lib.tjDestroy(self.handle)

    def decode(self, data):
        width, height, sampling, colours = (ctypes.c_int() for _ in range(4))
        buffer = ctypes.create_string_buffer(data, len(data))
        size = ctypes.c_ulong(len(data))
        if self.lib.tjDecompressHeader3(self.handle, buffer, size, *map(ctypes.byref, (width, height, sampling, colours))) != 0:
            return self.why()
        if width.value * height.value > 1 << 22:
            return "too large for this test"
        kind, channels = (GRAY, 1) if colours.value == 2 else (BGR, 3)
        out = ctypes.create_string_buffer(width.value * height.value * channels)
        flags = STOP_ON_WARNING | FAST_DCT
        if self.lib.tjDecompress2(self.handle, buffer, size, out, width, 0, height, kind, flags) != 0:
            return self.why()
        return "good"

    def why(self):
        return self.lib.tjGetErrorStr2(self.handle).decode() or "refused"


def main():
    for name, data in pictures():
        print(name, base64.b64encode(data).decode(), sep=":")
    print(flush=True)
    decoder = Decoder()
    while head := sys.stdin.buffer.read(4):
        print(decoder.judge(sys.stdin.buffer.read(*struct.unpack(">I", head))), flush=True)


main()
