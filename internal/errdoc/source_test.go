package errdoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// folders are where texts come from that an element may post.
var folders = []string{
	"netgear", "netgear/wire", "elements/internal/gstglue", "elements/netgearsink", "elements/netgearsrc", "elements/netgeardemux",
}

// causes are the rows that say why nothing comes.
var causes = []string{"no-receiver", "no-reply", "no-peer", "no-sender", "no-frame", "sink-abandoned", "src-abandoned"}

// within are texts that stand in the place of a <placeholder>, with the rows
// that have it.
var within = map[string][]string{
	// what to set instead of lockstep
	"pattern=pair with in-flight=0": {"round-trip"},
	// the certificates that a folder has
	"%w: no line public-key": {"key-file"}, "%s: %w: no line secret-key": {"key-file"}, "without an equals sign": {"key-file"},
	"40 characters of Z85": {"key-file"}, "not of one pair": {"key-file"},
	"it is secret and was generated beside the others": {"key-missing"}, "copy it from the end that binds": {"key-missing"},
	// an array that is no picture
	"want a name of at most %d characters of ASCII": {"returned-unsupported"}, "want dimensions of at most 31 bits": {"returned-unsupported"},
	// who sends
	"the sender that is served": {"intruder"}, "the sender that uses port ": {"intruder"}, "the sender that has the name": {"intruder"}, "each with its own of ports": {"intruder"}, ", each with its own name": {"intruder"},
	// what the messages of a wire have no room for
	"pattern=req-rep: want pattern=pub-sub": {"wire-settings"}, "whose answers carry nothing": {"wire-settings"}, "which any number of receivers connect to": {"wire-settings"},
	"whose messages do not name their sender": {"wire-settings"}, "whose messages have no room for it": {"wire-settings"},
	"(the wire carries": {"caps-refused"},
	// the steps of opening, and of a stream
	"netgear: %w: event descriptor: %w": {"open"}, "netgear: %w: context: %w": {"open"}, "netgear: %w: socket: %w": {"open"}, "netgear: %w: socket option %s: %w": {"open"}, "netgear: %w: socket option ZAP_ENFORCE_DOMAIN: %w": {"open"}, "netgear: %w: monitor: %w": {"open"},
	"netgear: %w: ZAP socket: %w": {"open"}, "netgear: %w: bind %s: %w": {"open"},
	"netgear: %w: poll: %w": {"transport"}, "netgear: %w: send: %w": {"transport"}, "netgear: %w: receive: %w": {"transport"}, "frame of %d bytes: %w": {"transport"}, "nobody can connect any more": {"transport"},
	// the state of the peers
	"connections rejected since": {"no-reply", "no-frame", "sink-abandoned", "src-abandoned"},
	// reasons of the tunnel, and the ways to log in
	"the connection ended": {"tunnel-waits", "tunnel-abandoned"}, "nobody takes the connection": {"tunnel-waits", "tunnel-abandoned"},
	"the password of ssh-tunnel-pwd": {"ssh-login"}, "the keys of the SSH agent": {"ssh-login"}, "is a folder": {"ssh-keyfile", "ssh-known-hosts"}, "no line of the file is a known host": {"ssh-known-hosts-format"},
	// the causes of silence, and what to do
	"is connected (%s), but confirms nothing": causes,
	"nobody has connected to":                 causes,
	"from this machine alone":                 causes,
	"one of ports ":                           causes,
	"or serves another sender":                causes,
	"came and was not let in":                 causes,
	"an old or broken ZeroMQ":                 causes,
	"the lookup failed":                       causes,
	"no answer yet":                           causes,
	"rebuilding the connection":               causes, "%w to %s: no connection yet": {"tunnel-waits"},
	"this machine's address": causes,
	// what to do about who is not let in
	"add it to allow": {"peer-refused"}, "copy its client.key there": {"peer-refused"}, "see secure-mode and allow": {"peer-refused"}, "and its certificates there too": {"peer-refused"},
	"or secure-mode=grasslands there": {"peer-refused"}, " of this end to it": {"peer-refused"}, "one of the two must send": {"peer-refused"}, "look at its side": {"peer-refused"}, "(and %d more)": {"peer-refused"},
	"its secure-mode is grasslands": {"peer-refused"}, "our secure-mode is grasslands": {"peer-refused"}, "encrypted for another server key": {"peer-refused"},
	"its pattern is another one": {"peer-refused"}, "want it among": {"peer-refused"}, "is not in allow": {"peer-refused"}, "the handshake failed": {"peer-refused"},
	// what a setting takes
	"a whole number from": {"property"}, "seconds from %v to %v": {"property"}, "true or false": {"property"},
	// what is wrong with a sample
	"a sample without a buffer": {"answer-buffer"}, "a sample without caps": {"answer-negotiation"}, "cannot be sent back": {"answer-negotiation"},
	// what a sink's buffer should be
	", which has %d": {"sink-buffer"}, "raw %s %dx%d": {"src-negotiation"},
}

