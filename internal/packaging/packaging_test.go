// Package packaging tests what leaves the tree: "make install" and the Debian
// package, both made of build/.
package packaging

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const tree = "../.."

// run returns what the command prints. The environment is that of a person in a shell: whoever tests with make has
// variables of make in it.
func run(t *testing.T, env []string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = tree
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PREFIX", "DESTDIR"}, name)
	}), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// version is the one in plugin/version.h.
func version(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(tree + "/plugin/version.h")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^#define NETGEAR_VERSION "(\d+\.\d+\.\d+)"$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no version in %s", text)
	}
	return string(found[1])
}

// files lists the files below root with their modes.
func files(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		list = append(list, fmt.Sprintf("%s %o", strings.TrimPrefix(path, root), info.Mode().Perm()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// multiarch is the folder below lib where this Debian keeps libraries, "" on systems without such folders.
func multiarch(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, nil, "gcc", "-print-multiarch"))
}

func TestInstallAndUninstall(t *testing.T) {
	lib := filepath.Join("lib", multiarch(t))
	if lib == "lib" {
		t.Skip("not a Debian: where plugins belong is pkg-config's word alone")
	}
	for name, prefix := range map[string]string{"the system's": "", "local": "/usr/local", "own": "/opt/net-gear"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			args := []string{"DESTDIR=" + root}
			if prefix != "" {
				args = append(args, "PREFIX="+prefix)
			} else {
				prefix = "/usr"
			}
			plugins := filepath.Join(prefix, lib, "gstreamer-1.0")
			other := filepath.Join(root, plugins, "libother.so") // somebody else's, which stays
			if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(other, nil, 0o600); err != nil {
				t.Fatal(err)
			}

			run(t, nil, append([]string{"make", "install"}, args...)...)
			want := []string{
				prefix + "/bin/netgear-keys 755",
				plugins + "/libgstnetgear.so 644",
				plugins + "/libother.so 600",
				prefix + "/share/man/man1/netgear-keys.1 644",
			}
			if got := files(t, root); !slices.Equal(got, want) {
				t.Fatalf("installed %q, want %q", got, want)
			}
			said := run(t, []string{
				"GST_PLUGIN_PATH=" + filepath.Join(root, plugins), "GST_PLUGIN_SYSTEM_PATH=",
				"GST_REGISTRY=" + filepath.Join(t.TempDir(), "registry"),
			}, "gst-inspect-1.0", "--no-colors", "netgear")
			if got := regexp.MustCompile(`\n +Version +(\S+)\n`).FindStringSubmatch(said); got == nil || got[1] != version(t) {
				t.Errorf("the plugin's version is %q, want %q of plugin/version.h", got, version(t))
			}
			for _, element := range []string{"netgearsink", "netgearsrc", "netgeardemux"} {
				if !strings.Contains(said, element) {
					t.Errorf("no %s in %s", element, said)
				}
			}

			run(t, nil, append([]string{"make", "uninstall"}, args...)...)
			if got, want := files(t, root), want[2:3]; !slices.Equal(got, want) {
				t.Errorf("uninstalling leaves %q, want %q", got, want)
			}
		})
	}
}

// The package has what it should, the right dependencies, and the same bytes wherever and whenever it is made.
func TestDebianPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-shlibdeps"); err != nil {
		t.Skip("dpkg-dev is missing: not a Debian")
	}
	arch := strings.TrimSpace(run(t, nil, "dpkg", "--print-architecture"))
	sbom := filepath.Join(t.TempDir(), "list.cdx.json")
	if err := os.WriteFile(sbom, []byte("{}\n"), 0o600); err != nil { // what is in it is tested in internal/sbom
		t.Fatal(err)
	}
	var deb string
	var first []byte
	for _, env := range [][]string{{"TZ=UTC", "HOME=" + t.TempDir()}, {"TZ=Asia/Kathmandu", "LANG=de_DE.UTF-8", "TMPDIR=" + t.TempDir()}} {
		out := t.TempDir()
		run(t, append(env, "VERSION="+version(t), "SBOM="+sbom, "SOURCE_DATE_EPOCH=1700000000", "COMPRESSION=none"), "scripts/deb.sh", out)
		deb = filepath.Join(out, "gstreamer1.0-netgear_"+version(t)+"-1_"+arch+".deb")
		bytesOf, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = bytesOf
		} else if !bytes.Equal(first, bytesOf) {
			t.Error("made twice, the package differs")
		}
	}

	list := run(t, nil, "dpkg-deb", "--contents", deb)
	const doc = "/usr/share/doc/gstreamer1.0-netgear/"
	for _, want := range []string{
		"-rw-r--r-- root/root ./usr/lib/" + multiarch(t) + "/gstreamer-1.0/libgstnetgear.so",
		"-rwxr-xr-x root/root ./usr/bin/netgear-keys",
		"-rw-r--r-- root/root ./usr/share/man/man1/netgear-keys.1.gz",
		"-rw-r--r-- root/root ." + doc + "copyright",
		"-rw-r--r-- root/root ." + doc + "changelog.gz",
		"-rw-r--r-- root/root ." + doc + "changelog.Debian.gz",
		"-rw-r--r-- root/root ." + doc + "README.md",
		"-rw-r--r-- root/root ." + doc + "list.cdx.json",
	} {
		mode, path, _ := strings.Cut(want, " root/root ")
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(mode) + ` root/root +\d+ 2023-11-14 \S+ ` + regexp.QuoteMeta(path) + `$`).MatchString(list) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	depends := run(t, nil, "dpkg-deb", "--field", deb, "Depends")
	for _, library := range []string{"libc6", "libglib2.0-0", "libgstreamer1.0-0", "libgstreamer-plugins-base1.0-0", "libzmq5"} {
		if !regexp.MustCompile(`(^|, )` + regexp.QuoteMeta(library) + `(t64)? \(>= `).MatchString(depends) {
			t.Errorf("depends on %s, and not on %s", strings.TrimSpace(depends), library)
		}
	}
}
