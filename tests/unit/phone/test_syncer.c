/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of sync:, fed byte by byte and all at once. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "drivers/adb/compress.h"
#include "drivers/adb/packet.h"
#include "drivers/adb/syncmsg.h"
#include "drivers/virtual/syncer.h"

#define ALL (ADB_SYNC_BROTLI | ADB_SYNC_LZ4 | ADB_SYNC_ZSTD)

struct rig {
	struct support s;
	struct syncer *y;
	struct buf in, out;
	size_t step; /* bytes a feed; 0: all */
};

static void rig_init(struct rig *r, size_t step)
{
	int root;

	memset(r, 0, sizeof(*r));
	support_init(&r->s);
	root = open(r->s.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->y = syncer_new(root, 4096 + 64 * 1024, ALL);
	close(root);
	buf_init(&r->in, 0);
	buf_init(&r->out, 0);
	r->step = step;
}

static void rig_fini(struct rig *r)
{
	syncer_free(r->y);
	buf_fini(&r->in);
	buf_fini(&r->out);
	support_fini(&r->s);
}

static void u32(struct rig *r, uint32_t v)
{
	uint8_t b[4] = {v, v >> 8, v >> 16, v >> 24};

	buf_put(&r->in, b, 4);
}

static void request(struct rig *r, uint32_t id, const char *path)
{
	u32(r, id);
	u32(r, strlen(path));
	buf_puts(&r->in, path);
}

static void data(struct rig *r, const void *p, size_t n)
{
	u32(r, ADB_SYNC_DATA);
	u32(r, n);
	buf_put(&r->in, p, n);
}

static void done(struct rig *r, uint32_t mtime)
{
	u32(r, ADB_SYNC_DONE);
	u32(r, mtime);
}

static void take(struct rig *r)
{
	struct adb_buf *b;

	while ((b = syncer_take(r->y))) {
		buf_put(&r->out, b->data, b->len);
		adb_buf_unref(b);
	}
}

/* Feeds what was asked; its answer is in out. */
static void run(struct rig *r)
{
	size_t at = 0;

	r->out.len = 0;
	do {
		size_t n = r->in.len - at;

		if (r->step && n > r->step)
			n = r->step;
		at += syncer_run(r->y, r->in.data + at, n, SYNCER_OUT);
		take(r);
	} while (at < r->in.len || syncer_has_more(r->y));
	r->in.len = 0;
}

static uint32_t word(const struct rig *r, size_t at)
{
	assert_true(at + 4 <= r->out.len);
	return (uint32_t)r->out.data[at] | r->out.data[at + 1] << 8 | r->out.data[at + 2] << 16 |
	       (uint32_t)r->out.data[at + 3] << 24;
}

static void is_okay(struct rig *r)
{
	assert_int_equal(r->out.len, 8);
	assert_int_equal(word(r, 0), ADB_SYNC_OKAY);
	assert_false(syncer_ended(r->y));
}

static void is_fail(struct rig *r, const char *text)
{
	assert_int_equal(word(r, 0), ADB_SYNC_FAIL);
	assert_int_equal(word(r, 4) + 8, r->out.len);
	if (!memmem(r->out.data + 8, r->out.len - 8, text, strlen(text)))
		fail_msg("no \"%s\" in \"%s\"", text, buf_text(&r->out) + 8);
}

/* The DATA of an answer, joined; it ends with DONE. */
static void collect(struct rig *r, struct buf *ret)
{
	size_t at = 0;

	buf_init(ret, 0);
	while (word(r, at) == ADB_SYNC_DATA) {
		uint32_t n = word(r, at + 4);

		assert_true(n <= ADB_SYNC_DATA_MAX && at + 8 + n <= r->out.len);
		buf_put(ret, r->out.data + at + 8, n);
		at += 8 + n;
	}
	assert_int_equal(word(r, at), ADB_SYNC_DONE);
	assert_int_equal(at + 8, r->out.len);
}

static void put_file(struct rig *r, const char *path_mode, const char *text)
{
	request(r, ADB_SYNC_SEND, path_mode);
	data(r, text, strlen(text));
	done(r, 1000000000);
	run(r);
	is_okay(r);
}

static struct stat stat_of(struct rig *r, const char *path)
{
	char full[256];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", r->s.dir, path);
	assert_int_equal(lstat(full, &st), 0);
	return st;
}

static const size_t steps[] = {0, 1, 7, 100};

static void a_file_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct rig r;
		struct buf got;
		struct stat st;

		rig_init(&r, steps[i]);
		put_file(&r, "/a/b/c.txt,33184", "hello, phone"); /* 0100640 */
		st = stat_of(&r, "a/b/c.txt");
		assert_int_equal(st.st_mode, S_IFREG | 0666); /* the owner's rights for all */
		assert_int_equal(st.st_mtime, 1000000000);
		request(&r, ADB_SYNC_RECV, "/a/b/c.txt");
		run(&r);
		collect(&r, &got);
		assert_string_equal(buf_text(&got), "hello, phone");
		buf_fini(&got);
		rig_fini(&r);
	}
}

