/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: phones with agents, and what the controller's actions do to them. Every action ends
 * exactly once, as the driver contract says, unless the controller dies first; a phone that goes
 * completes its actions with ERR_GONE before it is gone.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/mem.h"
#include "base/str.h"

#define SPOOL_MAX 48

struct wattempt {
	int64_t id;
	bool running, disobeys;
	int64_t run_no; /* tells a timer of another attempt in the same place */
	enum farm_outcome means;
	int outcome;
};

struct wdev {
	struct world *w;
	int no;
	bool plugged, exposed;
	bool let_go;     /* handed to another tool */
	int64_t handle;  /* 0: the controller does not see it */
	int64_t id;      /* the core's */
	int64_t session; /* number of the present session, 0: none */
	int64_t epoch;
	int32_t temp_mc;
	struct wattempt spool[SPOOL_MAX];
	int n_spool;
};

/* An action under way. */
struct wop {
	struct world *w;
	struct farm_action act;
	struct wdev *d;
	bool done;   /* its completion was posted, or nobody waits for it any more */
	bool stalls; /* ends only when it is cancelled */
	TAILQ_ENTRY(wop) link;
};

TAILQ_HEAD(wop_list, wop);

struct world {
	struct sim *s;
	struct wdev *devs;
	int n;
	struct wop_list ops;
	int64_t next_handle, next_session, next_run;
	bool store_fails;
};

static struct sim *S(struct world *w)
{
	return w->s;
}

struct world *world_new(struct sim *s, int n_devices)
{
	struct world *w = mem_zalloc(sizeof(*w));

	w->s = s;
	w->n = n_devices;
	w->devs = mem_zalloc(n_devices * sizeof(*w->devs));
	TAILQ_INIT(&w->ops);
	for (int i = 0; i < n_devices; i++) {
		w->devs[i].w = w;
		w->devs[i].no = i;
		w->devs[i].plugged = true;
		w->devs[i].temp_mc = 30000;
	}
	return w;
}

void world_free(struct world *w)
{
	struct wop *op;

	while ((op = TAILQ_FIRST(&w->ops))) {
		TAILQ_REMOVE(&w->ops, op, link);
		mem_free(op);
	}
	mem_free(w->devs);
	mem_free(w);
}

/* ---- arrival and departure ---- */

static void arrive(struct wdev *d)
{
	d->handle = ++d->w->next_handle;
	d->id = d->session = 0;
	d->let_go = false;
	sim_post(S(d->w),
		&(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
			.u.arrived = {.handle = d->handle, .driver = "sim", .where = "port"}});
}

static void op_due(void *arg);

/* One that stalls has no timer of its own that would reap it. */
static void op_is_done(struct wop *op)
{
	if (!op->done && op->stalls)
		host_after(S(op->w)->host, 0, op_due, op);
	op->done = true;
}

static void post_done(struct wop *op, struct farm_event *ev, int rc, const char *text)
{
	op_is_done(op);
	ev->kind = FARM_ACTION_DONE;
	ev->u.done.action = op->act.id;
	ev->u.done.rc = rc;
	ev->u.done.text = text;
	ev->u.done.blame_device =
		rc && rc != ERR_GONE && rc != ERR_CANCELLED && rng_chance(&S(op->w)->rng, 0.7);
	sim_post(S(op->w), ev);
}

static void fail(struct wop *op, int rc)
{
	struct farm_event ev = {0};

	post_done(op, &ev, rc, err_name(rc));
}

static void done(struct wop *op, int rc, bool blame)
{
	op_is_done(op);
	sim_post(S(op->w), &(struct farm_event){.kind = FARM_ACTION_DONE,
				   .u.done = {.action = op->act.id,
					   .rc = rc,
					   .text = err_name(rc),
					   .blame_device = blame}});
}

static void lose_session(struct wdev *d, const char *why)
{
	struct wop *op;

	if (!d->session)
		return;
	d->session = 0;
	TAILQ_FOREACH (op, &d->w->ops, link)
		if (!op->done && op->d == d && op->act.kind == ACTION_START)
			fail(op, ERR_GONE);
	sim_post(S(d->w), &(struct farm_event){.kind = FARM_AGENT_LOST,
				  .u.agent_lost = {.device = d->id, .text = why}});
}

