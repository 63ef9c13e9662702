package gstglue

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Whoever begins to follow while a setting changes ends with its last value.
func TestSettingsLoseNoChange(t *testing.T) {
	row := netgear.Lookup(netgear.SenderRole, "message")
	for i := range 200 {
		s := NewSettings(netgear.SenderRole)
		applied := ""
		var wg sync.WaitGroup
		wg.Go(func() {
			for k := range 20 {
				if err := s.set(row, fmt.Sprint(i, k)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if _, err := s.Freeze(); err != nil {
				t.Error(err)
			}
			s.Follow(func(cfg *netgear.Config, _ *netgear.Property) { applied = cfg.Message })
		})
		wg.Wait()
		if want := fmt.Sprint(i, 19); s.Live().Message != want || applied != want {
			t.Fatalf("the live copy has %q, the follower %q, want %q", s.Live().Message, applied, want)
		}
	}
}

// A copy that was published does not change.
func TestSettingsPublishCopies(t *testing.T) {
	s := NewSettings(netgear.SenderRole)
	before := s.Live()
	if err := s.set(netgear.Lookup(netgear.SenderRole, "message"), "x"); err != nil {
		t.Fatal(err)
	}
	if before.Message != "" || s.Live().Message != "x" {
		t.Errorf("%q before, %q after", before.Message, s.Live().Message)
	}
}
