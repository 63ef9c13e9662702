#include "glue.h"

#include <string.h>

#include "_cgo_export.h"

GST_DEBUG_CATEGORY_STATIC(netgear_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsink_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsrc_debug);

#define META_NAME "NetgearMeta"

static gpointer init_once(gpointer unused)
{
	static const gchar *tags[] = {NULL};

	(void)unused;
	GST_DEBUG_CATEGORY_INIT(netgear_debug, "netgear", 0, "NetGear transport");
	GST_DEBUG_CATEGORY_INIT(netgearsink_debug, "netgearsink", 0, "NetGear sink");
	GST_DEBUG_CATEGORY_INIT(netgearsrc_debug, "netgearsrc", 0, "NetGear source");
	/* Static registration and the plugin may both have come this way. */
	if (gst_meta_get_info(META_NAME) == NULL)
		gst_meta_register_custom(META_NAME, tags, NULL, NULL, NULL);
	return NULL;
}

void netgear_init_once(void)
{
	static GOnce once = G_ONCE_INIT;
	g_once(&once, init_once, NULL);
}

gboolean netgear_register(gpointer plugin, const char *name, GType type)
{
	return gst_element_register(plugin, name, GST_RANK_PRIMARY, type);
}

/* --- logging --- */

static GstDebugCategory *category_of(int category)
{
	switch (category) {
	case NETGEAR_LOG_SINK:
		return netgearsink_debug;
	case NETGEAR_LOG_SRC:
		return netgearsrc_debug;
	}
	return netgear_debug;
}

gboolean netgear_log_enabled(int category, int level)
{
	return level <= (int)_gst_debug_min && level <= (int)gst_debug_category_get_threshold(category_of(category));
}

void netgear_log(int category, int level, gpointer object, const char *function, const char *text)
{
	gst_debug_log(category_of(category), (GstDebugLevel)level, "netgear", function, 0, object, "%s", text);
}

/* --- elements --- */

void netgear_post(gpointer element, int type, int domain, int code, const char *text, const char *debug)
{
	GQuark quark = 0;

	switch (domain) {
	case NETGEAR_LIBRARY:
		quark = GST_LIBRARY_ERROR;
		break;
	case NETGEAR_RESOURCE:
		quark = GST_RESOURCE_ERROR;
		break;
	case NETGEAR_STREAM:
		quark = GST_STREAM_ERROR;
		break;
	case NETGEAR_CORE:
		quark = GST_CORE_ERROR;
		break;
	}
	gst_element_message_full(element, type == NETGEAR_ERROR ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING, quark, code,
				 g_strdup(text), g_strdup(debug), "netgear", G_OBJECT_TYPE_NAME(element), 0);
}

void netgear_flow_error(gpointer element, int flow) { GST_ELEMENT_FLOW_ERROR(element, (GstFlowReturn)flow); }

void netgear_notify(gpointer object, const char *property) { g_object_notify(object, property); }

gpointer netgear_weak_new(gpointer object)
{
	GWeakRef *weak = g_new0(GWeakRef, 1);
	g_weak_ref_init(weak, object);
	return weak;
}

gpointer netgear_weak_get(gpointer weak) { return g_weak_ref_get(weak); }

void netgear_weak_free(gpointer weak)
{
	g_weak_ref_clear(weak);
	g_free(weak);
}

/* Returns the running time of now, or NONE where there is no clock or the
 * element is not playing: then the base time means nothing yet. */
guint64 netgear_running_time(gpointer e)
{
	GstElement *element = e;
	GstClock *clock = NULL;
	GstClockTime base = 0, now;

	GST_OBJECT_LOCK(element);
	if (GST_ELEMENT_CLOCK(element) != NULL) {
		clock = gst_object_ref(GST_ELEMENT_CLOCK(element));
		base = element->base_time;
	}
	GST_OBJECT_UNLOCK(element);
	if (clock == NULL)
		return GST_CLOCK_TIME_NONE;
	now = gst_clock_get_time(clock);
	gst_object_unref(clock);
	return now > base ? now - base : 0;
}

/* --- signals and messages --- */

static void push_return_sample(gpointer src, GstSample *sample) { netgearPushReturn(src, sample); }

