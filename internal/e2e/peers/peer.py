#!/usr/bin/python3
"""A NetGear peer for the interop tests, polite or not.

It speaks the wire format of VidGear's NetGear over plain pyzmq, so that a test can choose every detail of it and also break it:

    peer.py recv     receives frames and answers them as NetGear's receive mode does
    peer.py send     sends frames and waits for the answers as NetGear's send mode does
    peer.py hostile  sends malformed frames (or malformed replies) between good ones
    peer.py selftest runs the ends against each other

Output: one JSON object per line and event on stdout. NaN and Infinity may occur in it, as they may on NetGear's wire.
Exit codes: 0 clean end, 1 gave up or met a malformed message, 2 usage, 3 the deadline passed, 9 --die-after.

Frame content: element (y, x, c) of frame i is (x*3 + y*5 + c*7 + i*11) & 255, or the --solid colour. Derived from that value v:
    uint16, be16   v*256 + (255-v), little and big endian
    float32        v / 255
    1d             row 0, channel 0 only: `width` bytes
Frames are numbered from 0 everywhere.
"""

import argparse
import ast
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import signal
import string
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import cv2
import numpy as np
import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

PAIR, REQ_REP, PUB_SUB = 0, 1, 2
# NetGear has a PUB; an XPUB says and does the same, and tells of subscriptions
SENDER_SOCKET = {PAIR: zmq.PAIR, REQ_REP: zmq.REQ, PUB_SUB: zmq.XPUB}
RECEIVER_SOCKET = {PAIR: zmq.PAIR, REQ_REP: zmq.REP, PUB_SUB: zmq.SUB}

SETTLE = 0.15  # seconds; for further subscribers than the first, and before the terminate message (HWM 1)
PUB_INTERVAL = 0.01  # seconds; a PUB with HWM 1 drops frames that follow each other within 1-2 ms
BYE_LINGER = 1000  # ms for the last message to leave


# ---------------------------------------------------------------------------------------------------------------- output

_stdout_lock = threading.Lock()


def emit(event, **fields):
    with _stdout_lock:
        print(json.dumps({"event": event, **fields}), flush=True)


def leave(code):
    """Ends the process at once, whatever other threads do."""
    sys.stdout.flush()
    os._exit(code)


def start_deadline(seconds):
    def expired():
        emit("deadline", seconds=seconds)
        leave(3)

    timer = threading.Timer(seconds, expired)
    timer.daemon = True
    timer.start()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def describe(array):
    """What a test compares of a decoded frame. Channel means in memory order, e.g. [B, G, R]."""
    planes = array.reshape(-1, array.shape[2]) if array.ndim == 3 else array.reshape(-1, 1)
    mean = [float(m) for m in planes.mean(axis=0)] if array.size and array.dtype.kind in "biuf" else []
    return {"shape": list(array.shape), "dtype": str(array.dtype), "mean": mean}


# --------------------------------------------------------------------------------------------------------------- content

CHANNELS = {"bgr": 3, "bgra": 4, "jpeg": 3, "jpeg-rgb": 3}  # all other formats: 1
FORMATS = ["bgr", "gray", "gray1", "bgra", "uint16", "be16", "float32", "1d", "jpeg", "jpeg-gray", "jpeg-rgb"]


def picture(fmt, i, width, height, solid=None):
    """The array of frame i, see the top of this file. For jpeg-rgb the channels are in the order R, G, B."""
    channels = CHANNELS.get(fmt, 1)
    y, x, c = np.ogrid[:height, :width, :channels]
    v = ((x * 3 + y * 5 + c * 7 + i * 11) & 255).astype(np.uint8)
    if solid is not None:
        v[:] = np.resize(solid, channels)  # 0 to 255 each; a fourth channel repeats the first
    if fmt in ("uint16", "be16"):
        v = v[..., 0].astype(np.uint16)
        return (v * 256 + (255 - v)).astype("<u2" if fmt == "uint16" else ">u2")
    if fmt == "float32":
        return (v[..., 0] / 255).astype(np.float32)
    if fmt == "1d":
        return np.ascontiguousarray(v[0, :, 0])
    return v[..., 0] if fmt in ("gray", "jpeg-gray") else v


def encode(fmt, array, quality=90):
    """Returns the bytes of part 1 and the colorspace of the header (None: raw)."""
    if not fmt.startswith("jpeg"):
        return np.ascontiguousarray(array).tobytes(), None
    colorspace = {"jpeg": "BGR", "jpeg-gray": "GRAY", "jpeg-rgb": "RGB"}[fmt]
    bgr = array[..., ::-1] if colorspace == "RGB" else array
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok, "JPEG encoder failed"
    return data.tobytes(), colorspace


def decode_jpeg(data, colorspace):
    """Decodes to the pixel order that the header names, as simplejpeg does; filler and alpha are 255."""
    if colorspace == "GRAY":
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    elif sorted(colorspace.replace("X", "A")) in (list("BGR"), list("ABGR")):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    else:
        raise ValueError(f"colorspace {colorspace!r}: not supported")
    if image is None:
        raise ValueError("JPEG does not decode")
    if colorspace == "GRAY":
        return image
    filler = np.full(image.shape[:2], 255, np.uint8)
    plane = {"B": image[..., 0], "G": image[..., 1], "R": image[..., 2], "A": filler, "X": filler}
    return np.dstack([plane[letter] for letter in colorspace])


def decode(header, data, dtype_key="dtype", shape_key="shape"):
    """Part 1 as an array, by the same subscripts as NetGear's receiver: a missing key is a KeyError."""
    compression = header["compression"]
    if compression:
        compression["dct"], compression["ups"]  # NetGear looks both up
        return decode_jpeg(data, compression["colorspace"])
    return np.frombuffer(data, dtype=header[dtype_key]).reshape(header[shape_key])


# --------------------------------------------------------------------------------------------------------------- headers

EXTRA = {"x_pts": 123456789012, "x_null": None, "x_nested": {"list": [1, {"deep": [None, "é", 1.5e300]}], "empty": {}}}


