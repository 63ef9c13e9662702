package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// testdata/taken.py says what each case is.
func TestCaptureTime(t *testing.T) {
	for _, c := range []string{"unix", "ntp", "relay", "clock"} {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			python(t, "taken "+c, "testdata/taken.py", c).Exits(0)
		})
	}
}

// A Python peer reads when a picture was taken in the header.
func TestCaptureTimeInTheHeader(t *testing.T) {
	p := peer(t, "recv --port 0 --frames 3")
	launch(t, "-e videotestsrc is-live=true num-buffers=3 ! video/x-raw,format=BGR,width=64,height=48 ! netgearsink address=127.0.0.1 port=%d", p.port())
	for i := range 3 {
		var gst struct{ T, Taken, Age *int64 }
		if err := json.Unmarshal(p.event("frame", i+1).Header["gst"], &gst); err != nil || gst.T == nil || gst.Taken == nil || gst.Age == nil {
			t.Fatalf("frame %d: %+v, %v: want t, taken and age", i, gst, err)
		}
		if *gst.Taken != *gst.T-*gst.Age || *gst.Age < 0 || time.Since(time.Unix(0, *gst.Taken)).Abs() > time.Minute {
			t.Errorf("frame %d: t %d, taken %d, age %d ns", i, *gst.T, *gst.Taken, *gst.Age)
		}
	}
}
