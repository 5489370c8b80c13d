/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs over HTTP: submitting, listing, waiting, cancelling, reading what runners said. */
#include "support.h"

#include <poll.h>
#include <stdlib.h>

#include "api/bounds.h"
#include "core/rows.h"
#include "support_samples.h"

#define KEY(k) "Idempotency-Key: " k "\r\n"

static void submit(struct rig *r, const char *headers, const char *body, struct response *ret_p)
{
	ask(r, "POST", "/api/v1/jobs", headers, body, ret_p);
}

static void submit_says(struct rig *r, const char *body, int status, const char *says)
{
	struct response p;

	submit(r, KEY("k"), body, &p);
	assert_status(&p, status);
	if (!strstr(response_str(&p, "detail"), says))
		fail_msg("'%s' does not say '%s'", response_str(&p, "detail"), says);
	response_free(&p);
}

/* ---- submitting ---- */

static void a_job_is_stored_and_shown(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 201);
	assert_string_equal(response_header(&p, "Location"), "/api/v1/jobs/j1");
	assert_string_equal(response_str(&p, "id"), "j1");
	assert_string_equal(response_str(&p, "state"), "queued");
	assert_string_equal(response_str(&p, "actor"), "admin");
	assert_string_equal(response_str(&p, "runs.0.id"), "r1");
	assert_string_equal(response_str(&p, "runs.0.model"), "mobilenet");
	assert_memory_equal(response_str(&p, "url"), api_url(r->api), strlen(api_url(r->api)));
	response_free(&p);
}

static void the_same_key_with_the_same_job_is_the_same_job(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	for (int i = 0; i < 3; i++) {
		submit(r, KEY("one"), seed_spec("first"), &p);
		assert_status(&p, i ? 200 : 201);
		assert_string_equal(response_str(&p, "id"), "j1");
		response_free(&p);
	}
	submit(r, KEY("two"), seed_spec("first"), &p);
	assert_status(&p, 201);
	assert_string_equal(response_str(&p, "id"), "j2");
	response_free(&p);
}

static void the_same_key_with_another_job_is_refused(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	submit(r, KEY("one"), seed_spec("first"), &p);
	response_free(&p);
	submit(r, KEY("one"), seed_spec("other"), &p);
	assert_status(&p, 422);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:idempotency-conflict");
	assert_non_null(strstr(response_str(&p, "detail"), "j1"));
	response_free(&p);
}

static void without_a_key_nothing_is_submitted(void **state)
{
	struct rig *r = *state;
	struct response p;
	char header[LIMIT_VALUE + 64];

	submit(r, "", seed_spec("first"), &p);
	assert_status(&p, 400);
	assert_non_null(strstr(response_str(&p, "detail"), "Idempotency-Key"));
	response_free(&p);
	memset(header, 'k', sizeof(header));
	memcpy(header, KEY("kkk"), sizeof(KEY("kkk")) - 3);
	memcpy(header + LIMIT_VALUE + 30, "\r\n", 3);
	submit(r, header, seed_spec("first"), &p);
	assert_status(&p, 400);
	response_free(&p);
}

static void key_is(struct rig *r, const char *key, int status)
{
	char headers[512];
	struct response p;

	snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", key);
	submit(r, headers, seed_spec("first"), &p);
	if (p.status != status)
		fail_msg("the key '%.20s' of %zu: %d", key, strlen(key), p.status);
	response_free(&p);
}

static void a_key_is_visible_text_of_a_bounded_length(void **state)
{
	struct rig *r = *state;
	char key[LIMIT_VALUE + 1];

	fake_blob(r->ctl, SHA_MODEL, 1000);
	memset(key, 'k', sizeof(key));
	key[LIMIT_VALUE] = '\0';
	key_is(r, key, 400);
	key[LIMIT_VALUE - 1] = '\0';
	key_is(r, key, 201);
	key_is(r, "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", 201); /* as the draft writes it */
	key_is(r, "two words", 400);
	key_is(r, "\xc3\xa4", 400);
	key_is(r, "tab\tin", 400);
}

static bool is_held(void *arg)
{
	struct rig *r = arg;

	return !api_idle(r->api);
}

