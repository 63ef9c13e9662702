package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
	"github.com/gst-netgear/gst-netgear/internal/kit"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// posted is a row of the table of errors, and the element that posts it.
type posted struct{ row, element string }

// oneByOne runs these as one pipeline after the other, until each ends, and checks
// that number i has posted the row number i.
func oneByOne(t *testing.T, rows []posted, pipelines []string) {
	t.Helper()
	w := python(t, "watch", append([]string{"testdata/watch.py", "--each"}, pipelines...)...)
	w.Exits(0)
	for i, p := range rows {
		told := slices.DeleteFunc(w.events("message"), func(e event) bool { return e.Pipeline == nil || *e.Pipeline != i })
		if !slices.ContainsFunc(told, p.is) {
			t.Errorf("%s of %s: %q posted", p.row, p.element, pipelines[i])
			for _, e := range told {
				t.Errorf("  %s %s/%s of %s: %s", e.Kind, e.Domain, e.Code, e.Element, e.Text)
			}
		}
	}
}

// is says whether a message is of that row: text, severity, domain and code.
func (p posted) is(e event) bool {
	kind, row := errdoc.Find(p.row)
	code := strings.ToLower(strings.ReplaceAll(kind.Code(p.element), "_", "-"))
	return slices.Contains(row.On, p.element) && e.Element == p.element && e.Kind == row.Severity() &&
		e.Domain == strings.ToLower(kind.Domain) && e.Code == code && row.Matches(e.Text)
}

// posts waits until an element of that name has posted the row; any, when the
// name is empty.
func (p script) posts(name string, row posted) {
	p.T.Helper()
	p.Await(fmt.Sprintf("to post %s of %s %s", row.row, row.element, name), func() bool {
		told, err := kit.ParseEvents(p.Lines, "message")
		return err == nil && slices.ContainsFunc(told, func(e event) bool { return (name == "" || e.Name == name) && row.is(e) })
	})
}

// stay starts a pipeline that goes on after errors.
func stay(t *testing.T, format string, args ...any) script {
	t.Helper()
	return watch(t, "--stay "+format, args...)
}

const (
	toSink  = "videotestsrc is-live=true num-buffers=3 ! " + testPicture + " ! netgearsink wait-for-connection=true "
	ofSrc   = "netgearsrc "
	toFake  = " ! fakesink async=false "
	tooFast = " request-timeout=0.1 max-retries=2 " // for a peer that is not there
)

