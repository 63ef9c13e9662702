/* Between caps and what a header says. Go decides which fields travel. */
#include "planes.h"

#include <string.h>

/* --- caps to header --- */

/* Reports whether the colorimetry is what GStreamer fills in for such caps anyway. */
static gboolean is_default_colorimetry(const GstVideoInfo *info)
{
	GstVideoInfo plain;

	return gst_video_info_set_format(&plain, GST_VIDEO_INFO_FORMAT(info), GST_VIDEO_INFO_WIDTH(info), GST_VIDEO_INFO_HEIGHT(info)) &&
	       gst_video_colorimetry_is_equal(&plain.colorimetry, &info->colorimetry);
}

static gboolean is_encoded(const GstCaps *caps)
{
	static GstStaticCaps all = GST_STATIC_CAPS(NETGEAR_ENCODED_CAPS);
	GstCaps *known = gst_static_caps_get(&all);
	gboolean is = gst_caps_is_fixed(caps) && gst_caps_is_subset(caps, known);

	gst_caps_unref(known);
	return is;
}

static gboolean read_raw(const GstCaps *caps, NetgearCaps *out)
{
	const GstStructure *st = gst_caps_get_structure(caps, 0);
	const char *format = gst_structure_get_string(st, "format");

	if (format == NULL || !netgear_video_info(caps, &out->info))
		return FALSE;
	out->media = NETGEAR_MEDIA_RAW;
	out->width = GST_VIDEO_INFO_WIDTH(&out->info);
	out->height = GST_VIDEO_INFO_HEIGHT(&out->info);
	out->fps_n = GST_VIDEO_INFO_FPS_N(&out->info);
	out->fps_d = GST_VIDEO_INFO_FPS_D(&out->info);
	out->bayer = netgear_is_bayer(st);
	out->padded = netgear_is_padded(&out->info);
	out->default_colors = !out->bayer && is_default_colorimetry(&out->info);
	g_strlcpy(out->format, format, sizeof out->format);
	return TRUE;
}

gboolean netgear_caps_read(gpointer c, NetgearCaps *out)
{
	GstCaps *caps = c;
	const GstStructure *st;

	memset(out, 0, sizeof *out);
	if (gst_caps_get_size(caps) != 1)
		return FALSE;
	st = gst_caps_get_structure(caps, 0);
	if (gst_structure_has_name(st, "video/x-raw") || netgear_is_bayer(st))
		return read_raw(caps, out);
	if (gst_structure_has_name(st, "image/jpeg"))
		out->media = NETGEAR_MEDIA_JPEG;
	else if (is_encoded(caps))
		out->media = NETGEAR_MEDIA_ENCODED;
	else
		return FALSE;
	gst_structure_get_int(st, "width", &out->width);
	gst_structure_get_int(st, "height", &out->height);
	gst_structure_get_fraction(st, "framerate", &out->fps_n, &out->fps_d);
	return TRUE;
}

guint netgear_caps_n_fields(gpointer caps) { return gst_structure_n_fields(gst_caps_get_structure(caps, 0)); }

void netgear_caps_fields(gpointer caps, NetgearField *fields)
{
	const GstStructure *st = gst_caps_get_structure(caps, 0);
	guint i, n = gst_structure_n_fields(st);

	for (i = 0; i < n; i++) {
		NetgearField *f = &fields[i];
		const GValue *v;

		memset(f, 0, sizeof *f);
		f->name = gst_structure_nth_field_name(st, i);
		v = gst_structure_get_value(st, f->name);
		if (G_VALUE_HOLDS_STRING(v) && g_value_get_string(v)) {
			f->kind = NETGEAR_FIELD_TEXT;
			f->text = g_value_get_string(v);
		} else if (G_VALUE_HOLDS_INT(v)) {
			f->kind = NETGEAR_FIELD_INT;
			f->n = g_value_get_int(v);
		} else if (G_VALUE_HOLDS_UINT(v)) {
			f->kind = NETGEAR_FIELD_UINT;
			f->n = (int)g_value_get_uint(v);
		} else if (GST_VALUE_HOLDS_FRACTION(v)) {
			f->kind = NETGEAR_FIELD_FRACTION;
			f->n = gst_value_get_fraction_numerator(v);
			f->d = gst_value_get_fraction_denominator(v);
		} else if (G_VALUE_HOLDS_BOOLEAN(v)) {
			f->kind = NETGEAR_FIELD_BOOL;
			f->n = g_value_get_boolean(v);
		}
	}
}

