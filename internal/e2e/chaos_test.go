package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// The fault suite: what happens to a stream when a process, a cable, a name or
// a disk fails. Each fault ends with the stream flowing again within
// request-timeout + 1 s, or with the one right error. "make chaos" sets CHAOS
// to the number of repetitions, and the short form runs with every test.

// repetitions is how often a process is killed; full asks for all that takes
// long.
var repetitions, full = func() (int, bool) {
	n, err := strconv.Atoi(os.Getenv("CHAOS"))
	return max(n, 2), err == nil && n > 0
}()

// requestTimeout is the default, which these streams keep.
const requestTimeout = 4 * time.Second

// resumesWithin is the promise.
const resumesWithin = requestTimeout + time.Second

// outcome is a row of the table of faults.
type outcome struct {
	Fault, Pattern     string
	Injected, Survived int
	WorstResume        time.Duration
	Frames, Lost       int
	Allowed            string
}

var outcomes struct {
	sync.Mutex
	rows []outcome
}

// record keeps a row for the table, which TestMain writes.
func (o *outcome) record(t *testing.T) {
	t.Helper()
	t.Logf("%+v", *o)
	outcomes.Lock()
	defer outcomes.Unlock()
	outcomes.rows = append(outcomes.rows, *o)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if file := os.Getenv("CHAOS_OUT"); file != "" {
		if err := os.WriteFile(file, []byte(outcomeTable()), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func outcomeTable() string {
	var b strings.Builder
	b.WriteString("| fault | pattern | injected | survived | worst resume | frames received | lost | allowed to be lost |\n|---|---|---|---|---|---|---|---|\n")
	for _, o := range outcomes.rows {
		resume := "-"
		if o.WorstResume > 0 {
			resume = fmt.Sprintf("%.2f s", o.WorstResume.Seconds())
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %d | %d | %s |\n", o.Fault, o.Pattern, o.Injected, o.Survived, resume, o.Frames, o.Lost, o.Allowed)
	}
	return b.String()
}

// resumed notes that the stream came back after a while.
func (o *outcome) resumed(t *testing.T, took time.Duration) {
	t.Helper()
	o.Survived++
	o.WorstResume = max(o.WorstResume, took)
	if took > resumesWithin {
		t.Errorf("%s, %s: the stream came back after %v, want %v at the most", o.Fault, o.Pattern, took, resumesWithin)
	}
}

// end is a process of gst-launch-1.0 that logs each frame.
type end struct {
	pipeline
	in *namespace
}

func frameLog(t *testing.T, in *namespace, text string) end {
	t.Helper()
	argv := append([]string{"env", "GST_DEBUG=netgear:5,netgearsrc:7,netgearsink:7", "gst-launch-1.0", "-e"}, strings.Fields(text)...)
	return end{pipeline{startIn(t, in, "gst-launch", argv...)}, in}
}

// seen is a frame that an end has logged.
type seen struct {
	seq int
	at  time.Time
}

// frames returns those logged so far.
func (e end) frames() (frames []seen) {
	const mark = " frame seq="
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, line := range e.lines {
		if _, rest, ok := strings.Cut(line, mark); ok {
			seq, _, _ := strings.Cut(rest, " ")
			if n, err := strconv.Atoi(seq); err == nil {
				frames = append(frames, seen{n, e.times[i]})
			}
		}
	}
	return frames
}

// more waits for n more frames than there are now, and returns when the first of
// them came.
func (e end) more(n int) time.Time {
	e.t.Helper()
	have := len(e.frames())
	e.await(fmt.Sprintf("to log %d more frames", n), func() bool {
		count := 0
		for _, line := range e.lines {
			if strings.Contains(line, " frame seq=") {
				count++
			}
		}
		return count >= have+n
	})
	return e.frames()[have].at
}

// anew waits for the first frame of a sender that has started, and four more.
func (e end) anew() time.Time {
	e.t.Helper()
	have, first := len(e.frames()), 0
	for first = -1; first < 0; {
		e.more(1)
		frames := e.frames()
		if len(frames) > have+1000 {
			e.t.Fatalf("no frame of a new sender among %d", len(frames)-have)
		}
		if i := slices.IndexFunc(frames[have:], func(f seen) bool { return f.seq < 5 }); i >= 0 {
			first = have + i
		}
	}
	e.more(4)
	return e.frames()[first].at
}

// chaosSource is a stream of small frames, live.
const chaosSource = "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=16,height=12,framerate=100/1"

func (p pattern) chaosSink(host string, port int) string {
	return fmt.Sprintf("%s ! netgearsink wait-for-connection=true address=%s port=%d pattern=%v", chaosSource, host, port, p)
}

func (p pattern) chaosSrc(address string, port int) string {
	return fmt.Sprintf("netgearsrc address=%s port=%d pattern=%v max-retries=0 ! fakesink sync=false", address, port, p)
}

// atRandom sleeps for up to d: faults come at any moment.
func atRandom(d time.Duration) { time.Sleep(rand.N(d)) }

// missing returns the numbers up to the last that none of the ends has logged,
// with pub-sub from the first that came.
func missing(p pattern, ends ...end) (lost []int) {
	have := map[int]bool{}
	first, last := 0, -1
	for _, e := range ends {
		for _, f := range e.frames() {
			if p == pubSub && last < 0 {
				first = f.seq
			}
			have[f.seq], last = true, max(last, f.seq)
		}
	}
	for n := first; n < last; n++ {
		if !have[n] {
			lost = append(lost, n)
		}
	}
	return lost
}

// A receiver that is killed at any moment and started again gets the stream from
// the first frame on that was not confirmed: no frame is told to be delivered
// that was not.
func TestChaosReceiverKilled(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		o := outcome{Fault: "receiver killed and restarted", Pattern: p.String(), Allowed: "1 a kill, confirmed and killed with it"}
		if p == pubSub {
			o.Allowed = "those of the outage"
		}
		port := freePort(t)
		s := frameLog(t, nil, p.chaosSink("127.0.0.1", port))
		var lives []end
		for range repetitions {
			r := frameLog(t, nil, p.chaosSrc("127.0.0.1", port))
			r.port()
			begin := time.Now()
			first := r.more(5)
			o.resumed(t, first.Sub(begin))
			atRandom(100 * time.Millisecond)
			o.Injected++
			r.kill(syscall.SIGKILL)
			r.await("to end", func() bool { return r.ended })
			lives = append(lives, r)
			atRandom(200 * time.Millisecond)
		}
		r := frameLog(t, nil, p.chaosSrc("127.0.0.1", port))
		r.more(5)
		lives = append(lives, r)
		s.kill(syscall.SIGINT)
		s.exits(0)
		r.exits(0)
		lost := missing(p, lives...)
		o.Lost = len(lost)
		for _, l := range lives {
			o.Frames += len(l.frames())
		}
		o.record(t)
		if p == pubSub {
			return
		}
		if len(lost) > o.Injected {
			t.Errorf("%d frames never arrived after %d kills: %v", len(lost), o.Injected, lost)
		}
		// What the sender logs is confirmed; it logs no more than arrived.
		if sent, came := s.frames(), lives[len(lives)-1].frames(); sent[len(sent)-1].seq > came[len(came)-1].seq {
			t.Errorf("frame %d is told to be confirmed, the last to arrive was %d", sent[len(sent)-1].seq, came[len(came)-1].seq)
		}
	})
}

func eachPatternInTurn(t *testing.T, test func(t *testing.T, p pattern)) {
	t.Helper()
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) { test(t, p) })
	}
}

