package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gst-netgear/gst-netgear/internal/kit"
)

// pagesFiles are those whose commands are run. A line of pagesSide for each block
// of sh, console or python says how, or a comment above the block;
// CONTRIBUTING.md explains it to writers:
//
//	streams; as call; replace v4l2src by videotestsrc
//	<!-- test: streams; as call; replace v4l2src by videotestsrc -->
var pagesFiles = []string{"README.md", "docs/*.md", "examples/*/README.md"}

// pagesLimit is how long one command may take that is not a stream, and how long
// anything may take to print what it should once frames flow.
const pagesLimit = 10 * time.Second

// pagesSide says how to run the blocks of each page, in their order, so that
// readers of a page do not see it.
const pagesSide = "docs/commands.txt"

// pagesRoot is the checkout, relative to this package.
const pagesRoot = "../.."

// pagesBlock is one fenced block with what its comment says.
type pagesBlock struct {
	where, lang, text string

	how     string // "streams", "commands", or "none", with the reason in none
	none    string
	as      string // blocks of one file with the same name run together
	replace [][2]string
	with    string // a command at the other end, from elsewhere on the page
	says    []*regexp.Regexp
	frames  int  // that each element moves at least
	fails   bool // its processes end by themselves, with a failure
	ctrlC   bool // its receivers are not told of the end
	ends    bool // its processes end by themselves, without Ctrl-C
}

var (
	pagesFence = regexp.MustCompile("(?ms)^ *```(\\w+)[^\n]*\n(.*?)^ *```$")
	// pagesComment is the other way, right above a block.
	pagesComment = regexp.MustCompile(`(?s)<!-- test: ((?:[^-]|-[^-])*) -->\n *$`)
	// pagesElsewhere is in a page whose every command has a test of its own.
	pagesElsewhere = regexp.MustCompile(`(?m)^<!-- tested by (Test\w+) -->$`)
	pagesLangs     = []string{"sh", "bash", "shell", "console", "python"}
	pagesFrame     = regexp.MustCompile(`<(\w+)>.* frame seq=`)
	pagesElement   = regexp.MustCompile(`\bnetgear(sink|src)\b`)
)

// pagesReadSide returns the lines of pagesSide by page: a page's name at the start
// of a line, below it one indented line for each of its blocks.
func pagesReadSide(text string) (map[string][]string, error) {
	side, page := map[string][]string{}, ""
	for line := range strings.Lines(text) {
		directive := strings.TrimSpace(line)
		switch {
		case directive == "" || strings.HasPrefix(directive, "#"):
		case !strings.HasPrefix(line, "\t"):
			if page = directive; side[page] != nil {
				return nil, fmt.Errorf("%s: %s stands there twice", pagesSide, page)
			}
			side[page] = []string{}
		case page == "":
			return nil, fmt.Errorf("%s: %q: want the name of a page first", pagesSide, directive)
		default:
			side[page] = append(side[page], directive)
		}
	}
	return side, nil
}

// pagesParse returns the blocks of a file. Those without a comment take the lines
// of side in order.
func pagesParse(file, text string, side []string) (blocks []pagesBlock, err error) {
	if len(side) == 1 && strings.HasPrefix(side[0], "tested by ") {
		return nil, pagesTestedBy(strings.TrimPrefix(side[0], "tested by "), filepath.Base(file))
	}
	if m := pagesElsewhere.FindStringSubmatch(text); m != nil {
		return nil, pagesTestedBy(m[1], filepath.Base(file))
	}
	for _, m := range pagesFence.FindAllStringSubmatchIndex(text, -1) {
		b := pagesBlock{lang: text[m[2]:m[3]], text: text[m[4]:m[5]], frames: 5}
		if !slices.Contains(pagesLangs, b.lang) {
			continue
		}
		b.where = fmt.Sprintf("%s:%d", file, strings.Count(text[:m[0]], "\n")+1)
		b.as = b.where
		how := ""
		if c := pagesComment.FindStringSubmatch(text[:m[0]]); c != nil {
			how = c[1]
		} else if len(side) > 0 {
			how, side = side[0], side[1:]
		} else {
			err = errors.Join(err, fmt.Errorf("%s: nothing says how to run this block: want a line in %s, see CONTRIBUTING.md", b.where, pagesSide))
			continue
		}
		if e := b.parse(how); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", b.where, e))
		}
		blocks = append(blocks, b)
	}
	if len(side) > 0 {
		err = errors.Join(err, fmt.Errorf("%s has %d lines more than %s has blocks, from %q on", pagesSide, len(side), file, side[0]))
	}
	return blocks, err
}

