"""Raw video of every format that is no picture to every peer, in even and odd sizes, through netgearsink and netgearsrc and to and from a Python peer.

    raw.py both | repacked | peer | layouts

both      both elements, into videoconvert, which takes GstVideoMeta; the picture must be the one without the two elements
repacked  both elements, into an appsink, which does not take it; byte for byte what videoconvert made
peer      a Python peer gets the documented array, shows it with OpenCV, and sends it back to a netgearsrc with caps
layouts   buffers with other strides and offsets, several memories, upside down

Prints a line for each case that failed, and how many were right; exits 1 when one failed.
"""

import json
import sys

import cv2
import gi
import numpy as np
import zmq

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstApp, GstVideo  # noqa: E402, F401

Gst.init(None)
FOUR20, PLANAR, BAYER = ("I420", "YV12", "NV12", "NV21", "P010_10LE", "I420_10LE"), ("Y444", "GBR"), ("bggr", "gbrg", "grbg", "rggb")
FORMATS = FOUR20 + ("YUY2", "YVYU", "UYVY") + PLANAR + BAYER
SIZES = ((64, 48), (320, 240), (6, 4), (34, 18), (17, 12), (16, 9), (33, 21), (1, 1), (2, 2), (3, 7), (250, 6),
         (1, 8), (8, 1), (5, 5), (18, 3), (31, 2), (47, 33), (62, 63), (99, 100), (127, 5))
TO_BGR = {
    "I420": cv2.COLOR_YUV2BGR_I420, "YV12": cv2.COLOR_YUV2BGR_YV12, "NV12": cv2.COLOR_YUV2BGR_NV12, "NV21": cv2.COLOR_YUV2BGR_NV21,
    "bggr": cv2.COLOR_BayerRG2BGR, "gbrg": cv2.COLOR_BayerGR2BGR, "grbg": cv2.COLOR_BayerGB2BGR, "rggb": cv2.COLOR_BayerBG2BGR,
    "YUY2": cv2.COLOR_YUV2BGR_YUY2, "YVYU": cv2.COLOR_YUV2BGR_YVYU, "UYVY": cv2.COLOR_YUV2BGR_UYVY,
}  # fmt: skip
failures, right = [], 0


def check(ok, *what):
    global right
    right += bool(ok)
    if not ok:
        failures.append(what)
        print("FAILED", *what)


def caps_of(name, w, h):
    media = "video/x-bayer" if name in BAYER else "video/x-raw"
    return f"{media},format={name},width={w},height={h},framerate=25/1"


def even(n):
    return n + n % 2


class Plane:
    """Rows of bytes in a buffer: so many are real, and an array has so many."""

    def __init__(self, offset, stride, row, rows, array_row, array_rows, pixel):
        self.offset, self.stride, self.row, self.rows, self.array_row, self.array_rows, self.pixel = offset, stride, row, rows, array_row, array_rows, pixel

    def read(self, data):
        return np.stack([np.frombuffer(data, np.uint8, self.row, self.offset + y * self.stride) for y in range(self.rows)])

    def array(self, data):
        """The plane as it is in an array: the last pixel and the last row once more where it is larger."""
        rows = self.read(data)
        if rows.shape[1] < self.array_row:
            rows = np.hstack([rows, rows[:, -self.pixel :]])
        return np.vstack([rows, rows[-1:]]) if self.array_rows > self.rows else rows


def info_of(caps):
    if hasattr(GstVideo.VideoInfo, "new_from_caps"):
        return GstVideo.VideoInfo.new_from_caps(caps)
    info = GstVideo.VideoInfo()  # before GStreamer 1.20
    info.from_caps(caps)
    return info


