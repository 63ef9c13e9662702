// Program demo streams video from one gst-launch-1.0 process to another on this
// machine, through netgearsink and netgearsrc, and measures it. `make demo`
// builds the plugin and runs this.
//
// All numbers come from the elements' own debug log.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// patterns are the values of -pattern. The netgear package knows them too, but
// this program is built without it, and so without a C compiler.
var patterns = []string{"pair", "req-rep", "pub-sub"}

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
	if err := setEnv(opt.build); err != nil {
		return err
	}
	if err := os.Remove(opt.png()); err != nil && !os.IsNotExist(err) {
		return err
	}
	opt.removeJPG()
	defer opt.removeJPG()
	interrupt := make(chan os.Signal, 2)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return stream(opt, interrupt)
}

func parse(args []string) (opt options, err error) {
	f := flag.NewFlagSet("demo", flag.ExitOnError)
	f.StringVar(&opt.video, "video", "", "file or URI to play (default: a generated moving picture)")
	f.StringVar(&opt.pattern, "pattern", "", "pair, req-rep or pub-sub (default pair)")
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
	if opt.pattern == "" {
		opt.pattern = patterns[0]
	}
	if !slices.Contains(patterns, opt.pattern) {
		return opt, fmt.Errorf("PATTERN=%s: want %s", opt.pattern, strings.Join(patterns, ", "))
	}
	switch {
	case *seconds == "" && opt.video == "":
		opt.seconds = clipSeconds
	case *seconds == "":
		opt.seconds = fileSeconds
	default:
		if _, err := fmt.Sscanf(*seconds+"\n", "%d\n", &opt.seconds); err != nil || opt.seconds < 0 || opt.seconds > 86400 {
			return opt, fmt.Errorf("SECONDS=%s: want a whole number up to 86400", *seconds)
		}
		if opt.seconds == 0 && opt.video == "" {
			opt.seconds = clipSeconds
		}
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

// setEnv lets GStreamer find the plugin, also when make has not done so, and
// arranges for its log. The two processes inherit it.
func setEnv(build string) error {
	dir, err := filepath.Abs(build)
	if err != nil {
		return err
	}
	set := map[string]string{
		"GST_DEBUG":          "1,netgear:5,netgearsink:7,netgearsrc:7",
		"GST_DEBUG_NO_COLOR": "1",
		"GST_DEBUG_FILE":     "",
		"LC_ALL":             "C.UTF-8", // gst-launch-1.0's messages are read
	}
	if os.Getenv("GST_PLUGIN_PATH") == "" {
		if _, err := os.Stat(filepath.Join(dir, "libgstnetgear.so")); err != nil {
			return fmt.Errorf("the plugin is not built, run \"make build\": %w", err)
		}
		set["GST_PLUGIN_PATH"] = dir
	}
	if os.Getenv("GST_REGISTRY") == "" {
		set["GST_REGISTRY"] = filepath.Join(dir, "registry.bin")
	}
	for name, value := range set {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
