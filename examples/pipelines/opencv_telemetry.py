#!/usr/bin/python3
"""Sends frames with telemetry beside each, as a drone would: data of any JSON kind in the header of NetGear's message.

Usage: opencv_telemetry.py [ADDRESS [PORT [CAMERA]]]      default: localhost 5555
Example: opencv_telemetry.py 192.168.1.7

CAMERA is OpenCV's number of a camera, or a file; without one a white disc moves over red. The telemetry is made up. FRAMES=n
stops after n frames. The other end: telemetry-overlay.py.

With VidGear these three lines are the whole of it:
    server = NetGear(address="localhost", port="5555", bidirectional_mode=True)
    for frame, data in measured(camera): server.send(frame, message=data)
    server.close()
"""

import json
import math
import os
import sys
import time

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import cv2
import numpy as np
import zmq

address, port, camera = (sys.argv[1:] + ["localhost", "5555", ""][len(sys.argv) - 1 :])[:3]
limit = int(os.environ.get("FRAMES") or 0)  # 0: no limit


def frames(camera):
    """Yields BGR pictures."""
    if camera:
        capture = cv2.VideoCapture(int(camera) if camera.isdigit() else camera)
        while True:
            ok, frame = capture.read()
            if not ok:
                return
            yield frame
    x = 0
    while True:
        frame = np.full((480, 640, 3), (0, 0, 255), np.uint8)  # blue, green, red
        cv2.circle(frame, (x % 640, 240), 60, (255, 255, 255), -1)
        x += 8
        yield frame
        time.sleep(1 / 30)


def measured(camera):
    """Yields a picture and what was measured with it."""
    for n, frame in enumerate(frames(camera), 1):
        yield frame, {"frame": n, "altitude": round(120 + 8 * math.sin(n / 40), 1), "battery": max(0, 98 - n // 300)}


def header(message):
    """Returns NetGear's header of a JPEG frame."""
    return json.dumps(
        {
            "terminate_flag": False,
            "compression": {"dct": True, "ups": False, "colorspace": "BGR"},
            "message": message,
            "pattern": "0",
            "dtype": "",
            "shape": "",
        }
    ).encode()


sock = zmq.Context.instance().socket(zmq.PAIR)  # zmq.REQ for pattern=req-rep
sock.linger = 1000  # ms for the goodbye to leave
sock.connect(f"tcp://{address}:{port}")

count = 0
for frame, data in measured(camera):
    sock.send_multipart([header(data), cv2.imencode(".jpg", frame)[1]])
    while not sock.poll(4000):  # ms; a real program gives up, or reconnects, some time
        print("no receiver has answered yet", file=sys.stderr)
    sock.recv_multipart()  # in bidirectional mode JSON: what the receiver gave as return_data
    count += 1
    if count == limit:
        break

sock.send(json.dumps({"terminate_flag": True}).encode())
sock.close()
print(f"sent {count} frames")