// wrongSettings are settings with which an element cannot start, or gives up
// soon. MANY stands for the mode in which the element has many peers, PORT for
// a free port; what is below F is made by wrongFiles.
var wrongSettings = map[string]string{
	"property":              "uri=netgear://h:1?pattern=pubb",
	"port-0":                "bind=false port=0",
	"ipc-address":           "protocol=ipc",
	"tcp-address":           "address=a/b",
	"address-port":          "address=h:5556",
	"both-multi-modes":      "multiserver-mode=true multiclient-mode=true",
	"multiserver-pair":      "multiserver-mode=true",
	"wire-auto":             "wire=auto",
	"wire-settings":         "wire=imagezmq",
	"multiclient-pair":      "multiclient-mode=true",
	"bidirectional-pub-sub": "bidirectional-mode=true pattern=pub-sub",
	"multiserver-ports":     "MANY pattern=req-rep",
	"multiclient-ports":     "MANY pattern=req-rep",
	"ports-alone":           "ports=5566",
	"port-name":             "ONE pattern=req-rep bind=true port=0",
	"ports":                 "MANY pattern=req-rep ports=5566,x",
	"ports-twice":           "MANY pattern=req-rep ports=5566,5566",
	"allow-connecting":      "bind=false allow=10.0.0.1",
	"allow-ipc":             "bind=true protocol=ipc address=/x allow=10.0.0.1",
	"allow":                 "bind=true allow=10.0.0.0/8,camera",
	"in-flight":             "pattern=req-rep in-flight=4",

	"uri-caps":      "uri=netgear://h:1?caps=(",
	"uri-secret":    "uri=netgear://h:1?ssh-tunnel-pwd=x",
	"uri":           "uri=netgear://h:x",
	"uri-host":      "uri=netgear://é%25:1",
	"uri-ipv6":      "uri=netgear://::1:5555",
	"uri-path":      "uri=netgear://h:1/path",
	"uri-ipc":       "uri=netgear+ipc://path",
	"uri-scheme":    "uri=http://h:1",
	"uri-user":      "uri=netgear://me@h:1",
	"uri-fragment":  "uri=netgear://h:1#part",
	"uri-query":     "uri=netgear://h:1?bind=%zz",
	"uri-key":       "uri=netgear://h:1?patern=pair",
	"uri-twice":     "uri=netgear://h:1?port=2",
	"uri-key-twice": "uri=netgear://h:1?bind=true&bind=true",

	"certs-folder":    "secure-mode=1 custom-cert-location=F/none",
	"certs-no-folder": "secure-mode=1 custom-cert-location=/proc/version",
	"key-missing":     "secure-mode=1 custom-cert-location=F/half",
	"key-pair":        "bind=true secure-mode=1 custom-cert-location=F/mixed",
	"key-file":        "secure-mode=1 custom-cert-location=F/garbage",
	"certs-write":     "secure-mode=1 custom-cert-location=/proc",
	"certs-owner":     "secure-mode=1 custom-cert-location=F/foreign",
	"certs-mode":      "secure-mode=1 custom-cert-location=F/open",
	"certs-group":     "secure-mode=1 custom-cert-location=F/group",
	"certs-link":      "secure-mode=1 overwrite-cert=true custom-cert-location=F/link",
	"certs-lock":      "secure-mode=1 custom-cert-location=F/locked",

	"ssh-multiserver":        "ssh-tunnel-mode=me@h multiserver-mode=true pattern=req-rep",
	"ssh-multiclient":        "ssh-tunnel-mode=me@h multiclient-mode=true pattern=req-rep ports=5566",
	"ssh-bind":               "ssh-tunnel-mode=me@h bind=true",
	"ssh-ipc":                "ssh-tunnel-mode=me@h protocol=ipc address=/x",
	"ssh-user":               "ssh-tunnel-mode=h",
	"ssh-user-colon":         "ssh-tunnel-mode=me:pass@h",
	"ssh-host":               "ssh-tunnel-mode=me@h/path",
	"ssh-port":               "ssh-tunnel-mode=me@h:0",
	"ssh-keyfile":            "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty ssh-tunnel-keyfile=F/none",
	"ssh-keyfile-unreadable": "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty ssh-tunnel-keyfile=/proc/self/mem",
	"ssh-keyfile-encrypted":  "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty ssh-tunnel-keyfile=F/key",
	"ssh-keyfile-format":     "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty ssh-tunnel-keyfile=F/key.pub",
	"ssh-passphrase":         "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty ssh-tunnel-keyfile=F/key ssh-tunnel-pwd=wrong",
	"ssh-known-hosts":        "ssh-tunnel-mode=me@h ssh-known-hosts=F/none",
	"ssh-known-hosts-format": "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/key",
	"tunnel-waits":           "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty" + tooFast,
	"tunnel-abandoned":       "ssh-tunnel-mode=me@127.0.0.1:PORT ssh-known-hosts=F/empty" + tooFast,

	"in-use":         "bind=true address=127.0.0.1 port=TAKEN",
	"no-address":     "bind=true address=192.0.2.1", // of RFC 5737, nobody's
	"bind":           "bind=true protocol=ipc address=F/none/s",
	"connect":        "bind=false protocol=ipc address=/" + strings.Repeat("x", 108), // longer than a socket's path may be
	"no-reply":       "address=127.0.0.1 port=PORT" + tooFast,
	"sink-abandoned": "address=127.0.0.1 port=PORT" + tooFast,
	"no-frame":       "address=127.0.0.1 port=0" + tooFast,
	"src-abandoned":  "address=127.0.0.1 port=0" + tooFast,
}

// nobody is a user and a group that this machine has, and that is not ours.
const nobody = 65534

