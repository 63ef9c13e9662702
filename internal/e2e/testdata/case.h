/* Cases of the test programs: one line for each, "ok NAME" or "FAILED NAME: why". */
#ifndef CASE_H
#define CASE_H

#include <glib.h>
#include <stdio.h>

static const char *name; /* of the case */
static int failures, failures_before;

static void begin_case(const char *n)
{
	name = n;
	failures_before = failures;
}

static void end_case(void)
{
	if (failures == failures_before)
		printf("ok %s\n", name);
	fflush(stdout);
}

G_GNUC_PRINTF(1, 2) static void fail(const char *format, ...)
{
	va_list args;

	printf("FAILED %s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	failures++;
}

#endif
