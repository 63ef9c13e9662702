/* How much a process holds, for the test programs. */
#ifndef COUNT_H
#define COUNT_H

#include <glib.h>

/* Returns the number of entries of a folder, as of /proc/self/fd. */
static int count(const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	int n = 0;

	while (g_dir_read_name(dir))
		n++;
	g_dir_close(dir);
	return n;
}

/* Waits until there are no more than that, for so many hundredths of a second
 * at the most, and returns how many there are: threads end a moment after what
 * they worked for. */
static int settled_within(int tries, const char *folder, int limit)
{
	int n = 0, i;

	for (i = 0; i < tries && (n = count(folder)) > limit; i++)
		g_usleep(10000);
	return n;
}

static inline int settled(const char *folder, int limit) { return settled_within(300, folder, limit); }

static inline int by_value(gconstpointer a, gconstpointer b)
{
	double one = *(const double *)a, other = *(const double *)b;
	return one < other ? -1 : one > other;
}

#endif
