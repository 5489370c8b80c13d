/* SPDX-License-Identifier: Apache-2.0 */
/* The turn; see turn.h. */
#include "farm/turn.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "farm/evcopy.h"
#include "store/store.h"

/* Slots kept for what comes unasked: arrivals, unplugs, ends. */
#define RESERVE_REPORTS (TURN_QUEUE / 4)

struct item {
	struct farm_event ev;
	TAILQ_ENTRY(item) link;
};

TAILQ_HEAD(item_list, item);

/* What one turn changed, and what may be done once that is stored. */
struct commit {
	struct turn *turn;
	struct store_txn *txn;
	struct farm_out out;
	struct event_row *events;
	int n_events, cap_events;
	int rc; /* of the last try */
	char text[LIMIT_CAUSE];
	bool submitted;
	TAILQ_ENTRY(commit) link;
};

TAILQ_HEAD(commit_list, commit);

struct turn {
	struct farm *farm;
	struct ctl_env env;
	struct store *store;
	struct turn_ops ops;
	void *arg;
	struct item_list queue;
	int64_t n_queue, n_owed;    /* events waiting; completions owed for actions */
	struct commit_list commits; /* oldest first */
	int n_commits;
	struct host_timer *wake, *retry;
	int64_t wake_at;
	int store_rc;
	char store_text[LIMIT_CAUSE];
	int64_t last_event;
	bool running, frozen;
};

struct turn *turn_new(const struct farm_config *cfg, const struct ctl_env *env, struct store *store,
	const struct turn_ops *ops, void *arg)
{
	struct turn *t = mem_zalloc(sizeof(*t));

	t->farm = farm_new(cfg);
	t->env = *env;
	t->store = store;
	t->ops = *ops;
	t->arg = arg;
	t->wake_at = INT64_MAX;
	TAILQ_INIT(&t->queue);
	TAILQ_INIT(&t->commits);
	return t;
}

static void commit_free(struct commit *c)
{
	farm_out_fini(&c->out);
	store_txn_free(c->txn);
	mem_free(c->events);
	mem_free(c);
}

void turn_free(struct turn *t)
{
	struct commit *c;

	if (!t)
		return;
	turn_freeze(t);
	while ((c = TAILQ_FIRST(&t->commits))) {
		TAILQ_REMOVE(&t->commits, c, link);
		commit_free(c);
	}
	if (t->wake)
		t->env.host->timer_del(t->env.host, t->wake);
	if (t->retry)
		t->env.host->timer_del(t->env.host, t->retry);
	farm_free(t->farm);
	mem_free(t);
}

void turn_freeze(struct turn *t)
{
	struct item *it;

	t->frozen = true;
	while ((it = TAILQ_FIRST(&t->queue))) {
		TAILQ_REMOVE(&t->queue, it, link);
		t->n_queue--;
		evcopy_fini(&it->ev);
		mem_free(it);
	}
}

struct farm *turn_farm(struct turn *t)
{
	return t->farm;
}

/* ---- that there is a turn ---- */

static void wake(void *arg)
{
	struct turn *t = arg;

	t->wake = NULL; /* that the loop turns is all that is wanted */
	t->wake_at = INT64_MAX;
}

static void wake_set(struct turn *t, int64_t at)
{
	if (at == t->wake_at)
		return;
	if (t->wake)
		t->env.host->timer_del(t->env.host, t->wake);
	t->wake = NULL;
	t->wake_at = at;
	if (at != INT64_MAX)
		t->wake = t->env.host->timer_add(t->env.host, at, wake, t);
}

/* ---- the queue ---- */

static void append(struct turn *t, const struct farm_event *ev)
{
	struct item *it;

	if (t->frozen)
		return;
	it = mem_zalloc(sizeof(*it));
	evcopy_init(&it->ev, ev);
	TAILQ_INSERT_TAIL(&t->queue, it, link);
	t->n_queue++;
}