static void version_2_with_each_compression(void **state)
{
	static const uint32_t kinds[] = {0, ADB_SYNC_BROTLI, ADB_SYNC_LZ4, ADB_SYNC_ZSTD};
	static uint8_t file[300000], packed[400000], back[300000];

	(void)state;
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = i * 2654435761u >> 20;
	for (size_t k = 0; k < 4; k++) {
		struct adb_compress *z;
		size_t used, made, n = sizeof(file);
		const uint8_t *p = file;
		struct buf got;
		struct rig r;

		rig_init(&r, 1000);
		if (kinds[k]) {
			z = adb_compress_new(kinds[k], false);
			assert_int_equal(adb_compress_run(z, file, sizeof(file), &used, packed,
						 sizeof(packed), &n, true),
				1);
			adb_compress_free(z);
			p = packed;
		}
		request(&r, ADB_SYNC_SND2, "/f");
		u32(&r, ADB_SYNC_SND2);
		u32(&r, 0100755);
		u32(&r, kinds[k]);
		for (size_t at = 0; at < n; at += ADB_SYNC_DATA_MAX)
			data(&r, p + at, n - at < ADB_SYNC_DATA_MAX ? n - at : ADB_SYNC_DATA_MAX);
		done(&r, 1);
		run(&r);
		is_okay(&r);
		assert_int_equal(stat_of(&r, "f").st_size, sizeof(file));
		assert_int_equal(stat_of(&r, "f").st_mode & 0777, 0777);

		request(&r, ADB_SYNC_RCV2, "/f");
		u32(&r, ADB_SYNC_RCV2);
		u32(&r, kinds[k]);
		run(&r);
		collect(&r, &got);
		made = got.len;
		if (kinds[k]) {
			z = adb_compress_new(kinds[k], true);
			assert_int_equal(adb_compress_run(z, got.data, got.len, &used, back,
						 sizeof(back), &made, true),
				1);
			adb_compress_free(z);
		} else {
			memcpy(back, got.data, got.len);
		}
		assert_int_equal(made, sizeof(file));
		assert_memory_equal(back, file, sizeof(file));
		buf_fini(&got);
		rig_fini(&r);
	}
}

static void a_dry_run_writes_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	request(&r, ADB_SYNC_SND2, "/f");
	u32(&r, ADB_SYNC_SND2);
	u32(&r, 0100644);
	u32(&r, ADB_SYNC_DRY_RUN);
	data(&r, "abc", 3);
	done(&r, 1);
	run(&r);
	is_okay(&r);
	request(&r, ADB_SYNC_STAT, "/f");
	run(&r);
	assert_int_equal(word(&r, 4), 0);
	rig_fini(&r);
}

static void stats_of_both_versions(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 3);
	put_file(&r, "/f,33188", "12345");
	request(&r, ADB_SYNC_SEND, "/l,41471"); /* 0120777 */
	data(&r, "f", 1);
	done(&r, 5);
	run(&r);
	is_okay(&r);
	request(&r, ADB_SYNC_STAT, "/l"); /* lstat */
	run(&r);
	assert_int_equal(r.out.len, ADB_SYNC_STAT_BYTES);
	assert_int_equal(word(&r, 4) & S_IFMT, S_IFLNK);
	request(&r, ADB_SYNC_STA2, "/l");
	run(&r);
	assert_int_equal(r.out.len, ADB_SYNC_STAT2_BYTES);
	assert_int_equal(word(&r, 0), ADB_SYNC_STA2);
	assert_int_equal(word(&r, 4), 0);
	assert_int_equal(word(&r, 24) & S_IFMT, S_IFREG);
	request(&r, ADB_SYNC_LST2, "/none");
	run(&r);
	assert_int_equal(word(&r, 0), ADB_SYNC_LST2);
	assert_int_equal(word(&r, 4), ENOENT);
	rig_fini(&r);
}

static void lists_end_with_a_done_of_their_size(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	put_file(&r, "/d/one,33188", "1");
	put_file(&r, "/d/two,33188", "22");
	request(&r, ADB_SYNC_LIST, "/d");
	run(&r);
	/* ".", "..", "one", "two" */
	assert_int_equal(r.out.len, 4 * ADB_SYNC_DENT_BYTES + 1 + 2 + 3 + 3 + ADB_SYNC_DENT_BYTES);
	assert_int_equal(word(&r, r.out.len - ADB_SYNC_DENT_BYTES), ADB_SYNC_DONE);
	request(&r, ADB_SYNC_LIS2, "/d");
	run(&r);
	assert_int_equal(r.out.len, 4 * ADB_SYNC_DNT2_BYTES + 9 + ADB_SYNC_DNT2_BYTES);
	request(&r, ADB_SYNC_LIS2, "/none");
	run(&r);
	assert_int_equal(r.out.len, ADB_SYNC_DNT2_BYTES);
	rig_fini(&r);
}

