"""Listens as those do whom a NetGear end should not have met, one for each argument, and tells where:

    {"event": "listening", "what": "HTTP", "n": 12345}

HTTP and SSH are servers of these, MUTE says nothing, HANGUP ends every connection, FULL takes none and refuses none, and PAIR, REQ and so on are ZeroMQ sockets that take nothing.
What follows TO=PORT connects to 127.0.0.1 instead: a type, or CURVE:PAIR for one that encrypts.
"""

import http.server
import json
import socket
import sys
import threading
import time

import zmq


def tell(what, port):
    sys.stdout.write(json.dumps({"event": "listening", "what": what, "n": port}) + "\n")
    sys.stdout.flush()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(what):
    listener = socket.create_server(("127.0.0.1", 0))
    tell(what, listener.getsockname()[1])
    kept = []
    while True:
        connection, _ = listener.accept()
        if what == "HANGUP":
            connection.close()
            continue
        if what == "SSH":
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        kept.append(connection)


def fill():
    """The kernel drops what comes to a queue that is full, as a firewall does."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    kept = [listener]
    for _ in range(3):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
        kept.append(s)
    tell("FULL", listener.getsockname()[1])
    return kept


def main():
    context, kept = zmq.Context(), []
    for word in sys.argv[1:]:
        if word == "HTTP":
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            tell(word, server.server_port)
        elif word in ("SSH", "MUTE", "HANGUP"):
            threading.Thread(target=serve, args=(word,), daemon=True).start()
        elif word == "FULL":
            kept.append(fill())
        elif "=" in word:
            port, kind = word.removeprefix("TO=").split("=")
            s = context.socket(getattr(zmq, kind.removeprefix("CURVE:")))
            if kind.startswith("CURVE:"):
                s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
                s.curve_serverkey, _ = zmq.curve_keypair()
            s.connect(f"tcp://127.0.0.1:{port}")
            kept.append(s)
        else:
            s = context.socket(getattr(zmq, word))
            tell(word, s.bind_to_random_port("tcp://127.0.0.1"))
            kept.append(s)
    time.sleep(600)


main()
