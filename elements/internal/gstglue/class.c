/* Classes: set-up, registration, and what is the same in all of them. */
#include "demux.h"
#include "glue.h"

static gpointer init_once(gpointer unused)
{
	(void)unused;
	netgear_fork_init();
	netgear_log_init();
	netgear_meta_register();
	return NULL;
}

void netgear_init_once(void)
{
	static GOnce once = G_ONCE_INIT;
	g_once(&once, init_once, NULL);
}

gboolean netgear_register(gpointer plugin, const char *name, GType type, int role)
{
	/* A demuxer is never plugged automatically: any decoder accepts what it accepts. */
	return gst_element_register(plugin, name, role == NETGEAR_DEMUX ? GST_RANK_NONE : GST_RANK_PRIMARY, type);
}

void netgear_class_init(gpointer klass, int role)
{
	if (role == NETGEAR_DEMUX) {
		netgear_demux_class_init(klass);
		return;
	}
	G_OBJECT_CLASS(klass)->set_property = netgear_set_property;
	G_OBJECT_CLASS(klass)->get_property = netgear_get_property;
	GST_ELEMENT_CLASS(klass)->request_new_pad = netgear_request_pad;
	GST_ELEMENT_CLASS(klass)->release_pad = netgear_release_pad;
	netgear_install_signals(klass, role);
	if (role == NETGEAR_SINK)
		netgear_sink_class_init(klass);
	else
		netgear_src_class_init(klass);
}

void netgear_instance_init(gpointer object, int role)
{
	switch (role) {
	case NETGEAR_SINK:
		netgear_sink_init(object);
		break;
	case NETGEAR_SRC:
		netgear_src_init(object);
		break;
	case NETGEAR_DEMUX:
		netgear_demux_init(object);
		break;
	}
}
