// Program docgen prints a page of docs/: "docgen properties" makes properties.md
// from the table of properties, "docgen errors" errors.md from that of errors.
package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gst-netgear/gst-netgear/netgear"
)

func main() {
	pages := map[string]func() string{"properties": page, "errors": errorPage}
	if len(os.Args) != 2 || pages[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: docgen properties|errors")
		os.Exit(2)
	}
	if _, err := os.Stdout.WriteString(pages[os.Args[1]]()); err != nil {
		fmt.Fprintln(os.Stderr, "docgen: "+err.Error())
		os.Exit(1)
	}
}

const intro = `# Properties of netgearsink and netgearsrc

*"make docs" writes this page from netgear.Properties: change it there.*

What both elements understand beyond the properties of every GStreamer sink and source (` + "`sync`, `do-timestamp`" + ` and so on).
` + "`gst-inspect-1.0 netgearsink`" + ` shows the same. Names and numbers mean what they mean in NetGear: ` + "`request_timeout=4`" + ` there
is ` + "`request-timeout=4`" + ` here, 4 seconds.

- **sink** is netgearsink: NetGear's Server, which sends and by default connects. **src** is netgearsrc: NetGear's Client, which receives
  and by default binds.
- **Changeable**: *ready* = while the element is in NULL or READY; *playing* = at any time; *read-only* = never. What is *write-only* is secret.
- **NetGear** is the option's name in NetGear; *ours* = NetGear has none.
`

func page() string {
	var b strings.Builder
	b.WriteString(intro)
	table(&b)
	values(&b)
	uris(&b)
	return wrap(b.String())
}

func table(b *strings.Builder) {
	b.WriteString("\n| property | on | type | default | range, unit, values | changeable | NetGear | description |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		cells := []string{code(p.Name), on(p.On), kind(p), defaults(p), limits(p), when(p), theirs(p), p.Blurb}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
}

func values(b *strings.Builder) {
	b.WriteString("\n## Values of the enumerations\n\n| type | number | value | meaning |\n|---|---|---|---|\n")
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		if p.Kind != netgear.Choice {
			continue
		}
		for n, v := range p.Enum.Values {
			fmt.Fprintf(b, "| %s | %d | %s | %s |\n", code(p.Enum.Type), n, code(v.Nick), v.Name)
		}
	}
}

func uris(b *strings.Builder) {
	var keys [3][]string // both, sink, src
	var not []string
	for i := range netgear.Properties {
		p := &netgear.Properties[i]
		if p.NotInURI {
			not = append(not, code(p.Name))
			continue
		}
		n := slices.Index(roles, p.On)
		keys[n] = append(keys[n], code(p.Name))
	}
	b.WriteString("\n## URIs\n\n")
	b.WriteString("Address and settings fit into one URI, for the property `uri` and for whatever opens URIs (`gst_element_make_from_uri`, `uridecodebin`):\n\n")
	b.WriteString("```\n" + strings.Join(examples, "\n") + "\n```\n\n")
	fmt.Fprintf(b, `- %s is tcp, %s a Unix domain socket. An absent host is the element's default, an absent port is %d; an IPv6 address
  stands in brackets.
- With ipc the path is `+"`address`, and a port can be given as the key `port`"+`: as in NetGear, the socket is `+"`path:port`"+`.
- Keys for both elements: %s. For netgearsink alone: %s. For netgearsrc alone: %s.
  No keys: %s.
- A value is written as in the table above (an enumeration by its value or its number), and percent-encoded where it has special
  characters. An unknown key, a key given twice and a value that does not parse are refused, and nothing is changed then.
- Setting a URI sets protocol, address and port, to their defaults where it does not have them; other settings keep their values
  where it has no key for them. Reading `+"`uri`"+` gives what is set, with a key for each setting that is not at its default.
`,
		code(netgear.SchemeTCP+"://"), code(netgear.SchemeIPC+"://"), netgear.DefaultPort,
		strings.Join(keys[0], ", "), strings.Join(keys[1], ", "), strings.Join(keys[2], ", "), strings.Join(not, ", "))
}

var (
	roles = []netgear.Role{netgear.BothRoles, netgear.SenderRole, netgear.ReceiverRole}

	// examples are parsed by the test, for both elements.
	examples = []string{
		"netgear://192.168.1.7:5555",
		"netgear://192.168.1.7:5555?pattern=pub-sub&bind=true",
		"netgear://[fe80::1]:5555?request-timeout=1.5&max-retries=0",
		"netgear+ipc:///tmp/camera?pattern=req-rep",
	}
)

func code(s string) string { return "`" + s + "`" }

func on(r netgear.Role) string {
	return []string{"both", "sink", "src"}[slices.Index(roles, r)]
}

func kind(p *netgear.Property) string {
	switch p.Kind {
	case netgear.String:
		return "string"
	case netgear.Uint:
		return "uint"
	case netgear.Int:
		return "int"
	case netgear.Uint64:
		return "uint64"
	case netgear.Bool:
		return "boolean"
	case netgear.Seconds:
		return "double"
	case netgear.Choice:
		return "enum " + code(p.Enum.Type)
	case netgear.Structure:
		return "structure"
	case netgear.Caps:
		return "GstCaps"
	}
	panic("docgen: kind of unknown name: " + p.Name)
}

func defaults(p *netgear.Property) string {
	if p.When == netgear.Never {
		return ""
	}
	of := func(r netgear.Role) string {
		text := p.DefaultText(r)
		if p.Name == "uri" {
			cfg := netgear.DefaultConfig(r)
			text = netgear.URI(&cfg, r)
		}
		if p.Kind == netgear.Caps {
			return "none"
		}
		if text == "" && p.Kind == netgear.String {
			text = `""`
		}
		return code(text)
	}
	if p.On != netgear.BothRoles {
		return of(p.On)
	}
	sink, src := of(netgear.SenderRole), of(netgear.ReceiverRole)
	if sink == src {
		return sink
	}
	return "sink " + sink + ", src " + src
}

func limits(p *netgear.Property) string {
	switch p.Kind {
	case netgear.Uint, netgear.Int, netgear.Uint64:
		return number(p.Min) + " to " + number(p.Max)
	case netgear.Seconds:
		return number(p.Min) + " to " + number(p.Max) + " s"
	case netgear.Choice:
		nicks := make([]string, len(p.Enum.Values))
		for i, v := range p.Enum.Values {
			nicks[i] = code(v.Nick)
		}
		return strings.Join(nicks, ", ")
	case netgear.Bool:
		return code("true") + ", " + code("false")
	case netgear.String, netgear.Structure, netgear.Caps:
	}
	return ""
}

func number(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func when(p *netgear.Property) string {
	switch p.When {
	case netgear.Ready:
		if p.Secret {
			return "ready, write-only"
		}
		return "ready"
	case netgear.Playing:
		return "playing"
	case netgear.Never:
		return "read-only"
	}
	panic("docgen: unknown time of change")
}

func theirs(p *netgear.Property) string {
	if p.NetGear == "" {
		return "*ours*"
	}
	return p.NetGear
}
