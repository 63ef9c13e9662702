/* The structure of the property stats. */
#include "glue.h"

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
void netgear_stats_string(gpointer s, const char *name, const char *v) { gst_structure_set(s, name, G_TYPE_STRING, v, NULL); }

/* Adds a peer to the field peers; without a peer it only makes the field. */
void netgear_stats_peer(gpointer s, const NetgearPeer *p)
{
	GValue peers = G_VALUE_INIT, peer = G_VALUE_INIT;
	const GValue *have = gst_structure_get_value(s, "peers");
	GstStructure *st;

	g_value_init(&peers, GST_TYPE_ARRAY);
	if (have)
		g_value_copy(have, &peers);
	if (p) {
		st = gst_structure_new("peer", "endpoint", G_TYPE_STRING, p->endpoint, "port", G_TYPE_STRING, p->port, "frames", G_TYPE_UINT64,
				       p->frames, "connected", G_TYPE_BOOLEAN, TRUE, NULL);
		if (p->has_link)
			gst_structure_set(st, "rtt-ms", G_TYPE_DOUBLE, p->rtt_ms, "delivery-rate", G_TYPE_UINT64, p->delivery_rate,
					  "unsent-bytes", G_TYPE_UINT64, p->unsent_bytes, "retransmits", G_TYPE_UINT64, p->retransmits, NULL);
		g_value_init(&peer, GST_TYPE_STRUCTURE);
		g_value_take_boxed(&peer, st);
		gst_value_array_append_and_take_value(&peers, &peer);
	}
	gst_structure_take_value(s, "peers", &peers);
}

void netgear_stats_take(gpointer s, GValue *value) { g_value_take_boxed(value, s); }