/* draft-ietf-httpapi-idempotency-key-header: still in progress is 409; behind the answer, a repeat is
 * the same job. */
static void a_repeat_that_comes_before_the_answer_is_told_to_come_again(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client first;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	fake_hold_answers(r->ctl, true);
	client_open(&first, r);
	ask_send(&first, "POST", "/api/v1/jobs", KEY("one"), seed_spec("first"));
	rig_until(r, is_held, r);
	rig_settle(r);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 409);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:in-progress");
	assert_string_equal(response_header(&p, "Retry-After"), "1");
	response_free(&p);
	fake_hold_answers(r->ctl, false);
	client_response(&first, &p);
	assert_status(&p, 201);
	response_free(&p);
	client_close(&first);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "id"), "j1");
	response_free(&p);
}

/* Whoever sent it first has gone: the key is free when its request is over, and the job is one. */
static void a_key_whose_client_left_is_free_again(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client first;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	fake_hold_answers(r->ctl, true);
	client_open(&first, r);
	ask_send(&first, "POST", "/api/v1/jobs", KEY("one"), seed_spec("first"));
	rig_until(r, is_held, r);
	rig_settle(r);
	client_close(&first);
	fake_advance(r->ctl, API_ANSWER_MS + 1);
	rig_settle(r);
	fake_hold_answers(r->ctl, false);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "id"), "j1");
	response_free(&p);
}

static void a_key_is_known_after_a_restart(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	key_is(r, "one", 201);
	api_free(r->api);
	rig_start(r, NULL);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 200);
	response_free(&p);
	submit(r, KEY("one"), seed_spec("second"), &p);
	assert_status(&p, 422);
	response_free(&p);
}

static void files_that_are_missing_are_listed(void **state)
{
	struct rig *r = *state;
	struct response p;

	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 409);
	assert_string_equal(response_str(&p, "missing.0"), SHA_MODEL);
	assert_int_equal(json_count(response_at(&p, "missing")), 1);
	response_free(&p);
	fake_blob(r->ctl, SHA_MODEL, 999); /* another length is another file */
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 409);
	response_free(&p);
}

static void an_invalid_job_is_refused_by_line(void **state)
{
	struct rig *r = *state;
	char *deep = mem_alloc(100001);

	submit_says(r, "{\n\"schema\": \"framefarm.job/1\",\n\"name\": ,\n}", 400, "line 3");
	submit_says(r, "not json", 400, "line 1");
	submit_says(r, "{\"schema\": \"framefarm.job/1\",\n\n\"nmae\": \"x\"}", 400, "nmae");
	submit_says(r, "{\"a\": 1,\n\"a\": 2}", 400, "a");
	submit_says(r, "[]", 400, "");
	memset(deep, '[', 100000);
	deep[100000] = '\0';
	submit_says(r, deep, 400, "line 1");
	mem_free(deep);
}

static void a_path_instead_of_a_hash_is_refused(void **state)
{
	struct rig *r = *state;

	submit_says(r,
		"{\"schema\": \"framefarm.job/1\", \"name\": \"j\",\n"
		" \"model\": {\"name\": \"m\", \"variants\": [{\"name\": \"v\",\n"
		"  \"file\": \"/etc/passwd\"}]}}",
		400, "line 3");
}

static void an_empty_body_is_no_job(void **state)
{
	struct rig *r = *state;
	struct response p;

	submit(r, KEY("one"), "", &p);
	assert_status(&p, 400);
	response_free(&p);
}

static void when_the_controller_has_no_room_or_no_disk_the_client_may_come_again(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	fake_refuse(r->ctl, ERR_IO);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 503);
	assert_string_equal(response_header(&p, "Retry-After"), "2");
	response_free(&p);
	fake_refuse(r->ctl, ERR_FULL);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 503);
	response_free(&p);
	fake_refuse(r->ctl, 0);
	submit(r, KEY("one"), seed_spec("first"), &p);
	assert_status(&p, 201);
	response_free(&p);
}

static bool is_busy(void *arg)
{
	return !api_idle(((struct rig *)arg)->api);
}

