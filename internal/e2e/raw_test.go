package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

// Raw video of every format and size arrives byte for byte. testdata/raw.py says what
// each part checks.
func TestRawFormats(t *testing.T) {
	for _, part := range []string{"both", "repacked", "peer", "layouts"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, interpreter(), filepath.Join("testdata", "raw.py"), part)
			cmd.Env = gstEnv(t)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// raw-formats=any takes more formats, and an element that can choose still chooses BGR.
func TestAnyRawIsBGRFirst(t *testing.T) {
	sendsCaps(t, "raw-formats=any", []choice{
		{"a source", "videotestsrc num-buffers=2", "format=(string)BGR,"},
		{"a live source", "videotestsrc num-buffers=2 is-live=true ! queue", "format=(string)BGR,"},
		{"nothing to convert", "videotestsrc num-buffers=2 ! video/x-raw,format=I420 ! videoconvert", "format=(string)I420,"},
		{"to convert", "videotestsrc num-buffers=2 ! video/x-raw,format=AYUV ! videoconvert ! video/x-raw,format={BGR,YV12,NV21}", "format=(string)BGR,"},
		{"a decoder", "videotestsrc num-buffers=2 ! jpegenc ! jpegdec", "format=(string)I420,"},
		{"what is asked for", "videotestsrc num-buffers=2 ! video/x-raw,format=NV12", "format=(string)NV12,"},
		{"Bayer", "videotestsrc num-buffers=2 ! video/x-bayer,format=rggb", "video/x-bayer, format=(string)rggb,"},
		{"colour as it is", "videotestsrc num-buffers=2 ! video/x-raw,format=NV12,colorimetry=bt709,chroma-site=mpeg2", "colorimetry=(string)bt709"},
		{"interlaced", "videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=64,height=48 ! interlace", "interlace-mode=(string)mixed"},
	})
}

// For a camera that offers only YUV the error names both cures. Where no setting helps, it
// promises none.
func TestRawRefusedNamesBothCures(t *testing.T) {
	const i420 = "--filter video/x-raw,format=%s videotestsrc num-buffers=1 ! capsfilter name=filter ! netgearsink %s"
	for _, c := range []struct{ name, before, says, not string }{
		{"NV12", fmt.Sprintf(i420, "NV12", ""), "raw-formats=any, or videoconvert", "\x00"},
		{"a list", fmt.Sprintf(i420, "{YUY2,NV12}", ""), "raw-formats=any, or videoconvert", "\x00"},
		{"appsrc", `--push {"size":4608} appsrc name=in caps=video/x-raw,format=YUY2,width=64,height=36,framerate=25/1 ! netgearsink`, "raw-formats=any, or videoconvert", "\x00"},
		{"Bayer", `--push {"size":2304} appsrc name=in caps=video/x-bayer,format=bggr,width=64,height=36,framerate=25/1 ! netgearsink`, "raw-formats=any, or bayer2rgb", "\x00"},
		{"another format", fmt.Sprintf(i420, "AYUV", ""), "videoconvert", "raw-formats"},
		{"another format, any", fmt.Sprintf(i420, "AYUV", "raw-formats=any"), "videoconvert", "raw-formats"},
		{"device memory", `--push {"size":4608} appsrc name=in caps=video/x-raw(memory:NVMM),format=NV12,width=64,height=24,framerate=25/1 ! netgearsink raw-formats=any`, "nvvidconv", "raw-formats"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "%s", c.before)
			w.posts("", posted{"caps-refused", errdoc.Sink})
			w.Exits(1)
			for _, e := range w.events("message") {
				if e.Element == errdoc.Sink && (!strings.Contains(e.Text, c.says) || strings.Contains(e.Text, c.not)) {
					t.Errorf("%q, want %q in it and not %q", e.Text, c.says, c.not)
				}
			}
		})
	}
}

