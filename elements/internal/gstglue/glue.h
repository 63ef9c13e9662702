/* What crosses between GStreamer and Go. Functions named netgear_… are C and
 * called from Go; those named netgear… with a capital are Go and called from
 * C. Every vfunc and property of the elements goes through here. */
#ifndef NETGEAR_GLUE_H
#define NETGEAR_GLUE_H

#include <gst/base/gstbasesink.h>
#include <gst/base/gstpushsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

/* The instances. Their Go halves are found with the binding. */
typedef struct {
	GstBaseSink parent;
	gint upstream_live; /* atomic */
	GstClockTime dts;   /* of the buffer at hand; STREAM_LOCK, see sink_chain */
	gint hurried;       /* upstream is live, or a program that must not be held up; atomic */
	gint by_program;    /* a program pushes the frames; atomic */
	GWeakRef source;    /* its appsrc, if there is one and no more */
	gint returns;       /* there is a pad return_src; atomic */
	gint playing;       /* frames may go out; atomic, set with the preroll lock */
	gboolean async_off; /* the user's async is off while it runs, for return_src */
	gboolean return_started; /* its task's */
	gint on_bus;        /* messages of ours that nobody has taken; atomic */
	gboolean raw;       /* info holds; streaming thread */
	GstVideoInfo info;  /* see netgear_video_info */
	gboolean plain;     /* of standin.c, as all below: frames that none depends on; streaming thread */
	int ask, reply;     /* descriptors; -1: nobody stands in */
	GstBuffer *job;
	struct _NetgearInput *input; /* of the job */
	int flow;
} NetgearSink;

typedef struct {
	GstPushSrc parent;
	guint64 latency; /* ns; object lock */
	gint on_bus;     /* messages of ours that nobody has taken; atomic */
	gboolean video_meta; /* downstream takes it; streaming thread */
	gboolean no_rate;    /* the caps that were announced have no frame rate; streaming thread */
	gboolean raw;        /* info holds; streaming thread */
	gboolean bayer;      /* of raw */
	GstVideoInfo info;   /* see netgear_video_info */
} NetgearSrc;

/* Roles: which of the elements one is. A line of the log may be of none, but of the
 * library below. */
enum { NETGEAR_SINK, NETGEAR_SRC, NETGEAR_DEMUX, NETGEAR_TRANSPORT };

/* log.c. Each role has a debug category. */
GST_DEBUG_CATEGORY_EXTERN(netgeardemux_debug);
void netgear_log_init(void);
gboolean netgear_log_enabled(int role, int level);
void netgear_log(int role, int level, gpointer object, const char *function, const char *text);

/* class.c */
void netgear_init_once(void);
gboolean netgear_register(gpointer plugin, const char *name, GType type, int role);
void netgear_class_init(gpointer klass, int role);
void netgear_instance_init(gpointer object, int role);

/* fork.c */
void netgear_fork_init(void); /* the process is the one that loads the plugin */
/* Reports whether this is a child of that process, where a call to Go may never return. */
gboolean netgear_forked(void);
/* Answers a change of state in such a child. */
GstStateChangeReturn netgear_forked_change_state(GstElement *element, GstStateChange transition);

/* standin.c: a goroutine renders while the streaming thread waits for it. */
enum { NETGEAR_RENDER_HERE, NETGEAR_RENDER_AWAY, NETGEAR_RENDER_AGAIN }; /* AGAIN: here, after AWAY in vain */
enum { NETGEAR_FLOW_HERE = GST_FLOW_CUSTOM_SUCCESS }; /* it takes the streaming thread */
void netgear_stand_in_allow(gboolean on);
void netgear_sink_set_plain(gpointer sink, gboolean plain); /* in the streaming thread */
GstFlowReturn netgear_stand_in_render(NetgearSink *sink, GstBuffer *buffer);
void netgear_stand_in_end(NetgearSink *sink); /* no frame is rendered meanwhile */

/* vfunc.c */
void netgear_sink_class_init(gpointer klass);
void netgear_sink_init(gpointer sink);
int netgear_sink_wait_preroll(gpointer sink);
void netgear_sink_ask_key_frame(gpointer sink, guint count);
void netgear_src_class_init(gpointer klass);
void netgear_src_init(gpointer src);
void netgear_src_set_latency(gpointer src, guint64 latency);
void netgear_src_server_ended(gpointer src, const char *port);

