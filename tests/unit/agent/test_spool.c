/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured survives: torn tails, flipped bits, failed writes. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool.h"
#include "plan.h"

#define ATTEMPT 41

static const struct spool_meta meta = {
	.attempt = ATTEMPT,
	.epoch = 3,
	.boot = 0x1122334455667788,
	.farm = "farm-a",
	.kernel_boot_id = "boot",
	.mono_ns = 1,
	.plan = (const uint8_t *)"plan",
	.plan_len = 4,
};

/* ---- writing and reading back ---- */

static void text(struct spool *s, const char *what)
{
	struct msg_chunk c = {.stream = 1,
		.kind = STREAM_TEXT,
		.n = strlen(what),
		.payload = (const uint8_t *)what,
		.len = strlen(what)};

	assert_int_equal(spool_append(s, &c), 0);
}

static void frames_are_numbered_and_read_back(void **state)
{
	struct tree t;
	struct spool s;
	struct msg_chunk c;
	uint8_t buf[SPOOL_FRAME_MAX];
	int64_t off = 0;
	ssize_t n;

	(void)state;
	tree_init(&t);
	assert_int_equal(spool_create(&s, t.fd, &meta), 0);
	text(&s, "one");
	text(&s, "two");
	assert_int_equal(s.synced, 0);
	assert_int_equal(spool_sync(&s), 0);
	assert_int_equal(s.synced, s.size);
	for (unsigned i = 1; i <= 2; i++) {
		n = spool_read_frame(s.frames, off, s.size, buf, &c);
		assert_true(n > 0);
		assert_int_equal(c.seq, i);
		assert_int_equal(c.attempt, ATTEMPT);
		assert_true(c.boot == meta.boot);
		assert_memory_equal(c.payload, i == 1 ? "one" : "two", 3);
		off += n;
	}
	assert_int_equal(spool_read_frame(s.frames, off, s.size, buf, &c), 0);
	spool_close(&s);
	assert_int_equal(spool_create(&s, t.fd, &meta), -EEXIST);
	tree_fini(&t);
}

static void the_meta_is_whole_or_not_there(void **state)
{
	struct tree t;
	struct spool s;
	struct spool_meta m;
	uint8_t *mem;
	struct stat st;

	(void)state;
	tree_init(&t);
	assert_int_equal(spool_create(&s, t.fd, &meta), 0);
	spool_close(&s);
	assert_int_equal(spool_load_meta(t.fd, ATTEMPT, &m, &mem), 0);
	assert_int_equal(m.epoch, 3);
	assert_string_equal(m.farm, "farm-a");
	assert_string_equal(m.kernel_boot_id, "boot");
	assert_int_equal(m.plan_len, 4);
	assert_memory_equal(m.plan, "plan", 4);
	free(mem);
	assert_int_equal(fstatat(t.fd, "41/meta", &st, 0), 0);
	for (off_t cut = 0; cut < st.st_size; cut++) {
		int fd = openat(t.fd, "41/meta", O_RDWR);

		assert_int_equal(ftruncate(fd, st.st_size - 1 - cut), 0);
		close(fd);
		assert_int_equal(spool_load_meta(t.fd, ATTEMPT, &m, &mem), -EBADMSG);
	}
	assert_int_equal(spool_load_meta(t.fd, 99, &m, &mem), -ENOENT);
	tree_fini(&t);
}

