/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's part in the runner's tests; see drive.h. */
#include "drive.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define SLICE_MS 20 /* between looks at the ring */

static const char *env(const char *name)
{
	const char *v = getenv(name);

	if (!v)
		fail_msg("%s is not set", name);
	return v;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the plan ---- */

static void add_file(struct drive *d, const char *name, const char *path)
{
	uint32_t i = d->n_files++;

	assert_true(i < DRIVE_FILES);
	snprintf(d->files[i].name, PLAN_SHA, "%s", name);
	if (path[0] == '/')
		snprintf(d->files[i].path, sizeof(d->files[i].path), "%s", path);
	else
		snprintf(d->files[i].path, sizeof(d->files[i].path), "%s/%s",
			env("FRAMEFARM_MODELS"), path);
}

void drive_init(struct drive *d, const char *model)
{
	struct plan *p = &d->plan;

	memset(d, 0, sizeof(*d));
	d->fd = -1;
	d->capacity = 20000;
	snprintf(p->runtime_sha256, PLAN_SHA, DRIVE_LIB);
	snprintf(p->model_sha256, PLAN_SHA, DRIVE_MODEL);
	snprintf(p->provider, PLAN_NAME, "cpu");
	p->threads = 1;
	p->optimization = 3;
	p->inputs = d->inputs;
	p->cases = d->cases;
	p->tolerance = (struct plan_tolerance){NAN, NAN, NAN, NAN};
	p->thermal_start_mc = INT32_MIN;
	p->stall_ms = 10000;
	add_file(d, DRIVE_LIB, env("FRAMEFARM_ORT"));
	add_file(d, DRIVE_MODEL, model);
	snprintf(d->scratch, sizeof(d->scratch), "/tmp/framefarm-runner.XXXXXX");
	assert_non_null(mkdtemp(d->scratch));
}

void drive_file(struct drive *d, const char *path, char ret_name[PLAN_SHA])
{
	snprintf(ret_name, PLAN_SHA, "%064x", d->n_files);
	add_file(d, ret_name, path);
}

void drive_replace(struct drive *d, const char *name, const char *path)
{
	for (uint32_t i = 0; i < d->n_files; i++)
		if (!strcmp(d->files[i].name, name)) {
			snprintf(d->files[i].path, sizeof(d->files[i].path), "%s", path);
			return;
		}
	fail_msg("no file %s", name);
}

struct plan_tensor *drive_input(struct drive *d, const char *name, const char *path)
{
	struct plan_tensor *t = &d->inputs[d->plan.n_inputs++];

	snprintf(t->name, PLAN_NAME, "%s", name);
	t->fill = PLAN_FILL_FILE;
	if (path)
		drive_file(d, path, t->sha256);
	return t;
}

static struct plan_tensor *case_tensor(struct drive *d, const char *name, const char *path)
{
	struct plan_tensor *t = &d->tensors[d->n_tensors++];

	snprintf(t->name, PLAN_NAME, "%s", name);
	drive_file(d, path, t->sha256);
	return t;
}

void drive_case(struct drive *d, const char *input, const char *in_path, const char *output,
	const char *out_path)
{
	struct plan_case *c = &d->cases[d->plan.n_cases++];

	c->n_inputs = c->n_outputs = 1;
	c->inputs = case_tensor(d, input, in_path);
	c->outputs = case_tensor(d, output, out_path);
}

/* ---- starting ---- */

static void send_frame(
	struct drive *d, uint16_t type, const struct proto_w *w, const int *fds, uint32_t n_fds)
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
	assert_int_equal(sendmsg(d->fd, &msg, MSG_NOSIGNAL), (ssize_t)iov.iov_len);
}

static void send_run(struct drive *d, uint32_t n)
{
	static uint8_t mem[PROTO_PAYLOAD_MAX], plan[PROTO_PAYLOAD_MAX];
	size_t len = plan_encode(&d->plan, plan, sizeof(plan));
	struct proto_w w;

	assert_true(len > 0);
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u32(&w, n);
	proto_put_bytes(&w, plan, len);
	proto_put_u32(&w, d->n_files);
	for (uint32_t i = 0; i < d->n_files; i++)
		proto_put_text(&w, d->files[i].name);
	send_frame(d, PROTO_RUN, &w, NULL, 0);
}

