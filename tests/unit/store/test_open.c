/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: a new directory, a second daemon, other versions, other people's files, damaged ones. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/row.h"
#include "store/db.h"
#include "store/schema.h"

static int64_t pragma(const struct rig *r, const char *name, const char *sql)
{
	char path[PATH_MAX + 64];
	sqlite3_stmt *st;
	sqlite3 *h;
	int64_t v;

	rig_path(r, path, name);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(h);
	return v;
}

static void a_new_directory_gets_both_files(void **state)
{
	struct rig *r = *state;
	static const char *const names[] = {"control.db", "samples.db"};
	char path[PATH_MAX + 64];
	struct stat st;

	rig_open(r);
	assert_int_equal(r->upgraded_from, 0);
	for (int i = 0; i < 2; i++) {
		rig_path(r, path, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(pragma(r, names[i], "PRAGMA user_version"),
			i ? STORE_SCHEMA_SAMPLES : STORE_SCHEMA_CONTROL);
		assert_int_equal(pragma(r, names[i], "PRAGMA auto_vacuum"), 2);
		assert_true(pragma(r, names[i], "PRAGMA application_id") != 0);
	}
	rig_reopen(r);
	assert_int_equal(r->upgraded_from, 0);
}

/* /metrics asks for it 24 times; there may be a hundred thousand jobs, each with its text. */
static void counting_how_jobs_ended_looks_at_no_job(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX + 64];
	sqlite3_stmt *st;
	sqlite3 *h;

	rig_open(r);
	rig_path(r, path, "control.db");
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h,
				 "EXPLAIN QUERY PLAN SELECT count(*) FROM jobs WHERE state = ?1 "
				 "AND verdict = ?2",
				 -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_non_null(strstr((const char *)sqlite3_column_text(st, 3), "USING COVERING INDEX"));
	sqlite3_finalize(st);
	sqlite3_close(h);
}

static void a_missing_directory_is_named(void **state)
{
	struct rig *r = *state;
	char kept[PATH_MAX];

	strcpy(kept, r->dir);
	strcat(r->dir, "/not-there");
	rig_open_fails(r, ERR_NOTFOUND, "/not-there");
	strcpy(r->dir, kept);
}

