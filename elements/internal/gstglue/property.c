/* Properties, and the URI that stands for many of them. */
#include "glue.h"

#include "_cgo_export.h"

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
