#include "lane.h"

#include <string.h>

#include "_cgo_export.h"
#include "glue.h"

/* How a lane is bounded. A frame that has waited for stale is dropped when a newer one comes
 * that needs none before it. Deltas of encoded video cannot be dropped alone: they pile up to
 * the limits, and then all of them up to the next key frame are dropped. */
enum {
	few = 4,          /* buffers; with more waiting, the stream is held up where that hurts nobody */
	most = 256,       /* buffers */
	most_bytes = 64 << 20,
	most_events = 64, /* of those that nothing replaces */
	stale = 250000,   /* us; threads of a busy machine must get their turn in that time */
	patience = 500000, /* us; how long the stream is held up at the most */
	parting = 50000,  /* us; how long a thread has to end before it is left alone */
};

struct NetgearLanes {
	GMutex lock; /* of all fields, here and in the lanes */
	GCond changed; /* something was taken, or a lane is idle, or a thread has ended */
	GstElement *demux;
	GPtrArray *all; /* of NetgearLane */
	gboolean flushing, closing;
	gint64 parted; /* us, monotonic: when threads are left alone */
};

typedef struct {
	NetgearLanes *lanes; /* a reference */
	GstPad *pad;         /* whose this is */
	char *port;
	GThread *thread; /* NULL: not running */
	GCond wake;      /* the thread */
	GQueue items;    /* of Item */
	guint buffers, events;
	gsize bytes;
	GstCaps *caps;   /* the last that came in */
	gboolean busy;   /* the thread pushes */
	gboolean stuck;  /* a wait for it was in vain, and it has taken nothing since */
	gboolean no_key; /* deltas are dropped */
	gboolean gap;    /* something was dropped since the last buffer that came in */
	gboolean ended;  /* an end of stream came in */
	gboolean forgiven;
	gboolean stop, done; /* the thread must end, has ended */
	GstFlowReturn flow;
	guint64 dropped;
} NetgearLane;

typedef struct {
	GstMiniObject *object;
	gint64 since; /* us, monotonic */
} Item;

static GQuark lane_quark(void) { return g_quark_from_static_string("netgear-lane"); }

static NetgearLane *lane_of(GstPad *pad) { return g_object_get_qdata(G_OBJECT(pad), lane_quark()); }

NetgearLanes *netgear_lanes_new(GstElement *demux)
{
	NetgearLanes *lanes = g_atomic_rc_box_new0(NetgearLanes);

	g_mutex_init(&lanes->lock);
	g_cond_init(&lanes->changed);
	lanes->demux = demux;
	lanes->all = g_ptr_array_new();
	return lanes;
}

static void lanes_clear(gpointer p)
{
	NetgearLanes *lanes = p;

	g_ptr_array_unref(lanes->all);
	g_cond_clear(&lanes->changed);
	g_mutex_clear(&lanes->lock);
}

void netgear_lanes_free(NetgearLanes *lanes) { g_atomic_rc_box_release_full(lanes, lanes_clear); }

/* --- what waits; all with the lock held --- */

static void put(NetgearLane *lane, GstMiniObject *object)
{
	Item *item = g_new(Item, 1);

	item->object = object;
	item->since = g_get_monotonic_time();
	if (GST_IS_BUFFER(object)) {
		lane->buffers++;
		lane->bytes += gst_buffer_get_size(GST_BUFFER(object));
	} else {
		lane->events++;
	}
	g_queue_push_tail(&lane->items, item);
	g_cond_signal(&lane->wake);
}

static GstMiniObject *take_out(NetgearLane *lane, GList *link)
{
	Item *item = link->data;
	GstMiniObject *object = item->object;

	if (GST_IS_BUFFER(object)) {
		lane->buffers--;
		lane->bytes -= gst_buffer_get_size(GST_BUFFER(object));
	} else {
		lane->events--;
	}
	g_free(item);
	g_queue_delete_link(&lane->items, link);
	return object;
}

