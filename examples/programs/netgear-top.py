#!/usr/bin/python3
"""Runs a pipeline and shows what its NetGear elements do: a live table, and the same numbers for Prometheus.

Usage: netgear-top.py [-i SECONDS] [-q] [--prometheus PORT|FILE] PIPELINE...
       netgear-top.py [-i SECONDS] http://HOST:PORT/metrics

Example: GST_PLUGIN_PATH=../../build ./netgear-top.py --prometheus 9464 netgearsrc ! decodebin ! fakesink
         ./netgear-top.py http://localhost:9464/metrics

The first runs PIPELINE, which is what gst-launch-1.0 takes, and can stand in its place in a service. The second looks into one that
runs, on this machine or another. On a terminal the table is drawn anew each time; elsewhere it is printed, for a log.

-i SECONDS          how often; default 1
-q                  no table: only who comes and goes, warnings, and the data beside the frames (post-messages=true)
--prometheus PORT   serves the numbers at http://127.0.0.1:PORT/metrics; 0 takes a free port, which is printed
--prometheus FILE   writes them to a file, for node_exporter's textfile collector (FILE ends in .prom)

Ctrl-C sends EOS, as gst-launch-1.0 -e does; a second one stops at once. docs/observability.md says what the numbers mean.
"""

import argparse
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What is shown: the field of stats, its metric, what kind that is, and the factor between their units.
SINK = {
    "frames-sent": ("netgear_frames_total", "counter", 1),
    "bytes-sent": ("netgear_bytes_total", "counter", 1),
    "acks-received": ("netgear_confirmed_frames_total", "counter", 1),
    "ack-rtt-avg-ms": ("netgear_confirmation_seconds", "gauge", 1e-3),
    "send-block-ms": ("netgear_blocked_seconds_total", "counter", 1e-3),
}
SOURCE = {
    "frames-received": ("netgear_frames_total", "counter", 1),
    "bytes-received": ("netgear_bytes_total", "counter", 1),
    "frames-missing": ("netgear_missing_frames_total", "counter", 1),
    "capture-to-receive-ms": ("netgear_capture_to_receive_seconds", "gauge", 1e-3),
}
BOTH = {
    "frames-dropped": ("netgear_dropped_frames_total", "counter", 1),
    "frames-malformed": ("netgear_malformed_messages_total", "counter", 1),
    "ack-timeouts": ("netgear_timeouts_total", "counter", 1),
    "reconnects": ("netgear_reconnects_total", "counter", 1),
    "auth-failures": ("netgear_refused_connections_total", "counter", 1),
    "clock-offset-ms": ("netgear_clock_offset_seconds", "gauge", 1e-3),
    "clock-error-ms": ("netgear_clock_error_seconds", "gauge", 1e-3),
    "signals-dropped": ("netgear_missed_signals_total", "counter", 1),
}
PEER = {
    "frames": ("netgear_peer_frames_total", "counter", 1),
    "rtt-ms": ("netgear_peer_rtt_seconds", "gauge", 1e-3),
    "delivery-rate": ("netgear_peer_bits_per_second", "gauge", 1),
    "unsent-bytes": ("netgear_peer_unsent_bytes", "gauge", 1),
    "retransmits": ("netgear_peer_retransmits_total", "counter", 1),
}
KINDS = {name: kind for table in (SINK, SOURCE, BOTH, PEER) for name, kind, _ in table.values()} | {"netgear_peers": "gauge"}


