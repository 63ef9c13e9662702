/* A program that has the plugin in it, and goes on with what it did before:
 *
 *   host CASE
 *
 * Prints what went wrong and returns 1, or dies; else it returns 0. */
#include <errno.h>
#include <gst/gst.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"

extern char **environ;

static void die(const char *what)
{
	printf("%s\n", what);
	exit(1);
}

/* --- a stream from one element to the other --- */

typedef struct {
	GstElement *receiver, *sender;
	gint frames; /* atomic */
} Stream;

static void on_frame(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer stream)
{
	(void)sink;
	(void)buffer;
	(void)pad;
	g_atomic_int_inc(&((Stream *)stream)->frames);
}

static void stream_start(Stream *s, int fps)
{
	GstElement *e;
	guint port = 0;
	gchar *text;

	memset(s, 0, sizeof *s);
	s->receiver = gst_parse_launch("netgearsrc name=src address=127.0.0.1 port=0 ! fakesink name=sink signal-handoffs=true sync=false", NULL);
	e = gst_bin_get_by_name(GST_BIN(s->receiver), "sink");
	g_signal_connect(e, "handoff", G_CALLBACK(on_frame), s);
	gst_object_unref(e);
	gst_element_set_state(s->receiver, GST_STATE_PLAYING);
	e = gst_bin_get_by_name(GST_BIN(s->receiver), "src");
	g_object_get(e, "current-port", &port, NULL);
	gst_object_unref(e);
	if (port == 0)
		die("netgearsrc is not bound");
	text = g_strdup_printf("videotestsrc is-live=true ! video/x-raw,format=BGR,width=32,height=24,framerate=%d/1 ! "
			       "netgearsink address=127.0.0.1 port=%u", fps, port);
	s->sender = gst_parse_launch(text, NULL);
	g_free(text);
	gst_element_set_state(s->sender, GST_STATE_PLAYING);
}

/* Waits for so many frames more. */
static void stream_goes_on(Stream *s, int frames)
{
	int target = g_atomic_int_get(&s->frames) + frames, i;

	for (i = 0; g_atomic_int_get(&s->frames) < target; i++) {
		if (i > 3000)
			die("the stream stands still");
		g_usleep(10000);
	}
}

static void stream_stop(Stream *s)
{
	gst_element_set_state(s->sender, GST_STATE_NULL);
	gst_element_set_state(s->receiver, GST_STATE_NULL);
	gst_object_unref(s->sender);
	gst_object_unref(s->receiver);
}

/* --- signals --- */

static volatile sig_atomic_t seen[65];
static sigjmp_buf back;

static void on_signal(int n) { seen[n]++; }

static void on_fault(int n, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	seen[n]++;
	siglongjmp(back, 1);
}

static void handle(int n, void (*plain)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	if (plain) {
		action.sa_handler = plain;
	} else {
		action.sa_sigaction = on_fault;
		action.sa_flags = SA_SIGINFO | SA_NODEFER;
	}
	action.sa_flags |= SA_ONSTACK;
	sigaction(n, &action, NULL);
}

static void handle_all(void)
{
	static const int plain[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM};
	guint i;

	for (i = 0; i < G_N_ELEMENTS(plain); i++)
		handle(plain[i], on_signal);
	handle(SIGSEGV, NULL);
	handle(SIGFPE, NULL);
	handle(SIGBUS, NULL);
}

