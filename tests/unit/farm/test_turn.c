/* SPDX-License-Identifier: Apache-2.0 */
/* The turn over the real store: persist before act, answers in order, a full queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "farm/turn.h"
#include "store/store.h"
#include "support_env.h"

struct bench {
	char dir[64];
	struct env *env;
	struct store *store;
	struct turn *turn;
	int actions, answers, events;
	int64_t last_event;
	struct farm_answer last;
	char trail[512]; /* "to by actor" of each event */
};

static int count_row(void *arg, const void *row)
{
	(void)row;
	(*(int *)arg)++;
	return 0;
}

static int rows_of(struct bench *b, const struct row_table *t)
{
	struct err e;
	int n = 0;

	assert_int_equal(store_load(b->store, t, count_row, &n, &e), 0);
	return n;
}

static void on_action(void *arg, const struct farm_action *a)
{
	struct bench *b = arg;

	/* Whatever is done about a device, the device is on the disk by then. */
	assert_true(rows_of(b, &device_table) > 0);
	assert_int_equal(a->kind, ACTION_IDENTIFY);
	b->actions++;
}

static void on_answer(void *arg, const struct farm_answer *a)
{
	struct bench *b = arg;

	b->answers++;
	b->last = *a;
}

static void on_event(void *arg, const struct event_row *ev)
{
	struct bench *b = arg;

	assert_true(ev->id > b->last_event);
	b->last_event = ev->id;
	b->events++;
	snprintf(b->trail + strlen(b->trail), sizeof(b->trail) - strlen(b->trail), "%s by %s; ",
		ev->to_state, *ev->actor ? ev->actor : "nobody");
}

static const struct turn_ops ops = {on_action, on_answer, on_event};

static struct bench *open_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct store_config sc = {.dir = b->dir, .tables = core_tables};
	struct farm_config cfg;
	struct ctl_env env;
	struct err e;
	int upgraded;

	snprintf(b->dir, sizeof(b->dir), "/tmp/ff-turn-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->env = env_new();
	env_ctl(b->env, &env);
	b->store = store_open(&sc, &upgraded, &e);
	assert_non_null(b->store);
	farm_config_default(&cfg);
	b->turn = turn_new(&cfg, &env, b->store, &ops, b);
	turn_post(b->turn, &(struct farm_event){.kind = FARM_BOOT});
	turn_run(b->turn);
	return b;
}

static bool is_idle(void *arg)
{
	return turn_idle(((struct bench *)arg)->turn);
}

static void close_bench(struct bench *b)
{
	char cmd[128];

	turn_freeze(b->turn);
	assert_true(env_run_until(b->env, is_idle, b));
	turn_free(b->turn);
	store_close(b->store);
	env_free(b->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", b->dir);
	assert_int_equal(system(cmd), 0);
	free(b);
}

static void an_action_comes_only_when_its_row_is_stored(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	turn_post(
		b->turn, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
				 .u.arrived = {.handle = 1, .driver = "fake", .where = "port 1"}});
	assert_int_equal(b->actions, 0);
	turn_run(b->turn);
	assert_int_equal(b->actions, 0); /* never inside the turn that made it */
	assert_true(env_run_until(b->env, is_idle, b));
	assert_int_equal(b->actions, 1);
	assert_int_equal(b->events, 2); /* detected, identifying */
	assert_int_equal(turn_last_event(b->turn), b->last_event);
	close_bench(b);
}

static void a_change_that_somebody_asked_for_says_who(void **state)
{
	struct bench *b = open_bench();
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN,
		.token = 1,
		.actor = "ann",
		.u.admin = {
			.device = 1, .what = FARM_ADMIN_QUARANTINE, .reason = "a swollen cell"}};

	(void)state;
	turn_post(
		b->turn, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
				 .u.arrived = {.handle = 1, .driver = "fake", .where = "port 1"}});
	assert_int_equal(turn_request(b->turn, &ev), 0);
	ev.actor = "bob";
	ev.u.admin.what = FARM_ADMIN_RELEASE;
	assert_int_equal(turn_request(b->turn, &ev), 0);
	turn_post(
		b->turn, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
				 .u.arrived = {.handle = 2, .driver = "fake", .where = "port 2"}});
	turn_run(b->turn);
	assert_true(env_run_until(b->env, is_idle, b));
	assert_string_equal(b->trail, "detected by nobody; identifying by nobody; "
				      "quarantined by ann; identifying by bob; "
				      "detected by nobody; identifying by nobody; ");
	close_bench(b);
}

