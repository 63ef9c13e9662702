package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// Certificates in the folder that users set.
const (
	serverPublic = ".vidgear/keys/public_keys/server.key"
	serverSecret = ".vidgear/keys/private_keys/server.key_secret"
	clientPublic = ".vidgear/keys/public_keys/client.key"
	clientSecret = ".vidgear/keys/private_keys/client.key_secret"
)

// secureModes are in the order of NetGear's numbers.
var secureModes = []string{"grasslands", "stonehouse", "ironhouse"}

// secured are the settings of an end with its certificates in a folder.
func secured(mode int, folder string) string {
	return fmt.Sprintf("secure-mode=%s custom-cert-location=%s", secureModes[mode], folder)
}

// netgearKeys returns a folder with certificates that NetGear has made.
func netgearKeys(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	peer(t, "certs --certs %s", folder).Exits(0)
	return folder
}

// ourKeys returns a folder with certificates that an element has made.
func ourKeys(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	s := launch(t, "videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=%d %s", freePort(t), secured(1, folder))
	s.Says(`certificates generated`)
	s.Kill(syscall.SIGKILL)
	return folder
}

// mixedKeys returns a folder with certificates out of others, by name.
func mixedKeys(t testing.TB, from map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, source := range from {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// Certificates that NetGear has made serve our elements, and those that our
// elements have made serve NetGear.
func TestSecureStreams(t *testing.T) {
	f := formats[0]
	for maker, folder := range map[string]string{"NetGear's keys": netgearKeys(t), "our keys": ourKeys(t)} {
		for _, p := range patterns {
			for mode := 1; mode <= 2; mode++ {
				name := fmt.Sprintf("%v/%s/%s", p, secureModes[mode], maker)
				t.Run(name+"/to NetGear", func(t *testing.T) {
					t.Parallel()
					n, pace := stream(p)
					r := peer(t, "recv --pattern %d --port 0 --secure %d --certs %s", p, mode, folder)
					s := launch(t, "%s ! %s netgearsink address=127.0.0.1 port=%d pattern=%v sync=false %s",
						f.source(t, n), pace, r.port(), p, secured(mode, folder))
					s.Exits(0)
					r.Exits(0)
					checkFrames(t, r, p, f, n)
				})
				t.Run(name+"/from NetGear", func(t *testing.T) {
					t.Parallel()
					end, dir := receive(t)
					r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v max-lag=0 %s ! %s", p, secured(mode, folder), end)
					s := peer(t, "%s --port %d --secure %d --certs %s", sending(p, f), r.BoundPort(), mode, folder)
					r.Exits(0)
					s.Exits(0)
					checkReceived(t, r, s, f, dir)
				})
			}
		}
	}
}

// camera is a stream without end into a sink, which never gives up by itself.
const camera = "videotestsrc is-live=true ! " + testPicture + " ! netgearsink wait-for-connection=true address=127.0.0.1 port=%d pattern=%v request-timeout=30 %s"

// Who has no right to connect ends with an error that says so, and who has
// goes on; the source that refuses says why.
func TestSecureRefusals(t *testing.T) {
	keys, other := netgearKeys(t), netgearKeys(t)
	const allow = " allow=10.0.0.0/8,127.0.0.2"
	for i, c := range []struct {
		name         string
		mode         int
		src, sink    string
		text, reason string
	}{
		{
			"unknown client key", 2, secured(2, keys), secured(2, mixedKeys(t, map[string]string{serverPublic: keys, clientSecret: other})),
			"does not let us in: it has not our public key", "unknown client key",
		},
		{"no encryption", 2, secured(2, keys), "", "wants encryption", "not encrypted"},
		{"encryption in vain", 0, "", secured(2, keys), "does not encrypt", "encrypted: our secure-mode is grasslands"},
		{
			"another server key", 2, secured(2, keys), secured(2, mixedKeys(t, map[string]string{serverPublic: other, clientSecret: keys})),
			"its key is not the one in", "another server key",
		},
		{"address", 2, secured(2, keys) + allow, secured(2, keys), "or not our address in its list", "address 127.0.0.1 is not in allow"},
		{"address without encryption", 0, allow, "", "does not let us in: it has not our address in its list", "address 127.0.0.1 is not in allow"},
	} {
		p := patterns[i%len(patterns)]
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := watch(t, "netgearsrc name=src address=127.0.0.1 port=0 pattern=%v %s ! appsink name=out", p, c.src)
			port := pipeline(r).BoundPort()
			good := peer(t, "send --pattern %d --address 127.0.0.2:0;127.0.0.1 --port %d --frames 100000 --interval 0.02 --gst auto --secure %d --certs %s",
				p, port, c.mode, keys)
			r.event("buffer", 3)
			bad := watch(t, camera, port, p, c.sink)
			bad.Exits(1)
			checkError(t, bad, "resource", "not-authorized", c.text)
			r.Says(`^{"event": "rejected", "endpoint": "tcp://[^"]+", "reason": "[^"]*` + c.reason + `[^"]*", "failures": [1-9]`)
			r.event("buffer", len(r.events("buffer"))+5)
			for n, e := range r.events("buffer") {
				if p != pubSub && (e.Seq == nil || *e.Seq != uint64(n)) {
					t.Fatalf("buffer %d is %+v: want each frame of the good sender", n, e)
				}
			}
			if lost := good.events("timeout"); len(lost) > 0 {
				t.Errorf("the good sender was disturbed: %v", lost)
			}
			r.posts("src", posted{"peer-refused", "netgearsrc"})
			for _, e := range r.events("message") {
				if e.Kind != "warning" {
					t.Errorf("the source said %+v", e)
				}
			}
		})
	}
}

