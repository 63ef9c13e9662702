/* The demuxer's side of the border; see glue.h. */
#ifndef NETGEAR_DEMUX_H
#define NETGEAR_DEMUX_H

#include <gst/gst.h>

#include "lane.h"

typedef struct {
	GstElement parent;
	GstPad *sink; /* the element's */
	NetgearLanes *lanes;
	guint group_id; /* made up for a stream that has none, or invalid */
} NetgearDemux;

void netgear_demux_class_init(gpointer klass);
void netgear_demux_init(gpointer demux);

/* A pad's life: made active, given its events, then added. */
gpointer netgear_demux_pad_new(gpointer demux, const char *name, const char *port);
void netgear_demux_pad_add(gpointer demux, gpointer pad);
void netgear_demux_pad_remove(gpointer demux, gpointer pad);

/* Events out of one pad. */
void netgear_demux_stream_start(gpointer demux, gpointer pad, const char *id);
gboolean netgear_demux_has_caps(gpointer pad, gpointer caps);
void netgear_demux_caps(gpointer pad, gpointer caps);
void netgear_demux_segment(gpointer demux, gpointer pad);
void netgear_demux_rest(gpointer demux, gpointer pad);
void netgear_demux_eos(gpointer pad, guint32 seqnum);

/* What the pads returned. */
void netgear_demux_forgive(gpointer demux, gpointer pad);
void netgear_demux_forgive_all(gpointer demux);

#endif
