/* How raw video lies in an array and in a buffer. */
#include "planes.h"

#include <string.h>

gboolean netgear_is_bayer(const GstStructure *st) { return gst_structure_has_name(st, "video/x-bayer"); }

gboolean netgear_video_info(const GstCaps *caps, GstVideoInfo *info)
{
	const GstStructure *st = gst_caps_get_structure(caps, 0);
	gint w, h;

	if (!netgear_is_bayer(st))
		return gst_video_info_from_caps(info, caps);
	if (!gst_structure_get_int(st, "width", &w) || !gst_structure_get_int(st, "height", &h) || w < 1 || h < 1 ||
	    !gst_video_info_set_format(info, GST_VIDEO_FORMAT_GRAY8, w, h))
		return FALSE;
	info->fps_n = 0;
	info->fps_d = 1;
	gst_structure_get_fraction(st, "framerate", &info->fps_n, &info->fps_d);
	return TRUE;
}

/* Returns how many pixels the samples of all components have in common in each direction, as a
 * power of two. */
static void whole_sample(const GstVideoFormatInfo *f, guint *w_sub, guint *h_sub)
{
	guint c;

	*w_sub = *h_sub = 0;
	for (c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(f); c++) {
		*w_sub = MAX(*w_sub, GST_VIDEO_FORMAT_INFO_W_SUB(f, c));
		*h_sub = MAX(*h_sub, GST_VIDEO_FORMAT_INFO_H_SUB(f, c));
	}
}

static gsize round_up(gsize n, guint shift) { return (n + ((gsize)1 << shift) - 1) >> shift << shift; }

gboolean netgear_is_padded(const GstVideoInfo *info)
{
	gsize w = GST_VIDEO_INFO_WIDTH(info), h = GST_VIDEO_INFO_HEIGHT(info);
	guint w_sub, h_sub;

	whole_sample(info->finfo, &w_sub, &h_sub);
	return round_up(w, w_sub) != w || round_up(h, h_sub) != h;
}

gsize netgear_planes(const GstVideoInfo *info, NetgearPlane planes[GST_VIDEO_MAX_PLANES])
{
	const GstVideoFormatInfo *f = info->finfo;
	gsize w = GST_VIDEO_INFO_WIDTH(info), h = GST_VIDEO_INFO_HEIGHT(info), size = 0;
	guint w_sub, h_sub, c, p;

	whole_sample(f, &w_sub, &h_sub);
	for (p = 0; p < GST_VIDEO_FORMAT_INFO_N_PLANES(f); p++) {
		NetgearPlane *plane = &planes[p];
		guint sub_x, sub_y;

		/* The first component of the plane; in packed formats it has all pixels. */
		for (c = 0; GST_VIDEO_FORMAT_INFO_PLANE(f, c) != p; c++)
			;
		sub_x = GST_VIDEO_FORMAT_INFO_W_SUB(f, c);
		sub_y = GST_VIDEO_FORMAT_INFO_H_SUB(f, c);
		plane->pixel = GST_VIDEO_FORMAT_INFO_PSTRIDE(f, c);
		plane->row = (round_up(w, w_sub) >> sub_x) * plane->pixel;
		plane->rows = round_up(h, h_sub) >> sub_y;
		/* Where the samples share a plane, a row always has whole ones. */
		plane->real_row = GST_VIDEO_FORMAT_INFO_N_PLANES(f) == 1 ? plane->row : (round_up(w, sub_x) >> sub_x) * plane->pixel;
		plane->real_rows = round_up(h, sub_y) >> sub_y;
		plane->offset = size;
		size += plane->row * plane->rows;
	}
	return size;
}

/* Reports whether all rows of a plane lie within size bytes. Pictures that are
 * upside down have negative strides. */
static gboolean fits(const NetgearPlane *plane, gint stride, gsize offset, gsize size)
{
	gsize step = stride < 0 ? -(gsize)stride : (gsize)stride, far = step * (plane->real_rows - 1);

	if (step < plane->real_row || offset > size || plane->real_row > size - offset)
		return FALSE;
	return stride < 0 ? far <= offset : far <= size - offset - plane->real_row;
}

gboolean netgear_find_rows(const GstVideoInfo *info, const NetgearPlane *planes, gsize size, GstBuffer *buffer, NetgearRows *rows)
{
	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
	gsize has = gst_buffer_get_size(buffer);
	guint p, n = GST_VIDEO_INFO_N_PLANES(info);

	if (meta != NULL && meta->n_planes < n)
		return FALSE;
	for (p = 0; p < n; p++) {
		if (meta != NULL) {
			rows->stride[p] = meta->stride[p];
			rows->offset[p] = meta->offset[p];
		} else if (has == size) {
			/* Rows without padding and without a meta that says so: what
			 * numpy and OpenCV programs push through appsrc. */
			rows->stride[p] = planes[p].row;
			rows->offset[p] = planes[p].offset;
		} else {
			rows->stride[p] = GST_VIDEO_INFO_PLANE_STRIDE(info, p);
			rows->offset[p] = GST_VIDEO_INFO_PLANE_OFFSET(info, p);
		}
		if (!fits(&planes[p], rows->stride[p], rows->offset[p], has))
			return FALSE;
	}
	return TRUE;
}

