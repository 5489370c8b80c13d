/* SPDX-License-Identifier: Apache-2.0 */
/* Runs over HTTP: the list, one whole, its charts and its values; and devices. */
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agents/msg.h"
#include "api/bounds.h"
#include "api/show.h"
#include "base/str.h"
#include "core/rows.h"
#include "support_samples.h"

static void get(struct rig *r, const char *path, int status, struct response *ret_p)
{
	ask_get(r, path, ret_p);
	assert_status(ret_p, status);
}

static void gone(struct rig *r, const char *path, int status)
{
	struct response p;

	get(r, path, status, &p);
	response_free(&p);
}

/* ---- rows ---- */

static void the_list_tells_in_one_line_what_a_run_found(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 2);
	get(r, "/api/v1/runs?view=summary", 200, &p);
	assert_string_equal(response_str(&p, "runs.0.id"), "r3");
	assert_string_equal(response_str(&p, "runs.0.state"), "running");
	assert_true(json_is_null(response_at(&p, "runs.0.summary")));
	assert_string_equal(response_str(&p, "runs.2.job_name"), "seeded");
	assert_string_equal(response_str(&p, "runs.2.model"), "mobilenet");
	assert_string_equal(response_str(&p, "runs.2.variant"), "fp32");
	assert_string_equal(response_str(&p, "runs.2.summary.block"), "paced");
	assert_int_equal(response_int(&p, "runs.2.summary.budget_ns"), 16000000);
	assert_int_equal(response_int(&p, "runs.2.summary.p99_ns"), 17000000);
	assert_int_equal(response_int(&p, "runs.2.summary.over"), 100);
	assert_int_equal(response_int(&p, "runs.2.summary.skipped"), 3);
	assert_null(response_at(&p, "runs.2.result"));
	response_free(&p);
	get(r, "/api/v1/runs?verdict=fail", 200, &p);
	assert_int_equal(json_count(response_at(&p, "runs")), 1);
	assert_string_equal(response_str(&p, "runs.0.result.schema"), "framefarm.result/1");
	response_free(&p);
}

static void a_device_with_a_hostile_name_is_only_text(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	get(r, "/api/v1/runs/r1", 200, &p);
	assert_string_equal(response_str(&p, "device.name"), "bench<b>1</b>");
	assert_string_equal(response_header(&p, "Content-Type"), "application/json");
	response_free(&p);
}

static void one_run_comes_with_all_that_is_known_of_it(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	get(r, "/api/v1/runs/r1", 200, &p);
	assert_string_equal(response_str(&p, "attempts.0.id"), "a1");
	assert_string_equal(response_str(&p, "attempts.0.outcome"), "ok");
	assert_true(json_is_true(response_at(&p, "attempts.0.counted")));
	assert_string_equal(response_str(&p, "attempts.0.record.os"), "Linux");
	assert_string_equal(response_str(&p, "shown_attempt"), "a1");
	assert_int_equal(response_int(&p, "t0_ns"), SAMPLES_BOOT_NS);
	assert_int_equal(json_count(response_at(&p, "streams")), 2);
	assert_string_equal(response_str(&p, "streams.0.name"), "paced");
	assert_int_equal(response_int(&p, "streams.0.n"), 600);
	assert_int_equal(response_int(&p, "streams.0.over"), 100);
	assert_int_equal(response_int(&p, "streams.0.from_ns"), 1000000000);
	assert_string_equal(response_str(&p, "streams.1.unit"), "C");
	assert_int_equal(response_int(&p, "streams.1.scale"), 1000);
	assert_string_equal(response_str(&p, "phases.1.phase"), "paced");
	assert_int_equal(response_int(&p, "phases.1.from_ns"), 1000000000);
	assert_int_equal(response_int(&p, "phases.1.to_ns"), 11000000000);
	assert_string_equal(response_str(&p, "facts.0.key"), "load.cold_ns");
	assert_int_equal(response_int(&p, "facts.0.value"), 123456789);
	assert_string_equal(response_str(&p, "facts.1.value"), "cpu");
	assert_int_equal(response_int(&p, "text_bytes"), 20);
	response_free(&p);
}

