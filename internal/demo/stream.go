package main

import (
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
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

// end is one of the two processes, a gst-launch-1.0.
type end struct {
	*kit.Process
	read     int // lines
	problems []string
	killed   bool // by us
	gone     bool // it has ended, and all it wrote is read
}

func (e *end) failed() bool { return e.gone && e.Code != 0 && !e.killed }

// session is one run of the two processes.
type session struct {
	opt              *options
	env              []string
	fig              *figures
	receiver, sender *end      // the sender starts when the receiver has a port
	until            time.Time // when to give up, unless something happens
	limit            time.Time // when to end; zero: not known yet, or never
	ending           bool
	stopped          bool // by Ctrl-C, or by closing the window
	failure          string
}

func stream(opt options, env []string, interrupt <-chan os.Signal) error {
	s := &session{opt: &opt, env: env, fig: newFigures()}
	err := s.run(interrupt)
	if errors.Is(err, errNoWindow) {
		fmt.Printf("No window could be opened (%s); going on without one.\n\n", append(s.receiver.problems, fmt.Sprintf("code %d", s.receiver.Code))[0])
		opt.window = false
		s = &session{opt: &opt, env: env, fig: newFigures()}
		err = s.run(interrupt)
	}
	if len(s.fig.sent) == 0 && len(s.fig.received) == 0 {
		return err
	}
	return errors.Join(s.report(), err)
}

// ends are the processes that have been started.
func (s *session) ends() []*end {
	if s.sender == nil {
		return []*end{s.receiver}
	}
	return []*end{s.sender, s.receiver}
}

// run returns when both processes have ended.
func (s *session) run(interrupt <-chan os.Signal) (err error) {
	if s.receiver, err = s.start("receiver", receiverArgs(s.opt, "0")); err != nil {
		return err
	}
	began, shown := time.Now(), time.Now()
	period, form := 2*time.Second, "%5.1f s  %s\n"
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		period, form = 200*time.Millisecond, "\r\x1b[K%5.1f s  %s"
	}
	s.until = began.Add(maxStart)
	for slices.ContainsFunc(s.ends(), func(e *end) bool { return !e.gone }) {
		select {
		case <-interrupt:
			s.stopped = true
			s.end()
		case now := <-time.After(50 * time.Millisecond):
			for _, e := range s.ends() {
				s.read(e)
			}
			switch {
			case now.After(s.until) && s.failure != "":
				return s.verdict() // not even killing them helped
			case now.After(s.until):
				s.kill("nothing happens any more")
			case !s.ending && !s.limit.IsZero() && now.After(s.limit):
				s.end()
			}
			if s.sender != nil && now.Sub(shown) >= period {
				shown = now
				fmt.Printf(form, now.Sub(began).Seconds(), s.fig.progress(now))
			}
		}
	}
	if s.sender != nil {
		fmt.Printf(strings.TrimSuffix(form, "\n")+"\n", time.Since(began).Seconds(), s.fig.progress(time.Now()))
	}
	return s.verdict()
}

func (s *session) start(name string, args []string) (*end, error) {
	p, err := kit.Command{Name: name, Args: append([]string{launch, "-e"}, args...), Env: s.env}.Start()
	return &end{Process: p}, err
}

// end stops the stream as Ctrl-C stops gst-launch-1.0 -e: what is under way
// still arrives, and the sender says goodbye. The second time it is over at once.
func (s *session) end() {
	if s.ending {
		s.kill("interrupted again")
		return
	}
	s.ending, s.until = true, time.Now().Add(maxEnd)
	for _, e := range s.ends() {
		if !e.gone {
			e.Kill(syscall.SIGINT)
			return
		}
	}
}

func (s *session) kill(why string) {
	s.failure, s.until = why, time.Now().Add(maxEnd)
	for _, e := range s.ends() {
		e.killed = e.killed || !e.gone
		e.Kill(syscall.SIGKILL)
	}
}