static void depart(struct wdev *d)
{
	struct wop *op;

	if (!d->handle)
		return;
	d->session = 0;
	TAILQ_FOREACH (op, &d->w->ops, link)
		if (!op->done && op->d == d && op->act.kind != ACTION_JUDGE)
			fail(op, ERR_GONE);
	sim_post(S(d->w), &(struct farm_event){.kind = FARM_DEVICE_GONE,
				  .u.gone = {.handle = d->handle, .text = "unplugged"}});
	d->handle = 0;
}

void world_restarted(struct world *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->devs[i].plugged)
			arrive(&w->devs[i]);
}

void world_crash(struct world *w)
{
	struct wop *op;

	TAILQ_FOREACH (op, &w->ops, link)
		op_is_done(op);
	for (int i = 0; i < w->n; i++)
		w->devs[i].handle = w->devs[i].id = w->devs[i].session = 0;
}

/* ---- attempts on the phone ---- */

static struct wattempt *find(struct wdev *d, int64_t id)
{
	for (int i = 0; i < d->n_spool; i++)
		if (d->spool[i].id == id)
			return &d->spool[i];
	return NULL;
}

static void drop(struct wdev *d, int64_t id)
{
	struct wattempt *a = find(d, id);

	if (a)
		*a = d->spool[--d->n_spool];
}

struct later {
	struct wdev *d;
	int64_t attempt, session, run_no;
};

static struct later *later(struct wdev *d, const struct wattempt *a)
{
	struct later *l = mem_zalloc(sizeof(*l));

	*l = (struct later){d, a->id, d->session, a->run_no};
	return l;
}

static void stored(void *arg)
{
	struct later *l = arg;

	if (l->d->session == l->session && find(l->d, l->attempt))
		sim_post(S(l->d->w), &(struct farm_event){.kind = FARM_ATTEMPT_STORED,
					     .u.stored.attempt = l->attempt});
	mem_free(l);
}

/* The agent says END, and its last chunks follow. */
static void say_end(struct wdev *d, struct wattempt *a)
{
	struct sim *s = S(d->w);
	bool late = !s->peace && rng_chance(&s->rng, 0.02);

	if (!d->session)
		return;
	sim_post(s, &(struct farm_event){.kind = FARM_AGENT_END,
			    .u.end = {.attempt = a->id,
				    .outcome = a->outcome,
				    .means = a->means,
				    .blame_device = rng_chance(&s->rng, 0.5),
				    .wants_logs = rng_chance(&s->rng, 0.1),
				    .cause = "as it was"}});
	if (late)
		sim_count_fault(FAULT_LATE);
	host_after(s->host, late ? rng_range(&s->rng, 200000, 600000) : rng_range(&s->rng, 0, 300),
		stored, later(d, a));
}

static void end_attempt(struct wdev *d, struct wattempt *a, enum farm_outcome means)
{
	a->running = false;
	a->means = means;
	a->outcome = means == FARM_OUTCOME_RESULT ? 0 : means == FARM_OUTCOME_CANCELLED ? 1 : 8;
	say_end(d, a);
}

static void runner_ends(void *arg)
{
	struct later *l = arg;
	struct wattempt *a = find(l->d, l->attempt);

	if (a && a->running && a->run_no == l->run_no)
		end_attempt(l->d, a,
			!S(l->d->w)->peace && rng_chance(&S(l->d->w)->rng, 0.05)
				? FARM_OUTCOME_INFRASTRUCTURE
				: FARM_OUTCOME_RESULT);
	mem_free(l);
}

static void begin_attempt(struct wdev *d, int64_t id)
{
	struct sim *s = S(d->w);
	struct wattempt *a = &d->spool[d->n_spool++];
	/* Now and then one runs into its deadline. */
	int64_t ms =
		!s->peace && rng_chance(&s->rng, 0.02) ? 3600000 : rng_range(&s->rng, 1000, 90000);

	*a = (struct wattempt){.id = id, .running = true, .run_no = ++d->w->next_run};
	if (!s->peace && rng_chance(&s->rng, 0.02)) {
		a->disobeys = true;
		sim_count_fault(FAULT_DISOBEY);
	}
	host_after(s->host, ms, runner_ends, later(d, a));
}

