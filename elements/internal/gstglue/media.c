/* Between GStreamer's caps and buffers and a frame's header and bytes. */
#include "planes.h"

#include <string.h>

/* --- caps to header --- */

/* What a receiver assumes where the caps say nothing, by field. */
static gboolean is_told_elsewhere(const GstStructure *s, const gchar *name, gboolean padded)
{
	static const char *told[] = {"framerate", "parsed", "sof-marker", "colorspace", "sampling", NULL};
	static const char *defaults[][2] = {
		{"interlace-mode", "progressive"},
		{"multiview-mode", "mono"},
		{NULL, NULL},
	};
	int i;

	if (strcmp(name, "width") == 0 || strcmp(name, "height") == 0)
		return !padded; /* an array has them, unless it is larger */
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

/* What travels of the caps of encoded video. Not among it are streamheader and
 * codec_data: they repeat what is in the stream. */
static const struct {
	const char *name;
	enum { TEXT, NUMBER, SIZE, FRACTION, BOOLEAN } kind;
} encoded_fields[] = {
	{"stream-format", TEXT}, {"alignment", TEXT}, {"profile", TEXT}, {"tier", TEXT}, {"level", TEXT},
	{"width", SIZE}, {"height", SIZE}, {"framerate", FRACTION}, {"pixel-aspect-ratio", FRACTION},
	{"interlace-mode", TEXT}, {"field-order", TEXT}, {"colorimetry", TEXT}, {"chroma-site", TEXT}, {"chroma-format", TEXT},
	{"bit-depth-luma", NUMBER}, {"bit-depth-chroma", NUMBER}, {"mastering-display-info", TEXT}, {"content-light-level", TEXT},
	{"multiview-mode", TEXT}, {"parsed", BOOLEAN},
};

static gboolean is_field(const GstStructure *st, const char *name, int kind)
{
	int n, d;
	guint u;

	switch (kind) {
	case TEXT:
		return gst_structure_get_string(st, name) != NULL;
	case NUMBER:
		return gst_structure_get_uint(st, name, &u);
	case SIZE:
		return gst_structure_get_int(st, name, &n) && n > 0;
	case FRACTION:
		return gst_structure_get_fraction(st, name, &n, &d) && n >= 0 && d > 0;
	case BOOLEAN:
		return gst_structure_get_boolean(st, name, &n);
	}
	return FALSE;
}

/* Returns a copy of what caps of encoded video say, as far as it travels. NULL:
 * they are none, or a field makes no sense. */
static GstStructure *encoded_structure(const GstCaps *caps)
{
	static GstStaticCaps all = GST_STATIC_CAPS(NETGEAR_ENCODED_CAPS);
	GstStructure *from, *st;
	GstCaps *known = gst_static_caps_get(&all);
	gboolean ok = gst_caps_get_size(caps) == 1 && gst_caps_is_fixed(caps) && gst_caps_is_subset(caps, known);
	gsize i;

	gst_caps_unref(known);
	if (!ok)
		return NULL;
	from = gst_caps_get_structure(caps, 0);
	st = gst_structure_new_empty(gst_structure_get_name(from));
	for (i = 0; i < G_N_ELEMENTS(encoded_fields); i++) {
		const GValue *v = gst_structure_get_value(from, encoded_fields[i].name);
		if (v == NULL)
			continue;
		if (!is_field(from, encoded_fields[i].name, encoded_fields[i].kind)) {
			gst_structure_free(st);
			return NULL;
		}
		gst_structure_set_value(st, encoded_fields[i].name, v);
	}
	return st;
}

static gboolean parse_caps(GstCaps *caps, NetgearCaps *out, GstVideoInfo *info)
{
	GstStructure *st = gst_caps_get_structure(caps, 0);
	GstStructure *extra = NULL;
	gboolean raw = FALSE, bayer = netgear_is_bayer(st);
	int i;

	memset(out, 0, sizeof *out);
	if (gst_structure_has_name(st, "image/jpeg")) {
		out->media = NETGEAR_MEDIA_JPEG;
		gst_structure_get_int(st, "width", &out->width);
		gst_structure_get_int(st, "height", &out->height);
		gst_structure_get_fraction(st, "framerate", &out->fps_n, &out->fps_d);
	} else if (bayer || gst_structure_has_name(st, "video/x-raw")) {
		const char *format = gst_structure_get_string(st, "format");

		if (format == NULL || !netgear_video_info(caps, info))
			return FALSE;
		raw = TRUE;
		out->media = NETGEAR_MEDIA_RAW;
		out->width = GST_VIDEO_INFO_WIDTH(info);
		out->height = GST_VIDEO_INFO_HEIGHT(info);
		out->fps_n = GST_VIDEO_INFO_FPS_N(info);
		out->fps_d = GST_VIDEO_INFO_FPS_D(info);
		g_strlcpy(out->format, format, sizeof out->format);
	} else {
		extra = encoded_structure(caps);
		if (extra == NULL)
			return FALSE;
		out->media = NETGEAR_MEDIA_ENCODED;
		gst_structure_get_int(st, "width", &out->width);
		gst_structure_get_int(st, "height", &out->height);
		gst_structure_get_fraction(st, "framerate", &out->fps_n, &out->fps_d);
	}

	/* Of encoded video the header tells nothing. */
	if (extra == NULL) {
		extra = gst_structure_copy(st);
		for (i = gst_structure_n_fields(extra) - 1; i >= 0; i--) {
			const gchar *name = gst_structure_nth_field_name(extra, i);
			if (is_told_elsewhere(extra, name, raw && netgear_is_padded(info)))
				gst_structure_remove_field(extra, name);
		}
	}
	if (raw && !bayer && is_default_format(GST_VIDEO_INFO_FORMAT(info)))
		gst_structure_remove_field(extra, "format");
	if (raw && !bayer && is_default_colorimetry(info))
		gst_structure_remove_field(extra, "colorimetry");
	if (gst_structure_n_fields(extra) > 0 || out->media == NETGEAR_MEDIA_ENCODED)
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

gboolean netgear_raw_caps(const char *text, char format[NETGEAR_FORMAT_LEN], int *width, int *height)
{
	GstCaps *caps = gst_caps_from_string(text);
	const char *name = NULL;
	guint i;

	*width = *height = 0;
	for (i = 0; caps && i < gst_caps_get_size(caps) && name == NULL; i++) {
		const GstStructure *st = gst_caps_get_structure(caps, i);

		if (!gst_structure_has_name(st, "video/x-raw") && !netgear_is_bayer(st))
			continue;
		name = gst_structure_get_string(st, "format");
		gst_structure_get_int(st, "width", width);
		gst_structure_get_int(st, "height", height);
		if (name)
			g_strlcpy(format, name, NETGEAR_FORMAT_LEN);
	}
	gst_clear_caps(&caps);
	return name != NULL;
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

/* Maps pixels, and packs their rows where the buffer has them in another way than
 * the array that is sent. */
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
	const GstStructure *meta;

	if (!lend(buffer, sink->raw ? &sink->info : NULL, out))
		return FALSE;
	if (GST_BUFFER_PTS_IS_VALID(buffer) && sink->parent.segment.format == GST_FORMAT_TIME)
		out->running_time = gst_segment_to_running_time(&sink->parent.segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
	out->delta = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	out->live = g_atomic_int_get(&sink->hurried);
	meta = netgear_meta_get(buffer);
	if (meta)
		out->message = gst_structure_get_string(meta, "message");
	return TRUE;
}

/* Without padding. */
gsize netgear_sink_frame_size(gpointer s)
{
	NetgearPlane planes[GST_VIDEO_MAX_PLANES];

	return netgear_planes(&((NetgearSink *)s)->info, planes);
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

/* Puts what a sender says of its frames into their caps. Names and values have been
 * checked in Go, against the table of package wire. */
static void add_fields(GstStructure *st, const NetgearField *fields, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		const NetgearField *f = &fields[i];

		switch (f->kind) {
		case NETGEAR_FIELD_TEXT:
			gst_structure_set(st, f->name, G_TYPE_STRING, f->text, NULL);
			break;
		case NETGEAR_FIELD_INT:
			gst_structure_set(st, f->name, G_TYPE_INT, f->n, NULL);
			break;
		case NETGEAR_FIELD_UINT:
			gst_structure_set(st, f->name, G_TYPE_UINT, (guint)f->n, NULL);
			break;
		case NETGEAR_FIELD_FRACTION:
			gst_structure_set(st, f->name, GST_TYPE_FRACTION, f->n, f->d, NULL);
			break;
		case NETGEAR_FIELD_BOOL:
			gst_structure_set(st, f->name, G_TYPE_BOOLEAN, f->n != 0, NULL);
			break;
		}
	}
}

/* Reports whether a format has the same bytes as another in another order, in one
 * plane. */
static gboolean is_same_layout(const char *one, const char *other)
{
	GstVideoFormat f = gst_video_format_from_string(one), g = gst_video_format_from_string(other);
	const GstVideoFormatInfo *a, *b;

	if (f <= GST_VIDEO_FORMAT_ENCODED || g <= GST_VIDEO_FORMAT_ENCODED)
		return FALSE;
	a = gst_video_format_get_info(f);
	b = gst_video_format_get_info(g);
	return GST_VIDEO_FORMAT_INFO_N_PLANES(a) == 1 && GST_VIDEO_FORMAT_INFO_PSTRIDE(a, 0) == GST_VIDEO_FORMAT_INFO_PSTRIDE(b, 0) &&
	       GST_VIDEO_FORMAT_INFO_IS_GRAY(a) == GST_VIDEO_FORMAT_INFO_IS_GRAY(b) && !GST_VIDEO_FORMAT_INFO_IS_YUV(a) &&
	       !GST_VIDEO_FORMAT_INFO_HAS_PALETTE(a) && GST_VIDEO_FORMAT_INFO_BITS(a) == GST_VIDEO_FORMAT_INFO_BITS(b);
}

/* Reports whether the user's value of a field stands in for the sender's, which is
 * then none, or a guess. */
static gboolean completes(const GstStructure *st, const char *name, const GValue *user, const NetgearOutCaps *c)
{
	if (!gst_structure_has_field(st, name))
		return TRUE;
	if (strcmp(name, "framerate") == 0)
		return c->fps_n == 0;
	return c->media == NETGEAR_MEDIA_RAW && strcmp(name, "format") == 0 && !c->said_format && G_VALUE_HOLDS_STRING(user) &&
	       is_same_layout(g_value_get_string(user), c->format);
}

/* Completes the caps of a frame by those that the user has set. Returns the name of
 * a field in which they contradict each other, or NULL. */
static const char *complete_by_user(GstStructure *st, const GstCaps *user, const NetgearOutCaps *c)
{
	const GstStructure *from = NULL;
	guint i;

	for (i = 0; i < gst_caps_get_size(user) && from == NULL; i++)
		if (gst_structure_has_name(gst_caps_get_structure(user, i), gst_structure_get_name(st)))
			from = gst_caps_get_structure(user, i);
	if (from == NULL)
		return "media type";
	for (i = 0; i < (guint)gst_structure_n_fields(from); i++) {
		const char *name = gst_structure_nth_field_name(from, i);
		const GValue *v = gst_structure_get_value(from, name);

		if (completes(st, name, v, c)) {
			if (gst_value_is_fixed(v))
				gst_structure_set_value(st, name, v);
		} else if (!gst_value_intersect(NULL, gst_structure_get_value(st, name), v)) {
			return name;
		}
	}
	return NULL;
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

/* Makes the caps of a frame. Sets *info for raw video, and *against to the field in
 * which the user's caps contradict. Returns NULL when there are no such caps. */
static GstCaps *make_caps(const NetgearOutCaps *c, GstVideoInfo *info, const char **against)
{
	GstStructure *st;
	GstCaps *caps;
	gboolean raw = c->media == NETGEAR_MEDIA_RAW;

	*against = NULL;
	if (c->media == NETGEAR_MEDIA_ENCODED) {
		st = gst_structure_new_empty(c->type);
	} else {
		if (raw) {
			st = gst_structure_new(c->type, "format", G_TYPE_STRING, c->format, NULL);
		} else {
			st = gst_structure_new("image/jpeg", "parsed", G_TYPE_BOOLEAN, TRUE, "sof-marker", G_TYPE_INT, c->sof, NULL);
			if (c->colorspace)
				gst_structure_set(st, "colorspace", G_TYPE_STRING, c->colorspace, NULL);
			if (c->sampling)
				gst_structure_set(st, "sampling", G_TYPE_STRING, c->sampling, NULL);
		}
		gst_structure_set(st, "width", G_TYPE_INT, c->width, "height", G_TYPE_INT, c->height, "framerate", GST_TYPE_FRACTION,
				  c->fps_n, c->fps_d, NULL);
	}
	add_fields(st, c->fields, c->n_fields);
	if (c->user) { /* what the user wrote, never a peer */
		GstCaps *user = gst_caps_from_string(c->user);

		if (user) {
			const char *name = complete_by_user(st, user, c);

			*against = name ? g_intern_string(name) : NULL;
			gst_caps_unref(user);
		}
	}
	if (raw && !netgear_is_bayer(st) && !gst_structure_has_field(st, "pixel-aspect-ratio"))
		gst_structure_set(st, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
	caps = gst_caps_new_full(st, NULL);
	if (*against || (raw && !netgear_video_info(caps, info))) {
		gst_caps_unref(caps);
		return NULL;
	}
	return caps;
}

/* Reports whether downstream would take the caps if they had a frame rate. */
static gboolean wants_rate(GstPad *pad, const GstCaps *caps, const NetgearOutCaps *c)
{
	GstCaps *any;
	gboolean takes;

	if (c->fps_n != 0)
		return FALSE;
	any = gst_caps_copy(caps);
	gst_structure_remove_field(gst_caps_get_structure(any, 0), "framerate");
	takes = downstream_takes(pad, any);
	gst_caps_unref(any);
	return takes;
}

int netgear_src_set_caps(gpointer s, const NetgearOutCaps *c, const char **against)
{
	NetgearSrc *src = s;
	GstVideoInfo info;
	GstCaps *caps = make_caps(c, &info, against);
	int ret = NETGEAR_CAPS_OK;

	src->no_rate = FALSE;
	if (*against)
		return NETGEAR_CAPS_CONTRADICTED;
	if (caps == NULL)
		return NETGEAR_CAPS_NONE;
	if (!downstream_takes(GST_BASE_SRC_PAD(src), caps)) {
		ret = wants_rate(GST_BASE_SRC_PAD(src), caps, c) ? NETGEAR_CAPS_NO_RATE : NETGEAR_CAPS_REFUSED;
	} else {
		int n = 1, d;

		gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &n, &d);
		src->no_rate = n == 0;
		if (!gst_base_src_set_caps(s, caps))
			ret = NETGEAR_CAPS_NOT_SENT;
		src->raw = c->media == NETGEAR_MEDIA_RAW;
		if (src->raw) {
			src->info = info;
			src->bayer = netgear_is_bayer(gst_caps_get_structure(caps, 0));
		}
		/* Asks downstream what it takes, which decide_allocation keeps. */
		gst_base_src_negotiate(s);
	}
	gst_caps_unref(caps);
	return ret;
}

/* Announces the user's caps before the first frame, where they say everything. */
void netgear_src_announce(gpointer src, const char *text)
{
	GstCaps *caps = gst_caps_from_string(text);

	if (caps && gst_caps_is_fixed(caps) && gst_structure_has_field(gst_caps_get_structure(caps, 0), "width") &&
	    gst_structure_has_field(gst_caps_get_structure(caps, 0), "height") && downstream_takes(GST_BASE_SRC_PAD(src), caps))
		gst_base_src_set_caps(src, caps);
	gst_clear_caps(&caps);
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
	meta = netgear_meta_add(buffer);
	if (meta) {
		gst_structure_set(meta, "port", G_TYPE_STRING, o->port, "message", G_TYPE_STRING, o->message, NULL);
		if (o->has_seq)
			gst_structure_set(meta, "seq", G_TYPE_UINT64, o->seq, NULL);
		if (o->has_time)
			gst_structure_set(meta, "sender-time", G_TYPE_INT64, o->time, NULL);
	}
	return buffer;
}

gpointer netgear_sample_new(const NetgearOutCaps *c, guint8 *data, gsize size, gpointer free_func, gpointer owner)
{
	GstBuffer *buffer = gst_buffer_new_wrapped_full(0, data, size, 0, size, owner, (GDestroyNotify)free_func);
	GstVideoInfo info;
	const char *against;
	GstCaps *caps = make_caps(c, &info, &against);
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
	else if (free_func) /* an array without elements: there is no memory of that size */
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
