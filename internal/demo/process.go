package main

import (
	"bufio"
	"os"
	"os/exec"
	"syscall"
)

// process is one gst-launch-1.0.
type process struct {
	name     string
	cmd      *exec.Cmd
	problems []string
	exited   bool
	killed   bool // by us
	err      error
}

// event is a line of a process's output, or its end.
type event struct {
	from *process
	line string
	end  bool
	err  error
}

// start runs gst-launch-1.0. Its output and then its end arrive as events,
// which somebody must take until the end.
func start(name string, args []string, events chan<- event) (*process, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: exec.Command(launch, args...)}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	// Ctrl-C is for this program, which then ends the two in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = p.cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	go func() {
		defer out.Close()
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if line != "" {
				events <- event{from: p, line: line}
			}
			if err != nil {
				break
			}
		}
		events <- event{from: p, end: true, err: p.cmd.Wait()}
	}()
	return p, nil
}

// finish has gst-launch-1.0 -e end the stream and then itself.
func (p *process) finish() {
	if !p.exited {
		_ = p.cmd.Process.Signal(os.Interrupt)
	}
}

func (p *process) kill() {
	if p != nil && !p.exited {
		p.killed = true
		_ = p.cmd.Process.Kill()
	}
}

// failed says whether it ended badly by itself.
func (p *process) failed() bool { return p.exited && p.err != nil && !p.killed }