char *netgear_caps_text(gpointer caps, const int *fields, gsize n)
{
	const GstStructure *from = gst_caps_get_structure(caps, 0);
	GstStructure *st = gst_structure_new_empty(gst_structure_get_name(from));
	char *text;
	gsize i;

	for (i = 0; i < n; i++) {
		const char *name = gst_structure_nth_field_name(from, fields[i]);

		gst_structure_set_value(st, name, gst_structure_get_value(from, name));
	}
	text = gst_structure_to_string(st);
	gst_structure_free(st);
	n = strlen(text);
	if (n > 0 && text[n - 1] == ';') /* a structure ends with it, caps do not */
		text[n - 1] = '\0';
	return text;
}

void netgear_sink_set_format(gpointer s, const NetgearCaps *caps)
{
	NetgearSink *sink = s;

	sink->raw = caps && caps->media == NETGEAR_MEDIA_RAW;
	if (sink->raw)
		sink->info = caps->info;
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

/* Reports whether the user's value of a field replaces the sender's, which is then absent or a
 * guess. */
static gboolean completes(const GstStructure *st, const char *name, const GValue *user, const NetgearOutCaps *c)
{
	if (!gst_structure_has_field(st, name))
		return TRUE;
	if (strcmp(name, "framerate") == 0)
		return c->fps_n == 0;
	return c->media == NETGEAR_MEDIA_RAW && strcmp(name, "format") == 0 && !c->said_format && G_VALUE_HOLDS_STRING(user) &&
	       is_same_layout(g_value_get_string(user), c->format);
}

/* Completes the caps of a frame by the user's. Returns the name of a field in which the two
 * contradict each other, or NULL. */
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

/* Downstream accepts an event with caps that it refuses. The refusal comes with the buffer, too
 * late for a message of ours. */
static gboolean downstream_takes(GstPad *pad, GstCaps *caps)
{
	GstCaps *allowed = gst_pad_peer_query_caps(pad, caps);
	gboolean takes = !gst_caps_is_empty(allowed);

	gst_caps_unref(allowed);
	return takes;
}

GstCaps *netgear_make_caps(const NetgearOutCaps *c, GstVideoInfo *info, const char **against)
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
	GstCaps *caps = netgear_make_caps(c, &info, against);
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
		/* Asks downstream what it accepts; decide_allocation keeps the answer. */
		gst_base_src_negotiate(s);
	}
	gst_caps_unref(caps);
	return ret;
}

/* Announces the user's caps before the first frame, where they are complete. */
void netgear_src_announce(gpointer src, const char *text)
{
	GstCaps *caps = gst_caps_from_string(text);

	if (caps && gst_caps_is_fixed(caps) && gst_structure_has_field(gst_caps_get_structure(caps, 0), "width") &&
	    gst_structure_has_field(gst_caps_get_structure(caps, 0), "height") && downstream_takes(GST_BASE_SRC_PAD(src), caps))
		gst_base_src_set_caps(src, caps);
	gst_clear_caps(&caps);
}

/* --- caps that the user has set --- */

/* The user's caps are kept as text, because the table of settings does not know GStreamer. */
char *netgear_caps_get_text(const GValue *value)
{
	const GstCaps *caps = gst_value_get_caps(value);

	return caps ? gst_caps_to_string(caps) : NULL;
}

void netgear_caps_set_text(GValue *value, const char *text) { g_value_take_boxed(value, *text ? gst_caps_from_string(text) : NULL); }

gboolean netgear_caps_valid(const char *text)
{
	GstCaps *caps = gst_caps_from_string(text);
	gboolean valid = caps != NULL;

	gst_clear_caps(&caps);
	return valid;
}