/* element.c */
enum { NETGEAR_ERROR, NETGEAR_WARNING };
enum { NETGEAR_LIBRARY, NETGEAR_RESOURCE, NETGEAR_STREAM, NETGEAR_CORE };
void netgear_post(gpointer element, int type, int domain, int code, const char *text, const char *debug);
void netgear_flow_error(gpointer element, int flow);
void netgear_notify(gpointer object, const char *property);
gpointer netgear_weak_new(gpointer object);
gpointer netgear_weak_get(gpointer weak);
void netgear_weak_free(gpointer weak);
guint64 netgear_running_time(gpointer element);
/* A running time, and the moment at which it was read, in ns since 1970. They belong together to
 * within some microseconds, unless all of a few attempts are interrupted. */
typedef struct {
	guint64 running;
	gint64 wall;
} NetgearMoment;
NetgearMoment netgear_running_time_at(gpointer element);

/* property.c. The kinds are those of the table in package netgear. */
enum {
	NETGEAR_STRING, NETGEAR_UINT, NETGEAR_INT, NETGEAR_UINT64, NETGEAR_BOOL,
	NETGEAR_DOUBLE, NETGEAR_ENUM, NETGEAR_STRUCTURE, NETGEAR_CAPS,
};
typedef struct {
	int kind;
	double min, max;
	gint64 def_int;
	guint64 def_uint;
	double def_double;
	const char *def_string;
	GType type;
	gboolean readable, writable, playing;
} NetgearParam;
void netgear_install(gpointer klass, guint id, const char *name, const char *nick, const char *blurb, const NetgearParam *p);
void netgear_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec);
void netgear_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec);
GType netgear_register_enum(const char *name, int n, const char **nicks, const char **names);
void netgear_uri_handler_init(gpointer iface, int role);

/* signal.c. Emitted by a goroutine that holds no lock. */
void netgear_install_signals(gpointer klass, int role);
gboolean netgear_has_handler(gpointer element, const char *signal);
void netgear_emit_peer(gpointer element, const char *signal, const char *endpoint, const char *reason);
void netgear_emit_data(gpointer element, const char *signal, const char *port, const char *json, gpointer sample);
/* These return FALSE, and post nothing, where too many messages wait on the bus. */
gboolean netgear_post_data(gpointer element, const char *name, const char *port, const char *json);
gboolean netgear_post_link(gpointer element, guint64 bitrate);

/* stats.c: a structure that grows field by field. */
/* One of the field peers. What follows has_link is of TCP alone. */
typedef struct {
	const char *endpoint, *port;
	guint64 frames;
	gboolean has_link;
	double rtt_ms;
	guint64 delivery_rate, unsent_bytes, retransmits;
} NetgearPeer;

gpointer netgear_stats_new(gpointer element);
void netgear_stats_uint64(gpointer s, const char *name, guint64 v);
void netgear_stats_double(gpointer s, const char *name, double v);
void netgear_stats_bool(gpointer s, const char *name, gboolean v);
void netgear_stats_string(gpointer s, const char *name, const char *v);
void netgear_stats_peer(gpointer s, const NetgearPeer *peer);
void netgear_stats_take(gpointer s, GValue *value);

/* encoder.c: the nearest encoder upstream of a sink. */
gpointer netgear_encoder_find(gpointer sink);  /* with a reference; or NULL */
char *netgear_encoder_name(gpointer encoder); /* free with g_free */
/* Reports whether the encoder has such a property, and its range. */
gboolean netgear_encoder_range(gpointer encoder, const char *property, double *least, double *most);
gboolean netgear_encoder_get(gpointer encoder, const char *property, const char *field, double *v);
void netgear_encoder_set(gpointer encoder, const char *property, const char *field, double v);

/* return.c: the pads for frames that go back. */
enum { NETGEAR_RETURN_STOP, NETGEAR_RETURN_FRAME, NETGEAR_RETURN_EOS };
GstPad *netgear_request_pad(GstElement *element, GstPadTemplate *template, const gchar *name, const GstCaps *caps);
void netgear_release_pad(GstElement *element, GstPad *pad);

