"""Parses each line of stdin as a pipeline, in the pieces that elements leave which this machine lacks.

Prints for each line, as JSON, which elements are missing, what stands before netgearsink, and what GStreamer does not like.
"""

import json
import shlex
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

Gst.init(None)


def refused(piece):
    """Returns why a list of elements is no pipeline, or ""."""
    around = ["identity"]  # caps want an element on either side
    if piece and "/" in piece[0][0]:
        piece = [around, *piece]
    if not piece or "/" in piece[-1][0]:
        piece = [*piece, around]
    words = [word for part in piece for word in [*part, "!"]][:-1]
    try:
        Gst.parse_launchv(words)
    except GLib.Error as error:
        return error.message
    return ""


for line in sys.stdin:
    parts, part = [], []
    for word in [*shlex.split(line)[1:], "!"]:  # without gst-launch-1.0
        if word == "!":
            parts, part = [*parts, part], []
        elif word != "-e":
            part.append(word)
    missing, pieces = [], [[]]
    for part in parts:
        if "/" in part[0] or Gst.ElementFactory.find(part[0]):
            pieces[-1].append(part)
        else:
            missing.append(part[0])
            pieces.append([])
    names = [part[0] for part in parts if "/" not in part[0]]
    before = names[names.index("netgearsink") - 1] if "netgearsink" in names else ""
    error = "; ".join(filter(None, map(refused, pieces)))
    print(json.dumps({"missing": missing, "before": before, "error": error}))
