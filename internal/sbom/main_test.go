package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const build = "../../build/"

// list returns the list of what "make build" has built.
func list(t *testing.T) document {
	t.Helper()
	doc, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Once: dpkg takes a second for the libraries.
var listed = sync.OnceValues(func() (doc document, err error) {
	var out bytes.Buffer
	if err := run(&out, "1.2.3", []string{build + "libgstnetgear.so", build + "netgear-keys"}); err != nil {
		return doc, err
	}
	return doc, json.Unmarshal(out.Bytes(), &doc)
})

func output(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(argv, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// phrases are from the texts of the licences.
var phrases = map[string][]string{
	"LGPL-2.1-only":         {"GNU LESSER GENERAL PUBLIC LICENSE", "Version 2.1, February 1999"},
	"LGPL-3.0-only AND ISC": {"GNU LESSER GENERAL PUBLIC LICENSE", "Version 3, 29 June 2007"},
	"MIT":                   {"Permission is hereby granted, free of charge", "copies or substantial portions"},
	"BSD-2-Clause":          {"Redistribution and use in source and binary forms", "2. Redistributions in binary form"},
	"BSD-3-Clause":          {"Redistribution and use in source and binary forms", "may be used to endorse or promote"},
}

// Every module that go.mod brings in is listed with the licence that its text says, in the version that is used, and
// stands in the copyright file of the package.
func TestModulesAndTheirLicences(t *testing.T) {
	copyright, err := os.ReadFile("../../packaging/copyright")
	if err != nil {
		t.Fatal(err)
	}
	static := 0
	for _, c := range list(t).Components {
		if c.Properties[0].Value != "static" {
			continue
		}
		static++
		if !strings.Contains(string(copyright), c.Name+"/*\n") {
			t.Errorf("%s is not in packaging/copyright", c.Name)
		}
		folder, version := output(t, "go", "env", "GOROOT"), strings.TrimPrefix(output(t, "go", "env", "GOVERSION"), "go")
		if c.Name != "std" {
			folder, version, _ = strings.Cut(output(t, "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", c.Name), " ")
		}
		if c.Version != version {
			t.Errorf("%s is listed in version %s, and %s is used", c.Name, c.Version, version)
		}
		texts, _ := filepath.Glob(folder + "/LICENSE*")
		if len(texts) != 1 {
			t.Errorf("%s has the licence texts %q", c.Name, texts)
			continue
		}
		text, err := os.ReadFile(texts[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, phrase := range phrases[c.Licenses[0].Expression] {
			if !strings.Contains(string(text), phrase) {
				t.Errorf("%s is listed as %s, and %s does not say %q", c.Name, c.Licenses[0].Expression, texts[0], phrase)
			}
		}
		if phrases[c.Licenses[0].Expression] == nil {
			t.Errorf("nothing is known about the text of %s, the licence of %s", c.Licenses[0].Expression, c.Name)
		}
	}
	if static < 5 {
		t.Errorf("%d modules are listed", static)
	}
}

func TestLibraries(t *testing.T) {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip("no dpkg")
	}
	for name, module := range map[string]string{
		"libzmq5": "libzmq", "libgstreamer1.0-0": "gstreamer-1.0", "libgstreamer-plugins-base1.0-0": "gstreamer-video-1.0",
	} {
		found := false
		for _, c := range list(t).Components {
			if c.Name == name {
				found = true
				if want := output(t, "pkg-config", "--modversion", module); !strings.HasPrefix(c.Version, want) {
					t.Errorf("%s is listed in version %s, want %s", name, c.Version, want)
				}
			}
		}
		if !found {
			t.Errorf("%s is not listed", name)
		}
	}
}

func TestReferencesResolve(t *testing.T) {
	doc := list(t)
	if got := doc.Metadata.Component.Version; got != "1.2.3" {
		t.Errorf("our version is %q", got)
	}
	refs := map[string]bool{doc.Metadata.Component.Ref: true}
	for _, c := range doc.Components {
		if refs[c.Ref] {
			t.Errorf("%s is there twice", c.Ref)
		}
		refs[c.Ref] = true
	}
	for _, d := range doc.Dependencies {
		for _, ref := range append(d.DependsOn, d.Ref) {
			if !refs[ref] {
				t.Errorf("%s is a dependency and no component", ref)
			}
		}
		if len(d.DependsOn) != len(doc.Components) {
			t.Errorf("%s depends on %d of %d", d.Ref, len(d.DependsOn), len(doc.Components))
		}
	}
}

// A new module, or a new library, has to get a row first.
func TestUnknownLicencesAreErrors(t *testing.T) {
	defer func(all map[string]string) { licences = all }(licences)
	for _, missing := range []string{"github.com/pebbe/zmq4", "libgstreamer-1.0.so.0", "std"} {
		licences = maps.Clone(licences)
		delete(licences, missing)
		err := run(&bytes.Buffer{}, "1.2.3", []string{build + "libgstnetgear.so"})
		if err == nil || !strings.Contains(err.Error(), "has no row") {
			t.Errorf("without a row for %s: %v", missing, err)
		}
	}
}
