#!/usr/bin/python3
"""Receives frames, raw or JPEG, from netgearsink into numpy arrays: the wire format of NetGear on plain pyzmq.

Usage: opencv_receiver.py [ADDRESS [PORT [OUTPUT]]]      default: * 5555
Example: opencv_receiver.py '*' 5555 received.png

Shows the frames where there is a display, else writes the last one to OUTPUT (default received.png). FRAMES=n stops after n
frames. The other end: raw-bgr-to-opencv.sh or camera-jpeg-sender.sh.

With VidGear these three lines are the whole of it:
    client = NetGear(receive_mode=True, address="*", port="5555")
    while (frame := client.recv()) is not None: cv2.imshow("netgear", frame); cv2.waitKey(1)
    client.close()
"""

import json
import os
import sys

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import cv2
import numpy as np
import zmq

address, port, output = (sys.argv[1:] + ["*", "5555", ""][len(sys.argv) - 1 :])[:3]
limit = int(os.environ.get("FRAMES") or 0)  # 0: no limit
window = not output and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

sock = zmq.Context.instance().socket(zmq.PAIR)  # zmq.REP for pattern=req-rep; zmq.SUB, without answers, for pub-sub
sock.linger = 1000  # ms for the last answer to leave
sock.bind(f"tcp://{address}:{port}")

frame, count = None, 0
while not limit or count < limit:
    head, *body = sock.recv_multipart(copy=False)
    header = json.loads(head.bytes)
    if header["terminate_flag"]:  # the sender says goodbye
        break
    sock.send(b"Data received on device: OPENCV01 !")  # the sender waits for this before the next frame
    if header["compression"]:
        gray = header["compression"]["colorspace"] == "GRAY"
        frame = cv2.imdecode(np.frombuffer(body[0].buffer, np.uint8), cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR)
    else:
        frame = np.frombuffer(body[0].buffer, header["dtype"]).reshape(header["shape"])
    count += 1
    if window:
        cv2.imshow("netgear", frame)
        if cv2.waitKey(1) == ord("q"):
            break

sock.close()
print(f"received {count} frames")
if frame is not None and not window:
    cv2.imwrite(output or "received.png", frame)
