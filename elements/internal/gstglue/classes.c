/* The virtual functions of netgearsink and netgearsrc. What needs no Go stays
 * here. */
#include "glue.h"

#include "_cgo_export.h"

/* --- sink class --- */

static GstElementClass *sink_parent;
static GstPadChainFunction sink_parent_chain;

/* Reports whether a program pushes the frames and is held up when they are not
 * taken: appsrc with block=true, as OpenCV's VideoWriter has it. */
static gboolean sink_fed_by_program(GstBaseSink *sink)
{
	GstObject *top = gst_object_ref(sink), *parent;
	GstIterator *it;
	GValue item = G_VALUE_INIT;
	gboolean block = FALSE;

	while ((parent = gst_object_get_parent(top)) != NULL) {
		gst_object_unref(top);
		top = parent;
	}
	it = GST_IS_BIN(top) ? gst_bin_iterate_all_by_element_factory_name(GST_BIN(top), "appsrc") : NULL;
	while (it && !block && gst_iterator_next(it, &item) == GST_ITERATOR_OK) {
		g_object_get(g_value_get_object(&item), "block", &block, NULL);
		g_value_unset(&item);
	}
	if (it)
		gst_iterator_free(it);
	gst_object_unref(top);
	return block;
}

/* Asks whether upstream is live; then frames are not held back for the clock. */
static void sink_ask_live(GstBaseSink *sink)
{
	GstQuery *query = gst_query_new_latency();
	gboolean live = FALSE;

	if (gst_pad_peer_query(GST_BASE_SINK_PAD(sink), query))
		gst_query_parse_latency(query, &live, NULL, NULL);
	gst_query_unref(query);
	g_atomic_int_set(&((NetgearSink *)sink)->upstream_live, live);
	g_atomic_int_set(&((NetgearSink *)sink)->hurried, live || sink_fed_by_program(sink));
}

/* The base class lets a frame through to render in PAUSED when a pause comes
 * right after a start: it takes the streaming thread, which has been signalled
 * and is on its way, for one that still waits. A render that then blocks would
 * hold the preroll lock, and the next change of state with it. So frames wait
 * here too. With STREAM_LOCK, PREROLL_LOCK. */
static GstFlowReturn sink_wait_playing(GstBaseSink *sink)
{
	GstFlowReturn ret = GST_FLOW_OK;

	while (ret == GST_FLOW_OK && !g_atomic_int_get(&((NetgearSink *)sink)->playing))
		ret = gst_base_sink_wait_preroll(sink);
	return ret;
}

int netgear_sink_wait_preroll(gpointer sink)
{
	GstFlowReturn ret = gst_base_sink_wait_preroll(sink);

	return ret == GST_FLOW_OK ? sink_wait_playing(sink) : ret;
}

/* Asks the encoder for a key frame, from the streaming thread. */
void netgear_sink_ask_key_frame(gpointer sink, guint count)
{
	gst_pad_push_event(GST_BASE_SINK_PAD(sink), gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, count));
}

/* After a flush it comes again without a pause before; then render may have the
 * lock for long already. */
static void sink_set_playing(GstBaseSink *sink)
{
	if (g_atomic_int_get(&((NetgearSink *)sink)->playing))
		return;
	GST_BASE_SINK_PREROLL_LOCK(sink);
	g_atomic_int_set(&((NetgearSink *)sink)->playing, TRUE);
	GST_BASE_SINK_PREROLL_SIGNAL(sink);
	GST_BASE_SINK_PREROLL_UNLOCK(sink);
}

static GstStateChangeReturn sink_change_state(GstElement *element, GstStateChange transition)
{
	NetgearSink *self = (NetgearSink *)element;
	GstBaseSink *sink = GST_BASE_SINK(element);
	GstStateChangeReturn ret;

	if (netgear_forked())
		return netgear_forked_change_state(element, transition);
	switch (transition) {
	case GST_STATE_CHANGE_READY_TO_PAUSED:
		if (!netgearSinkOpen(element))
			return GST_STATE_CHANGE_FAILURE;
		/* With return_src, what shows the returned frames must not keep the
		 * pipeline from PLAYING: the answer comes after what it answers. */
		self->async_off = g_atomic_int_get(&self->returns) && gst_base_sink_is_async_enabled(sink);
		if (self->async_off)
			gst_base_sink_set_async_enabled(sink, FALSE);
		break;
	case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
		sink_ask_live(sink);
		break;
	case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
		g_atomic_int_set(&self->playing, FALSE); /* before the parent interrupts render */
		break;
	default:
		break;
	}
	ret = sink_parent->change_state(element, transition);
	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && ret != GST_STATE_CHANGE_FAILURE)
		sink_set_playing(sink); /* after it, for it takes the lock that render holds */
	/* With return_src it is a live source too. */
	if ((transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) &&
	    ret == GST_STATE_CHANGE_SUCCESS && g_atomic_int_get(&self->returns))
		ret = GST_STATE_CHANGE_NO_PREROLL;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
	    (transition == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE)) {
		netgearSinkClose(element);
		if (self->async_off)
			gst_base_sink_set_async_enabled(sink, TRUE);
	}
	return ret;
}

