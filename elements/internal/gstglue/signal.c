/* Signals, and messages with data on the bus. */
#include "glue.h"

#include <string.h>

#include "_cgo_export.h"

static void push_return_sample(gpointer src, GstSample *sample) { netgearPushReturn(src, sample); }

/* The handler's result belongs to whoever emitted. */
static GstStructure *get_meta(gpointer src, GstBuffer *buffer)
{
	GstStructure *structure = buffer ? netgear_meta_get(buffer) : NULL;

	(void)src;
	return structure ? gst_structure_copy(structure) : NULL;
}

/* G_SIGNAL_RUN_LAST with no class handler, but for the action. */
void netgear_install_signals(gpointer klass, int role)
{
	GType type = G_TYPE_FROM_CLASS(klass);

	g_signal_new("peer-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	g_signal_new("peer-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	g_signal_new("peer-rejected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
	if (role == NETGEAR_SINK) {
		g_signal_new("return-data", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_STRING,
			     GST_TYPE_SAMPLE);
	} else {
		g_signal_new("message-received", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
		g_signal_new_class_handler("push-return-sample", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(push_return_sample),
					   NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_SAMPLE);
		g_signal_new_class_handler("get-meta", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(get_meta), NULL, NULL, NULL,
					   GST_TYPE_STRUCTURE, 1, GST_TYPE_BUFFER);
	}
}

gboolean netgear_has_handler(gpointer element, const char *signal)
{
	return g_signal_has_handler_pending(element, g_signal_lookup(signal, G_OBJECT_TYPE(element)), 0, FALSE);
}

void netgear_emit_peer(gpointer element, const char *signal, const char *endpoint, const char *reason)
{
	if (reason)
		g_signal_emit_by_name(element, signal, endpoint, reason);
	else
		g_signal_emit_by_name(element, signal, endpoint);
}

/* Takes over the sample. */
void netgear_emit_data(gpointer element, const char *signal, const char *port, const char *json, gpointer sample)
{
	if (strcmp(signal, "return-data") == 0)
		g_signal_emit_by_name(element, signal, port, json, sample);
	else
		g_signal_emit_by_name(element, signal, port, json);
	if (sample)
		gst_sample_unref(sample);
}

/* How many of our messages may wait on a bus that nobody reads; a bus itself
 * has no limit. */
#define MAX_ON_BUS 256

static void message_taken(gpointer counter, GstMiniObject *message)
{
	(void)message;
	g_atomic_int_add((gint *)counter, -1);
}

static gboolean post(gpointer element, GstStructure *st)
{
	/* In the element, which the message keeps alive until it is taken. */
	gint *on_bus = GST_IS_BASE_SINK(element) ? &((NetgearSink *)element)->on_bus : &((NetgearSrc *)element)->on_bus;
	GstMessage *message;

	if (g_atomic_int_add(on_bus, 1) >= MAX_ON_BUS) {
		g_atomic_int_add(on_bus, -1);
		gst_structure_free(st);
		return FALSE;
	}
	message = gst_message_new_element(element, st);
	gst_mini_object_weak_ref(GST_MINI_OBJECT_CAST(message), message_taken, on_bus);
	gst_element_post_message(element, message);
	return TRUE;
}

gboolean netgear_post_data(gpointer element, const char *name, const char *port, const char *json)
{
	return post(element, gst_structure_new(name, "port", G_TYPE_STRING, port, "json", G_TYPE_STRING, json, NULL));
}

gboolean netgear_post_link(gpointer element, guint64 bitrate)
{
	return post(element, gst_structure_new("netgear-link", "estimated-bitrate", G_TYPE_UINT64, bitrate, NULL));
}