/* meta.c: what is on every buffer that leaves netgearsrc. */
#define NETGEAR_META_NAME "NetgearMeta"
void netgear_meta_register(void);
/* Both return what the buffer owns: NULL where there is no such meta, or no memory for one. */
GstStructure *netgear_meta_get(GstBuffer *buffer);
GstStructure *netgear_meta_add(GstBuffer *buffer);

/* caps.c */
#define NETGEAR_RAW_SIZE "width = (int) [ 1, 32767 ], height = (int) [ 1, 32767 ], framerate = (fraction) [ 0/1, max ]"

/* What every Python peer takes for a picture. BGR has a structure of its own and comes first, so
 * an element that can choose takes what Python peers expect. In a list upstream's order would
 * decide. */
#define NETGEAR_PICTURE_CAPS \
	"image/jpeg; " \
	"video/x-raw, format = (string) BGR, " NETGEAR_RAW_SIZE "; " \
	"video/x-raw, format = (string) { RGB, GRAY8, BGRx, RGBx, xBGR, xRGB, BGRA, RGBA, ABGR, ARGB, GRAY16_LE, GRAY16_BE }, " NETGEAR_RAW_SIZE

/* Other raw video that an array can hold. The names are those of package wire. */
#define NETGEAR_ANY_RAW_CAPS \
	"video/x-raw, format = (string) { I420, YV12, NV12, NV21, YUY2, YVYU, UYVY, Y444, GBR, P010_10LE, I420_10LE }, " NETGEAR_RAW_SIZE "; " \
	"video/x-bayer, format = (string) { bggr, gbrg, grbg, rggb }, " NETGEAR_RAW_SIZE

enum { NETGEAR_MEDIA_NONE, NETGEAR_MEDIA_JPEG, NETGEAR_MEDIA_RAW, NETGEAR_MEDIA_ENCODED };

/* Encoded video. The second structure of AV1 is for encoders that omit the stream-format, as
 * av1enc of GStreamer 1.22 does; the first is what av1parse must make. */
#define NETGEAR_ENCODED_CAPS \
	"video/x-h264, stream-format = (string) byte-stream, alignment = (string) au; " \
	"video/x-h265, stream-format = (string) byte-stream, alignment = (string) au; " \
	"video/x-vp8; video/x-vp9; " \
	"video/x-av1, stream-format = (string) obu-stream, alignment = (string) tu; " \
	"video/x-av1, alignment = (string) tu"

#define NETGEAR_FORMAT_LEN 16

typedef struct {
	int media;
	int width, height, fps_n, fps_d;
	/* Raw video */
	char format[NETGEAR_FORMAT_LEN];
	gboolean bayer;
	gboolean padded;         /* an array of it is larger than the picture */
	gboolean default_colors; /* GStreamer fills in this colorimetry anyway */
	GstVideoInfo info;       /* see netgear_video_info */
} NetgearCaps;
/* FALSE: frames of such caps cannot be sent. */
gboolean netgear_caps_read(gpointer caps, NetgearCaps *out);
/* The format of the frames that follow; NULL: unknown. Streaming thread. */
void netgear_sink_set_format(gpointer sink, const NetgearCaps *caps);

/* A field with a plain value. */
enum { NETGEAR_FIELD_TEXT = 1, NETGEAR_FIELD_INT, NETGEAR_FIELD_UINT, NETGEAR_FIELD_FRACTION, NETGEAR_FIELD_BOOL };
typedef struct {
	const char *name;
	int kind; /* 0: the value is not plain */
	const char *text;
	int n, d;
} NetgearField;
guint netgear_caps_n_fields(gpointer caps);
void netgear_caps_fields(gpointer caps, NetgearField *fields); /* the texts belong to the caps */
/* Returns the caps with these fields alone, by their numbers, in this order; free with g_free. */
char *netgear_caps_text(gpointer caps, const int *fields, gsize n);
gboolean netgear_raw_caps(const char *text, char format[NETGEAR_FORMAT_LEN], int *width, int *height);