/* The base class clips, prerolls and synchronises by the decoding time where there
 * is one, and with B-frames the first of these lie before the segment. It would
 * drop such a frame, or let it through to render without a preroll, and the sink
 * would never get to PAUSED. So it does not see those: nothing here needs them.
 * With STREAM_LOCK. */
static GstFlowReturn sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	const GstSegment *segment = &((GstBaseSink *)parent)->segment;

	if (segment->format == GST_FORMAT_TIME && GST_BUFFER_DTS_IS_VALID(buffer) && GST_BUFFER_DTS(buffer) < segment->start) {
		buffer = gst_buffer_make_writable(buffer); /* not its bytes */
		GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
	}
	return sink_parent_chain(pad, parent, buffer);
}

/* Reports whether the base class would take a buffer with these times for one
 * outside of the segment although it is to be sent: frames before the segment are
 * needed by those in it, and times are no positions in a segment of bytes. */
static gboolean sink_times_mislead(const GstSegment *segment, GstClockTime start, GstClockTime end)
{
	if (!GST_CLOCK_TIME_IS_VALID(start))
		return FALSE;
	if (segment->format == GST_FORMAT_TIME)
		return start < segment->start;
	return !gst_segment_clip(segment, segment->format, start, end, NULL, NULL);
}

/* A frame of a live source leaves at once: without times there is no waiting for
 * the clock. But the base class then uses times of its own to clip and to preroll,
 * hence the segment's start where those mislead it. */
static void sink_get_times(GstBaseSink *sink, GstBuffer *buffer, GstClockTime *start, GstClockTime *end)
{
	GST_BASE_SINK_CLASS(sink_parent)->get_times(sink, buffer, start, end);
	if (sink_times_mislead(&sink->segment, *start, *end))
		*start = *end = sink->segment.start;
	else if (g_atomic_int_get(&((NetgearSink *)sink)->upstream_live))
		*start = *end = GST_CLOCK_TIME_NONE;
}

static gboolean sink_event(GstBaseSink *sink, GstEvent *event)
{
	if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
		sink_ask_live(sink);
	return GST_BASE_SINK_CLASS(sink_parent)->event(sink, event);
}

static GstFlowReturn sink_wait_event(GstBaseSink *sink, GstEvent *event)
{
	GstFlowReturn ret = GST_BASE_SINK_CLASS(sink_parent)->wait_event(sink, event);

	if (ret == GST_FLOW_OK && GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
		ret = sink_wait_playing(sink);
		if (ret == GST_FLOW_OK)
			ret = netgearSinkFinish(sink);
	}
	return ret;
}

static GstFlowReturn sink_render(GstBaseSink *sink, GstBuffer *buffer)
{
	GstFlowReturn ret = sink_wait_playing(sink);

	return ret == GST_FLOW_OK ? netgearSinkRender(sink, buffer) : ret;
}

/* EOS that a program sends to its pipeline goes to the sources, and comes here
 * only behind the frames; while one of those waits for a receiver that is not
 * there, that would be never. So the sink is a source to its bin and hears of it
 * at once. Other events are for the sources proper: flushes come down from there,
 * and the base class has no use for what goes downstream. */
static gboolean sink_send_event(GstElement *element, GstEvent *event)
{
	if (!GST_EVENT_IS_DOWNSTREAM(event))
		return sink_parent->send_event(element, event);
	if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && !netgear_forked())
		netgearSinkLeave(element);
	gst_event_unref(event);
	return TRUE;
}

void netgear_sink_init(gpointer sink)
{
	GstPad *pad = GST_BASE_SINK_PAD(sink);

	GST_OBJECT_FLAG_SET(sink, GST_ELEMENT_FLAG_SOURCE);
	sink_parent_chain = GST_PAD_CHAINFUNC(pad); /* the same each time */
	gst_pad_set_chain_function(pad, sink_chain);
	netgear_watch_caps(pad);
	/* Behind a live source nothing waits for a deadline. Asking for one would
	 * make the base class warn of missing queues where upstream buffers less. */
	gst_base_sink_set_processing_deadline(GST_BASE_SINK(sink), 0);
}

/* --- caps that a sink pad does not take --- */

/* Tells the user what was refused and what to put before the pad: the error that
 * follows upstream is of a data stream, and says nothing of caps. */
