"""Cameras in step that all see one lamp, which gets brighter 25 times a second, and on whose way each frame is held
up for up to 40 ms: shades.py send PORTS SECONDS [SETTINGS], to 127.0.0.1.

shades.py compare FILE tells how often the tiles of a wall of such cameras show the lamp alike: {"event": "alike", "n": …, "of": …}"""

import json
import random
import sys
import threading
import time

STEPS, FPS = 18, 25


def send(ports, seconds, settings):
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    until = time.monotonic() + seconds

    def hold_up(pad, info):
        time.sleep(random.random() * 0.04)
        return Gst.PadProbeReturn.OK

    def camera(port):
        pipeline = Gst.parse_launch(
            f"appsrc name=in is-live=true format=time caps=video/x-raw,format=GRAY8,width=64,height=48,framerate={FPS}/1 ! jpegenc quality=95 "
            f"! queue ! identity name=way ! netgearsink address=127.0.0.1 {settings} port={port}"
        )
        pipeline.get_by_name("way").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, hold_up)
        clock = Gst.SystemClock.obtain()
        base = clock.get_time()
        pipeline.use_clock(clock)
        pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
        pipeline.set_base_time(base)
        pipeline.set_state(Gst.State.PLAYING)
        tick = base * FPS // Gst.SECOND + 1
        while time.monotonic() < until:
            due = tick * Gst.SECOND // FPS
            time.sleep(max(0, due - clock.get_time()) / 1e9)
            buffer = Gst.Buffer.new_wrapped(bytes([50 + tick % STEPS * 10]) * (64 * 48))
            buffer.pts, buffer.duration = due - base, Gst.SECOND // FPS
            pipeline.get_by_name("in").emit("push-buffer", buffer)
            tick += 1
        pipeline.get_by_name("in").emit("end-of-stream")
        pipeline.get_bus().timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        pipeline.set_state(Gst.State.NULL)

    threads = [threading.Thread(target=camera, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def compare(name):
    import cv2

    video = cv2.VideoCapture(name)
    alike = lit = 0
    while True:
        ok, picture = video.read()
        if not ok:
            break
        tiles = [picture[y + 60 : y + 180, x + 80 : x + 240].mean() for y, x in ((0, 0), (0, 320), (240, 0))]
        if min(tiles) < 30:
            continue  # one is not there yet, or gone
        lit += 1
        if lit > 3 * 30:
            alike += max(tiles) - min(tiles) < 5
    print(json.dumps({"event": "alike", "n": int(alike), "of": lit - 90}), flush=True)


if sys.argv[1] == "send":
    send(sys.argv[2].split(","), float(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "pattern=req-rep multiserver-mode=true")
else:
    compare(sys.argv[2])