// wrongFiles makes the folder F.
func wrongFiles(t *testing.T) string {
	t.Helper()
	f := t.TempDir()
	keys := ourKeys(t)
	for folder, from := range map[string]map[string]string{
		"half":    {serverPublic: keys, clientPublic: keys},
		"mixed":   {serverPublic: keys, clientPublic: keys, serverSecret: keys, clientSecret: keys},
		"garbage": {serverPublic: keys, clientPublic: keys, serverSecret: keys, clientSecret: keys},
		"locked":  {},
	} {
		if err := os.Rename(mixedKeys(t, from), filepath.Join(f, folder)); err != nil {
			t.Fatal(err)
		}
	}
	other, err := os.ReadFile(filepath.Join(keys, clientPublic))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(f, "mixed", serverPublic), other)
	for _, name := range []string{serverSecret, clientSecret} {
		writeFile(t, filepath.Join(f, "garbage", name), []byte("no key\n"))
	}
	for folder, mode := range map[string]os.FileMode{"foreign": 0o755, "open": 0o777, "group": 0o775, "link": 0o755} {
		path := filepath.Join(f, folder, ".vidgear")
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for folder, owner := range map[string][2]int{"foreign": {nobody, nobody}, "group": {os.Getuid(), nobody}} {
		if err := os.Chown(filepath.Join(f, folder, ".vidgear"), owner[0], owner[1]); err != nil {
			t.Skipf("files of other users: %v", err)
		}
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(f, "link", ".vidgear", "keys")); err != nil {
		t.Fatal(err)
	}
	locked, err := os.Open(filepath.Join(f, "locked"))
	if err == nil {
		err = syscall.Flock(int(locked.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { locked.Close() })
	writeFile(t, filepath.Join(f, "empty"), nil)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", sshPassphrase, "-f", filepath.Join(f, "key")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return f
}

// One element alone, with settings that cannot work.
func TestErrorsOfSettings(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := wrongFiles(t)
	t.Run("together", func(t *testing.T) { // while the port is taken
		for element, words := range map[string][]string{
			errdoc.Sink: {toSink + "sync=false ", "", "MANY", "multiclient-mode=true", "ONE", "multiserver-mode=true"},
			errdoc.Src:  {ofSrc, toFake, "MANY", "multiserver-mode=true", "ONE", "multiclient-mode=true"},
		} {
			t.Run(element, func(t *testing.T) {
				t.Parallel()
				replacer := strings.NewReplacer(append(words[2:], "F/", folder+"/", "=PORT", fmt.Sprint("=", freePort(t)), ":PORT", fmt.Sprint(":", freePort(t)),
					"TAKEN", fmt.Sprint(taken.Addr().(*net.TCPAddr).Port))...)
				var rows []posted
				var pipelines []string
				for _, id := range slices.Sorted(maps.Keys(wrongSettings)) {
					if _, row := errdoc.Find(id); row != nil && slices.Contains(row.On, element) {
						rows = append(rows, posted{id, element})
						pipelines = append(pipelines, words[0]+replacer.Replace(wrongSettings[id])+words[1])
					}
				}
				oneByOne(t, rows, pipelines)
			})
		}
	})
}

// badPipelines fail for what comes into the element.
var badPipelines = map[posted]string{
	{"sink-buffer", errdoc.Sink}:         "fakesrc num-buffers=1 sizetype=fixed sizemax=10 ! " + testPicture + ",framerate=1/1 ! netgearsink",
	{"frame-malformed", errdoc.Sink}:     "fakesrc num-buffers=1 sizetype=fixed sizemax=10 ! image/jpeg ! netgearsink",
	{"sink-no-caps", errdoc.Sink}:        "fakesrc num-buffers=1 sizetype=fixed sizemax=10 ! netgearsink",
	{"caps-refused", errdoc.Sink}:        "videotestsrc num-buffers=1 ! jpegenc ! jpegdec ! netgearsink",
	{"caps-refused", errdoc.Src}:         "netgearsrc name=e address=127.0.0.1 port=0 bidirectional-mode=true ! fakesink videotestsrc num-buffers=1 ! jpegenc ! jpegdec ! e.return_sink",
	{"return-no-caps", errdoc.Src}:       "netgearsrc name=e address=127.0.0.1 port=0 bidirectional-mode=true ! fakesink fakesrc num-buffers=1 sizetype=fixed sizemax=10 ! e.return_sink",
	{"frame-cmyk", errdoc.Sink}:          "filesrc location=F/cmyk.jpg ! image/jpeg ! netgearsink",
	{"encoded-extensions", errdoc.Sink}:  "fakesrc num-buffers=1 ! video/x-vp8 ! netgearsink extensions=false",
	{"encoded-multiclient", errdoc.Sink}: "fakesrc num-buffers=1 ! video/x-vp8 ! netgearsink multiclient-mode=true pattern=req-rep ports=5566",
	{"encoded-caps", errdoc.Sink}:        "fakesrc num-buffers=1 ! video/x-vp8,profile=" + strings.Repeat("x", wire.MaxCapsLen) + " ! netgearsink",
	{"demux-empty", errdoc.Demux}:        "fakesrc num-buffers=0 ! netgeardemux ! fakesink",
	{"demux-negotiation", errdoc.Demux}:  "concat name=c ! netgeardemux name=d d.src_0 ! video/x-raw,format=BGR ! fakesink videotestsrc num-buffers=2 ! video/x-raw,format=BGR ! c. videotestsrc num-buffers=2 ! video/x-raw,format=RGB ! c.",
}

func TestErrorsOfInput(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "cmyk.jpg"), []byte(cmyk))
	var rows []posted
	var pipelines []string
	for p, pipeline := range badPipelines {
		rows, pipelines = append(rows, p), append(pipelines, strings.ReplaceAll(pipeline, "F/", folder+"/"))
	}
	oneByOne(t, rows, pipelines)
}

