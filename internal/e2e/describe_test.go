package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDescribe compares docs/elements.md and the table of docs/properties.md
// with the elements, both ways.
func TestDescribe(t *testing.T) {
	seen := describeElements(t)
	rows := seen.rows()
	var page []byte
	for _, file := range []string{"elements.md", "properties.md"} {
		text, err := os.ReadFile(filepath.Join(pagesRoot, "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, text...)
	}
	table := ""
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "|-"):
		case !strings.HasPrefix(line, "|"):
			table = ""
		case table == "":
			table = strings.TrimSpace(strings.Split(line, "|")[1])
		case table == "type", table == "raw format": // the values of enumerations, and arrays, which other tests hold
		default:
			n := slices.IndexFunc(rows[table], func(row string) bool {
				return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(row), "ARG", `\w+`)).MatchString(line)
			})
			if n < 0 {
				t.Errorf("docs tell of what no element has: %s", line)
				continue
			}
			rows[table] = slices.Delete(rows[table], n, n+1)
		}
	}
	for table, missing := range rows {
		for _, row := range missing {
			t.Errorf("docs/elements.md and properties.md have no row %q in a table headed %s", row, table)
		}
	}
}

// described is what describe.py prints: what each element has, by name.
type described struct {
	Signals, Actions        map[string]map[string][]string
	Pads, Stats, Properties map[string]map[string]string
	Messages                map[string]map[string]map[string]string
	Meta, Peers             map[string]string
}

func describeElements(t *testing.T) (seen described) {
	t.Helper()
	p := python(t, "describe", "testdata/describe.py")
	p.Exits(0)
	p.Mu.Lock()
	text := strings.Join(p.Lines, "\n")
	p.Mu.Unlock()
	begin := strings.Index(text, "{\n")
	if begin < 0 {
		t.Fatal("describe.py tells nothing")
	}
	if err := json.NewDecoder(strings.NewReader(text[begin:])).Decode(&seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// rows returns the beginnings of the rows that must be in the docs, by the first cell of
// the table's head. ARG stands for the name of an argument.
func (seen *described) rows() map[string][]string {
	short := strings.NewReplacer("gchararray", "string", "guint64", "uint64", "gint64", "int64", "gdouble", "double", "gboolean", "boolean", "GstValueArray", "array", "GstStructure", "structure", "guint", "uint", "gint", "int")
	rows := map[string][]string{}
	add := func(table, format string, cells ...any) {
		rows[table] = append(rows[table], short.Replace(fmt.Sprintf(format, cells...)))
	}
	for table, signals := range map[string]map[string]map[string][]string{"signal": seen.Signals, "action": seen.Actions} {
		for name, on := range signals {
			var types []string
			for _, types = range on {
			}
			add(table, "| `%s` | %s | %s ARG |", name, describeOn(on), strings.Join(types, " ARG, "))
		}
	}
	for name, on := range seen.Pads {
		for _, presence := range on {
			add("pad", "| `%s` | %s | %s |", name, describeOn(on), presence)
			break
		}
	}
	for name, on := range seen.Stats {
		for _, kind := range on {
			add("field", "| `%s` | %s | %s |", name, describeOn(on), kind)
			break
		}
	}
	for name, on := range seen.Messages {
		for _, fields := range on {
			for field, kind := range fields {
				add("message", "| `%s` | %s | `%s` | %s |", name, describeOn(on), field, kind)
			}
		}
	}
	for name, kind := range seen.Meta {
		add("field", "| `%s` | %s |", name, kind)
	}
	for name, kind := range seen.Peers {
		add("field of a peer", "| `%s` | %s |", name, kind)
	}

	for name, on := range seen.Properties {
		for _, kind := range on {
			where := describeOn(on)
			if len(on) == 2 {
				where = "both"
			}
			if class, ok := strings.CutPrefix(kind, "enum "); ok {
				kind = "enum `" + class + "`"
			}
			add("property", "| `%s` | %s | %s |", name, where, kind)
			break
		}
	}
	return rows
}

// describeOn names the elements as the tables do.
func describeOn[T any](on map[string]T) string {
	var names []string
	for _, name := range []string{"netgearsink", "netgearsrc", "netgeardemux"} {
		if _, ok := on[name]; ok {
			names = append(names, strings.TrimPrefix(name, "netgear"))
		}
	}
	return strings.Join(names, ", ")
}
