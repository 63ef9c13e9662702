package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The recipes of docs/boards.md are for hardware that is not here. GStreamer parses the
// pieces of each recipe that are between missing elements. The last element before the
// sink is here, or its caps are a row of TestCapsOfHardware.
func TestBoards(t *testing.T) {
	const page = "boards.md"
	text, err := os.ReadFile(filepath.Join(pagesRoot, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	if len(lines) < 15 {
		t.Fatalf("%d lines in %s, want 15 at least", len(lines), page)
	}
	cmd := exec.CommandContext(t.Context(), interpreter(), "testdata/parse.py")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	cmd.Env = gstEnv(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}
	for i, line := range lines {
		var a struct {
			Missing       []string
			Before, Error string
		}
		if err := json.Unmarshal([]byte(answers[i]), &a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" {
			t.Errorf("%s\nis not parsed: %s", line, a.Error)
		}
		if slices.ContainsFunc(a.Missing, func(name string) bool { return strings.HasPrefix(name, "netgear") }) {
			t.Errorf("%s\nnames an element of ours that is none", line)
		}
		here := a.Before == "" || !slices.Contains(a.Missing, a.Before) && !strings.HasPrefix(a.Before, "v4l2")
		if !here && !slices.ContainsFunc(announced, func(hw struct{ name, caps string }) bool { return hw.name == a.Before }) {
			t.Errorf("%s\n%s has no row in the table of TestCapsOfHardware", line, a.Before)
		}
	}
}
