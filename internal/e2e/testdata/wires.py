"""The wires of other programs, with peers that do what those programs do: wires.py CASE, which ends with status 0 when all is as it must be.

    source WIRE [FOLDER]   a peer sends, netgearsrc receives: bytes, order, names
    sink WIRE [FOLDER]     netgearsink sends, a peer receives
    strangers FOLDER       who has no keys, or alone has some, is refused and told why
    names         many of imagezmq's senders at one port, each with a pad of netgeardemux
    cameras       the cameras of one message of LeRobot come apart, with one timestamp
    lekiwi        the robot LeKiwi pushes its state with a JPEG of each camera
    restart       the hub of imagezmq goes away and comes back
    refused       what a wire cannot carry is refused

With a folder all is encrypted. The keys are made in it; the peers set them by hand, as those programs have no setting for it.
"""

import base64
import json
import os
import sys
import threading
import time

import cv2
import gi
import numpy as np
import zmq
import zmq.auth

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402

FRAMES = 30
PATIENCE = 30  # s
context = zmq.Context()
secure = ""  # settings of our elements
keys = {}  # (public, secret) by the end: server binds, client connects
picture = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
coded = cv2.imencode(".jpg", picture)[1].tobytes()


def jpeg(i):
    """A JPEG that has its number in a comment."""
    text = b"%08d" % i
    return coded[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + coded[2:]


def array(i):
    a = picture.copy()
    a[0, 0, :] = i
    return a


def play(text):
    pipeline = Gst.parse_launch(text)
    assert pipeline.set_state(Gst.State.PLAYING) != Gst.StateChangeReturn.FAILURE, text
    return pipeline


def pull(pipeline, name="out"):
    sample = pipeline.get_by_name(name).try_pull_sample(PATIENCE * Gst.SECOND)
    assert sample, "no frame came"
    return sample


def data(sample):
    return sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())


def meta(sample):
    """port and message of NetgearMeta."""
    structure = Gst.ElementFactory.make("netgearsrc").emit("get-meta", sample.get_buffer())
    return structure.get_string("port"), json.loads(structure.get_string("message"))


def encrypt(folder):
    global secure
    secure = f"secure-mode=ironhouse custom-cert-location={folder}"
    for part in ("", "public_keys", "private_keys"):
        os.makedirs(f"{folder}/.vidgear/keys/{part}", mode=0o700)
    for end in ("server", "client"):
        public, secret = zmq.auth.create_certificates(f"{folder}/.vidgear/keys", end)
        keys[end] = zmq.auth.load_certificate(secret)
        os.rename(public, f"{folder}/.vidgear/keys/public_keys/{end}.key")
        os.rename(secret, f"{folder}/.vidgear/keys/private_keys/{end}.key_secret")


def socket(kind, **options):
    s = context.socket(kind)
    s.linger = 0
    s.rcvtimeo = s.sndtimeo = PATIENCE * 1000
    if keys:
        s.curve_server = kind in (zmq.REP, zmq.XPUB)  # they bind
        s.curve_publickey, s.curve_secretkey = keys["server" if s.curve_server else "client"]
        if not s.curve_server:
            s.curve_serverkey = keys["server"][0]
    for name, value in options.items():
        setattr(s, name, value)
    return s


# How each program makes a message of frame i, and reads one.
def lerobot(i, names=("head",)):
    images = {n: base64.b64encode(jpeg(10 * i + k)).decode() for k, n in enumerate(names)}
    return [json.dumps({"timestamps": {n: 1700000000.25 + i for n in names}, "images": images}).encode()]


def read_lerobot(parts):
    (text,) = parts
    message = json.loads(text)
    assert list(message["timestamps"]) == ["head"] and abs(message["timestamps"]["head"] - time.time()) < 60, message["timestamps"]
    return base64.b64decode(message["images"]["head"], validate=True)


def header(i, **more):
    a = array(i)
    return [json.dumps(dict(more, dtype=str(a.dtype), shape=a.shape)).encode(), a.tobytes()]


def read_array(parts, keys):
    md = json.loads(parts[0])
    assert sorted(md) == keys and md.get("msg", "head") == "head", md
    return np.frombuffer(parts[1], dtype=md["dtype"]).reshape(md["shape"]).tobytes()


def read_jpg(parts):
    assert json.loads(parts[0]) == {"msg": "head"}, parts[0]
    return parts[1]


def only(parts):
    (part,) = parts
    return part