static void check_signals(Stream *s)
{
	static const int plain[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
	static int *volatile nowhere;
	guint i;
	int round, wait, children;
	pid_t child;

	for (round = 1; round <= 3; round++) {
		for (i = 0; i < G_N_ELEMENTS(plain); i++) {
			raise(plain[i]);
			if (seen[plain[i]] != round) {
				printf("signal %d reached its handler %d times, not %d\n", plain[i], (int)seen[plain[i]], round);
				exit(1);
			}
		}
		if (sigsetjmp(back, 1) == 0)
			*nowhere = 1;
		if (seen[SIGSEGV] != round)
			die("a fault did not reach its handler");
		children = seen[SIGCHLD]; /* GStreamer may have had some */
		child = fork();
		if (child == 0)
			_exit(7);
		while (waitpid(child, &(int){0}, 0) < 0 && errno == EINTR)
			;
		for (wait = 0; seen[SIGCHLD] == children; wait++) { /* on whichever thread */
			if (wait > 1000)
				die("SIGCHLD did not reach its handler");
			g_usleep(1000);
		}
		stream_goes_on(s, 3);
	}
}

static void handlers_before(void)
{
	Stream s;

	handle_all();
	gst_init(NULL, NULL);
	stream_start(&s, 100);
	stream_goes_on(&s, 5);
	check_signals(&s);
	stream_stop(&s);
}

static void handlers_after(void)
{
	Stream s;

	gst_init(NULL, NULL);
	stream_start(&s, 100);
	stream_goes_on(&s, 5);
	handle_all();
	check_signals(&s);
	stream_stop(&s);
}

/* The peer goes away again and again while frames are written to it. */
static void peer_closes(void)
{
	GstElement *src;
	guint port;
	Stream s;
	int i;

	signal(SIGPIPE, SIG_DFL);
	gst_init(NULL, NULL);
	stream_start(&s, 200);
	src = gst_bin_get_by_name(GST_BIN(s.receiver), "src");
	g_object_get(src, "current-port", &port, NULL);
	for (i = 0; i < 10; i++) {
		stream_goes_on(&s, 2);
		gst_element_set_state(s.receiver, GST_STATE_NULL);
		g_object_set(src, "port", port, NULL);
		g_usleep(5000);
		if (gst_element_set_state(s.receiver, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
			die("cannot bind again");
	}
	gst_object_unref(src);
	stream_stop(&s);
}

/* What is not ours is as without us: a write into a broken pipe ends the
 * program, or is an error where it ignores the signal, or comes to its handler. */
static void break_pipe(void)
{
	int ends[2];

	if (pipe(ends))
		die("pipe");
	close(ends[0]);
	if (write(ends[1], "x", 1) >= 0 || errno != EPIPE)
		die("a write into a broken pipe is no error");
}

static void pipe_with(void (*disposition)(int), gboolean streaming)
{
	Stream s;

	signal(SIGPIPE, disposition);
	gst_init(NULL, NULL);
	if (streaming) {
		stream_start(&s, 100);
		stream_goes_on(&s, 3);
	}
	break_pipe();
	if (streaming)
		stream_stop(&s);
}

static void pipe_default_without(void) { pipe_with(SIG_DFL, FALSE); }
static void pipe_default(void) { pipe_with(SIG_DFL, TRUE); }
static void pipe_ignored(void) { pipe_with(SIG_IGN, TRUE); }

static void pipe_handled(void)
{
	pipe_with(on_signal, TRUE);
	if (seen[SIGPIPE] != 1)
		die("SIGPIPE did not reach its handler");
}

/* --- children --- */

/* Has a child list its open files, and returns the list, without the pipes to it
 * and the sockets that GStreamer itself leaves open, of its buses and pools:
 * those have no network. */
static gchar *open_in_child(int how)
{
	static const char *list = "for f in /proc/$$/fd/*; do l=$(readlink $f); case $l in pipe:*) continue;; socket:*) n=${l#*[}; "
				  "grep -q \" ${n%]}\" /proc/net/unix && continue;; esac; echo $l; done; true";
	gchar *argv[] = {"/bin/sh", "-c", (gchar *)list, NULL}, *out = NULL;

	if (how == 0) {
		if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL, &out, NULL, NULL, NULL))
			die("g_spawn_sync");
	} else {
		char text[8192];
		FILE *f = popen(list, "r");
		size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

		if (!f || pclose(f) != 0)
			die("popen");
		text[n] = 0;
		out = g_strdup(text);
	}
	return out;
}

static void children(void)
{
	Stream s;
	gchar *argv[] = {"/bin/true", NULL}, *before[2], *now;
	int i, status;
	pid_t pid;

	gst_init(NULL, NULL);
	before[0] = open_in_child(0);
	before[1] = open_in_child(1);
	stream_start(&s, 100);
	stream_goes_on(&s, 5);
	for (i = 0; i < 200; i++) {
		status = -1;
		if (i % 3 == 0) {
			if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL))
				die("g_spawn_sync");
		} else if (i % 3 == 1) {
			status = system("exit 0");
		} else if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid) {
			die("posix_spawn");
		}
		if (status != 0)
			die("a child failed");
	}
	for (i = 0; i < 20; i++) {
		now = open_in_child(i % 2);
		if (strcmp(now, before[i % 2]) != 0) {
			printf("open in a child: %s\nwithout the elements: %s\n", now, before[i % 2]);
			exit(1);
		}
		g_free(now);
	}
	stream_goes_on(&s, 5);
	stream_stop(&s);
	g_free(before[0]);
	g_free(before[1]);
}

