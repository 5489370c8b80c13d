/* SPDX-License-Identifier: Apache-2.0 */
/* What was removed because of its age is told, wherever it was: nothing pretends that nothing was measured. */
#include "support.h"

#include "farm/ctl.h"
#include "store/upkeep.h"

#define NOW 1800000000000LL /* 2027-01-15 */

static void remove_part(struct rig *r, enum upkeep_part part)
{
	struct upkeep_done d;
	struct err e = {0};

	do
		assert_int_equal(upkeep_remove(ctl_store(r->ctl), 1, part, NOW, &d, &e), 0);
	while (d.more);
}

static void values_that_were_removed_are_told(void **state)
{
	struct rig *r = *state;
	struct response p;
	int64_t n;

	seed_one(r->ctl);
	ask_get(r, "/api/v1/runs/r1/series?stream=paced", &p);
	assert_status(&p, 200);
	assert_true(json_is_null(response_at(&p, "raw_removed_at")));
	response_free(&p);
	remove_part(r, UPKEEP_RAW);
	ask_get(r, "/api/v1/runs/r1/samples?stream=paced", &p);
	assert_status(&p, 410);
	assert_non_null(strstr(response_str(&p, "detail"), "removed on 2027-01-15"));
	response_free(&p);
	ask_get(r, "/api/v1/runs/r1/series?stream=paced", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "raw_removed_at"), "2027-01-15T08:00:00.000Z");
	assert_true(response_int(&p, "n.0") > 0); /* from rollups */
	response_free(&p);
	ask_get(r, "/api/v1/runs/r1", &p);
	assert_status(&p, 200);
	n = 0;
	JSON_FOREACH (s, response_at(&p, "streams"))
		n += *json_str(json_get(s, "raw_removed_at")) != '\0';
	assert_true(n > 0);
	response_free(&p);
}

static void rollups_and_text_that_were_removed_are_told(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	remove_part(r, UPKEEP_ROLLUPS);
	ask_get(r, "/api/v1/runs/r1/series?stream=paced", &p);
	assert_status(&p, 410);
	response_free(&p);
	ask_get(r, "/api/v1/jobs/j1/logs", &p);
	assert_status(&p, 200);
	assert_non_null(strstr(p.body, "(this text was removed on 2027-01-15)"));
	response_free(&p);
	ask_get(r, "/api/v1/runs/r1", &p); /* its result is there as it was */
	assert_status(&p, 200);
	assert_true(json_is_object(response_at(&p, "result")));
	response_free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_that_were_removed_are_told),
		TEST(rollups_and_text_that_were_removed_are_told),
	};

	return cmocka_run_group_tests_name("what was removed", tests, NULL, NULL);
}