/* ---- what actions do ---- */

static void do_identify(struct wop *op)
{
	struct farm_identity id = {.can_expose = op->d->no % 3 == 0,
		.can_power = op->d->no % 2 == 0,
		.can_reboot = op->d->no % 4 != 1,
		.can_collect = op->d->no % 3 != 1,
		.can_detach = op->d->no % 4 != 2,
		.can_install = op->d->no % 2 == 0,
		.can_provision = op->d->no % 2 == 0,
		.is_virtual = op->d->no % 5 == 0,
		.n_attrs = 1};
	struct farm_event ev = {.u.done.identity = &id};

	snprintf(id.key, sizeof(id.key), "sim:%d", op->d->no);
	snprintf(id.name, sizeof(id.name), "phone-%d", op->d->no);
	snprintf(id.model, sizeof(id.model), "Model %d", op->d->no % 3);
	snprintf(id.abi, sizeof(id.abi), "aarch64");
	snprintf(id.attrs[0].key, LIMIT_NAME, "shelf");
	snprintf(id.attrs[0].value, LIMIT_VALUE, "%c", 'a' + op->d->no % 2);
	post_done(op, &ev, 0, "");
}

static void do_prepare(struct wop *op)
{
	struct wdev *d = op->d;
	struct farm_agent agent = {.epoch = d->epoch};
	struct farm_event ev = {.u.done.agent = &agent};

	if (!S(op->w)->peace && rng_chance(&S(op->w)->rng, 0.01)) {
		sim_count_fault(FAULT_NO_AGENT);
		done(op, ERR_UNSUPPORTED, false);
		return;
	}
	d->id = op->act.device;
	d->session = ++op->w->next_session;
	snprintf(agent.uuid, sizeof(agent.uuid), "uuid-%d", d->no);
	for (int i = 0; i < d->n_spool; i++) {
		agent.attempts[agent.n_attempts].attempt = d->spool[i].id;
		agent.attempts[agent.n_attempts++].ended = !d->spool[i].running;
	}
	post_done(op, &ev, 0, "");
	for (int i = 0; i < d->n_spool; i++)
		if (!d->spool[i].running)
			say_end(d, &d->spool[i]);
}

static void do_start(struct wop *op)
{
	struct wdev *d = op->d;
	bool busy = false;

	if (!d->session || d->n_spool == SPOOL_MAX) {
		fail(op, d->session ? ERR_NOSPACE : ERR_GONE);
		return;
	}
	if (op->act.epoch < d->epoch) {
		/* One that was given up and arrives late is fenced by its epoch; no other has an
		 * old one. */
		const struct attempt_row *a =
			farm_attempt(turn_farm(S(op->w)->turn), op->act.attempt);

		if (a && a->state != ATTEMPT_DONE)
			sim_panic(S(op->w), "START of a%lld with epoch %lld after %lld",
				(long long)op->act.attempt, (long long)op->act.epoch,
				(long long)d->epoch);
		fail(op, ERR_CONFLICT);
		return;
	}
	d->epoch = op->act.epoch;
	for (int i = 0; i < d->n_spool; i++)
		busy |= d->spool[i].running;
	if (busy) {
		fail(op, ERR_BUSY);
		return;
	}
	oracle_start(S(op->w)->oracle, &op->act);
	begin_attempt(d, op->act.attempt);
	fail(op, 0);
}

static void do_stop(struct wop *op)
{
	struct wattempt *a = find(op->d, op->act.arg);

	if (a && a->running && !a->disobeys)
		end_attempt(op->d, a, FARM_OUTCOME_CANCELLED);
	fail(op, op->d->session ? 0 : ERR_GONE);
}

static void do_judge(struct wop *op)
{
	static const struct {
		enum verdict v;
		int code;
	} answers[] = {
		{VERDICT_PASS, EXIT_PASS},
		{VERDICT_PASS, EXIT_PASS},
		{VERDICT_FAIL, EXIT_BUDGET},
		{VERDICT_FAIL, EXIT_GOLDEN},
		{VERDICT_INCONCLUSIVE, EXIT_INCONCLUSIVE},
		{VERDICT_INCONCLUSIVE, EXIT_INCONCLUSIVE},
	};
	int i = rng_range(&S(op->w)->rng, 0, 5);
	struct farm_judged j = {.verdict = answers[i].v, .exit_code = answers[i].code};
	struct farm_event ev = {.u.done.judged = &j};

	post_done(op, &ev, 0, "");
}

