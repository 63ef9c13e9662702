/* A plugin with one element that is an encoder to whoever asks: it makes frames of the size of its
 * property. The environment says which one:
 *
 *     FAKE_ENCODER=FACTORY:PROPERTY:KIND:UNIT:DEFAULT[:deaf]
 *
 * KIND is number or structure, which has the field video_bitrate. UNIT is in bit/s. One that is deaf
 * makes what its default says. */
#include <gst/video/video.h>
#include <stdlib.h>
#include <string.h>

#define PACKAGE "fakeenc"

typedef struct {
	GstVideoEncoder parent;
	guint value; /* atomic */
	GstStructure *controls;
} Fake;
typedef struct {
	GstVideoEncoderClass parent;
} FakeClass;

G_DEFINE_TYPE(Fake, fake, GST_TYPE_VIDEO_ENCODER)

static gchar **spec; /* the parts of FAKE_ENCODER */

static gboolean is_structure(void) { return strcmp(spec[2], "structure") == 0; }
static guint initial(void) { return (guint)atoi(spec[4]); }

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
	Fake *fake = (Fake *)object;
	gint v = 0;

	(void)id, (void)pspec;
	if (!is_structure()) {
		g_atomic_int_set((gint *)&fake->value, (gint)g_value_get_uint(value));
		return;
	}
	GST_OBJECT_LOCK(fake);
	g_clear_pointer(&fake->controls, gst_structure_free);
	fake->controls = gst_structure_copy(gst_value_get_structure(value));
	if (gst_structure_get_int(fake->controls, "video_bitrate", &v))
		g_atomic_int_set((gint *)&fake->value, v);
	GST_OBJECT_UNLOCK(fake);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	Fake *fake = (Fake *)object;

	(void)id, (void)pspec;
	GST_OBJECT_LOCK(fake);
	if (!is_structure())
		g_value_set_uint(value, (guint)g_atomic_int_get((gint *)&fake->value));
	else if (fake->controls)
		gst_value_set_structure(value, fake->controls);
	GST_OBJECT_UNLOCK(fake);
}

static gboolean set_format(GstVideoEncoder *encoder, GstVideoCodecState *state)
{
	GstCaps *caps = gst_caps_from_string("video/x-h264, stream-format=byte-stream, alignment=au");

	gst_video_codec_state_unref(gst_video_encoder_set_output_state(encoder, caps, state));
	return TRUE;
}

static GstFlowReturn handle_frame(GstVideoEncoder *encoder, GstVideoCodecFrame *frame)
{
	guint value = spec[5] ? initial() : (guint)g_atomic_int_get((gint *)&((Fake *)encoder)->value);
	gsize size = MAX(16, (gsize)value * (gsize)atoi(spec[3]) / 30 / 8);

	frame->output_buffer = gst_buffer_new_allocate(NULL, size, NULL);
	gst_buffer_memset(frame->output_buffer, 0, 0x65, size);
	if (frame->system_frame_number % 30 == 0)
		GST_VIDEO_CODEC_FRAME_SET_SYNC_POINT(frame);
	return gst_video_encoder_finish_frame(encoder, frame);
}

static void fake_init(Fake *fake) { fake->value = initial(); }

static void fake_class_init(FakeClass *klass)
{
	GParamFlags flags = G_PARAM_READWRITE;
	GstElementClass *element = GST_ELEMENT_CLASS(klass);

	G_OBJECT_CLASS(klass)->set_property = set_property;
	G_OBJECT_CLASS(klass)->get_property = get_property;
	g_object_class_install_property(G_OBJECT_CLASS(klass), 1,
					is_structure() ? g_param_spec_boxed(spec[1], spec[1], spec[1], GST_TYPE_STRUCTURE, flags)
						       : g_param_spec_uint(spec[1], spec[1], spec[1], 0, G_MAXINT, initial(), flags));
	gst_element_class_set_static_metadata(element, "Fake", "Codec/Encoder/Video", "A fake", "tests");
	gst_element_class_add_pad_template(element,
					   gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, gst_caps_from_string("video/x-raw")));
	gst_element_class_add_pad_template(element,
					   gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, gst_caps_from_string("video/x-h264")));
	GST_VIDEO_ENCODER_CLASS(klass)->set_format = set_format;
	GST_VIDEO_ENCODER_CLASS(klass)->handle_frame = handle_frame;
}

static gboolean plugin_init(GstPlugin *plugin)
{
	spec = g_strsplit(getenv("FAKE_ENCODER"), ":", 6);
	return gst_element_register(plugin, spec[0], GST_RANK_NONE, fake_get_type());
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, fakeenc, "A fake encoder", plugin_init, "1", "LGPL", "tests", "https://example.org")
