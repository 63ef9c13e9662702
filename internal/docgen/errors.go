package main

import (
	"fmt"
	"strings"

	"github.com/gst-netgear/gst-netgear/internal/errdoc"
)

const errorIntro = `# Errors and warnings

*"make docs" writes this page from internal/errdoc: change it there.*

Everything that netgearsink, netgearsrc and netgeardemux post on the bus, by GStreamer's domain and code, which is what a program sees. After an **error** the
stream is over; after a **warning** it goes on, and so it does when nobody reads it. ` + "`gst-launch-1.0`" + ` shows the text, and the debug text below it.

- ` + "`<…>`" + ` stands for what differs. Where two rows fit, the longer one is meant.
- Warnings of one kind come at most after 1, 2, 4 … 60 s, and the debug text counts those in between.
- More than a message tells is in the log: ` + "`GST_DEBUG=netgear*:5`" + `.

| domain and code | what |
|---|---|
`

func errorPage() string {
	var b strings.Builder
	b.WriteString(errorIntro)
	for i := range errdoc.Kinds {
		k := &errdoc.Kinds[i]
		fmt.Fprintf(&b, "| %s | [%s](#%s) |\n", codes(k), k.Title, anchor(k.Title))
	}
	for i := range errdoc.Kinds {
		k := &errdoc.Kinds[i]
		fmt.Fprintf(&b, "\n## %s\n\n%s.", k.Title, codes(k))
		if k.About != "" {
			b.WriteString(" " + k.About)
		}
		b.WriteString("\n\n| text | | of | cause | cure |\n|---|---|---|---|---|\n")
		for j := range k.Rows {
			r := &k.Rows[j]
			cells := []string{code(r.Text), r.Severity(), strings.ReplaceAll(strings.Join(r.On, ", "), "netgear", ""), r.Cause, r.Cure}
			for n, c := range cells {
				cells[n] = strings.ReplaceAll(c, "|", `\|`)
			}
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		}
	}
	return wrap(b.String())
}

// codes names domain and code, or both codes where those of sink and source
// differ.
func codes(k *errdoc.Kind) string {
	if k.SinkCode == k.SrcCode {
		return code(k.Domain + "/" + k.SinkCode)
	}
	return fmt.Sprintf("%s (sink), %s (source)", code(k.Domain+"/"+k.SinkCode), code(k.Domain+"/"+k.SrcCode))
}

// anchor is what a heading is linked by.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(title))
}
