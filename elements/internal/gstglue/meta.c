/* NetgearMeta: what came beside a frame. GStreamer has custom metas from 1.20 on.
 * For an older one this file has its own, of the same behaviour: the structure
 * can be changed while the buffer is writable, and copies go along with copies of
 * the buffer. docs/decisions/0009 says how programs read it. */
#include "glue.h"

#if GST_CHECK_VERSION(1, 20, 0)

static void meta_register(void)
{
	static const gchar *tags[] = {NULL};

	gst_meta_register_custom(NETGEAR_META_NAME, tags, NULL, NULL, NULL);
}

GstStructure *netgear_meta_get(GstBuffer *buffer)
{
	GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, NETGEAR_META_NAME);

	return meta ? gst_custom_meta_get_structure(meta) : NULL;
}

GstStructure *netgear_meta_add(GstBuffer *buffer)
{
	GstCustomMeta *meta = gst_buffer_add_custom_meta(buffer, NETGEAR_META_NAME);

	return meta ? gst_custom_meta_get_structure(meta) : NULL;
}

#else

typedef struct {
	GstMeta meta;
	GstStructure *structure;
} NetgearMeta;

/* The parameter is a structure to copy, or NULL. */
static gboolean meta_init(GstMeta *meta, gpointer structure, GstBuffer *buffer)
{
	GstStructure *copy = structure ? gst_structure_copy(structure) : gst_structure_new_empty(NETGEAR_META_NAME);

	gst_structure_set_parent_refcount(copy, &GST_MINI_OBJECT_REFCOUNT(buffer));
	((NetgearMeta *)meta)->structure = copy;
	return TRUE;
}

static void meta_free(GstMeta *meta, GstBuffer *buffer)
{
	GstStructure *structure = ((NetgearMeta *)meta)->structure;

	(void)buffer;
	gst_structure_set_parent_refcount(structure, NULL);
	gst_structure_free(structure);
}

static gboolean meta_transform(GstBuffer *to, GstMeta *meta, GstBuffer *from, GQuark type, gpointer data)
{
	(void)from;
	(void)data;
	return GST_META_TRANSFORM_IS_COPY(type) && gst_buffer_add_meta(to, meta->info, ((NetgearMeta *)meta)->structure) != NULL;
}

static void meta_register(void)
{
	static const gchar *tags[] = {NULL};

	gst_meta_register(gst_meta_api_type_register(NETGEAR_META_NAME "API", tags), NETGEAR_META_NAME, sizeof(NetgearMeta), meta_init,
			  meta_free, meta_transform);
}

GstStructure *netgear_meta_get(GstBuffer *buffer)
{
	GstMeta *meta = gst_buffer_get_meta(buffer, gst_meta_get_info(NETGEAR_META_NAME)->api);

	return meta ? ((NetgearMeta *)meta)->structure : NULL;
}

GstStructure *netgear_meta_add(GstBuffer *buffer)
{
	GstMeta *meta = gst_buffer_add_meta(buffer, gst_meta_get_info(NETGEAR_META_NAME), NULL);

	return meta ? ((NetgearMeta *)meta)->structure : NULL;
}

#endif

/* Static registration and the plugin may both have called this. */
void netgear_meta_register(void)
{
	if (gst_meta_get_info(NETGEAR_META_NAME) == NULL)
		meta_register();
}
