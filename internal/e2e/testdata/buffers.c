/* Pushes buffers of every layout through netgearsink and netgearsrc in one
 * process and compares what comes out, pixel by pixel:
 *
 *   buffers PATTERN
 *
 * Prints one line per case, "ok NAME" or "FAILED NAME: why", and returns 0 when
 * all are ok. */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>

#include "../../../examples/programs/netgear-meta.h"

static GstElement *sender, *receiver, *src, *sink;
static GstClockTime last_pts = GST_CLOCK_TIME_NONE;
static int failures, frames;

static void fail(const char *name, const char *why)
{
	printf("FAILED %s: %s\n", name, why);
	failures++;
}

static guint8 pixel(int x, int y, int c) { return (guint8)(x * 3 + y * 5 + c * 7 + frames * 11); }

/* What a case does to the layout. */
enum { PLAIN, TIGHT, STRIDE, OFFSET, MEMORIES, PADDED_MEMORIES };

static GstMemory *wrapped(const guint8 *data, gsize size)
{
	guint8 *copy = g_malloc(size); /* g_memdup2 is of GLib 2.68 */

	memcpy(copy, data, size);
	return gst_memory_new_wrapped(0, copy, size, 0, size, copy, g_free);
}

static GstBuffer *make(int layout, const GstVideoInfo *info)
{
	int w = info->width, h = info->height, n = GST_VIDEO_INFO_COMP_PSTRIDE(info, 0);
	int stride = layout == TIGHT || layout == MEMORIES ? w * n : layout == STRIDE || layout == OFFSET || layout == PADDED_MEMORIES ? w * n + 37 : info->stride[0];
	gsize offset = layout == OFFSET ? 123 : 0, size = offset + (gsize)stride * h;
	guint8 *data;
	GstBuffer *buffer;
	int x, y, c;

	if (size < info->size && layout == PLAIN)
		size = info->size;
	data = g_malloc(size);
	memset(data, 0xee, size); /* must never arrive */
	for (y = 0; y < h; y++)
		for (x = 0; x < w; x++)
			for (c = 0; c < n; c++)
				data[offset + (gsize)y * stride + x * n + c] = pixel(x, y, c);
	if (layout == MEMORIES || layout == PADDED_MEMORIES) {
		gsize half = size / 2 + 1;
		buffer = gst_buffer_new();
		gst_buffer_append_memory(buffer, wrapped(data, half));
		gst_buffer_append_memory(buffer, wrapped(data + half, size - half));
		g_free(data);
	} else {
		buffer = gst_buffer_new_wrapped(data, size);
	}
	if (layout == STRIDE || layout == OFFSET || layout == PADDED_MEMORIES) {
		gsize offsets[4] = {offset};
		gint strides[4] = {stride};
		gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_INFO_FORMAT(info), w, h, 1, offsets, strides);
	}
	return buffer;
}

static gboolean same_pixels(GstSample *sample, const GstVideoInfo *want)
{
	GstVideoInfo info;
	GstVideoFrame frame;
	int x, y, c, n = GST_VIDEO_INFO_COMP_PSTRIDE(want, 0);
	gboolean same = TRUE;

	if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) || info.width != want->width || info.height != want->height ||
	    GST_VIDEO_INFO_FORMAT(&info) != GST_VIDEO_INFO_FORMAT(want))
		return FALSE;
	if (!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
		return FALSE;
	for (y = 0; y < info.height; y++) {
		const guint8 *row = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) + y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
		for (x = 0; x < info.width; x++)
			for (c = 0; c < n; c++)
				same = same && row[x * n + c] == pixel(x, y, c);
	}
	gst_video_frame_unmap(&frame);
	return same;
}

