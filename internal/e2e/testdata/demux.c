/* Drives netgeardemux in one process: most cases with a pad before it and pads
 * behind it that write down what they see. Each pad has a thread of its own, so
 * what must be seen is waited for.
 * Prints one line per case, "ok NAME" or "FAILED NAME: why", and returns 0 when
 * all are ok. */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "../../../examples/programs/netgear-meta.h"
#include "case.h"

static void same(const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail("%s:\n  got  %s\n  want %s", what, got, want);
}

static void same_int(const char *what, int got, int want)
{
	if (got != want)
		fail("%s: %d, want %d", what, got, want);
}

/* --- frames --- */

static GstCaps *caps_of(int width)
{
	return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "GRAY8", "width", G_TYPE_INT, width, "height", G_TYPE_INT, 8,
				   "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
}

static GstBuffer *frame_of(const char *port, int width, int grey)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, width * 8, NULL);

	gst_buffer_memset(buffer, 0, grey, width * 8);
	if (port)
		gst_structure_set(gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer, "NetgearMeta")), "port", G_TYPE_STRING,
				  port, "message", G_TYPE_STRING, "null", NULL);
	return buffer;
}

static GstEvent *goodbye_of(const char *port)
{
	return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new("netgear-terminate", "port", G_TYPE_STRING, port, NULL));
}

/* --- a demuxer between pads of ours --- */

typedef struct {
	char *name;
	GstPad *pad;
	GString *log;
	GstFlowReturn ret;
	guint group_id;
	char *stream_id;
	/* Held up; what came is noted only then. With the lock. */
	gboolean held, inside, flushing;
	int width;            /* of the caps */
	guint64 last;         /* number of the last frame */
	gint frames, wrong;   /* so many came, so many did not fit what came before */
	gboolean ended;
} Branch;

static GstStaticPadTemplate any = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstElement *demux;
static GstBus *bus;
static GstPad *source;
static GString *pads; /* added and removed */
static GString *upward;
static GPtrArray *branches;
static GstFlowReturn next_ret; /* of the branches to come */
static GMutex lock;            /* of the branches */
static GCond changed;
static gboolean linking;

static GstFlowReturn branch_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	Branch *b = gst_pad_get_element_private(pad);
	GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "NetgearMeta");

	(void)parent;
	g_mutex_lock(&lock);
	b->inside = TRUE;
	g_cond_broadcast(&changed);
	while (b->held && !b->flushing)
		g_cond_wait(&changed, &lock);
	b->inside = FALSE;
	if (b->flushing) {
		g_mutex_unlock(&lock);
		gst_buffer_unref(buffer);
		return GST_FLOW_FLUSHING;
	}
	if ((GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT) && b->last + 1 != GST_BUFFER_OFFSET(buffer)) ||
	    b->width * 8 != (int)gst_buffer_get_size(buffer) ||
	    (b->last + 1 != GST_BUFFER_OFFSET(buffer) && !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)))
		b->wrong++;
	b->last = GST_BUFFER_OFFSET(buffer);
	b->frames++;
	g_string_append_printf(b->log, " %s%s", meta ? gst_structure_get_string(gst_custom_meta_get_structure(meta), "port") : "none",
			       GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) ? "!" : "");
	g_mutex_unlock(&lock);
	gst_buffer_unref(buffer);
	return b->ret;
}

static gboolean branch_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	Branch *b = gst_pad_get_element_private(pad);
	const gchar *id;
	GstCaps *caps;
	int width = 0;

	(void)parent;
	g_mutex_lock(&lock);
	switch (GST_EVENT_TYPE(event)) {
	case GST_EVENT_STREAM_START:
		gst_event_parse_stream_start(event, &id);
		gst_event_parse_group_id(event, &b->group_id);
		g_free(b->stream_id);
		b->stream_id = g_strdup(id);
		g_string_append(b->log, " start");
		break;
	case GST_EVENT_CAPS:
		gst_event_parse_caps(event, &caps);
		gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
		g_string_append_printf(b->log, " caps%d", width);
		b->width = width;
		break;
	case GST_EVENT_FLUSH_START:
	case GST_EVENT_FLUSH_STOP:
		b->flushing = GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START;
		g_cond_broadcast(&changed);
		/* fall through */
	default:
		b->ended = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
		g_string_append_printf(b->log, " %s", GST_EVENT_TYPE_NAME(event));
	}
	g_mutex_unlock(&lock);
	gst_event_unref(event);
	return TRUE;
}