// A sender that is killed at any moment and started again is received at once,
// and each of its lives without a gap.
func TestChaosSenderKilled(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		o := outcome{Fault: "sender killed and restarted", Pattern: p.String(), Allowed: "0"}
		if p == pubSub {
			o.Allowed = "not counted"
		}
		r := frameLog(t, nil, p.chaosSrc("127.0.0.1", 0))
		port := r.port()
		for range repetitions {
			begin := time.Now()
			s := frameLog(t, nil, p.chaosSink("127.0.0.1", port))
			o.resumed(t, r.anew().Sub(begin))
			atRandom(100 * time.Millisecond)
			o.Injected++
			s.kill(syscall.SIGKILL)
			s.await("to end", func() bool { return s.ended })
		}
		frames := r.frames()
		o.Frames = len(frames)
		for i, f := range frames {
			if p != pubSub && f.seq != 0 && f.seq != frames[i-1].seq+1 {
				o.Lost++
				t.Errorf("frame %d came after %d", f.seq, frames[i-1].seq)
			}
		}
		o.record(t)
		r.kill(syscall.SIGINT)
		r.exits(0)
	})
}

// NetGear's own receivers, in Python, are killed and started again likewise.
func TestChaosNetGearReceiverKilled(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		o := outcome{Fault: "NetGear receiver (Python) killed and restarted", Pattern: p.String(), Allowed: "1 a kill, confirmed and killed with it"}
		port := freePort(t)
		s := frameLog(t, nil, p.chaosSink("127.0.0.1", port))
		have := map[int]bool{}
		for range max(2, repetitions/5) {
			r := peer(t, "recv --pattern %d --port %d", p, port)
			r.port()
			begin := time.Now()
			r.event("frame", 1)
			o.resumed(t, time.Since(begin))
			r.event("frame", 5)
			atRandom(100 * time.Millisecond)
			o.Injected++
			r.kill(syscall.SIGKILL)
			r.await("to end", func() bool { return r.ended })
			for _, n := range sequenceOfKilled(r) {
				have[n] = true
				o.Frames++
			}
		}
		if p == pubSub {
			o.Allowed = "those of the outage"
		} else {
			last := 0
			for n := range have {
				last = max(last, n)
			}
			o.Lost = last + 1 - len(have)
			if o.Lost > o.Injected {
				t.Errorf("%d frames never arrived after %d kills", o.Lost, o.Injected)
			}
		}
		o.record(t)
		s.kill(syscall.SIGKILL)
	})
}

