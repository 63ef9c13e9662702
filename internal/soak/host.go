package main

/*
#cgo pkg-config: gstreamer-1.0
#include <gst/gst.h>
#include <malloc.h>
#include <stdlib.h>

static void init(void) { gst_init(NULL, NULL); }

static GstElement *launch(const char *text, char **why)
{
	GError *error = NULL;
	GstElement *pipeline = gst_parse_launch(text, &error);

	if (error) {
		*why = g_strdup(error->message);
		g_error_free(error);
		if (pipeline)
			gst_object_unref(pipeline);
		return NULL;
	}
	return pipeline;
}

static double set_state(GstElement *pipeline, GstState state)
{
	gint64 begin = g_get_monotonic_time();
	GstStateChangeReturn ret = gst_element_set_state(pipeline, state);

	return ret == GST_STATE_CHANGE_FAILURE ? -1 : (g_get_monotonic_time() - begin) / 1000.0;
}

// Returns the next error or end of stream on the bus, or NULL; drops the rest.
static char *news(GstElement *pipeline)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *m;
	char *text = NULL;

	while (text == NULL && (m = gst_bus_pop(bus)) != NULL) {
		if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_EOS) {
			text = g_strdup("EOS");
		} else if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR) {
			GError *error = NULL;

			gst_message_parse_error(m, &error, NULL);
			text = g_strdup(error->message);
			g_error_free(error);
		}
		gst_message_unref(m);
	}
	gst_object_unref(bus);
	return text;
}

static guint64 stat(GstElement *pipeline, const char *field)
{
	GstElement *net = gst_bin_get_by_name(GST_BIN(pipeline), "net");
	GstStructure *stats = NULL;
	guint64 n = 0;

	g_object_get(net, "stats", &stats, NULL);
	gst_structure_get_uint64(stats, field, &n);
	gst_structure_free(stats);
	gst_object_unref(net);
	return n;
}

static guint peers(GstElement *pipeline)
{
	GstElement *net = gst_bin_get_by_name(GST_BIN(pipeline), "net");
	guint n = 0;

	g_object_get(net, "num-peers", &n, NULL);
	gst_object_unref(net);
	return n;
}

static void set(GstElement *pipeline, const char *property, const char *value)
{
	GstElement *net = gst_bin_get_by_name(GST_BIN(pipeline), "net");

	gst_util_set_object_arg(G_OBJECT(net), property, value);
	gst_object_unref(net);
}

static void end(GstElement *pipeline) { gst_element_send_event(pipeline, gst_event_new_eos()); }
static void drop(GstElement *pipeline) { gst_object_unref(pipeline); }

// Bytes that are allocated with malloc. glibc before 2.33 counts them in int,
// modulo 4 GiB.
static guint64 allocated(void)
{
#if __GLIBC_PREREQ(2, 33)
	struct mallinfo2 m = mallinfo2();
#else
	struct mallinfo m = mallinfo();
#endif

	return (guint64)(size_t)m.uordblks + (size_t)m.hblkhd;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/gst-netgear/gst-netgear/elements"
)

func initHost() error {
	C.init()
	return elements.Register()
}

// pipeline is a GStreamer pipeline with one NetGear element, of the name net.
// Safe for concurrent use.
type pipeline struct {
	text string

	mu     sync.Mutex
	p      *C.GstElement
	before uint64      // frames of earlier lives
	ended  chan string // the end of the stream that was asked for, or an error in its place
	sink   bool
	worst  time.Duration // state change
}

func newPipeline(sink bool, text string) *pipeline { return &pipeline{sink: sink, text: text} }

// start brings it to PLAYING.
func (p *pipeline) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := C.CString(p.text)
	defer C.free(unsafe.Pointer(text))
	var why *C.char
	if p.p = C.launch(text, &why); p.p == nil {
		defer C.g_free(C.gpointer(why))
		return errors.New(C.GoString(why))
	}
	return p.setStateLocked(C.GST_STATE_PLAYING)
}

func (p *pipeline) setStateLocked(s C.GstState) error {
	ms := float64(C.set_state(p.p, s))
	if ms < 0 {
		why := "no reason given"
		if text := p.newsLocked(); text != "" {
			why = text
		}
		return fmt.Errorf("state change failed: %s", why)
	}
	p.worst = max(p.worst, time.Duration(ms*float64(time.Millisecond)))
	return nil
}

// toggle pauses it and has it go on.
func (p *pipeline) toggle(pause time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.setStateLocked(C.GST_STATE_PAUSED); err != nil {
		return err
	}
	time.Sleep(pause)
	return p.setStateLocked(C.GST_STATE_PLAYING)
}

// end sends the end of the stream and waits for it.
func (p *pipeline) end() error {
	ended := make(chan string, 1)
	p.mu.Lock()
	p.ended = ended
	C.end(p.p)
	p.mu.Unlock()
	select {
	case text := <-ended:
		if text != "EOS" {
			return errors.New(text)
		}
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("the end of the stream did not come within 20 s")
	}
}

// stop takes it to NULL, in whatever it does, and lets go of it. A pipeline that
// did not start may be stopped.
func (p *pipeline) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil {
		return nil
	}
	p.before = p.framesLocked()
	err := p.setStateLocked(C.GST_STATE_NULL)
	C.drop(p.p)
	p.p = nil
	return err
}

// frames returns how many frames it has sent or received in all its lives.
func (p *pipeline) frames() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.framesLocked()
}

func (p *pipeline) framesLocked() uint64 {
	if p.sink {
		return p.before + p.statLocked("frames-sent")
	}
	return p.before + p.statLocked("frames-received")
}

func (p *pipeline) stat(field string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.statLocked(field)
}

// peers returns how many are connected.
func (p *pipeline) peers() uint {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil {
		return 0
	}
	return uint(C.peers(p.p))
}

func (p *pipeline) statLocked(field string) uint64 {
	if p.p == nil {
		return 0
	}
	f := C.CString(field)
	defer C.free(unsafe.Pointer(f))
	return uint64(C.stat(p.p, f))
}

func (p *pipeline) set(property, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, v := C.CString(property), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	C.set(p.p, k, v)
}

// news empties the bus and returns the text of an error, "EOS" or "", unless
// end waits for it.
func (p *pipeline) news() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.newsLocked()
	if text != "" && p.ended != nil {
		p.ended <- text
		p.ended = nil
		return ""
	}
	return text
}

func (p *pipeline) newsLocked() string {
	if p.p == nil {
		return ""
	}
	text := C.news(p.p)
	if text == nil {
		return ""
	}
	defer C.g_free(C.gpointer(text))
	return C.GoString(text)
}

func (p *pipeline) worstStateChange() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.worst
}

// mallocBytes is what C has allocated.
func mallocBytes() uint64 { return uint64(C.allocated()) }
