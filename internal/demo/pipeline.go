package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	launch = "gst-launch-1.0"
	fps    = 30 // of the generated picture
)

// receiverArgs returns the receiving pipeline as arguments of gst-launch-1.0.
// What is behind netgearsrc never holds it up: the queues drop old frames.
func receiverArgs(o *options, port string) []string {
	const newest = " ! queue leaky=downstream max-size-buffers=2 ! "
	s := fmt.Sprintf("netgearsrc address=127.0.0.1 port=%s pattern=%s", port, o.pattern)
	if o.window {
		s += " ! tee name=t" + newest + "jpegdec ! videoconvert ! autovideosink sync=false t."
	}
	// The path is an argument of its own: it may have spaces.
	return append(strings.Fields(s+newest+"multifilesink"), "location="+o.jpg())
}

// senderArgs returns the sending pipeline. JPEG holds YCbCr in full range, and
// jpegenc takes whatever range it is given, so it is given that. The way there
// leads through BGRx: from I420 to I420 of another range but the same matrix,
// videoconvert (seen in 1.22) copies the values as they are.
func senderArgs(o *options, port string) []string {
	s := "uridecodebin uri=" + uri(o.video) + " ! videoconvert ! video/x-raw,format=BGRx"
	if o.video == "" {
		s = fmt.Sprintf("videotestsrc is-live=true pattern=smpte horizontal-speed=4 num-buffers=%d ! video/x-raw,format=BGRx,width=640,height=480,framerate=%d/1", o.seconds*fps, fps)
	}
	s += " ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! "
	s += fmt.Sprintf("netgearsink address=127.0.0.1 port=%s pattern=%s", port, o.pattern)
	return strings.Fields(s)
}

// uri makes a file's name a URI.
func uri(video string) string {
	if strings.Contains(video, "://") {
		return video
	}
	if abs, err := filepath.Abs(video); err == nil {
		video = abs
	}
	return (&url.URL{Scheme: "file", Path: video}).String()
}

var plainWord = regexp.MustCompile(`^([\w/.=:,+@%-]+|!)$`)

// shell writes arguments so that they can be pasted into a shell.
func shell(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		if words[i] = a; !plainWord.MatchString(a) {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