// sequenceOfKilled returns the numbers of the frames of a peer whose last line
// may have been cut.
func sequenceOfKilled(r script) (seq []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		var e struct {
			Event  string
			Header struct{ GST struct{ Seq int } }
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "frame" {
			seq = append(seq, e.Header.GST.Seq)
		}
	}
	return seq
}

// machines are two namespaces with a link between them.
type machines struct {
	link
	sender, receiver *namespace
	unplug           func() // the cable, for another sender to be plugged in
}

var (
	senderAddress    = netip.MustParseAddr("10.9.0.1")
	receiverAddress  = netip.MustParseAddr("10.9.0.2")
	receiverAddress2 = netip.MustParseAddr("10.9.0.3")
)

func newMachines(t *testing.T) *machines {
	t.Helper()
	m := &machines{sender: newNamespace(t), receiver: newNamespace(t)}
	m.unplug = m.connect(t, m.sender.tun(t, senderAddress), m.receiver.tun(t, receiverAddress, receiverAddress2))
	return m
}

const chaosPort = 5555 // both namespaces are empty

// stream starts both ends and waits until frames flow.
func (m *machines) stream(t *testing.T, p pattern) (s, r end) {
	t.Helper()
	r = frameLog(t, m.receiver, p.chaosSrc("*", chaosPort))
	r.port()
	s = frameLog(t, m.sender, p.chaosSink(receiverAddress.String(), chaosPort))
	r.more(10)
	return s, r
}

