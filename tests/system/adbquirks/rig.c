/* SPDX-License-Identifier: Apache-2.0 */
/* A phone for each story; see quirks.h. */
#include "quirks.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define WORDS 24

extern char **environ;

/* ---- the phone ---- */

/* argv points into text. */
static void split(char *text, char **argv, int n)
{
	for (char *at = strtok(text, " "); at; at = strtok(NULL, " ")) {
		assert_true(n < WORDS - 1);
		argv[n++] = at;
	}
	argv[n] = NULL;
}

static void start_phone(struct quirk_rig *q, const char *options)
{
	char text[400], dir[TMP_PATH], *argv[WORDS] = {getenv("FRAMEFARM_PHONE")};
	posix_spawn_file_actions_t fa;
	int out[2];

	assert_true(str_copy(text, sizeof(text), options));
	split(text, argv, 1);
	str_copy(dir, sizeof(dir), tmp_path(&q->r.tmp, "phone"));
	assert_int_equal(mkdir(dir, 0755), 0);
	setenv("TMPDIR", dir, 1);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	assert_int_equal(posix_spawn(&q->pid, argv[0], &fa, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	close(out[1]);
	q->out = fdopen(out[0], "r");
}

/* "listening 127.0.0.1:40123 serial=… profile=…" */
static void read_address(struct quirk_rig *q, char dst[LIMIT_NAME])
{
	char line[256];

	if (!fgets(line, sizeof(line), q->out) || sscanf(line, "listening %63s", dst) != 1)
		fail_msg("no phone listens; what it says stands above");
}

int quirk_setup(void **state)
{
	const char *options = *state;
	struct quirk_rig *q = calloc(1, sizeof(*q));

	tmp_init(&q->r.tmp);
	*state = q;
	start_phone(q, options);
	read_address(q, q->r.address);
	if (strstr(options, "--count 2"))
		read_address(q, q->second);
	q->r.follow_clock = true;
	return 0;
}

int quirk_teardown(void **state)
{
	struct quirk_rig *q = *state;

	if (q->pid) {
		kill(q->pid, SIGTERM);
		waitpid(q->pid, NULL, 0);
	}
	rig_close(&q->r);
	fclose(q->out);
	tmp_fini(&q->r.tmp);
	free(q);
	return 0;
}

/* ---- what stories have in common ---- */

static void push_and_pull(struct rig *r)
{
	char back[LIMIT_SHA256], path[TMP_PATH];
	long long bytes;

	rig_make_file(r, "model", 300001);
	str_copy(path, sizeof(path), tmp_path(&r->tmp, "model"));
	rig_push(r, path, false);
	rig_do(r);
	rig_push(r, path, false);
	rig_do(r);
	assert_true(r->op.result.push.skipped);
	rig_op(r, DRIVER_OP_PULL);
	snprintf(r->op.in.pull.src, sizeof(r->op.in.pull.src), "files/%s", r->sha);
	str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
	r->op.in.pull.max_bytes = r->bytes;
	rig_do(r);
	tmp_hash(tmp_path(&r->tmp, "back"), back, &bytes);
	assert_string_equal(back, r->sha);
}

void quirk_works(struct rig *r)
{
	for (int i = 0; i < 4; i++) {
		assert_int_equal(RIG_RUN(r, NULL, "sh", "-c", "echo one; echo two; exit 5"), 5);
		assert_string_equal(r->op.result.exec.out, "one\ntwo\n");
		rig_drop_output(r);
	}
	push_and_pull(r);
	assert_int_equal(support_n_gone(r->sh), support_n_arrived(r->sh) - 1);
}

void quirk_is_back(struct rig *r, int n)
{
	char key[LIMIT_KEY];

	str_copy(key, sizeof(key), r->id.key);
	support_until_gone(r->sh, n - 1);
	support_until_arrived(r->sh, n);
	rig_meet(r);
	if (*key)
		assert_string_equal(r->id.key, key);
}

void quirk_begin_sleep(struct rig *r, struct driver_op *op)
{
	memset(op, 0, sizeof(*op));
	op->kind = DRIVER_OP_EXEC;
	op->in.exec.argv[0] = "sleep";
	op->in.exec.argv[1] = "1000";
	assert_int_equal(support_submit(r->sh, op, NULL), 0);
}

struct patience {
	struct rig *r;
	const struct driver_op *op;
	int64_t until_ms;
};

static bool done_or_late(void *arg)
{
	const struct patience *p = arg;
	struct driver_host *h = support_host(p->r->sh);

	return support_is_done(p->r->sh, p->op) || h->now_ms(h) >= p->until_ms;
}

static void wake(void *arg)
{
	(void)arg;
}

bool quirk_is_done_within(struct rig *r, const struct driver_op *op, int64_t ms)
{
	struct driver_host *h = support_host(r->sh);
	struct patience p = {r, op, h->now_ms(h) + ms};
	struct host_timer *t = h->timer_add(h, p.until_ms, wake, NULL);

	support_until(r->sh, done_or_late, &p);
	if (!support_is_done(r->sh, op))
		return false;
	if (h->now_ms(h) < p.until_ms)
		h->timer_del(h, t);
	return true;
}

void quirk_settle(struct rig *r)
{
	while (support_step(r->sh))
		;
}

void quirk_installs(struct rig *r, int rc, const char *says)
{
	const char *const packages[] = {getenv("FRAMEFARM_APK"), NULL};

	rig_op(r, DRIVER_OP_INSTALL)->in.install.src = packages;
	assert_int_equal(support_do(r->sh, &r->op), rc);
	if (!rc)
		return;
	if (!strstr(r->op.text, says))
		fail_msg("\"%s\" does not say \"%s\"", r->op.text, says);
	assert_false(strstr(r->op.text, "\n"));
}