static void dropped(NetgearLane *lane)
{
	lane->gap = TRUE;
	lane->dropped++;
	if ((lane->dropped & (lane->dropped - 1)) == 0) /* 1, 2, 4, 8 … */
		GST_CAT_INFO_OBJECT(netgeardemux_debug, lane->pad, "behind: %" G_GUINT64_FORMAT " frames dropped so far", lane->dropped);
}

static void drop_buffers(NetgearLane *lane, gboolean count)
{
	GList *link, *next;

	for (link = lane->items.head; link; link = next) {
		next = link->next;
		if (GST_IS_BUFFER(((Item *)link->data)->object)) {
			gst_mini_object_unref(take_out(lane, link));
			if (count)
				dropped(lane);
		}
	}
}

/* Drops everything. store leaves on the pad the sticky events that outlive a flush. */
static void drop_all(NetgearLane *lane, gboolean store)
{
	drop_buffers(lane, FALSE);
	while (lane->items.head) {
		GstEvent *event = GST_EVENT(take_out(lane, lane->items.head));

		if (store && GST_EVENT_IS_STICKY(event) && GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT && GST_EVENT_TYPE(event) != GST_EVENT_EOS)
			gst_pad_store_sticky_event(lane->pad, event);
		gst_event_unref(event);
	}
}

/* How long the oldest buffer has waited, in us. */
static gint64 age(NetgearLane *lane)
{
	GList *link;

	for (link = lane->items.head; link; link = link->next)
		if (GST_IS_BUFFER(((Item *)link->data)->object))
			return g_get_monotonic_time() - ((Item *)link->data)->since;
	return 0;
}

/* Reports whether another lane would starve if the stream were held up. */
static gboolean others_idle(NetgearLane *lane)
{
	guint i;

	for (i = 0; i < lane->lanes->all->len; i++) {
		NetgearLane *other = g_ptr_array_index(lane->lanes->all, i);

		if (other != lane && !other->busy && !other->ended && other->flow == GST_FLOW_OK && g_queue_is_empty(&other->items))
			return TRUE;
	}
	return FALSE;
}

/* Holds up the stream while that gives the lane room and hurts no other. */
static void wait_for_room(NetgearLane *lane)
{
	NetgearLanes *lanes = lane->lanes;
	gint64 until = g_get_monotonic_time() + patience;

	while (lane->buffers > 0 && (lane->buffers >= few || age(lane) > stale) && !lane->stuck && !others_idle(lane) && !lanes->flushing &&
	       !lanes->closing)
		if (!g_cond_wait_until(&lanes->changed, &lanes->lock, until))
			lane->stuck = TRUE;
}

/* --- what the pads return --- */

/* Combines returns as demuxers do. A pad that is flushing counts as one that takes its frames: a
 * flush is some other element's matter, and a short one. */
static GstFlowReturn combined(NetgearLanes *lanes)
{
	gboolean unlinked = TRUE, ended = TRUE;
	guint i;

	for (i = 0; i < lanes->all->len; i++) {
		NetgearLane *lane = g_ptr_array_index(lanes->all, i);

		if (lane->flow <= GST_FLOW_NOT_NEGOTIATED)
			return lane->flow;
		if (lane->flow != GST_FLOW_NOT_LINKED) {
			unlinked = FALSE;
			ended = ended && lane->flow == GST_FLOW_EOS;
		}
	}
	if (lanes->all->len == 0)
		return GST_FLOW_OK;
	return unlinked ? GST_FLOW_NOT_LINKED : ended ? GST_FLOW_EOS : GST_FLOW_OK;
}

/* Notes what a push returned. */
static void returned(NetgearLane *lane, GstFlowReturn flow)
{
	if (flow == GST_FLOW_FLUSHING) {
		dropped(lane);
		flow = GST_FLOW_OK;
	}
	if (flow > GST_FLOW_OK || (lane->forgiven && flow > GST_FLOW_NOT_NEGOTIATED))
		flow = GST_FLOW_OK;
	lane->flow = flow;
}

void netgear_lane_forgive(GstPad *pad)
{
	NetgearLane *lane = lane_of(pad);

	g_mutex_lock(&lane->lanes->lock);
	lane->forgiven = TRUE;
	lane->flow = GST_FLOW_OK;
	g_mutex_unlock(&lane->lanes->lock);
}

