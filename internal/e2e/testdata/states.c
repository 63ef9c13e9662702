/* Takes pipelines through their states again and again, as an application
 * does, and prints one JSON object per pipeline:
 *
 *   states CYCLES FLAGS PIPELINE...
 *
 * FLAGS is a list of letters: p pause in between, e end the stream with an
 * event to the pipeline and time how long its end takes, f flush while playing,
 * t pause and go on twenty times, with no or next to no time in between, c first
 * do nothing until Go's runtime has one processor.
 * Times are in ms. */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"

static GArray *times;

static void set_state(GstElement *pipeline, GstState state)
{
	gint64 begin = g_get_monotonic_time();
	GstStateChangeReturn ret = gst_element_set_state(pipeline, state);
	double ms = (g_get_monotonic_time() - begin) / 1000.0;

	g_array_append_val(times, ms);
	if (ret == GST_STATE_CHANGE_FAILURE) {
		fprintf(stderr, "state change to %s failed\n", gst_element_state_get_name(state));
		exit(1);
	}
}

/* A source that nothing comes to; the plugin then counts as idle. */
static void calm(void)
{
	GstElement *pipeline = gst_parse_launch("netgearsrc port=0 ! fakesink", NULL);

	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(1800000);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_object_unref(pipeline);
}

static double end_of_stream(GstElement *pipeline)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	gint64 begin = g_get_monotonic_time();
	GstMessage *m;
	double ms = -1;

	gst_element_send_event(pipeline, gst_event_new_eos());
	m = gst_bus_timed_pop_filtered(bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
	if (m && GST_MESSAGE_TYPE(m) == GST_MESSAGE_EOS)
		ms = (g_get_monotonic_time() - begin) / 1000.0;
	if (m)
		gst_message_unref(m);
	gst_object_unref(bus);
	return ms;
}

int main(int argc, char **argv)
{
	int cycles, k, i, n;
	const char *flags;

	gst_init(&argc, &argv);
	cycles = atoi(argv[1]);
	flags = argv[2];
	for (k = 3; k < argc; k++) {
		int threads = 0, fds = 0;
		double eos = 0;

		if (strchr(flags, 'c'))
			calm();
		times = g_array_new(FALSE, FALSE, sizeof(double));
		for (i = 0; i < cycles; i++) {
			GError *error = NULL;
			GstElement *pipeline = gst_parse_launch(argv[k], &error);

			if (error) {
				fprintf(stderr, "%s\n", error->message);
				return 1;
			}
			set_state(pipeline, GST_STATE_PLAYING);
			g_usleep((i % 3) * 15000); /* no frame yet, in mid-frame, blocked */
			if (strchr(flags, 'f')) {
				gst_element_send_event(pipeline, gst_event_new_flush_start());
				gst_element_send_event(pipeline, gst_event_new_flush_stop(TRUE));
			}
			if (strchr(flags, 'e')) {
				double ms = end_of_stream(pipeline);
				if (ms < 0) {
					fprintf(stderr, "no end of stream\n");
					return 1;
				}
				eos = MAX(eos, ms);
			}
			for (n = 0; n < 20 && strchr(flags, 't'); n++) {
				set_state(pipeline, GST_STATE_PAUSED);
				g_usleep(n % 3 * 100);
				set_state(pipeline, GST_STATE_PLAYING);
				g_usleep(n % 4 * 100);
			}
			if (strchr(flags, 'p')) {
				set_state(pipeline, GST_STATE_PAUSED);
				if (i % 2)
					set_state(pipeline, GST_STATE_PLAYING);
			}
			set_state(pipeline, GST_STATE_NULL);
			gst_object_unref(pipeline);
			if (i == 4) { /* what is made once has been made */
				threads = settled("/proc/self/task", 0 + count("/proc/self/task"));
				fds = settled("/proc/self/fd", 0 + count("/proc/self/fd"));
			}
		}
		g_array_sort(times, by_value);
		printf("{\"p90\": %.3f, \"worst\": %.3f, \"eos\": %.3f, \"threads\": %d, \"threads_before\": %d, \"fds\": %d, \"fds_before\": %d}\n",
		       g_array_index(times, double, times->len * 9 / 10), g_array_index(times, double, times->len - 1), eos,
		       settled("/proc/self/task", threads + 4), threads, settled("/proc/self/fd", fds), fds);
		fflush(stdout);
		g_array_free(times, TRUE);
	}
	gst_deinit();
	return 0;
}
