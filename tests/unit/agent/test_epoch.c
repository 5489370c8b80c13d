/* SPDX-License-Identifier: Apache-2.0 */
/* The floor below which no command is obeyed, and that it is not lost. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/epoch.h"

static void the_floor_rises_and_never_falls(void **state)
{
	struct tree t;
	struct epochs e;

	(void)state;
	tree_init(&t);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_int_equal(epochs_floor(&e, "a"), 0);
	assert_int_equal(epochs_raise(&e, "a", 7), 0);
	assert_int_equal(epochs_raise(&e, "a", 3), 0);
	assert_int_equal(epochs_floor(&e, "a"), 7);
	assert_int_equal(epochs_load(&e, t.fd), 0); /* as after a restart */
	assert_int_equal(epochs_floor(&e, "a"), 7);
	tree_fini(&t);
}

static void each_farm_has_its_own_and_the_last_heard_of_comes_first(void **state)
{
	struct tree t;
	struct epochs e;
	char farm[16];

	(void)state;
	tree_init(&t);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	for (int i = 0; i < EPOCH_FARMS_MAX; i++) {
		snprintf(farm, sizeof(farm), "farm-%d", i);
		assert_int_equal(epochs_raise(&e, farm, 100 + i), 0);
	}
	assert_int_equal(epochs_raise(&e, "farm-0", 0), 0); /* heard of again */
	assert_string_equal(e.floors[0].farm, "farm-0");
	assert_int_equal(e.floors[0].epoch, 100);
	assert_int_equal(epochs_raise(&e, "new", 1), 0);
	assert_int_equal(e.n, EPOCH_FARMS_MAX);
	assert_int_equal(epochs_floor(&e, "farm-0"), 100);
	assert_int_equal(epochs_floor(&e, "farm-1"), 0); /* heard of longest ago */
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_string_equal(e.floors[0].farm, "new");
	assert_int_equal(epochs_floor(&e, "farm-7"), 107);
	tree_fini(&t);
}

static void a_damaged_file_is_kept_aside_and_said(void **state)
{
	static const char *const bad[] = {"a\n", "a b\n", "a -1\n", "a 99999999999999999999\n",
		"ä 1\n", "a 1\nb\n", "1 1\n2 2\n3 3\n4 4\n5 5\n6 6\n7 7\n8 8\n9 9\n"};
	struct tree t;
	struct epochs e;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tree_init(&t);
		tree_put(&t, "/epochs", bad[i]);
		assert_int_equal(epochs_load(&e, t.fd), -EBADMSG);
		assert_int_equal(e.n, 0);
		snprintf(path, sizeof(path), "%s/epochs.bad", t.dir);
		assert_int_equal(access(path, F_OK), 0);
		assert_int_equal(epochs_raise(&e, "a", 1), 0);
		tree_fini(&t);
	}
}

/* ---- the slots ---- */

#define SLOT   4096
#define LENGTH (2 * SLOT)

static void read_file(const struct tree *t, uint8_t mem[LENGTH])
{
	int fd = openat(t->fd, "epochs", O_RDONLY);

	assert_int_equal(pread(fd, mem, LENGTH, 0), LENGTH);
	close(fd);
}

static void write_file(const struct tree *t, const uint8_t mem[LENGTH])
{
	int fd = openat(t->fd, "epochs", O_WRONLY);

	assert_int_equal(pwrite(fd, mem, LENGTH, 0), LENGTH);
	close(fd);
}

static ino_t file_number(const struct tree *t)
{
	struct stat st;

	assert_int_equal(fstatat(t->fd, "epochs", &st, 0), 0);
	return st.st_ino;
}

static int64_t floor_of(const struct tree *t, const char *farm)
{
	struct epochs e;

	assert_int_equal(epochs_load(&e, t->fd), 0);
	return epochs_floor(&e, farm);
}

static int64_t floor_after_restart(const struct tree *t)
{
	return floor_of(t, "a");
}

/* Each write goes to the slot that does not count, and only there. */
static void a_raise_writes_one_slot_in_place(void **state)
{
	uint8_t before[LENGTH], after[LENGTH];
	struct tree t;
	struct epochs e;
	ino_t number;

	(void)state;
	tree_init(&t);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_int_equal(epochs_raise(&e, "a", 1), 0);
	number = file_number(&t);
	for (int i = 2; i < 6; i++) {
		int kept = (i & 1) * SLOT;

		read_file(&t, before);
		assert_int_equal(epochs_raise(&e, "a", i), 0);
		read_file(&t, after);
		assert_memory_equal(before + kept, after + kept, SLOT);
		assert_memory_not_equal(before + SLOT - kept, after + SLOT - kept, SLOT);
		assert_int_equal(file_number(&t), number);
		assert_int_equal(floor_after_restart(&t), i);
		assert_int_equal(epochs_load(&e, t.fd), 0); /* goes on where it stopped */
	}
	tree_fini(&t);
}