// far is the other end of an element, as bare as ZeroMQ is.
func far(t *testing.T, typ zmq4.Type, bind bool, endpoint string) *zmq4.Socket {
	t.Helper()
	s, err := zmq4.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	join := s.Connect
	switch {
	case bind:
		join = s.Bind
	case endpoint == "":
		join = func(string) error { return nil }
	}
	if err := errors.Join(s.SetLinger(0), s.SetRcvtimeo(patience), s.SetSndtimeo(patience), join(endpoint)); err != nil {
		t.Fatal(err)
	}
	return s
}

func send(t *testing.T, s *zmq4.Socket, parts ...any) {
	t.Helper()
	if _, err := s.SendMessage(parts...); err != nil {
		t.Fatal(err)
	}
}

func recv(t *testing.T, s *zmq4.Socket) {
	t.Helper()
	if _, err := s.RecvMessageBytes(0); err != nil {
		t.Fatal(err)
	}
}

// header is that of a raw frame of 16x12 BGR, or of what changes make of it.
func header(t *testing.T, changes map[string]any) string {
	t.Helper()
	h := map[string]any{"terminate_flag": false, "compression": false, "message": nil, "pattern": "0", "dtype": "uint8", "shape": []int{12, 16, 3}}
	maps.Copy(h, changes)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type fields = map[string]any

// pixels are those of testPicture.
var pixels = string(make([]byte, 16*12*3))

// cmyk is a JPEG of four components, as far as its markers go.
var cmyk = "\xff\xd8\xff\xdb\x00\x43" + string(make([]byte, 65)) + "\xff\xc0\x00\x14\x08\x00\x0c\x00\x10\x04\x01\x11\x00\x02\x11\x00\x03\x11\x00\x04\x11\x00\xff\xda\x00\x0e\x04\x01\x00\x02\x00\x03\x00\x04\x00\x00\x3f\x00" + "no data" + "\xff\xd9"

// badMessages is what a source gets; changes make the header, which is no JSON
// without any.
var badMessages = map[string]struct {
	changes fields
	data    []any
}{
	"message-malformed": {nil, []any{pixels}},
	"message-parts":     {fields{}, nil},
	"message-size":      {fields{}, []any{pixels}},
	"gst-key":           {fields{"gst": 7}, []any{pixels}},
	"gst-caps":          {fields{"gst": fields{"v": 1, "caps": "video/x-raw, width=9999"}}, []any{pixels}},
	"frame-malformed":   {fields{}, []any{pixels[1:]}},
	"frame-unsupported": {fields{"dtype": "complex64", "shape": []int{12, 2, 3}}, []any{pixels}},
	"frame-cmyk":        {fields{"compression": fields{"dct": true, "ups": false, "colorspace": "BGR"}}, []any{cmyk}},
	"frame-bytes":       {fields{"shape": []int{len(pixels)}}, []any{pixels}},
	"frame-caps":        {fields{"shape": []int{len(pixels)}, "gst": fields{"v": 1, "caps": "video/x-vp8, width=-1"}}, []any{pixels}},
	"sender-lost":       {fields{}, []any{pixels}},
	"src-negotiation":   {fields{}, []any{pixels}},
	"no-rate":           {fields{}, []any{pixels}},
	"caps-contradict":   {fields{}, []any{pixels}},
	"flow":              {fields{}, []any{pixels}},
}

// Messages of a sender that are wrong, or come to the wrong place.
func TestErrorsOfMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := slices.Sorted(maps.Keys(badMessages))
	var sources strings.Builder
	for i, id := range ids {
		settings, filter := "", ""
		switch id {
		case "message-size":
			settings = "max-frame-size=500"
		case "src-negotiation", "flow":
			filter = " ! image/jpeg"
		case "no-rate":
			filter = " ! video/x-raw,framerate=30/1"
		case "caps-contradict":
			settings = "caps=video/x-raw,width=99"
		}
		fmt.Fprintf(&sources, "netgearsrc name=%s protocol=ipc address=%s/s port=%d %s%s%s", id, dir, i, settings, filter, toFake)
	}
	w := stay(t, "%s", sources.String())
	for i, id := range ids {
		m := badMessages[id]
		head := "no header"
		if m.changes != nil {
			head = header(t, m.changes)
		}
		s := far(t, zmq4.PAIR, false, fmt.Sprintf("ipc://%s/s:%d", dir, i))
		send(t, s, append([]any{head}, m.data...)...)
		recv(t, s) // every message is confirmed
		if id == "sender-lost" {
			s.Close()
		}
		w.posts(id, posted{id, errdoc.Src})
	}
}