// unbroken checks that no frame is missing among those that arrived where
// frames are confirmed, and ends the stream.
func (o *outcome) unbroken(t *testing.T, p pattern, s end, receivers ...end) {
	t.Helper()
	s.kill(syscall.SIGINT)
	s.exits(0)
	last := receivers[len(receivers)-1]
	last.await("to end", func() bool { return last.ended })
	o.Lost = len(missing(p, receivers...))
	for _, r := range receivers {
		o.Frames += len(r.frames())
	}
	if p != pubSub && o.Lost > 0 {
		t.Errorf("%d frames never arrived: %v", o.Lost, missing(p, receivers...))
	}
	o.record(t)
}

// inherited ends the stream after one receiver has taken the place of another,
// and checks that no frame is missing but the one that was confirmed and died
// with the first.
func (o *outcome) inherited(t *testing.T, p pattern, s, first, next end) {
	t.Helper()
	if p != pubSub {
		o.Allowed = "1, confirmed and lost with it"
	}
	s.kill(syscall.SIGINT)
	s.exits(0)
	if o.Lost = len(missing(p, first, next)); p != pubSub && o.Lost > 1 {
		t.Errorf("%d frames never arrived", o.Lost)
	}
	o.Frames = len(first.frames()) + len(next.frames())
	o.record(t)
}

func outcomeOf(p pattern, fault string) outcome {
	o := outcome{Fault: fault, Pattern: p.String(), Allowed: "0"}
	if p == pubSub {
		o.Allowed = "those of the outage"
	}
	return o
}

// A cable that is cut, with no word to either end, and mended.
func TestChaosCableCut(t *testing.T) {
	cuts := []time.Duration{time.Second}
	if full {
		cuts = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}
	}
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		for _, d := range cuts {
			m := newMachines(t)
			s, r := m.stream(t, p)
			o := outcomeOf(p, fmt.Sprintf("cable cut for %v", d))
			for range max(1, min(5, repetitions/10)) {
				o.Injected++
				m.set(conditions{cut: true})
				time.Sleep(d)
				m.set(conditions{})
				begin := time.Now()
				o.resumed(t, r.more(5).Sub(begin))
			}
			o.unbroken(t, p, s, r)
		}
	})
}

// A machine that loses its power says nothing, and nor does its kernel. It comes
// back as another, which knows nothing of the old connections.
func TestChaosPowerLost(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		t.Run("receiver", func(t *testing.T) {
			m := newMachines(t)
			s, r := m.stream(t, p)
			o := outcomeOf(p, "receiver's machine loses power and restarts")
			o.Injected++
			m.unplug()
			r.kill(syscall.SIGKILL)
			m.receiver = newNamespace(t)
			m.unplug = m.connect(t, m.sender.tun(t, senderAddress), m.receiver.tun(t, receiverAddress))
			next := frameLog(t, m.receiver, p.chaosSrc("*", chaosPort))
			next.port()
			begin := time.Now()
			o.resumed(t, next.more(5).Sub(begin))
			o.inherited(t, p, s, r, next)
		})
		t.Run("sender", func(t *testing.T) {
			m := newMachines(t)
			s, r := m.stream(t, p)
			o := outcomeOf(p, "sender's machine loses power and restarts")
			o.Injected++
			m.unplug()
			s.kill(syscall.SIGKILL)
			time.Sleep(300 * time.Millisecond) // a machine takes longer to start, and its connection is taken for silent then
			m.sender = newNamespace(t)
			m.unplug = m.connect(t, m.sender.tun(t, senderAddress), m.receiver.tun(t, receiverAddress, receiverAddress2))
			begin := time.Now()
			next := frameLog(t, m.sender, p.chaosSink(receiverAddress.String(), chaosPort))
			o.resumed(t, r.anew().Sub(begin))
			next.kill(syscall.SIGINT)
			next.exits(0)
			o.Frames = len(r.frames())
			o.record(t)
		})
	})
}

