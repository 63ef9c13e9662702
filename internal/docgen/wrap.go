package main

import "strings"

// pageWidth is in characters. Tables, headings and code keep their lines.
const pageWidth = 118

// wrap breaks the paragraphs and list items of a page of Markdown into lines of
// normal length; code within a line stays in one piece.
func wrap(page string) string {
	var out []string
	var words []string // of the paragraph so far
	indent := ""
	flush := func() {
		line := ""
		for _, w := range words {
			if line != "" && len([]rune(line))+1+len([]rune(w)) > pageWidth {
				out = append(out, line)
				line = indent + w
			} else if line == "" {
				line = w
			} else {
				line += " " + w
			}
		}
		if len(words) > 0 {
			out = append(out, line)
		}
		words, indent = nil, ""
	}
	fenced := false
	for line := range strings.SplitSeq(page, "\n") {
		fence := strings.HasPrefix(line, "```")
		if fence || fenced || line == "" || strings.ContainsAny(line[:1], "|#<") {
			flush()
			out = append(out, line)
			fenced = fenced != fence
			continue
		}
		if strings.HasPrefix(line, "- ") {
			flush()
			indent = "  "
		}
		words = append(words, pieces(line)...)
	}
	flush()
	return strings.Join(out, "\n")
}

// pieces splits a line at blanks that are not within code.
func pieces(line string) (words []string) {
	for w := range strings.FieldsSeq(line) {
		if n := len(words); n > 0 && strings.Count(words[n-1], "`")%2 == 1 {
			words[n-1] += " " + w
		} else {
			words = append(words, w)
		}
	}
	return words
}
