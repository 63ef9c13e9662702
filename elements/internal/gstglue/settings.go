package gstglue

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// Settings holds what a user set on an element. There is one live copy: a
// *netgear.Config that never changes once it is published. A changed setting
// replaces it by another one. Safe for concurrent use.
type Settings struct {
	role netgear.Role
	live atomic.Pointer[netgear.Config]

	mu     sync.Mutex // held by whoever replaces live
	frozen bool       // what is changeable in READY is not
	bad    error      // why the URI that was set last was refused
	apply  Apply      // see Follow; nil: nobody does
}

// NewSettings returns the defaults of a role.
func NewSettings(role netgear.Role) *Settings {
	s := &Settings{role: role}
	cfg := netgear.DefaultConfig(role)
	s.live.Store(&cfg)
	return s
}

// Live returns the present settings, which the caller must not change. It takes no
// lock.
func (s *Settings) Live() *netgear.Config { return s.live.Load() }

// Freeze returns a copy to run with. Until Thaw it refuses changes of settings that
// must not change while the element runs. It fails when a URI was refused before.
func (s *Settings) Freeze() (netgear.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad == nil {
		s.frozen = true
	}
	return *s.Live(), s.bad
}

// Apply is called after a change, with the live settings and the row that was set;
// nil means any. A lock is held: Apply must not wait, nor call Settings.
type Apply func(cfg *netgear.Config, changed *netgear.Property)

// Follow calls apply now, and after each change until Thaw.
func (s *Settings) Follow(apply Apply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply = apply
	apply(s.Live(), nil)
}

// Thaw allows all changes again.
func (s *Settings) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen, s.apply = false, nil
}

// publishLocked replaces the live copy.
func (s *Settings) publishLocked(cfg *netgear.Config, changed *netgear.Property) {
	s.live.Store(cfg)
	if s.apply != nil {
		s.apply(cfg, changed)
	}
}

var errFrozen = errors.New("only in NULL or READY")

func (s *Settings) set(p *netgear.Property, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen && p.When == netgear.Ready {
		return fmt.Errorf("%s cannot be changed now: %w", p.Name, errFrozen)
	}
	cfg := *s.Live()
	if err := p.Set(&cfg, v); err != nil {
		return err
	}
	s.publishLocked(&cfg, p)
	return nil
}

func (s *Settings) setURI(uri string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return fmt.Errorf("uri cannot be changed now: %w", errFrozen)
	}
	cfg := *s.Live()
	s.bad = netgear.ParseURI(&cfg, s.role, uri)
	if s.bad == nil && cfg.Caps != "" && !validCaps(cfg.Caps) {
		s.bad = fmt.Errorf("%w: caps %q: want caps, as video/x-raw,framerate=30/1", netgear.ErrSettings, cfg.Caps)
	}
	if s.bad == nil {
		s.publishLocked(&cfg, nil)
	}
	return s.bad
}

func (s *Settings) uri() string { return netgear.URI(s.Live(), s.role) }