// pagesTestedBy checks that there is a test of that name which names the page.
func pagesTestedBy(test, page string) error {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") && strings.Contains(string(text), strconv.Quote(page)) {
			return nil
		}
	}
	return fmt.Errorf("%s: no file has the test %s and names the page", page, test)
}

// parse reads the comment.
func (b *pagesBlock) parse(comment string) error {
	clauses := strings.Split(strings.Join(strings.Fields(comment), " "), ";")
	switch first := clauses[0]; first {
	case "streams", "commands":
		b.how = first
	default:
		if b.none = strings.TrimPrefix(first, "none: "); b.none == first {
			return fmt.Errorf("%q: want streams, commands or none: REASON first", first)
		}
		b.how = "none"
		return nil
	}
	for _, clause := range clauses[1:] {
		if err := b.clause(strings.TrimSpace(clause)); err != nil {
			return fmt.Errorf("%q: %w", clause, err)
		}
	}
	for _, r := range b.replace {
		if !strings.Contains(b.text, r[0]) {
			return fmt.Errorf("nothing to replace: %q", r[0])
		}
		b.text = strings.ReplaceAll(b.text, r[0], r[1])
	}
	return nil
}

func (b *pagesBlock) clause(text string) (err error) {
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case word == "as" && rest != "":
		b.as = rest
	case word == "replace":
		from, to, ok := strings.Cut(rest, " by ")
		if !ok {
			return fmt.Errorf("want replace … by …")
		}
		b.replace = append(b.replace, [2]string{from, to})
	case word == "says":
		var re *regexp.Regexp
		re, err = regexp.Compile(rest)
		b.says = append(b.says, re)
	case word == "with" && rest != "":
		b.with = rest
	case word == "frames":
		_, err = fmt.Sscan(rest, &b.frames)
	case text == "fails":
		b.fails = true
	case text == "ctrl-c":
		b.ctrlC = true
	case text == "ends":
		b.ends = true
	default:
		err = fmt.Errorf("want as, replace … by …, with, says, frames, fails, ctrl-c or ends")
	}
	return err
}

