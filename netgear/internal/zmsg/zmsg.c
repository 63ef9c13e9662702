/* The per-frame calls into libzmq. A function returns 0 or an errno; none
 * blocks but netgear_zmsg_wait. The Go runtime preempts threads with signals,
 * so libzmq returns EINTR at any time: it is retried here, or told to the
 * caller where a deadline has to be recomputed. */
#define _GNU_SOURCE /* for POLLRDHUP */
#include "zmsg.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void (*free_func_t)(void *owner);

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

	if (loan == NULL)
		return ENOMEM;
	loan->free_func = (free_func_t)free_func;
	loan->owner = owner;
	if (zmq_msg_init_data(m, data, size, end_loan, loan) != 0) {
		free(loan);
		return ENOMEM;
	}
	return 0;
}

static void free_message(void *p)
{
	zmq_msg_close(p);
	free(p);
}

void *netgear_zmsg_free_func(void) { return (void *)free_message; }

void netgear_zmsg_call_free(void *free_func, void *owner) { ((free_func_t)free_func)(owner); }

static zmq_msg_t *new_message(void)
{
	zmq_msg_t *p = malloc(sizeof *p);
	if (p == NULL)
		abort(); /* 64 bytes: as Go itself does when memory is out */
	return p;
}

void *netgear_zmsg_detach(zmq_msg_t *m)
{
	zmq_msg_t *p = new_message();

	zmq_msg_init(p);
	zmq_msg_move(p, m);
	zmq_msg_close(m);
	return p;
}

/* Fills a message with a copy, and returns 0 or an errno. */
static int copy(zmq_msg_t *m, const void *data, size_t size)
{
	if (zmq_msg_init_size(m, size) != 0)
		return errno;
	if (size > 0)
		memcpy(zmq_msg_data(m), data, size);
	return 0;
}

