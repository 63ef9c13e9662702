/* Sends frames out of memory: an appsrc and netgearsink, in C.
 *
 *   gcc -o send send.c $(pkg-config --cflags --libs gstreamer-app-1.0)
 *   GST_PLUGIN_PATH=../../build ./send [ADDRESS [PORT]]      default: localhost 5555
 *
 * Sends red pictures that grow darker, each with its number beside it: 100, or FRAMES=n. The other end: receive.c, receive.py, or
 * VidGear's NetGear(receive_mode=True).
 */
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdlib.h>

#include "netgear-meta.h"

enum { WIDTH = 320, HEIGHT = 240, RATE = 25 };

/* Returns a picture with its number in NetgearMeta, which the sink sends beside it. */
static GstBuffer *picture(guint number)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, WIDTH * HEIGHT * 3, NULL);
	GstCustomMeta *meta = gst_buffer_add_custom_meta(buffer, "NetgearMeta");
	GstMapInfo map;
	gchar *json;
	gsize i;

	gst_buffer_map(buffer, &map, GST_MAP_WRITE);
	for (i = 0; i < map.size; i += 3) {
		map.data[i] = map.data[i + 1] = 0;
		map.data[i + 2] = (guint8)(255 - number % 256); /* blue, green, red */
	}
	gst_buffer_unmap(buffer, &map);
	json = g_strdup_printf("{\"frame\": %u}", number);
	gst_structure_set(gst_custom_meta_get_structure(meta), "message", G_TYPE_STRING, json, NULL);
	g_free(json);
	return buffer; /* appsrc with do-timestamp gives it its time */
}

int main(int argc, char **argv)
{
	guint frames = g_getenv("FRAMES") ? (guint)atoi(g_getenv("FRAMES")) : 100, n;
	GstElement *pipeline, *in, *sink;
	GError *error = NULL;
	GstMessage *message;
	GstCaps *caps;
	GstBus *bus;
	int status = 0;

	if (argc > 1 && (g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "--help"))) {
		g_print("%s\n\nUsage: %s\nExample: GST_PLUGIN_PATH=../../build %s\n", "Sends red pictures that grow darker: 100, or FRAMES=n.",
			"send [ADDRESS [PORT]]      default: localhost 5555", "FRAMES=25 ./send 192.168.1.7 5555");
		return 0;
	}
	gst_init(&argc, &argv);
	/* max-bytes and block: no more than one picture waits in the appsrc. */
	pipeline = gst_parse_launch("appsrc name=in is-live=true format=time do-timestamp=true block=true max-bytes=1 ! "
				    "netgearsink name=sink", &error);
	if (error) { /* as when the plugin is not found */
		g_printerr("%s\n", error->message);
		return 1;
	}
	in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
	sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
	g_object_set(sink, "address", argc > 1 ? argv[1] : "localhost", "port", argc > 2 ? atoi(argv[2]) : 5555, NULL);
	caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "BGR", "width", G_TYPE_INT, WIDTH, "height", G_TYPE_INT, HEIGHT,
				   "framerate", GST_TYPE_FRACTION, RATE, 1, NULL);
	gst_app_src_set_caps(GST_APP_SRC(in), caps);
	gst_caps_unref(caps);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);

	for (n = 0; n < frames; n++) {
		if (gst_app_src_push_buffer(GST_APP_SRC(in), picture(n)) != GST_FLOW_OK)
			break; /* what is wrong is on the bus */
		g_usleep(G_USEC_PER_SEC / RATE);
	}
	gst_app_src_end_of_stream(GST_APP_SRC(in)); /* the goodbye goes out after the last frame */

	bus = gst_element_get_bus(pipeline);
	message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		gst_message_parse_error(message, &error, NULL);
		g_printerr("error: %s\n", error->message);
		g_clear_error(&error);
		status = 1;
	}
	gst_message_unref(message);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	g_print("sent %u frames\n", n);
	gst_object_unref(bus);
	gst_object_unref(in);
	gst_object_unref(sink);
	gst_object_unref(pipeline);
	return status;
}