def literal(text):
    """A JSON value (NaN included), else a Python literal, else the text itself."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            pass
    return text


def dump(obj, compact=False):
    if compact:
        return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()
    return json.dumps(obj).encode()  # as pyzmq's send_json


def jpeg_hints(colorspace):
    return {"dct": True, "ups": False, "colorspace": colorspace}


def frame_header(pattern, array, colorspace, message=None, port=None):
    header = {} if port is None else {"port": port}
    header.update(
        terminate_flag=False,
        compression=jpeg_hints(colorspace) if colorspace else False,
        message=message,
        pattern=str(pattern),
        dtype="" if colorspace else str(array.dtype),
        shape="" if colorspace else list(array.shape),
    )
    return header


def terminate_header(port=None):
    return {"terminate_flag": True} if port is None else {"terminate_flag": True, "port": port}


def omit(header, path):
    """Removes "key" or "key.inner" where it is present."""
    *parents, last = path.split(".")
    for key in parents:
        header = header.get(key)
        if not isinstance(header, dict):
            return
    header.pop(last, None)


# --------------------------------------------------------------------------------------------------------------- sockets


class Link:
    """The socket of one end, and how to open it again. Used by one thread.

    A receiver in req-rep that must be able to leave a request unanswered is a ROUTER (router=True), which a REQ takes for a REP.
    """

    def __init__(self, args, receiver, router=False):
        self.args, self.receiver = args, receiver
        self.bind = not args.connect if receiver else args.bind
        kinds = RECEIVER_SOCKET if receiver else SENDER_SOCKET
        self.kind = zmq.ROUTER if router and args.pattern == REQ_REP else kinds[args.pattern]
        self.context = zmq.Context()
        self.envelope = []
        self.connected = threading.Event()
        self.reopened = False
        self.auth = None
        if args.secure and receiver:
            self._start_authenticator()
        ports = getattr(args, "multiclient_ports", None) or args.port
        self.endpoints = [f"{args.protocol}://{args.address}:{port}" for port in ports.split(",")]
        self.socket = self._open()
        if self.bind:
            self.endpoints = self.bound  # ephemeral ports are kept when the socket is opened again

    def _open(self):
        args = self.args
        socket = self.context.socket(self.kind)
        socket.linger = 0
        if self.kind == zmq.REQ and not self.reopened and not args.no_correlate:
            socket.req_relaxed = socket.req_correlate = 1  # NetGear forgets both after a reconnect
        hwm = args.hwm
        if hwm is None and args.pattern == PUB_SUB:
            # CURVE with an authenticator puts a message of its own into the pipe, which HWM 1 never lets go
            hwm = 2 if args.secure else 1
        if hwm is not None:
            socket.set_hwm(hwm)
        if self.kind == zmq.SUB:
            socket.subscribe(b"")
        if args.secure:
            self._set_keys(socket)
        self._monitor(socket)
        self.bound = []
        for endpoint in self.endpoints:
            if self.bind:
                self._bind(socket, endpoint)
                self.bound.append(socket.getsockopt_string(zmq.LAST_ENDPOINT))
            else:
                socket.connect(endpoint)
        return socket

    @staticmethod
    def _bind(socket, endpoint):
        for attempt in range(100):  # libzmq releases the port of a closed socket a little later
            try:
                return socket.bind(endpoint)
            except zmq.ZMQError as err:
                if err.errno != zmq.EADDRINUSE or attempt == 99:
                    raise
                time.sleep(0.02)

    def _monitor(self, socket):
        events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_MONITOR_STOPPED
        events |= zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        name = f"inproc://monitor-{id(socket)}-{random.random()}"
        socket.monitor(name, events)
        reader = self.context.socket(zmq.PAIR)
        reader.connect(name)
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()

    def _watch(self, reader):
        while True:
            try:
                frame, endpoint = reader.recv_multipart()
            except zmq.ContextTerminated:
                return reader.close(linger=0)
            event = int.from_bytes(frame[:2], sys.byteorder)
            if event == zmq.EVENT_MONITOR_STOPPED:
                return reader.close(linger=0)
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.connected.set()
                name = "connected"
            else:
                name = "disconnected" if event == zmq.EVENT_DISCONNECTED else "rejected"
            if self.args.monitor:
                emit(name, endpoint=endpoint.decode())

    def _start_authenticator(self):
        self.auth = ThreadAuthenticator(self.context)
        self.auth.start()
        if self.args.allow:
            self.auth.allow(*self.args.allow.split(","))
        any_key = self.args.secure == 1
        self.auth.configure_curve(domain="*", location=zmq.auth.CURVE_ALLOW_ANY if any_key else keys(self.args, "public"))

    def _set_keys(self, socket):
        """NetGear's receiver is the CURVE server, whoever binds."""
        own = "server" if self.receiver else "client"
        private = os.path.join(keys(self.args, "private"), own + ".key_secret")
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(private)
        if self.receiver:
            socket.curve_server = True
        else:
            socket.curve_serverkey, _ = zmq.auth.load_certificate(os.path.join(keys(self.args, "public"), "server.key"))

    def announce(self):
        port = self.endpoints[0].rpartition(":")[2]
        emit("ready", port=int(port) if port.isdigit() else port, endpoint=self.endpoints[0], endpoints=self.endpoints)

    def await_subscriber(self):
        """Returns when somebody has subscribed: what is published before goes nowhere."""
        while not self.socket.recv().startswith(b"\x01"):
            pass
        time.sleep(SETTLE)

    def reopen(self):
        """What NetGear does after a timeout."""
        self.socket.close(linger=0)
        self.reopened = True
        self.connected.clear()
        self.socket = self._open()

    def poll(self, seconds):
        return self.socket.poll(None if seconds is None else int(seconds * 1000))

    def receive(self):
        parts = self.socket.recv_multipart()
        if self.kind == zmq.ROUTER:
            cut = parts.index(b"") + 1  # ValueError: no delimiter, so it came from no REQ
            self.envelope, parts = parts[:cut], parts[cut:]
        return parts

    def send(self, parts):
        self.socket.send_multipart(self.envelope + list(parts))

    def drain(self, quiet):
        """Reads until nothing came for `quiet` seconds and returns the number of messages."""
        count = 0
        while self.poll(quiet):
            self.receive()
            count += 1
        return count

    def close(self):
        self.socket.close(linger=BYE_LINGER)
        if self.auth:
            self.auth.stop()
        self.context.term()


def keys(args, kind):
    """NetGear's folder of certificates below the location that the user gave."""
    base = args.certs if args.certs.rstrip("/").endswith(".vidgear") else os.path.join(args.certs, ".vidgear")
    return os.path.join(base, "keys", kind + "_keys")


def write_certs(args):
    """Writes one server and one client key pair where NetGear looks for them."""
    for kind in ("public", "private"):
        os.makedirs(keys(args, kind), exist_ok=True)
    for name in ("server", "client"):
        _, private = zmq.auth.create_certificates(keys(args, "public"), name)
        os.replace(private, os.path.join(keys(args, "private"), os.path.basename(private)))


def run_certs(args):
    write_certs(args)
    emit("end", certs=args.certs)
    return 0


# ------------------------------------------------------------------------------------------------------------- receiving


class Replier:
    """Builds the answers of a receiver in its mode."""

    def __init__(self, args):
        self.args = args
        self.text = "Data received on device: {} !".format("".join(random.choices(string.ascii_uppercase + string.digits, k=8)))
        self.port = args.multiclient_int if args.multiclient_int is not None else args.multiclient
        self.plain = not (args.bidirectional or args.return_array or self.port is not None)

    def reply(self, n):
        args = self.args
        if self.plain:
            return [self.text.encode()]
        reply = {} if self.port is None else {"port": self.port}
        data = []
        null_yet = args.first_null and n == 0
        if args.return_array and not null_yet:
            array = picture("bgr", n, args.width, args.height)
            body, colorspace = encode("jpeg" if args.return_array == "jpeg" else "bgr", array)
            reply.update(
                return_type="ndarray",
                compression=jpeg_hints(colorspace) if colorspace else False,
                array_dtype="" if colorspace else str(array.dtype),
                array_shape="" if colorspace else list(array.shape),
                data=None,
            )
            data = [body]
        else:
            value = None if args.return_json is None or null_yet else literal(args.return_json)
            reply.update(return_type=type(value).__name__, data=value)
        if args.extra_reply_keys:
            reply.update(EXTRA)
        return [dump(reply)] + data