/* --- many --- */

enum { THREADS = 4, PAIRS = 25 };

static Stream streams[THREADS][PAIRS];

static gpointer run_pairs(gpointer mine)
{
	Stream *s = mine;
	int i;

	for (i = 0; i < PAIRS; i++)
		stream_start(&s[i], 10);
	for (i = 0; i < PAIRS; i++)
		stream_goes_on(&s[i], 2);
	return NULL;
}

static gpointer stop_pairs(gpointer mine)
{
	Stream *s = mine;
	int i;

	for (i = 0; i < PAIRS; i++)
		stream_stop(&s[i]);
	return NULL;
}

static void in_threads(GThreadFunc f)
{
	GThread *threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		threads[i] = g_thread_new(NULL, f, streams[i]);
	for (i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
}

static void many(void)
{
	struct rlimit files;
	Stream s;
	int round, tasks = 0, most, fds, left;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = MIN(files.rlim_max, 20000);
	setrlimit(RLIMIT_NOFILE, &files);
	gst_init(NULL, NULL);
	stream_start(&s, 100); /* what is made once */
	stream_goes_on(&s, 5);
	stream_stop(&s);
	g_usleep(100000);
	fds = count("/proc/self/fd");
	for (round = 0; round < 2; round++) {
		in_threads(run_pairs);
		most = count("/proc/self/task");
		printf("%d elements: %d threads, %d files\n", 2 * THREADS * PAIRS, most, count("/proc/self/fd"));
		in_threads(stop_pairs);
		left = settled_within(500, "/proc/self/fd", fds);
		if (left > fds) {
			printf("%d files are open, want %d again\n", left, fds);
			exit(1);
		}
		/* Go keeps a thread for each of those that waited in C, for the next
		 * that do, and GLib some of its own. */
		left = settled_within(500, "/proc/self/task", round == 0 ? most / 2 : tasks + 20);
		printf("afterwards %d threads\n", left);
		if (left > (round == 0 ? most / 2 : tasks + 20))
			die("they stay");
		tasks = left;
	}
}

/* --- what a process has but one of --- */

static void limits(void)
{
	struct rlimit before, after;
	Stream s;

	getrlimit(RLIMIT_NOFILE, &before);
	before.rlim_cur = MIN(before.rlim_max, 1000);
	setrlimit(RLIMIT_NOFILE, &before);
	gst_init(NULL, NULL);
	stream_start(&s, 100);
	stream_goes_on(&s, 3);
	getrlimit(RLIMIT_NOFILE, &after);
	if (after.rlim_cur != before.rlim_cur || after.rlim_max != before.rlim_max) {
		printf("the number of files that may be open is %lu, was %lu\n", (unsigned long)after.rlim_cur, (unsigned long)before.rlim_cur);
		exit(1);
	}
	stream_stop(&s);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{"handlers-before", handlers_before}, {"handlers-after", handlers_after}, {"peer-closes", peer_closes},
		{"pipe-default-without", pipe_default_without}, {"pipe-default", pipe_default}, {"pipe-ignored", pipe_ignored}, {"pipe-handled", pipe_handled},
		{"children", children}, {"many", many}, {"limits", limits},
	};
	guint i;

	for (i = 0; argc == 2 && i < G_N_ELEMENTS(cases); i++) {
		if (strcmp(cases[i].name, argv[1]) == 0) {
			cases[i].run();
			return 0;
		}
	}
	die("no such case");
	return 1;
}
