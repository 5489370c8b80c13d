/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the driver: the farm's own, made at the first start and kept; those that are imported. */
#include "support_host_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/adb/adb.h"
#include "drivers/adb/driver_adb.h"
#include "support_tmp.h"

#define KEYS_MAX 3

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	char fingerprints[KEYS_MAX][ADB_FINGERPRINT];
	int n;
};

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	tmp_init(&r->tmp);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	tmp_fini(&r->tmp);
	free(r);
	return 0;
}

/* Starts the driver with these files to import, looks at what it has, and stops it. */
static void start(struct rig *r, const char *const *import)
{
	struct driver_option opts[KEYS_MAX + 3] = {{"usb", "off"}, {"address", "127.0.0.1:1"}};
	int n = 2;
	struct adb *a;

	while (import && import[n - 2]) {
		opts[n] = (struct driver_option){"adbkey", import[n - 2]};
		n++;
	}
	r->sh = support_host_new(SUPPORT_INLINE);
	support_start(r->sh, &driver_adb, r->tmp.dir, opts, n);
	while (support_step(r->sh))
		;
	a = r->sh->inst;
	r->n = a->keys.n;
	for (int i = 0; i < r->n && i < KEYS_MAX; i++)
		adb_key_fingerprint(a->keys.keys[i], r->fingerprints[i]);
}

static void stop(struct rig *r)
{
	support_stop(r->sh);
	support_host_free(r->sh);
}

static char *in(struct rig *r, const char *name, char dst[TMP_PATH])
{
	snprintf(dst, TMP_PATH, "%s/%s", r->tmp.dir, name);
	return dst;
}

static void make_key(const char *path)
{
	struct err e = {0};
	struct adb_key *k = adb_key_generate(&e);

	assert_non_null(k);
	assert_int_equal(adb_key_write(k, path, &e), 0);
	adb_key_free(k);
}

/* ---- stories ---- */

static void the_farms_key_is_made_once_and_is_nobody_elses_to_read(void **state)
{
	struct rig *r = *state;
	char path[TMP_PATH], first[ADB_FINGERPRINT];
	struct stat st;

	start(r, NULL);
	stop(r);
	assert_int_equal(r->n, 1);
	strcpy(first, r->fingerprints[0]);
	assert_int_equal(stat(in(r, "adbkey", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(in(r, "adbkey.pub", path), &st), 0);

	start(r, NULL);
	stop(r);
	assert_int_equal(r->n, 1);
	assert_string_equal(r->fingerprints[0], first);
}

static void imported_keys_stand_behind_it_each_once(void **state)
{
	struct rig *r = *state;
	char one[TMP_PATH], two[TMP_PATH], own[TMP_PATH], none[TMP_PATH];
	const char *const import[] = {
		in(r, "one", one), in(r, "none", none), one, in(r, "adbkey", own), NULL};
	const char *const both[] = {one, in(r, "two", two), NULL};
	char first[ADB_FINGERPRINT];

	make_key(one);
	make_key(two);
	start(r, import);
	stop(r);
	assert_int_equal(r->n, 2); /* one that cannot be read costs a tap, not the start */
	strcpy(first, r->fingerprints[1]);
	start(r, both);
	stop(r);
	assert_int_equal(r->n, 3);
	assert_string_equal(r->fingerprints[1], first);
	assert_string_not_equal(r->fingerprints[2], first);
}

static void see(void *arg, const char *address, bool kept, const char *trouble)
{
	(void)address;
	(void)kept;
	snprintf(arg, LIMIT_CAUSE, "%s", trouble);
}

/* Phones were told to trust it, so it is not replaced behind their backs. */
static void a_key_that_is_damaged_is_left_alone_and_said(void **state)
{
	struct rig *r = *state;
	char path[TMP_PATH], trouble[LIMIT_CAUSE] = "";

	tmp_write_text(in(r, "adbkey", path), "half a k");
	start(r, NULL);
	driver_adb.addresses(r->sh->inst, see, trouble);
	stop(r);
	assert_int_equal(r->n, 0);
	assert_non_null(strstr(trouble, path));
	assert_non_null(strstr(trouble, "remove it"));
	assert_string_equal(tmp_read(path), "half a k");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_farms_key_is_made_once_and_is_nobody_elses_to_read),
		T(imported_keys_stand_behind_it_each_once),
		T(a_key_that_is_damaged_is_left_alone_and_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
