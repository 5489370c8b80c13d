/* SPDX-License-Identifier: Apache-2.0 */
/* Lists page by page while rows come and go, and cursors that are none. */
#include "support.h"

#include <stdlib.h>

#include "api/bounds.h"
#include "api/cursor.h"
#include "base/str.h"
#include "core/rows.h"

/* ---- a walk ---- */

struct walk {
	const char *list, *path; /* with its filters and limit: "/api/v1/jobs?limit=2" */
	char next[CURSOR_MAX];   /* "" behind the last page */
	int seen[1000];          /* numbers of ids, in the order in which they came */
	int n;
};

static void get_page(struct rig *r, const struct walk *w, struct response *ret_p)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", w->path, *w->next ? "&cursor=" : "", w->next);
	ask_get(r, path, ret_p);
	assert_status(ret_p, 200);
}

/* One page; its length. */
static int step(struct rig *r, struct walk *w)
{
	struct response p;
	int n = 0;

	get_page(r, w, &p);
	JSON_FOREACH (item, response_at(&p, w->list)) {
		const struct json *id = json_get(item, "id");

		if (!id)
			id = json_get(item, "attempt");
		w->seen[w->n++] = atoi(json_str(id) + 1);
		n++;
	}
	w->next[0] = '\0';
	if (!json_is_null(response_at(&p, "next")))
		assert_true(str_copy(w->next, sizeof(w->next), response_str(&p, "next")));
	response_free(&p);
	return n;
}

