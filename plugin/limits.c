#include "limits.h"

#include <sys/resource.h>

/* Go's package os raises the number of files that the process may have open, as
 * soon as it is loaded. That is for the host to decide, and for those programs
 * whose children inherit it and use select(). */

static struct rlimit files;
static int known;

/* Before Go begins: constructors with a priority come first. */
__attribute__((constructor(101))) static void save_limits(void) { known = getrlimit(RLIMIT_NOFILE, &files) == 0; }

void netgear_restore_limits(void)
{
	struct rlimit now;

	/* Only what Go has done: the same maximum, and more of it in use. */
	if (known && getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max == files.rlim_max && now.rlim_cur > files.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &files);
	known = 0;
}
