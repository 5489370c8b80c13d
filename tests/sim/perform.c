/* SPDX-License-Identifier: Apache-2.0 */
/* What each action does to a phone, once its time has come and unless it fails. */
#include <stdio.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "oracle.h"
#include "phone.h"
#include "sim.h"
#include "stats.h"

/* Devices of several kinds: what one can do goes by its number. */
static void do_identify(struct op *op)
{
	int no = op->p->no;
	struct farm_identity id = {.can_expose = no % 3 == 0,
		.can_power = no % 2 == 0,
		.can_reboot = no % 4 != 1,
		.can_collect = no % 3 != 1,
		.can_detach = no % 4 != 2,
		.can_install = no % 2 == 0,
		.can_provision = no % 2 == 0,
		.is_virtual = no % 5 == 0,
		.n_attrs = 1};
	struct farm_event ev = {.u.done.identity = &id};

	snprintf(id.key, sizeof(id.key), "sim:%d", no);
	snprintf(id.name, sizeof(id.name), "phone-%d", no);
	snprintf(id.model, sizeof(id.model), "Model %d", no % 3);
	snprintf(id.abi, sizeof(id.abi), "aarch64");
	snprintf(id.attrs[0].key, LIMIT_NAME, "shelf");
	snprintf(id.attrs[0].value, LIMIT_VALUE, "%c", 'a' + no % 2);
	op_tell(op, &ev);
}

static void do_prepare(struct op *op)
{
	struct phone *p = op->p;
	struct farm_agent agent = {.epoch = p->epoch};
	struct farm_event ev = {.u.done.agent = &agent};

	if (op->fate.kind == FATE_NO_AGENT && !op->w->s->peace) {
		stats_count(FAULT_NO_AGENT);
		op_done(op, ERR_UNSUPPORTED, false);
		return;
	}
	ops_gone(p, ACTION_START); /* a START goes with its session */
	p->id = op->act.device;
	p->session = ++op->w->next_session;
	snprintf(agent.uuid, sizeof(agent.uuid), "uuid-%d", p->no);
	for (int i = 0; i < p->n_spool; i++) {
		agent.attempts[agent.n_attempts].attempt = p->spool[i].id;
		agent.attempts[agent.n_attempts++].ended = !p->spool[i].running;
	}
	op_tell(op, &ev);
	for (int i = 0; i < p->n_spool; i++)
		if (!p->spool[i].running)
			phone_say_end(p, &p->spool[i]);
}

/* An action that was given up and arrives late is fenced by its epoch; no other has an old one. */
static bool is_fenced(const struct op *op)
{
	const struct attempt_row *a = farm_attempt(turn_farm(op->w->s->turn), op->act.attempt);

	if (op->act.epoch >= op->p->epoch)
		return false;
	if (a && a->state != ATTEMPT_DONE)
		sim_panic(op->w->s,
			"a command carries the newest epoch: START of a%lld has %lld, "
			"after %lld",
			(long long)op->act.attempt, (long long)op->act.epoch,
			(long long)op->p->epoch);
	return true;
}

static bool is_busy(const struct phone *p)
{
	for (int i = 0; i < p->n_spool; i++)
		if (p->spool[i].running)
			return true;
	return false;
}

static void do_start(struct op *op)
{
	struct phone *p = op->p;

	if (!p->session || p->n_spool == SPOOL_MAX) {
		op_done(op, p->session ? ERR_NOSPACE : ERR_GONE, false);
		return;
	}
	if (is_fenced(op)) {
		op_done(op, ERR_CONFLICT, false);
		return;
	}
	p->epoch = op->act.epoch;
	if (is_busy(p)) {
		op_done(op, ERR_BUSY, op->fate.blame);
		return;
	}
	oracle_start(op->w->s->oracle, &op->act);
	phone_begin(p, op->act.attempt, &op->fate);
	op_done(op, 0, false);
}

static void do_stop(struct op *op)
{
	struct kept *k = phone_kept(op->p, op->act.arg);

	if (k && k->running && k->disobeys)
		stats_count(FAULT_DISOBEY);
	else if (k && k->running)
		phone_end(op->p, k, FARM_OUTCOME_CANCELLED);
	op_done(op, op->p->session ? 0 : ERR_GONE, false);
}

static void do_judge(struct op *op)
{
	static const struct farm_judged answers[] = {
		[JUDGED_PASS] = {.verdict = VERDICT_PASS, .exit_code = EXIT_PASS},
		[JUDGED_SLOW] = {.verdict = VERDICT_FAIL, .exit_code = EXIT_BUDGET},
		[JUDGED_WRONG] = {.verdict = VERDICT_FAIL, .exit_code = EXIT_GOLDEN},
		[JUDGED_INCONCLUSIVE] = {.verdict = VERDICT_INCONCLUSIVE,
			.exit_code = EXIT_INCONCLUSIVE},
	};
	struct farm_judged judged = answers[op->fate.judged];
	struct farm_event ev = {.u.done.judged = &judged};

	op_tell(op, &ev);
}

/* A run may leave it hot. */
static void do_clean(struct op *op)
{
	if (op->fate.kind == FATE_HOT && !op->w->s->peace) {
		stats_count(FAULT_HOT);
		op->p->temp_mc = 60000;
		phone_status(op->p);
	}
	op_done(op, 0, false);
}

static void do_recover(struct op *op)
{
	struct phone *p = op->p;
	bool strong = op->act.arg >= 2; /* power, reboot: what runs ends */

	phone_lose_session(p, "recovering");
	for (int i = 0; i < p->n_spool && strong; i++)
		if (p->spool[i].running)
			phone_end(p, &p->spool[i], FARM_OUTCOME_INFRASTRUCTURE);
	op_done(op, 0, false);
	if (strong && op->fate.away) {
		phone_depart(p);
		phone_arrive(p);
	}
}

static void do_detach(struct op *op)
{
	/* The session goes with the interface, and nobody is told: it was asked for. */
	op->p->session = 0;
	op->p->let_go = true;
	op_done(op, 0, false);
}

static void do_attach(struct op *op)
{
	op->p->let_go = false;
	op_done(op, 0, false);
}

static void do_collect(struct op *op)
{
	oracle_logs(op->w->s->oracle, &op->act);
	op_done(op, 0, false);
}

static void do_discard(struct op *op)
{
	phone_discard(op->p, op->act.arg);
	op_done(op, 0, false);
}

static void do_expose(struct op *op)
{
	op->p->exposed = op->act.kind == ACTION_EXPOSE;
	op_done(op, 0, false);
}

void op_perform(struct op *op)
{
	static void (*const does[ACTION_KINDS_END])(struct op * op) = {
		[ACTION_IDENTIFY] = do_identify,
		[ACTION_PREPARE] = do_prepare,
		[ACTION_START] = do_start,
		[ACTION_STOP] = do_stop,
		[ACTION_JUDGE] = do_judge,
		[ACTION_CLEAN] = do_clean,
		[ACTION_RECOVER] = do_recover,
		[ACTION_DISCARD] = do_discard,
		[ACTION_EXPOSE] = do_expose,
		[ACTION_UNEXPOSE] = do_expose,
		[ACTION_COLLECT] = do_collect,
		[ACTION_DETACH] = do_detach,
		[ACTION_ATTACH] = do_attach,
	};

	if (does[op->act.kind])
		does[op->act.kind](op);
	else
		op_done(op, 0, false); /* STAGE, INSTALL, PROVISION: nothing to be seen of them */
}
