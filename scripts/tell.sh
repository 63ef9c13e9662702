#!/bin/sh
# tell.sh TEXT COMMAND...: says what is about to run, then every 15 seconds that it still does, and how long it took when
# that was noticeable. The exit status is the command's.
set -u
text=$1
shift
echo "==> $text"
begin=$(date +%s)

(
	nap=
	trap 'kill "$nap" 2>/dev/null; exit 0' TERM
	while :; do
		sleep 15 & nap=$!
		wait "$nap"
		kill -0 $$ 2>/dev/null || exit 0
		echo "    still running ($(($(date +%s) - begin)) s)"
	done
) &
ticker=$!
trap 'kill "$ticker" 2>/dev/null' EXIT
trap 'exit 130' INT # a signal alone would end a POSIX shell without its EXIT trap
trap 'exit 143' TERM

"$@"
status=$?

took=$(($(date +%s) - begin))
if [ "$status" -ne 0 ]; then
	echo "    failed after $took s" >&2
elif [ "$took" -ge 5 ]; then
	echo "    done in $took s"
fi
exit "$status"
