/* The pads for frames that go back: return_src of the sink, where they come
 * out, and return_sink of the source, where they go in. */
#include "glue.h"

#include "_cgo_export.h"

/* --- netgearsink: return_src --- */

/* The pad's task asks Go for the next frame and pushes it. Nothing behind the pad can hold up
 * the stream: one frame waits, the newest. */
static void return_src_loop(gpointer p)
{
	GstPad *pad = p;
	NetgearSink *sink = (NetgearSink *)GST_PAD_PARENT(pad);
	gpointer sample = NULL;
	GstFlowReturn flow = GST_FLOW_OK;
	int what = netgearReturnNext(sink, &sample);

	if (what == NETGEAR_RETURN_STOP) {
		gst_pad_pause_task(pad);
		return;
	}
	if (!sink->return_started) {
		GstSegment segment;
		gchar *id = gst_pad_create_stream_id(pad, GST_ELEMENT(sink), "return");

		gst_pad_push_event(pad, gst_event_new_stream_start(id));
		g_free(id);
		if (sample)
			gst_pad_push_event(pad, gst_event_new_caps(gst_sample_get_caps(sample)));
		gst_segment_init(&segment, GST_FORMAT_TIME);
		gst_pad_push_event(pad, gst_event_new_segment(&segment));
		sink->return_started = TRUE;
	}
	if (what == NETGEAR_RETURN_EOS) {
		gst_pad_push_event(pad, gst_event_new_eos());
		gst_pad_pause_task(pad);
		return;
	}
	if (sample) {
		GstCaps *caps = gst_sample_get_caps(sample), *now = gst_pad_get_current_caps(pad);
		GstBuffer *buffer;

		if (now == NULL || !gst_caps_is_equal(caps, now))
			gst_pad_push_event(pad, gst_event_new_caps(caps));
		if (now)
			gst_caps_unref(now);
		/* The signal's handler may hold the same buffer. */
		buffer = gst_buffer_copy(gst_sample_get_buffer(sample));
		gst_sample_unref(sample);
		GST_BUFFER_PTS(buffer) = netgear_running_time(sink);
		flow = gst_pad_push(pad, buffer);
	}
	if (flow == GST_FLOW_NOT_LINKED) {
		netgearReturnDropped(sink);
	} else if (flow != GST_FLOW_OK) {
		gst_pad_pause_task(pad);
		if (flow < GST_FLOW_EOS)
			netgearReturnFailed(sink, flow);
	}
}

static gboolean return_src_activate(GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
	if (mode != GST_PAD_MODE_PUSH)
		return FALSE;
	if (active) {
		((NetgearSink *)parent)->return_started = FALSE;
		netgearReturnStart(parent);
		return gst_pad_start_task(pad, return_src_loop, pad, NULL);
	}
	netgearReturnStop(parent);
	return gst_pad_stop_task(pad);
}

/* Returned frames are live, whatever the frames are that go out. */
static gboolean return_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
		gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
		return TRUE;
	}
	return gst_pad_query_default(pad, parent, query);
}

/* --- netgearsrc: return_sink --- */

static GstFlowReturn return_sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
	GstCaps *caps = gst_pad_get_current_caps(pad);
	GstSample *sample;

	if (caps == NULL) {
		netgearReturnUncapped(parent);
		gst_buffer_unref(buffer);
		return GST_FLOW_NOT_NEGOTIATED;
	}
	sample = gst_sample_new(buffer, caps, NULL, NULL);
	netgearPushReturn(parent, sample);
	gst_sample_unref(sample);
	gst_caps_unref(caps);
	gst_buffer_unref(buffer);
	return GST_FLOW_OK;
}

/* The stream ends here: nothing of it goes on to the pad src. */
static gboolean return_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
	(void)pad;
	(void)parent;
	gst_event_unref(event);
	return TRUE;
}

static gboolean return_sink_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) {
		gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
		return TRUE;
	}
	return gst_pad_query_default(pad, parent, query);
}

/* --- both --- */

GstPad *netgear_request_pad(GstElement *element, GstPadTemplate *template, const gchar *name, const GstCaps *caps)
{
	const gchar *own = GST_PAD_TEMPLATE_NAME_TEMPLATE(template);
	GstPad *pad = gst_element_get_static_pad(element, own);

	(void)name;
	(void)caps;
	if (pad != NULL) { /* there is only one of it */
		gst_object_unref(pad);
		return NULL;
	}
	pad = gst_pad_new_from_template(template, own);
	if (GST_PAD_IS_SRC(pad)) {
		gst_pad_set_activatemode_function(pad, return_src_activate);
		gst_pad_set_query_function(pad, return_src_query);
		g_atomic_int_set(&((NetgearSink *)element)->returns, TRUE);
	} else {
		gst_pad_set_chain_function(pad, return_sink_chain);
		gst_pad_set_event_function(pad, return_sink_event);
		gst_pad_set_query_function(pad, return_sink_query);
		netgear_watch_caps(pad);
	}
	if (GST_STATE_TARGET(element) >= GST_STATE_PAUSED)
		gst_pad_set_active(pad, TRUE);
	gst_element_add_pad(element, pad);
	return pad;
}

void netgear_release_pad(GstElement *element, GstPad *pad)
{
	gst_pad_set_active(pad, FALSE);
	if (GST_PAD_IS_SRC(pad))
		g_atomic_int_set(&((NetgearSink *)element)->returns, FALSE);
	gst_element_remove_pad(element, pad);
}
