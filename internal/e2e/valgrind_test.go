package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// valgrindEnv is the environment in which valgrind can read the plugin and
// follow what it does: it knows nothing of Go's DWARF, and a Go stack that was
// freed must not become memory for anything else, since it takes what lies
// below a stack's pointer for lost.
func valgrindEnv(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("objcopy", "--strip-debug", "../../build/libgstnetgear.so", filepath.Join(dir, "libgstnetgear.so")).CombinedOutput(); err != nil {
		t.Fatalf("objcopy: %v: run \"make build\"\n%s", err, out)
	}
	env := gstEnv(t, "GST_PLUGIN_PATH="+dir, "GST_REGISTRY="+filepath.Join(dir, "registry.bin"),
		"G_SLICE=always-malloc", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	inspect := exec.Command("gst-inspect-1.0", "netgear") // writes the registry, which takes long in valgrind
	inspect.Env = env
	if out, err := inspect.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return env
}

// goSuppressions writes a file that has valgrind say nothing of accesses by Go's
// own code, whose stacks it does not know: functions of Go have a dot in their
// names, but for some in assembly and what cgo generates, which only copies
// arguments from such a stack and back. Go gives the kernel addresses on such a
// stack too. C that is called from there is looked at, and leaks are whoever's.
func goSuppressions(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range []string{"Addr1", "Addr2", "Addr4", "Addr8", "Addr16", "Addr32", "Cond", "Value8"} {
		for _, function := range []string{"*.*", "*body", "_cgo*"} {
			fmt.Fprintf(&b, "{\n go\n Memcheck:%s\n fun:%s\n}\n", kind, function)
		}
	}
	for _, param := range []string{
		"epoll_ctl(event)", "poll(ufds.fd)", "poll(ufds.events)", "poll(ufds.revents)",
		"socketcall.accept(addr)", "socketcall.accept(addrlen_in)", "socketcall.accept(addrlen_out)",
		"socketcall.getsockname(name)", "socketcall.getsockname(namelen_in)", "socketcall.getsockname(namelen_out)",
		"socketcall.getpeername(name)", "socketcall.getpeername(namelen_in)", "socketcall.getpeername(namelen_out)",
		"socketcall.getsockopt(optlen)", "socketcall.getsockopt(optlen_out)", "socketcall.getsockopt(optval)",
		"socketcall.setsockopt(optval)",
	} {
		fmt.Fprintf(&b, "{\n go\n Memcheck:Param\n %s\n fun:internal/runtime/syscall/linux.Syscall6\n}\n", param)
	}
	path := filepath.Join(t.TempDir(), "go.supp")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The C code reads and writes no memory that is not its own, and loses none:
// buffers of every layout in and out, changing caps, messages, returned frames
// and the demultiplexer's pads, in the plugin as it is.
func TestValgrind(t *testing.T) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Fatal("there is no valgrind: install the package of that name")
	}
	env, suppressions := valgrindEnv(t), goSuppressions(t)
	buffers, demux := compileC(t, "buffers"), compileC(t, "demux")
	port := freePort(t)
	back := fmt.Sprintf("gst-launch-1.0 netgearsrc name=r address=127.0.0.1 port=%d bidirectional-mode=true post-messages=true ! tee name=t "+
		"t. ! queue ! r.return_sink t. ! queue ! fakesink videotestsrc num-buffers=20 ! video/x-raw,format=BGR,width=33,height=20,framerate=50/1 ! "+
		"netgearsink name=s address=127.0.0.1 port=%d message={\"a\":1} bidirectional-mode=true post-messages=true s.return_src ! fakesink", port, port)
	for _, c := range []struct {
		name string
		argv []string
	}{
		{"buffers, pair", []string{buffers, "pair"}},
		{"buffers, req-rep", []string{buffers, "req-rep"}},
		{"buffers, pub-sub", []string{buffers, "pub-sub"}},
		{"demux", []string{demux}},
		{"returned frames", strings.Fields(back)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "valgrind", append([]string{
				"-q", "--error-exitcode=9", "--error-limit=no", "--num-callers=30", "--fair-sched=try", // else a thread may get no turn for a second
				"--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
				"--suppressions=/usr/share/glib-2.0/valgrind/glib.supp", "--suppressions=testdata/valgrind.supp", "--suppressions=" + suppressions,
			}, c.argv...)...)
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			if err != nil {
				noise := regexp.MustCompile(`(?m)^==\d+== (Warning: |         ( to suppress|further)).*\n`)
				t.Fatalf("%v\n%s", err, tail(noise.ReplaceAllString(string(out), "")))
			}
			if strings.Contains(string(out), "FAILED") {
				t.Fatalf("%s", tail(string(out)))
			}
		})
	}
}
