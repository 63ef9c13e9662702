package gstglue

/*
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"math"
	"path"
	"unsafe"
)

// encoderRow says how to set the bitrate, or the quality, of an encoder while it runs.
type encoderRow struct {
	name     string // of the factory, as path.Match reads it
	property string // empty: none that can change while it runs
	field    string // of a property that is a structure
	// unit is in bit/s; 0 means that the property is a quality as libjpeg counts it.
	unit float64
	// auto means that the number 0 lets the encoder choose by itself.
	auto bool
	// restarts means that each change costs a key frame.
	restarts bool
}

// Units of properties.
const (
	bits     = 1
	kilobits = 1000
	quality  = 0
)

// encoderRows is the table of encoders; the first row that matches counts. Each comment
// names the source that shows the unit, and what a change does.
var encoderRows = []encoderRow{
	// gst-plugins-good, ext/jpeg/gstjpegenc.c: jpeg_set_quality before each frame.
	{name: "jpegenc", property: "quality", unit: quality},
	// NVIDIA's gst-jpeg takes libjpeg's quality for each frame; gst-plugins-bad,
	// sys/nvcodec/gstnvjpegenc.cpp: quality_updated. The two have one name; the latter is
	// nvjpegdevice1enc for a second card too, and nvautogpujpegenc.
	{name: "nv*jpeg*enc", property: "quality", unit: quality},
	// gstreamer-vaapi, gst-libs/gst/vaapi/gstvaapiencoder_jpeg.c, and gst-plugins-bad,
	// sys/va/gstvajpegenc.c: the tables are scaled by libjpeg's rule for each frame.
	{name: "vaapijpegenc", property: "quality", unit: quality},
	{name: "va*jpegenc", property: "quality", unit: quality},
	// sys/qsv/gstqsvjpegenc.cpp: gst_qsv_jpeg_enc_check_update_uint.
	{name: "qsvjpeg*enc", property: "quality", unit: quality},
	// gst-plugins-good, sys/v4l2/gstv4l2object.c: PROP_EXTRA_CONTROLS goes to an open
	// device at once; V4L2_CID_JPEG_COMPRESSION_QUALITY.
	{name: "v4l2jpegenc", property: "extra-controls", field: "compression_quality", unit: quality},
	// gst-libav, ext/libav/gstavvidenc.c: set_property refuses a change of what is
	// set up ("Can't change properties once encoder is setup").
	{name: "avenc_*"},
	// sys/msdk/gstmsdkmjpegenc.c: the quality is read when the encoder is set up.
	{name: "msdkmjpegenc"},

	// gst-plugins-ugly, ext/x264/gstx264enc.c: "Bitrate in kbit/sec", gst_x264_enc_reconfig.
	{name: "x264enc", property: "bitrate", unit: kilobits},
	// gst-plugins-bad, ext/x265/gstx265enc.c: the same unit; gst_x265_enc_encode_frame
	// makes a new encoder for a change.
	{name: "x265enc", property: "bitrate", unit: kilobits, restarts: true},
	// ext/openh264/gstopenh264enc.cpp: "Bitrate (in bits per second)", bitrate_changed.
	{name: "openh264enc", property: "bitrate", unit: bits},
	// gst-plugins-good, ext/vpx/gstvpxenc.c: "in bits/sec", divided by 1000, then
	// vpx_codec_enc_config_set.
	{name: "vp8enc", property: "target-bitrate", unit: bits, auto: true},
	{name: "vp9enc", property: "target-bitrate", unit: bits, auto: true},
	// gst-plugins-bad, ext/aom/gstav1enc.c: "in kilobits per second", aom_codec_enc_config_set.
	{name: "av1enc", property: "target-bitrate", unit: kilobits},
	// ext/svtav1/gstsvtav1enc.c: "TODO: support reconfiguring on the fly".
	{name: "svtav1enc"},

	// NVIDIA's gst-v4l2, gstv4l2videoenc.c: V4L2_CID_MPEG_VIDEO_BITRATE, in bit/s, to
	// an open device at once, whatever the flags of the property say.
	{name: "nvv4l2*enc", property: "bitrate", unit: bits},
	// gstv4l2object.c as above; V4L2_CID_MPEG_VIDEO_BITRATE is in bit/s.
	{name: "v4l2*enc", property: "extra-controls", field: "video_bitrate", unit: bits},
	// gst-omx, omx/gstomxvideoenc.c: "Target bitrate in bits per second", while playing.
	{name: "omx*enc", property: "target-bitrate", unit: bits},
	// gstreamer-vaapi, gst-libs/gst/vaapi/gstvaapiencoder.c: kbit/s, gst_vaapi_encoder_set_bitrate.
	{name: "vaapi*enc", property: "bitrate", unit: kilobits, auto: true, restarts: true},
	// gst-plugins-bad, sys/va/gstvah264enc.c and the others: kbit/s, gst_va_base_enc_reset.
	{name: "va*enc", property: "bitrate", unit: kilobits, auto: true, restarts: true},
	// sys/qsv/gstqsvh264enc.cpp: kbit/s, bitrate_updated, gst_qsv_encoder_reset_encode_session.
	{name: "qsv*enc", property: "bitrate", unit: kilobits, restarts: true},
	// sys/msdk/gstmsdkenc.c: kbit/s, while playing.
	{name: "msdk*enc", property: "bitrate", unit: kilobits, restarts: true},
	// sys/nvcodec/gstnvbaseenc.c and gstnvh264encoder.cpp: kbit/s, 0 = from the preset;
	// the older one has forceIDR with each change.
	{name: "nv*enc", property: "bitrate", unit: kilobits, auto: true, restarts: true},
	// sys/amfcodec/gstamfh264enc.cpp: kbit/s, 0 = of the usage.
	{name: "amf*enc", property: "bitrate", unit: kilobits, auto: true},
	// sys/mediafoundation/gstmfh264enc.cpp, sys/d3d12/gstd3d12h264enc.cpp and
	// ext/vulkan/vkh264enc.c: kbit/s.
	{name: "mf*enc", property: "bitrate", unit: kilobits},
	{name: "d3d12*enc", property: "bitrate", unit: kilobits, restarts: true},
	{name: "vulkan*enc", property: "bitrate", unit: kilobits, auto: true, restarts: true},
	// sys/applemedia/vtenc.c: "in kbps (0 = auto)", gst_vtenc_flag_reconfigure.
	{name: "vtenc_*", property: "bitrate", unit: kilobits, auto: true},
	// sys/androidmedia/gstamcvideoenc.c: "in bit/sec", gst_amc_codec_set_dynamic_bitrate.
	{name: "amcvidenc*", property: "bitrate", unit: bits},
	// gstreamer-rockchip, gst/rockchipmpp/gstmppenc.c: bps in bit/s, 0 = automatic,
	// prop_dirty.
	{name: "mpph26?enc", property: "bps", unit: bits, auto: true},
	{name: "mppvp8enc", property: "bps", unit: bits, auto: true},
}

// rowOfEncoder returns the row of a factory, or nil.
func rowOfEncoder(name string) *encoderRow {
	for i := range encoderRows {
		if ok, err := path.Match(encoderRows[i].name, name); err == nil && ok {
			return &encoderRows[i]
		}
	}
	return nil
}

// Encoder is an encoder upstream of a sink. It holds a reference until Release. One
// goroutine uses it. That goroutine must hold no lock, and the stream must not wait for
// it: setting a property may take until a frame is encoded.
type Encoder struct {
	p           unsafe.Pointer
	row         encoderRow
	name        string
	least, most float64  // of the property
	user        float64  // what the user set, in the property's unit
	hasUser     bool     // user is known; a structure may lack the field
	told        *float64 // the value of the property after the last Tell; nil: none yet
}

// FindEncoder returns the nearest encoder upstream of a sink, or nil.
func (e Element) FindEncoder() *Encoder {
	p := C.netgear_encoder_find(C.gpointer(e.p))
	if p == nil {
		return nil
	}
	text := C.netgear_encoder_name(p)
	defer C.g_free(C.gpointer(text))
	enc := &Encoder{p: unsafe.Pointer(p), name: C.GoString(text)}
	if row := rowOfEncoder(enc.name); row != nil {
		enc.row = *row
	}
	if enc.row.property != "" {
		property := C.CString(enc.row.property)
		defer C.free(unsafe.Pointer(property))
		var least, most C.double
		if C.netgear_encoder_range(p, property, &least, &most) == 0 {
			enc.row.property = "" // an older version, or an encoder of another maker
		}
		enc.least, enc.most = float64(least), float64(most)
	}
	if enc.row.property != "" {
		enc.user, enc.hasUser = enc.get()
	}
	return enc
}

// Name returns the name of the factory.
func (enc *Encoder) Name() string { return enc.name }

// Is reports whether both are the same element.
func (enc *Encoder) Is(other *Encoder) bool { return enc.p == other.p }

// Steerable reports whether the encoder has a property that can change while it runs.
func (enc *Encoder) Steerable() bool { return enc.row.property != "" }

// ByQuality reports whether the encoder has a quality from 1 to 100, and no bitrate.
func (enc *Encoder) ByQuality() bool { return enc.row.unit == quality }

// Restarts reports whether each change costs a key frame.
func (enc *Encoder) Restarts() bool { return enc.row.restarts }

// Property returns the name of that property, "" if there is none.
func (enc *Encoder) Property() string { return enc.row.property }

// User returns what the user set: a quality, or bit/s. It is false where the encoder
// chooses by itself.
func (enc *Encoder) User() (v float64, ok bool) {
	if !enc.hasUser || enc.row.auto && enc.user == 0 {
		return 0, false
	}
	return enc.user * enc.scale(), true
}

// scale returns how many bit/s one unit of the property is; for a quality 1.
func (enc *Encoder) scale() float64 {
	if enc.row.unit == quality {
		return 1
	}
	return enc.row.unit
}

// Tell sets a quality, or a bitrate in bit/s, within the range of the property. It returns
// the value that the encoder has now. changed means that somebody else has set the
// property since the last Tell; that value then counts as the user's.
func (enc *Encoder) Tell(v float64) (is float64, changed bool) {
	if enc.told != nil {
		if now, ok := enc.get(); ok && now != *enc.told {
			enc.user, enc.hasUser, changed = now, true, true
		}
	}
	n := math.Round(min(max(v, enc.Least())/enc.scale(), enc.most))
	if enc.told == nil || *enc.told != n || changed {
		enc.set(n)
		now, ok := enc.get()
		if !ok {
			now = n
		}
		enc.told = &now
	}
	return *enc.told * enc.scale(), changed
}

// Least returns the least value that Tell can set, a quality or bit/s.
func (enc *Encoder) Least() float64 {
	least := enc.least
	if enc.row.auto || enc.row.unit == quality {
		least = max(least, 1)
	}
	if enc.row.auto && enc.row.unit == bits {
		least = max(least, 1000) // an encoder that divides by 1000 takes less for 0
	}
	return least * enc.scale()
}

// Restore sets the property to the user's value again.
func (enc *Encoder) Restore() {
	if enc.told == nil {
		return
	}
	if now, ok := enc.get(); enc.hasUser && ok && now == *enc.told { // otherwise somebody else has set it
		enc.set(enc.user)
	}
	enc.told = nil
}

// Release gives the reference back.
func (enc *Encoder) Release() {
	if enc != nil && enc.p != nil {
		C.g_object_unref(C.gpointer(enc.p))
		enc.p = nil
	}
}

// names returns the names of the property and the field for C. free frees them.
func (enc *Encoder) names() (property, field *C.char, free func()) {
	property = C.CString(enc.row.property)
	if enc.row.field != "" {
		field = C.CString(enc.row.field)
	}
	return property, field, func() {
		C.free(unsafe.Pointer(property))
		C.free(unsafe.Pointer(field))
	}
}

func (enc *Encoder) get() (float64, bool) {
	property, field, free := enc.names()
	defer free()
	var v C.double
	ok := C.netgear_encoder_get(C.gpointer(enc.p), property, field, &v) != 0
	return float64(v), ok
}

func (enc *Encoder) set(v float64) {
	property, field, free := enc.names()
	defer free()
	C.netgear_encoder_set(C.gpointer(enc.p), property, field, C.double(v))
}
