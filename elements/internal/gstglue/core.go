package gstglue

import (
	"sync/atomic"
	"time"

	"github.com/gst-netgear/gst-netgear/netgear"
)

// End is what a *netgear.Sender and a *netgear.Receiver have in common.
type End interface {
	CurrentPort() uint
	Peers() int
	Stats() netgear.Stats
	Close() error
}

// Core is what the Go halves of both elements have in common. They embed it.
type Core struct {
	Canceller
	// Self is the element; see Element for how long it is valid.
	Self Element

	weak     *Weak
	settings *Settings
	limiter  limiter
	dispatch dispatcher
	end      atomic.Pointer[End] // nil: stopped
}

// NewCore returns the core of an element of that role.
func NewCore(role netgear.Role) Core {
	return Core{settings: NewSettings(role), limiter: limiter{kinds: map[warningKind]*quiet{}}}
}

// Init implements Instance.
func (c *Core) Init(self Element) {
	c.Self = self
	c.weak = NewWeak(self)
	c.dispatch.weak = c.weak
}

// Settings implements Instance.
func (c *Core) Settings() *Settings { return c.settings }

// Start opens an end with the present settings. It then calls apply once, because
// they may have changed meanwhile, and after each change until Stop; see
// Settings.Follow.
func (c *Core) Start(open func(cfg netgear.Config) (End, error), apply Apply) error {
	cfg, err := c.settings.Freeze()
	if err != nil {
		return err
	}
	c.dispatch.dropped.Store(0)
	end, err := open(cfg)
	if err != nil {
		c.Stop()
		return err
	}
	c.end.Store(&end)
	theProcessors.enter(c.weak)
	c.settings.Follow(apply)
	return nil
}

// Stop closes the end without waiting.
func (c *Core) Stop() {
	c.settings.Thaw()
	if end := c.end.Swap(nil); end != nil {
		theProcessors.leave()
		if err := (*end).Close(); err != nil {
			c.Self.logTransport(LevelWarning, "close", err.Error())
		}
	}
}

// Opened implements Instance.
func (c *Core) Opened() bool { return c.end.Load() != nil }

// CurrentPort implements Instance.
func (c *Core) CurrentPort() uint {
	if end := c.end.Load(); end != nil {
		return (*end).CurrentPort()
	}
	return 0
}

// NumPeers implements Instance.
func (c *Core) NumPeers() int {
	if end := c.end.Load(); end != nil {
		return (*end).Peers()
	}
	return 0
}

// LinkObserver returns the function of an Observer that notifies of
// estimated-bitrate, and posts netgear-link when it has changed by a quarter since
// the last time. It is for one end.
func (c *Core) LinkObserver() func(bits uint64) {
	posted := uint64(0)
	return func(bits uint64) {
		post := bits != posted && (bits >= posted+posted/4 || bits <= posted-posted/4)
		if post {
			posted = bits
		}
		c.dispatch.post(func(e Element) {
			e.Notify("estimated-bitrate")
			if post {
				e.postLink(bits)
			}
		})
	}
}

// EstimatedBitrate implements Instance. A source has none.
func (c *Core) EstimatedBitrate() uint64 {
	if end := c.end.Load(); end != nil {
		if s, ok := (*end).(*netgear.Sender); ok {
			return s.EstimatedBitrate()
		}
	}
	return 0
}

// Statistics implements Instance.
func (c *Core) Statistics() (st netgear.Stats) {
	if end := c.end.Load(); end != nil {
		return (*end).Stats()
	}
	return st
}

// Dropped returns how many signals and messages were dropped because of a slow
// handler.
func (c *Core) Dropped() uint64 { return c.dispatch.dropped.Load() }

// Observer returns an observer that posts warnings, notifies of peers and logs. It
// does nothing once the element is gone.
func (c *Core) Observer() netgear.Observer {
	return netgear.Observer{
		Warning:      c.Warn,
		Peers:        func(int) { c.dispatch.post(func(e Element) { e.Notify("num-peers") }) },
		PeerAdded:    func(endpoint string) { c.emitPeer("peer-added", endpoint, "") },
		PeerRemoved:  func(endpoint string) { c.emitPeer("peer-removed", endpoint, "") },
		PeerRejected: func(endpoint, reason string) { c.emitPeer("peer-rejected", endpoint, reason) },
		Log:          NewLogger(c.weak),
	}
}

// Spawn runs f in a goroutine, which may outlive the element. With calls f with the
// element, unless it is gone.
func (c *Core) Spawn(f func()) { spawn(c.weak, f) }

// With is described with Spawn.
func (c *Core) With(f func(Element)) { c.weak.With(f) }

// Warn posts a warning, unless one of the same kind with the same cause was posted a
// moment ago.
func (c *Core) Warn(err error) {
	held, ok := c.limiter.allow(warningKind{rowOf(err).err, netgear.CauseOf(err)}, time.Now())
	c.weak.With(func(e Element) {
		if !ok {
			e.logTransport(LevelInfo, "warning", "not posted again: "+message(err))
			return
		}
		debug := ""
		if held > 0 {
			debug = plural(held)
		}
		e.PostWarning(err, debug)
	})
}

// Fail posts an error, and returns its flow.
func (c *Core) Fail(err error, debug string) Flow {
	c.Self.PostError(err, debug)
	return FlowError
}