void netgear_lanes_forgive(NetgearLanes *lanes)
{
	guint i;

	g_mutex_lock(&lanes->lock);
	for (i = 0; i < lanes->all->len; i++) {
		NetgearLane *lane = g_ptr_array_index(lanes->all, i);

		lane->forgiven = FALSE;
		lane->flow = GST_FLOW_OK;
	}
	g_mutex_unlock(&lanes->lock);
}

/* --- the thread --- */

/* Called with the lock held; releases it meanwhile. */
static void push(NetgearLane *lane, GstMiniObject *object)
{
	NetgearLanes *lanes = lane->lanes;
	gboolean is_buffer = GST_IS_BUFFER(object), told = lane->flow == GST_FLOW_NOT_NEGOTIATED;
	GstElement *demux = gst_object_ref(lanes->demux); /* it exists as long as lane->stop is not set */
	GstFlowReturn flow = GST_FLOW_OK;

	lane->busy = TRUE;
	lane->stuck = FALSE;
	g_cond_broadcast(&lanes->changed);
	g_mutex_unlock(&lanes->lock);
	if (is_buffer)
		flow = gst_pad_push(lane->pad, GST_BUFFER(object));
	else
		gst_pad_push_event(lane->pad, GST_EVENT(object));
	/* The reason must be on the bus before the source hears of the failure. */
	if (flow == GST_FLOW_NOT_NEGOTIATED && !told)
		netgearDemuxRefused(demux, lane->port, strlen(lane->port), GST_PAD_NAME(lane->pad), strlen(GST_PAD_NAME(lane->pad)));
	gst_object_unref(demux);
	g_mutex_lock(&lanes->lock);
	lane->busy = FALSE;
	if (is_buffer && !lane->stop)
		returned(lane, flow);
	g_cond_broadcast(&lanes->changed);
}

static gpointer lane_loop(gpointer p)
{
	GstPad *pad = p;
	NetgearLane *lane = lane_of(pad);
	NetgearLanes *lanes = lane->lanes;

	g_mutex_lock(&lanes->lock);
	while (!lane->stop) {
		if (lanes->flushing || lanes->closing || g_queue_is_empty(&lane->items))
			g_cond_wait(&lane->wake, &lanes->lock);
		else
			push(lane, take_out(lane, lane->items.head));
	}
	lane->done = TRUE;
	g_cond_broadcast(&lanes->changed);
	g_mutex_unlock(&lanes->lock);
	gst_object_unref(pad);
	return NULL;
}

/* --- a lane's life --- */

static void lane_free(gpointer p)
{
	NetgearLane *lane = p;

	drop_all(lane, FALSE);
	gst_clear_caps(&lane->caps);
	g_cond_clear(&lane->wake);
	netgear_lanes_free(lane->lanes);
	g_free(lane->port);
	g_free(lane);
}

void netgear_lane_new(NetgearLanes *lanes, GstPad *pad, const char *port)
{
	NetgearLane *lane = g_new0(NetgearLane, 1);

	lane->lanes = g_atomic_rc_box_acquire(lanes);
	lane->pad = pad;
	lane->port = g_strdup(port);
	lane->flow = GST_FLOW_OK;
	g_cond_init(&lane->wake);
	g_queue_init(&lane->items);
	g_object_set_qdata_full(G_OBJECT(pad), lane_quark(), lane, lane_free);
	g_mutex_lock(&lanes->lock);
	g_ptr_array_add(lanes->all, lane);
	g_mutex_unlock(&lanes->lock);
}

/* Without a thread from the system the lane goes on without one. */
void netgear_lane_run(GstPad *pad)
{
	NetgearLane *lane = lane_of(pad);
	GThread *thread = g_thread_try_new(GST_PAD_NAME(pad), lane_loop, gst_object_ref(pad), NULL);

	if (thread == NULL)
		gst_object_unref(pad);
	g_mutex_lock(&lane->lanes->lock);
	lane->thread = thread;
	g_mutex_unlock(&lane->lanes->lock);
}

