package netgear

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// spawn runs f in a goroutine. Every goroutine of this package starts here, in
// spawnAtEnd or in spawnAfter. So a panic in one of them becomes an error, which
// fail gets, and does not end the process.
func spawn(fail func(error), f func()) { go contained(fail, f)() }

// spawnAtEnd is context.AfterFunc, contained.
func spawnAtEnd(ctx context.Context, fail func(error), f func()) (stop func() bool) {
	return context.AfterFunc(ctx, contained(fail, f))
}

// spawnAfter is time.AfterFunc, contained.
func spawnAfter(d time.Duration, fail func(error), f func()) *time.Timer {
	return time.AfterFunc(d, contained(fail, f))
}

// contained returns f without its panics: fail gets them.
func contained(fail func(error), f func()) func() {
	return func() {
		defer func() {
			if r := recover(); r != nil {
				fail(&panicError{r, string(debug.Stack())})
			}
		}()
		f()
	}
}

// panicError is a panic in a goroutine. Its stack is for whoever looks for the
// fault, so it is not in the text of the error.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("netgear: internal error: %v", e.value) }

// Stack returns where it happened.
func (e *panicError) Stack() string { return e.stack }

// sleep waits for d, or until ctx ends: then it returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// wake puts a token into c, which has room for one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
