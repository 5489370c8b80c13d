/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device manager's side of agent sessions: what agents say becomes events for the turn, what
 * the
 * core wants of an attempt becomes a command.
 */
#include "farm/devmgr_internal.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/ingest.h"
#include "farm/turn.h"

/* ---- what the agent says ---- */

static void on_welcome(void *arg, int rc, const char *text, const struct msg_welcome *w)
{
	struct dev *d = arg;
	struct task *t = d->preparing;
	char why[LIMIT_CAUSE];

	str_copy(why, sizeof(why), text); /* it is the session's, which goes */
	if (w) {
		d->protocol = w->version;
		str_copy_clean(d->boot_id, sizeof(d->boot_id), w->kernel_boot_id,
			sizeof(w->kernel_boot_id));
		str_copy_clean(d->protections, sizeof(d->protections), w->protections,
			sizeof(w->protections));
		str_copy_clean(d->agent_version, sizeof(d->agent_version), w->agent_version,
			sizeof(w->agent_version));
		log_info("event=agent_up device=d%lld boot=%016llx attempts=%u protections=\"%s\"",
			(long long)d->id, (unsigned long long)w->agent_boot, w->n_attempts,
			d->protections);
	} else {
		agent_end_session(d);
	}
	if (t)
		task_welcome(t, rc, why, w);
}

static void on_lost(void *arg, const char *text)
{
	struct dev *d = arg;
	char why[LIMIT_CAUSE];

	str_copy(why, sizeof(why), text); /* it is the session's, which goes */
	log_warn("event=agent_lost device=d%lld cause=\"%s\"", (long long)d->id, why);
	agent_end_session(d);
	turn_post(d->m->turn, &(struct farm_event){.kind = FARM_AGENT_LOST,
				      .u.agent_lost = {.device = d->id, .text = why}});
}

static void on_status(void *arg, const struct msg_status *st)
{
	struct dev *d = arg;

	turn_post(d->m->turn, &(struct farm_event){.kind = FARM_AGENT_STATUS,
				      .u.status = {.device = d->id,
					      .thermal_known = st->thermal_known,
					      .hottest_mc = st->hottest_mc}});
	d->m->ops.status(d->m->arg, d->id, st);
}

static void on_started(void *arg, int64_t action, int rc, const char *text, bool blame_device)
{
	struct dev *d = arg;
	struct task *t = task_find(d->m, action);
	struct staged *s;
	struct farm_event ev = {0};

	if (!t)
		return; /* given up */
	s = map_get(d->m->staged, t->act.attempt);
	ev.u.done.record = rstr_ref(s ? s->record : NULL);
	devmgr_drop_staged(d->m, t->act.attempt);
	task_finish(t, rc, text, blame_device, &ev);
	rstr_unref(ev.u.done.record);
}

static enum farm_outcome meaning_of(uint16_t outcome, bool *ret_blame)
{
	*ret_blame = outcome == OUTCOME_STORAGE || outcome == OUTCOME_INTERNAL;
	switch (outcome) {
	case OUTCOME_OK:
	case OUTCOME_GOLDEN:
	case OUTCOME_MODEL:
	case OUTCOME_CRASH:
	case OUTCOME_HANG:
	case OUTCOME_MEMORY:
		return FARM_OUTCOME_RESULT;
	case OUTCOME_CANCELLED:
		return FARM_OUTCOME_CANCELLED;
	}
	return FARM_OUTCOME_INFRASTRUCTURE;
}

static void on_ended(void *arg, const struct msg_end *end)
{
	struct dev *d = arg;
	struct farm_event ev = {.kind = FARM_AGENT_END};
	char cause[LIMIT_CAUSE];

	str_copy_clean(cause, sizeof(cause), end->cause, sizeof(end->cause));
	ev.u.end.attempt = end->attempt;
	ev.u.end.outcome = end->outcome;
	ev.u.end.means = meaning_of(end->outcome, &ev.u.end.blame_device);
	ev.u.end.wants_logs = end->outcome == OUTCOME_CRASH || end->outcome == OUTCOME_HANG ||
	                      end->outcome == OUTCOME_MEMORY;
	ev.u.end.cause = cause;
	turn_post(d->m->turn, &ev);
}

