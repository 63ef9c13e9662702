package kit

import (
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Child is a process of a test, which fails when a wait does. Its output is printed
// when the test fails; at the end of the test it is killed.
type Child struct {
	*Process
	T T
}

// Run starts the process for a test. check is called when it has ended; nil for none.
func (c Command) Run(t T, check func(*Child)) *Child {
	t.Helper()
	begin := time.Now()
	p, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	child := &Child{p, t}
	t.Cleanup(func() {
		p.Kill(syscall.SIGKILL)
		child.Await("to end after SIGKILL", p.HasEnded)
		if check != nil {
			check(child)
		}
		if t.Failed() {
			t.Logf("---- %s (%v): %s\n%s", p.Name, time.Since(begin).Round(time.Millisecond), strings.Join(c.Args, " "), p.Excerpt())
		}
	})
	return child
}

// Await waits until ok, which is called with the lock held.
func (c *Child) Await(what string, ok func() bool) {
	c.T.Helper()
	if err := c.Wait(what, Patience, ok); err != nil {
		c.T.Fatal(err)
	}
}

// Exits waits for the end and checks the exit code.
func (c *Child) Exits(code int) {
	c.T.Helper()
	c.Await("to end", c.HasEnded)
	if c.Code != code {
		c.T.Fatalf("%s: exit code %d, want %d", c.Name, c.Code, code)
	}
}

// Fails waits for the end and checks that the exit code is one of failure, and not
// that of a crash.
func (c *Child) Fails() {
	c.T.Helper()
	c.Await("to end", c.HasEnded)
	if c.Code == 0 || c.Code == -1 {
		c.T.Fatalf("%s: exit code %d (-1: by a signal), want that of a failure", c.Name, c.Code)
	}
}

// Says waits for a line that matches and returns the groups of the expression.
func (c *Child) Says(expr string) []string {
	c.T.Helper()
	re := regexp.MustCompile(expr)
	var found []string
	c.Await("to say "+expr, func() bool { found = c.Find(re); return found != nil })
	return found[1:]
}

// BoundPort waits until the element of a pipeline is bound, which netgear:5 logs, and
// returns the port.
func (c *Child) BoundPort() int {
	c.T.Helper()
	n, err := strconv.Atoi(c.Says(`bound endpoint=\S+:(\d+)$`)[0])
	if err != nil {
		c.T.Fatal(err)
	}
	return n
}

// Warnings returns how many warnings a pipeline has posted, but for those that the
// other end is not there: it may take its time to start.
func (c *Child) Warnings() int {
	return c.Count(`^WARNING: from element`) - c.Count(`^WARNING: from element .*: no \w+ (at|from) \S+: (nobody has connected to|nobody listens at|there is no socket) `)
}
