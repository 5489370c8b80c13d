/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's rows: what goes in comes out, and pages of it are what was asked for. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/row.h"
#include "base/rstr.h"

/* ---- whatever a row may hold ---- */

static const char *const pieces[] = {"a", "Z", "'", "\"", ";--", "\xc3\xa9", "\xe2\x82\xac",
	"\xf0\x9f\x93\xb1", " ", "\n", "%s", "?1"};

static void random_text(struct rng *g, char *dst, size_t size)
{
	size_t n = 0, want = (size_t)rng_range(g, 0, (int64_t)size - 1);

	for (;;) {
		const char *p = pieces[rng_next(g) % (sizeof(pieces) / sizeof(pieces[0]))];

		if (n + strlen(p) > want)
			break;
		strcpy(dst + n, p);
		n += strlen(p);
	}
	dst[n] = '\0';
}

static struct rstr *random_long(struct rng *g)
{
	static char text[100000];

	switch (rng_next(g) % 4) {
	case 0:
		return NULL;
	case 1:
		return rstr_new("", 0);
	case 2:
		random_text(g, text, 300);
		break;
	default:
		random_text(g, text, sizeof(text));
	}
	return rstr_new(text, strlen(text));
}

static int64_t random_int(struct rng *g)
{
	static const int64_t edges[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT32_MIN, 1LL << 53};

	if (rng_next(g) % 2)
		return edges[rng_next(g) % (sizeof(edges) / sizeof(edges[0]))];
	return (int64_t)rng_next(g);
}

static void *random_row(struct rng *g, const struct row_table *t, int64_t id)
{
	char *row = mem_zalloc(t->size);

	for (int i = 0; i < t->n_cols; i++) {
		const struct row_col *c = &t->cols[i];

		if (c->kind == ROW_INT)
			*(int64_t *)(row + c->off) = random_int(g);
		else if (c->kind == ROW_TEXT)
			random_text(g, row + c->off, c->size);
		else
			*(struct rstr **)(row + c->off) = random_long(g);
	}
	*(int64_t *)(row + t->cols[0].off) = id;
	/* The two references that the schema insists on. */
	if (t == &run_table)
		((struct run_row *)row)->job = id;
	if (t == &attempt_table)
		((struct attempt_row *)row)->run = id;
	return row;
}

/* ---- comparing ---- */

struct expect {
	const struct row_table *t;
	void **rows;
	int n, at;
};

static int compare(void *arg, const void *row)
{
	struct expect *x = arg;
	const char *differs;

	assert_true(x->at < x->n);
	differs = row_differs(x->t, row, x->rows[x->at]);
	if (differs)
		fail_msg("%s %lld: column %s", x->t->name, (long long)row_id(x->t, row), differs);
	for (int i = 0; i < x->t->n_cols; i++) { /* no text and an empty one are not the same */
		const struct row_col *c = &x->t->cols[i];

		if (c->kind == ROW_LONG)
			assert_int_equal(!*(struct rstr *const *)((const char *)row + c->off),
				!*(struct rstr **)((char *)x->rows[x->at] + c->off));
	}
	x->at++;
	return 0;
}

static void load_and_compare(struct store *s, struct expect *x)
{
	struct err e = {0};

	x->at = 0;
	if (store_load(s, x->t, compare, x, &e))
		fail_msg("%s", e.text);
	assert_int_equal(x->at, x->n);
}

#define ROWS 20

