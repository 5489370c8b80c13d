/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls phones, the store and the clock; each by itself, and by chance. */
#include "base/err.h"
#include "base/mem.h"
#include "host.h"
#include "memstore.h"
#include "people.h"
#include "phone.h"
#include "sim.h"
#include "stats.h"

#define STRANGE_ATTEMPT 1000000000LL /* no farm of ours gets there */

/* ---- each by itself ---- */

void world_replug(struct world *w, int no)
{
	struct phone *p = &w->phones[no];

	if (p->plugged || !p->exists)
		return;
	stats_count(FAULT_REPLUG);
	p->plugged = true;
	phone_arrive(p);
}

void world_unplug(struct world *w, int no)
{
	struct phone *p = &w->phones[no];

	if (!p->plugged)
		return;
	stats_count(FAULT_UNPLUG);
	p->plugged = false;
	phone_depart(p);
}

struct ghost {
	struct world *w;
	int64_t handle;
};

static void ghost_goes(void *arg)
{
	struct ghost *g = arg;

	sim_post(g->w->s, &(struct farm_event){.kind = FARM_DEVICE_GONE,
				  .u.gone = {.handle = g->handle, .text = "it was elsewhere"}});
	mem_free(g);
}

/* It re-enumerates, and its old connection is known to be gone only a while later. */
void world_move(struct world *w, int no, int64_t lingers_ms)
{
	struct phone *p = &w->phones[no];
	struct ghost *g;

	if (!p->plugged || !p->handle)
		return;
	stats_count(FAULT_MOVE);
	g = mem_zalloc(sizeof(*g));
	*g = (struct ghost){w, p->handle};
	phone_lose_session(p, "it re-enumerates");
	ops_gone(p, 0);
	host_after_own(w->s->host, lingers_ms, ghost_goes, g);
	phone_arrive(p);
}

void world_lose_session(struct world *w, int no)
{
	if (!w->phones[no].session)
		return;
	stats_count(FAULT_SESSION);
	phone_lose_session(&w->phones[no], "the cable is bad");
}

void world_agent_dies(struct world *w, int no, bool with_spool)
{
	struct phone *p = &w->phones[no];

	stats_count(with_spool ? FAULT_LOST_SPOOL : FAULT_AGENT_CRASH);
	phone_lose_session(p, "the agent died");
	for (int i = 0; i < p->n_spool; i++)
		if (p->spool[i].running)
			phone_end(p, &p->spool[i], FARM_OUTCOME_INFRASTRUCTURE);
	if (with_spool)
		p->n_spool = 0;
}

/* A driver that has let go of a phone cannot tell what it lacks, but for one that is taking it back. */
static bool driver_has_it(const struct phone *p)
{
	const struct op *op;

	TAILQ_FOREACH (op, &p->w->ops, link)
		if (op->p == p && !op->done && op->act.kind == ACTION_ATTACH)
			return true;
	return !p->let_go;
}

void world_needs_human(struct world *w, int no, const char *text, bool may_pass)
{
	struct phone *p = &w->phones[no];

	if (!p->handle || !driver_has_it(p))
		return;
	p->let_go = false;
	stats_count(FAULT_HUMAN);
	sim_post(
		w->s, &(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
			      .u.needs_human = {
				      .handle = p->handle, .text = text, .authorizing = may_pass}});
}

void world_temperature(struct world *w, int no, int32_t mc)
{
	if (mc > 50000)
		stats_count(FAULT_HOT);
	w->phones[no].temp_mc = mc;
	phone_status(&w->phones[no]);
}

/* What another farm left in the spool, or this one before it was restored from a backup. */
void world_stray(struct world *w, int no, int64_t attempt)
{
	struct phone *p = &w->phones[no];

	if (p->session || p->n_spool == SPOOL_MAX || phone_kept(p, attempt))
		return; /* an agent tells at the beginning of a session what it has */
	stats_count(FAULT_STRAY);
	p->spool[p->n_spool++] = (struct kept){.id = attempt, .means = FARM_OUTCOME_RESULT};
}

void world_epoch(struct world *w, int no, int64_t epoch)
{
	struct phone *p = &w->phones[no];

	if (p->session || epoch <= p->epoch)
		return; /* only while nobody looks */
	stats_count(FAULT_EPOCH);
	p->epoch = epoch;
}

/* ---- by chance ---- */

static struct phone *in_state(struct world *w, int64_t state, int first)
{
	for (int i = 0; i < w->n; i++) {
		struct phone *p = &w->phones[(first + i) % w->n];
		const struct device_row *row = farm_device(turn_farm(w->s->turn), p->id);

		if (row && row->state == state && p->plugged)
			return p;
	}
	return NULL;
}

