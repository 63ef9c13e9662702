/* The virtual functions of netgearsink and netgearsrc, and what their Go halves ask of the base
 * classes. What does not need Go stays here. */
#include "glue.h"

#include "_cgo_export.h"

/* --- netgearsink --- */

static GstElementClass *sink_parent;
static GstPadChainFunction sink_parent_chain;

/* Finds out whether a program pushes frames into this pipeline: it has an appsrc. Reports
 * whether the program waits when they are not taken: block=true, as in OpenCV's VideoWriter. */
static gboolean sink_find_program(GstBaseSink *sink)
{
	NetgearSink *self = (NetgearSink *)sink;
	GstObject *top = gst_object_ref(sink), *parent;
	GstIterator *it;
	GValue item = G_VALUE_INIT;
	gboolean block = FALSE;
	gint count = 0;

	while ((parent = gst_object_get_parent(top)) != NULL) {
		gst_object_unref(top);
		top = parent;
	}
	it = GST_IS_BIN(top) ? gst_bin_iterate_all_by_element_factory_name(GST_BIN(top), "appsrc") : NULL;
	while (it && gst_iterator_next(it, &item) == GST_ITERATOR_OK) {
		gboolean waits = FALSE;

		g_object_get(g_value_get_object(&item), "block", &waits, NULL);
		block = block || waits;
		g_weak_ref_set(&self->source, count++ == 0 ? g_value_get_object(&item) : NULL);
		g_value_unset(&item);
	}
	if (it)
		gst_iterator_free(it);
	gst_object_unref(top);
	g_atomic_int_set(&self->by_program, count > 0);
	return block;
}

/* Finds out how many newer frames of about as many bytes wait in the program's appsrc, 0 where
 * that is not known. *single tells whether the program may wait for the frame at hand to arrive
 * before it pushes the next one: none waits. Of several appsrc nobody knows. */
guint netgear_sink_behind(gpointer sink, gsize size, gboolean *single)
{
	NetgearSink *self = sink;
	GObject *source;
	guint64 waiting = 0;

	*single = g_atomic_int_get(&self->by_program);
	if (!*single)
		return 0;
	source = g_weak_ref_get(&self->source);
	if (source == NULL)
		return 0;
	g_object_get(source, "current-level-bytes", &waiting, NULL);
	g_object_unref(source);
	*single = waiting == 0;
	return (guint)MIN(waiting / MAX(size, 1), G_MAXINT);
}

/* Asks whether upstream is live; then frames do not wait for the clock. */
static void sink_ask_live(GstBaseSink *sink)
{
	GstQuery *query = gst_query_new_latency();
	gboolean live = FALSE;

	if (gst_pad_peer_query(GST_BASE_SINK_PAD(sink), query))
		gst_query_parse_latency(query, &live, NULL, NULL);
	gst_query_unref(query);
	g_atomic_int_set(&((NetgearSink *)sink)->upstream_live, live);
	g_atomic_int_set(&((NetgearSink *)sink)->hurried, sink_find_program(sink) || live);
}

/* The base class lets a frame through to render in PAUSED when a pause comes right after a
 * start: it takes the streaming thread, which has been signalled and is on its way, for one that
 * still waits. A render that then blocks would hold the preroll lock, and so the next change of
 * state. So frames wait here too. With STREAM_LOCK, PREROLL_LOCK. */
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

/* After a flush it comes again without a pause before it; render may then have had the lock for
 * long. */
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
		if (!netgearOpen(element))
			return GST_STATE_CHANGE_FAILURE;
		/* With return_src, the element that shows the returned frames must not keep the pipeline
		 * from PLAYING: an answer comes after the frame that it answers. */
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
		sink_set_playing(sink); /* after it, because it takes the lock that render holds */
	/* With return_src it is a live source too. */
	if ((transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) &&
	    ret == GST_STATE_CHANGE_SUCCESS && g_atomic_int_get(&self->returns))
		ret = GST_STATE_CHANGE_NO_PREROLL;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
	    (transition == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE)) {
		netgear_stand_in_end(self);
		netgearClose(element);
		g_weak_ref_set(&self->source, NULL);
		if (self->async_off)
			gst_base_sink_set_async_enabled(sink, TRUE);
	}
	return ret;
}

/* The base class clips, prerolls and synchronises by the decoding time where there is one. With
 * B-frames the first decoding times are before the segment. It would drop such a frame, or let
 * it through to render without a preroll, and the sink would never get to PAUSED. So it does not
 * see those; render finds them in the sink. With STREAM_LOCK. */
static GstFlowReturn sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	const GstSegment *segment = &((GstBaseSink *)parent)->segment;

	((NetgearSink *)parent)->dts = GST_BUFFER_DTS(buffer);
	if (segment->format == GST_FORMAT_TIME && GST_BUFFER_DTS_IS_VALID(buffer) && GST_BUFFER_DTS(buffer) < segment->start) {
		buffer = gst_buffer_make_writable(buffer); /* not its bytes */
		GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
	}
	return sink_parent_chain(pad, parent, buffer);
}