static void every_table_keeps_its_rows(void **state)
{
	struct rig *r = *state;
	struct rng g = {42};
	struct expect x[16] = {0};
	struct store_txn *txn = store_txn_new();
	int tables = 0;

	for (; core_tables[tables]; tables++) {
		x[tables].t = core_tables[tables];
		x[tables].n = ROWS;
		x[tables].rows = mem_zalloc(ROWS * sizeof(void *));
	}
	assert_int_equal(tables, 8);
	/* Attempts before their runs before their jobs: only the whole has to fit together. */
	for (int k = tables - 1; k >= 0; k--) {
		for (int i = ROWS - 1; i >= 0; i--) {
			x[k].rows[i] =
				random_row(&g, x[k].t, i == ROWS - 1 ? INT64_MAX : 1 + i * 3);
			store_txn_put(txn, x[k].t, x[k].rows[i]);
		}
	}
	assert_int_equal(store_txn_count(txn), (size_t)tables * ROWS);
	assert_int_equal(commit(r->store, txn, NULL), 0);
	store_txn_free(txn);
	for (int k = 0; k < tables; k++)
		load_and_compare(r->store, &x[k]);
	rig_reopen(r);
	for (int k = 0; k < tables; k++) {
		load_and_compare(r->store, &x[k]);
		for (int i = 0; i < ROWS; i++)
			row_free(x[k].t, x[k].rows[i]);
		mem_free(x[k].rows);
	}
}

static void a_row_is_replaced_and_deleted_by_its_id(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = txn_of(1);
	struct job_row j;
	void *rows[] = {&j};
	struct expect x = {&job_table, rows, 1, 0};

	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	fill_job(&j, 1);
	j.state = JOB_RUNNING;
	j.spec = rstr_new("{}", 2);
	t = store_txn_new();
	store_txn_put(t, &job_table, &j);
	/* The transaction took what it needs. */
	rstr_unref(j.spec);
	j.spec = NULL;
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	j.spec = rstr_new("{}", 2);
	load_and_compare(r->store, &x);
	row_release(&job_table, &j);

	t = store_txn_new();
	store_txn_del(t, &job_table, 1);
	store_txn_del(t, &job_table, 77); /* never there: nothing to do */
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	assert_int_equal(count_rows(r->store, &job_table), 0);
	assert_int_equal(count_rows(r->store, &event_table), 1);
}

static void settings_are_kept(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = store_txn_new();
	struct err e = {0};
	char value[32], small[4];

	assert_int_equal(store_meta(r->store, "farm_id", value, sizeof(value), &e), 0);
	assert_string_equal(value, "");
	store_txn_meta(t, "farm_id", "first");
	store_txn_meta(t, "farm_id", "second");
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	rig_reopen(r);
	assert_int_equal(store_meta(r->store, "farm_id", value, sizeof(value), &e), 0);
	assert_string_equal(value, "second");
	assert_int_equal(store_meta(r->store, "farm_id", small, sizeof(small), &e), ERR_TOOBIG);
}

static int stop_at_three(void *arg, const void *row)
{
	(void)arg;
	return row_id(&event_table, row) == 3 ? 33 : 0;
}

static void loading_stops_when_told(void **state)
{
	struct rig *r = *state;

	for (int64_t id = 1; id <= 5; id++) {
		struct store_txn *t = txn_of(id);

		assert_int_equal(commit(r->store, t, NULL), 0);
		store_txn_free(t);
	}
	assert_int_equal(store_load(r->store, &event_table, stop_at_three, NULL, NULL), 33);
}

static void a_text_that_somebody_made_longer_is_not_cut(void **state)
{
	struct rig *r = *state;
	struct store_txn *t = txn_of(1);
	struct err e = {0};

	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	rig_sql(r, "control.db", "UPDATE events SET topic = 'sixteen bytes, no'");
	assert_int_equal(store_load(r->store, &event_table, stop_at_three, NULL, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "events 1: column topic is longer"));
}

/* ---- pages ---- */

struct ids {
	int64_t id[64];
	int n;
};

static int note_id(void *arg, const void *row)
{
	struct ids *ids = arg;

	ids->id[ids->n++] = *(const int64_t *)row;
	return 0;
}

/* Ten jobs; even ones run, every third is of branch "main". */
static void store_jobs(struct store *s)
{
	struct store_txn *t = store_txn_new();

	for (int64_t id = 1; id <= 10; id++) {
		struct job_row j;

		fill_job(&j, id);
		j.state = id % 2 ? JOB_QUEUED : JOB_RUNNING;
		strcpy(j.branch, id % 3 ? "it's \"x\"" : "main");
		store_txn_put(t, &job_table, &j);
	}
	assert_int_equal(commit(s, t, NULL), 0);
	store_txn_free(t);
}

