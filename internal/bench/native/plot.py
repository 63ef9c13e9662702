#!/usr/bin/python3
"""plot: draws what bench has written: plot.py FIGURES.json PICTURE.svg"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

plt.rcParams.update({"svg.hashsalt": "bench", "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False})


def in_order(values):
    return list(dict.fromkeys(values))


def speed(rows):
    """A group of bars for each case, as long as the contender is fast compared with ours."""
    rows = [r for r in rows if "pub-sub" not in r["case"]]  # a race to drop frames, see the table
    cases, names = in_order(r["case"] for r in rows), in_order(r["contender"] for r in rows)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.26 * (len(rows) + len(cases))), constrained_layout=True)
    at, ticks, longest = 0.0, [], 3.5  # a longer bar is cut off, and its number stands behind it
    drawn = {}
    for case in cases:
        group = [r for r in rows if r["case"] == case]
        ticks.append(at + (len(group) - 1) / 2)
        for r in group:
            relative = 1 / r["ratio"] if r["ratio"] else 0
            shown = min(relative, longest)
            drawn[r["contender"]] = axes.barh(at, shown, color=f"C{names.index(r['contender'])}")
            axes.text(shown + 0.02, at, f"{r['fps']:.0f}/s, {relative:.2f}", va="center", fontsize=8)
            at += 1
        at += 1
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(yticks=ticks, yticklabels=cases, xlim=(0, 1.15 * longest), xlabel="frames per second, netgearsink ! netgearsrc = 1")
    axes.invert_yaxis()
    axes.legend(drawn.values(), drawn.keys(), loc="lower center", bbox_to_anchor=(0.4, 1), ncol=3, frameon=False)
    return figure


def scale(rows):
    """CPU against the number of peers, for each kind of row at a camera's rate."""
    figure, axes = plt.subplots(figsize=(9, 4), constrained_layout=True)
    for name, kind, field in (("one sink, so many subscribers", "subscribers", "cpu_send"), ("one source, so many servers", "servers", "cpu_recv")):
        points = [(r["many"], 100 * r[field]) for r in rows if "30 frames/s" in r["what"] and kind in r["what"]]
        axes.plot(*zip(*points), "o-", label=name)
        for many, cpu in points:
            axes.annotate(f"{cpu:.1f} %", (many, cpu), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8)
    axes.set(xlabel="peers, each with 30 frames/s of 100 kB", ylabel="CPU of the one end, % of a core", ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def latency(rows):
    """Median and 99th percentile, as bars."""
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.5 * len(rows)), constrained_layout=True)
    for k, (field, name) in enumerate((("median_ms", "median"), ("p99_ms", "99th percentile"))):
        bars = axes.barh([i + 0.4 * k for i in range(len(rows))], [r[field] for r in rows], 0.4, label=name)
        for bar in bars:
            axes.text(bar.get_width(), bar.get_y() + 0.2, f" {bar.get_width():.2f}", va="center", fontsize=8)
    axes.set(yticks=[i + 0.2 for i in range(len(rows))], yticklabels=[r["what"] for r in rows])
    axes.set_xlabel("ms from the sink's pad to the source's, live 640x480 JPEG, 30 frames/s")
    axes.invert_yaxis()
    axes.legend(frameon=False)
    return figure


def links(rows):
    """The age of what came over the links that change, against time."""
    rows = [r for r in rows if r.get("points")]
    names = list(dict.fromkeys(r["link"] for r in rows))
    figure, all_axes = plt.subplots(max(len(names), 1), figsize=(9, 4.5 * max(len(names), 1)), constrained_layout=True, squeeze=False)
    for name, axes in zip(names, all_axes[:, 0]):
        those = [r for r in rows if r["link"] == name]
        for r in those:
            axes.plot(*zip(*r["points"]), ".-", markersize=3, linewidth=0.8, label=r["with"])
        end = max(at for r in those for at, _ in r["points"])
        axes.axvspan(end / 3, 2 * end / 3, color="0.92", zorder=0)
        axes.set(xlabel=f"s; {name.removesuffix(', the first 20')}: grey is slow", ylabel="age of a picture when it arrives, ms", yscale="log", xlim=(0, end))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, ncol=2, fontsize=8)
    return figure


with open(sys.argv[1]) as file:
    rows = json.load(file)
draw = links if "use" in rows[0] else scale if "many" in rows[0] else latency if "median_ms" in rows[0] else speed
draw(rows).savefig(sys.argv[2], metadata={"Date": None})
