#!/usr/bin/python3
"""plot: draws what soak has sampled: plot.py FIGURES.json PICTURE.png"""

import json
import sys

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
COLOURS = [(160, 90, 20), (60, 140, 220), (80, 170, 80)]  # BGR
WIDTH, PANEL = 900, 200


def text(image, what, x, y, size=0.45):
    cv2.putText(image, what, (int(x), int(y)), FONT, size, (40, 40, 40), 1, cv2.LINE_AA)


def panel(image, top, samples, title, fields, warm):
    """Draws the fields over the time, from zero, and shades the warm-up."""
    left, right, bottom = 60, WIDTH - 20, top + PANEL - 40
    text(image, title, left, top + 16, 0.5)
    minutes = [s["seconds"] / 60 for s in samples]
    most = max(s[f] for s in samples for f, _ in fields) * 1.1
    x = lambda m: int(left + m / minutes[-1] * (right - left))
    y = lambda v: int(bottom - v / most * (bottom - top - 30))
    cv2.rectangle(image, (left, top + 30), (x(minutes[warm]), bottom), (240, 240, 240), -1)
    cv2.rectangle(image, (left, top + 30), (right, bottom), (180, 180, 180), 1)
    for k in range(5):
        text(image, f"{most * k / 4:.0f}", 12, y(most * k / 4) + 4, 0.4)
        text(image, f"{minutes[-1] * k / 4:.0f} min", x(minutes[-1] * k / 4) - 30, bottom + 16, 0.4)
    at = left + 200
    for colour, (field, name) in zip(COLOURS, fields):
        points = [(x(m), y(s[field])) for m, s in zip(minutes, samples)]
        for a, b in zip(points, points[1:]):
            cv2.line(image, a, b, colour, 2, cv2.LINE_AA)
        cv2.rectangle(image, (at, top + 7), (at + 10, top + 17), colour, -1)
        text(image, name, at + 16, top + 16, 0.42)
        at += 200


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    image = np.full((2 * PANEL, WIDTH, 3), 255, np.uint8)
    samples = report["samples"]
    panel(image, 0, samples, "Memory, MB", [("rss_mb", "resident"), ("malloc_mb", "allocated by C"), ("heap_mb", "Go heap, live")], report["warm"])
    panel(image, PANEL, samples, "Numbers", [("fds", "file descriptors"), ("threads", "threads"), ("goroutines", "goroutines")], report["warm"])
    if not cv2.imwrite(sys.argv[2], image):
        raise SystemExit("cannot write " + sys.argv[2])


main()
