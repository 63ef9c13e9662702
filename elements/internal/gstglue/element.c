/* What every element can do: messages, notifications, weak references, time. */
#include "glue.h"

#include <time.h>

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

/* Returns the running time of now. It is NONE where there is no clock, or while the element is
 * not playing: then the base time has no meaning yet. */
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

static gint64 wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (gint64)t.tv_sec * GST_SECOND + t.tv_nsec;
}

NetgearMoment netgear_running_time_at(gpointer element)
{
	NetgearMoment at = {GST_CLOCK_TIME_NONE, wall_clock()};
	gint64 least = G_MAXINT64;
	int attempts = 5;

	while (attempts-- > 0 && least > 20 * GST_USECOND) {
		gint64 begin = wall_clock(), took;
		guint64 running = netgear_running_time(element);

		if (!GST_CLOCK_TIME_IS_VALID(running))
			break;
		took = wall_clock() - begin;
		if (took >= 0 && took < least) { /* less than 0: somebody set the clock */
			least = took;
			at.running = running;
			at.wall = begin + took / 2;
		}
	}
	return at;
}
