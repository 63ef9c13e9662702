/* Does to a pipeline whatever an application may do to one, and prints what it
 * took as one JSON object:
 *
 *   matrix PIPELINE
 *
 * The element in question has the name x. Each operation begins with a new
 * pipeline and ends with it in NULL, after no time and after some. Times are in
 * ms. Errors are those that x posted, as DOMAIN/CODE, by operation. */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"

static GArray *times;
static GMutex mutex; /* of times, slowest and errors */
static double slowest;
static char slowest_name[128];
static GString *errors;
static const char *operation;
static GstElement *pipeline, *x;

static void took(const char *what, gint64 begin)
{
	double ms = (g_get_monotonic_time() - begin) / 1000.0;

	g_mutex_lock(&mutex);
	g_array_append_val(times, ms);
	if (ms > slowest) {
		slowest = ms;
		g_snprintf(slowest_name, sizeof slowest_name, "%s: %s", operation, what);
	}
	g_mutex_unlock(&mutex);
}

#define TIMED(call) do { gint64 begin = g_get_monotonic_time(); call; took(#call, begin); } while (0)

static void set_state(GstElement *element, GstState state)
{
	gint64 begin = g_get_monotonic_time();

	gst_element_set_state(element, state);
	took(gst_element_state_get_name(state), begin);
}

static gboolean is_sink(void) { return GST_OBJECT_FLAG_IS_SET(x, GST_ELEMENT_FLAG_SINK); }

static GstBusSyncReply on_message(GstBus *bus, GstMessage *m, gpointer unused)
{
	(void)bus;
	(void)unused;
	if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR && GST_MESSAGE_SRC(m) == GST_OBJECT(x)) {
		GError *error = NULL;
		gchar *text;

		gst_message_parse_error(m, &error, NULL);
		text = g_strescape(error->message, NULL);
		g_mutex_lock(&mutex);
		g_string_append_printf(errors, "%s\"%s/%d during %s: %s\"", errors->len ? ", " : "", g_quark_to_string(error->domain), error->code,
				       operation, text);
		g_mutex_unlock(&mutex);
		g_free(text);
		g_error_free(error);
	}
	gst_message_unref(m);
	return GST_BUS_DROP;
}

/* --- the operations: on a pipeline in NULL, for a dwell in us --- */

static void step_by_step(int dwell)
{
	static const GstState path[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY,
					GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL, GST_STATE_READY, GST_STATE_NULL};
	guint i;

	for (i = 0; i < G_N_ELEMENTS(path); i++) {
		set_state(pipeline, path[i]);
		g_usleep(dwell / 4);
	}
}

static void at_once(int dwell)
{
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	set_state(pipeline, GST_STATE_NULL); /* in mid-frame */
	set_state(pipeline, GST_STATE_READY);
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	set_state(pipeline, GST_STATE_READY);
	set_state(pipeline, GST_STATE_PAUSED);
}

static void element_alone(int dwell)
{
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	gst_element_set_locked_state(x, TRUE);
	set_state(x, GST_STATE_PAUSED);
	set_state(x, GST_STATE_PLAYING);
	set_state(x, GST_STATE_READY);
	gst_element_set_locked_state(x, FALSE);
	TIMED(gst_element_sync_state_with_parent(x));
}

static void flush(int dwell)
{
	int i;

	set_state(pipeline, GST_STATE_PLAYING);
	for (i = 0; i < 3; i++) {
		g_usleep(dwell);
		TIMED(gst_element_send_event(pipeline, gst_event_new_flush_start()));
		TIMED(gst_element_send_event(pipeline, gst_event_new_flush_stop(TRUE)));
		if (is_sink()) {
			GstPad *pad = gst_element_get_static_pad(x, "sink");

			TIMED(gst_pad_send_event(pad, gst_event_new_flush_start()));
			g_usleep(dwell / 4);
			TIMED(gst_pad_send_event(pad, gst_event_new_flush_stop(i % 2)));
			gst_object_unref(pad);
		}
		if (i == 1)
			set_state(pipeline, GST_STATE_PAUSED);
	}
}

