/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that released daemons left (released/) are opened by this one, and nothing in them is another
 * than it was.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"

static sqlite3 *open_file(const struct rig *r, const char *name)
{
	char path[PATH_MAX + 64];
	sqlite3 *h;

	rig_path(r, path, name);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	return h;
}

/* A file of the rig out of a stored dump. */
static void unpack(const struct rig *r, const char *name, const char *dump)
{
	char path[128];
	sqlite3 *h = open_file(r, name);
	char *sql;
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "tests/unit/store/released/%s", dump);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is not there: tests run in the tree's root", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	sql = mem_zalloc((size_t)n + 1);
	assert_int_equal(fread(sql, 1, (size_t)n, f), n);
	fclose(f);
	if (sqlite3_exec(h, sql, NULL, NULL, NULL))
		fail_msg("%s: %s", path, sqlite3_errmsg(h));
	mem_free(sql);
	sqlite3_close(h);
}

/* ---- all that is in a file ---- */

static void add_rows(struct buf *b, sqlite3 *h, const char *sql)
{
	sqlite3_stmt *st;
	int rc;

	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		buf_printf(b, "%s\n", sqlite3_column_text(st, 0));
	assert_int_equal(rc, SQLITE_DONE);
	sqlite3_finalize(st);
}

/* One query for each table: every column of every row, in the order of the key. */
static char *queries(const struct rig *r, const char *name)
{
	sqlite3 *h = open_file(r, name);
	struct buf b;

	buf_init(&b, 1 << 20);
	add_rows(&b, h,
		"SELECT 'SELECT ''' || t.name || ''' || ' || (SELECT group_concat('quote(' || "
		"c.name"
		" || ')', ' || '','' || ') FROM pragma_table_info(t.name) AS c) || ' FROM ' || "
		"t.name ||"
		" ' ORDER BY 1' FROM sqlite_schema AS t WHERE t.type = 'table' ORDER BY t.name");
	sqlite3_close(h);
	buf_text(&b);
	return (char *)b.data;
}

static char *contents(const struct rig *r, const char *name, const char *sql)
{
	sqlite3 *h = open_file(r, name);
	char *all = mem_strdup(sql), *save = NULL;
	struct buf b;

	buf_init(&b, 4 << 20);
	for (char *q = strtok_r(all, "\n", &save); q; q = strtok_r(NULL, "\n", &save))
		add_rows(&b, h, q);
	mem_free(all);
	sqlite3_close(h);
	buf_text(&b);
	return (char *)b.data;
}

static int count_value(void *arg, const int64_t *t, const int64_t *v, int n)
{
	(void)t;
	(void)v;
	*(int *)arg += n;
	return 0;
}

static int sum_bucket(void *arg, const struct store_bucket *b)
{
	*(int64_t *)arg += b->n;
	return 0;
}

struct reading {
	struct store_reader *reader;
	int streams;
};

/* What was counted when it was stored is what is read now, from values and from rollups. */
static int read_stream(void *arg, const struct store_stream *s)
{
	struct reading *rd = arg;

	assert_int_equal(s->raw_removed_ms, 0);
	rd->streams++;
	return 0;
}

static void read_all(struct store *s, int64_t attempt)
{
	struct reading rd = {.reader = reader(s)};
	struct err e = {0};
	int64_t n = 0;
	int values = 0;

	assert_int_equal(store_streams(rd.reader, attempt, read_stream, &rd, &e), 0);
	assert_true(rd.streams > 10);
	for (uint32_t stream = 3; stream < 40; stream++) {
		assert_int_equal(store_values(rd.reader, attempt, stream, INT64_MIN, INT64_MAX,
					 count_value, &values, &e),
			0);
		assert_int_equal(store_series(rd.reader, attempt, stream, INT64_MIN, INT64_MAX, 1,
					 sum_bucket, &n, &e),
			0);
	}
	assert_true(values > 640); /* of the two paced blocks alone */
	assert_int_equal(values, n);
	store_reader_put(rd.reader);
}

