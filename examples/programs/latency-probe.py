#!/usr/bin/python3
"""Measures from glass to glass: a time code is drawn into each picture, sent, and read back from the picture that comes out.

Usage: latency-probe.py [OPTIONS]                 both ends in this process, over the loopback
       latency-probe.py [OPTIONS] --receive       the receiving end alone
       latency-probe.py [OPTIONS] --send ADDRESS  the sending end alone
Example: GST_PLUGIN_PATH=../../build ./latency-probe.py --encode 'x264enc tune=zerolatency ! h264parse' --decode avdec_h264

The time from the drawing to the reading has encoder, network and decoder in it: all but camera and screen. The program also compares it
with the timestamps: the time of capture beside a picture must be within one frame of the code in it, otherwise the exit status is 1.
Between two machines it uses the offset of their clocks, where the two ends have measured that (pattern pair and req-rep).
"""

import argparse
import collections
import queue
import signal
import statistics
import sys
import threading
import time

MODES = ("receive-time", "sender", "capture")


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--encode", default="jpegenc", help="what encodes; identity: nothing, raw video travels (default: %(default)s)")
    p.add_argument("--decode", default="decodebin", help="what decodes (default: %(default)s)")
    p.add_argument("--pattern", default="pair", choices=("pair", "req-rep", "pub-sub"))
    p.add_argument("--mode", default="receive-time", choices=MODES, help="timestamp-mode of netgearsrc (default: %(default)s)")
    p.add_argument("--latency", type=int, help="show pictures this many ms after they were taken, with --mode capture (default: as they come)")
    p.add_argument("--size", default="640x480")
    p.add_argument("--fps", type=int, default=30)
    p.add_argument("--frames", type=int, default=150)
    p.add_argument("--port", type=int, default=0, help="default: any free one, and 5555 where the ends are apart")
    p.add_argument("--receive", action="store_true")
    p.add_argument("--send", metavar="ADDRESS")
    return p.parse_args()


if {"-h", "--help"} & set(sys.argv[1:]):
    parse()

import gi  # noqa: E402
import numpy as np  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

BITS, CHECK = 40, 8  # of the time code: tenths of milliseconds since 1970, and a checksum
COLUMNS, ROWS = 12, 4
UNIT = 100_000  # ns


def check_of(code):
    return sum(code >> shift & 0xFF for shift in range(0, BITS, 8)) * 37 + 0x5A & 0xFF


def draw(picture, now):
    """Draws a time in ns since 1970 into an array of GRAY8, over all of it but the lowest quarter."""
    height, width = picture.shape
    code = now // UNIT % (1 << BITS)
    word = code << CHECK | check_of(code)
    bits = np.array([word >> n & 1 for n in range(BITS + CHECK)], np.uint8).reshape(ROWS, COLUMNS)
    y, x = height * 3 // 4 // ROWS, width // COLUMNS
    picture[: y * ROWS, : x * COLUMNS] = np.kron(bits, np.ones((y, x), np.uint8)) * 200 + 20


