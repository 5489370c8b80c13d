/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: live, replayed, filtered, bounded. */
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/bounds.h"
#include "core/rows.h"

static void watch(struct client *c, struct rig *r, const char *path, const char *headers)
{
	client_open(c, r);
	ask_send(c, "GET", path, headers, "");
	client_until_text(c, "retry: 2000");
	assert_non_null(strstr(buf_text(&c->in), "Content-Type: text/event-stream"));
	assert_non_null(strstr(buf_text(&c->in), "X-Accel-Buffering: no"));
	rig_settle(c->rig);
}

/* Ids in the order in which they came; their number. */
static int ids(struct client *c, int64_t *dst, int max)
{
	const char *p = buf_text(&c->in);
	int n = 0;

	while ((p = strstr(p, "\nid: ")) && n < max) {
		p += 5;
		dst[n++] = strtoll(p, NULL, 10);
	}
	return n;
}

static bool says(struct client *c, const char *text)
{
	client_pull(c);
	return strstr(buf_text(&c->in), text) != NULL;
}

/* ---- live ---- */

static void what_happens_is_told_at_once(void **state)
{
	struct rig *r = *state;
	struct client c;

	fake_event(r->ctl, "job", 7, 7, "", "queued"); /* before: not told */
	watch(&c, r, "/api/v1/events", "");
	fake_event(r->ctl, "run", 3, 7, "queued", "assigned");
	client_until_text(&c, "\"subject\":\"r3\"");
	assert_true(says(&c, "id: 2\nevent: run\ndata: {\"id\":2,"));
	assert_true(says(&c, "\"job\":\"j7\",\"from\":\"queued\",\"to\":\"assigned\""));
	assert_false(says(&c, "id: 1\n"));
	client_close(&c);
}

static void progress_is_told_without_an_id(void **state)
{
	const struct ctl_progress p = {
		.job = 2, .run = 4, .attempt = 6, .device = 1, .phase = "paced"};
	struct rig *r = *state;
	struct client c;

	watch(&c, r, "/api/v1/events", "");
	fake_progress(r->ctl, &p);
	client_until_text(&c, "event: progress\ndata: {\"job\":\"j2\",\"run\":\"r4\"");
	assert_true(says(&c, "\"hottest_mc\":null"));
	assert_false(says(&c, "\nid: "));
	client_close(&c);
}

static void only_what_was_asked_for_is_told(void **state)
{
	const struct ctl_progress other = {.job = 8, .run = 9, .phase = "paced"};
	struct rig *r = *state;
	struct client topic, job;

	watch(&topic, r, "/api/v1/events?topic=device,lease", "");
	watch(&job, r, "/api/v1/jobs/j7/events", "");
	fake_event(r->ctl, "run", 3, 7, "queued", "assigned");
	fake_event(r->ctl, "run", 4, 8, "queued", "assigned");
	fake_event(r->ctl, "lease", 5, 0, "waiting", "granted");
	fake_progress(r->ctl, &other);
	fake_event(r->ctl, "job", 7, 7, "running", "completed");
	client_until_text(&topic, "\"subject\":\"l5\"");
	client_until_text(&job, "\"subject\":\"j7\"");
	assert_false(says(&topic, "event: run"));
	assert_false(says(&topic, "event: progress"));
	assert_false(says(&job, "\"subject\":\"r4\""));
	assert_false(says(&job, "event: lease"));
	assert_false(says(&job, "event: progress"));
	assert_true(says(&job, "\"subject\":\"r3\""));
	client_close(&topic);
	client_close(&job);
}

static void a_topic_that_is_none_is_refused(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask_get(r, "/api/v1/events?topic=job,weather", &p);
	assert_status(&p, 400);
	assert_non_null(strstr(response_str(&p, "detail"), "weather"));
	response_free(&p);
}

/* ---- replay ---- */