static Branch *branch(const char *n)
{
	guint i;

	for (i = 0; i < branches->len; i++) {
		Branch *b = g_ptr_array_index(branches, i);
		if (strcmp(b->name, n) == 0)
			return b;
	}
	return NULL;
}

enum { patience = 10 * G_USEC_PER_SEC };

/* Waits for what a branch sees since it was asked last, and forgets it. */
static void saw_more(const char *n, const char *want, gboolean more)
{
	Branch *b = branch(n);
	gint64 deadline = g_get_monotonic_time() + patience;

	if (b == NULL) {
		fail("no pad %s", n);
		return;
	}
	g_mutex_lock(&lock);
	while (b->log->len < strlen(want) && g_get_monotonic_time() < deadline) {
		g_mutex_unlock(&lock);
		g_usleep(200);
		g_mutex_lock(&lock);
	}
	if (!more || !g_str_has_prefix(b->log->str, want))
		same(n, b->log->str, want);
	g_string_truncate(b->log, 0);
	g_mutex_unlock(&lock);
}

static void saw(const char *n, const char *want) { saw_more(n, want, FALSE); }
static void saw_at_first(const char *n, const char *want) { saw_more(n, want, TRUE); }

static void branch_link(GstPad *pad, GstFlowReturn ret)
{
	Branch *b = branch(GST_PAD_NAME(pad));

	if (b == NULL) {
		b = g_new0(Branch, 1);
		b->name = gst_pad_get_name(pad);
		b->log = g_string_new("");
		b->pad = gst_object_ref_sink(gst_pad_new_from_static_template(&any, NULL));
		gst_pad_set_element_private(b->pad, b);
		gst_pad_set_chain_function(b->pad, branch_chain);
		gst_pad_set_event_function(b->pad, branch_event);
		gst_pad_set_active(b->pad, TRUE);
		g_ptr_array_add(branches, b);
	}
	b->ret = ret;
	if (gst_pad_link(pad, b->pad) != GST_PAD_LINK_OK)
		fail("%s does not link", b->name);
}

static void branch_free(gpointer p)
{
	Branch *b = p;

	gst_pad_set_active(b->pad, FALSE);
	gst_object_unref(b->pad);
	g_string_free(b->log, TRUE);
	g_free(b->stream_id);
	g_free(b->name);
	g_free(b);
}

static void pad_added(GstElement *e, GstPad *pad, gpointer unused)
{
	GstEvent *start = gst_pad_get_sticky_event(pad, GST_EVENT_STREAM_START, 0);
	GstCaps *caps = gst_pad_get_current_caps(pad);

	(void)e;
	(void)unused;
	if (GST_PAD_IS_SINK(pad))
		fail("a sink pad was added");
	if (start == NULL || caps == NULL)
		fail("a pad was added that does not know its stream yet");
	gst_clear_event(&start);
	gst_clear_caps(&caps);
	g_string_append_printf(pads, " +%s", GST_PAD_NAME(pad));
	if (linking)
		branch_link(pad, next_ret);
}

static void pad_removed(GstElement *e, GstPad *pad, gpointer unused)
{
	(void)e;
	(void)unused;
	g_string_append_printf(pads, " -%s", GST_PAD_NAME(pad));
}

static void no_more_pads(GstElement *e, gpointer unused)
{
	(void)e;
	(void)unused;
	fail("no-more-pads");
}

static gboolean source_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
		gst_query_set_latency(query, TRUE, 20 * GST_MSECOND, GST_CLOCK_TIME_NONE);
		return TRUE;
	}
	return gst_pad_query_default(pad, parent, query);
}

static gboolean source_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	(void)pad;
	(void)parent;
	g_string_append_printf(upward, " %s", GST_EVENT_TYPE_NAME(event));
	gst_event_unref(event);
	return TRUE;
}

static void pads_are(const char *want)
{
	same("pads", pads->str, want);
	g_string_truncate(pads, 0);
}

static void stream_start(void)
{
	GstEvent *event = gst_event_new_stream_start("test");

	gst_event_set_group_id(event, 4711);
	gst_pad_push_event(source, event);
}

static void segment(void)
{
	GstSegment s;

	gst_segment_init(&s, GST_FORMAT_TIME);
	gst_pad_push_event(source, gst_event_new_segment(&s));
}

static void announce(int width)
{
	GstCaps *caps = caps_of(width);

	gst_pad_push_event(source, gst_event_new_caps(caps));
	gst_caps_unref(caps);
}