static void raise_farm(struct rig *r, const char *control, const char *samples, int from)
{
	static const char *const names[] = {"control.db", "samples.db"};
	char *sql[2], *before[2];

	unpack(r, names[0], control);
	unpack(r, names[1], samples);
	for (int i = 0; i < 2; i++) {
		sql[i] = queries(r, names[i]);
		before[i] = contents(r, names[i], sql[i]);
		assert_true(strlen(before[i]) > 5000);
	}
	rig_open(r);
	assert_int_equal(r->upgraded_from, from);
	assert_int_equal(count_rows(r->store, &job_table), 2);
	assert_int_equal(count_rows(r->store, &store_pin_table), 0);
	read_all(r->store, 1);
	read_all(r->store, 2);
	rig_close(r);
	for (int i = 0; i < 2; i++) {
		char *after = contents(r, names[i], sql[i]);

		assert_string_equal(after, before[i]);
		mem_free(after);
		mem_free(before[i]);
		mem_free(sql[i]);
	}
	/* Once is enough. */
	rig_open(r);
	assert_int_equal(r->upgraded_from, 0);
}

static void a_farm_of_the_first_schema_is_brought_up(void **state)
{
	struct rig *r = *state;

	raise_farm(r, "farm1_control.sql", "farm1_samples.sql", 1);
}

static void a_farm_of_the_second_schema_is_brought_up(void **state)
{
	struct rig *r = *state;

	raise_farm(r, "farm2_control.sql", "farm2_samples.sql", 2);
}

static void a_farm_of_the_third_schema_is_brought_up(void **state)
{
	struct rig *r = *state;

	raise_farm(r, "farm3_control.sql", "farm3_samples.sql", 2);
}

/* Chunks that begin before the one before them ends: two streams, the values of one removed. Of a third the
 * removal was cut short. */
static void streams_that_do_not_go_on_in_time_are_found(void **state)
{
	static const char *const back_in_time =
		"UPDATE chunks SET t_first = t_first - 100000000000"
		" WHERE seq = 4 AND stream IN (5, 6);"
		"INSERT INTO aged (stream, seq, t_first, t_last, seconds)"
		" SELECT stream, seq, t_first, t_last, seconds FROM chunks WHERE stream IN (4, 5);"
		"DELETE FROM chunks WHERE stream IN (4, 5);"
		"UPDATE streams SET raw_removed_ms = 1, kept = 1 WHERE id IN (4, 5);"
		"UPDATE streams SET raw_removed_ms = 1 WHERE id = 3";
	struct rig *r = *state;
	char *found;

	unpack(r, "control.db", "farm3_control.sql");
	unpack(r, "samples.db", "farm3_samples.sql");
	rig_sql(r, "samples.db", back_in_time);
	rig_open(r);
	rig_close(r);
	found = contents(r, "samples.db",
		"SELECT group_concat(id) FROM"
		" (SELECT id FROM streams WHERE NOT ordered ORDER BY id)");
	assert_string_equal(found, "3,5,6\n");
	mem_free(found);
}

/* What sqlite3's .recover makes cannot give pages back; opening it mends that, once. */
static void a_file_that_cannot_shrink_is_rewritten(void **state)
{
	struct rig *r = *state;
	sqlite3_stmt *st;
	sqlite3 *h;

	unpack(r, "control.db", "farm2_control.sql");
	unpack(r, "samples.db", "farm2_samples.sql");
	rig_sql(r, "samples.db", "PRAGMA auto_vacuum = NONE; VACUUM");
	rig_open(r);
	read_all(r->store, 1);
	rig_close(r);
	h = open_file(r, "samples.db");
	assert_int_equal(sqlite3_prepare_v2(h, "PRAGMA auto_vacuum", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 2);
	sqlite3_finalize(st);
	sqlite3_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_farm_of_the_first_schema_is_brought_up, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_farm_of_the_second_schema_is_brought_up, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_farm_of_the_third_schema_is_brought_up, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(streams_that_do_not_go_on_in_time_are_found,
			rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_cannot_shrink_is_rewritten, rig_setup_closed, rig_teardown),
	};

	return cmocka_run_group_tests_name("stores of earlier releases", tests, NULL, NULL);
}