void netgear_lane_remove(NetgearLanes *lanes, GstPad *pad)
{
	NetgearLane *lane = lane_of(pad);
	gint64 until = g_get_monotonic_time() + patience;
	GThread *thread;
	gboolean done;

	g_mutex_lock(&lanes->lock);
	while ((lane->busy || !g_queue_is_empty(&lane->items)) && lane->thread && !lanes->flushing && !lanes->closing)
		if (!g_cond_wait_until(&lanes->changed, &lanes->lock, until))
			break;
	lane->stop = TRUE;
	drop_all(lane, FALSE);
	g_ptr_array_remove(lanes->all, lane);
	g_cond_signal(&lane->wake);
	if (lane->dropped > 0)
		GST_CAT_INFO_OBJECT(netgeardemux_debug, pad, "%" G_GUINT64_FORMAT " frames dropped in all", lane->dropped);
	until = lanes->closing ? lanes->parted : g_get_monotonic_time() + parting;
	while (lane->thread && !lane->done && g_cond_wait_until(&lanes->changed, &lanes->lock, until))
		;
	thread = lane->thread;
	done = lane->done;
	g_mutex_unlock(&lanes->lock);
	/* Only now, because it removes the pad's events, and a push must have them. It ends a push
	 * that is held up at the pad itself. */
	gst_pad_set_active(pad, FALSE);
	if (thread) {
		if (done)
			g_thread_join(thread);
		else
			g_thread_unref(thread);
	}
}

/* --- in --- */

/* A caps event that waits right before another one, and the like, is useless. So the events of a
 * lane that drops all its frames stay few. */
static void put_event(NetgearLane *lane, GstEvent *event)
{
	GstEventType type = GST_EVENT_TYPE(event);
	gboolean one = type == GST_EVENT_STREAM_START || type == GST_EVENT_CAPS || type == GST_EVENT_SEGMENT;
	GList *link;

	for (link = lane->items.tail; one && link && GST_IS_EVENT(((Item *)link->data)->object); link = link->prev) {
		Item *item = link->data;

		if (GST_EVENT_TYPE(item->object) == type) {
			gst_mini_object_unref(item->object);
			item->object = GST_MINI_OBJECT(event);
			return;
		}
	}
	if (!one && type != GST_EVENT_EOS && lane->events >= most_events) {
		GST_CAT_INFO_OBJECT(netgeardemux_debug, lane->pad, "behind: dropped %" GST_PTR_FORMAT, event);
		gst_event_unref(event);
		return;
	}
	put(lane, GST_MINI_OBJECT(event));
}

void netgear_lane_event(GstPad *pad, GstEvent *event)
{
	NetgearLane *lane = lane_of(pad);
	GMutex *lock = &lane->lanes->lock;

	g_mutex_lock(lock);
	if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
		GstCaps *caps;

		gst_event_parse_caps(event, &caps);
		gst_caps_replace(&lane->caps, caps);
	}
	lane->ended = GST_EVENT_TYPE(event) == GST_EVENT_EOS || (lane->ended && GST_EVENT_TYPE(event) != GST_EVENT_STREAM_START);
	if (lane->thread) {
		put_event(lane, event);
		g_mutex_unlock(lock);
		return;
	}
	g_mutex_unlock(lock);
	gst_pad_push_event(pad, event);
}

void netgear_lanes_event(NetgearLanes *lanes, GstEvent *event)
{
	GPtrArray *pads = g_ptr_array_new_with_free_func(gst_object_unref);
	guint i;

	g_mutex_lock(&lanes->lock);
	for (i = 0; i < lanes->all->len; i++)
		g_ptr_array_add(pads, gst_object_ref(((NetgearLane *)g_ptr_array_index(lanes->all, i))->pad));
	g_mutex_unlock(&lanes->lock);
	for (i = 0; i < pads->len; i++)
		netgear_lane_event(g_ptr_array_index(pads, i), gst_event_ref(event));
	g_ptr_array_unref(pads);
}