static void seen_are(const struct walk *w, const int *ids, int n)
{
	assert_int_equal(w->n, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(w->seen[i], ids[i]);
}

static void put_device(struct rig *r, int64_t id)
{
	struct device_row d = {.id = id, .state = DEVICE_READY};

	snprintf(d.key, sizeof(d.key), "test:%d", (int)id);
	fake_put(r->ctl, &device_table, &d);
}

/* ---- rows that come and go ---- */

static void jobs_that_come_or_go_between_two_pages_double_and_hide_none(void **state)
{
	struct walk w = {"jobs", "/api/v1/jobs?limit=2"};
	struct rig *r = *state;
	struct job_row late = {.id = 50, .state = JOB_RUNNING, .name = "late"};

	seed_jobs(r->ctl, 6); /* j2 … j7 */
	assert_int_equal(step(r, &w), 2);
	for (int i = 5; i <= 6; i++)
		fake_del(r->ctl, &run_table, i); /* which belongs to the job */
	fake_put(r->ctl, &job_table, &late);     /* newer than what was seen */
	fake_del(r->ctl, &job_table, 6);         /* the very row that the cursor stands at */
	fake_del(r->ctl, &job_table, 5);         /* the one that would have been next */
	while (*w.next)
		step(r, &w);
	seen_are(&w, (const int[]){7, 6, 4, 3, 2}, 5);
}

/* A run that ends while the list of those that run is walked is not waited for, and hides none. */
static void a_row_that_leaves_the_filter_hides_no_other(void **state)
{
	struct walk w = {"runs", "/api/v1/runs?state=running&limit=2"};
	struct run_row ended = {.id = 5, .job = 5, .state = RUN_COMPLETED};
	struct rig *r = *state;

	seed_jobs(r->ctl, 6); /* r2 … r7 */
	step(r, &w);
	fake_put(r->ctl, &run_table, &ended);
	while (*w.next)
		step(r, &w);
	seen_are(&w, (const int[]){7, 6, 4, 3, 2}, 5);
}

static void devices_are_paged_too(void **state)
{
	struct walk w = {"devices", "/api/v1/devices?limit=2"};
	struct rig *r = *state;

	for (int i = 1; i <= 5; i++)
		put_device(r, i);
	step(r, &w);
	put_device(r, 9);
	fake_del(r->ctl, &device_table, 3);
	while (*w.next)
		step(r, &w);
	seen_are(&w, (const int[]){5, 4, 2, 1}, 4);
}

static void put_attempt(struct rig *r, int64_t id)
{
	const struct attempt_row a = {
		.id = id, .run = 1, .job = 1, .device = 1, .round = 1, .state = ATTEMPT_DONE};

	fake_put(r->ctl, &attempt_table, &a);
}

/* Each of these attempts has two files, so pages of three end inside of one. */
static void artifacts_are_paged_within_an_attempt(void **state)
{
	static const char *const paths[] = {
		"/api/v1/jobs/j1/artifacts?limit=3", "/api/v1/runs/r1/artifacts?limit=3"};
	struct rig *r = *state;

	seed_one(r->ctl); /* a1 */
	for (int i = 9000; i < 9004; i++)
		put_attempt(r, i);
	for (int i = 0; i < 2; i++) {
		struct walk w = {"artifacts", paths[i]};

		assert_int_equal(step(r, &w), 3);
		put_attempt(r, 9004 + i);
		while (*w.next)
			step(r, &w);
		assert_int_equal(w.n, 2 * (6 + i));
		for (int k = 0; k < w.n; k++)
			assert_int_equal(w.seen[k], k < 2 ? 1 : 8999 + k / 2);
	}
}

/* ---- bounds ---- */

static void a_page_has_at_most_two_hundred(void **state)
{
	struct walk w = {"jobs", "/api/v1/jobs?limit=200"};
	struct rig *r = *state;

	seed_jobs(r->ctl, API_PAGE_MAX + 1);
	assert_int_equal(step(r, &w), API_PAGE_MAX);
	assert_true(*w.next);
	assert_int_equal(step(r, &w), 1);
	assert_string_equal(w.next, "");
	w = (struct walk){"jobs", "/api/v1/jobs?branch=main"};
	assert_int_equal(step(r, &w), API_PAGE_DEFAULT);
}

/* ---- cursors that are none ---- */

static void is_refused(struct rig *r, const char *list, const char *cursor)
{
	struct response p;
	char path[256];

	snprintf(path, sizeof(path), "%scursor=%s", list, cursor);
	ask_get(r, path, &p);
	if (p.status != 400)
		fail_msg("%s: %d", path, p.status);
	assert_non_null(strstr(response_str(&p, "detail"), "begin anew"));
	response_free(&p);
}

static void a_cursor_that_was_changed_or_made_up_is_refused(void **state)
{
	static const char *const made_up[] = {"1", "5", "-4", "0-0-0", "1-0-0000000000000000",
		"%20", "x", "7fffffffffffffff-0-0123456789abcdef", "null",
		"1-0-00000000000000000000000000000000000000000000000000000000000000000000"};
	struct walk w = {"jobs", "/api/v1/jobs?limit=2"};
	struct rig *r = *state;
	char changed[CURSOR_MAX];

	seed_jobs(r->ctl, 6);
	step(r, &w);
	for (size_t i = 0; i < strlen(w.next); i++) {
		str_copy(changed, sizeof(changed), w.next);
		changed[i] = changed[i] == '1' ? '2' : '1';
		is_refused(r, "/api/v1/jobs?", changed);
		changed[i] = '\0';
		if (i)
			is_refused(r, "/api/v1/jobs?", changed);
	}
	for (size_t i = 0; i < sizeof(made_up) / sizeof(*made_up); i++)
		is_refused(r, "/api/v1/jobs?", made_up[i]);
}

static void a_cursor_of_another_list_is_refused(void **state)
{
	static const char *const others[] = {"/api/v1/runs?", "/api/v1/jobs?state=running&",
		"/api/v1/jobs?name=more&", "/api/v1/devices?", "/api/v1/jobs/j2/artifacts?",
		"/api/v1/runs?view=summary&"};
	struct walk w = {"jobs", "/api/v1/jobs?limit=2"};
	struct rig *r = *state;

	seed_jobs(r->ctl, 6);
	step(r, &w);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		is_refused(r, others[i], w.next);
}

/* Another length of the page, another order of the filters, another process: the same list. */
static void a_cursor_is_good_after_a_restart_and_for_another_length(void **state)
{
	struct walk w = {"jobs", "/api/v1/jobs?branch=main&state=running&limit=2"};
	struct rig *r = *state;

	seed_jobs(r->ctl, 6);
	step(r, &w);
	api_free(r->api);
	rig_start(r, NULL);
	w.path = "/api/v1/jobs?limit=100&state=running&branch=main";
	assert_int_equal(step(r, &w), 4);
	seen_are(&w, (const int[]){7, 6, 5, 4, 3, 2}, 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(jobs_that_come_or_go_between_two_pages_double_and_hide_none),
		T(a_row_that_leaves_the_filter_hides_no_other),
		T(devices_are_paged_too),
		T(artifacts_are_paged_within_an_attempt),
		T(a_page_has_at_most_two_hundred),
		T(a_cursor_that_was_changed_or_made_up_is_refused),
		T(a_cursor_of_another_list_is_refused),
		T(a_cursor_is_good_after_a_restart_and_for_another_length),
	};

	return cmocka_run_group_tests_name("api_cursor", tests, NULL, NULL);
}
