package main

import (
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"os"
	"slices"
	"strings"
	"time"
)

// Limits, so that the demo ends whatever happens.
const (
	maxStart = 60 * time.Second // GStreamer's very first start looks at all its plugins
	maxStall = 20 * time.Second // between two frames
	maxEnd   = 10 * time.Second // to end when told so, or when the other process has
)

var (
	errNoWindow = errors.New("no window could be opened")
	errProcess  = errors.New("the stream failed")
)

// session is one run of the two processes.
type session struct {
	opt      *options
	events   chan event
	fig      *figures
	receiver *process
	sender   *process
	began    time.Time
	deadline time.Time // of the next thing that must happen
	wanted   string    // what that is
	limit    time.Time // when to end a file; zero: not known yet, or never
	ending   bool
	stopped  bool // by Ctrl-C, or by closing the window
	failure  string
	terminal bool
}

func stream(opt options, interrupt <-chan os.Signal) error {
	s := newSession(&opt)
	err := s.run(interrupt)
	if errors.Is(err, errNoWindow) {
		why := append(s.receiver.problems, s.receiver.err.Error())[0]
		fmt.Printf("No window could be opened (%s); going on without one.\n\n", why)
		opt.window = false
		s = newSession(&opt)
		err = s.run(interrupt)
	}
	if len(s.fig.sent) == 0 && len(s.fig.received) == 0 {
		return err
	}
	return errors.Join(s.report(), err)
}

func newSession(opt *options) *session {
	info, err := os.Stdout.Stat()
	return &session{
		opt: opt, events: make(chan event, 4096), fig: newFigures(), began: time.Now(),
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0,
	}
}

// run starts the receiver, the sender when the receiver has a port, and
// returns when both have ended.
func (s *session) run(interrupt <-chan os.Signal) error {
	var err error
	if s.receiver, err = start("receiver", append([]string{"-e"}, receiverArgs(s.opt, "0")...), s.events); err != nil {
		return err
	}
	s.expect("the receiver to open its port", maxStart)
	period := 2 * time.Second
	if s.terminal {
		period = 200 * time.Millisecond
	}
	shown := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !s.receiver.exited || s.sender != nil && !s.sender.exited {
		select {
		case e := <-s.events:
			if err := s.handle(e); err != nil {
				s.fail(err.Error())
			}
		case <-interrupt:
			if s.stopped {
				s.fail("interrupted again")
			}
			s.stopped = true
			s.end()
		case now := <-tick.C:
			switch {
			case now.After(s.deadline) && s.failure != "":
				return s.verdict() // not even killing them helped
			case now.After(s.deadline):
				s.fail("waited in vain for " + s.wanted)
			case !s.limit.IsZero() && now.After(s.limit) && !s.ending:
				s.end()
			}
			if s.sender != nil && now.Sub(shown) >= period {
				shown = now
				s.show(now)
			}
		}
	}
	if s.sender != nil {
		s.show(time.Now())
		if s.terminal {
			fmt.Println()
		}
	}
	return s.verdict()
}

func (s *session) expect(what string, in time.Duration) {
	s.wanted, s.deadline = what, time.Now().Add(in)
}

// end stops the stream as Ctrl-C stops gst-launch-1.0 -e: what is under way
// still arrives, and the sender says goodbye.
func (s *session) end() {
	s.ending = true
	s.expect("both processes to end", maxEnd)
	if s.sender == nil || s.sender.exited {
		s.receiver.finish()
	} else {
		s.sender.finish()
	}
}

func (s *session) fail(why string) {
	if s.failure == "" {
		s.failure = why
	}
	s.sender.kill()
	s.receiver.kill()
	s.expect("both processes to end", maxEnd)
}

func (s *session) handle(e event) error {
	p := e.from
	if e.end {
		p.exited, p.err = true, e.err
		switch {
		case s.ending || s.sender == nil:
		case s.stopped:
			s.end()
		case p.failed():
			// Nothing more can come of the other one.
			s.sender.kill()
			s.receiver.kill()
		default:
			// The other one ends by itself; the sender is told to, if need be.
			s.expect("both processes to end", maxEnd)
			s.limit = time.Now().Add(maxEnd / 4)
		}
		return nil
	}
	switch line := readLine(e.line); line.kind {
	case bound:
		if p == s.receiver && s.sender == nil && !s.ending {
			return s.startSender(line.port)
		}
	case frame:
		if p == s.receiver {
			s.fig.receive(line, time.Now())
		} else {
			s.fig.send(line)
			if s.opt.video != "" && s.opt.seconds > 0 && s.limit.IsZero() {
				s.limit = time.Now().Add(time.Duration(s.opt.seconds) * time.Second)
			}
		}
		if !s.ending && !s.receiver.exited {
			s.expect("the next frame", maxStall)
		}
	case problem:
		if strings.Contains(line.text, "Output window was closed") {
			s.stopped = true
		}
		if len(p.problems) < 50 {
			p.problems = append(p.problems, line.text)
		}
	case other:
	}
	return nil
}

