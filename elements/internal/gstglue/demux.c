/* netgeardemux: its pads and their events. Go decides which pad a frame goes to. */
#include "demux.h"

#include <string.h>

#include "_cgo_export.h"
#include "glue.h"

static GstElementClass *demux_parent;

/* --- sink pad --- */

static GstFlowReturn demux_chain(GstPad *sink, GstObject *parent, GstBuffer *buffer)
{
	NetgearDemux *demux = (NetgearDemux *)parent;
	const GstStructure *meta = netgear_meta_get(buffer);
	const char *port = meta ? gst_structure_get_string(meta, "port") : NULL;
	GstCaps *caps = gst_pad_get_current_caps(sink);
	gboolean discont = FALSE;
	GstFlowReturn ret = GST_FLOW_ERROR;
	GstPad *pad;

	pad = netgearDemuxRoute(demux, (char *)port, port ? strlen(port) : 0, caps, &discont, (int *)&ret);
	if (caps)
		gst_caps_unref(caps);
	if (pad == NULL) {
		gst_buffer_unref(buffer);
		return ret;
	}
	if (discont && !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)) {
		buffer = gst_buffer_make_writable(buffer);
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	}
	return netgear_lane_buffer(demux->lanes, pad, buffer);
}

/* Serialized events go out in their order with the frames. */
static gboolean other_event(GstPad *sink, GstObject *parent, GstEvent *event)
{
	if (!GST_EVENT_IS_SERIALIZED(event))
		return gst_pad_event_default(sink, parent, event);
	netgear_lanes_event(((NetgearDemux *)parent)->lanes, event);
	gst_event_unref(event);
	return TRUE;
}

static gboolean demux_event(GstPad *sink, GstObject *parent, GstEvent *event)
{
	NetgearLanes *lanes = ((NetgearDemux *)parent)->lanes;
	const GstStructure *st;
	const char *port;
	gboolean ret = TRUE;

	switch (GST_EVENT_TYPE(event)) {
	case GST_EVENT_STREAM_START: /* these three: each pad gets its own with its next frame */
		netgearDemuxStreamStart(parent);
		break;
	case GST_EVENT_CAPS:
		break;
	case GST_EVENT_SEGMENT:
		netgearDemuxSegment(parent);
		break;
	case GST_EVENT_EOS:
		netgearDemuxEOS(parent, gst_event_get_seqnum(event));
		break;
	case GST_EVENT_CUSTOM_DOWNSTREAM:
		st = gst_event_get_structure(event);
		if (st == NULL || !gst_structure_has_name(st, "netgear-terminate"))
			return other_event(sink, parent, event);
		port = gst_structure_get_string(st, "port");
		netgearDemuxTerminate(parent, (char *)port, port ? strlen(port) : 0, gst_event_get_seqnum(event));
		break;
	case GST_EVENT_FLUSH_START: /* it comes on any thread */
		netgear_lanes_flush_start(lanes);
		return gst_pad_event_default(sink, parent, event);
	case GST_EVENT_FLUSH_STOP:
		netgear_lanes_flush_wait(lanes);
		ret = gst_pad_event_default(sink, parent, event);
		netgear_lanes_flush_stop(lanes);
		netgearDemuxFlushStop(parent);
		return ret;
	default:
		return other_event(sink, parent, event);
	}
	gst_event_unref(event);
	return ret;
}

/* A serialized query would wait behind a pad that is held up. It is also unknown which pad an
 * answer about buffers would be for. */
static gboolean demux_query(GstPad *sink, GstObject *parent, GstQuery *query)
{
	return !GST_QUERY_IS_SERIALIZED(query) && gst_pad_query_default(sink, parent, query);
}

/* --- element --- */

static GstStateChangeReturn demux_change_state(GstElement *element, GstStateChange transition)
{
	NetgearDemux *demux = (NetgearDemux *)element;
	GstStateChangeReturn ret;

	if (netgear_forked())
		return netgear_forked_change_state(element, transition);
	if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
		netgear_lanes_open(demux->lanes);
	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
		netgear_lanes_close(demux->lanes); /* otherwise the next call waits for the streaming thread */
	/* On the way down this ends the streaming thread's call first. */
	ret = demux_parent->change_state(element, transition);
	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
		netgearDemuxReset(element);
		demux->group_id = GST_GROUP_ID_INVALID;
	}
	return ret;
}

static void demux_dispose(GObject *object)
{
	g_clear_pointer(&((NetgearDemux *)object)->lanes, netgear_lanes_free);
	G_OBJECT_CLASS(demux_parent)->dispose(object);
}

void netgear_demux_class_init(gpointer klass)
{
	demux_parent = g_type_class_peek_parent(klass);
	G_OBJECT_CLASS(klass)->dispose = demux_dispose;
	GST_ELEMENT_CLASS(klass)->change_state = demux_change_state;
}

