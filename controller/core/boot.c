/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a restart nothing old is believed. Devices are absent until they arrive; a run that was on
 * a device is reattaching until its agent answers or a deadline passes; what had not been started
 * is
 * queued again; what was stored completely is judged. Of a store that came out of a backup what was on a
 * device is queued again too.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/json.h"
#include "base/map.h"
#include "core/select.h"

static void boot_device(struct farm *f, struct device *d)
{
	if (d->row.key[0] == '?' && !*d->row.detached_by) {
		d->ent.deleted = d->ent.forget = true;
		ent_touch(f, &d->ent);
		return;
	}
	if (d->row.key[0] == '?')
		device_keep_unknown(f, d);
	if (d->row.link != LINK_DOWN) {
		d->row.link = LINK_DOWN;
		ent_touch(f, &d->ent);
	}
	if (d->row.state == DEVICE_QUARANTINED) {
		if (f->cfg.quarantine_recheck_ms)
			timer_set(f, &d->timer, f->cfg.quarantine_recheck_ms);
	} else if (d->row.state != DEVICE_ABSENT && d->row.state != DEVICE_RETIRED) {
		device_set_state(f, d, DEVICE_ABSENT, "the controller was restarted");
	}
}

/* Time that was left on the wall, which may have been set meanwhile, within what is possible. */
static int64_t left_ms(const struct farm *f, const struct lease *l, int64_t most)
{
	int64_t left = l->row.expires_ms - f->now.wall_ms;

	return left < 0 ? 0 : left > most ? most : left;
}

static void wire_lease(struct farm *f, struct lease *l)
{
	struct job *j = map_get(f->jobs, l->row.job);

	l->device = map_get(f->devices, l->row.device);
	if (l->row.state != LEASE_WAITING) {
		assert(l->device && !l->device->lease);
		l->device->lease = l;
	}
	if (l->row.state == LEASE_RELEASING || !j || l->row.slot >= j->n_slots)
		return;
	l->job = j;
	j->slots[l->row.slot].lease = l;
	j->slots[l->row.slot].device = l->row.device;
}

/* Begins anew, without a retry being counted: what had not been given to the agent, and what has gone on
 * behind a backup. */
static void drop(struct farm *f, struct attempt *a, const char *cause)
{
	struct run *r = a->run;

	a->row.failure = FAILURE_INFRASTRUCTURE;
	a->row.spool = 0; /* what its agent may hold belongs to nobody any more, and is discarded */
	attempt_set_state(f, a, ATTEMPT_DONE);
	a->ent.forget = true;
	r->attempt = NULL;
	if (r->job->row.cancel_asked)
		run_end(f, r, RUN_CANCELLED, FAILURE_CANCELLED, r->job->row.cause);
	else
		run_set_state(f, r, RUN_QUEUED, cause);
}

/* What it was being stopped for, as far as that is stored: it is stopped again when its agent answers. */
static enum stop_why why_stopped(const struct farm *f, const struct attempt *a)
{
	const struct lease *l = map_get(f->leases, a->row.lease);

	if (a->run->job->row.cancel_asked)
		return STOP_CANCEL;
	return l && l->row.ending ? STOP_LEASE : STOP_NONE;
}

static void boot_run(struct farm *f, struct run *r)
{
	struct attempt *a = r->attempt;

	if (!a) {
		/* Its round was counted and the next had not begun. */
		assert(run_is_final(r->row.state) || r->row.state == RUN_QUEUED);
		return;
	}
	switch (a->row.state) {
	case ATTEMPT_STAGING:
		drop(f, a, "the controller was restarted");
		return;
	case ATTEMPT_STORED:
		if (r->row.state != RUN_COLLECTING)
			run_set_state(f, r, RUN_COLLECTING, NULL);
		r->action =
			action_issue(f, ACTION_JUDGE, NULL, NULL, a, r->row.id, 0, f->cfg.judge_ms);
		return;
	default:
		/* Its agent was told that samples are stored which are not here: it does not send them again,
		 * and what it sends does not follow. */
		if (a->row.id <= f->restored_to) {
			drop(f, a, "the farm was restored from a backup");
			return;
		}
		if (r->row.state != RUN_REATTACHING)
			run_set_state(f, r, RUN_REATTACHING, "the controller was restarted");
		a->stopping = why_stopped(f, a);
		a->deadline_at = f->now.mono_ms + r->job->deadline_ms[r->row.variant];
		timer_set(f, &a->timer, f->cfg.reattach_ms);
		return;
	}
}

static void boot_reservation(struct farm *f, struct lease *l)
{
	struct jobspec_selector sel = {0};

	if (l->row.state == LEASE_WAITING) {
		selector_parse(rstr_text(l->row.selector), rstr_len(l->row.selector), &sel, NULL);
		lease_enqueue(f, l, &sel);
	} else if (l->row.state != LEASE_RELEASING) {
		timer_set(f, &l->timer, left_ms(f, l, l->row.for_ms));
	}
}

static void boot_lease(struct farm *f, struct lease *l)
{
	const int64_t day = 24LL * 3600 * 1000;
	bool live = false;

	if (l->row.kind == LEASE_RESERVATION) {
		boot_reservation(f, l);
		return;
	}
	if (l->row.state == LEASE_RELEASING)
		return;
	for (int v = 0; l->job && v < l->job->n_variants; v++)
		live |= l->job->runs[l->row.slot * l->job->n_variants + v]->attempt != NULL;
	if (live)
		timer_set(f, &l->timer, f->cfg.reattach_ms + left_ms(f, l, day));
	else
		lease_end(f, l, LEASE_RELEASED, "the controller was restarted");
}

#define EACH(map, type, fn)                                                                        \
	do {                                                                                       \
		for (struct map_item *it = map_first(f->map); it; it = map_next(it))               \
			fn(f, (struct type *)map_value(it));                                       \
	} while (0)

void farm_boot(struct farm *f)
{
	assert(!f->booted);
	f->booted = true;
	EACH(leases, lease, wire_lease);
	EACH(devices, device, boot_device);
	EACH(runs, run, boot_run);
	EACH(leases, lease, boot_lease);
	EACH(jobs, job, job_requeue);
}
