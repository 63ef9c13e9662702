/* A thread of GStreamer that has called Go keeps a processor of Go's runtime for a while, and the
 * runtime looks for it every 70 us; and where Go waits for the network meanwhile, that takes more
 * changes of thread than all else. While the process has little to do, that is most of what a sink
 * takes. So a goroutine of Go's own threads renders then, and the streaming thread waits for it. It
 * holds the locks that it had; what needs the thread itself is done by it. */
#include "glue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "_cgo_export.h"

static gint allowed; /* atomic */

void netgear_stand_in_allow(gboolean on) { g_atomic_int_set(&allowed, on); }

void netgear_sink_set_plain(gpointer sink, gboolean plain) { ((NetgearSink *)sink)->plain = plain; }

static gboolean begin(NetgearSink *sink)
{
	sink->ask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* Go waits for it with its poller */
	sink->reply = eventfd(0, EFD_CLOEXEC);
	if (sink->ask >= 0 && sink->reply >= 0 && netgearStandIn(sink))
		return TRUE;
	if (sink->ask >= 0)
		close(sink->ask);
	if (sink->reply >= 0)
		close(sink->reply);
	sink->ask = sink->reply = -1;
	return FALSE;
}

/* Has the goroutine do a job, NULL to end, and waits until it is done. */
static void ask(NetgearSink *sink, GstBuffer *job)
{
	guint64 n = 1;

	sink->job = job;
	if (write(sink->ask, &n, sizeof n) != sizeof n) /* it never fails */
		g_error("netgear: eventfd: %s", g_strerror(errno));
	while (read(sink->reply, &n, sizeof n) != sizeof n)
		if (errno != EINTR)
			g_error("netgear: eventfd: %s", g_strerror(errno));
}

/* The goroutine calls no C where it can do without, since each call wakes up the runtime's
 * monitor. So the buffer is mapped here, and this thread is the last that holds its memory, unless
 * that has to wait for the network. */
GstFlowReturn netgear_stand_in_render(NetgearSink *sink, GstBuffer *buffer)
{
	NetgearInput input;
	gpointer owner;

	if (!g_atomic_int_get(&allowed) || !sink->plain || (sink->ask < 0 && !begin(sink)) ||
	    !netgear_sink_map(sink, buffer, &input))
		return netgearSinkRender(sink, buffer, NETGEAR_RENDER_HERE);
	owner = input.owner;
	netgear_loan_hold(owner);
	sink->input = &input;
	ask(sink, buffer);
	netgear_loan_unhold(owner);
	return sink->flow == NETGEAR_FLOW_HERE ? netgearSinkRender(sink, buffer, NETGEAR_RENDER_AGAIN) : sink->flow;
}

void netgear_stand_in_end(NetgearSink *sink)
{
	if (sink->ask < 0)
		return;
	ask(sink, NULL);
	close(sink->reply);
	sink->ask = sink->reply = -1; /* the goroutine has closed the other one */
}
