package zmsg

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
)

func TestCompatible(t *testing.T) {
	built := [...]int{4, 3, 4}
	for _, c := range []struct {
		runs [3]int
		want bool
	}{
		{[...]int{4, 3, 4}, true},
		{[...]int{4, 3, 5}, true},
		{[...]int{4, 3, 6}, true},
		{[...]int{4, 3, 99}, true},
		{[...]int{4, 3, 3}, false},
		{[...]int{4, 4, 4}, false},
		{[...]int{5, 3, 4}, false},
	} {
		if got := compatible(built, c.runs); got != c.want {
			t.Errorf("built against %v, runs with %v: %v: want %v", built, c.runs, got, c.want)
		}
	}
}

// An update of libzmq within its SONAME does not break what is installed: this
// test runs again with a zmq_version that says 4.3.42, and with one that says 4.9.
func TestLaterLibzmq(t *testing.T) {
	if os.Getenv("LATER_LIBZMQ") != "" {
		major, minor, patch := zmq4.Version()
		zctx, err := zmq4.NewContext()
		if err != nil {
			t.Fatalf("libzmq %d.%d.%d: %v", major, minor, patch, err)
		}
		if err := zctx.Term(); err != nil {
			t.Fatal(err)
		}
		return
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	for _, c := range []struct {
		minor, patch string
		ok           bool
	}{{"3", "42", true}, {"9", "0", false}} {
		dir := t.TempDir()
		source, library := filepath.Join(dir, "later.c"), filepath.Join(dir, "later.so")
		text := "void zmq_version(int *a, int *b, int *c) { *a = 4; *b = " + c.minor + "; *c = " + c.patch + "; }\n"
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestLaterLibzmq$")
		cmd.Env = append(os.Environ(), "LATER_LIBZMQ=1", "LD_PRELOAD="+library)
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.ok {
			t.Fatalf("libzmq 4.%s.%s: %v: %s", c.minor, c.patch, err, out)
		}
		if !c.ok && !strings.Contains(string(out), "runtime links with version 4.9.0") {
			t.Fatalf("libzmq 4.9.0: %s", out)
		}
	}
}