static bool knows(void *arg, int64_t attempt, bool *ret_late)
{
	struct dev *d = arg;
	const struct attempt_row *a = farm_attempt(turn_farm(d->m->turn), attempt);

	if (!a || a->device != d->id)
		return false;
	*ret_late = a->state == ATTEMPT_DONE;
	return true;
}

static const struct session_ops session_ops = {
	.welcome = on_welcome,
	.lost = on_lost,
	.status = on_status,
	.started = on_started,
	.ended = on_ended,
	.knows = knows,
};

void agent_start_session(struct dev *d, struct stream *stream, int64_t epoch)
{
	struct session_config cfg = {.secret = d->secret, .farm_id = d->m->farm_id, .epoch = epoch};

	d->session = session_new(&d->m->env, stream, d->m->ingest, &cfg, &session_ops, d);
}

/* START commands that wait for the agent's word end with the session: nobody knows whether they
 * were taken. */
void agent_end_session(struct dev *d)
{
	struct session *s = d->session;
	struct task *t, *next;

	d->session = NULL;
	if (!s)
		return;
	session_free(s);
	for (t = TAILQ_FIRST(&d->m->tasks); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->dev == d && t->act.kind == ACTION_START)
			task_finish(t, ERR_GONE, "the session ended", false, NULL);
	}
}

/* ---- what the core wants ---- */

static int give_command(struct dev *d, const struct farm_action *a)
{
	const struct staged *s;

	switch (a->kind) {
	case ACTION_START:
		s = map_get(d->m->staged, a->attempt);
		if (!s)
			return ERR_NOTFOUND;
		return session_start(
			d->session, a->id, a->attempt, a->epoch, a->ttl_ms, s->plan, s->plan_len);
	case ACTION_STOP:
		return session_stop(d->session, a->arg, a->epoch, "told by the controller");
	default:
		return session_discard(d->session, a->arg);
	}
}

void agent_command(struct devmgr *m, const struct farm_action *a)
{
	struct task *t = mem_zalloc(sizeof(*t));
	int rc;

	t->m = m;
	t->act = *a;
	t->act.more = NULL;
	t->dev = devmgr_dev(m, a->handle);
	TAILQ_INSERT_TAIL(&m->tasks, t, link);
	rc = t->dev && t->dev->session ? give_command(t->dev, a) : ERR_GONE;
	if (rc || a->kind != ACTION_START)
		task_finish(t, rc, rc ? "the agent is out of reach" : "", false, NULL);
}

struct rstr *agent_record(const struct dev *d, const struct makeplan *p, const char *job_sha256)
{
	struct json *o = json_new_object();
	struct rstr *s;
	char *text;

	json_add_str(o, "model_sha256", p->plan.model_sha256);
	json_add_str(o, "runner", p->plan.runner);
	json_add_str(o, "runner_sha256", p->plan.runner_sha256);
	json_add_str(o, "runtime_sha256", p->plan.runtime_sha256);
	json_add_str(o, "agent_sha256", d->agent_sha256);
	json_add_str(o, "agent_version", d->agent_version);
	json_add_str(o, "job_sha256", job_sha256);
	json_add_str(o, "os", d->identity.os);
	json_add_str(o, "fingerprint", d->identity.fingerprint);
	json_add_str(o, "boot_id", d->boot_id);
	json_add_str(o, "context", "shell");
	json_add_bool(o, "virtual", d->identity.caps & DRIVER_CAP_VIRTUAL);
	json_add_str(o, "protections", d->protections);
	text = json_print(o, false);
	s = rstr_new(text, strlen(text));
	mem_free(text);
	json_free(o);
	return s;
}
