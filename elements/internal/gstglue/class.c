/* Classes: set-up, registration, and what is the same in all of them. */
#include "glue.h"

#include <unistd.h>

#include "demux.h"

static pid_t loaded_in; /* set once, before any element is there */

static gpointer init_once(gpointer unused)
{
	(void)unused;
	loaded_in = getpid();
	netgear_log_init();
	netgear_meta_register();
	return NULL;
}

gboolean netgear_forked(void) { return getpid() != loaded_in; }

/* In a child of fork() nothing of the element is started. What the parent has started is not
 * ours to stop: the threads to wait for are not in this process. */
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
