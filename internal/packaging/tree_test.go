package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tracked returns the files that git knows, relative to the tree.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = tree
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git clone: ", err)
	}
	files := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	return slices.DeleteFunc(files, func(name string) bool { // deleted and not committed yet
		_, err := os.Stat(filepath.Join(tree, name))
		return err != nil
	})
}

// Names of files in the pages about the code, alone or as a pair with what is in them:
//
//	`gstglue/property.go`: `installProperties`
//	`keyFrames` (`keyframes.go`)
//	`gstglue/class.c` from `netgear_class_init` on
var (
	namedFile   = regexp.MustCompile("`([\\w./-]*\\w\\.(?:go|c|h|py|sh|yml))`")
	fileAndName = regexp.MustCompile("`([\\w./-]*\\w\\.(?:go|c|h|py|sh))`(?::|,? from) `([\\w.]+)`")
	nameAndFile = regexp.MustCompile("`([\\w.]+)` \\(`([\\w./-]*\\w\\.(?:go|c|h|py|sh))`[),;]")
)

// Every file that ARCHITECTURE.md and CONTRIBUTING.md name exists, and holds the name that stands beside it.
func TestNamedFilesExist(t *testing.T) {
	files := tracked(t)
	find := func(name string) (found []string) {
		for _, f := range files {
			if f == name || strings.HasSuffix(f, "/"+name) {
				found = append(found, f)
			}
		}
		return found
	}
	holds := func(file, name string) bool {
		name = name[strings.LastIndex(name, ".")+1:] // Sender.settle stands as settle in its file
		word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
		return slices.ContainsFunc(find(file), func(f string) bool {
			text, err := os.ReadFile(filepath.Join(tree, f))
			return err == nil && word.Match(text)
		})
	}
	pairs := 0
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(tree, page))
		if err != nil {
			t.Fatal(err)
		}
		flat := strings.Join(strings.Fields(string(text)), " ")
		for _, m := range namedFile.FindAllStringSubmatch(flat, -1) {
			if len(find(m[1])) == 0 {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
		check := func(file, name string) {
			pairs++
			if !holds(file, name) {
				t.Errorf("%s: %s holds no %s", page, file, name)
			}
		}
		for _, m := range fileAndName.FindAllStringSubmatch(flat, -1) {
			check(m[1], m[2])
		}
		for _, m := range nameAndFile.FindAllStringSubmatch(flat, -1) { // it may be what the file is about: look beside it too
			pairs++
			if !slices.ContainsFunc(find(m[2]), func(f string) bool {
				beside, err := filepath.Glob(filepath.Join(tree, filepath.Dir(f), "*"))
				return err == nil && slices.ContainsFunc(beside, func(path string) bool {
					rel, err := filepath.Rel(tree, path)
					return err == nil && slices.Contains(files, rel) && holds(rel, m[1])
				})
			}) {
				t.Errorf("%s: neither %s nor what is beside it holds %s", page, m[2], m[1])
			}
		}
	}
	if pairs < 5 {
		t.Errorf("%d pairs of file and name, want at least 5: do the patterns of this test still fit the pages?", pairs)
	}
}

// Every test that a page names exists.
func TestNamedTestsExist(t *testing.T) {
	functions := map[string]bool{}
	files := tracked(t)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(tree, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`).FindAllSubmatch(text, -1) {
			functions[string(m[1])] = true
		}
	}
	named := 0
	for _, file := range files {
		if !strings.HasSuffix(file, ".md") || file == "CHANGELOG.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(tree, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`").FindAllSubmatch(text, -1) {
			if named++; !functions[string(m[1])] {
				t.Errorf("%s names %s, which no file has", file, m[1])
			}
		}
	}
	if named < 30 {
		t.Errorf("%d tests are named, want at least 30", named)
	}
}

// indents are what .editorconfig says of each kind of file; Go has gofumpt.
var indents = map[string]*regexp.Regexp{
	".c": regexp.MustCompile(`^\t* {0,7}[^\t ]`), ".h": regexp.MustCompile(`^\t* {0,7}[^\t ]`),
	".sh": regexp.MustCompile(`^\t* {0,3}[^\t ]`), ".py": regexp.MustCompile(`^ *[^\t ]`), ".yml": regexp.MustCompile(`^(  )*[^\t ]`),
}

// The files are as .editorconfig has editors write them. Blanks behind the tabs align what continues a line of C.
func TestEditorconfigAgrees(t *testing.T) {
	for _, name := range tracked(t) {
		indent := indents[filepath.Ext(name)]
		if indent == nil || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
			t.Errorf("%s does not end with a new line", name)
		}
		for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			if line != "" && !indent.MatchString(line) {
				t.Errorf("%s:%d: indented otherwise than .editorconfig says: %q", name, i+1, line)
			}
			if strings.TrimRight(line, " \t") != line {
				t.Errorf("%s:%d: blanks at the end", name, i+1)
			}
		}
	}
}

// goVersions are the places that name the Go to build with.
var goVersions = regexp.MustCompile(`golang:(\d+\.\d+)\b|Go (\d+\.\d+) or newer`)

// Pages, CI and container files name the Go that go.mod wants.
func TestGoVersionAgrees(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(tree, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if want == nil {
		t.Fatal("go.mod names no version of Go")
	}
	places := 0
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".yml") && !strings.HasSuffix(name, "Containerfile") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range goVersions.FindAllSubmatch(text, -1) {
			places++
			if got := string(found[1]) + string(found[2]); got != string(want[1]) {
				t.Errorf("%s: %q, go.mod wants Go %s", name, found[0], want[1])
			}
		}
	}
	if places < 5 {
		t.Errorf("Go is named in %d places, want at least 5", places)
	}
}