# name: wire, pattern, a message of frame i, how it is read, and what the frame is
WIRES = {
    "imagezmq-jpg-rep": ("imagezmq", "req-rep", lambda i: [json.dumps({"msg": "head"}).encode(), jpeg(i)], read_jpg, jpeg),
    "imagezmq-jpg-sub": ("imagezmq", "pub-sub", lambda i: [json.dumps({"msg": "head"}).encode(), jpeg(i)], read_jpg, jpeg),
    "imagezmq-image-rep": ("imagezmq", "req-rep", lambda i: header(i, msg="head"), lambda p: read_array(p, ["dtype", "msg", "shape"]), lambda i: array(i).tobytes()),
    "imagezmq-image-sub": ("imagezmq", "pub-sub", lambda i: header(i, msg="head"), lambda p: read_array(p, ["dtype", "msg", "shape"]), lambda i: array(i).tobytes()),
    "jpeg": ("jpeg", "pub-sub", lambda i: [jpeg(i)], only, jpeg),
    "jpeg-topic": ("jpeg", "pub-sub", lambda i: [b"camera", jpeg(i)], None, jpeg),
    "lerobot": ("lerobot", "pub-sub", lambda i: lerobot(i), read_lerobot, lambda i: jpeg(10 * i)),
    "array": ("array", "pub-sub", lambda i: header(i), lambda p: read_array(p, ["dtype", "shape"]), lambda i: array(i).tobytes()),
}


def source(name):
    wire, pattern, message, _, frame = WIRES[name]
    if pattern == "req-rep":
        end = play(f"netgearsrc name=src pattern=req-rep port=0 address=127.0.0.1 {secure} ! appsink name=out")
        s = socket(zmq.REQ)
        s.connect("tcp://127.0.0.1:%d" % end.get_by_name("src").get_property("current-port"))
    else:
        s = socket(zmq.XPUB, xpub_nodrop=True)
        port = s.bind_to_random_port("tcp://127.0.0.1")
        end = play(f"netgearsrc name=src wire={wire} pattern=pub-sub bind=false address=127.0.0.1 port={port} max-lag=0 {secure} ! appsink name=out")
        assert s.recv() == b"\x01", "no subscription"
    for i in range(FRAMES):
        s.send_multipart(message(i))
        sample = pull(end)
        assert data(sample) == frame(i), f"frame {i} is another"
        if wire in ("imagezmq", "lerobot"):
            assert meta(sample) == ("head", "head"), meta(sample)
        if wire == "lerobot":
            reference = sample.get_buffer().get_reference_timestamp_meta(Gst.Caps.from_string("timestamp/x-unix"))
            assert abs(reference.timestamp - (1700000000.25 + i) * 1e9) < 1e6, reference.timestamp
        if pattern == "req-rep":
            assert s.recv() == b"OK"
    stats = end.get_by_name("src").get_property("stats")
    assert stats.get_uint64("frames-received")[1] == FRAMES and stats.get_uint64("frames-malformed")[1] == 0, stats.to_string()
    end.set_state(Gst.State.NULL)