gboolean netgear_is_packed(const GstVideoInfo *info, const NetgearPlane *planes, const NetgearRows *rows)
{
	guint p;

	for (p = 0; p < GST_VIDEO_INFO_N_PLANES(info); p++) {
		const NetgearPlane *plane = &planes[p];

		if (rows->stride[p] < 0 || (gsize)rows->stride[p] != plane->row || rows->offset[p] - rows->offset[0] != plane->offset ||
		    plane->real_row != plane->row || plane->real_rows != plane->rows)
			return FALSE;
	}
	return TRUE;
}

/* Completes a plane at the right and at the bottom with its last pixels, so that the samples of
 * colour that a receiver computes there are not dark. */
static void complete(const NetgearPlane *plane, guint8 *to)
{
	gsize x, y;

	for (y = 0; plane->real_row < plane->row && y < plane->real_rows; y++)
		for (x = plane->real_row; x < plane->row; x++)
			to[y * plane->row + x] = to[y * plane->row + x - plane->pixel];
	for (y = plane->real_rows; y < plane->rows; y++)
		memcpy(to + y * plane->row, to + (y - 1) * plane->row, plane->row);
}

gboolean netgear_pack(const GstVideoInfo *info, const NetgearPlane *planes, const NetgearRows *rows, GstBuffer *buffer, guint8 *to)
{
	GstMapInfo map = GST_MAP_INFO_INIT;
	/* Mapping several memories would copy them all, padding included. */
	gboolean mapped = gst_buffer_n_memory(buffer) == 1;
	gsize y;
	guint p;

	if (mapped && !gst_buffer_map(buffer, &map, GST_MAP_READ))
		return FALSE;
	for (p = 0; p < GST_VIDEO_INFO_N_PLANES(info); p++) {
		const NetgearPlane *plane = &planes[p];
		guint8 *out = to + plane->offset;
		gsize from = rows->offset[p];

		for (y = 0; y < plane->real_rows; y++, from += rows->stride[p]) {
			if (mapped)
				memcpy(out + y * plane->row, map.data + from, plane->real_row);
			else if (gst_buffer_extract(buffer, from, out + y * plane->row, plane->real_row) != plane->real_row)
				return FALSE; /* a memory that cannot be read */
		}
		complete(plane, out);
	}
	if (mapped)
		gst_buffer_unmap(buffer, &map);
	return TRUE;
}

/* Copies the rows of one plane of an array to where GStreamer has them. end is where the plane's
 * place ends. The padding may hold earlier content of somebody else's memory. */
static void unpack_plane(const NetgearPlane *plane, const guint8 *array, guint8 *to, gsize stride, gsize end)
{
	gsize y, at = 0;

	for (y = 0; y < plane->real_rows; y++, at += stride) {
		memcpy(to + at, array + plane->offset + y * plane->row, plane->real_row);
		memset(to + at + plane->real_row, 0, stride - plane->real_row);
	}
	memset(to + at, 0, end - at);
}

static gboolean unpack(const GstVideoInfo *info, const NetgearPlane *planes, GstBuffer *array, GstBuffer *out)
{
	GstMapInfo from, to;
	guint p, n = GST_VIDEO_INFO_N_PLANES(info);

	if (!gst_buffer_map(array, &from, GST_MAP_READ))
		return FALSE;
	if (!gst_buffer_map(out, &to, GST_MAP_WRITE)) {
		gst_buffer_unmap(array, &from);
		return FALSE;
	}
	for (p = 0; p < n; p++) {
		gsize offset = GST_VIDEO_INFO_PLANE_OFFSET(info, p);
		gsize next = p + 1 < n ? GST_VIDEO_INFO_PLANE_OFFSET(info, p + 1) : GST_VIDEO_INFO_SIZE(info);

		unpack_plane(&planes[p], from.data, to.data + offset, GST_VIDEO_INFO_PLANE_STRIDE(info, p), next - offset);
	}
	gst_buffer_unmap(out, &to);
	gst_buffer_unmap(array, &from);
	return TRUE;
}

GstBuffer *netgear_arrange(const GstVideoInfo *info, GstBuffer *array, gboolean meta)
{
	NetgearPlane planes[GST_VIDEO_MAX_PLANES];
	NetgearRows rows = {{0}, {0}};
	gsize size = netgear_planes(info, planes);
	gboolean same = size >= GST_VIDEO_INFO_SIZE(info);
	guint p, n = GST_VIDEO_INFO_N_PLANES(info);
	GstBuffer *out;

	for (p = 0; p < n; p++) {
		rows.stride[p] = planes[p].row;
		rows.offset[p] = planes[p].offset;
		same = same && rows.stride[p] == GST_VIDEO_INFO_PLANE_STRIDE(info, p) && rows.offset[p] == GST_VIDEO_INFO_PLANE_OFFSET(info, p);
	}
	if (same)
		return array;
	if (meta) {
		gst_buffer_add_video_meta_full(array, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(info), GST_VIDEO_INFO_WIDTH(info),
					       GST_VIDEO_INFO_HEIGHT(info), n, rows.offset, rows.stride);
		return array;
	}
	out = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
	if (out && !unpack(info, planes, array, out))
		gst_clear_buffer(&out);
	gst_buffer_unref(array);
	return out;
}
