package kit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Frame is one that an end has logged, which netgearsink:7 and netgearsrc:7 do.
type Frame struct {
	Seq int
	At  time.Time
}

const frameMark = " frame seq="

// Frames returns those logged so far.
func (c *Child) Frames() (frames []Frame) {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	for i, line := range c.Lines {
		if _, rest, ok := strings.Cut(line, frameMark); ok {
			seq, _, _ := strings.Cut(rest, " ")
			if n, err := strconv.Atoi(seq); err == nil {
				frames = append(frames, Frame{n, c.Times[i]})
			}
		}
	}
	return frames
}

// More waits for n more frames than there are now, and returns when the first of them
// came.
func (c *Child) More(n int) time.Time {
	c.T.Helper()
	have := len(c.Frames())
	c.Await(fmt.Sprintf("to log %d more frames", n), func() bool {
		count := 0
		for _, line := range c.Lines {
			if strings.Contains(line, frameMark) {
				count++
			}
		}
		return count >= have+n
	})
	return c.Frames()[have].At
}