def sink(name):
    wire, pattern, _, read, frame = WIRES[name]
    caps = "image/jpeg,framerate=30/1" if frame(0)[:2] == b"\xff\xd8" else "video/x-raw,format=BGR,width=64,height=48,framerate=30/1"
    message = "message=head" if wire in ("imagezmq", "lerobot") else ""
    begin = f"appsrc name=in format=time caps={caps} ! netgearsink name=sink wire={wire} pattern={pattern} {message} {secure} "
    if pattern == "req-rep":
        s = socket(zmq.REP)
        pipeline = play(begin + "address=127.0.0.1 port=%d" % s.bind_to_random_port("tcp://127.0.0.1"))
    else:
        pipeline = play(begin + "bind=true address=127.0.0.1 port=0 wait-for-connection=true")
        s = socket(zmq.SUB, subscribe=b"", **({} if "imagezmq" in wire or wire == "array" else {"conflate": True}))
        s.connect("tcp://127.0.0.1:%d" % pipeline.get_by_name("sink").get_property("current-port"))
        until = time.time() + PATIENCE
        while pipeline.get_by_name("sink").get_property("num-peers") == 0 and time.time() < until:
            time.sleep(0.01)
        time.sleep(0.3)  # the subscription is on its way
    for i in range(FRAMES):
        pipeline.get_by_name("in").push_buffer(Gst.Buffer.new_wrapped(frame(i)))
        assert read(s.recv_multipart()) == frame(i), f"frame {i} is another"
        if pattern == "req-rep":
            s.send(b"any text")
    pipeline.get_by_name("in").end_of_stream()
    seen = pipeline.get_bus().timed_pop_filtered(PATIENCE * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    assert seen and seen.type == Gst.MessageType.EOS, "no end"
    s.rcvtimeo = 300
    try:
        print("a message after the end:", s.recv_multipart())
        sys.exit(1)
    except zmq.Again:
        pass
    pipeline.set_state(Gst.State.NULL)


def names():
    """Four senders, in turn; the name of one is no name of a pad."""
    senders = ["pi-1", "pi-2", "cam/3", "Küche"]
    pads = {"pi-1": "src_pi-1", "pi-2": "src_pi-2", "cam/3": "src_cam_3", "Küche": "src_K_che"}
    end = play(
        "netgearsrc name=src wire=imagezmq pattern=req-rep multiserver-mode=true port=0 address=127.0.0.1 ! netgeardemux name=d "
        + " ".join(f"d.{pads[n]} ! queue ! appsink name=out{k} sync=false" for k, n in enumerate(senders))
    )
    port = end.get_by_name("src").get_property("current-port")

    def send(k):
        s = socket(zmq.REQ)
        s.connect(f"tcp://127.0.0.1:{port}")
        for i in range(FRAMES):
            s.send_multipart([json.dumps({"msg": senders[k]}).encode(), jpeg(1000 * k + i)])
            assert s.recv() == b"OK"

    threads = [threading.Thread(target=send, args=[k]) for k in range(len(senders))]
    for t in threads:
        t.start()
    for k, n in enumerate(senders):
        for i in range(FRAMES):
            sample = pull(end, f"out{k}")
            assert data(sample) == jpeg(1000 * k + i), f"frame {i} of {n} is another"
            assert meta(sample) == (n, n), meta(sample)
    for t in threads:
        t.join()
    end.set_state(Gst.State.NULL)


def cameras():
    """As ImageServer sends them."""
    names = ["head", "left", "right"]
    s = socket(zmq.XPUB, xpub_nodrop=True)
    port = s.bind_to_random_port("tcp://127.0.0.1")
    end = play(
        f"netgearsrc pattern=pub-sub bind=false address=127.0.0.1 port={port} max-lag=0 ! netgeardemux name=d "
        + " ".join(f"d.src_{n} ! queue ! appsink name={n} sync=false" for n in names)
    )
    assert s.recv() == b"\x01", "no subscription"
    for i in range(FRAMES):
        s.send_multipart(lerobot(i, names))
        stamps = set()
        for k, n in enumerate(names):
            sample = pull(end, n)
            assert data(sample) == jpeg(10 * i + k), f"frame {i} of {n} is another"
            stamps.add(sample.get_buffer().pts)
        assert len(stamps) == 1, stamps
    end.set_state(Gst.State.NULL)


def lekiwi():
    """As lekiwi_host.py sends: the source finds out that it must pull."""
    names, state = ["front", "wrist"], {"arm_gripper.pos": 1.5, "x.vel": 0.0}
    s = socket(zmq.PUSH)
    port = s.bind_to_random_port("tcp://127.0.0.1")
    end = play(
        f"netgearsrc wire=lerobot pattern=pub-sub bind=false address=127.0.0.1 port={port} max-lag=0 ! netgeardemux name=d "
        + " ".join(f"d.src_{n} ! queue ! appsink name={n} sync=false" for n in names)
    )
    for i in range(FRAMES):
        s.send_multipart([json.dumps({"_cams": names, **state}).encode()] + [jpeg(10 * i + k) for k in range(len(names))])
        for k, n in enumerate(names):
            sample = pull(end, n)
            assert data(sample) == jpeg(10 * i + k), f"frame {i} of {n} is another"
            assert meta(sample) == (n, {"_cams": names, **state}), meta(sample)
    end.set_state(Gst.State.NULL)


def restart():
    """No frame is lost: what was not answered comes again."""
    s = socket(zmq.REP)
    port = s.bind_to_random_port("tcp://127.0.0.1")
    pipeline = play(
        "appsrc name=in format=time caps=image/jpeg,framerate=30/1 ! "
        f"netgearsink wire=imagezmq pattern=req-rep address=127.0.0.1 port={port} message=head request-timeout=1"
    )
    for i in range(FRAMES):
        pipeline.get_by_name("in").push_buffer(Gst.Buffer.new_wrapped(jpeg(i)))
    seen = []
    while not seen or seen[-1] < FRAMES - 1:
        parts = s.recv_multipart()
        seen.append(int(parts[1][6:14]))
        assert parts[1] == jpeg(seen[-1])
        if len(seen) % 7 == 0:  # without an answer
            s.close()
            time.sleep(0.2)
            s = socket(zmq.REP)
            s.bind(f"tcp://127.0.0.1:{port}")
        else:
            s.send(b"OK")
    assert sorted(set(seen)) == list(range(FRAMES)) and seen == sorted(seen), seen
    pipeline.set_state(Gst.State.NULL)


def refused():
    raw, jpg, vp8 = "video/x-raw,format=BGR,width=8,height=8,framerate=1/1", "image/jpeg", "video/x-vp8"
    publish = "pattern=pub-sub bind=true port=0 address=127.0.0.1"
    for caps, settings, want in [
        (raw, f"wire=jpeg {publish}", "want jpegenc"),
        (raw, f"wire=lerobot {publish}", "want jpegenc"),
        (jpg, f"wire=array {publish}", "want jpegdec"),
        (vp8, f"wire=imagezmq {publish}", "or wire=netgear"),
        (jpg, f"wire=jpeg {publish} message=hello", "message="),
        (jpg, "wire=auto", "wire=auto"),
    ]:
        pipeline = Gst.parse_launch(f"appsrc name=in ! netgearsink {settings}")  # its pad takes anything, until it has caps
        pipeline.get_by_name("in").set_property("caps", Gst.Caps.from_string(caps))
        pipeline.set_state(Gst.State.PLAYING)
        pipeline.get_by_name("in").push_buffer(Gst.Buffer.new_wrapped(bytes(192)))
        seen = pipeline.get_bus().timed_pop_filtered(PATIENCE * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
        assert seen and seen.type == Gst.MessageType.ERROR, settings
        error = seen.parse_error()[0].message
        assert want in error, f"{settings}: {error}"
        pipeline.set_state(Gst.State.NULL)
    try:
        Gst.parse_launch(f"videotestsrc ! {raw} ! netgearsink wire=jpeg")
        sys.exit("linked")
    except gi.repository.GLib.GError as e:
        assert "can't handle caps video/x-raw" in str(e), e


def says(pipeline, kind, want):
    """Waits for an error or a warning with that text."""
    until = time.time() + PATIENCE
    while time.time() < until:
        seen = pipeline.get_bus().timed_pop_filtered(Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.WARNING)
        if seen and seen.type == kind:
            text = (seen.parse_error if kind == Gst.MessageType.ERROR else seen.parse_warning)()[0].message
            assert want in text, text
            return
    sys.exit("nothing was said: want " + want)


def strangers(folder):
    encrypt(folder)
    theirs, ours = dict(keys), secure
    keys.clear()
    end = play(f"netgearsrc name=src wire=imagezmq pattern=req-rep port=0 address=127.0.0.1 {ours} ! appsink name=out")
    s = socket(zmq.REQ)
    s.connect("tcp://127.0.0.1:%d" % end.get_by_name("src").get_property("current-port"))
    s.send_multipart([json.dumps({"msg": "head"}).encode(), jpeg(0)], zmq.NOBLOCK)
    says(end, Gst.MessageType.WARNING, "secure-mode")  # not encrypted, or that it hung up before it said so: who is faster
    assert end.get_by_name("out").try_pull_sample(0) is None, "a frame of a stranger"
    end.set_state(Gst.State.NULL)

    begin = "videotestsrc is-live=true ! jpegenc ! netgearsink name=sink wire=imagezmq address=127.0.0.1 "
    end = play(begin + f"pattern=pub-sub bind=true port=0 {ours}")
    s = socket(zmq.SUB, subscribe=b"")
    s.connect("tcp://127.0.0.1:%d" % end.get_by_name("sink").get_property("current-port"))
    says(end, Gst.MessageType.WARNING, "secure-mode")
    s.rcvtimeo = 300
    try:
        sys.exit("a stranger got %d parts" % len(s.recv_multipart()))
    except zmq.Again:
        pass
    end.set_state(Gst.State.NULL)

    for they_encrypt, settings, want in [(False, ours, "does not encrypt"), (True, "", "wants encryption")]:
        keys.clear()
        if they_encrypt:
            keys.update(theirs)
        s = socket(zmq.REP)
        end = play(begin + "pattern=req-rep port=%d %s" % (s.bind_to_random_port("tcp://127.0.0.1"), settings))
        says(end, Gst.MessageType.ERROR, want)
        end.set_state(Gst.State.NULL)


Gst.init(None)
case, arguments = globals()[sys.argv[1]], sys.argv[2:]
if case in (source, sink) and len(arguments) > 1:
    encrypt(arguments.pop())
case(*arguments)