static void an_answer_that_does_not_come_is_not_awaited_for_ever(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	fake_hold_answers(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "POST", "/api/v1/jobs/j1/cancel", "", "");
	rig_until(r, is_busy, r);
	fake_advance(r->ctl, API_ANSWER_MS + 1);
	client_response(&c, &p);
	assert_status(&p, 503);
	assert_int_equal(fake_forgotten(r->ctl), 1);
	response_free(&p);
	client_close(&c);
	fake_hold_answers(r->ctl, false); /* the late answer finds nobody */
	rig_settle(r);
}

/* ---- reading ---- */

static void jobs_come_newest_first_and_page_by_page(void **state)
{
	struct rig *r = *state;
	struct response p;
	char path[128];
	int seen = 0;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 6);
	snprintf(path, sizeof(path), "/api/v1/jobs?limit=3");
	for (int page = 0; page < 3; page++) {
		char id[16];

		ask_get(r, path, &p);
		assert_status(&p, 200);
		for (int i = 0; i < json_count(response_at(&p, "jobs")); i++, seen++) {
			char at[32];

			snprintf(at, sizeof(at), "jobs.%d.id", i);
			snprintf(id, sizeof(id), "j%d", 7 - seen);
			assert_string_equal(response_str(&p, at), id);
		}
		if (page == 2)
			assert_true(json_is_null(response_at(&p, "next")));
		else
			snprintf(path, sizeof(path), "/api/v1/jobs?limit=3&cursor=%s",
				response_str(&p, "next"));
		response_free(&p);
	}
	assert_int_equal(seen, 7);
}

static void count_is(struct rig *r, const char *path, const char *list, int n)
{
	struct response p;

	ask_get(r, path, &p);
	assert_status(&p, 200);
	if (json_count(response_at(&p, list)) != n)
		fail_msg("%s gives %d", path, json_count(response_at(&p, list)));
	response_free(&p);
}

static void jobs_are_filtered(void **state)
{
	struct rig *r = *state;

	seed_one(r->ctl);
	seed_jobs(r->ctl, 6);
	count_is(r, "/api/v1/jobs?state=running", "jobs", 6);
	count_is(r, "/api/v1/jobs?state=completed&name=seeded", "jobs", 1);
	count_is(r, "/api/v1/jobs?branch=main", "jobs", 7);
	count_is(r, "/api/v1/jobs?branch=feature%2Fx", "jobs", 0);
	count_is(r, "/api/v1/jobs?name='%20OR%201=1--", "jobs", 0);
}

static void a_parameter_that_is_wrong_is_named(void **state)
{
	static const char *const wrong[][2] = {
		{"/api/v1/jobs?state=sleeping", "state"},
		{"/api/v1/jobs?limit=0", "limit"},
		{"/api/v1/jobs?limit=201", "limit"},
		{"/api/v1/jobs?limit=ten", "limit"},
		{"/api/v1/jobs?cursor=-4", "cursor"},
		{"/api/v1/jobs?colour=red", "colour"},
		{"/api/v1/jobs/j1?wait=soon", "wait"},
		{"/api/v1/runs?job=7", "job"},
	};
	struct rig *r = *state;
	struct response p;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ask_get(r, wrong[i][0], &p);
		assert_status(&p, 400);
		assert_non_null(strstr(response_str(&p, "detail"), wrong[i][1]));
		response_free(&p);
	}
}

static void one_job_comes_with_its_runs(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	ask_get(r, "/api/v1/jobs/j1", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "verdict"), "fail");
	assert_int_equal(response_int(&p, "exit_code"), 10);
	assert_string_equal(response_str(&p, "labels.team"), "vision");
	assert_string_equal(response_str(&p, "submitted_at"), "2023-11-14T22:13:21.000Z");
	assert_true(json_is_null(response_at(&p, "started_at")));
	assert_string_equal(response_str(&p, "runs.0.result.gates.0.name"), "budget");
	assert_int_equal(response_int(&p, "runs.0.result.gates.0.value_ns"), 17000000);
	response_free(&p);
}

