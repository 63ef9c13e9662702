// Package chaos injects faults into streams between processes: whatever fails, the
// stream comes back within a time, or the one right error does.
package chaos

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

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// Each fault ends with the stream flowing again within request-timeout + 1 s, or with
// the one right error. "make chaos" sets CHAOS to the number of repetitions, and the
// short form runs with every test.

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
type end struct{ *kit.Child }

func frameLog(t *testing.T, in *kit.Namespace, text string) end {
	t.Helper()
	return end{run(t, in, "gst-launch", append([]string{"gst-launch-1.0", "-e"}, strings.Fields(text)...)...)}
}

// run starts a process in a network namespace; nil is the test's own.
func run(t *testing.T, in *kit.Namespace, name string, argv ...string) *kit.Child {
	t.Helper()
	env, err := kit.Env("../../build", "G_DEBUG=fatal-criticals", "GST_DEBUG=netgear:5,netgearsrc:7,netgearsink:7")
	if err != nil {
		t.Fatal(err)
	}
	return kit.Command{Name: name, Args: argv, Env: env, In: in}.Run(t, kit.KnowsErrors)
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := kit.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// anew waits for the first frame of a sender that has started, and four more.
func (e end) anew() time.Time {
	e.T.Helper()
	before := e.Frames()
	have, first, last := len(before), 0, -1
	for _, f := range before {
		last = max(last, f.Seq)
	}
	for first = -1; first < 0; {
		e.More(1)
		frames := e.Frames()
		if len(frames) > have+1000 {
			e.T.Fatalf("no frame of a new sender among %d", len(frames)-have)
		}
		// In pub-sub a busy receiver skips the first ones.
		if i := slices.IndexFunc(frames[have:], func(f kit.Frame) bool { return f.Seq <= max(last, 5) }); i >= 0 {
			first = have + i
		}
	}
	e.More(4)
	return e.Frames()[first].At
}

// source is a stream of small frames, live.
const source = "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=16,height=12,framerate=100/1"

func sink(p kit.Pattern, host string, port int) string {
	return fmt.Sprintf("%s ! netgearsink wait-for-connection=true address=%s port=%d pattern=%v", source, host, port, p)
}

func src(p kit.Pattern, address string, port int) string {
	return fmt.Sprintf("netgearsrc address=%s port=%d pattern=%v max-retries=0 ! fakesink sync=false", address, port, p)
}

// atRandom sleeps for up to d: faults come at any moment.
func atRandom(d time.Duration) { time.Sleep(rand.N(d)) }

// missing returns the numbers up to the last that none of the ends has logged,
// with pub-sub from the first that came.
func missing(p kit.Pattern, ends ...end) (lost []int) {
	have := map[int]bool{}
	first, last := 0, -1
	for _, e := range ends {
		for _, f := range e.Frames() {
			if p == kit.PubSub && last < 0 {
				first = f.Seq
			}
			have[f.Seq], last = true, max(last, f.Seq)
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
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		o := outcome{Fault: "receiver killed and restarted", Pattern: p.String(), Allowed: "1 a kill, confirmed and killed with it"}
		if p == kit.PubSub {
			o.Allowed = "those of the outage"
		}
		port := freePort(t)
		s := frameLog(t, nil, sink(p, "127.0.0.1", port))
		var lives []end
		for range repetitions {
			r := frameLog(t, nil, src(p, "127.0.0.1", port))
			r.BoundPort()
			begin := time.Now()
			first := r.More(5)
			o.resumed(t, first.Sub(begin))
			atRandom(100 * time.Millisecond)
			o.Injected++
			r.Kill(syscall.SIGKILL)
			r.Await("to end", r.HasEnded)
			lives = append(lives, r)
			atRandom(200 * time.Millisecond)
		}
		r := frameLog(t, nil, src(p, "127.0.0.1", port))
		r.More(5)
		lives = append(lives, r)
		s.Kill(syscall.SIGINT)
		s.Exits(0)
		r.Exits(0)
		lost := missing(p, lives...)
		o.Lost = len(lost)
		for _, l := range lives {
			o.Frames += len(l.Frames())
		}
		o.record(t)
		if p == kit.PubSub {
			return
		}
		if len(lost) > o.Injected {
			t.Errorf("%d frames never arrived after %d kills: %v", len(lost), o.Injected, lost)
		}
		// What the sender logs is confirmed; it logs no more than arrived.
		if sent, came := s.Frames(), lives[len(lives)-1].Frames(); sent[len(sent)-1].Seq > came[len(came)-1].Seq {
			t.Errorf("frame %d is told to be confirmed, the last to arrive was %d", sent[len(sent)-1].Seq, came[len(came)-1].Seq)
		}
	})
}

func eachPatternInTurn(t *testing.T, test func(t *testing.T, p kit.Pattern)) {
	t.Helper()
	for _, p := range kit.Patterns {
		t.Run(p.String(), func(t *testing.T) { test(t, p) })
	}
}

// A sender that is killed at any moment and started again is received at once,
// and each of its lives without a gap.
func TestChaosSenderKilled(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		o := outcome{Fault: "sender killed and restarted", Pattern: p.String(), Allowed: "0"}
		if p == kit.PubSub {
			o.Allowed = "not counted"
		}
		r := frameLog(t, nil, src(p, "127.0.0.1", 0))
		port := r.BoundPort()
		for range repetitions {
			begin := time.Now()
			s := frameLog(t, nil, sink(p, "127.0.0.1", port))
			o.resumed(t, r.anew().Sub(begin))
			atRandom(100 * time.Millisecond)
			o.Injected++
			s.Kill(syscall.SIGKILL)
			s.Await("to end", s.HasEnded)
		}
		frames := r.Frames()
		o.Frames = len(frames)
		for i, f := range frames {
			if p != kit.PubSub && f.Seq != 0 && f.Seq != frames[i-1].Seq+1 {
				o.Lost++
				t.Errorf("frame %d came after %d", f.Seq, frames[i-1].Seq)
			}
		}
		o.record(t)
		r.Kill(syscall.SIGINT)
		r.Exits(0)
	})
}

