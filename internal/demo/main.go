// Program demo streams video from one gst-launch-1.0 process to another on this
// machine, through netgearsink and netgearsrc, and measures it. `make demo`
// builds the plugin and runs this.
//
// All numbers come from the elements' own debug log.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

const (
	clipSeconds = 10 // of the generated picture
	fileSeconds = 15 // of a file at most, unless told otherwise
)

type options struct {
	video   string // file or URI; empty: a generated picture
	pattern string
	seconds int // 0: the whole file
	build   string
	window  bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(1)
	}
}

func run() error {
	opt, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(launch); err != nil {
		return fmt.Errorf("%s is not in PATH: \"make deps\" installs it", launch)
	}
	env, err := kit.Env(opt.build, "GST_DEBUG=1,netgear:5,netgearsink:7,netgearsrc:7")
	if err != nil {
		return err
	}
	if err := os.Remove(opt.png()); err != nil && !os.IsNotExist(err) {
		return err
	}
	opt.removeJPG()
	defer opt.removeJPG()
	interrupt := make(chan os.Signal, 2)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return stream(opt, env, interrupt)
}

func parse(args []string) (opt options, err error) {
	var patterns []string
	for _, p := range kit.Patterns {
		patterns = append(patterns, p.String())
	}
	f := flag.NewFlagSet("demo", flag.ExitOnError)
	f.StringVar(&opt.video, "video", "", "file or URI to play (default: a generated moving picture)")
	f.StringVar(&opt.pattern, "pattern", "", strings.Join(patterns, ", ")+" (default pair)")
	seconds := f.String("seconds", "", fmt.Sprintf("how long to play (default: the generated picture %d s, a file about %d s; 0 = all of a file)", clipSeconds, fileSeconds))
	f.StringVar(&opt.build, "build", "build", "folder with the plugin, where demo.png is written")
	_ = f.Parse(args) // ExitOnError
	if f.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q: the file to play is VIDEO=file, or -video file", f.Arg(0))
	}
	// The short name reads better in what is printed.
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, opt.build); err == nil && filepath.IsLocal(rel) {
			opt.build = rel
		}
	}
	if opt.pattern = cmp.Or(opt.pattern, patterns[0]); !slices.Contains(patterns, opt.pattern) {
		return opt, fmt.Errorf("PATTERN=%s: want %s", opt.pattern, strings.Join(patterns, ", "))
	}
	if opt.seconds = fileSeconds; *seconds != "" {
		if opt.seconds, err = strconv.Atoi(*seconds); err != nil || opt.seconds < 0 || opt.seconds > 86400 {
			return opt, fmt.Errorf("SECONDS=%s: want a whole number up to 86400", *seconds)
		}
	}
	if opt.video == "" && (*seconds == "" || opt.seconds == 0) {
		opt.seconds = clipSeconds
	}
	if opt.video != "" && !strings.Contains(opt.video, "://") {
		if _, err := os.Stat(opt.video); err != nil {
			return opt, fmt.Errorf("VIDEO=%s: %w", opt.video, err)
		}
	}
	opt.window = os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
	return opt, nil
}

func (o *options) jpg() string { return filepath.Join(o.build, "demo.jpg") }
func (o *options) png() string { return filepath.Join(o.build, "demo.png") }

// removeJPG removes the last frame received, and what multifilesink leaves of
// it when it is killed while it writes.
func (o *options) removeJPG() {
	names, _ := filepath.Glob(o.jpg() + "*") // the pattern is well-formed, or nothing is found
	for _, name := range append(names, o.jpg()) {
		_ = os.Remove(name)
	}
}
