package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
	"github.com/gst-netgear/gst-netgear/netgear/wire"
)

// Data of any length that can be set arrive, both ways; what is longer is refused
// where it is set.
func TestLongValues(t *testing.T) {
	const most = wire.MaxValueLen - 2 // and the quotes
	for _, c := range []struct {
		name                  string
		message, answer, meta int
		messages, answers     []int // that arrive, without null
	}{
		{"short", 1, 1, 0, []int{3}, []int{3}},
		{"2 MB", 2_000_000, 2_000_000, 0, []int{2_000_002}, []int{2_000_002}},
		{"the longest", most, most, most - 1, []int{most + 1, most + 2}, []int{most + 2}},
		{"too long", most + 1, most + 1, 0, nil, nil},
		{"too long on a buffer", 1, 1, most + 1, []int{3}, []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := python(t, "values", "testdata/values.py", fmt.Sprint(c.message), fmt.Sprint(c.answer), fmt.Sprint(c.meta))
			if c.message > most {
				p.posts("", posted{"value-length", errdoc.Sink})
				p.posts("", posted{"value-length", errdoc.Src})
			}
			if c.meta > most {
				p.posts("", posted{"message-length", errdoc.Sink})
			}
			p.Exits(0)
			e := p.got()
			e.Answers = slices.DeleteFunc(e.Answers, func(n int) bool { return n == len("null") })
			if !slices.Equal(e.Messages, c.messages) || !slices.Equal(e.Answers, c.answers) {
				t.Errorf("messages of %v, answers of %v; want %v and %v", e.Messages, e.Answers, c.messages, c.answers)
			}
		})
	}
}

// got is what values.py tells at its end.
func (p script) got() (e struct{ Messages, Answers []int }) {
	p.T.Helper()
	if err := json.Unmarshal([]byte(p.Says(`^(\{"event": "got".*)`)[0]), &e); err != nil {
		p.T.Fatal(err)
	}
	return e
}