// NetGear's own receivers, in Python, are killed and started again likewise.
func TestChaosNetGearReceiverKilled(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		o := outcome{Fault: "NetGear receiver (Python) killed and restarted", Pattern: p.String(), Allowed: "1 a kill, confirmed and killed with it"}
		port := freePort(t)
		s := frameLog(t, nil, sink(p, "127.0.0.1", port))
		have := map[int]bool{}
		for range max(2, repetitions/5) {
			r := run(t, nil, "peer recv", kit.Python(), "../e2e/peers/peer.py", "recv", "--pattern", strconv.Itoa(int(p)), "--port", strconv.Itoa(port))
			r.ReadyPort()
			begin := time.Now()
			r.Event("frame", 1)
			o.resumed(t, time.Since(begin))
			r.Event("frame", 5)
			atRandom(100 * time.Millisecond)
			o.Injected++
			r.Kill(syscall.SIGKILL)
			r.Await("to end", r.HasEnded)
			for _, n := range sequenceOfKilled(r) {
				have[n] = true
				o.Frames++
			}
		}
		if p == kit.PubSub {
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
		s.Kill(syscall.SIGKILL)
	})
}

// sequenceOfKilled returns the numbers of the frames of a peer whose last line
// may have been cut.
func sequenceOfKilled(r *kit.Child) (seq []int) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	for _, line := range r.Lines {
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

const port = 5555 // both namespaces are empty

// stream starts both ends and waits until frames flow.
func stream(t *testing.T, m *kit.Machines, p kit.Pattern) (s, r end) {
	t.Helper()
	r = frameLog(t, m.Receiver, src(p, "*", port))
	r.BoundPort()
	s = frameLog(t, m.Sender, sink(p, kit.ReceiverAddress.String(), port))
	r.More(10)
	return s, r
}

// unbroken checks that no frame is missing among those that arrived where
// frames are confirmed, and ends the stream.
func (o *outcome) unbroken(t *testing.T, p kit.Pattern, s end, receivers ...end) {
	t.Helper()
	s.Kill(syscall.SIGINT)
	s.Exits(0)
	last := receivers[len(receivers)-1]
	last.Await("to end", last.HasEnded)
	o.Lost = len(missing(p, receivers...))
	for _, r := range receivers {
		o.Frames += len(r.Frames())
	}
	if p != kit.PubSub && o.Lost > 0 {
		t.Errorf("%d frames never arrived: %v", o.Lost, missing(p, receivers...))
	}
	o.record(t)
}

// inherited ends the stream after one receiver has taken the place of another,
// and checks that no frame is missing but the one that was confirmed and died
// with the first.
func (o *outcome) inherited(t *testing.T, p kit.Pattern, s, first, next end) {
	t.Helper()
	if p != kit.PubSub {
		o.Allowed = "1, confirmed and lost with it"
	}
	s.Kill(syscall.SIGINT)
	s.Exits(0)
	if o.Lost = len(missing(p, first, next)); p != kit.PubSub && o.Lost > 1 {
		t.Errorf("%d frames never arrived", o.Lost)
	}
	o.Frames = len(first.Frames()) + len(next.Frames())
	o.record(t)
}

func outcomeOf(p kit.Pattern, fault string) outcome {
	o := outcome{Fault: fault, Pattern: p.String(), Allowed: "0"}
	if p == kit.PubSub {
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
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		for _, d := range cuts {
			m := kit.NewMachines(t)
			s, r := stream(t, m, p)
			o := outcomeOf(p, fmt.Sprintf("cable cut for %v", d))
			for range max(1, min(5, repetitions/10)) {
				o.Injected++
				m.Set(kit.Conditions{Cut: true})
				time.Sleep(d)
				m.Set(kit.Conditions{})
				begin := time.Now()
				o.resumed(t, r.More(5).Sub(begin))
			}
			o.unbroken(t, p, s, r)
		}
	})
}