def terminate_reply(multiserver):
    end = "client!" if multiserver else "Client's end!"
    return ["Termination signal successfully received at {}".format(end).encode()]


def numbers(text):
    return {int(n) for n in text.split(",")} if text else set()


def save_frame(folder, n, header, data, array):
    stem = os.path.join(folder, f"{n:06d}")
    with open(stem + ".json", "w") as file:
        json.dump(header, file)
    with open(stem + (".jpg" if header["compression"] else ".bin"), "wb") as file:
        file.write(data)
    np.save(stem + ".npy", array)


class Receiving:
    """The receive loop. It reads as NetGear's does: terminate first, then exactly one data part, reply, and only then decode."""

    def __init__(self, args):
        self.args = args
        self.silent = numbers(args.drop_reply)
        skips = args.drop_reply or args.no_reply_after is not None or args.tolerant
        self.link = Link(args, receiver=True, router=bool(skips))
        self.replier = Replier(args)
        self.frames = self.bytes = self.terminates = 0
        self.ports = []  # servers heard of, in multi-server mode

    def run(self):
        args = self.args
        if args.save:
            os.makedirs(args.save, exist_ok=True)
        self.link.announce()
        start, code, done = time.monotonic(), 0, False
        while not done:
            if args.subscriber_timeout and not self.link.poll(args.subscriber_timeout):
                emit("timeout", n=self.frames)
                break
            parts = []
            try:
                parts = self.link.receive()
                done = self.message(parts)
            except Exception as err:  # anything a message can do to a NetGear receiver's thread
                emit("malformed", error=f"{type(err).__name__}: {str(err)[:200]}", parts=len(parts))
                if not args.tolerant:
                    code, done = 1, True
        seconds = time.monotonic() - start
        emit("end", frames=self.frames, bytes=self.bytes, terminates=self.terminates, seconds=seconds)
        self.link.close()
        return code

    def message(self, parts):
        """Handles one message and returns whether it was the last."""
        header = json.loads(parts[0].decode())
        if header and header["terminate_flag"]:
            return self.terminate(header, len(parts))
        if len(parts) != 2:
            raise ValueError(f"frame of {len(parts)} parts, want 2")
        return self.frame(header, parts[1])

    def frame(self, header, data):
        args, n = self.args, self.frames
        if args.die_after is not None and n >= args.die_after:
            emit("die", n=n)
            leave(9)
        replied = self.answer(n) if args.pattern != PUB_SUB else None
        array = decode(header, data)
        if args.multiserver and header["port"] not in self.ports:
            self.ports.append(header["port"])
        if args.multiserver or args.bidirectional:
            header["message"]  # NetGear reads it in these modes
        self.frames += 1
        self.bytes += len(data)
        if args.save:
            save_frame(args.save, n, header, data, array)
        if not args.quiet:
            digest, seen = sha256(data), describe(array)
            emit("frame", n=n, header=header, bytes=len(data), sha256=digest, **seen, parts=2, replied=replied, t=time.time())
        return args.frames is not None and self.frames >= args.frames and not args.until_terminate

    def answer(self, n):
        """Sends the reply; returns its first part as text, or None when it stays silent."""
        args = self.args
        if n in self.silent or (args.no_reply_after is not None and n >= args.no_reply_after):
            return None
        if args.reply_delay:
            time.sleep(args.reply_delay)
        reply = [b"\xff\xfe\x00{garbage"] if args.garbage_reply else self.replier.reply(n)
        self.link.send(reply)
        return reply[0].decode(errors="replace")

    def terminate(self, header, parts):
        args = self.args
        known = True
        if args.multiserver:
            known = header["port"] in self.ports
            if known:
                self.ports.remove(header["port"])
        # a NetGear receiver in req-rep never answers a server that it does not know, and is stuck from then on
        if args.pattern == REQ_REP and known:
            self.link.send(terminate_reply(args.multiserver))
        self.terminates += 1
        emit("terminate", header=header, parts=parts, known=known)
        if args.multiserver and self.ports:
            return False
        return self.terminates >= args.terminates


# --------------------------------------------------------------------------------------------------------------- sending


class Sending:
    """NetGear's send(): one frame, then wait for its reply; on a timeout a new socket, and the frame is lost."""

    def __init__(self, args):
        self.args = args
        self.link = Link(args, receiver=False)
        self.link.socket.sndtimeo = int(args.timeout * 1000)
        self.retries = args.retries  # NetGear's budget for the whole life; 0 = for ever
        self.port = args.port_key_int if args.port_key_int is not None else args.port_key
        self.client_ports = []
        self.sent = self.timeouts = 0
        self.gave_up = False
        if args.bye_when_told:
            self.told, tell = os.pipe()
            signal.signal(signal.SIGUSR1, lambda *_: os.write(tell, b"x"))

    def run(self):
        args, link = self.args, self.link
        link.announce()
        if args.pattern == PUB_SUB and not args.no_wait:
            link.await_subscriber()
        for i in range(args.frames):
            if i:
                time.sleep(args.interval)  # a gap, not a rate: no burst after a late frame
            try:
                self.frame(i)
            except (ValueError, KeyError, IndexError, TypeError, RecursionError) as err:  # a bad reply ends NetGear's send() as well
                emit("malformed", n=i, error=f"{type(err).__name__}: {err}")
                self.gave_up = True
            if self.gave_up:
                break
        if not (args.no_terminate or self.gave_up):
            if args.bye_when_told:
                os.read(self.told, 1)
            self.terminate()
        emit("end", frames=self.sent, timeouts=self.timeouts)
        link.close()
        return 1 if self.gave_up else 0

    def parts(self, i):
        args = self.args
        fmt = args.format
        array = picture(fmt, i, args.width, args.height, args.solid)
        if args.file:
            with open(args.file[i % len(args.file)], "rb") as file:
                data = file.read()
            colorspace = encode(fmt, array)[1] if fmt.startswith("jpeg") else None
            array = array if colorspace else np.frombuffer(data, array.dtype).reshape((-1,) + array.shape[1:])
        else:
            data, colorspace = encode(fmt, array, args.quality)
        message = i if args.message_index else args.message
        header = frame_header(args.pattern, array, args.colorspace or colorspace, message, self.port)
        if args.gst is not None:
            header["gst"] = extension(args.gst, i)
        if args.extra:
            header.update(EXTRA)
        for path in args.omit.split(",") if args.omit else []:
            omit(header, path)
        return [dump(header, args.compact), data]

    def frame(self, i):
        args = self.args
        parts = self.parts(i)
        start = time.monotonic()
        reply = None
        fields = {"n": i, "sha256": sha256(parts[1]), "bytes": len(parts[1])}
        try:
            self.link.send(parts)
            if args.pattern != PUB_SUB:
                if not self.link.poll(args.timeout):
                    raise zmq.Again
                reply = self.link.receive()
        except zmq.Again:
            return self.timed_out(i)
        fields["rtt_ms"] = None if reply is None else (time.monotonic() - start) * 1000
        fields["reply"] = None if reply is None else self.read_reply(reply, fields)
        self.sent += 1
        if not args.quiet:
            emit("sent", **fields)

    def read_reply(self, parts, fields):
        """Text, or the JSON of the exclusive modes; describes a returned array in `fields`."""
        args = self.args
        fields["reply_parts"] = len(parts)
        text = parts[0].decode(errors="replace")
        if not (args.bidirectional or args.multiclient_ports):
            try:
                reply = json.loads(text)
            except (ValueError, RecursionError):
                reply = None
            return reply if isinstance(reply, dict) and len(text) < 10_000 else text[:1000]
        reply = json.loads(text)
        if args.multiclient_ports and reply["port"] not in self.client_ports:
            self.client_ports.append(reply["port"])
        if reply["return_type"] == "ndarray":
            array = decode(reply, parts[1], "array_dtype", "array_shape")
            fields["array"] = {**describe(array), "bytes": len(parts[1]), "sha256": sha256(parts[1])}
        else:
            reply["data"]
        return reply

    def timed_out(self, i):
        emit("timeout", n=i)
        self.timeouts += 1
        self.retries -= 1
        if self.retries == 0:
            emit("abandoned", n=i)
            self.gave_up = True
        else:
            self.link.reopen()
            self.link.socket.sndtimeo = int(self.args.timeout * 1000)

    def terminate(self):
        args = self.args
        if args.pattern == PUB_SUB:
            if args.multiclient_ports:
                return  # NetGear never tells the clients
            time.sleep(SETTLE)
        repeat = len(self.client_ports) if args.multiclient_ports else 1
        for _ in range(repeat):
            reply = None
            self.link.send([dump(terminate_header(self.port), args.compact)])
            if args.pattern != PUB_SUB and self.link.poll(args.timeout / 5):
                reply = self.link.receive()[0].decode(errors="replace")
            emit("terminated", reply=reply)


