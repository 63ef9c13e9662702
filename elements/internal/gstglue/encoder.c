/* The nearest encoder upstream of a sink, and its property for the bitrate or the quality. Call
 * these functions without a lock, and from a thread that the stream does not wait for: a property
 * may take a lock of the encoder, which its streaming thread holds while it encodes. */
#include "glue.h"

#include <string.h>

/* How many elements the search visits. An encoder further away belongs to something else. */
#define MAX_ELEMENTS 64

static GstElement *encoder_above(GstPad *pad, guint *left);

static gboolean has_class(GstElement *element, const char *word)
{
	const gchar *klass = gst_element_class_get_metadata(GST_ELEMENT_GET_CLASS(element), GST_ELEMENT_METADATA_KLASS);

	return klass && strstr(klass, word);
}

/* Continues the search at the sink pads that feed a source pad of an element. */
static GstElement *encoder_behind(GstPad *src, guint *left)
{
	GstIterator *it = gst_pad_iterate_internal_links(src);
	GstElement *found = NULL;
	GValue item = G_VALUE_INIT;
	gboolean more = it != NULL;

	while (more && found == NULL && *left > 0) {
		switch (gst_iterator_next(it, &item)) {
		case GST_ITERATOR_OK:
			found = encoder_above(g_value_get_object(&item), left);
			g_value_unset(&item);
			break;
		case GST_ITERATOR_RESYNC:
			--*left; /* pads may come and go all the time: the search still ends */
			gst_iterator_resync(it);
			break;
		default:
			more = FALSE;
		}
	}
	if (it)
		gst_iterator_free(it);
	return found;
}

/* Returns the nearest encoder that feeds a sink pad, with a reference; or NULL. An encoder before a
 * decoder belongs to another stream. */
static GstElement *encoder_above(GstPad *pad, guint *left)
{
	GstPad *src = gst_pad_get_peer(pad);
	GstElement *element, *found = NULL;

	while (src && GST_IS_GHOST_PAD(src)) { /* into a bin */
		GstPad *target = gst_ghost_pad_get_target(GST_GHOST_PAD(src));

		gst_object_unref(src);
		src = target;
	}
	if (src == NULL)
		return NULL;
	if (*left == 0) {
		gst_object_unref(src);
		return NULL;
	}
	--*left;
	if (GST_IS_PROXY_PAD(src)) { /* out of a bin */
		GstProxyPad *ghost = gst_proxy_pad_get_internal(GST_PROXY_PAD(src));

		if (ghost) {
			found = encoder_above(GST_PAD(ghost), left);
			gst_object_unref(ghost);
		}
		gst_object_unref(src);
		return found;
	}
	element = gst_pad_get_parent_element(src);
	if (element && has_class(element, "Encoder") && !has_class(element, "Audio"))
		found = gst_object_ref(element);
	else if (element && !has_class(element, "Decoder"))
		found = encoder_behind(src, left);
	if (element)
		gst_object_unref(element);
	gst_object_unref(src);
	return found;
}

gpointer netgear_encoder_find(gpointer sink)
{
	guint left = MAX_ELEMENTS;

	return encoder_above(GST_BASE_SINK_PAD(sink), &left);
}

/* Returns the name of the factory; free with g_free. */
char *netgear_encoder_name(gpointer encoder)
{
	GstElementFactory *factory = gst_element_get_factory(encoder);

	return g_strdup(factory ? GST_OBJECT_NAME(factory) : G_OBJECT_TYPE_NAME(encoder));
}

gboolean netgear_encoder_range(gpointer encoder, const char *property, double *least, double *most)
{
	GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(encoder), property);

	if (spec == NULL || !(spec->flags & G_PARAM_WRITABLE) || !(spec->flags & G_PARAM_READABLE))
		return FALSE;
	if (G_IS_PARAM_SPEC_INT(spec)) {
		*least = G_PARAM_SPEC_INT(spec)->minimum;
		*most = G_PARAM_SPEC_INT(spec)->maximum;
	} else if (G_IS_PARAM_SPEC_UINT(spec)) {
		*least = G_PARAM_SPEC_UINT(spec)->minimum;
		*most = G_PARAM_SPEC_UINT(spec)->maximum;
	} else if (G_IS_PARAM_SPEC_INT64(spec)) {
		*least = (double)G_PARAM_SPEC_INT64(spec)->minimum;
		*most = (double)G_PARAM_SPEC_INT64(spec)->maximum;
	} else if (G_IS_PARAM_SPEC_UINT64(spec)) {
		*least = (double)G_PARAM_SPEC_UINT64(spec)->minimum;
		*most = (double)G_PARAM_SPEC_UINT64(spec)->maximum;
	} else if (G_TYPE_FUNDAMENTAL(spec->value_type) == G_TYPE_BOXED && spec->value_type == GST_TYPE_STRUCTURE) {
		*least = 0; /* the driver knows its own range, and limits the value */
		*most = G_MAXINT;
	} else {
		return FALSE;
	}
	return TRUE;
}

static void value_init(GValue *value, gpointer encoder, const char *property)
{
	g_value_init(value, g_object_class_find_property(G_OBJECT_GET_CLASS(encoder), property)->value_type);
	g_object_get_property(encoder, property, value);
}

/* Returns FALSE where a structure does not have the field. */
gboolean netgear_encoder_get(gpointer encoder, const char *property, const char *field, double *v)
{
	GValue value = G_VALUE_INIT, number = G_VALUE_INIT;
	const GValue *of = &value;
	gboolean ok = FALSE;

	value_init(&value, encoder, property);
	if (field) {
		const GstStructure *st = gst_value_get_structure(&value);

		of = st ? gst_structure_get_value(st, field) : NULL;
	}
	g_value_init(&number, G_TYPE_DOUBLE);
	if (of && g_value_transform(of, &number)) {
		*v = g_value_get_double(&number);
		ok = TRUE;
	}
	g_value_unset(&number);
	g_value_unset(&value);
	return ok;
}

/* Sets a property that has a range, or one field of a structure. The other fields stay. */
void netgear_encoder_set(gpointer encoder, const char *property, const char *field, double v)
{
	GValue value = G_VALUE_INIT, number = G_VALUE_INIT;

	value_init(&value, encoder, property);
	if (field) {
		const GstStructure *st = gst_value_get_structure(&value);
		GstStructure *changed = st ? gst_structure_copy(st) : gst_structure_new_empty("controls");

		gst_structure_set(changed, field, G_TYPE_INT, (gint)v, NULL);
		gst_value_set_structure(&value, changed);
		gst_structure_free(changed);
	} else {
		g_value_init(&number, G_TYPE_DOUBLE);
		g_value_set_double(&number, v);
		g_value_transform(&number, &value);
		g_value_unset(&number);
	}
	g_object_set_property(encoder, property, &value);
	g_value_unset(&value);
}