static void who_comes_back_gets_what_it_missed_and_then_what_happens(void **state)
{
	int64_t got[16];
	struct rig *r = *state;
	struct client c;

	for (int i = 0; i < 5; i++)
		fake_event(r->ctl, "run", i + 1, 1, "a", "b");
	watch(&c, r, "/api/v1/events", "Last-Event-ID: 2\r\n");
	client_until_text(&c, "id: 5\n");
	rig_settle(r);
	fake_event(r->ctl, "run", 9, 1, "a", "b");
	client_until_text(&c, "id: 6\n");
	assert_int_equal(ids(&c, got, 16), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(got[i], i + 3);
	client_close(&c);
}

/* A long replay while more happens: every id once, in order, nothing between left out. */
static void replay_and_life_join_without_a_gap(void **state)
{
	enum { BEFORE = 3 * API_REPLAY_PAGE + 17, DURING = 40 };
	int64_t got[BEFORE + DURING + 10];
	struct rig *r = *state;
	struct client c;
	char last[32];

	for (int i = 0; i < BEFORE; i++)
		fake_event(r->ctl, "run", 1, 1, "a", "b");
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/events?after=0", "", "");
	for (int i = 0; i < DURING; i++) {
		rig_turn(r, 1);
		fake_event(r->ctl, "run", 1, 1, "a", "b");
	}
	snprintf(last, sizeof(last), "id: %d\n", BEFORE + DURING);
	client_until_text(&c, last);
	assert_int_equal(ids(&c, got, BEFORE + DURING + 10), BEFORE + DURING);
	for (int i = 0; i < BEFORE + DURING; i++)
		assert_int_equal(got[i], i + 1);
	client_close(&c);
}

static void a_jobs_events_begin_with_its_first(void **state)
{
	int64_t got[16];
	struct rig *r = *state;
	struct client c;

	fake_event(r->ctl, "job", 1, 1, "", "queued");
	fake_event(r->ctl, "job", 2, 2, "", "queued");
	fake_event(r->ctl, "run", 1, 1, "queued", "assigned");
	watch(&c, r, "/api/v1/jobs/j1/events", "");
	client_until_text(&c, "id: 3\n");
	assert_int_equal(ids(&c, got, 16), 2);
	client_close(&c);
}

/* After a restored backup a browser may know more than the store: it is told so, goes on from what
 * there is, and hears what happens. */
static void an_id_that_was_never_given_is_a_gap_and_what_follows_is_told(void **state)
{
	int64_t got[16];
	struct rig *r = *state;
	struct client c;

	fake_event(r->ctl, "run", 3, 7, "queued", "assigned");
	watch(&c, r, "/api/v1/events", "Last-Event-ID: 999\r\n");
	client_until_text(&c, "id: 1\nevent: gap\ndata: {\"after\":999,\"from\":2,"
			      "\"reason\":\"unknown\"}\n\n");
	fake_event(r->ctl, "run", 3, 7, "assigned", "staging");
	client_until_text(&c, "id: 2\nevent: run");
	assert_int_equal(ids(&c, got, 16), 2);
	client_close(&c);
}

static void an_id_that_is_no_number_is_a_gap(void **state)
{
	struct rig *r = *state;
	struct client c;

	fake_event(r->ctl, "run", 3, 7, "queued", "assigned");
	watch(&c, r, "/api/v1/events", "Last-Event-ID: another's\r\n");
	client_until_text(&c, "id: 1\nevent: gap\ndata: {\"after\":1,\"from\":2,"
			      "\"reason\":\"unknown\"}\n\n");
	client_close(&c);
}

static void is_gap(struct rig *r, const char *path, const char *last, const char *says)
{
	struct client c;

	watch(&c, r, path, last);
	client_until_text(&c, says);
	client_close(&c);
}

static void no_gap(struct rig *r, const char *path, const char *last, const char *until)
{
	struct client c;

	watch(&c, r, path, last);
	client_until_text(&c, until);
	assert_false(says(&c, "event: gap"));
	client_close(&c);
}

/* Retention has deleted what a watcher that was away for long would have to be told. */
static void events_that_were_deleted_are_a_gap(void **state)
{
	int64_t got[16];
	struct rig *r = *state;
	struct client c;

	for (int i = 0; i < 9; i++)
		fake_event(r->ctl, "run", 1, 1, "a", "b");
	for (int i = 1; i <= 5; i++)
		fake_del(r->ctl, &event_table, i);
	watch(&c, r, "/api/v1/events", "Last-Event-ID: 2\r\n");
	client_until_text(&c, "id: 9\n");
	assert_true(says(&c, "id: 5\nevent: gap\ndata: {\"after\":2,\"from\":6,"
			     "\"reason\":\"deleted\"}\n\n"));
	assert_int_equal(ids(&c, got, 16), 5);
	fake_event(r->ctl, "run", 1, 1, "a", "b");
	client_until_text(&c, "id: 10\n");
	client_close(&c);
	is_gap(r, "/api/v1/events?after=4", "", "\"after\":4,\"from\":6");
	is_gap(r, "/api/v1/jobs/j1/events", "Last-Event-ID: 1\r\n", "\"after\":1,\"from\":6");
	/* Who has seen the last that was deleted has missed nothing, nor has who asks for what there
	 * is. */
	no_gap(r, "/api/v1/events?after=5", "", "id: 10\n");
	no_gap(r, "/api/v1/events?after=0", "", "id: 10\n");
	no_gap(r, "/api/v1/jobs/j1/events", "", "id: 10\n");
}

/* The events of a pinned job stay among those that went: its own reader misses nothing, another does. */
static void a_hole_behind_events_that_were_kept_is_a_gap_too(void **state)
{
	int64_t got[16];
	struct rig *r = *state;
	struct client c;

	for (int i = 1; i <= 12; i++)
		fake_event(r->ctl, "run", 1, i == 3 || i == 4 || i == 8 ? 7 : 1, "a", "b");
	for (int i = 1; i <= 9; i++)
		if (i != 3 && i != 4 && i != 8)
			fake_del(r->ctl, &event_table, i);
	watch(&c, r, "/api/v1/events?after=3", "");
	client_until_text(&c, "id: 12\n");
	assert_true(says(&c, "id: 7\nevent: gap\ndata: {\"after\":4,\"from\":8,"));
	assert_int_equal(
		ids(&c, got, 16), 6); /* 4, the gap, 8, and from 10 on: one gap is enough */
	client_close(&c);
	no_gap(r, "/api/v1/jobs/j7/events?after=3", "", "id: 8\n");
	no_gap(r, "/api/v1/jobs/j1/events?after=10", "", "id: 12\n");
	is_gap(r, "/api/v1/jobs/j1/events?after=9", "", "\"after\":9,\"from\":10");
}

static void a_gap_of_everything_ends_at_the_newest(void **state)
{
	struct rig *r = *state;
	struct client c;

	for (int i = 0; i < 3; i++)
		fake_event(r->ctl, "run", 1, 1, "a", "b");
	for (int i = 1; i <= 3; i++)
		fake_del(r->ctl, &event_table, i);
	watch(&c, r, "/api/v1/events?after=1", "");
	client_until_text(&c, "id: 3\nevent: gap\ndata: {\"after\":1,\"from\":4,");
	rig_settle(r);
	fake_event(r->ctl, "run", 1, 1, "a", "b");
	client_until_text(&c, "id: 4\nevent: run");
	client_close(&c);
}

/* ---- bounds ---- */

static void silence_is_broken_by_a_comment(void **state)
{
	struct rig *r = *state;
	struct client c;

	watch(&c, r, "/api/v1/events", "");
	fake_advance(r->ctl, API_HEARTBEAT_MS - 1000);
	rig_settle(r);
	assert_false(says(&c, ": still here"));
	fake_advance(r->ctl, 1001);
	client_until_text(&c, ": still here\n\n");
	client_close(&c);
}

static bool is_idle(void *arg)
{
	return api_idle(((struct rig *)arg)->api);
}

static void a_watcher_that_left_is_found_out(void **state)
{
	struct rig *r = *state;
	struct client c;

	watch(&c, r, "/api/v1/events", "");
	client_close(&c);
	fake_advance(r->ctl, API_LOOK_MS + 1);
	rig_until(r, is_idle, r);
}

static int64_t dropped(struct rig *r)
{
	struct response p;
	const char *at;
	int64_t n;

	ask_get(r, "/metrics", &p);
	at = strstr(p.body, "\nframefarm_http_watchers_dropped_total ");
	n = strtoll(strchr(at + 1, ' '), NULL, 10);
	response_free(&p);
	return n;
}

/* A watcher that takes nothing for a while loses its queue, not its events. */
static void a_slow_watcher_is_sent_to_replay_and_misses_nothing(void **state)
{
	enum { MAX = 40000 };
	int64_t *got = mem_alloc(MAX * sizeof(*got)), last = 0;
	int small = 4096, n;
	struct rig *r = *state;
	struct client c;
	char text[32];

	client_open(&c, r);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ask_send(&c, "GET", "/api/v1/events", "", "");
	rig_settle(r);
	while (!dropped(r)) {
		for (int i = 0; i < API_WATCH_QUEUE; i++)
			last = fake_event(r->ctl, "run", 1, 1, "a", "b");
		rig_turn(r, 0);
		assert_true(last < MAX);
	}
	snprintf(text, sizeof(text), "id: %" PRId64 "\n", last);
	client_until_text(&c, text);
	n = ids(&c, got, MAX);
	assert_int_equal(n, last);
	for (int i = 0; i < n; i++)
		assert_int_equal(got[i], i + 1);
	client_close(&c);
	mem_free(got);
}

static void watchers_are_bounded(void **state)
{
	struct client *all = mem_zalloc(API_WATCHERS * sizeof(*all));
	struct rig *r = *state;
	struct response p;
	char ip[32];

	for (int i = 0; i < API_WATCHERS; i++) {
		snprintf(ip, sizeof(ip), "127.0.1.%d", 1 + i / 50);
		client_open_from(&all[i], r, ip);
		ask_send(&all[i], "GET", "/api/v1/events", "", "");
		client_until_text(&all[i], "retry");
	}
	ask_get(r, "/api/v1/events", &p);
	assert_status(&p, 503);
	assert_non_null(response_header(&p, "Retry-After"));
	response_free(&p);
	fake_event(r->ctl, "run", 1, 1, "a", "b");
	for (int i = 0; i < API_WATCHERS; i++) {
		client_until_text(&all[i], "id: 1\n");
		client_close(&all[i]);
	}
	mem_free(all);
}

static int with_jobs(void **state)
{
	struct job_row job = {.name = "job"};
	int rc = rig_setup(state);

	for (job.id = 1; job.id <= 8; job.id++)
		fake_put(((struct rig *)*state)->ctl, &job_table, &job);
	return rc;
}

#define T(name)    cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define JOBS(name) cmocka_unit_test_setup_teardown(name, with_jobs, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_happens_is_told_at_once),
		T(progress_is_told_without_an_id),
		JOBS(only_what_was_asked_for_is_told),
		T(a_topic_that_is_none_is_refused),
		T(who_comes_back_gets_what_it_missed_and_then_what_happens),
		T(replay_and_life_join_without_a_gap),
		JOBS(a_jobs_events_begin_with_its_first),
		T(an_id_that_was_never_given_is_a_gap_and_what_follows_is_told),
		T(an_id_that_is_no_number_is_a_gap),
		JOBS(events_that_were_deleted_are_a_gap),
		JOBS(a_hole_behind_events_that_were_kept_is_a_gap_too),
		T(a_gap_of_everything_ends_at_the_newest),
		T(silence_is_broken_by_a_comment),
		T(a_watcher_that_left_is_found_out),
		T(a_slow_watcher_is_sent_to_replay_and_misses_nothing),
		T(watchers_are_bounded),
	};

	return cmocka_run_group_tests_name("api_events", tests, NULL, NULL);
}
