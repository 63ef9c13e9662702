/* What every element needs: set-up, logging, messages, signals, properties, URIs
 * and statistics. */
#include "glue.h"

#include <string.h>
#include <unistd.h>

#include "_cgo_export.h"

GST_DEBUG_CATEGORY_STATIC(netgear_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsink_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsrc_debug);

static pid_t loaded_in; /* set once, before any element is there */

static gpointer init_once(gpointer unused)
{
	(void)unused;
	loaded_in = getpid();
	GST_DEBUG_CATEGORY_INIT(netgear_debug, "netgear", 0, "NetGear transport");
	GST_DEBUG_CATEGORY_INIT(netgearsink_debug, "netgearsink", 0, "NetGear sink");
	GST_DEBUG_CATEGORY_INIT(netgearsrc_debug, "netgearsrc", 0, "NetGear source");
	netgear_meta_register();
	return NULL;
}

gboolean netgear_forked(void) { return getpid() != loaded_in; }

/* Nothing of the element is started, and what the parent has started is not ours to
 * stop: the threads to wait for are not here. */
GstStateChangeReturn netgear_forked_change_state(GstElement *element, GstStateChange transition)
{
	if (GST_STATE_TRANSITION_CURRENT(transition) >= GST_STATE_TRANSITION_NEXT(transition))
		return GST_STATE_CHANGE_SUCCESS;
	netgear_post(element, NETGEAR_ERROR, NETGEAR_LIBRARY, GST_LIBRARY_ERROR_INIT,
		     "forked: this process is a copy, made by fork, of the one that loaded the plugin: want one that loads it itself",
		     "in Python multiprocessing.set_start_method(\"spawn\"); else exec after fork, or fork before Gst.init");
	return GST_STATE_CHANGE_FAILURE;
}

void netgear_init_once(void)
{
	static GOnce once = G_ONCE_INIT;
	g_once(&once, init_once, NULL);
}

gboolean netgear_register(gpointer plugin, const char *name, GType type)
{
	return gst_element_register(plugin, name, GST_RANK_PRIMARY, type);
}

/* --- logging --- */

static GstDebugCategory *category_of(int category)
{
	switch (category) {
	case NETGEAR_LOG_SINK:
		return netgearsink_debug;
	case NETGEAR_LOG_SRC:
		return netgearsrc_debug;
	}
	return netgear_debug;
}

gboolean netgear_log_enabled(int category, int level)
{
	return level <= (int)_gst_debug_min && level <= (int)gst_debug_category_get_threshold(category_of(category));
}

void netgear_log(int category, int level, gpointer object, const char *function, const char *text)
{
	gst_debug_log(category_of(category), (GstDebugLevel)level, "netgear", function, 0, object, "%s", text);
}

/* --- elements --- */

void netgear_post(gpointer element, int type, int domain, int code, const char *text, const char *debug)
{
	GQuark quark = 0;

	switch (domain) {
	case NETGEAR_LIBRARY:
		quark = GST_LIBRARY_ERROR;
		break;
	case NETGEAR_RESOURCE:
		quark = GST_RESOURCE_ERROR;
		break;
	case NETGEAR_STREAM:
		quark = GST_STREAM_ERROR;
		break;
	case NETGEAR_CORE:
		quark = GST_CORE_ERROR;
		break;
	}
	gst_element_message_full(element, type == NETGEAR_ERROR ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING, quark, code,
				 g_strdup(text), g_strdup(debug), "netgear", G_OBJECT_TYPE_NAME(element), 0);
}

void netgear_flow_error(gpointer element, int flow) { GST_ELEMENT_FLOW_ERROR(element, (GstFlowReturn)flow); }

void netgear_notify(gpointer object, const char *property) { g_object_notify(object, property); }

gpointer netgear_weak_new(gpointer object)
{
	GWeakRef *weak = g_new0(GWeakRef, 1);
	g_weak_ref_init(weak, object);
	return weak;
}

gpointer netgear_weak_get(gpointer weak) { return g_weak_ref_get(weak); }

void netgear_weak_free(gpointer weak)
{
	g_weak_ref_clear(weak);
	g_free(weak);
}

/* Returns the running time of now, or NONE where there is no clock or the
 * element is not playing: then the base time means nothing yet. */
guint64 netgear_running_time(gpointer e)
{
	GstElement *element = e;
	GstClock *clock = NULL;
	GstClockTime base = 0, now;

	GST_OBJECT_LOCK(element);
	if (GST_ELEMENT_CLOCK(element) != NULL) {
		clock = gst_object_ref(GST_ELEMENT_CLOCK(element));
		base = element->base_time;
	}
	GST_OBJECT_UNLOCK(element);
	if (clock == NULL)
		return GST_CLOCK_TIME_NONE;
	now = gst_clock_get_time(clock);
	gst_object_unref(clock);
	return now > base ? now - base : 0;
}

/* --- signals and messages --- */

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

gboolean netgear_post_data(gpointer element, const char *name, const char *port, const char *json)
{
	/* In the element, which the message keeps alive until it is taken. */
	gint *on_bus = GST_IS_BASE_SINK(element) ? &((NetgearSink *)element)->on_bus : &((NetgearSrc *)element)->on_bus;
	GstMessage *message;

	if (g_atomic_int_add(on_bus, 1) >= MAX_ON_BUS) {
		g_atomic_int_add(on_bus, -1);
		return FALSE;
	}
	message = gst_message_new_element(element, gst_structure_new(name, "port", G_TYPE_STRING, port, "json", G_TYPE_STRING, json, NULL));
	gst_mini_object_weak_ref(GST_MINI_OBJECT_CAST(message), message_taken, on_bus);
	gst_element_post_message(element, message);
	return TRUE;
}

