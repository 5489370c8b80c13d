/* SPDX-License-Identifier: Apache-2.0 */
/* A phone and its agent: how it comes and goes, and the attempts that its spool keeps. */
#include "phone.h"

#include "base/mem.h"
#include "host.h"
#include "sim.h"
#include "stats.h"

/* ---- arrival and departure ---- */

void phone_arrive(struct phone *p)
{
	p->handle = ++p->w->next_handle;
	p->id = p->session = 0;
	p->let_go = false;
	sim_post(p->w->s,
		&(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
			.u.arrived = {.handle = p->handle, .driver = "sim", .where = "port"}});
}

void phone_lose_session(struct phone *p, const char *why)
{
	if (!p->session)
		return;
	p->session = 0;
	ops_gone(p, ACTION_START);
	sim_post(p->w->s, &(struct farm_event){.kind = FARM_AGENT_LOST,
				  .u.agent_lost = {.device = p->id, .text = why}});
}

void phone_depart(struct phone *p)
{
	if (!p->handle)
		return;
	p->session = 0;
	ops_gone(p, 0);
	sim_post(p->w->s, &(struct farm_event){.kind = FARM_DEVICE_GONE,
				  .u.gone = {.handle = p->handle, .text = "unplugged"}});
	p->handle = 0;
}

void phone_status(struct phone *p)
{
	if (p->session)
		sim_post(p->w->s, &(struct farm_event){.kind = FARM_AGENT_STATUS,
					  .u.status = {.device = p->id,
						  .thermal_known = p->no % 4 != 3,
						  .hottest_mc = p->temp_mc}});
}

/* ---- what its spool keeps ---- */

struct kept *phone_kept(struct phone *p, int64_t attempt)
{
	for (int i = 0; i < p->n_spool; i++)
		if (p->spool[i].id == attempt)
			return &p->spool[i];
	return NULL;
}

void phone_discard(struct phone *p, int64_t attempt)
{
	struct kept *k = phone_kept(p, attempt);

	if (k)
		*k = p->spool[--p->n_spool];
}

struct later {
	struct phone *p;
	int64_t attempt, session, start_no;
};

static struct later *later(struct phone *p, const struct kept *k)
{
	struct later *l = mem_zalloc(sizeof(*l));

	*l = (struct later){p, k->id, p->session, k->start_no};
	return l;
}

static void stored(void *arg)
{
	struct later *l = arg;

	if (l->p->session == l->session && phone_kept(l->p, l->attempt))
		sim_post(l->p->w->s, &(struct farm_event){.kind = FARM_ATTEMPT_STORED,
					     .u.stored.attempt = l->attempt});
	mem_free(l);
}

/* END, and the last chunks follow. */
void phone_say_end(struct phone *p, struct kept *k)
{
	struct sim *s = p->w->s;

	if (!p->session)
		return;
	sim_post(s, &(struct farm_event){.kind = FARM_AGENT_END,
			    .u.end = {.attempt = k->id,
				    .outcome = k->outcome,
				    .means = k->means,
				    .blame_device = k->fate.blame,
				    .wants_logs = k->fate.logs,
				    .cause = "as it was"}});
	if (k->fate.kind == FATE_LATE_DATA && !s->peace)
		stats_count(FAULT_LATE_DATA);
	host_after_own(s->host, s->peace ? 100 : k->fate.stored_ms, stored, later(p, k));
}

void phone_end(struct phone *p, struct kept *k, enum farm_outcome means)
{
	k->running = false;
	k->means = means;
	k->outcome = means == FARM_OUTCOME_RESULT ? 0 : means == FARM_OUTCOME_CANCELLED ? 1 : 8;
	phone_say_end(p, k);
}

static void runner_ends(void *arg)
{
	struct later *l = arg;
	struct kept *k = phone_kept(l->p, l->attempt);

	if (k && k->running && k->start_no == l->start_no) {
		bool breaks = k->fate.kind == FATE_BREAKS && !l->p->w->s->peace;

		if (breaks)
			stats_count(FAULT_BREAKS);
		phone_end(l->p, k, breaks ? FARM_OUTCOME_INFRASTRUCTURE : FARM_OUTCOME_RESULT);
	}
	mem_free(l);
}

void phone_begin(struct phone *p, int64_t attempt, const struct fate *fate)
{
	struct kept *k = &p->spool[p->n_spool++];

	*k = (struct kept){.id = attempt,
		.running = true,
		.disobeys = fate->kind == FATE_DISOBEYS,
		.start_no = ++p->w->next_start,
		.fate = *fate};
	if (fate->kind == FATE_LONG)
		stats_count(FAULT_LONG);
	host_after_own(p->w->s->host, fate->run_ms, runner_ends, later(p, k));
}
