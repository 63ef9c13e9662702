/* Receives frames into memory: netgearsrc and an appsink, in C.
 *
 *   gcc -o receive receive.c $(pkg-config --cflags --libs gstreamer-app-1.0 gstreamer-video-1.0)
 *   GST_PLUGIN_PATH=../../build ./receive [ADDRESS [PORT]]      default: * 5555
 *
 * Prints how bright each tenth picture is and what came beside it. It ends with the sender. The other end: send.c, send.py, or
 * VidGear's NetGear().
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdlib.h>

#include "netgear-meta.h"

static void on_peer_added(GstElement *source, const gchar *endpoint, gpointer user) { g_print("peer added: %s\n", endpoint); }

/* Tells of one frame of GRAY8. */
static void look_at(GstSample *sample, guint number)
{
	GstCustomMeta *meta = gst_buffer_get_custom_meta(gst_sample_get_buffer(sample), "NetgearMeta");
	const gchar *message = meta ? gst_structure_get_string(gst_custom_meta_get_structure(meta), "message") : NULL;
	GstVideoInfo info;
	GstVideoFrame frame;
	guint64 sum = 0;
	gint x, y;

	/* GstVideoFrame knows the padding of the rows. */
	if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
	    !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
		return;
	for (y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame); y++) {
		const guint8 *row = (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) + y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);

		for (x = 0; x < GST_VIDEO_FRAME_WIDTH(&frame); x++)
			sum += row[x];
	}
	g_print("frame %u: %dx%d, brightness %u, message %s\n", number, info.width, info.height,
		(guint)(sum / ((guint64)info.width * info.height)), message ? message : "none");
	gst_video_frame_unmap(&frame);
}

int main(int argc, char **argv)
{
	GstElement *pipeline, *source, *out;
	GError *error = NULL;
	GstSample *sample;
	GstMessage *message;
	GstBus *bus;
	guint frames = 0;
	int status = 0;

	if (argc > 1 && (g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "--help"))) {
		g_print("%s\n\nUsage: %s\nExample: GST_PLUGIN_PATH=../../build %s\n", "Receives frames into memory and prints how bright each tenth picture is.",
			"receive [ADDRESS [PORT]]      default: * 5555", "./receive '*' 5555");
		return 0;
	}
	gst_init(&argc, &argv);
	pipeline = gst_parse_launch("netgearsrc name=source ! decodebin ! videoconvert ! video/x-raw,format=GRAY8 ! "
				    "appsink name=out sync=false max-buffers=1", &error);
	if (error) { /* as when the plugin is not found */
		g_printerr("%s\n", error->message);
		return 1;
	}
	source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
	out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
	g_object_set(source, "address", argc > 1 ? argv[1] : "*", "port", argc > 2 ? atoi(argv[2]) : 5555, NULL);
	g_signal_connect(source, "peer-added", G_CALLBACK(on_peer_added), NULL);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);

	/* NULL at the end of the stream, and after an error; while this program works on a frame, the sender waits. */
	while ((sample = gst_app_sink_pull_sample(GST_APP_SINK(out)))) {
		if (++frames % 10 == 0)
			look_at(sample, frames);
		gst_sample_unref(sample);
	}
	bus = gst_element_get_bus(pipeline);
	if ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR))) {
		gst_message_parse_error(message, &error, NULL);
		g_printerr("error: %s\n", error->message);
		g_clear_error(&error);
		gst_message_unref(message);
		status = 1;
	}
	gst_element_set_state(pipeline, GST_STATE_NULL);
	g_print("received %u frames\n", frames);
	gst_object_unref(bus);
	gst_object_unref(source);
	gst_object_unref(out);
	gst_object_unref(pipeline);
	return status;
}
