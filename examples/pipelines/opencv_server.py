#!/usr/bin/python3
"""One camera of a wall, from Python: a server of NetGear's multi-server mode, on plain pyzmq. Its frames are JPEG.

Usage: opencv_server.py [PORT [ADDRESS [CAMERA]]]      default: 5568 localhost
Example: opencv_server.py 5568 192.168.1.7

ADDRESS is that of the receiver, PORT one of its ports. CAMERA is OpenCV's number of a camera, or a file; without one a white
disc moves over red. FRAMES=n stops after n frames. The other end: camera-wall.sh.

With VidGear these three lines are the whole of it:
    server = NetGear(address="localhost", port="5568", pattern=1, multiserver_mode=True)
    for frame in frames(camera): server.send(frame, message="camera-5568")
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

port, address, camera = (sys.argv[1:] + ["5568", "localhost", ""][len(sys.argv) - 1 :])[:3]
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


header = {
    "port": port,  # by which the receiver knows this server
    "terminate_flag": False,
    "compression": {"dct": True, "ups": False, "colorspace": "BGR"},
    "message": f"camera-{port}",
    "pattern": "1",
    "dtype": "",
    "shape": "",
}

sock = zmq.Context.instance().socket(zmq.REQ)  # zmq.PUB, without answers, for pattern=pub-sub
sock.req_relaxed = sock.req_correlate = True
sock.linger = 1000  # ms
sock.connect(f"tcp://{address}:{port}")

count = 0
for frame in frames(camera):
    sock.send_multipart([json.dumps(header).encode(), cv2.imencode(".jpg", frame)[1]])
    while not sock.poll(4000):  # ms; a real program gives up, or reconnects, some time
        print("no receiver has answered yet", file=sys.stderr)
    sock.recv_multipart()
    count += 1
    if count == limit:
        break

sock.send(json.dumps({"terminate_flag": True, "port": port}).encode())
sock.poll(1000)  # the answer to the goodbye
sock.close()
print(f"sent {count} frames")
