/* Caps that a sink pad does not take. */
#include "glue.h"

#include "_cgo_export.h"

/* Tells the user what was refused, and what to put before the pad. The error that upstream then
 * posts is of a data stream, and does not mention caps. */
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

/* What the messages of each wire carry, by the numbers of the property wire; NULL: anything. */
static const gchar *const carried[][3] = {
	{NULL}, {NULL}, {"image/jpeg", "video/x-raw", "video/x-bayer"}, {"image/jpeg"}, {"image/jpeg"}, {"video/x-raw", "video/x-bayer"},
};

static gboolean carries(gint wire, const GstStructure *st)
{
	gsize i;

	if (wire < 0 || (gsize)wire >= G_N_ELEMENTS(carried) || carried[wire][0] == NULL)
		return TRUE;
	for (i = 0; i < G_N_ELEMENTS(carried[wire]) && carried[wire][i]; i++)
		if (gst_structure_has_name(st, carried[wire][i]))
			return TRUE;
	return FALSE;
}

static gboolean keep_carried(GstCapsFeatures *features, GstStructure *st, gpointer wire)
{
	(void)features;
	return carries(GPOINTER_TO_INT(wire), st);
}

/* Returns what a pad accepts. That is not all of its template with raw-formats=picture, and where the
 * messages of a wire do not carry it. */
static GstCaps *caps_taken(GstPad *pad)
{
	static GstStaticCaps pictures = GST_STATIC_CAPS(NETGEAR_PICTURE_CAPS "; " NETGEAR_ENCODED_CAPS);
	GstObject *element = gst_pad_get_parent(pad);
	gint any = TRUE, wire = 0;
	GstCaps *caps;

	if (element && GST_IS_BASE_SINK(element))
		g_object_get(element, "raw-formats", &any, "wire", &wire, NULL);
	gst_clear_object(&element);
	caps = any ? gst_pad_get_pad_template_caps(pad) : gst_static_caps_get(&pictures);
	caps = gst_caps_make_writable(caps);
	gst_caps_filter_and_map_in_place(caps, keep_carried, GINT_TO_POINTER(wire));
	return caps;
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

/* A source that makes only YUV learns by this query that it is refused, and then ends without
 * sending its caps. */
GstCaps *netgear_sink_get_caps(GstBaseSink *sink, GstCaps *filter)
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