// A bad link slows a stream down and breaks nothing.
func TestChaosBadLink(t *testing.T) {
	length := time.Second
	if full {
		length = 20 * time.Second
	}
	for _, c := range []struct {
		name       string
		conditions conditions
	}{
		{"delay of 100 ms", conditions{delay: 100 * time.Millisecond}},
		{"loss of 5 %", conditions{delay: 5 * time.Millisecond, loss: 0.05}},
		{"reordering of 25 %", conditions{delay: 20 * time.Millisecond, jitter: 5 * time.Millisecond, reorder: 0.25}},
		{"1 Mbit/s", conditions{delay: 10 * time.Millisecond, rate: 1e6}},
		{"all of them", conditions{delay: 50 * time.Millisecond, jitter: 20 * time.Millisecond, loss: 0.02, reorder: 0.1, rate: 1e6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range patterns {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					m := newMachines(t)
					m.set(c.conditions)
					s, r := m.stream(t, p)
					o := outcomeOf(p, c.name)
					o.Injected++
					time.Sleep(length)
					r.more(5)
					frames := r.frames()
					longest := time.Duration(0)
					for i := range frames[1:] {
						longest = max(longest, frames[i+1].at.Sub(frames[i].at))
					}
					o.resumed(t, longest)
					o.unbroken(t, p, s, r)
					if n := s.warnings() + r.warnings(); n > 0 {
						t.Errorf("%d warnings, want none: nothing was lost", n)
					}
				})
			}
		})
	}
}

// A receiver that is stopped for longer than all timeouts, and continued; and a
// sender likewise.
func TestChaosStopped(t *testing.T) {
	pause := 1500 * time.Millisecond
	if full {
		pause = 20 * time.Second
	}
	for _, who := range []string{"receiver", "sender"} {
		for _, p := range patterns {
			t.Run(who+"/"+p.String(), func(t *testing.T) {
				t.Parallel()
				r := frameLog(t, nil, p.chaosSrc("127.0.0.1", 0))
				s := frameLog(t, nil, p.chaosSink("127.0.0.1", r.port()))
				r.more(10)
				o := outcomeOf(p, fmt.Sprintf("%s stopped (SIGSTOP) for %v", who, pause))
				stopped := r
				if who == "sender" {
					stopped = s
				}
				o.Injected++
				stopped.kill(syscall.SIGSTOP)
				time.Sleep(pause)
				begin := time.Now()
				stopped.kill(syscall.SIGCONT)
				// The frames that come first may be from before.
				r.await("to log a frame that is new", func() bool { return time.Since(begin) > 50*time.Millisecond })
				o.resumed(t, r.more(5).Sub(begin))
				o.unbroken(t, p, s, r)
			})
		}
	}
}

// Something else has the receiver's port for a while.
func TestChaosStrangerOnThePort(t *testing.T) {
	for _, stranger := range []string{"says nothing", "speaks HTTP", "is a ROUTER", "hangs up"} {
		for _, p := range patterns {
			t.Run(stranger+"/"+p.String(), func(t *testing.T) {
				t.Parallel()
				port, leave := bindStranger(t, stranger)
				s := frameLog(t, nil, p.chaosSink("127.0.0.1", port))
				s.says(`connection event=EVENT_(CONNECTED|HANDSHAKE|DISCONNECTED)`)
				atRandom(time.Second)
				leave()
				o := outcomeOf(p, "a stranger has the port: it "+stranger)
				o.Injected++
				r := frameLog(t, nil, p.chaosSrc("127.0.0.1", port))
				r.port()
				begin := time.Now()
				o.resumed(t, r.more(5).Sub(begin))
				o.unbroken(t, p, s, r)
			})
		}
	}
}

