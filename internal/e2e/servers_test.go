package e2e

import (
	"context"
	"fmt"
	"image/jpeg"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What makes a pipeline by itself takes netgear:// as it takes files.
func TestPlayers(t *testing.T) {
	const frames = 5
	senders := []struct{ name, caps string }{{"JPEG", "jpegenc"}, {"raw", "video/x-raw,format=BGR"}}
	for _, player := range []string{
		"uridecodebin uri=netgear://127.0.0.1:%d ! fakesink name=fakesink0 silent=false sync=false",
		"uridecodebin3 uri=netgear://127.0.0.1:%d ! fakesink name=fakesink0 silent=false sync=false",
		"netgearsrc address=127.0.0.1 port=%d ! decodebin3 ! fakesink name=fakesink0 silent=false sync=false",
		"playbin3 uri=netgear://127.0.0.1:%d video-sink=\"fakesink name=fakesink0 silent=false sync=false\"",
	} {
		for _, sender := range senders {
			t.Run(sender.name+"/"+player, func(t *testing.T) {
				t.Parallel()
				if strings.Contains(player, "bin3") {
					needsDecodebin3(t)
				}
				port := freePort(t)
				r := start(t, "player", "sh", "-c", "exec gst-launch-1.0 -v "+fmt.Sprintf(player, port))
				launch(t, "videotestsrc num-buffers=%d ! %s ! netgearsink address=127.0.0.1 port=%d sync=false", frames, sender.caps, port).Exits(0)
				r.Exits(0)
				if n := r.Count(chain); n != frames {
					t.Errorf("%d frames, want %d", n, frames)
				}
			})
		}
	}
}

// An RTSP server in front of netgearsrc: clients come late, one after the
// other and together, and see the picture; the server ends at once.
func TestRTSPServer(t *testing.T) {
	const client = "rtspsrc location=%s protocols=tcp latency=100 ! decodebin ! identity eos-after=10 ! fakesink name=fakesink0 silent=false"
	// The exit code may be that of an error behind it: the rtspsrc of GStreamer 1.26 interrupts its own farewell.
	const eos = `^Got EOS from element`
	for _, c := range []struct{ codec, caps string }{{"jpeg", "jpegenc"}, {"h264", "jpegenc"}, {"h264", "video/x-raw,format=BGR"}} {
		t.Run(c.codec+"/"+c.caps, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			server := python(t, "rtsp-server.py", "../../examples/programs/rtsp-server.py", c.codec, "127.0.0.1", strconv.Itoa(port), "0")
			url := server.Says(`^(rtsp://\S+)`)[0]
			first := launch(t, client, url) // before there is a sender
			launch(t, "videotestsrc is-live=true ! %s ! netgearsink address=127.0.0.1 port=%d max-retries=0", c.caps, port)
			first.Says(eos)
			a, b := launch(t, client, url), launch(t, client, url)
			for _, p := range []pipeline{first, a, b} {
				p.Says(eos)
				p.Await("to end", func() bool { return p.Ended })
				if n := p.Count(chain); n < 9 { // identity ends with the tenth
					t.Errorf("%d pictures, want 9", n)
				}
			}
			last := launch(t, "rtspsrc location=%s protocols=tcp latency=100 ! decodebin ! fakesink name=fakesink0 silent=false", url)
			last.Says(chain)
			begin := time.Now()
			server.Kill(syscall.SIGINT)
			server.Exits(0)
			if took := time.Since(begin); took > time.Second {
				t.Errorf("ended %v after SIGINT, want it within a second", took)
			}
			last.Exits(0)
		})
	}
}

// A browser that comes before its camera waits and then sees it, and sees it
// again after the camera was off.
func TestMJPEGServer(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	server := python(t, "mjpeg-http.py", "../../examples/programs/mjpeg-http.py", "127.0.0.1", strconv.Itoa(port), "0")
	url := server.Says(`^(http://\S+)`)[0]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	pictures := multipart.NewReader(response.Body, parameters["boundary"])
	for _, width := range []int{64, 96, 128} {
		camera := launch(t, "videotestsrc is-live=true ! video/x-raw,width=%d,height=48 ! jpegenc ! netgearsink address=127.0.0.1 port=%d", width, port)
		for seen := 0; seen < 3; {
			part, err := pictures.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			picture, err := jpeg.DecodeConfig(part)
			if err != nil {
				t.Fatal(err)
			}
			if picture.Width == width {
				seen++
			}
		}
		camera.Kill(syscall.SIGKILL)
		camera.Await("to end", camera.HasEnded)
	}
	server.Kill(syscall.SIGINT)
	server.Exits(0)
}