def extension(value, i):
    """The "gst" object of frame i: made up for "auto", one after the other of a list, else the value as it is."""
    if value == "auto":
        frame = 33333333  # ns
        return {"v": 1, "seq": i, "pts": i * frame, "dur": frame, "fps": "30/1", "t": time.time_ns()}
    return value[i % len(value)] if isinstance(value, list) else value


# --------------------------------------------------------------------------------------------------------------- hostile

HOSTILE_WIDTH, HOSTILE_HEIGHT = 16, 12
NESTING = 100_000
BIG = 2_000_000  # bytes
DIGITS = "9" * 5000

# What a careful receiver does with a case: drop the message, keep the frame, or either.
Case = collections.namedtuple("Case", "name expect parts")


def hostile_frames(pattern):
    """The malformed messages, worst last. Every frame is a good one of 16x12 BGR but for what its name says."""
    array = picture("bgr", 0, HOSTILE_WIDTH, HOSTILE_HEIGHT)
    pixels = array.tobytes()
    jpeg, _ = encode("jpeg", array)
    cases = []

    def add(name, *parts, expect="drop"):
        cases.append(Case(name, expect, list(parts)))

    def raw(name, data=pixels, expect="drop", without=None, **changes):
        header = frame_header(pattern, array, None, {"bad": name})
        header.update(changes)
        if without:
            omit(header, without)
        add(name, dump(header), data, expect=expect)

    def compressed(name, data, colorspace="BGR", expect="drop", without=None):
        header = frame_header(pattern, array, colorspace, {"bad": name})
        if without:
            omit(header, without)
        add(name, dump(header), data, expect=expect)

    good = dump(frame_header(pattern, array, None, {"bad": "header"}))

    # the header as a whole
    add("not-json", b"this is not json", pixels)
    add("null", b"null", pixels)
    add("array", b"[1, 2, 3]", pixels)
    add("number", b"42", pixels)
    add("string", b'"header"', pixels)
    add("empty-object", b"{}", pixels)
    add("empty-header", b"", pixels)
    add("bad-utf8", b'{"terminate_flag": false, "message": "\xff\xfe\xc0\x80"}', pixels)
    add("nul-bytes", b"\0" * 64, pixels)
    add("truncated-header", good[: len(good) // 2], pixels)
    add("trailing-garbage", good + b"}]garbage", pixels)
    add("deep-nesting", b"[" * NESTING + b"]" * NESTING, pixels)
    add("deep-message", good.replace(b'{"bad": "header"}', b"[" * NESTING + b"]" * NESTING), pixels, expect="either")
    add("huge-header", good[:-1] + b', "padding": "' + b"x" * BIG + b'"}', pixels, expect="either")
    add("huge-int-message", good.replace(b'{"bad": "header"}', DIGITS.encode()), pixels, expect="either")

    # single keys
    raw("no-terminate-flag", without="terminate_flag")
    raw("terminate-flag-string", terminate_flag="false", expect="either")  # true, to Python
    raw("no-compression", without="compression", expect="either")
    raw("compression-number", compression=1)
    raw("compression-list", compression=["BGR"])
    raw("no-dtype", without="dtype")
    raw("dtype-unknown", dtype="quux")
    raw("dtype-number", dtype=1)
    raw("dtype-null", dtype=None)
    raw("dtype-object", dtype="O")
    raw("dtype-huge", dtype="S2147483647")
    raw("dtype-complex", dtype="complex64", shape=[12, 2, 3])
    raw("no-shape", without="shape")
    raw("shape-null", shape=None)
    raw("shape-string", shape="12x16x3")
    raw("shape-object", shape={"0": 12})
    raw("shape-nested", shape=[[12, 16, 3]])
    raw("float-shape", shape=[12.0, 16.5, 3])
    raw("shape-nan", shape=[float("nan"), 16, 3])
    raw("shape-negative", shape=[-12, 16, 3])
    raw("shape-negative-pair", shape=[-12, -16, 3])
    raw("shape-zero", data=b"", shape=[0, 0, 3])
    raw("shape-five-channels", data=pixels[:480], shape=[12, 8, 5])
    raw("shape-many-dimensions", data=b"\1", shape=[1] * 1000)
    raw("shape-overflow", shape=[2**31 - 1, 2**31 - 1, 4])
    raw("shape-overflow-to-zero", data=b"", shape=[2**32, 2**32, 3])
    raw("shape-overflow-to-size", data=pixels[:48], shape=[2**62 + 4, 4, 3])
    raw("size-mismatch", data=pixels[:-1])
    raw("size-mismatch-long", data=pixels + b"\0")
    raw("no-pixels", data=b"")
    add("huge-int", good.replace(b'"shape": [12', b'"shape": [' + DIGITS.encode()), pixels)

    # JPEG
    compressed("bad-colorspace", jpeg, "PURPLE", expect="either")
    compressed("colorspace-number", jpeg, 7, expect="either")
    compressed("no-colorspace", jpeg, without="compression.colorspace", expect="either")
    compressed("not-a-jpeg", b"GIF89a" + pixels)
    compressed("empty-jpeg", b"")
    compressed("truncated-jpeg", jpeg[:40])
    compressed("jpeg-without-frame", b"\xff\xd8\xff\xd9")
    compressed("jpeg-bad-segment", b"\xff\xd8\xff\xe0\x00\x00" + jpeg[6:], expect="either")
    compressed("jpeg-endless-segment", b"\xff\xd8\xff\xe0\xff\xff" + jpeg[6:])
    compressed("jpeg-zero-size", with_jpeg_size(jpeg, 0, 0))
    compressed("lying-jpeg", with_jpeg_size(jpeg, 65535, 65535)[: jpeg.index(b"\xff\xc0") + 100], expect="either")

    # the number of parts
    add("one-part-frame", good)
    add("one-empty-part", b"")
    add("empty-parts", b"", b"")
    add("three-parts", good, pixels, b"surplus")
    add("50-parts", good, *[pixels] * 49)
    add("1000-empty-parts", *[b""] * 1000)

    # our extension key: a bad object is ignored, the frame stays
    for name, gst in {
        "null": None,
        "string": "v1",
        "array": [1, 2],
        "unknown-version": {"v": 999, "seq": 0},
        "negative": {"v": 1, "seq": -1, "pts": -5, "dur": -1, "t": -1},
        "overflow": {"v": 1, "seq": 2**64, "pts": 2**63, "dur": 2**80, "t": 2**70},
        "float": {"v": 1.5, "seq": 0.5, "pts": 1e300},
        "nan": {"v": 1, "pts": float("nan"), "dur": float("inf")},
        "fps-zero": {"v": 1, "fps": "30/0"},
        "fps-text": {"v": 1, "fps": "fast"},
        "fps-overflow": {"v": 1, "fps": "99999999999999999999/1"},
        "fps-negative": {"v": 1, "fps": "-30/1"},
        "key-string": {"v": 1, "key": "no"},
        "caps-garbage": {"v": 1, "caps": "video/x-raw, format=(string"},
        "caps-contradiction": {"v": 1, "caps": "video/x-raw, format=BGR, width=9999, height=9999"},
        "caps-number": {"v": 1, "caps": 7},
        "caps-huge": {"v": 1, "caps": "video/x-raw, a=" + "x" * BIG},
    }.items():
        raw("gst-" + name, gst=gst, expect="either" if name == "caps-huge" else "keep")

    add("two-part-terminate", dump(terminate_header()), pixels, expect="either")
    return cases


def with_jpeg_size(jpeg, width, height):
    """The same JPEG with other dimensions in its SOF0 segment."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


def hostile_envelopes(pattern):
    """Messages that no REQ can send; a DEALER sends them from beside. Pattern 1 only."""
    header, data = dump(frame_header(pattern, np.zeros((1, 1, 3), np.uint8), None, {"bad": "envelope"})), b"\1\2\3"
    return [
        Case("no-delimiter", "drop", [header, data]),
        Case("only-delimiter", "drop", [b""]),
        Case("long-envelope", "either", [b"hop"] * 100 + [b"", header, data]),
        Case("endless-envelope", "drop", [b"hop"] * 1000),
    ]


def hostile_replies(pattern):
    """Malformed replies. `parts` is what follows the envelope; an empty list in a two-reply case separates the messages."""
    array = picture("bgr", 0, HOSTILE_WIDTH, HOSTILE_HEIGHT)
    pixels = array.tobytes()
    jpeg, _ = encode("jpeg", array)
    cases = []

    def add(name, *parts):
        cases.append(Case(name, "survive", list(parts)))

    def returned(name, data=pixels, **changes):
        header = {"port": "5577", "return_type": "ndarray", "compression": False, "array_dtype": "uint8"}
        header.update(array_shape=[12, 16, 3], data=None)
        header.update(changes)
        add(name, dump(header), *([] if data is None else [data]))

    add("garbage", b"\xff\xfe\x00{garbage")
    add("empty", b"")
    add("null", b"null")
    add("array", b"[1, 2]")
    add("empty-object", b"{}")
    add("bad-utf8", b'{"return_type": "str", "data": "\xff\xc0"}')
    add("no-return-type", b'{"port": "5577", "data": 1}')
    add("return-type-number", b'{"port": "5577", "return_type": 7, "data": 1}')
    add("no-data", b'{"port": "5577", "return_type": "str"}')
    add("no-port", b'{"return_type": "str", "data": "x"}')
    add("port-object", b'{"port": {"a": []}, "return_type": "str", "data": "x"}')
    add("huge-data", dump({"port": "5577", "return_type": "str", "data": "x" * BIG}))
    add("deep-nesting", b'{"port": "5577", "return_type": "list", "data": ' + b"[" * NESTING + b"]" * NESTING + b"}")
    add("huge-int", b'{"port": "5577", "return_type": "int", "data": ' + DIGITS.encode() + b"}")
    returned("ndarray-no-array", data=None)
    returned("ndarray-short", data=pixels[:-1])
    returned("ndarray-unknown-dtype", array_dtype="quux")
    returned("ndarray-negative", array_shape=[-12, -16, 3])
    returned("ndarray-overflow", data=pixels[:48], array_shape=[2**62 + 4, 4, 3])
    returned("ndarray-not-a-jpeg", compression=jpeg_hints("BGR"), array_dtype="", array_shape="")
    lying = with_jpeg_size(jpeg, 65535, 65535)[:700]
    returned("ndarray-lying-jpeg", data=lying, compression=jpeg_hints("BGR"), array_dtype="", array_shape="")
    add("three-parts", b"a", b"b", b"c")
    add("50-parts", *[b"part"] * 50)
    return cases


def hostile_subscriptions():
    """What a subscriber may send upstream, as an XSUB. Pattern 2 only."""
    return [
        Case("long-topic", "survive", [b"\1" + b"t" * 100_000]),
        Case("many-topics", "survive", [b"\1" + b"t" * 100]),
        Case("unsubscribe-unknown", "survive", [b"\0unknown"]),
        Case("garbage", "survive", [b"\xff garbage"]),
        Case("empty", "survive", [b""]),
        Case("50-parts", "survive", [b"part"] * 50),
        Case("huge", "survive", [b"\2" + b"x" * BIG]),
    ]


def all_cases(args):
    if args.role == "send":
        return hostile_frames(args.pattern) + (hostile_envelopes(args.pattern) if args.pattern == REQ_REP else [])
    return hostile_subscriptions() if args.pattern == PUB_SUB else hostile_replies(args.pattern)


def run_hostile(args):
    cases = all_cases(args)
    if args.list:
        for case in cases:
            emit("case", case=case.name, expect=case.expect)
        return 0
    if args.cases:
        chosen = args.cases.split(",")
        unknown = set(chosen) - {case.name for case in cases}
        if unknown:
            sys.exit(f"unknown cases {sorted(unknown)}: see --list")
        cases = [case for case in cases if case.name in chosen]
    if args.hwm is None:
        args.hwm = 1000  # a bad message must not cost the good one that follows
    if args.role == "send":
        return HostileSender(args).run(cases)
    if args.pattern == PUB_SUB:
        return run_hostile_subscriber(args, cases)
    return HostileReplier(args).run(cases)


class HostileSender:
    """One bad message, then one good frame of 16x12 BGR with the message {"good": n}, and so on."""

    def __init__(self, args):
        self.args = args
        self.link = Link(args, receiver=False)
        self.acked = 0

    def run(self, cases):
        args, link = self.args, self.link
        link.announce()
        if args.pattern == PUB_SUB:
            link.await_subscriber()
        self.good(0)
        beside = {case.name for case in hostile_envelopes(args.pattern)}
        for n, case in enumerate(cases, 1):
            self.send_beside(case) if case.name in beside else link.send(case.parts)
            replies = None if args.pattern == PUB_SUB else link.drain(args.quiet_time)
            emit("bad", case=case.name, expect=case.expect, replies=replies)
            time.sleep(args.interval)
            self.good(n)
            time.sleep(args.interval)
        if not args.no_terminate:
            time.sleep(SETTLE)
            link.send([dump(terminate_header())])
            emit("terminated")
            if args.pattern != PUB_SUB:
                link.drain(args.quiet_time)
        emit("end", good=len(cases) + 1, acked=self.acked)
        link.close()
        return 0 if args.pattern == PUB_SUB or self.acked == len(cases) + 1 else 1

    def send_beside(self, case):
        dealer = self.link.context.socket(zmq.DEALER)
        dealer.connect(self.link.endpoints[0])
        dealer.send_multipart(case.parts)
        dealer.poll(self.args.quiet_time * 1000)
        dealer.close(linger=BYE_LINGER)

    def good(self, n):
        args, link = self.args, self.link
        array = picture("bgr", n, HOSTILE_WIDTH, HOSTILE_HEIGHT)
        link.send([dump(frame_header(args.pattern, array, None, {"good": n})), array.tobytes()])
        acked = None
        if args.pattern != PUB_SUB:
            acked = bool(link.poll(args.timeout))
            self.acked += acked
            if acked:
                link.receive()
            if args.pattern == PAIR:
                link.drain(0.02)  # late replies to the bad message
        emit("good", n=n, sha256=sha256(array.tobytes()), acked=acked)


class HostileReplier:
    """Answers the first frame well and then alternately badly and well, until terminate; prints what became of the cases."""

    def __init__(self, args):
        self.args = args
        self.link = Link(args, receiver=True, router=True)
        self.replier = Replier(args)

    def run(self, cases):
        link = self.link
        link.announce()
        left = iter(cases)
        frames = bad = 0
        while True:
            parts = link.receive()
            header = json.loads(parts[0].decode())
            if header["terminate_flag"]:
                if self.args.pattern == REQ_REP:
                    link.send(terminate_reply(False))
                emit("terminate", header=header, parts=len(parts))
                break
            case = next(left, None) if frames % 2 else None
            link.send(case.parts if case else self.replier.reply(frames))
            bad += case is not None
            emit("frame", n=frames, header=header, bytes=len(parts[1]), sha256=sha256(parts[1]), parts=len(parts))
            emit("bad" if case else "good", n=frames, **({"case": case.name} if case else {}))
            frames += 1
            if self.args.frames is not None and frames >= self.args.frames:
                break
        emit("end", frames=frames, bad=bad, left=[case.name for case in left])
        link.close()
        return 0 if bad == len(cases) else 1


def run_hostile_subscriber(args, cases):
    """Subscribes, then sends one bad message upstream for each frame that arrives."""
    link = Link(args, receiver=True)
    link.socket.close(linger=0)
    link.kind = zmq.XSUB
    link.connected.clear()
    link.socket = link._open()
    link.announce()
    link.connected.wait()
    link.send([b"\1"])
    left = iter(cases)
    frames = bad = 0
    while args.frames is None or frames < args.frames:
        parts = link.receive()
        header = json.loads(parts[0].decode())
        if header["terminate_flag"]:
            emit("terminate", header=header, parts=len(parts))
            break
        emit("frame", n=frames, header=header, bytes=len(parts[1]), sha256=sha256(parts[1]), parts=len(parts))
        frames += 1
        case = next(left, None)
        if case:
            link.send(case.parts)
            bad += 1
            emit("bad", case=case.name)
    emit("end", frames=frames, bad=bad, left=[case.name for case in left])
    link.close()
    return 0 if bad == len(cases) else 1


# -------------------------------------------------------------------------------------------------------------- selftest


class Child:
    """One end in a process of its own. A thread reads its output, so that it never waits for us."""

    def __init__(self, *arguments):
        command = [sys.executable, __file__, *arguments, "--deadline", "40"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines, self.begun = [], threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            self.begun.set()
        self.begun.set()

    def ready(self):
        """Waits for the first event and returns it."""
        self.begun.wait()
        assert self.lines, "ended at once"
        return json.loads(self.lines[0])

    def finish(self):
        """Returns the events by name and the exit code."""
        self.reader.join()
        events = collections.defaultdict(list)
        for line in self.lines:
            assert not line.startswith("Traceback"), "".join(self.lines[-20:])
            if line.startswith("{"):  # libjpeg's warnings do not
                event = json.loads(line)
                events[event["event"]].append(event)
        return events, self.process.wait()


def run_ends(pattern, send=(), recv=(), reverse=False, recv_command=("recv",), send_command=("send",), protocol="tcp"):
    """Runs a receiver and a sender against each other, by default the receiver binds an ephemeral port."""
    with tempfile.TemporaryDirectory() as folder:
        common = ["--pattern", str(pattern), "--protocol", protocol]
        address = ["--address", "127.0.0.1" if protocol == "tcp" else os.path.join(folder, "socket")]
        if pattern == PUB_SUB:
            send = ["--interval", "0.05", *send]  # HWM 1 drops whatever comes while a busy machine is not looking
        recv, send = [*recv_command, *common, *address, *recv], [*send_command, *common, *address, *send]
        if protocol == "ipc":
            first, second = Child(*recv, "--port", "7"), Child(*send, "--port", "7")
            first.ready()
        elif reverse:
            second = Child(*send, "--bind", "--port", "0")
            first = Child(*recv, "--connect", "--port", str(second.ready()["port"]))
        else:
            first = Child(*recv, "--port", "0")
            second = Child(*send, "--port", str(first.ready()["port"]))
        return first.finish(), second.finish()


def check_stream(pattern, fmt="bgr", send=(), recv=(), **ends):
    """Five frames must arrive as they were sent; returns the events of both ends."""
    send = ["--frames", "5", "--format", fmt, "--width", "37", "--height", "22", *send]
    (got, code), (sent, send_code) = run_ends(pattern, send, recv, **ends)
    assert (code, send_code) == (0, 0), (code, send_code, got, sent)
    assert [f["sha256"] for f in got["frame"]] == [s["sha256"] for s in sent["sent"]], (got, sent)
    assert len(got["frame"]) == 5 and len(got["terminate"]) == 1, got
    for i, frame in enumerate(got["frame"]):
        want = describe(picture(fmt, i, 37, 22))
        assert frame["shape"] == want["shape"] and np.dtype(frame["dtype"]) == np.dtype(want["dtype"]), frame
        if not fmt.startswith("jpeg"):
            assert frame["mean"] == want["mean"], (frame, want)
    return got, sent


def test_bidirectional(pattern):
    recv = ["--bidirectional", "--return-json", '{"a": [1, NaN]}', "--extra-reply-keys", "--first-null"]
    got, sent = check_stream(pattern, send=["--bidirectional", "--message", "NaN"], recv=recv)
    assert str(got["frame"][0]["header"]["message"]) == "nan", got
    assert sent["sent"][0]["reply"]["return_type"] == "NoneType" and sent["sent"][4]["reply"]["return_type"] == "dict", sent


def test_returned_array(pattern, kind):
    _, sent = check_stream(pattern, send=["--bidirectional"], recv=["--return-array", kind, "--width", "30", "--height", "20"])
    assert sent["sent"][3]["array"]["shape"] == [20, 30, 3], sent
    if kind == "raw":
        assert sent["sent"][3]["array"]["sha256"] == sha256(picture("bgr", 3, 30, 20).tobytes()), sent


def test_multiclient():
    _, sent = check_stream(REQ_REP, send=["--bidirectional"], recv=["--multiclient", "5577", "--return-json", '"hi"'])
    assert sent["sent"][2]["reply"] == {"port": "5577", "return_type": "str", "data": "hi"}, sent


def test_multiserver(pattern):
    got, _ = check_stream(pattern, send=["--port-key", "5566"], recv=["--multiserver"])
    assert got["terminate"][0]["header"] == {"terminate_flag": True, "port": "5566"}, got


def test_header_variants(pattern):
    send = ["--compact", "--extra", "--omit", "pattern,message", "--gst", "auto", "--format", "jpeg"]
    got, _ = check_stream(pattern, "jpeg", send=send)
    header = got["frame"][4]["header"]
    assert header["gst"]["seq"] == 4 and header["x_nested"] and "pattern" not in header, header


def test_lost_reply(pattern, *options):
    send = ["--frames", "4", "--timeout", "1", *options]
    (got, code), (sent, _) = run_ends(pattern, send, ["--drop-reply", "1"])
    assert code == 0 and len(got["frame"]) == 4, got
    assert [t["n"] for t in sent["timeout"]] == [1] and [s["n"] for s in sent["sent"]] == [0, 2, 3], sent


def test_silent_receiver(pattern):
    send = ["--frames", "9", "--timeout", "1", "--retries", "2"]
    (got, _), (sent, code) = run_ends(pattern, send, ["--no-reply-after", "2", "--frames", "4"])
    assert code == 1 and len(sent["sent"]) == 2 and len(sent["timeout"]) == 2 and sent["abandoned"], sent
    assert [frame["replied"] is None for frame in got["frame"]] == [False, False, True, True], got


def test_dying_receiver(pattern):
    (got, code), (sent, send_code) = run_ends(pattern, ["--frames", "5", "--timeout", "1", "--retries", "1"], ["--die-after", "2"])
    assert (code, send_code) == (9, 1) and len(got["frame"]) == 2 and len(sent["sent"]) == 2, (got, sent)


def test_subscriber_timeout():
    (got, code), _ = run_ends(PUB_SUB, ["--frames", "2", "--no-terminate"], ["--subscriber-timeout", "5"])
    assert code == 0 and got["timeout"] and len(got["frame"]) == 2, got


def test_secure(pattern, mode):
    with tempfile.TemporaryDirectory() as folder:
        write_certs(argparse.Namespace(certs=folder))
        secure = ["--secure", str(mode), "--certs", folder]
        check_stream(pattern, send=secure, recv=secure)


def test_hostile_sender(pattern):
    (got, code), (sent, send_code) = run_ends(pattern, [], ["--tolerant", "--terminates", "3"], send_command=("hostile", "--role", "send"))
    assert (code, send_code) == (0, 0), (code, send_code, sent["end"])
    good = [f["header"]["message"]["good"] for f in got["frame"] if "good" in (f["header"].get("message") or ())]
    assert good == [g["n"] for g in sent["good"]] and len(good) > 70, good
    kept = {f["header"]["message"]["bad"] for f in got["frame"] if "bad" in (f["header"].get("message") or ())}
    assert {bad["case"] for bad in sent["bad"] if bad["expect"] == "keep"} <= kept, kept


def test_hostile_receiver(pattern):
    frames = 2 * len(hostile_replies(pattern)) + 1
    recv_command = ("hostile", "--role", "recv")
    (got, code), (sent, send_code) = run_ends(pattern, ["--frames", str(frames)], recv_command=recv_command)
    assert (code, send_code) == (0, 0) and len(got["frame"]) == len(sent["sent"]) == frames, (code, send_code, got["end"], sent["end"])


def selftests():
    """Yields (name, function, arguments)."""
    for pattern in SENDER_SOCKET:
        for fmt in FORMATS:
            yield f"stream {pattern} {fmt}", check_stream, (pattern, fmt)
        yield f"reverse {pattern}", lambda p: check_stream(p, reverse=True), (pattern,)
        yield f"ipc {pattern}", lambda p: check_stream(p, protocol="ipc"), (pattern,)
        yield f"headers {pattern}", test_header_variants, (pattern,)
        yield f"hostile send {pattern}", test_hostile_sender, (pattern,)
        yield f"hostile recv {pattern}", test_hostile_receiver, (pattern,)
        yield f"secure {pattern}", test_secure, (pattern, 2)
    for pattern in (PAIR, REQ_REP):
        yield f"bidirectional {pattern}", test_bidirectional, (pattern,)
        yield f"returned array {pattern}", test_returned_array, (pattern, "raw")
        yield f"returned JPEG {pattern}", test_returned_array, (pattern, "jpeg")
        yield f"lost reply {pattern}", test_lost_reply, (pattern,)
        yield f"silent receiver {pattern}", test_silent_receiver, (pattern,)
        yield f"dying receiver {pattern}", test_dying_receiver, (pattern,)
    yield "lost reply without correlation", test_lost_reply, (REQ_REP, "--no-correlate")
    yield "multi-client", test_multiclient, ()
    yield "multi-server 1", test_multiserver, (REQ_REP,)
    yield "multi-server 2", test_multiserver, (PUB_SUB,)
    yield "subscriber timeout", test_subscriber_timeout, ()


def run_selftest(args):
    tests = list(selftests())
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=args.jobs) as pool:
        futures = [(name, pool.submit(function, *arguments)) for name, function, arguments in tests]
        for name, future in futures:
            try:
                future.result()
                passed += 1
            except Exception as err:
                print(f"FAIL {name}: {type(err).__name__}: {str(err)[:2000]}", flush=True)
    print(f"{passed} passed, {len(tests) - passed} failed", flush=True)
    return 0 if passed == len(tests) else 1


# ---------------------------------------------------------------------------------------------------------- command line


def colour(text):
    return [int(value) for value in text.split(",")]


def gst_value(text):
    return text if text == "auto" else json.loads(text)


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--deadline", type=float, default=60, help="seconds until the process ends by itself with code 3")

    link = argparse.ArgumentParser(add_help=False)
    link.add_argument("--pattern", type=int, choices=(PAIR, REQ_REP, PUB_SUB), default=PAIR)
    link.add_argument("--protocol", choices=("tcp", "ipc"), default="tcp")
    link.add_argument("--address", default="127.0.0.1", help="for ipc a path: the endpoint is ipc://ADDRESS:PORT")
    link.add_argument("--port", default="5555", help="0: ephemeral, when binding; several with commas")
    link.add_argument("--hwm", type=int, help="both high water marks; default: 1 for pub-sub, else libzmq's")
    link.add_argument("--monitor", action="store_true", help="print connected, disconnected and rejected events")
    link.add_argument("--secure", type=int, choices=(0, 1, 2), default=0, help="NetGear's secure_mode")
    link.add_argument("--certs", default=".", help="NetGear's custom_cert_location")
    link.add_argument("--allow", help="addresses that a secure receiver accepts, with commas; default all")
    link.add_argument("--frames", type=int, help="recv: end after so many; send: how many (default 10)")
    link.add_argument("--quiet", action="store_true", help="no events for single frames")
    link.add_argument("--width", type=int, default=64)
    link.add_argument("--height", type=int, default=48)
    link.add_argument("--no-correlate", action="store_true", help="REQ without RELAXED and CORRELATE")

    replies = argparse.ArgumentParser(add_help=False)
    replies.add_argument("--connect", action="store_true", help="receiver: connect instead of bind")
    replies.add_argument("--return-json", metavar="TEXT", help="the value to return; needs --bidirectional or --multiclient")
    replies.add_argument("--return-array", choices=("raw", "jpeg"), help="return frame n (WIDTH x HEIGHT BGR); implies --bidirectional")
    replies.add_argument("--first-null", action="store_true", help="the first reply is null, as it usually is with NetGear")
    replies.add_argument("--multiclient", metavar="PORT", help="multi-client mode; the port as a string")
    replies.add_argument("--multiclient-int", metavar="PORT", type=int, help="multi-client mode; the port as a number")
    replies.add_argument("--extra-reply-keys", action="store_true")

    both = argparse.ArgumentParser(add_help=False)
    both.add_argument("--bidirectional", action="store_true")

    waiting = argparse.ArgumentParser(add_help=False)
    waiting.add_argument("--bind", action="store_true", help="sender: bind instead of connect")
    waiting.add_argument("--timeout", type=float, default=4, help="seconds to wait for a reply")
    waiting.add_argument("--no-terminate", action="store_true")
    waiting.add_argument("--interval", type=float, help="seconds of sleep between frames; default 0, pub-sub 0.01")

    recv = commands.add_parser("recv", parents=[common, link, both, replies])
    recv.add_argument("--until-terminate", action="store_true", help="do not end after --frames (terminate always ends)")
    recv.add_argument("--terminates", type=int, default=1, help="end after so many terminate messages")
    recv.add_argument("--multiserver", action="store_true")
    recv.add_argument("--save", metavar="DIR", help="write NNNNNN.json, .jpg or .bin (part 1), .npy (decoded)")
    recv.add_argument("--tolerant", action="store_true", help="print malformed messages and go on, instead of ending as NetGear")
    recv.add_argument("--subscriber-timeout", type=float, metavar="S", help="end after so long without a message (any pattern)")
    recv.add_argument("--no-reply-after", type=int, metavar="K", help="answer K frames, none after them")
    recv.add_argument("--drop-reply", metavar="I,J", help="do not answer these frames")
    recv.add_argument("--reply-delay", type=float, default=0, metavar="S")
    recv.add_argument("--garbage-reply", action="store_true", help="answer with bytes that are no text and no JSON")
    recv.add_argument("--die-after", type=int, metavar="K", help="exit with code 9 when frame K has come, before answering it")

    send = commands.add_parser("send", parents=[common, link, both, waiting])
    send.add_argument("--format", choices=FORMATS, default="bgr")
    send.add_argument("--solid", type=colour, metavar="B,G,R", help="one colour, channels in memory order")
    send.add_argument("--file", action="append", help="part 1 from a file; several take turns; --format says how it is announced")
    send.add_argument("--quality", type=int, default=90, help="of JPEG")
    send.add_argument("--colorspace", help="announce this colorspace, whatever was encoded")
    send.add_argument("--message", type=literal, help="JSON value (NaN allowed), Python literal or text")
    send.add_argument("--message-index", action="store_true", help="the message is the frame's number")
    send.add_argument("--omit", metavar="KEY,KEY", help="leave these header keys out; compression.ups reaches inside")
    send.add_argument("--extra", action="store_true", help="add unknown keys")
    send.add_argument("--gst", type=gst_value, metavar="JSON|auto", help="the extension key; a list: one element per frame in turn")
    send.add_argument("--compact", action="store_true", help="compact separators, raw UTF-8")
    send.add_argument("--port-key", metavar="VALUE", help="multi-server mode, as a string")
    send.add_argument("--port-key-int", metavar="N", type=int, help="multi-server mode, as a number")
    send.add_argument("--multiclient-ports", metavar="P,P", help="multi-client mode; instead of --port")
    send.add_argument("--retries", type=int, default=3, help="NetGear's max_retries: the N-th timeout abandons, 0 never")
    send.add_argument("--bye-when-told", action="store_true", help="terminate after SIGUSR1")
    send.add_argument("--no-wait", action="store_true", help="pub-sub: do not wait for the subscriber")

    hostile = commands.add_parser("hostile", parents=[common, link, both, replies, waiting])
    hostile.add_argument("--role", choices=("send", "recv"), default="send")
    hostile.add_argument("--cases", metavar="A,B", help="default: all")
    hostile.add_argument("--list", action="store_true", help="print the cases and end")
    hostile.add_argument("--quiet-time", type=float, default=0.1, metavar="S", help="how long to wait for replies to a bad message")

    certs = commands.add_parser("certs", parents=[common], help="generate certificates as NetGear does")
    certs.add_argument("--certs", default=".", help="NetGear's custom_cert_location")

    selftest = commands.add_parser("selftest", parents=[common])
    selftest.add_argument("--jobs", type=int, default=2, help="tests at a time")
    selftest.set_defaults(deadline=300)
    return top


def main():
    args = parser().parse_args()
    if getattr(args, "interval", 0) is None:
        args.interval = PUB_INTERVAL if args.pattern == PUB_SUB else 0
    if args.command == "send" and args.frames is None:
        args.frames = 10
    cv2.setNumThreads(1)
    start_deadline(args.deadline)
    run = {
        "recv": lambda: Receiving(args).run(),
        "send": lambda: Sending(args).run(),
        "hostile": lambda: run_hostile(args),
        "certs": lambda: run_certs(args),
        "selftest": lambda: run_selftest(args),
    }
    try:
        leave(run[args.command]())
    except Exception:
        traceback.print_exc()
        leave(1)  # without waiting for open sockets


if __name__ == "__main__":
    main()