gboolean netgear_lane_has_caps(GstPad *pad, GstCaps *caps)
{
	NetgearLane *lane = lane_of(pad);

	return lane->caps && gst_caps_is_equal(lane->caps, caps); /* written by this thread alone */
}

static void put_buffer(NetgearLane *lane, GstBuffer *buffer)
{
	gboolean delta = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	gboolean full = lane->buffers >= most || (lane->buffers > 0 && lane->bytes + gst_buffer_get_size(buffer) > most_bytes);

	if (!delta && lane->buffers > 0 && (full || age(lane) > stale))
		drop_buffers(lane, TRUE);
	lane->no_key = delta && (lane->no_key || full);
	if (lane->no_key) {
		gst_buffer_unref(buffer);
		dropped(lane);
		return;
	}
	if (lane->gap && !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)) {
		buffer = gst_buffer_make_writable(buffer);
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	}
	lane->gap = FALSE;
	put(lane, GST_MINI_OBJECT(buffer));
}

GstFlowReturn netgear_lane_buffer(NetgearLanes *lanes, GstPad *pad, GstBuffer *buffer)
{
	NetgearLane *lane = lane_of(pad);
	GstFlowReturn flow;

	g_mutex_lock(&lanes->lock);
	if (lane->thread) {
		wait_for_room(lane);
		if (lanes->flushing || lanes->closing)
			gst_buffer_unref(buffer);
		else
			put_buffer(lane, buffer);
	} else {
		push(lane, GST_MINI_OBJECT(buffer));
	}
	flow = lanes->flushing || lanes->closing ? GST_FLOW_FLUSHING : combined(lanes);
	g_mutex_unlock(&lanes->lock);
	return flow;
}

/* --- flush and state --- */

static void wake_all(NetgearLanes *lanes)
{
	guint i;

	for (i = 0; i < lanes->all->len; i++)
		g_cond_signal(&((NetgearLane *)g_ptr_array_index(lanes->all, i))->wake);
	g_cond_broadcast(&lanes->changed);
}

void netgear_lanes_flush_start(NetgearLanes *lanes)
{
	guint i;

	g_mutex_lock(&lanes->lock);
	lanes->flushing = TRUE;
	for (i = 0; i < lanes->all->len; i++)
		drop_buffers(g_ptr_array_index(lanes->all, i), FALSE);
	wake_all(lanes);
	g_mutex_unlock(&lanes->lock);
}

static gboolean any_busy(NetgearLanes *lanes)
{
	guint i;

	for (i = 0; i < lanes->all->len; i++)
		if (((NetgearLane *)g_ptr_array_index(lanes->all, i))->busy)
			return TRUE;
	return FALSE;
}

static void wait_until_idle(NetgearLanes *lanes, gint64 until)
{
	while (any_busy(lanes) && g_cond_wait_until(&lanes->changed, &lanes->lock, until))
		;
}

void netgear_lanes_flush_wait(NetgearLanes *lanes)
{
	g_mutex_lock(&lanes->lock);
	wait_until_idle(lanes, g_get_monotonic_time() + parting);
	g_mutex_unlock(&lanes->lock);
}

void netgear_lanes_flush_stop(NetgearLanes *lanes)
{
	guint i;

	g_mutex_lock(&lanes->lock);
	for (i = 0; i < lanes->all->len; i++) {
		NetgearLane *lane = g_ptr_array_index(lanes->all, i);

		drop_all(lane, TRUE);
		lane->no_key = lane->stuck = lane->ended = FALSE;
	}
	lanes->flushing = FALSE;
	wake_all(lanes);
	g_mutex_unlock(&lanes->lock);
}

void netgear_lanes_close(NetgearLanes *lanes)
{
	g_mutex_lock(&lanes->lock);
	lanes->closing = TRUE;
	lanes->parted = g_get_monotonic_time() + parting;
	wake_all(lanes);
	wait_until_idle(lanes, lanes->parted);
	g_mutex_unlock(&lanes->lock);
}

void netgear_lanes_open(NetgearLanes *lanes)
{
	g_mutex_lock(&lanes->lock);
	lanes->closing = lanes->flushing = FALSE;
	g_mutex_unlock(&lanes->lock);
}
