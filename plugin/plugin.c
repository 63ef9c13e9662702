#include "version.h"

#define GST_PACKAGE_RELEASE_DATETIME NETGEAR_RELEASED /* before GStreamer reads it */
#include <gst/gst.h>

#include "_cgo_export.h"
#include "limits.h"

#define PACKAGE "gst-netgear"

static gboolean plugin_init(GstPlugin *plugin)
{
	gboolean ok = netgearPluginInit(plugin); /* which waits until Go is there */

	netgear_restore_limits();
	return ok;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, netgear,
		  "Video frames and data to and from VidGear NetGear peers over ZeroMQ", plugin_init, NETGEAR_VERSION, "LGPL", "gst-netgear",
		  "https://github.com/gst-netgear/gst-netgear")
