package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
)

// What hardware encoders, cameras and demultiplexers announce. The encoders
// derived from GstVideoEncoder add what the base class copies from their input:
// gst_video_encoder_negotiate_default and
// gst_video_codec_state's caps in gstvideoencoder.c and gstvideoutils.c.
const (
	// With the types that gst_video_info_to_caps writes.
	fromInput = "width=(int)64, height=(int)48, pixel-aspect-ratio=(fraction)1/1, framerate=(fraction)30/1, interlace-mode=(string)progressive, " +
		"colorimetry=(string)bt709, chroma-site=(string)mpeg2, multiview-mode=(string)mono, " +
		"multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:/right-view-first/left-flipped/left-flopped/right-flipped/right-flopped/half-aspect/mixed-mono"
	annexB = "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"
)

var announced = []struct{ name, caps string }{
	// NVIDIA's gst-jpeg, gstjpegenc.c: sof-marker is what its search for a marker
	// finds, 0 or 4.
	{"nvjpegenc", "image/jpeg, sof-marker=(int)4, " + fromInput},
	// gstreamer-vaapi, gstvaapiencode_jpeg.c: gst_vaapiencode_jpeg_get_caps.
	{"vaapijpegenc", "image/jpeg, " + fromInput},
	// gst-plugins-bad, sys/va/gstvajpegenc.c and sys/qsv/gstqsvjpegenc.cpp:
	// image/jpeg and nothing else of their own.
	{"vajpegenc", "image/jpeg, parsed=(boolean)true, colorspace=(string)sYUV, sampling=(string)YCbCr-4:2:0, " + fromInput},
	{"qsvjpegenc", "image/jpeg, " + fromInput},
	// gstreamer-rockchip, gstmppjpegenc.c: gst_mpp_jpeg_enc_set_format.
	{"mppjpegenc", "image/jpeg, " + fromInput},
	// gst-plugins-good, sys/v4l2/gstv4l2jpegenc.c and gstv4l2videoenc.c.
	{"v4l2jpegenc", "image/jpeg, " + fromInput},
	// gst-plugins-good, sys/v4l2/gstv4l2object.c: a camera's MJPG, which is
	// image/jpeg for it, and with parsed missing.
	{"v4l2src", "image/jpeg, width=(int)64, height=(int)48, pixel-aspect-ratio=(fraction)1/1, interlace-mode=(string)progressive, framerate=(fraction)30/1, colorimetry=(string)1:4:7:1"},
	{"v4l2src, bt601", "image/jpeg, parsed=(boolean)false, width=(int)64, height=(int)48, framerate=(fraction)30000/1001, colorimetry=(string)2:4:7:1"},
	// gst-plugins-good, gst/multipart/multipartdemux.c: the mime type alone.
	{"multipartdemux", "image/jpeg"},
	// gst-libav, ext/libav/gstavcodecmap.c and gstavvidenc.c.
	{"avenc_mjpeg", "image/jpeg, parsed=(boolean)true, " + fromInput},

	// NVIDIA's gst-v4l2, gstv4l2h264enc.c: src_template_caps, and
	// v4l2_profile_to_string and v4l2_level_to_string, which says 3.0 where
	// GStreamer says 3.
	{"nvv4l2h264enc", annexB + ", profile=(string)baseline, level=(string)3.0, " + fromInput},
	{"nvv4l2h265enc", "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au, profile=(string)main, " + fromInput},
	// gst-plugins-good, sys/v4l2/gstv4l2h264enc.c and gstv4l2codec.c.
	{"v4l2h264enc", annexB + ", level=(string)4, profile=(string)high, " + fromInput},
	// gstreamer-vaapi, gstvaapiencode_h264.c: gst_vaapiencode_h264_get_caps.
	{"vaapih264enc", annexB + ", profile=(string)constrained-baseline, " + fromInput},
	// gstreamer-rockchip, gstmpph264enc.c and gstmpph265enc.c: gst_mpp_h264_enc_set_src_caps.
	{"mpph264enc", annexB + ", profile=(string)high, level=(string)4, " + fromInput},
	{"mpph265enc", "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au, " + fromInput},
	// gst-omx, omx/gstomxh264enc.c: gst_omx_h264_enc_get_caps; Raspberry Pi OS had it until bullseye.
	{"omxh264enc", annexB + ", profile=(string)high, level=(string)4, " + fromInput},
	// gst-plugins-bad, sys/nvcodec/gstnvh264enc.c: gst_nv_h264_enc_set_src_caps.
	{"nvh264enc", annexB + ", profile=(string)main, level=(string)3.1, " + fromInput},
	// gst-plugins-bad, sys/va/gstvah264enc.c, and libcamera's or a server's
	// h264parse, gst/videoparsers/gsth264parse.c: all there is.
	{"h264parse", annexB + ", level=(string)3.1, profile=(string)high, coded-picture-structure=(string)frame, chroma-format=(string)4:2:0, " +
		"bit-depth-luma=(uint)8, bit-depth-chroma=(uint)8, parsed=(boolean)true, lossless=(boolean)false, " + fromInput},
	// gst-plugins-good, ext/vpx/gstvp8enc.c: with the header of an Ogg stream.
	{"vp8enc", "video/x-vp8, profile=(string)0, streamheader=(buffer)< 4f56503830010100004000300000010000010000001e00000001 >, " + fromInput},
	// gst-plugins-bad, ext/aom/gstav1enc.c and gst/videoparsers/gstav1parse.c.
	{"av1enc", "video/x-av1, alignment=(string)tu, " + fromInput},
	{"av1parse", "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu, profile=(string)main, parsed=(boolean)true, " + fromInput},
}