void turn_post(struct turn *t, const struct farm_event *ev)
{
	if (ev->kind == FARM_ACTION_DONE && t->n_owed > 0)
		t->n_owed--;
	append(t, ev);
}

int turn_request(struct turn *t, const struct farm_event *ev)
{
	struct now now;

	if (t->store_rc)
		return ERR_IO;
	if (t->n_queue + t->n_owed + RESERVE_REPORTS >= TURN_QUEUE)
		return ERR_FULL;
	append(t, ev);
	/* It may have come behind this batch's turn (the API runs once more there), and on an idle
	 * farm nothing else would turn the loop. */
	now = t->env.now(t->env.ctx);
	if (!t->frozen && t->wake_at > now.mono_ms)
		wake_set(t, now.mono_ms);
	return 0;
}

/* ---- commits ---- */

static void put_row(void *arg, const struct row_table *tab, const void *row)
{
	struct commit *c = arg;

	store_txn_put(c->txn, tab, row);
	if (tab != &event_table)
		return;
	if (c->n_events == c->cap_events) {
		c->cap_events = c->cap_events ? 2 * c->cap_events : 16;
		c->events = mem_realloc(c->events, c->cap_events, sizeof(*c->events));
	}
	c->events[c->n_events++] = *(const struct event_row *)row;
}

static void del_row(void *arg, const struct row_table *tab, int64_t id)
{
	struct commit *c = arg;

	store_txn_del(c->txn, tab, id);
}

static void retry_commits(void *arg);

static void release(struct turn *t, struct commit *c)
{
	for (int i = 0; i < c->n_events; i++) {
		t->last_event = c->events[i].id;
		t->ops.event(t->arg, &c->events[i]);
	}
	for (int i = 0; i < c->out.n_actions; i++)
		t->ops.action(t->arg, &c->out.actions[i]);
	for (int i = 0; i < c->out.n_answers; i++)
		t->ops.answer(t->arg, &c->out.answers[i]);
}

static bool worth_a_retry(int rc)
{
	return rc == ERR_IO || rc == ERR_NOSPACE || rc == ERR_BUSY;
}

static void submit(struct turn *t, struct commit *c);

/* What came while nothing was submitted goes now, before anything younger does. */
static void store_recovered(struct turn *t)
{
	struct commit *c;

	log_info("event=store_recovered");
	t->store_rc = 0;
	TAILQ_FOREACH (c, &t->commits, link)
		if (!c->submitted)
			submit(t, c);
}

static void note_failure(struct turn *t, const struct commit *c)
{
	if (t->store_rc != c->rc)
		log_warn("event=store_failed retry_ms=%d cause=\"%s\"", TURN_RETRY_MS, c->text);
	t->store_rc = c->rc;
	str_copy(t->store_text, sizeof(t->store_text), c->text);
}

/* On the loop thread. Commits complete in order, so this one is the oldest that was submitted. */
static void committed(void *arg)
{
	struct commit *c = arg;
	struct turn *t = c->turn;

	c->submitted = false;
	if (!c->rc) {
		assert(TAILQ_FIRST(&t->commits) == c);
		TAILQ_REMOVE(&t->commits, c, link);
		t->n_commits--;
		if (t->store_rc)
			store_recovered(t);
		release(t, c);
		commit_free(c);
		return;
	}
	if (!worth_a_retry(c->rc)) {
		log_err("event=store_broken cause=\"%s\"", c->text);
		t->env.fatal(t->env.ctx, c->text);
		return;
	}
	/* The oldest was tried; what is behind it was refused because of it, and says nothing new. */
	if (c == TAILQ_FIRST(&t->commits))
		note_failure(t, c);
	if (!t->retry)
		t->retry = t->env.host->timer_add(t->env.host,
			t->env.now(t->env.ctx).mono_ms + TURN_RETRY_MS, retry_commits, t);
}