// What is not of the kind that the pipeline has taken so far ends nothing: it may be
// of a stranger that came while the sender was away.
func TestErrorOfOtherFrames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := stay(t, "netgearsrc name=src protocol=ipc address=%s/s port=1 ! image/jpeg ! appsink name=out", dir)
	s := far(t, zmq4.PAIR, false, "ipc://"+dir+"/s:1")
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 16, 12)), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		send(t, s, header(t, fields{"compression": fields{"dct": true, "ups": false, "colorspace": "BGR"}, "dtype": "", "shape": ""}), picture.String())
		recv(t, s)
		send(t, s, header(t, nil), pixels)
		recv(t, s)
	}
	w.posts("src", posted{"frame-refused", errdoc.Src})
	w.event("buffer", 2)
}

// A demuxer takes only so many senders apart.
func TestErrorOfTooManyPorts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const ports = 257
	list := make([]string, ports)
	for i := range list {
		list[i] = fmt.Sprint(i + 1)
	}
	w := stay(t, "netgearsrc name=src protocol=ipc address=%s/s multiserver-mode=true pattern=req-rep ports=%s ! netgeardemux name=d d.src_1%s", dir, strings.Join(list, ","), toFake)
	s := far(t, zmq4.REQ, false, "ipc://"+dir+"/s:7")
	for _, name := range append(list, "nobody") {
		send(t, s, header(t, fields{"port": name}), pixels)
		recv(t, s)
	}
	w.posts("d", posted{"demux-ports", errdoc.Demux})
	w.posts("src", posted{"message-name", errdoc.Src})
}

// A source serves one sender at a time.
func TestErrorOfAnIntruder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := stay(t, "netgearsrc name=src protocol=ipc address=%s/s port=1 pattern=req-rep%s", dir, toFake)
	for range 2 {
		s := far(t, zmq4.REQ, false, "ipc://"+dir+"/s:1")
		send(t, s, header(t, nil), pixels)
		recv(t, s)
	}
	w.posts("src", posted{"intruder", errdoc.Src})
}

// An encrypted pair has one peer; many others that connect are shaken off.
func TestErrorOfACrowd(t *testing.T) {
	t.Parallel()
	dir, keys := t.TempDir(), ourKeys(t)
	w := stay(t, "netgearsrc name=src protocol=ipc address=%s/s port=1 %s%svideotestsrc is-live=true ! %s ! netgearsink name=sink bind=true protocol=ipc address=%s/s port=2 %s",
		dir, secured(1, keys), toFake, testPicture, dir, secured(1, keys))
	for i, name := range []string{errdoc.Src, errdoc.Sink} {
		for range 70 {
			s := far(t, zmq4.PAIR, false, "")
			if err := errors.Join(encrypt(t, s, keys), s.Connect(fmt.Sprintf("ipc://%s/s:%d", dir, i+1))); err != nil {
				t.Fatal(err)
			}
			send(t, s, "x")
		}
		w.posts([]string{"src", "sink"}[i], posted{"crowd", name})
	}
}