static void a_run_that_has_not_begun_is_shown_too(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 1);
	get(r, "/api/v1/runs/r2", 200, &p);
	assert_true(json_is_null(response_at(&p, "shown_attempt")));
	assert_int_equal(json_count(response_at(&p, "attempts")), 0);
	assert_int_equal(json_count(response_at(&p, "streams")), 0);
	response_free(&p);
	gone(r, "/api/v1/runs/r2/series?stream=paced", 404);
	gone(r, "/api/v1/runs/r9", 404);
	gone(r, "/api/v1/runs/r1?attempt=a7", 404);
}

static void progress_is_shown_while_the_run_lives(void **state)
{
	const struct ctl_progress pr = {.job = 2,
		.run = 2,
		.attempt = 9,
		.device = 1,
		.phase = "paced",
		.permille = 420,
		.iterations = 1234,
		.over_budget = 5,
		.thermal_known = true,
		.hottest_mc = 41500};
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 1);
	fake_progress(r->ctl, &pr);
	get(r, "/api/v1/runs?job=j2", 200, &p);
	assert_string_equal(response_str(&p, "runs.0.progress.phase"), "paced");
	assert_int_equal(response_int(&p, "runs.0.progress.permille"), 420);
	assert_int_equal(response_int(&p, "runs.0.progress.hottest_mc"), 41500);
	response_free(&p);
	fake_event(r->ctl, "run", 2, 2, "running", "completed");
	get(r, "/api/v1/runs/r2", 200, &p);
	assert_true(json_is_null(response_at(&p, "progress")));
	response_free(&p);
}

/* ---- charts ---- */

static int64_t sum(const struct response *p, const char *column)
{
	int64_t all = 0, v;

	JSON_FOREACH (n, response_at(p, column)) {
		assert_true(json_int(n, &v));
		all += v;
	}
	return all;
}

static void a_chart_loses_no_slow_frame_at_any_zoom(void **state)
{
	struct rig *r = *state;
	struct response p;
	char path[160];

	seed_one(r->ctl);
	for (int buckets = 1; buckets <= 1000; buckets *= 10) {
		snprintf(path, sizeof(path), "/api/v1/runs/r1/series?stream=paced&buckets=%d",
			buckets);
		get(r, path, 200, &p);
		assert_true(json_count(response_at(&p, "t")) <= buckets);
		assert_int_equal(sum(&p, "n"), 600);
		assert_int_equal(sum(&p, "over"), 100);
		assert_int_equal(response_int(&p, "budget_ns"), 16000000);
		response_free(&p);
	}
}

static void a_chart_can_be_zoomed(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	/* One second from the paced block's begin: 61 frames at 9 ms. */
	get(r, "/api/v1/runs/r1/series?stream=paced&from=1000000000&to=2000000000&buckets=100", 200,
		&p);
	assert_int_equal(sum(&p, "n"), 61);
	assert_int_equal(sum(&p, "over"), 0);
	assert_int_equal(response_int(&p, "t.0"), 1000000000);
	assert_int_equal(response_int(&p, "min.0"), 9000000);
	assert_int_equal(response_int(&p, "last.60"), 9000060);
	response_free(&p);
	get(r, "/api/v1/runs/r1/series?stream=thermal.soc&buckets=2", 200, &p);
	assert_int_equal(response_int(&p, "scale"), 1000);
	assert_int_equal(response_int(&p, "min.0"), 40000);
	response_free(&p);
	/* Beyond the end there is nothing, which is no error. */
	get(r, "/api/v1/runs/r1/series?stream=paced&from=99000000000", 200, &p);
	assert_int_equal(json_count(response_at(&p, "t")), 0);
	response_free(&p);
}