void *netgear_zmsg_detach_copy(const unsigned char *data, size_t size)
{
	zmq_msg_t *p = new_message();

	if (copy(p, data, size) != 0)
		abort(); /* as above: it is short */
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

/* Sends a part that is a share of another message, or a copy. */
static int send_copy(void *sock, zmq_msg_t *shared, const void *data, size_t size, int flags)
{
	zmq_msg_t part;
	int e;

	if (shared != NULL) {
		zmq_msg_init(&part);
		e = zmq_msg_copy(&part, shared) == 0 ? 0 : errno;
	} else if ((e = copy(&part, data, size)) != 0) {
		return e;
	}
	if (e == 0)
		e = send_part(sock, &part, flags);
	if (e != 0)
		zmq_msg_close(&part);
	return e;
}

int netgear_zmsg_send(void *sock, const unsigned char *head, long head_size, zmq_msg_t *shared, const unsigned char *data, long size)
{
	int with_data = shared != NULL || size >= 0;
	int e;

	if (head_size >= 0) {
		e = send_copy(sock, NULL, head, (size_t)head_size, with_data ? ZMQ_SNDMORE : 0);
		if (e != 0 || !with_data)
			return e;
	}
	e = send_copy(sock, shared, data, (size_t)size, 0);
	/* The pipe went away between the parts: the message is torn, and the
	 * caller must not take that for "nothing was sent". */
	return e == EAGAIN && head_size >= 0 ? EPIPE : e;
}

/* Memory for large parts. Whoever reads from the network runs on one thread or another,
 * and malloc would keep some for each of them. So the memory of parts that are done with
 * waits here for the next ones, up to KEEP_MAX bytes or one block of up to KEEP_ONE, and
 * the rest goes back to the system. That saves its page faults too. */
#define LARGE ((size_t)256 << 10)
#define KEEP_MAX ((size_t)16 << 20)
#define KEEP_ONE ((size_t)32 << 20)
#define KEEP_BLOCKS 16

struct block {
	struct block *next;
	size_t size; /* with this header */
};

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *kept; /* the one that was put back last comes first */
static size_t kept_size;

/* Sizes have four steps for each power of two, so that frames of nearly the same size
 * share blocks. */
static size_t block_size(size_t n)
{
	size_t step = LARGE / 4;

	while (step < n / 8)
		step *= 2;
	return (n + step - 1) / step * step;
}

static struct block *take_block(size_t size)
{
	struct block **at, *b;

	pthread_mutex_lock(&kept_lock);
	for (at = &kept; (b = *at) != NULL && b->size != size; at = &b->next)
		;
	if (b != NULL) {
		*at = b->next;
		kept_size -= b->size;
	}
	pthread_mutex_unlock(&kept_lock);
	if (b == NULL) {
		b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (b == MAP_FAILED)
			return NULL;
		b->size = size;
	}
	return b;
}

/* Frees the blocks that were put back first, until size bytes are left in so many, or one
 * block of any size. */
static void trim(size_t size, int blocks)
{
	struct block **at, *b, *next;
	size_t sum = 0;

	pthread_mutex_lock(&kept_lock);
	for (at = &kept; (b = *at) != NULL && blocks > 0 && (sum == 0 || sum + b->size <= size); at = &b->next, blocks--)
		sum += b->size;
	*at = NULL;
	kept_size = sum;
	pthread_mutex_unlock(&kept_lock);
	for (; b != NULL; b = next) {
		next = b->next;
		munmap(b, b->size);
	}
}

static void put_block(void *data, void *hint)
{
	struct block *b = hint;

	(void)data;
	if (b->size > KEEP_ONE) {
		munmap(b, b->size);
		return;
	}
	pthread_mutex_lock(&kept_lock);
	b->next = kept;
	kept = b;
	kept_size += b->size;
	pthread_mutex_unlock(&kept_lock);
	trim(KEEP_MAX, KEEP_BLOCKS);
}

void netgear_zmsg_trim(void) { trim(0, 0); }

size_t netgear_zmsg_kept(void)
{
	size_t size;

	pthread_mutex_lock(&kept_lock);
	size = kept_size;
	pthread_mutex_unlock(&kept_lock);
	return size;
}

/* Returns the memory, or NULL. */
void *netgear_zmsg_make(zmq_msg_t *m, size_t size)
{
	struct block *b;

	if (size < LARGE)
		return zmq_msg_init_size(m, size) == 0 ? zmq_msg_data(m) : NULL;
	if (size > SIZE_MAX / 2 || (b = take_block(block_size(size + sizeof *b))) == NULL)
		return NULL;
	if (zmq_msg_init_data(m, b + 1, size, put_block, b) != 0) {
		put_block(NULL, b);
		return NULL;
	}
	return b + 1;
}

int netgear_zmsg_share(zmq_msg_t *m, zmq_msg_t *from)
{
	int e;

	zmq_msg_init(m);
	if (zmq_msg_copy(m, from) == 0)
		return 0;
	e = errno;
	zmq_msg_close(m);
	return e;
}

/* What fits into the room that begins with m is put there. */
int netgear_zmsg_recv(void *sock, zmq_msg_t *m, size_t room, struct received *got)
{
	char *data;
	int rc;

	zmq_msg_init(m);
	do
		rc = zmq_msg_recv(m, sock, ZMQ_DONTWAIT);
	while (rc < 0 && errno == EINTR);
	if (rc < 0) {
		int e = errno;
		zmq_msg_close(m);
		return e;
	}
	got->more = zmq_msg_more(m);
	got->size = zmq_msg_size(m);
	got->connection = zmq_msg_get(m, ZMQ_SRCFD);
	got->data = data = zmq_msg_data(m);
	if (got->size <= room) {
		zmq_msg_t outside;

		memcpy(&outside, m, sizeof outside); /* it may lie anywhere; data may be inside of m */
		memmove(m, data, got->size);
		zmq_msg_close(&outside);
		got->data = NULL;
	}
	return 0;
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

int netgear_zmsg_look(void *sock)
{
	int events;
	size_t size = sizeof events;

	return zmq_getsockopt(sock, ZMQ_EVENTS, &events, &size) == 0 || errno == EINTR ? 0 : errno;
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