def collect(elements):
    """Returns the numbers of elements as a list of (metric, labels, value)."""
    samples = []
    for name, element in elements.items():
        stats = element.get_property("stats")
        sends = stats.has_field("frames-sent")
        labels = {"element": name, "end": "sink" if sends else "source"}
        for field, (metric, _, factor) in ((SINK if sends else SOURCE) | BOTH).items():
            if stats.has_field(field):
                samples.append((metric, labels, stats.get_value(field) * factor))
        ok, array = stats.get_array("peers")  # which owns its structures
        peers = [array.get_nth(i) for i in range(array.n_values)] if ok else []
        samples.append(("netgear_peers", labels, len(peers)))
        for peer in peers:
            of_peer = labels | {"peer": peer.get_string("endpoint") or "", "port": peer.get_string("port") or ""}
            for field, (metric, _, factor) in PEER.items():
                if peer.has_field(field):
                    samples.append((metric, of_peer, peer.get_value(field) * factor))
    return samples


def exposition(samples):
    """Returns samples as Prometheus' text format."""
    lines = []
    for metric in dict.fromkeys(metric for metric, _, _ in samples):
        lines.append(f"# TYPE {metric} {KINDS[metric]}")
        for name, labels, value in samples:
            if name == metric:
                quoted = ((k, v.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for k, v in labels.items())
                lines.append(f"{name}{{{','.join(f'{k}=' + chr(34) + v + chr(34) for k, v in quoted)}}} {value:.10g}")
    return "".join(line + "\n" for line in lines)


def parse(text):
    """Reads what exposition wrote."""
    samples = []
    for name, labels, value in re.findall(r"(?m)^(netgear_\w+)\{(.*)\} (\S+)$", text):
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
        samples.append((name, {k: re.sub(r"\\(.)", r"\1", v) for k, v in pairs}, float(value)))
    return samples


def si(value, unit):
    """Returns a number with three digits and its unit, as 9.65 Mbit/s."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}" if value < 999.5 * factor else f"{value / factor:.0f} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def ms(seconds):
    return f"{seconds * 1e3:.3g} ms"


class Table:
    """Makes lines of samples; rates come from the samples of the time before."""

    def __init__(self):
        self.before, self.at = {}, None

    def rates(self, samples, now):
        """Returns the change per second of each counter, once there is a time before."""
        counters = {(n, *sorted(labels.items())): v for n, labels, v in samples if KINDS.get(n) == "counter"}
        seconds = now - self.at if self.at else None
        rates = {key: max(v - self.before[key], 0) / seconds for key, v in counters.items() if seconds and key in self.before}
        self.before, self.at = counters, now
        return rates

    def lines(self, samples, now):
        rates, lines = self.rates(samples, now), []
        for element in dict.fromkeys((labels["element"], labels["end"]) for _, labels, _ in samples):
            name, end = element
            of_element = {"element": name, "end": end}
            values = {n: v for n, labels, v in samples if labels == of_element}
            rate = {n: rates.get((n, *sorted(of_element.items()))) for n in values}
            lines += self.element(name, end, values, rate)
            lines += self.peers([(n, labels, v) for n, labels, v in samples if "peer" in labels and labels["element"] == name], rates)
        return lines

    def element(self, name, end, values, rate):
        """Returns one line of what goes on and, when there is any, one of trouble."""
        sends = end == "sink"
        parts = []
        if rate.get("netgear_frames_total") is not None:
            parts.append(f"{rate['netgear_frames_total']:.1f} frames/s, {si(rate['netgear_bytes_total'] * 8, 'bit/s')}")
        parts.append(f"{values['netgear_frames_total']:.0f} frames, {si(values['netgear_bytes_total'], 'B')} in all")
        if values.get("netgear_confirmed_frames_total"):
            parts.append(f"confirmed in {ms(values['netgear_confirmation_seconds'])}")
        if sends and rate.get("netgear_blocked_seconds_total"):
            parts.append(f"waits for the network {min(rate['netgear_blocked_seconds_total'], 1):.0%} of the time")
        if values.get("netgear_capture_to_receive_seconds"):
            parts.append(f"{ms(values['netgear_capture_to_receive_seconds'])} from capture")
        lines = [f"{name} {'sends' if sends else 'receives'}: " + "; ".join(parts)]
        trouble = [
            f"{values[metric]:.0f} {text}"
            for metric, text in (
                ("netgear_dropped_frames_total", "frames dropped"),
                ("netgear_missing_frames_total", "frames missing"),
                ("netgear_malformed_messages_total", "messages malformed"),
                ("netgear_timeouts_total", "timeouts"),
                ("netgear_reconnects_total", "reconnects"),
                ("netgear_refused_connections_total", "connections refused"),
                ("netgear_missed_signals_total", "signals missed"),
            )
            if values.get(metric)
        ]
        return lines + (["  trouble: " + ", ".join(trouble)] if trouble else [])

    def peers(self, samples, rates):
        """Returns a row for each peer."""
        rows = [["peer", "port", "frames", "frames/s", "rtt", "rate", "unsent", "sent again"]]
        for peer, port in dict.fromkeys((labels["peer"], labels["port"]) for _, labels, _ in samples):
            of_peer = [(n, labels, v) for n, labels, v in samples if (labels["peer"], labels["port"]) == (peer, port)]
            values = {n: v for n, _, v in of_peer}
            change = next((rates.get((n, *sorted(labels.items()))) for n, labels, _ in of_peer if n == "netgear_peer_frames_total"), None)
            frames = values.get("netgear_peer_frames_total")
            rows.append([
                peer,
                port,
                f"{frames:.0f}" if frames else "",
                f"{change:.1f}" if change else "",
                ms(values["netgear_peer_rtt_seconds"]) if "netgear_peer_rtt_seconds" in values else "",
                si(values["netgear_peer_bits_per_second"], "bit/s") if values.get("netgear_peer_bits_per_second") else "",
                si(values["netgear_peer_unsent_bytes"], "B") if "netgear_peer_unsent_bytes" in values else "",
                f"{values['netgear_peer_retransmits_total']:.0f}" if "netgear_peer_retransmits_total" in values else "",
            ])
        if len(rows) == 1:
            return ["  no peer"]
        # No column that means nothing here; the port is a name where there are several.
        shown = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
        shown = [i for i in shown if i != 1 or len({row[i] for row in rows[1:]}) > 1]
        widths = {i: max(len(row[i]) for row in rows) for i in shown}
        return ["  " + "  ".join(row[i].ljust(widths[i]) if i == 0 else row[i].rjust(widths[i]) for i in shown) for row in rows]


class Screen:
    """Prints a table over the one before, and lines above it. For one thread."""

    def __init__(self):
        self.height = 0

    def tell(self, line):
        if sys.stdout.isatty() and self.height:
            sys.stdout.write(f"\x1b[{self.height}A\x1b[J")  # back to where the table began
        self.height = 0
        print(line, flush=True)

    def show(self, lines):
        self.tell("\n".join(lines))
        self.height = len(lines)


def attach(url, interval):
    """Shows the numbers of a pipeline that runs elsewhere, until Ctrl-C or its end."""
    table, screen, seen = Table(), Screen(), False
    try:
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    samples = parse(answer.read().decode())
            except (OSError, ValueError, urllib.error.URLError) as error:
                if seen:
                    return 0
                sys.exit(f"error: {url}: {getattr(error, 'reason', error)}: want the URL of a netgear-top.py --prometheus PORT")
            seen = True
            screen.show(table.lines(samples, time.monotonic()) or ["no NetGear element in that pipeline"])
            time.sleep(interval)
    except KeyboardInterrupt:
        return 0


class Exporter:
    """Hands the numbers to Prometheus: over HTTP, or in a file."""

    def __init__(self, where, text):
        self.text, self.file, self.server = text, None, None
        if not where.isdigit():
            self.file = where
            return

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = text().encode()
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        try:
            self.server = ThreadingHTTPServer(("127.0.0.1", int(where)), Handler)
        except (OSError, OverflowError) as error:
            sys.exit(f"error: port {where}: {error}")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{self.server.server_port}/metrics", flush=True)

    def write(self):
        """Replaces the file as a whole, so that nobody reads half of it."""
        if self.file:
            with open(self.file + ".new", "w", encoding="utf-8") as file:
                file.write(self.text())
            os.replace(self.file + ".new", self.file)


def run(options):
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst

    Gst.init(None)
    try:
        pipeline = Gst.parse_launchv(options.pipeline)
    except GLib.Error as error:
        sys.exit(f"error: {error.message}")
    if not isinstance(pipeline, Gst.Pipeline):  # of a single element, which has no bus of its own
        alone, pipeline = pipeline, Gst.Pipeline()
        pipeline.add(alone)
    loop, table, screen = GLib.MainLoop(), Table(), Screen()
    state = {"failed": False, "stopping": False}

    def elements():
        """Returns the NetGear elements of the pipeline by name, those inside of bins too."""
        found, all_of_them = {}, pipeline.iterate_recurse()
        while True:
            result, element = all_of_them.next()
            if result == Gst.IteratorResult.RESYNC:
                found = {}
                all_of_them.resync()
            elif result != Gst.IteratorResult.OK:
                return found
            elif element.get_factory() and element.get_factory().get_name() in ("netgearsink", "netgearsrc"):
                found[element.get_name()] = element

    exporter = Exporter(options.prometheus, lambda: exposition(collect(elements()))) if options.prometheus else None

    def show():
        if not options.quiet:
            screen.show(table.lines(collect(elements()), time.monotonic()) or ["no NetGear element in this pipeline"])
        if exporter:
            exporter.write()
        return True

    def on_peer(element, endpoint, *rest):
        what, reason = rest[-1], rest[0] if len(rest) > 1 else ""
        # The signals come in a thread of the element's own; all printing is the main loop's.
        GLib.idle_add(lambda: screen.tell(f"{element.get_name()}: {what} {endpoint} {reason}".rstrip()))

    def on_bus(bus, message):
        who = message.src.get_name()
        if message.type == Gst.MessageType.ERROR:
            screen.tell(f"{who}: error: {message.parse_error()[0].message}")
            state["failed"] = True
        elif message.type == Gst.MessageType.WARNING:
            screen.tell(f"{who}: warning: {message.parse_warning()[0].message}")
        elif message.type == Gst.MessageType.ELEMENT and message.get_structure().get_name().startswith("netgear-"):
            data = message.get_structure()
            screen.tell(f"{who}: {data.get_name()} from {data.get_string('port')}: {data.get_string('json')}")
        elif message.type == Gst.MessageType.LATENCY:
            pipeline.recalculate_latency()
        if message.type in (Gst.MessageType.ERROR, Gst.MessageType.EOS):
            loop.quit()

    def on_interrupt():
        if state["stopping"]:
            loop.quit()
        state["stopping"] = True
        pipeline.send_event(Gst.Event.new_eos())
        return True

    for element in elements().values():
        for name in ("peer-added", "peer-removed", "peer-rejected"):
            element.connect(name, on_peer, name.replace("-", " "))
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", on_bus)
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, on_interrupt)
    GLib.timeout_add(int(options.interval * 1000), show)

    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    show()  # before NULL, which begins all anew
    pipeline.set_state(Gst.State.NULL)
    return state["failed"]


def main():
    parser = argparse.ArgumentParser(add_help=False, usage=__doc__.partition("Usage: ")[2].partition("\n\n")[0])
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("-i", dest="interval", type=float, default=1.0)
    parser.add_argument("-q", dest="quiet", action="store_true")
    parser.add_argument("--prometheus", metavar="PORT|FILE")
    parser.add_argument("pipeline", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.help:
        print(__doc__)
        return 0
    if not options.pipeline:
        parser.error("want a pipeline, or the URL of a running one; -h shows more")
    if not options.interval > 0:
        parser.error("-i: want seconds, more than 0")
    if options.pipeline[0].startswith(("http://", "https://")):
        return attach(options.pipeline[0], options.interval)
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
