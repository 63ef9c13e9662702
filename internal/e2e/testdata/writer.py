"""Writes 30 frames into a pipeline with OpenCV, as a program does that has a camera, and tells of each, one JSON object per line."""

import json
import sys
import time

import cv2
import numpy as np


def emit(event):
    sys.stdout.write(json.dumps({"event": event}) + "\n")
    sys.stdout.flush()


writer = cv2.VideoWriter(sys.argv[1], cv2.CAP_GSTREAMER, 0, 25.0, (320, 240), True)
if not writer.isOpened():
    sys.exit("OpenCV could not open the pipeline")
for _ in range(30):
    writer.write(np.zeros((240, 320, 3), np.uint8))
    emit("written")
    time.sleep(0.02)
writer.release()
emit("released")