// A sink that NetGear refuses, or that would have to speak in clear, says so.
func TestSecureRefusalsByNetGear(t *testing.T) {
	keys, other := ourKeys(t), ourKeys(t)
	for i, c := range []struct{ name, receiver, sink, text string }{
		{
			"unknown client key", "--secure 2", secured(2, mixedKeys(t, map[string]string{serverPublic: keys, clientSecret: other})),
			"does not let us in: it has not our public key",
		},
		{"no encryption", "--secure 1", "", "wants encryption"},
		{"encryption in vain", "--secure 0", secured(1, keys), "does not encrypt"},
		{"another server key", "--secure 1", secured(1, other), "its key is not the one in"},
		{"address", "--secure 1 --allow 10.0.0.1", secured(1, keys), "or not our address in its list"},
	} {
		p := patterns[i%len(patterns)]
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := peer(t, "recv --pattern %d --port 0 --certs %s %s", p, keys, c.receiver)
			w := watch(t, camera, r.port(), p, c.sink)
			w.Exits(1)
			checkError(t, w, "resource", "not-authorized", c.text)
			if got := r.events("frame"); len(got) > 0 {
				t.Errorf("%d frames came", len(got))
			}
		})
	}
}

// A receiver without encryption that takes over the port of one with it gets
// nothing, also after the sink has made new sockets.
func TestNoDowngradeOfSink(t *testing.T) {
	keys := ourKeys(t)
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		first := peer(t, "recv --pattern %d --port 0 --secure 1 --certs %s --no-reply-after 0 --until-terminate", p, keys)
		w := watch(t, "videotestsrc is-live=true ! %s ! netgearsink address=127.0.0.1 port=%d pattern=%v request-timeout=0.2 max-retries=0 %s",
			testPicture, first.port(), p, secured(1, keys))
		first.event("frame", 1)
		if e := w.event("message", 1); !strings.Contains(e.Text, "no confirmation") {
			t.Fatalf("the sink said %q, want that there is no confirmation", e.Text)
		}
		port := first.port()
		first.Kill(syscall.SIGKILL)
		plain := peer(t, "recv --pattern %d --port %d --monitor", p, port)
		// It had a receiver, so it warns and goes on trying.
		w.posts("", posted{"refused-again", "netgearsink"})
		w.Says(`"text": "refused: \S+ does not encrypt: want secure-mode there too; it gets nothing: trying again"`)
		plain.event("rejected", 1)
		if got := len(plain.events("frame")); got > 0 {
			t.Errorf("the receiver without encryption got %d frames", got)
		}
	})
}

// A source that made new sockets while it waited still lets nobody in who does
// not encrypt.
func TestNoDowngradeOfSource(t *testing.T) {
	keys := ourKeys(t)
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		end, dir := receive(t)
		r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v request-timeout=0.2 max-retries=0 %s ! %s", p, secured(1, keys), end)
		r.Says(`^WARNING: .* no frame at tcp://127.0.0.1:\d+ within 600ms`)
		plain := peer(t, "send --pattern %d --port %d --frames 1 --timeout 30 --monitor", p, r.BoundPort())
		plain.event("rejected", 1)
		s := peer(t, "%s --port %d --secure 1 --certs %s", sending(p, formats[0]), r.BoundPort(), keys)
		s.Exits(0)
		r.Exits(0)
		checkRawFrames(t, dir)
		if len(plain.events("sent")) > 0 {
			t.Error("the sender without encryption was served")
		}
	})
}

