/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is really full: a small tmpfs in a mount namespace of a child process. Needs root or
 * unprivileged user namespaces; where neither is to be had the test says so and is skipped.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rstr.h"
#include "base/row.h"

#define DISK_OPTIONS  "size=2m,mode=0700"
#define BALLAST_BYTES (768 * 1024)
#define FILL_MAX      4096 /* transactions or chunks that may go in before the disk is full */

#define EXIT_SKIP 77

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int rc = fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* A namespace in which we may mount; as root of our own where we are not root. */
static int enter_namespace(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (!unshare(CLONE_NEWNS))
		return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -1;
	snprintf(map, sizeof(map), "0 %d 1", (int)uid);
	if (write_file("/proc/self/uid_map", map) || write_file("/proc/self/setgroups", "deny"))
		return -1;
	snprintf(map, sizeof(map), "0 %d 1", (int)gid);
	return write_file("/proc/self/gid_map", map);
}

static void make_ballast(const char *dir)
{
	static char block[BALLAST_BYTES];
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/ballast", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	memset(block, 'x', sizeof(block));
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

static void free_space(const char *dir)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/ballast", dir);
	assert_int_equal(unlink(path), 0);
}

/* ---- what happens there; asserts end the child ---- */

static struct store_txn *big_txn(int64_t id)
{
	static char spec[16384];
	struct store_txn *t = store_txn_new();
	struct event_row ev;
	struct job_row j;

	fill_job(&j, id);
	fill_event(&ev, id);
	memset(spec, 's', sizeof(spec));
	j.spec = rstr_new(spec, sizeof(spec));
	store_txn_put(t, &job_table, &j);
	store_txn_put(t, &event_table, &ev);
	rstr_unref(j.spec);
	return t;
}

static void rows_stop_and_go_on(struct rig *r)
{
	struct store_txn *t = NULL;
	int64_t id = 1;
	int rc = 0;

	for (; id <= FILL_MAX && !rc; id++) {
		store_txn_free(t);
		t = big_txn(id);
		rc = commit(r->store, t, NULL);
	}
	assert_int_equal(rc, ERR_NOSPACE);
	id--; /* the one that failed */
	assert_true(id > 5);
	assert_int_equal(count_rows(r->store, &job_table), id - 1);
	assert_int_equal(count_rows(r->store, &event_table), id - 1);
	assert_int_equal(commit(r->store, t, NULL), ERR_IO); /* refused, not tried */

	store_retry(r->store);
	assert_int_equal(commit(r->store, t, NULL), ERR_NOSPACE); /* still full */

	free_space(r->dir);
	store_retry(r->store);
	assert_int_equal(commit(r->store, t, NULL), 0);
	store_txn_free(t);
	assert_int_equal(count_rows(r->store, &job_table), id);
	rig_reopen(r);
	assert_int_equal(count_rows(r->store, &job_table), id);
	assert_int_equal(count_rows(r->store, &event_table), id);
}

static int note_stream(void *arg, const struct store_stream *s)
{
	*(struct store_stream *)arg = *s;
	return 0;
}

static struct store_stream stream_of(struct store *s, int64_t attempt)
{
	struct store_reader *rd = reader(s);
	struct store_stream st = {0};

	assert_int_equal(store_streams(rd, attempt, note_stream, &st, NULL), 0);
	store_reader_put(rd);
	return st;
}

static void samples_stop_and_go_on(struct rig *r)
{
	struct stream_id id = {1, 1, STREAM_ID_TEXT, STREAM_TEXT};
	char text[8001];
	struct store_batch *b = store_batch_new();
	uint64_t seq = 2;
	int rc = 0;

	memset(text, 't', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	add_decl_plain(b, id, 0);
	store_all(r->store, b);
	b = NULL;
	for (; seq < FILL_MAX && !rc; seq++) {
		store_batch_free(b);
		b = store_batch_new();
		add_text(b, id, seq, text);
		rc = commit_batch(r->store, b);
	}
	assert_int_equal(rc, ERR_NOSPACE);
	seq--;
	assert_int_equal(stream_of(r->store, 1).mark, seq - 1);
	assert_int_equal(stream_of(r->store, 1).n_values, (int64_t)(seq - 2) * 8000);

	free_space(r->dir);
	store_samples_retry(r->store);
	assert_int_equal(commit_batch(r->store, b), 0);
	assert_int_equal(mark_of(b, 0), seq); /* not a gap, not a resend */
	store_batch_free(b);
	rig_reopen(r);
	assert_int_equal(stream_of(r->store, 1).mark, seq);
	assert_int_equal(stream_of(r->store, 1).n_values, (int64_t)(seq - 1) * 8000);
}

/* ---- the frame ---- */

static void on_a_small_disk(struct rig *r, void (*scenario)(struct rig *r))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		child_begin();
		if (enter_namespace() || mount("tmpfs", r->dir, "tmpfs", 0, DISK_OPTIONS)) {
			fprintf(stderr, "no small disk: %s\n", strerror(errno));
			_exit(EXIT_SKIP);
		}
		make_ballast(r->dir);
		rig_open(r);
		scenario(r);
		rig_close(r);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
		print_message("SKIPPED: A FULL DISK WAS NOT TESTED, mounting needs privileges\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void rows_wait_for_space(void **state)
{
	on_a_small_disk(*state, rows_stop_and_go_on);
}

static void samples_wait_for_space(void **state)
{
	on_a_small_disk(*state, samples_stop_and_go_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			rows_wait_for_space, rig_setup_closed, rig_teardown),
		cmocka_unit_test_setup_teardown(
			samples_wait_for_space, rig_setup_closed, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
