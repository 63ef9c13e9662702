/* Drives netgeardemux with real elements behind its pads, of which one does not
 * get on: it must hold up neither the other, nor the end of the stream, nor a
 * change of state. And walls of cameras, which begin at different times. Prints
 * one line per case, "ok NAME" or "FAILED NAME: why", and returns 0 when all are
 * ok. */
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "../../../examples/programs/netgear-meta.h"
#include "case.h"

enum { patience = 10 * G_USEC_PER_SEC };

static GstElement *pipeline, *appsrc;

/* --- what a pad sees --- */

typedef struct {
	gint frames, ended; /* atomic */
} Seen;

static GstPadProbeReturn see(GstPad *pad, GstPadProbeInfo *info, gpointer p)
{
	Seen *seen = p;

	(void)pad;
	if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
		g_atomic_int_inc(&seen->frames);
	else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
		g_atomic_int_set(&seen->ended, 1);
	return GST_PAD_PROBE_OK;
}

static void watch(const char *element, Seen *seen)
{
	GstElement *e = gst_bin_get_by_name(GST_BIN(pipeline), element);
	GstPad *pad = gst_element_get_static_pad(e, "sink");

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, see, seen, NULL);
	gst_object_unref(pad);
	gst_object_unref(e);
}

static gboolean reaches(gint *what, gint n)
{
	gint64 deadline = g_get_monotonic_time() + patience;

	while (g_atomic_int_get(what) < n && g_get_monotonic_time() < deadline)
		g_usleep(1000);
	return g_atomic_int_get(what) >= n;
}

/* --- frames --- */

static GstCaps *caps;

static void feed(const char *port)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, 64 * 16 * 3, NULL);
	GstSample *sample;

	gst_buffer_memset(buffer, 0, 100, 64 * 16 * 3);
	GST_BUFFER_DURATION(buffer) = 20 * GST_MSECOND; /* without, videomixer leaks its last frames */
	gst_structure_set(gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer, "NetgearMeta")), "port", G_TYPE_STRING, port, NULL);
	sample = gst_sample_new(buffer, caps, NULL, NULL);
	gst_app_src_push_sample(GST_APP_SRC(appsrc), sample);
	gst_sample_unref(sample);
	gst_buffer_unref(buffer);
}

/* --- cases --- */

static void launch(const char *n, const char *branches)
{
	GError *error = NULL;
	char *text = g_strdup_printf("appsrc name=src format=time is-live=true do-timestamp=true ! netgeardemux name=d %s", branches);

	begin_case(n);
	pipeline = gst_parse_launch(text, &error);
	if (error) {
		fail("%s", error->message);
		exit(1);
	}
	g_free(text);
	appsrc = gst_bin_get_by_name(GST_BIN(pipeline), "src");
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
}

static void no_error(void)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *m = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
	GError *error = NULL;

	if (m) {
		gst_message_parse_error(m, &error, NULL);
		fail("%s: %s", GST_MESSAGE_SRC_NAME(m), error->message);
		g_clear_error(&error);
		gst_message_unref(m);
	}
	gst_object_unref(bus);
}

/* Unless something waits, it takes a fraction of a millisecond. */
static void set_state(GstState state)
{
	gint64 begun = g_get_monotonic_time();

	gst_element_set_state(pipeline, state);
	if (g_get_monotonic_time() - begun > 2 * G_USEC_PER_SEC)
		fail("the change to %s waits", gst_element_state_get_name(state));
}

static void land(void)
{
	set_state(GST_STATE_NULL);
	gst_object_unref(appsrc);
	gst_object_unref(pipeline);
	end_case();
}

enum { frames = 60 };

/* The pad src_2, which is seen, gets its frames and its end. */
static void free_pad_goes_on(Seen *seen)
{
	int i;

	for (i = 0; i < frames; i++) {
		feed("1");
		feed("2");
		g_usleep(10000);
	}
	if (!reaches(&seen->frames, frames))
		fail("%d of %d frames reach the other pad", seen->frames, frames);
	no_error();
	gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
	if (!reaches(&seen->ended, 1))
		fail("the end does not reach the other pad");
}

/* The pad src_1 does not get on, the pad src_2 is free. */
static void one_stops(const char *n, const char *branch)
{
	Seen seen = {0, 0};
	char *text = g_strdup_printf("d.src_1 ! %s d.src_2 ! fakesink name=free sync=false async=false", branch);

	launch(n, text);
	g_free(text);
	watch("free", &seen);
	free_pad_goes_on(&seen);
	set_state(GST_STATE_PAUSED);
	set_state(GST_STATE_PLAYING);
	land();
}

static const struct {
	const char *name, *branch;
} stops[] = {
	{"appsink that nobody reads", "appsink max-buffers=1 drop=false sync=false async=false"},
	{"full queue", "queue max-size-buffers=1 max-size-time=0 max-size-bytes=0 ! appsink max-buffers=1 sync=false async=false"},
	{"tee with a branch that is full", "tee name=t ! fakesink async=false t. ! appsink max-buffers=1 sync=false async=false"},
	{"identity that sleeps", "identity sleep-time=300000 ! fakesink async=false"},
	{"closed valve", "valve drop=true ! fakesink async=false"},
	{"sink that waits for the clock", "identity ts-offset=0 ! fakesink async=false sync=true ts-offset=3600000000000"},
	{"compositor that waits for another", "compositor name=c ! fakesink async=false appsrc format=time ! c."},
	{"muxer that waits for another", "matroskamux name=m ! fakesink async=false appsrc format=time ! video/x-raw,format=BGR,width=64,height=16,framerate=25/1 ! m."},
	{"videomixer that waits for another", "videomixer name=x ! fakesink async=false appsrc format=time ! x."},
	{"concat at another", "concat name=k ! fakesink async=false appsrc format=time ! k."},
	{"input-selector that waits for another", "s.sink_1 input-selector name=s sync-mode=clock sync-streams=true ! fakesink async=false appsrc format=time ! s.sink_0"},
	{"funnel into a full queue", "funnel ! queue max-size-buffers=1 ! appsink max-buffers=1 sync=false async=false"},
	{"pad that nobody links", "fakesink async=false d.src_3 ! fakesink async=false"},
};