static void a_request_is_answered_with_its_sentence(void **state)
{
	struct bench *b = open_bench();
	struct farm_event ev = {
		.kind = FARM_JOB_CANCEL, .token = 9, .u.cancel = {.job = 404, .reason = ""}};

	(void)state;
	assert_int_equal(turn_request(b->turn, &ev), 0);
	turn_run(b->turn);
	assert_true(env_run_until(b->env, is_idle, b));
	assert_int_equal(b->answers, 1);
	assert_int_equal(b->last.token, 9);
	assert_int_equal(b->last.rc, ERR_NOTFOUND);
	assert_non_null(strstr(b->last.text, "j404"));
	close_bench(b);
}

/* The API takes requests behind the turn of a batch, too; an idle farm has no timer that would turn the
 * loop once more. */
static void a_request_turns_the_loop_by_itself(void **state)
{
	struct bench *b = open_bench();
	struct farm_event ev = {
		.kind = FARM_JOB_CANCEL, .token = 7, .u.cancel = {.job = 1, .reason = ""}};

	(void)state;
	assert_true(env_run_until(b->env, is_idle, b));
	assert_int_equal(env_due(b->env), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(turn_request(b->turn, &ev), 0);
		assert_int_equal(env_due(b->env), 1); /* one for all */
	}
	turn_run(b->turn);
	assert_int_equal(env_due(b->env), 0);
	assert_true(env_run_until(b->env, is_idle, b));
	assert_int_equal(b->answers, 2);

	assert_int_equal(turn_request(b->turn, &ev), 0);
	env_advance(b->env, 0); /* the loop turns before the turn is run */
	turn_run(b->turn);
	assert_true(env_run_until(b->env, is_idle, b));
	assert_int_equal(b->answers, 3);
	close_bench(b);
}

static void a_full_queue_refuses_requests_and_takes_reports(void **state)
{
	struct bench *b = open_bench();
	struct farm_event ev = {.kind = FARM_JOB_CANCEL, .u.cancel = {.job = 1, .reason = ""}};
	struct farm_event report = {
		.kind = FARM_DEVICE_GONE, .u.gone = {.handle = 1, .text = "unplugged"}};
	int64_t events, commits;
	int taken = 0;

	(void)state;
	assert_true(env_run_until(b->env, is_idle, b));
	while (!turn_request(b->turn, &ev))
		taken++;
	assert_true(taken > 1000 && taken < TURN_QUEUE);
	assert_int_equal(turn_request(b->turn, &ev), ERR_FULL);
	turn_post(b->turn, &report);
	turn_get_load(b->turn, &events, &commits);
	assert_int_equal(events, taken + 1);
	turn_run(b->turn);
	assert_int_equal(turn_request(b->turn, &ev), 0); /* room again */
	close_bench(b);
}

static void a_frozen_turn_steps_nothing(void **state)
{
	struct bench *b = open_bench();

	(void)state;
	assert_true(env_run_until(b->env, is_idle, b));
	turn_freeze(b->turn);
	turn_post(
		b->turn, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
				 .u.arrived = {.handle = 1, .driver = "fake", .where = "port 1"}});
	turn_run(b->turn);
	assert_true(turn_idle(b->turn));
	assert_int_equal(b->events, 0);
	close_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_action_comes_only_when_its_row_is_stored),
		cmocka_unit_test(a_change_that_somebody_asked_for_says_who),
		cmocka_unit_test(a_request_is_answered_with_its_sentence),
		cmocka_unit_test(a_request_turns_the_loop_by_itself),
		cmocka_unit_test(a_full_queue_refuses_requests_and_takes_reports),
		cmocka_unit_test(a_frozen_turn_steps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
