/* The debug categories of the plugin, and lines to them. */
#include "glue.h"

GST_DEBUG_CATEGORY_STATIC(netgear_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsink_debug);
GST_DEBUG_CATEGORY_STATIC(netgearsrc_debug);
GST_DEBUG_CATEGORY(netgeardemux_debug);

void netgear_log_init(void)
{
	GST_DEBUG_CATEGORY_INIT(netgear_debug, "netgear", 0, "NetGear transport");
	GST_DEBUG_CATEGORY_INIT(netgearsink_debug, "netgearsink", 0, "NetGear sink");
	GST_DEBUG_CATEGORY_INIT(netgearsrc_debug, "netgearsrc", 0, "NetGear source");
	GST_DEBUG_CATEGORY_INIT(netgeardemux_debug, "netgeardemux", 0, "NetGear demuxer");
}

static GstDebugCategory *category_of(int role)
{
	switch (role) {
	case NETGEAR_SINK:
		return netgearsink_debug;
	case NETGEAR_SRC:
		return netgearsrc_debug;
	case NETGEAR_DEMUX:
		return netgeardemux_debug;
	}
	return netgear_debug;
}

gboolean netgear_log_enabled(int role, int level)
{
	return level <= (int)_gst_debug_min && level <= (int)gst_debug_category_get_threshold(category_of(role));
}

void netgear_log(int role, int level, gpointer object, const char *function, const char *text)
{
	gst_debug_log(category_of(role), (GstDebugLevel)level, "netgear", function, 0, object, "%s", text);
}
