/* Hands out what several cameras saw at one moment: a netgearsrc and an appsink for each, in C.
 *
 *   gcc -o cameras-in-step cameras-in-step.c $(pkg-config --cflags --libs gstreamer-app-1.0)
 *   GST_PLUGIN_PATH=../../build ./cameras-in-step [PORT...]      default: 5566 5567 5568
 *
 * With timestamp-mode=capture the time of a buffer is when its picture was taken, on one clock for all cameras, without NTP and
 * whatever the network did to it. Every tenth set is printed with its spread, the time between its first and its last picture.
 * The program ends with the cameras. The other end: netgearsink in pattern=pair, one for each port.
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#define MOST_CAMERAS 16
#define TOLERANCE (25 * GST_MSECOND) /* pictures that are further apart make no set: a camera of 30 frames/s has one every 33 ms */
#define LIMIT 100 /* frames that wait for those of a camera that is slow or gone */

typedef struct {
	GstAppSink *sink;
	GQueue frames; /* of GstSample, oldest first */
} Camera;

static GstClockTime time_of(gpointer sample) { return GST_BUFFER_PTS(gst_sample_get_buffer(sample)); }

static GstClockTime distance(gpointer sample, GstClockTime time)
{
	GstClockTime other = time_of(sample);

	return other > time ? other - time : time - other;
}

static void drop_oldest(Camera *camera) { gst_sample_unref(g_queue_pop_head(&camera->frames)); }

/* Takes in what the cameras have; TRUE: one of them has not ended. */
static gboolean take(Camera *cameras, guint n)
{
	gboolean alive = FALSE;
	guint i;

	for (i = 0; i < n; i++) {
		GstSample *sample = gst_app_sink_try_pull_sample(cameras[i].sink, 2 * GST_MSECOND);

		if (sample)
			g_queue_push_tail(&cameras[i].frames, sample);
		if (g_queue_get_length(&cameras[i].frames) > LIMIT)
			drop_oldest(&cameras[i]);
		alive |= sample || !gst_app_sink_is_eos(cameras[i].sink);
	}
	return alive;
}

/* Leaves at the head of each queue what was taken nearest to the oldest frame of the first camera. FALSE: not all are here yet. */
static gboolean align(Camera *cameras, guint n)
{
	GstClockTime time;
	guint i;

	if (g_queue_is_empty(&cameras[0].frames))
		return FALSE;
	time = time_of(g_queue_peek_head(&cameras[0].frames));
	for (i = 1; i < n; i++)
		if (g_queue_is_empty(&cameras[i].frames) || time_of(g_queue_peek_tail(&cameras[i].frames)) < time)
			return FALSE;
	for (i = 1; i < n; i++)
		while (g_queue_get_length(&cameras[i].frames) > 1 &&
		       distance(g_queue_peek_nth(&cameras[i].frames, 1), time) <= distance(g_queue_peek_head(&cameras[i].frames), time))
			drop_oldest(&cameras[i]);
	return TRUE;
}

/* From the first picture of a set taken to the last, ns. */
static GstClockTime spread_of(Camera *cameras, guint n)
{
	GstClockTime first = GST_CLOCK_TIME_NONE, last = 0;
	guint i;

	for (i = 0; i < n; i++) {
		GstClockTime time = time_of(g_queue_peek_head(&cameras[i].frames));

		first = MIN(first, time);
		last = MAX(last, time);
	}
	return last - first;
}

int main(int argc, char **argv)
{
	static const gchar *usual[] = {"5566", "5567", "5568"};
	const gchar *const *ports = argc > 1 ? (const gchar *const *)argv + 1 : usual;
	guint n = argc > 1 ? (guint)argc - 1 : G_N_ELEMENTS(usual), i, sets = 0;
	Camera cameras[MOST_CAMERAS] = {0};
	GstClockTime most = 0, sum = 0;
	GString *text;
	GstElement *pipeline;
	GError *error = NULL;
	gboolean alive = TRUE;

	if (argc > 1 && (g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "--help"))) {
		g_print("%s\n\nUsage: %s\nExample: GST_PLUGIN_PATH=../../build %s\n", "Hands out what several cameras saw at one moment, with the spread.",
			"cameras-in-step [PORT...]      default: 5566 5567 5568", "./cameras-in-step 5566 5567 5568");
		return 0;
	}
	if (n > MOST_CAMERAS) {
		g_printerr("%u ports: want at most %d\n", n, MOST_CAMERAS);
		return 2;
	}
	gst_init(NULL, NULL);
	text = g_string_new(NULL);
	for (i = 0; i < n; i++)
		g_string_append_printf(text, "netgearsrc port=%s timestamp-mode=capture latency=200 ! decodebin ! videoconvert ! appsink name=camera%u sync=false max-buffers=8 ",
				       ports[i], i);
	pipeline = gst_parse_launch(text->str, &error);
	if (error) { /* as when the plugin is not found */
		g_printerr("%s\n", error->message);
		return 1;
	}
	for (i = 0; i < n; i++) {
		gchar *name = g_strdup_printf("camera%u", i);

		cameras[i].sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), name));
		g_free(name);
	}
	gst_element_set_state(pipeline, GST_STATE_PLAYING);

	while (alive) {
		alive = take(cameras, n);
		while (align(cameras, n)) {
			GstClockTime spread = spread_of(cameras, n);

			if (spread <= TOLERANCE) { /* here the heads of the queues are a set */
				sum += spread;
				most = MAX(most, spread);
				if (++sets % 10 == 0)
					g_print("set %u: %u pictures, spread %.1f ms\n", sets, n, spread / 1e6);
			}
			drop_oldest(&cameras[0]);
		}
	}
	if (sets > 0)
		g_print("%u sets, spread %.1f ms on average, %.1f ms at the most\n", sets, sum / 1e6 / sets, most / 1e6);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	for (i = 0; i < n; i++) {
		while (!g_queue_is_empty(&cameras[i].frames))
			drop_oldest(&cameras[i]);
		gst_object_unref(cameras[i].sink);
	}
	gst_object_unref(pipeline);
	g_string_free(text, TRUE);
	return 0;
}
