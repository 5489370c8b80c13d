/* SPDX-License-Identifier: Apache-2.0 */
/* The floor below which no command is obeyed, and that it is not lost. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
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
		cmocka_unit_test(a_farms_id_is_one_word),
	};

	return cmocka_run_group_tests_name("agent epochs", tests, NULL, NULL);
}
