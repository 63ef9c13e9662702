package kit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// Event is what the tests read of the lines of JSON that peer.py and watch.py print.
type Event struct {
	Event  string
	N      int
	Header map[string]json.RawMessage
	SHA256 string
	Shape  []int
	DType  string
	Mean   []float64
	Reply  json.RawMessage
	Array  *struct{ Shape []int } // of "sent": what came back

	Port any // of "ready" a number, of "buffer" a string

	// hostile
	Case, Expect string
	Left         []string

	// watch.py
	Kind, Domain, Code, Text string // of "message", and the next two
	Element, Name            string // who posted it
	Pipeline                 *int
	Message                  string // of "buffer", and the next three
	Seq, PTS                 *uint64
	Caps                     string
	RSS                      float64           // of "stats", in MB
	FDs                      int               // of "stats"
	Src, Sink                map[string]uint64 // of "stats"
}

// Python writes NaN and the infinities into its JSON.
var notFinite = regexp.MustCompile(`([ \[])(NaN|-?Infinity)([,\]}])`)

// ParseEvents returns the events of that name.
func ParseEvents(lines []string, name string) (events []Event, err error) {
	for _, line := range lines {
		if !isEvent(line, name) {
			continue
		}
		var e Event
		if json.Unmarshal([]byte(line), &e) != nil {
			e = Event{}
			if err := json.Unmarshal([]byte(notFinite.ReplaceAllString(line, `$1"$2"$3`)), &e); err != nil {
				return nil, fmt.Errorf("%w in %.300s", err, line)
			}
		}
		events = append(events, e)
	}
	return events, nil
}

func isEvent(line, name string) bool {
	return strings.HasPrefix(line, fmt.Sprintf(`{"event": %q`, name))
}

// Events returns those of that name so far.
func (c *Child) Events(name string) []Event {
	c.T.Helper()
	c.Mu.Lock()
	defer c.Mu.Unlock()
	events, err := ParseEvents(c.Lines, name)
	if err != nil {
		c.T.Fatalf("%s: %v", c.Name, err)
	}
	return events
}

// Event waits for the n-th event of that name, counted from 1.
func (c *Child) Event(name string, n int) Event {
	c.T.Helper()
	c.Await(fmt.Sprintf("to tell event %q no. %d", name, n), func() bool {
		count := 0
		for _, line := range c.Lines {
			if isEvent(line, name) {
				count++
			}
		}
		return count >= n
	})
	return c.Events(name)[n-1]
}

// ReadyPort waits until a peer is bound and returns the port.
func (c *Child) ReadyPort() int {
	c.T.Helper()
	n, ok := c.Event("ready", 1).Port.(float64)
	if !ok {
		c.T.Fatalf("%s has no port", c.Name)
	}
	return int(n)
}

// Messages are those of our elements in the output of a process, as gst-launch-1.0
// and watch.py write them.
func Messages(lines []string) (messages []Event) {
	for _, line := range lines {
		if m := launchMessage.FindStringSubmatch(line); m != nil {
			messages = append(messages, Event{Kind: strings.ToLower(m[1]), Element: strings.ToLower("netgear" + m[2]), Text: m[3]})
		}
	}
	events, _ := ParseEvents(lines, "message") // a script that prints others is not ours
	return append(messages, slices.DeleteFunc(events, func(e Event) bool { return !strings.HasPrefix(e.Element, "netgear") })...)
}

var launchMessage = regexp.MustCompile(`^(ERROR|WARNING): from element \S*/GstNetgear(Sink|Src|Demux):[^:]+: (.*)$`)

// KnowsErrors checks that all that a process has posted has a row in docs/errors.md.
func KnowsErrors(c *Child) {
	c.T.Helper()
	c.Mu.Lock()
	defer c.Mu.Unlock()
	for _, e := range Messages(c.Lines) {
		if len(errdoc.Of(e.Element, e.Kind, e.Text)) == 0 {
			c.T.Errorf("docs/errors.md has no %s of %s like this: %s", e.Kind, e.Element, e.Text)
		}
	}
}
