#!/usr/bin/python3
"""Makes docs/wall.jpg: three cameras and a detector, four senders in one picture (make pictures).

Photographs stand in for the cameras: Eileen Collins (NASA, public domain), a cup of coffee (Rachel Michetti, CC0) and a cat (Stefan van
der Walt, CC0), from Debian's python3-skimage. The detector is OpenCV, which receives the first camera with cv2.VideoCapture, marks
faces and sends the result with cv2.VideoWriter. Only the wall is new: examples/pipelines/camera-wall.sh.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import cv2

ROOT = pathlib.Path(__file__).resolve().parents[1]
PHOTOS = os.environ.get("PHOTOS", "/usr/lib/python3/dist-packages/skimage/data")
CASCADE = os.environ.get("CASCADE", "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml")
PICTURE = "video/x-raw,format=I420,width=640,height=480,framerate=15/1,colorimetry=1:4:0:0"
WALL = "multiserver-mode=true pattern=req-rep"
LASTS = 12  # seconds


def crop(name):
    """Writes a photograph of 4:3 for a camera to show, and returns its path."""
    picture = cv2.imread(f"{PHOTOS}/{name}.png")
    height, width = picture.shape[:2]
    if width * 3 > height * 4:
        left = (width - height * 4 // 3) // 2
        picture = picture[:, left : left + height * 4 // 3]
    else:
        picture = picture[: width * 3 // 4]
    path = ROOT / "build" / f"{name}.png"
    cv2.imwrite(str(path), cv2.resize(picture, (640, 480), interpolation=cv2.INTER_AREA))
    return path


def camera(name, sink):
    pipeline = f"filesrc location={crop(name)} ! pngdec ! imagefreeze is-live=true ! videoconvert ! {PICTURE} ! jpegenc ! {sink}"
    return subprocess.Popen(["gst-launch-1.0", "-q", "-e", *pipeline.split()])


def detect():
    """Is the detector: receives, marks faces, sends, until the camera says goodbye."""
    video = cv2.VideoCapture("netgearsrc port=5570 ! decodebin ! videoconvert ! appsink drop=true max-buffers=1", cv2.CAP_GSTREAMER)
    wall = cv2.VideoWriter(f"appsrc ! videoconvert ! {PICTURE} ! jpegenc ! netgearsink {WALL} port=5567", cv2.CAP_GSTREAMER, 0, 15, (640, 480))
    faces = cv2.CascadeClassifier(CASCADE)
    while (read := video.read())[0]:
        frame = read[1]
        for x, y, w, h in faces.detectMultiScale(frame, 1.1, 8, minSize=(100, 100)):
            cv2.rectangle(frame, (x, y), (x + w, y + h), (80, 255, 80), 6)
            cv2.putText(frame, "face", (x, y - 14), cv2.FONT_HERSHEY_DUPLEX, 1.5, (80, 255, 80), 3, cv2.LINE_AA)
        wall.write(frame)
    wall.release()


def main():
    os.environ["GST_PLUGIN_PATH"] = str(ROOT / "build")
    if sys.argv[1:] == ["detector"]:
        return detect()
    png = ROOT / "build" / "wall.png"
    running = [
        subprocess.Popen([ROOT / "examples/pipelines/camera-wall.sh", "5566,5567,5568,5569", png]),
        subprocess.Popen([sys.executable, __file__, "detector"]),
        camera("astronaut", f"tee name=t t. ! queue ! netgearsink {WALL} port=5566 t. ! queue ! netgearsink port=5570"),
        camera("coffee", f"netgearsink {WALL} port=5568"),
        camera("chelsea", f"netgearsink {WALL} port=5569"),
    ]
    time.sleep(LASTS)
    running[0].send_signal(signal.SIGINT)  # the wall first: its last picture has all four in it
    for process in running:
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
    if not png.exists():
        sys.exit("error: the wall wrote no picture")
    cv2.imwrite(str(ROOT / "docs" / "wall.jpg"), cv2.imread(str(png)), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print("docs/wall.jpg")


main()
