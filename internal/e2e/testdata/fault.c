/* Preloaded into a process, has the call fail that FAULT names, as it would
 * where the system runs short, or as libzmq never should. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static int faulty(const char *what)
{
	const char *fault = getenv("FAULT");

	return fault != NULL && strcmp(fault, what) == 0;
}

/* The plugin's libzmq is not among what comes next after this library. */
static void *of_libzmq(const char *name) { return dlsym(dlopen("libzmq.so.5", RTLD_LAZY), name); }

void *zmq_socket(void *context, int type)
{
	void *(*real)(void *, int) = of_libzmq("zmq_socket");

	if (faulty("socket")) {
		errno = EMFILE;
		return NULL;
	}
	return real(context, type);
}

#define EVENTS 15 /* ZMQ_EVENTS */

int zmq_getsockopt(void *socket, int option, void *value, size_t *size)
{
	int (*real)(void *, int, void *, size_t *) = of_libzmq("zmq_getsockopt");

	if (option == EVENTS && faulty("events")) {
		errno = EFAULT;
		return -1;
	}
	return real(socket, option, value, size);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
	int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **) = dlsym(RTLD_NEXT, "getpwuid_r");

	if (faulty("passwd")) {
		*found = NULL;
		return 0;
	}
	return real(uid, entry, buffer, size, found);
}