/* What the branches return comes back with one of the next frames. */
static void push_for(const char *port, GstFlowReturn want, gint64 time)
{
	gint64 deadline = g_get_monotonic_time() + time;
	GstFlowReturn ret = gst_pad_push(source, frame_of(port, 64, 0));

	while (ret != want && g_get_monotonic_time() < deadline) {
		g_usleep(200);
		ret = gst_pad_push(source, frame_of(port, 64, 0));
	}
	if (ret != want)
		fail("a frame of %s returned %s, want %s", port ? port : "no port", gst_flow_get_name(ret), gst_flow_get_name(want));
}

static void push(const char *port, GstFlowReturn want) { push_for(port, want, want == GST_FLOW_OK ? 0 : patience); }

static void begin(const char *n)
{
	GstPad *sink;

	begin_case(n);
	pads = g_string_new("");
	upward = g_string_new("");
	branches = g_ptr_array_new_with_free_func(branch_free);
	next_ret = GST_FLOW_OK;
	linking = TRUE;
	demux = gst_object_ref_sink(gst_element_factory_make("netgeardemux", NULL));
	bus = gst_bus_new();
	gst_element_set_bus(demux, bus);
	g_signal_connect(demux, "pad-added", G_CALLBACK(pad_added), NULL);
	g_signal_connect(demux, "pad-removed", G_CALLBACK(pad_removed), NULL);
	g_signal_connect(demux, "no-more-pads", G_CALLBACK(no_more_pads), NULL);
	source = gst_object_ref_sink(gst_pad_new("source", GST_PAD_SRC));
	gst_pad_set_query_function(source, source_query);
	gst_pad_set_event_function(source, source_event);
	sink = gst_element_get_static_pad(demux, "sink");
	gst_pad_link(source, sink);
	gst_object_unref(sink);
	gst_pad_set_active(source, TRUE);
	gst_element_set_state(demux, GST_STATE_PLAYING);
	stream_start();
	announce(64);
	segment();
}

static void error_is(GQuark domain, int code, const char *text)
{
	GstMessage *m = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
	GError *error = NULL;

	if (m == NULL) {
		fail("no error");
		return;
	}
	gst_message_parse_error(m, &error, NULL);
	if (!g_error_matches(error, domain, code) || strstr(error->message, text) == NULL)
		fail("error %s %d: %s", g_quark_to_string(error->domain), error->code, error->message);
	g_clear_error(&error);
	gst_message_unref(m);
}

static void end(void)
{
	GstMessage *m = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

	if (m)
		fail("a message of type %s", GST_MESSAGE_TYPE_NAME(m));
	gst_clear_message(&m);
	gst_element_set_state(demux, GST_STATE_NULL);
	same_int("pads left in NULL", demux->numsrcpads, 0);
	gst_pad_set_active(source, FALSE);
	gst_element_set_bus(demux, NULL);
	gst_bus_set_flushing(bus, TRUE);
	gst_object_unref(bus);
	/* A thread that was held up may be the last to leave it, whenever that is. */
	g_signal_handlers_disconnect_by_func(demux, pad_removed, NULL);
	gst_object_unref(demux);
	gst_object_unref(source);
	g_ptr_array_unref(branches);
	g_string_free(pads, TRUE);
	g_string_free(upward, TRUE);
	end_case();
}

/* --- branches that are held up --- */

static void hold(const char *n, gboolean held)
{
	g_mutex_lock(&lock);
	branch(n)->held = held;
	g_cond_broadcast(&changed);
	g_mutex_unlock(&lock);
}

/* Waits until a frame is held up in a branch. */
static void held_up(const char *n)
{
	gint64 deadline = g_get_monotonic_time() + patience;
	Branch *b = branch(n);

	g_mutex_lock(&lock);
	while (!b->inside)
		if (!g_cond_wait_until(&changed, &lock, deadline)) {
			fail("no frame comes to %s", n);
			break;
		}
	g_mutex_unlock(&lock);
}

/* Frames of a port are numbered from 1. */
static void push_numbered(const char *port, int width, guint64 number, gboolean delta)
{
	GstBuffer *buffer = frame_of(port, width, 0);
	GstFlowReturn ret;

	GST_BUFFER_OFFSET(buffer) = number;
	if (delta)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	ret = gst_pad_push(source, buffer);
	if (ret != GST_FLOW_OK)
		fail("frame %" G_GUINT64_FORMAT " of %s returned %s", number, port, gst_flow_get_name(ret));
}

static void ends(const char *n)
{
	gint64 deadline = g_get_monotonic_time() + patience;
	Branch *b = branch(n);

	g_mutex_lock(&lock);
	while (!b->ended && g_get_monotonic_time() < deadline) {
		g_mutex_unlock(&lock);
		g_usleep(200);
		g_mutex_lock(&lock);
	}
	if (!b->ended)
		fail("%s does not end", n);
	if (b->wrong > 0)
		fail("%s: %d of %d frames do not fit what was before them", n, b->wrong, b->frames);
	g_mutex_unlock(&lock);
}