static void say_refused(GstPad *pad, GstCaps *caps)
{
	GstObject *element = gst_pad_get_parent(pad);
	GstCaps *all = gst_pad_get_pad_template_caps(pad);
	gchar *text = gst_caps_to_string(caps);

	if (element)
		netgearCapsRefused(element, text, gst_caps_can_intersect(caps, all));
	gst_caps_unref(all);
	g_free(text);
	gst_clear_object(&element);
}

/* Returns what a pad takes: with raw-formats=picture not all of its template. */
static GstCaps *caps_taken(GstPad *pad)
{
	static GstStaticCaps pictures = GST_STATIC_CAPS(NETGEAR_PICTURE_CAPS "; " NETGEAR_ENCODED_CAPS);
	GstObject *element = gst_pad_get_parent(pad);
	gint any = TRUE;

	if (element && GST_IS_BASE_SINK(element))
		g_object_get(element, "raw-formats", &any, NULL);
	gst_clear_object(&element);
	return any ? gst_pad_get_pad_template_caps(pad) : gst_static_caps_get(&pictures);
}

static GstPadProbeReturn probe_caps(GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
	GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
	GstCaps *caps, *mine;

	(void)unused;
	if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
		gst_event_parse_caps(event, &caps);
		mine = caps_taken(pad);
		if (!gst_caps_is_subset(caps, mine))
			say_refused(pad, caps);
		gst_caps_unref(mine);
	}
	return GST_PAD_PROBE_OK;
}

void netgear_watch_caps(GstPad *pad) { gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, probe_caps, NULL, NULL); }