static GstPad *pad_of(NetgearDemux *demux, const char *template, const char *name)
{
	return gst_pad_new_from_template(gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(demux), template), name);
}

void netgear_demux_init(gpointer d)
{
	NetgearDemux *demux = d;

	demux->lanes = netgear_lanes_new(&demux->parent);
	demux->group_id = GST_GROUP_ID_INVALID;
	demux->sink = pad_of(demux, "sink", "sink");
	gst_pad_set_chain_function(demux->sink, demux_chain);
	gst_pad_set_event_function(demux->sink, demux_event);
	gst_pad_set_query_function(demux->sink, demux_query);
	gst_element_add_pad(&demux->parent, demux->sink);
}

/* --- source pads --- */

gpointer netgear_demux_pad_new(gpointer d, const char *name, const char *port)
{
	NetgearDemux *demux = d;
	GstPad *pad = pad_of(demux, "src_%s", name);

	gst_pad_use_fixed_caps(pad);
	gst_pad_set_active(pad, TRUE);
	netgear_lane_new(demux->lanes, pad, port);
	return pad;
}

/* The handlers of pad-added have linked it when the first frame goes out. */
void netgear_demux_pad_add(gpointer demux, gpointer pad)
{
	gst_element_add_pad(demux, pad);
	netgear_lane_run(pad);
}

void netgear_demux_pad_remove(gpointer d, gpointer pad)
{
	NetgearDemux *demux = d;

	netgear_lane_remove(demux->lanes, pad);
	gst_element_remove_pad(&demux->parent, pad);
}

void netgear_demux_stream_start(gpointer d, gpointer pad, const char *id)
{
	NetgearDemux *demux = d;
	GstEvent *event, *upstream = gst_pad_get_sticky_event(demux->sink, GST_EVENT_STREAM_START, 0);
	char *stream_id = gst_pad_create_stream_id(pad, &demux->parent, id);
	guint group_id = GST_GROUP_ID_INVALID;
	GstStreamFlags flags = GST_STREAM_FLAG_NONE;

	event = gst_event_new_stream_start(stream_id);
	if (upstream) {
		gst_event_parse_group_id(upstream, &group_id);
		gst_event_parse_stream_flags(upstream, &flags);
		gst_event_set_seqnum(event, gst_event_get_seqnum(upstream));
		gst_event_unref(upstream);
	}
	if (group_id == GST_GROUP_ID_INVALID) {
		if (demux->group_id == GST_GROUP_ID_INVALID)
			demux->group_id = gst_util_group_id_next();
		group_id = demux->group_id;
	}
	gst_event_set_group_id(event, group_id);
	gst_event_set_stream_flags(event, flags);
	netgear_lane_event(pad, event);
	g_free(stream_id);
}

gboolean netgear_demux_has_caps(gpointer pad, gpointer caps) { return netgear_lane_has_caps(pad, caps); }

void netgear_demux_caps(gpointer pad, gpointer caps) { netgear_lane_event(pad, gst_event_new_caps(caps)); }

void netgear_demux_segment(gpointer d, gpointer pad)
{
	GstEvent *event = gst_pad_get_sticky_event(((NetgearDemux *)d)->sink, GST_EVENT_SEGMENT, 0);

	if (event == NULL)
		return;
	/* A copy, since a pad does not send the same event again, and after a
	 * new stream-start it must. */
	netgear_lane_event(pad, gst_event_copy(event));
	gst_event_unref(event);
}

static gboolean push_rest(GstPad *sink, GstEvent **event, gpointer pad)
{
	(void)sink;
	switch (GST_EVENT_TYPE(*event)) {
	case GST_EVENT_STREAM_START:
	case GST_EVENT_CAPS:
	case GST_EVENT_SEGMENT:
	case GST_EVENT_EOS:
		break;
	default:
		netgear_lane_event(pad, gst_event_ref(*event));
	}
	return TRUE;
}

/* The other sticky events that came before this pad did: tags and the like. */
void netgear_demux_rest(gpointer d, gpointer pad)
{
	gst_pad_sticky_events_foreach(((NetgearDemux *)d)->sink, push_rest, pad);
}

void netgear_demux_eos(gpointer pad, guint32 seqnum)
{
	GstEvent *event = gst_event_new_eos();

	gst_event_set_seqnum(event, seqnum);
	netgear_lane_event(pad, event);
}

void netgear_demux_forgive(gpointer demux, gpointer pad)
{
	(void)demux;
	netgear_lane_forgive(pad);
}

void netgear_demux_forgive_all(gpointer demux) { netgear_lanes_forgive(((NetgearDemux *)demux)->lanes); }
