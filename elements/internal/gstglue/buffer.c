/* Between the bytes of a frame and a GstBuffer or a GstSample. */
#include "planes.h"

#include <string.h>

/* --- in --- */

static guint64 buffers_copied; /* bytes that had to be packed; atomic */

guint64 netgear_buffers_copied(void) { return __atomic_load_n(&buffers_copied, __ATOMIC_RELAXED); }

/* A buffer that is lent to the transport: mapped, or packed into memory. */
typedef struct {
	gint holds; /* comes first: Go lowers it too; atomic */
	GstBuffer *buffer;
	GstMapInfo map;
	guint8 *packed;
} Loan;

static void loan_return_buffer(Loan *loan)
{
	if (loan->buffer == NULL)
		return;
	gst_buffer_unmap(loan->buffer, &loan->map);
	gst_buffer_unref(loan->buffer);
	loan->buffer = NULL;
}

static void loan_free(gpointer p)
{
	Loan *loan = p;

	loan_return_buffer(loan);
	g_free(loan->packed);
	g_free(loan);
}

void netgear_loan_hold(gpointer p) { g_atomic_int_inc(&((Loan *)p)->holds); }

void netgear_loan_unhold(gpointer p)
{
	if (g_atomic_int_dec_and_test(&((Loan *)p)->holds))
		loan_free(p);
}

gpointer netgear_loan_func(void) { return (gpointer)netgear_loan_unhold; }

static gboolean map_whole(Loan *loan, GstBuffer *buffer, NetgearInput *out)
{
	if (!gst_buffer_map(buffer, &loan->map, GST_MAP_READ))
		return FALSE;
	loan->buffer = gst_buffer_ref(buffer);
	out->data = loan->map.data;
	out->size = loan->map.size;
	return TRUE;
}

/* Maps pixels. It packs their rows where the buffer has them in another way than the array to
 * send. */
static gboolean map_video(const GstVideoInfo *info, Loan *loan, GstBuffer *buffer, NetgearInput *out)
{
	NetgearPlane planes[GST_VIDEO_MAX_PLANES];
	NetgearRows rows;
	gsize size = netgear_planes(info, planes);

	if (!netgear_find_rows(info, planes, size, buffer, &rows))
		return FALSE;
	if (netgear_is_packed(info, planes, &rows)) {
		if (!map_whole(loan, buffer, out))
			return FALSE;
		out->data += rows.offset[0];
		out->size = size;
		return TRUE;
	}
	loan->packed = g_try_malloc(size);
	if (loan->packed == NULL || !netgear_pack(info, planes, &rows, buffer, loan->packed))
		return FALSE;
	out->data = loan->packed;
	out->size = size;
	__atomic_add_fetch(&buffers_copied, size, __ATOMIC_RELAXED);
	return TRUE;
}

/* Lends the buffer's bytes; info is NULL where they are no pixels. */
static gboolean lend(GstBuffer *buffer, const GstVideoInfo *info, NetgearInput *out)
{
	Loan *loan = g_new0(Loan, 1);

	loan->holds = 1;
	memset(out, 0, sizeof *out);
	out->running_time = GST_CLOCK_TIME_NONE;
	out->duration = GST_BUFFER_DURATION(buffer);
	out->owner = loan;
	if (info ? map_video(info, loan, buffer, out) : map_whole(loan, buffer, out))
		return TRUE;
	loan_free(loan);
	return FALSE;
}

/* Sets the times of the buffer in the running time of the segment. A decoding time
 * may lie before the segment, and then its running time is negative. */
static void set_times(const NetgearSink *sink, GstBuffer *buffer, NetgearInput *out)
{
	const GstSegment *segment = &sink->parent.segment;
	guint64 decoded;
	int sign;

	if (!GST_BUFFER_PTS_IS_VALID(buffer) || segment->format != GST_FORMAT_TIME)
		return;
	out->running_time = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
	if (!GST_CLOCK_TIME_IS_VALID(sink->dts) || !GST_CLOCK_TIME_IS_VALID(out->running_time))
		return;
	sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, sink->dts, &decoded);
	if (sign < 0)
		out->reorder = out->running_time + decoded;
	else if (sign > 0 && decoded < out->running_time)
		out->reorder = out->running_time - decoded;
}

static GstStaticCaps unix_caps = GST_STATIC_CAPS("timestamp/x-unix");
static GstStaticCaps ntp_caps = GST_STATIC_CAPS("timestamp/x-ntp");

/* From the epoch of NTP, 1900, to that of Unix. */
#define NTP_TO_UNIX (G_GUINT64_CONSTANT(2208988800) * GST_SECOND)

/* 146 years. A larger number of ns is not a time. */
#define NEVER (G_GUINT64_CONSTANT(1) << 62)

static GstReferenceTimestampMeta *reference_time(GstBuffer *buffer, GstStaticCaps *kind)
{
	GstCaps *caps = gst_static_caps_get(kind);
	GstReferenceTimestampMeta *meta = gst_buffer_get_reference_timestamp_meta(buffer, caps);

	gst_caps_unref(caps);
	return meta;
}

/* Sets the time at which the picture was taken, where a camera or an element before us says it. */
static void set_taken(GstBuffer *buffer, NetgearInput *out)
{
	const GstReferenceTimestampMeta *meta = reference_time(buffer, &unix_caps);
	guint64 epoch = 0;

	if (meta == NULL) {
		meta = reference_time(buffer, &ntp_caps);
		epoch = NTP_TO_UNIX;
	}
	if (meta == NULL || meta->timestamp < epoch || meta->timestamp - epoch > G_MAXINT64)
		return;
	out->has_taken = TRUE;
	out->taken = (gint64)(meta->timestamp - epoch);
}

