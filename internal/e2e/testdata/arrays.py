"""Arrays that a receiver in Python answers with, as detections, and that are no
pictures: the sink's signal return-data hands them over.

    arrays.py PATTERN MODE

Prints "ok NAME" or "FAILED NAME: why" for each case; exits 1 when one failed.
"""

import json
import sys
import threading

import gi
import numpy as np
import zmq

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

pattern, mode = sys.argv[1:]
arrays = [
    np.arange(60, dtype=np.float32).reshape(10, 6),
    np.zeros((0, 6), np.float32),
    np.array(0.25),
    np.arange(7, dtype=np.uint8),
    np.arange(24, dtype=np.int64).reshape(2, 3, 4),
    np.arange(10, dtype=np.uint8).reshape(5, 2, 1, 1),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.arange(4, dtype=">f4"),
    np.array(["person", "dog"]),
    np.arange(4, dtype=np.float16).reshape(2, 2),
    np.full((1 << 18, 4), 0.5),  # 8 MiB
]

# The receiver, as NetGear's receive loop.
socket = zmq.Context.instance().socket(zmq.REP if pattern == "req-rep" else zmq.PAIR)
port = socket.bind_to_random_port("tcp://127.0.0.1")


def answer():
    for array in arrays:
        socket.recv_multipart()
        reply = {"port": str(port)} if mode == "multiclient-mode" else {}
        reply |= {"return_type": "ndarray", "compression": False, "array_dtype": str(array.dtype), "array_shape": list(array.shape), "data": None}
        socket.send_multipart([json.dumps(reply).encode(), np.ascontiguousarray(array)])
    socket.recv_multipart()
    socket.send_json({"return_type": "str", "data": "the end"})


Gst.init(None)
address = f"ports={port}" if mode == "multiclient-mode" else f"port={port}"
sender = Gst.parse_launch(
    "videotestsrc is-live=true ! video/x-raw,format=BGR,width=32,height=16,framerate=60/1 ! "
    f"netgearsink name=sink address=127.0.0.1 {address} pattern={pattern} {mode}=true post-messages=true sink.return_src ! fakesink name=back async=false signal-handoffs=true"
)
got, ended, frames = [], threading.Event(), []


def on_return(element, port, text, sample):
    if sample is None:
        ended.set()
        return
    buffer, s = sample.get_buffer(), sample.get_caps().get_structure(0)
    about = json.loads(text)
    array = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), about["dtype"]).reshape(about["shape"])
    shape = s.get_array("shape")[1]
    got.append((array, s.get_name(), s.get_string("dtype"), [shape.get_nth(i) for i in range(shape.n_values)]))


sender.get_by_name("sink").connect("return-data", on_return)
sender.get_by_name("back").connect("handoff", lambda *_: frames.append(1))
threading.Thread(target=answer, daemon=True).start()
sender.set_state(Gst.State.PLAYING)
failed = not ended.wait(30)

print(f"{len(got)} of {len(arrays)} arrays")
for want, (array, name, dtype, shape) in zip(arrays, got):
    ok = array.dtype == want.dtype and array.shape == want.shape and (array == want).all()
    ok = ok and (name, dtype, shape) == ("application/x-netgear-array", str(want.dtype), list(want.shape))
    print("ok" if ok else "FAILED", want.dtype, want.shape, "" if ok else (array, name, dtype, shape))
    failed = failed or not ok
failed = failed or len(got) != len(arrays)

told, bus = [], sender.get_bus()
while m := bus.pop_filtered(Gst.MessageType.ELEMENT | Gst.MessageType.WARNING | Gst.MessageType.ERROR):
    if m.type == Gst.MessageType.ELEMENT:
        told.append(json.loads(m.get_structure().get_string("json")))
    else:
        print("FAILED bus:", m.parse_warning() if m.type == Gst.MessageType.WARNING else m.parse_error())
        failed = True
if {"dtype": "float32", "shape": [10, 6]} not in told:
    print("FAILED bus:", told)
    failed = True
if frames:
    print("FAILED: what is no picture came out of return_src")
    failed = True
sender.set_state(Gst.State.NULL)
sys.exit(failed)
