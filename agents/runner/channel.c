/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's read side; see channel.h. */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536 /* what proto_parser_feed() takes at once */

void channel_init(struct channel *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	proto_parser_init(&c->parser);
	pthread_mutex_init(&c->lock, NULL);
}

void channel_fini(struct channel *c)
{
	if (c->watching) {
		shutdown(c->fd, SHUT_RD); /* ends the thread's recv() */
		pthread_join(c->thread, NULL);
	}
	for (uint32_t i = 0; i < c->n_fds; i++)
		close(c->fds[i]);
	proto_parser_fini(&c->parser);
	pthread_mutex_destroy(&c->lock);
}

void assignment_fini(struct assignment *a)
{
	plan_fini(&a->plan);
	files_fini(&a->files);
}

/* ---- reading ---- */

static int take_fds(struct channel *c, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		uint32_t n;
		int fd;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (uint32_t)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (c->n_fds == RUNNER_FILES_MAX)
				close(fd);
			else
				c->fds[c->n_fds++] = fd;
		}
	}
	return msg->msg_flags & MSG_CTRUNC ? -1 : 0;
}

/* Feeds the parser with what comes next. Returns 0, or -1 at the end of the stream. */
static int read_more(struct channel *c)
{
	static char data[READ_BYTES]; /* one reader at a time */
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(RUNNER_FILES_BATCH * sizeof(int))];
	} control;
	struct iovec iov = {data, sizeof(data)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	do {
		n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || take_fds(c, &msg))
		return -1;
	return proto_parser_feed(&c->parser, data, (size_t)n);
}

/* ---- what shall be done ---- */

static int read_run(struct channel *c, const struct proto_frame *fr, struct assignment *a)
{
	struct proto_r r;
	const uint8_t *plan;
	uint32_t n_plan = 0, n_files;

	proto_r_init(&r, fr->payload, fr->len);
	a->process = proto_get_u32(&r);
	plan = proto_get_bytes(&r, &n_plan);
	n_files = proto_get_u32(&r);
	if (c->has_run || r.bad || n_files > RUNNER_FILES_MAX)
		return -1;
	c->has_run = true;
	if (plan_decode(plan, n_plan, &a->plan) || files_init(&a->files, n_files))
		return -1;
	for (uint32_t i = 0; i < n_files; i++)
		proto_get_text(&r, a->files.sha256[i], PLAN_SHA);
	return r.bad || a->process >= runner_processes(&a->plan) ? -1 : 0;
}

/* The frame's descriptors came with its bytes or before them. */
static int read_files(struct channel *c, const struct proto_frame *fr, struct assignment *a)
{
	struct proto_r r;
	uint32_t first, count;

	proto_r_init(&r, fr->payload, fr->len);
	first = proto_get_u32(&r);
	count = proto_get_u32(&r);
	if (r.bad || !c->has_run || !count || count > RUNNER_FILES_BATCH || count > c->n_fds ||
		first > a->files.n || count > a->files.n - first)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (a->files.fds[first + i] >= 0)
			return -1;
		a->files.fds[first + i] = c->fds[i];
		c->fds[i] = -1;
	}
	c->n_fds -= count;
	memmove(c->fds, c->fds + count, c->n_fds * sizeof(int));
	c->n_come += count;
	return 0;
}

static int read_frame(struct channel *c, const struct proto_frame *fr, struct assignment *a)
{
	switch (fr->type) {
	case PROTO_RUN:
		return read_run(c, fr, a);
	case PROTO_FILES:
		return read_files(c, fr, a);
	case PROTO_CANCEL:
		atomic_store(&c->cancelled, true);
		return 0;
	default:
		return 0; /* of a later version */
	}
}

int channel_receive(struct channel *c, struct assignment *ret_a, struct fail *f)
{
	struct proto_frame fr;
	int rc;

	while (!c->has_run || c->n_come < ret_a->files.n) {
		while ((rc = proto_parser_next(&c->parser, &fr)) == 1)
			if (read_frame(c, &fr, ret_a))
				return fail_set(f, OUTCOME_INTERNAL,
					"the agent's message %u cannot be understood", fr.type);
		if (rc < 0)
			return fail_set(f, OUTCOME_INTERNAL, "the agent sent garbage");
		if (c->has_run && c->n_come == ret_a->files.n)
			break;
		if (read_more(c)) {
			atomic_store(&c->agent_gone, true);
			return fail_set(f, OUTCOME_INTERNAL, "the agent closed its socket");
		}
	}
	return 0;
}

/* ---- the watch ---- */

static void cancel(struct channel *c)
{
	struct fail ignored;

	atomic_store(&c->cancelled, true);
	pthread_mutex_lock(&c->lock);
	if (c->ort)
		ort_check(c->ort, c->ort->RunOptionsSetTerminate(c->ort->run), &ignored, "");
	pthread_mutex_unlock(&c->lock);
}

static void *watch(void *arg)
{
	struct channel *c = arg;
	struct proto_frame fr;

	for (;;) {
		int rc;

		while ((rc = proto_parser_next(&c->parser, &fr)) == 1)
			if (fr.type == PROTO_CANCEL)
				cancel(c);
		if (rc < 0 || read_more(c))
			break;
	}
	/* Nobody is left to take the results: a runner without an agent would only disturb the
	 * next attempt's numbers. */
	atomic_store(&c->agent_gone, true);
	cancel(c);
	return NULL;
}

int channel_watch(struct channel *c, struct fail *f)
{
	int rc = pthread_create(&c->thread, NULL, watch, c);

	if (rc)
		return fail_set(
			f, OUTCOME_INTERNAL, "no thread for the control socket: %s", strerror(rc));
	c->watching = true;
	return 0;
}

void channel_attach(struct channel *c, struct ort *o)
{
	struct fail ignored;

	pthread_mutex_lock(&c->lock);
	c->ort = o;
	if (o && channel_cancelled(c))
		ort_check(o, o->RunOptionsSetTerminate(o->run), &ignored, "");
	pthread_mutex_unlock(&c->lock);
}
