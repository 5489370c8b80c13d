/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: orders and files come in, a cancel is heard, garbage is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/channel.h"

#define N_FILES 130 /* three batches */

struct agent {
	int fd;
	struct channel channel;
	struct assignment a;
};

static int start(void **state)
{
	struct agent *t = calloc(1, sizeof(*t));
	int fds[2];

	if (!t || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -1;
	t->fd = fds[0];
	channel_init(&t->channel, fds[1]);
	*state = t;
	return 0;
}

static int stop(void **state)
{
	struct agent *t = *state;

	if (t->fd >= 0)
		close(t->fd);
	channel_fini(&t->channel);
	close(t->channel.fd);
	assignment_fini(&t->a);
	free(t);
	return 0;
}

/* Sends a frame, with descriptors on its first byte. */
static void send_frame(
	struct agent *t, uint16_t type, const struct proto_w *w, const int *fds, uint32_t n_fds)
{
	static uint8_t frame[PROTO_HEADER + PROTO_PAYLOAD_MAX];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(RUNNER_FILES_BATCH * sizeof(int))];
	} control = {0};
	struct iovec iov = {frame, PROTO_HEADER + w->len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	assert_false(w->full);
	proto_header_put(frame, type, w->p, (uint32_t)w->len);
	if (w->len)
		memcpy(frame + PROTO_HEADER, w->p, w->len);
	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(t->fd, &msg, MSG_NOSIGNAL), (ssize_t)iov.iov_len);
}

static void send_run(struct agent *t, uint32_t process, uint32_t n_files)
{
	static uint8_t mem[PROTO_PAYLOAD_MAX], plan_mem[PROTO_PAYLOAD_MAX];
	struct plan plan = {.cold_loads = 1, .warm_loads = 1, .threads = 3};
	size_t n = plan_encode(&plan, plan_mem, sizeof(plan_mem));
	char name[PLAN_SHA];
	struct proto_w w;

	assert_true(n > 0);
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u32(&w, process);
	proto_put_bytes(&w, plan_mem, n);
	proto_put_u32(&w, n_files);
	for (uint32_t i = 0; i < n_files && i <= RUNNER_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "file-%u", i);
		proto_put_text(&w, name);
	}
	send_frame(t, PROTO_RUN, &w, NULL, 0);
}