static void seek(int dwell)
{
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	TIMED(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
	g_usleep(dwell);
	set_state(pipeline, GST_STATE_PAUSED);
	TIMED(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SECOND));
	set_state(pipeline, GST_STATE_PLAYING);
}

static void end_of_stream(int dwell)
{
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	TIMED(gst_element_send_event(pipeline, gst_event_new_eos()));
	g_usleep(dwell);
	set_state(pipeline, GST_STATE_PAUSED); /* while the sink says goodbye */
	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
}

static void change_caps(int dwell)
{
	GstElement *filter = gst_bin_get_by_name(GST_BIN(pipeline), "caps");
	int i;

	set_state(pipeline, GST_STATE_PLAYING);
	for (i = 0; filter && i < 4; i++) {
		GstCaps *caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, i % 2 ? "BGR" : "GRAY8", "width", G_TYPE_INT, 40 + i,
						    "height", G_TYPE_INT, 30, "framerate", GST_TYPE_FRACTION, 100, 1, NULL);
		g_usleep(dwell);
		TIMED(g_object_set(filter, "caps", caps, NULL));
		gst_caps_unref(caps);
	}
	g_clear_pointer(&filter, gst_object_unref);
}

/* Reads every property, and sets those that may change while playing. */
static void properties(int dwell)
{
	GParamSpec **specs;
	guint n, i, set = 0;

	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(x), &n);
	for (i = 0; i < n; i++) {
		GValue value = G_VALUE_INIT;

		if (specs[i]->owner_type != G_OBJECT_TYPE(x) || !(specs[i]->flags & G_PARAM_READABLE))
			continue;
		g_value_init(&value, specs[i]->value_type);
		TIMED(g_object_get_property(G_OBJECT(x), specs[i]->name, &value));
		if ((specs[i]->flags & G_PARAM_WRITABLE) && (specs[i]->flags & GST_PARAM_MUTABLE_PLAYING)) {
			if (G_VALUE_HOLDS_BOOLEAN(&value))
				g_value_set_boolean(&value, !g_value_get_boolean(&value));
			else if (G_VALUE_HOLDS_STRING(&value))
				g_value_set_string(&value, "{\"a\": [1, 2]}");
			else if (G_VALUE_HOLDS_ENUM(&value))
				g_value_set_enum(&value, 1);
			TIMED(g_object_set_property(G_OBJECT(x), specs[i]->name, &value));
			set++;
		}
		g_value_unset(&value);
	}
	g_free(specs);
	if (set < 3) {
		fprintf(stderr, "only %u properties may change while playing\n", set);
		exit(1);
	}
	g_usleep(dwell);
}

static GstPadProbeReturn on_blocked(GstPad *pad, GstPadProbeInfo *info, gpointer blocked)
{
	(void)pad;
	(void)info;
	g_atomic_int_set((gint *)blocked, TRUE);
	return GST_PAD_PROBE_OK;
}

/* Takes x out of the running pipeline, as applications do it, and puts it or
 * another one in its place. */
