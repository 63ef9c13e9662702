#!/bin/sh
# fuzz.sh: runs every fuzz target of the module in turn, each with $FUZZTIME inputs. Go fuzzes one target at a time, and finds
# none by itself. Inputs that break a target are written to testdata/fuzz beside it: commit them with the fix.
# A number of inputs ("100000x"), not a time ("30s"): before Go 1.27 a run that ends by the clock may fail with "context
# deadline exceeded" although no input broke anything (https://go.dev/issue/75804).
set -eu
: "${FUZZTIME:=500000x}" "${GO:=go}"

targets=$(grep -rn --include='*_test.go' -E '^func Fuzz[A-Z0-9_][A-Za-z0-9_]*\(' . |
	sed -E 's|^(.*)/[^/]*_test\.go:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort -u)
[ -n "$targets" ] || { echo 'no fuzz targets yet'; exit 0; }

printf '%s\n' "$targets" | while read -r dir name; do
	echo "==> $name in $dir with $FUZZTIME inputs"
	"$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$dir" </dev/null
done