static void a_chart_of_nothing_says_what_there_is(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	get(r, "/api/v1/runs/r1/series?stream=pace", 404, &p);
	assert_non_null(strstr(response_str(&p, "detail"), "paced, thermal.soc"));
	response_free(&p);
	gone(r, "/api/v1/runs/r1/series", 400);
	gone(r, "/api/v1/runs/r1/series?stream=paced&buckets=4001", 400);
	gone(r, "/api/v1/runs/r1/series?stream=paced&from=-1", 400);
}

/* ---- values ---- */

static void every_value_comes_as_csv(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	get(r, "/api/v1/runs/r1/samples?stream=thermal.soc", 200, &p);
	assert_string_equal(response_header(&p, "Content-Type"), "text/csv; charset=utf-8");
	assert_non_null(strstr(response_header(&p, "Content-Disposition"), "attachment"));
	assert_memory_equal(p.body, "t_ns,value\n0,40\n100000000,40.005\n200000000,40.010\n", 47);
	response_free(&p);
	gone(r, "/api/v1/runs/r1/samples?stream=none", 404);
}

/* Many values at the same time and pieces that end anywhere: none is lost, none doubled. */
static void a_long_csv_comes_in_pieces_to_a_slow_reader(void **state)
{
	enum { N = 300000 };
	const struct samples s = {
		.attempt = 1, .stream = 9, .kind = STREAM_COUNTER, .name = "long", .unit = ""};
	int64_t *t = mem_alloc(N * sizeof(*t)), *v = mem_alloc(N * sizeof(*v));
	struct rig *r = *state;
	struct response p;
	const char *line;

	seed_one(r->ctl);
	for (int i = 0; i < N; i++) {
		t[i] = SAMPLES_BOOT_NS + i / 7 * 1000;
		v[i] = i - 1000;
	}
	samples_put(r->ctl, &s, t, v, N);
	get(r, "/api/v1/runs/r1/samples?stream=long", 200, &p);
	line = strchr(p.body, '\n') + 1;
	for (int i = 0; i < N; i++) {
		char want[64];
		int n = snprintf(want, sizeof(want), "%d,%d\n", i / 7 * 1000, i - 1000);

		if (strncmp(line, want, (size_t)n))
			fail_msg("line %d is %.40s", i, line);
		line += n;
	}
	assert_int_equal(*line, '\0');
	response_free(&p);
	mem_free(t);
	mem_free(v);
}

static bool is_idle(void *arg)
{
	return api_idle(((struct rig *)arg)->api);
}

static void a_reader_that_stops_reading_is_cut_off(void **state)
{
	enum { N = 500000 };
	const struct samples s = {
		.attempt = 1, .stream = 9, .kind = STREAM_COUNTER, .name = "long", .unit = ""};
	int64_t *t = mem_alloc(N * sizeof(*t)), *v = mem_alloc(N * sizeof(*v));
	struct rig *r = *state;
	struct client c;

	seed_one(r->ctl);
	for (int i = 0; i < N; i++) {
		t[i] = SAMPLES_BOOT_NS + (int64_t)i * 1000000;
		v[i] = (int64_t)i * 1000003;
	}
	samples_put(r->ctl, &s, t, v, N);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/runs/r1/samples?stream=long", "", "");
	rig_settle(r);
	assert_false(api_idle(r->api));
	fake_advance(r->ctl, API_MOVE_MS + 1);
	rig_until(r, is_idle, r);
	client_close(&c);
	mem_free(t);
	mem_free(v);
}

