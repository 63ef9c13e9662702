package e2e

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// needs skips the test where GStreamer lacks an element of a piece of pipeline, or
// one of its properties, as older versions and other builds do.
func needs(t *testing.T, description string) {
	t.Helper()
	for part := range strings.SplitSeq(description, "!") {
		words := strings.Fields(part)
		if len(words) == 0 || strings.Contains(words[0], "/") { // caps
			continue
		}
		about, err := inspect(t, words[0])
		if err != nil {
			t.Skipf("no element %s here", words[0])
		}
		for _, word := range words[1:] {
			name, _, ok := strings.Cut(word, "=")
			if ok && !regexp.MustCompile(`(?m)^  `+regexp.QuoteMeta(name)+` +:`).MatchString(about) {
				t.Skipf("%s has no property %s here", words[0], name)
			}
		}
	}
}

// needsDecodebin3 skips the test where decodebin3 does not always show GStreamer's own
// test picture, as in 1.18, where it hangs every other time.
func needsDecodebin3(t *testing.T) {
	t.Helper()
	if !decodebin3() {
		t.Skip("decodebin3 does not always show GStreamer's own test picture here")
	}
}

var decodebin3 = sync.OnceValue(func() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 8 {
		if exec.CommandContext(ctx, "gst-launch-1.0", "-q", "videotestsrc", "num-buffers=5", "!", "jpegenc", "!", "decodebin3", "!", "fakesink").Run() != nil {
			return false
		}
	}
	return true
})

// inspected holds what gst-inspect-1.0 said, by the name of the element.
var inspected sync.Map

func inspect(t *testing.T, element string) (string, error) {
	t.Helper()
	type answer struct {
		text string
		err  error
	}
	if a, ok := inspected.Load(element); ok {
		return a.(answer).text, a.(answer).err
	}
	cmd := exec.CommandContext(t.Context(), "gst-inspect-1.0", "--no-colors", element)
	cmd.Env = gstEnv(t)
	out, err := cmd.Output()
	inspected.Store(element, answer{string(out), err})
	return string(out), err
}

// What is here is not skipped, and what is not is.
func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		name, description string
		skipped           bool
	}{
		{"here", "queue max-size-buffers=1 ! video/x-raw,width=2 ! fakesink", false},
		{"no element", "queue ! nosuchelement", true},
		{"no property", "queue nosuchproperty=1", true},
	} {
		skipped := false
		t.Run(c.name, func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			needs(t, c.description)
		})
		if skipped != c.skipped {
			t.Errorf("%s: skipped %v, want %v", c.description, skipped, c.skipped)
		}
	}
}