/* What frames are on their way out. */
typedef struct {
	int media;
	int width, height, fps_n, fps_d;
	const char *format;     /* raw */
	gboolean said_format;   /* the sender named it; else it is guessed from the array */
	const char *type;       /* of media */
	int sof;                /* jpeg */
	const char *colorspace; /* jpeg, or NULL */
	const char *sampling;   /* jpeg, or NULL */
	const NetgearField *fields; /* of the table in package wire: what the sender says beyond this; of encoded video all there is */
	int n_fields;
	const char *user;       /* caps that the user has set, or NULL */
} NetgearOutCaps;
enum { NETGEAR_CAPS_OK, NETGEAR_CAPS_REFUSED, NETGEAR_CAPS_NO_RATE, NETGEAR_CAPS_CONTRADICTED, NETGEAR_CAPS_NOT_SENT, NETGEAR_CAPS_NONE };
/* Returns the caps of a frame, or NULL when such caps do not exist. Sets *info for raw video,
 * and *against to the field in which the user's caps contradict them. */
GstCaps *netgear_make_caps(const NetgearOutCaps *c, GstVideoInfo *info, const char **against);
int netgear_src_set_caps(gpointer src, const NetgearOutCaps *c, const char **against);
void netgear_src_announce(gpointer src, const char *text);
gboolean netgear_caps_valid(const char *text);
char *netgear_caps_get_text(const GValue *value); /* free with g_free; NULL: none */
void netgear_caps_set_text(GValue *value, const char *text);

/* refuse.c: caps that a sink pad does not take are told to Go. */
void netgear_watch_caps(GstPad *pad);
GstCaps *netgear_sink_get_caps(GstBaseSink *sink, GstCaps *filter);

/* buffer.c */
typedef struct _NetgearInput {
	guint64 running_time, duration; /* ns; GST_CLOCK_TIME_NONE unknown */
	guint64 reorder;                /* ns from decoding to showing, 0 the same or unknown */
	guint8 *data;
	gsize size;
	gpointer owner;      /* for netgear_loan_func; it begins with the number of holds, an atomic gint */
	const char *message; /* of the buffer's meta, borrowed; or NULL */
	gboolean delta;      /* cannot be decoded without the frames before it */
	gboolean has_taken;
	gint64 taken;        /* when the picture was taken, by a meta of the buffer; ns since 1970 */
	gboolean has_captured;
	gint64 captured;     /* when it was taken, by the running time; ns since 1970 of the wall clock of this machine */
	gboolean has_local;
	gint64 local;        /* the same, where netgearsrc knew it */
	gboolean live;       /* whoever makes the frames must not be held up for long */
	guint behind;        /* how many newer frames wait for certain */
	gboolean single;     /* a program made it, which may wait for it before it makes the next */
} NetgearInput;
guint netgear_sink_behind(gpointer sink, gsize size, gboolean *single);
gboolean netgear_sink_map(gpointer sink, gpointer buffer, NetgearInput *out);
gsize netgear_sink_frame_size(gpointer sink);
gboolean netgear_sample_map(gpointer sample, const NetgearCaps *caps, NetgearInput *out);
gpointer netgear_loan_func(void); /* takes a hold away */
void netgear_loan_hold(gpointer owner);
void netgear_loan_unhold(gpointer owner);
guint64 netgear_buffers_copied(void);

typedef struct {
	guint8 *data;
	gsize size;
	gpointer free_func, owner; /* the buffer takes them over */
	guint64 pts, dts, duration;
	gboolean discont, delta;
	/* The meta */
	const char *port, *message;
	gboolean has_seq, has_time, has_taken, has_clock;
	guint64 seq;
	gint64 time, taken; /* ns since 1970 */
	gint64 local; /* taken by our wall clock; has_clock is of this and the next two */
	gint64 clock_offset, clock_error; /* the sender's wall clock less ours, ns */
} NetgearOutput;
gpointer netgear_src_buffer(gpointer src, const NetgearOutput *o);
/* A sample of a returned frame; NULL when there are no such caps. */
gpointer netgear_sample_new(const NetgearOutCaps *c, guint8 *data, gsize size, gpointer free_func, gpointer owner);
/* A sample of a returned array that is no picture. */
gpointer netgear_array_sample_new(const char *dtype, const gint *shape, gsize dims, guint8 *data, gsize size, gpointer free_func, gpointer owner);

#endif
