/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: few, short, never in the way of the log; and everything at once. */
#include "support.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/readers.h"

/* ---- their number ---- */

struct borrower {
	struct store *store;
	struct store_reader *got;
};

static void *borrow(void *arg)
{
	struct borrower *b = arg;

	b->got = store_reader_get(b->store, SUPPORT_PATIENCE_S * 1000, NULL);
	return NULL;
}

static void there_are_four(void **state)
{
	struct rig *r = *state;
	struct store_reader *all[STORE_READERS];
	struct borrower waiting = {.store = r->store};
	struct err e = {0};
	pthread_t thread;

	for (int i = 0; i < STORE_READERS; i++)
		all[i] = reader(r->store);
	assert_null(store_reader_get(r->store, 0, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_null(store_reader_get(r->store, 20, &e));
	/* One that waits gets the first that comes back. */
	pthread_create(&thread, NULL, borrow, &waiting);
	store_reader_put(all[2]);
	pthread_join(thread, NULL);
	assert_ptr_equal(waiting.got, all[2]);
	for (int i = 0; i < STORE_READERS; i++)
		store_reader_put(all[i]);
}

/* ---- their time ---- */

static const char endless[] =
	"WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
static const char many_rows[] =
	"WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";

static int run_for(struct store_reader *rd, const char *sql, int ms, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = reader_begin(rd, READER_SAMPLES, ms, e);

	assert_int_equal(rc, 0);
	rc = reader_prepare(rd, &st, sql, e);
	while (!rc)
		rc = reader_step(rd, st, e) - 1; /* 0 for a row */
	db_finalize(&st);
	reader_end(rd);
	return rc + 1;
}

static void a_read_ends_by_its_deadline(void **state)
{
	struct rig *r = *state;
	struct store_reader *rd = reader(r->store);
	int64_t begin = clock_mono_ms();
	struct err e = {0};

	assert_int_equal(run_for(rd, endless, 30, &e), ERR_TIMEOUT);
	assert_int_equal(run_for(rd, many_rows, 30, &e), ERR_TIMEOUT);
	assert_non_null(strstr(e.text, "ask for less"));
	assert_in_range(clock_mono_ms() - begin, 60, STORE_READ_MS);
	/* The next read has its own. */
	assert_int_equal(run_for(rd, "SELECT count(*) FROM streams", 1000, &e), 0);
	store_reader_put(rd);
}

static void a_reader_cannot_write(void **state)
{
	struct rig *r = *state;
	struct store_reader *rd = reader(r->store);
	struct err e = {0};

	assert_true(run_for(rd, "DELETE FROM streams", 1000, &e) < 0);
	assert_true(run_for(rd, "CREATE TEMP TABLE t (a)", 1000, &e) < 0);
	store_reader_put(rd);
}

/* ---- the log, when reads overlap without end ---- */

#define LOG_LIMIT   (64 * 1024)
#define COMMITS_MAX 1000 /* far more than the limit allows */

static int setup_small_log(void **state)
{
	struct rig *r;

	if (rig_setup_closed(state))
		return -1;
	r = *state;
	r->wal_limit_bytes = LOG_LIMIT;
	rig_open(r);
	return 0;
}

static sqlite3_stmt *begin_snapshot(struct store_reader *rd, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (reader_begin(rd, READER_CONTROL, 30, e))
		return NULL;
	assert_int_equal(reader_prepare(rd, &st, "SELECT count(*) FROM jobs", e), 0);
	assert_int_equal(reader_step(rd, st, e), 1);
	return st;
}

static void end_snapshot(struct store_reader *rd, sqlite3_stmt *st)
{
	db_finalize(&st);
	reader_end(rd);
}

static int64_t log_bytes(struct store *s)
{
	struct store_stats stats;

	store_get_stats(s, &stats);
	return stats.control_wal_bytes;
}

static bool log_is_empty(void *arg)
{
	return log_bytes(arg) == 0;
}

/* Whenever a commit is done, a read is open that began before it, so no checkpoint gets through. */
static void overlapping_reads_do_not_pin_the_log(void **state)
{
	struct rig *r = *state;
	struct store_reader *rd[2] = {reader(r->store), reader(r->store)};
	struct err e = {0};
	sqlite3_stmt *open[2] = {begin_snapshot(rd[0], &e), NULL};
	int64_t id = 0;
	int now = 0;

	for (; id < COMMITS_MAX; now = !now) {
		struct store_txn *t = txn_of(++id);

		assert_int_equal(commit(r->store, t, NULL), 0);
		store_txn_free(t);
		open[!now] = begin_snapshot(rd[!now], &e);
		if (!open[!now])
			break;
		end_snapshot(rd[now], open[now]);
	}
	assert_int_equal(e.code, ERR_BUSY); /* held back … */
	assert_true(log_bytes(r->store) > LOG_LIMIT);
	assert_true(log_bytes(r->store) < 16 * LOG_LIMIT);
	end_snapshot(rd[now], open[now]); /* … until the last one has ended */
	wait_until(log_is_empty, r->store);
	open[now] = begin_snapshot(rd[now], &e);
	assert_non_null(open[now]);
	end_snapshot(rd[now], open[now]);
	store_reader_put(rd[0]);
	store_reader_put(rd[1]);
	assert_int_equal(count_rows(r->store, &job_table), id);
}

/* ---- a program that is not ours, and reads without end ---- */

struct shell {
	pid_t pid;
	int in, out;
};

/* The stock sqlite3 shell, in a transaction that has read. */
static struct shell begin_shell(const struct rig *r)
{
	static const char begin[] = "BEGIN;\nSELECT count(*) FROM jobs;\n";
	char path[PATH_MAX + 64], answer[16];
	struct shell sh;
	int in[2], out[2];

	rig_path(r, path, "control.db");
	assert_int_equal(pipe(in) | pipe(out), 0);
	sh.pid = fork();
	if (!sh.pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("sqlite3", "sqlite3", "-batch", "-readonly", path, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	sh.in = in[1];
	sh.out = out[0];
	assert_int_equal(write(sh.in, begin, sizeof(begin) - 1), sizeof(begin) - 1);
	assert_true(read(sh.out, answer, sizeof(answer)) > 0); /* its snapshot is open */
	return sh;
}

static void end_shell(struct shell *sh)
{
	int status;

	close(sh->in);
	close(sh->out);
	assert_int_equal(waitpid(sh->pid, &status, 0), sh->pid);
}

static bool log_is_free(void *arg)
{
	struct store_stats st;

	store_get_stats(arg, &st);
	return !st.control_wal_pinned && st.control_wal_bytes < LOG_LIMIT;
}

/* The log does not grow without end: what would is refused, with what to do, and goes on behind it. */
static void anothers_endless_reading_is_bounded_and_told(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = txn_of(1), *big;
	struct store_stats st;
	char text[ERR_TEXT_MAX] = "";
	struct shell sh;
	int rc = 0, n = 0;

	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	sh = begin_shell(r);
	while (!rc && n++ < 2000) {
		big = store_txn_new();
		for (int64_t k = 0; k < 200; k++) {
			struct job_row j;

			fill_job(&j, 1 + k);
			j.priority = n;
			store_txn_put(big, &job_table, &j);
		}
		rc = commit(r->store, big, text);
		store_txn_free(big);
	}
	assert_int_equal(rc, ERR_BUSY);
	assert_non_null(strstr(text, "another program reads it without end"));
	assert_non_null(strstr(text, "fuser"));
	assert_true(log_bytes(r->store) < 2 * 64 * LOG_LIMIT);
	store_get_stats(r->store, &st);
	assert_true(st.control_wal_pinned);
	end_shell(&sh);
	store_retry(r->store);
	t = txn_of(500);
	assert_int_equal(commit(r->store, t, text), 0);
	store_txn_free(t);
	wait_until(log_is_free, r->store);
	assert_int_equal(count_rows(r->store, &job_table), 201);
}

/* ---- everything at once ---- */

#define TXNS    150
#define CHUNKS  150
#define WRITERS 2

struct crowd {
	struct store *store;
	atomic_int writing;
	atomic_int reads;
};

struct member {
	struct crowd *crowd;
	int number; /* from 0 */
};

static void *write_rows(void *arg)
{
	struct member *m = arg;
	struct store_txn *txns[TXNS];
	struct tally *t = tally_new(TXNS);

	for (int i = 0; i < TXNS; i++) {
		txns[i] = txn_of(1 + m->number * TXNS + i);
		tally_submit(t, m->crowd->store, txns[i], i);
	}
	tally_wait(t);
	for (int i = 0; i < TXNS; i++) {
		assert(t->rc[i] == 0 && t->who[i] == i);
		store_txn_free(txns[i]);
	}
	tally_free(t);
	m->crowd->writing--;
	return NULL;
}

static void *write_samples(void *arg)
{
	struct member *m = arg;
	struct stream_id id = {1 + m->number, 1, 3, STREAM_COUNTER};
	struct store_batch *batches[CHUNKS];
	struct tally *t = tally_new(CHUNKS);

	for (int i = 0; i < CHUNKS; i++) {
		int64_t times[50], values[50];

		for (int k = 0; k < 50; k++) {
			times[k] = (i * 50 + k) * 10000000LL;
			values[k] = i;
		}
		batches[i] = store_batch_new();
		if (!i)
			add_decl_plain(batches[i], id, 0);
		add_pairs(batches[i], id, (uint64_t)i + 2, times, values, 50);
		tally_submit_batch(t, m->crowd->store, batches[i], i);
	}
	tally_wait(t);
	for (int i = 0; i < CHUNKS; i++) {
		assert(t->rc[i] == 0);
		store_batch_free(batches[i]);
	}
	tally_free(t);
	m->crowd->writing--;
	return NULL;
}

static int sum_bucket(void *arg, const struct store_bucket *b)
{
	*(int64_t *)arg += b->n;
	return 0;
}

static int count_row(void *arg, const void *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static void *read_all(void *arg)
{
	struct member *m = arg;
	struct store_page page = {.limit = 20, .descending = true};
	int64_t seen = 0;

	while (m->crowd->writing) {
		struct store_reader *rd = store_reader_get(m->crowd->store, 1000, NULL);
		struct store_stats stats;
		int64_t sum = 0;
		int rows = 0;

		if (!rd)
			continue;
		assert(!store_rows(rd, &job_table, &page, count_row, &rows, NULL) && rows <= 20);
		assert(!store_series(rd, 1, 3, 0, 100000000000LL, 40, sum_bucket, &sum, NULL));
		assert(sum >= seen && sum % 50 == 0); /* whole chunks, and never fewer */
		seen = sum;
		store_reader_put(rd);
		store_get_stats(m->crowd->store, &stats);
		m->crowd->reads++;
	}
	return NULL;
}

static void writers_and_readers_at_once(void **state)
{
	struct rig *r = *state;
	static void *(*const roles[])(void *) = {write_rows, write_samples, read_all};
	struct crowd crowd = {.store = r->store, .writing = 2 * WRITERS};
	struct member members[3 * WRITERS];
	pthread_t threads[3 * WRITERS];
	struct store_stats stats;

	for (int i = 0; i < 3 * WRITERS; i++) {
		members[i] = (struct member){&crowd, i / 3};
		pthread_create(&threads[i], NULL, roles[i % 3], &members[i]);
	}
	for (int i = 0; i < 3 * WRITERS; i++)
		pthread_join(threads[i], NULL);
	store_get_stats(r->store, &stats);
	assert_int_equal(stats.values, WRITERS * CHUNKS * 50);
	assert_int_equal(stats.chunks, WRITERS * (CHUNKS + 1));
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats.queued_bytes, 0);
	assert_true(crowd.reads > 0);
	assert_int_equal(count_rows(r->store, &job_table), WRITERS * TXNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_are_four),
		TEST(a_read_ends_by_its_deadline),
		TEST(a_reader_cannot_write),
		cmocka_unit_test_setup_teardown(anothers_endless_reading_is_bounded_and_told,
			setup_small_log, rig_teardown),
		cmocka_unit_test_setup_teardown(
			overlapping_reads_do_not_pin_the_log, setup_small_log, rig_teardown),
		TEST(writers_and_readers_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
