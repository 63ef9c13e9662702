/* zmqpeer: the least that moves frames with libzmq, as the limit that a
 * benchmark compares with.
 *
 *     zmqpeer recv PATTERN ENDPOINT
 *     zmqpeer send PATTERN ENDPOINT FILE N
 *
 * PATTERN is 0 pair, 1 req-rep, 2 pub-sub. NetGear's two-part messages: a header
 * of its usual size, and the bytes of FILE, lent and not copied; a line of text
 * for each in patterns 0 and 1. The receiver binds. High-water marks as ours.
 * Prints one line of JSON as gstrun does.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static const char header[] =
	"{\"terminate_flag\": false, \"compression\": false, \"message\": null, \"pattern\": \"0\", \"dtype\": \"uint8\", \"shape\": [1080, 1920, 3]}";
static const char terminate[] = "{\"terminate_flag\": true}";
static const char reply[] = "Data received on device: ABCDEFGH !";

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int rc, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", what, zmq_strerror(errno));
		exit(1);
	}
}

static void set(void *sock, int option, int value) { check(zmq_setsockopt(sock, option, &value, sizeof value), "zmq_setsockopt"); }

static void report(long long frames, double bytes, double seconds, double used)
{
	printf("{\"event\": \"end\", \"frames\": %lld, \"bytes\": %.0f, \"seconds\": %.6f, \"cpu\": %.6f, \"peak_kib\": %ld}\n", frames, bytes, seconds, used, peak_kib());
	fflush(stdout);
}

static void receive(void *sock, int pattern)
{
	long long frames = 0;
	double begin = 0, last = 0, used = 0, used_at = 0, bytes = 0;

	for (;;) {
		zmq_msg_t head, body;

		zmq_msg_init(&head);
		check(zmq_msg_recv(&head, sock, 0), "zmq_msg_recv");
		if (!zmq_msg_more(&head)) {
			zmq_msg_close(&head);
			if (pattern == 1)
				check(zmq_send(sock, reply, sizeof reply - 1, 0), "zmq_send");
			break;
		}
		zmq_msg_init(&body);
		check(zmq_msg_recv(&body, sock, 0), "zmq_msg_recv");
		if (pattern != 2)
			check(zmq_send(sock, reply, sizeof reply - 1, 0), "zmq_send");
		last = wall();
		if (frames == 0) {
			begin = last;
			used_at = cpu_seconds();
		} else {
			bytes += (double)zmq_msg_size(&body);
		}
		frames++;
		zmq_msg_close(&head);
		zmq_msg_close(&body);
	}
	used = cpu_seconds() - used_at;
	report(frames, bytes, last - begin, used);
}

static void keep(void *data, void *hint) {}

static void send_all(void *sock, int pattern, const char *path, long long n)
{
	FILE *f = fopen(path, "rb");
	char *data, text[256];
	long size;
	double begin = 0, used = 0;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0) {
		perror(path);
		exit(2);
	}
	rewind(f);
	data = malloc((size_t)size);
	if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(2);
	}
	fclose(f);
	if (pattern == 2)
		sleep(1); /* for the subscription */
	for (long long i = 0; i < n; i++) {
		zmq_msg_t body;

		check(zmq_send(sock, header, sizeof header - 1, ZMQ_SNDMORE), "zmq_send");
		zmq_msg_init_data(&body, data, (size_t)size, keep, NULL);
		check(zmq_msg_send(&body, sock, 0), "zmq_msg_send");
		if (pattern != 2)
			check(zmq_recv(sock, text, sizeof text, 0), "zmq_recv");
		if (i == 0) {
			begin = wall();
			used = cpu_seconds();
		}
	}
	report(n, (double)size * (double)(n - 1), wall() - begin, cpu_seconds() - used);
	if (pattern == 2)
		usleep(250000); /* or the high-water mark takes the goodbye */
	check(zmq_send(sock, terminate, sizeof terminate - 1, 0), "zmq_send");
	if (pattern == 1)
		check(zmq_recv(sock, text, sizeof text, 0), "zmq_recv");
}

int main(int argc, char **argv)
{
	static const int senders[] = {ZMQ_PAIR, ZMQ_REQ, ZMQ_PUB}, receivers[] = {ZMQ_PAIR, ZMQ_REP, ZMQ_SUB};
	int sending = argc == 6 && strcmp(argv[1], "send") == 0;
	int pattern = argc > 2 ? atoi(argv[2]) : -1;
	void *context, *sock;

	if ((!sending && (argc != 4 || strcmp(argv[1], "recv") != 0)) || pattern < 0 || pattern > 2) {
		fprintf(stderr, "usage: zmqpeer recv PATTERN ENDPOINT | send PATTERN ENDPOINT FILE N\n");
		return 2;
	}
	context = zmq_ctx_new();
	sock = zmq_socket(context, sending ? senders[pattern] : receivers[pattern]);
	set(sock, ZMQ_SNDHWM, sending ? 2 : 3);
	set(sock, ZMQ_RCVHWM, 2);
	set(sock, ZMQ_LINGER, 1000);
	if (sending) {
		check(zmq_connect(sock, argv[3]), argv[3]);
		send_all(sock, pattern, argv[4], atoll(argv[5]));
	} else {
		if (pattern == 2)
			check(zmq_setsockopt(sock, ZMQ_SUBSCRIBE, "", 0), "zmq_setsockopt");
		check(zmq_bind(sock, argv[3]), argv[3]);
		printf("{\"event\": \"started\"}\n");
		fflush(stdout);
		receive(sock, pattern);
	}
	zmq_close(sock);
	zmq_ctx_term(context);
	return 0;
}