static void forget(const char *n)
{
	g_mutex_lock(&lock);
	g_string_truncate(branch(n)->log, 0);
	g_mutex_unlock(&lock);
}

/* Neither the other's frames nor its end wait for a branch that is held up; what
 * gets through in the end is in order. group is the length of a group of
 * pictures. */
static void one_held(const char *n, int group, int sizes)
{
	enum { all = 400 }; /* frames of each */
	guint64 i;

	begin(n);
	push_numbered("5566", 64, 1, FALSE);
	hold("src_5566", TRUE);
	push_numbered("5566", 64, 2, group > 1);
	held_up("src_5566");
	push_numbered("5567", 64, 1, FALSE);
	for (i = 3; i <= all; i++) {
		int width = 64 + 8 * (i / 10 % sizes);

		announce(width);
		push_numbered("5566", width, i, (i - 1) % group != 0);
		announce(64);
		push_numbered("5567", 64, i - 1, FALSE);
		if (i % (all / 10) == 0)
			g_usleep(60000);
	}
	gst_pad_push_event(source, gst_event_new_eos());
	ends("src_5567");
	if (branch("src_5567")->frames != all - 1)
		fail("%d of %d frames reached the other", branch("src_5567")->frames, all - 1);
	if (branch("src_5566")->ended)
		fail("the end overtook a frame");
	hold("src_5566", FALSE);
	ends("src_5566");
	if (branch("src_5566")->frames < 2 || branch("src_5566")->frames > 300)
		fail("%d of %d frames got through", branch("src_5566")->frames, all);
	if (group == 1 && branch("src_5566")->last != all)
		fail("frame %d is the last, and not the newest", (int)branch("src_5566")->last);
	end();
}

static void held(void)
{
	one_held("one is held up", 1, 1);
	one_held("one is held up, its frames change their size", 1, 2);
	one_held("one is held up, encoded video", 30, 1);
	one_held("one is held up, encoded video with few key frames", 2000, 1);
}

static void held_flush(void)
{
	begin("flush while one is held up");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	hold("src_5566", TRUE);
	push("5566", GST_FLOW_OK);
	held_up("src_5566");
	push("5566", GST_FLOW_OK);
	announce(32); /* this and what follows waits */
	gst_pad_push_event(source, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "waits", NULL)));
	push("5566", GST_FLOW_OK);
	gst_pad_push_event(source, gst_event_new_flush_start());
	gst_pad_push_event(source, gst_event_new_flush_stop(TRUE));
	hold("src_5566", FALSE);
	segment();
	forget("src_5566");
	push_numbered("5566", 32, 1, FALSE);
	saw("src_5566", " caps32 segment tag 5566!");
	gst_pad_push_event(source, gst_event_new_eos());
	ends("src_5566");
	end();
}

static void held_back(void)
{
	begin("a server comes back while its old branch is held up");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	hold("src_5566", TRUE);
	push("5566", GST_FLOW_OK);
	held_up("src_5566");
	gst_pad_push_event(source, goodbye_of("5566"));
	linking = FALSE;
	push("5566", GST_FLOW_OK);
	pads_are(" +src_5566 +src_5567 -src_5566 +src_5566");
	push("5567", GST_FLOW_OK);
	saw("src_5567", " start caps64 segment 5567! 5567");
	hold("src_5566", FALSE);
	end();
}

/* A branch that nobody frees: of another pipeline, or a handler of a program. */
static void held_states(void)
{
	gint64 begun;

	begin("states while one is held up for ever");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	hold("src_5566", TRUE);
	push("5566", GST_FLOW_OK);
	held_up("src_5566");
	begun = g_get_monotonic_time();
	gst_element_set_state(demux, GST_STATE_PAUSED);
	gst_element_set_state(demux, GST_STATE_PLAYING);
	gst_element_set_state(demux, GST_STATE_NULL);
	if (g_get_monotonic_time() - begun > patience / 5)
		fail("a change of state waits");
	pads_are(" +src_5566 +src_5567 -src_5566 -src_5567");
	hold("src_5566", FALSE);
	end();
}

