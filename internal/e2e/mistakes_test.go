package e2e

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

var mistakesUpdate = flag.Bool("update", false, "write the table of mistakes into docs/troubleshooting.md")

// mistakesPage and mistakesHeading are where the table stands.
const (
	mistakesPage    = "../../docs/troubleshooting.md"
	mistakesHeading = "## Common mistakes\n"
)

// What the other end is, unless a row says otherwise.
const (
	mistakesSender   = "netgearsink"
	mistakesReceiver = "netgearsrc"
	mistakesNobody   = "nobody"
)

// mistakes are what people type; the text that they see comes from a run.
var mistakes = []struct {
	types string // an element of ours with its settings, or a whole pipeline
	other string // the same at the other end; mistakesNobody; or a command
	there bool   // the text is at the other end, and here there is none for a while
	cure  string
}{
	{types: "netgearsink", other: mistakesNobody, cure: "start the receiver"},
	{types: "netgearsrc", other: mistakesNobody, cure: "start the sender, and let it connect to this machine"},
	{types: "netgearsink address=camera-rom.invalid", other: mistakesReceiver, cure: "the receiver's name or address, without a typo"},
	{types: "netgearsink address=192.168.1.7:5556", other: mistakesReceiver, cure: "`address=192.168.1.7 port=5556`"},
	{types: "netgearsink port=5556", other: mistakesReceiver, cure: "the same port at both ends"},
	{types: "netgearsink port=80", other: "python3 -m http.server 80", cure: "the port of the receiver"},
	{types: "netgearsink", other: "netgearsrc pattern=req-rep", cure: "the same `pattern` at both ends"},
	{types: "netgearsrc bind=false", other: mistakesSender, cure: "leave `bind` out: the receiver binds, the sender connects"},
	{types: "netgearsink bind=true", other: mistakesReceiver, cure: "leave `bind` out, or set `bind=false` at the receiver too"},
	{types: "netgearsrc", other: mistakesReceiver, cure: "another `port` for the second receiver"},
	{types: "netgearsrc address=10.0.0.5", other: mistakesNobody, cure: "leave `address` out at the receiver, or one of its own addresses"},
	{types: "netgearsink", other: "netgearsrc secure-mode=stonehouse", cure: "`secure-mode` and certificates at both ends"},
	{types: "netgearsink secure-mode=stonehouse", other: mistakesReceiver, cure: "`secure-mode` and certificates at both ends"},
	{types: "netgearsrc secure-mode=ironhouse custom-cert-location=keys", other: mistakesNobody, cure: "make the folder, or let `netgear-keys` do it"},
	{types: "netgearsrc allow=10.0.0.0/8", other: mistakesSender, there: true, cure: "add the sender's address to `allow`"},
	{types: "netgearsrc multiserver-mode=true ports=5566,5567", other: mistakesNobody, cure: "`pattern=req-rep` or `pub-sub` at all ends"},
	{types: "netgearsrc bidirectional-mode=true pattern=pub-sub", other: mistakesNobody, cure: "`pattern=pair` or `req-rep` at both ends"},
	{types: "netgearsink pattern=push-pull", other: mistakesNobody, cure: "`pair`, `req-rep` or `pub-sub`"},
	{types: "netgearsink port=0", other: mistakesNobody, cure: "the port that the receiver has bound"},
	{types: "videotestsrc ! video/x-raw,format=I420 ! netgearsink", other: mistakesNobody, cure: "`jpegenc !` or `videoconvert !` before it, or `raw-formats=any`"},
	{types: "filesrc location=video.mp4 ! netgearsink", other: mistakesNobody, cure: "`decodebin ! videoconvert ! jpegenc !` between"},
	{types: "netgearsrc ! jpegdec ! fakesink", other: "videotestsrc is-live=true ! video/x-raw,format=BGR ! netgearsink", cure: "`decodebin` in the place of `jpegdec` takes JPEG and raw"},
}

// mistakesLine returns the command of one end.
func mistakesLine(types string) string {
	switch {
	case strings.Contains(types, " ! "):
		return "gst-launch-1.0 " + types
	case strings.HasPrefix(types, "netgearsink"):
		return "gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! " + types
	case strings.HasPrefix(types, "netgearsrc"):
		return "gst-launch-1.0 " + types + " ! fakesink"
	}
	return types
}

// mistakesSaid is what gst-launch-1.0 prints of an error or a warning: the kind,
// and the text behind the name of the element.
var mistakesSaid = regexp.MustCompile(`^(ERROR|WARNING): (?:from element /GstPipeline:pipeline0/Gst\w+:(?:netgear\w+): |erroneous pipeline: )(.*)$`)

// mistakesNameServer is the one that this machine asks.
func mistakesNameServer() netip.Addr {
	text, _ := os.ReadFile("/etc/resolv.conf")
	if m := regexp.MustCompile(`(?m)^nameserver\s+(\S+)`).FindSubmatch(text); m != nil {
		if a, err := netip.ParseAddr(string(m[1])); err == nil {
			return a.WithZone("")
		}
	}
	return netip.MustParseAddr("127.0.0.1")
}

