/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the farm does about a device that fails: the recovery ladder (try again, a new session,
 * power,
 * reboot; each behind a longer back-off), and quarantine when it keeps failing. Rungs that would
 * kill
 * a measurement are not climbed while one may still be alive on the device.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/str.h"

enum rung { RUNG_RETRY, RUNG_SESSION, RUNG_POWER, RUNG_REBOOT, RUNGS };

/* Something may be measuring on it. */
static bool held(const struct device *d)
{
	return d->lease && d->lease->row.state != LEASE_RELEASING;
}

static bool rung_possible(const struct device *d, int rung)
{
	switch (rung) {
	case RUNG_POWER:
		return d->can_power && !held(d);
	case RUNG_REBOOT:
		return d->can_reboot && !held(d);
	default:
		return true;
	}
}

void device_blame(struct farm *f, struct device *d, const char *cause)
{
	str_copy(d->row.need, sizeof(d->row.need), cause);
	d->row.failures++;
	ent_touch(f, &d->ent);
}

/* Once nothing measures on a device any more, a new session stops the agent too, which was not tried
 * while it was spared: it gets that one chance, however often it failed before. */
static void to_recovering(struct farm *f, struct device *d, const char *cause)
{
	bool chance = d->spared && !held(d);
	int rung = chance ? RUNG_SESSION : d->row.rung;

	d->spared = held(d);
	while (rung < RUNGS && !rung_possible(d, rung))
		rung++;
	if (rung >= RUNGS)
		rung = d->lease ? RUNG_SESSION : RUNGS;
	if (rung >= RUNGS || (d->row.failures >= f->cfg.max_failures && !held(d) && !chance)) {
		device_set_state(f, d, DEVICE_RECOVERING, cause);
		device_quarantine(f, d, cause);
		return;
	}
	d->row.rung = rung;
	device_set_state(f, d, DEVICE_RECOVERING, cause);
	if (device_take_need(f, d))
		return;
	timer_set(f, &d->timer, f->cfg.backoff_ms[rung]);
}

void device_fail(struct farm *f, struct device *d, bool blame, const char *cause)
{
	if (blame)
		device_blame(f, d, cause);
	/* Without a connection arrival begins anew; with an action under way its end decides. */
	if (!d->handle || d->action)
		return;
	/* Who mends it already, or must, goes on. */
	if (d->row.state == DEVICE_RECOVERING || d->row.state == DEVICE_QUARANTINED ||
		d->row.state == DEVICE_NEEDS_HUMAN || d->row.state == DEVICE_AUTHORIZING)
		return;
	str_copy(d->row.need, sizeof(d->row.need), cause);
	to_recovering(f, d, cause);
}

void device_recover_step(struct farm *f, struct device *d)
{
	assert(d->row.state == DEVICE_RECOVERING && !d->action);
	if (d->row.rung == RUNG_RETRY)
		device_recovered(f, d);
	else
		d->action = action_issue(f, ACTION_RECOVER, d, held(d) ? d->lease : NULL, NULL, 0,
			d->row.rung, f->cfg.recover_ms);
}

/* Whatever the rung brought: identifying tells, and the next failure climbs one further. */
void device_recovered(struct farm *f, struct device *d)
{
	d->row.rung++;
	ent_touch(f, &d->ent);
	device_identify(f, d);
}

void device_quarantine(struct farm *f, struct device *d, const char *cause)
{
	struct lease *l = d->lease;

	if (d->row.state == DEVICE_QUARANTINED || d->row.state == DEVICE_RETIRED)
		return;
	str_copy(d->row.need, sizeof(d->row.need), cause ? cause : "");
	d->quarantine_asked = true;
	ent_touch(f, &d->ent);
	if (l && l->row.state != LEASE_RELEASING) {
		/* What runs is stopped in order; the device is quarantined when it is clean. */
		lease_end(f, l, LEASE_REVOKED, cause);
		l = d->lease;
		if (d->row.state != DEVICE_RECOVERING || (l && l->row.state != LEASE_RELEASING))
			return;
	}
	if (!farm_device_may(d->row.state, DEVICE_QUARANTINED))
		return;
	if (d->action) {
		action_cancel(f, d->action);
		d->action = 0;
	}
	device_set_state(f, d, DEVICE_QUARANTINED, cause);
	d->quarantine_asked = false;
	if (l)
		lease_finish(f, l);
	if (f->cfg.quarantine_recheck_ms)
		timer_set(f, &d->timer, f->cfg.quarantine_recheck_ms);
}