def planes_of(name, w, h):
    if name in BAYER + ("GRAY8", "BGR"):
        row = w * (3 if name == "BGR" else 1)
        return [Plane(0, (row + 3) // 4 * 4, row, h, row, h, 1)]
    info = info_of(Gst.Caps.from_string(caps_of(name, w, h)))
    offset, stride, W, H = list(info.offset), list(info.stride), even(w), even(h)
    if name in ("YUY2", "YVYU", "UYVY"):
        return [Plane(offset[0], stride[0], W * 2, h, W * 2, h, 2)]
    if name in PLANAR:
        return [Plane(offset[p], stride[p], w, h, w, h, 1) for p in range(3)]
    size = 2 if "10LE" in name else 1
    luma = Plane(offset[0], stride[0], w * size, h, W * size, H, size)
    if name in ("NV12", "NV21", "P010_10LE"):
        return [luma, Plane(offset[1], stride[1], W * size, H // 2, W * size, H // 2, 2 * size)]
    return [luma] + [Plane(offset[p], stride[p], W // 2 * size, H // 2, W // 2 * size, H // 2, size) for p in (1, 2)]


def shape_of(name, w, h):
    if name in FOUR20:
        return ("uint16" if "10LE" in name else "uint8"), [even(h) * 3 // 2, even(w)]
    if name in PLANAR:
        return "uint8", [3, h, w]
    return "uint8", [h, w] if name in BAYER else [h, even(w), 2]


def start(text):
    pipeline = Gst.parse_launch(text)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def pull(pipeline):
    sample = pipeline.get_by_name("out").emit("try-pull-sample", 20 * Gst.SECOND)
    if sample is None:
        error = pipeline.get_bus().timed_pop_filtered(0, Gst.MessageType.ERROR)
        raise SystemExit(f"no frame within 20 s: {error and error.parse_error()}")
    return sample


def bytes_of(sample):
    buffer = sample.get_buffer()
    return buffer.extract_dup(0, buffer.get_size())


def made(name, w, h, converted=""):
    """A frame as GStreamer makes it."""
    make = f"{caps_of(name, w, h)}" if name in BAYER else f"video/x-raw,format=AYUV,width={w},height={h} ! videoconvert ! {caps_of(name, w, h)}"
    pipeline = start(f"videotestsrc num-buffers=1 pattern=smpte ! {make} ! {converted} appsink name=out sync=false")
    sample = pull(pipeline)
    pipeline.set_state(Gst.State.NULL)
    return sample


class Stream:
    """A sender and a receiver that outlive a change of caps."""

    def __init__(self, behind):
        self.receiver = start(f"netgearsrc name=src address=127.0.0.1 port=0 ! {behind} appsink name=out sync=false")
        port = self.receiver.get_by_name("src").get_property("current-port")
        self.sender = start(f"appsrc name=in format=time is-live=true ! netgearsink name=sink raw-formats=any address=127.0.0.1 port={port}")

    def through(self, buffer, caps):
        self.sender.get_by_name("in").emit("push-sample", Gst.Sample.new(buffer, Gst.Caps.from_string(caps), None, None))
        return pull(self.receiver)

    def end(self):
        self.sender.set_state(Gst.State.NULL)
        self.receiver.set_state(Gst.State.NULL)


def same_caps(sample, name, w, h):
    s = sample.get_caps().get_structure(0)
    media = "video/x-bayer" if name in BAYER else "video/x-raw"
    return (s.get_name(), s.get_string("format"), s.get_int("width")[1], s.get_int("height")[1]) == (media, name, w, h)


def picture(data, w, h):
    """BGR without the padding of its rows."""
    return np.stack([np.frombuffer(data, np.uint8, w * 3, y * ((w * 3 + 3) // 4 * 4)).reshape(w, 3) for y in range(h)])


def both():
    for formats, convert in ((BAYER, "bayer2rgb ! videoconvert ! video/x-raw,format=BGR !"), (set(FORMATS) - set(BAYER), "videoconvert ! video/x-raw,format=BGR !")):
        stream = Stream("identity ! " + convert)
        for name in sorted(formats):
            for w, h in SIZES:
                if name in BAYER and (w % 4 or h % 2):  # bayer2rgb reads what pads the rows
                    continue
                sample = made(name, w, h)
                reference = start(f"appsrc name=in format=time is-live=true caps={caps_of(name, w, h)} ! {convert} appsink name=out sync=false")
                reference.get_by_name("in").emit("push-buffer", sample.get_buffer())
                want = picture(bytes_of(pull(reference)), w, h)
                reference.set_state(Gst.State.NULL)
                got = picture(bytes_of(stream.through(sample.get_buffer(), caps_of(name, w, h))), w, h)
                check((got == want).all(), name, w, h, "another picture")
        stream.end()


def repacked():
    stream = Stream("")
    for name in FORMATS:
        for w, h in SIZES:
            sample = made(name, w, h)
            got, planes = stream.through(sample.get_buffer(), caps_of(name, w, h)), planes_of(name, w, h)
            check(same_caps(got, name, w, h), name, w, h, got.get_caps().to_string())
            a, b = bytes_of(sample), bytes_of(got)
            check(len(a) == len(b) and all((p.read(a) == p.read(b)).all() for p in planes), name, w, h, "other bytes")
    stream.end()


def peer():
    context = zmq.Context.instance()
    inward = context.socket(zmq.PAIR)
    port = inward.bind_to_random_port("tcp://127.0.0.1")
    sender = start(f"appsrc name=in format=time is-live=true ! netgearsink raw-formats=any address=127.0.0.1 port={port}")
    for name in FORMATS:
        for w, h in SIZES:
            sample = made(name, w, h)
            sender.get_by_name("in").emit("push-sample", Gst.Sample.new(sample.get_buffer(), Gst.Caps.from_string(caps_of(name, w, h)), None, None))
            if not inward.poll(20000):
                raise SystemExit(f"{name} {w}x{h}: no frame within 20 s")
            header, data = inward.recv_multipart()
            inward.send(b"Data received on device: 1")
            header = json.loads(header)
            check([header["dtype"], header["shape"]] == list(shape_of(name, w, h)), name, w, h, header)
            want = b"".join(p.array(bytes_of(sample)).tobytes() for p in planes_of(name, w, h))
            check(data == want, name, w, h, "another array")
            array = np.frombuffer(data, header["dtype"]).reshape(header["shape"])
            if name in TO_BGR and min(w, h) > 3:
                shows(name, w, h, cv2.cvtColor(array, TO_BGR[name])[:h, :w])
            back(name, w, h, array, sample)
    sender.set_state(Gst.State.NULL)


def shows(name, w, h, shown):
    """The picture is what GStreamer makes of the same frame, but for its interpolation: compared in the middle of its colour bars."""
    check(shown.shape == (h, w, 3), name, w, h, shown.shape)
    if (w, h) != (320, 240):
        return
    want = picture(bytes_of(made(name, w, h, ("bayer2rgb ! " if name in BAYER else "") + "videoconvert ! video/x-raw,format=BGR !")), w, h)
    for x in (int((i + 0.5) * w / 7) for i in range(7)):
        check(abs(shown[20, x].astype(int) - want[20, x]).max() < 12, name, w, h, x, shown[20, x], want[20, x])


def back(name, w, h, array, sample):
    """A Python sender says nothing of its array: the source's caps do."""
    if (w, h) not in ((320, 240), (33, 21), (6, 4)):
        return
    receiver = start(f'netgearsrc name=src address=127.0.0.1 port=0 caps="{caps_of(name, w, h)}" ! appsink name=out sync=false')
    outward = zmq.Context.instance().socket(zmq.PAIR)
    outward.connect(f"tcp://127.0.0.1:{receiver.get_by_name('src').get_property('current-port')}")
    header = {"terminate_flag": False, "compression": False, "message": None, "pattern": "0", "dtype": str(array.dtype), "shape": list(array.shape)}
    outward.send_multipart([json.dumps(header).encode(), np.ascontiguousarray(array)])
    got = pull(receiver)
    check(same_caps(got, name, w, h) and "25/1" in got.get_caps().to_string(), name, w, h, got.get_caps().to_string())
    a, b = bytes_of(sample), bytes_of(got)
    check(all((p.read(a) == p.read(b)).all() for p in planes_of(name, w, h)), name, w, h, "other bytes back")
    outward.close(0)
    receiver.set_state(Gst.State.NULL)


def laid_out(name, w, h, sample, case):
    """A buffer with the rows of the sample laid out in another way."""
    data, planes = bytes_of(sample), planes_of(name, w, h)
    parts, strides, offsets, at = [], [0] * 4, [0] * 4, 0
    for i, p in enumerate(planes):
        rows = p.read(data)
        pad = 0 if case == "planes apart" else 37
        lead = 123 if case == "offset" else 0
        padded = np.hstack([rows, np.full((p.rows, pad), 0xEE, np.uint8)])
        if case == "upside down":
            padded = padded[::-1]
        part = b"\xee" * lead + np.ascontiguousarray(padded).tobytes()
        strides[i], offsets[i] = padded.shape[1], at + lead
        if case == "upside down":
            offsets[i] += padded.shape[1] * (p.rows - 1)
            strides[i] = -strides[i]
        parts.append(part)
        at += len(part)
    whole = b"".join(parts)
    if case == "torn":  # a memory ends in the midst of a row
        parts = [whole[: len(whole) // 3 + 1], whole[len(whole) // 3 + 1 :]]
    elif case not in ("planes apart", "padded planes apart"):
        parts = [whole]
    buffer = Gst.Buffer.new()
    for part in parts:
        buffer.append_memory(Gst.Buffer.new_wrapped(part).get_all_memory())
    format = GstVideo.VideoFormat.from_string("GRAY8" if name in BAYER else name)
    GstVideo.buffer_add_video_meta_full(buffer, GstVideo.VideoFrameFlags.NONE, format, w, h, len(planes), offsets, strides)
    return buffer


def layouts():
    stream = Stream("")
    for name in FORMATS + ("BGR", "GRAY8"):
        for w, h in ((64, 48), (34, 18), (33, 21)):
            sample = made(name, w, h)
            for case in ("stride", "offset", "planes apart", "padded planes apart", "torn", "upside down"):
                got = stream.through(laid_out(name, w, h, sample, case), caps_of(name, w, h))
                a, b = bytes_of(sample), bytes_of(got)
                check(all((p.read(a) == p.read(b)).all() for p in planes_of(name, w, h)), name, w, h, case)
    stream.end()


globals()[sys.argv[1]]()
print(right, "right,", len(failures), "failed")
sys.exit(bool(failures))
