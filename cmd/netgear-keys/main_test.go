package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandsOutAKey(t *testing.T) {
	location, out := t.TempDir(), t.TempDir()
	var said bytes.Buffer
	if err := run([]string{"-location", location, "cam1", out}, &said, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		filepath.Join(location, ".vidgear/keys/public_keys/cam1.key"),
		filepath.Join(location, ".vidgear/keys/private_keys/server.key_secret"),
		filepath.Join(out, ".vidgear/keys/private_keys/client.key_secret"),
		filepath.Join(out, ".vidgear/keys/public_keys/server.key"),
	} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(said.String(), "cam1.key") {
		t.Errorf("said %q, want how to take the key back", said.String())
	}
	for _, args := range [][]string{nil, {"cam1"}, {"-location", location, "cam1", t.TempDir()}, {"-location", location, "cam2", "/nonexistent"}, {"-x"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