func (s *session) startSender(port string) (err error) {
	args := append([]string{"-e"}, senderArgs(s.opt, port)...)
	fmt.Printf("Two processes on this machine, pattern %s, JPEG, %s:\n\n", s.opt.pattern, s.what())
	fmt.Printf("export GST_PLUGIN_PATH='%s' GST_REGISTRY='%s'\n\n", os.Getenv("GST_PLUGIN_PATH"), os.Getenv("GST_REGISTRY"))
	fmt.Println("# receiver (here with port=0: any free one)")
	fmt.Println(shell(launch, append([]string{"-e"}, receiverArgs(s.opt, port)...)))
	fmt.Println("\n# sender")
	fmt.Println(shell(launch, args) + "\n")
	s.expect("the first frame", maxStart)
	s.sender, err = start("sender", args, s.events)
	return err
}

func (s *session) what() string {
	switch {
	case s.opt.video == "":
		return fmt.Sprintf("a generated moving picture, %d s", s.opt.seconds)
	case s.opt.seconds == 0:
		return s.opt.video + ", all of it"
	default:
		return fmt.Sprintf("%s, about %d s of it (SECONDS=0: all)", s.opt.video, s.opt.seconds)
	}
}

func (s *session) show(now time.Time) {
	line := fmt.Sprintf("%5.1f s  %s", now.Sub(s.began).Seconds(), s.fig.progress(now))
	if s.terminal {
		fmt.Printf("\r\x1b[K%s", line)
	} else {
		fmt.Println(line)
	}
}

// report prints the table and leaves the last frame as a PNG.
func (s *session) report() error {
	picture, err := s.picture()
	fmt.Print("\n" + s.fig.table(picture))
	if lost := s.fig.lost(); lost > 0 && s.opt.pattern == "pub-sub" {
		fmt.Println("\npub-sub confirms nothing: frames sent before the receiver has subscribed go nowhere.")
	}
	return err
}

func (s *session) picture() (string, error) {
	f, err := os.Open(s.opt.jpg())
	if err != nil {
		return "none", nil // that nothing was received is said elsewhere
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		return "none", fmt.Errorf("the last frame received, %s: %w", s.opt.jpg(), err)
	}
	out, err := os.Create(s.opt.png())
	if err != nil {
		return "none", err
	}
	defer out.Close()
	if err := png.Encode(out, img); err != nil {
		return "none", err
	}
	size := img.Bounds().Size()
	return fmt.Sprintf("%s (the last frame received, %dx%d)", s.opt.png(), size.X, size.Y), out.Close()
}

// verdict says what went wrong, if anything did.
func (s *session) verdict() error {
	if s.stopped && s.failure == "" {
		return nil
	}
	if s.sender == nil && s.opt.window && s.failure == "" && s.receiver.failed() {
		return errNoWindow
	}
	lost := 0
	if s.opt.pattern != "pub-sub" {
		lost = s.fig.lost()
	}
	var what []string
	if s.failure != "" {
		what = append(what, s.failure)
	}
	for _, p := range []*process{s.receiver, s.sender} {
		if p != nil && p.failed() {
			what = append(what, fmt.Sprintf("the %s ended with %v", p.name, p.err))
		}
	}
	switch {
	case len(s.fig.received) == 0:
		what = append(what, "no frame was received")
	case lost > 0:
		what = append(what, fmt.Sprintf("%d frames were lost", lost))
	}
	if len(what) == 0 {
		return nil
	}
	text := []string{strings.Join(what, "; ")}
	for _, p := range []*process{s.sender, s.receiver} {
		if p != nil && len(p.problems) > 0 {
			text = append(text, p.name+" said:\n    "+strings.Join(slices.Compact(p.problems), "\n    "))
		}
	}
	return fmt.Errorf("%w: %s", errProcess, strings.Join(text, "\n"))
}