/* Sets the moment of the buffer's running time. */
static void set_captured(NetgearSink *sink, NetgearInput *out)
{
	NetgearMoment now = netgear_running_time_at(sink);

	if (now.running >= NEVER || out->running_time >= NEVER)
		return;
	out->has_captured = TRUE;
	out->captured = now.wall + (gint64)out->running_time - (gint64)now.running;
}

gboolean netgear_sink_map(gpointer s, gpointer b, NetgearInput *out)
{
	NetgearSink *sink = s;
	GstBuffer *buffer = b;
	const GstStructure *meta;

	if (!lend(buffer, sink->raw ? &sink->info : NULL, out))
		return FALSE;
	set_times(sink, buffer, out);
	set_taken(buffer, out);
	set_captured(sink, out);
	out->delta = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	out->live = g_atomic_int_get(&sink->hurried);
	out->behind = netgear_sink_behind(sink, gst_buffer_get_size(buffer), &out->single);
	meta = netgear_meta_get(buffer);
	if (meta) {
		out->message = gst_structure_get_string(meta, "message");
		out->has_local = gst_structure_get_int64(meta, "local-capture-time", &out->local);
	}
	return TRUE;
}

/* Without padding. */
gsize netgear_sink_frame_size(gpointer s)
{
	NetgearPlane planes[GST_VIDEO_MAX_PLANES];

	return netgear_planes(&((NetgearSink *)s)->info, planes);
}

gboolean netgear_sample_map(gpointer s, const NetgearCaps *caps, NetgearInput *out)
{
	GstBuffer *buffer = gst_sample_get_buffer(s);

	return buffer && lend(buffer, caps->media == NETGEAR_MEDIA_RAW ? &caps->info : NULL, out);
}

/* --- out --- */

gpointer netgear_src_buffer(gpointer s, const NetgearOutput *o)
{
	NetgearSrc *src = s;
	GstBuffer *buffer = gst_buffer_new_wrapped_full(0, o->data, o->size, 0, o->size, o->owner, (GDestroyNotify)o->free_func);
	GstStructure *meta;

	if (src->raw) { /* nobody reads the rows of Bayer from a meta */
		buffer = netgear_arrange(&src->info, buffer, src->video_meta && !src->bayer);
		if (buffer == NULL)
			return NULL;
	}
	GST_BUFFER_PTS(buffer) = o->pts;
	GST_BUFFER_DTS(buffer) = o->dts;
	GST_BUFFER_DURATION(buffer) = o->duration;
	if (o->discont)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	if (o->delta)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	if (o->has_taken) {
		GstCaps *caps = gst_static_caps_get(&unix_caps);

		gst_buffer_add_reference_timestamp_meta(buffer, caps, (GstClockTime)o->taken, GST_CLOCK_TIME_NONE);
		gst_caps_unref(caps);
	}
	meta = netgear_meta_add(buffer);
	if (meta) {
		gst_structure_set(meta, "port", G_TYPE_STRING, o->port, "message", G_TYPE_STRING, o->message, NULL);
		if (o->has_seq)
			gst_structure_set(meta, "seq", G_TYPE_UINT64, o->seq, NULL);
		if (o->has_time)
			gst_structure_set(meta, "sender-time", G_TYPE_INT64, o->time, NULL);
		if (o->has_taken)
			gst_structure_set(meta, "capture-time", G_TYPE_INT64, o->taken, NULL);
		if (o->has_clock)
			gst_structure_set(meta, "local-capture-time", G_TYPE_INT64, o->local, "clock-offset", G_TYPE_INT64, o->clock_offset,
					  "clock-error", G_TYPE_INT64, o->clock_error, NULL);
	}
	return buffer;
}

gpointer netgear_sample_new(const NetgearOutCaps *c, guint8 *data, gsize size, gpointer free_func, gpointer owner)
{
	GstBuffer *buffer = gst_buffer_new_wrapped_full(0, data, size, 0, size, owner, (GDestroyNotify)free_func);
	GstVideoInfo info;
	const char *against;
	GstCaps *caps = netgear_make_caps(c, &info, &against);
	GstSample *sample = NULL;

	if (caps) {
		if (c->media == NETGEAR_MEDIA_RAW)
			buffer = netgear_arrange(&info, buffer, TRUE);
		sample = gst_sample_new(buffer, caps, NULL, NULL);
		gst_caps_unref(caps);
	}
	gst_buffer_unref(buffer);
	return sample;
}

gpointer netgear_array_sample_new(const char *dtype, const gint *shape, gsize dims, guint8 *data, gsize size, gpointer free_func, gpointer owner)
{
	GstBuffer *buffer = gst_buffer_new();
	GstCaps *caps = gst_caps_new_simple("application/x-netgear-array", "dtype", G_TYPE_STRING, dtype, NULL);
	GValue list = G_VALUE_INIT, dim = G_VALUE_INIT;
	GstSample *sample;
	gsize i;

	if (size > 0)
		gst_buffer_append_memory(buffer, gst_memory_new_wrapped(0, data, size, 0, size, owner, (GDestroyNotify)free_func));
	else if (free_func) /* an array without elements: memory of size 0 does not exist */
		((GDestroyNotify)free_func)(owner);
	g_value_init(&list, GST_TYPE_ARRAY);
	for (i = 0; i < dims; i++) {
		g_value_init(&dim, G_TYPE_INT);
		g_value_set_int(&dim, shape[i]);
		gst_value_array_append_and_take_value(&list, &dim);
	}
	gst_caps_set_value(caps, "shape", &list);
	g_value_unset(&list);
	sample = gst_sample_new(buffer, caps, NULL, NULL);
	gst_caps_unref(caps);
	gst_buffer_unref(buffer);
	return sample;
}
