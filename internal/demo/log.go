package main

import (
	"regexp"
	"strconv"
	"time"
)

// entry is what a line of a process's output says.
type entry struct {
	kind  kind
	port  string // of a bound line
	seq   uint64 // of a frame line, as the other two
	bytes int64
	took  time.Duration // sink: until the confirmation; source: since the sink had it
	text  string        // of a problem
}

type kind uint8

const (
	other kind = iota
	bound
	frame
	problem
)

const logPrefix = `^\d+:\d\d:\d\d\.\d+ +\d+ +0x[0-9a-f]+ +`

var (
	boundLine   = regexp.MustCompile(logPrefix + `.* bound endpoint=tcp://\S*:(\d+)\s*$`)
	frameLine   = regexp.MustCompile(logPrefix + `.* frame seq=(\d+) bytes=(\d+) (?:ack|capture-to-receive)-us=(-?\d+)\s*$`)
	problemLine = regexp.MustCompile(`^(?:ERROR|WARNING|` + logPrefix[1:] + `(?:ERROR|WARN) )`)
)

// readLine understands a line of the debug log or of gst-launch-1.0 itself.
func readLine(line string) entry {
	if m := boundLine.FindStringSubmatch(line); m != nil {
		return entry{kind: bound, port: m[1]}
	}
	if m := frameLine.FindStringSubmatch(line); m != nil {
		seq, err1 := strconv.ParseUint(m[1], 10, 64)
		size, err2 := strconv.ParseInt(m[2], 10, 64)
		us, err3 := strconv.ParseInt(m[3], 10, 64)
		if err1 == nil && err2 == nil && err3 == nil {
			return entry{kind: frame, seq: seq, bytes: size, took: time.Duration(us) * time.Microsecond}
		}
	}
	if problemLine.MatchString(line) {
		return entry{kind: problem, text: line}
	}
	return entry{}
}
