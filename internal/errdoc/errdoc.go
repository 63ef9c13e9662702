// Package errdoc is the table of everything that the elements post as an error
// or a warning. docs/errors.md is made of it. Its own test holds it against the
// texts in the code, and the tests with whole pipelines provoke every row.
package errdoc

import (
	"regexp"
	"slices"
	"strings"
)

// The elements, by the names of their factories.
const (
	Sink  = "netgearsink"
	Src   = "netgearsrc"
	Demux = "netgeardemux"
)

// both are the elements of most rows.
var both = []string{Sink, Src}

// A Kind is what a program can tell apart: a domain and a code of GStreamer.
type Kind struct {
	// Value is the error value in the code that leads here, with the name of
	// its package; empty for what comes from elsewhere.
	Value string
	// Domain, and the codes of netgearsink and of the two others, without
	// GStreamer's prefix.
	Domain, SinkCode, SrcCode string
	// Title is the heading, About the text below it.
	Title, About string
	Rows         []Row
}

// A Row is one text.
type Row struct {
	// ID names the row in the tests.
	ID      string
	On      []string // of the constants above
	Warning bool     // else an error
	// Text is what is posted, with <what it is> for what differs.
	Text        string
	Cause, Cure string
}

// Severity is "error" or "warning", as GStreamer spells it.
func (r *Row) Severity() string {
	if r.Warning {
		return "warning"
	}
	return "error"
}

var placeholder = regexp.MustCompile(`<[a-z ]+>`)

// Matches says whether a text is one of this row.
func (r *Row) Matches(text string) bool {
	var expr strings.Builder
	at := 0
	for _, p := range placeholder.FindAllStringIndex(r.Text, -1) {
		something := ".+"
		if p[0] > 0 && r.Text[p[0]-1] == '"' { // what somebody sent may be empty
			something = ".*"
		}
		expr.WriteString(regexp.QuoteMeta(r.Text[at:p[0]]) + something)
		at = p[1]
	}
	expr.WriteString(regexp.QuoteMeta(r.Text[at:]))
	return regexp.MustCompile(`^(?s:` + expr.String() + `)$`).MatchString(text)
}

// Code is that of an element.
func (k *Kind) Code(element string) string {
	if element == Sink {
		return k.SinkCode
	}
	return k.SrcCode
}

// Find returns the row of that ID and its kind.
func Find(id string) (*Kind, *Row) {
	for i := range Kinds {
		for j := range Kinds[i].Rows {
			if Kinds[i].Rows[j].ID == id {
				return &Kinds[i], &Kinds[i].Rows[j]
			}
		}
	}
	return nil, nil
}

// Of returns the rows that a text of an element is one of. The severity is
// "error" or "warning".
func Of(element, severity, text string) (ids []string) {
	for i := range Kinds {
		for j := range Kinds[i].Rows {
			r := &Kinds[i].Rows[j]
			if slices.Contains(r.On, element) && r.Severity() == severity && r.Matches(text) {
				ids = append(ids, r.ID)
			}
		}
	}
	return ids
}
