package e2e

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// causeDeadline is the time within which an end must say why nothing comes, and what to
// do.
const causeDeadline = 5 * time.Second

// silence is an end to which nothing comes, and what it says about that. In settings
// WHAT:port is the port of that listener of testdata/others.py, FREE is a port at which
// nobody listens, and D is a folder.
type silence struct{ element, settings, says string }

// silences are by name; the name is that of the element.
var silences = map[string]silence{
	"name":         {"sink", "address=no-such-host.invalid", `the name "no-such-host.invalid" (does not resolve|cannot be looked up) .*IP address`},
	"nameReqRep":   {"sink", "address=no-such-host.invalid pattern=req-rep", `the name "no-such-host.invalid" .*IP address`},
	"namePubSub":   {"sink", "address=no-such-host.invalid pattern=pub-sub", `no receiver at .* the name "no-such-host.invalid" .*IP address`},
	"nameOfSender": {"src", "bind=false address=no-such-host.invalid pattern=pub-sub", `no frame at .* the name "no-such-host.invalid" .*IP address`},

	"nobody":         {"sink", "address=127.0.0.1 port=FREE", `nobody listens at tcp://127.0.0.1:\d+ \(.*refused\): start the receiver .*port=\d+.*bind=true`},
	"nobodyReqRep":   {"sink", "address=127.0.0.1 port=FREE pattern=req-rep", `nobody listens .*start the receiver`},
	"nobodyPubSub":   {"sink", "address=127.0.0.1 port=FREE pattern=pub-sub", `no receiver at .*nobody listens .*start the receiver`},
	"nobodyOfPair":   {"src", "bind=false address=127.0.0.1 port=FREE", `nobody listens .*start the sender`},
	"nobodyOfPubSub": {"src", "bind=false address=127.0.0.1 port=FREE pattern=pub-sub", `nobody listens .*start the sender`},
	"noAnswer":       {"sink", "address=127.0.0.1 port=FULL:port", `no answer from tcp://127.0.0.1:\d+: its machine is off, or a firewall .*open that tcp port`},
	"noAnswerPubSub": {"src", "bind=false address=127.0.0.1 port=FULL:port pattern=pub-sub", `no answer from tcp://127.0.0.1:\d+: its machine is off, or a firewall`},

	"http":       {"sink", "address=127.0.0.1 port=HTTP:port", `an HTTP server listens .*check .*port=\d+`},
	"httpPubSub": {"src", "bind=false address=127.0.0.1 port=HTTP:port pattern=pub-sub", `an HTTP server listens`},
	"httpReqRep": {"sink", "address=127.0.0.1 port=HTTP:port pattern=req-rep", `an HTTP server listens`},
	"ssh":        {"sink", "address=127.0.0.1 port=SSH:port", `is not ZeroMQ \(it says "SSH-2.0-OpenSSH_9.2"\): check .*port=\d+`},
	"mute":       {"sink", "address=127.0.0.1 port=MUTE:port", `says nothing: .*check`},
	"hangup":     {"sink", "address=127.0.0.1 port=HANGUP:port", `hangs up at once: .*start the receiver`},

	"pairMeetsREP":  {"sink", "address=127.0.0.1 port=REP:port", `is req-rep \(REP\), and here it is pair: set pattern=req-rep here`},
	"pairMeetsSUB":  {"sink", "address=127.0.0.1 port=SUB:port", `is pub-sub \(SUB\), and here it is pair: set pattern=pub-sub here`},
	"reqMeetsPAIR":  {"sink", "address=127.0.0.1 port=PAIR:port pattern=req-rep", `is pair \(PAIR\), and here it is req-rep: set pattern=pair here`},
	"pubMeetsPAIR":  {"sink", "address=127.0.0.1 port=PAIR:port pattern=pub-sub", `no receiver at .*is pair \(PAIR\), and here it is pub-sub`},
	"subMeetsREQ":   {"src", "bind=false address=127.0.0.1 port=REQ:port pattern=pub-sub", `is req-rep \(REQ\), and here it is pub-sub`},
	"repMeetsPUB":   {"src", "bind=false address=127.0.0.1 port=PUB:port pattern=req-rep", `is pub-sub \(PUB\), and here it is req-rep`},
	"reqMeetsREQ":   {"sink", "address=127.0.0.1 port=REQ:port pattern=req-rep", `both ends send: .*\(REQ\)`},
	"pubMeetsPUB":   {"sink", "address=127.0.0.1 port=PUB:port pattern=pub-sub", `both ends send: .*\(PUB\)`},
	"subMeetsSUB":   {"src", "bind=false address=127.0.0.1 port=SUB:port pattern=pub-sub", `both ends receive: .*\(SUB\)`},
	"repMeetsREP":   {"src", "bind=false address=127.0.0.1 port=REP:port pattern=req-rep", `both ends receive: .*\(REP\)`},
	"pairMeetsPULL": {"sink", "address=127.0.0.1 port=PULL:port", `"PULL", which is of no NetGear pattern`},

	"unconfirmed":       {"sink", "address=127.0.0.1 port=PAIR:port", `a receiver is connected \(tcp://127.0.0.1:\d+\), but confirms nothing: .*MTU`},
	"unconfirmedReqRep": {"sink", "address=127.0.0.1 port=ROUTER:port pattern=req-rep", `a receiver is connected .*confirms nothing`},
	"silentPUB":         {"src", "bind=false address=127.0.0.1 port=PUB:port pattern=pub-sub", `a sender is connected .*, but no frame comes: `},

	"ports": {
		"sink", "multiclient-mode=true pattern=req-rep address=127.0.0.1 ports=FREE,HTTP:port",
		`nobody listens at tcp://127.0.0.1:\d+ .*; an HTTP server listens at tcp://127.0.0.1:\d+`,
	},

	"tunnel": {"sink", "pattern=pub-sub ssh-tunnel-mode=me@127.0.0.1:FREE ssh-tunnel-pwd=x ssh-known-hosts=D/hosts", `ssh tunnel to me@127.0.0.1:\d+: .*refused: no receiver at tcp://localhost:5555`},

	"ipcNone":   {"sink", "protocol=ipc address=D/none", `there is no socket ipc://.*/none:5555 .*start the receiver`},
	"ipcPubSub": {"src", "bind=false protocol=ipc address=D/none pattern=pub-sub", `there is no socket ipc://.*/none:5555 .*start the sender`},

	"alone":       {"src", "port=0", `nobody has connected to tcp://\*:\d+: start the sender with address=\S.* port=\d+, .*firewall.*bind=false`},
	"aloneLocal":  {"src", "address=127.0.0.1 port=0 pattern=req-rep", `nobody has connected to tcp://127.0.0.1:\d+: .*from this machine alone`},
	"aloneSUB":    {"src", "port=0 pattern=pub-sub", `nobody has connected to .*start the sender with`},
	"alonePUB":    {"sink", "bind=true port=0 pattern=pub-sub", `no receiver at .*nobody has connected to .*start the receiver with`},
	"alonePair":   {"sink", "bind=true port=0", `nobody has connected to .*start the receiver with`},
	"aloneIPC":    {"src", "protocol=ipc address=D/alone", `nobody has connected to ipc://.*/alone:5555: start the sender with protocol=ipc address=\S+/alone port=5555`},
	"alonePorts":  {"src", "multiserver-mode=true pattern=req-rep ports=FREE,FREE", `nobody has connected to tcp://\*:\d+,tcp://\*:\d+: .*one of ports \d+,\d+`},
	"aloneRepeat": {"src", "port=0 request-timeout=0.2", `no frame at tcp://\*:\d+ within 600ms \(timeout \d+ in a row, peers 0\): nobody has connected to`},
}