// unposted are texts that no element posts, with where they go.
var unposted = map[string]string{
	"****  Generated on": "a file of keys", "ZeroMQ CURVE **Secret** Certificate": "a file of keys", "ZeroMQ CURVE Public Certificate": "a file of keys", "DO NOT PROVIDE THIS FILE": "a file of keys", "Exchange securely, or use": "a file of keys",
	"of this file after exchange": "a file of keys", "directory, in the .curve": "a file of keys", "\nmetadata\ncurve\n    public-key = \"%s\"\n": "a file of keys", "    secret-key = \"%s\"\n": "a file of keys",
	"no keys": "openKeys makes them then", "netgear: not open": "a Go program that uses the library", "used by two goroutines": "a Go program that uses the library",
	"want that of a file": "netgear-keys", "exists: remove it": "netgear-keys", "has keys already": "netgear-keys",
	"want a regular file": "netgear-keys", "no client %q among": "netgear-keys", "no keys below": "netgear-keys", "removing a certificate": "netgear-keys",
	"malformed ZAP request": "the log", "and the credentials": "the log", "%w: version %.10q: want %s": "the log", "credentials for NULL": "the log", "%w: CURVE credentials: want one key of %d bytes": "the log",
	"want NULL or CURVE": "the log", "is not ours": "the log", "mechanism %s: want CURVE": "the log",
	"no READY":              "nobody: what a look at the other end could not read",
	"no key":                "a test of the known hosts",
	"only in NULL or READY": "the log, and GError of the URI handler", "cannot be changed now": "the log, and GError of the URI handler",
	"{\"dtype\": %q, \"shape\": %s}": "the JSON of a signal",
	"which only the other end has":   "a Go program that uses the library: an element has no such property",
	"%w: video format %s":            "nobody: the pad's template lets no such caps in, and returned frames of such go to the log",
	"Go's runtime has processors":    "the log",
	"since the last report":          "the debug text", "could not open": "the debug text", "could not take the caps": "the debug text", "could not map the buffer": "the debug text",
	"the caps are ": "the debug text", "a parser or decodebin in front": "the debug text", "completes what the sender says": "the debug text", "a Python sender says no frame rate": "the debug text",
	"want what GStreamer has caps for": "nobody: what a sender may say is in a table that makes caps",
	"of another type, want %s":         "the reason why caps are ignored, which is not shown", "is not what it should be, or there twice": "as the line above", "want one media type with plain values": "as the line above", "%s is a number, want (string)": "as the line above", "JPEG of %dx%d, which decodes to": "frame-malformed, in the place of its first part",
	"the property was not set": "the debug text", "knows what they are": "the debug text",
	"could not send": "the debug text", "could not receive": "the debug text", "could not make a buffer": "the debug text", "no server sent anything": "the debug text", "not told again": "the debug text",
	"put jpegdec (JPEG) or videoconvert": "the debug text", "put decodebin behind netgearsrc": "the debug text", "not posted again": "the log", "frame seq=%d bytes=%d ack-us=%d": "the log", "frame seq=%d bytes=%d capture-to-receive-us=%d": "the log",
	"the receiver's wall clock was set": "the log", "the wall clock of this machine was set": "the log", "frames are placed by their arrival": "the log",
	" a JPEG: want raw pixels": "nobody: elements ask for the layout of raw frames alone",
	// what NewRaw says and makes
	"messages cannot carry it": "a Go program that uses the library: the pads of an element take no such frames", "message cannot carry it": "as the line above",
	"want BGR, GRAY8, RGB, NV12 or the like": "a Go program that uses the library", "%d bytes for %dx%d pixels of %s": "a Go program that uses the library",
	"%s, format=(string)%s, width=(int)%d, height=(int)%d": "the caps of a frame that a Go program makes",
}

// Every text in the code that may be posted is in a row, or is known not to be.
func TestEveryTextHasARow(t *testing.T) {
	used := map[string]bool{}
	known := func(text string) (yes bool) {
		for _, part := range slices.Concat(slices.Collect(maps.Keys(within)), slices.Collect(maps.Keys(unposted))) {
			// Short ones are whole, lest they hide others.
			if text == part || len(strings.Fields(part)) > 2 && strings.Contains(text, part) {
				used[part], yes = true, true
			}
		}
		return yes
	}
	n := 0
	for _, folder := range folders {
		for at, text := range texts(t, filepath.Join("../..", folder)) {
			n++
			if !inRow(text) && !known(text) {
				t.Errorf("%s: %q is in no row of internal/errdoc/rows.go: add one, or say in this test where it goes", at, text)
			}
		}
	}
	if n < 150 {
		t.Errorf("%d texts in the code, want more than 150", n)
	}
	for part, rows := range within {
		if !used[part] {
			t.Errorf("%q is in no text any more, or has a row of its own", part)
		}
		for _, id := range rows {
			if _, r := Find(id); r == nil || !placeholder.MatchString(r.Text) {
				t.Errorf("%q: there is no row %q with a placeholder", part, id)
			}
		}
	}
	for part := range unposted {
		if !used[part] {
			t.Errorf("%q is in no text any more, or has a row", part)
		}
	}
}

