#!/usr/bin/python3
"""Shows what a NetGear sender sends in a browser: MJPEG over HTTP, from netgearsrc and an appsink, in Python.

Usage: mjpeg-http.py [ADDRESS [PORT [HTTP-PORT]]]      default: * 5555 8080
Example: GST_PLUGIN_PATH=../../build ./mjpeg-http.py '*' 5555 8080

Prints the address of the page. /stream is the picture alone (multipart/x-mixed-replace), for <img src=...>, curl or OpenCV. Any number
of browsers see the newest frame each at its own pace. It takes a sender of JPEG; for raw frames put "videoconvert ! jpegenc" behind
netgearsrc. It waits for a camera that is off, as long as it takes. Ctrl-C ends it. The other end: netgearsink with jpegenc, or VidGear's NetGear().
"""

import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(__doc__))

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401

address, port, http_port = (sys.argv[1:] + ["*", "5555", "8080"][len(sys.argv) - 1 :])[:3]
PAGE = b'<!DOCTYPE html><title>NetGear</title><body style="margin:0;background:#222"><img src="/stream" style="display:block;margin:auto">'

news = threading.Condition()
number, frame = 0, b""  # the newest frame; under news


def on_sample(sink):
    global number, frame
    buffer = sink.emit("pull-sample").get_buffer()
    with news:
        number, frame = number + 1, buffer.extract_dup(0, buffer.get_size())
        news.notify_all()
    return Gst.FlowReturn.OK


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
        elif self.path == "/stream":
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            try:
                self.stream()
            except OSError:  # the browser has gone
                pass
        else:
            self.send_error(404)

    def stream(self):
        seen = 0
        while True:
            with news:
                news.wait_for(lambda: number != seen)
                seen, picture = number, frame
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))

    def log_message(self, *args):
        pass


Gst.init(None)
pipeline = Gst.parse_launch(
    f"netgearsrc address={address} port={port} eos-on-terminate=false ! image/jpeg ! "
    "appsink name=out emit-signals=true sync=false max-buffers=1 drop=true"
)
pipeline.get_by_name("out").connect("new-sample", on_sample)
loop, failed = GLib.MainLoop(), False


def on_error(bus, message):
    global failed
    print("error:", message.parse_error()[0].message, file=sys.stderr)
    failed = True
    loop.quit()


bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message::error", on_error)
for number_of in (signal.SIGINT, signal.SIGTERM):
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number_of, loop.quit)

server = ThreadingHTTPServer(("127.0.0.1", int(http_port)), Handler)  # "" instead shows it to the whole network
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
pipeline.set_state(Gst.State.PLAYING)
loop.run()
pipeline.set_state(Gst.State.NULL)
sys.exit(failed)