// read takes what a process has written since, and its end.
func (s *session) read(e *end) {
	e.Mu.Lock()
	lines, times, ended := e.Lines[e.read:], e.Times[e.read:], e.Ended
	e.read += len(lines)
	e.Mu.Unlock()
	for i, line := range lines {
		s.take(e, readLine(line), times[i])
	}
	if !ended || e.gone {
		return
	}
	e.gone = true
	switch {
	case s.ending || s.sender == nil:
	case s.stopped:
		s.end()
	case e.failed(): // nothing more can come of the other one
		s.kill("")
	default: // the other one ends by itself, or is told to a little later
		s.until, s.limit = time.Now().Add(maxEnd), time.Now().Add(maxEnd/4)
	}
}

func (s *session) take(e *end, line entry, at time.Time) {
	switch line.kind {
	case bound:
		if e == s.receiver && s.sender == nil && !s.ending {
			s.startSender(line.port)
		}
	case frame:
		if e == s.receiver {
			s.fig.receive(line, at)
		} else if s.fig.send(line); s.opt.video != "" && s.opt.seconds > 0 && s.limit.IsZero() {
			s.limit = at.Add(time.Duration(s.opt.seconds) * time.Second)
		}
		if !s.ending && !s.receiver.gone {
			s.until = at.Add(maxStall)
		}
	case problem:
		s.stopped = s.stopped || strings.Contains(line.text, "Output window was closed")
		if len(e.problems) < 50 {
			e.problems = append(e.problems, line.text)
		}
	case other:
	}
}

func (s *session) startSender(port string) {
	what := fmt.Sprintf("%s, about %d s of it (SECONDS=0: all)", s.opt.video, s.opt.seconds)
	switch {
	case s.opt.video == "":
		what = fmt.Sprintf("a generated moving picture, %d s", s.opt.seconds)
	case s.opt.seconds == 0:
		what = s.opt.video + ", all of it"
	}
	args := senderArgs(s.opt, port)
	build, _ := filepath.Abs(s.opt.build) // kit.Env had it
	fmt.Printf(`Two processes on this machine, pattern %s, JPEG, %s:

export GST_PLUGIN_PATH='%s' GST_REGISTRY='%s/registry.bin'

# receiver (here with port=0: any free one)
%s -e %s

# sender
%s -e %s

`, s.opt.pattern, what, build, build, launch, shell(receiverArgs(s.opt, port)), launch, shell(args))
	sender, err := s.start("sender", args)
	if err != nil {
		s.kill(err.Error())
		return
	}
	s.sender, s.until = sender, time.Now().Add(maxStart)
}

// report prints the table and leaves the last frame as a PNG.
func (s *session) report() error {
	picture, err := s.picture()
	fmt.Print("\n" + s.fig.table(picture))
	if s.fig.lost() > 0 && s.opt.pattern == "pub-sub" {
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
	size := img.Bounds().Size()
	return fmt.Sprintf("%s (the last frame received, %dx%d)", s.opt.png(), size.X, size.Y), errors.Join(png.Encode(out, img), out.Close())
}

// verdict says what went wrong, if anything did.
func (s *session) verdict() error {
	if s.stopped && s.failure == "" {
		return nil
	}
	if s.sender == nil && s.opt.window && s.failure == "" && s.receiver.failed() {
		return errNoWindow
	}
	var what, said []string
	if s.failure != "" {
		what = append(what, s.failure)
	}
	for _, e := range s.ends() {
		if e.failed() {
			what = append(what, fmt.Sprintf("the %s ended with code %d", e.Name, e.Code))
		}
		if len(e.problems) > 0 {
			said = append(said, "\n"+e.Name+" said:\n    "+strings.Join(slices.Compact(e.problems), "\n    "))
		}
	}
	if len(s.fig.received) == 0 {
		what = append(what, "no frame was received")
	} else if lost := s.fig.lost(); lost > 0 && s.opt.pattern != "pub-sub" {
		what = append(what, fmt.Sprintf("%d frames were lost", lost))
	}
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s%s", errProcess, strings.Join(what, "; "), strings.Join(said, ""))
}