/* Any device, or one in a state that was drawn, so that rare states meet faults too: a few draws,
 * since most of the time most states have nobody in them. The two rarest are looked for. */
static struct phone *pick(struct world *w, struct rng *r)
{
	int first = rng_range(r, 0, w->n - 1);
	int64_t rarest = rng_chance(r, 0.5) ? DEVICE_SERVICE : DEVICE_COOLING;
	struct phone *p = rng_chance(r, 0.3) ? in_state(w, rarest, first) : NULL;

	for (int i = 0; i < 4; i++) {
		int64_t state = rng_range(r, 1, DEVICE_STATES_END - 1);

		if (!p)
			p = in_state(w, state, first);
	}
	return p ? p : &w->phones[first];
}

/* Real agents say all the time how warm they are; who never does has no idle temperature, and then is never
 * too warm. */
static void some_status(struct world *w, struct rng *r)
{
	for (int i = 0; i < w->n; i++)
		if (rng_chance(r, 0.2))
			phone_status(&w->phones[i]);
}

static void fault_human(struct world *w, struct phone *p, struct rng *r)
{
	bool on = rng_chance(r, 0.5);

	world_needs_human(w, p->no, on ? "allow debugging on its screen" : "", rng_chance(r, 0.5));
}

static void store_works(void *arg)
{
	memstore_set_failing(arg, 0);
}

static void fault_store(struct world *w, struct rng *r)
{
	static const int rcs[] = {ERR_NOSPACE, ERR_IO, ERR_BUSY};
	bool once = rng_chance(r, 0.3);

	if (w->store_rc || w->store_slow) { /* whatever it was is over */
		w->store_rc = 0;
		w->store_slow = false;
		memstore_set_failing(w->s->store, 0);
		memstore_set_slow(w->s->store, 0);
	} else if (rng_chance(r, 0.3)) {
		stats_count(FAULT_STORE_SLOW);
		w->store_slow = true;
		memstore_set_slow(w->s->store, rng_range(r, 500, 5000));
	} else {
		stats_count(once ? FAULT_STORE_ONCE : FAULT_STORE_FAILS);
		w->store_rc = once ? 0 : rcs[rng_next(r) % 3];
		memstore_set_failing(w->s->store, rcs[rng_next(r) % 3]);
		if (once)
			host_after(w->s->host, rng_range(r, 1, 900), store_works, w->s->store);
	}
}

static void fault_clock(struct world *w, struct rng *r)
{
	int64_t ms = rng_range(r, -3600000, 3600000);

	stats_count(ms < 0 ? FAULT_CLOCK_BACK : FAULT_CLOCK_ON);
	sim_tell(w->s, "the clock is set by %lld s", (long long)(ms / 1000));
	host_step_wall(w->s->host, ms);
}

static void fault_agent(struct world *w, struct phone *p, struct rng *r)
{
	if (rng_chance(r, 0.1))
		world_stray(w, p->no, STRANGE_ATTEMPT + rng_range(r, 0, 1000));
	else if (rng_chance(r, 0.1))
		world_epoch(w, p->no, p->epoch + rng_range(r, 1, 5));
	else
		world_agent_dies(w, p->no, rng_chance(r, 0.2));
}

static void fault_warm(struct world *w, struct phone *p, struct rng *r)
{
	int32_t mc = p->temp_mc;

	if (rng_chance(r, 0.3))
		mc = rng_range(r, 28000, 36000);
	world_temperature(w, p->no, mc);
}

void world_fault(struct world *w, int64_t number)
{
	struct rng r = chance_rng(w->s->chance, SERIES_FAULT, number);
	struct phone *p = pick(w, &r);

	some_status(w, &r);
	if (rng_chance(&r, 0.0001)) {
		people_flood(w->s->people);
		return;
	}
	switch (rng_range(&r, 0, 12)) {
	case 0:
		world_unplug(w, p->no);
		break;
	case 1:
	case 2:
		world_replug(w, p->no);
		break;
	case 3:
		world_lose_session(w, p->no);
		break;
	case 4:
		fault_agent(w, p, &r);
		break;
	case 5:
		fault_human(w, p, &r);
		break;
	case 6:
		fault_store(w, &r);
		break;
	case 7:
		fault_clock(w, &r);
		break;
	case 8:
		world_temperature(w, p->no, 60000);
		break;
	case 9:
		world_move(w, p->no, rng_range(&r, 0, 30000));
		break;
	default:
		fault_warm(w, p, &r);
	}
}
