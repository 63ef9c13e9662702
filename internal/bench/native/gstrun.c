/* gstrun: runs a pipeline for a benchmark and prints what one end of it saw.
 *
 *     gstrun LAUNCH_LINE            receives: counts at the elements whose names
 *                                   begin with "end"
 *     gstrun LAUNCH_LINE FILE N     sends: "benchsrc caps=..." in the line gives
 *                                   the bytes of FILE N times, without copying,
 *                                   the first one after wait= milliseconds,
 *                                   with timestamps rate= a second
 *
 * GSTRUN_TIMES=file has the time of each buffer written there, in nanoseconds of
 * the machine's monotonic clock, which all processes share, one a line.
 *
 * One line of JSON at the end of the stream: frames and bytes between the first
 * and the last buffer, seconds, CPU seconds of this process in between, peak
 * memory. Nothing of process start is in it.
 */
#include "measure.h"

#include <gst/base/gstpushsrc.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static gchar *payload;
static gsize payload_size;
static guint64 payload_count;

/* ---- benchsrc: the same bytes again and again ---------------------------- */

typedef struct {
	GstPushSrc parent;
	GstBuffer *buffer;
	guint64 n;
	gchar *caps;
	guint wait; /* ms */
	guint rate; /* frames/s, of the timestamps */
} BenchSrc;

typedef struct {
	GstPushSrcClass parent;
} BenchSrcClass;

GType bench_src_get_type(void);
G_DEFINE_TYPE(BenchSrc, bench_src, GST_TYPE_PUSH_SRC)

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn bench_src_create(GstPushSrc *push, GstBuffer **out)
{
	BenchSrc *self = (BenchSrc *)push;
	GstBuffer *b;

	if (self->n >= payload_count)
		return GST_FLOW_EOS;
	if (self->n == 0 && self->wait > 0)
		g_usleep(self->wait * 1000ul);
	if (self->buffer == NULL)
		self->buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, payload, payload_size, 0, payload_size, NULL, NULL);
	b = gst_buffer_copy(self->buffer); /* shares the memory */
	GST_BUFFER_PTS(b) = self->n * GST_SECOND / self->rate;
	GST_BUFFER_DURATION(b) = GST_SECOND / self->rate;
	self->n++;
	*out = b;
	return GST_FLOW_OK;
}

static void bench_src_finalize(GObject *object)
{
	BenchSrc *self = (BenchSrc *)object;

	gst_clear_buffer(&self->buffer);
	g_free(self->caps);
	G_OBJECT_CLASS(bench_src_parent_class)->finalize(object);
}

static void bench_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
	BenchSrc *self = (BenchSrc *)object;

	if (id != 1) {
		*(id == 2 ? &self->wait : &self->rate) = g_value_get_uint(value);
		return;
	}
	g_free(self->caps);
	self->caps = g_value_dup_string(value);
}

static GstCaps *bench_src_get_caps(GstBaseSrc *base, GstCaps *filter)
{
	BenchSrc *self = (BenchSrc *)base;

	return self->caps ? gst_caps_from_string(self->caps) : gst_caps_new_any();
}

static void bench_src_class_init(BenchSrcClass *klass)
{
	GObjectClass *object = G_OBJECT_CLASS(klass);

	object->finalize = bench_src_finalize;
	object->set_property = bench_src_set_property;
	g_object_class_install_property(object, 1, g_param_spec_string("caps", "", "", NULL, G_PARAM_WRITABLE));
	g_object_class_install_property(object, 2, g_param_spec_uint("wait", "", "", 0, 60000, 0, G_PARAM_WRITABLE));
	g_object_class_install_property(object, 3, g_param_spec_uint("rate", "", "", 1, 1000000, 30, G_PARAM_WRITABLE));
	GST_PUSH_SRC_CLASS(klass)->create = bench_src_create;
	GST_BASE_SRC_CLASS(klass)->get_caps = bench_src_get_caps;
	gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &src_template);
	gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "bench source", "Source", "the same bytes again and again", "gst-netgear developers");
}

