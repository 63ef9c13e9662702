// Program sbom lists what is in the binaries, as a CycloneDX document: the Go
// modules that are linked in, as the binary itself names them, and the shared
// libraries that it loads, in the versions that dpkg knows on this machine.
package main

import (
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// licences are those of docs/decisions/0001, as SPDX expressions. A part without a row is an error: somebody has to read
// its licence first.
var licences = map[string]string{
	"github.com/go-gst/go-gst":    "LGPL-2.1-only",
	"github.com/go-gst/go-glib":   "LGPL-3.0-only AND ISC",
	"github.com/mattn/go-pointer": "MIT",
	"github.com/pebbe/zmq4":       "BSD-2-Clause",
	"golang.org/x/crypto":         "BSD-3-Clause",
	"golang.org/x/exp":            "BSD-3-Clause",
	"golang.org/x/sys":            "BSD-3-Clause",
	"std":                         "BSD-3-Clause",
	"libgstreamer-1.0.so.0":       "LGPL-2.0-or-later",
	"libgstbase-1.0.so.0":         "LGPL-2.0-or-later",
	"libgstcontroller-1.0.so.0":   "LGPL-2.0-or-later",
	"libgstvideo-1.0.so.0":        "LGPL-2.0-or-later",
	"libgstapp-1.0.so.0":          "LGPL-2.0-or-later",
	"libglib-2.0.so.0":            "LGPL-2.1-or-later",
	"libgobject-2.0.so.0":         "LGPL-2.1-or-later",
	"libgio-2.0.so.0":             "LGPL-2.1-or-later",
	"libc.so.6":                   "LGPL-2.1-or-later",
	"libpthread.so.0":             "LGPL-2.1-or-later", // this and the next were apart from libc before glibc 2.34
	"libresolv.so.2":              "LGPL-2.1-or-later",
	"ld-linux-x86-64.so.2":        "LGPL-2.1-or-later",
	"ld-linux-aarch64.so.1":       "LGPL-2.1-or-later",
	"libzmq.so.5":                 "MPL-2.0",
	"libzmq.so.5 before 4.3.5":    "LicenseRef-LGPL-3.0-or-later-with-ZeroMQ-exception",
}

// document and what is in it have the names and the order of the CycloneDX 1.5 schema.
type document struct {
	BomFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	Licenses   []license  `json:"licenses"`
	Purl       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type license struct {
	Expression string `json:"expression"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

func main() {
	version := flag.String("version", "", "of gst-netgear")
	flag.Parse()
	if err := run(os.Stdout, *version, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom: "+err.Error())
		os.Exit(1)
	}
}

func run(out io.Writer, version string, binaries []string) error {
	if version == "" || len(binaries) == 0 {
		return errors.New("want -version=X and binaries")
	}
	parts := map[string]component{} // by bom-ref: what is in two binaries is listed once
	for _, binary := range binaries {
		found, err := partsOf(binary)
		if err != nil {
			return fmt.Errorf("%s: %w", binary, err)
		}
		for _, c := range found {
			parts[c.Ref] = c
		}
	}
	ours := component{
		Type: "library", Ref: "gst-netgear", Name: "gst-netgear", Version: version,
		Licenses: []license{{"LGPL-2.1-or-later"}}, Purl: "pkg:golang/github.com/gst-netgear/gst-netgear@" + version,
	}
	doc := document{
		BomFormat: "CycloneDX", SpecVersion: "1.5", Version: 1,
		Metadata:     metadata{ours},
		Components:   slices.SortedFunc(maps.Values(parts), func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) }),
		Dependencies: []dependency{{ours.Ref, slices.Sorted(maps.Keys(parts))}},
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(doc)
}

func partsOf(binary string) ([]component, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var parts []component
	add := func(name, version, purl, linkage, licence string) error {
		expression, ok := licences[licence]
		if !ok {
			return fmt.Errorf("%s has no row among the licences of internal/sbom: read its licence, and see docs/decisions/0001", name)
		}
		parts = append(parts, component{
			Type: "library", Ref: cmp.Or(purl, name), Name: name, Version: version, Purl: purl,
			Licenses: []license{{expression}}, Properties: []property{{"gst-netgear:linkage", linkage}},
		})
		return nil
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	if err := add("std", goVersion, "pkg:golang/std@"+goVersion, "static", "std"); err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if err := add(m.Path, m.Version, "pkg:golang/"+m.Path+"@"+m.Version, "static", m.Path); err != nil {
			return nil, err
		}
	}
	arch := ""
	for _, s := range info.Settings {
		if s.Key == "GOARCH" {
			arch = s.Value // those of Go and Debian are the same for what we build: amd64, arm64
		}
	}
	file, err := elf.Open(binary)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	sonames, err := file.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	for _, soname := range sonames {
		name, version, purl := debian(soname, arch)
		row := soname
		if soname == "libzmq.so.5" && strings.HasPrefix(version, "4.3.4") {
			row += " before 4.3.5" // which changed the licence
		}
		if err := add(cmp.Or(name, soname), version, purl, "dynamic", row); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// debian returns the package that has the library, its version and its package URL, all "" where dpkg does not know.
func debian(soname, arch string) (name, version, purl string) {
	found, err := exec.Command("dpkg-query", "-S", "*/"+soname).Output() //nolint:gosec // a name out of our own binary
	if err != nil {
		return "", "", ""
	}
	for line := range strings.Lines(string(found)) { // libzmq5:amd64: /usr/lib/x86_64-linux-gnu/libzmq.so.5
		pkg, path, _ := strings.Cut(strings.TrimSpace(line), ": ")
		name, isOurs := strings.CutSuffix(pkg, ":"+arch)
		if !isOurs || !strings.HasSuffix(path, "/"+soname) {
			continue
		}
		said, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", pkg).Output() //nolint:gosec // as above
		if err != nil {
			return "", "", ""
		}
		version = string(said)
		return name, version, fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", name, strings.ReplaceAll(version, "+", "%2B"), arch)
	}
	return "", "", ""
}