def read(picture, now):
    """Returns the time in ns since 1970 that is drawn into a picture, the one nearest to now, or None."""
    height, width = picture.shape
    y, x = height * 3 // 4 // ROWS, width // COLUMNS
    blocks = picture[: y * ROWS, : x * COLUMNS].reshape(ROWS, y, COLUMNS, x)
    # The middle of each block: codecs smear its edges.
    means = blocks[:, y // 4 : y - y // 4, :, x // 4 : x - x // 4].mean(axis=(1, 3)).reshape(-1)
    word = sum(int(mean > 120) << n for n, mean in enumerate(means))
    code, check = word >> CHECK, word & (1 << CHECK) - 1
    if check != check_of(code):
        return None
    turns = 1 << BITS
    return (code + round((now // UNIT - code) / turns) * turns) * UNIT


class Camera:
    """Draws pictures and sends them."""

    def __init__(self, options, address, port):
        self.width, self.height = map(int, options.size.split("x"))
        self.options = options
        self.pipeline = Gst.parse_launch(
            f"appsrc name=in is-live=true format=time caps=video/x-raw,format=GRAY8,width={self.width},height={self.height},framerate={options.fps}/1 ! "
            + ("" if options.encode == "identity" else f"videoconvert ! {options.encode} ! ")
            + f"netgearsink address={address} port={port} pattern={options.pattern}"
        )
        self.clock = Gst.SystemClock.obtain()
        self.base = self.clock.get_time()
        self.pipeline.use_clock(self.clock)
        self.pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
        self.pipeline.set_base_time(self.base)
        self.pipeline.set_state(Gst.State.PLAYING)

    def run(self, ended):
        source = self.pipeline.get_by_name("in")
        scene = np.tile(np.linspace(0, 255, self.width, dtype=np.uint8), (self.height, 1))
        for n in range(self.options.frames if not self.options.send else 10**9):
            due = self.base + n * Gst.SECOND // self.options.fps
            if ended.wait(max(0, due - self.clock.get_time()) / 1e9):
                break
            picture = np.roll(scene, n * 3, axis=1)  # something that moves, for the encoder
            taken, now = self.clock.get_time(), time.time_ns()
            draw(picture, now)
            buffer = Gst.Buffer.new_wrapped(picture.tobytes())
            buffer.pts, buffer.duration = taken - self.base, Gst.SECOND // self.options.fps
            source.emit("push-buffer", buffer)
        source.emit("end-of-stream")
        self.pipeline.get_bus().timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        self.pipeline.set_state(Gst.State.NULL)


Look = collections.namedtuple("Look", "glass stamp beside")  # in ns; stamp and beside may be None


class Screen:
    """Receives pictures and reads them."""

    def __init__(self, options, address, port):
        self.options, self.looks, self.torn = options, [], 0
        self.pictures = queue.Queue()
        shown = options.latency is not None
        self.pipeline = Gst.parse_launch(
            f"netgearsrc name=source address={address} port={port} pattern={options.pattern} timestamp-mode={options.mode} latency={options.latency or 0} ! "
            + ("" if options.encode == "identity" else f"{options.decode} ! ")
            + f"videoconvert ! video/x-raw,format=GRAY8 ! appsink name=out emit-signals=true sync={str(shown).lower()}"
        )
        self.source = self.pipeline.get_by_name("source")
        self.pipeline.get_by_name("out").connect("new-sample", self.on_sample)
        self.pipeline.set_state(Gst.State.PLAYING)

    def on_sample(self, sink):
        """Runs in the streaming thread, when a picture is shown."""
        sample = sink.emit("pull-sample")
        now = time.time_ns()
        buffer, caps = sample.get_buffer(), sample.get_caps().get_structure(0)
        width, height = caps.get_value("width"), caps.get_value("height")
        rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8).reshape(height, -1)
        code = read(rows[:, :width], now)
        if code is None:
            self.torn += 1
            return Gst.FlowReturn.OK
        meta = self.source.emit("get-meta", buffer)
        known, offset = meta.get_int64("clock-offset") if meta else (False, 0)
        given, capture = meta.get_int64("capture-time") if meta else (False, 0)
        drawn = code - (offset if known else 0)  # by this machine's clock
        local = meta.get_int64("local-capture-time") if meta else (False, 0)
        reference = buffer.get_reference_timestamp_meta(Gst.Caps.from_string("timestamp/x-unix"))
        stamps = [capture - code] if given else []
        stamps += [reference.timestamp - code] if reference else []
        stamps += [local[1] - drawn] if local[0] else []
        beside = None
        if self.options.mode == "capture" and local[0]:
            running = self.pipeline.get_clock().get_time() - self.pipeline.get_base_time()
            beside = buffer.pts - running + time.time_ns() - drawn
        self.looks.append(Look(now - drawn, max(stamps, key=abs) if stamps else None, beside))
        return Gst.FlowReturn.OK

    def wait(self, ended):
        bus = self.pipeline.get_bus()
        while not ended.is_set():
            message = bus.timed_pop_filtered(100 * Gst.MSECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.LATENCY)
            if message is None:
                continue
            if message.type == Gst.MessageType.LATENCY:
                self.pipeline.recalculate_latency()
                continue
            if message.type == Gst.MessageType.ERROR:
                sys.exit(message.parse_error()[0].message)
            break
        stats = self.source.get_property("stats")
        self.pipeline.set_state(Gst.State.NULL)
        return stats

    def tell(self, stats):
        """Prints what was seen. Returns whether the stamps agree with it."""
        if not self.looks:
            print(f"no picture came that could be read ({self.torn} could not)")
            return False
        glass = sorted(look.glass / 1e6 for look in self.looks)
        worst = glass[len(glass) * 95 // 100]
        print(f"glass to glass: {statistics.median(glass):.1f} ms in the middle, 95 % within {worst:.1f} ms, {glass[-1]:.1f} ms at the most ({len(glass)} pictures)")
        known, took = stats.get_double("capture-to-receive-ms")
        if known:
            print(f"of that until the last frame had arrived: {took:.1f} ms (capture-to-receive-ms)")
        known, bound = stats.get_double("clock-error-ms")
        if known:
            print(f"the clocks are {stats.get_double('clock-offset-ms')[1]:.3f} ms apart, within {bound:.3f} ms")
        if self.torn:
            print(f"{self.torn} pictures could not be read")
        frame, agree = 1e9 / self.options.fps, True
        for what, values in (
            ("the time of capture beside a picture", [look.stamp for look in self.looks if look.stamp is not None]),
            ("its timestamp", [look.beside for look in self.looks if look.beside is not None]),
        ):
            if values:
                off = max(map(abs, values))
                agree = agree and off <= frame
                print(f"{what} and the code in it: {off / 1e6:.1f} ms apart at the most, {'within' if off <= frame else 'MORE THAN'} one frame")
        return agree


def main():
    options = parse()
    Gst.init(None)
    ended = threading.Event()
    signal.signal(signal.SIGINT, lambda number, frame: ended.set())
    if options.send:
        Camera(options, options.send, options.port or 5555).run(ended)
        return
    screen = Screen(options, "*" if options.receive else "127.0.0.1", options.port or (5555 if options.receive else 0))
    if not options.receive:
        camera = Camera(options, "127.0.0.1", screen.source.get_property("current-port"))
        threading.Thread(target=camera.run, args=(ended,)).start()
    stats = screen.wait(ended)
    ended.set()
    sys.exit(not screen.tell(stats))


main()
