/* The per-frame calls into libzmq. A function returns 0 or an errno; none
 * blocks but netgear_zmsg_wait. The Go runtime preempts threads with signals,
 * so libzmq returns EINTR at any time: it is retried here, or told to the
 * caller where a deadline has to be recomputed. */
#define _GNU_SOURCE /* for POLLRDHUP */
#include "zmsg.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef void (*free_func_t)(void *owner);

static _Atomic uint64_t copied;

uint64_t netgear_zmsg_copied(void) { return atomic_load(&copied); }

int netgear_zmsg_copy(zmq_msg_t *m, const void *data, size_t size)
{
	if (zmq_msg_init_size(m, size) != 0)
		return errno;
	if (size > 0)
		memcpy(zmq_msg_data(m), data, size);
	atomic_fetch_add(&copied, size);
	return 0;
}

/* libzmq's free function takes the data too; the lender's takes its owner. */
struct loan {
	free_func_t free_func;
	void *owner;
};

static void end_loan(void *data, void *hint)
{
	struct loan *loan = hint;
	(void)data;
	if (loan->free_func)
		loan->free_func(loan->owner);
	free(loan);
}

int netgear_zmsg_lend(zmq_msg_t *m, void *data, size_t size, void *free_func, void *owner)
{
	struct loan *loan = malloc(sizeof *loan);
	if (loan == NULL) {
		netgear_zmsg_call_free(free_func, owner);
		return ENOMEM;
	}
	loan->free_func = (free_func_t)free_func;
	loan->owner = owner;
	if (zmq_msg_init_data(m, data, size, end_loan, loan) != 0) {
		int e = errno;
		end_loan(data, loan);
		return e;
	}
	return 0;
}

static void free_message(void *p)
{
	zmq_msg_close(p);
	free(p);
}

void *netgear_zmsg_free_func(void) { return (void *)free_message; }

void netgear_zmsg_call_free(void *free_func, void *owner)
{
	if (free_func)
		((free_func_t)free_func)(owner);
}

void *netgear_zmsg_detach(zmq_msg_t *m)
{
	zmq_msg_t *p = malloc(sizeof *p);
	if (p == NULL)
		abort(); /* 64 bytes: as Go itself does when memory is out */
	zmq_msg_init(p);
	zmq_msg_move(p, m);
	zmq_msg_close(m);
	return p;
}

static int send_part(void *sock, zmq_msg_t *m, int flags)
{
	int rc;
	do
		rc = zmq_msg_send(m, sock, flags | ZMQ_DONTWAIT);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

int netgear_zmsg_send(void *sock, const void *head, size_t head_size, zmq_msg_t *data)
{
	zmq_msg_t part;
	int e;

	if (zmq_msg_init_size(&part, head_size) != 0)
		return errno;
	if (head_size > 0)
		memcpy(zmq_msg_data(&part), head, head_size);
	e = send_part(sock, &part, data ? ZMQ_SNDMORE : 0);
	if (e != 0 || data == NULL) {
		if (e != 0)
			zmq_msg_close(&part);
		return e;
	}
	zmq_msg_init(&part);
	if (zmq_msg_copy(&part, data) != 0) {
		e = errno;
		zmq_msg_close(&part);
		return e;
	}
	e = send_part(sock, &part, 0);
	if (e != 0)
		zmq_msg_close(&part);
	/* The pipe went away between the parts: the message is torn, and the
	 * caller must not take that for "nothing was sent". */
	return e == EAGAIN ? EPIPE : e;
}

int netgear_zmsg_send_data(void *sock, zmq_msg_t *data)
{
	zmq_msg_t part;
	int e;

	zmq_msg_init(&part);
	if (zmq_msg_copy(&part, data) != 0)
		e = errno;
	else
		e = send_part(sock, &part, 0);
	if (e != 0)
		zmq_msg_close(&part);
	return e;
}

int netgear_zmsg_make(zmq_msg_t *m, size_t size) { return zmq_msg_init_size(m, size) == 0 ? 0 : errno; }

void netgear_zmsg_take(zmq_msg_t *m, zmq_msg_t *from)
{
	zmq_msg_init(m);
	zmq_msg_move(m, from);
	zmq_msg_close(from);
}

/* Returns 1 when more parts follow, 0 when none does, or a negative errno. */
int netgear_zmsg_recv(void *sock, zmq_msg_t *m)
{
	int rc;

	zmq_msg_init(m);
	do
		rc = zmq_msg_recv(m, sock, ZMQ_DONTWAIT);
	while (rc < 0 && errno == EINTR);
	if (rc < 0) {
		int e = errno;
		zmq_msg_close(m);
		return -e;
	}
	return zmq_msg_more(m) != 0;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns the events (1 in, 2 out, 4 woken), 0 when the time is up, or a
 * negative errno. fd is the socket's ZMQ_FD. Written out because zmq_poll makes
 * a dozen system calls of each wait, and there is one in each frame. */
int netgear_zmsg_wait(void *sock, int fd, int want, int waker, long timeout_ms)
{
	long end = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = waker, .events = POLLIN}};

	for (;;) {
		int events = 0, got, rc;
		size_t size = sizeof events;

		/* This takes in what the descriptor has told, so it comes first. */
		if (zmq_getsockopt(sock, ZMQ_EVENTS, &events, &size) != 0)
			return -errno;
		got = ((events & ZMQ_POLLIN) ? 1 : 0) | ((events & ZMQ_POLLOUT) ? 2 : 0);
		if ((got &= want) != 0 || (fds[1].revents & POLLIN))
			return got | ((fds[1].revents & POLLIN) ? 4 : 0);
		if (timeout_ms > 0 && (timeout_ms = end - now_ms()) < 0)
			timeout_ms = 0;
		rc = poll(fds, 2, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
		if (rc <= 0)
			return rc == 0 ? 0 : -errno;
	}
}

/* zmq.h has it among its drafts; every libzmq from 4.3.0 on knows it. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

int netgear_zmsg_enforce_zap(void *sock)
{
	int one = 1;

	return zmq_setsockopt(sock, ZMQ_ZAP_ENFORCE_DOMAIN, &one, sizeof one) == 0 ? 0 : errno;
}

int netgear_zmsg_own_process(void *sock)
{
	pid_t own = getpid();

	return zmq_setsockopt(sock, ZMQ_IPC_FILTER_PID, &own, sizeof own) == 0 ? 0 : errno;
}

int netgear_zmsg_waker_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void netgear_zmsg_waker_set(int fd)
{
	uint64_t one = 1;
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void netgear_zmsg_waker_clear(int fd)
{
	uint64_t n;
	while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
		;
}

void netgear_zmsg_waker_close(int fd) { close(fd); }

int netgear_zmsg_stands(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	int rc;

	do
		rc = poll(&p, 1, 0); /* a signal that waits ends it even without a timeout */
	while (rc < 0 && errno == EINTR);
	return fd >= 0 && rc >= 0 && !(p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}