static void what_is_not_there_is_404(void **state)
{
	static const char *const paths[] = {"/api/v1/jobs/j9", "/api/v1/jobs/9", "/api/v1/jobs/r1",
		"/api/v1/jobs/j0", "/api/v1/jobs/j01", "/api/v1/jobs/j99999999999999999999",
		"/api/v1/jobs/j9/logs", "/api/v1/jobs/j9?wait=1s", "/api/v1/jobs/j9/events",
		"/api/v1/jobs/j9/artifacts", "/api/v1/runs/r9/logs", "/api/v1/runs/r9/artifacts"};
	struct rig *r = *state;
	struct response p;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		ask_get(r, paths[i], &p);
		assert_status(&p, 404);
		response_free(&p);
	}
}

static void cancelling_is_taken(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask(r, "POST", "/api/v1/jobs/j4/cancel", "", "{\"reason\": \"changed my mind\"}", &p);
	assert_status(&p, 202);
	assert_string_equal(response_str(&p, "id"), "j4");
	response_free(&p);
	ask(r, "POST", "/api/v1/jobs/j4/cancel", "", "{\"raison\": \"x\"}", &p);
	assert_status(&p, 400);
	assert_non_null(strstr(response_str(&p, "detail"), "raison"));
	response_free(&p);
}

/* ---- waiting ---- */

static void end_job(struct rig *r, int64_t id)
{
	struct job_row j = {.id = id,
		.state = JOB_COMPLETED,
		.verdict = VERDICT_PASS,
		.name = "more",
		.submitted_ms = 1,
		.ended_ms = 2};

	fake_put(r->ctl, &job_table, &j);
	fake_event(r->ctl, "job", id, id, "running", "completed");
}

static void waiting_for_a_job_that_has_ended_does_not_wait(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	ask_get(r, "/api/v1/jobs/j1?wait=60s", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "state"), "completed");
	response_free(&p);
}

static void a_long_poll_is_answered_when_the_job_ends(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	seed_jobs(r->ctl, 2);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs/j2?wait=60s", "", "");
	rig_settle(r);
	fake_event(r->ctl, "job", 3, 3, "queued", "running"); /* another one */
	fake_event(r->ctl, "job", 2, 2, "queued", "running"); /* not its end */
	rig_settle(r);
	client_pull(&c);
	assert_int_equal(c.in.len, 0);
	end_job(r, 2);
	client_response(&c, &p);
	assert_string_equal(response_str(&p, "verdict"), "pass");
	response_free(&p);
	client_close(&c);
}

/* The job ends when the first reading, which still saw it running, is done but has not been told. */
static void an_end_between_reading_and_waiting_is_not_missed(void **state)
{
	struct rig *r = *state;
	struct pollfd told = {fake_fd(r->ctl), POLLIN, 0};
	struct response p;
	struct client c;

	seed_jobs(r->ctl, 1);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs/j2?wait=60s", "", "");
	rig_until(r, is_busy, r);
	assert_int_equal(poll(&told, 1, PATIENCE_MS), 1);
	end_job(r, 2);
	client_response(&c, &p);
	assert_string_equal(response_str(&p, "state"), "completed");
	response_free(&p);
	client_close(&c);
}

static void a_long_poll_ends_with_its_time(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	seed_jobs(r->ctl, 1);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs/j2?wait=30s", "", "");
	rig_settle(r);
	fake_advance(r->ctl, 29000);
	rig_settle(r);
	client_pull(&c);
	assert_int_equal(c.in.len, 0);
	fake_advance(r->ctl, 1001);
	client_response(&c, &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "state"), "running");
	response_free(&p);
	client_close(&c);
}

static void long_polls_are_bounded(void **state)
{
	struct client *all = mem_zalloc(API_WAITERS * sizeof(*all));
	struct rig *r = *state;
	struct response p;
	char ip[32];

	seed_jobs(r->ctl, 1);
	for (int i = 0; i < API_WAITERS; i++) {
		snprintf(ip, sizeof(ip), "127.0.1.%d", 1 + i / 50);
		client_open_from(&all[i], r, ip);
		ask_send(&all[i], "GET", "/api/v1/jobs/j2?wait=60s", "", "");
		rig_settle(r);
	}
	ask_get(r, "/api/v1/jobs/j2?wait=60s", &p);
	assert_status(&p, 503);
	response_free(&p);
	ask_get(r, "/api/v1/jobs/j2", &p);
	assert_status(&p, 200);
	response_free(&p);
	end_job(r, 2);
	for (int i = 0; i < API_WAITERS; i++) {
		client_response(&all[i], &p);
		assert_status(&p, 200);
		response_free(&p);
		client_close(&all[i]);
	}
	mem_free(all);
}

