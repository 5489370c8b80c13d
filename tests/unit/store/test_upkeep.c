/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what is old: what goes, what stays, what is said about it, and that nobody waits for it. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/row.h"
#include "store/alone.h"
#include "store/db.h"
#include "store/readers.h"
#include "store/upkeep.h"

#define NOW    1800000000000LL /* wall clock, ms */
#define S      1000000000LL
#define PACED  3
#define CHUNKS 300

/* ---- a farm with a past ---- */

/* A job of one run and one attempt, all of the same id. ended_ms 0: it runs. */
static void add_job(struct rig *r, int64_t id, int64_t created_ms, int64_t ended_ms)
{
	struct job_row j;
	struct run_row run = {.id = id, .job = id, .state = RUN_COMPLETED};
	struct attempt_row a = {.id = id, .run = id, .job = id, .created_ms = created_ms};
	struct store_txn *t = store_txn_new();

	fill_job(&j, id);
	j.state = ended_ms ? JOB_COMPLETED : JOB_RUNNING;
	j.ended_ms = ended_ms;
	store_txn_put(t, &job_table, &j);
	store_txn_put(t, &run_table, &run);
	store_txn_put(t, &attempt_table, &a);
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	row_release(&job_table, &j);
}

/* A paced block of n chunks at 100 Hz, the marks, a fact and some text. */
static void add_samples(struct rig *r, int64_t attempt, int n)
{
	struct stream_id paced = {attempt, 1, PACED, STREAM_PACED};
	struct stream_id marks = {attempt, 1, STREAM_ID_MARKS, STREAM_MARKS};
	struct stream_id text = {attempt, 1, STREAM_ID_TEXT, STREAM_TEXT};
	struct store_batch *b = store_batch_new();
	struct rng rng = {.s = (uint64_t)attempt};
	int64_t t[100], v[100];

	add_decl_plain(b, paced, 16000000);
	add_decl_plain(b, marks, 0);
	add_decl_plain(b, text, 0);
	add_text(b, text, 2, "the runner said this\n");
	t[0] = 0;
	v[0] = 1;
	add_pairs(b, marks, 2, t, v, 1);
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 100; k++) {
			t[k] = (i * 100 + k) * (S / 100);
			v[k] = rng_range(&rng, 10000000, 20000000);
		}
		add_pairs(b, paced, (uint64_t)i + 2, t, v, 100);
	}
	store_all(r->store, b);
}

static void pin(struct rig *r, int64_t job)
{
	struct store_pin p = {.id = job, .at_ms = NOW, .actor = "ann", .reason = "the baseline"};
	struct store_txn *t = store_txn_new();
	struct err e = {0};

	store_txn_put(t, &store_pin_table, &p);
	assert_int_equal(store_commit(r->store, t, &e), 0);
	store_txn_free(t);
}

static void remove_all(struct rig *r, int64_t attempt, enum upkeep_part part)
{
	struct upkeep_done d;
	struct err e = {0};
	int pieces = 0;

	do {
		assert_int_equal(upkeep_remove(r->store, attempt, part, NOW, &d, &e), 0);
		assert_true(++pieces < 10000);
	} while (d.more);
}

/* ---- what is read ---- */

struct chart {
	struct store_bucket b[64];
	int n;
};

static int add_bucket(void *arg, const struct store_bucket *b)
{
	struct chart *c = arg;

	c->b[c->n++] = *b;
	return 0;
}

static int read_chart(
	struct rig *r, int64_t attempt, int64_t t0, int64_t t1, int buckets, struct chart *c)
{
	struct store_reader *rd = reader(r->store);
	struct err e = {0};
	int rc;

	memset(c, 0, sizeof(*c));
	rc = store_series(rd, attempt, PACED, t0, t1, buckets, add_bucket, c, &e);
	store_reader_put(rd);
	return rc;
}

static int nothing(void *arg, const int64_t *t, const int64_t *v, int n)
{
	(void)t, (void)v;
	*(int *)arg += n;
	return 0;
}