// bindStranger has something that is no NetGear peer listen, until leave.
func bindStranger(t *testing.T, kind string) (port int, leave func()) {
	t.Helper()
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	for tries := 0; err != nil && tries < 100; tries++ { // another test may be as quick
		l, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	}
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	if kind == "is a ROUTER" {
		l.Close()
		sock, err := zmq4.NewSocket(zmq4.ROUTER)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(sock.SetLinger(0), sock.Bind(fmt.Sprintf("tcp://127.0.0.1:%d", port))); err != nil {
			t.Fatal(err)
		}
		return port, func() {
			// libzmq lets go of the port a moment later.
			_ = sock.Unbind(fmt.Sprintf("tcp://127.0.0.1:%d", port))
			_ = sock.Close()
			within(t, "the port to be free", func() bool {
				l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
				if err == nil {
					l.Close()
				}
				return err == nil
			})
		}
	}
	var mu sync.Mutex
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			switch kind {
			case "speaks HTTP":
				_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
				c.Close()
			case "hangs up":
				c.Close()
			}
		}
	})
	return port, func() {
		l.Close()
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	}
}

// A name that comes to mean another address is looked up again.
func TestChaosNameChanges(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		m := newMachines(t)
		hosts := filepath.Join(t.TempDir(), "hosts")
		names := func(a netip.Addr) {
			t.Helper()
			// In place, for it is mounted.
			if err := os.WriteFile(hosts, fmt.Appendf(nil, "%v camera.example\n", a), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		names(receiverAddress)
		r := frameLog(t, m.receiver, p.chaosSrc(receiverAddress.String(), chaosPort))
		r.port()
		s := end{pipeline{startIn(t, m.sender, "gst-launch", "unshare", "-m", "sh", "-c",
			"mount --bind "+hosts+" /etc/hosts && GST_DEBUG=netgear:5,netgearsink:7 exec gst-launch-1.0 -e "+p.chaosSink("camera.example", chaosPort))}, m.sender}
		r.more(10)
		o := outcomeOf(p, "the receiver's name gets another address")
		o.Injected++
		r.kill(syscall.SIGKILL)
		names(receiverAddress2)
		next := frameLog(t, m.receiver, p.chaosSrc(receiverAddress2.String(), chaosPort))
		next.port()
		begin := time.Now()
		o.resumed(t, next.more(5).Sub(begin))
		o.inherited(t, p, s, r, next)
	})
}

// A disk without room for certificates is an error that says so, and nothing
// half-written is left.
func TestChaosDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small disk takes root")
	}
	o := outcome{Fault: "no room for certificates", Pattern: "all", Injected: 1, Allowed: "the error"}
	folder := t.TempDir()
	w := start(t, "watch", "unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=8k none "+folder+" && head -c 100000 /dev/zero > "+folder+"/full 2>/dev/null; "+
		interpreter()+" testdata/watch.py videotestsrc ! netgearsink secure-mode=stonehouse custom-cert-location="+folder+"; find "+folder+" -name '*.key*'")
	w.await("to end", func() bool { return w.ended })
	checkError(t, script{w}, "resource", "no-space-left", "no space left on device")
	if n := w.count(`\.key`); n > 0 {
		t.Errorf("%d key files are left", n)
	}
	o.Survived = 1
	o.record(t)
}

// Too few file descriptors at the start are an error that says so, and no abort
// of libzmq, of Go's runtime or of GLib.
func TestChaosFewDescriptors(t *testing.T) {
	o := outcome{Fault: "limit of file descriptors reached at the start", Pattern: "all", Allowed: "the error"}
	limits := []int{16, 36, 48, 64}
	if full {
		limits = nil
		for n := 12; n < 72; n++ {
			limits = append(limits, n)
		}
	}
	port := silent(t, zmq4.PAIR)
	failed := 0
	for _, n := range limits {
		for _, text := range []string{
			"netgearsrc port=0 ! fakesink",
			"netgearsrc port=0 pattern=pub-sub secure-mode=ironhouse custom-cert-location=" + t.TempDir() + " ! fakesink",
			"videotestsrc num-buffers=3 ! video/x-raw,width=16,height=16 ! netgearsink request-timeout=0.05 max-retries=1 port=" + port,
		} {
			argv := append([]string{"prlimit", fmt.Sprintf("--nofile=%d", n), "timeout", "--signal=INT", "0.4", "gst-launch-1.0"}, strings.Fields(text)...)
			p := start(t, "gst-launch", argv...)
			p.await("to end", func() bool { return p.ended })
			o.Injected++
			switch {
			case (p.code == 1 || p.code == 255) && p.count("fewer than 32 file descriptors are free") > 0:
				failed++
			case p.code == 1 && p.count("max-retries=1 is used up") > 0, p.code == 0, p.code == 124: // it ran until its time was up
			default:
				t.Errorf("with %d descriptors: exit code %d of %s", n, p.code, text)
				continue
			}
			o.Survived++
		}
	}
	if failed == 0 || failed == o.Injected {
		t.Errorf("%d of %d failed for want of descriptors, want some", failed, o.Injected)
	}
	o.record(t)
}

