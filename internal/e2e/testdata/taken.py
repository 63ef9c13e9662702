"""When pictures were taken, from buffer to buffer: taken.py CASE, which ends with status 0 when all is as it must be.

    unix   a buffer with a timestamp/x-unix keeps it over the wire and over a relay
    ntp    one with a timestamp/x-ntp comes out with the same time as timestamp/x-unix
    relay  a relay in which frames wait: the receiver behind it still knows when they were taken, by its own clock
    clock  without either it is the time of the buffer by the pipeline's clock, and not that of sending
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402

NTP_TO_UNIX = 2208988800 * Gst.SECOND
DELAY = 0.3  # s, between camera and sink
CAPS = "video/x-raw,format=GRAY8,width=8,height=8,framerate=25/1"


def kind(name):
    return Gst.Caps.from_string("timestamp/x-" + name)


def play(text):
    pipeline = Gst.parse_launch(text)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def port(pipeline):
    return pipeline.get_by_name("src").get_property("current-port")


def pull(pipeline):
    sample = pipeline.get_by_name("out").try_pull_sample(20 * Gst.SECOND)
    assert sample, "no frame came"
    return sample.get_buffer()


def said(buffer):
    """What the metas say: the reference timestamp, capture-time and sender-time, in ns since 1970, or None."""
    meta = buffer.get_reference_timestamp_meta(kind("unix"))
    structure = Gst.ElementFactory.make("netgearsrc").emit("get-meta", buffer)
    ok, capture = structure.get_int64("capture-time")
    return meta.timestamp if meta else None, capture if ok else None, structure.get_int64("sender-time")[1]


def given(name, epoch):
    """Pushes buffers with a meta, through a relay."""
    end = play("netgearsrc name=src port=0 address=127.0.0.1 ! appsink name=out")
    relay = play(f"netgearsrc name=src port=0 address=127.0.0.1 ! netgearsink port={port(end)}")
    begin = play(f"appsrc name=in format=time is-live=true do-timestamp=true caps={CAPS} ! netgearsink port={port(relay)}")
    for i in range(3):
        buffer = Gst.Buffer.new_allocate(None, 64, None)
        taken = 1234567890123456789 + i  # in 2009
        buffer.add_reference_timestamp_meta(kind(name), taken + epoch, Gst.CLOCK_TIME_NONE)
        begin.get_by_name("in").push_buffer(buffer)
        reference, capture, _ = said(pull(end))
        assert reference == capture == taken, (reference, capture, taken)


def relay():
    end = play("netgearsrc name=src port=0 address=127.0.0.1 ! appsink name=out")
    middle = play(f"netgearsrc name=src port=0 address=127.0.0.1 ! queue ! identity sleep-time={int(DELAY * 1e6)} ! netgearsink port={port(end)}")
    play(f"videotestsrc is-live=true ! {CAPS} ! netgearsink port={port(middle)}")
    known = 0
    while known < 3:
        buffer = pull(end)
        structure = Gst.ElementFactory.make("netgearsrc").emit("get-meta", buffer)
        ok, local = structure.get_int64("local-capture-time")
        stats = end.get_by_name("src").get_property("stats")
        if not ok or local < time.time_ns() - 5e9 or stats.get_double("capture-to-receive-ms")[1] < DELAY * 1e3:
            assert known == 0 and structure.get_uint64("seq")[1] < 2, stats.to_string()
            continue  # one end has not measured the clocks yet
        known += 1
        capture = structure.get_int64("capture-time")[1]
        offset, bound = structure.get_int64("clock-offset")[1], structure.get_int64("clock-error")[1]
        assert abs(local - capture) < 50e6, (local, capture)  # the clocks are the same one
        assert abs(offset) <= bound, (offset, bound)
        assert abs(stats.get_double("clock-offset-ms")[1]) <= stats.get_double("clock-error-ms")[1], stats.to_string()


def clock():
    """A slow element between camera and sink: the times are those of the camera."""
    end = play("netgearsrc name=src port=0 address=127.0.0.1 ! appsink name=out")
    begin = play(
        f"videotestsrc is-live=true ! {CAPS} ! queue ! identity name=camera ! queue ! identity sleep-time={int(DELAY * 1e6)} ! netgearsink port={port(end)}"
    )
    left = []  # when each buffer left the camera

    def probe(pad, info):
        left.append(time.time_ns())
        return Gst.PadProbeReturn.OK

    begin.get_by_name("camera").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, probe)
    for _ in range(5):
        reference, capture, sent = said(pull(end))
        assert reference == capture, (reference, capture)
        assert sent - capture >= DELAY * 1e9, (sent, capture)
        nearest = min(abs(capture - t) for t in left)
        assert nearest < 100e6, f"captured {nearest / 1e6} ms from when any buffer was there"  # a third of DELAY: this machine may be busy
        latency = end.get_by_name("src").get_property("stats").get_double("capture-to-receive-ms")[1]
        assert latency >= DELAY * 1e3, latency
    begin.set_state(Gst.State.NULL)


Gst.init(None)
{"unix": lambda: given("unix", 0), "ntp": lambda: given("ntp", NTP_TO_UNIX), "relay": relay, "clock": clock}[sys.argv[1]]()