/* Without this function the base class takes a list, and sink_chain does not see it. */
static GstFlowReturn sink_chain_list(GstPad *pad, GstObject *parent, GstBufferList *list)
{
	GstFlowReturn ret = GST_FLOW_OK;
	guint i;

	for (i = 0; ret == GST_FLOW_OK && i < gst_buffer_list_length(list); i++)
		ret = sink_chain(pad, parent, gst_buffer_ref(gst_buffer_list_get(list, i)));
	gst_buffer_list_unref(list);
	return ret;
}

/* Reports whether the base class would take a buffer with these times for one outside of the
 * segment although it must be sent. Frames inside the segment need those before it, and times
 * are not positions in a segment of bytes. */
static gboolean sink_times_mislead(const GstSegment *segment, GstClockTime start, GstClockTime end)
{
	if (!GST_CLOCK_TIME_IS_VALID(start))
		return FALSE;
	if (segment->format == GST_FORMAT_TIME)
		return start < segment->start;
	return !gst_segment_clip(segment, segment->format, start, end, NULL, NULL);
}

/* A frame of a live source leaves at once: without times nothing waits for the clock. But the
 * base class then uses times of its own to clip and to preroll. So it gets the segment's start
 * where those would mislead it. */
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

	return ret == GST_FLOW_OK ? netgear_stand_in_render((NetgearSink *)sink, buffer) : ret;
}

/* EOS that a program sends to its pipeline goes to the sources, and comes here only behind the
 * frames. While one of those waits for an absent receiver, it would never come. So the sink is a
 * source to its bin and hears of EOS at once. Other events are for the real sources: flushes
 * come down from there, and the base class does not use what goes downstream. */
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

	((NetgearSink *)sink)->ask = ((NetgearSink *)sink)->reply = -1;
	GST_OBJECT_FLAG_SET(sink, GST_ELEMENT_FLAG_SOURCE);
	sink_parent_chain = GST_PAD_CHAINFUNC(pad); /* the same each time */
	gst_pad_set_chain_function(pad, sink_chain);
	gst_pad_set_chain_list_function(pad, sink_chain_list);
	netgear_watch_caps(pad);
	/* Behind a live source nothing waits for a deadline. If one were asked for, the base class
	 * would warn of missing queues where upstream buffers less. */
	gst_base_sink_set_processing_deadline(GST_BASE_SINK(sink), 0);
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

void netgear_sink_class_init(gpointer klass)
{
	GstElementClass *element_class = klass;
	GstBaseSinkClass *sink_class = klass;

	sink_parent = g_type_class_peek_parent(klass);
	element_class->change_state = sink_change_state;
	element_class->send_event = sink_send_event;
	sink_class->get_caps = netgear_sink_get_caps;
	sink_class->set_caps = sink_set_caps;
	sink_class->render = sink_render;
	sink_class->event = sink_event;
	sink_class->wait_event = sink_wait_event;
	sink_class->get_times = sink_get_times;
	sink_class->unlock = sink_unlock;
	sink_class->unlock_stop = sink_unlock_stop;
	sink_class->propose_allocation = sink_propose_allocation;
}

/* --- netgearsrc --- */

static GstBaseSrcClass *src_parent;

static gboolean src_start(GstBaseSrc *src)
{
	NetgearSrc *self = (NetgearSrc *)src;

	self->video_meta = FALSE;
	self->raw = FALSE;
	return netgearOpen(src);
}

static gboolean src_stop(GstBaseSrc *src) { netgearClose(src); return TRUE; }
static gboolean src_unlock(GstBaseSrc *src) { netgearUnlock(src); return TRUE; }

/* GStreamer 1.26 interrupts create for a pause, and undoes that only when it calls create again,
 * from the streaming thread. By then unlock may have been called for another reason, to stop or
 * to flush: create would block while another thread waits for it. So the streaming thread does
 * not handle it; change_state handles the end of a pause. */
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

/* The frames bring their own memory; only what downstream accepts matters. */
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
		/* No maximum: a frame that nobody fetches waits at the sender. */
		gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
		return TRUE;
	}
	return src_parent->query(src, query);
}

/* GStreamer 1.26 drops a frame that create returns while paused, and ends the stream when
 * PLAYING directly follows an interruption. So wait for PLAYING here. */
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

/* Some elements refuse caps without a frame rate only when the caps come, and the base class
 * then posts that the stream was not negotiated. Post the reason before that. */
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

/* Notifies downstream that one of several servers has ended, between its last frame and what
 * follows. */
void netgear_src_server_ended(gpointer src, const char *port)
{
	gst_pad_push_event(GST_BASE_SRC_PAD(src),
			   gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
						gst_structure_new("netgear-terminate", "port", G_TYPE_STRING, port, NULL)));
}

void netgear_src_class_init(gpointer klass)
{
	GstElementClass *element_class = klass;
	GstBaseSrcClass *src_class = klass;
	GstPushSrcClass *push_class = klass;

	src_parent = g_type_class_peek_parent(klass);
	element_class->change_state = src_change_state;
	element_class->post_message = src_post_message;
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
