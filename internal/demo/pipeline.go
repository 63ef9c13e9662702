package main

import (
	"fmt"
	"path/filepath"
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
	var s string
	if o.video == "" {
		s = fmt.Sprintf("videotestsrc is-live=true pattern=smpte horizontal-speed=4 num-buffers=%d ! video/x-raw,format=BGRx,width=640,height=480,framerate=%d/1", o.seconds*fps, fps)
	} else {
		s = "uridecodebin uri=" + uri(o.video) + " ! videoconvert ! video/x-raw,format=BGRx"
	}
	s += " ! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc ! "
	s += fmt.Sprintf("netgearsink address=127.0.0.1 port=%s pattern=%s", port, o.pattern)
	return strings.Fields(s)
}

// uri makes a file's name a URI in which nothing is special to gst-launch-1.0.
func uri(video string) string {
	if strings.Contains(video, "://") {
		return video
	}
	if abs, err := filepath.Abs(video); err == nil {
		video = abs
	}
	var b strings.Builder
	b.WriteString("file://")
	for _, c := range []byte(video) {
		if plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/._-", c) >= 0
}

// shell writes a command so that it can be pasted into a shell.
func shell(name string, args []string) string {
	words := []string{name}
	for _, a := range args {
		if strings.ContainsFunc(a, func(r rune) bool {
			return r > 127 || !plain(byte(r)) && !strings.ContainsRune("=:,+@%", r)
		}) && a != "!" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}
