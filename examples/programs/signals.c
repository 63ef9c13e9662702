/* A camera that hears what its receiver answers: netgearsink in bidirectional mode and its signals, in C.
 *
 *   gcc -o signals signals.c $(pkg-config --cflags --libs gstreamer-1.0)
 *   GST_PLUGIN_PATH=../../build ./signals [ADDRESS [PORT]]      default: localhost 5555
 *
 * Sends a test picture, prints who comes, who goes and what is returned, and counters at the end. Ctrl-C ends it with a goodbye;
 * FRAMES=n stops after n frames. The other end: signals.py, or VidGear's NetGear(receive_mode=True, bidirectional_mode=True).
 */
#include <glib-unix.h>
#include <gst/gst.h>
#include <stdlib.h>

/* The handlers run in a thread of the element's own, one after the other. A slow one never stalls the stream: what more than 64
 * signals later is still not handled is dropped, and counted in the field signals-dropped of stats. */

static void on_return_data(GstElement *sink, const gchar *port, const gchar *json, GstSample *sample, gpointer user)
{
	if (sample) { /* a frame came back; valid until this returns, gst_sample_ref keeps it */
		GstStructure *s = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
		gint width = 0, height = 0;

		gst_structure_get_int(s, "width", &width);
		gst_structure_get_int(s, "height", &height);
		g_print("returned a frame: %s %dx%d\n", gst_structure_get_name(s), width, height);
	} else {
		g_print("returned: %s\n", json); /* "null" before the receiver has set anything */
	}
}

static void on_peer_added(GstElement *sink, const gchar *endpoint, gpointer user) { g_print("peer added: %s\n", endpoint); }

static void on_peer_removed(GstElement *sink, const gchar *endpoint, gpointer user) { g_print("peer removed: %s\n", endpoint); }

static gboolean on_interrupt(gpointer pipeline)
{
	gst_element_send_event(pipeline, gst_event_new_eos());
	return G_SOURCE_REMOVE;
}

static GMainLoop *loop;
static int status;

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer user)
{
	GError *error = NULL;

	switch (GST_MESSAGE_TYPE(message)) {
	case GST_MESSAGE_WARNING: /* no answer in time, a connection lost: it is being mended */
		gst_message_parse_warning(message, &error, NULL);
		g_printerr("warning: %s\n", error->message);
		break;
	case GST_MESSAGE_ERROR:
		gst_message_parse_error(message, &error, NULL);
		g_printerr("error: %s\n", error->message);
		status = 1;
		g_main_loop_quit(loop);
		break;
	case GST_MESSAGE_EOS: /* the goodbye is sent */
		g_main_loop_quit(loop);
		break;
	default:
		break;
	}
	g_clear_error(&error);
	return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
	const char *frames = g_getenv("FRAMES");
	GError *error = NULL;
	GstStructure *stats = NULL;
	GstElement *pipeline, *sink;
	GstBus *bus;
	gchar *text;

	if (argc > 1 && (g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "--help"))) {
		g_print("%s\n\nUsage: %s\nExample: GST_PLUGIN_PATH=../../build %s\n", "Sends a test picture and prints who comes, who goes and what is returned; FRAMES=n stops it.",
			"signals [ADDRESS [PORT]]      default: localhost 5555", "FRAMES=25 ./signals 192.168.1.7 5555");
		return 0;
	}
	gst_init(&argc, &argv);
	text = g_strdup_printf("videotestsrc is-live=true num-buffers=%s ! video/x-raw,format=I420,width=640,height=480 ! jpegenc ! "
			       "netgearsink name=sink bidirectional-mode=true message=\"{\\\"camera\\\": 1}\"",
			       frames ? frames : "-1");
	pipeline = gst_parse_launch(text, &error);
	g_free(text);
	if (error) { /* as when the plugin is not found */
		g_printerr("%s\n", error->message);
		return 1;
	}
	sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
	g_object_set(sink, "address", argc > 1 ? argv[1] : "localhost", "port", argc > 2 ? atoi(argv[2]) : 5555, NULL);
	g_signal_connect(sink, "return-data", G_CALLBACK(on_return_data), NULL);
	g_signal_connect(sink, "peer-added", G_CALLBACK(on_peer_added), NULL);
	g_signal_connect(sink, "peer-removed", G_CALLBACK(on_peer_removed), NULL);

	loop = g_main_loop_new(NULL, FALSE);
	bus = gst_element_get_bus(pipeline);
	gst_bus_add_watch(bus, on_message, NULL);
	g_unix_signal_add(SIGINT, on_interrupt, pipeline);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	g_main_loop_run(loop);

	g_object_get(sink, "stats", &stats, NULL); /* at any time, and before NULL */
	if (stats) {
		guint64 sent = 0, dropped = 0;
		gdouble rtt = 0;

		gst_structure_get(stats, "frames-sent", G_TYPE_UINT64, &sent, "signals-dropped", G_TYPE_UINT64, &dropped,
				  "ack-rtt-avg-ms", G_TYPE_DOUBLE, &rtt, NULL);
		g_print("sent %" G_GUINT64_FORMAT " frames, answered after %.1f ms, %" G_GUINT64_FORMAT " signals dropped\n", sent, rtt, dropped);
		gst_structure_free(stats);
	}
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_bus_remove_watch(bus);
	gst_object_unref(bus);
	gst_object_unref(sink);
	gst_object_unref(pipeline);
	g_main_loop_unref(loop);
	return status;
}