// checkRawFrames checks files of the frames of sending.
func checkRawFrames(t *testing.T, dir string) {
	t.Helper()
	frames := frameFiles(t, dir)
	if len(frames) != 6 {
		t.Errorf("%d frames, want 6", len(frames))
	}
	f := formats[0]
	for i, frame := range frames {
		if packed, ok := unpad(frame, f.rowSize(), height); !ok || !slices.Equal(packed, f.frame(i)) {
			t.Errorf("frame %d differs", i)
		}
	}
}

// What is wrong with the settings of security is told with what was wanted.
func TestRefusedSecuritySettings(t *testing.T) {
	half := ourKeys(t)
	if err := os.Remove(filepath.Join(half, clientSecret)); err != nil {
		t.Fatal(err)
	}
	const sink, src = "videotestsrc num-buffers=1 ! jpegenc ! netgearsink %s", "netgearsrc port=0 %s ! fakesink"
	for _, c := range []struct {
		name, end, settings string
		want                []string
	}{
		{"half of the keys", sink, secured(1, half), []string{clientSecret + " is missing"}},
		{"no such folder", src, secured(1, "/nonexistent/certificates"), []string{"custom-cert-location", "/nonexistent/certificates"}},
		{"no folder", src, secured(2, "/proc/version"), []string{"custom-cert-location", "/proc/version"}},
		{"allow", src, "allow=10.0.0.0/8,camera", []string{"allow", "camera", "10.0.0.0/8"}},
		{"allow of an end that connects", sink, "allow=10.0.0.0/8", []string{"allow", "bind=false"}},
		{"tunnel with many servers", sink, "ssh-tunnel-mode=me@h multiserver-mode=true pattern=req-rep", []string{"ssh-tunnel-mode", "multiserver-mode"}},
		{"tunnel with many clients", sink, "ssh-tunnel-mode=me@h multiclient-mode=true pattern=req-rep ports=5566", []string{"ssh-tunnel-mode", "multiclient-mode"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, c.end, c.settings)
			w.Exits(1)
			checkError(t, w, "library", "settings", "want")
			text := w.events("message")[0].Text
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q: want %q in it", text, want)
				}
			}
		})
	}
}

// Keys that are made are nobody else's to read, whatever the umask is.
func TestKeysArePrivate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	start(t, "gst-launch", "sh", "-c", `umask 0 && exec "$@"`, "sh",
		"gst-launch-1.0", "netgearsrc", "port=0", "secure-mode=ironhouse", "custom-cert-location="+folder, "!", "fakesink").Says(`bound endpoint=`)
	for name, want := range map[string]os.FileMode{
		serverSecret: 0o600, clientSecret: 0o600, filepath.Dir(serverSecret): 0o700 | os.ModeDir,
		serverPublic: 0o644, clientPublic: 0o644,
	} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

// Many secure ends in one process, with keys of three folders.
func TestManySecureElements(t *testing.T) {
	t.Parallel()
	folders := []string{ourKeys(t), ourKeys(t), ourKeys(t)}
	args := []string{"env", "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7,leaks:7", "gst-launch-1.0", "-v"}
	var dirs []string
	for i := range 10 {
		p := patterns[i%len(patterns)]
		end, dir := receive(t)
		dirs = append(dirs, dir)
		settings := fmt.Sprintf("address=127.0.0.1 port=%d pattern=%v %s", freePort(t), p, secured(1+i%2, folders[i/4]))
		swapped := i%4 == 3
		args = append(args, strings.Fields(fmt.Sprintf(
			"netgearsrc bind=%v %s ! %s async=false videotestsrc is-live=true num-buffers=30 ! %s ! netgearsink wait-for-connection=true bind=%v %s",
			!swapped, settings, end, testPicture, swapped, settings))...)
	}
	g := start(t, "gst-launch", args...)
	g.Exits(0)
	g.Says(`^Got EOS`)
	for i, dir := range dirs {
		least := 30
		if patterns[i%len(patterns)] == pubSub {
			least = 15
		}
		if n := len(frameFiles(t, dir)); n < least || n > 30 {
			t.Errorf("%d frames of stream %d, want 30", n, i)
		}
	}
	leaks(t, strings.Join(g.Lines, "\n"))
}