static void pass(const char *name, const char *format, int w, int h, int layout)
{
	GstCaps *caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, format, "width", G_TYPE_INT, w, "height", G_TYPE_INT, h,
					    "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
	GstVideoInfo info;
	GstBuffer *buffer;
	GstSample *sample;
	int before = failures;

	gst_video_info_from_caps(&info, caps);
	gst_app_src_set_caps(GST_APP_SRC(src), caps);
	buffer = make(layout, &info);
	GST_BUFFER_PTS(buffer) = frames * 40 * GST_MSECOND;
	GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
	gst_app_src_push_buffer(GST_APP_SRC(src), buffer);
	sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 5 * GST_SECOND);
	if (sample == NULL) {
		fail(name, "no frame within 5 s");
	} else {
		GstBuffer *out = gst_sample_get_buffer(sample);
		GstCustomMeta *meta = gst_buffer_get_custom_meta(out, "NetgearMeta");
		guint64 seq = 0;
		int fps_n = 0, fps_d = 1;

		if (!same_pixels(sample, &info))
			fail(name, "other pixels or other caps");
		if (!GST_BUFFER_PTS_IS_VALID(out) || (GST_CLOCK_TIME_IS_VALID(last_pts) && GST_BUFFER_PTS(out) < last_pts))
			fail(name, "no timestamp, or one that goes back");
		last_pts = GST_BUFFER_PTS(out);
		if (GST_BUFFER_DURATION(out) != 40 * GST_MSECOND)
			fail(name, "not the sender's duration");
		if (GST_BUFFER_FLAG_IS_SET(out, GST_BUFFER_FLAG_DISCONT) != (frames == 0))
			fail(name, "DISCONT not on the first frame alone");
		if (!meta || !gst_structure_get_uint64(gst_custom_meta_get_structure(meta), "seq", &seq) || (int)seq != frames)
			fail(name, "no meta, or another number");
		gst_structure_get_fraction(gst_caps_get_structure(gst_sample_get_caps(sample), 0), "framerate", &fps_n, &fps_d);
		if (fps_n != 25 || fps_d != 1)
			fail(name, "not the sender's frame rate");
		gst_sample_unref(sample);
	}
	if (failures == before)
		printf("ok %s\n", name);
	gst_caps_unref(caps);
	frames++;
}

static void latency(void)
{
	GstQuery *query = gst_query_new_latency();
	GstElement *e = gst_bin_get_by_name(GST_BIN(receiver), "ngsrc");
	gboolean live = FALSE;
	GstClockTime min = 0, max = 0;

	if (!gst_element_query(e, query))
		fail("latency", "not answered");
	gst_query_parse_latency(query, &live, &min, &max);
	if (!live || min > 50 * GST_MSECOND || max < min)
		fail("latency", "want live, at most a frame, max not below min");
	else
		printf("ok latency\n");
	gst_query_unref(query);
	gst_object_unref(e);
}

int main(int argc, char **argv)
{
	static const char *formats[] = {"BGR", "RGB", "GRAY8", "BGRx", "RGBx", "xBGR", "xRGB", "BGRA", "RGBA", "ABGR", "ARGB", "GRAY16_LE", "GRAY16_BE"};
	GstElement *e;
	guint port = 0, i;
	gchar *text;
	GstSample *sample;

	gst_init(&argc, &argv);
	text = g_strdup_printf("netgearsrc name=ngsrc port=0 address=127.0.0.1 pattern=%s ! appsink name=sink sync=false", argv[1]);
	receiver = gst_parse_launch(text, NULL);
	g_free(text);
	gst_element_set_state(receiver, GST_STATE_PLAYING);
	e = gst_bin_get_by_name(GST_BIN(receiver), "ngsrc");
	g_object_get(e, "current-port", &port, NULL);
	gst_object_unref(e);
	/* The source is live, so the first buffer would not wait for the connection by itself. */
	text = g_strdup_printf("appsrc name=src format=time is-live=true ! netgearsink name=ngsink wait-for-connection=true address=127.0.0.1 port=%u pattern=%s", port, argv[1]);
	sender = gst_parse_launch(text, NULL);
	g_free(text);
	src = gst_bin_get_by_name(GST_BIN(sender), "src");
	sink = gst_bin_get_by_name(GST_BIN(receiver), "sink");
	gst_element_set_state(sender, GST_STATE_PLAYING);
	if (strcmp(argv[1], "pub-sub") == 0)
		g_usleep(500000); /* a subscriber gets what is sent after it has subscribed */

	pass("rows padded as GStreamer does", "BGR", 37, 22, PLAIN);
	pass("rows without padding, no meta", "BGR", 37, 22, TIGHT);
	pass("stride of the meta", "BGR", 37, 22, STRIDE);
	pass("offset and stride of the meta", "BGR", 37, 22, OFFSET);
	pass("two memories", "BGR", 40, 22, MEMORIES);
	pass("two memories, rows padded", "BGR", 37, 23, PADDED_MEMORIES);
	pass("larger", "BGR", 320, 240, PLAIN);
	pass("one pixel", "BGR", 1, 1, PLAIN);
	for (i = 0; i < G_N_ELEMENTS(formats); i++)
		pass(formats[i], formats[i], 33 + i, 21, PLAIN);
	latency();

	gst_app_src_end_of_stream(GST_APP_SRC(src));
	sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 5 * GST_SECOND);
	if (sample != NULL || !gst_app_sink_is_eos(GST_APP_SINK(sink)))
		fail("end", "no end of stream");
	else
		printf("ok end\n");
	gst_element_set_state(sender, GST_STATE_NULL);
	gst_element_set_state(receiver, GST_STATE_NULL);
	gst_object_unref(src);
	gst_object_unref(sink);
	gst_object_unref(sender);
	gst_object_unref(receiver);
	gst_deinit();
	return failures > 0;
}