// The caps that hardware announces are taken, and what belongs to them arrives
// with them: a JPEG, or bytes that stand for encoded video.
func TestCapsOfHardware(t *testing.T) {
	for _, hw := range announced {
		t.Run(hw.name, func(t *testing.T) {
			t.Parallel()
			payload := bytes.Repeat([]byte{0, 0, 0, 1, 0x65}, 100)
			isJPEG := strings.HasPrefix(hw.caps, "image/jpeg")
			if isJPEG {
				var b bytes.Buffer
				if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), nil); err != nil {
					t.Fatal(err)
				}
				payload = b.Bytes()
			}
			file := t.TempDir() + "/frame"
			writeFile(t, file, payload)
			end, dir := receive(t)
			port := freePort(t)
			// The last sink has nothing to preroll with before the other one plays.
			p := launchArgs(t, slices.Concat(
				[]string{"multifilesrc", "location=" + file, "num-buffers=3", "caps=" + hw.caps},
				strings.Fields(fmt.Sprintf("! netgearsink sync=false address=127.0.0.1 port=%d netgearsrc address=127.0.0.1 port=%d ! %s async=false", port, port, end)))...)
			p.Exits(0)
			frames := frameFiles(t, dir)
			if len(frames) != 3 {
				t.Fatalf("%d frames, want 3", len(frames))
			}
			for i, f := range frames {
				if !bytes.Equal(f, payload) {
					t.Errorf("frame %d differs", i)
				}
			}
			caps := p.caps()
			if len(caps) != 1 {
				t.Fatalf("caps %q, want them once", caps)
			}
			want := []string{strings.Split(hw.caps, ",")[0]}
			for _, field := range strings.Split(hw.caps, ", ")[1:] {
				name, _, _ := strings.Cut(field, "=")
				switch {
				case name == "multiview-flags", name == "streamheader", name == "coded-picture-structure", name == "lossless":
				case isJPEG && slices.Contains([]string{"sof-marker", "parsed", "interlace-mode", "multiview-mode"}, name): // the frame's own, or what everybody assumes
				case isJPEG && field == "pixel-aspect-ratio=(fraction)1/1":
				default:
					want = append(want, field)
				}
			}
			got := strings.Split(caps[0], ", ")
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("caps %s: want %s in them", caps[0], w)
				}
			}
		})
	}
}

// Memory of a device is refused while caps are negotiated, so that a converter
// has its chance; nothing is mapped that cannot be.
func TestDeviceMemoryIsRefused(t *testing.T) {
	for _, caps := range []string{
		"video/x-raw(memory:NVMM), format=(string)BGRx", "video/x-raw(memory:VASurface), format=(string)BGRx", "video/x-raw(memory:VAMemory), format=(string)BGRx",
		"video/x-raw(memory:DMABuf), format=(string)BGRx", "video/x-raw(memory:GLMemory), format=(string)RGBA, texture-target=(string)2D",
		"video/x-raw(memory:CUDAMemory), format=(string)BGRA", "image/jpeg(memory:NVMM)", "video/x-h264(memory:NVMM), stream-format=(string)byte-stream, alignment=(string)au",
	} {
		t.Run(strings.NewReplacer("video/x-", "", "image/", "").Replace(strings.Split(caps, ",")[0]), func(t *testing.T) {
			t.Parallel()
			file := t.TempDir() + "/frame"
			writeFile(t, file, make([]byte, 64*48*4))
			p := launchArgs(t, "multifilesrc", "location="+file, "num-buffers=3", "caps="+caps+", width=(int)64, height=(int)48, framerate=(fraction)30/1",
				"!", "netgearsink", "address=127.0.0.1", fmt.Sprintf("port=%d", freePort(t)))
			p.Fails()
			if p.Count("not-negotiated|could not link") == 0 {
				t.Error("want the caps to be refused in negotiation")
			}
		})
	}
}
