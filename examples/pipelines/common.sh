# Sourced by the scripts of this folder; nothing to run by itself.

# The plugin that was built here, if there is one; else GStreamer looks where plugins are installed.
build=$(cd "$(dirname "$0")/../../build" 2>/dev/null && pwd) || build=
if [ -n "$build" ] && [ -e "$build/libgstnetgear.so" ]; then
	export GST_PLUGIN_PATH="$build${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
fi

# What a source element gets to stop by itself after FRAMES frames.
# shellcheck disable=SC2034 # used by the scripts
limit=${FRAMES:+num-buffers=$FRAMES}

# about: prints the comment at the top of the script.
about() {
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

# usage: prints that as an error, and ends.
usage() {
	about >&2
	exit 2
}

case ${1:-} in -h | --help)
	about
	exit
	;;
esac

# launch PIPELINE...: prints the command, then becomes it. -e has Ctrl-C end the stream properly, with a goodbye to the
# other end and a readable file. DRY_RUN=1 only prints.
launch() {
	printf 'gst-launch-1.0 -e'
	for word; do
		case $word in
		'!') printf ' !' ;;
		*[!A-Za-z0-9_=.,:/+-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	echo
	[ -z "${DRY_RUN:-}" ] || exit 0
	exec gst-launch-1.0 -e "$@"
}

default_output() {
	if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then echo window; else echo received.mkv; fi
}

# receive OUTPUT SOURCE...: launches the source element with what shows or stores its frames behind it. OUTPUT is "window",
# a file NAME.mkv (every frame as it came, no decoding) or NAME.png (the last frame); empty is a window where there is a
# display, else received.mkv.
receive() {
	output=${1:-$(default_output)}
	shift
	case $output in
	window) launch "$@" ! decodebin ! videoconvert ! autovideosink sync=false ;;
	*.mkv) launch "$@" ! matroskamux ! filesink location="$output" ;;
	*.png) launch "$@" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! pngenc ! multifilesink location="$output" ;;
	*) usage ;;
	esac
}

# show OUTPUT PIPELINE...: as receive, for a pipeline that ends in raw video.
show() {
	output=${1:-$(default_output)}
	shift
	case $output in
	window) launch "$@" ! videoconvert ! autovideosink sync=false ;;
	*.mkv) launch "$@" ! videoconvert ! jpegenc ! matroskamux ! filesink location="$output" ;;
	*.png) launch "$@" ! videoconvert ! video/x-raw,format=RGB ! pngenc ! multifilesink location="$output" ;;
	*) usage ;;
	esac
}
