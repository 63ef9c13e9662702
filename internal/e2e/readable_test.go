package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readableWidth is of a line of text, in characters. Tables, code and links are as long as they are.
const readableWidth = 120

// Pages read well in a terminal too: lines of normal length, and no comments to
// the tests.
func TestPagesReadable(t *testing.T) {
	for _, pattern := range append([]string{"CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}, pagesFiles...) {
		files, err := filepath.Glob(filepath.Join(pagesRoot, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, " leads to no file ", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "<!--"); n > 0 && filepath.Base(file) != "CONTRIBUTING.md" {
				t.Errorf("%s: %d comments, which readers see in a terminal", file, n)
			}
			fenced := false
			for i, line := range strings.Split(string(text), "\n") {
				fence := strings.HasPrefix(strings.TrimSpace(line), "```")
				fenced = fenced != fence
				if fenced || fence || strings.HasPrefix(strings.TrimSpace(line), "|") || strings.HasPrefix(line, "![") {
					continue
				}
				words := strings.Fields(line)
				longest := slices.MaxFunc(append(words, ""), func(a, b string) int { return len(a) - len(b) })
				if n := len([]rune(line)); n > readableWidth && len(longest) < readableWidth/2 {
					t.Errorf("%s:%d: %d characters, want %d at the most", file, i+1, n, readableWidth)
				}
			}
		}
	}
}

// The first pipelines of the README need no display: on a machine without one
// autovideosink may choose an element that crashes.
func TestReadmeStartsWithoutADisplay(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(pagesRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range pagesFence.FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(m[2], "netgearsrc") {
			continue
		}
		if strings.Contains(m[2], "videosink") {
			t.Errorf("the first pipelines are\n%s", m[2])
		}
		return
	}
	t.Error("no pipeline with netgearsrc")
}
