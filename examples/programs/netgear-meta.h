/* GStreamer's functions for custom metas, enough of them for NetgearMeta, for a GStreamer that has none: they came with 1.20. From
 * then on this file is empty. The plugin must have been loaded, as by an element of it. docs/elements.md, NetgearMeta. */
#ifndef NETGEAR_META_H
#define NETGEAR_META_H

#include <gst/gst.h>

#if !GST_CHECK_VERSION(1, 20, 0)

typedef struct {
	GstMeta meta;
	GstStructure *structure;
} GstCustomMeta;

static inline GstCustomMeta *gst_buffer_get_custom_meta(GstBuffer *buffer, const gchar *name)
{
	const GstMetaInfo *info = gst_meta_get_info(name);

	return info ? (GstCustomMeta *)gst_buffer_get_meta(buffer, info->api) : NULL;
}

static inline GstCustomMeta *gst_buffer_add_custom_meta(GstBuffer *buffer, const gchar *name)
{
	const GstMetaInfo *info = gst_meta_get_info(name);

	return info ? (GstCustomMeta *)gst_buffer_add_meta(buffer, info, NULL) : NULL;
}

static inline GstStructure *gst_custom_meta_get_structure(GstCustomMeta *meta) { return meta->structure; }

#endif
#endif