// returned is the header of a frame that comes back.
func returned(t *testing.T, changes fields) string {
	t.Helper()
	h := fields{"port": "1", "return_type": "ndarray", "compression": false, "array_dtype": "uint8", "array_shape": []int{12, 16, 3}, "data": nil}
	maps.Copy(h, changes)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// badAnswers is what a sink gets for its first frame; without any the receiver
// goes away.
var badAnswers = map[string]func(t *testing.T) []any{
	"answer-malformed":     func(*testing.T) []any { return []any{`{"return_type": 7}`} },
	"answer-text":          func(*testing.T) []any { return []any{"Data received"} },
	"answer-parts":         func(t *testing.T) []any { return []any{returned(t, nil)} },
	"confirmation-parts":   func(t *testing.T) []any { return []any{"Data received", pixels} },
	"returned-malformed":   func(t *testing.T) []any { return []any{returned(t, nil), pixels[1:]} },
	"returned-unsupported": func(t *testing.T) []any { return []any{returned(t, fields{"array_dtype": "no\nname"}), pixels} },
	"receiver-lost":        func(*testing.T) []any { return nil },
	"flow":                 func(t *testing.T) []any { return []any{returned(t, nil), pixels} },
}

// Answers of a receiver that are wrong, or come to the wrong place.
func TestErrorsOfAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := slices.Sorted(maps.Keys(badAnswers))
	var sinks strings.Builder
	for i, id := range ids {
		fmt.Fprintf(&sinks, "videotestsrc is-live=true ! %s ! netgearsink name=%s protocol=ipc address=%s/s port=%d bidirectional-mode=%t ", testPicture, id, dir, i,
			id != "confirmation-parts")
	}
	w := stay(t, "%sflow.return_src ! image/jpeg%s", sinks.String(), toFake)
	for i, id := range ids {
		r := far(t, zmq4.PAIR, true, fmt.Sprintf("ipc://%s/s:%d", dir, i))
		recv(t, r)
		if answer := badAnswers[id](t); answer != nil {
			send(t, r, answer...)
		} else {
			r.Close()
		}
		w.posts(id, posted{id, errdoc.Sink})
	}
}

// refused are the settings of a receiver and of the sender that it refuses, or
// that refuses it. K is a folder of keys, X one of others, M one with a client
// key that the receiver does not know, PORT a free port.
var refused = map[string][2]string{
	"denied-key":       {"secure-mode=2 custom-cert-location=K", "secure-mode=2 custom-cert-location=M"},
	"denied-address":   {"allow=10.0.0.1", ""},
	"wants-encryption": {"secure-mode=1 custom-cert-location=K", ""},
	"no-encryption":    {"", "secure-mode=1 custom-cert-location=K"},
	"hangs-up":         {"secure-mode=1 custom-cert-location=K", "secure-mode=1 custom-cert-location=X"},
	"server-key":       {"", "secure-mode=1 custom-cert-location=K"}, // and an impostor below
}

// Ends that do not let each other in.
func TestErrorsOfSecurity(t *testing.T) {
	t.Parallel()
	keys, other := ourKeys(t), ourKeys(t)
	words := strings.NewReplacer("=K", "="+keys, "=X", "="+other, "=M", "="+mixedKeys(t, map[string]string{serverPublic: keys, clientSecret: other}))
	var ends strings.Builder
	for id, settings := range refused {
		port := freePort(t)
		if id == "server-key" {
			port = impostor(t)
		} else {
			fmt.Fprintf(&ends, "netgearsrc address=127.0.0.1 port=%d %s%s", port, words.Replace(settings[0]), toFake)
		}
		fmt.Fprintf(&ends, "videotestsrc is-live=true ! %s ! netgearsink name=%s address=127.0.0.1 port=%d %s ", testPicture, id, port, words.Replace(settings[1]))
	}
	w := stay(t, "%s", ends.String())
	for id := range refused {
		w.posts(id, posted{id, errdoc.Sink})
	}
}

// impostor poses as a CURVE server, and has no key that anybody would take:
// what it says cannot be decrypted. It returns its port.
func impostor(t *testing.T) int {
	t.Helper()
	return serve(t, pose)
}

func pose(conn net.Conn) {
	defer conn.Close()
	const greetingLen, helloLen = 64, 2 + 200
	greeting := make([]byte, greetingLen) // as of RFC 23
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "CURVE")
	welcome := append([]byte{4, 168}, "\x07WELCOME"...) // a command of 168 bytes, as of RFC 26
	welcome = append(welcome, make([]byte, 168-8)...)
	if _, err := conn.Write(greeting); err != nil {
		return
	}
	if n, err := io.ReadFull(conn, make([]byte, greetingLen+helloLen)); err != nil || n == 0 {
		return
	}
	_, _ = conn.Write(welcome)
	_, _ = io.Copy(io.Discard, conn) // until the other end has had enough
}