// words replaces the placeholders in settings.
func (s silence) words(t *testing.T, ports map[string]int, dir string) string {
	t.Helper()
	text := regexp.MustCompile(`\w+:port`).ReplaceAllStringFunc(s.settings, func(word string) string {
		port := ports[strings.TrimSuffix(word, ":port")]
		if port == 0 {
			t.Fatalf("no listener for %s", word)
		}
		return fmt.Sprint(port)
	})
	text = regexp.MustCompile(`FREE`).ReplaceAllStringFunc(text, func(string) string { return fmt.Sprint(freePort(t)) })
	return strings.ReplaceAll(text, "=D/", "="+dir+"/")
}

// others starts listeners and returns their ports.
func others(t *testing.T, what ...string) map[string]int {
	t.Helper()
	p := python(t, "others", append([]string{"testdata/others.py"}, what...)...)
	ports := map[string]int{}
	p.event("listening", len(what))
	for _, line := range p.Lines {
		if m := regexp.MustCompile(`"what": "(\w+)", "n": (\d+)`).FindStringSubmatch(line); m != nil {
			n := 0
			if _, err := fmt.Sscan(m[2], &n); err != nil {
				t.Fatal(err)
			}
			ports[m[1]] = n
		}
	}
	return ports
}

// saysInTime waits until the element of that name has posted such a warning. It checks
// that the time since its opening is at most causeDeadline.
func (p script) saysInTime(name, expr string) {
	p.T.Helper()
	re := regexp.MustCompile(expr)
	opened := regexp.MustCompile(`<` + name + `> (bound|connecting) endpoint=`)
	var begin, end time.Time
	p.Await(fmt.Sprintf("to say %s at %s", expr, name), func() bool {
		for i, line := range p.Lines {
			if begin.IsZero() && opened.MatchString(line) {
				begin = p.Times[i]
			}
			told, err := kit.ParseEvents([]string{line}, "message")
			if err == nil && len(told) == 1 && told[0].Name == name && re.MatchString(told[0].Text) {
				end = p.Times[i]
				return true
			}
		}
		return false
	})
	if took := end.Sub(begin); begin.IsZero() || took > causeDeadline {
		p.T.Errorf("%s said so after %v, want %v", name, took, causeDeadline)
	}
}

