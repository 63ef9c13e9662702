package e2e

import (
	"strings"
	"testing"
	"time"
)

// A local view beside a sink goes on when there is no receiver, and ends with the
// stream.
func TestLocalViewGoesOnWithoutReceiver(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		s := launch(t, "videotestsrc is-live=true num-buffers=40 ! video/x-raw,framerate=40/1 ! tee name=t "+
			"t. ! queue ! fakesink name=view silent=false sync=false "+
			"t. ! jpegenc ! netgearsink address=127.0.0.1 port=%d pattern=%v", freePort(t), p)
		s.Exits(0)
		if n := s.Count(`chain .*view:sink`); n != 40 {
			t.Errorf("the view had %d frames, want 40", n)
		}
	})
}

// An absent receiver does not hold up a program that pushes frames and waits until they
// are taken, as OpenCV's VideoWriter does.
func TestVideoWriterWithoutReceiver(t *testing.T) {
	w := python(t, "writer", "testdata/writer.py", "appsrc ! videoconvert ! jpegenc ! netgearsink address=127.0.0.1 port="+freePortText(t))
	w.Exits(0)
	if len(w.events("written")) != 30 || len(w.events("released")) != 1 {
		t.Errorf("%d frames written, released %d times, want 30 and once", len(w.events("written")), len(w.events("released")))
	}
}

// A sink that shows frames at their times does not slow a stream down: the time of a frame
// is that of its arrival, not that of the display of the frame before.
func TestSynchronisingSinkKeepsTheRate(t *testing.T) {
	eachPattern(t, patterns, func(t *testing.T, p pattern) {
		for _, mode := range []string{"receive-time", "sender"} {
			const frames, rate = 100, 100
			port := freePort(t)
			r := watch(t, "netgearsrc name=src address=127.0.0.1 port=%d pattern=%v timestamp-mode=%s max-lag=0 ! appsink name=out sync=true", port, p, mode)
			s := launch(t, "videotestsrc is-live=true num-buffers=%d ! video/x-raw,width=16,height=16,framerate=%d/1 ! netgearsink wait-for-connection=true address=127.0.0.1 port=%d pattern=%v",
				frames, rate, port, p)
			s.Exits(0)
			r.Exits(0)
			got := r.events("buffer")
			if len(got) < frames/2 { // in pub-sub those that piled up before the receiver was there may be lost
				t.Fatalf("%s: %d frames, want %d", mode, len(got), frames)
			}
			// A sink's processing deadline of 20 ms for each would make it twice as long.
			want := time.Duration(len(got)) * time.Second / rate
			if span := time.Duration(*got[len(got)-1].PTS - *got[0].PTS); span > want*3/2 {
				t.Errorf("%s: %d frames in %v, want about %v", mode, len(got), span, want)
			}
		}
	})
}

// With max-retries=0, the default, only its own end ends a stream.
func TestNothingGivesUpByDefault(t *testing.T) {
	eachPattern(t, confirmed, func(t *testing.T, p pattern) {
		r := launch(t, "-e netgearsrc address=127.0.0.1 port=0 pattern=%v request-timeout=0.05 ! fakesink", p)
		s := launch(t, "-e videotestsrc is-live=true ! jpegenc ! netgearsink address=127.0.0.1 port=%s pattern=%v request-timeout=0.05", freePortText(t), p)
		r.Says(`timeout 2\d in a row|timeout 1\d in a row`)
		s.Says(`timeout 2\d in a row|timeout 1\d in a row`)
		if text := strings.Join(append(r.Lines, s.Lines...), "\n"); strings.Contains(text, "ERROR") {
			t.Error(text)
		}
	})
}