// sshRefused are settings beyond those that log in with the user's key. D is
// the folder of the server.
var sshRefused = map[string]string{
	"ssh-host-unknown": "ssh-known-hosts=D/no_hosts",
	"ssh-host-changed": "ssh-known-hosts=D/wrong_hosts",
	"ssh-host-revoked": "ssh-known-hosts=D/revoked_hosts",
	"ssh-login":        "ssh-tunnel-keyfile=D/stranger",
	"ssh-prohibited":   "",
}

// SSH servers that do not let us in, or on.
func TestErrorsOfSSH(t *testing.T) {
	t.Parallel()
	server := newSSHServer(t, "AllowTcpForwarding no")
	server.newKey("stranger", "")
	server.know("wrong_hosts", "stranger")
	writeFile(t, server.file("no_hosts"), nil)
	writeFile(t, server.file("revoked_hosts"), append([]byte("@revoked "), server.read("known_hosts")...))
	var sinks strings.Builder
	for id, settings := range sshRefused {
		fmt.Fprintf(&sinks, "videotestsrc is-live=true ! %s ! netgearsink name=%s address=127.0.0.1 port=1 %s %s ",
			testPicture, id, server.withKey(), strings.ReplaceAll(settings, "D/", server.dir+"/"))
	}
	w := stay(t, "%s", sinks.String())
	for id := range sshRefused {
		w.posts(id, posted{id, errdoc.Sink})
	}
}

// A process that has few file descriptors left.
func TestErrorsOfDescriptors(t *testing.T) {
	t.Parallel()
	w := script{start(t, "watch", "prlimit", "--nofile=34", interpreter(), "testdata/watch.py", "--each", toSink, ofSrc+"port=0"+toFake)}
	w.posts("", posted{"descriptors", errdoc.Sink})
	w.posts("", posted{"descriptors", errdoc.Src})
}

// faults are calls that fail, and the settings with which they are made.
var faults = map[string]struct{ fault, settings string }{
	"open":      {"socket", ""},
	"transport": {"events", ""},
	"home":      {"passwd", "secure-mode=1"},
}

