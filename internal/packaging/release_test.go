package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A release is made from a commit whose version has a heading, and holds the sources of that commit.
func TestRelease(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is missing")
	}
	script, err := filepath.Abs(tree + "/scripts/release.sh")
	if err != nil {
		t.Fatal(err)
	}
	clone, out := t.TempDir(), t.TempDir()
	command := func(argv ...string) (string, error) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = clone
		cmd.Env = append(os.Environ(), "VERSION=1.2.3", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	must := func(argv ...string) string {
		t.Helper()
		said, err := command(argv...)
		if err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, said)
		}
		return said
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(clone, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(why string) {
		t.Helper()
		if said, err := command(script, "check"); err == nil || !strings.Contains(said, why) {
			t.Errorf("%v, %q: want it to fail over %q", err, said, why)
		}
	}

	must("git", "init", "--quiet")
	write("CHANGELOG.md", "## [Unreleased]\n\n## [1.2.2] - 2026-01-01\n")
	refuses("CHANGELOG.md has no heading")
	write("CHANGELOG.md", "## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2026-01-01\n")
	refuses("not committed: ?? CHANGELOG.md")
	must("mkdir", "packaging")
	write("packaging/control", "Source: x\nMaintainer: FILL IN <maintainer@example.org>\n")
	must("git", "add", "CHANGELOG.md", "packaging")
	must("git", "commit", "--quiet", "-m", "1.2.3")
	must(script, "check")

	if err := os.WriteFile(filepath.Join(out, "other"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	const warning = "packaging/control names no maintainer"
	if said := must(script, out, "other"); !strings.Contains(said, warning) {
		t.Errorf("said %q, want a warning that %s", said, warning)
	}
	write("packaging/control", "Source: x\nMaintainer: A Person <a@person.org>\n")
	if said := must(script, out, "other"); strings.Contains(said, warning) {
		t.Errorf("said %q of a maintainer that is there", said)
	}
	sources := filepath.Join(out, "gst-netgear-1.2.3.tar.gz")
	if got, want := strings.Fields(must("tar", "-tzf", sources)), []string{"gst-netgear-1.2.3/", "gst-netgear-1.2.3/CHANGELOG.md", "gst-netgear-1.2.3/packaging/", "gst-netgear-1.2.3/packaging/control"}; !slices.Equal(got, want) {
		t.Errorf("the sources hold %q, want %q", got, want)
	}
	must("sh", "-c", "cd '"+out+"' && sha256sum --strict -c SHA256SUMS && test $(wc -l < SHA256SUMS) = 2")
}
