package main

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	long := strings.Repeat("word ", 30)
	for text, want := range map[string]string{
		"":                       "",
		"a\nb\n\nc\n":            "a b\n\nc\n",
		"# " + long + "\n":       "# " + long + "\n",
		"| " + long + "|\n":      "| " + long + "|\n",
		"```\n" + long + "\n```": "```\n" + long + "\n```",
		"- " + long:              "- " + strings.TrimSpace(strings.Repeat("word ", 23)) + "\n  " + strings.TrimSpace(strings.Repeat("word ", 7)),
		strings.Repeat("word ", 22) + "`two words`": strings.TrimSpace(strings.Repeat("word ", 22)) + "\n`two words`",
	} {
		if got := wrap(text); got != want {
			t.Errorf("%q\n gives %q\n want %q", text, got, want)
		}
	}
}
