"""NetGear's calls over peer.py's sockets, so that the Python of the docs runs where VidGear is not installed: Debian has no package of it.

Not VidGear: no thread reads ahead, so recv() answers a frame the moment it takes it. With VidGear itself in PYTHONPATH that one is
imported instead.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import peer  # noqa: E402


class NetGear:
    def __init__(self, address=None, port=None, protocol=None, pattern=0, receive_mode=False, logging=False, **options):
        several = isinstance(port, (list, tuple))
        self.receive_mode, self.pattern, self.options, self.port = receive_mode, pattern, options, port
        self.multiserver, self.multiclient = options.get("multiserver_mode", False), options.get("multiclient_mode", False)
        self.bidirectional = options.get("bidirectional_mode", False)
        if several != bool(self.multiserver and receive_mode or self.multiclient and not receive_mode):
            raise ValueError("want a list of ports for a multi-server receiver or a multi-client sender, and for nobody else")
        if self.multiserver and self.multiclient or (self.multiserver or self.multiclient) and pattern == peer.PAIR:
            raise ValueError("the modes do not go together")
        args = argparse.Namespace(
            address=address or ("*" if receive_mode else "localhost"),
            port=",".join(map(str, port)) if several else str(port or 5555),
            protocol=protocol or "tcp",
            pattern=pattern,
            connect=False,
            bind=False,
            secure=options.get("secure_mode", 0),
            certs=options.get("custom_cert_location") or os.path.expanduser("~"),
            allow=address,
            no_correlate=False,
            hwm=None,
            monitor=False,
        )
        self.link = peer.Link(args, receive_mode)
        self.servers, self.clients, self.data = [], [], None
        if pattern == peer.PUB_SUB and not receive_mode:
            self.link.connected.wait()
            time.sleep(peer.SETTLE)

    def recv(self, return_data=None):
        if return_data is not None:
            self.data = return_data
        timeout = self.options.get("subscriber_timeout") if self.pattern == peer.PUB_SUB else None
        while not timeout or self.link.poll(timeout):
            parts = self.link.receive()
            header = json.loads(parts[0])
            if header["terminate_flag"]:
                known = not self.multiserver or header["port"] in self.servers
                if self.pattern == peer.REQ_REP and known:
                    self.link.send(peer.terminate_reply(self.multiserver))
                if self.multiserver and known:
                    self.servers.remove(header["port"])
                if not self.servers:
                    return None
                continue
            if self.pattern != peer.PUB_SUB:
                self.link.send(self._answer())
            frame = peer.decode(header, parts[1])
            message = header["message"] if self.multiserver or self.bidirectional else None
            if self.multiserver:
                if header["port"] not in self.servers:
                    self.servers.append(header["port"])
                return (header["port"], message, frame) if message else (header["port"], frame)
            return (message, frame) if self.bidirectional else frame
        return None

    def _answer(self):
        if not (self.bidirectional or self.multiclient):
            return [b"Data received on device: ABCDEFGH !"]
        reply = {"port": self.port} if self.multiclient else {}
        if not hasattr(self.data, "dtype"):
            reply.update(return_type=type(self.data).__name__, data=self.data)
            return [peer.dump(reply)]
        body, colorspace = self._encode(self.data)
        reply.update(
            return_type="ndarray",
            compression=peer.jpeg_hints(colorspace) if colorspace else False,
            array_dtype="" if colorspace else str(self.data.dtype),
            array_shape="" if colorspace else list(self.data.shape),
            data=None,
        )
        return [peer.dump(reply), body]

    def _encode(self, frame):
        jpeg = self.options.get("jpeg_compression", True)
        fmt = {True: "jpeg", False: "bgr"}.get(jpeg, "jpeg-gray" if jpeg == "GRAY" else "jpeg")
        return peer.encode(fmt, frame, self.options.get("jpeg_compression_quality", 90))

    def send(self, frame, message=None):
        body, colorspace = self._encode(frame)
        header = peer.frame_header(self.pattern, frame, colorspace, message, self.port if self.multiserver else None)
        self.link.send([peer.dump(header), body])
        if self.pattern == peer.PUB_SUB:
            time.sleep(peer.PUB_INTERVAL)
            return None
        if not self.link.poll(3 * self.options.get("request_timeout", 4)):
            raise RuntimeError("no answer")
        parts = self.link.receive()
        if not (self.bidirectional or self.multiclient):
            return None
        reply = json.loads(parts[0])
        if self.multiclient and reply["port"] not in self.clients:
            self.clients.append(reply["port"])
        data = reply["data"]
        if reply["return_type"] == "ndarray":
            data = peer.decode(reply, parts[1], "array_dtype", "array_shape")
        return (reply["port"], data) if self.multiclient else data

    def close(self):
        if not self.receive_mode and not (self.multiclient and self.pattern == peer.PUB_SUB):
            if self.pattern == peer.PUB_SUB:
                time.sleep(peer.SETTLE)
            for _ in self.clients if self.multiclient else [None]:
                self.link.send([peer.dump(peer.terminate_header(self.port if self.multiserver else None))])
                if self.pattern != peer.PUB_SUB and self.link.poll(0.8):
                    self.link.receive()
        self.link.close()