static void two_ports(void)
{
	int i;

	begin("two ports of different size");
	for (i = 0; i < 3; i++) {
		announce(64);
		push("5566", GST_FLOW_OK);
		announce(32);
		push("5567", GST_FLOW_OK);
	}
	pads_are(" +src_5566 +src_5567");
	saw("src_5566", " start caps64 segment 5566! 5566 5566");
	saw("src_5567", " start caps32 segment 5567! 5567 5567");
	if (branch("src_5566")->group_id != 4711 || branch("src_5567")->group_id != 4711)
		fail("not the group of the stream before it");
	same("stream id", branch("src_5566")->stream_id, "test/5566");
	same("stream id", branch("src_5567")->stream_id, "test/5567");
	announce(128);
	push("5567", GST_FLOW_OK);
	announce(64);
	push("5566", GST_FLOW_OK);
	announce(128);
	push("5567", GST_FLOW_OK);
	saw("src_5566", " 5566");
	saw("src_5567", " caps128 5567 5567");
	end();
}

static void goodbye(void)
{
	begin("one server says goodbye");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, goodbye_of("5566"));
	gst_pad_push_event(source, goodbye_of("5566"));
	gst_pad_push_event(source, goodbye_of("5599"));
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, gst_event_new_eos());
	pads_are(" +src_5566 +src_5567");
	saw("src_5566", " start caps64 segment 5566! eos");
	saw("src_5567", " start caps64 segment 5567! 5567 eos");
	end();
}

static void back(void)
{
	int i;

	begin("a server comes back");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	pads_are(" +src_5566 +src_5567");
	saw("src_5566", " start caps64 segment 5566!");
	for (i = 0; i < 3; i++) {
		gst_pad_push_event(source, goodbye_of("5566"));
		push("5567", GST_FLOW_OK);
		pads_are("");
		saw("src_5566", " eos");
		announce(32);
		push("5566", GST_FLOW_OK);
		push("5566", GST_FLOW_OK);
		announce(64);
		pads_are(" -src_5566 +src_5566");
		saw("src_5566", " start caps32 segment 5566! 5566");
	}
	gst_pad_push_event(source, gst_event_new_eos());
	saw("src_5566", " eos");
	saw("src_5567", " start caps64 segment 5567! 5567 5567 5567 eos");
	same_int("pads", demux->numsrcpads, 2);
	end();
}

static void back_unlinked(void)
{
	begin("a server comes back, nobody links the new pad");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, goodbye_of("5566"));
	linking = FALSE;
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	push("5566", GST_FLOW_OK);
	pads_are(" +src_5566 +src_5567 -src_5566 +src_5566");
	saw("src_5566", " start caps64 segment 5566! eos");
	saw("src_5567", " start caps64 segment 5567! 5567");
	end();
}

static void unlinked(void)
{
	GstPad *pad;

	begin("pads that nobody links");
	linking = FALSE;
	push("5567", GST_FLOW_NOT_LINKED);
	push("5566", GST_FLOW_NOT_LINKED);
	pad = gst_element_get_static_pad(demux, "src_5567");
	branch_link(pad, GST_FLOW_OK);
	gst_pad_push(source, frame_of("5567", 64, 0)); /* returns what the frames before it came to */
	saw_at_first("src_5567", " start caps64 segment 5567");
	push_for("5566", GST_FLOW_OK, patience); /* the branch has the frame, but may not have returned from it */
	push("5568", GST_FLOW_OK);
	gst_pad_push_event(source, goodbye_of("5567"));
	push("5566", GST_FLOW_OK); /* 5567 may come back */
	saw("src_5567", " eos");
	push("5567", GST_FLOW_NOT_LINKED); /* on a new pad */
	gst_object_unref(pad);
	end();
}

static void flows(void)
{
	begin("branches that end or fail");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	branch("src_5566")->ret = GST_FLOW_EOS;
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	push("5566", GST_FLOW_OK);
	branch("src_5567")->ret = GST_FLOW_FLUSHING; /* counts as one that goes on */
	push("5567", GST_FLOW_OK);
	push("5566", GST_FLOW_OK);
	branch("src_5567")->ret = GST_FLOW_EOS;
	push("5567", GST_FLOW_EOS);
	branch("src_5567")->ret = GST_FLOW_ERROR;
	push("5567", GST_FLOW_ERROR);
	branch("src_5567")->ret = GST_FLOW_NOT_NEGOTIATED;
	push("5567", GST_FLOW_NOT_NEGOTIATED);
	error_is(GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, "port 5567");
	end();
}