// A stream survives that its program is out of descriptors for a while, when
// its receiver is killed in that time too.
func TestChaosNoDescriptors(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p pattern) {
		o := outcomeOf(p, "limit of file descriptors reached in mid-stream")
		port := freePort(t)
		r := frameLog(t, nil, p.chaosSrc("127.0.0.1", port))
		r.port()
		s := frameLog(t, nil, p.chaosSink("127.0.0.1", port))
		r.more(5)
		limit := func(n uint64) {
			t.Helper()
			if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: 1024}, nil); err != nil {
				t.Fatal(err)
			}
		}
		limit(3)
		o.Injected++
		r.kill(syscall.SIGKILL)
		r.await("to end", func() bool { return r.ended })
		next := frameLog(t, nil, p.chaosSrc("127.0.0.1", port))
		next.port()
		time.Sleep(time.Second)
		limit(1024)
		begin := time.Now()
		o.resumed(t, next.more(5).Sub(begin))
		o.inherited(t, p, s, r, next)
	})
}

// A sender's clock that jumps by an hour, either way, holds up nothing.
func TestChaosClockJumps(t *testing.T) {
	o := outcomeOf(pubSub, "the sender's clock jumps by an hour, to and fro")
	o.Allowed = "those of a quarter of a second"
	r := frameLog(t, nil, pubSub.chaosSrc("127.0.0.1", 0))
	sock, err := zmq4.NewSocket(zmq4.PUB)
	if err == nil {
		err = errors.Join(sock.SetLinger(0), sock.Connect(fmt.Sprintf("tcp://127.0.0.1:%d", r.port())))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	jump := time.Duration(0)
	seq := 0
	send := func(until func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !until(); time.Sleep(10 * time.Millisecond) {
			head := fmt.Sprintf(`{"terminate_flag": false, "compression": false, "message": null, "pattern": "2", "dtype": "uint8", "shape": [1, 4], `+
				`"gst": {"v": 1, "seq": %d, "t": %d}}`, seq, time.Now().Add(jump).UnixNano())
			if _, err := sock.SendMessage(head, "abcd"); err != nil {
				t.Fatal(err)
			}
			seq++
			if time.Now().After(end) {
				t.Fatal("no frames come")
			}
		}
	}
	count := func(n int) func() bool {
		due := len(r.frames()) + n
		return func() bool { return len(r.frames()) >= due }
	}
	send(count(10))
	for _, jump = range []time.Duration{time.Hour, 0, -time.Hour, 0} {
		o.Injected++
		begin, have := time.Now(), len(r.frames())
		send(count(10))
		o.resumed(t, r.frames()[have].at.Sub(begin))
		send(count(20))
	}
	o.Frames, o.Lost = len(r.frames()), len(missing(pubSub, r))
	if most := o.Injected * 30; o.Lost > most {
		t.Errorf("%d frames of %d were passed over, want %d at the most", o.Lost, seq, most)
	}
	o.record(t)
	r.kill(syscall.SIGINT)
	r.exits(0)
}
