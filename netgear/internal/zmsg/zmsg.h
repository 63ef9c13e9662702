#ifndef NETGEAR_ZMSG_H
#define NETGEAR_ZMSG_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

int netgear_zmsg_lend(zmq_msg_t *m, void *data, size_t size, void *free_func, void *owner);
void *netgear_zmsg_detach(zmq_msg_t *m);
void *netgear_zmsg_detach_copy(const unsigned char *data, size_t size);
void *netgear_zmsg_free_func(void);
void netgear_zmsg_call_free(void *free_func, void *owner);
/* A size of -1 means that there is no such part; the second one may be shared. */
int netgear_zmsg_send(void *sock, const unsigned char *head, long head_size, zmq_msg_t *shared, const unsigned char *data, long size);
void *netgear_zmsg_make(zmq_msg_t *m, size_t size);
int netgear_zmsg_share(zmq_msg_t *m, zmq_msg_t *from);
void netgear_zmsg_trim(void);
size_t netgear_zmsg_kept(void);
struct received {
	int more, connection;
	size_t size;
	void *data; /* NULL: the bytes are where m was */
};
int netgear_zmsg_recv(void *sock, zmq_msg_t *m, size_t room, struct received *got);
int netgear_zmsg_wait(void *sock, int fd, int want, int waker, long timeout_ms);
int netgear_zmsg_look(void *sock);
int netgear_zmsg_enforce_zap(void *sock);
int netgear_zmsg_stands(int fd);
int netgear_zmsg_own_process(void *sock);
int netgear_zmsg_waker_new(void);
void netgear_zmsg_waker_set(int fd);
void netgear_zmsg_waker_clear(int fd);
void netgear_zmsg_waker_close(int fd);

#endif
