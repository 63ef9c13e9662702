package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/hostile"
)

// end is one that binds, which strangers can come to.
type end struct {
	Network, Address string
	Pattern          int // NetGear's number
	Sink             bool
	Names            []string // of the servers, in the multi-server mode
	// OneSort says that the pipeline takes one sort of frames alone, and fails when
	// whoever comes first sends others.
	OneSort bool
}

// isStranger is the variable of the environment that makes this program the one
// that strangers come from: what they hold must not count.
const isStranger = "SOAK_STRANGERS"

// strangers is the process that strangers come from.
type strangers struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startStrangers has a stranger of each kind come to the ends.
func startStrangers(ends []end) (*strangers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &strangers{cmd: exec.Command(self)} //nolint:gosec // ourselves
	s.cmd.Env = append(os.Environ(), isStranger+"=1")
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(ends)
	if err != nil {
		return nil, err
	}
	_, err = s.in.Write(append(b, '\n'))
	return s, errors.Join(err, s.come())
}

// come has the strangers come, and leave has them go away for a while. Neither does
// anything to nil.
func (s *strangers) come() error  { return s.tell("come") }
func (s *strangers) leave() error { return s.tell("go") }

func (s *strangers) tell(word string) error {
	if s == nil {
		return nil
	}
	if _, err := fmt.Fprintln(s.in, word); err != nil {
		return err
	}
	_, err := s.out.ReadString('\n') // when it is done
	return err
}

// stop ends them and returns how many connections there were, of each kind.
func (s *strangers) stop() (connections map[string]int, err error) {
	if s == nil {
		return nil, nil
	}
	if err := errors.Join(s.leave(), s.in.Close()); err != nil {
		return nil, err
	}
	return connections, errors.Join(json.NewDecoder(s.out).Decode(&connections), s.cmd.Wait())
}

// strangerAddress is the machine that strangers are on.
const strangerAddress = "127.0.0.66"

// How strangers behave in a soak: for hours, beside other work.
const (
	strangerStays = 3 * time.Second        // at one end
	strangerPause = 2 * time.Second        // between two writes
	strangerRest  = 300 * time.Millisecond // between two connections
	rivalStays    = 300 * time.Millisecond // who may be taken for the wanted peer
	rivalPause    = 10 * time.Second
)

// haunt is the process of the strangers. It obeys what comes in, and ends with it.
func haunt(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var ends []end
	if err := json.Unmarshal(text, &ends); err != nil {
		return err
	}
	h := haunting{ends: ends, connections: map[string]int{}}
	stop := func() {}
	for {
		word, err := lines.ReadString('\n')
		stop()
		h.running.Wait()
		if err != nil {
			return json.NewEncoder(out).Encode(h.connections)
		}
		if word == "come\n" {
			stop = h.begin()
		}
		if _, err := fmt.Fprintln(out, "done"); err != nil {
			return err
		}
	}
}

type haunting struct {
	ends    []end
	running sync.WaitGroup

	mu          sync.Mutex
	connections map[string]int
}

// begin has a stranger of each kind come to one end after the other, until stop is
// called.
func (h *haunting) begin() (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	for i := range hostile.Strangers {
		s := &hostile.Strangers[i]
		h.running.Go(func() {
			for ctx.Err() == nil {
				e := h.ends[rand.IntN(len(h.ends))] //nolint:gosec // not a secret
				from := ""
				if e.Network == "tcp" {
					from = strangerAddress
				}
				t := &hostile.Target{
					Pattern: e.Pattern, Sink: e.Sink, Names: e.Names, Open: hostile.Dial(e.Network, e.Address, from), Pause: strangerPause, Rest: strangerRest, Most: 1,
				}
				if s.Suits(t) && (!s.Rival || !e.OneSort) {
					h.visit(ctx, s, t)
				}
			}
		})
	}
	return stop
}

func (h *haunting) visit(ctx context.Context, s *hostile.Stranger, t *hostile.Target) {
	stays := strangerStays
	if s.Rival {
		stays = rivalStays
	}
	here, cancel := context.WithTimeout(ctx, stays)
	n := s.Run(here, t)
	cancel()
	h.mu.Lock()
	h.connections[s.Name] += n
	h.mu.Unlock()
	if !s.Rival {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(rivalPause):
	}
}