// Every end to which nothing comes says why within five seconds, and what to type.
func TestCauses(t *testing.T) {
	t.Parallel()
	ports := others(t, "HTTP", "SSH", "MUTE", "HANGUP", "FULL", "PAIR", "REQ", "REP", "PUB", "SUB", "PULL", "ROUTER")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "hosts"), nil)
	var ends strings.Builder
	for _, name := range slices.Sorted(maps.Keys(silences)) {
		s := silences[name]
		if s.element == "sink" {
			fmt.Fprintf(&ends, "videotestsrc is-live=true ! %s ! netgearsink name=%s %s ", testPicture, name, s.words(t, ports, dir))
		} else {
			fmt.Fprintf(&ends, "netgearsrc name=%s %s%s", name, s.words(t, ports, dir), toFake)
		}
	}
	w := stay(t, "%s", ends.String())
	for _, name := range slices.Sorted(maps.Keys(silences)) {
		w.saysInTime(name, silences[name].says)
	}
}

// hungUp is what an end says of a peer that does not fit and that noticed it first. Which
// of the two notices first is chance.
const hungUp = `|\S+ came and hung up during the handshake, as an end does whose pattern or secure-mode is another one: set the same at both ends `

// visitors are peers that an end that binds does not let in, or gets nothing from: the
// settings of the end, the visitor, and what the end says. K is a folder of keys.
var visitors = map[string]struct{ element, settings, who, says string }{
	"otherPattern":   {"src", "", "REQ", `refused: \S+ is not let in: its pattern is another one, .*set the same pattern at both ends \(here it is pair\)` + hungUp + `\(here pattern=pair`},
	"otherRole":      {"src", "pattern=pub-sub", "SUB", `is not let in: its pattern is another one, .*one of the two must send` + hungUp},
	"ofASink":        {"sink", "bind=true pattern=pub-sub", "PAIR", `is not let in: its pattern is another one, .*here it is pub-sub` + hungUp},
	"notAllowed":     {"src", "allow=10.0.0.1", "PAIR", `is not let in: address 127.0.0.1 is not in allow: add it to allow`},
	"plain":          {"src", "secure-mode=1 custom-cert-location=K", "PAIR", `is not let in: not encrypted: .*set secure-mode and its certificates there too` + hungUp + `.*secure-mode=stonehouse`},
	"encrypted":      {"src", "", "CURVE:PAIR", `is not let in: encrypted: .*set secure-mode and its certificates here too` + hungUp + `.*secure-mode=grasslands`},
	"otherKey":       {"src", "secure-mode=1 custom-cert-location=K", "CURVE:PAIR", `is not let in: encrypted for another server key than ours: copy \S+server.key of this end to it`},
	"saysNothing":    {"src", "", "PAIR", `no frame at .* a sender is connected \(tcp://127.0.0.1:\d+\), but no frame comes: .*MTU`},
	"saysNothingToo": {"src", "pattern=pub-sub", "PUB", `no frame at .* a sender is connected \(tcp://127.0.0.1:\d+\), but no frame comes: `},
}

