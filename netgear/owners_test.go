package netgear

import (
	"fmt"
	"testing"
	"time"
)

// A name belongs to the connection that uses it, for as long as that stands and
// sends.
func TestOwners(t *testing.T) {
	begin := time.Now()
	type step struct {
		name       string
		connection int
		at         time.Duration
		want       bool
	}
	for _, c := range []struct {
		name   string
		closed int // that the other end has closed
		ended  int // that the monitor says has ended, before the last step
		steps  []step
	}{
		{"one sender", -1, -1, []step{{"", 7, 0, true}, {"", 7, 1, true}}},
		{"a stranger beside it", -1, -1, []step{{"", 7, 0, true}, {"", 8, 1, false}, {"", 7, 2, true}}},
		{"it has hung up", 7, -1, []step{{"", 7, 0, true}, {"", 8, 1, true}, {"", 8, 2, true}}},
		{"its end was noticed", -1, 7, []step{{"", 7, 0, true}, {"", 8, 1, true}}},
		{"its number is another one's now", -1, 7, []step{{"", 7, 0, true}, {"", 7, 1, true}}},
		{"it is silent", -1, -1, []step{{"", 7, 0, true}, {"", 8, time.Second - 1, false}, {"", 8, time.Second, true}, {"", 7, time.Second + 1, false}}},
		{"it is silent, and its host is back", -1, -1, []step{{"", 7, 0, true}, {"", 17, hostSilence - 1, false}, {"", 18, hostSilence, false}, {"", 17, hostSilence, true}}},
		{"two names", -1, -1, []step{{"1", 7, 0, true}, {"2", 8, 1, true}, {"1", 8, 2, false}, {"2", 7, 3, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOwners(time.Second)
			o.host = func(connection int) string { return fmt.Sprint(connection % 10) }
			o.stands = func(connection int) bool { return connection != c.closed }
			for i, s := range c.steps {
				if i == len(c.steps)-1 && c.ended >= 0 {
					o.ended(c.ended)
				}
				if got := o.admits(s.name, s.connection, begin.Add(s.at)); got != s.want {
					t.Errorf("step %d: %v, want %v", i, got, s.want)
				}
			}
			o.release("")
			if !o.admits("", 99, begin) {
				t.Error("a name that was released still has an owner")
			}
		})
	}
}
