/* SPDX-License-Identifier: Apache-2.0 */
/* Commits: their order, that those that wait go together, and what a failure does to those
 * behind. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support_vfs.h"

#define FILLING_BYTES (4 << 20) /* more than an idle writer leaves in its log */
#define WAL_LIMIT     (16 << 20)

static int setup_on_bad_disk(void **state)
{
	bad_disk_install();
	return rig_setup(state);
}

static int teardown_bad_disk(void **state)
{
	bad_disk_fail_sync(NULL);
	rig_teardown(state);
	bad_disk_uninstall();
	return 0;
}

/* A transaction whose done() keeps the writer until the test lets it go on: meanwhile others queue
 * up behind it. */
struct stopper {
	struct gate reached, go_on;
	struct store_txn *txn;
};

static void stop_here(void *arg, int rc, const char *text)
{
	struct stopper *st = arg;

	(void)rc;
	(void)text;
	gate_open(&st->reached);
	gate_wait(&st->go_on);
}

static void stopper_begin(struct stopper *st, struct store *s, int64_t id)
{
	gate_init(&st->reached);
	gate_init(&st->go_on);
	st->txn = txn_of(id);
	store_submit(s, st->txn, stop_here, st);
	gate_wait(&st->reached);
}

static void stopper_end(struct stopper *st)
{
	store_txn_free(st->txn);
	gate_fini(&st->reached);
	gate_fini(&st->go_on);
}

/* Transactions for ids first…first + n - 1, submitted in this order. */
static void submit_ids(struct tally *t, struct store *s, struct store_txn **txns, int first, int n)
{
	for (int i = 0; i < n; i++) {
		if (!txns[i])
			txns[i] = txn_of(first + i);
		tally_submit(t, s, txns[i], first + i);
	}
}

static void free_all(struct store_txn **txns, int n)
{
	for (int i = 0; i < n; i++)
		store_txn_free(txns[i]);
}