// lines returns the commands of a block of sh, continued ones in one piece.
func (b *pagesBlock) lines() (lines []string) {
	for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// pagesBlocks returns the blocks of all files, in groups that run together.
func pagesBlocks(t *testing.T) (groups [][]pagesBlock) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pagesRoot, pagesSide))
	if err != nil {
		t.Fatal(err)
	}
	side, err := pagesReadSide(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range pagesFiles {
		files, err := filepath.Glob(filepath.Join(pagesRoot, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, " leads to no file ", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(pagesRoot, file)
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := pagesParse(name, string(text), side[name])
			if err != nil {
				t.Error(err)
			}
			delete(side, name)
			first := len(groups)
			for _, b := range blocks {
				n := slices.IndexFunc(groups[first:], func(g []pagesBlock) bool { return g[0].as == b.as })
				if n >= 0 {
					groups[first+n] = append(groups[first+n], b)
				} else {
					groups = append(groups, []pagesBlock{b})
				}
			}
		}
	}
	for page := range side {
		t.Errorf("%s names %s, which is no page with commands", pagesSide, page)
	}
	return groups
}

// TestPagesParse holds what a writer can get wrong.
func TestPagesParse(t *testing.T) {
	const block = "```sh\ntrue\n```\n"
	for text, want := range map[string]string{
		"":                                         "nothing says",
		"<!-- test: streams -->\n\n":               "nothing says",
		"<!-- test: stream -->\n":                  "want streams, commands or none",
		"<!-- test: none: -->\n":                   "want streams, commands or none",
		"<!-- test: as a -->\n":                    "want streams, commands or none",
		"<!-- test: streams; fail -->\n":           "want as, replace",
		"<!-- test: streams; replace a -->\n":      "want replace",
		"<!-- test: streams; replace a by b -->\n": "nothing to replace",
		"<!-- test: streams; says ( -->\n":         "missing closing",
		"<!-- test: streams; as a; replace true by false; says x; frames 1; fails; ctrl-c -->\n": "",
		"<!-- test: commands -->\n":           "",
		"<!-- test: none: needs sudo -->\n":   "",
		"<!-- tested by TestPagesParse -->\n": "",
		"<!-- tested by TestNobodyHas -->\n":  "no file has the test",
	} {
		_, err := pagesParse("x.md", text+block, nil)
		if got := fmt.Sprint(err); (err != nil) != (want != "") || !strings.Contains(got, want) && want != "" {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

// TestPagesReadSide holds what a writer of the file beside the pages can get wrong.
func TestPagesReadSide(t *testing.T) {
	const block = "```sh\ntrue\n```\n"
	for text, want := range map[string]string{
		"\tstreams\n":                                    "want the name of a page first",
		"x.md\n\tstreams\nx.md\n":                        "stands there twice",
		"x.md\n\tstreams\n":                              "nothing says",
		"x.md\n\tstreams\n\tcommands\n":                  "",
		"x.md\n\tstreams\n\ta\n":                         "want streams, commands or none",
		"x.md\n\tcommands\n\tnone: b\n\tc":               "1 lines more than x.md has blocks",
		"# how\n\nx.md\n\ttested by TestPagesReadSide\n": "",
		"x.md\n\ttested by TestNobodyHas\n":              "no file has the test",
	} {
		side, err := pagesReadSide(text)
		if err == nil {
			_, err = pagesParse("x.md", block+"\n"+block, side["x.md"])
		}
		if got := fmt.Sprint(err); (err != nil) != (want != "") || !strings.Contains(got, want) && want != "" {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

// TestPages runs every command of the docs as it is written there, each group on
// a network of its own where it can be, with the address that the docs name.
func TestPages(t *testing.T) {
	groups := pagesBlocks(t)
	clip := pagesClip(t)
	for _, g := range groups {
		runs := slices.DeleteFunc(g, func(b pagesBlock) bool { return b.how == "none" })
		if len(runs) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(g[0].as, "/", "_"), func(t *testing.T) {
			t.Parallel()
			pagesRun(t, runs, clip)
		})
	}
}

// pagesProcess is a running line of a block of streams.
type pagesProcess struct {
	*process
	block  *pagesBlock
	line   string
	sends  bool
	moving int // elements of ours in it
}

// pagesMachine is the address of the other machine in the docs.
const pagesMachine = "192.168.1.7"

var pagesHost sync.Mutex

// pagesAlone is for where there are no namespaces, as in many containers: one
// group at a time on the host's own network, if nobody has the ports.
func pagesAlone(t *testing.T, group []pagesBlock) {
	t.Helper()
	pagesHost.Lock()
	t.Cleanup(pagesHost.Unlock)
	for _, port := range []int{5454, 5555, 5566, 5567, 5577} {
		if err := kit.TryPort(port); err != nil {
			t.Skip("no network namespaces here, and port ", port, " of the docs is taken: ", err)
		}
	}
	for i := range group {
		group[i].text = strings.ReplaceAll(group[i].text, pagesMachine, "127.0.0.1")
	}
}

// pagesStart starts a line; text is what it does.
func pagesStart(t *testing.T, n *namespace, dir string, b *pagesBlock, line, text string) pagesProcess {
	t.Helper()
	elements := pagesElement.FindAllString(text, -1)
	p := pagesProcess{block: b, line: line, moving: len(elements), sends: slices.Contains(elements, "netgearsink")}
	p.process = startIn(t, n, b.where, pagesShell(dir, "netgear:5,netgearsink:7,netgearsrc:7,netgeardemux:5", line)...)
	return p
}

func pagesRun(t *testing.T, group []pagesBlock, clip string) {
	n, err := kit.MakeNamespace(t, netip.MustParseAddr(pagesMachine))
	if err != nil {
		pagesAlone(t, group)
	}
	all := pagesStartAll(t, n, pagesFolder(t, clip), group)
	for _, p := range all {
		if p.block.fails {
			p.Fails()
			continue
		}
		p.moves()
	}
	for i := range group {
		for _, re := range group[i].says {
			if group[i].how == "streams" && !pagesUntil(func() bool { return pagesSaid(all, &group[i], re) }) {
				t.Errorf("%s: no line of its output matches %q", group[i].where, re)
			}
		}
	}
	// Ctrl-C at the senders; the receivers end with the goodbye, or are not told.
	for _, sends := range []bool{true, false} {
		for _, p := range all {
			if p.sends == sends && !p.block.fails && !p.block.ends && (sends || p.block.ctrlC) {
				p.Kill(syscall.SIGINT)
			}
		}
		for _, p := range all {
			if p.sends == sends && !p.block.fails {
				p.Exits(0)
			}
		}
	}
}

// pagesStartAll starts the streams of a group, and runs its commands in between.
func pagesStartAll(t *testing.T, n *namespace, dir string, group []pagesBlock) (all []pagesProcess) {
	for i := range group {
		b := &group[i]
		if b.how == "commands" {
			for _, p := range all {
				if p.moving > 0 {
					p.Says(` (bound|connecting) endpoint=`)
				}
			}
			pagesCommands(t, n, dir, b)
			continue
		}
		lines := b.lines()
		if b.lang == "python" {
			file := filepath.Join(dir, fmt.Sprintf("block%d.py", i))
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			before := pagesListening(n)
			all = append(all, pagesStart(t, n, dir, b, interpreter()+" "+file, b.text))
			if strings.Contains(b.text, "receive_mode=True") && !strings.Contains(b.text, "secure_mode") { // a live sender does not wait for it
				within(t, b.where+" to listen", func() bool { return pagesListening(n) > before })
			}
			lines = nil
		}
		if b.with != "" {
			lines = append(lines, b.with)
		}
		for _, line := range lines {
			all = append(all, pagesStart(t, n, dir, b, line, line))
		}
	}
	return all
}

// moves waits until each element of the process has moved the frames that the block wants.
func (p *pagesProcess) moves() {
	p.T.Helper()
	p.Await(fmt.Sprintf("to move %d frames in each of %d elements: %s", p.block.frames, p.moving, p.line), func() bool {
		moved := map[string]int{}
		enough := 0
		for _, line := range p.Lines {
			if m := pagesFrame.FindStringSubmatch(line); m != nil {
				if moved[m[1]]++; moved[m[1]] == p.block.frames {
					enough++
				}
			}
		}
		return enough >= p.moving || p.block.frames == 0
	})
}

// pagesListening counts the sockets that listen for TCP there.
func pagesListening(n *namespace) (count int) {
	n.Do(func() {
		for _, name := range []string{"tcp", "tcp6"} {
			table, err := os.ReadFile("/proc/thread-self/net/" + name)
			if err == nil {
				count += len(pagesListen.FindAll(table, -1))
			}
		}
	})
	return count
}

var pagesListen = regexp.MustCompile(`(?m)^ *\d+: \S+ [0-9A-F]+:0000 0A `)

// pagesSaid says whether a process of the block has said it. GStreamer escapes
// blanks and quotes.
func pagesSaid(all []pagesProcess, b *pagesBlock, re *regexp.Regexp) bool {
	return slices.ContainsFunc(all, func(p pagesProcess) bool {
		p.Mu.Lock()
		defer p.Mu.Unlock()
		return p.block == b && slices.ContainsFunc(p.Lines, func(line string) bool {
			return re.MatchString(strings.ReplaceAll(line, `\`, ""))
		})
	})
}

// pagesCommands runs commands one after the other. Those of a console show their
// output: they are repeated until they print it.
func pagesCommands(t *testing.T, n *namespace, dir string, b *pagesBlock) {
	t.Helper()
	type command struct {
		text string
		want []string
	}
	commands := []command{{text: "set -e\n" + b.text}}
	if b.lang == "console" {
		commands = nil
		for line := range strings.Lines(b.text) {
			line = strings.TrimRight(line, "\n")
			if text, ok := strings.CutPrefix(line, "$ "); ok {
				commands = append(commands, command{text: text})
			} else if len(commands) > 0 && line != "" {
				last := &commands[len(commands)-1]
				last.want = append(last.want, strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
			}
		}
	}
	for _, c := range commands {
		want := append([]*regexp.Regexp(nil), b.says...)
		if len(c.want) > 0 {
			want = append(want, regexp.MustCompile("(?m)^"+strings.Join(c.want, "$(?s:.*)^")+"$"))
		}
		var out string
		var failed bool
		pagesUntil(func() bool {
			out, failed = pagesOutput(t, n, dir, c.text)
			return !slices.ContainsFunc(want, func(re *regexp.Regexp) bool { return !re.MatchString(out) })
		})
		for _, re := range want {
			if !re.MatchString(out) {
				t.Errorf("%s: %s\nprints\n%s\nwant a match of\n%s", b.where, c.text, out, re)
			}
		}
		if len(c.want) == 0 && failed != b.fails {
			t.Errorf("%s: %s\nfails: %v, want %v; it prints\n%s", b.where, c.text, failed, b.fails, out)
		}
	}
}

// pagesUntil repeats what looks at a stream that is starting.
func pagesUntil(ok func() bool) bool {
	for end := time.Now().Add(pagesLimit); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func pagesOutput(t *testing.T, n *namespace, dir, text string) (out string, failed bool) {
	t.Helper()
	env, err := childEnv()
	if err != nil {
		t.Fatal(err)
	}
	argv := pagesShell(dir, "", text)
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	timer := time.AfterFunc(pagesLimit, func() { _ = cmd.Cancel() })
	defer timer.Stop()
	var b strings.Builder
	cmd.Stdout, cmd.Stderr = &b, &b
	if n.Do(func() { err = cmd.Start() }); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	return b.String(), err != nil
}

// pagesShell returns a command that runs text in dir, as its user's home. Windows
// open nowhere.
func pagesShell(dir, debug, text string) []string {
	peers, err := filepath.Abs("peers") // a package vidgear, where there is none
	if err != nil {
		panic(err)
	}
	return []string{
		"env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "FRAMES", "-C", dir, "HOME=" + dir, "GST_DEBUG=" + debug,
		"GST_PLUGIN_FEATURE_RANK=fakevideosink:1000", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1",
		"PYTHONPATH=" + strings.TrimPrefix(os.Getenv("PYTHONPATH")+":"+peers, ":"),
		"GST_REGISTRY=" + filepath.Join(dir, "registry.bin"),
		"PATH=" + filepath.Join(dir, "build") + ":" + os.Getenv("PATH"),
		"bash", "-c", text, // bash becomes the one command of a line, and so gets out of the way of signals
	}
}

// pagesFolder returns a folder that looks like the checkout to a command, with a
// video in it.
func pagesFolder(t *testing.T, clip string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(pagesRoot)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := os.ReadFile(filepath.Join(root, "build", "registry.bin")) // a copy: some commands look elsewhere
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "registry.bin"), registry, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"build": filepath.Join(root, "build"), "examples": filepath.Join(root, "examples"), "video.mp4": clip,
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pagesClip makes the video.mp4 of the docs: red, three seconds.
func pagesClip(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video.mp4")
	cmd := exec.CommandContext(t.Context(), "gst-launch-1.0", "-q", "videotestsrc", "num-buffers=90", "pattern=red", "!",
		"video/x-raw,width=640,height=480,framerate=30/1", "!", "jpegenc", "!", "qtmux", "!", "filesink", "location="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making a clip: %v\n%s", err, out)
	}
	return path
}

var pagesLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestPagesLinks follows every link within the project, and wants every page of
// docs in README.md.
func TestPagesLinks(t *testing.T) {
	var files []string
	for _, pattern := range append([]string{"*.md", "docs/*/*.md"}, pagesFiles...) {
		found, err := filepath.Glob(filepath.Join(pagesRoot, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pagesLink.FindAllStringSubmatch(string(text), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := filepath.Join(filepath.Dir(file), path)
			if path == "" {
				target = file
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: %v", file, m[1], err)
			} else if anchor != "" && !slices.Contains(pagesAnchors(t, target), anchor) {
				t.Errorf("%s: link to %s: no such heading", file, m[1])
			}
		}
		if dir, name := filepath.Split(file); filepath.Base(dir) == "docs" && !pagesReadmeHas(t, "](docs/"+name+")") {
			t.Errorf("README.md has no link to docs/%s", name)
		}
	}
}

func pagesReadmeHas(t *testing.T, link string) bool {
	t.Helper()
	text, err := os.ReadFile(pagesRoot + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), link)
}

// pagesAnchors are the headings of a file as GitHub links to them.
func pagesAnchors(t *testing.T, file string) (anchors []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	drop := regexp.MustCompile(`[^\w\- ]`)
	for line := range strings.Lines(string(text)) {
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			heading = drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			anchors = append(anchors, strings.ReplaceAll(heading, " ", "-"))
		}
	}
	return anchors
}
