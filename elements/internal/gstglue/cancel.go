package gstglue

import (
	"context"
	"sync"
)

// Canceller provides the present context: Unlock ends it, and UnlockStop makes the
// next one. It is safe for concurrent use. Unlock also ends a call that has not
// begun yet.
type Canceller struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

// Context returns the context that the next Unlock ends.
func (c *Canceller) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makeLocked()
	return c.ctx
}

// Unlock ends what runs under the context.
func (c *Canceller) Unlock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makeLocked()
	c.cancel()
}

// UnlockStop allows calls to block again.
func (c *Canceller) UnlockStop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx != nil && c.ctx.Err() != nil {
		c.ctx = nil
	}
}

func (c *Canceller) makeLocked() {
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancel(context.Background())
	}
}
