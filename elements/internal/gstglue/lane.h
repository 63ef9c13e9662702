/* What is between the demuxer's sink pad and one of its source pads: a small queue and the
 * thread that empties it. So nothing that happens behind one pad holds up the other pads or the
 * stream. */
#ifndef NETGEAR_LANE_H
#define NETGEAR_LANE_H

#include <gst/gst.h>

/* All lanes of a demuxer. */
typedef struct NetgearLanes NetgearLanes;

/* The demuxer is borrowed. */
NetgearLanes *netgear_lanes_new(GstElement *demux);
void netgear_lanes_free(NetgearLanes *lanes);

/* A lane lives as long as its pad. Until it runs, it pushes on the caller's thread. Removing it
 * stops its thread, and removes the pad from the demuxer. A thread that is still held up behind
 * the pad ends by itself later. */
void netgear_lane_new(NetgearLanes *lanes, GstPad *pad, const char *port);
void netgear_lane_run(GstPad *pad);
void netgear_lane_remove(NetgearLanes *lanes, GstPad *pad);

/* Both take over what they are given. Called with the sink pad's stream lock. */
void netgear_lane_event(GstPad *pad, GstEvent *event);
GstFlowReturn netgear_lane_buffer(NetgearLanes *lanes, GstPad *pad, GstBuffer *buffer);
/* An event for all pads; borrowed. */
void netgear_lanes_event(NetgearLanes *lanes, GstEvent *event);
/* Reports whether these were the last caps into the lane. */
gboolean netgear_lane_has_caps(GstPad *pad, GstCaps *caps);

/* The end of a lane no longer counts when the pads' returns are combined. */
void netgear_lane_forgive(GstPad *pad);
void netgear_lanes_forgive(NetgearLanes *lanes);

/* The parts of a flush. After the first, which any thread may call, what waits is gone and no
 * thread waits. The second returns when the lanes are idle. */
void netgear_lanes_flush_start(NetgearLanes *lanes);
void netgear_lanes_flush_wait(NetgearLanes *lanes);
void netgear_lanes_flush_stop(NetgearLanes *lanes);

/* On the way from PAUSED to READY, before the pads are made inactive, and on
 * the way up. */
void netgear_lanes_close(NetgearLanes *lanes);
void netgear_lanes_open(NetgearLanes *lanes);

#endif
