/* What go-gst asks of GStreamer 1.20, for 1.18. scripts/cgo-flags.sh has it included
 * into all C that Go compiles, the Go runtime's too. So it includes nothing itself,
 * and assembler sees none of it. Nothing here calls the function. */
#ifndef __ASSEMBLER__
struct _GstElement;
struct _GValue;

__attribute__((unused)) static struct _GstElement *gst_element_factory_make_with_properties(const char *factory, unsigned n, const char *names[],
											       const struct _GValue *values)
{
	(void)factory, (void)n, (void)names, (void)values;
	return (void *)0; /* as where there is no such factory */
}
#endif