static int read_values(struct rig *r, int64_t attempt, uint32_t stream, struct err *e)
{
	struct store_reader *rd = reader(r->store);
	int n = 0;
	int rc = store_values(rd, attempt, stream, INT64_MIN, INT64_MAX, nothing, &n, e);

	store_reader_put(rd);
	return rc ? rc : n;
}

static int note_paced(void *arg, const struct store_stream *s)
{
	if (s->stream == PACED)
		*(struct store_stream *)arg = *s;
	return 0;
}

static struct store_stream paced_of(struct rig *r, int64_t attempt)
{
	struct store_reader *rd = reader(r->store);
	struct store_stream s = {0};
	struct err e = {0};

	assert_int_equal(store_streams(rd, attempt, note_paced, &s, &e), 0);
	store_reader_put(rd);
	return s;
}

/* ---- values ---- */

static void charts_are_the_same_without_the_values(void **state)
{
	struct rig *r = *state;
	struct chart before, after;
	struct store_stream s;
	struct err e = {0};

	add_job(r, 1, 1000, 2000);
	add_samples(r, 1, CHUNKS);
	assert_int_equal(read_chart(r, 1, 0, 300 * S, 60, &before), 0);
	remove_all(r, 1, UPKEEP_RAW);
	assert_int_equal(read_chart(r, 1, 0, 300 * S, 60, &after), 0);
	assert_int_equal(before.n, 60);
	assert_memory_equal(&before, &after, sizeof(before));

	/* Closer than a second there is the second. */
	assert_int_equal(read_chart(r, 1, 10 * S + 5, 10 * S + 50, 40, &after), 0);
	assert_int_equal(after.n, 1);
	assert_int_equal(after.b[0].t0, 10 * S);
	assert_int_equal(after.b[0].n, 100);

	s = paced_of(r, 1);
	assert_int_equal(s.raw_removed_ms, NOW);
	assert_int_equal(s.rollups_removed_ms, 0);
	assert_int_equal(s.n_values, CHUNKS * 100);
	assert_int_equal(read_values(r, 1, PACED, &e), ERR_REMOVED);
	assert_non_null(strstr(e.text, "removed on 2027-01-15"));
	assert_non_null(strstr(e.text, "rollups are kept"));
	assert_int_equal(read_values(r, 1, STREAM_ID_MARKS, &e), 1); /* phases are a summary */
}

static void rollups_go_next_and_the_summary_stays(void **state)
{
	struct rig *r = *state;
	struct store_reader *rd;
	struct chart c;
	struct store_stream s;
	struct err e = {0};
	char text[64];

	add_job(r, 1, 1000, 2000);
	add_samples(r, 1, 20);
	remove_all(r, 1, UPKEEP_ROLLUPS); /* the values with them */
	assert_int_equal(read_chart(r, 1, 0, 20 * S, 20, &c), ERR_REMOVED);
	s = paced_of(r, 1);
	assert_int_equal(s.raw_removed_ms, NOW);
	assert_int_equal(s.rollups_removed_ms, NOW);
	assert_int_equal(s.n_values, 2000);
	assert_int_equal(s.t_last, 20 * S - S / 100);
	assert_int_equal(read_values(r, 1, STREAM_ID_MARKS, &e), 1);
	rd = reader(r->store);
	assert_int_equal(store_text(rd, 1, 0, text, sizeof(text), &e), 0);
	store_reader_put(rd);
}