static void take_out(int dwell)
{
	int i;

	set_state(pipeline, GST_STATE_PLAYING);
	for (i = 0; i < 2; i++) {
		GstPad *pad = gst_element_get_static_pad(x, is_sink() ? "sink" : "src"), *peer = gst_pad_get_peer(pad), *new_pad;
		GstElement *old = x;
		gint blocked = FALSE;
		int n;
		gulong probe = 0;

		g_usleep(dwell);
		if (is_sink()) {
			probe = gst_pad_add_probe(peer, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, on_blocked, &blocked, NULL);
			/* A sink that waits for its peer lets no pad block before it is unlocked. */
			for (n = 0; n < 20 && !g_atomic_int_get(&blocked); n++)
				g_usleep(1000);
			gst_pad_unlink(peer, pad);
		} else {
			gst_pad_unlink(pad, peer);
		}
		gst_object_ref(old);
		TIMED(gst_bin_remove(GST_BIN(pipeline), old));
		set_state(old, GST_STATE_NULL);
		if (i == 1) { /* another one, with the same settings */
			guint n_specs, k;
			GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(old), &n_specs);

			x = gst_element_factory_create(gst_element_get_factory(old), "x2");
			for (k = 0; k < n_specs; k++) {
				GValue value = G_VALUE_INIT;

				if (specs[k]->owner_type != G_OBJECT_TYPE(old) || (specs[k]->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE || strcmp(specs[k]->name, "uri") == 0)
					continue;
				g_value_init(&value, specs[k]->value_type);
				g_object_get_property(G_OBJECT(old), specs[k]->name, &value);
				g_object_set_property(G_OBJECT(x), specs[k]->name, &value);
				g_value_unset(&value);
			}
			g_free(specs);
			gst_object_ref(x);
			gst_object_unref(old); /* ours, as of x */
		}
		gst_bin_add(GST_BIN(pipeline), x);
		new_pad = gst_element_get_static_pad(x, is_sink() ? "sink" : "src");
		if (is_sink() ? gst_pad_link(peer, new_pad) : gst_pad_link(new_pad, peer)) {
			fprintf(stderr, "cannot link again\n");
			exit(1);
		}
		TIMED(gst_element_sync_state_with_parent(x));
		if (probe)
			gst_pad_remove_probe(peer, probe);
		g_usleep(dwell);
		gst_object_unref(old);
		gst_object_unref(new_pad);
		gst_object_unref(pad);
		gst_object_unref(peer);
	}
}

static gpointer changer(gpointer seed)
{
	static const GstState states[] = {GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL};
	int i;

	for (i = 0; i < 8; i++) {
		set_state(pipeline, states[(i * 3 + GPOINTER_TO_INT(seed)) % G_N_ELEMENTS(states)]);
		g_usleep(GPOINTER_TO_INT(seed) * 500);
	}
	return NULL;
}

static void several_threads(int dwell)
{
	GThread *threads[3];
	guint i;

	set_state(pipeline, GST_STATE_PLAYING);
	g_usleep(dwell);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new(NULL, changer, GINT_TO_POINTER(i));
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
}

/* --- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int dwell);
	} operations[] = {
		{"step by step", step_by_step}, {"at once", at_once},	  {"element alone", element_alone}, {"flush", flush},
		{"seek", seek},			{"end of stream", end_of_stream}, {"caps", change_caps},	    {"properties", properties},
		{"take out", take_out},		{"several threads", several_threads},
	};
	static const int dwells[] = {0, 2000, 25000}; /* no frame yet, in mid-frame, blocked or streaming */
	int threads = 0, fds = 0;
	guint k, d;

	gst_init(&argc, &argv);
	times = g_array_new(FALSE, FALSE, sizeof(double));
	errors = g_string_new(NULL);
	for (k = 0; k < G_N_ELEMENTS(operations); k++) {
		for (d = 0; d < G_N_ELEMENTS(dwells); d++) {
			GError *error = NULL;
			GstBus *bus;

			operation = operations[k].name;
			pipeline = gst_parse_launch(argv[1], &error);
			if (error) {
				fprintf(stderr, "%s\n", error->message);
				return 1;
			}
			x = gst_bin_get_by_name(GST_BIN(pipeline), "x");
			bus = gst_element_get_bus(pipeline);
			gst_bus_set_sync_handler(bus, on_message, NULL, NULL);
			operations[k].run(dwells[d]);
			set_state(pipeline, GST_STATE_NULL);
			gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
			gst_object_unref(bus);
			gst_object_unref(x);
			gst_object_unref(pipeline);
		}
		if (k == 1) { /* what is made once has been made */
			threads = count("/proc/self/task");
			fds = count("/proc/self/fd");
		}
	}
	g_array_sort(times, by_value);
	printf("{\"n\": %u, \"p90\": %.3f, \"worst\": %.3f, \"of\": \"%s\", \"errors\": [%s], \"threads\": %d, \"threads_before\": %d, \"fds\": %d, \"fds_before\": %d}\n",
	       times->len, g_array_index(times, double, times->len * 9 / 10), slowest, slowest_name, errors->str,
	       settled("/proc/self/task", threads + 4), threads, settled("/proc/self/fd", fds), fds);
	g_array_free(times, TRUE);
	g_string_free(errors, TRUE);
	gst_deinit();
	return 0;
}
