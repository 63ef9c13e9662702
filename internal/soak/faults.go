package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// chance decides what happens, and how long it takes.
type chance struct {
	*rand.Rand
	pace float64
}

func (c *chance) upTo(d time.Duration) time.Duration {
	return time.Duration(c.pace * float64(c.Int64N(int64(d))))
}

func pick[T any](r *chance, of []T) T { return of[r.IntN(len(of))] }

// faultKind is something that can happen to a stream; do returns when it is
// over.
type faultKind struct {
	name  string
	suits func(st *stream) bool // nil: it can happen to every stream
	do    func(st *stream, r *chance) error
}

// Without anybody's help the streams come back after each of these.
var faultKinds = []faultKind{
	{"receiver stopped and started", nil, func(st *stream, r *chance) error { return restart(pick(r, st.receivers), r, 2*time.Second) }},
	{"sender stopped and started", nil, func(st *stream, r *chance) error { return restart(pick(r, st.senders), r, 2*time.Second) }},
	// Longer than the other end waits before it makes its socket anew.
	{"viewer away", nil, func(st *stream, r *chance) error { return restart(pick(r, st.receivers), r, 12*time.Second) }},
	{"camera away", nil, func(st *stream, r *chance) error { return restart(pick(r, st.senders), r, 12*time.Second) }},
	{"sender ended and started", nil, func(st *stream, r *chance) error {
		p := pick(r, st.senders)
		if err := p.end(); err != nil {
			return err
		}
		return restart(p, r, 2*time.Second)
	}},
	{"receiver with wrong options", nil, wrongOptions},
	{"another viewer", (*stream).takesViewers, anotherViewer},
	{"paused and resumed", nil, func(st *stream, r *chance) error { return pick(r, st.all()).toggle(r.upTo(2 * time.Second)) }},
	{"connections reset", (*stream).hasRelays, func(st *stream, _ *chance) error {
		for _, r := range st.relays {
			r.Reset()
		}
		return nil
	}},
	{"cable cut", (*stream).hasRelays, func(st *stream, r *chance) error {
		cable := pick(r, st.relays)
		cable.Hold(true)
		time.Sleep(r.upTo(4 * time.Second))
		cable.Hold(false)
		return nil
	}},
	{"stranger connected", (*stream).hasRelays, func(st *stream, r *chance) error {
		junk := make([]byte, 64)
		for i := range junk {
			junk[i] = byte(r.Uint32())
		}
		_ = pick(r, st.relays).Inject(pick(r, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: camera\r\n\r\n"), junk, {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f}}))
		return nil
	}},
	{"properties changed", nil, func(st *stream, r *chance) error {
		for _, p := range st.senders {
			p.set("message", fmt.Sprint(r.Uint32()))
		}
		for _, p := range st.receivers {
			p.set("return-data", fmt.Sprint(r.Uint32()))
		}
		return nil
	}},
}

func (st *stream) all() []*pipeline { return slices.Concat(st.receivers, st.senders) }

func (st *stream) hasRelays() bool { return len(st.relays) > 0 }

// takesViewers reports whether any number of receivers may connect.
func (st *stream) takesViewers() bool {
	return strings.Contains(st.receivers[0].text, "bind=false") && len(st.receivers) > 1
}

func restart(p *pipeline, r *chance, away time.Duration) error {
	if err := p.stop(); err != nil {
		return err
	}
	time.Sleep(r.upTo(away))
	return p.start()
}

// wrongOptions is somebody who starts a receiver with other options than its
// sender has, finds out some seconds later, and corrects it.
func wrongOptions(st *stream, r *chance) error {
	p := pick(r, st.receivers)
	if err := p.stop(); err != nil {
		return err
	}
	wrong := newPipeline(false, mistake(p.text, r))
	if wrong.start() == nil { // else its settings contradict each other
		time.Sleep(r.upTo(6 * time.Second))
	}
	if err := wrong.stop(); err != nil {
		return err
	}
	return p.start()
}

// mistake returns the text of a receiver with one option that does not fit its
// sender's.
func mistake(text string, r *chance) string {
	wrong := []string{
		setting(text, "allow", "10.9.9.0/24"),
		setting(text, "bidirectional-mode", fmt.Sprint(!strings.Contains(text, "bidirectional-mode=true"))),
	}
	for _, pattern := range []string{"pair", "req-rep", "pub-sub"} {
		if !strings.Contains(text, "pattern="+pattern) {
			wrong = append(wrong, setting(text, "pattern", pattern))
		}
	}
	if strings.Contains(text, "secure-mode=") {
		wrong = append(wrong, setting(text, "secure-mode", "grasslands"))
	}
	return pick(r, wrong)
}

// setting returns the text of a pipeline with another value of a setting of its
// element net.
func setting(text, name, value string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if strings.HasPrefix(w, name+"=") {
			words[i] = name + "=" + value
			return strings.Join(words, " ")
		}
	}
	return strings.Replace(text, "name=net", "name=net "+name+"="+value, 1)
}

// anotherViewer comes, sees something and leaves.
func anotherViewer(st *stream, r *chance) error {
	p := newPipeline(false, pick(r, st.receivers).text)
	if err := p.start(); err != nil {
		return err
	}
	for begin := time.Now(); p.frames() < 2; time.Sleep(10 * time.Millisecond) {
		if text := p.news(); text != "" || time.Since(begin) > comesBack {
			_ = p.stop()
			return fmt.Errorf("another viewer sees nothing in %v: %s", comesBack, text)
		}
	}
	time.Sleep(r.upTo(2 * time.Second))
	return p.stop()
}