/* In a state of its own, as a program does that shows a branch at times. */
static void locked(GstState state)
{
	Seen seen = {0, 0};
	GstElement *sink;

	launch(state == GST_STATE_PAUSED ? "sink that stays paused" : "branch that is taken down",
	       "d.src_1 ! queue max-size-buffers=1 ! fakesink name=own async=false sync=false d.src_2 ! fakesink name=free sync=false async=false");
	watch("free", &seen);
	sink = gst_bin_get_by_name(GST_BIN(pipeline), "own");
	gst_element_set_locked_state(sink, TRUE);
	gst_element_set_state(sink, state);
	free_pad_goes_on(&seen);
	gst_element_set_locked_state(sink, FALSE);
	gst_object_unref(sink);
	land();
}

static GstPadProbeReturn stay(GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
	(void)pad;
	(void)info;
	(void)unused;
	return GST_PAD_PROBE_OK; /* blocked */
}

static void block_pad(GstElement *e, GstPad *pad, gpointer unused)
{
	(void)e;
	(void)unused;
	if (strcmp(GST_PAD_NAME(pad), "src_1") == 0)
		gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, stay, NULL, NULL);
}

static void blocked(void)
{
	Seen seen = {0, 0};
	GstElement *d;
	int i;

	launch("pad that a program has blocked", "d.src_1 ! fakesink async=false d.src_2 ! fakesink name=free sync=false async=false");
	watch("free", &seen);
	d = gst_bin_get_by_name(GST_BIN(pipeline), "d");
	g_signal_connect(d, "pad-added", G_CALLBACK(block_pad), NULL);
	gst_object_unref(d);
	for (i = 0; i < frames; i++) {
		feed("1");
		feed("2");
		g_usleep(10000);
	}
	if (!reaches(&seen.frames, frames))
		fail("%d of %d frames reach the other pad", seen.frames, frames);
	land();
}

/* Nothing is lost where holding up the stream hurts nobody: one pad, slower
 * than what comes. */
static void slow_alone(void)
{
	Seen seen = {0, 0};
	int i;

	launch("one slow pad alone", "d.src_1 ! identity sleep-time=5000 ! fakesink name=slow sync=false async=false");
	watch("slow", &seen);
	for (i = 0; i < 200; i++)
		feed("1");
	gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
	if (!reaches(&seen.ended, 1) || seen.frames != 200)
		fail("%d of 200 frames", seen.frames);
	land();
}

/* Two cameras into a mixer, the second one ms later. */
static void wall(const char *mixer, const char *first, const char *second, int ms)
{
	Seen seen = {0, 0};
	char *text = g_strdup_printf("%s name=wall ! fakesink name=wallsink sync=false async=false"
				     " d.src_1 ! queue ! videoconvert ! wall. d.src_2 ! queue ! videoconvert ! wall.", mixer);
	char *n = g_strdup_printf("%s, %s then %s after %d ms", mixer, first, second, ms);
	int i, many;

	launch(n, text);
	watch("wallsink", &seen);
	for (i = 0; i < ms / 20; i++) {
		feed(first);
		g_usleep(20000);
	}
	many = g_atomic_int_get(&seen.frames) + 50;
	for (i = 0; i < 500 && g_atomic_int_get(&seen.frames) < many; i++) {
		feed(first);
		feed(second);
		g_usleep(20000);
	}
	if (g_atomic_int_get(&seen.frames) < many)
		fail("%d pictures, want %d", seen.frames, many);
	no_error();
	gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
	if (!reaches(&seen.ended, 1))
		fail("no end");
	land();
	g_free(text);
	g_free(n);
}

int main(int argc, char **argv)
{
	static const int delays[] = {0, 100, 1000, 3000};
	static const char *mixers[] = {"compositor", "videomixer", "matroskamux"};
	GstElement *e;
	guint i, j;

	gst_init(&argc, &argv);
	e = gst_element_factory_make("netgeardemux", NULL); /* loads the plugin, which knows the meta */
	if (e == NULL)
		return 1;
	gst_object_unref(gst_object_ref_sink(e));
	caps = gst_caps_from_string("video/x-raw,format=BGR,width=64,height=16,framerate=50/1");
	for (i = 0; i < G_N_ELEMENTS(stops); i++)
		one_stops(stops[i].name, stops[i].branch);
	locked(GST_STATE_PAUSED);
	locked(GST_STATE_READY);
	blocked();
	slow_alone();
	for (i = 0; i < G_N_ELEMENTS(mixers); i++)
		for (j = 0; j < (i == 0 ? G_N_ELEMENTS(delays) : 2); j++) {
			wall(mixers[i], "1", "2", delays[j]);
			wall(mixers[i], "2", "1", delays[j]);
		}
	gst_caps_unref(caps);
	gst_deinit();
	return failures > 0;
}