// A password shows nowhere: in no message and at no log level of ours, in no
// drawing of the pipeline, and nobody can read the property.
func TestPasswordDoesNotShow(t *testing.T) {
	t.Parallel()
	const sink, marker = "videotestsrc num-buffers=1 ! jpegenc ! netgearsink address=127.0.0.1 request-timeout=0.1 max-retries=2 ", "battery-staple"
	known := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, known, nil)
	mode := fmt.Sprintf("ssh-tunnel-mode=me@127.0.0.1:%d ssh-known-hosts=%s", freePort(t), known)
	for _, settings := range []string{
		mode + " ssh-tunnel-pwd=" + marker,
		mode + " ssh-tunnel-pwd=" + marker + " ssh-tunnel-keyfile=/nonexistent/key",
		"uri=netgear://127.0.0.1:5555?ssh-tunnel-pwd=" + marker,
	} {
		drawings := t.TempDir()
		g := start(t, "gst-launch", strings.Fields("env GST_DEBUG=netgear*:9 GST_DEBUG_DUMP_DOT_DIR="+drawings+" gst-launch-1.0 -v -m "+sink+settings)...)
		g.Fails()
		g.Says(`^ERROR: from element .*netgearsink0: .*ssh.tunnel`)
		if n := g.Count(marker); n > 0 {
			t.Errorf("%s: the password is in %d lines", settings, n)
		}
		for _, drawing := range frameFiles(t, drawings) {
			if strings.Contains(string(drawing), marker) {
				t.Errorf("%s: the password is in a drawing of the pipeline", settings)
			}
		}
	}
	g := start(t, "gst-inspect", "gst-inspect-1.0", "--no-colors", "netgearsink")
	g.Exits(0)
	g.Says(`String. Default: "" Write only`)
	if flags := g.after(`^  ssh-tunnel-pwd +:`); !strings.Contains(flags, "writable") || strings.Contains(flags, "readable") {
		t.Errorf("ssh-tunnel-pwd has the flags %q, want it writable and not readable", flags)
	}
}

// after returns the line behind the first that matches.
func (p *process) after(expr string) string {
	re := regexp.MustCompile(expr)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if i := slices.IndexFunc(p.Lines, re.MatchString); i >= 0 && i+1 < len(p.Lines) {
		return p.Lines[i+1]
	}
	return ""
}

// Two machines, each with no more than its own keys: the one with a key that
// netgear-keys has handed out is let in, from the address that is allowed, and no
// other.
func TestSecureMachines(t *testing.T) {
	const allowed = " allow=10.9.0.1"
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		m := kit.NewMachines(t)
		launch := func(n *namespace, text string) pipeline {
			argv := append([]string{"env", "GST_DEBUG=netgear:5,netgearsrc:7", "gst-launch-1.0", "-e"}, strings.Fields(text)...)
			return pipeline{startIn(t, n, "gst-launch", argv...)}
		}
		server, client := t.TempDir(), t.TempDir()
		src := fmt.Sprintf("netgearsrc address=* port=5555 pattern=%v max-retries=0 ! fakesink sync=false", p)
		keyed := func(text, folder, more string) string {
			return regexp.MustCompile(`netgear(sink|src) `).ReplaceAllString(text, "${0}"+secured(2, folder)+more+" ")
		}
		first := launch(m.Receiver, keyed(src, server, "")) // makes the server's keys
		first.BoundPort()
		first.Kill(syscall.SIGKILL)
		out, err := exec.Command("../../build/netgear-keys", "-location", server, "cam1", client).CombinedOutput()
		if err != nil {
			t.Fatalf("netgear-keys: %v\n%s", err, out)
		}
		if _, err := os.Stat(filepath.Join(client, serverSecret)); err == nil {
			t.Fatal("the client has the server's secret key")
		}
		// One that has the server's public key, and a key of its own making.
		others := ourKeys(t)
		stranger := mixedKeys(t, map[string]string{serverPublic: server, clientPublic: others, clientSecret: others})

		sink := fmt.Sprintf("videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=16,height=12,framerate=100/1 ! netgearsink wait-for-connection=true address=%v port=5555 pattern=%v", kit.ReceiverAddress, p)
		r := launch(m.Receiver, keyed(src, server, allowed))
		r.BoundPort()
		refused := launch(m.Sender, keyed(sink, stranger, ""))
		refused.Says(`not authorized: tcp://10\.9\.0\.2:5555 does not let us in`)
		refused.Await("to end", refused.HasEnded)
		plain := launch(m.Sender, sink)
		plain.Says(`not authorized: tcp://10\.9\.0\.2:5555 wants encryption`)
		plain.Await("to end", plain.HasEnded)
		if n := len(r.Frames()); n != 0 {
			t.Errorf("%d frames of strangers", n)
		}
		s := launch(m.Sender, keyed(sink, client, ""))
		r.More(10)
		s.Kill(syscall.SIGINT)
		s.Exits(0)
		r.Exits(0)

		elsewhere := launch(m.Receiver, keyed(src, server, " allow=10.9.0.9"))
		elsewhere.BoundPort()
		s = launch(m.Sender, keyed(sink, client, ""))
		s.Says(`not authorized`)
		s.Await("to end", s.HasEnded)
		if n := len(elsewhere.Frames()); n != 0 {
			t.Errorf("%d frames from an address that is not allowed", n)
		}
	})
}