// A machine that loses its power says nothing, and nor does its kernel. It comes
// back as another, which knows nothing of the old connections.
func TestChaosPowerLost(t *testing.T) {
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		t.Run("receiver", func(t *testing.T) {
			m := kit.NewMachines(t)
			s, r := stream(t, m, p)
			o := outcomeOf(p, "receiver's machine loses power and restarts")
			o.Injected++
			m.Unplug()
			r.Kill(syscall.SIGKILL)
			m.Receiver = kit.NewNamespace(t)
			m.Plug(t)
			next := frameLog(t, m.Receiver, src(p, "*", port))
			next.BoundPort()
			begin := time.Now()
			o.resumed(t, next.More(5).Sub(begin))
			o.inherited(t, p, s, r, next)
		})
		t.Run("sender", func(t *testing.T) {
			m := kit.NewMachines(t)
			s, r := stream(t, m, p)
			o := outcomeOf(p, "sender's machine loses power and restarts")
			o.Injected++
			m.Unplug()
			s.Kill(syscall.SIGKILL)
			time.Sleep(300 * time.Millisecond) // a machine takes longer to start, and its connection is taken for silent then
			m.Sender = kit.NewNamespace(t)
			m.Plug(t)
			begin := time.Now()
			next := frameLog(t, m.Sender, sink(p, kit.ReceiverAddress.String(), port))
			o.resumed(t, r.anew().Sub(begin))
			next.Kill(syscall.SIGINT)
			next.Exits(0)
			o.Frames = len(r.Frames())
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
		conditions kit.Conditions
	}{
		{"delay of 100 ms", kit.Conditions{Delay: 100 * time.Millisecond}},
		{"loss of 5 %", kit.Conditions{Delay: 5 * time.Millisecond, Loss: 0.05}},
		{"reordering of 25 %", kit.Conditions{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Reorder: 0.25}},
		{"1 Mbit/s", kit.Conditions{Delay: 10 * time.Millisecond, Rate: 1e6}},
		{"all of them", kit.Conditions{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.02, Reorder: 0.1, Rate: 1e6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range kit.Patterns {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					m := kit.NewMachines(t)
					m.Set(c.conditions)
					s, r := stream(t, m, p)
					o := outcomeOf(p, c.name)
					o.Injected++
					time.Sleep(length)
					r.More(5)
					frames := r.Frames()
					longest := time.Duration(0)
					for i := range frames[1:] {
						longest = max(longest, frames[i+1].At.Sub(frames[i].At))
					}
					o.resumed(t, longest)
					o.unbroken(t, p, s, r)
					// A hundred frames a second do not go over a long way in lockstep, which is told.
					if n := s.Warnings() - s.Count("^WARNING: from element .* over a round trip of ") + r.Warnings(); n > 0 {
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
		for _, p := range kit.Patterns {
			t.Run(who+"/"+p.String(), func(t *testing.T) {
				t.Parallel()
				r := frameLog(t, nil, src(p, "127.0.0.1", 0))
				s := frameLog(t, nil, sink(p, "127.0.0.1", r.BoundPort()))
				r.More(10)
				o := outcomeOf(p, fmt.Sprintf("%s stopped (SIGSTOP) for %v", who, pause))
				stopped := r
				if who == "sender" {
					stopped = s
				}
				o.Injected++
				stopped.Kill(syscall.SIGSTOP)
				time.Sleep(pause)
				begin := time.Now()
				stopped.Kill(syscall.SIGCONT)
				// The frames that come first may be from before.
				r.Await("to log a frame that is new", func() bool { return time.Since(begin) > 50*time.Millisecond })
				o.resumed(t, r.More(5).Sub(begin))
				o.unbroken(t, p, s, r)
			})
		}
	}
}

// Something else has the receiver's port for a while.
func TestChaosStrangerOnThePort(t *testing.T) {
	for _, stranger := range []string{"says nothing", "speaks HTTP", "is a ROUTER", "hangs up"} {
		for _, p := range kit.Patterns {
			t.Run(stranger+"/"+p.String(), func(t *testing.T) {
				t.Parallel()
				port, leave := bindStranger(t, stranger)
				s := frameLog(t, nil, sink(p, "127.0.0.1", port))
				s.Says(`connection event=EVENT_(CONNECTED|HANDSHAKE|DISCONNECTED)`)
				atRandom(time.Second)
				leave()
				o := outcomeOf(p, "a stranger has the port: it "+stranger)
				o.Injected++
				r := frameLog(t, nil, src(p, "127.0.0.1", port))
				r.BoundPort()
				begin := time.Now()
				o.resumed(t, r.More(5).Sub(begin))
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
			kit.Within(t, "the port to be free", func() bool {
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
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		m := kit.NewMachines(t)
		hosts := filepath.Join(t.TempDir(), "hosts")
		names := func(a netip.Addr) {
			t.Helper()
			// In place, for it is mounted.
			if err := os.WriteFile(hosts, fmt.Appendf(nil, "%v camera.example\n", a), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		names(kit.ReceiverAddress)
		r := frameLog(t, m.Receiver, src(p, kit.ReceiverAddress.String(), port))
		r.BoundPort()
		s := end{run(t, m.Sender, "gst-launch", "unshare", "-m", "sh", "-c",
			"mount --bind "+hosts+" /etc/hosts && exec gst-launch-1.0 -e "+sink(p, "camera.example", port))}
		r.More(10)
		o := outcomeOf(p, "the receiver's name gets another address")
		o.Injected++
		r.Kill(syscall.SIGKILL)
		names(kit.ReceiverAddress2)
		next := frameLog(t, m.Receiver, src(p, kit.ReceiverAddress2.String(), port))
		next.BoundPort()
		begin := time.Now()
		o.resumed(t, next.More(5).Sub(begin))
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
	w := run(t, nil, "watch", "unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=8k none "+folder+" && head -c 100000 /dev/zero > "+folder+"/full 2>/dev/null; "+
		kit.Python()+" ../e2e/testdata/watch.py videotestsrc ! netgearsink secure-mode=stonehouse custom-cert-location="+folder+"; find "+folder+" -name '*.key*'")
	w.Await("to end", w.HasEnded)
	if !slices.ContainsFunc(w.Events("message"), func(e kit.Event) bool {
		return e.Kind == "error" && e.Domain == "resource" && e.Code == "no-space-left" && strings.Contains(e.Text, "no space left on device")
	}) {
		t.Error("no error that says so")
	}
	if n := w.Count(`\.key`); n > 0 {
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
	quiet, err := zmq4.NewSocket(zmq4.PAIR) // never answers
	if err == nil {
		defer quiet.Close()
		err = quiet.Bind("tcp://127.0.0.1:*")
	}
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := quiet.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	port := endpoint[strings.LastIndex(endpoint, ":")+1:]
	failed := 0
	for _, n := range limits {
		for _, text := range []string{
			"netgearsrc port=0 ! fakesink",
			"netgearsrc port=0 pattern=pub-sub secure-mode=ironhouse custom-cert-location=" + t.TempDir() + " ! fakesink",
			"videotestsrc num-buffers=3 ! video/x-raw,width=16,height=16 ! netgearsink request-timeout=0.05 max-retries=1 port=" + port,
		} {
			argv := append([]string{"prlimit", fmt.Sprintf("--nofile=%d", n), "timeout", "--signal=INT", "0.4", "gst-launch-1.0"}, strings.Fields(text)...)
			p := run(t, nil, "gst-launch", argv...)
			p.Await("to end", p.HasEnded)
			o.Injected++
			switch {
			case (p.Code == 1 || p.Code == 255) && p.Count("fewer than 32 file descriptors are free") > 0:
				failed++
			case p.Code == 1 && p.Count("max-retries=1 is used up") > 0, p.Code == 0, p.Code == 124: // it ran until its time was up
			default:
				t.Errorf("with %d descriptors: exit code %d of %s", n, p.Code, text)
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
	eachPatternInTurn(t, func(t *testing.T, p kit.Pattern) {
		o := outcomeOf(p, "limit of file descriptors reached in mid-stream")
		port := freePort(t)
		r := frameLog(t, nil, src(p, "127.0.0.1", port))
		r.BoundPort()
		s := frameLog(t, nil, sink(p, "127.0.0.1", port))
		r.More(5)
		limit := func(n uint64) {
			t.Helper()
			if err := unix.Prlimit(s.Cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: 1024}, nil); err != nil {
				t.Fatal(err)
			}
		}
		limit(3)
		o.Injected++
		r.Kill(syscall.SIGKILL)
		r.Await("to end", r.HasEnded)
		next := frameLog(t, nil, src(p, "127.0.0.1", port))
		next.BoundPort()
		time.Sleep(time.Second)
		limit(1024)
		begin := time.Now()
		o.resumed(t, next.More(5).Sub(begin))
		o.inherited(t, p, s, r, next)
	})
}

// A sender's clock that jumps by an hour, either way, holds up nothing.
func TestChaosClockJumps(t *testing.T) {
	o := outcomeOf(kit.PubSub, "the sender's clock jumps by an hour, to and fro")
	o.Allowed = "those of a quarter of a second"
	r := frameLog(t, nil, src(kit.PubSub, "127.0.0.1", 0))
	sock, err := zmq4.NewSocket(zmq4.PUB)
	if err == nil {
		err = errors.Join(sock.SetLinger(0), sock.Connect(fmt.Sprintf("tcp://127.0.0.1:%d", r.BoundPort())))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	jump := time.Duration(0)
	seq := 0
	send := func(until func() bool) {
		t.Helper()
		for end := time.Now().Add(kit.Patience); !until(); time.Sleep(10 * time.Millisecond) {
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
		due := len(r.Frames()) + n
		return func() bool { return len(r.Frames()) >= due }
	}
	send(count(10))
	for _, jump = range []time.Duration{time.Hour, 0, -time.Hour, 0} {
		o.Injected++
		begin, have := time.Now(), len(r.Frames())
		send(count(10))
		o.resumed(t, r.Frames()[have].At.Sub(begin))
		send(count(20))
	}
	o.Frames, o.Lost = len(r.Frames()), len(missing(kit.PubSub, r))
	if most := o.Injected * 30; o.Lost > most {
		t.Errorf("%d frames of %d were passed over, want %d at the most", o.Lost, seq, most)
	}
	o.record(t)
	r.Kill(syscall.SIGINT)
	r.Exits(0)
}
