package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// says runs the program and returns what it prints.
func says(t *testing.T, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	if err := run(args, &said); err != nil && !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("%q: %v", args, err)
	}
	return said.String()
}

func TestHandsOutAKey(t *testing.T) {
	dir := t.TempDir()
	location, out := filepath.Join(dir, "receiver"), filepath.Join(dir, "a", "camera")
	said := says(t, "-location", location, "cam1", out)
	for _, want := range []string{"made the folder " + location + "\n", "made the folder " + out + "\n", "cam1 may connect now", "revoke cam1"} {
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q in it", said, want)
		}
	}
	for path, mode := range map[string]os.FileMode{
		location: 0o700, out: 0o700,
		filepath.Join(location, ".vidgear/keys/public_keys/cam1.key"):           0o644,
		filepath.Join(location, ".vidgear/keys/private_keys/server.key_secret"): 0o600,
		filepath.Join(out, ".vidgear/keys/private_keys/client.key_secret"):      0o600,
		filepath.Join(out, ".vidgear/keys/public_keys/server.key"):              0o644,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v: want mode %v", path, info, err, mode)
		}
	}
}

func TestListsAndRevokes(t *testing.T) {
	dir := t.TempDir()
	location := filepath.Join(dir, "receiver")
	says(t, "-location", location, "cam1", filepath.Join(dir, "1"))
	says(t, "cam2", filepath.Join(dir, "2"), "-location", location) // options may come last
	broken := filepath.Join(location, ".vidgear/keys/public_keys/broken.key")
	if err := os.WriteFile(broken, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	row := func(name string) *regexp.Regexp {
		return regexp.MustCompile(`(?m)^` + name + ` +\S{40} +\d{4}-\d\d-\d\d \d\d:\d\d$`)
	}
	said := says(t, "-location", location, "list")
	for _, name := range []string{"cam1", "cam2"} {
		if !row(name).MatchString(said) {
			t.Errorf("no row of %s in\n%s", name, said)
		}
	}
	if !regexp.MustCompile(`(?m)^broken +skipped: `).MatchString(said) || strings.Contains(said, "server") {
		t.Errorf("want broken named, and not the receiver's own key, in\n%s", said)
	}
	if said := says(t, "revoke", "cam1", "-location", location); !strings.HasPrefix(said, "cam1 may not connect any more") {
		t.Errorf("revoke said %q", said)
	}
	if said := says(t, "-location", location, "list"); row("cam1").MatchString(said) || !row("cam2").MatchString(said) {
		t.Errorf("after revoke of cam1\n%s", said)
	}
}

func TestListOfNobody(t *testing.T) {
	location := t.TempDir()
	if err := os.MkdirAll(filepath.Join(location, ".vidgear/keys/public_keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if said := says(t, "-location", location, "list"); !strings.HasPrefix(said, "nobody may connect") {
		t.Errorf("said %q", said)
	}
}

func TestHelp(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		if said := says(t, arg); said != usage {
			t.Errorf("%s: said %q", arg, said)
		}
	}
}

// An error is about what was typed, and names no setting of an element but
// where it explains the option.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	location, used, file := filepath.Join(dir, "receiver"), filepath.Join(dir, "used"), filepath.Join(dir, "file")
	says(t, "-location", location, "cam1", used)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing, empty := filepath.Join(dir, "missing"), t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "got 0 arguments: want NAME OUT"},
		{[]string{"cam1"}, "got 1 arguments"},
		{[]string{"list", "x"}, "got 2 arguments"},
		{[]string{"a", "b", "c"}, "got 3 arguments"},
		{[]string{"-x"}, "not defined: -x"},
		{[]string{"../../x", used}, `"../../x" cannot be the name of a client: want a name without slashes`},
		{[]string{".x", used}, "begin with a dot"},
		{[]string{"", used}, "name of the client is empty"},
		{[]string{"server", used}, "has a meaning of its own"},
		{[]string{"revoke", "../server"}, "without slashes"},
		{[]string{"cam1", empty}, "cam1 has a key already: revoke it first"},
		{[]string{"cam2", used}, "has keys already: want an empty folder for those of cam2"},
		{[]string{"cam2", file}, file + " is a file: want a folder"},
		{[]string{"cam2", filepath.Join(file, "x")}, "cannot use the folder " + filepath.Join(file, "x") + ": not a directory"},
		{[]string{"cam2", "/proc/x/y"}, "cannot make the folder /proc/x/y: no such file or directory"},
		{[]string{"revoke", "cam9"}, "no client cam9 in " + location},
		{[]string{"-location", missing, "list"}, missing + " is not there: want the receiver's custom-cert-location behind -location"},
		{[]string{"-location", file, "list"}, file + " is not a folder"},
		{[]string{"-location", empty, "revoke", "cam1"}, empty + " holds no keys"},
	} {
		args := c.args
		if len(args) > 0 && args[0] != "-location" {
			args = append([]string{"-location", location}, args...)
		}
		err := run(args, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
		if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), "custom-cert-location behind -location", ""), "custom-cert-location") {
			t.Errorf("%q: %v: names a setting that nobody typed", c.args, err)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("list made a folder")
	}
}
