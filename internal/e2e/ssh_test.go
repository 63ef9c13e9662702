package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The password of the user at the SSH server, as itself and as the system
// keeps it, and the passphrase of a key.
const (
	sshPassword     = "correct-horse"
	sshPasswordHash = "$6$netgear$t9ag1xrk1Og5nD9lQig/d.DURQwccULnIPjt4L3d5KOI.B9TNzfzg7oBtuiHPmrM5TCFGk8/ocZzuJapUuycC/"
	sshPassphrase   = "tr0ub4dor"
)

// sshServer is OpenSSH's server, with keys and settings of its own, for the
// user who runs the test.
type sshServer struct {
	t    *testing.T
	dir  string
	port int
	argv []string
	run  *process
}

// newSSHServer starts a server with these lines before its settings.
func newSSHServer(t *testing.T, settings ...string) *sshServer {
	t.Helper()
	program, err := findSSHD()
	if _, serviceErr := os.Stat("/run/systemd/system"); err != nil && serviceErr == nil && os.Getenv("CI") == "" {
		t.Skip("there is no sshd, and its package would start one for good: install openssh-server to run this")
	}
	if err != nil {
		t.Fatal("there is no sshd: install the package openssh-server")
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &sshServer{t: t, dir: t.TempDir(), port: freePort(t)}
	s.newKey("host", "")
	s.newKey("user", "")
	s.newKey("locked", sshPassphrase)
	writeFile(t, s.file("authorized_keys"), slices.Concat(s.read("user.pub"), s.read("locked.pub")))
	s.know("known_hosts", "host")
	settings = append(settings,
		"ListenAddress 127.0.0.1", fmt.Sprint("Port ", s.port), "HostKey "+s.file("host"), "PidFile none", "LogLevel VERBOSE",
		"AuthorizedKeysFile "+s.file("authorized_keys"), "StrictModes no", "UsePAM no", "PermitRootLogin yes",
		"PasswordAuthentication yes", "AllowTcpForwarding yes")
	writeFile(t, s.file("sshd_config"), []byte(strings.Join(settings, "\n")+"\n"))
	s.argv = []string{program, "-D", "-e", "-f", s.file("sshd_config")}
	if canSetPassword() == nil {
		writeFile(t, s.file("shadow"), []byte(currentUser(t)+":"+sshPasswordHash+":19000:0:99999:7:::\n"))
		s.argv = append([]string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/shadow && exec "$@"`, s.file("shadow")}, s.argv...)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func findSSHD() (string, error) {
	if path, err := exec.LookPath("sshd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/sshd") // not in everybody's PATH
}

// canSetPassword says why no user can be given a password for the server alone:
// it sees another /etc/shadow than the rest of the system.
var canSetPassword = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return errors.New("only root can give a user a password for one server alone")
	}
	out, err := exec.Command("unshare", "-m", "mount", "--bind", "/dev/null", "/etc/shadow").CombinedOutput()
	if err != nil {
		return fmt.Errorf("no mounts of our own, to give a user a password for one server alone: %w: %s", err, out)
	}
	return nil
})

func currentUser(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func (s *sshServer) file(name string) string { return filepath.Join(s.dir, name) }

func (s *sshServer) read(name string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(s.file(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// newKey makes a pair of keys in files of that name.
func (s *sshServer) newKey(name, passphrase string) {
	s.t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", s.file(name)).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

// know writes a file of known hosts that has a key for the server.
func (s *sshServer) know(name, key string) {
	s.t.Helper()
	writeFile(s.t, s.file(name), fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, s.read(key+".pub")))
}

func (s *sshServer) start() {
	s.t.Helper()
	s.run = start(s.t, "sshd", s.argv...)
	s.run.Says(`Server listening on 127\.0\.0\.1`)
}

// kill kills the server and those who serve its sessions.
func (s *sshServer) kill() {
	sessions := descendants(s.run.Cmd.Process.Pid)
	s.run.Kill(syscall.SIGKILL)
	for _, pid := range sessions {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	s.run.Await("to end after SIGKILL", func() bool { return s.run.Ended })
}

// hang stops them all, for good.
func (s *sshServer) hang() {
	s.t.Helper()
	pid := s.run.Cmd.Process.Pid
	for _, pid := range append(descendants(pid), pid) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			s.t.Fatal(err)
		}
	}
}

// descendants returns the children of a process, theirs and so on.
func descendants(pid int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name: state, parent
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(append(pids, child), descendants(child)...)
			}
		}
	}
	return pids
}

// login is the user at the server.
func (s *sshServer) login() string {
	s.t.Helper()
	return fmt.Sprintf("%s@127.0.0.1:%d", currentUser(s.t), s.port)
}

// through are the settings of a sink that goes through the server.
func (s *sshServer) through() string {
	s.t.Helper()
	return fmt.Sprintf("ssh-tunnel-mode=%s ssh-known-hosts=%s", s.login(), s.file("known_hosts"))
}

// withKey are those that log in with the user's key.
func (s *sshServer) withKey() string {
	s.t.Helper()
	return s.through() + " ssh-tunnel-keyfile=" + s.file("user")
}

// Every way to log in leads to the receiver, one of ours or NetGear's, with
// encryption to the far end and without.
func TestSSHTunnel(t *testing.T) {
	server := newSSHServer(t)
	keys := netgearKeys(t)
	for _, c := range []struct {
		name, login string
		p           pattern
		mode        int
	}{
		{"key/pair", "ssh-tunnel-keyfile=" + server.file("user"), pair, 0},
		{"key/req-rep", "ssh-tunnel-keyfile=" + server.file("user"), reqRep, 0},
		{"key/pub-sub", "ssh-tunnel-keyfile=" + server.file("user"), pubSub, 0},
		{"encrypted key", "ssh-tunnel-keyfile=" + server.file("locked") + " ssh-tunnel-pwd=" + sshPassphrase, reqRep, 0},
		{"password", "ssh-tunnel-pwd=" + sshPassword, pair, 0},
		{"ironhouse/pair", "ssh-tunnel-keyfile=" + server.file("user"), pair, 2},
		{"ironhouse/pub-sub", "ssh-tunnel-keyfile=" + server.file("user"), pubSub, 2},
	} {
		needs := func(t *testing.T) {
			t.Helper()
			if err := canSetPassword(); c.name == "password" && err != nil {
				t.Skip(err)
			}
		}
		f := formats[0]
		t.Run(c.name+"/to netgearsrc", func(t *testing.T) {
			t.Parallel()
			needs(t)
			n, pace := stream(c.p)
			end, dir := receive(t)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%v %s ! %s", c.p, secured(c.mode, keys), end)
			s := launch(t, "%s ! %s netgearsink address=127.0.0.1 port=%d pattern=%v sync=false %s %s %s",
				f.source(t, n), pace, r.BoundPort(), c.p, secured(c.mode, keys), server.through(), c.login)
			s.Exits(0)
			r.Exits(0)
			frames := frameFiles(t, dir)
			if got := len(frames); got != n && (c.p != pubSub || got < n/2) {
				t.Errorf("%d frames, want %d", got, n)
			}
			for i, frame := range frames[:min(n, len(frames))] {
				i += n - len(frames) // without confirmation the first may be lost
				if packed, ok := unpad(frame, f.rowSize(), height); !ok || !slices.Equal(packed, f.frame(i)) {
					t.Errorf("frame %d differs", i)
				}
			}
		})
		t.Run(c.name+"/to NetGear", func(t *testing.T) {
			t.Parallel()
			needs(t)
			n, pace := stream(c.p)
			r := peer(t, "recv --pattern %d --port 0 --secure %d --certs %s", c.p, c.mode, keys)
			s := launch(t, "%s ! %s netgearsink address=127.0.0.1 port=%d pattern=%v sync=false %s %s %s",
				f.source(t, n), pace, r.port(), c.p, secured(c.mode, keys), server.through(), c.login)
			s.Exits(0)
			r.Exits(0)
			checkFrames(t, r, c.p, f, n)
		})
	}
}

// A tunnel that cannot be ends with an error that says why.
func TestSSHRefusals(t *testing.T) {
	server := newSSHServer(t)
	server.newKey("stranger", "")
	server.know("wrong_hosts", "stranger")
	writeFile(t, server.file("no_hosts"), nil)
	strict := newSSHServer(t, "AllowTcpForwarding no", "KbdInteractiveAuthentication no")
	dead := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	for _, c := range []struct{ name, settings, domain, code, text string }{
		{
			"wrong host key", server.withKey() + " ssh-known-hosts=" + server.file("wrong_hosts"), "resource", "not-authorized",
			"is not the one in " + server.file("wrong_hosts"),
		},
		{
			"unknown host key", server.withKey() + " ssh-known-hosts=" + server.file("no_hosts"), "resource", "not-authorized",
			"is unknown: want it in " + server.file("no_hosts"),
		},
		{
			"wrong password", server.through() + " ssh-tunnel-pwd=battery-staple", "resource", "not-authorized",
			server.login() + " does not let us log in with the password",
		},
		{
			"wrong password, no other way to give it", strict.through() + " ssh-tunnel-pwd=battery-staple", "resource", "not-authorized",
			strict.login() + " does not let us log in with the password",
		},
		{
			"wrong key", server.through() + " ssh-tunnel-keyfile=" + server.file("stranger"), "resource", "not-authorized",
			server.login() + " does not let us log in with the key " + server.file("stranger"),
		},
		{
			"wrong passphrase", server.through() + " ssh-tunnel-keyfile=" + server.file("locked") + " ssh-tunnel-pwd=battery-staple", "resource", "not-authorized",
			"ssh-tunnel-pwd is not its passphrase",
		},
		{"no passphrase", server.through() + " ssh-tunnel-keyfile=" + server.file("locked"), "library", "settings", "want its passphrase"},
		{"no way on", strict.withKey(), "resource", "not-authorized", strict.login() + " does not let us connect to 127.0.0.1:"},
		{
			"dead server", "ssh-tunnel-mode=me@" + dead + " ssh-tunnel-pwd=battery-staple ssh-known-hosts=" + server.file("no_hosts") +
				" request-timeout=0.3 max-retries=2", "resource", "open-read-write",
			"ssh tunnel to me@" + dead + ": dial tcp " + dead + ": connect: connection refused",
		},
		{
			"no receiver", server.withKey() + " request-timeout=0.3 max-retries=2", "resource", "open-read-write",
			"ssh tunnel to " + server.login() + ": nobody takes the connection at 127.0.0.1:",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, camera, freePort(t), pair, c.settings)
			w.Exits(1)
			checkError(t, w, c.domain, c.code, c.text)
			if n := w.Count("battery-staple"); n > 0 {
				t.Errorf("the password is in %d lines", n)
			}
		})
	}
}

// A server that dies in mid-stream and comes back costs no frame.
func TestSSHServerRestarts(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		const frames = 60
		server := newSSHServer(t)
		r := peer(t, "recv --pattern %d --port 0", p)
		s := launch(t, "videotestsrc num-buffers=%d ! %s ! identity sleep-time=20000 ! netgearsink address=127.0.0.1 port=%d pattern=%v sync=false request-timeout=0.5 max-retries=0 %s",
			frames, testPicture, r.port(), p, server.withKey())
		r.event("frame", 5)
		server.kill()
		s.Says(`ssh tunnel: connection lost`)
		s.Says(`^WARNING: from element .*ssh tunnel to ` + server.login())
		if n := len(r.events("frame")); n >= frames {
			t.Fatalf("%d frames have come before the server is back", n)
		}
		server.start()
		s.Exits(0)
		r.Exits(0)
		var want []int
		for n := range frames {
			want = append(want, n)
		}
		if got := sequence(t, r); !slices.Equal(got, want) {
			t.Errorf("frames %v, want all %d in order", got, frames)
		}
	})
}

// A sink whose tunnel leads nowhere does not hold up the end.
func TestSSHInterrupt(t *testing.T) {
	// interrupt ends a sink that plays and has said something.
	interrupt := func(t *testing.T, s pipeline, said string) {
		t.Helper()
		s.Says("New clock")
		s.Says(said)
		checkInterrupt(t, s, 2*time.Second)
	}
	t.Run("dead server", func(t *testing.T) {
		t.Parallel()
		known := filepath.Join(t.TempDir(), "known_hosts")
		writeFile(t, known, nil)
		s := launch(t, camera, freePort(t), pair, fmt.Sprintf("ssh-tunnel-mode=me@127.0.0.1:%d ssh-tunnel-pwd=x ssh-known-hosts=%s", freePort(t), known))
		interrupt(t, s, `ssh tunnel: no connection`)
	})
	t.Run("silent server", func(t *testing.T) {
		t.Parallel()
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		known := filepath.Join(t.TempDir(), "known_hosts")
		writeFile(t, known, nil)
		s := launch(t, camera, freePort(t), pair, fmt.Sprintf("ssh-tunnel-mode=me@%v ssh-tunnel-pwd=x ssh-known-hosts=%s", l.Addr(), known))
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		interrupt(t, s, "connecting endpoint=")
	})
	for name, stop := range map[string]func(s *sshServer){"killed server": (*sshServer).kill, "hanging server": (*sshServer).hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newSSHServer(t)
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 max-retries=0 ! fakesink silent=false")
			s := launch(t, "videotestsrc is-live=true ! %s ! netgearsink address=127.0.0.1 port=%d request-timeout=0.3 max-retries=0 %s", testPicture, r.BoundPort(), server.withKey())
			r.Says(chain)
			stop(server)
			interrupt(t, s, `^WARNING: .* no confirmation`)
		})
	}
}
