/* SPDX-License-Identifier: Apache-2.0 */
/* When an idle writer puts its log into the file, and what that costs the commits behind it. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/checkpoint.h"
#include "store/db.h"
#include "support_vfs.h"

#define LOG_LIMIT (256 * 1024)

struct log {
	struct rig *rig;
	struct db db;
	struct checkpoint c;
};

static void log_begin(struct log *l, void **state)
{
	struct db_setup how = {
		.name = "x.db", .page_bytes = 4096, .cache_kib = 256, .busy_ms = 1000};
	struct err e;

	bad_disk_install();
	memset(l, 0, sizeof(*l));
	assert_int_equal(rig_setup_closed(state), 0);
	l->rig = *state;
	how.dir = l->rig->dir;
	assert_int_equal(db_open_writer(&l->db, &how, &e), 0);
	assert_int_equal(checkpoint_init(&l->c, &l->db, NULL, LOG_LIMIT), 0);
	assert_int_equal(db_exec(&l->db, "CREATE TABLE t (x)", &e), 0);
}

static void log_end(struct log *l, void **state)
{
	checkpoint_fini(&l->c);
	db_close(&l->db);
	rig_teardown(state);
	bad_disk_uninstall();
}

/* How often a commit of so many bytes waits for the disk. */
static int commit_costs(struct log *l, int bytes)
{
	char sql[64];
	struct err e;

	bad_disk_syncs();
	snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (zeroblob(%d))", bytes);
	assert_int_equal(db_exec(&l->db, sql, &e), 0);
	checkpoint_after_commit(&l->c, 0);
	return bad_disk_syncs();
}

static int64_t file_bytes(const struct log *l, const char *name)
{
	char path[PATH_MAX + 64];
	struct stat st;

	rig_path(l->rig, path, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void a_small_log_stays_when_its_writer_is_idle(void **state)
{
	struct log l;

	log_begin(&l, state);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(commit_costs(&l, 2000), 1);
		assert_int_equal(checkpoint_wait_ms(&l.c), -1); /* nothing to wake up for */
		checkpoint_when_idle(&l.c, 0);
	}
	log_end(&l, state);
}

static void a_larger_one_begins_anew_on_the_blocks_that_it_has(void **state)
{
	struct log l;
	int64_t size, held;

	log_begin(&l, state);
	commit_costs(&l, LOG_LIMIT / 2);
	assert_true(checkpoint_wait_ms(&l.c) > 0);
	size = file_bytes(&l, "x.db-wal");
	held = file_bytes(&l, "x.db");
	checkpoint_when_idle(&l.c, 0);
	assert_true(file_bytes(&l, "x.db") > held + LOG_LIMIT / 3); /* it is in the file now */
	assert_int_equal(checkpoint_wait_ms(&l.c), -1);
	assert_int_equal(commit_costs(&l, 2000), 2); /* the head, once */
	assert_int_equal(commit_costs(&l, 2000), 1);
	assert_int_equal(file_bytes(&l, "x.db-wal"), size);
	log_end(&l, state);
}

static void what_outgrew_its_limit_gives_its_blocks_back(void **state)
{
	struct log l;

	log_begin(&l, state);
	commit_costs(&l, 2 * LOG_LIMIT);
	assert_true(file_bytes(&l, "x.db-wal") > LOG_LIMIT);
	checkpoint_when_idle(&l.c, 0);
	assert_int_equal(file_bytes(&l, "x.db-wal"), 0);
	log_end(&l, state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_log_stays_when_its_writer_is_idle),
		cmocka_unit_test(a_larger_one_begins_anew_on_the_blocks_that_it_has),
		cmocka_unit_test(what_outgrew_its_limit_gives_its_blocks_back),
	};

	return cmocka_run_group_tests_name("checkpoints", tests, NULL, NULL);
}