static void status(struct wdev *d)
{
	if (d->session)
		sim_post(S(d->w), &(struct farm_event){.kind = FARM_AGENT_STATUS,
					  .u.status = {.device = d->id,
						  .thermal_known = d->no % 4 != 3,
						  .hottest_mc = d->temp_mc}});
}

/* A run may leave it hot. */
static void do_clean(struct wop *op)
{
	struct sim *s = S(op->w);

	if (!s->peace && rng_chance(&s->rng, 0.1)) {
		sim_count_fault(FAULT_HOT);
		op->d->temp_mc = 60000;
		status(op->d);
	}
	fail(op, 0);
}

static void do_recover(struct wop *op)
{
	struct wdev *d = op->d;
	bool away = op->act.arg >= 2 && rng_chance(&S(op->w)->rng, 0.5);

	lose_session(d, "recovering");
	if (op->act.arg >= 2)
		for (int i = 0; i < d->n_spool; i++)
			if (d->spool[i].running)
				end_attempt(d, &d->spool[i], FARM_OUTCOME_INFRASTRUCTURE);
	fail(op, 0);
	if (away) {
		depart(d);
		arrive(d);
	}
}

/* The session goes with the interface, and nobody is told: it was asked for. */
static void do_detach(struct wop *op)
{
	struct wdev *d = op->d;

	d->session = 0;
	if (!S(op->w)->peace && rng_chance(&S(op->w)->rng, 0.2)) {
		done(op, ERR_IO, false);
		return;
	}
	d->let_go = true;
	done(op, 0, false);
}

static void do_attach(struct wop *op)
{
	struct wdev *d = op->d;

	if (!S(op->w)->peace && rng_chance(&S(op->w)->rng, 0.2)) {
		done(op, ERR_BUSY, false); /* the other tool still has it */
		return;
	}
	d->let_go = false;
	done(op, 0, false);
}

/* What a person asked for: half of it fails, by the package's fault or the device's. */
static void do_service(struct wop *op)
{
	bool works = S(op->w)->peace || rng_chance(&S(op->w)->rng, 0.5);

	done(op, works ? 0 : ERR_INVAL, !works && rng_chance(&S(op->w)->rng, 0.5));
}

/* A failure of it must cost nothing. */
static void do_collect(struct wop *op)
{
	bool works = rng_chance(&S(op->w)->rng, 0.5);

	oracle_logs(S(op->w)->oracle, &op->act);
	done(op, works ? 0 : ERR_IO, !works);
}

static void perform(struct wop *op)
{
	switch (op->act.kind) {
	case ACTION_IDENTIFY:
		do_identify(op);
		break;
	case ACTION_PREPARE:
		do_prepare(op);
		break;
	case ACTION_START:
		do_start(op);
		break;
	case ACTION_STOP:
		do_stop(op);
		break;
	case ACTION_JUDGE:
		do_judge(op);
		break;
	case ACTION_RECOVER:
		do_recover(op);
		break;
	case ACTION_DISCARD:
		drop(op->d, op->act.arg);
		fail(op, 0);
		break;
	case ACTION_EXPOSE:
	case ACTION_UNEXPOSE:
		op->d->exposed = op->act.kind == ACTION_EXPOSE;
		fail(op, 0);
		break;
	case ACTION_CLEAN:
		do_clean(op);
		break;
	case ACTION_COLLECT:
		do_collect(op);
		break;
	case ACTION_DETACH:
		do_detach(op);
		break;
	case ACTION_ATTACH:
		do_attach(op);
		break;
	case ACTION_INSTALL:
	case ACTION_PROVISION:
		do_service(op);
		break;
	default:
		fail(op, 0);
	}
}

