/* What both tools measure of themselves. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdio.h>
#include <sys/resource.h>

/* Seconds of CPU that this process has used. */
static inline double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Peak of resident memory. ru_maxrss would be that of the parent before exec. */
static inline long peak_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

#endif
