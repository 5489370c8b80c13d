/* SPDX-License-Identifier: Apache-2.0 */
/* How long things are kept: by age, by quota, and what stays whatever its age. Time is the test's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "agents/proto.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "core/rows.h"
#include "farm/blobs.h"
#include "farm/keep.h"
#include "store/store.h"
#include "support_env.h"

#define DAY   86400000LL
#define START 1800000000000LL /* wall clock */

struct house {
	char dir[64];
	struct env *env;
	struct ctl_env ctl_env;
	struct store *store;
	struct blobs *blobs;
	struct ctl_keep cfg;
	struct keep *keep;
};

static struct house *open_house(struct ctl_keep cfg)
{
	struct house *h = calloc(1, sizeof(*h));
	struct store_config sc = {.tables = core_tables};
	struct err e = {0};
	char files[80];

	snprintf(h->dir, sizeof(h->dir), "/tmp/ff-keep-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	h->env = env_new();
	env_ctl(h->env, &h->ctl_env);
	sc.dir = h->dir;
	h->store = store_open(&sc, NULL, &e);
	snprintf(files, sizeof(files), "%s/files", h->dir);
	h->blobs = blobs_open(&h->ctl_env, files, 1 << 20, &e);
	h->cfg = cfg;
	h->keep = keep_new(&h->ctl_env, &h->cfg, h->store, h->blobs, NULL);
	assert_true(h->store && h->blobs);
	return h;
}

static void close_house(struct house *h)
{
	char cmd[128];

	keep_stop(h->keep);
	assert_true(keep_idle(h->keep));
	keep_free(h->keep);
	store_close(h->store);
	blobs_close(h->blobs);
	env_free(h->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", h->dir);
	assert_int_equal(system(cmd), 0);
	free(h);
}

static void store(struct house *h, struct store_txn *t)
{
	struct err e = {0};

	if (store_commit(h->store, t, &e))
		fail_msg("%s", e.text);
	store_txn_free(t);
}

/* A job with one attempt of the same id and some kilobytes of values. ended_ms 0: it runs. */
static void add_job(struct house *h, int64_t id, int64_t ended_ms, const char *sha256)
{
	struct job_row j = {.id = id, .state = ended_ms ? JOB_COMPLETED : JOB_RUNNING};
	struct run_row run = {.id = id, .job = id};
	struct attempt_row a = {.id = id, .run = id, .job = id, .created_ms = START};
	struct store_txn *t = store_txn_new();
	char spec[128];

	snprintf(spec, sizeof(spec), "{\"file\": {\"sha256\": \"%s\"}}", sha256 ? sha256 : "");
	j.ended_ms = ended_ms;
	j.spec = rstr_new(spec, strlen(spec));
	store_txn_put(t, &job_table, &j);
	store_txn_put(t, &run_table, &run);
	store_txn_put(t, &attempt_table, &a);
	store(h, t);
	rstr_unref(j.spec);
}

static void pin(struct house *h, int64_t job)
{
	struct store_pin p = {.id = job, .at_ms = START, .actor = "ann", .reason = "baseline"};
	struct store_txn *t = store_txn_new();

	store_txn_put(t, &store_pin_table, &p);
	store(h, t);
}

static void unpin(struct house *h, int64_t job)
{
	struct store_txn *t = store_txn_new();

	store_txn_del(t, &store_pin_table, job);
	store(h, t);
}

struct wait {
	struct ctl_env *env;
	bool done;
	int rc;
};

static void wake(void *arg)
{
	(void)arg;
}

static void stored(void *arg, int rc, const char *text)
{
	struct wait *w = arg;

	(void)text;
	w->rc = rc;
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	w->env->post(w->env->ctx, wake, NULL);
}

static bool is_stored(void *arg)
{
	return __atomic_load_n(&((struct wait *)arg)->done, __ATOMIC_ACQUIRE);
}

static void add_samples(struct house *h, int64_t attempt)
{
	struct msg_decl d = {.kind = STREAM_COUNTER, .name = "load", .scale = 1};
	uint8_t payload[CHUNK_BYTES_MAX];
	struct store_batch *b = store_batch_new();
	struct store_chunk c = {
		.attempt = attempt, .boot = 1, .stream = 3, .seq = 1, .kind = STREAM_COUNTER};
	struct wait w = {.env = &h->ctl_env};
	int64_t t[1000], v[1000];
	struct proto_w pw;

	proto_w_init(&pw, payload, sizeof(payload));
	msg_decl_put(&pw, &d);
	c.payload = payload;
	c.len = (uint32_t)pw.len;
	store_batch_add(b, &c);
	for (int i = 0; i < 40; i++) {
		for (int k = 0; k < 1000; k++) {
			t[k] = (i * 1000 + k) * 10000000LL;
			v[k] = (k * 7919LL * (i + 1)) % 1000003;
		}
		c.seq++;
		c.n = 1000;
		c.len = (uint32_t)chunk_pack(payload, t, v, 1000);
		store_batch_add(b, &c);
	}
	store_samples(h->store, b, stored, &w);
	assert_true(env_run_until(h->env, is_stored, &w));
	assert_int_equal(w.rc, 0);
	store_batch_free(b);
}

static int note(void *arg, const struct store_stream *s)
{
	*(struct store_stream *)arg = *s;
	return 0;
}

/* "values", "rollups" or "summary": what there is of an attempt. */
static const char *left_of(struct house *h, int64_t attempt)
{
	struct store_stream s = {0};
	struct err e = {0};
	struct store_reader *rd = store_reader_get(h->store, 1000, &e);

	assert_int_equal(store_streams(rd, attempt, note, &s, &e), 0);
	store_reader_put(rd);
	assert_int_equal(s.n_values, 40000);
	return s.rollups_removed_ms ? "summary" : s.raw_removed_ms ? "rollups" : "values";
}

static void round_at(struct house *h, int64_t now_ms)
{
	struct err e = {0};
	bool more = true;
	int slices = 0;

	while (more) {
		if (keep_slice(h->keep, now_ms, &more, &e))
			fail_msg("%s", e.text);
		assert_true(++slices < 1000);
	}
}

/* ---- by age ---- */

static void values_go_then_rollups_and_a_pinned_job_keeps_all(void **state)
{
	struct house *h =
		open_house((struct ctl_keep){.samples_ms = 30 * DAY, .rollups_ms = 365 * DAY});
	int64_t ended = START + 1000;

	(void)state;
	for (int64_t i = 1; i <= 3; i++) {
		add_job(h, i, i == 3 ? 0 : ended, NULL);
		add_samples(h, i);
	}
	pin(h, 2);
	round_at(h, ended + 30 * DAY);
	assert_string_equal(left_of(h, 1), "values");
	round_at(h, ended + 30 * DAY + 1);
	assert_string_equal(left_of(h, 1), "rollups");
	assert_string_equal(left_of(h, 2), "values");
	assert_string_equal(left_of(h, 3), "values"); /* it runs yet */
	round_at(h, ended + 365 * DAY + 1);
	assert_string_equal(left_of(h, 1), "summary");
	assert_string_equal(left_of(h, 2), "values");
	unpin(h, 2);
	round_at(h, ended + 365 * DAY + 1);
	assert_string_equal(left_of(h, 2), "summary");
	assert_string_equal(left_of(h, 3), "values");
	close_house(h);
}

static void nothing_goes_where_everything_is_kept(void **state)
{
	struct house *h = open_house((struct ctl_keep){0});

	(void)state;
	add_job(h, 1, START, NULL);
	add_samples(h, 1);
	round_at(h, START + 36500 * DAY);
	assert_string_equal(left_of(h, 1), "values");
	close_house(h);
}

/* ---- by quota ---- */

static int64_t used(struct house *h)
{
	struct ctl_kept k;

	keep_get_stats(h->keep, &k);
	return k.samples_used;
}

static bool over(struct house *h)
{
	struct ctl_kept k;

	keep_get_stats(h->keep, &k);
	return k.over_quota;
}

static void the_quota_takes_the_oldest_and_says_when_it_cannot(void **state)
{
	struct house *h = open_house((struct ctl_keep){.samples_max_bytes = 1 << 30});
	int64_t full;

	(void)state;
	for (int64_t i = 1; i <= 4; i++) {
		add_job(h, i, i == 4 ? 0 : START + i, NULL);
		add_samples(h, i);
	}
	pin(h, 1);
	round_at(h, START + DAY);
	full = used(h);
	h->cfg.samples_max_bytes = full * 7 / 8; /* one of the four is more than that */
	keep_free(h->keep);
	h->keep = keep_new(&h->ctl_env, &h->cfg, h->store, h->blobs, NULL);
	round_at(h, START + DAY);
	assert_string_equal(left_of(h, 1), "values");
	assert_string_equal(left_of(h, 2), "rollups");
	assert_string_equal(left_of(h, 3), "values");
	assert_true(used(h) <= full * 7 / 8);
	assert_false(over(h));

	h->cfg.samples_max_bytes = 64 * 1024; /* less than what may not go */
	keep_free(h->keep);
	h->keep = keep_new(&h->ctl_env, &h->cfg, h->store, h->blobs, NULL);
	round_at(h, START + DAY);
	assert_string_equal(left_of(h, 1), "values");
	assert_string_equal(left_of(h, 2), "summary");
	assert_string_equal(left_of(h, 3), "summary");
	assert_string_equal(left_of(h, 4), "values");
	assert_true(over(h));
	close_house(h);
}

/* ---- uploads ---- */

static void upload(struct house *h, const char *bytes, char sha256[LIMIT_SHA256], int64_t used_ms)
{
	struct timespec at[2] = {{.tv_sec = used_ms / 1000}, {.tv_sec = used_ms / 1000}};
	struct ctl_upload *u;
	struct wait w = {.env = &h->ctl_env};
	struct err e = {0};
	char path[256];

	hash_bytes(bytes, strlen(bytes), sha256);
	assert_int_equal(blobs_begin(h->blobs, sha256, (int64_t)strlen(bytes), &u, &e), 0);
	assert_int_equal(ctl_upload_write(u, bytes, strlen(bytes), &e), 0);
	ctl_upload_finish(u, stored, &w);
	assert_true(env_run_until(h->env, is_stored, &w));
	blobs_path(h->blobs, sha256, path, sizeof(path));
	assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static void uploads_go_when_nobody_needs_them(void **state)
{
	struct house *h = open_house((struct ctl_keep){.files_ms = 30 * DAY});
	char running[LIMIT_SHA256], pinned[LIMIT_SHA256], ended[LIMIT_SHA256], young[LIMIT_SHA256],
		asked[LIMIT_SHA256];
	int64_t old = 1500000000000LL, now = old + 30 * DAY + 1000;

	(void)state;
	upload(h, "of a running job", running, old);
	upload(h, "of a pinned job", pinned, old);
	upload(h, "of a job that has ended", ended, old);
	upload(h, "used a while ago", young, old + 2000);
	upload(h, "asked for just now", asked, old);
	add_job(h, 1, 0, running);
	add_job(h, 2, START, pinned);
	add_job(h, 3, START, ended);
	pin(h, 2);
	assert_true(blobs_use(h->blobs, asked, NULL));
	round_at(h, now);
	assert_true(blobs_has(h->blobs, running, NULL));
	assert_true(blobs_has(h->blobs, pinned, NULL));
	assert_false(blobs_has(h->blobs, ended, NULL));
	assert_true(blobs_has(h->blobs, young, NULL));
	assert_true(blobs_has(h->blobs, asked, NULL));
	/* The room is free again. */
	assert_int_equal(blobs_bytes(h->blobs),
		strlen("of a running job") + strlen("of a pinned job") +
			strlen("used a while ago") + strlen("asked for just now"));
	close_house(h);
}

/* ---- rounds ---- */

static bool a_round_is_over(void *arg)
{
	struct house *h = arg;
	struct ctl_kept k;

	env_advance(h->env, KEEP_REST_MS);
	keep_get_stats(h->keep, &k);
	return k.round_ms != 0;
}

static void rounds_begin_by_themselves(void **state)
{
	struct house *h = open_house((struct ctl_keep){.samples_ms = 1});

	(void)state;
	add_job(h, 1, START + 1, NULL);
	add_samples(h, 1);
	keep_start(h->keep);
	env_advance(h->env, KEEP_EVERY_MS);
	assert_true(env_run_until(h->env, a_round_is_over, h));
	assert_true(env_run_until(h->env, (bool (*)(void *))keep_idle, h->keep));
	close_house(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_then_rollups_and_a_pinned_job_keeps_all),
		cmocka_unit_test(nothing_goes_where_everything_is_kept),
		cmocka_unit_test(the_quota_takes_the_oldest_and_says_when_it_cannot),
		cmocka_unit_test(uploads_go_when_nobody_needs_them),
		cmocka_unit_test(rounds_begin_by_themselves),
	};

	return cmocka_run_group_tests_name("keeping", tests, NULL, NULL);
}