/* Cut short by a crash behind any piece, a removal is known for one, and goes on. */
static void a_removal_that_was_cut_short_goes_on(void **state)
{
	struct rig *r = *state;
	struct store_reader *rd;
	struct upkeep_done d = {0};
	struct chart c;
	int64_t cursor = 0, attempt = 0, total = 0;
	struct err e = {0};
	bool more;
	int pieces = 0;

	add_job(r, 1, 1000, 2000);
	add_samples(r, 1, CHUNKS);
	do {
		assert_int_equal(upkeep_remove(r->store, 1, UPKEEP_RAW, NOW, &d, &e), 0);
		total += d.bytes;
		rig_reopen(r);
		assert_int_equal(read_values(r, 1, PACED, &e), ERR_REMOVED);
		assert_int_equal(read_chart(r, 1, 0, 300 * S, 60, &c), 0);
		assert_int_equal(c.n, 60);
		cursor = 0;
		rd = reader(r->store);
		assert_int_equal(
			upkeep_find(rd, UPKEEP_RAW, NOW, false, &cursor, &attempt, &more, &e), 0);
		store_reader_put(rd);
		assert_int_equal(attempt, d.more ? 1 : 0);
		assert_true(++pieces < 1000);
	} while (d.more);
	assert_true(total > CHUNKS * 200);
}

/* ---- whose ---- */

static int64_t next(struct rig *r, int64_t before_ms, int64_t *cursor)
{
	struct store_reader *rd = reader(r->store);
	int64_t attempt;
	struct err e = {0};
	bool more;

	assert_int_equal(
		upkeep_find(rd, UPKEEP_RAW, before_ms, false, cursor, &attempt, &more, &e), 0);
	store_reader_put(rd);
	return attempt;
}

static void what_runs_is_pinned_or_young_is_not_found(void **state)
{
	struct rig *r = *state;
	int64_t cursor = 0;

	add_job(r, 1, 1000, 2000); /* old */
	add_job(r, 2, 1000, 2000); /* old, pinned */
	add_job(r, 3, 1500, 0);    /* old, and runs yet */
	add_job(r, 4, 2000, 5000); /* ended too late */
	add_job(r, 5, 2500, 4999); /* old by a millisecond */
	add_job(r, 6, 5000, 9000);
	for (int64_t i = 1; i <= 6; i++)
		add_samples(r, i, 2);
	pin(r, 2);
	assert_int_equal(next(r, 5000, &cursor), 1);
	assert_int_equal(next(r, 5000, &cursor), 5);
	assert_int_equal(next(r, 5000, &cursor), 0);
	remove_all(r, 1, UPKEEP_RAW);
	cursor = 0;
	assert_int_equal(next(r, 5000, &cursor), 5);
}

/* ---- rows ---- */

static void add_events(struct rig *r, int64_t from, int64_t to, int64_t job)
{
	struct store_txn *t = store_txn_new();

	for (int64_t i = from; i <= to; i++) {
		struct event_row ev;

		fill_event(&ev, i);
		ev.at_ms = i;
		ev.job = job;
		store_txn_put(t, &event_table, &ev);
	}
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
}

static int64_t remove_events(struct rig *r, int64_t before_ms)
{
	struct upkeep_done d;
	int64_t n = 0;
	struct err e = {0};

	do {
		assert_int_equal(upkeep_rows(r->store, UPKEEP_EVENTS, before_ms, &d, &e), 0);
		n += d.rows;
	} while (d.more);
	return n;
}

static void old_events_go_and_the_store_says_up_to_which(void **state)
{
	struct rig *r = *state;

	add_job(r, 7, 1, 2);
	pin(r, 7);
	add_events(r, 1, 500, 1);
	add_events(r, 501, 510, 7);
	add_events(r, 511, 1000, 1);
	assert_int_equal(store_events_removed_to(r->store), 0);
	assert_int_equal(remove_events(r, 600), 589); /* 1…500 and 511…599 */
	assert_int_equal(store_events_removed_to(r->store), 599);
	assert_int_equal(count_rows(r->store, &event_table), 411);
	assert_int_equal(remove_events(r, 600), 0);
	assert_int_equal(store_events_removed_to(r->store), 599);
	rig_reopen(r);
	assert_int_equal(store_events_removed_to(r->store), 599);
}

/* Ids that were given are not given again, however old they are. */
static void the_newest_row_stays(void **state)
{
	struct rig *r = *state;

	add_events(r, 1, 100, 0);
	assert_int_equal(remove_events(r, INT64_MAX), 99);
	assert_int_equal(count_rows(r->store, &event_table), 1);
}