// mistakesNoName is a name server for the namespace, which knows no name.
func mistakesNoName(t *testing.T, n *namespace, server netip.Addr) {
	var conn *net.UDPConn
	var err error
	n.Do(func() { conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(server, 53))) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 512)
		for {
			size, from, err := conn.ReadFromUDPAddrPort(query)
			if err != nil {
				return
			}
			if size < 12 {
				continue
			}
			answer := append([]byte(nil), query[:size]...)
			copy(answer[2:], []byte{0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0}) // the question, and NXDOMAIN
			if end := 12 + len(mistakesQuestion(answer[12:])); end < len(answer) {
				answer = answer[:end] // without what extends the question
			}
			_, _ = conn.WriteToUDPAddrPort(answer, from) // who asked may have ended
		}
	}()
}

// mistakesQuestion is a name, as labels with their lengths, type and class.
func mistakesQuestion(b []byte) []byte {
	i := 0
	for i < len(b) && b[i] != 0 {
		i += int(b[i]) + 1
	}
	return b[:min(i+5, len(b))]
}

// mistakesRow makes one mistake on a network of its own and returns its row of the table.
func mistakesRow(t *testing.T, i int, clip string) string {
	m := mistakes[i]
	addresses := []netip.Addr{netip.MustParseAddr(pagesMachine)}
	asks := strings.Contains(m.types, ".invalid")
	if asks {
		addresses = append(addresses, mistakesNameServer())
	}
	n, err := kit.MakeNamespace(t, addresses...)
	if err != nil {
		t.Skip("no network namespaces here (they take root): ", err)
	}
	if asks {
		mistakesNoName(t, n, addresses[1])
	}
	dir := pagesFolder(t, clip)
	run := func(types string) *process {
		return startIn(t, n, types, pagesShell(dir, "netgear:5", mistakesLine(types))...)
	}
	var other *process
	if m.other != mistakesNobody {
		other = run(m.other)
		if strings.HasPrefix(m.other, "netgear") || strings.Contains(m.other, "! netgear") {
			other.Says(`(bound|connecting) endpoint=`)
		}
	}
	begin := time.Now()
	here := run(m.types)
	who := here
	if m.there {
		who = other
	}
	var kind, text string
	var after time.Duration
	who.Await("to say what is wrong", func() bool {
		for i, line := range who.Lines {
			if f := mistakesSaid.FindStringSubmatch(line); f != nil {
				kind, text, after = f[1], f[2], who.Times[i].Sub(begin)
				return true
			}
		}
		return false
	})
	here.Kill(syscall.SIGKILL)
	if other != nil {
		other.Kill(syscall.SIGKILL)
	}
	text = strings.ReplaceAll(text, dir, "…")
	text = regexp.MustCompile(`(127\.0\.0\.1|192\.168\.1\.7|localhost|\[::1\]):\d{5}`).ReplaceAllString(text, "$1:…") // a port by chance
	text = regexp.MustCompile(`(in element "\w+?)\d*"`).ReplaceAllString(text, `$1"`)                                 // GStreamer's own, of 1.18 by the name
	when := "at once"
	if after > 2*time.Second {
		when = "within 5 s"
	}
	if after > 5*time.Second && *mistakesUpdate { // a busy machine is slower
		t.Errorf("%s: said after %v, want 5 s at the most", m.types, after)
	}
	where := ""
	if m.there {
		where = " at the other end"
	}
	return fmt.Sprintf("| `%s` | %s | %s%s, %s: %s | %s |\n", m.types, mistakesOther(m.other), strings.ToLower(kind), where, when, mistakesEscape(text), m.cure)
}

func mistakesOther(other string) string {
	switch other {
	case mistakesNobody:
		return "nobody"
	case mistakesSender:
		return "the usual sender"
	case mistakesReceiver:
		return "the usual receiver"
	}
	return "`" + other + "`"
}

// mistakesEscape keeps what Markdown would read out of a text.
func mistakesEscape(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", `\<`, "_", `\_`).Replace(text)
}

// TestMistakes makes common mistakes and compares what is said with the table in
// docs/troubleshooting.md. With -update it writes the table.
func TestMistakes(t *testing.T) {
	clip := pagesClip(t)
	rows := make([]string, len(mistakes))
	t.Run("rows", func(t *testing.T) {
		for i, m := range mistakes {
			t.Run(m.types, func(t *testing.T) {
				t.Parallel()
				rows[i] = mistakesRow(t, i, clip)
			})
		}
	})
	if t.Failed() {
		return
	}
	for _, row := range rows {
		if row == "" {
			t.Skip("some rows were skipped")
		}
	}
	text, err := os.ReadFile(filepath.Clean(mistakesPage))
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), mistakesHeading)
	if !ok {
		t.Fatalf("%s has no heading %q", mistakesPage, mistakesHeading)
	}
	old, rest, _ := strings.Cut(after, "\n## ")
	table := mistakesTable(rows)
	if *mistakesUpdate {
		if err := os.WriteFile(mistakesPage, []byte(before+mistakesHeading+table+"\n## "+rest), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	timing := regexp.MustCompile(`, (at once|within 5 s):`)
	if got, want := timing.ReplaceAllString(old, ":"), timing.ReplaceAllString(table, ":"); got != want {
		t.Errorf("the table of mistakes in %s is old: run the test with -update\n%s", mistakesPage, want)
	}
}

func mistakesTable(rows []string) string {
	return `What people type, and what they see then. ` + "`netgearsink …` and `netgearsrc …`" + ` stand for the usual sender and receiver,

    gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! netgearsink …
    gst-launch-1.0 netgearsrc … ! fakesink

A test makes each of these mistakes and compares.

| you type | at the other end | you see | cure |
|---|---|---|---|
` + strings.Join(rows, "")
}