/* On the writer's thread. */
static void stored(void *arg, int rc, const char *text)
{
	struct commit *c = arg;

	c->rc = rc;
	str_copy(c->text, sizeof(c->text), text ? text : "");
	c->turn->env.post(c->turn->env.ctx, committed, c);
}

static void submit(struct turn *t, struct commit *c)
{
	c->submitted = true;
	store_submit(t->store, c->txn, stored, c);
}

/* All that failed, oldest first; what is still under way behind a failure fails too and waits for
 * the next time. */
static void retry_commits(void *arg)
{
	struct turn *t = arg;
	struct commit *c;

	t->retry = NULL;
	TAILQ_FOREACH (c, &t->commits, link) {
		if (c->submitted) {
			t->retry = t->env.host->timer_add(t->env.host,
				t->env.now(t->env.ctx).mono_ms + TURN_RETRY_MS, retry_commits, t);
			return;
		}
	}
	store_retry(t->store);
	TAILQ_FOREACH (c, &t->commits, link)
		submit(t, c);
}

static void finish_turn(struct turn *t, struct commit *c)
{
	for (int i = 0; i < c->out.n_actions; i++)
		t->n_owed += !c->out.actions[i].cancel;
	if (!store_txn_count(c->txn) && !c->out.n_actions && !c->out.n_answers) {
		commit_free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&t->commits, c, link);
	t->n_commits++;
	/* Behind a failure it waits for the retry, which keeps the order. */
	if (!t->store_rc)
		submit(t, c);
}

/* ---- the turn itself ---- */

static void arm(struct turn *t)
{
	/* With too many commits under way, the next completion turns the loop. */
	int64_t at = t->n_commits < TURN_COMMITS ? farm_next_deadline(t->farm) : INT64_MAX;

	wake_set(t, at);
}

void turn_run(struct turn *t)
{
	static const struct farm_event time_passed = {.kind = FARM_TIME};
	struct now now = t->env.now(t->env.ctx);
	bool due = farm_next_deadline(t->farm) <= now.mono_ms;
	struct commit *c;
	struct item *it;

	if (t->frozen)
		return;
	if (t->running || t->n_commits >= TURN_COMMITS || (TAILQ_EMPTY(&t->queue) && !due)) {
		arm(t);
		return;
	}
	t->running = true;
	c = mem_zalloc(sizeof(*c));
	c->turn = t;
	c->txn = store_txn_new();
	farm_out_init(&c->out);
	while (farm_changed(t->farm) < TURN_ROWS && (it = TAILQ_FIRST(&t->queue))) {
		TAILQ_REMOVE(&t->queue, it, link);
		t->n_queue--;
		farm_step(t->farm, &it->ev, now, &c->out);
		evcopy_fini(&it->ev);
		mem_free(it);
	}
	if (due)
		farm_step(t->farm, &time_passed, now, &c->out);
	farm_flush(t->farm, put_row, del_row, c);
	finish_turn(t, c);
	arm(t);
	t->running = false;
}

/* ---- looking in ---- */

bool turn_idle(const struct turn *t)
{
	return TAILQ_EMPTY(&t->queue) && TAILQ_EMPTY(&t->commits);
}

bool turn_in_store(const struct turn *t)
{
	const struct commit *c;

	TAILQ_FOREACH (c, &t->commits, link)
		if (c->submitted)
			return true;
	return false;
}

bool turn_store_ok(const struct turn *t)
{
	return !t->store_rc;
}

const char *turn_store_error(const struct turn *t)
{
	return t->store_rc ? t->store_text : "";
}

void turn_set_last_event(struct turn *t, int64_t id)
{
	t->last_event = id;
}

int64_t turn_last_event(const struct turn *t)
{
	return t->last_event;
}

void turn_get_load(const struct turn *t, int64_t *ret_events, int64_t *ret_commits)
{
	*ret_events = t->n_queue;
	*ret_commits = t->n_commits;
}