// sinks are netgearsinks that a source certainly does not let in, by what it says of
// them. S stands for the settings of the source.
var sinks = map[string]struct{ settings, sink, says string }{
	"sinkOfAnotherPattern": {"", "pattern=req-rep", `refused: \S+ is not let in: its pattern is another one, .*here it is pair`},
	"sinkOfPubSub":         {"pattern=req-rep", "pattern=pub-sub", `refused: \S+ is not let in: its pattern is another one, .*here it is req-rep`},
	"plainSink":            {"secure-mode=1 custom-cert-location=K", "", `refused: \S+ is not let in: not encrypted: .*set secure-mode`},
	"plainSinkPubSub":      {"secure-mode=1 custom-cert-location=K pattern=pub-sub", "pattern=pub-sub", `refused: \S+ is not let in: not encrypted: .*set secure-mode`},
	"encryptedSink":        {"", "secure-mode=1 custom-cert-location=K", `refused: \S+ is not let in: encrypted: .*set secure-mode`},
	"sinkWithOtherKeys":    {"secure-mode=1 custom-cert-location=K", "secure-mode=1 custom-cert-location=X", `refused: \S+ is not let in: encrypted for another server key`},
	"unknownSink":          {"secure-mode=2 custom-cert-location=K", "secure-mode=2 custom-cert-location=M", `refused: \S+ is not let in: unknown client key .*copy its client.key`},
	"sinkNotAllowed":       {"allow=10.0.0.1", "", `refused: \S+ is not let in: address 127.0.0.1 is not in allow`},
}

// A source warns of each sink that it does not let in, with the reason.
func TestSinksThatAreNotLetIn(t *testing.T) {
	t.Parallel()
	keys, other := ourKeys(t), ourKeys(t)
	words := strings.NewReplacer("=K", "="+keys, "=X", "="+other, "=M", "="+mixedKeys(t, map[string]string{serverPublic: keys, clientSecret: other}))
	var ends strings.Builder
	for name, s := range sinks {
		port := freePort(t)
		fmt.Fprintf(&ends, "netgearsrc name=%s address=127.0.0.1 port=%d %s%svideotestsrc is-live=true ! %s ! netgearsink address=127.0.0.1 port=%d %s ",
			name, port, words.Replace(s.settings), toFake, testPicture, port, words.Replace(s.sink))
	}
	w := stay(t, "%s", ends.String())
	for name, s := range sinks {
		w.saysInTime(name, s.says)
	}
}

// An end that binds warns of a peer that it does not let in, with the reason.
func TestCausesAtTheEndThatBinds(t *testing.T) {
	t.Parallel()
	keys := ourKeys(t)
	var ends strings.Builder
	args := []string{"testdata/others.py"}
	for name, v := range visitors {
		port := freePort(t)
		settings := strings.ReplaceAll(v.settings, "=K", "="+keys)
		if v.element == "sink" {
			fmt.Fprintf(&ends, "videotestsrc is-live=true ! %s ! netgearsink name=%s address=127.0.0.1 port=%d %s ", testPicture, name, port, settings)
		} else {
			fmt.Fprintf(&ends, "netgearsrc name=%s address=127.0.0.1 port=%d %s%s", name, port, settings, toFake)
		}
		args = append(args, fmt.Sprintf("TO=%d=%s", port, v.who))
	}
	python(t, "visitors", args...)
	w := stay(t, "%s", ends.String())
	for name, v := range visitors {
		w.saysInTime(name, v.says)
	}
}

// A port scanner is not worth a warning.
func TestScannersAreNoNews(t *testing.T) {
	t.Parallel()
	r := watch(t, "--stay netgearsrc name=src address=127.0.0.1 port=0%s", toFake)
	port := pipeline(r).BoundPort()
	for range 5 {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	launch(t, "videotestsrc is-live=true num-buffers=3 ! %s ! netgearsink address=127.0.0.1 port=%d", testPicture, port).Exits(0)
	for _, e := range r.events("message") {
		if strings.Contains(e.Text, "refused") {
			t.Errorf("posted: %s", e.Text)
		}
	}
}

// A sink whose receiver comes back with other settings warns, and goes on when the
// settings are right again.
func TestRefusedAgain(t *testing.T) {
	t.Parallel()
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			port, keys := freePort(t), ourKeys(t)
			secure := fmt.Sprintf("netgearsrc address=127.0.0.1 port=%d pattern=%d secure-mode=1 custom-cert-location=%s num-buffers=5 eos-on-terminate=false ! fakesink", port, p, keys)
			s := watch(t, "--stay videotestsrc is-live=true ! %s ! netgearsink name=sink address=127.0.0.1 port=%d pattern=%d max-retries=0 request-timeout=1 secure-mode=1 custom-cert-location=%s",
				testPicture, port, p, keys)
			launch(t, "%s", secure).Exits(0)
			wrong := launch(t, "netgearsrc address=127.0.0.1 port=%d pattern=%d ! fakesink", port, p)
			s.posts("sink", posted{"refused-again", "netgearsink"})
			wrong.Kill(9)
			launch(t, "%s", secure).Exits(0)
			for _, e := range s.events("message") {
				if e.Kind == "error" {
					t.Errorf("error: %s", e.Text)
				}
			}
		})
	}
}