static void flush(void)
{
	int i;

	begin("flush");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	saw("src_5566", " start caps64 segment 5566!");
	gst_pad_push_event(source, goodbye_of("5567"));
	saw("src_5567", " start caps64 segment 5567! eos");
	for (i = 0; i < 2; i++) {
		gst_pad_push_event(source, gst_event_new_flush_start());
		push("5566", GST_FLOW_FLUSHING);
		gst_pad_push_event(source, gst_event_new_flush_stop(TRUE));
		segment();
	}
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	saw("src_5566", " flush-start flush-stop flush-start flush-stop segment 5566!");
	saw("src_5567", " flush-start flush-stop flush-start flush-stop segment 5567!");
	gst_pad_push_event(source, goodbye_of("5567"));
	saw("src_5567", " eos");
	gst_pad_push_event(source, gst_event_new_flush_start());
	gst_pad_push_event(source, gst_event_new_flush_stop(TRUE));
	segment();
	gst_pad_push_event(source, gst_event_new_eos()); /* the flush took the first one away */
	saw("src_5566", " flush-start flush-stop eos");
	saw("src_5567", " flush-start flush-stop eos");
	pads_are(" +src_5566 +src_5567");
	end();
}

static void new_stream(void)
{
	begin("a new stream from upstream");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, gst_event_new_eos());
	stream_start();
	announce(64);
	segment();
	push("5566", GST_FLOW_OK);
	segment();
	push("5566", GST_FLOW_OK);
	saw("src_5566", " start caps64 segment 5566! eos start caps64 segment 5566! segment 5566");
	saw("src_5567", " start caps64 segment 5567! eos");
	pads_are(" +src_5566 +src_5567 -src_5566 +src_5566");
	stream_start(); /* without an end before it: the pads stay */
	announce(64);
	segment();
	push("5566", GST_FLOW_OK);
	saw("src_5566", " start caps64 segment 5566!");
	pads_are("");
	end();
}

static void nothing(void)
{
	begin("the end before the first frame");
	gst_pad_push_event(source, gst_event_new_eos());
	error_is(GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX, "before the first frame");
	end();
}

static void names(void)
{
	begin("names");
	push("a/b", GST_FLOW_OK);
	push("a:b", GST_FLOW_OK);
	push(NULL, GST_FLOW_OK);
	push("0", GST_FLOW_OK);
	push("", GST_FLOW_OK);
	push("a/b", GST_FLOW_OK);
	pads_are(" +src_a_b +src_a_b_2 +src_0");
	saw("src_a_b", " start caps64 segment a/b! a/b");
	saw("src_a_b_2", " start caps64 segment a:b!");
	saw("src_0", " start caps64 segment none! 0 ");
	end();
}

static void flood(void)
{
	GstMessage *m;
	int i;

	begin("more ports than there can be");
	for (i = 0; i < 300; i++) {
		char port[16];
		g_snprintf(port, sizeof port, "p%d", i);
		push(port, GST_FLOW_OK);
	}
	same_int("pads", demux->numsrcpads, 256);
	m = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
	if (m == NULL)
		fail("no warning");
	gst_clear_message(&m);
	end();
}

static void others(void)
{
	GstPad *pad;
	GstQuery *query = gst_query_new_latency();
	gboolean live = FALSE;
	GstClockTime min = 0;

	begin("other events and queries");
	push("5566", GST_FLOW_OK);
	gst_pad_push_event(source, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "cameras", NULL)));
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("foreign")));
	saw("src_5566", " start caps64 segment 5566! tag custom-downstream");
	saw("src_5567", " start caps64 segment tag 5567! custom-downstream");
	pad = gst_element_get_static_pad(demux, "src_5567");
	if (!gst_pad_query(pad, query))
		fail("latency not answered");
	gst_query_parse_latency(query, &live, &min, NULL);
	if (!live || min != 20 * GST_MSECOND)
		fail("not the latency of the source");
	g_string_truncate(upward, 0);
	gst_pad_push_event(branch("src_5567")->pad, gst_event_new_reconfigure());
	gst_pad_push_event(branch("src_5566")->pad, gst_event_new_latency(GST_SECOND));
	same("upward", upward->str, " reconfigure latency");
	gst_object_unref(pad);
	gst_query_unref(query);
	end();
}

static void again(void)
{
	begin("READY forgets everything");
	push("5566", GST_FLOW_OK);
	push("5567", GST_FLOW_OK);
	gst_pad_push_event(source, goodbye_of("5566"));
	saw("src_5566", " start caps64 segment 5566! eos");
	saw("src_5567", " start caps64 segment 5567!");
	gst_element_set_state(demux, GST_STATE_READY);
	pads_are(" +src_5566 +src_5567 -src_5566 -src_5567");
	push("5566", GST_FLOW_FLUSHING);
	gst_element_set_state(demux, GST_STATE_PLAYING);
	stream_start();
	announce(32);
	segment();
	push("5567", GST_FLOW_OK);
	pads_are(" +src_5567");
	saw("src_5567", " start caps32 segment 5567!");
	end();
}