static void a_failure_is_told_at_once_and_drained(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	put_file(&r, "/f,33188", "x");
	request(&r, ADB_SYNC_SEND, "/f/g,33188"); /* below a file */
	run(&r);
	is_fail(&r, "secure_mkdirs failed: Not a directory");
	assert_false(syncer_ended(r.y));
	data(&r, "thrown away", 11);
	run(&r);
	assert_int_equal(r.out.len, 0);
	done(&r, 1);
	run(&r);
	assert_int_equal(r.out.len, 0);
	assert_true(syncer_ended(r.y));
	rig_fini(&r);
}

static void nonsense_ends_it(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	request(&r, ADB_SYNC_ID('N', 'O', 'P', 'E'), "x");
	run(&r);
	is_fail(&r, "unknown command");
	assert_true(syncer_ended(r.y));
	rig_fini(&r);

	rig_init(&r, 0);
	u32(&r, ADB_SYNC_STAT);
	u32(&r, ADB_SYNC_PATH_MAX + 1);
	run(&r);
	is_fail(&r, "path too long");
	rig_fini(&r);

	rig_init(&r, 0);
	request(&r, ADB_SYNC_SEND, "/f,33188");
	u32(&r, ADB_SYNC_DATA);
	u32(&r, ADB_SYNC_DATA_MAX + 1);
	run(&r);
	is_fail(&r, "oversize data message");
	assert_true(syncer_ended(r.y));
	rig_fini(&r);

	rig_init(&r, 0);
	request(&r, ADB_SYNC_RCV2, "/f");
	u32(&r, ADB_SYNC_RCV2);
	u32(&r, ADB_SYNC_LZ4 | ADB_SYNC_ZSTD);
	run(&r);
	is_fail(&r, "unsupported compression");
	rig_fini(&r);

	rig_init(&r, 0);
	request(&r, ADB_SYNC_QUIT, "");
	run(&r);
	assert_int_equal(r.out.len, 0);
	assert_true(syncer_ended(r.y));
	rig_fini(&r);
}

static void a_path_at_its_bound_is_taken(void **state)
{
	char path[ADB_SYNC_PATH_MAX + 1];
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	memset(path, '/', ADB_SYNC_PATH_MAX);
	path[ADB_SYNC_PATH_MAX] = '\0';
	request(&r, ADB_SYNC_STAT, path);
	run(&r);
	assert_int_equal(word(&r, 4) & S_IFMT, S_IFDIR);
	rig_fini(&r);
}

/* Links and dots that the phone's programs made stay in the phone. */
static void nothing_leads_out(void **state)
{
	struct support outside;
	char target[128], at[256];
	struct rig r;

	(void)state;
	support_init(&outside);
	rig_init(&r, 0);
	snprintf(at, sizeof(at), "%s/out", r.s.dir);
	assert_int_equal(symlink(outside.dir, at), 0);
	request(&r, ADB_SYNC_SEND, "/out/evil,33188");
	done(&r, 1);
	run(&r);
	snprintf(target, sizeof(target), "/../../../..%s/evil,33188", outside.dir);
	if (syncer_ended(r.y)) { /* the link leads nowhere in the phone */
		rig_fini(&r);
		rig_init(&r, 0);
	}
	request(&r, ADB_SYNC_SEND, target);
	done(&r, 1);
	run(&r);
	snprintf(at, sizeof(at), "%s/evil", outside.dir);
	assert_int_equal(access(at, F_OK), -1);
	rig_fini(&r);
	support_fini(&outside);
}

static void only_plain_files_are_read(void **state)
{
	char at[256];
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	snprintf(at, sizeof(at), "%s/pipe", r.s.dir);
	assert_int_equal(mkfifo(at, 0666), 0);
	request(&r, ADB_SYNC_RECV, "/pipe"); /* would wait for a writer */
	run(&r);
	is_fail(&r, "open failed: Invalid argument");
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_there_and_back),
		cmocka_unit_test(version_2_with_each_compression),
		cmocka_unit_test(a_dry_run_writes_nothing),
		cmocka_unit_test(stats_of_both_versions),
		cmocka_unit_test(lists_end_with_a_done_of_their_size),
		cmocka_unit_test(a_failure_is_told_at_once_and_drained),
		cmocka_unit_test(nonsense_ends_it),
		cmocka_unit_test(a_path_at_its_bound_is_taken),
		cmocka_unit_test(nothing_leads_out),
		cmocka_unit_test(only_plain_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