/* --- properties --- */

GType netgear_register_enum(const char *name, int n, const char **nicks, const char **names)
{
	GType type = g_type_from_name(name);
	GEnumValue *values;
	int i;

	if (type != 0)
		return type;
	values = g_new0(GEnumValue, n + 1); /* the type keeps it for ever */
	for (i = 0; i < n; i++) {
		values[i].value = i;
		values[i].value_name = g_intern_string(names[i]);
		values[i].value_nick = g_intern_string(nicks[i]);
	}
	return g_enum_register_static(g_intern_string(name), values);
}

void netgear_install(gpointer klass, guint id, const char *name, const char *nick, const char *blurb, const NetgearParam *p)
{
	GParamFlags flags = 0;
	GParamSpec *spec = NULL;

	if (p->readable)
		flags |= G_PARAM_READABLE;
	if (p->writable)
		flags |= G_PARAM_WRITABLE | (p->playing ? GST_PARAM_MUTABLE_PLAYING : GST_PARAM_MUTABLE_READY);
	switch (p->kind) {
	case NETGEAR_STRING:
		spec = g_param_spec_string(name, nick, blurb, p->def_string, flags);
		break;
	case NETGEAR_UINT:
		spec = g_param_spec_uint(name, nick, blurb, (guint)p->min, (guint)p->max, (guint)p->def_uint, flags);
		break;
	case NETGEAR_INT:
		spec = g_param_spec_int(name, nick, blurb, (gint)p->min, (gint)p->max, (gint)p->def_int, flags);
		break;
	case NETGEAR_UINT64:
		spec = g_param_spec_uint64(name, nick, blurb, (guint64)p->min, (guint64)p->max, p->def_uint, flags);
		break;
	case NETGEAR_BOOL:
		spec = g_param_spec_boolean(name, nick, blurb, p->def_int != 0, flags);
		break;
	case NETGEAR_DOUBLE:
		spec = g_param_spec_double(name, nick, blurb, p->min, p->max, p->def_double, flags);
		break;
	case NETGEAR_ENUM:
		spec = g_param_spec_enum(name, nick, blurb, p->type, (gint)p->def_int, flags);
		break;
	case NETGEAR_STRUCTURE:
		spec = g_param_spec_boxed(name, nick, blurb, GST_TYPE_STRUCTURE, flags);
		break;
	case NETGEAR_CAPS:
		spec = g_param_spec_boxed(name, nick, blurb, GST_TYPE_CAPS, flags);
		break;
	}
	g_object_class_install_property(klass, id, spec);
}

void netgear_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
	(void)spec;
	if (netgear_forked())
		return;
	netgearSetProperty(object, id, (GValue *)value);
}

void netgear_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
	(void)spec;
	if (netgear_forked())
		return;
	netgearGetProperty(object, id, value);
}

/* Caps that the user has set are kept as text, since the table of settings knows
 * nothing of GStreamer. */
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

/* --- uri handler --- */

static GstURIType uri_type_sink(GType type) { (void)type; return GST_URI_SINK; }
static GstURIType uri_type_src(GType type) { (void)type; return GST_URI_SRC; }

static const gchar *const *uri_protocols(GType type)
{
	static const gchar *protocols[] = {"netgear", "netgear+ipc", NULL};
	(void)type;
	return protocols;
}

static gchar *uri_get(GstURIHandler *handler)
{
	char *uri = netgear_forked() ? NULL : netgearGetURI(handler);
	gchar *ret = g_strdup(uri);
	free(uri);
	return ret;
}

static gboolean uri_set(GstURIHandler *handler, const gchar *uri, GError **error)
{
	int code = GST_URI_ERROR_BAD_URI;
	char *why = netgear_forked() ? NULL : netgearSetURI(handler, (char *)uri, &code);

	if (why == NULL)
		return TRUE;
	g_set_error_literal(error, GST_URI_ERROR, code, why);
	free(why);
	return FALSE;
}

void netgear_uri_handler_init(gpointer iface, int role)
{
	GstURIHandlerInterface *i = iface;

	i->get_type = role == NETGEAR_SINK ? uri_type_sink : uri_type_src;
	i->get_protocols = uri_protocols;
	i->get_uri = uri_get;
	i->set_uri = uri_set;
}

/* --- statistics --- */

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

/* Adds a peer to the field peers; with no endpoint only makes the field. */
void netgear_stats_peer(gpointer s, const char *endpoint, const char *port, guint64 frames)
{
	GValue peers = G_VALUE_INIT, peer = G_VALUE_INIT;
	const GValue *have = gst_structure_get_value(s, "peers");

	g_value_init(&peers, GST_TYPE_ARRAY);
	if (have)
		g_value_copy(have, &peers);
	if (endpoint) {
		g_value_init(&peer, GST_TYPE_STRUCTURE);
		g_value_take_boxed(&peer, gst_structure_new("peer", "endpoint", G_TYPE_STRING, endpoint, "port", G_TYPE_STRING, port,
							    "frames", G_TYPE_UINT64, frames, "connected", G_TYPE_BOOLEAN, TRUE, NULL));
		gst_value_array_append_and_take_value(&peers, &peer);
	}
	gst_structure_take_value(s, "peers", &peers);
}

void netgear_stats_take(gpointer s, GValue *value) { g_value_take_boxed(value, s); }