/* Reports whether caps are raw video in system memory, all of them. */
static gboolean is_plain_raw(const GstCaps *caps)
{
	guint i, n = gst_caps_get_size(caps);

	for (i = 0; i < n; i++) {
		GstCapsFeatures *features = gst_caps_get_features(caps, i);
		const GstStructure *st = gst_caps_get_structure(caps, i);

		if ((!gst_structure_has_name(st, "video/x-raw") && !gst_structure_has_name(st, "video/x-bayer")) ||
		    gst_caps_features_is_any(features) || !gst_caps_features_is_equal(features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
			return FALSE;
	}
	return n > 0;
}

/* A source that makes nothing but YUV finds that out by this query, and then ends
 * without sending its caps. */
static GstCaps *sink_get_caps(GstBaseSink *sink, GstCaps *filter)
{
	GstPad *pad = GST_BASE_SINK_PAD(sink);
	GstCaps *mine = caps_taken(pad), *both;

	if (filter == NULL)
		return mine;
	both = gst_caps_intersect_full(filter, mine, GST_CAPS_INTERSECT_FIRST);
	if (gst_caps_is_empty(both) && is_plain_raw(filter) && !gst_pad_has_current_caps(pad))
		say_refused(pad, filter);
	gst_caps_unref(mine);
	return both;
}

static gboolean sink_set_caps(GstBaseSink *sink, GstCaps *caps) { return netgearSinkSetCaps(sink, caps); }
static gboolean sink_unlock(GstBaseSink *sink) { netgearUnlock(sink); return TRUE; }
static gboolean sink_unlock_stop(GstBaseSink *sink) { netgearUnlockStop(sink); return TRUE; }

static gboolean sink_propose_allocation(GstBaseSink *sink, GstQuery *query)
{
	(void)sink;
	gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	return TRUE;
}

/* --- source class --- */

static GstBaseSrcClass *src_parent;

static gboolean src_start(GstBaseSrc *src)
{
	NetgearSrc *self = (NetgearSrc *)src;

	self->video_meta = FALSE;
	self->raw = FALSE;
	return netgearSrcOpen(src);
}

static gboolean src_stop(GstBaseSrc *src) { netgearSrcClose(src); return TRUE; }
static gboolean src_unlock(GstBaseSrc *src) { netgearUnlock(src); return TRUE; }

/* GStreamer 1.26 interrupts create for a pause, and undoes that no sooner than it
 * calls create again, from the streaming thread. By then unlock may have been
 * called for another reason, to stop or to flush: create would block, and somebody
 * wait for it. So this is none of the streaming thread's business, and the end of a
 * pause is seen to in change_state. */
static gboolean src_unlock_stop(GstBaseSrc *src)
{
	GstPad *pad = GST_BASE_SRC_PAD(src);
	gboolean streaming;

	GST_OBJECT_LOCK(pad);
	streaming = GST_PAD_TASK(pad) && GST_PAD_TASK(pad)->thread == g_thread_self();
	GST_OBJECT_UNLOCK(pad);
	if (!streaming)
		netgearUnlockStop(src);
	return TRUE;
}

static GstStateChangeReturn src_change_state(GstElement *element, GstStateChange transition)
{
	if (netgear_forked())
		return netgear_forked_change_state(element, transition);
	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
		netgearUnlockStop(element);
	return GST_ELEMENT_CLASS(src_parent)->change_state(element, transition);
}

static gboolean src_is_seekable(GstBaseSrc *src) { (void)src; return FALSE; }
/* The caps come with the first frame. */
static gboolean src_negotiate(GstBaseSrc *src) { (void)src; return TRUE; }

/* The frames bring their own memory; what matters is what downstream takes. */
static gboolean src_decide_allocation(GstBaseSrc *src, GstQuery *query)
{
	((NetgearSrc *)src)->video_meta = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	while (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_remove_nth_allocation_pool(query, 0);
	return TRUE;
}

static gboolean src_query(GstBaseSrc *src, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
		GstClockTime latency;

		GST_OBJECT_LOCK(src);
		latency = ((NetgearSrc *)src)->latency;
		GST_OBJECT_UNLOCK(src);
		/* No maximum: a frame that is not fetched waits at the sender. */
		gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
		return TRUE;
	}
	return src_parent->query(src, query);
}

/* Of what comes out while it is paused GStreamer 1.26 throws a frame away, and ends
 * the stream over an interruption when PLAYING follows at once. So that is waited for
 * here. */
static GstFlowReturn src_create(GstPushSrc *src, GstBuffer **buffer)
{
	GstFlowReturn ret, playing;

	do {
		ret = netgearSrcCreate(src, (gpointer *)buffer);
		if (ret != GST_FLOW_OK && ret != GST_FLOW_FLUSHING)
			return ret;
		playing = gst_base_src_wait_playing(GST_BASE_SRC(src));
	} while (ret == GST_FLOW_FLUSHING && playing == GST_FLOW_OK);
	if (ret == GST_FLOW_OK && playing != GST_FLOW_OK)
		gst_clear_buffer(buffer);
	return playing;
}

/* Some elements refuse caps without a frame rate no sooner than they come, and the
 * base class then posts that the stream was not negotiated. The reason goes before
 * that. */
static gboolean src_post_message(GstElement *element, GstMessage *message)
{
	NetgearSrc *self = (NetgearSrc *)element;

	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && self->no_rate) {
		const GstStructure *details = NULL;
		gint flow = GST_FLOW_OK;

		gst_message_parse_error_details(message, &details);
		if (details && gst_structure_get_int(details, "flow-return", &flow) && flow == GST_FLOW_NOT_NEGOTIATED) {
			self->no_rate = FALSE;
			netgearSrcNoRate(element);
		}
	}
	return GST_ELEMENT_CLASS(src_parent)->post_message(element, message);
}

void netgear_src_init(gpointer src)
{
	gst_base_src_set_live(src, TRUE);
	gst_base_src_set_format(src, GST_FORMAT_TIME);
	gst_base_src_set_do_timestamp(src, FALSE);
}

void netgear_src_set_latency(gpointer s, guint64 latency)
{
	NetgearSrc *src = s;
	gboolean changed;

	GST_OBJECT_LOCK(src);
	changed = src->latency != latency;
	src->latency = latency;
	GST_OBJECT_UNLOCK(src);
	if (changed)
		gst_element_post_message(s, gst_message_new_latency(s));
}

void netgear_class_init(gpointer klass, int role)
{
	GObjectClass *object_class = klass;

	object_class->set_property = netgear_set_property;
	object_class->get_property = netgear_get_property;
	((GstElementClass *)klass)->request_new_pad = netgear_request_pad;
	((GstElementClass *)klass)->release_pad = netgear_release_pad;
	netgear_install_signals(klass, role);
	if (role == NETGEAR_SINK) {
		GstElementClass *element_class = klass;
		GstBaseSinkClass *sink_class = klass;

		sink_parent = g_type_class_peek_parent(klass);
		element_class->change_state = sink_change_state;
		element_class->send_event = sink_send_event;
		sink_class->get_caps = sink_get_caps;
		sink_class->set_caps = sink_set_caps;
		sink_class->render = sink_render;
		sink_class->event = sink_event;
		sink_class->wait_event = sink_wait_event;
		sink_class->get_times = sink_get_times;
		sink_class->unlock = sink_unlock;
		sink_class->unlock_stop = sink_unlock_stop;
		sink_class->propose_allocation = sink_propose_allocation;
	} else {
		GstBaseSrcClass *src_class = klass;
		GstPushSrcClass *push_class = klass;

		src_parent = g_type_class_peek_parent(klass);
		((GstElementClass *)klass)->change_state = src_change_state;
		((GstElementClass *)klass)->post_message = src_post_message;
		src_class->start = src_start;
		src_class->stop = src_stop;
		src_class->unlock = src_unlock;
		src_class->unlock_stop = src_unlock_stop;
		src_class->is_seekable = src_is_seekable;
		src_class->negotiate = src_negotiate;
		src_class->decide_allocation = src_decide_allocation;
		src_class->query = src_query;
		push_class->create = src_create;
	}
}