static void the_end_lists_every_stream(void **state)
{
	struct tree t;
	struct spool s;
	struct msg_end m;
	uint8_t buf[SPOOL_FRAME_MAX];
	ssize_t n;

	(void)state;
	tree_init(&t);
	assert_int_equal(spool_create(&s, t.fd, &meta), 0);
	assert_int_equal(spool_load_end(t.fd, ATTEMPT, buf, sizeof(buf)), 0);
	text(&s, "one");
	text(&s, "two");
	s.streams[300].last_seq = 7;
	assert_int_equal(spool_end(&s, OUTCOME_CRASH, "it broke"), 0);
	spool_close(&s);
	n = spool_load_end(t.fd, ATTEMPT, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(msg_end_get(buf + PROTO_HEADER, n - PROTO_HEADER, &m), 0);
	assert_int_equal(m.outcome, OUTCOME_CRASH);
	assert_string_equal(m.cause, "it broke");
	assert_int_equal(m.n_streams, 2);
	assert_int_equal(m.streams[0].stream, 1);
	assert_int_equal(m.streams[0].last_seq, 2);
	assert_int_equal(m.streams[1].stream, 300);
	tree_fini(&t);
}

/* ---- torn tails ---- */

/* Copies the first n bytes of the frames, and what follows, into the spool. */
static void set_frames(struct tree *t, const uint8_t *data, size_t n, const void *tail, size_t m)
{
	int fd = openat(t->fd, "41/frames", O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	assert_int_equal(write(fd, tail, m), m);
	close(fd);
}

static size_t get_frames(struct tree *t, uint8_t *data, size_t size)
{
	int fd = openat(t->fd, "41/frames", O_RDONLY);
	ssize_t n = read(fd, data, size);

	close(fd);
	assert_true(n > 0 && (size_t)n < size);
	return n;
}

/* Offsets behind each whole frame, written by text(). */
static unsigned write_frames(struct tree *t, int64_t ends[8])
{
	static const char *const words[] = {"alpha", "b", "cc", "a longer line of text", "e"};
	struct spool s;

	assert_int_equal(spool_create(&s, t->fd, &meta), 0);
	for (unsigned i = 0; i < 5; i++) {
		text(&s, words[i]);
		ends[i] = s.size;
	}
	spool_close(&s);
	return 5;
}

static void a_tail_torn_at_any_byte_is_cut_off(void **state)
{
	static const uint8_t zeros[100], junk[3] = {0x46, 0x46, 0x50};
	const struct {
		const void *tail;
		size_t n;
	} tails[] = {{zeros, 0}, {zeros, 1}, {zeros, sizeof(zeros)}, {junk, sizeof(junk)}};
	struct tree t;
	struct spool s;
	uint8_t whole[4096];
	int64_t ends[8], cut;
	size_t size;

	(void)state;
	tree_init(&t);
	write_frames(&t, ends);
	size = get_frames(&t, whole, sizeof(whole));
	assert_int_equal(size, ends[4]);
	for (size_t n = 0; n <= size; n++) {
		for (unsigned k = 0; k < 4; k++) {
			unsigned kept = 0;

			while (kept < 5 && ends[kept] <= (int64_t)n)
				kept++;
			set_frames(&t, whole, n, tails[k].tail, tails[k].n);
			assert_int_equal(spool_reopen(&s, t.fd, &meta, &cut), 0);
			assert_int_equal(s.size, kept ? ends[kept - 1] : 0);
			assert_int_equal(s.synced, s.size);
			assert_int_equal(cut, n + tails[k].n - s.size);
			assert_int_equal(s.streams[1].last_seq, kept);
			text(&s, "goes on"); /* with the next number, on a clean end */
			spool_close(&s);
			assert_int_equal(spool_reopen(&s, t.fd, &meta, &cut), 0);
			assert_int_equal(cut, 0);
			assert_int_equal(s.streams[1].last_seq, kept + 1);
			spool_close(&s);
		}
	}
	tree_fini(&t);
}

static void a_flipped_bit_ends_what_is_believed(void **state)
{
	struct tree t;
	struct spool s;
	uint8_t whole[4096];
	int64_t ends[8], cut;
	size_t size;

	(void)state;
	tree_init(&t);
	write_frames(&t, ends);
	size = get_frames(&t, whole, sizeof(whole));
	for (size_t at = 0; at < size; at++) {
		unsigned whole_before = 0;

		while (ends[whole_before] <= (int64_t)at)
			whole_before++;
		whole[at] ^= 0x10;
		set_frames(&t, whole, size, NULL, 0);
		whole[at] ^= 0x10;
		assert_int_equal(spool_reopen(&s, t.fd, &meta, &cut), 0);
		assert_int_equal(s.size, whole_before ? ends[whole_before - 1] : 0);
		spool_close(&s);
	}
	tree_fini(&t);
}

static void frames_of_another_attempt_or_out_of_order_are_not_believed(void **state)
{
	struct spool_meta other = meta;
	struct tree t;
	struct spool s;
	uint8_t whole[4096];
	int64_t ends[8], cut;
	size_t size;

	(void)state;
	tree_init(&t);
	write_frames(&t, ends);
	size = get_frames(&t, whole, sizeof(whole));
	other.boot++;
	assert_int_equal(spool_reopen(&s, t.fd, &other, &cut), 0);
	assert_int_equal(s.size, 0);
	assert_int_equal(cut, size);
	spool_close(&s);
	/* The first frame twice, then the third: a gap. */
	set_frames(&t, whole, ends[0], whole, ends[0]);
	assert_int_equal(spool_reopen(&s, t.fd, &meta, &cut), 0);
	assert_int_equal(s.size, ends[0]);
	spool_close(&s);
	set_frames(&t, whole, ends[0], whole + ends[1], size - ends[1]);
	assert_int_equal(spool_reopen(&s, t.fd, &meta, &cut), 0);
	assert_int_equal(s.size, ends[0]);
	spool_close(&s);
	tree_fini(&t);
}

/* ---- a disk that is full ---- */

static void a_failed_write_leaves_nothing_behind(void **state)
{
	struct rlimit old, small;
	struct tree t;
	struct spool s;
	struct msg_chunk c = {.stream = 1, .kind = STREAM_TEXT, .n = 2000, .len = 2000};
	struct stat st;
	uint8_t buf[SPOOL_FRAME_MAX];
	int rc = 0;

	(void)state;
	tree_init(&t);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(spool_create(&s, t.fd, &meta), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){9000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	c.payload = calloc(1, 2000);
	while (!rc)
		rc = spool_append(&s, &c);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(s.streams[1].last_seq, 4);
	assert_int_equal(fstat(s.frames, &st), 0);
	assert_int_equal(st.st_size, s.size);
	/* The end's room was taken beforehand. */
	small.rlim_cur = 8300;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(spool_end(&s, OUTCOME_STORAGE, "full"), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(spool_load_end(t.fd, ATTEMPT, buf, sizeof(buf)) > 0);
	free((void *)c.payload);
	spool_close(&s);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_numbered_and_read_back),
		cmocka_unit_test(the_meta_is_whole_or_not_there),
		cmocka_unit_test(the_end_lists_every_stream),
		cmocka_unit_test(a_tail_torn_at_any_byte_is_cut_off),
		cmocka_unit_test(a_flipped_bit_ends_what_is_believed),
		cmocka_unit_test(frames_of_another_attempt_or_out_of_order_are_not_believed),
		cmocka_unit_test(a_failed_write_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("agent spool", tests, NULL, NULL);
}
