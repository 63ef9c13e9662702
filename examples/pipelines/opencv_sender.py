#!/usr/bin/python3
"""Sends raw BGR frames that OpenCV drew, or a camera's, to netgearsrc: the wire format of NetGear on plain pyzmq.

Usage: opencv_sender.py [ADDRESS [PORT [CAMERA]]]      default: localhost 5555
Example: opencv_sender.py 192.168.1.7 5555 0

CAMERA is OpenCV's number of a camera, or a file; without one a white disc moves over red. FRAMES=n stops after n frames.
The other end: raw-bgr-from-opencv.sh or receiver.sh.

With VidGear these three lines are the whole of it:
    server = NetGear(address="localhost", port="5555", jpeg_compression=False)
    for frame in frames(camera): server.send(frame)
    server.close()
"""

import json
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


def header(frame):
    """Returns NetGear's header of a raw frame."""
    return json.dumps(
        {
            "terminate_flag": False,
            "compression": False,
            "message": None,
            "pattern": "0",
            "dtype": str(frame.dtype),
            "shape": frame.shape,
        }
    ).encode()


sock = zmq.Context.instance().socket(zmq.PAIR)  # zmq.REQ for pattern=req-rep
sock.linger = 1000  # ms for the goodbye to leave
sock.connect(f"tcp://{address}:{port}")

count = 0
for frame in frames(camera):
    sock.send_multipart([header(frame), np.ascontiguousarray(frame)])
    while not sock.poll(4000):  # ms; a real program gives up, or reconnects, some time
        print("no receiver has answered yet", file=sys.stderr)
    sock.recv_multipart()
    count += 1
    if count == limit:
        break

sock.send(json.dumps({"terminate_flag": True}).encode())
sock.close()
print(f"sent {count} frames")
