#!/usr/bin/python3
"""plot: draws what soak has sampled: plot.py FIGURES.json PICTURE.svg"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

plt.rcParams.update({"svg.hashsalt": "soak", "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False})
PANELS = (
    ("MB", (("rss_mb", "resident"), ("malloc_mb", "allocated by C"), ("heap_mb", "Go heap, live"))),
    ("number", (("fds", "file descriptors"), ("threads", "threads"), ("goroutines", "goroutines"))),
)

with open(sys.argv[1]) as file:
    report = json.load(file)
minutes = [s["seconds"] / 60 for s in report["samples"]]
figure, panels = plt.subplots(len(PANELS), sharex=True, figsize=(9, 5), constrained_layout=True)
for panel, (unit, fields) in zip(panels, PANELS):
    for field, name in fields:
        panel.plot(minutes, [s[field] for s in report["samples"]], label=name)
    panel.axvspan(0, minutes[report["warm"]], color="0.92", label="warm-up")
    panel.set(ylabel=unit, ylim=(0, None), xlim=(0, minutes[-1]))
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
panels[-1].set_xlabel("minutes")
figure.savefig(sys.argv[2], metadata={"Date": None})
