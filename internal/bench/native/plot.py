#!/usr/bin/python3
"""plot: draws what bench has written: plot.py FIGURES.json PICTURE.png"""

import json
import sys

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
COLOURS = [(160, 90, 20), (120, 120, 120), (60, 140, 220), (80, 170, 80), (170, 120, 180), (90, 90, 200), (40, 180, 200)]  # BGR


def text(image, what, x, y, size=0.45, colour=(40, 40, 40)):
    cv2.putText(image, what, (int(x), int(y)), FONT, size, colour, 1, cv2.LINE_AA)


def width_of(what, size=0.45):
    return cv2.getTextSize(what, FONT, size, 1)[0][0]


def bars(rows):
    """One group of bars for each case, as long as the contender is fast compared with ours."""
    rows = [r for r in rows if "pub-sub" not in r["case"]]  # a race to drop frames, see the table
    cases = list(dict.fromkeys(r["case"] for r in rows))
    names = list(dict.fromkeys(r["contender"] for r in rows))
    left, scale, line = 190, 420, 20
    height = 110 + sum(len([r for r in rows if r["case"] == c]) * line + 16 for c in cases)
    image = np.full((height, 1000, 3), 255, np.uint8)
    text(image, "Frames per second, compared with netgearsink ! netgearsrc (the line)", 20, 30, 0.6)
    x, y = 20, 46
    for i, name in enumerate(names):
        if x + 30 + width_of(name, 0.42) > 990:
            x, y = 20, y + 20
        cv2.rectangle(image, (x, y), (x + 12, y + 12), COLOURS[i % len(COLOURS)], -1)
        text(image, name, x + 18, y + 11, 0.42)
        x += 30 + width_of(name, 0.42)
    y = 100
    for case in cases:
        group = [r for r in rows if r["case"] == case]
        text(image, case, 20, y + 14)
        for r in group:
            relative = 1 / r["ratio"] if r["ratio"] else 0
            end = left + int(min(relative, 1.6) * scale)
            cv2.rectangle(image, (left, y + 3), (end, y + line - 4), COLOURS[names.index(r["contender"]) % len(COLOURS)], -1)
            text(image, f"{r['fps']:.0f}/s  {relative:.2f}", end + 6, y + 14, 0.42)
            y += line
        y += 16
    cv2.line(image, (left + scale, 90), (left + scale, height - 10), (0, 0, 0), 1)
    return image


def curves(rows):
    """CPU against the number of peers, for each kind of row at a camera's rate."""
    image = np.full((460, 900, 3), 255, np.uint8)
    text(image, "30 frames/s of 100 kB each: CPU of the one end, as a share of a core", 20, 30, 0.6)
    box = (80, 60, 760, 340)  # x, y, width, height
    cv2.rectangle(image, box[:2], (box[0] + box[2], box[1] + box[3]), (200, 200, 200), 1)
    series = {"one sink, so many subscribers": [], "one source, so many servers": []}
    for r in rows:
        if "30 frames/s" in r["what"]:
            if "subscribers" in r["what"]:
                series["one sink, so many subscribers"].append((r["many"], r["cpu_send"]))
            else:
                series["one source, so many servers"].append((r["many"], r["cpu_recv"]))
    most = max(m for s in series.values() for m, _ in s)
    top = max(c for s in series.values() for _, c in s) * 1.15
    for i, (name, points) in enumerate(series.items()):
        at = [(int(box[0] + m / most * box[2]), int(box[1] + box[3] - c / top * box[3])) for m, c in points]
        colour = COLOURS[0] if i == 0 else COLOURS[2]
        for a, b in zip(at, at[1:]):
            cv2.line(image, a, b, colour, 2, cv2.LINE_AA)
        for (x, y), (m, c) in zip(at, points):
            cv2.circle(image, (x, y), 4, colour, -1, cv2.LINE_AA)
            text(image, f"{m}: {100 * c:.1f} %", x - 30, y - 10, 0.42)
        cv2.rectangle(image, (80 + 330 * i, 425), (92 + 330 * i, 437), colour, -1)
        text(image, name, 98 + 330 * i, 436, 0.45)
    return image


def times(rows):
    """Median and 99th percentile, as bars."""
    image = np.full((70 + 44 * len(rows), 760, 3), 255, np.uint8)
    text(image, "Live 640x480 JPEG, 30 frames/s: from the sink's pad to the source's, ms", 20, 30, 0.55)
    most = max(r["p99_ms"] for r in rows)
    for i, r in enumerate(rows):
        y = 56 + 44 * i
        text(image, r["what"], 20, y + 18)
        for k, name in enumerate(("median_ms", "p99_ms")):
            end = 190 + int(r[name] / most * 420)
            cv2.rectangle(image, (190, y + 16 * k), (end, y + 16 * k + 11), COLOURS[k], -1)
            text(image, f"{r[name]:.2f} {'median' if k == 0 else '99th percentile'}", end + 6, y + 16 * k + 10, 0.4)
    return image


def main():
    with open(sys.argv[1]) as file:
        rows = json.load(file)
    picture = curves(rows) if "many" in rows[0] else times(rows) if "median_ms" in rows[0] else bars(rows)
    if not cv2.imwrite(sys.argv[2], picture):
        raise SystemExit("cannot write " + sys.argv[2])


main()