static void a_download_that_the_end_cuts_has_no_last_chunk(void **state)
{
	enum { N = 60000 };
	const struct samples s = {
		.attempt = 1, .stream = 9, .kind = STREAM_COUNTER, .name = "long", .unit = ""};
	int64_t *t = mem_alloc(N * sizeof(*t)), *v = mem_alloc(N * sizeof(*v));
	struct rig *r = *state;
	struct client c;
	size_t had;

	seed_one(r->ctl);
	for (int i = 0; i < N; i++) {
		t[i] = SAMPLES_BOOT_NS + (int64_t)i * 1000000;
		v[i] = (int64_t)i * 1000003;
	}
	samples_put(r->ctl, &s, t, v, N);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/runs/r1/samples?stream=long", "", "");
	client_until_text(&c, "t_ns,value\n");
	fake_hold_pool(r->ctl, true);
	do {
		had = c.in.len;
		rig_settle_held(r);
		client_pull(&c);
	} while (c.in.len > had);
	api_free(r->api); /* while it waits for more of them */
	r->api = NULL;
	while (!c.closed)
		client_pull(&c);
	assert_null(strstr(buf_text(&c.in), "\r\n0\r\n\r\n"));
	client_close(&c);
	mem_free(t);
	mem_free(v);
}

/* ---- devices ---- */

static void an_absent_device_is_looked_for_where_it_can_be(void **state)
{
	struct device_row d = {.id = 1, .state = DEVICE_ABSENT};

	(void)state;
	assert_non_null(strstr(show_device_advice(&d), "cable"));
	assert_non_null(strstr(show_device_advice(&d), "--local"));
}

static void devices_say_what_they_need_and_what_to_do(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	get(r, "/api/v1/devices", 200, &p);
	assert_string_equal(response_str(&p, "devices.0.id"), "d1");
	assert_string_equal(response_str(&p, "devices.0.state"), "quarantined");
	assert_string_equal(response_str(&p, "devices.0.need"), "fan is stuck");
	assert_non_null(strstr(response_str(&p, "devices.0.advice"), "release"));
	assert_string_equal(
		json_str(json_get(response_at(&p, "devices.0.attrs"), "cpu.cores")), "8");
	response_free(&p);
	get(r, "/api/v1/devices/d1", 200, &p);
	assert_string_equal(response_str(&p, "counters.0.name"), "thermal.soc");
	response_free(&p);
	gone(r, "/api/v1/devices/d2", 404);
	get(r, "/api/v1/devices?state=ready", 200, &p);
	assert_int_equal(json_count(response_at(&p, "devices")), 0);
	response_free(&p);
}

static void operators_act_on_devices(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask(r, "POST", "/api/v1/devices/d1/quarantine", "", "{\"reason\": \"smells\"}", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "text"), "smells");
	response_free(&p);
	ask(r, "POST", "/api/v1/devices/d1/release", "", "", &p);
	assert_status(&p, 409);
	assert_non_null(strstr(response_str(&p, "detail"), "not quarantined"));
	response_free(&p);
	ask(r, "POST", "/api/v1/devices/d101/retire", "", "", &p);
	assert_status(&p, 404);
	response_free(&p);
	ask(r, "POST", "/api/v1/devices/d1/explode", "", "", &p);
	assert_status(&p, 404);
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_list_tells_in_one_line_what_a_run_found),
		T(a_device_with_a_hostile_name_is_only_text),
		T(one_run_comes_with_all_that_is_known_of_it),
		T(a_run_that_has_not_begun_is_shown_too),
		T(progress_is_shown_while_the_run_lives),
		T(a_chart_loses_no_slow_frame_at_any_zoom),
		T(a_chart_can_be_zoomed),
		T(a_chart_of_nothing_says_what_there_is),
		T(every_value_comes_as_csv),
		T(a_long_csv_comes_in_pieces_to_a_slow_reader),
		T(a_reader_that_stops_reading_is_cut_off),
		T(a_download_that_the_end_cuts_has_no_last_chunk),
		T(devices_say_what_they_need_and_what_to_do),
		T(an_absent_device_is_looked_for_where_it_can_be),
		T(operators_act_on_devices),
	};

	return cmocka_run_group_tests_name("api_runs", tests, NULL, NULL);
}
