package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every example answers -h with what it does, its arguments and an example, on
// stdout and with success, and needs no package for it.
func TestExamplesHelp(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string][]string{}
	for _, folder := range []string{"pipelines", "programs"} {
		entries, err := os.ReadDir(filepath.Join(root, "examples", folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			path := filepath.Join(root, "examples", folder, e.Name())
			switch ext := filepath.Ext(path); {
			case e.Name() == "common.sh" || ext == ".md" || ext == ".h":
			case e.IsDir():
				commands[e.Name()] = []string{"go", "run", path, "-h"}
			case ext == ".c":
				program := filepath.Join(t.TempDir(), e.Name()+".out")
				build := exec.CommandContext(t.Context(), "sh", "-c", "gcc -Wall -Werror -o "+program+" "+path+
					" $(pkg-config --cflags --libs gstreamer-app-1.0 gstreamer-video-1.0)")
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				commands[e.Name()] = []string{program, "-h"}
			case ext == ".py":
				commands[e.Name()] = []string{interpreter(), "-S", path, "-h"} // without Debian's modules
			default:
				commands[e.Name()] = []string{path, "-h"}
			}
		}
	}
	if len(commands) < 30 {
		t.Fatalf("%d examples, want 30 at least", len(commands))
	}
	for name, argv := range commands {
		for _, help := range []string{"-h", "--help"} {
			cmd := exec.CommandContext(t.Context(), argv[0], append(argv[1:len(argv)-1:len(argv)-1], help)...)
			cmd.Dir = root
			cmd.Env = gstEnv(t)
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%s %s: %v", name, help, err)
			}
			for _, want := range []string{"Usage: ", "Example: "} {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s %s: no %q in %q", name, help, want, out)
				}
			}
			if first, _, _ := strings.Cut(string(out), "\n"); len(first) < 20 || strings.HasPrefix(first, "Usage") {
				t.Errorf("%s %s: want what it does first, got %q", name, help, first)
			}
		}
	}
}