static void bench_src_init(BenchSrc *self)
{
	self->rate = 30;
	gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

/* ---- counting ------------------------------------------------------------- */

typedef struct {
	gint64 at; /* us */
	double cpu;
} Moment;

#define MAX_ENDS 256

static GMutex lock;
static Moment first, last;
static guint64 frames, bytes;
static guint64 per_end[MAX_ENDS];
static guint ends;
static FILE *times;

static Moment now(void) { return (Moment){g_get_monotonic_time(), cpu_seconds()}; }

/* getrusage costs a microsecond: for small frames that would show. */
static gboolean weighs(guint64 n) { return n % 64 == 0; }

static GstPadProbeReturn count(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	g_mutex_lock(&lock);
	if (frames == 0)
		first = now();
	else
		bytes += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
	if (weighs(frames))
		last.cpu = cpu_seconds();
	last.at = g_get_monotonic_time();
	frames++;
	if (times) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		fprintf(times, "%lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec);
	}
	(*(guint64 *)data)++;
	g_mutex_unlock(&lock);
	return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn ended(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	g_mutex_lock(&lock);
	if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS && frames > 0)
		last.cpu = cpu_seconds();
	g_mutex_unlock(&lock);
	return GST_PAD_PROBE_OK;
}

static void watch(const GValue *value, gpointer data)
{
	GstElement *element = g_value_get_object(value);
	gchar *name = gst_element_get_name(element);
	GstPad *pad = gst_element_get_static_pad(element, "sink");

	if (pad == NULL) /* the source itself */
		pad = gst_element_get_static_pad(element, "src");
	if (pad && g_str_has_prefix(name, "end") && ends < MAX_ENDS) {
		gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, &per_end[ends++], NULL);
		gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, ended, NULL, NULL);
	}
	gst_clear_object(&pad);
	g_free(name);
}

int main(int argc, char **argv)
{
	GError *error = NULL;
	GstElement *pipeline;
	GstMessage *message;
	GstIterator *elements;
	guint64 least = G_MAXUINT64;
	int status = 0;

	gst_init(NULL, NULL);
	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: gstrun LAUNCH_LINE [FILE N]\n");
		return 2;
	}
	if (argc == 4) {
		if (!g_file_get_contents(argv[2], &payload, &payload_size, &error)) {
			fprintf(stderr, "%s\n", error->message);
			return 2;
		}
		payload_count = g_ascii_strtoull(argv[3], NULL, 10);
	}
	if (g_getenv("GSTRUN_TIMES"))
		times = fopen(g_getenv("GSTRUN_TIMES"), "w");
	gst_element_register(NULL, "benchsrc", GST_RANK_NONE, bench_src_get_type());
	pipeline = gst_parse_launch(argv[1], &error);
	if (error) {
		fprintf(stderr, "%s\n", error->message);
		return 2;
	}
	elements = gst_bin_iterate_elements(GST_BIN(pipeline));
	gst_iterator_foreach(elements, watch, NULL);
	gst_iterator_free(elements);
	if (ends == 0) {
		fprintf(stderr, "no element named \"end\"\n");
		return 2;
	}
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	printf("{\"event\": \"started\"}\n");
	fflush(stdout);
	message = gst_bus_timed_pop_filtered(GST_ELEMENT_BUS(pipeline), GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		gst_message_parse_error(message, &error, NULL);
		fprintf(stderr, "%s\n", error->message);
		status = 1;
	}
	for (guint i = 0; i < ends; i++)
		least = MIN(least, per_end[i]);
	printf("{\"event\": \"end\", \"frames\": %" G_GUINT64_FORMAT ", \"least\": %" G_GUINT64_FORMAT ", \"bytes\": %" G_GUINT64_FORMAT
	       ", \"seconds\": %.6f, \"cpu\": %.6f, \"peak_kib\": %ld}\n",
		frames, least, bytes, (double)(last.at - first.at) / 1e6, last.cpu - first.cpu, peak_kib());
	fflush(stdout);
	if (times)
		fclose(times);
	gst_message_unref(message);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_object_unref(pipeline);
	return status;
}
