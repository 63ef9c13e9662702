/* How raw video lies in an array and in a buffer. */
#ifndef NETGEAR_PLANES_H
#define NETGEAR_PLANES_H

#include "glue.h"

/* A plane of pixels in an array: rows without padding between them. Where a sample
 * of colour spans two pixels, sizes are rounded up to whole samples. */
typedef struct {
	gsize row, rows;           /* bytes of a row, and rows, in the array */
	gsize real_row, real_rows; /* how much of that a buffer has */
	gsize pixel;               /* bytes */
	gsize offset;              /* of the plane in the array */
} NetgearPlane;

/* Where the planes lie in a buffer. */
typedef struct {
	gint stride[GST_VIDEO_MAX_PLANES];
	gsize offset[GST_VIDEO_MAX_PLANES];
} NetgearRows;

/* Reads the caps of raw video. Bayer, which GStreamer has no GstVideoInfo for,
 * lies as GRAY8 does. */
gboolean netgear_video_info(const GstCaps *caps, GstVideoInfo *info);
gboolean netgear_is_bayer(const GstStructure *st);
/* Reports whether the array is larger than the picture. */
gboolean netgear_is_padded(const GstVideoInfo *info);
/* Fills in the planes and returns the bytes of the whole array. */
gsize netgear_planes(const GstVideoInfo *info, NetgearPlane planes[GST_VIDEO_MAX_PLANES]);
/* Finds the rows of a buffer. FALSE: it is too small for them. */
gboolean netgear_find_rows(const GstVideoInfo *info, const NetgearPlane *planes, gsize size, GstBuffer *buffer, NetgearRows *rows);
/* Reports whether the bytes from the first plane on are those of the array. */
gboolean netgear_is_packed(const GstVideoInfo *info, const NetgearPlane *planes, const NetgearRows *rows);
/* Copies a buffer's rows into an array. */
gboolean netgear_pack(const GstVideoInfo *info, const NetgearPlane *planes, const NetgearRows *rows, GstBuffer *buffer, guint8 *to);
/* Makes a buffer with an array what GStreamer expects: with a meta where that is accepted, else
 * with a copy. Takes over the buffer. NULL: out of memory. */
GstBuffer *netgear_arrange(const GstVideoInfo *info, GstBuffer *array, gboolean meta);

#endif