static void op_due(void *arg)
{
	struct wop *op = arg;
	struct world *w = op->w;
	struct sim *s = S(w);

	if (op->stalls && !op->done)
		return; /* until it is cancelled, or the phone goes */
	if (!op->done) {
		if (!s->peace && rng_chance(&s->rng, s->p_fail)) {
			sim_count_fault(FAULT_ACTION_FAILS);
			fail(op, rng_chance(&s->rng, 0.3) ? ERR_GONE : ERR_IO);
		} else {
			perform(op);
		}
	}
	TAILQ_REMOVE(&w->ops, op, link);
	mem_free(op);
}

static struct wdev *dev_of(struct world *w, const struct farm_action *a)
{
	for (int i = 0; i < w->n; i++)
		if (w->devs[i].handle && w->devs[i].handle == a->handle)
			return &w->devs[i];
	return NULL;
}

static void cancel(struct world *w, int64_t action)
{
	struct wop *op;

	TAILQ_FOREACH (op, &w->ops, link) {
		if (op->act.id != action || op->done)
			continue;
		fail(op, ERR_CANCELLED);
		return;
	}
}

static void must_be_ours(const struct wop *op)
{
	/* What was asked before it was let go and given up may still end. */
	if (op->d && op->d->let_go && op->act.kind != ACTION_ATTACH &&
		op->act.kind != ACTION_IDENTIFY && op->act.kind != ACTION_DETACH &&
		op->act.kind != ACTION_DISCARD)
		sim_panic(S(op->w), "%s of d%lld, which was handed over",
			action_kind_name(op->act.kind), (long long)op->act.device);
}

/* Packages and settings take a phone a while, in which it meets what others do not. */
static bool is_slow(enum action_kind kind)
{
	return kind == ACTION_DETACH || kind == ACTION_ATTACH || kind == ACTION_INSTALL ||
	       kind == ACTION_PROVISION;
}

void world_action(struct world *w, const struct farm_action *a)
{
	struct sim *s = S(w);
	struct wop *op;

	if (a->cancel) {
		if (s->peace || !rng_chance(&s->rng, 0.1)) /* else it is given up in the end */
			cancel(w, a->id);
		return;
	}
	op = mem_zalloc(sizeof(*op));
	op->w = w;
	op->act = *a;
	op->d = dev_of(w, a);
	TAILQ_INSERT_TAIL(&w->ops, op, link);
	if (!op->d && a->kind != ACTION_JUDGE) {
		fail(op, ERR_GONE);
		host_after(s->host, 0, op_due, op);
		return;
	}
	must_be_ours(op);
	op->stalls = !s->peace && rng_chance(&s->rng, s->p_stall);
	if (op->stalls)
		sim_count_fault(FAULT_STALL);
	else
		host_after(s->host, rng_range(&s->rng, 0, is_slow(a->kind) ? 30000 : 2000), op_due,
			op);
}

/* ---- faults ---- */

static void replug(struct wdev *d)
{
	if (d->plugged)
		return;
	sim_count_fault(FAULT_REPLUG);
	d->plugged = true;
	arrive(d);
}

static void unplug(struct wdev *d)
{
	if (!d->plugged)
		return;
	sim_count_fault(FAULT_UNPLUG);
	d->plugged = false;
	depart(d);
}

struct ghost {
	struct world *w;
	int64_t handle;
};

static void ghost_goes(void *arg)
{
	struct ghost *g = arg;

	sim_post(S(g->w), &(struct farm_event){.kind = FARM_DEVICE_GONE,
				  .u.gone = {.handle = g->handle, .text = "it was elsewhere"}});
	mem_free(g);
}

/* It re-enumerates, and its old connection is known to be gone only a while later. */
static void move(struct wdev *d)
{
	struct ghost *g;
	struct wop *op;

	if (!d->plugged || !d->handle)
		return;
	sim_count_fault(FAULT_MOVE);
	g = mem_zalloc(sizeof(*g));
	*g = (struct ghost){d->w, d->handle};
	lose_session(d, "it re-enumerates");
	TAILQ_FOREACH (op, &d->w->ops, link)
		if (!op->done && op->d == d && op->act.kind != ACTION_JUDGE)
			fail(op, ERR_GONE);
	host_after(S(d->w)->host, rng_range(&S(d->w)->rng, 0, 30000), ghost_goes, g);
	arrive(d);
}

