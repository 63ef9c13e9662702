package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A program that pushes a live stream into appsrc gets no more behind than a camera, when
// it pushes four times what the link carries.
func TestPushedFramesGiveWayToNewerOnes(t *testing.T) {
	t.Parallel()
	const size, rate = 40_000, 40_000 * 8 * 30 / 4
	run, wait := together(t)
	for _, p := range []pattern{pair, reqRep} {
		run(p.String(), func(t *testing.T) {
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%s ! fakesink sync=false", p)
			link := slowLink(t, r.BoundPort(), rate, 0)
			s := python(t, "pushed", "testdata/pushed.py", fmt.Sprint(size), fmt.Sprintf("address=127.0.0.1 port=%d pattern=%s", link.Port(), p))
			var end struct{ Waiting, Dropped int }
			s.Await("to push", func() bool {
				for _, line := range s.Lines {
					if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &end) == nil {
						return true
					}
				}
				return false
			})
			if end.Waiting > 20 || end.Dropped < 20 {
				t.Errorf("of 120 frames %d wait, and %d were dropped; want a few, and most of them", end.Waiting, end.Dropped)
			}
			s.Exits(0)
		})
	}
	wait()
}