/* The power may go after any byte of a write: the floor is the one before it or the new one, never lower. */
static void a_write_cut_short_leaves_the_floor_before_it(void **state)
{
	uint8_t before[LENGTH], after[LENGTH], torn[LENGTH];
	struct tree t;
	struct epochs e;

	(void)state;
	tree_init(&t);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	for (int epoch = 1; epoch < 4; epoch++) {
		assert_int_equal(epochs_raise(&e, "a", epoch), 0);
		assert_int_equal(epochs_raise(&e, "b", 1000 + epoch), 0);
	}
	read_file(&t, before);
	assert_int_equal(epochs_raise(&e, "a", 9), 0);
	read_file(&t, after);
	for (int n = 0; n <= LENGTH; n += n % SLOT < 128 ? 1 : 100) {
		memcpy(torn, after, n);
		memcpy(torn + n, before + n, LENGTH - n);
		write_file(&t, torn);
		assert_in_range(floor_after_restart(&t), 3, 9);
		assert_int_equal(floor_of(&t, "b"), 1003);
		memcpy(torn, before, n); /* the disk may have begun with its end */
		memcpy(torn + n, after + n, LENGTH - n);
		write_file(&t, torn);
		assert_in_range(floor_after_restart(&t), 3, 9);
		assert_int_equal(floor_of(&t, "b"), 1003);
	}
	write_file(&t, after);
	assert_int_equal(floor_after_restart(&t), 9);
	tree_fini(&t);
}

/* Nor does the write behind such a one touch the only slot that is whole. */
static void what_was_spoilt_is_written_over_next(void **state)
{
	uint8_t mem[LENGTH], after[LENGTH];
	struct tree t;
	struct epochs e;

	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		int whole = !bad * SLOT;
		int64_t floor;

		tree_init(&t);
		assert_int_equal(epochs_load(&e, t.fd), 0);
		for (int epoch = 1; epoch < 5; epoch++)
			assert_int_equal(epochs_raise(&e, "a", epoch), 0);
		read_file(&t, mem);
		mem[bad * SLOT + 30] ^= 1;
		write_file(&t, mem);
		assert_int_equal(epochs_load(&e, t.fd), 0);
		floor = epochs_floor(&e, "a");
		assert_in_range(floor, 3, 4);
		assert_int_equal(epochs_raise(&e, "a", floor + 1), 0);
		read_file(&t, after);
		assert_memory_equal(mem + whole, after + whole, SLOT);
		assert_int_equal(floor_after_restart(&t), floor + 1);
		tree_fini(&t);
	}
}

static void two_spoilt_slots_are_a_damaged_file(void **state)
{
	uint8_t mem[LENGTH];
	struct tree t;
	struct epochs e;

	(void)state;
	tree_init(&t);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_int_equal(epochs_raise(&e, "a", 1), 0);
	assert_int_equal(epochs_raise(&e, "a", 2), 0);
	read_file(&t, mem);
	mem[20] ^= 1;
	mem[SLOT + 20] ^= 1;
	write_file(&t, mem);
	assert_int_equal(epochs_load(&e, t.fd), -EBADMSG);
	assert_int_equal(e.n, 0);
	assert_int_equal(faccessat(t.fd, "epochs.bad", F_OK, 0), 0);
	assert_int_equal(epochs_raise(&e, "a", 3), 0);
	assert_int_equal(floor_after_restart(&t), 3);
	tree_fini(&t);
}

/* The lines of the agents before this. */
static void the_older_form_is_read_and_replaced(void **state)
{
	uint8_t mem[LENGTH];
	struct tree t;
	struct epochs e;
	ino_t number;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/epochs", "b82326e719b7127b 12\na 7\n");
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_int_equal(epochs_floor(&e, "a"), 7);
	assert_int_equal(epochs_raise(&e, "b82326e719b7127b", 12), 0); /* nothing new */
	assert_int_equal(floor_after_restart(&t), 7);
	number = file_number(&t);
	assert_int_equal(
		epochs_raise(&e, "a", 3), 0); /* heard of again: written, as another file */
	assert_true(file_number(&t) != number);
	read_file(&t, mem);
	assert_int_equal(floor_after_restart(&t), 7);
	assert_int_equal(epochs_load(&e, t.fd), 0);
	assert_int_equal(epochs_floor(&e, "b82326e719b7127b"), 12);
	tree_fini(&t);
}

static void a_farms_id_is_one_word(void **state)
{
	(void)state;
	assert_true(epochs_farm_is_valid("3f2a-11:x_y.z"));
	assert_false(epochs_farm_is_valid(""));
	assert_false(epochs_farm_is_valid("a b"));
	assert_false(epochs_farm_is_valid("a\nb 9"));
	assert_false(epochs_farm_is_valid("/etc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_floor_rises_and_never_falls),
		cmocka_unit_test(each_farm_has_its_own_and_the_last_heard_of_comes_first),
		cmocka_unit_test(a_damaged_file_is_kept_aside_and_said),
		cmocka_unit_test(a_raise_writes_one_slot_in_place),
		cmocka_unit_test(a_write_cut_short_leaves_the_floor_before_it),
		cmocka_unit_test(what_was_spoilt_is_written_over_next),
		cmocka_unit_test(two_spoilt_slots_are_a_damaged_file),
		cmocka_unit_test(the_older_form_is_read_and_replaced),
		cmocka_unit_test(a_farms_id_is_one_word),
	};

	return cmocka_run_group_tests_name("agent epochs", tests, NULL, NULL);
}
