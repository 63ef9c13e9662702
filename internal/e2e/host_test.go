package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A program that has the plugin in it keeps its signals, its limits and its
// children, and has many elements at once.
func TestHost(t *testing.T) {
	program := compileC(t, "host")
	for _, c := range []struct {
		name string
		ends syscall.Signal // 0: by itself
	}{
		{"handlers-before", 0},
		{"handlers-after", 0},
		{"peer-closes", 0},
		{"pipe-default-without", syscall.SIGPIPE},
		{"pipe-default", syscall.SIGPIPE},
		{"pipe-ignored", 0},
		{"pipe-handled", 0},
		{"limits", 0},
		{"children", 0},
		{"many", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, c.name)
			cmd.Env = gstEnv(t)
			out, err := cmd.CombinedOutput()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if c.ends == 0 && err != nil || c.ends != 0 && (!status.Signaled() || status.Signal() != c.ends) {
				t.Errorf("%v\n%s", err, tail(string(out)))
			}
			t.Logf("%s", out)
		})
	}
}

// copyPlugin puts a copy of the plugin into a folder of its own.
func copyPlugin(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	data, err := os.ReadFile("../../build/libgstnetgear.so")
	if err != nil {
		t.Fatalf("%v: run \"make build\"", err)
	}
	writeFile(t, filepath.Join(folder, "libgstnetgear.so"), data)
	return folder
}

// The registry is made from nothing, by a scanner or in the program itself, also
// where the plugin is in two folders: there is one set of elements, and it works.
func TestRegistry(t *testing.T) {
	one, other := copyPlugin(t), copyPlugin(t)
	for _, c := range []struct{ name, path, fork string }{
		{"scanner", one, "yes"},
		{"in the program", one, "no"},
		{"twice, scanner", one + ":" + other, "yes"},
		{"twice, in the program", one + ":" + other, "no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := gstEnv(t, "GST_PLUGIN_PATH="+c.path, "GST_REGISTRY_FORK="+c.fork, "GST_REGISTRY="+filepath.Join(t.TempDir(), "registry.bin"))
			for _, again := range []string{"from nothing", "as it is now"} {
				cmd := exec.Command("gst-inspect-1.0", "netgear")
				cmd.Env = env
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", again, err, out)
				}
				for _, element := range []string{"netgearsink:", "netgearsrc:", "netgeardemux:"} {
					if n := strings.Count(string(out), element); n != 1 {
						t.Errorf("%s: %d of %s\n%s", again, n, element, out)
					}
				}
			}
			port := freePort(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "gst-launch-1.0", strings.Fields(fmt.Sprintf("-q netgearsrc address=127.0.0.1 port=%d ! fakesink async=false "+
				"videotestsrc num-buffers=10 ! video/x-raw,width=32,height=24,format=BGR ! netgearsink address=127.0.0.1 port=%d", port, port))...)
			cmd.Env = env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The whole log of everything changes nothing of the stream, and has no secret
// in it.
func TestFullLog(t *testing.T) {
	keys := netgearKeys(t)
	log := filepath.Join(t.TempDir(), "log")
	f := formats[0]
	for mode := range 3 {
		t.Run(secureModes[mode], func(t *testing.T) {
			end, dir := receive(t)
			settings := ""
			if mode > 0 {
				settings = secured(mode, keys)
			}
			port := freePort(t)
			logged := func(log, format string, args ...any) *process {
				argv := []string{"env", "GST_DEBUG=9", "GST_DEBUG_FILE=" + log, "gst-launch-1.0", "-q"}
				return start(t, "gst-launch", append(argv, strings.Fields(fmt.Sprintf(format, args...))...)...)
			}
			r := logged(log, "netgearsrc address=127.0.0.1 port=%d %s ! %s", port, settings, end)
			logged(log+"-sink", "%s ! netgearsink address=127.0.0.1 port=%d sync=false %s", f.source(t, 20), port, settings).Exits(0)
			r.Exits(0)
			if n := len(frameFiles(t, dir)); n != 20 {
				t.Errorf("%d frames came, want 20", n)
			}
			for _, log := range []string{log, log + "-sink"} {
				text, err := os.ReadFile(log)
				if err != nil || !bytes.Contains(text, []byte("netgear")) || !bytes.Contains(text, []byte("TRACE")) {
					t.Fatalf("no log: %v", err)
				}
				for _, name := range []string{serverSecret, clientSecret} {
					if bytes.Contains(text, secretKey(t, filepath.Join(keys, name))) {
						t.Errorf("the log has the key of %s in it", name)
					}
				}
				t.Logf("%d MB of log", len(text)>>20)
			}
		})
	}
	t.Run("password", func(t *testing.T) {
		knownHosts := filepath.Join(t.TempDir(), "known_hosts")
		writeFile(t, knownHosts, nil)
		argv := []string{"env", "GST_DEBUG=9", "GST_DEBUG_FILE=" + log, "gst-launch-1.0", "-q"}
		argv = append(argv, strings.Fields(fmt.Sprintf("videotestsrc num-buffers=1 ! jpegenc ! netgearsink port=5555 max-retries=1 request-timeout=0.3 "+
			"ssh-tunnel-mode=user@127.0.0.1:%s ssh-tunnel-pwd=%s ssh-known-hosts=%s", freePortText(t), sshPassword, knownHosts))...)
		start(t, "gst-launch", argv...).Fails()
		text, err := os.ReadFile(log)
		if err != nil || !bytes.Contains(text, []byte("ssh tunnel")) {
			t.Fatalf("no log of the tunnel: %v", err)
		}
		for line := range bytes.Lines(text) {
			// GStreamer itself writes down what is set by a line of gst-launch.
			if bytes.Contains(line, []byte(sshPassword)) && bytes.Contains(line, []byte("netgear")) && !bytes.Contains(line, []byte("GST_PIPELINE")) {
				t.Fatalf("the log has the password in it: %s", line)
			}
		}
	})
}

// secretKey returns the secret key in a certificate.
func secretKey(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(text, []byte(`secret-key = "`))
	if !ok || len(rest) < 40 {
		t.Fatalf("no key in %s", path)
	}
	return rest[:40]
}