static void page_gives(struct store *s, struct store_page page, int n, const int64_t *want)
{
	struct store_reader *rd = reader(s);
	struct ids got = {.n = 0};
	struct err e = {0};

	if (store_rows(rd, &job_table, &page, note_id, &got, &e))
		fail_msg("%s", e.text);
	store_reader_put(rd);
	assert_int_equal(got.n, n);
	assert_memory_equal(got.id, want, (size_t)n * sizeof(*want));
}

#define PAGE(want, ...)                                                                            \
	page_gives(s, (struct store_page)__VA_ARGS__, (int)(sizeof(want) / sizeof(int64_t)), want)

static void pages_follow_ids_in_both_directions(void **state)
{
	struct store *s = ((struct rig *)*state)->store;
	static const int64_t first[] = {1, 2, 3}, behind[] = {4, 5, 6}, newest[] = {10, 9, 8},
			     older[] = {7, 6, 5}, between[] = {6, 5};

	store_jobs(s);
	PAGE(first, {.limit = 3});
	PAGE(behind, {.after = 3, .limit = 3});
	PAGE(newest, {.limit = 3, .descending = true});
	PAGE(older, {.before = 8, .limit = 3});
	PAGE(between, {.after = 4, .before = 7, .limit = 10});
}

static void filters_are_joined(void **state)
{
	struct store *s = ((struct rig *)*state)->store;
	static const int64_t running[] = {2, 4, 6, 8, 10}, both[] = {6}, odd_text[] = {8, 10};
	struct store_page page = {.n_filters = 1, .filters = {{"state", NULL, JOB_RUNNING}}};
	struct store_reader *rd;

	store_jobs(s);
	PAGE(running, {.limit = 50, .n_filters = 1, .filters = {{"state", NULL, JOB_RUNNING}}});
	PAGE(both, {.limit = 50,
			   .n_filters = 2,
			   .filters = {{"state", NULL, JOB_RUNNING}, {"branch", "main", 0}}});
	PAGE(odd_text,
		{.after = 6,
			.limit = 50,
			.n_filters = 2,
			.filters = {{"branch", "it's \"x\"", 0}, {"state", NULL, JOB_RUNNING}}});
	rd = reader(s);
	assert_int_equal(store_row_count(rd, &job_table, &page, NULL), 5);
	page.n_filters = 0;
	assert_int_equal(store_row_count(rd, &job_table, &page, NULL), 10);
	store_reader_put(rd);
}

static void what_is_no_column_is_refused(void **state)
{
	struct store *s = ((struct rig *)*state)->store;
	static const struct store_filter bad[] = {{"state = 1 OR 1", NULL, 1}, {"rowid", NULL, 1},
		{"", "x", 0}, {"spec", "{}", 0}, {"state", "1", 0}, {"name", NULL, 1}};
	struct store_reader *rd = reader(s);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct store_page page = {.limit = 1, .n_filters = 1, .filters = {bad[i]}};
		struct ids got = {.n = 0};
		struct err e = {0};

		assert_int_equal(store_rows(rd, &job_table, &page, note_id, &got, &e), ERR_INVAL);
		assert_non_null(strstr(e.text, "jobs"));
		assert_int_equal(store_row_count(rd, &job_table, &page, &e), ERR_INVAL);
	}
	store_reader_put(rd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_table_keeps_its_rows),
		TEST(a_row_is_replaced_and_deleted_by_its_id),
		TEST(settings_are_kept),
		TEST(loading_stops_when_told),
		TEST(a_text_that_somebody_made_longer_is_not_cut),
		TEST(pages_follow_ids_in_both_directions),
		TEST(filters_are_joined),
		TEST(what_is_no_column_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