// An array without an explanation stays what it looks like. The property caps changes
// that only where it fits.
func TestArraysOfRawVideo(t *testing.T) {
	nv12 := `caps=video/x-raw,format=NV12,width=16,height=8,framerate=30/1`
	array := fields{"shape": []int{12, 16}}
	for _, c := range []struct {
		name, settings string
		header         fields
		want           string // in the caps
	}{
		{"nothing said", "", array, "format=(string)GRAY8, width=(int)16, height=(int)12,"},
		{"the user", nv12, array, "format=(string)NV12, width=(int)16, height=(int)8, framerate=(fraction)30/1"},
		{"the user, no size", "caps=video/x-raw,format=NV12", array, "format=(string)NV12, width=(int)16, height=(int)8,"},
		{"the user, a range", "caps=video/x-raw,format=NV12,width=[1,99]", array, "format=(string)NV12, width=(int)16, height=(int)8,"},
		{"the user, several kinds", "caps=image/jpeg;video/x-raw,format=I420", array, "format=(string)I420, width=(int)16, height=(int)8,"},
		{"the user, odd", "caps=video/x-raw,format=I420,width=15,height=7", array, "format=(string)I420, width=(int)15, height=(int)7,"},
		{"the user, Bayer", "caps=video/x-bayer,format=gbrg", array, "video/x-bayer, format=(string)gbrg, width=(int)16, height=(int)12,"},
		{"the user, one channel", nv12, fields{"shape": []int{12, 16, 1}}, "format=(string)NV12, width=(int)16, height=(int)8,"},
		{"the user, in a URI", "uri=netgear://127.0.0.1:0?caps=video/x-raw,format=NV21", array, "format=(string)NV21, width=(int)16, height=(int)8,"},
		{"the sender", "", with(array, saying("video/x-raw, format=(string)YV12")), "format=(string)YV12, width=(int)16, height=(int)8,"},
		{"the sender, odd", "", with(array, saying("video/x-raw, format=(string)YV12, width=(int)16, height=(int)7")), "format=(string)YV12, width=(int)16, height=(int)7,"},
		{"the sender lies of the size", "", with(array, saying("video/x-raw, format=(string)YV12, width=(int)32, height=(int)4")), "format=(string)GRAY8, width=(int)16, height=(int)12,"},
		{"the sender lies of the kind", "", with(array, saying("video/x-bayer, format=(string)YV12")), "format=(string)GRAY8, width=(int)16, height=(int)12,"},
		{"both", nv12, with(array, saying("video/x-raw, format=(string)NV12")), "format=(string)NV12, width=(int)16, height=(int)8,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, "netgearsrc address=127.0.0.1 port=0 %s ! appsink name=out", c.settings)
			s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
			for range 2 {
				send(t, s, header(t, c.header), strings.Repeat("\x80", 12*16))
				recv(t, s)
			}
			send(t, s, `{"terminate_flag": true}`)
			w.Exits(0)
			buffers := w.events("buffer")
			if len(buffers) != 2 || !strings.Contains(buffers[0].Caps, c.want) {
				t.Errorf("%d buffers, want 2: %+v, want %s", len(buffers), buffers, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		settings string
		header   fields
	}{
		"another size":       {nv12, fields{"shape": []int{16, 12}}},
		"a picture":          {nv12, fields{"shape": []int{8, 8, 3}}},
		"the sender differs": {nv12, with(array, saying("video/x-raw, format=(string)NV21"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stay(t, "netgearsrc address=127.0.0.1 port=0 %s ! fakesink", c.settings)
			s := far(t, zmq4.PAIR, false, fmt.Sprintf("tcp://127.0.0.1:%d", pipeline(w).BoundPort()))
			send(t, s, header(t, c.header), strings.Repeat("\x80", 12*16))
			w.posts("", posted{"caps-contradict", errdoc.Src})
		})
	}
}

// with returns the fields of all.
func with(all ...fields) fields {
	sum := fields{}
	for _, f := range all {
		maps.Copy(sum, f)
	}
	return sum
}

// Each of several cameras has another kind of raw video, and its pad of netgeardemux gives
// the same bytes.
func TestRawVideoOfSeveralServers(t *testing.T) {
	t.Parallel()
	cameras := []string{"video/x-raw,format=NV12,width=64,height=48", "video/x-raw,format=GBR,width=32,height=6", "video/x-bayer,format=grbg,width=16,height=8"}
	const frames = 5
	var ports, pads []string
	var there [3]string
	for i, caps := range cameras {
		ports, there[i] = append(ports, freePortText(t)), t.TempDir()
		pads = append(pads, fmt.Sprintf("d.src_%s ! queue ! %s ! multifilesink async=false location=%s/%%d", ports[i], caps, there[i]))
	}
	r := launch(t, "netgearsrc multiserver-mode=true pattern=req-rep address=127.0.0.1 ports=%s ! netgeardemux name=d %s", strings.Join(ports, ","), strings.Join(pads, " "))
	r.Says(`bound endpoint=`)
	var here [3]string
	var senders [3]pipeline
	for i, caps := range cameras {
		here[i] = t.TempDir()
		senders[i] = launch(t, "videotestsrc num-buffers=%d pattern=ball ! %s ! tee name=t ! queue ! multifilesink location=%s/%%d t. ! queue ! netgearsink sync=false raw-formats=any multiserver-mode=true pattern=req-rep address=127.0.0.1 port=%s",
			frames, caps, here[i], ports[i])
	}
	for _, s := range senders {
		s.Exits(0)
	}
	r.Exits(0)
	for i, caps := range cameras {
		got, want := frameFiles(t, there[i]), frameFiles(t, here[i])
		if len(got) != frames || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d frames, not the %d that were sent", caps, len(got), len(want))
		}
	}
}

// The array travels without the key too, but then the receiver must be told its format.
func TestRawWithoutExtensions(t *testing.T) {
	t.Parallel()
	r := launch(t, "netgearsrc address=127.0.0.1 port=0 caps=video/x-raw,format=YUY2,width=33,height=8 ! fakesink")
	s := launch(t, "videotestsrc num-buffers=2 ! video/x-raw,format=YUY2,width=33,height=8 ! netgearsink raw-formats=any extensions=false address=127.0.0.1 port=%d", r.BoundPort())
	s.Exits(0)
	r.Exits(0)
	if caps := r.caps(); len(caps) != 2 || !strings.Contains(caps[1], "format=(string)YUY2, width=(int)33, height=(int)8, framerate=(fraction)0/1") { // the user's first
		t.Errorf("caps %q, want YUY2 33x8", caps)
	}
}

// An answer has no key that says its format, so return_sink takes only what every peer
// takes for a picture.
func TestAnswersArePictures(t *testing.T) {
	t.Parallel()
	w := watch(t, "netgearsrc name=e address=127.0.0.1 port=0 bidirectional-mode=true ! fakesink videotestsrc num-buffers=1 ! jpegenc ! jpegdec ! e.return_sink")
	w.posts("", posted{"caps-refused", errdoc.Src})
	for _, e := range w.events("message") {
		if strings.Contains(e.Text, "raw-formats") {
			text, _ := json.Marshal(e)
			t.Errorf("a setting that the source has not: %s", text)
		}
	}
}