static void agent_crash(struct wdev *d, bool lose_spool)
{
	sim_count_fault(lose_spool ? FAULT_LOST_SPOOL : FAULT_AGENT_CRASH);
	lose_session(d, "the agent died");
	for (int i = 0; i < d->n_spool; i++)
		if (d->spool[i].running)
			end_attempt(d, &d->spool[i], FARM_OUTCOME_INFRASTRUCTURE);
	if (lose_spool)
		d->n_spool = 0;
}

static void human(struct wdev *d)
{
	bool on = rng_chance(&S(d->w)->rng, 0.5);

	if (!d->handle)
		return;
	sim_count_fault(FAULT_HUMAN);
	sim_post(S(d->w), &(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
				  .u.needs_human = {.handle = d->handle,
					  .text = on ? "allow debugging on its screen" : "",
					  .authorizing = rng_chance(&S(d->w)->rng, 0.5)}});
}

static struct wdev *in_state(struct world *w, int64_t state, int first)
{
	for (int i = 0; i < w->n; i++) {
		struct wdev *d = &w->devs[(first + i) % w->n];
		const struct device_row *row = farm_device(turn_farm(S(w)->turn), d->id);

		if (row && row->state == state && d->plugged)
			return d;
	}
	return NULL;
}

/* Any device, or one in a state that was drawn, so that rare states meet faults too: a few draws,
 * since most of the time most states have nobody in them. */
static struct wdev *pick(struct world *w)
{
	struct rng *r = &S(w)->rng;
	int first = rng_range(r, 0, w->n - 1);
	struct wdev *d = NULL;

	for (int i = 0; i < 4 && !d; i++)
		d = in_state(w, rng_range(r, 1, DEVICE_STATES_END - 1), first);
	return d ? d : &w->devs[first];
}

/* Real agents say all the time how warm they are; who never does has no idle temperature, and then is never
 * too warm. */
static void some_status(struct world *w)
{
	for (int i = 0; i < w->n; i++)
		if (rng_chance(&S(w)->rng, 0.2))
			status(&w->devs[i]);
}

void world_fault(struct world *w)
{
	struct sim *s = S(w);
	struct wdev *d = pick(w);

	some_status(w);
	switch (rng_range(&s->rng, 0, 12)) {
	case 0:
		unplug(d);
		break;
	case 1:
	case 2:
		replug(d);
		break;
	case 3:
		sim_count_fault(FAULT_SESSION);
		lose_session(d, "the cable is bad");
		break;
	case 4:
		agent_crash(d, rng_chance(&s->rng, 0.2));
		break;
	case 5:
		human(d);
		break;
	case 6:
		w->store_fails = !w->store_fails && rng_chance(&s->rng, 0.5);
		if (w->store_fails)
			sim_count_fault(FAULT_STORE_FAILS);
		memstore_set_failing(s->store, w->store_fails);
		break;
	case 7:
		sim_count_fault(FAULT_CLOCK);
		host_step_wall(s->host, rng_range(&s->rng, -3600000, 3600000));
		break;
	case 9:
		move(d);
		break;
	case 8:
		sim_count_fault(FAULT_HOT);
		d->temp_mc = 60000;
		status(d);
		break;
	default:
		if (rng_chance(&s->rng, 0.3))
			d->temp_mc = rng_range(&s->rng, 28000, 36000);
		status(d);
	}
}

void world_peace(struct world *w)
{
	struct wop *op, *next;

	memstore_set_failing(S(w)->store, false);
	for (int i = 0; i < w->n; i++) {
		struct wdev *d = &w->devs[i];

		d->temp_mc = 30000;
		replug(d);
		if (d->handle)
			sim_post(S(w), &(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
					       .u.needs_human = {.handle = d->handle, .text = ""}});
		status(d);
		for (int k = 0; k < d->n_spool; k++)
			d->spool[k].disobeys = false;
	}
	for (op = TAILQ_FIRST(&w->ops); op; op = next) {
		next = TAILQ_NEXT(op, link);
		if (op->stalls && !op->done) {
			op->stalls = false;
			host_after(S(w)->host, 0, op_due, op);
		}
	}
}
