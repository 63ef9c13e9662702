package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
)

func TestPageIsFresh(t *testing.T) {
	for name, made := range map[string]string{"properties": page(), "errors": errorPage()} {
		text, err := os.ReadFile("../../docs/" + name + ".md")
		if err != nil {
			t.Fatalf("%v: run \"make docs\"", err)
		}
		if string(text) != made {
			t.Errorf("docs/%s.md is not what its table says: run \"make docs\"", name)
		}
	}
}

func TestExamples(t *testing.T) {
	for _, text := range examples {
		for _, role := range []netgear.Role{netgear.SenderRole, netgear.ReceiverRole} {
			cfg := netgear.DefaultConfig(role)
			if err := netgear.ParseURI(&cfg, role, text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestEveryProperty(t *testing.T) {
	text := page()
	for _, p := range netgear.Properties {
		if strings.Count(text, "\n| `"+p.Name+"` | ") != 1 {
			t.Errorf("%s has no row of its own", p.Name)
		}
	}
}