// A system that runs short, and a libzmq that does what it never should.
func TestErrorsOfTheSystem(t *testing.T) {
	t.Parallel()
	library := filepath.Join(t.TempDir(), "fault.so")
	if out, err := exec.Command("gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, "testdata/fault.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for id, f := range faults {
		w := script{start(t, "watch", "env", "-u", "HOME", "LD_PRELOAD="+library, "FAULT="+f.fault, interpreter(), "testdata/watch.py", "--each",
			toSink+f.settings, ofSrc+"port=0 "+f.settings+toFake)}
		w.posts("", posted{id, errdoc.Sink})
		w.posts("", posted{id, errdoc.Src})
	}
}

// alone are the rows that take a process of their own.
var alone = map[posted]func(t *testing.T) script{
	{"certs-unreadable", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		folder := t.TempDir()
		if err := os.Chmod(folder, 0o300); err != nil {
			t.Fatal(err)
		}
		argv := []string{interpreter(), "testdata/watch.py", "netgearsrc", "port=0", "secure-mode=1", "custom-cert-location=" + folder, "!", "fakesink"}
		if os.Getuid() == 0 { // who may read everything
			argv = append([]string{"setpriv", "--bounding-set", "-dac_override,-dac_read_search"}, argv...)
		}
		return script{start(t, "watch", argv...)}
	},
	{"certs-space", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		if err := canSetPassword(); err != nil {
			t.Skip(err) // no mounts of our own
		}
		folder := t.TempDir()
		return script{start(t, "watch", "unshare", "-m", "sh", "-c", `mount -t tmpfs -o nr_inodes=2 none "$0" && exec "$@"`, folder,
			interpreter(), "testdata/watch.py", "netgearsrc", "port=0", "secure-mode=1", "custom-cert-location="+folder, "!", "fakesink")}
	},
	{"start", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		return stay(t, "netgearsrc bind=false port=0%s", toFake)
	},
	{"internal", errdoc.Sink}: func(t *testing.T) script {
		t.Helper()
		return watch(t, "--too-soon netgearsink name=sink fakesink")
	},
	{"answer-negotiation", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		return answer(t, `{"size":576}`)
	},
	{"answer-malformed", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		return answer(t, `{"size":9,"caps":"image/jpeg"}`)
	},
	{"answer-unsupported", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		file := filepath.Join(t.TempDir(), "cmyk.jpg")
		writeFile(t, file, []byte(cmyk))
		return answer(t, fmt.Sprintf(`{"file":%q,"caps":"image/jpeg"}`, file))
	},
	{"answer-buffer", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		return answer(t, `{"size":575,"caps":"`+testPicture+`,framerate=1/1"}`)
	},
	{"src-buffer", errdoc.Src}: func(t *testing.T) script {
		t.Helper()
		// Rows of 15 pixels are repacked for whoever knows of no rows.
		w := watch(t, "--no-memory netgearsrc name=src address=127.0.0.1 port=0 ! fakesink")
		s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
		send(t, s, header(t, fields{"shape": []int{12, 15, 3}}), pixels[:12*15*3])
		return w
	},
}

// answer starts a source that is given a sample to send back.
func answer(t *testing.T, spec string) script {
	t.Helper()
	return watchArgs(t, "--stay", "--push", spec, "netgearsrc", "name=in", "address=127.0.0.1", "port=0", "bidirectional-mode=true", "!", "fakesink")
}

func TestErrorsAlone(t *testing.T) {
	for p, start := range alone {
		t.Run(p.row+"/"+p.element, func(t *testing.T) {
			t.Parallel()
			start(t).posts("", p)
		})
	}
}

// Every row of docs/errors.md is provoked by a test above: one whose code
// differs between sink and source at both.
func TestEveryErrorIsProvoked(t *testing.T) {
	provoked := map[posted]bool{}
	add := func(id string, elements ...string) {
		_, row := errdoc.Find(id)
		if row == nil {
			t.Errorf("%s is no row of the table", id)
			return
		}
		for _, e := range elements {
			if slices.Contains(row.On, e) {
				provoked[posted{id, e}] = true
			}
		}
	}
	for id := range wrongSettings {
		add(id, errdoc.Sink, errdoc.Src)
	}
	for id := range faults {
		add(id, errdoc.Sink, errdoc.Src)
	}
	for p := range maps.Keys(badPipelines) {
		add(p.row, p.element)
	}
	for p := range maps.Keys(alone) {
		add(p.row, p.element)
	}
	for id := range badMessages {
		add(id, errdoc.Src)
	}
	for id := range badAnswers {
		add(id, errdoc.Sink)
	}
	for id := range refused {
		add(id, errdoc.Sink)
	}
	for id := range sshRefused {
		add(id, errdoc.Sink)
	}
	for _, id := range []string{"no-receiver", "no-peer", "no-sender", "peer-refused", "refused-again", "tunnel-unused"} {
		add(id, errdoc.Sink, errdoc.Src) // in cause_test.go
	}
	add("demux-ports", errdoc.Demux)
	add("message-name", errdoc.Src)
	add("intruder", errdoc.Src)
	add("frame-refused", errdoc.Src) // in TestErrorOfOtherFrames
	add("value-length", errdoc.Sink, errdoc.Src)
	add("message-length", errdoc.Sink)
	for _, row := range []string{"rate-no-encoder", "rate-deaf", "rate-ignored", "rate-lowest"} {
		add(row, errdoc.Sink) // in TestRateControlThatCannotFollow
	}
	add("round-trip", errdoc.Sink) // in TestALongWayIsTold
	add("forked", errdoc.Sink, errdoc.Src, errdoc.Demux)
	add("crowd", errdoc.Sink, errdoc.Src)
	add("descriptors", errdoc.Sink, errdoc.Src)
	for _, k := range errdoc.Kinds {
		for _, r := range k.Rows {
			var by []string
			for _, e := range r.On {
				if provoked[posted{r.ID, e}] {
					by = append(by, e)
				}
			}
			if len(by) == 0 || k.SinkCode != k.SrcCode && len(by) < len(r.On) {
				t.Errorf("%s of %v is provoked at %v", r.ID, r.On, by)
			}
		}
	}
}

func TestMessagesAreFound(t *testing.T) {
	got := kit.Messages([]string{
		"WARNING: from element /GstPipeline:pipeline0/GstNetgearSrc:netgearsrc0: no frame at tcp://127.0.0.1:5555",
		"ERROR: from element /GstPipeline:pipeline0/GstFakeSink:fakesink0: not ours",
		`{"event": "message", "kind": "error", "element": "netgeardemux", "text": "no stream"}`,
	})
	if len(got) != 2 || got[0].Kind != "warning" || got[0].Element != errdoc.Src || got[0].Text != "no frame at tcp://127.0.0.1:5555" || got[1].Element != errdoc.Demux {
		t.Errorf("%+v", got)
	}
}