static void send_files(struct drive *d, uint32_t first)
{
	uint32_t n =
		d->n_files - first < RUNNER_FILES_BATCH ? d->n_files - first : RUNNER_FILES_BATCH;
	int fds[RUNNER_FILES_BATCH];
	uint8_t mem[8];
	struct proto_w w;

	for (uint32_t i = 0; i < n; i++) {
		fds[i] = open(d->files[first + i].path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			fail_msg("%s: %s", d->files[first + i].path, strerror(errno));
	}
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u32(&w, first);
	proto_put_u32(&w, n);
	send_frame(d, PROTO_FILES, &w, fds, n);
	for (uint32_t i = 0; i < n; i++)
		close(fds[i]);
}

static int make_ring(struct drive *d)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)ring_bytes(d->capacity)), 0);
	d->ring = mmap(NULL, ring_bytes(d->capacity), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(d->ring, MAP_FAILED);
	d->ring->magic = RING_MAGIC;
	d->ring->version = RING_VERSION;
	d->ring->capacity = d->capacity;
	return fd;
}

/* As the agent does it: what a runtime maps before it has loaded anything comes on top. */
static void limit_memory(int64_t bytes)
{
	rlim_t all = (rlim_t)((INT64_C(1) << 30) + bytes);
	struct rlimit limit = {all, all};

	if (bytes && setrlimit(RLIMIT_AS, &limit))
		_exit(127);
}

/* In the child: descriptors 3 and 4, text into a file, the scratch directory, the program. */
static void become_runner(struct drive *d, int control, int ring, int text)
{
	const char *program = env("FRAMEFARM_RUNNER");
	int a = fcntl(control, F_DUPFD, 10), b = fcntl(ring, F_DUPFD, 10);

	dup2(text, STDOUT_FILENO);
	dup2(text, STDERR_FILENO);
	dup2(a, RUNNER_FD_CONTROL);
	dup2(b, RUNNER_FD_RING);
	close(a);
	close(b);
	limit_memory(d->plan.memory_bytes);
	if (!chdir(d->scratch))
		execl(program, program, d->virtual_time ? "--clock" : NULL, "clock", (char *)NULL);
	_exit(127);
}

static int text_fd = -1;
static int ring_fd = -1;

static void make_clock(struct drive *d)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/clock", d->scratch);
	assert_int_equal(timesrc_page_create(path, 1000000000, 1000000000), 0);
	d->page = timesrc_page_open(path);
	assert_non_null(d->page);
}