static void a_second_daemon_is_refused_with_the_firsts_pid(void **state)
{
	struct rig *r = *state, second = *r;
	char says[64];
	int status;
	pid_t pid;

	rig_open(r);
	snprintf(says, sizeof(says), "another framefarm (pid %d) uses ", (int)getpid());
	rig_open_fails(&second, ERR_BUSY, says);
	rig_open_fails(&second, ERR_BUSY, r->dir);
	rig_close(r);

	/* The lock ends with its holder, however that ended; a stale pid in the file means
	 * nothing. */
	pid = fork();
	if (pid == 0) {
		child_begin();
		rig_open(r);
		_exit(0); /* without closing */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rig_open(r);
}

static void a_newer_schema_is_left_alone(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	rig_close(r);
	rig_sql(r, "samples.db", "PRAGMA user_version = 7");
	rig_open_fails(r, ERR_VERSION, "samples.db has schema 7, this framefarm knows up to 3");
	rig_sql(r, "samples.db", "PRAGMA user_version = 3");
	rig_open(r);
}

static void anothers_file_is_left_alone(void **state)
{
	struct rig *r = *state;

	rig_sql(r, "control.db", "CREATE TABLE holidays (day TEXT)");
	rig_open_fails(r, ERR_CORRUPT, "not a file of framefarm's");
	assert_int_equal(pragma(r, "control.db", "SELECT count(*) FROM sqlite_schema"), 1);
}

static void write_text(const struct rig *r, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *f;

	rig_path(r, path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void a_file_of_another_program_or_none_at_all_is_left_alone(void **state)
{
	struct rig *r = *state;

	write_text(r, "control.db", "Dear diary, this is not a database, however long it gets.\n");
	rig_open_fails(r, ERR_CORRUPT, "control.db");
	write_text(r, "control.db", "");
	rig_open(r); /* no bytes are no file: a start that was killed leaves that */
	rig_close(r);
	rig_sql(r, "samples.db", "PRAGMA application_id = 77");
	rig_open_fails(r, ERR_CORRUPT, "samples.db is not a file of framefarm's");
	/* The two may not be swapped either. */
	rig_sql(r, "samples.db", "PRAGMA application_id = 1179018100");
	rig_open_fails(r, ERR_CORRUPT, "samples.db is not a file of framefarm's: move it away");
}

static void a_directory_in_place_of_a_file_is_named(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX + 64];
	struct err e = {0};
	struct store_config cfg = {.dir = r->dir, .tables = core_tables};

	rig_path(r, path, "samples.db");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(store_open(&cfg, NULL, &e));
	assert_non_null(strstr(e.text, "samples.db"));
}

/* One bit, anywhere: it opens as it was or is refused, and nothing falls over. */
static void a_bit_that_flips_is_survived(void **state)
{
	struct rig *r = *state;
	struct store_config cfg = {.dir = r->dir, .tables = core_tables};
	char path[PATH_MAX + 64];
	struct rng rng = {.s = 20261127};
	int refused = 0;

	rig_open(r);
	for (int64_t i = 1; i <= 40; i++) {
		struct store_txn *t = txn_of(i);

		assert_int_equal(commit(r->store, t, NULL), 0);
		store_txn_free(t);
	}
	rig_close(r);
	rig_path(r, path, "control.db");
	for (int i = 0; i < 60; i++) {
		struct err e = {0};
		struct stat st;
		struct store *s;
		uint8_t byte;
		int fd = open(path, O_RDWR);
		off_t at;

		assert_int_equal(fstat(fd, &st), 0);
		at = i < 20 ? i * 5 : rng_range(&rng, 0, st.st_size - 1);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1u << (i % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		s = store_open(&cfg, NULL, &e);
		refused += !s;
		if (!s)
			assert_non_null(strstr(e.text, "control.db"));
		store_close(s);
		byte ^= 1u << (i % 8);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	assert_true(refused > 10);
	rig_open(r);
	assert_int_equal(count_rows(r->store, &job_table), 40);
}

static void samples_of_another_farm_are_not_taken(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX + 64];

	rig_open(r);
	rig_close(r);
	rig_path(r, path, "control.db");
	assert_int_equal(unlink(path), 0);
	rig_open_fails(r, ERR_CORRUPT, "does not belong to");
	rig_path(r, path, "samples.db");
	assert_int_equal(unlink(path), 0);
	rig_open(r);
}

/* ---- damage ---- */

static void overwrite(const struct rig *r, const char *name, off_t at, size_t n)
{
	char path[PATH_MAX + 64], junk[4096];
	int fd;

	memset(junk, 0xa5, sizeof(junk));
	assert_true(n <= sizeof(junk));
	rig_path(r, path, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, n, at), n);
	close(fd);
}

static void a_file_without_its_header_is_damaged(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	rig_close(r);
	overwrite(r, "control.db", 0, 100);
	rig_open_fails(r, ERR_CORRUPT, "control.db");
	rig_open_fails(r, ERR_CORRUPT, "restore a backup");
}

static void a_cut_file_is_damaged(void **state)
{
	struct rig *r = *state;
	char path[PATH_MAX + 64];

	rig_open(r);
	rig_close(r);
	rig_path(r, path, "samples.db");
	assert_int_equal(truncate(path, 3 * 1024), 0);
	rig_open_fails(r, ERR_CORRUPT, "samples.db");
}

static void a_damaged_page_in_the_middle_is_found_in_a_small_file(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	for (int i = 1; i <= 400; i += 100) {
		struct store_txn *t = store_txn_new();

		for (int k = i; k < i + 100; k++) {
			struct event_row ev;

			fill_event(&ev, k);
			store_txn_put(t, &event_table, &ev);
		}
		assert_int_equal(commit(r->store, t, NULL), 0);
		store_txn_free(t);
	}
	rig_close(r);
	overwrite(r, "control.db", pragma(r, "control.db", "PRAGMA page_count") / 2 * 4096, 4096);
	rig_open_fails(r, ERR_CORRUPT, "restore a backup");
}

static void a_large_file_is_looked_at_where_it_is_used_first(void **state)
{
	struct rig *r = *state;
	off_t root;

	rig_open(r);
	rig_close(r);
	rig_sql(r, "samples.db",
		"CREATE TABLE pad (id INTEGER PRIMARY KEY, b BLOB);"
		"INSERT INTO pad VALUES (1, zeroblob(70 * 1024 * 1024))");
	/* In the middle of that, nothing is noticed: reading it all would take minutes on a
	 * real farm. */
	overwrite(r, "samples.db", 30 * 1024 * 1024, 1024);
	rig_open(r);
	rig_close(r);
	root = pragma(r, "samples.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'facts'");
	overwrite(r, "samples.db", (root - 1) * 1024, 1024);
	rig_open_fails(r, ERR_CORRUPT, "samples.db");
}

/* ---- migrations ---- */

static const char *const two_steps[] = {
	"CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL) STRICT;"
	"INSERT INTO t VALUES (1, 10);",
	"ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 5; UPDATE t SET b = a + 1;",
};
static const char *const broken_second[] = {
	"CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL) STRICT;"
	"INSERT INTO t VALUES (1, 10);",
	"UPDATE t SET a = 99; CREATE TABLE t (nothing INTEGER)",
};

static int migrate(struct rig *r, const struct schema *sc, int *ret_from, struct err *e)
{
	struct db_setup setup = {.dir = r->dir,
		.name = "x.db",
		.page_bytes = 4096,
		.cache_kib = 100,
		.busy_ms = 1000};
	struct db db = {0};
	int rc = db_open_writer(&db, &setup, e);

	if (!rc)
		rc = schema_apply(&db, sc, ret_from, e);
	db_close(&db);
	return rc;
}

static void steps_are_taken_one_after_the_other(void **state)
{
	struct rig *r = *state;
	struct schema sc = {0x12345678, 1, two_steps};
	struct err e = {0};
	int from = -1;

	assert_int_equal(migrate(r, &sc, &from, &e), 0);
	assert_int_equal(from, 0);
	sc.version = 2;
	assert_int_equal(migrate(r, &sc, &from, &e), 0);
	assert_int_equal(from, 1);
	assert_int_equal(pragma(r, "x.db", "SELECT b FROM t WHERE id = 1"), 11);
	assert_int_equal(migrate(r, &sc, &from, &e), 0);
	assert_int_equal(from, 2);
}

static void a_step_that_fails_leaves_the_old_version_whole(void **state)
{
	struct rig *r = *state;
	struct schema sc = {0x12345678, 2, broken_second};
	struct err e = {0};
	int from = -1;

	assert_true(migrate(r, &sc, &from, &e) < 0);
	assert_non_null(strstr(e.text, "raising the schema from 1 to 2"));
	assert_int_equal(pragma(r, "x.db", "PRAGMA user_version"), 1);
	assert_int_equal(pragma(r, "x.db", "SELECT a FROM t WHERE id = 1"), 10);
}

/* ---- columns ---- */

struct odd_row {
	int64_t id;
	char name[8];
	int64_t speed;
};

static void a_column_that_the_file_lacks_is_named(void **state)
{
	static const struct row_col cols[] = {
		ROW_COL_INT(odd_row, id), ROW_COL_TEXT(odd_row, name), ROW_COL_INT(odd_row, speed)};
	static const struct row_table jobs = {"jobs", sizeof(struct odd_row), cols, 3};
	const struct row_table *const tables[] = {&jobs, NULL};
	struct rig *r = *state;
	struct store_config cfg = {.dir = r->dir, .tables = tables};
	struct err e = {0};

	assert_null(store_open(&cfg, NULL, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "table jobs has no column speed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_new_directory_gets_both_files, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			counting_how_jobs_ended_looks_at_no_job, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_missing_directory_is_named, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(a_second_daemon_is_refused_with_the_firsts_pid,
			rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_newer_schema_is_left_alone, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			anothers_file_is_left_alone, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_file_of_another_program_or_none_at_all_is_left_alone, rig_setup_closed,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_directory_in_place_of_a_file_is_named, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_bit_that_flips_is_survived, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			samples_of_another_farm_are_not_taken, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_file_without_its_header_is_damaged, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_cut_file_is_damaged, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_damaged_page_in_the_middle_is_found_in_a_small_file, rig_setup_closed,
			rig_teardown),
		cmocka_unit_test_setup_teardown(a_large_file_is_looked_at_where_it_is_used_first,
			rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			steps_are_taken_one_after_the_other, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(a_step_that_fails_leaves_the_old_version_whole,
			rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_column_that_the_file_lacks_is_named, rig_setup_closed, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