/* --- whole pipelines --- */

static GstElement *pipeline, *appsrc;

static void launch(const char *n, const char *text)
{
	GError *error = NULL;

	begin_case(n);
	pipeline = gst_parse_launch(text, &error);
	if (error) {
		fail("%s", error->message);
		exit(1);
	}
	appsrc = gst_bin_get_by_name(GST_BIN(pipeline), "src");
}

static void land(void)
{
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_object_unref(appsrc);
	gst_object_unref(pipeline);
	end_case();
}

static void feed(const char *port, int width, int grey)
{
	GstCaps *caps = caps_of(width);
	GstBuffer *buffer = frame_of(port, width, grey);
	GstSample *sample = gst_sample_new(buffer, caps, NULL, NULL);

	gst_app_src_push_sample(GST_APP_SRC(appsrc), sample);
	gst_sample_unref(sample);
	gst_buffer_unref(buffer);
	gst_caps_unref(caps);
}

static int grey_of(GstSample *sample, int x)
{
	guint8 v = 0;

	gst_buffer_extract(gst_sample_get_buffer(sample), x, &v, 1);
	return v;
}

static void expect(GstElement *sink, int width, int grey)
{
	GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 5 * GST_SECOND);
	int w = 0;

	if (sample == NULL) {
		fail("no frame at %s, width %d", GST_OBJECT_NAME(sink), width);
		return;
	}
	gst_structure_get_int(gst_caps_get_structure(gst_sample_get_caps(sample), 0), "width", &w);
	if (w != width || grey_of(sample, 0) != grey)
		fail("%s: width %d, grey %d; want %d, %d", GST_OBJECT_NAME(sink), w, grey_of(sample, 0), width, grey);
	gst_sample_unref(sample);
}

static void count_pad(GstElement *e, GstPad *pad, gpointer count)
{
	(void)e;
	if (strcmp(GST_PAD_NAME(pad), "src_5566") == 0)
		g_atomic_int_inc((gint *)count);
}

/* As gst-launch makes it: the links wait for the pads. A sink takes nothing
 * after EOS: a server that comes back gets a new pad, the other goes on. */
static void delayed_links(void)
{
	GstElement *a, *b, *d;
	gint count = 0;
	int i;

	launch("links that wait for their pads", "appsrc name=src format=time is-live=true do-timestamp=true ! netgeardemux name=d"
	       " d.src_5566 ! queue ! appsink name=a sync=false d.src_5567 ! queue ! videoconvert ! appsink name=b sync=false");
	a = gst_bin_get_by_name(GST_BIN(pipeline), "a");
	b = gst_bin_get_by_name(GST_BIN(pipeline), "b");
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	for (i = 0; i < 10; i++) { /* one after the other, lest one comes too late and is dropped */
		feed("5566", 64, 10 + i);
		feed("5567", 32, 20 + i);
		expect(a, 64, 10 + i);
		expect(b, 32, 20 + i);
	}
	d = gst_bin_get_by_name(GST_BIN(pipeline), "d");
	g_signal_connect(d, "pad-added", G_CALLBACK(count_pad), &count);
	gst_object_unref(d);
	gst_element_send_event(appsrc, goodbye_of("5566"));
	feed("5567", 48, 1);
	expect(b, 48, 1);
	if (gst_app_sink_try_pull_sample(GST_APP_SINK(a), 5 * GST_SECOND) != NULL || !gst_app_sink_is_eos(GST_APP_SINK(a)))
		fail("no end of the one");
	if (gst_app_sink_is_eos(GST_APP_SINK(b)))
		fail("the other ended too");
	for (i = 0; i < 100 && g_atomic_int_get(&count) == 0; i++) {
		feed("5566", 16, 2);
		feed("5567", 48, i);
		expect(b, 48, i);
	}
	same_int("new pads of the one", g_atomic_int_get(&count), 1);
	gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
	if (gst_app_sink_try_pull_sample(GST_APP_SINK(b), 5 * GST_SECOND) != NULL || !gst_app_sink_is_eos(GST_APP_SINK(b)))
		fail("no end of the other");
	gst_object_unref(a);
	gst_object_unref(b);
	land();
}