void drive_start(struct drive *d, uint32_t n)
{
	int fds[2];

	if (d->virtual_time)
		make_clock(d);

	d->n_facts = d->n_phases = 0;
	d->done = false;
	d->cause[0] = '\0';
	if (!d->ring)
		ring_fd = make_ring(d);
	text_fd = memfd_create("text", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	d->fd = fds[0];
	proto_parser_init(&d->parser);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (!d->pid)
		become_runner(d, fds[1], ring_fd, text_fd);
	close(fds[1]);
	send_run(d, n);
	for (uint32_t first = 0; first < d->n_files; first += RUNNER_FILES_BATCH)
		send_files(d, first);
}

void drive_cancel(struct drive *d)
{
	struct proto_w w = {0};

	send_frame(d, PROTO_CANCEL, &w, NULL, 0);
}

/* ---- listening ---- */

static void take(struct drive *d, const struct proto_frame *fr)
{
	struct proto_r r;

	proto_r_init(&r, fr->payload, fr->len);
	assert_false(d->done); /* nothing comes behind DONE */
	switch (fr->type) {
	case PROTO_FACT:
		assert_true(d->n_facts < DRIVE_FACTS);
		assert_int_equal(fact_get(&r, &d->facts[d->n_facts++]), 0);
		break;
	case PROTO_PHASE:
		assert_true(d->n_phases < DRIVE_PHASES);
		d->phases[d->n_phases++] = proto_get_u16(&r);
		assert_true(proto_get_i64(&r) > 0);
		break;
	case PROTO_DONE:
		d->done = true;
		d->outcome = proto_get_u16(&r);
		proto_get_text(&r, d->cause, sizeof(d->cause));
		break;
	default:
		fail_msg("a frame of type %u", fr->type);
	}
	assert_false(r.bad);
}

/* Reads what has come within a slice. Returns false at the end of the stream. */
static bool listen_once(struct drive *d)
{
	struct pollfd p[2] = {{d->fd, POLLIN, 0}, {-1, POLLIN, 0}};
	struct proto_frame fr;
	char data[65536];
	ssize_t n;
	int rc;

	if (d->page)
		p[1].fd = timesrc_page_fd(d->page);
	if (poll(p, 2, SLICE_MS) <= 0)
		return true;
	while (d->page && p[1].revents && timesrc_page_advance(d->page, TIMESRC_FOREVER) > 0)
		;
	if (!p[0].revents)
		return true;
	n = read(d->fd, data, sizeof(data));
	if (n <= 0)
		return false;
	assert_int_equal(proto_parser_feed(&d->parser, data, (size_t)n), 0);
	while ((rc = proto_parser_next(&d->parser, &fr)) == 1)
		take(d, &fr);
	assert_int_equal(rc, 0);
	return true;
}

static void check_deadline(struct drive *d, int64_t deadline_ms, const char *what)
{
	if (now_ms() < deadline_ms)
		return;
	kill(d->pid, SIGKILL);
	fail_msg("the runner did not %s in time; last phase %s", what,
		d->n_phases ? phase_name(d->phases[d->n_phases - 1]) : "none");
}

static void reap(struct drive *d)
{
	ssize_t n;

	waitpid(d->pid, &d->status, 0);
	d->pid = 0;
	n = pread(text_fd, d->text, sizeof(d->text) - 1, 0);
	d->text[n > 0 ? n : 0] = '\0';
	close(text_fd);
	close(d->fd);
	d->fd = -1;
	proto_parser_fini(&d->parser);
	if (strstr(d->text, "Sanitizer") || strstr(d->text, "runtime error:"))
		fail_msg("the runner's build complains: %s", d->text);
}

void drive_wait(struct drive *d, int seconds)
{
	int64_t deadline_ms = now_ms() + seconds * 1000;

	while (listen_once(d))
		check_deadline(d, deadline_ms, "end");
	reap(d);
}

void drive_until_phase(struct drive *d, enum phase phase, int seconds)
{
	int64_t deadline_ms = now_ms() + seconds * 1000;

	while (!d->n_phases || d->phases[d->n_phases - 1] != phase) {
		assert_true(listen_once(d));
		check_deadline(d, deadline_ms, "reach the phase");
	}
}

void drive_until_records(struct drive *d, uint64_t n, int seconds)
{
	int64_t deadline_ms = now_ms() + seconds * 1000;

	while (atomic_load(&d->ring->head) < n) {
		assert_true(listen_once(d));
		check_deadline(d, deadline_ms, "fill the ring");
	}
}

void drive_run(struct drive *d, uint32_t n, enum outcome outcome, const char *says)
{
	drive_start(d, n);
	drive_wait(d, 60);
	if (!d->done)
		fail_msg("no DONE; status %x; it said: %s", d->status, d->text);
	if (d->outcome != outcome || !strstr(d->cause, says))
		fail_msg("%s: \"%s\"; it said: %s", outcome_name(d->outcome), d->cause, d->text);
	assert_true(WIFEXITED(d->status));
	assert_int_equal(WEXITSTATUS(d->status), 0);
}

void drive_fini(struct drive *d)
{
	char command[128];

	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		reap(d);
	}
	if (d->page)
		timesrc_page_close(d->page);
	d->page = NULL;
	if (d->ring) {
		munmap(d->ring, ring_bytes(d->capacity));
		close(ring_fd);
	}
	d->ring = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", d->scratch);
	assert_int_equal(system(command), 0);
}

/* ---- looking ---- */

static const struct fact *find_fact(const struct drive *d, const char *key)
{
	for (uint32_t i = 0; i < d->n_facts; i++)
		if (!strcmp(d->facts[i].key, key))
			return &d->facts[i];
	return NULL;
}

bool drive_has(const struct drive *d, const char *key)
{
	return find_fact(d, key) != NULL;
}

const struct fact *drive_fact(const struct drive *d, const char *key)
{
	const struct fact *f = find_fact(d, key);

	if (!f)
		fail_msg("no fact %s", key);
	return f;
}

void drive_expect_phases(const struct drive *d, const enum phase *phases, uint32_t n)
{
	for (uint32_t i = 0; i < d->n_phases || i < n; i++) {
		const char *got = i < d->n_phases ? phase_name(d->phases[i]) : "nothing";

		if (i >= n || i >= d->n_phases || d->phases[i] != phases[i])
			fail_msg("phase %u is %s, not %s", i, got,
				i < n ? phase_name(phases[i]) : "the end");
	}
}

int drive_scratch_entries(const struct drive *d)
{
	struct dirent *e;
	DIR *dir = opendir(d->scratch);
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}