static void assert_order(const struct tally *t, int first, int n)
{
	assert_int_equal(t->n, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(t->who[i], first + i);
}

static void completions_come_in_the_order_of_submission(void **state)
{
	struct rig *r = *state;
	static struct store_txn *txns[STORE_QUEUE_TXNS];
	struct tally *t = tally_new(STORE_QUEUE_TXNS);

	memset(txns, 0, sizeof(txns));
	submit_ids(t, r->store, txns, 1, STORE_QUEUE_TXNS); /* as many as may be queued */
	tally_wait(t);
	assert_order(t, 1, STORE_QUEUE_TXNS);
	for (int i = 0; i < t->n; i++)
		assert_int_equal(t->rc[i], 0);
	free_all(txns, STORE_QUEUE_TXNS);
	tally_free(t);
	assert_int_equal(count_rows(r->store, &job_table), STORE_QUEUE_TXNS);
}

static void those_that_wait_together_are_committed_together(void **state)
{
	struct rig *r = *state;
	struct store_txn *txns[200] = {0};
	struct tally *t = tally_new(200);
	struct store_stats before, after;
	struct stopper st;

	stopper_begin(&st, r->store, 1000);
	store_get_stats(r->store, &before);
	bad_disk_syncs();
	submit_ids(t, r->store, txns, 1, 200);
	store_get_stats(r->store, &after);
	assert_int_equal(after.queued - before.queued, 200);
	assert_true(after.queued_bytes > 200 * sizeof(struct job_row));
	gate_open(&st.go_on);
	tally_wait(t);
	store_get_stats(r->store, &after);
	assert_int_equal(after.commits - before.commits, 1);
	assert_int_equal(bad_disk_syncs(), 1); /* and there was one: it is on the disk */
	assert_order(t, 1, 200);
	free_all(txns, 200);
	tally_free(t);
	stopper_end(&st);
}

static void a_failed_sync_fails_all_behind_it_until_retry(void **state)
{
	struct rig *r = *state;
	struct store_txn *txns[1500] = {0}, *late = txn_of(3000);
	struct tally *t = tally_new(1500);
	struct store_stats stats;
	struct stopper st;
	char text[ERR_TEXT_MAX];

	stopper_begin(&st, r->store, 2000);
	submit_ids(t, r->store, txns, 1, 1500); /* more than one commit takes */
	bad_disk_fail_sync("control.db-wal");
	gate_open(&st.go_on);
	tally_wait(t);
	assert_order(t, 1, 1500);
	for (int i = 0; i < t->n; i++)
		assert_int_equal(t->rc[i], ERR_IO);
	assert_non_null(strstr(t->text, "not tried"));
	tally_free(t);
	store_get_stats(r->store, &stats);
	assert_int_equal(stats.failures, 1);

	/* The disk is well again, but the store would not know in which order to go on. */
	bad_disk_fail_sync(NULL);
	assert_int_equal(commit(r->store, late, text), ERR_IO);
	assert_non_null(strstr(text, "not tried"));
	assert_int_equal(count_rows(r->store, &job_table), 1);

	store_retry(r->store);
	t = tally_new(1500);
	submit_ids(t, r->store, txns, 1, 1500);
	tally_wait(t);
	for (int i = 0; i < t->n; i++)
		assert_int_equal(t->rc[i], 0);
	assert_order(t, 1, 1500);
	tally_free(t);
	assert_int_equal(commit(r->store, late, NULL), 0);
	rig_reopen(r);
	assert_int_equal(count_rows(r->store, &job_table), 1502);
	free_all(txns, 1500);
	store_txn_free(late);
	stopper_end(&st);
}

static void what_came_before_retry_stays_refused(void **state)
{
	struct rig *r = *state;
	struct store_txn *first = txn_of(1), *second = txn_of(2);
	struct tally *t = tally_new(1);
	struct stopper st;

	bad_disk_fail_sync("control.db-wal");
	stopper_begin(&st, r->store, 9); /* fails, and its done() keeps the writer */
	bad_disk_fail_sync(NULL);
	tally_submit(t, r->store, second, 2);
	store_retry(r->store); /* too early: 2 was sent behind a failure */
	gate_open(&st.go_on);
	tally_wait(t);
	assert_int_equal(t->rc[0], ERR_IO);
	assert_int_equal(commit(r->store, first, NULL), 0);
	assert_int_equal(count_rows(r->store, &job_table), 1);
	tally_free(t);
	store_txn_free(first);
	store_txn_free(second);
	stopper_end(&st);
}

static void the_two_writers_fail_apart(void **state)
{
	struct rig *r = *state;
	struct stream_id id = {1, 1, 3, STREAM_ITER};
	struct store_batch *b = store_batch_new();
	struct store_txn *t = txn_of(1);
	struct store_stats stats;

	add_decl_plain(b, id, 0);
	bad_disk_fail_sync("samples.db-wal");
	assert_int_equal(commit_batch(r->store, b), ERR_IO);
	assert_int_equal(commit(r->store, t, NULL), 0);
	bad_disk_fail_sync(NULL);
	store_retry(r->store);
	assert_int_equal(commit_batch(r->store, b), ERR_IO); /* that was the other one's */
	store_samples_retry(r->store);
	assert_int_equal(commit_batch(r->store, b), 0);
	assert_int_equal(mark_of(b, 0), 1);
	store_get_stats(r->store, &stats);
	assert_int_equal(stats.chunks, 1); /* stored now, and not taken for a resend */
	assert_int_equal(stats.resends, 0);
	store_batch_free(b);
	store_txn_free(t);
}

static void a_row_that_breaks_a_rule_is_told_by_name(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = store_txn_new();
	struct run_row run = {.id = 5, .job = 404};
	char text[ERR_TEXT_MAX];

	store_txn_put(t, &run_table, &run);
	assert_int_equal(commit(r->store, t, text), ERR_CONSTRAINT);
	assert_non_null(strstr(text, "FOREIGN KEY"));
	store_txn_free(t);
	assert_int_equal(count_rows(r->store, &run_table), 0);
}

static void a_file_deleted_below_us_takes_no_more_rows(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = txn_of(1);
	char path[PATH_MAX + 64], text[ERR_TEXT_MAX];

	rig_path(r, path, "control.db");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(commit(r->store, t, text), ERR_IO);
	assert_non_null(strstr(text, "was deleted or replaced"));
	store_txn_free(t);
}

static void closing_completes_what_was_submitted(void **state)
{
	struct rig *r = *state;
	struct store_txn *txns[300] = {0};
	struct tally *t = tally_new(300);

	submit_ids(t, r->store, txns, 1, 300);
	rig_close(r);
	assert_order(t, 1, 300);
	free_all(txns, 300);
	tally_free(t);
	rig_open(r);
	assert_int_equal(count_rows(r->store, &job_table), 300);
}

static bool rows_are_in_the_file(void *arg)
{
	struct store_stats stats;

	store_get_stats(arg, &stats);
	return stats.control_bytes > FILLING_BYTES;
}

/* Of itself: nothing is submitted behind it. */
static void an_idle_writer_empties_a_log_that_grew(void **state)
{
	struct rig *r = *state;
	struct store_stats stats;
	char key[16], value[8000] = "";

	memset(value, 'x', sizeof(value) - 1);
	for (int i = 0; i * (int)sizeof(value) < FILLING_BYTES * 5 / 4; i++) {
		struct store_txn *t = store_txn_new();

		snprintf(key, sizeof(key), "key-%08d", i);
		store_txn_meta(t, key, value);
		assert_int_equal(commit(r->store, t, NULL), 0);
		store_txn_free(t);
	}
	store_get_stats(r->store, &stats);
	assert_true(stats.control_bytes < FILLING_BYTES);
	assert_true(stats.control_wal_bytes < WAL_LIMIT);
	wait_until(rows_are_in_the_file, r->store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_on_bad_disk, teardown_bad_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(completions_come_in_the_order_of_submission),
		TEST(those_that_wait_together_are_committed_together),
		TEST(a_failed_sync_fails_all_behind_it_until_retry),
		TEST(what_came_before_retry_stays_refused),
		TEST(the_two_writers_fail_apart),
		TEST(a_row_that_breaks_a_rule_is_told_by_name),
		TEST(a_file_deleted_below_us_takes_no_more_rows),
		TEST(closing_completes_what_was_submitted),
		TEST(an_idle_writer_empties_a_log_that_grew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