var verb = regexp.MustCompile(`%(\[\d\])?[+#]?(\.\d+)?[a-zA-Z]`)

// inRow says whether a format, or a part of a text, is one of a row.
func inRow(format string) bool {
	format = strings.TrimPrefix(strings.TrimPrefix(format, "netgear: "), "wire: ")
	if !regexp.MustCompile(`[a-z]`).MatchString(verb.ReplaceAllString(format, "")) {
		return true // it puts others together
	}
	if format == "malformed message" || format == "unsupported frame" {
		return true // they end others
	}
	var expr strings.Builder
	at := 0
	for _, v := range verb.FindAllStringIndex(format, -1) {
		expr.WriteString(regexp.QuoteMeta(format[at:v[0]]))
		if format[v[1]-1] == 'q' {
			expr.WriteString(`".+"`)
		} else {
			expr.WriteString(`.+`)
		}
		at = v[1]
	}
	expr.WriteString(regexp.QuoteMeta(format[at:]))
	whole := regexp.MustCompile(strings.TrimPrefix(`(^|\W)`+expr.String(), `(^|\W).+`) + `($|\W)`)
	return slices.ContainsFunc(Kinds, func(k Kind) bool {
		return slices.ContainsFunc(k.Rows, func(r Row) bool { return whole.MatchString(r.Text) })
	})
}

// texts returns, by where they stand, the formats of all errors, and of what is
// in functions every other text of three words, but for those of the log and of
// panics.
func texts(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no code in %s: %v", folder, err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		take := func(e ast.Expr, words int) {
			lit, ok := e.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.Fields(text)) >= words {
				at := fset.Position(lit.Pos())
				found[fmt.Sprintf("%s:%d:%d", filepath.ToSlash(path), at.Line, at.Column)] = text
			}
		}
		least := 3
		if filepath.Base(folder) == "wire" {
			least = 1000 // the parts of its texts are one placeholder: errors alone
		}
		for _, decl := range file.Decls {
			_, inFunction := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					name := strings.ToLower(nameOf(n.Fun))
					if name == "fmt.errorf" || name == "errors.new" {
						take(n.Args[0], 1)
					}
					return name != "panic" && !strings.Contains(name, "log.")
				case *ast.BasicLit:
					if inFunction {
						take(n, least)
					}
				}
				return true
			})
		}
	}
	return found
}

// nameOf spells a.b.c, and "" for anything else.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	}
	return ""
}

// Each kind of error has the domain and the codes that the elements give it.
func TestKindsAreThoseOfTheElements(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../elements/internal/gstglue/errors.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	posted := map[string][]string{} // domain, the sink's code, the source's
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 4 {
			return true
		}
		var cells []string
		for _, e := range lit.Elts {
			cells = append(cells, nameOf(e))
		}
		value := cells[0]
		switch {
		case value == "nil":
			value = "" // what has no row there
		case !strings.Contains(value, "."):
			value = "gstglue." + value
		}
		domain := strings.TrimPrefix(cells[1], "C.NETGEAR_")
		posted[value] = []string{domain}
		for _, c := range cells[2:] {
			posted[value] = append(posted[value], strings.TrimPrefix(c, "C.GST_"+domain+"_ERROR_"))
		}
		return false
	})
	if len(posted) < 10 {
		t.Fatalf("%d rows in errorRows, want more", len(posted))
	}
	seen := map[string]bool{}
	for _, k := range Kinds {
		if k.Value == "" && (k.Domain != "LIBRARY" || k.SinkCode == "INIT") {
			continue // GStreamer's own, or from C
		}
		seen[k.Value] = true
		if want := []string{k.Domain, k.SinkCode, k.SrcCode}; !slices.Equal(posted[k.Value], want) {
			t.Errorf("%s is posted as %v, and the table says %v", k.Value, posted[k.Value], want)
		}
	}
	for value := range posted {
		if !seen[value] {
			t.Errorf("%s is in no kind of internal/errdoc/rows.go", value)
		}
	}
}

func TestRows(t *testing.T) {
	ids, texts := map[string]bool{}, map[string]bool{}
	for _, k := range Kinds {
		for _, r := range k.Rows {
			if ids[r.ID] || texts[r.Text] {
				t.Errorf("%s: its ID or its text is there twice", r.ID)
			}
			ids[r.ID], texts[r.Text] = true, true
			if r.Cause == "" || r.Cure == "" || len(r.On) == 0 {
				t.Errorf("%s is not complete", r.ID)
			}
			if strings.Count(r.Text, "<") != len(placeholder.FindAllString(r.Text, -1)) {
				t.Errorf("%s: %q has something else in angle brackets", r.ID, r.Text)
			}
			if !r.Matches(r.Text) {
				t.Errorf("%s does not match itself", r.ID)
			}
			if r.Matches(r.Text+" more") && !strings.HasSuffix(r.Text, ">") || r.Matches("more "+r.Text) && !strings.HasPrefix(r.Text, "<") {
				t.Errorf("%s matches more than itself", r.ID)
			}
		}
	}
}
