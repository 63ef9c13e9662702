/* A child of fork() does not have the threads that Go needs, so no element works there. */
#include "glue.h"

#include <unistd.h>

static pid_t loaded_in; /* set once, before any element is there */

void netgear_fork_init(void) { loaded_in = getpid(); }

gboolean netgear_forked(void) { return getpid() != loaded_in; }

/* In the child nothing of the element is started. What the parent has started is not ours to
 * stop: the threads to wait for are not in this process. */
GstStateChangeReturn netgear_forked_change_state(GstElement *element, GstStateChange transition)
{
	if (GST_STATE_TRANSITION_CURRENT(transition) >= GST_STATE_TRANSITION_NEXT(transition))
		return GST_STATE_CHANGE_SUCCESS;
	netgear_post(element, NETGEAR_ERROR, NETGEAR_LIBRARY, GST_LIBRARY_ERROR_INIT,
		     "forked: this process is a copy, made by fork, of the one that loaded the plugin: want one that loads it itself",
		     "in Python multiprocessing.set_start_method(\"spawn\"); else exec after fork, or fork before Gst.init");
	return GST_STATE_CHANGE_FAILURE;
}
