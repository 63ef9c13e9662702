package kit

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command is a process to start.
type Command struct {
	Name string // in what is reported
	Args []string
	Env  []string   // nil: that of this process
	In   *Namespace // nil: that of this process
	// Stdin is what it reads; nil: nothing.
	Stdin *os.File
}

// Process is a running child, in a process group of its own. It dies with this
// process. Its output is kept by lines.
type Process struct {
	Name string
	Cmd  *exec.Cmd

	// Mu guards what follows.
	Mu    sync.Mutex
	Lines []string
	Times []time.Time // of the lines
	Ended bool
	Code  int           // -1: by a signal
	news  chan struct{} // closed at the next line and at the end
}

// Start starts the process.
func (c Command) Start() (*Process, error) {
	p := &Process{Name: c.Name, Cmd: exec.Command(c.Args[0], c.Args[1:]...), news: make(chan struct{})}
	p.Cmd.Env = c.Env
	if c.Stdin != nil {
		p.Cmd.Stdin = c.Stdin
	}
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stdout, err := p.Cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.Cmd.StderrPipe() // apart, lest one cuts the other's lines
	if err != nil {
		return nil, err
	}
	if c.In.Do(func() { err = p.Cmd.Start() }); err != nil {
		return nil, err
	}
	go p.follow(stdout, stderr)
	return p, nil
}

func (p *Process) follow(outputs ...io.Reader) {
	var readers sync.WaitGroup
	for _, output := range outputs {
		readers.Go(func() {
			in := bufio.NewReader(output)
			for {
				line, err := in.ReadString('\n')
				if line = strings.TrimRight(line, "\r\n"); line != "" {
					p.change(func() { p.Lines, p.Times = append(p.Lines, line), append(p.Times, time.Now()) })
				}
				if err != nil {
					return
				}
			}
		})
	}
	readers.Wait()
	_ = p.Cmd.Wait() // the code says it all
	p.change(func() { p.Ended, p.Code = true, p.Cmd.ProcessState.ExitCode() })
}

func (p *Process) change(f func()) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	f()
	close(p.news)
	p.news = make(chan struct{})
}

// Kill sends a signal to the process and its children, unless it has ended.
func (p *Process) Kill(s syscall.Signal) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if !p.Ended {
		_ = syscall.Kill(-p.Cmd.Process.Pid, s) // it may have ended by itself
	}
}

// Wait waits until ok, which is called with the lock held, and says what of it in an
// error when the process ends before, or when the time is over.
func (p *Process) Wait(what string, d time.Duration, ok func() bool) error {
	deadline := time.After(d)
	for {
		p.Mu.Lock()
		done, ended, code, news := ok(), p.Ended, p.Code, p.news
		p.Mu.Unlock()
		if done {
			return nil
		}
		if ended {
			return fmt.Errorf("%s ended with code %d: want it %s", p.Name, code, what)
		}
		select {
		case <-news:
		case <-deadline:
			return fmt.Errorf("%s: want it %s within %v", p.Name, what, d)
		}
	}
}

// HasEnded is for Wait.
func (p *Process) HasEnded() bool { return p.Ended }

// Find returns the groups of the expression in the first line that matches, and nil
// where none does. For Wait, or with the lock held.
func (p *Process) Find(re *regexp.Regexp) []string {
	for _, line := range p.Lines {
		if found := re.FindStringSubmatch(line); found != nil {
			return found
		}
	}
	return nil
}

// Count returns how many lines match so far.
func (p *Process) Count(expr string) (n int) {
	re := regexp.MustCompile(expr)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	for _, line := range p.Lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}

// Excerpt is the output without the dull part of its middle, and how it ended.
func (p *Process) Excerpt() string {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	const head, tail, width = 15, 40, 400
	telling := regexp.MustCompile(`WARN|ERROR|warning|error`)
	var b strings.Builder
	left := 0 // lines left out
	for i, line := range p.Lines {
		if i >= head && len(p.Lines)-i > tail && !telling.MatchString(line) {
			left++
			continue
		}
		if left > 0 {
			fmt.Fprintf(&b, "  … %d lines\n", left)
			left = 0
		}
		if len(line) > width {
			line = line[:width] + "…"
		}
		b.WriteString("  " + line + "\n")
	}
	fmt.Fprintf(&b, "  ended: %v, code %d", p.Ended, p.Code)
	return b.String()
}
