// Package kit has what tests, benchmarks and the demo need of the system:
// processes, ports, network namespaces and links, compilers and interpreters.
package kit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// T is what is needed of a testing.TB, so that programs do not link package testing.
type T interface {
	Cleanup(f func())
	Errorf(format string, args ...any)
	Failed() bool
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Helper()
	Logf(format string, args ...any)
	Skip(args ...any)
	TempDir() string
}

// Patience is the safety net of every wait for an event. Nothing takes that long
// unless it is broken.
const Patience = 40 * time.Second

// Root returns the top of the source tree, from any folder below it.
func Root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			err = errors.New("no go.mod here or above: run it in the source tree")
		}
		dir = up
	}
	return "", err
}

// Env is the environment in which GStreamer finds the plugin in the folder build, or
// in the one that the variable NETGEAR_BUILD names instead, leaves the user's registry
// alone and writes its log without colours.
func Env(build string, more ...string) ([]string, error) {
	build, err := filepath.Abs(cmp.Or(os.Getenv("NETGEAR_BUILD"), build))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(build, "libgstnetgear.so")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s/libgstnetgear.so is missing: run \"make build\"", build)
	} else if err != nil {
		return nil, err
	}
	return append(append(os.Environ(), "GST_PLUGIN_PATH="+build, "GST_REGISTRY="+filepath.Join(build, "registry.bin"),
		"GST_DEBUG_NO_COLOR=1", "GST_DEBUG_FILE=", "LC_ALL=C.UTF-8"), more...), nil
}

// Python is the interpreter that has zmq, numpy and cv2.
func Python() string {
	if path := os.Getenv("PYTHON"); path != "" {
		return path
	}
	return "/usr/bin/python3"
}

// Compile compiles a C program with what pkg-config says of the packages.
func Compile(program, source string, packages ...string) error {
	flags, err := exec.Command("pkg-config", append([]string{"--cflags", "--libs"}, packages...)...).Output()
	if err != nil {
		return fmt.Errorf("pkg-config %s: %w", strings.Join(packages, " "), err)
	}
	args := append([]string{"-Wall", "-Werror", "-O2", "-o", program, source}, strings.Fields(string(flags))...)
	if filepath.Ext(program) == ".so" {
		args = append(args, "-shared", "-fPIC")
	}
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("cc %s: %w\n%s", source, err, out)
	}
	return nil
}

// FreePort returns a TCP port that nobody is bound to, from below those that the
// kernel gives out by itself. It returns none twice in a row, and begins anywhere:
// another process would take a port whose owner is away for a moment.
func FreePort() (int, error) {
	const first, many = 20000, 12000
	var err error
	for range many {
		port := first + int(nextPort.Add(1)%many)
		if err = TryPort(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}

// TryPort returns nil if nobody is bound to a TCP port. It does not listen: a process that
// is being started has our descriptors for a moment, and a socket that listens would keep
// the port taken as long.
func TryPort(port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Port: port})
}

var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(12000)) }

// Within waits until ok, for what no process tells.
func Within(t T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("want %s within %v", what, Patience)
		}
	}
}