/* G_SIGNAL_RUN_LAST with no class handler, but for the action. */
static void install_signals(gpointer klass, int role)
{
	GType type = G_TYPE_FROM_CLASS(klass);

	g_signal_new("peer-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	g_signal_new("peer-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	g_signal_new("peer-rejected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
	if (role == NETGEAR_SINK) {
		g_signal_new("return-data", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_STRING,
			     GST_TYPE_SAMPLE);
	} else {
		g_signal_new("message-received", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
		g_signal_new_class_handler("push-return-sample", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(push_return_sample),
					   NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_SAMPLE);
	}
}

gboolean netgear_has_handler(gpointer element, const char *signal)
{
	return g_signal_has_handler_pending(element, g_signal_lookup(signal, G_OBJECT_TYPE(element)), 0, FALSE);
}

void netgear_emit_peer(gpointer element, const char *signal, const char *endpoint, const char *reason)
{
	if (reason)
		g_signal_emit_by_name(element, signal, endpoint, reason);
	else
		g_signal_emit_by_name(element, signal, endpoint);
}

/* Takes over the sample. */
void netgear_emit_data(gpointer element, const char *signal, const char *port, const char *json, gpointer sample)
{
	if (strcmp(signal, "return-data") == 0)
		g_signal_emit_by_name(element, signal, port, json, sample);
	else
		g_signal_emit_by_name(element, signal, port, json);
	if (sample)
		gst_sample_unref(sample);
}

void netgear_post_data(gpointer element, const char *name, const char *port, const char *json)
{
	gst_element_post_message(element, gst_message_new_element(element, gst_structure_new(name, "port", G_TYPE_STRING, port, "json",
											      G_TYPE_STRING, json, NULL)));
}

/* --- properties --- */

GType netgear_register_enum(const char *name, int n, const char **nicks, const char **names)
{
	GType type = g_type_from_name(name);
	GEnumValue *values;
	int i;

	if (type != 0)
		return type;
	values = g_new0(GEnumValue, n + 1); /* the type keeps it for ever */
	for (i = 0; i < n; i++) {
		values[i].value = i;
		values[i].value_name = g_intern_string(names[i]);
		values[i].value_nick = g_intern_string(nicks[i]);
	}
	return g_enum_register_static(g_intern_string(name), values);
}

void netgear_install(gpointer klass, guint id, const char *name, const char *nick, const char *blurb, const NetgearParam *p)
{
	GParamFlags flags = 0;
	GParamSpec *spec = NULL;

	if (p->readable)
		flags |= G_PARAM_READABLE;
	if (p->writable)
		flags |= G_PARAM_WRITABLE | (p->playing ? GST_PARAM_MUTABLE_PLAYING : GST_PARAM_MUTABLE_READY);
	switch (p->kind) {
	case NETGEAR_STRING:
		spec = g_param_spec_string(name, nick, blurb, p->def_string, flags);
		break;
	case NETGEAR_UINT:
		spec = g_param_spec_uint(name, nick, blurb, (guint)p->min, (guint)p->max, (guint)p->def_uint, flags);
		break;
	case NETGEAR_INT:
		spec = g_param_spec_int(name, nick, blurb, (gint)p->min, (gint)p->max, (gint)p->def_int, flags);
		break;
	case NETGEAR_UINT64:
		spec = g_param_spec_uint64(name, nick, blurb, (guint64)p->min, (guint64)p->max, p->def_uint, flags);
		break;
	case NETGEAR_BOOL:
		spec = g_param_spec_boolean(name, nick, blurb, p->def_int != 0, flags);
		break;
	case NETGEAR_DOUBLE:
		spec = g_param_spec_double(name, nick, blurb, p->min, p->max, p->def_double, flags);
		break;
	case NETGEAR_ENUM:
		spec = g_param_spec_enum(name, nick, blurb, p->type, (gint)p->def_int, flags);
		break;
	case NETGEAR_STRUCTURE:
		spec = g_param_spec_boxed(name, nick, blurb, GST_TYPE_STRUCTURE, flags);
		break;
	}
	g_object_class_install_property(klass, id, spec);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
	(void)spec;
	netgearSetProperty(object, id, (GValue *)value);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
	(void)spec;
	netgearGetProperty(object, id, value);
}

/* --- uri handler --- */

static GstURIType uri_type_sink(GType type) { (void)type; return GST_URI_SINK; }
static GstURIType uri_type_src(GType type) { (void)type; return GST_URI_SRC; }

static const gchar *const *uri_protocols(GType type)
{
	static const gchar *protocols[] = {"netgear", "netgear+ipc", NULL};
	(void)type;
	return protocols;
}

static gchar *uri_get(GstURIHandler *handler)
{
	char *uri = netgearGetURI(handler);
	gchar *ret = g_strdup(uri);
	free(uri);
	return ret;
}

static gboolean uri_set(GstURIHandler *handler, const gchar *uri, GError **error)
{
	int code = GST_URI_ERROR_BAD_URI;
	char *why = netgearSetURI(handler, (char *)uri, &code);

	if (why == NULL)
		return TRUE;
	g_set_error_literal(error, GST_URI_ERROR, code, why);
	free(why);
	return FALSE;
}

void netgear_uri_handler_init(gpointer iface, int role)
{
	GstURIHandlerInterface *i = iface;

	i->get_type = role == NETGEAR_SINK ? uri_type_sink : uri_type_src;
	i->get_protocols = uri_protocols;
	i->get_uri = uri_get;
	i->set_uri = uri_set;
}

/* --- sink class --- */

static GstElementClass *sink_parent;

/* Asks whether upstream is live; then frames are not held back for the clock. */
static void sink_ask_live(GstBaseSink *sink)
{
	GstQuery *query = gst_query_new_latency();
	gboolean live = FALSE;

	if (gst_pad_peer_query(GST_BASE_SINK_PAD(sink), query))
		gst_query_parse_latency(query, &live, NULL, NULL);
	gst_query_unref(query);
	g_atomic_int_set(&((NetgearSink *)sink)->upstream_live, live);
}

static GstStateChangeReturn sink_change_state(GstElement *element, GstStateChange transition)
{
	GstStateChangeReturn ret;

	if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !netgearSinkOpen(element))
		return GST_STATE_CHANGE_FAILURE;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
		sink_ask_live(GST_BASE_SINK(element));
	ret = sink_parent->change_state(element, transition);
	/* With return_src it is a live source too: what shows the returned frames
	 * must not keep the pipeline from PLAYING before the first one. */
	if ((transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) &&
	    ret == GST_STATE_CHANGE_SUCCESS && g_atomic_int_get(&((NetgearSink *)element)->returns))
		ret = GST_STATE_CHANGE_NO_PREROLL;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
	    (transition == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE))
		netgearSinkClose(element);
	return ret;
}

static void sink_get_times(GstBaseSink *sink, GstBuffer *buffer, GstClockTime *start, GstClockTime *end)
{
	if (g_atomic_int_get(&((NetgearSink *)sink)->upstream_live)) {
		*start = *end = GST_CLOCK_TIME_NONE;
		return;
	}
	GST_BASE_SINK_CLASS(sink_parent)->get_times(sink, buffer, start, end);
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

	if (ret == GST_FLOW_OK && GST_EVENT_TYPE(event) == GST_EVENT_EOS)
		ret = netgearSinkFinish(sink);
	return ret;
}

static gboolean sink_set_caps(GstBaseSink *sink, GstCaps *caps) { return netgearSinkSetCaps(sink, caps); }
static GstFlowReturn sink_render(GstBaseSink *sink, GstBuffer *buffer) { return netgearSinkRender(sink, buffer); }
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
static gboolean src_unlock_stop(GstBaseSrc *src) { netgearUnlockStop(src); return TRUE; }
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

static GstFlowReturn src_create(GstPushSrc *src, GstBuffer **buffer)
{
	return netgearSrcCreate(src, (gpointer *)buffer);
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

	object_class->set_property = set_property;
	object_class->get_property = get_property;
	((GstElementClass *)klass)->request_new_pad = netgear_request_pad;
	((GstElementClass *)klass)->release_pad = netgear_release_pad;
	install_signals(klass, role);
	if (role == NETGEAR_SINK) {
		GstElementClass *element_class = klass;
		GstBaseSinkClass *sink_class = klass;

		sink_parent = g_type_class_peek_parent(klass);
		element_class->change_state = sink_change_state;
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

/* --- caps to header --- */

/* What a receiver assumes where the caps say nothing, by field. */
static gboolean is_told_elsewhere(const GstStructure *s, const gchar *name)
{
	static const char *told[] = {"width", "height", "framerate", "parsed", "sof-marker", "colorspace", "sampling", NULL};
	static const char *defaults[][2] = {
		{"interlace-mode", "progressive"},
		{"multiview-mode", "mono"},
		{NULL, NULL},
	};
	int i;

	for (i = 0; told[i]; i++)
		if (strcmp(name, told[i]) == 0)
			return TRUE;
	for (i = 0; defaults[i][0]; i++)
		if (strcmp(name, defaults[i][0]) == 0)
			return g_strcmp0(gst_structure_get_string(s, name), defaults[i][1]) == 0;
	if (strcmp(name, "pixel-aspect-ratio") == 0) {
		int n, d;
		return gst_structure_get_fraction(s, name, &n, &d) && n == d;
	}
	return strcmp(name, "multiview-flags") == 0;
}

/* The format that a receiver takes an array for. */
static gboolean is_default_format(GstVideoFormat f)
{
	return f == GST_VIDEO_FORMAT_BGR || f == GST_VIDEO_FORMAT_BGRA || f == GST_VIDEO_FORMAT_GRAY8 ||
	       f == GST_VIDEO_FORMAT_GRAY16_LE || f == GST_VIDEO_FORMAT_GRAY16_BE;
}

/* The colorimetry that GStreamer fills in for such caps anyway. */
static gboolean is_default_colorimetry(const GstVideoInfo *info)
{
	GstVideoInfo plain;

	return gst_video_info_set_format(&plain, GST_VIDEO_INFO_FORMAT(info), GST_VIDEO_INFO_WIDTH(info), GST_VIDEO_INFO_HEIGHT(info)) &&
	       gst_video_colorimetry_is_equal(&plain.colorimetry, &info->colorimetry);
}

static gboolean parse_caps(GstCaps *caps, NetgearCaps *out, GstVideoInfo *info)
{
	GstStructure *st = gst_caps_get_structure(caps, 0);
	GstStructure *extra;
	gboolean raw = FALSE;
	int i;

	memset(out, 0, sizeof *out);
	if (gst_structure_has_name(st, "image/jpeg")) {
		out->media = NETGEAR_MEDIA_JPEG;
		gst_structure_get_int(st, "width", &out->width);
		gst_structure_get_int(st, "height", &out->height);
		gst_structure_get_fraction(st, "framerate", &out->fps_n, &out->fps_d);
	} else if (gst_structure_has_name(st, "video/x-raw")) {
		if (!gst_video_info_from_caps(info, caps))
			return FALSE;
		raw = TRUE;
		out->media = NETGEAR_MEDIA_RAW;
		out->width = GST_VIDEO_INFO_WIDTH(info);
		out->height = GST_VIDEO_INFO_HEIGHT(info);
		out->fps_n = GST_VIDEO_INFO_FPS_N(info);
		out->fps_d = GST_VIDEO_INFO_FPS_D(info);
		g_strlcpy(out->format, gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(info)), sizeof out->format);
	} else {
		return FALSE;
	}

	extra = gst_structure_copy(st);
	for (i = gst_structure_n_fields(extra) - 1; i >= 0; i--) {
		const gchar *name = gst_structure_nth_field_name(extra, i);
		if (is_told_elsewhere(extra, name))
			gst_structure_remove_field(extra, name);
	}
	if (raw && is_default_format(GST_VIDEO_INFO_FORMAT(info)))
		gst_structure_remove_field(extra, "format");
	if (raw && is_default_colorimetry(info))
		gst_structure_remove_field(extra, "colorimetry");
	if (gst_structure_n_fields(extra) > 0)
		out->extra = gst_structure_to_string(extra);
	gst_structure_free(extra);
	if (out->extra) { /* a structure ends with ';', caps do not */
		gsize n = strlen(out->extra);
		if (n > 0 && out->extra[n - 1] == ';')
			out->extra[n - 1] = '\0';
	}
	return TRUE;
}

gboolean netgear_sink_caps(gpointer s, gpointer c, NetgearCaps *out)
{
	NetgearSink *sink = s;
	gboolean ok = parse_caps(c, out, &sink->info);

	sink->raw = ok && out->media == NETGEAR_MEDIA_RAW;
	return ok;
}

/* --- buffers in --- */

static guint64 buffers_copied; /* bytes that had to be packed; atomic */

guint64 netgear_buffers_copied(void) { return __atomic_load_n(&buffers_copied, __ATOMIC_RELAXED); }

/* A buffer that is lent to the transport: mapped, or packed into memory. */
typedef struct {
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

gpointer netgear_loan_func(void) { return (gpointer)loan_free; }

static gboolean map_whole(Loan *loan, GstBuffer *buffer, NetgearInput *out)
{
	if (!gst_buffer_map(buffer, &loan->map, GST_MAP_READ))
		return FALSE;
	loan->buffer = gst_buffer_ref(buffer);
	out->data = loan->map.data;
	out->size = loan->map.size;
	return TRUE;
}

/* Maps one plane of pixels and packs its rows where they are padded. All our
 * formats have one plane; gst_video_frame_map would map only the memory in which
 * it begins. */
static gboolean map_video(const GstVideoInfo *info, Loan *loan, GstBuffer *buffer, NetgearInput *out)
{
	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
	gsize row = (gsize)GST_VIDEO_INFO_WIDTH(info) * GST_VIDEO_INFO_COMP_PSTRIDE(info, 0);
	gsize rows = GST_VIDEO_INFO_HEIGHT(info), stride, offset, y;

	if (!map_whole(loan, buffer, out))
		return FALSE;
	if (meta != NULL) {
		if (meta->stride[0] < 0)
			return FALSE;
		stride = meta->stride[0];
		offset = meta->offset[0];
	} else if (out->size == row * rows) {
		/* Rows without padding and without a meta that says so: what numpy
		 * and OpenCV programs push through appsrc. */
		stride = row;
		offset = 0;
	} else {
		stride = GST_VIDEO_INFO_PLANE_STRIDE(info, 0);
		offset = GST_VIDEO_INFO_PLANE_OFFSET(info, 0);
	}
	if (stride < row || offset > out->size || stride * (rows - 1) + row > out->size - offset)
		return FALSE;
	out->data += offset;
	out->size = row * rows;
	if (stride == row)
		return TRUE;
	loan->packed = g_try_malloc(out->size);
	if (loan->packed == NULL)
		return FALSE;
	for (y = 0; y < rows; y++)
		memcpy(loan->packed + y * row, out->data + y * stride, row);
	loan_return_buffer(loan);
	out->data = loan->packed;
	out->copied = TRUE;
	__atomic_add_fetch(&buffers_copied, out->size, __ATOMIC_RELAXED);
	return TRUE;
}

/* Lends the buffer's bytes; info is NULL where they are no pixels. */
static gboolean lend(GstBuffer *buffer, const GstVideoInfo *info, NetgearInput *out)
{
	Loan *loan = g_new0(Loan, 1);

	memset(out, 0, sizeof *out);
	out->running_time = GST_CLOCK_TIME_NONE;
	out->duration = GST_BUFFER_DURATION(buffer);
	out->owner = loan;
	if (info ? map_video(info, loan, buffer, out) : map_whole(loan, buffer, out))
		return TRUE;
	loan_free(loan);
	return FALSE;
}

gboolean netgear_sink_map(gpointer s, gpointer b, NetgearInput *out)
{
	NetgearSink *sink = s;
	GstBuffer *buffer = b;
	GstCustomMeta *meta;

	if (!lend(buffer, sink->raw ? &sink->info : NULL, out))
		return FALSE;
	if (GST_BUFFER_PTS_IS_VALID(buffer) && sink->parent.segment.format == GST_FORMAT_TIME)
		out->running_time = gst_segment_to_running_time(&sink->parent.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
	meta = gst_buffer_get_custom_meta(buffer, META_NAME);
	if (meta)
		out->message = gst_structure_get_string(gst_custom_meta_get_structure(meta), "message");
	return TRUE;
}

gboolean netgear_sample_map(gpointer s, NetgearCaps *caps, NetgearInput *out)
{
	GstBuffer *buffer = gst_sample_get_buffer(s);
	GstCaps *sample_caps = gst_sample_get_caps(s);
	GstVideoInfo info;

	if (buffer == NULL || sample_caps == NULL || gst_caps_get_size(sample_caps) != 1 || !parse_caps(sample_caps, caps, &info))
		return FALSE;
	return lend(buffer, caps->media == NETGEAR_MEDIA_RAW ? &info : NULL, out);
}

/* --- header to caps --- */

/* Takes over what a sender may say of its frames beyond the header. Returns
 * FALSE, and changes nothing, when it contradicts it or is no caps. */
static gboolean add_extra(GstStructure *st, const char *text)
{
	static const char *taken[] = {"pixel-aspect-ratio", "colorimetry", "chroma-site", "interlace-mode", "field-order",
				      "multiview-mode", "multiview-flags", NULL};
	GstCaps *caps = gst_caps_from_string(text);
	GstStructure *extra;
	gboolean ok;
	int i, n;

	if (caps == NULL)
		return FALSE;
	ok = gst_caps_get_size(caps) == 1 && gst_caps_is_fixed(caps);
	if (ok) {
		extra = gst_caps_get_structure(caps, 0);
		ok = gst_structure_has_name(extra, gst_structure_get_name(st));
		for (i = 0; ok && i < 2; i++) {
			static const char *size[] = {"width", "height"};
			int mine = 0;
			gst_structure_get_int(st, size[i], &mine);
			if (gst_structure_has_field(extra, size[i]))
				ok = gst_structure_get_int(extra, size[i], &n) && n == mine;
		}
	}
	if (ok && gst_structure_has_field(extra, "format") && gst_structure_has_field(st, "format")) {
		const char *theirs = gst_structure_get_string(extra, "format");
		const GstVideoFormatInfo *a = NULL, *b;

		b = gst_video_format_get_info(gst_video_format_from_string(gst_structure_get_string(st, "format")));
		if (theirs && gst_video_format_from_string(theirs) > GST_VIDEO_FORMAT_ENCODED)
			a = gst_video_format_get_info(gst_video_format_from_string(theirs));
		/* The same bytes under another name, in one plane. */
		ok = a && GST_VIDEO_FORMAT_INFO_N_PLANES(a) == 1 &&
		     GST_VIDEO_FORMAT_INFO_PSTRIDE(a, 0) == GST_VIDEO_FORMAT_INFO_PSTRIDE(b, 0) &&
		     GST_VIDEO_FORMAT_INFO_IS_GRAY(a) == GST_VIDEO_FORMAT_INFO_IS_GRAY(b) &&
		     !GST_VIDEO_FORMAT_INFO_IS_YUV(a) && !GST_VIDEO_FORMAT_INFO_HAS_PALETTE(a) &&
		     GST_VIDEO_FORMAT_INFO_BITS(a) == GST_VIDEO_FORMAT_INFO_BITS(b);
		if (ok)
			gst_structure_set(st, "format", G_TYPE_STRING, theirs, NULL);
	}
	for (i = 0; ok && taken[i]; i++) {
		const GValue *v = gst_structure_get_value(extra, taken[i]);
		if (v)
			gst_structure_set_value(st, taken[i], v);
	}
	gst_caps_unref(caps);
	return ok;
}

/* An event with caps that downstream refuses is accepted all the same, and the
 * refusal comes with the buffer, too late for a message of ours. */
static gboolean downstream_takes(GstPad *pad, GstCaps *caps)
{
	GstCaps *allowed = gst_pad_peer_query_caps(pad, caps);
	gboolean takes = !gst_caps_is_empty(allowed);

	gst_caps_unref(allowed);
	return takes;
}

/* Makes the caps of a frame. Sets *info for raw video. Returns NULL when there
 * are no such caps; *extra_ok says whether c->extra fits them. */
static GstCaps *make_caps(const NetgearOutCaps *c, GstVideoInfo *info, gboolean *extra_ok)
{
	GstStructure *st;
	GstCaps *caps;
	gboolean raw = c->media == NETGEAR_MEDIA_RAW;

	if (raw) {
		st = gst_structure_new("video/x-raw", "format", G_TYPE_STRING, c->format, NULL);
	} else {
		st = gst_structure_new("image/jpeg", "parsed", G_TYPE_BOOLEAN, TRUE, "sof-marker", G_TYPE_INT, c->sof, NULL);
		if (c->colorspace)
			gst_structure_set(st, "colorspace", G_TYPE_STRING, c->colorspace, NULL);
		if (c->sampling)
			gst_structure_set(st, "sampling", G_TYPE_STRING, c->sampling, NULL);
	}
	gst_structure_set(st, "width", G_TYPE_INT, c->width, "height", G_TYPE_INT, c->height, "framerate", GST_TYPE_FRACTION,
			  c->fps_n, c->fps_d, NULL);
	*extra_ok = c->extra == NULL || add_extra(st, c->extra);
	if (raw && !gst_structure_has_field(st, "pixel-aspect-ratio"))
		gst_structure_set(st, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
	caps = gst_caps_new_full(st, NULL);
	if (raw && !gst_video_info_from_caps(info, caps)) {
		gst_caps_unref(caps);
		return NULL;
	}
	return caps;
}

int netgear_src_set_caps(gpointer s, const NetgearOutCaps *c)
{
	NetgearSrc *src = s;
	GstVideoInfo info;
	gboolean extra_ok;
	GstCaps *caps = make_caps(c, &info, &extra_ok);
	int ret = extra_ok ? NETGEAR_CAPS_OK : NETGEAR_CAPS_EXTRA_BAD;

	if (caps == NULL)
		return NETGEAR_CAPS_REFUSED;
	if (!downstream_takes(GST_BASE_SRC_PAD(src), caps) || !gst_base_src_set_caps(s, caps)) {
		ret = NETGEAR_CAPS_REFUSED;
	} else {
		src->raw = c->media == NETGEAR_MEDIA_RAW;
		if (src->raw)
			src->info = info;
		/* Asks downstream what it takes, which decide_allocation keeps. */
		gst_base_src_negotiate(s);
	}
	gst_caps_unref(caps);
	return ret;
}

/* Tells downstream that one of several servers has ended, between its last
 * frame and what follows. */
void netgear_src_server_ended(gpointer src, const char *port)
{
	gst_pad_push_event(GST_BASE_SRC_PAD(src),
			   gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
						gst_structure_new("netgear-terminate", "port", G_TYPE_STRING, port, NULL)));
}

/* --- buffers out --- */

/* Copies rows without padding into a buffer whose rows have GStreamer's. */
static GstBuffer *repack(NetgearSrc *src, GstBuffer *packed, gint row)
{
	GstBuffer *out = gst_buffer_new_allocate(NULL, src->info.size, NULL);
	GstMapInfo from, to;
	gint y, stride = GST_VIDEO_INFO_PLANE_STRIDE(&src->info, 0);

	if (out && gst_buffer_map(packed, &from, GST_MAP_READ)) {
		if (gst_buffer_map(out, &to, GST_MAP_WRITE)) {
			for (y = 0; y < GST_VIDEO_INFO_HEIGHT(&src->info); y++) {
				memcpy(to.data + (gsize)y * stride, from.data + (gsize)y * row, row);
				memset(to.data + (gsize)y * stride + row, 0, stride - row);
			}
			gst_buffer_unmap(out, &to);
		}
		gst_buffer_unmap(packed, &from);
	}
	gst_buffer_unref(packed);
	return out;
}

/* Rows without padding get a meta that says so where GStreamer would pad. */
static void mark_rows(GstBuffer *buffer, const GstVideoInfo *info, gint row)
{
	gsize offset[GST_VIDEO_MAX_PLANES] = {0};
	gint stride[GST_VIDEO_MAX_PLANES] = {row};

	gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(info), GST_VIDEO_INFO_WIDTH(info),
				       GST_VIDEO_INFO_HEIGHT(info), 1, offset, stride);
}

static gint packed_row(const GstVideoInfo *info) { return GST_VIDEO_INFO_WIDTH(info) * GST_VIDEO_INFO_COMP_PSTRIDE(info, 0); }

gpointer netgear_src_buffer(gpointer s, const NetgearOutput *o)
{
	NetgearSrc *src = s;
	GstBuffer *buffer = gst_buffer_new_wrapped_full(0, o->data, o->size, 0, o->size, o->owner, (GDestroyNotify)o->free_func);
	GstCustomMeta *meta;

	if (src->raw) {
		gint row = packed_row(&src->info);

		if (row != GST_VIDEO_INFO_PLANE_STRIDE(&src->info, 0)) {
			if (src->video_meta) {
				mark_rows(buffer, &src->info, row);
			} else {
				buffer = repack(src, buffer, row);
				if (buffer == NULL)
					return NULL;
			}
		}
	}
	GST_BUFFER_PTS(buffer) = o->pts;
	GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
	GST_BUFFER_DURATION(buffer) = o->duration;
	if (o->discont)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	meta = gst_buffer_add_custom_meta(buffer, META_NAME);
	if (meta) {
		GstStructure *st = gst_custom_meta_get_structure(meta);

		gst_structure_set(st, "port", G_TYPE_STRING, o->port, "message", G_TYPE_STRING, o->message, NULL);
		if (o->has_seq)
			gst_structure_set(st, "seq", G_TYPE_UINT64, o->seq, NULL);
		if (o->has_time)
			gst_structure_set(st, "sender-time", G_TYPE_INT64, o->time, NULL);
	}
	return buffer;
}

gpointer netgear_sample_new(const NetgearOutCaps *c, guint8 *data, gsize size, gpointer free_func, gpointer owner)
{
	GstBuffer *buffer = gst_buffer_new_wrapped_full(0, data, size, 0, size, owner, (GDestroyNotify)free_func);
	GstVideoInfo info;
	gboolean extra_ok;
	GstCaps *caps = make_caps(c, &info, &extra_ok);
	GstSample *sample = NULL;

	if (caps) {
		if (c->media == NETGEAR_MEDIA_RAW && packed_row(&info) != GST_VIDEO_INFO_PLANE_STRIDE(&info, 0))
			mark_rows(buffer, &info, packed_row(&info));
		sample = gst_sample_new(buffer, caps, NULL, NULL);
		gst_caps_unref(caps);
	}
	gst_buffer_unref(buffer);
	return sample;
}

/* --- statistics --- */

gpointer netgear_stats_new(gpointer element)
{
	GstStructure *st = NULL;

	if (GST_IS_BASE_SINK(element))
		st = gst_base_sink_get_stats(element);
	if (st == NULL)
		return gst_structure_new_empty("application/x-netgear-statistics");
	gst_structure_set_name(st, "application/x-netgear-statistics");
	return st;
}

void netgear_stats_uint64(gpointer s, const char *name, guint64 v) { gst_structure_set(s, name, G_TYPE_UINT64, v, NULL); }
void netgear_stats_double(gpointer s, const char *name, double v) { gst_structure_set(s, name, G_TYPE_DOUBLE, v, NULL); }
void netgear_stats_bool(gpointer s, const char *name, gboolean v) { gst_structure_set(s, name, G_TYPE_BOOLEAN, v, NULL); }

/* Adds a peer to the field peers; with no endpoint only makes the field. */
void netgear_stats_peer(gpointer s, const char *endpoint, const char *port, guint64 frames)
{
	GValue peers = G_VALUE_INIT, peer = G_VALUE_INIT;
	const GValue *have = gst_structure_get_value(s, "peers");

	g_value_init(&peers, GST_TYPE_ARRAY);
	if (have)
		g_value_copy(have, &peers);
	if (endpoint) {
		g_value_init(&peer, GST_TYPE_STRUCTURE);
		g_value_take_boxed(&peer, gst_structure_new("peer", "endpoint", G_TYPE_STRING, endpoint, "port", G_TYPE_STRING, port,
							    "frames", G_TYPE_UINT64, frames, "connected", G_TYPE_BOOLEAN, TRUE, NULL));
		gst_value_array_append_and_take_value(&peers, &peer);
	}
	gst_structure_take_value(s, "peers", &peers);
}

void netgear_stats_take(gpointer s, GValue *value) { g_value_take_boxed(value, s); }