/* ---- what runners said ---- */

static void put_attempt(struct rig *r, int64_t id, int64_t state, const char *text)
{
	struct attempt_row a = {.id = id, .run = 1, .job = 1, .round = id, .state = state};

	fake_put(r->ctl, &attempt_table, &a);
	if (text)
		samples_text(r->ctl, id, text);
}

static void a_jobs_log_is_all_its_attempts_in_order(void **state)
{
	static const char whole[] = "--- r1 round 1 a1 ---\nloading model\nready\n"
				    "--- r1 round 2 a2 ---\nsecond\n"
				    "--- r1 round 3 a3 ---\nthird, ";
	struct rig *r = *state;
	struct response p;
	char path[64];

	seed_one(r->ctl);
	put_attempt(r, 2, ATTEMPT_DONE, "second\n");
	put_attempt(r, 3, ATTEMPT_STARTED, "third, ");
	put_attempt(r, 4, ATTEMPT_STARTED, "never before the third is over");
	ask_get(r, "/api/v1/jobs/j1/logs", &p);
	assert_status(&p, 200);
	assert_string_equal(response_header(&p, "Content-Type"), "text/plain; charset=utf-8");
	assert_string_equal(p.body, whole);
	assert_int_equal(atoi(response_header(&p, "X-Next-Offset")), sizeof(whole) - 1);
	response_free(&p);
	for (size_t from = 0; from < sizeof(whole); from++) {
		snprintf(path, sizeof(path), "/api/v1/jobs/j1/logs?offset=%zu", from);
		ask_get(r, path, &p);
		assert_string_equal(p.body, whole + from);
		assert_int_equal(atoi(response_header(&p, "X-Next-Offset")), sizeof(whole) - 1);
		response_free(&p);
	}
}

static void a_runs_log_is_its_shown_attempts(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	put_attempt(r, 2, ATTEMPT_DONE, "second\n");
	ask_get(r, "/api/v1/runs/r1/logs", &p);
	assert_string_equal(p.body, "loading model\nready\n"); /* a1 is the counted one */
	response_free(&p);
	ask_get(r, "/api/v1/runs/r1/logs?attempt=a2&offset=3", &p);
	assert_string_equal(p.body, "ond\n");
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_job_is_stored_and_shown),
		T(the_same_key_with_the_same_job_is_the_same_job),
		T(the_same_key_with_another_job_is_refused),
		T(without_a_key_nothing_is_submitted),
		T(a_key_is_visible_text_of_a_bounded_length),
		T(a_repeat_that_comes_before_the_answer_is_told_to_come_again),
		T(a_key_whose_client_left_is_free_again),
		T(a_key_is_known_after_a_restart),
		T(files_that_are_missing_are_listed),
		T(an_invalid_job_is_refused_by_line),
		T(a_path_instead_of_a_hash_is_refused),
		T(an_empty_body_is_no_job),
		T(when_the_controller_has_no_room_or_no_disk_the_client_may_come_again),
		T(an_answer_that_does_not_come_is_not_awaited_for_ever),
		T(jobs_come_newest_first_and_page_by_page),
		T(jobs_are_filtered),
		T(a_parameter_that_is_wrong_is_named),
		T(one_job_comes_with_its_runs),
		T(what_is_not_there_is_404),
		T(cancelling_is_taken),
		T(waiting_for_a_job_that_has_ended_does_not_wait),
		T(a_long_poll_is_answered_when_the_job_ends),
		T(an_end_between_reading_and_waiting_is_not_missed),
		T(a_long_poll_ends_with_its_time),
		T(long_polls_are_bounded),
		T(a_jobs_log_is_all_its_attempts_in_order),
		T(a_runs_log_is_its_shown_attempts),
	};

	return cmocka_run_group_tests_name("api_jobs", tests, NULL, NULL);
}
