package netgeardemux

import (
	"fmt"
	"strings"
)

// maxName is how much of a port becomes part of a pad's name.
const maxName = 64

// padName makes the name of a pad from a port. Where two ports would have the same
// name, the later one gets a number: "a/b" and "a:b" become src_a_b and src_a_b_2.
func padName(port string, taken func(string) bool) string {
	base := "src_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '_'
	}, port)
	base = base[:min(len(base), len("src_")+maxName)]
	name := base
	for n := 2; taken(name); n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	return name
}
