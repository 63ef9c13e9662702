package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// slowLink carries so many bit/s to a port of this machine.
func slowLink(t *testing.T, port int, rate int64, rtt time.Duration) *kit.SlowLink {
	t.Helper()
	l, err := kit.NewSlowLink(fmt.Sprintf("127.0.0.1:%d", port), rate, rtt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// estimates returns the values of estimated-bitrate in Mbit/s: those of its
// notifications, and those of the messages on the bus.
func (p pipeline) estimates() (notified, posted []float64) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	for list, re := range map[*[]float64]*regexp.Regexp{
		&notified: regexp.MustCompile(`GstNetgearSink:\w+: estimated-bitrate = (\d+)`),
		&posted:   regexp.MustCompile(`netgear-link, estimated-bitrate=\(guint64\)(\d+)`),
	} {
		for _, line := range p.Lines {
			if m := re.FindStringSubmatch(line); m != nil {
				n, _ := strconv.ParseFloat(m[1], 64)
				*list = append(*list, n/1e6)
			}
		}
	}
	return notified, posted
}

// A sink knows what the link to its receiver carries, in every pattern, and follows
// it when that changes. The frames are of some 400 kB: the link's kernel takes in 64 kB
// at once, so that one of 100 kB hardly waits, and shows no more than that it was carried.
func TestTheLinkIsKnown(t *testing.T) {
	t.Parallel()
	run, wait := together(t)
	for _, pattern := range []string{"pair", "req-rep", "pub-sub"} {
		run(pattern, func(t *testing.T) {
			r := launch(t, "netgearsrc address=127.0.0.1 port=0 pattern=%s ! fakesink sync=false", pattern)
			link := slowLink(t, r.BoundPort(), 8e6, 0)
			s := launch(t, "-m videotestsrc is-live=true pattern=snow ! video/x-raw,width=1280,height=720,framerate=10/1 ! jpegenc ! "+
				"netgearsink address=127.0.0.1 port=%d pattern=%s", link.Port(), pattern)
			known := func(least, most float64) func() bool {
				return func() bool {
					notified, posted := s.estimates()
					if len(notified) == 0 || len(posted) == 0 {
						return false
					}
					n, p := notified[len(notified)-1], posted[len(posted)-1]
					return n >= least && n <= most && p >= n*0.75 && p <= n*1.34
				}
			}
			within(t, "an estimate of about 8 Mbit/s", known(5.5, 10.5))
			link.SetRate(2e6)
			within(t, "an estimate of about 2 Mbit/s", known(1.2, 2.8))
			link.SetRate(8e6)
			within(t, "an estimate of about 8 Mbit/s again", known(5.5, 10.5))
		})
	}
	wait()
}

// A stream that waits for a long round trip with each frame would be slow and old with no
// reason given: its sink says why, once, and what to set. The way needs no more where many
// frames may be on it.
func TestALongWayIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, want string }{
		{"pattern=pair", `settings: in-flight=1 over a round trip of 1\d\dms: .* at most \d of 30 frames/s go through: want in-flight=0`},
		{"pattern=req-rep", `settings: pattern=req-rep over a round trip of 1\d\dms: .*: want pattern=pair with in-flight=0, or pattern=pub-sub, at both ends`},
		{"pattern=pair in-flight=0", ""},
	} {
		t.Run(c.set, func(t *testing.T) {
			m := kit.NewMachines(t)
			m.Set(kit.Conditions{Delay: 50 * time.Millisecond})
			pattern, _, _ := strings.Cut(c.set, " ")
			r := startIn(t, m.Receiver, "netgearsrc", "gst-launch-1.0", "--gst-debug=netgear*:7", "netgearsrc", "address=*", "port=5555", pattern, "!", "fakesink", "sync=false")
			r.BoundPort()
			s := startIn(t, m.Sender, "netgearsink", strings.Fields("gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 ! jpegenc ! "+
				"netgearsink address=10.9.0.2 port=5555 "+c.set)...)
			if c.want != "" {
				s.Says("WARNING: .*" + c.want)
			}
			r.More(60)
			if n := s.Count("WARNING: .*round trip"); n > 1 || n > 0 && c.want == "" {
				t.Errorf("told %d times", n)
			}
		})
	}
}