static void send_files(struct agent *t, uint32_t first, uint32_t count, uint32_t n_fds)
{
	int fds[RUNNER_FILES_BATCH];
	char text[16];
	uint8_t mem[8];
	struct proto_w w;

	for (uint32_t i = 0; i < n_fds; i++) {
		fds[i] = memfd_create("file", MFD_CLOEXEC);
		snprintf(text, sizeof(text), "%u", first + i);
		assert_true(write(fds[i], text, strlen(text)) > 0);
	}
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u32(&w, first);
	proto_put_u32(&w, count);
	send_frame(t, PROTO_FILES, &w, fds, n_fds);
	for (uint32_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void send_cancel(struct agent *t)
{
	struct proto_w w = {0};

	send_frame(t, PROTO_CANCEL, &w, NULL, 0);
}

static void refused(struct agent *t, const char *says)
{
	struct fail f = {0};

	assert_int_equal(channel_receive(&t->channel, &t->a, &f), -1);
	assert_int_equal(f.outcome, OUTCOME_INTERNAL);
	if (!strstr(f.text, says))
		fail_msg("\"%s\" does not say \"%s\"", f.text, says);
}

static void orders_come_with_all_their_files(void **state)
{
	struct agent *t = *state;
	struct fail f = {0};
	struct map m;
	char name[PLAN_SHA], text[16];

	send_run(t, 1, N_FILES);
	send_files(t, 0, 64, 64);
	send_files(t, 64, 64, 64);
	send_files(t, 128, 2, 2);
	if (channel_receive(&t->channel, &t->a, &f))
		fail_msg("%s", f.text);
	assert_int_equal(t->a.process, 1);
	assert_int_equal(t->a.plan.threads, 3);
	for (uint32_t i = 0; i < N_FILES; i++) {
		snprintf(name, sizeof(name), "file-%u", i);
		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(files_map(&t->a.files, name, &m, &f), 0);
		assert_int_equal(m.n, strlen(text));
		assert_memory_equal(m.data, text, m.n);
		map_fini(&m);
	}
	assert_int_equal(files_map(&t->a.files, "file-999", &m, &f), -1);
}

static void a_run_without_files_is_complete(void **state)
{
	struct agent *t = *state;
	struct fail f = {0};

	send_run(t, 0, 0);
	assert_int_equal(channel_receive(&t->channel, &t->a, &f), 0);
}

static void a_process_beyond_the_plans_is_refused(void **state)
{
	struct agent *t = *state;

	send_run(t, 2, 0);
	refused(t, "cannot be understood");
}

static void more_files_than_allowed_are_refused(void **state)
{
	struct agent *t = *state;

	send_run(t, 0, RUNNER_FILES_MAX + 1);
	refused(t, "cannot be understood");
}

static void files_that_were_not_announced_are_refused(void **state)
{
	struct agent *t = *state;

	send_run(t, 0, 2);
	send_files(t, 1, 2, 2);
	refused(t, "cannot be understood");
}

static void files_named_without_descriptors_are_refused(void **state)
{
	struct agent *t = *state;

	send_run(t, 0, 2);
	send_files(t, 0, 2, 1);
	refused(t, "cannot be understood");
}

static void the_same_file_twice_is_refused(void **state)
{
	struct agent *t = *state;

	send_run(t, 0, 3);
	send_files(t, 0, 2, 2);
	send_files(t, 1, 1, 1);
	refused(t, "cannot be understood");
}

static void garbage_is_refused(void **state)
{
	struct agent *t = *state;

	assert_int_equal(send(t->fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	refused(t, "garbage");
}

static void an_agent_that_dies_is_noticed(void **state)
{
	struct agent *t = *state;

	send_run(t, 0, 2);
	close(t->fd);
	t->fd = -1;
	refused(t, "closed its socket");
}

static void wait_for_cancel(struct channel *c)
{
	for (int i = 0; i < 10000 && !channel_cancelled(c); i++)
		poll(NULL, 0, 1);
	assert_true(channel_cancelled(c));
}

static void a_cancel_is_heard_while_the_attempt_runs(void **state)
{
	struct agent *t = *state;
	struct fail f = {0};

	send_run(t, 0, 0);
	assert_int_equal(channel_receive(&t->channel, &t->a, &f), 0);
	assert_int_equal(channel_watch(&t->channel, &f), 0);
	assert_false(channel_cancelled(&t->channel));
	send_cancel(t);
	wait_for_cancel(&t->channel);
	assert_false(t->channel.agent_gone);
}

static void a_cancel_that_comes_with_the_orders_is_kept(void **state)
{
	struct agent *t = *state;
	struct fail f = {0};

	send_run(t, 0, 0);
	send_cancel(t);
	assert_int_equal(channel_receive(&t->channel, &t->a, &f), 0);
	assert_int_equal(channel_watch(&t->channel, &f), 0);
	wait_for_cancel(&t->channel);
}

static void an_agent_that_dies_ends_the_attempt(void **state)
{
	struct agent *t = *state;
	struct fail f = {0};

	send_run(t, 0, 0);
	assert_int_equal(channel_receive(&t->channel, &t->a, &f), 0);
	assert_int_equal(channel_watch(&t->channel, &f), 0);
	close(t->fd);
	t->fd = -1;
	wait_for_cancel(&t->channel);
	assert_true(t->channel.agent_gone);
}

#define STORY(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(orders_come_with_all_their_files),
		STORY(a_run_without_files_is_complete),
		STORY(a_process_beyond_the_plans_is_refused),
		STORY(more_files_than_allowed_are_refused),
		STORY(files_that_were_not_announced_are_refused),
		STORY(files_named_without_descriptors_are_refused),
		STORY(the_same_file_twice_is_refused),
		STORY(garbage_is_refused),
		STORY(an_agent_that_dies_is_noticed),
		STORY(a_cancel_is_heard_while_the_attempt_runs),
		STORY(a_cancel_that_comes_with_the_orders_is_kept),
		STORY(an_agent_that_dies_ends_the_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