/* ---- room ---- */

static int64_t bytes_of_samples(struct rig *r, int64_t *ret_free)
{
	struct store_reader *rd = reader(r->store);
	struct upkeep_room room;
	struct err e = {0};

	assert_int_equal(upkeep_room(rd, UPKEEP_SAMPLES, &room, &e), 0);
	store_reader_put(rd);
	*ret_free = room.free;
	return room.bytes;
}

static void the_file_shrinks(void **state)
{
	struct rig *r = *state;
	struct upkeep_done d;
	int64_t before, after, unused;
	struct err e = {0};

	add_job(r, 1, 1000, 2000);
	add_samples(r, 1, 2 * CHUNKS);
	before = bytes_of_samples(r, &unused);
	remove_all(r, 1, UPKEEP_RAW);
	assert_true(bytes_of_samples(r, &unused) >= before);
	assert_true(unused > before / 3);
	do
		assert_int_equal(upkeep_shrink(r->store, UPKEEP_SAMPLES, &d, &e), 0);
	while (d.more);
	after = bytes_of_samples(r, &unused);
	assert_int_equal(unused, 0);
	assert_true(after < before * 2 / 3);
}

/* ---- nobody waits, nobody is harmed ---- */

/* Commits that come while much is removed are done between the pieces: none waits for the end. */
static void commits_go_between_the_pieces(void **state)
{
	struct rig *r = *state;
	struct upkeep_done d;
	struct err e = {0};
	int pieces = 0;
	int64_t id = 100;

	add_job(r, 1, 1000, 2000);
	for (int i = 0; i < 12; i++) {
		struct stream_id paced = {1, i + 10, PACED, STREAM_PACED};
		struct store_batch *b = store_batch_new();
		int64_t t[100], v[100];

		add_decl_plain(b, paced, 0);
		for (int c = 0; c < 400; c++) {
			for (int k = 0; k < 100; k++) {
				t[k] = (c * 100 + k) * S;
				v[k] = k * k * 77777;
			}
			add_pairs(b, paced, (uint64_t)c + 2, t, v, 100);
		}
		store_all(r->store, b);
	}
	do {
		struct store_batch *b = store_batch_new();
		struct stream_id other = {2, id++, 3, STREAM_COUNTER};

		assert_int_equal(upkeep_remove(r->store, 1, UPKEEP_ROLLUPS, NOW, &d, &e), 0);
		assert_true(d.rows <= 4800);
		add_decl_plain(b, other, 0);
		store_all(r->store, b);
		pieces++;
	} while (d.more);
	assert_true(pieces > 1);
}

static int fail_inside(struct db *db, void *arg, struct err *e)
{
	(void)arg;
	assert_int_equal(db_exec(db, "BEGIN IMMEDIATE; DELETE FROM jobs", e), 0);
	return err_set(e, ERR_NOSPACE, "no room for this");
}

static void a_piece_that_fails_refuses_nothing_else(void **state)
{
	struct rig *r = *state;
	struct err e = {0};

	add_job(r, 1, 1000, 2000);
	assert_int_equal(alone_run(r->store, UPKEEP_CONTROL, fail_inside, NULL, &e), ERR_NOSPACE);
	assert_string_equal(e.text, "no room for this");
	add_job(r, 2, 1000, 2000); /* nobody called store_retry() */
	assert_int_equal(count_rows(r->store, &job_table), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(charts_are_the_same_without_the_values),
		TEST(rollups_go_next_and_the_summary_stays),
		TEST(a_removal_that_was_cut_short_goes_on),
		TEST(what_runs_is_pinned_or_young_is_not_found),
		TEST(old_events_go_and_the_store_says_up_to_which),
		TEST(the_newest_row_stays),
		TEST(the_file_shrinks),
		TEST(commits_go_between_the_pieces),
		TEST(a_piece_that_fails_refuses_nothing_else),
	};

	return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