/* Feeds frames until the wall shows two greys, the second at x=64; -1: any. */
static void wall_shows(GstElement *wall, const char *first, int grey1, const char *second, int grey2)
{
	gint64 deadline = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
	int left = -1, right = -1;

	while (g_get_monotonic_time() < deadline) {
		GstSample *sample;

		if (first)
			feed(first, 64, grey1);
		if (second)
			feed(second, 64, grey2);
		sample = gst_app_sink_try_pull_sample(GST_APP_SINK(wall), 100 * GST_MSECOND);
		if (sample == NULL)
			continue;
		left = grey_of(sample, 5);
		right = gst_buffer_get_size(gst_sample_get_buffer(sample)) > 70 ? grey_of(sample, 70) : -1;
		gst_sample_unref(sample);
		if ((grey1 < 0 || left == grey1) && (grey2 < 0 || right == grey2))
			return;
	}
	fail("the wall shows %d and %d, want %d and %d", left, right, grey1, grey2);
}

static void wall(void)
{
	GstElement *sink;

	launch("a wall of cameras, one stops",
	       "appsrc name=src format=time is-live=true do-timestamp=true ! netgeardemux name=d"
	       " compositor name=wall background=black sink_0::xpos=0 sink_1::xpos=64 !"
	       " video/x-raw,format=I420,colorimetry=1:4:0:0,width=128,height=8,framerate=25/1 ! appsink name=sink sync=false max-buffers=2 drop=true"
	       " d.src_5566 ! queue ! videoconvert ! wall.sink_0 d.src_5567 ! queue ! videoconvert ! wall.sink_1");
	sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	wall_shows(sink, "5566", 100, "5567", 150);
	gst_element_send_event(appsrc, goodbye_of("5566"));
	wall_shows(sink, NULL, -1, "5567", 160);
	wall_shows(sink, "5566", -1, "5567", 170); /* back on a pad that nobody links */
	wall_shows(sink, NULL, -1, "5567", 180);
	gst_object_unref(sink);
	land();
}

static gint running;

static gpointer feeder(gpointer unused)
{
	int i = 0;

	(void)unused;
	while (g_atomic_int_get(&running)) {
		feed("5566", 64, 0);
		feed("5567", 32 + 16 * (i / 10 % 2), 0);
		if (++i % 20 == 0)
			gst_element_send_event(appsrc, goodbye_of("5566"));
		g_usleep(200);
	}
	return NULL;
}

static void cycles(void)
{
	int i;

	launch("states, in mid-stream", "appsrc name=src format=time is-live=true do-timestamp=true max-bytes=16384 block=true ! netgeardemux name=d"
	       " d.src_5566 ! queue ! fakesink name=a async=false sync=false d.src_5567 ! fakesink async=false sync=false");
	for (i = 0; i < 20; i++) {
		GThread *thread;

		g_atomic_int_set(&running, 1);
		thread = g_thread_new("feeder", feeder, NULL);
		if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
			fail("does not play");
		g_usleep(i % 4 * 4000);
		if (i % 2)
			gst_element_set_state(pipeline, GST_STATE_PAUSED);
		gst_element_set_state(pipeline, i % 3 ? GST_STATE_NULL : GST_STATE_READY);
		g_atomic_int_set(&running, 0);
		g_thread_join(thread);
	}
	land();
}

static void dispose(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		GThread *thread;
		int before = failures;

		launch("dispose, in mid-stream", "appsrc name=src format=time is-live=true do-timestamp=true max-bytes=16384 block=true ! netgeardemux name=d"
		       " d.src_5566 ! queue ! fakesink async=false d.src_5567 ! fakesink async=false");
		g_atomic_int_set(&running, 1);
		thread = g_thread_new("feeder", feeder, NULL);
		gst_element_set_state(pipeline, GST_STATE_PLAYING);
		g_usleep(i * 1000);
		gst_element_set_state(pipeline, GST_STATE_NULL);
		gst_object_unref(pipeline);
		g_atomic_int_set(&running, 0);
		g_thread_join(thread);
		gst_object_unref(appsrc);
		if (i == 9 && failures == before)
			printf("ok %s\n", name);
	}
	/* Never used, and used without a pipeline. */
	gst_object_unref(gst_object_ref_sink(gst_element_factory_make("netgeardemux", NULL)));
}

int main(int argc, char **argv)
{
	GstElement *e;

	gst_init(&argc, &argv);
	e = gst_element_factory_make("netgeardemux", NULL); /* loads the plugin, which knows the meta */
	if (e == NULL)
		return 1;
	gst_object_unref(gst_object_ref_sink(e));
	two_ports();
	goodbye();
	back();
	back_unlinked();
	unlinked();
	flows();
	flush();
	new_stream();
	nothing();
	names();
	flood();
	others();
	again();
	held();
	held_flush();
	held_back();
	held_states();
	delayed_links();
	wall();
	cycles();
	dispose();
	gst_deinit();
	return failures > 0;
}
