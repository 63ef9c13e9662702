#!/usr/bin/python3
"""Finds things in the frames that netgearsink sends and answers with what it found: NetGear's bidirectional mode, on plain
pyzmq.

Usage: opencv_detector.py [ADDRESS [PORT]]      default: * 5555
Example: opencv_detector.py '*' 5555

It looks for bright spots, in the place of a neural network. FRAMES=n stops after n frames. The other end: detector-camera.py.

With VidGear these five lines are the whole of it:
    client = NetGear(receive_mode=True, address="*", port="5555", bidirectional_mode=True)
    found = None
    while (data := client.recv(return_data=found)) is not None:
        found = detect(data[1])  # data[0] is the message that came with the frame
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

address, port = (sys.argv[1:] + ["*", "5555"][len(sys.argv) - 1 :])[:2]
limit = int(os.environ.get("FRAMES") or 0)  # 0: no limit


def detect(frame):
    """Returns a list of what is in a BGR picture, as JSON can hold it: no numpy numbers."""
    _, bright = cv2.threshold(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 200, 255, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [{"label": "bright spot", "box": list(cv2.boundingRect(c))} for c in contours if cv2.contourArea(c) > 100]


sock = zmq.Context.instance().socket(zmq.PAIR)  # zmq.REP for pattern=req-rep
sock.linger = 1000  # ms for the last answer to leave
sock.bind(f"tcp://{address}:{port}")

found, count, spots = None, 0, 0
while not limit or count < limit:
    head, *body = sock.recv_multipart(copy=False)
    header = json.loads(head.bytes)
    if header["terminate_flag"]:  # the sender says goodbye
        break
    # The answer goes out before the work is done, so that the sender need not wait: it is about the frame before.
    sock.send(json.dumps({"return_type": type(found).__name__, "data": found}).encode())
    if header["compression"]:
        frame = cv2.imdecode(np.frombuffer(body[0].buffer, np.uint8), cv2.IMREAD_COLOR)
    else:
        frame = np.frombuffer(body[0].buffer, header["dtype"]).reshape(header["shape"])
    found = detect(frame)
    count, spots = count + 1, spots + len(found)

sock.close()
print(f"received {count} frames, found {spots} spots")
